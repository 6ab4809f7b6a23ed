using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests;

/// <summary>
/// What an edit gives must be what a run from nothing gives, also where the edit lies in another file than the declarations that it changes. Each case
/// is one way in which a file reaches a model of another.
/// </summary>
public sealed class DifferentialTests
{
    private const string Records = """
        using System.Threading;
        using System.Threading.Tasks;
        using RunProof.Format;
        using RunProof.Skills;
        using Money = N.Values.Cents;
        using static N.Values.Limits;
        namespace N
        {
            /// <summary>Given.</summary>
            [Canonical] public sealed partial record Given(int A, Colour Colour = Colour.Red, int Most = Top, int Least = Values.Limits.Bottom) : Root(A)
            {
                public required Money Price { get; init; }
                public Part? Part { get; init; }
                public Outer.Inner? Inner { get; init; }
                public Stamp Stamp { get; init; }
                public string Name { get; init; } = Values.Names.First;
                public System.Collections.Generic.List<Part> Parts { get; init; } = [];
            }

            [Canonical] public partial record Root(int A);

            [Skill("s")] public sealed partial class Skill : Works { }
        }
        """;

    /// <summary>The files beside <see cref="Records"/>: nothing in them has a [Canonical] or [Skill] that is not a partial part's or a base's.</summary>
    private static readonly Dictionary<string, string> Others = new(StringComparer.Ordinal)
    {
        ["Colour.cs"] = "namespace N { public enum Colour { Red, Green } }",
        ["Values.cs"] = """
            namespace N.Values
            {
                using RunProof.Format;
                [Canonical] public sealed partial record Cents(long Amount);
                public static class Limits { public const int Top = 10 * Step; public const int Bottom = Top / Step; private const int Step = 7; }
                public static class Names : object { public const string First = "first"; }
            }
            """,
        ["Part.cs"] = "#nullable enable\nnamespace N { /// <summary>A part.</summary>\n[RunProof.Format.Canonical] public sealed partial record Part : Piece { } }",
        ["Piece.cs"] = "namespace N { public abstract partial record Piece { /// <summary>Its name.</summary>\npublic string? Label { get; init; } } }",
        ["Piece2.cs"] = "namespace N { partial record Piece { public int Size { get; init; } = 3; } }",
        ["Outer.cs"] = "namespace N { public partial class Outer { [RunProof.Format.Canonical] public sealed partial record Inner(string? Text); } }",
        ["Given2.cs"] = "namespace N { partial record Given { public bool Late { get; init; } } }",
        ["Stamp.cs"] = "namespace N { [RunProof.Format.CanonicalScalar(\"string\")] public readonly struct Stamp { } }",
        ["Works.cs"] = """
            using System.Threading; using System.Threading.Tasks;
            namespace N { public abstract class Works { /// <summary>Works.</summary>
            public Task<Part> ExecuteAsync(Given given, RunProof.Skills.SkillContext context, CancellationToken cancellationToken) => null!; } }
            """,
        ["Global.cs"] = "global using Frozen = RunProof.Format.CanonicalAttribute;",
        ["Aliased.cs"] = "namespace N { [Frozen] public sealed partial record Aliased(int A); }",
        ["Plain.cs"] = "namespace N.Plain { public class Plain { public int Count() { return 1; } } }",
    };

