using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace RunProof.Policies;

/// <summary>
/// Reads YAML as YAML 1.2's core schema does: <c>yes</c>, <c>on</c> and <c>12:30</c> are texts. One document; no anchors, aliases, tags or merge keys, so that
/// what is read is what is seen.
/// </summary>
internal static partial class YamlNodes
{
    internal const int MaxDepth = 32;

    internal static PolicyNode Read(string text)
    {
        try
        {
            var parser = new Parser(new StringReader(text));
            parser.Consume<StreamStart>();
            if (!parser.TryConsume<DocumentStart>(out _))
                throw new UnreadableDocumentException(1, 1, "the document is empty");
            var root = Read(parser, 0);
            parser.Consume<DocumentEnd>();
            if (!parser.TryConsume<StreamEnd>(out _))
                throw At(parser.Current!.Start, "a second document begins here: a policy is one document");
            return root;
        }
        catch (YamlException fault)
        {
            throw At(fault.Start, "not YAML: " + Sentence(fault));
        }
        catch (Exception fault) when (fault is InvalidOperationException or ArgumentException or IndexOutOfRangeException or NullReferenceException or OverflowException)
        {
            throw new UnreadableDocumentException(1, 1, $"not YAML: {fault.Message}");
        }
    }

    private static PolicyNode Read(IParser parser, int depth)
    {
        var current = parser.Current ?? throw new UnreadableDocumentException(1, 1, "the document ends too early");
        if (depth > MaxDepth)
            throw At(current.Start, $"nests deeper than {MaxDepth} levels");
        if (current is NodeEvent { Anchor.IsEmpty: false } or AnchorAlias)
            throw At(current.Start, "anchors and aliases are not read: write the value out");
        if (current is NodeEvent { Tag: { IsEmpty: false, IsNonSpecific: false } })
            throw At(current.Start, "tags are not read");
        return current switch
        {
            Scalar scalar => Scalar(parser, scalar),
            SequenceStart => List(parser, depth),
            MappingStart => Map(parser, depth),
            _ => throw At(current.Start, "a value is expected here"),
        };
    }

    private static PolicyNode List(IParser parser, int depth)
    {
        var start = parser.Consume<SequenceStart>().Start;
        var node = new PolicyNode(NodeKind.List, "", (int)start.Line, (int)start.Column);
        while (!parser.TryConsume<SequenceEnd>(out _))
            node.Items.Add(Read(parser, depth + 1));
        return node;
    }

    private static PolicyNode Map(IParser parser, int depth)
    {
        var start = parser.Consume<MappingStart>().Start;
        var node = new PolicyNode(NodeKind.Map, "", (int)start.Line, (int)start.Column);
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            if (parser.Current is not Scalar { Anchor.IsEmpty: true } name)
                throw At(parser.Current!.Start, "a member's name must be a plain text");
            parser.MoveNext();
            if (node[name.Value] is not null)
                throw At(name.Start, $"\"{name.Value}\" is given twice");
            node.Members.Add(new PolicyMember(name.Value, Read(parser, depth + 1), (int)name.Start.Line, (int)name.Start.Column));
        }

        return node;
    }

    private static PolicyNode Scalar(IParser parser, Scalar scalar)
    {
        parser.MoveNext();
        PolicyNode Node(NodeKind kind, string text) => new(kind, text, (int)scalar.Start.Line, (int)scalar.Start.Column);
        if (scalar.Style is not ScalarStyle.Plain)
            return Node(NodeKind.Text, scalar.Value);
        switch (scalar.Value)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return Node(NodeKind.Null, "null");
            case "true" or "True" or "TRUE":
                return Node(NodeKind.Boolean, "true");
            case "false" or "False" or "FALSE":
                return Node(NodeKind.Boolean, "false");
        }

        if (JsonNumber().IsMatch(scalar.Value))
            return Node(NodeKind.Number, scalar.Value);

        // Numbers of YAML that JSON does not know: who reads them differently reads another rule.
        if (OtherNumber().IsMatch(scalar.Value))
            throw At(scalar.Start, $"write the number {scalar.Value} in plain decimal, or the text in quotes");
        return Node(NodeKind.Text, scalar.Value);
    }

    private static string Sentence(YamlException fault)
    {
        var message = fault.InnerException?.Message ?? fault.Message;
        var end = message.IndexOf("): ", StringComparison.Ordinal);
        return message.StartsWith('(') && end > 0 ? message[(end + 3)..] : message;
    }

    private static UnreadableDocumentException At(Mark mark, string message) => new(Math.Max(1, (int)mark.Line), Math.Max(1, (int)mark.Column), message);

    [GeneratedRegex("^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex JsonNumber();

    [GeneratedRegex("^([-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\\.(inf|Inf|INF)|\\.(nan|NaN|NAN))$", RegexOptions.CultureInvariant)]
    private static partial Regex OtherNumber();
}
