using System.Collections.Immutable;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Generators.Tests.Properties;

/// <summary>What the samples do not have: everything that may be null, or stand within something else, or be called what generated code calls its own.</summary>
[Canonical]
internal sealed partial record Nested
{
    public required Animalia?[]? Animals { get; init; }
    public required IReadOnlyList<IReadOnlyDictionary<string, CanonicalJson?>> Documents { get; init; }
    public required ImmutableArray<ReadOnlyMemory<byte>?> Blobs { get; init; }
    public required ImmutableArray<string?>? Words { get; init; }
    public required List<Dictionary<string, List<Point?>>?> Points { get; init; }
    public required ImmutableSortedDictionary<string, double?>? Sorted { get; init; }
    public required byte[]?[] Bytes { get; init; }
    public required Odd? Odd { get; init; }
    public required IReadOnlyDictionary<string, Mode?> Modes { get; init; }
    public required CanonicalJson Json { get; init; }
    public required BuiltinSkills.EchoOutcome? Foreign { get; init; }
    public required Mammal[] Mammals { get; init; }
}

/// <summary>Names that generated code uses too, keywords, and names that must be escaped on the wire.</summary>
[Canonical]
internal sealed partial record Odd(
    int Value, string? Reader, bool Writer, [WireName("a \"quoted\"\n\\ \u0001 name")] float Quoted, [WireName("\ue000")] decimal After, [WireName("\ud83d\ude00")] long Before, int value1, int @class, int? item2)
{
    public Percent Share { get; init; }

    public Code? Code { get; init; }

    public Digest? Digest { get; init; }

    public SafeInteger? Seed { get; init; }
}

[Canonical]
internal partial record Animalia(string Name)
{
    public Mode Mode { get; init; } = Mode.Off;
}

[Canonical]
internal sealed partial record Mammal(string Name, Animalia? Prey, Point Home) : Animalia(Name);

[Canonical]
internal readonly partial record struct Point(short X, sbyte? Y, TimeSpan At, Guid? Id);

internal enum Mode : byte
{
    Off,

    [WireName("o\"n\t\u20ac\ud83d\ude00")]
    On,

    [WireName("o")]
    Prefix,

    AndMore = 200,
}

/// <summary>A scalar of another assembly, say: it brings no reader of its own.</summary>
[CanonicalScalar("integer")]
internal readonly record struct Percent(int Value) : ICanonicalScalar<Percent>
{
    public static bool TryBind(JsonElement json, out Percent value)
    {
        var isInteger = json.ValueKind == JsonValueKind.Number && json.TryGetInt32(out var number) && number is >= 0 and <= 100;
        value = isInteger ? new Percent(json.GetInt32()) : default;
        return isInteger;
    }

    public void WriteCanonical(ref CanonicalWriter writer) => writer.WriteInt32(Value);
}

/// <summary>One that is lenient about what it takes: the reader must not be.</summary>
[CanonicalScalar("string")]
internal readonly record struct Code(string? Text) : ICanonicalScalar<Code>
{
    public static bool TryBind(JsonElement json, out Code value)
    {
        value = new Code(json.ValueKind == JsonValueKind.String ? json.GetString()!.Trim().ToUpperInvariant() : null);
        return value.Text is not null;
    }

    public void WriteCanonical(ref CanonicalWriter writer) => writer.WriteString(Text);
}

/// <summary>A record that does not take every value of its members' types.</summary>
[Canonical]
internal sealed partial record Guarded
{
    private readonly int _count;

    public Guarded(string word, int count)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(word);
        Word = word;
        Count = count;
    }

    public string Word { get; }

    public int Count
    {
        get => _count;
        init => _count = value >= 0 ? value : throw new InvalidOperationException("a count is not negative");
    }
}
