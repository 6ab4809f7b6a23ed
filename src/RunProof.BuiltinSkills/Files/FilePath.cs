using System.Collections.Immutable;
using System.Text;

namespace RunProof.BuiltinSkills;

/// <summary>A path inside a tenant's folder that was checked: names only, none that leads up, sideways or to another root.</summary>
internal sealed record FilePath(string Text, ImmutableArray<string> Names)
{
    /// <summary>What unfinished files are called; no caller's name may look like it.</summary>
    internal const string Unfinished = ".runproof-";

    private const int LongestText = 4096;
    private const int LongestName = 255;
    private const int MostNames = 64;

    /// <summary>The last name; the folder itself has none.</summary>
    internal string Name => Names[^1];

    /// <summary>Takes a caller's path.</summary>
    /// <param name="text">Names, separated by <c>/</c>.</param>
    /// <param name="mayBeRoot">Whether <c>""</c> stands for the tenant's folder.</param>
    /// <exception cref="Skills.SkillException">It is none: <c>path_refused</c>.</exception>
    internal static FilePath Parse(string text, bool mayBeRoot)
    {
        if (text.Length == 0 && mayBeRoot)
            return new FilePath("", []);
        if (text.Length > LongestText)
            throw Refused("is longer than 4096 characters");
        ImmutableArray<string> names = [.. text.Split('/')];
        if (names.Length > MostNames)
            throw Refused("has more than 64 names");
        foreach (var name in names)
        {
            if (Wrong(name) is { } wrong)
                throw Refused(wrong);
        }

        return new FilePath(text, names);
    }

    private static string? Wrong(string name) => name switch
    {
        "" => "must be relative to the tenant's folder, with one / between two names",
        "." or ".." => "must not have . or .. for a name",
        _ when name.Any(c => char.IsControl(c) || c is '\\') => "must not have control characters or \\",
        _ when name.StartsWith(Unfinished, StringComparison.Ordinal) => "must not have a name that begins with " + Unfinished,
        _ when Encoding.UTF8.GetByteCount(name) > LongestName => "has a name of more than 255 bytes",
        _ => null,
    };

    private static Skills.SkillException Refused(string why) => FileFault.Of("path_refused", "path " + why);
}
