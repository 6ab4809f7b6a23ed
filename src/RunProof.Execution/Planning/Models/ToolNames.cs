using System.Globalization;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>
/// Names of skills as names of tools: services take 64 of A-Z a-z 0-9 _ - and nothing else. Which name stands for which skill is in the labels of the first call, where they differ:
/// <c>tool.mcp_files_read</c> is <c>mcp:files/read</c>.
/// </summary>
internal static class ToolNames
{
    /// <summary>What a label that tells a tool's skill begins with.</summary>
    public const string Label = "tool.";

    private const int Longest = 64;

    /// <summary>A name for each skill; no two are alike.</summary>
    /// <param name="skills">The skills, in the order of their names.</param>
    /// <returns>Tool names with their skills.</returns>
    public static IReadOnlyList<(string Tool, SkillDescriptor Skill)> Of(IReadOnlyList<SkillDescriptor> skills)
    {
        // Skills whose names can stay keep them, whatever the others become.
        var taken = skills.Where(skill => Plain(skill.Name) == skill.Name).Select(skill => skill.Name).ToHashSet(StringComparer.Ordinal);
        var named = new List<(string, SkillDescriptor)>();
        foreach (var skill in skills)
        {
            var plain = Plain(skill.Name);
            if (plain != skill.Name && !taken.Add(plain))
                taken.Add(plain = WithDigest(plain, skill.Name));
            named.Add((plain, skill));
        }

        return named;
    }

    private static string Plain(string name)
    {
        var plain = string.Create(name.Length, name, static (target, source) =>
        {
            for (var i = 0; i < source.Length; i++)
                target[i] = char.IsAsciiLetterOrDigit(source[i]) || source[i] is '_' or '-' ? source[i] : '_';
        });
        return plain.Length <= Longest ? plain : WithDigest(plain, name);
    }

    private static string WithDigest(string plain, string name)
    {
        var digest = Digest.Of(System.Text.Encoding.UTF8.GetBytes(name)).ToString()[..12];
        return string.Create(CultureInfo.InvariantCulture, $"{plain[..Math.Min(plain.Length, Longest - 13)]}_{digest}");
    }
}
