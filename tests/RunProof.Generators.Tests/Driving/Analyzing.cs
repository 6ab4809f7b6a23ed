using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.Generators.Tests.Driving;

/// <summary>The analyzers, driven in memory over what the generators have written. An analyzer that throws fails the test.</summary>
internal static class Analyzing
{
    /// <summary>Every analyzer of the generators' assembly.</summary>
    public static readonly ImmutableArray<DiagnosticAnalyzer> All = typeof(CanonicalGenerator).Assembly.GetTypes()
        .Where(static type => type.IsSubclassOf(typeof(DiagnosticAnalyzer)) && !type.IsAbstract)
        .OrderBy(static type => type.Name, StringComparer.Ordinal)
        .Select(static type => (DiagnosticAnalyzer)Activator.CreateInstance(type)!)
        .ToImmutableArray();

    /// <summary>What the analyzers tell, in the order of files and places.</summary>
    /// <param name="compilation">The sources, without what is generated.</param>
    /// <param name="editorConfig">An <c>.editorconfig</c> above them, or an empty text.</param>
    /// <param name="additionalFiles">Files as of the item AdditionalFiles.</param>
    /// <param name="lockMode">The property RunProofCanonicalLock. Default: off, as in tests that are not about the lock.</param>
    public static async Task<ImmutableArray<Diagnostic>> DiagnosticsAsync(
        Compilation compilation, string editorConfig = "", IEnumerable<(string Path, string Text)>? additionalFiles = null, string lockMode = "off")
    {
        return await ToldAsync(Over(compilation, editorConfig, additionalFiles, lockMode));
    }

    /// <summary>What some analyzers tell.</summary>
    public static async Task<ImmutableArray<Diagnostic>> ToldAsync(CompilationWithAnalyzers analysis)
    {
        var told = await analysis.GetAnalyzerDiagnosticsAsync(TestContext.Current.CancellationToken);
        Assert.Empty(told.Where(static diagnostic => !diagnostic.Id.StartsWith("RP", StringComparison.Ordinal)).Select(static diagnostic => diagnostic.ToString()));
        return [.. told.OrderBy(static diagnostic => diagnostic.Location.SourceTree?.FilePath, StringComparer.Ordinal).ThenBy(static diagnostic => diagnostic.Location.SourceSpan.Start)];
    }

    /// <summary>The analyzers over a compilation and what is generated for it, to ask for one file's diagnostics or for all.</summary>
    public static CompilationWithAnalyzers Over(
        Compilation compilation, string editorConfig = "", IEnumerable<(string Path, string Text)>? additionalFiles = null, string lockMode = "off")
    {
        var config = AnalyzerConfigSet.Create(ImmutableArray.Create(AnalyzerConfig.Parse("root = true\n" + editorConfig, "/.editorconfig")));
        var configured = compilation.WithOptions(compilation.Options.WithSyntaxTreeOptionsProvider(new Severities(config)));
        Generation.Driver().RunGeneratorsAndUpdateCompilation(configured, out var generated, out var ofGenerators);
        Assert.Empty(ofGenerators);
        var files = (additionalFiles ?? []).Select(static file => (AdditionalText)new TextInMemory(file.Path, file.Text)).ToImmutableArray();
        return generated.WithAnalyzers(All, new CompilationWithAnalyzersOptions(
            new AnalyzerOptions(files, new Properties(lockMode)), onAnalyzerException: null, concurrentAnalysis: true, logAnalyzerExecutionTime: false));
    }

    /// <summary>Severities by file, as the compiler takes them from <c>.editorconfig</c>.</summary>
    private sealed class Severities(AnalyzerConfigSet config) : SyntaxTreeOptionsProvider
    {
        public override GeneratedKind IsGenerated(SyntaxTree tree, CancellationToken cancellationToken) => GeneratedKind.Unknown;

        public override bool TryGetDiagnosticValue(SyntaxTree tree, string diagnosticId, CancellationToken cancellationToken, out ReportDiagnostic severity) =>
            config.GetOptionsForSourcePath("/" + tree.FilePath).TreeOptions.TryGetValue(diagnosticId, out severity);

        public override bool TryGetGlobalDiagnosticValue(string diagnosticId, CancellationToken cancellationToken, out ReportDiagnostic severity)
        {
            severity = ReportDiagnostic.Default;
            return false;
        }
    }

    private sealed class Properties(string lockMode) : AnalyzerConfigOptionsProvider
    {
        public override AnalyzerConfigOptions GlobalOptions { get; } = new Property(lockMode);

        public override AnalyzerConfigOptions GetOptions(SyntaxTree tree) => GlobalOptions;

        public override AnalyzerConfigOptions GetOptions(AdditionalText textFile) => GlobalOptions;
    }

    private sealed class Property(string lockMode) : AnalyzerConfigOptions
    {
        public override bool TryGetValue(string key, [NotNullWhen(true)] out string? value) =>
            (value = key == "build_property.RunProofCanonicalLock" ? lockMode : null) is not null;
    }

    private sealed class TextInMemory(string path, string text) : AdditionalText
    {
        public override string Path { get; } = path;

        public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);
    }
}
