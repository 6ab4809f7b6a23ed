using System.Buffers;
using System.Globalization;
using System.Text;

namespace RunProof.Format.Tests;

/// <summary>Rule 1 of section 1; expected bytes are written by hand.</summary>
public sealed class Scalars
{
    private delegate void Write(ref CanonicalWriter writer);

    public static TheoryData<string, string> Decimals => new()
    {
        { "0", "0" }, { "-0.00", "0" }, { "0.0000000000000000000000000000", "0" }, { "1.50", "1.5" }, { "-1.50", "-1.5" }, { "12", "12" }, { "12.000", "12" }, { "100", "100" },
        { "0.25", "0.25" }, { "-0.10", "-0.1" }, { "10.01", "10.01" }, { "1000000", "1000000" }, { "0.0000000000000000000000000001", "0.0000000000000000000000000001" },
        { "-0.0000000000000000000000000001", "-0.0000000000000000000000000001" }, { "79228162514264337593543950335", "79228162514264337593543950335" },
        { "-79228162514264337593543950335", "-79228162514264337593543950335" }, { "7.9228162514264337593543950335", "7.9228162514264337593543950335" },
        { "79228162514264337593543950.330", "79228162514264337593543950.33" },
    };

    [Theory]
    [MemberData(nameof(Decimals))]
    public void A_decimal_is_a_string_without_exponent_trailing_zeros_or_minus_zero(string value, string text) =>
        Assert.Equal($"\"{text}\"", Written((ref w) => w.WriteDecimalString(decimal.Parse(value, CultureInfo.InvariantCulture))));

    [Theory]
    [InlineData("2026-02-10T12:43:41.549430Z", "2026-02-10T12:43:41.549430Z")]
    [InlineData("2026-02-10T14:43:41.549430+02:00", "2026-02-10T12:43:41.549430Z")]
    [InlineData("2026-01-01T00:30:00.000000+05:45", "2025-12-31T18:45:00.000000Z")]
    [InlineData("2026-02-10T12:43:41.5494309Z", "2026-02-10T12:43:41.549430Z")]
    [InlineData("2026-02-10T12:43:41.9999999Z", "2026-02-10T12:43:41.999999Z")]
    [InlineData("2024-02-29T23:59:59Z", "2024-02-29T23:59:59.000000Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z")]
    [InlineData("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999Z")]
    [InlineData("1970-01-01T00:00:00.0000001Z", "1970-01-01T00:00:00.000000Z")]
    public void A_time_is_UTC_with_six_digits_and_finer_ticks_are_cut(string value, string text)
    {
        var time = DateTimeOffset.Parse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

        Assert.Equal($"\"{text}\"", Written((ref w) => w.WriteTime(time)));
        Assert.Equal(text, WireTime.ToText(time));
        Assert.True(WireTime.TryParse(text, out var back));
        Assert.Equal(WireTime.Truncate(time), back);
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(-1, "-1")]
    [InlineData(int.MinValue, "-2147483648")]
    [InlineData(int.MaxValue, "2147483647")]
    public void An_int_is_a_number(int value, string text) => Assert.Equal(text, Written((ref w) => w.WriteInt32(value)));

    [Theory]
    [InlineData(9007199254740991, "9007199254740991")]
    [InlineData(-9007199254740991, "-9007199254740991")]
    public void A_safe_integer_is_a_number(long value, string text) => Assert.Equal(text, Written((ref w) => new SafeInteger(value).WriteCanonical(ref w)));

    [Fact]
    public void Wide_integers_are_strings()
    {
        Assert.Equal("\"-9223372036854775808\"", Written((ref w) => w.WriteInt64String(long.MinValue)));
        Assert.Equal("\"0\"", Written((ref w) => w.WriteInt64String(0)));
        Assert.Equal("\"18446744073709551615\"", Written((ref w) => w.WriteUInt64String(ulong.MaxValue)));
        Assert.Equal("\"-170141183460469231731687303715884105728\"", Written((ref w) => w.WriteInt128String(Int128.MinValue)));
        Assert.Equal("4294967295", Written((ref w) => w.WriteUInt32(uint.MaxValue)));
    }

