using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.Loader;
using System.Text.Json;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Format;
using RunProof.Generators;
using RunProof.Skills;

namespace RunProof.Evolution.Tests;

/// <summary>One build of somebody's project of skills: compiled with the generators and its lock, loaded on its own, and never seeing another build's types.</summary>
internal sealed class Build : IDisposable
{
    private static readonly CSharpParseOptions Parsing = new(LanguageVersion.CSharp14);

    private static readonly HashSet<string> Referenced =
    [
        "System.Private.CoreLib", "System.Runtime", "System.Collections", "System.Collections.Immutable", "System.ComponentModel", "System.Linq", "System.Memory",
        "System.Text.Json", "System.Threading", "Microsoft.Extensions.DependencyInjection.Abstractions", "RunProof.Format", "RunProof.Skills",
    ];

    private static readonly ImmutableArray<MetadataReference> References =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Referenced.Contains(Path.GetFileNameWithoutExtension(path))).Select(path => MetadataReference.CreateFromFile(path))];

    private readonly AssemblyLoadContext _context;
    private readonly ServiceProvider _services;

    private Build(string name, MemoryStream image)
    {
        _context = new AssemblyLoadContext(name, isCollectible: true);
        Assembly = _context.LoadFromStream(image);
        var services = new ServiceCollection();
        Assembly.GetType("Acme.Orders.GeneratedSkills")!.GetMethod("AddGeneratedSkills")!.Invoke(null, [services]);
        _services = services.BuildServiceProvider();
        Skill = Xunit.Assert.Single(new SkillRegistry(_services.GetServices<SkillDescriptor>()).All);
        Schemas = new SchemaRegistry(_services.GetServices<RecordedSchemas>());
    }

    internal Assembly Assembly { get; }

    internal SkillDescriptor Skill { get; }

    internal SchemaRegistry Schemas { get; }

    /// <summary>Compiles a project. What the compiler and the lock's rules say must be nothing.</summary>
    /// <param name="name">The build's name.</param>
    /// <param name="source">Its one file.</param>
    /// <param name="lockText">Its lock; null for none.</param>
    internal static async Task<Build> CompileAsync(string name, string source, string? lockText)
    {
        var files = ImmutableArray.CreateRange<AdditionalText>(lockText is null ? [] : [new LockText(lockText)]);
        const string Usings = "global using System; global using System.Collections.Generic; global using System.Threading; global using System.Threading.Tasks; global using RunProof.Format; global using RunProof.Skills;";
        var compilation = CSharpCompilation.Create(
            "Acme.Orders", [CSharpSyntaxTree.ParseText(source, Parsing, name + ".cs"), CSharpSyntaxTree.ParseText(Usings, Parsing, "Usings.cs")], References,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
        CSharpGeneratorDriver.Create([new CanonicalGenerator().AsSourceGenerator(), new SkillGenerator().AsSourceGenerator()], files, Parsing, Options.Provider)
            .RunGeneratorsAndUpdateCompilation(compilation, out var output, out var diagnostics);
        var analyzers = typeof(CanonicalGenerator).Assembly.GetTypes().Where(type => !type.IsAbstract && typeof(DiagnosticAnalyzer).IsAssignableFrom(type))
            .Select(type => (DiagnosticAnalyzer)Activator.CreateInstance(type, nonPublic: true)!).ToImmutableArray();
        var said = diagnostics.AddRange(output.GetDiagnostics()).AddRange(await output.WithAnalyzers(analyzers, new AnalyzerOptions(files, Options.Provider)).GetAnalyzerDiagnosticsAsync());
        // That it has no lock yet, or not this shape in it, is what a first build is told.
        Xunit.Assert.Empty(said.Where(one => one.Severity >= DiagnosticSeverity.Warning && one.Id is not ("RP0310" or "RP0311")).Select(one => one.ToString()));
        using var image = new MemoryStream();
        Xunit.Assert.True(output.Emit(image).Success);
        image.Position = 0;
        return new Build(name, image);
    }

    /// <summary>The lock after a release of this build: what was in it before, and the build's own shapes, as <c>runproof canonical lock</c> takes them.</summary>
    internal string Release(string? before)
    {
        var entries = Assembly.GetCustomAttributes<CanonicalShapeAttribute>().Select(shape => LockParser.ReadEntry(shape.Entry)).ToArray();
        var acceptance = LockAcceptance.Of(
            before is null ? LockFile.Empty : LockReading.Of(before).File!, [.. entries.Select(entry => entry.Record).OfType<LockRecord>()], [.. entries.Select(entry => entry.Skill).OfType<LockSkill>()], []);
        Xunit.Assert.Empty(acceptance.Problems);
        return LockPrinter.Print(acceptance.File!);
    }

    /// <summary>Calls the skill as a runner does.</summary>
    internal async Task<(CanonicalJson Parameters, CanonicalJson Outcome)> CallAsync(string parameters)
    {
        using var json = JsonDocument.Parse(parameters);
        var call = Skill.Bind(json.RootElement, "params");
        var outcome = await call.ExecuteAsync(_services, new SkillContext
        {
            TenantId = TenantId.Parse("acme"),
            RunId = RunId.Parse("r"),
            StepIndex = 0,
            Attempt = 0,
            IdempotencyKey = "r:0",
            Clock = TimeProvider.System,
        }, CancellationToken.None);
        Xunit.Assert.Null(outcome.Failure);
        return (call.Parameters, outcome.Outcome!);
    }

    public void Dispose()
    {
        _services.Dispose();
        _context.Unload();
    }

    private sealed class LockText(string text) : AdditionalText
    {
        public override string Path => "/acme/canonical.lock.json";

        public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);
    }

    private sealed class Options : AnalyzerConfigOptionsProvider
    {
        internal static readonly Options Provider = new();

        public override AnalyzerConfigOptions GlobalOptions { get; } = new RootNamespace();

        public override AnalyzerConfigOptions GetOptions(SyntaxTree tree) => GlobalOptions;

        public override AnalyzerConfigOptions GetOptions(AdditionalText textFile) => GlobalOptions;

        private sealed class RootNamespace : AnalyzerConfigOptions
        {
            public override bool TryGetValue(string key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? value) =>
                (value = key == "build_property.RootNamespace" ? "Acme.Orders" : null) is not null;
        }
    }
}
