namespace RunProof.Generators.Tests.Diagnostics;

/// <summary>Every rule of the analyzers but those of the lock: what breaks it, where that is told, and in which words. <c>⟦…⟧</c> marks the place.</summary>
internal static partial class Faults
{
    /// <summary>What stands before each source.</summary>
    public const string Usings =
        "using System.Collections.Generic; using System.Collections.Immutable; using System.Threading; using System.Threading.Tasks; using RunProof.Format; using RunProof.Skills;\n";

    /// <summary>Records that skills take and give.</summary>
    public const string Records = "[Canonical] public sealed partial record P(int A); [Canonical] public sealed partial record O(int B);\n";

    public static IEnumerable<(string Id, string Source, string Message)> All => [.. OfRecords, .. OfMembers, .. OfSkills];

    /// <summary>The source without its marks, and where they were.</summary>
    public static (string Text, int Start, int Length) Read(string source)
    {
        var marked = Usings + Records + source;
        var start = marked.IndexOf('⟦', StringComparison.Ordinal);
        return (marked.Replace("⟦", "", StringComparison.Ordinal).Replace("⟧", "", StringComparison.Ordinal), start, marked.IndexOf('⟧', StringComparison.Ordinal) - start - 1);
    }
}
