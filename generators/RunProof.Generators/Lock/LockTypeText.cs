using System;
using System.Linq;

namespace RunProof.Generators;

/// <summary>Reads the lock's spelling of a type; prints nothing that <see cref="LockType.Spelling"/> would not.</summary>
internal sealed class LockTypeText
{
    /// <summary>Lists and maps in one another; more than any record has, few enough for every stack.</summary>
    public const int MaxDepth = 64;

    private readonly string _text;
    private int _at;

    private LockTypeText(string text) => _text = text;

    /// <summary>The type; null where the text spells none.</summary>
    public static LockType? Parse(string text)
    {
        var reading = new LockTypeText(text);
        var type = reading.Type(0);
        return type is not null && reading._at == text.Length ? type : null;
    }

    private LockType? Type(int depth)
    {
        var type = depth > MaxDepth ? null : Bare(depth);
        for (; type is not null && _at < _text.Length; depth++)
        {
            if (depth > MaxDepth)
                return null;
            if (!type.IsNullable && Take("?"))
                type = type with { IsNullable = true };
            else if (Take("[]"))
                type = LockType.List(type);
            else
                break;
        }

        return type;
    }

    private LockType? Bare(int depth)
    {
        if (Take("map("))
            return Type(depth + 1) is { } element && Take(")") ? LockType.Map(element) : null;
        if (Take("record("))
            return Record();
        if (Take("enum("))
            return Enum();
        return Leaf();
    }

    /// <summary>A name may hold brackets and slashes but no space: what follows the space is 64 digits.</summary>
    private LockType? Record()
    {
        var space = _text.IndexOf(" ", _at, StringComparison.Ordinal);
        if (space < 0 || _text.Length < space + 66)
            return null;
        var reference = new LockReference(_text.Substring(_at, space - _at), _text.Substring(space + 1, 64));
        _at = space + 65;
        return reference.Label.IndexOf("/", StringComparison.Ordinal) > 0 && LockHash.IsOne(reference.Fingerprint) && Take(")") ? LockType.Of(reference) : null;
    }

    private LockType? Enum()
    {
        var end = _text.IndexOf(")", _at, StringComparison.Ordinal);
        if (end < 0)
            return null;
        var words = _text.Substring(_at, end - _at).Split('|');
        _at = end + 1;
        for (var i = 0; i < words.Length; i++)
        {
            if (words[i].Length == 0 || words[i].IndexOfAny(['(']) >= 0 || (i > 0 && string.CompareOrdinal(words[i - 1], words[i]) >= 0))
                return null;
        }

        return LockType.Enum(words);
    }

    private LockType? Leaf()
    {
        // The longest first: "int8" begins no other word, but "scalar(string)" must be taken whole.
        var word = LockType.Leaves.Keys.OrderByDescending(static word => word.Length).FirstOrDefault(Take);
        return word is null ? null : LockType.Leaf(word);
    }

    private bool Take(string token)
    {
        if (string.CompareOrdinal(_text, _at, token, 0, token.Length) != 0)
            return false;
        _at += token.Length;
        return true;
    }
}
