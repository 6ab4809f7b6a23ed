using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace RunProof.Format;

/// <content>Strings and numbers.</content>
internal ref partial struct CanonicalText
{
    private static readonly SearchValues<byte> Special = SearchValues.Create(CanonicalString.EscapedBytes);

    private bool String()
    {
        _at++;
        Output.Add((byte)'"');
        while (true)
        {
            var plain = _json[_at..].IndexOfAny(Special);
            if (plain < 0)
            {
                _at = _json.Length;
                return NotJson("a string does not end");
            }

            Output.Add(_json.Slice(_at, plain));
            _at += plain;
            switch (_json[_at])
            {
                case (byte)'"':
                    _at++;
                    Output.Add((byte)'"');
                    return true;
                case (byte)'\\':
                    if (!Escape())
                        return false;
                    break;
                default:
                    return NotJson("a control character in a string is not escaped");
            }
        }
    }

    private bool Escape()
    {
        if (_at + 1 >= _json.Length)
            return NotJson("a string does not end");
        var c = _json[_at + 1];
        if (c == 'u')
            return UnicodeEscape();
        if (!"\"\\/bfnrt"u8.Contains(c))
            return NotJson("an unknown escape");
        _at += 2;
        if (c != '/')
            Output.Add((byte)'\\');
        Output.Add(c);
        return true;
    }

    private bool UnicodeEscape()
    {
        if (!TryHex(_at, out var unit))
            return NotJson("four hex digits are expected after \\u");
        var start = _at;
        _at += 6;
        if (char.IsSurrogate((char)unit))
        {
            if (!char.IsHighSurrogate((char)unit) || !TryHex(_at, out var low) || !char.IsLowSurrogate((char)low))
                return NotKept("an escaped lone surrogate, which has no canonical form (RFC 8785 section 3.2.2.2)", start);
            _at += 6;
            unit = char.ConvertToUtf32((char)unit, (char)low);
        }

        if (unit < 0x80)
            Output.Commit(CanonicalString.WriteAscii((byte)unit, Output.Reserve(6)));
        else
            Output.Commit(new Rune(unit).EncodeToUtf8(Output.Reserve(4)));
        return true;
    }

    /// <summary>The code unit of <c>\uXXXX</c> at an offset.</summary>
    private readonly bool TryHex(int at, out int unit)
    {
        unit = 0;
        if (at + 6 > _json.Length || _json[at] != '\\' || _json[at + 1] != 'u')
            return false;
        unit = Hex(_json.Slice(at + 2, 4));
        return unit >= 0;
    }

    private static int Hex(ReadOnlySpan<byte> digits)
    {
        var value = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiHexDigit((char)digit))
                return -1;
            value = (value << 4) | (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        }

        return value;
    }

    private bool Number()
    {
        var start = _at;
        if (!DecimalText.TryScan(_json, ref _at, out var number))
            return NotJson("a number is malformed");
        var token = _json[start.._at];

        // An integer of up to 15 digits is its own ECMAScript form.
        if (number.IsPlainInteger && token.Length <= 15 && token is not [(byte)'-', (byte)'0'])
        {
            Output.Add(token);
            return true;
        }

        if (!number.TryWrite(token, Output.Reserve(EcmaScriptNumber.MaxLength), out var written, out var exact))
            return NotKept("a number beyond the range of a double", start);
        if (!exact && _numbers == NumberRule.Exact)
            return NotKept("a number that a double does not hold exactly: its value would be rounded", start);
        Output.Commit(written);
        return true;
    }
}
