using System.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace RunProof.Generators.Tests.Driving;

/// <summary>
/// A project being typed in. A time is that of GeneratorDriver.RunGenerators alone: both generators, with all that they make the compiler bind for them.
/// Parsing a file, adding it to the compilation, resolving references and building the table of declarations is the compiler's work for any edit, and done before.
/// </summary>
internal sealed class Typing
{
    private readonly LargeProject _project;
    private readonly SyntaxTree[] _trees;
    private CSharpCompilation _compilation;
    private GeneratorDriver _driver;
    private int _edits;

    public Typing(LargeProject project)
    {
        _project = project;
        _trees = [.. project.Files.Select(static file => Generation.Parse(file.Path, file.Text))];
        _compilation = Generation.Compile([]);
        _driver = Generation.Driver();
    }

    /// <summary>How many files the generators wrote.</summary>
    public int Generated => _driver.GetRunResult().GeneratedTrees.Length;

    /// <summary>Both generators over trees that nobody has looked at.</summary>
    /// <returns>Milliseconds.</returns>
    public double FirstPass()
    {
        // Trees of their own text: what is kept beside a tree from the pass before must not be found.
        var trees = Array.ConvertAll(_trees, static tree => CSharpSyntaxTree.Create((CSharpSyntaxNode)tree.GetRoot(), (CSharpParseOptions)tree.Options, tree.FilePath, tree.Encoding));
        _compilation = Generation.Compile([]).AddSyntaxTrees(trees);
        Declare();
        _driver = Generation.Driver();
        GC.Collect();
        return Run();
    }

    /// <summary>An edit, other than all before it: <c>body</c>, <c>member</c>, <c>type</c> in a file without skills, <c>record</c> in one of a skill.</summary>
    /// <returns>Milliseconds.</returns>
    public double Edit(string edit)
    {
        var n = ++_edits;
        var path = edit == "record" ? _project.SkillPath : _project.PlainPath;
        var text = edit switch
        {
            "body" => _project.BodyEdit(n),
            "member" => _project.MemberEdit(n),
            "type" => _project.TypeEdit(n),
            "record" => _project.RecordEdit(n),
            _ => throw new ArgumentOutOfRangeException(nameof(edit)),
        };
        var old = _compilation.SyntaxTrees.Single(tree => string.Equals(tree.FilePath, path, StringComparison.Ordinal));
        _compilation = _compilation.ReplaceSyntaxTree(old, Generation.Parse(path, text));
        Declare();
        return Run();
    }

    /// <summary>By the clock, or in the process's own time where that is less: on a busy machine the clock counts what others do.</summary>
    private double Run()
    {
        var (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        _driver = _driver.RunGenerators(_compilation);
        var (clock, own) = (watch.Elapsed.TotalMilliseconds, (Environment.CpuUsage.TotalTime - before).TotalMilliseconds);
        return own > 0 ? Math.Min(clock, own) : clock;
    }

    private void Declare()
    {
        _ = _compilation.GetSpecialType(SpecialType.System_Int32);
        _ = _compilation.GetTypeByMetadataName("Shop.Nothing");
    }
}
