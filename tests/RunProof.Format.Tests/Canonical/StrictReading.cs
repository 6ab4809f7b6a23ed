using System.Globalization;
using System.Text;

namespace RunProof.Format.Tests;

/// <summary>What the strict reader takes, what it refuses, why and at which byte; expected by hand from proof-format.md section 1.</summary>
public sealed class StrictReading
{
    private const ReadFaultCode Unexpected = ReadFaultCode.UnexpectedBytes;
    private const ReadFaultCode End = ReadFaultCode.EndOfInput;
    private const ReadFaultCode Number = ReadFaultCode.NotCanonicalNumber;
    private const ReadFaultCode Text = ReadFaultCode.NotCanonicalText;
    private const ReadFaultCode String = ReadFaultCode.NotCanonicalString;
    private const ReadFaultCode Range = ReadFaultCode.OutOfRange;

    private delegate bool Read<T>(ref CanonicalReader reader, out T? value);

    [Theory]
    [InlineData("0", 0)]
    [InlineData("-1", -1)]
    [InlineData("2147483647", int.MaxValue)]
    [InlineData("-2147483648", int.MinValue)]
    public void An_integer_is_read(string text, int value) => Taken(text, value, static (ref reader, out read) => reader.TryReadInteger(out read));

    [Theory]
    [InlineData("", End)]
    [InlineData("-", Number)]
    [InlineData("-0", Number)]
    [InlineData("00", Number)]
    [InlineData("01", Number)]
    [InlineData("+1", Number)]
    [InlineData("1.0", Number)]
    [InlineData("1e1", Number)]
    [InlineData("2147483648", Range)]
    [InlineData("-2147483649", Range)]
    [InlineData("99999999999999999999999999999999999999999999999999999999999999999999999999999999", Range)]
    [InlineData(" 1", Unexpected)]
    [InlineData("\"1\"", Unexpected)]
    [InlineData("null", Unexpected)]
    public void Anything_else_is_no_integer(string text, ReadFaultCode code) => Refused(text, code, static (ref CanonicalReader reader, out int read) => reader.TryReadInteger(out read));

    [Theory]
    [InlineData("256", Range)]
    [InlineData("-1", Range)]
    [InlineData("-0", Number)]
    public void An_integer_out_of_its_type_is_refused(string text, ReadFaultCode code) => Refused(text, code, static (ref CanonicalReader reader, out byte read) => reader.TryReadInteger(out read));

    [Theory]
    [InlineData("\"9223372036854775808\"", Range)]
    [InlineData("\"\"", Text)]
    [InlineData("\"-0\"", Text)]
    [InlineData("\"01\"", Text)]
    [InlineData("\" 1\"", Text)]
    [InlineData("\"1 \"", Text)]
    [InlineData("\"1\u0000\"", Text)]
    [InlineData("\"\\u0031\"", Text)]
    [InlineData("\"1", End)]
    [InlineData("1", Unexpected)]
    public void Anything_else_is_no_wide_integer(string text, ReadFaultCode code) => Refused(text, code, static (ref CanonicalReader reader, out long read) => reader.TryReadWideInteger(out read));

    [Fact]
    public void Wide_integers_are_read()
    {
        Taken("\"-9223372036854775808\"", long.MinValue, static (ref reader, out read) => reader.TryReadWideInteger(out read));
        Taken("\"18446744073709551615\"", ulong.MaxValue, static (ref reader, out read) => reader.TryReadWideInteger(out read));
        Taken("\"-170141183460469231731687303715884105728\"", Int128.MinValue, static (ref reader, out read) => reader.TryReadWideInteger(out read));
        Taken("\"340282366920938463463374607431768211455\"", UInt128.MaxValue, static (ref reader, out read) => reader.TryReadWideInteger(out read));
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("0.1", 0.1)]
    [InlineData("1e+21", 1e21)]
    [InlineData("100000000000000000000", 1e20)]
    [InlineData("1e-7", 1e-7)]
    [InlineData("5e-324", double.Epsilon)]
    [InlineData("-1.7976931348623157e+308", double.MinValue)]
    public void A_double_is_read(string text, double value) => Taken(text, value, static (ref reader, out read) => reader.TryReadDouble(out read));

