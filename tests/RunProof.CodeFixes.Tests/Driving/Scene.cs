using System.Collections.Immutable;
using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;
using RunProof.Generators;

namespace RunProof.CodeFixes.Tests.Driving;

/// <summary>A project in memory, with the generators, analyzers and code fixes as an editor has them.</summary>
internal static class Scene
{
    private static readonly HashSet<string> Referenced =
    [
        "System.Private.CoreLib", "System.Private.Uri", "System.Runtime", "System.Collections", "System.Collections.Concurrent", "System.Collections.Immutable", "System.ComponentModel", "System.Linq",
        "System.Linq.Expressions", "System.Memory", "System.Runtime.InteropServices", "System.Text.Json", "System.Threading", "System.Threading.Tasks", "Microsoft.CSharp",
        "Microsoft.Extensions.DependencyInjection.Abstractions", "RunProof.Format", "RunProof.Skills",
    ];

    private static readonly ImmutableArray<MetadataReference> References =
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Where(static path => Referenced.Contains(Path.GetFileNameWithoutExtension(path)))
            .Select(static path => (MetadataReference)MetadataReference.CreateFromFile(path))
            .ToImmutableArray();

    private static readonly AnalyzerFileReference Compiler = new(typeof(CanonicalGenerator).Assembly.Location, new LoadedAssemblies());

    // Solutions are immutable: every test forks this one.
    private static readonly AdhocWorkspace Empty = new();

    /// <summary>Every provider that the assembly exports.</summary>
    public static ImmutableArray<CodeFixProvider> Providers { get; } =
    [
        .. typeof(RemedyProvider).Assembly.GetTypes()
            .Where(static type => type.GetCustomAttribute<ExportCodeFixProviderAttribute>() is not null)
            .Select(static type => (CodeFixProvider)Activator.CreateInstance(type)!),
    ];

    /// <summary>A project of some files, without a lock and without asking for one.</summary>
    public static Project Of(params (string Path, string Text)[] files) => Of(NullableContextOptions.Enable, files);

    public static Project Of(NullableContextOptions nullable, params (string Path, string Text)[] files) =>
        Create(nullable, [.. files, ("off.globalconfig", "is_global = true\nbuild_property.RunProofCanonicalLock = off\n")]);

    /// <summary>A project whose lock is looked at; what does not end in <c>.cs</c> is an additional file.</summary>
    public static Project Locked(params (string Path, string Text)[] files) =>
        Create(NullableContextOptions.Enable, [.. files, ("folder.globalconfig", "is_global = true\nbuild_property.ProjectDir = /fixed/\n")]);

    private static Project Create(NullableContextOptions nullable, (string Path, string Text)[] files)
    {
        var (solution, id) = (Empty.CurrentSolution, ProjectId.CreateNewId());
        solution = solution.AddProject(ProjectInfo.Create(
            id, VersionStamp.Default, "Fixed", "Fixed.Test", LanguageNames.CSharp, "/fixed/Fixed.csproj",
            compilationOptions: new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: nullable).WithSpecificDiagnosticOptions(
                new Dictionary<string, ReportDiagnostic> { ["CS8933"] = ReportDiagnostic.Suppress, ["CS1591"] = ReportDiagnostic.Suppress, ["CS8981"] = ReportDiagnostic.Suppress }),
            parseOptions: new CSharpParseOptions(LanguageVersion.CSharp14, DocumentationMode.Parse),
            metadataReferences: References,
            analyzerReferences: [Compiler]));
        foreach (var (path, text) in files.Append(("Implicit.cs", "global using System;\n")))
        {
            var document = DocumentId.CreateNewId(id, path);
            solution = path.EndsWith(".cs", StringComparison.Ordinal)
                ? solution.AddDocument(document, path, SourceText.From(text), filePath: "/fixed/" + path)
                : path.EndsWith("config", StringComparison.Ordinal)
                    ? solution.AddAnalyzerConfigDocument(document, path, SourceText.From(text), filePath: "/fixed/" + path)
                    : solution.AddAdditionalDocument(document, path, SourceText.From(text), filePath: "/fixed/" + path);
        }

        return solution.GetProject(id)!;
    }

    /// <summary>The compilation with all that the generators write. A generator that fails is an error here.</summary>
    public static async Task<Compilation> Compile(Project project)
    {
        var compilation = (await project.GetCompilationAsync())!;
        Assert.DoesNotContain(compilation.GetDiagnostics(), static diagnostic => diagnostic.Id is "CS8784" or "CS8785");
        return compilation;
    }

    /// <summary>What our analyzers tell, in the order of the files.</summary>
    public static async Task<ImmutableArray<Diagnostic>> Faults(Project project)
    {
        var analyzers = project.AnalyzerReferences.SelectMany(static reference => reference.GetAnalyzers(LanguageNames.CSharp)).ToImmutableArray();
        var analyzed = (await Compile(project)).WithAnalyzers(analyzers, new CompilationWithAnalyzersOptions(project.AnalyzerOptions, null, concurrentAnalysis: false, logAnalyzerExecutionTime: false));
        var found = await analyzed.GetAnalyzerDiagnosticsAsync();
        Assert.DoesNotContain(found, static diagnostic => diagnostic.Id == "AD0001");
        return [.. found.OrderBy(static diagnostic => diagnostic.Location.GetLineSpan().Path, StringComparer.Ordinal).ThenBy(static diagnostic => diagnostic.Location.SourceSpan.Start)];
    }

    private sealed class LoadedAssemblies : IAnalyzerAssemblyLoader
    {
        public void AddDependencyLocation(string fullPath)
        {
        }

        public Assembly LoadFromPath(string fullPath) => typeof(CanonicalGenerator).Assembly;
    }
}
