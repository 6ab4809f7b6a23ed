using System.Globalization;
using System.Text;

namespace RunProof.Format.Tests;

/// <summary>RFC 8785's published files and tables, to the letter: <see cref="NumberRule.Nearest"/>.</summary>
public sealed class PublishedJcsVectors
{
    public static TheoryData<string> Files => [.. Directory.GetFiles(Vectors.PathOf("jcs", "testdata", "input")).Select(path => Path.GetFileNameWithoutExtension(path)!).Order(StringComparer.Ordinal)];

    public static TheoryData<string> Accepted => [.. Vectors.Json("jcs", "extra-cases.json").GetProperty("accept").EnumerateArray().Select(c => c.GetProperty("name").GetString()!)];

    public static TheoryData<string, string> AppendixB =>
        [.. Vectors.Json("jcs", "extra-cases.json").GetProperty("rfc8785_appendix_b").EnumerateArray()
            .Select(c => (c.GetProperty("ieee754_hex").GetString()!, c.GetProperty("json").GetString()!))];

    [Theory]
    [MemberData(nameof(Files))]
    public void A_published_file_has_its_published_bytes(string name)
    {
        var canonical = Canonicalizer.Canonicalize(Vectors.Bytes("jcs", "testdata", "input", name + ".json"), NumberRule.Nearest);

        Assert.Equal(Convert.ToHexStringLower(PublishedHex(name)), Convert.ToHexStringLower(canonical));
        Assert.Equal(Encoding.UTF8.GetString(Vectors.Bytes("jcs", "testdata", "output", name + ".json")), Encoding.UTF8.GetString(canonical));
    }

    [Fact]
    public void There_are_six_published_files() => Assert.Equal(6, Files.Count);

    [Theory]
    [MemberData(nameof(Accepted))]
    public void An_extra_case_has_its_bytes(string name)
    {
        var given = Vectors.Json("jcs", "extra-cases.json").GetProperty("accept").EnumerateArray().Single(c => c.GetProperty("name").GetString() == name);

        var canonical = Canonicalizer.Canonicalize(Encoding.UTF8.GetBytes(given.GetProperty("input").GetString()!), NumberRule.Nearest);

        Assert.Equal(given.GetProperty("canonical_utf8_hex").GetString(), Convert.ToHexStringLower(canonical));
    }

    [Theory]
    [MemberData(nameof(AppendixB))]
    public void Appendix_B_holds(string ieee754, string json)
    {
        var value = BitConverter.UInt64BitsToDouble(ulong.Parse(ieee754, NumberStyles.HexNumber, CultureInfo.InvariantCulture));

        Assert.Equal(json, FormatNumber(value));
        Assert.Equal(json, Encoding.UTF8.GetString(Canonicalizer.Canonicalize(Encoding.UTF8.GetBytes(json), NumberRule.Exact)));
    }

    [Theory]
    [InlineData(0x7fffffffffffffff)]
    [InlineData(0x7ff0000000000000)]
    [InlineData(unchecked((long)0xfff0000000000000))]
    public void Appendix_B_errors_are_errors(long bits) =>
        Assert.Throws<CanonicalFormatException>(() => FormatNumber(BitConverter.Int64BitsToDouble(bits)));

    [Fact]
    public void The_ten_thousand_numbers_of_the_ES6_sequence_hold()
    {
        var lines = 0;
        foreach (var line in File.ReadLines(Vectors.PathOf("jcs", "es6testfile-10000.txt")))
        {
            var comma = line.IndexOf(',', StringComparison.Ordinal);
            var bits = ulong.Parse(line.AsSpan(0, comma), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var expected = line[(comma + 1)..];
            var value = BitConverter.UInt64BitsToDouble(bits);

            // The form itself, and the same through the reader: an ECMAScript form is canonical already.
            Assert.Equal(expected, FormatNumber(value));
            Assert.Equal(expected, Encoding.UTF8.GetString(Canonicalizer.Canonicalize(Encoding.UTF8.GetBytes(expected), NumberRule.Exact)));
            lines++;
        }

        Assert.Equal(10_000, lines);
    }

    [Theory]
    [InlineData("duplicate-key", 7)]
    [InlineData("duplicate-key-after-unescape", 7)]
    [InlineData("lone-high-surrogate", 5)]
    [InlineData("lone-low-surrogate", 5)]
    [InlineData("lone-surrogate-in-key", 1)]
    [InlineData("nan", 1)]
    [InlineData("infinity", 1)]
    [InlineData("trailing-comma", 3)]
    [InlineData("leading-zero", 2)]
    [InlineData("bom", 0)]
    [InlineData("trailing-garbage", 3)]
    [InlineData("invalid-utf8-hex", 6)]
    [InlineData("comment", 1)]
    public void What_an_extra_case_leaves_to_policy_is_refused_at_its_byte_under_both_rules(string name, int offset)
    {
        var input = Rejected(name);

        Assert.Equal(offset, Assert.Throws<CanonicalFormatException>(() => Canonicalizer.Canonicalize(input, NumberRule.Nearest)).Offset);
        Assert.Equal(offset, Assert.Throws<CanonicalFormatException>(() => Canonicalizer.Canonicalize(input, NumberRule.Exact)).Offset);
    }

    [Fact]
    public void An_integer_beyond_2_53_is_rounded_by_RFC_8785_and_refused_by_us()
    {
        var input = Rejected("integer-beyond-2^53");

        Assert.Equal("[9007199254740992]", Encoding.UTF8.GetString(Canonicalizer.Canonicalize(input, NumberRule.Nearest)));
        Assert.Equal(1, Assert.Throws<CanonicalFormatException>(() => Canonicalizer.Canonicalize(input, NumberRule.Exact)).Offset);
    }

    [Fact]
    public void Every_case_left_to_policy_has_its_test() =>
        Assert.Equal(14, Vectors.Json("jcs", "extra-cases.json").GetProperty("reject_or_policy").GetArrayLength());

    private static byte[] Rejected(string name)
    {
        var input = Vectors.Json("jcs", "extra-cases.json").GetProperty("reject_or_policy").EnumerateArray()
            .Single(c => c.GetProperty("name").GetString() == name).GetProperty("input").GetString()!;
        return input.StartsWith("hex:", StringComparison.Ordinal) ? Convert.FromHexString(input[4..]) : Encoding.UTF8.GetBytes(input);
    }

    private static byte[] PublishedHex(string name) =>
        Convert.FromHexString(string.Concat(File.ReadAllText(Vectors.PathOf("jcs", "testdata", "outhex", name + ".txt")).Where(char.IsAsciiHexDigit)));

    private static string FormatNumber(double value)
    {
        Span<byte> target = stackalloc byte[EcmaScriptNumber.MaxLength];
        return Encoding.ASCII.GetString(target[..EcmaScriptNumber.Format(value, target)]);
    }
}
