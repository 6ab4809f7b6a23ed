using System.Globalization;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>
/// Everything that can be wrong with a declaration, one file for each hundred. An id is never used again for anything else: RP0001 to
/// RP0025, of the first draft, are spent. Each rule has a section in DIAGNOSTICS.md and a row in AnalyzerReleases.
/// </summary>
internal static partial class Rules
{
    /// <summary>The page with a section for each rule.</summary>
    public const string HelpLinkBase = "https://github.com/runproof/runproof/blob/main/generators/RunProof.Generators/DIAGNOSTICS.md";

    /// <summary>The category of all rules: <c>dotnet_analyzer_diagnostic.category-RunProof.severity</c>.</summary>
    public const string Category = "RunProof";

    /// <summary>Nothing can be generated, or bytes would drift.</summary>
    private static DiagnosticDescriptor Error(string id, string title, string message) => Rule(id, title, message, DiagnosticSeverity.Error);

    /// <summary>What is generated is right, and perhaps not what was meant.</summary>
    private static DiagnosticDescriptor Warning(string id, string title, string message) => Rule(id, title, message, DiagnosticSeverity.Warning);

    private static DiagnosticDescriptor Rule(string id, string title, string message, DiagnosticSeverity severity) =>
        new(id, title, message, Category, severity, isEnabledByDefault: true, helpLinkUri: HelpLinkBase + "#" + id.ToLower(CultureInfo.InvariantCulture));
}
