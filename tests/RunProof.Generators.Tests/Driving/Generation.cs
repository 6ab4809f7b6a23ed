using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.Generators.Tests.Driving;

/// <summary>The generators, driven in memory as the compiler drives them.</summary>
internal static class Generation
{
    // Enough for every test here; the whole platform would make each compilation several times slower.
    private static readonly HashSet<string> Referenced =
    [
        "System.Private.CoreLib", "System.Private.Uri", "System.Runtime", "System.Collections", "System.Collections.Immutable", "System.ComponentModel", "System.Linq", "System.Memory",
        "System.Runtime.InteropServices", "System.Text.Json", "System.Threading", "System.Threading.Tasks", "Microsoft.Extensions.DependencyInjection.Abstractions",
        "RunProof.Format", "RunProof.Skills",
    ];

    private static readonly ImmutableArray<MetadataReference> References =
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Where(static path => Referenced.Contains(Path.GetFileNameWithoutExtension(path)))
            .Select(static path => (MetadataReference)MetadataReference.CreateFromFile(path))
            .ToImmutableArray();

    private static readonly CSharpParseOptions Parsing = new(LanguageVersion.CSharp14, DocumentationMode.Parse);

    /// <summary>A compilation of some files, with what the projects of this repository import implicitly.</summary>
    public static CSharpCompilation Compile(params (string Path, string Text)[] files) => Compile(References, files);

    /// <summary>The same without a reference to RunProof.Skills, as RunProof.Format itself is compiled.</summary>
    public static CSharpCompilation CompileWithoutSkills(params (string Path, string Text)[] files) =>
        Compile(References.Where(static reference => !reference.Display!.EndsWith("RunProof.Skills.dll", StringComparison.Ordinal)), files);

    public static SyntaxTree Parse(string path, string text, DocumentationMode documentation = DocumentationMode.Parse) =>
        CSharpSyntaxTree.ParseText(SourceText.From(text), Parsing.WithDocumentationMode(documentation), path);

    public static CSharpGeneratorDriver Driver(bool trackSteps = false) => CSharpGeneratorDriver.Create(
        [new CanonicalGenerator().AsSourceGenerator(), new SkillGenerator().AsSourceGenerator()],
        parseOptions: Parsing,
        driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: trackSteps));

    /// <summary>One run. A generator that throws fails the test.</summary>
    public static GeneratorDriverRunResult Run(Compilation compilation)
    {
        var result = Driver().RunGenerators(compilation).GetRunResult();
        foreach (var each in result.Results)
            Assert.Null(each.Exception);
        return result;
    }

    /// <summary>What the generators write for some sources, by file name; the sources and the result must compile without a word.</summary>
    public static SortedDictionary<string, string> Sources(params (string Path, string Text)[] files) => Sources(Compile(files));

    public static SortedDictionary<string, string> Sources(Compilation compilation)
    {
        var driver = Driver().RunGeneratorsAndUpdateCompilation(compilation, out var output, out var diagnostics);
        Assert.Empty(diagnostics);
        Assert.Empty(output.GetDiagnostics().Where(static diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning).Select(static diagnostic => diagnostic.ToString()));
        var sources = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var source in driver.GetRunResult().Results.SelectMany(static result => result.GeneratedSources))
            sources.Add(source.HintName, source.SourceText.ToString());
        return sources;
    }

    /// <summary>A compiled library that another compilation can refer to.</summary>
    public static MetadataReference Library(string name, string text)
    {
        var compilation = Compile(("Library.cs", text)).WithAssemblyName(name);
        Driver().RunGeneratorsAndUpdateCompilation(compilation, out var output, out _);
        using var image = new MemoryStream();
        var emitted = output.Emit(image);
        Assert.True(emitted.Success, string.Join('\n', emitted.Diagnostics));
        return MetadataReference.CreateFromImage(image.ToArray());
    }

    private static CSharpCompilation Compile(IEnumerable<MetadataReference> references, (string Path, string Text)[] files) => CSharpCompilation.Create(
        "Generated.Test",
        files.Select(static file => Parse(file.Path, file.Text)).Prepend(Parse("Usings.cs", "global using System;\n")),
        references,
        new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable)
            .WithSpecificDiagnosticOptions([new("CS8933", ReportDiagnostic.Suppress), new("CS1573", ReportDiagnostic.Suppress), new("CS1591", ReportDiagnostic.Suppress), new("CS8019", ReportDiagnostic.Suppress)]));
}
