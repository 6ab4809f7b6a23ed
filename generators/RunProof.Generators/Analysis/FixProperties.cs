using System.Collections.Immutable;

namespace RunProof.Generators;

/// <summary>What a diagnostic carries for its code fix: keys of <c>Diagnostic.Properties</c>, and nothing that its message does not imply.</summary>
internal static class FixProperties
{
    /// <summary>The property or method that the diagnostic is about, its C# name.</summary>
    public const string Member = "Member";

    /// <summary>The type that will not do, full (<c>global::System.Collections.Generic.HashSet&lt;int&gt;</c>): the member's, or one inside it. RP0201 to RP0206, RP0208.</summary>
    public const string Type = "Type";

    /// <summary>The type to write in the place of <see cref="Type"/>, full; missing where none is obvious.</summary>
    public const string Replacement = "Replacement";

    /// <summary>What a declaration should be: <c>partial record struct</c> (RP0101), <c>readonly</c> (RP0106, of a struct), <c>init</c> (RP0106, RP0209).</summary>
    public const string Declare = "Declare";

    /// <summary>The type that should be partial (RP0102), its name as in C#.</summary>
    public const string Container = "Container";

    /// <summary>A wire name that is usable and free (RP0212, RP0213).</summary>
    public const string WireName = "WireName";

    /// <summary>A skill name or a schema name that is usable and free (RP0107, RP0405).</summary>
    public const string FreeName = "FreeName";

    /// <summary>Name and version of the record or skill: <c>order/1</c> (RP0301 to RP0306, RP0310).</summary>
    public const string Label = "Label";

    /// <summary>A version that the lock does not have: the last one's next (RP0301 to RP0306).</summary>
    public const string NextVersion = "NextVersion";

    /// <summary>
    /// The lock entries of the declaration as it is now, one to a line: its own first, then those of the records in it (RP0301 to RP0306, RP0310).
    /// <c>LockParser.ReadEntry</c> reads a line, <c>LockAcceptance.Of</c> takes them into the lock.
    /// </summary>
    public const string Entries = "Entries";

    public static ImmutableDictionary<string, string?> Of(params (string Key, string? Value)[] properties)
    {
        var all = ImmutableDictionary<string, string?>.Empty;
        foreach (var (key, value) in properties)
            all = value is null ? all : all.Add(key, value);
        return all;
    }
}
