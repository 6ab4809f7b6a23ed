namespace RunProof.Policies;

/// <summary>What a node is.</summary>
internal enum NodeKind
{
    Null,
    Boolean,
    Number,
    Text,
    List,
    Map,
}

/// <summary>A value of a document, YAML or JSON, with its place in the text.</summary>
internal sealed class PolicyNode(NodeKind kind, string text, int line, int column)
{
    internal NodeKind Kind { get; } = kind;

    /// <summary>A scalar's text; a number's in JSON's spelling.</summary>
    internal string Text { get; } = text;

    internal int Line { get; } = line;

    internal int Column { get; } = column;

    internal List<PolicyNode> Items { get; } = [];

    internal List<PolicyMember> Members { get; } = [];

    internal PolicyNode? this[string name] => Members.Find(member => member.Name == name)?.Value;

    internal string Describe() => Kind switch
    {
        NodeKind.Null => "null",
        NodeKind.Boolean => "a boolean",
        NodeKind.Number => "a number",
        NodeKind.Text => "a text",
        NodeKind.List => "a list",
        _ => "a map",
    };
}

/// <summary>A member of a map.</summary>
internal sealed record PolicyMember(string Name, PolicyNode Value, int Line, int Column);

/// <summary>A document cannot be read at all.</summary>
internal sealed class UnreadableDocumentException(int line, int column, string message) : Exception(message)
{
    internal PolicyError ToError() => new(line, column, "", Message);
}
