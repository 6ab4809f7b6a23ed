using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RunProof.CodeFixes.Tests.Driving;

/// <summary>Every source that the tests of the diagnostics are made of: whole, faulty and half-typed.</summary>
internal static class Corpus
{
    public const string Usings =
        "using System.Collections.Generic; using System.Collections.Immutable; using System.Threading; using System.Threading.Tasks; using RunProof.Format; using RunProof.Skills;\n"
        + "[Canonical] public sealed partial record P(int A); [Canonical] public sealed partial record O(int B);\n";

    /// <summary>The repository.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The texts in the tests' own sources, found by what is in them: nobody keeps a second list.</summary>
    public static IReadOnlyList<string> Sources { get; } =
    [
        .. Directory.GetFiles(Path.Combine(Root, "tests", "RunProof.Generators.Tests", "Diagnostics"), "*.cs").Order(StringComparer.Ordinal)
            .SelectMany(static file => CSharpSyntaxTree.ParseText(File.ReadAllText(file)).GetRoot().DescendantNodes().OfType<LiteralExpressionSyntax>())
            .Select(static literal => literal.Token.Value as string ?? "")
            .Where(static text => text.Contains("[Canonical", StringComparison.Ordinal) || text.Contains("[Skill", StringComparison.Ordinal))
            .Select(static text => text.Replace("⟦", "", StringComparison.Ordinal).Replace("⟧", "", StringComparison.Ordinal))
            .Distinct(),
    ];

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "RunProof.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("RunProof.sln is in no folder above " + AppContext.BaseDirectory);
        return folder;
    }
}