    /// <summary>File, text before, text after; and whether anything generated may change by it.</summary>
    public static TheoryData<string, string, string, bool> Edits() => new()
    {
        { "Colour.cs", "Green", "Blue", true },
        { "Colour.cs", "Red,", "[RunProof.Format.WireName(\"rot\")] Red,", true },
        { "Colour.cs", "enum Colour", "class Colour2 { } public enum Colour", false },
        { "Values.cs", "10 *", "20 *", true },
        { "Values.cs", "Step = 7", "Step = 8", true },
        { "Values.cs", "\"first\"", "\"second\"", true },
        { "Values.cs", "long Amount", "decimal Amount", true },
        { "Values.cs", "static class Names : object { public const string First", "static class Names { public static readonly string First", true },
        { "Part.cs", "A part.", "One part.", true },
        { "Part.cs", " : Piece", "", true },
        { "Piece.cs", "string?", "string", true },
        { "Piece.cs", "namespace N {", "#nullable disable\nnamespace N {", false },
        { "Piece.cs", "public string?", "\n#nullable disable\npublic string", true },
        { "Piece.cs", "Its name.", "Its own name.", true },
        { "Piece.cs", "public string?", "private string?", true },
        { "Piece2.cs", "int Size", "long Size", true },
        { "Piece2.cs", "= 3", "= 4", true },
        { "Piece2.cs", "init;", "set;", false },
        { "Outer.cs", "string? Text", "string? Text, int More = 1", true },
        { "Outer.cs", "partial class Outer", "class Outer", true },
        { "Given2.cs", "bool Late", "bool? Late", true },
        { "Given2.cs", "partial record Given", "/// <summary>Other.</summary>\npartial record Given", false },
        { "Stamp.cs", "\"string\"", "\"integer\"", true },
        { "Works.cs", "Task<Part>", "ValueTask<Part>", false },
        { "Works.cs", "Task<Part>", "Task<Given>", true },
        { "Works.cs", "Works.</summary>", "Toils.</summary>", true },
        { "Works.cs", "null!", "throw new System.Exception()", false },
        { "Global.cs", "CanonicalAttribute", "WireNameAttribute", true },
        { "Plain.cs", "namespace N.Plain { ", "namespace N { public record Int32; } namespace N.Plain { ", false },
        { "Plain.cs", "namespace N.Plain { ", "namespace N { public class Money { } } namespace N.Plain { ", true },
        { "Plain.cs", "namespace N.Plain { ", "namespace N { public enum CancellationToken { } } namespace N.Plain { ", true },
        { "Plain.cs", "namespace N.Plain { ", "namespace N.System { public class Collections { } } namespace N.Plain { ", true },
        { "Plain.cs", "namespace N.Plain { ", "namespace N { partial record Root { public string? Late { get; init; } } } namespace N.Plain { ", true },
        { "Plain.cs", "namespace N.Plain { ", "namespace N { public class GIVEN { } } namespace N.Plain { ", true },
        { "Plain.cs", "namespace N.Plain { ", "global using Colour = System.DayOfWeek; namespace N.Plain { ", false },
        { "Plain.cs", "namespace N.Plain { ", "using Other = RunProof.Format.CanonicalAttribute; namespace N.Plain { [Other] public partial record New(int A); ", true },
        { "Plain.cs", "namespace N.Plain { ", "namespace RunProof.Skills { public interface IJsonBound<T> { } } namespace N.Plain { ", false },
        { "Plain.cs", "public class Plain {", "[RunProof.Format.Canonical] public sealed partial record Added(int A); public class Plain {", true },
        { "Plain.cs", "public class Plain {", "public class Plain { public int More; ", false },
        { "Plain.cs", "public class Plain {", "public class Another { } public class Plain { ", false },
        { "Plain.cs", "return 1", "return 2", false },
    };

    [Theory]
    [MemberData(nameof(Edits))]
    public void An_edit_elsewhere_gives_what_a_run_from_nothing_gives(string file, string before, string after, bool changes)
    {
        var compilation = Compile(Others);
        var driver = Generation.Driver().RunGenerators(compilation);
        var edited = new Dictionary<string, string>(Others, StringComparer.Ordinal) { [file] = Others[file].Replace(before, after, StringComparison.Ordinal) };
        var result = driver.RunGenerators(Replace(compilation, file, edited[file])).GetRunResult();
        var expected = Sources(Generation.Driver().RunGenerators(Compile(edited)).GetRunResult());
        Assert.Equal(expected, Sources(result));
        Assert.Equal(changes, !Sources(driver.GetRunResult()).SequenceEqual(expected));

        // And back again.
        Assert.Equal(Sources(driver.GetRunResult()), Sources(driver.RunGenerators(Replace(compilation, file, edited[file])).RunGenerators(compilation).GetRunResult()));
    }

    /// <summary>Many edits one after the other, drawn from the same list and from halves of texts, as they are while someone types.</summary>
    [Fact]
    public void After_any_edits_the_result_is_that_of_a_run_from_nothing()
    {
        string[][] edits = [.. Edits().Select(static row => new[] { row.Data.Item1, row.Data.Item2, row.Data.Item3 })];
        for (var seed = 0; seed < 12; seed++)
        {
            var random = new Random(seed);
            var files = new Dictionary<string, string>(Others, StringComparer.Ordinal);
            var compilation = Compile(files);
            var driver = Generation.Driver().RunGenerators(compilation);
            for (var i = 0; i < 12; i++)
            {
                var file = Change(random, edits, files);
                compilation = Replace(compilation, file, files[file]);
                driver = driver.RunGenerators(compilation);
                var expected = Sources(Generation.Driver().RunGenerators(Compile(files)).GetRunResult());
                var actual = Sources(driver.GetRunResult());
                Assert.True(expected.SequenceEqual(actual), string.Create(CultureInfo.InvariantCulture, $"seed {seed}, edit {i} of {file}: {files[file]}"));
            }
        }
    }

