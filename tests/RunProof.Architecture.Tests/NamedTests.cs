using System.Text.RegularExpressions;

namespace RunProof.Architecture.Tests;

/// <summary>Tests that a page names: <c>Project/Class.Method</c>, and in brackets the row of a table test.</summary>
internal static partial class NamedTests
{
    /// <summary>Every test that a text names.</summary>
    internal static IEnumerable<Match> In(string text) => Test().Matches(text);

    /// <summary>Whether a text in ticks is one.</summary>
    internal static bool IsOne(string ticked) => Test().Match($"`{ticked}`") is { Success: true } match && match.Value == $"`{ticked}`";

    /// <summary>Whether there is such a test, and such a row of it.</summary>
    internal static bool Exists(Match test)
    {
        var folder = $"tests/RunProof.{test.Groups["project"].Value}.Tests";
        return Directory.Exists(Path.Combine(Repository.Root, folder)) && Repository.SourceFiles(folder).Select(File.ReadAllText).Any(text => Declares(text, test));
    }

    private static bool Declares(string text, Match test)
    {
        var at = text.IndexOf($"class {test.Groups["class"].Value}", StringComparison.Ordinal);
        return at >= 0
            && Regex.IsMatch(text[at..], $@"\[(Fact|Theory)((?!\bpublic )[\s\S])*?public [^\n(]*\b{test.Groups["method"].Value}\(")
            && (!test.Groups["case"].Success || text.Contains($"\"{test.Groups["case"].Value}\"", StringComparison.Ordinal));
    }

    [GeneratedRegex("`(?<project>[A-Z][A-Za-z]*)/(?<class>[A-Z][A-Za-z0-9]*)\\.(?<method>[A-Za-z0-9_]+)`(?: \\(\"(?<case>[^\"]+)\"\\))?")]
    private static partial Regex Test();
}
