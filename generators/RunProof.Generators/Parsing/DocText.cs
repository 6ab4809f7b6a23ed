using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using System.Xml;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace RunProof.Generators;

/// <summary>
/// A declaration's doc comment as plain sentences. It is read as text, not through the compiler's documentation mode: a build that writes no documentation
/// file, an editor and a build that does must generate the same.
/// </summary>
internal sealed class DocText
{
    private static readonly DocText None = new([]);
    private readonly List<string> _comments;
    private XElement? _xml;

    private DocText(List<string> comments) => _comments = comments;

    /// <summary>The summary, or null.</summary>
    public string? Summary => _comments.Count == 1 && Plain(_comments[0], "<summary>", "</summary>") is { } plain ? plain : Text(Xml.Element("summary"));

    private XElement Xml => _xml ??= Parse();

    /// <summary>Of a symbol of this compilation. What another assembly's documentation file says depends on who compiles.</summary>
    public static DocText Of(ISymbol symbol, CancellationToken cancel)
    {
        List<string>? comments = null;
        foreach (var reference in symbol.DeclaringSyntaxReferences)
        {
            var declaration = reference.GetSyntax(cancel);
            if (declaration.HasLeadingTrivia && Words(declaration.GetLeadingTrivia()) is { Length: > 0 } words)
                (comments ??= []).Add(words);
        }

        return comments is null ? None : new DocText(comments);
    }

    /// <summary>What it says of a parameter, or null.</summary>
    public string? Parameter(string name) => _comments.Count == 0 ? null : Text(Xml.Elements("param").FirstOrDefault(element => element.Attribute("name")?.Value == name));

    /// <summary>Whether it is a doc comment, also where the parser was told to leave them as any comment.</summary>
    public static bool IsDoc(SyntaxTrivia trivia)
    {
        switch (trivia.Kind())
        {
            case SyntaxKind.SingleLineDocumentationCommentTrivia or SyntaxKind.MultiLineDocumentationCommentTrivia:
                return true;
            case SyntaxKind.SingleLineCommentTrivia or SyntaxKind.MultiLineCommentTrivia:
                var text = trivia.ToString();
                return Begins(text, "///", '/') || (Begins(text, "/**", '*') && text.Length > 4);
            default:
                return false;
        }
    }

    private static bool Begins(string text, string mark, char not) =>
        text.StartsWith(mark, StringComparison.Ordinal) && (text.Length == mark.Length || text[mark.Length] != not);

    /// <summary>The doc comment of one declaration, which is a trivia or one for each line, without its slashes and stars.</summary>
    private static string Words(SyntaxTriviaList around)
    {
        var text = new StringBuilder();
        foreach (var trivia in around)
        {
            if (IsDoc(trivia))
                AppendWords(text, trivia.ToFullString());
        }

        return text.ToString();
    }

    private static void AppendWords(StringBuilder text, string comment)
    {
        foreach (var line in comment.Split('\n'))
        {
            var words = line.Trim();
            if (words.StartsWith("///", StringComparison.Ordinal))
                words = words.Substring(3);
            else if (words.StartsWith("/**", StringComparison.Ordinal))
                words = words.Substring(3);
            else if (words.StartsWith("*", StringComparison.Ordinal) && words != "*/")
                words = words.Substring(1);
            if (words.EndsWith("*/", StringComparison.Ordinal))
                words = words.Substring(0, words.Length - 2);
            text.Append(words).Append('\n');
        }
    }

    /// <summary>What nearly every comment is: one element, and text in it. Null where it is more than that, and XML has to be read.</summary>
    private static string? Plain(string comment, string open, string close)
    {
        var start = comment.IndexOf(open, StringComparison.Ordinal);
        var end = comment.IndexOf(close, StringComparison.Ordinal);
        if (start < 0 || end < start || !string.IsNullOrWhiteSpace(comment.Substring(0, start)) || !string.IsNullOrWhiteSpace(comment.Substring(end + close.Length)))
            return null;
        var words = comment.Substring(start + open.Length, end - start - open.Length);
        return words.IndexOfAny(['<', '&']) >= 0 ? null : Sentence(words);
    }

    private XElement Parse()
    {
        var all = new XElement("doc");
        foreach (var comment in _comments)
        {
            try
            {
                all.Add(XElement.Parse("<doc>" + comment + "</doc>").Elements());
            }
            catch (XmlException)
            {
                // A comment that is being typed. The compiler has its own warning for it.
            }
        }

        return all;
    }

    private static string? Text(XElement? element)
    {
        if (element is null)
            return null;
        var text = new StringBuilder();
        Append(text, element);
        return Sentence(text.ToString());
    }

    private static string? Sentence(string words)
    {
        var text = new StringBuilder(words.Length);
        foreach (var c in words)
        {
            if (!char.IsWhiteSpace(c))
                text.Append(c);
            else if (text.Length > 0 && text[text.Length - 1] != ' ')
                text.Append(' ');
        }

        var sentence = text.ToString().TrimEnd(' ');
        return sentence.Length == 0 ? null : sentence;
    }

    private static void Append(StringBuilder text, XElement element)
    {
        foreach (var node in element.Nodes())
        {
            if (node is XText words)
                text.Append(words.Value);
            else if (node is XElement child)
                AppendElement(text, child);
        }
    }

    private static void AppendElement(StringBuilder text, XElement element)
    {
        var target = element.Attribute("cref")?.Value ?? element.Attribute("langword")?.Value ?? element.Attribute("name")?.Value;
        if (element.Name.LocalName is "para" or "br")
            text.Append(' ');
        if (element.IsEmpty && target is not null)
            text.Append(LastPart(target));
        else
            Append(text, element);
    }

    /// <summary><c>TraceStep.Status</c> and <c>T:RunProof.Format.TraceStep.Status</c> are <c>Status</c>; <c>List{T}</c> is <c>List</c>.</summary>
    private static string LastPart(string cref)
    {
        var name = cref.Split('(', '{')[0];
        return name.Substring(name.LastIndexOfAny(['.', ':']) + 1);
    }
}