    [Fact]
    public void Files_that_come_go_and_change_places_give_what_a_run_from_nothing_gives()
    {
        var compilation = Compile(Others);
        var driver = Generation.Driver().RunGenerators(compilation);
        foreach (var file in Others.Keys)
        {
            var without = compilation.RemoveSyntaxTrees(compilation.SyntaxTrees.Single(tree => tree.FilePath == file));
            Assert.Equal(Fresh(without), Sources(driver.RunGenerators(without).GetRunResult()));
            var last = without.AddSyntaxTrees(compilation.SyntaxTrees.Single(tree => tree.FilePath == file));
            Assert.Equal(Fresh(last), Sources(driver.RunGenerators(without).RunGenerators(last).GetRunResult()));
        }
    }

    [Theory]
    [InlineData("nullable")]
    [InlineData("name")]
    [InlineData("reference")]
    [InlineData("language")]
    public void What_is_no_file_counts_too(string what)
    {
        var compilation = Compile(Others);
        Compilation other = what switch
        {
            "nullable" => compilation.WithOptions(compilation.Options.WithNullableContextOptions(NullableContextOptions.Disable)),
            "name" => compilation.WithAssemblyName("Other"),
            "reference" => compilation.RemoveReferences(compilation.References.Single(static reference => reference.Display!.EndsWith("RunProof.Skills.dll", StringComparison.Ordinal))),
            _ => compilation.RemoveAllSyntaxTrees().AddSyntaxTrees(compilation.SyntaxTrees.Select(static tree => tree.WithRootAndOptions(tree.GetRoot(), ((CSharpParseOptions)tree.Options).WithLanguageVersion(LanguageVersion.CSharp8)))),
        };
        var driver = Generation.Driver().RunGenerators(compilation);
        Assert.Equal(Fresh(other), Sources(driver.RunGenerators(other).GetRunResult()));
        if (what != "language")
            Assert.NotEqual(Sources(driver.GetRunResult()), Sources(driver.RunGenerators(other).GetRunResult()));
    }

    private static string Change(Random random, string[][] edits, Dictionary<string, string> files)
    {
        var edit = edits[random.Next(edits.Length)];
        var (file, text) = (edit[0], files[edit[0]]);
        files[file] = random.Next(6) switch
        {
            0 => Others[file],
            1 => text[..random.Next(text.Length + 1)] + Others[file][random.Next(Others[file].Length)..],
            2 => text.Insert(random.Next(text.Length + 1), new[] { "\n#nullable disable\n", "\n#nullable restore\n", "}", " int ", "/// <summary>Typed.</summary>\n", "[", ";" }[random.Next(7)]),
            _ => text.Replace(edit[1], edit[2], StringComparison.Ordinal),
        };
        return file;
    }

    private static SortedDictionary<string, string> Fresh(Compilation compilation)
    {
        // Trees of their own: nothing that is kept beside the others can be found.
        var trees = compilation.SyntaxTrees.Select(static tree => CSharpSyntaxTree.Create((CSharpSyntaxNode)tree.GetRoot(), (CSharpParseOptions)tree.Options, tree.FilePath)).ToList();
        return Sources(Generation.Driver().RunGenerators(compilation.RemoveAllSyntaxTrees().AddSyntaxTrees(trees)).GetRunResult());
    }

    private static CSharpCompilation Compile(Dictionary<string, string> others) =>
        Generation.Compile([("Records.cs", Records), .. others.Select(static pair => (pair.Key, pair.Value))]);

    private static CSharpCompilation Replace(CSharpCompilation compilation, string file, string text) =>
        compilation.ReplaceSyntaxTree(compilation.SyntaxTrees.Single(tree => tree.FilePath == file), Generation.Parse(file, text));

    private static SortedDictionary<string, string> Sources(GeneratorDriverRunResult run)
    {
        foreach (var result in run.Results)
            Assert.Null(result.Exception);
        return new(run.Results.SelectMany(static result => result.GeneratedSources).ToDictionary(static source => source.HintName, static source => source.SourceText.ToString()), StringComparer.Ordinal);
    }
}
