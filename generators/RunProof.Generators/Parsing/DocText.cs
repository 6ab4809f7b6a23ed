using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using System.Xml;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>Doc comments as plain sentences.</summary>
internal static class DocText
{
    /// <summary>The summary of a symbol, or null.</summary>
    public static string? Summary(ISymbol symbol, CancellationToken cancel) => Text(Comment(symbol, cancel)?.Element("summary"));

    /// <summary>What a type's or method's comment says of a parameter, or null.</summary>
    public static string? Parameter(ISymbol symbol, string name, CancellationToken cancel) =>
        Text(Comment(symbol, cancel)?.Elements("param").FirstOrDefault(element => element.Attribute("name")?.Value == name));

    private static XElement? Comment(ISymbol symbol, CancellationToken cancel)
    {
        var xml = symbol.GetDocumentationCommentXml(cancellationToken: cancel);
        if (string.IsNullOrWhiteSpace(xml))
            xml = FromTrivia(symbol, cancel);
        try
        {
            var root = XElement.Parse("<doc>" + xml + "</doc>");
            return root.Element("member") ?? root;
        }
        catch (XmlException)
        {
            // A comment that is being typed. The compiler has its own warning for it.
            return null;
        }
    }

    /// <summary>A build that writes no documentation file may not have parsed the comments: they are still there as text.</summary>
    private static string FromTrivia(ISymbol symbol, CancellationToken cancel)
    {
        var text = new StringBuilder();
        foreach (var reference in symbol.DeclaringSyntaxReferences)
        {
            foreach (var line in reference.GetSyntax(cancel).GetLeadingTrivia().ToFullString().Split('\n'))
            {
                var comment = line.Trim();
                if (comment.StartsWith("///", System.StringComparison.Ordinal))
                    text.Append(comment.Substring(3)).Append('\n');
            }

            if (text.Length > 0)
                break;
        }

        return text.ToString();
    }

    private static string? Text(XElement? element)
    {
        if (element is null)
            return null;
        var text = new StringBuilder();
        Append(text, element);
        var sentence = Regex.Replace(text.ToString(), @"\s+", " ", RegexOptions.CultureInvariant).Trim();
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

    /// <summary><c>P:RunProof.Format.TraceStep.Status</c> is <c>Status</c>; so is what stands there before the compiler has resolved it.</summary>
    private static string LastPart(string cref)
    {
        var name = cref.Split('(')[0];
        return name.Substring(name.LastIndexOfAny(['.', ':']) + 1);
    }
}