    [Theory]
    [InlineData(0.1, "0.1")]
    [InlineData(-0.0, "0")]
    [InlineData(227.6, "227.6")]
    [InlineData(376.72, "376.72")]
    [InlineData(-12.3456, "-12.3456")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00012, "0.00012")]
    [InlineData(0.9999, "0.9999")]
    [InlineData(0.99995, "0.99995")]
    [InlineData(1e-6, "0.000001")]
    [InlineData(1e-7, "1e-7")]
    [InlineData(1e20, "100000000000000000000")]
    [InlineData(1e21, "1e+21")]
    [InlineData(99999999999.9999, "99999999999.9999")]
    [InlineData(123456789012.3, "123456789012.3")]
    [InlineData(0.30000000000000004, "0.30000000000000004")]
    [InlineData(9007199254740991d, "9007199254740991")]
    [InlineData(9007199254740992d, "9007199254740992")]
    [InlineData(9007199254740994d, "9007199254740994")]
    [InlineData(-5e-324, "-5e-324")]
    public void A_double_is_its_ECMAScript_form(double value, string text) => Assert.Equal(text, Written((ref w) => w.WriteDouble(value)));

    [Fact]
    public void Doubles_agree_with_the_shortest_form_the_runtime_can_find()
    {
        // The quick ways of the writer against the slow one: digits and exponent, read out of "R".
        var random = new Random(8785);
        for (var i = 0; i < 40_000; i++)
        {
            var value = (i % 4) switch
            {
                0 => Math.Round(random.NextDouble() * Math.Pow(10, random.Next(-3, 12)), random.Next(0, 6)),
                1 => random.NextInt64(1L << 60) / Math.Pow(10, random.Next(0, 8)),
                2 => -random.NextDouble(),
                _ => BitConverter.Int64BitsToDouble(random.NextInt64() & 0x7FEFFFFFFFFFFFFF),
            };

            Assert.Equal(SlowCanonicalizer.Number(value), Written((ref w) => w.WriteDouble(value)));
        }
    }

    [Fact]
    public void Other_scalars_have_their_forms()
    {
        Assert.Equal("\"89ceeaba-1aa4-42ad-b93e-4bdcd72d75b6\"", Written((ref w) => w.WriteGuid(Guid.Parse("89CEEABA-1AA4-42AD-B93E-4BDCD72D75B6"))));
        Assert.Equal("\"1500000\"", Written((ref w) => w.WriteDuration(TimeSpan.FromSeconds(1.5))));
        Assert.Equal("\"-1\"", Written((ref w) => w.WriteDuration(TimeSpan.FromTicks(-19))));
        Assert.Equal("\"922337203685477580\"", Written((ref w) => w.WriteDuration(TimeSpan.MaxValue)));
        Assert.Equal("\"\"", Written((ref w) => w.WriteBase64([])));
        Assert.Equal("\"+/8=\"", Written((ref w) => w.WriteBase64([0xfb, 0xff])));
        Assert.Equal("\"AAEC\"", Written((ref w) => w.WriteBase64([0, 1, 2])));
        Assert.Equal("\"00ff0a\"", Written((ref w) => w.WriteHex([0, 255, 10])));
        Assert.Equal("null", Written((ref w) => w.WriteNull()));
        Assert.Equal("truefalse", Written((ref w) =>
        {
            w.WriteBoolean(true);
            w.WriteBoolean(false);
        }));
    }

    [Fact]
    public void Strings_of_every_length_and_with_an_escape_at_every_place_are_written_right()
    {
        char[] odd = ['"', '\\', '\n', '\u0000', '\u001f', '\u007f', '\u0080', 'é', '\u00ff', '\u0100', '\u2028', '\u7fff', '\u8000', '\ue000', '\uffff', '/'];
        for (var length = 0; length < 70; length++)
        {
            var plain = string.Concat(Enumerable.Range(0, length).Select(i => (char)('a' + (i % 26))));
            Assert.Equal('"' + plain + '"', Text(plain));
            for (var at = 0; at < length; at++)
            {
                var with = plain[..at] + odd[(at + length) % odd.Length] + plain[(at + 1)..];
                Assert.Equal(SlowCanonicalizer.Quote(with), Text(with));
            }
        }
    }

    [Fact]
    public void Long_strings_keep_surrogate_pairs_whole_at_every_boundary()
    {
        for (var lead = 2030; lead < 2060; lead++)
        {
            var value = new string('é', lead) + string.Concat(Enumerable.Repeat("🎉\n", 1500)) + new string('x', 3000);
            Assert.Equal(SlowCanonicalizer.Quote(value), Text(value));
        }
    }

    [Fact]
    public void A_lone_surrogate_has_no_form()
    {
        // Not as attributes: metadata is UTF-8 and cannot hold them.
        foreach (var value in new[] { "\ud800", "a\udc00", "\ud800\ud800\udc00", "0123456789abcdef0123456789\ud83cabcdef", new string('x', 5000) + "\udfff" })
            Assert.Throws<CanonicalFormatException>(() => Text(value));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void What_is_no_finite_number_has_no_form(double value) => Assert.Throws<CanonicalFormatException>(() => Written((ref w) => w.WriteDouble(value)));

    [Theory]
    [InlineData("tr-TR")]
    [InlineData("de-DE")]
    [InlineData("fa-IR")]
    [InlineData("ar-SA")]
    public void No_culture_reaches_the_bytes(string culture)
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(culture);
            CultureInfo.CurrentUICulture = CultureInfo.CurrentCulture;
            Assert.Equal("\"-1.5\"", Written((ref w) => w.WriteDecimalString(-1.50m)));
            Assert.Equal("-0.30000000000000004", Written((ref w) => w.WriteDouble(-0.30000000000000004)));
            Assert.Equal("1e-7", Written((ref w) => w.WriteDouble(1e-7)));
            Assert.Equal("-2147483648", Written((ref w) => w.WriteInt32(int.MinValue)));
            Assert.Equal("\"-9223372036854775808\"", Written((ref w) => w.WriteInt64String(long.MinValue)));
            Assert.Equal("\"-1\"", Written((ref w) => w.WriteInt128String(-1)));
            Assert.Equal("\"2026-02-10T12:43:41.549430Z\"", Written((ref w) => w.WriteTime(new DateTimeOffset(2026, 2, 10, 15, 43, 41, TimeSpan.FromHours(3)).AddTicks(5494300))));
            Assert.Equal("2026-02-10T12:43:41.549430Z", WireTime.ToText(new DateTimeOffset(2026, 2, 10, 12, 43, 41, TimeSpan.Zero).AddTicks(5494300)));
            Assert.Equal("""{"I":-1.5e+30,"i":2}""", Encoding.UTF8.GetString(Canonicalizer.Canonicalize("""{"i":2,"I":-1.5E30}"""u8, NumberRule.Exact)));
            Assert.Equal("d4ce6cf4a8984214901e97b1635ecec3a7562e401b1015680535b18ab35b35b8", AosFingerprints.Seed().ToString());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
            CultureInfo.CurrentUICulture = before;
        }
    }

    private static string Text(string value) => Written((ref w) => w.WriteString(value));

    private static string Written(Write write)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new CanonicalWriter(output);
        write(ref writer);
        writer.Flush();
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