    [Theory]
    [InlineData("-0", Number)]
    [InlineData("0.0", Number)]
    [InlineData("1.50", Number)]
    [InlineData(".5", Number)]
    [InlineData("5.", Number)]
    [InlineData("1e21", Number)]
    [InlineData("1E+21", Number)]
    [InlineData("1e+5", Number)]
    [InlineData("1e-400", Number)]
    [InlineData("333333333.33333329", Number)]
    [InlineData("9007199254740993", Number)]
    [InlineData("1e+309", Number)]
    [InlineData("-1e+309", Number)]
    [InlineData("NaN", Unexpected)]
    [InlineData("Infinity", Unexpected)]
    public void Anything_else_is_no_double(string text, ReadFaultCode code) => Refused(text, code, static (ref CanonicalReader reader, out double read) => reader.TryReadDouble(out read));

    [Theory]
    [InlineData("0.1", Range)]
    [InlineData("16777217", Range)]
    [InlineData("1e+39", Range)]
    [InlineData("0.10", Number)]
    public void A_double_that_is_no_float_is_refused(string text, ReadFaultCode code) => Refused(text, code, static (ref CanonicalReader reader, out float read) => reader.TryReadSingle(out read));

    [Fact]
    public void A_float_is_read_as_the_double_it_was_written_as() => Taken("0.10000000149011612", 0.1f, static (ref reader, out read) => reader.TryReadSingle(out read));

    [Theory]
    [InlineData("\"1.0\"")]
    [InlineData("\"-0\"")]
    [InlineData("\"01\"")]
    [InlineData("\".5\"")]
    [InlineData("\"1e2\"")]
    [InlineData("\"+1\"")]
    [InlineData("\"1,5\"")]
    [InlineData("\"0.12345678901234567890123456789\"")]
    [InlineData("\"\"")]
    public void Anything_else_is_no_decimal(string text) => NoDecimal(text, Text);

    [Theory]
    [InlineData("\"79228162514264337593543950336\"")]
    [InlineData("\"-99999999999999999999999999999999\"")]
    public void A_whole_decimal_beyond_all_is_out_of_range(string text) => NoDecimal(text, Range);

    private static void NoDecimal(string text, ReadFaultCode code) => Refused(text, code, static (ref CanonicalReader reader, out decimal read) => reader.TryReadDecimal(out read));

    [Fact]
    public void A_decimal_is_read()
    {
        Taken("\"-0.25\"", -0.25m, static (ref reader, out read) => reader.TryReadDecimal(out read));
        Taken("\"79228162514264337593543950335\"", decimal.MaxValue, static (ref reader, out read) => reader.TryReadDecimal(out read));
        Taken("\"0.0000000000000000000000000001\"", new decimal(1, 0, 0, false, 28), static (ref reader, out read) => reader.TryReadDecimal(out read));
    }

    [Theory]
    [InlineData("\"2026-02-10T12:43:41.549430+00:00\"")]
    [InlineData("\"2026-02-10T12:43:41.54943Z\"")]
    [InlineData("\"2026-02-10T12:43:41.5494300Z\"")]
    [InlineData("\"2026-02-10T12:43:41.549430z\"")]
    [InlineData("\"2026-02-10 12:43:41.549430Z\"")]
    [InlineData("\"2026-02-30T12:43:41.549430Z\"")]
    [InlineData("\"2026-02-10T24:00:00.000000Z\"")]
    [InlineData("\"2026-02-10T12:43:60.000000Z\"")]
    [InlineData("\"0000-02-10T12:43:41.549430Z\"")]
    [InlineData("\"٢٠٢٦-02-10T12:43:41.549430Z\"")]
    [InlineData("\"\"")]
    public void Anything_else_is_no_time(string text) => Refused(text, Text, static (ref CanonicalReader reader, out DateTimeOffset read) => reader.TryReadTime(out read));

    [Fact]
    public void A_time_is_read()
    {
        Taken("\"0001-01-01T00:00:00.000000Z\"", DateTimeOffset.MinValue, static (ref reader, out read) => reader.TryReadTime(out read));
        Taken("\"9999-12-31T23:59:59.999999Z\"", DateTimeOffset.MaxValue.AddTicks(-9), static (ref reader, out read) => reader.TryReadTime(out read));
        Taken("\"2024-02-29T12:43:41.549430Z\"", new DateTimeOffset(2024, 2, 29, 12, 43, 41, 549, 430, TimeSpan.Zero), static (ref reader, out read) => reader.TryReadTime(out read));
    }

    [Theory]
    [InlineData("\"922337203685477581\"", Range)]
    [InlineData("\"-922337203685477581\"", Range)]
    [InlineData("\"9223372036854775808\"", Range)]
    [InlineData("\"00:00:01\"", Text)]
    public void Anything_else_is_no_duration(string text, ReadFaultCode code) => Refused(text, code, static (ref CanonicalReader reader, out TimeSpan read) => reader.TryReadDuration(out read));

