using System.Text;

namespace RunProof.Generators;

/// <summary>Lines of C#, indented, ended by '\n' on every platform.</summary>
internal sealed class CodeWriter
{
    private readonly StringBuilder _code = new();
    private int _depth;

    public void Line(string text = "")
    {
        if (text.Length > 0)
            _code.Append(' ', 4 * _depth).Append(text);
        _code.Append('\n');
    }

    public void Open(string? header = null)
    {
        if (header is not null)
            Line(header);
        Line("{");
        _depth++;
    }

    public void Close(string end = "}")
    {
        _depth--;
        Line(end);
    }

    public override string ToString() => _code.ToString();
}
