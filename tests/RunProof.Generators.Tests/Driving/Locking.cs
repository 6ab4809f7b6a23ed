using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Generators.Tests.Driving;

/// <summary>The generators and analyzers over sources with a <c>canonical.lock.json</c>.</summary>
internal static class Locking
{
    /// <summary>What imports the examples have.</summary>
    public const string Usings =
        "using System; using System.Collections.Generic; using System.Threading; using System.Threading.Tasks; using RunProof.Format; using RunProof.Skills;\n";

    /// <summary>The lock that a build of some source would be given: its shapes are read from its assembly's attributes, as the command line does.</summary>
    public static LockFile Shipped(string source, params MetadataReference[] references) => Shipped(Generation.Compile(("Shipped.cs", Usings + source)).AddReferences(references));

    public static LockFile Shipped(Compilation compilation)
    {
        Driver(null).RunGeneratorsAndUpdateCompilation(compilation, out var built, out _);
        Assert.Empty(Problems(built));
        return Of(built.Assembly.GetAttributes()
            .Where(static attribute => attribute.AttributeClass!.Name == nameof(CanonicalShapeAttribute))
            .Select(static attribute => (string)attribute.ConstructorArguments[0].Value!));
    }

    /// <summary>A lock of an assembly's entries.</summary>
    public static LockFile Of(IEnumerable<string> entries)
    {
        var read = entries.Select(LockParser.ReadEntry).ToList();
        Assert.DoesNotContain((null, null), read);
        var accepted = LockAcceptance.Of(LockFile.Empty, [.. read.Select(static entry => entry.Record).OfType<LockRecord>()], [.. read.Select(static entry => entry.Skill).OfType<LockSkill>()], []);
        Assert.Empty(accepted.Problems);
        return accepted.File!;
    }

    /// <summary>What the analyzers tell of a source beside a lock, the lock's rules only.</summary>
    public static Task<ImmutableArray<Diagnostic>> ToldAsync(string source, LockFile? file, string mode = "") => ToldAsync(Generation.Compile(("Now.cs", Usings + source)), file is null ? null : LockPrinter.Print(file), mode);

    public static async Task<ImmutableArray<Diagnostic>> ToldAsync(Compilation compilation, string? text, string mode = "")
    {
        var told = await Analyzing.DiagnosticsAsync(compilation, "", text is null ? [] : [("/project/" + LockFile.FileName, text)], mode);
        return [.. told.Where(static diagnostic => diagnostic.Id.StartsWith("RP03", StringComparison.Ordinal))];
    }

    /// <summary>A driver that sees a lock, and properties of the build.</summary>
    public static GeneratorDriver Driver(string? text, bool trackSteps = false, params (string Name, string Value)[] properties) => Generation.Driver(trackSteps)
        .AddAdditionalTexts(text is null ? [] : [new TextFile("/project/" + LockFile.FileName, text)])
        .WithUpdatedAnalyzerConfigOptions(new Properties(properties));

    /// <summary>What the generators write beside a lock; it must compile without a word.</summary>
    public static (Compilation Built, SortedDictionary<string, string> Sources) Build(Compilation compilation, string text, params (string Name, string Value)[] properties)
    {
        var driver = Driver(text, false, properties).RunGeneratorsAndUpdateCompilation(compilation, out var built, out var diagnostics);
        Assert.Empty(diagnostics);
        Assert.Empty(Problems(built));
        var sources = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var source in driver.GetRunResult().Results.SelectMany(static result => result.GeneratedSources))
            sources.Add(source.HintName, source.SourceText.ToString());
        return (built, sources);
    }

    /// <summary><c>GeneratedSchemas</c> of a built compilation, loaded and run.</summary>
    public static (IReadOnlyList<CanonicalSchema> All, IReadOnlyList<RecordedSkill> Skills) Load(Compilation built)
    {
        var type = Assembly(built).GetType("Generated.Test.GeneratedSchemas", throwOnError: true)!;
        return ((IReadOnlyList<CanonicalSchema>?)type.GetProperty("All")?.GetValue(null) ?? [], (IReadOnlyList<RecordedSkill>?)type.GetProperty("Skills")?.GetValue(null) ?? []);
    }

    public static System.Reflection.Assembly Assembly(Compilation built)
    {
        using var image = new MemoryStream();
        var emitted = built.Emit(image, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(emitted.Success, string.Join('\n', emitted.Diagnostics));
        image.Position = 0;
        return new AssemblyLoadContext(null).LoadFromStream(image);
    }

    public static IEnumerable<string> Problems(Compilation built) => built.GetDiagnostics(TestContext.Current.CancellationToken)
        .Where(static diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning).Select(static diagnostic => diagnostic.ToString());

    internal sealed class TextFile(string path, string text) : AdditionalText
    {
        public override string Path { get; } = path;

        public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);
    }

    internal sealed class Properties((string Name, string Value)[] properties) : AnalyzerConfigOptionsProvider
    {
        public override AnalyzerConfigOptions GlobalOptions { get; } = new Options(properties);

        public override AnalyzerConfigOptions GetOptions(SyntaxTree tree) => GlobalOptions;

        public override AnalyzerConfigOptions GetOptions(AdditionalText textFile) => GlobalOptions;
    }

    private sealed class Options((string Name, string Value)[] properties) : AnalyzerConfigOptions
    {
        public override bool TryGetValue(string key, [NotNullWhen(true)] out string? value) =>
            (value = properties.FirstOrDefault(property => "build_property." + property.Name == key).Value) is not null;
    }
}
