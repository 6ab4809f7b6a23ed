using System.Text;

namespace RunProof.Execution;

/// <summary>Makes texts from skills and exceptions fit for evidence.</summary>
internal static class EvidenceText
{
    /// <summary>The longest message that is recorded, in UTF-16 units.</summary>
    public const int MaxMessage = 2_000;

    /// <summary>A message: bounded, and Unicode text whatever it was.</summary>
    public static string Message(string? text)
    {
        text ??= "";
        if (text.Length > MaxMessage)
            text = text[..MaxMessage] + "…";
        return IsWellFormed(text) ? text : Repair(text);
    }

    /// <summary>A code: 1 to 64 of A-Z a-z 0-9 . _ -; anything else becomes <c>skill_error</c>.</summary>
    public static string Code(string? code) => IsCode(code) ? code : "skill_error";

    /// <summary>Whether it is a code as it can be recorded.</summary>
    public static bool IsCode([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] string? code) =>
        code is { Length: >= 1 and <= 64 } && code.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1]))
                return false;
            i++;
        }

        return true;
    }

    // Enumerating runes gives U+FFFD for a lone surrogate.
    private static string Repair(string text)
    {
        var repaired = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            repaired.Append(rune.ToString());
        return repaired.ToString();
    }
}
