using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.Packages.Tests;

/// <summary>The blocks of <c>src/SKILLS.md</c>, compiled as a reader's project would be: with the generators, the analyzers and the page's lock.</summary>
internal static class SkillsPage
{
    private const string Usings = """
        global using System;
        global using System.Collections.Generic;
        global using System.Linq;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using RunProof.Format;
        global using RunProof.Skills;
        global using Acme.Skills;
        """;

    private static readonly CSharpParseOptions Parsing = new(LanguageVersion.CSharp14, DocumentationMode.Diagnose);

    // What the page's code uses; the whole platform would make each compilation several times slower.
    private static readonly HashSet<string> Referenced =
    [
        "System.Private.CoreLib", "System.Runtime", "System.Collections", "System.Collections.Immutable", "System.ComponentModel", "System.Console", "System.Linq", "System.Memory",
        "System.Text.Json", "System.Threading", "Microsoft.Extensions.DependencyInjection", "Microsoft.Extensions.DependencyInjection.Abstractions", "RunProof.Format", "RunProof.Skills",
    ];

    private static readonly MetadataReference[] References = [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
        .Split(Path.PathSeparator)
        .Where(path => Referenced.Contains(Path.GetFileNameWithoutExtension(path)))
        .Select(path => MetadataReference.CreateFromFile(path))];

    internal static string Text { get; } = File.ReadAllText(Path.Combine(Repository.Root, "src", "SKILLS.md")).ReplaceLineEndings("\n");

    internal static IReadOnlyList<Block> Blocks { get; } = [.. Read()];

    internal static string Lock => Blocks.Single(block => block is { Language: "json" }).Text;

    /// <summary>Declarations that hold for the whole page.</summary>
    private static IEnumerable<Block> Declarations => Blocks.Where(block => block is { Language: "csharp", Expected: "", IsProgram: false });

    /// <summary>A block among the page's declarations; those of types that it declares itself stand back.</summary>
    internal static CSharpCompilation Compile(Block block)
    {
        var own = block.Types;
        var trees = Declarations.Where(other => other != block && !other.Types.Overlaps(own)).Append(block)
            .Select(each => CSharpSyntaxTree.ParseText(SourceText.From(each.Text), Parsing, $"SKILLS.md.{each.Line}.cs"))
            .Prepend(CSharpSyntaxTree.ParseText(SourceText.From(Usings), Parsing, "Usings.cs"));
        return CSharpCompilation.Create(
            "Acme.Skills", trees, References,
            new CSharpCompilationOptions(block.IsProgram ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable)
                .WithSpecificDiagnosticOptions([new("CS1591", ReportDiagnostic.Suppress), new("CS1573", ReportDiagnostic.Suppress)]));
    }

    internal static Compilation Generate(CSharpCompilation compilation)
    {
        var driver = CSharpGeneratorDriver.Create(
            InstancesOf<IIncrementalGenerator>().Select(GeneratorExtensions.AsSourceGenerator), [new LockText()], Parsing, new ProjectOptions());
        driver.RunGeneratorsAndUpdateCompilation(compilation, out var output, out var diagnostics);
        Assert.Empty(diagnostics);
        return output;
    }

    /// <summary>What the compiler and the analyzers say of it, errors and warnings.</summary>
    internal static async Task<Diagnostic[]> DiagnoseAsync(Compilation compilation)
    {
        var analyzed = await compilation.WithAnalyzers([.. InstancesOf<DiagnosticAnalyzer>()], new AnalyzerOptions([new LockText()], new ProjectOptions())).GetAnalyzerDiagnosticsAsync();
        return [.. compilation.GetDiagnostics().Concat(analyzed).Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning && !diagnostic.IsSuppressed)];
    }

    /// <summary>Runs a program; what it prints.</summary>
    internal static string Run(Compilation compilation)
    {
        using var image = new MemoryStream();
        var emitted = compilation.Emit(image);
        Assert.True(emitted.Success, string.Join('\n', emitted.Diagnostics));
        image.Position = 0;
        var entry = new AssemblyLoadContext("SKILLS.md", isCollectible: true).LoadFromStream(image).EntryPoint!;
        var (console, printed) = (Console.Out, new StringWriter { NewLine = "\n" });
        Console.SetOut(printed);
        try
        {
            entry.Invoke(null, entry.GetParameters().Length == 0 ? [] : [Array.Empty<string>()]);
        }
        finally
        {
            Console.SetOut(console);
        }

        return printed.ToString();
    }

    private static IEnumerable<T> InstancesOf<T>() => typeof(Generators.CanonicalGenerator).Assembly.GetTypes()
        .Where(type => !type.IsAbstract && typeof(T).IsAssignableFrom(type)).Select(type => (T)Activator.CreateInstance(type, nonPublic: true)!);

    private static IEnumerable<Block> Read()
    {
        var lines = Text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (!lines[i].StartsWith("```", StringComparison.Ordinal))
                continue;
            var info = lines[i][3..].Split(' ');
            var end = Array.IndexOf(lines, "```", i + 1);
            yield return new Block(i + 2, info[0], info.ElementAtOrDefault(1) ?? "", string.Concat(lines[(i + 1)..end].Select(line => line + "\n")));
            i = end;
        }
    }

    /// <summary>A fenced block.</summary>
    /// <param name="Line">Where its text begins, from 1.</param>
    /// <param name="Language">The first word of its fence.</param>
    /// <param name="Expected">The rule that it breaks; <c>RP-none</c> for a variant that breaks none; empty for a part of the page's one program.</param>
    /// <param name="Text">What is in it.</param>
    internal sealed record Block(int Line, string Language, string Expected, string Text)
    {
        private CompilationUnitSyntax Root => CSharpSyntaxTree.ParseText(Text, Parsing).GetCompilationUnitRoot();

        internal bool IsProgram => Root.Members.OfType<GlobalStatementSyntax>().Any();

        internal HashSet<string> Types => [.. Root.DescendantNodes().OfType<BaseTypeDeclarationSyntax>().Select(type => type.Identifier.Text)];

        public override string ToString() => $"line {Line}";
    }

    private sealed class LockText : AdditionalText
    {
        public override string Path => "/acme/canonical.lock.json";

        public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(Lock);
    }

    private sealed class ProjectOptions : AnalyzerConfigOptionsProvider
    {
        public override AnalyzerConfigOptions GlobalOptions { get; } = new Options();

        public override AnalyzerConfigOptions GetOptions(SyntaxTree tree) => GlobalOptions;

        public override AnalyzerConfigOptions GetOptions(AdditionalText textFile) => GlobalOptions;

        private sealed class Options : AnalyzerConfigOptions
        {
            public override bool TryGetValue(string key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? value) =>
                (value = key == "build_property.RootNamespace" ? "Acme.Skills" : null) is not null;
        }
    }
}
