using System.Text.RegularExpressions;

namespace RunProof.Execution;

/// <summary>A name of skills in which <c>*</c> stands for any characters.</summary>
public static class SkillPattern
{
    /// <summary>Whether a name fits.</summary>
    /// <param name="pattern">The pattern, whole.</param>
    /// <param name="name">The name, letter by letter.</param>
    public static bool Fits(string pattern, string name)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        return pattern == name || (pattern.Contains('*', StringComparison.Ordinal)
            && Regex.IsMatch(name, "^" + Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal) + "$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant));
    }
}
