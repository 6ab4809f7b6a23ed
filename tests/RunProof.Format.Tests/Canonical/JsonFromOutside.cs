using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace RunProof.Format.Tests;

/// <summary>Rules 2 and 3 of section 1; expected texts come from an independent implementation.</summary>
public sealed class JsonFromOutside
{
    private static readonly Dictionary<string, JsonElement> ByName =
        Vectors.Json("outside-json", "cases.json").EnumerateArray().ToDictionary(c => c.GetProperty("name").GetString()!, StringComparer.Ordinal);

    public static TheoryData<string> Cases => [.. ByName.Keys];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Is_recorded_as_pinned(string name)
    {
        var given = ByName[name];

        var recorded = CanonicalJson.FromOutside(given.GetProperty("received_base64").GetBytesFromBase64(), given.GetProperty("media_type").GetString()!);

        Assert.Equal(given.GetProperty("recorded").GetString(), recorded.ToString());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Is_refused_by_Parse_where_it_is_not_kept_as_JSON(string name)
    {
        var given = ByName[name];
        var received = given.GetProperty("received_base64").GetBytesFromBase64();
        var recorded = given.GetProperty("recorded").GetString()!;
        var kept = !recorded.StartsWith("{\"$json\":", StringComparison.Ordinal) && !recorded.StartsWith("{\"$base64\":", StringComparison.Ordinal);

        // A caller's own JSON may use the reserved names; nothing else may differ.
        if (kept)
            Assert.Equal(recorded, CanonicalJson.Parse(received).ToString());
        else if (!name.StartsWith("forged", StringComparison.Ordinal))
            Assert.InRange(Assert.Throws<CanonicalFormatException>(() => CanonicalJson.Parse(received)).Offset!.Value, 0, received.Length);
    }

    [Fact]
    public void Nested_a_million_levels_is_kept_as_text_and_overflows_nothing()
    {
        var text = new string('[', 1_000_000) + new string(']', 1_000_000);

        Assert.Equal($$"""{"$json":"{{text}}"}""", CanonicalJson.FromOutside(Encoding.UTF8.GetBytes(text), "application/json").ToString());
    }

    [Fact]
    public void A_number_of_a_million_digits_is_kept_as_text()
    {
        var text = new string('7', 1_000_000);

        Assert.Equal($$"""{"$json":"{{text}}"}""", CanonicalJson.FromOutside(Encoding.UTF8.GetBytes(text), "application/json").ToString());
    }

    [Fact]
    public void Hostile_shapes_take_time_in_proportion_to_their_length()
    {
        var shapes = new[]
        {
            "{" + string.Join(',', Enumerable.Range(0, 100_000).Select(i => $"\"{new string('k', 10)}{100_000 - i}\":0")) + "}",
            string.Concat(Enumerable.Repeat("{\"z\":0,\"a\":", 60)) + "\"" + new string('x', 500_000) + "\"" + new string('}', 60),
            "\"" + string.Concat(Enumerable.Repeat("\\u0001é", 200_000)) + "\"",
            "[" + string.Join(',', Enumerable.Repeat("0.30000000000000004", 50_000)) + "]",
            "[" + string.Join(',', Enumerable.Repeat("1e999999999999", 100_000)) + "]",
            "{" + string.Join(',', Enumerable.Repeat("\"\":0", 300_000)) + "}",
        };
        foreach (var shape in shapes)
        {
            var received = Encoding.UTF8.GetBytes(shape);
            var started = Stopwatch.GetTimestamp();
            CanonicalJson.FromOutside(received, "application/json");

            // Each takes milliseconds; anything quadratic in half a megabyte takes minutes.
            Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 10);
        }
    }

    [Fact]
    public void Two_texts_that_differ_in_what_they_say_never_have_the_same_bytes()
    {
        var cases = ByName.Values
            .Where(c => c.GetProperty("recorded").GetString()!.StartsWith("{\"$", StringComparison.Ordinal))
            .Select(c => (Received: c.GetProperty("received_base64").GetString() + c.GetProperty("media_type"), Recorded: c.GetProperty("recorded").GetString()))
            .ToList();

        Assert.Equal(cases.Select(c => c.Received).Distinct().Count(), cases.Select(c => c.Recorded).Distinct().Count());
    }

    [Fact]
    public void What_was_recorded_can_be_read_back_as_a_document()
    {
        var deep = new string('[', Canonicalizer.MaxDepth) + "1" + new string(']', Canonicalizer.MaxDepth);

        using var document = CanonicalJson.FromOutside(Encoding.UTF8.GetBytes(deep), "application/json").ToDocument();

        Assert.Equal(JsonValueKind.Array, document.RootElement.ValueKind);
    }
}
