using System.Diagnostics;
using System.Text;
using RunProof.Format;
using RunProof.Generators.Tests.Samples;

namespace RunProof.Generators.Tests.Properties;

/// <summary>Bytes that were made to hurt: read or refused in time and memory that grow with what is there, and never with what is claimed.</summary>
public sealed class Hostile
{
    private const int Size = 10_000_000;

    /// <summary>Generous, for a busy machine; what is quadratic takes hours.</summary>
    private static readonly TimeSpan InTime = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData("x")]
    [InlineData("\\n")]
    [InlineData("\\u0001")]
    [InlineData("é")]
    [InlineData("😀\\\"")]
    public void A_string_of_ten_megabytes_is_read(string piece)
    {
        var text = string.Concat(Enumerable.Repeat(piece, Size / Encoding.UTF8.GetByteCount(piece)));
        Assert.NotNull(Bounded<EchoOutcome>("{\"message\":\"" + text + "\"}", timesInput: 5));
    }

    [Theory]
    [InlineData("{\"message\":\"", "x", "", ReadFaultCode.EndOfInput)]
    [InlineData("{\"message\":\"", "\\n", "", ReadFaultCode.EndOfInput)]
    [InlineData("{\"message\":\"", "\\n", "\\", ReadFaultCode.NotCanonicalString)]
    [InlineData("{\"message\":\"", "x", "\n\"}", ReadFaultCode.NotCanonicalString)]
    [InlineData("{\"message\":\"", "\\\"", "\\/\"}", ReadFaultCode.NotCanonicalString)]
    [InlineData("{\"message\":", "[", "", ReadFaultCode.UnexpectedBytes)]
    public void Ten_megabytes_that_are_refused_cost_nothing(string begin, string piece, string end, ReadFaultCode code) =>
        Assert.Equal(code, Refused<EchoOutcome>(begin + string.Concat(Enumerable.Repeat(piece, Size / piece.Length)) + end));

    [Theory]
    [InlineData("9", ReadFaultCode.OutOfRange)]
    [InlineData("0", ReadFaultCode.NotCanonicalNumber)]
    [InlineData("-", ReadFaultCode.NotCanonicalNumber)]
    [InlineData("1e", ReadFaultCode.NotCanonicalNumber)]
    public void A_number_of_ten_megabytes_is_refused_by_its_beginning(string piece, ReadFaultCode code) =>
        Assert.Equal(code, Refused<Count>("{\"value\":" + string.Concat(Enumerable.Repeat(piece, Size / piece.Length)) + "}"));

    [Theory]
    [InlineData("[", ReadFaultCode.TooDeep)]
    [InlineData("{\"a\":", ReadFaultCode.TooDeep)]
    [InlineData("\"a\",", ReadFaultCode.UnexpectedBytes)]
    [InlineData("1", ReadFaultCode.NotCanonicalNumber)]
    public void JSON_of_ten_megabytes_is_refused_where_it_must_be(string piece, ReadFaultCode code)
    {
        var valid = Encoding.UTF8.GetString(CanonicalBytes.Of(Values.Scalars));
        Assert.Equal(code, Refused<Scalars>(valid.Replace("{\"a\":[1,null]}", string.Concat(Enumerable.Repeat(piece, Size / piece.Length)), StringComparison.Ordinal)));
    }

    [Fact]
    public void JSON_of_ten_megabytes_is_read()
    {
        var valid = Encoding.UTF8.GetString(CanonicalBytes.Of(Values.Scalars));
        var items = "[" + string.Join(',', Enumerable.Repeat("{\"\\n\":1.5,\"a\":[\"b\",null]}", Size / 26)) + "]";
        Assert.NotNull(Bounded<Scalars>(valid.Replace("{\"a\":[1,null]}", items, StringComparison.Ordinal), timesInput: 4));
    }

    [Fact]
    public void A_list_of_ten_megabytes_takes_what_its_items_take()
    {
        var valid = Encoding.UTF8.GetString(CanonicalBytes.Of(Values.Collections));
        var items = string.Join(',', Enumerable.Repeat("null", Size / 5));
        Assert.NotNull(Bounded<Collections>(valid.Replace("\"list\":[1,null,-1]", "\"list\":[" + items + "]", StringComparison.Ordinal), timesInput: 8));
        Assert.Equal(ReadFaultCode.UnexpectedBytes, Refused<Collections>(valid.Replace("\"list\":[1,null,-1]", "\"list\":[" + items + ",]", StringComparison.Ordinal), timesInput: 8));
    }

    [Theory]
    [InlineData(true, ReadFaultCode.DuplicateKey)]
    [InlineData(false, ReadFaultCode.UnsortedMap)]
    public void A_map_of_many_keys_is_refused_at_the_last_of_them(bool twice, ReadFaultCode code)
    {
        var valid = Encoding.UTF8.GetString(CanonicalBytes.Of(Values.Collections));
        var keys = string.Join(',', Enumerable.Range(0, 300_000).Select(static i => $"\"k{i:d8}\":[]"));
        var map = "\"map\":{" + keys + (twice ? ",\"k00299999\":[]" : ",\"k00000000\":[]") + "}";
        Assert.Equal(code, Refused<Collections>(valid.Replace("\"map\":{\"one\":[],\"two\":[\"2\",\"3\"]}", map, StringComparison.Ordinal), timesInput: 40));
    }

    [Fact]
    public void Base64_of_ten_megabytes_is_read_and_refused_at_its_end()
    {
        var valid = Encoding.UTF8.GetString(CanonicalBytes.Of(Values.Scalars));
        Assert.NotNull(Bounded<Scalars>(valid.Replace("+/8A", new string('A', Size), StringComparison.Ordinal), timesInput: 3));
        Assert.Equal(ReadFaultCode.NotCanonicalText, Refused<Scalars>(valid.Replace("+/8A", new string('A', Size) + "AR==", StringComparison.Ordinal), timesInput: 3));
    }

    [Theory]
    [InlineData("{\"count\":-1,\"word\":\"x\"}", "Guarded refuses what ends here: a count is not negative")]
    [InlineData("{\"count\":1,\"word\":\" \"}", "Guarded refuses what ends here: The value cannot be an empty string or composed entirely of whitespace. (Parameter 'word')")]
    public void What_a_records_own_code_does_not_take_is_refused_and_throws_nothing(string json, string message)
    {
        Assert.False(CanonicalBytes.TryRead<Guarded>(Encoding.UTF8.GetBytes(json), out var value, out var fault));
        Assert.Null(value);
        Assert.Equal(new ReadFault(ReadFaultCode.RefusedByType, json.Length, message), fault);
    }

    [Fact]
    public void A_scalar_without_a_reader_of_its_own_is_read_as_strictly()
    {
        var valid = Encoding.UTF8.GetString(CanonicalBytes.Of(new Odd(1, null, false, 0, 0, 0, 1, 1, null) { Share = new Percent(7), Code = new Code("AB") }));
        Assert.Equal(new Code("AB"), CanonicalBytes.Read<Odd>(Encoding.UTF8.GetBytes(valid)).Code);
        Assert.Equal(ReadFaultCode.NotCanonicalText, Refused<Odd>(valid.Replace("\"AB\"", "\"ab\"", StringComparison.Ordinal)));
        Assert.Equal(ReadFaultCode.NotCanonicalText, Refused<Odd>(valid.Replace("\"AB\"", "\"AB \"", StringComparison.Ordinal)));
        Assert.Equal(ReadFaultCode.NotCanonicalText, Refused<Odd>(valid.Replace("\"share\":7", "\"share\":101", StringComparison.Ordinal)));
        Assert.Equal(ReadFaultCode.NotCanonicalNumber, Refused<Odd>(valid.Replace("\"share\":7", "\"share\":7.0", StringComparison.Ordinal)));
        Assert.Equal(ReadFaultCode.NotCanonicalText, Refused<Odd>(valid.Replace("\"share\":7", "\"share\":[7]", StringComparison.Ordinal)));
    }

    private static T? Bounded<T>(string json, int timesInput)
        where T : ICanonical<T>
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        var (watch, before) = (Stopwatch.StartNew(), GC.GetAllocatedBytesForCurrentThread());
        var read = CanonicalBytes.TryRead<T>(bytes, out var value, out var fault);
        var (elapsed, allocated) = (watch.Elapsed, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(elapsed < InTime, $"{elapsed} for {bytes.Length} bytes");
        Assert.True(allocated < ((long)timesInput * bytes.Length) + 100_000, $"{allocated} bytes allocated for {bytes.Length}");
        Assert.True(read, fault.Message);
        Assert.True(CanonicalBytes.Of(value!).AsSpan().SequenceEqual(bytes));
        return value;
    }

    private static ReadFaultCode Refused<T>(string json, int timesInput = 0)
        where T : ICanonical<T>
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        var (watch, before) = (Stopwatch.StartNew(), GC.GetAllocatedBytesForCurrentThread());
        Assert.False(CanonicalBytes.TryRead<T>(bytes, out _, out var fault));
        var (elapsed, allocated) = (watch.Elapsed, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(elapsed < InTime, $"{elapsed} for {bytes.Length} bytes");
        Assert.True(allocated < ((long)timesInput * bytes.Length) + 100_000, $"{allocated} bytes allocated for {bytes.Length}");
        Assert.InRange(fault.Message.Length, 1, 500);
        return fault.Code;
    }
}
