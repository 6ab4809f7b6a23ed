using System.Text;

namespace RunProof.Mcp;

/// <summary>What servers say of themselves and of their work goes into evidence: bounded, and Unicode text whatever it was.</summary>
internal static class BoundedText
{
    internal static string Of(string said, int most)
    {
        var clean = new StringBuilder();
        foreach (var rune in said.EnumerateRunes())
        {
            if (clean.Length + rune.Utf16SequenceLength > most)
                break;
            clean.Append(Rune.IsControl(rune) ? "?" : rune.ToString());
        }

        return clean.ToString();
    }
}
