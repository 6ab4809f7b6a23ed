using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace RunProof.Generators;

/// <summary>A value of the lock's text, and where it stands.</summary>
internal sealed class LockNode(int offset)
{
    public int Offset { get; } = offset;

    public int End { get; set; }

    /// <summary>Of a string, its content; null for all else.</summary>
    public string? Text { get; set; }

    /// <summary>Of an array, its items; null for all else.</summary>
    public List<LockNode>? Items { get; set; }

    /// <summary>Of an object, its members, names twice where they stand twice; null for all else.</summary>
    public List<KeyValuePair<LockNode, LockNode>>? Members { get; set; }
}

/// <summary>
/// Strict JSON of objects, arrays and strings: all that a lock is made of. An analyzer can carry no dependency, so it is read here. Stops at
/// the first fault and never throws.
/// </summary>
internal sealed class LockJson
{
    /// <summary>Deeper than any lock; recursion ends here.</summary>
    private const int MaxDepth = 8;

    private readonly string _text;
    private int _at;

    private LockJson(string text) => _text = text;

    /// <summary>Why there is no value; null where there is one.</summary>
    private string? Problem { get; set; }

    /// <summary>The value; null where the text is none, and then why and where.</summary>
    public static LockNode? Read(string text, out string? problem, out int offset)
    {
        var reading = new LockJson(text);
        var node = reading.Value(0);
        if (node is not null && reading.Next() is not null)
            reading.Fail("there is more after the end of the lock");
        (problem, offset) = (reading.Problem, reading._at);
        return problem is null ? node : null;
    }

    private LockNode? Value(int depth)
    {
        if (depth > MaxDepth)
            return Fail("it nests deeper than any lock");
        return Next() switch
        {
            '{' => Object(depth),
            '[' => Array(depth),
            '"' => String(),
            _ => Fail("an object, an array or a string is expected"),
        };
    }

    private LockNode? Object(int depth)
    {
        var node = new LockNode(_at++) { Members = [] };
        if (Next() != '}')
        {
            do
            {
                if (Next() != '"')
                    return Fail("a member's name is expected");
                if (String() is not { } name || !Take(':') || Value(depth + 1) is not { } value)
                    return null;
                node.Members.Add(new KeyValuePair<LockNode, LockNode>(name, value));
            }
            while (TakeComma());
        }

        return Closed(node, '}');
    }

    private LockNode? Array(int depth)
    {
        var node = new LockNode(_at++) { Items = [] };
        if (Next() != ']')
        {
            do
            {
                if (Value(depth + 1) is not { } item)
                    return null;
                node.Items.Add(item);
            }
            while (TakeComma());
        }

        return Closed(node, ']');
    }

    private LockNode? String()
    {
        var node = new LockNode(_at++);
        var content = new StringBuilder();
        for (; _at < _text.Length && _text[_at] != '"'; _at++)
        {
            if (_text[_at] < ' ')
                return Fail("a string ends with its line, or holds a control character");
            if (_text[_at] != '\\')
                content.Append(_text[_at]);
            else if (Escaped() is { } c)
                content.Append(c);
            else
                return Fail("a string holds an escape that JSON does not have");
        }

        if (_at == _text.Length)
            return Fail("a string is not closed");
        node.Text = content.ToString();
        node.End = ++_at;
        return node;
    }

    /// <summary>The character behind a backslash; leaves the position at its last.</summary>
    private char? Escaped()
    {
        _at++;
        if (_at == _text.Length)
            return null;
        var simple = _text[_at] switch
        {
            '"' or '\\' or '/' => _text[_at],
            'b' => '\b',
            'f' => '\f',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            _ => '\0',
        };
        if (simple != '\0')
            return simple;
        if (_text[_at] != 'u' || _at + 4 >= _text.Length
            || !ushort.TryParse(_text.Substring(_at + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
            return null;
        _at += 4;
        return (char)code;
    }

    private LockNode? Closed(LockNode node, char end)
    {
        if (Problem is not null || Next() != end)
            return Fail("',' or '" + end + "' is expected");
        _at++;
        node.End = _at;
        return node;
    }

    private bool TakeComma()
    {
        if (Problem is not null || Next() != ',')
            return false;
        _at++;
        return true;
    }

    private bool Take(char c)
    {
        if (Problem is null && Next() == c)
        {
            _at++;
            return true;
        }

        Fail("'" + c + "' is expected");
        return false;
    }

    /// <summary>The next character that is no white space, where the position is then; null at the end.</summary>
    private char? Next()
    {
        while (_at < _text.Length && _text[_at] is ' ' or '\n' or '\r' or '\t')
            _at++;
        return _at < _text.Length ? _text[_at] : null;
    }

    private LockNode? Fail(string problem)
    {
        Problem ??= IsConflict() ? "a merge was left unfinished here: keep the entries of both sides and remove the markers"
            : _at >= _text.Length ? "the text ends too early: " + problem
            : problem;
        return null;
    }

    private bool IsConflict() => _at < _text.Length && _text[_at] is '<' or '=' or '>' or '|' && _at + 7 <= _text.Length && _text.Substring(_at, 7) == new string(_text[_at], 7);
}
