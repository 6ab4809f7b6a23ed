using System.Globalization;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace RunProof.Format.Tests;

/// <summary>Any JSON at all, against an independent canonicalizer.</summary>
public sealed class Properties
{
    private static readonly Config Config = Config.QuickThrowOnFailure.WithMaxTest(1500).WithEndSize(60);

    private static readonly Gen<string> Numbers = Gen.OneOf(
        Gen.Choose(int.MinValue, int.MaxValue).Select(n => n.ToString(CultureInfo.InvariantCulture)),
        ArbMap.Default.GeneratorFor<NormalFloat>().Select(f => f.Get.ToString("R", CultureInfo.InvariantCulture)),
        from whole in Gen.Choose(0, int.MaxValue)
        from fraction in Gen.Choose(0, int.MaxValue)
        from exponent in Gen.Choose(-320, 290)
        from form in Gen.Elements("{0}.{1}", "-{0}e{2}", "{0}.{1}E{2}", "0.{1}{0}", "{0}{1}", "{0}{1}{0}.5", "-0.0{1}e{2}")
        select string.Format(CultureInfo.InvariantCulture, form, whole, fraction, exponent));

    private static readonly Gen<string> Strings = Gen.Elements(
        "a", "b", "A", "", "é", "ß", "\u20ac", "\ud7ff", "\ue000", "\uffff", "🎉", "😀", "\\\"", "\\\\", "\\n", "\\u0000", "\\u001F", "\\/", "\\u00e9", "\\ud83c\\udf89", "10", "9", " ", "\u2028", "\u0080", "long text of words ")
        .ListOf().Select(parts => string.Concat(parts));

    private static readonly Gen<string> Space = Gen.Elements("", "", "", " ", "\n", "\t \r\n");

    [Fact]
    public void Canonical_form_is_what_an_independent_canonicalizer_gives() => Prop.ForAll(Documents(), text =>
    {
        using var document = JsonDocument.Parse(text);
        return Encoding.UTF8.GetString(Canonicalizer.Canonicalize(Encoding.UTF8.GetBytes(text), NumberRule.Nearest)) == SlowCanonicalizer.Canonicalize(document.RootElement);
    }).Check(Config);

    [Fact]
    public void Canonical_form_of_a_canonical_form_is_itself() => Prop.ForAll(Documents(), text =>
    {
        var once = Canonicalizer.Canonicalize(Encoding.UTF8.GetBytes(text), NumberRule.Nearest);
        return Canonicalizer.Canonicalize(once, NumberRule.Exact).AsSpan().SequenceEqual(once) && CanonicalJson.FromOutside(once, "application/json").Bytes.Span.SequenceEqual(once);
    }).Check(Config);

    [Fact]
    public void A_number_is_refused_where_exact_arithmetic_says_it_would_be_rounded() => Prop.ForAll(Arb.From(Numbers), token =>
    {
        var refused = false;
        try
        {
            Canonicalizer.Canonicalize(Encoding.UTF8.GetBytes(token), NumberRule.Exact);
        }
        catch (CanonicalFormatException)
        {
            refused = true;
        }

        return refused != SlowCanonicalizer.IsExact(token);
    }).Check(Config.WithMaxTest(5_000));

    [Fact]
    public void Bytes_of_any_kind_give_a_record_and_never_an_exception() => Prop.ForAll(
        Arb.From(Gen.OneOf(
            ArbMap.Default.GeneratorFor<byte[]>(),
            Gen.Elements("{}[]\":,0123456789eE+-.\\u \ntruefalsnd\u00e9".ToCharArray()).ArrayOf().Select(chars => Encoding.UTF8.GetBytes(chars)))),
        received =>
        {
            var recorded = CanonicalJson.FromOutside(received, "x/y").Bytes.ToArray();
            return Canonicalizer.Canonicalize(recorded, NumberRule.Exact).AsSpan().SequenceEqual(recorded) && IsJson(received) == !recorded.AsSpan().StartsWith("{\"$base64\":"u8);
        }).Check(Config.WithMaxTest(5_000));

    [Fact]
    public void A_written_string_is_what_an_independent_writer_gives() => Prop.ForAll(ArbMap.Default.ArbFor<string>(), value =>
    {
        if (value is null || value.EnumerateRunes().Any(rune => rune == Rune.ReplacementChar))
            return true;
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        var writer = new CanonicalWriter(output);
        writer.WriteString(value);
        writer.Flush();
        return Encoding.UTF8.GetString(output.WrittenSpan) == SlowCanonicalizer.Quote(value);
    }).Check(Config.WithMaxTest(5_000).WithEndSize(300));

    private static bool IsJson(byte[] received)
    {
        try
        {
            _ = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(received);
            using var document = JsonDocument.Parse(received, new JsonDocumentOptions { MaxDepth = 1000 });
            return true;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return false;
        }
    }

    private static Arbitrary<string> Documents() => Arb.From(Gen.Sized(size => Value(Math.Min(size, 60))));

    private static Gen<string> Value(int size)
    {
        var scalar = Gen.OneOf(Numbers, Strings.Select(s => $"\"{s}\""), Gen.Elements("true", "false", "null"));
        if (size < 2)
            return scalar;
        var children = Value(size / 3).ListOf().Select(list => list.Take(8).ToList());
        var array = from items in children from space in Space select "[" + space + string.Join("," + space, items) + space + "]";
        var members = from items in children
                      from names in Strings.ListOf(items.Count)
                      from space in Space
                      select "{" + space + string.Join(space + ",", items.Select((item, i) => $"\"{names[i]}~{i}\"{space}:{item}")) + "}";
        return Gen.OneOf(scalar, array, members);
    }
}