    [Theory]
    [InlineData("\"89CEEABA-1aa4-42ad-b93e-4bdcd72d75b6\"")]
    [InlineData("\"89ceeaba1aa442adb93e4bdcd72d75b6\"")]
    [InlineData("\"{89ceeaba-1aa4-42ad-b93e-4bdcd72d75b6}\"")]
    [InlineData("\"89ceeaba-1aa4-42ad-b93e-4bdcd72d75b6 \"")]
    public void Anything_else_is_no_GUID(string text) => Refused(text, Text, static (ref CanonicalReader reader, out Guid read) => reader.TryReadGuid(out read));

    [Theory]
    [InlineData("\"\"", "")]
    [InlineData("\"AQ==\"", "01")]
    [InlineData("\"+/8A\"", "fbff00")]
    public void Base64_is_read(string text, string hex) => Taken(text, hex, (ref reader, out read) =>
    {
        var taken = reader.TryReadBytes(out var bytes);
        read = bytes is null ? null : Convert.ToHexStringLower(bytes);
        return taken;
    });

    [Theory]
    [InlineData("\"AR==\"", Text)]
    [InlineData("\"AQ=\"", Text)]
    [InlineData("\"AQ\"", Text)]
    [InlineData("\"AQ== \"", Text)]
    [InlineData("\"AQ =\"", Text)]
    [InlineData("\"=\"", Text)]
    [InlineData("\"====\"", Text)]
    [InlineData("\"AQ==AQ==\"", Text)]
    [InlineData("\"-_8A\"", Text)]
    [InlineData("\"\\/8A\"", String)]
    [InlineData("\"AQ\n==\"", String)]
    [InlineData("\"AQ==", End)]
    public void Anything_else_is_no_base64(string text, ReadFaultCode code) => Refused(text, code, static (ref CanonicalReader reader, out byte[]? read) => reader.TryReadBytes(out read), anywhere: true);

    [Fact]
    public void Base64_that_is_longer_than_one_block_is_compared_to_its_end()
    {
        var bytes = Enumerable.Range(0, 3001).Select(static i => (byte)i).ToArray();
        var text = "\"" + Convert.ToBase64String(bytes) + "\"";
        Taken(text, Convert.ToHexString(bytes), static (ref reader, out read) =>
        {
            var taken = reader.TryReadBytes(out var value);
            read = value is null ? null : Convert.ToHexString(value);
            return taken;
        });
        Refused(text.Replace("==\"", "=\n\"", StringComparison.Ordinal), String, static (ref CanonicalReader reader, out byte[]? read) => reader.TryReadBytes(out read), anywhere: true);
        Assert.EndsWith("uA==\"", text, StringComparison.Ordinal);
        Refused(text.Replace("uA==\"", "uB==\"", StringComparison.Ordinal), Text, static (ref CanonicalReader reader, out byte[]? read) => reader.TryReadBytes(out read));
    }

    [Theory]
    [InlineData("\"\"", "")]
    [InlineData("\"\\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f/\u007f\u0080\u2028\uffff\U0010ffff\"", "\"\\\b\t\n\f\r\0\u001f/\u007f\u0080\u2028\uffff\U0010ffff")]
    public void A_string_is_read(string text, string value) => Taken(text, value, static (ref reader, out read) => reader.TryReadString(out read));

    [Theory]
    [InlineData("\"a\\/\"", String, 2)]
    [InlineData("\"a\\u0061\"", String, 2)]
    [InlineData("\"\\u000a\"", String, 1)]
    [InlineData("\"\\u001F\"", String, 1)]
    [InlineData("\"\\u0022\"", String, 1)]
    [InlineData("\"\\ud83d\\ude00\"", String, 1)]
    [InlineData("\"\\u00zz\"", String, 1)]
    [InlineData("\"\\x\"", String, 1)]
    [InlineData("\"a\n\"", String, 2)]
    [InlineData("\"a\u0000\"", String, 2)]
    [InlineData("\"abc", End, 4)]
    [InlineData("\"a\\", String, 2)]
    [InlineData("\"a\\u00", String, 2)]
    [InlineData("\"a\\\"", End, 4)]
    [InlineData("x", Unexpected, 0)]
    [InlineData("", End, 0)]
    public void Anything_else_is_no_string(string text, ReadFaultCode code, int offset) =>
        Assert.Equal((code, offset), Fault(Encoding.UTF8.GetBytes(text), static (ref CanonicalReader reader, out string? read) => reader.TryReadString(out read)));

