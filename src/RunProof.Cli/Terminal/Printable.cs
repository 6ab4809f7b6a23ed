using System.Globalization;
using System.Text;

namespace RunProof.Cli;

/// <summary>
/// Text from elsewhere made fit for a terminal. A goal or a response body is written by others: its control characters could move the cursor,
/// hide a finding or retitle the window, so they are shown and never sent.
/// </summary>
internal static class Printable
{
    /// <summary>The text with each control or format character spelled out; the very same where there is none.</summary>
    /// <param name="text">Any text.</param>
    internal static string Of(string text)
    {
        if (!text.Any(IsUnsafe))
            return text;
        var safe = new StringBuilder(text.Length + 16);
        foreach (var c in text)
            _ = IsUnsafe(c) ? safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}") : safe.Append(c);
        return safe.ToString();
    }

    // Bidirectional controls are of category Format: they reorder what is read.
    private static bool IsUnsafe(char c) => char.IsControl(c) || char.GetUnicodeCategory(c) is UnicodeCategory.Format or UnicodeCategory.LineSeparator;
}
