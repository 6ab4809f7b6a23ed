using System.Buffers;
using System.Globalization;
using System.Text;
using RunProof.Format;
using RunProof.Generators.Tests.Driving;
using RunProof.Generators.Tests.Samples;

namespace RunProof.Generators.Tests;

/// <summary>The bytes that generated serializers write. What is expected here was written by hand from proof-format.md section 1.</summary>
public sealed class BytesTests
{
    [Fact]
    public void Every_scalar_has_the_form_of_section_1() => Assert.Equal(
        """{"amount":"-0.25","bytes":"+/8A","double":1e+21,"duration":"-1","flag":true,"huge":"-170141183460469231731687303715884105728","id":"89ceeaba-1aa4-42ad-b93e-4bdcd72d75b6","json":{"a":[1,null]},"long":"-9223372036854775808","memory":"AQ==","number":-2147483648,"octet":255,"run_id":"run-1","seed":9007199254740991,"shade":"DARK","short":-32768,"single":0.10000000149011612,"text":"naïve \"café\" \u0001"""
        + "\ud83d\ude00\\n\"" + ""","time":"2026-02-10T12:43:41.549430Z","tiny":-128,"u_huge":"340282366920938463463374607431768211455","u_long":"18446744073709551615","u_number":4294967295,"u_short":65535}""",
        Text(Values.Scalars));

    [Fact]
    public void Null_members_are_written_never_left_out() => Assert.Equal(
        """{"amount":null,"bytes":null,"double":null,"duration":null,"flag":null,"id":null,"json":null,"long":null,"memory":null,"number":null,"run_id":null,"shade":null,"text":null,"time":null}""",
        Text(Values.Absent));

    [Fact]
    public void Keys_of_a_map_stand_in_UTF16_order() => Assert.Equal(
        """{"gift":null,"items":[{"SKU":"a","count":2},{"SKU":"b","count":1}],"labels":{"":"first","B":"x","b":"","é":"y","""
        + "\"\ud83d\ude00\":null,\"\ue000\":\"after the pair\"},\"note\":null}",
        Text(Values.Order));

    [Fact]
    public void Collections_nest() => Assert.Equal(
        """{"array":["","x"],"deep":{"k":{"Z":false,"z":true}},"list":[1,null,-1],"map":{"one":[],"two":["2","3"]},"nested":[[],[1,2]],"orders":[],"shades":["DARK","light_grey"],"sorted":{"B":{"SKU":"t","count":1},"a":{"SKU":"s","count":1}}}""",
        Text(Values.Collections));

    [Fact]
    public void Inherited_members_are_members() => Assert.Equal("{\"bark\u00e9\ud83d\ude00\":3,\"name\":\"Rex\"}", Text(Values.Dog));

    [Fact]
    public void A_record_without_members_is_an_empty_object() => Assert.Equal("{}", Text(new Nothing()));

    [Theory]
    [InlineData("Scalars")]
    [InlineData("Absent")]
    [InlineData("Order")]
    [InlineData("Collections")]
    [InlineData("Dog")]
    public void Bytes_are_as_committed(string sample) => Snapshot.Matches("Bytes." + sample, "txt", HexDump.Of(sample switch
    {
        "Scalars" => CanonicalBytes.Of(Values.Scalars),
        "Absent" => CanonicalBytes.Of(Values.Absent),
        "Order" => CanonicalBytes.Of(Values.Order),
        "Collections" => CanonicalBytes.Of(Values.Collections),
        _ => CanonicalBytes.Of(Values.Dog),
    }));

    [Theory]
    [InlineData("tr-TR")]
    [InlineData("de-DE")]
    [InlineData("fa-IR")]
    public void A_culture_changes_no_byte(string culture)
    {
        var expected = (Text(Values.Scalars), Text(Values.Collections), Text(Values.Order));
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo(culture);
            Assert.Equal(expected, (Text(Values.Scalars), Text(Values.Collections), Text(Values.Order)));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void A_null_that_the_declaration_excludes_is_refused_by_name() =>
        Refused(Values.Scalars with { Text = null! }, "Scalars.Text is null, and its declaration says that it never is");

    [Fact]
    public void A_null_item_is_refused() => Refused(Values.Collections with { Array = [null!] }, "an item of Collections.Array is null, and its declaration says that it never is");

    [Fact]
    public void A_null_value_of_a_map_is_refused() =>
        Refused(Values.Collections with { Map = new() { ["a"] = null! } }, "a value of Collections.Map is null, and its declaration says that it never is");

    [Fact]
    public void A_default_immutable_array_is_refused() =>
        Refused(Values.Collections with { Shades = default }, "Collections.Shades is null, and its declaration says that it never is");

    [Fact]
    public void An_undeclared_enum_value_is_refused() => Refused(Values.Scalars with { Shade = (Shade)2 }, "Scalars.Shade is no declared value of Shade");

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.NegativeInfinity)]
    public void A_number_that_is_none_is_refused(double value) => Assert.Throws<CanonicalFormatException>(() => Text(Values.Scalars with { Double = value }));

    [Fact]
    public void A_lone_surrogate_in_a_key_is_refused() =>
        Assert.Throws<CanonicalFormatException>(() => Text(Values.Order with { Labels = new Dictionary<string, string?> { ["\ud83d"] = "x" } }));

    [Fact]
    public void A_key_that_a_map_holds_twice_is_refused()
    {
        var twice = new Dictionary<string, string?>(ByReference.Instance) { ["a"] = "1", [new string(['a'])] = "2" };
        Refused(Values.Order with { Labels = twice }, "a map holds the key \"a\" twice, and a JSON object cannot");
    }

    [Fact]
    public void Writing_allocates_nothing()
    {
        Assert.Equal(0, AllocatedBy(Values.Scalars));
        Assert.Equal(0, AllocatedBy(Values.Absent));
        // Its map is sorted, in a pooled array.
        Assert.Equal(0, AllocatedBy(Values.Order));
    }

    private static long AllocatedBy<T>(T value)
        where T : ICanonical<T>
    {
        var buffer = new ArrayBufferWriter<byte>(65536);
        for (var i = 0; i < 100; i++)
            Write(buffer, value);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            Write(buffer, value);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static void Write<T>(ArrayBufferWriter<byte> buffer, T value)
        where T : ICanonical<T>
    {
        buffer.ResetWrittenCount();
        CanonicalBytes.Write(buffer, value);
    }

    private static void Refused<T>(T value, string message)
        where T : ICanonical<T> => Assert.Equal(message, Assert.Throws<CanonicalFormatException>(() => Text(value)).Message);

    private static string Text<T>(T value)
        where T : ICanonical<T> => Encoding.UTF8.GetString(CanonicalBytes.Of(value));

    private sealed class ByReference : IEqualityComparer<string>
    {
        public static readonly ByReference Instance = new();

        public bool Equals(string? x, string? y) => ReferenceEquals(x, y);

        public int GetHashCode(string obj) => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(obj);
    }
}