    [Theory]
    [InlineData("22 61 80 22", 2)]
    [InlineData("22 c0 af 22", 1)]
    [InlineData("22 ed a0 80 22", 1)]
    [InlineData("22 e2 82 22", 1)]
    [InlineData("22 f4 90 80 80 22", 1)]
    [InlineData("22 f0 9f 98", 1)]
    public void A_string_that_is_not_UTF_8_is_refused(string hex, int offset) => Assert.Equal(
        (ReadFaultCode.InvalidUtf8, offset), Fault(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), static (ref CanonicalReader reader, out string? read) => reader.TryReadString(out read)));

    [Theory]
    [InlineData("null")]
    [InlineData("false")]
    [InlineData("-1.5")]
    [InlineData("\"\\n\"")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("[1,[true,{\"a\":null}],\"x\"]")]
    [InlineData("{\"\":1,\"\\n\":2,\"A\":{},\"a\":[],\"\U00010000\":3,\"\ue000\":4}")]
    public void JSON_in_canonical_form_is_read(string text) => Taken(text, text, static (ref reader, out read) =>
    {
        var taken = reader.TryReadJson(out var json);
        read = json?.ToString();
        return taken;
    });

    [Theory]
    [InlineData("[1, 2]", Unexpected, 3)]
    [InlineData("[1,]", Unexpected, 3)]
    [InlineData("[1 ]", Unexpected, 2)]
    [InlineData("[,]", Unexpected, 1)]
    [InlineData("[1", End, 2)]
    [InlineData("{\"a\" :1}", Unexpected, 4)]
    [InlineData("{\"a\":1,}", Unexpected, 7)]
    [InlineData("{1:1}", Unexpected, 1)]
    [InlineData("{\"a\":1]", Unexpected, 6)]
    [InlineData("{\"b\":1,\"a\":2}", ReadFaultCode.UnsortedMap, 7)]
    [InlineData("{\"\\n\":1,\"\\n\":2}", ReadFaultCode.DuplicateKey, 8)]
    [InlineData("{\"\ue000\":1,\"\U00010000\":2}", ReadFaultCode.UnsortedMap, 9)]
    [InlineData("[01]", Number, 1)]
    [InlineData("[1.0]", Number, 1)]
    [InlineData("[\"\\/\"]", String, 2)]
    [InlineData("tru", Unexpected, 0)]
    [InlineData("nul", Unexpected, 0)]
    [InlineData("'a'", Unexpected, 0)]
    [InlineData("\ufeff1", Unexpected, 0)]
    [InlineData("", End, 0)]
    public void JSON_in_another_form_is_refused(string text, ReadFaultCode code, int offset) =>
        Assert.Equal((code, offset), Fault(Encoding.UTF8.GetBytes(text), static (ref CanonicalReader reader, out CanonicalJson? read) => reader.TryReadJson(out read)));

    [Fact]
    public void JSON_is_as_deep_as_the_canonicalizer_takes_it_and_no_deeper()
    {
        foreach (var (open, close) in new[] { ("[", "]"), ("{\"a\":", "}") })
        {
            var deepest = string.Concat(Enumerable.Repeat(open, Canonicalizer.MaxDepth)) + "1" + string.Concat(Enumerable.Repeat(close, Canonicalizer.MaxDepth));
            var deeper = Encoding.UTF8.GetBytes(open + deepest + close);
            Assert.Equal(deepest, Encoding.UTF8.GetString(Canonicalizer.Canonicalize(Encoding.UTF8.GetBytes(deepest), NumberRule.Exact)));
            Assert.Equal((ReadFaultCode.None, 0), Fault(Encoding.UTF8.GetBytes(deepest), static (ref CanonicalReader reader, out CanonicalJson? read) => reader.TryReadJson(out read)));
            var refused = Assert.Throws<CanonicalFormatException>(() => Canonicalizer.Canonicalize(deeper, NumberRule.Exact));
            Assert.Equal((ReadFaultCode.TooDeep, refused.Offset!.Value), Fault(deeper, static (ref CanonicalReader reader, out CanonicalJson? read) => reader.TryReadJson(out read)));
        }
    }

    [Theory]
    [InlineData("\"run\"", ReadFaultCode.None, 0)]
    [InlineData("\"\"", Text, 0)]
    [InlineData("\"a b\"", Text, 0)]
    [InlineData("\"é\"", Text, 0)]
    public void An_id_is_of_its_alphabet(string text, ReadFaultCode code, int offset) =>
        Assert.Equal((code, offset), Fault(Encoding.UTF8.GetBytes(text), static (ref CanonicalReader reader, out RunId read) => reader.TryReadScalar(out read)));

    [Fact]
    public void A_digest_is_lower_case_hex()
    {
        var digest = Digest.Of("x"u8);
        Taken($"\"{digest}\"", digest, static (ref reader, out read) => reader.TryReadScalar(out read));
        Refused($"\"{digest.ToString().ToUpperInvariant()}\"", Text, static (ref CanonicalReader reader, out Digest read) => reader.TryReadScalar(out read));
        Refused($"\"{digest.ToString()[1..]}\"", Text, static (ref CanonicalReader reader, out Digest read) => reader.TryReadScalar(out read));
    }

    [Theory]
    [InlineData("9007199254740992", Range)]
    [InlineData("-9007199254740992", Range)]
    [InlineData("-0", Number)]
    public void A_safe_integer_is_safe(string text, ReadFaultCode code) => Refused(text, code, static (ref CanonicalReader reader, out SafeInteger read) => reader.TryReadScalar(out read));

    [Fact]
    public void The_first_fault_stays_and_says_what_was_expected()
    {
        var reader = new CanonicalReader("{\"b\":1}"u8);

        Assert.False(reader.Expect("{\"a\":"u8));
        Assert.False(reader.TryEnd());

        Assert.Equal(new ReadFault(Unexpected, 2, "b stands where {\"a\": must stand"), reader.Fault);
    }

    [Fact]
    public void Bytes_behind_the_value_are_refused()
    {
        var bytes = (byte[])[.. CanonicalBytes.Of(Seal), (byte)'\n'];

        Assert.False(CanonicalBytes.TryRead<TraceSeal>(bytes, out var value, out var fault));
        Assert.Null(value);
        Assert.Equal((ReadFaultCode.TrailingBytes, bytes.Length - 1, "the value ends here, and 1 bytes follow"), (fault.Code, fault.Offset, fault.Message));
        Assert.Equal(bytes.Length - 1, Assert.Throws<CanonicalFormatException>(() => CanonicalBytes.Read<TraceSeal>(bytes)).Offset);
    }

    [Fact]
    public void A_word_that_is_none_of_an_enums_is_refused_with_those_that_are()
    {
        var text = Encoding.UTF8.GetString(CanonicalBytes.Of(Seal));

        Assert.False(CanonicalBytes.TryRead<TraceSeal>(Encoding.UTF8.GetBytes(text.Replace("aborted", "done", StringComparison.Ordinal)), out _, out var fault));
        Assert.Equal(new ReadFault(ReadFaultCode.UnknownEnumValue, text.IndexOf("\"aborted", StringComparison.Ordinal), "done is none of aborted, completed, failed"), fault);
    }

    [Fact]
    public void What_was_written_is_read() => Assert.Equal(Seal, CanonicalBytes.Read<TraceSeal>(CanonicalBytes.Of(Seal)));

    private static TraceSeal Seal => new()
    {
        ChainLength = 2,
        CompletedAt = new DateTimeOffset(2026, 2, 10, 12, 43, 41, TimeSpan.Zero),
        MetadataHash = null,
        Status = SealStatus.Aborted,
        StepsRoot = Digest.Of([]),
    };

    private static void Taken<T>(string text, T value, Read<T> read)
    {
        var reader = new CanonicalReader(Encoding.UTF8.GetBytes(text));
        Assert.True(read(ref reader, out var taken) && reader.TryEnd(), string.Create(CultureInfo.InvariantCulture, $"{reader.Fault}"));
        Assert.Equal(value, taken);
    }

    private static void Refused<T>(string text, ReadFaultCode code, Read<T> read, bool anywhere = false)
    {
        var fault = Fault(Encoding.UTF8.GetBytes(text), read);
        Assert.Equal((code, anywhere || code == End ? fault.Offset : 0), fault);
    }

    private static (ReadFaultCode Code, int Offset) Fault<T>(byte[] bytes, Read<T> read)
    {
        var reader = new CanonicalReader(bytes);
        var taken = read(ref reader, out _);
        Assert.Equal((taken, taken), (reader.Fault.Code == ReadFaultCode.None, reader.Fault.Message is null));
        return (reader.Fault.Code, reader.Fault.Offset);
    }
}
