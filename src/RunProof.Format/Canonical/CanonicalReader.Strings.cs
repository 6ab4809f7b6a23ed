using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace RunProof.Format;

/// <content>Strings and what is as long as its writer made it: time and memory grow with the bytes that are there.</content>
public ref partial struct CanonicalReader
{
    private static readonly SearchValues<byte> Escaped = SearchValues.Create(CanonicalString.EscapedBytes);

    /// <summary>Reads a string with minimal escapes.</summary>
    /// <param name="value">The string, well-formed UTF-16.</param>
    /// <returns>Whether it was one.</returns>
    public bool TryReadString([MaybeNullWhen(false)] out string value)
    {
        var read = TryString(out var text);
        value = read ? Encoding.UTF8.GetString(text) : null;
        return read;
    }

    /// <summary>Reads a value whose whole form is one text.</summary>
    /// <typeparam name="T">The value's type; it writes the text that it was parsed from.</typeparam>
    /// <param name="value">The value.</param>
    /// <returns>Whether it was one.</returns>
    public bool TryReadWireText<T>(out T value)
        where T : struct, IWireText<T>
    {
        var start = Offset;
        value = default;
        return TryReadString(out var text) && (T.TryParse(text, out value) || Refuse(ReadFaultCode.NotCanonicalText, start, $"the string is no {typeof(T).Name}"));
    }

    /// <summary>Reads a struct that is one JSON scalar.</summary>
    /// <typeparam name="T">The struct.</typeparam>
    /// <param name="value">Its value.</param>
    /// <returns>Whether it was one.</returns>
    public bool TryReadScalar<T>(out T value)
        where T : struct, ICanonicalScalar<T> => T.TryReadCanonical(ref this, out value);

    /// <summary>Reads base64, standard alphabet, with padding.</summary>
    /// <param name="value">The bytes.</param>
    /// <returns>Whether it was that, and no bit of the last character is without meaning.</returns>
    public bool TryReadBytes([MaybeNullWhen(false)] out byte[] value)
    {
        value = null;
        var start = Offset;
        if (!TryString(out var text))
            return false;
        var buffer = new byte[text.Length];
        Base64.DecodeFromUtf8(text, buffer, out _, out var length);
        value = buffer[..length];
        Base64.EncodeToUtf8(value, buffer, out _, out var written);
        return text.SequenceEqual(buffer.AsSpan(0, written)) || Refuse(ReadFaultCode.NotCanonicalText, start, $"{Show(text)} is not base64 with padding, in its one form");
    }

    /// <summary>Reads an array.</summary>
    /// <typeparam name="T">The items' type.</typeparam>
    /// <param name="read">Reads an item.</param>
    /// <param name="list">The items.</param>
    /// <returns>Whether it was one.</returns>
    public bool TryReadList<T>(CanonicalValueReader<T> read, [MaybeNullWhen(false)] out List<T> list)
    {
        var items = new List<T>();
        var isEnd = false;
        for (var isFirst = true; TryReadNext("[]"u8, isFirst, out isEnd) && !isEnd; isFirst = false)
        {
            if (!read(ref this, out var item))
                break;
            items.Add(item);
        }

        list = isEnd ? items : null;
        return isEnd;
    }

    /// <summary>Reads one JSON value in canonical form, nested at most <see cref="Canonicalizer.MaxDepth"/> levels deep.</summary>
    /// <param name="value">The value; <c>null</c> in JSON is a value too.</param>
    /// <returns>Whether it was one.</returns>
    public bool TryReadJson([MaybeNullWhen(false)] out CanonicalJson value)
    {
        var start = Offset;
        var read = TrySkip(0);
        value = read ? CanonicalJson.FromCanonicalBytes(_bytes[start..Offset].ToArray()) : null;
        return read;
    }

    /// <summary>Reads a scalar that brings no reader of its own: binds it, and writes it back.</summary>
    internal bool TryReadBound<T>(out T value)
        where T : struct, ICanonicalScalar<T>
    {
        var start = Offset;
        value = default;
        if (!TrySkip(0))
            return false;
        var token = _bytes[start..Offset];
        using var document = JsonDocument.Parse(token.ToArray());
        var canonical = new ArrayBufferWriter<byte>(LongestScalar);
        var writer = new CanonicalWriter(canonical);
        if (T.TryBind(document.RootElement, out value))
            value.WriteCanonical(ref writer);
        writer.Flush();
        return token.SequenceEqual(canonical.WrittenSpan) || Refuse(ReadFaultCode.NotCanonicalText, start, $"{Show(token)} is no {typeof(T).Name} in its one form");
    }

    /// <summary>Reads an object's next key with its colon; each must come after the one before it.</summary>
    internal bool TryReadKey(ref ReadOnlySpan<byte> key, bool isFirst)
    {
        var start = Offset;
        var before = key;
        if (!TryString(out key))
            return false;
        var order = isFirst ? 1 : Utf16Order.Compare(key, before);
        if (order == 0)
            return Refuse(ReadFaultCode.DuplicateKey, start, $"the key {Show(key)} stands twice");
        return order < 0 ? Refuse(ReadFaultCode.UnsortedMap, start, $"the key {Show(key)} stands after {Show(before)}") : Expect(":"u8);
    }

    /// <summary>Reads what begins an array or object, separates its items, or ends it.</summary>
    /// <param name="brackets">Both.</param>
    /// <param name="isFirst">Whether no item was read yet.</param>
    /// <param name="isEnd">Whether it ended.</param>
    /// <returns>Whether an item follows or it ended.</returns>
    internal bool TryReadNext(scoped ReadOnlySpan<byte> brackets, bool isFirst, out bool isEnd)
    {
        isEnd = false;
        if (isFirst && !Expect(brackets[..1]))
            return false;
        isEnd = Take(brackets[1..]);
        return isEnd || isFirst || Take(","u8) || Unexpected($", or {Show(brackets[1..])}");
    }

    private bool TrySkip(int depth)
    {
        if (depth > Canonicalizer.MaxDepth)
            return Refuse(ReadFaultCode.TooDeep, Offset, $"nested deeper than {Canonicalizer.MaxDepth} levels");
        return Rest switch
        {
            [(byte)'"', ..] => Take("\""u8) && TryScan(out _, out _),
            [(byte)'[', ..] => TrySkipItems("[]"u8, depth),
            [(byte)'{', ..] => TrySkipItems("{}"u8, depth),
            [(byte)'-' or (>= (byte)'0' and <= (byte)'9'), ..] => TryReadDouble(out _),
            _ => Take("null"u8) || Take("true"u8) || Take("false"u8) || Unexpected("a JSON value"),
        };
    }

    private bool TrySkipItems(scoped ReadOnlySpan<byte> brackets, int depth)
    {
        ReadOnlySpan<byte> key = default;
        for (var isFirst = true; TryReadNext(brackets, isFirst, out var isEnd); isFirst = false)
        {
            if (isEnd)
                return true;
            if ((brackets[0] == '{' && !TryReadKey(ref key, isFirst)) || !TrySkip(depth + 1))
                return false;
        }

        return false;
    }

    /// <summary>A string's content, unescaped: where nothing is, the very bytes.</summary>
    private bool TryString(out ReadOnlySpan<byte> text)
    {
        text = default;
        if (!Take("\""u8))
            return Unexpected("a string");
        if (!TryScan(out text, out var escapes))
            return false;
        if (escapes > 0)
            text = Unescape(text);
        return true;
    }

    /// <summary>Behind the opening quote: finds the closing one, and nothing before it that the writer would write in another way.</summary>
    private bool TryScan(out ReadOnlySpan<byte> content, out int escapes)
    {
        content = Rest;
        escapes = 0;
        var at = 0;
        for (var next = content.IndexOfAny(Escaped); next >= 0 && content[at + next] != '"'; next = content[at..].IndexOfAny(Escaped))
        {
            at += next;
            var length = Escape(content[at..], out _);
            if (length == 0)
                return Refuse(ReadFaultCode.NotCanonicalString, Offset + at, $"{Show(content[at..Math.Min(at + 6, content.Length)])} is not how RFC 8785 section 3.2.2.2 escapes");
            at += length;
            escapes++;
        }

        var end = content[at..].IndexOf((byte)'"');
        content = content[..(end < 0 ? content.Length : at + end)];
        if (!Utf8.IsValid(content))
            return Refuse(ReadFaultCode.InvalidUtf8, Offset + Canonicalizer.FirstInvalid(content), $"not UTF-8");
        Offset += content.Length;
        return end < 0 ? Refuse(ReadFaultCode.EndOfInput, Offset, $"the bytes end within a string") : Take("\""u8);
    }

    /// <summary>The length of the canonical escape that stands at the beginning, and what it stands for; 0 where there is none.</summary>
    private static int Escape(ReadOnlySpan<byte> text, out byte c)
    {
        var letter = text.Length > 1 ? "btnfr"u8.IndexOf(text[1]) : -1;
        c = letter >= 0 ? "\b\t\n\f\r"u8[letter] : text is [_, (byte)'"' or (byte)'\\', ..] ? text[1] : (byte)0;
        if (c == 0 && text.Length >= 6)
            Utf8Parser.TryParse(text[4..6], out c, out _, 'x');
        Span<byte> canonical = stackalloc byte[6];
        canonical = canonical[..CanonicalString.WriteAscii(c, canonical)];
        return text.StartsWith(canonical) ? canonical.Length : 0;
    }

    private static ReadOnlySpan<byte> Unescape(ReadOnlySpan<byte> content)
    {
        var text = new byte[content.Length];
        var length = 0;
        for (var next = content.IndexOf((byte)'\\'); next >= 0; next = content.IndexOf((byte)'\\'))
        {
            content[..next].CopyTo(text.AsSpan(length));
            content = content[(next + Escape(content[next..], out text[length + next]))..];
            length += next + 1;
        }

        content.CopyTo(text.AsSpan(length));
        return text.AsSpan(0, length + content.Length);
    }
}
