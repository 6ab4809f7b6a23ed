using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.CodeFixes;

/// <summary>Lines, their endings and how far they are indented: what a fix must leave as it found it.</summary>
internal static class Lines
{
    /// <summary>How the file ends its lines: as its first line does.</summary>
    public static string Ending(SourceText text)
    {
        var first = text.Lines[0];
        return first.EndIncludingLineBreak > first.End ? text.ToString(TextSpan.FromBounds(first.End, first.EndIncludingLineBreak)) : "\n";
    }

    /// <summary>The white space before the first character of a line.</summary>
    public static string Indent(SourceText text, int position)
    {
        var line = text.ToString(text.Lines.GetLineFromPosition(position).Span);
        return new string(line.TakeWhile(char.IsWhiteSpace).ToArray());
    }

    /// <summary>Whether nothing but white space stands before a place on its line.</summary>
    public static bool IsFirst(SourceText text, int position)
    {
        var line = text.Lines.GetLineFromPosition(position);
        return string.IsNullOrWhiteSpace(text.ToString(TextSpan.FromBounds(line.Start, position)));
    }

    /// <summary>Text to insert before a place: as a line of its own where the place begins a line, else on the same.</summary>
    public static string Before(SyntaxTree tree, int position, string inserted)
    {
        var text = tree.GetText();
        return inserted + (IsFirst(text, position) ? "\n" + Indent(text, position) : " ");
    }

    /// <summary>A file whose lines all ended in one way keeps it, whatever was added.</summary>
    public static SourceText Keep(SourceText before, SourceText after)
    {
        var (old, text) = (before.ToString(), after.ToString());
        var ending = Ending(before);
        if (Unified(old, ending) != old || Unified(text, ending) is not { } unified || unified == text)
            return after;
        return SourceText.From(unified, before.Encoding, before.ChecksumAlgorithm);
    }

    /// <summary>A text with the endings of one kind.</summary>
    public static string Unified(string text, string ending)
    {
        var plain = text.Replace("\r\n", "\n");
        return ending == "\r\n" ? plain.Replace("\n", "\r\n") : plain;
    }
}
