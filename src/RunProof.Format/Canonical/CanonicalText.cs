using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace RunProof.Format;

/// <summary>
/// Writes the canonical form of a text while it is read, without recursion. Members are written as they come; where an object ends and its members came
/// out of order, their bytes are put in order, so that no byte moves more than once for each level around it.
/// </summary>
internal sealed class CanonicalText(NumberRule numbers, int maxDepth, int length)
{
    private static readonly SearchValues<byte> Escaped = SearchValues.Create(CanonicalString.EscapedBytes);

    private readonly ArrayBufferWriter<byte> _output = new(length + 16);
    private readonly ArrayBufferWriter<byte> _names = new();
    private readonly List<Frame> _frames = [];
    private readonly List<Member> _members = [];

    internal ReadOnlySpan<byte> Written => _output.WrittenSpan;

    /// <summary>Why <see cref="TryWrite"/> gave up.</summary>
    internal CanonicalFault Fault { get; private set; }

    /// <summary>Whether the outermost object has a member named <c>$json</c> or <c>$base64</c>.</summary>
    internal bool HasReservedName { get; private set; }

    private ref Frame Innermost => ref CollectionsMarshal.AsSpan(_frames)[^1];

    /// <summary>Writes the reader's next token.</summary>
    /// <returns>Whether it has a canonical form; if not, <see cref="Fault"/> says why, and nothing more may be written.</returns>
    internal bool TryWrite(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.PropertyName:
                return Name(ref reader);
            case JsonTokenType.EndObject or JsonTokenType.EndArray:
                return Close(reader.TokenType == JsonTokenType.EndObject);
        }

        if (_frames.Count > maxDepth)
            return Refuse(string.Create(CultureInfo.InvariantCulture, $"nested deeper than {maxDepth} levels"), (int)reader.TokenStartIndex);
        if (_frames.Count > 0 && !Innermost.IsObject)
            Separate();
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject or JsonTokenType.StartArray:
                _output.Write(reader.ValueSpan);
                _frames.Add(new Frame { IsObject = reader.TokenType == JsonTokenType.StartObject, FirstMember = _members.Count, FirstByte = _output.WrittenCount });
                return true;
            case JsonTokenType.String:
                return String(ref reader, out _);
            case JsonTokenType.Number:
                return Number(reader.ValueSpan, (int)reader.TokenStartIndex);
            default:
                _output.Write(reader.ValueSpan);
                return true;
        }
    }

    private bool Name(ref Utf8JsonReader reader)
    {
        EndMember();
        Separate();
        var member = new Member { Source = (int)reader.TokenStartIndex, First = _output.WrittenCount, NameStart = _names.WrittenCount, IsUnescaped = reader.ValueIsEscaped };
        if (!String(ref reader, out var unescaped))
            return false;
        if (member.IsUnescaped)
            _names.Write(unescaped);
        else
            member.NameStart = member.First + 1;
        member.NameLength = unescaped.Length;
        HasReservedName |= _frames.Count == 1 && (unescaped.SequenceEqual("$json"u8) || unescaped.SequenceEqual("$base64"u8));
        ref var frame = ref Innermost;
        frame.IsUnsorted |= _members.Count > frame.FirstMember && Utf16Order.Compare(NameOf(_members[^1]), unescaped) >= 0;
        _members.Add(member);
        _output.Write(":"u8);
        return true;
    }

    private bool Close(bool isObject)
    {
        EndMember();
        var frame = Innermost;
        if (frame.IsUnsorted && !Sort(frame))
            return false;
        _output.Write(isObject ? "}"u8 : "]"u8);
        CollectionsMarshal.SetCount(_members, frame.FirstMember);
        _frames.RemoveAt(_frames.Count - 1);
        return true;
    }

    private void Separate()
    {
        if (_output.WrittenCount > Innermost.FirstByte)
            _output.Write(","u8);
    }

    private void EndMember()
    {
        if (_members.Count > Innermost.FirstMember)
            CollectionsMarshal.AsSpan(_members)[^1].End = _output.WrittenCount;
    }

    private bool Sort(Frame frame)
    {
        var members = CollectionsMarshal.AsSpan(_members)[frame.FirstMember..];
        members.Sort((left, right) => Utf16Order.Compare(NameOf(left), NameOf(right)));
        for (var i = 1; i < members.Length; i++)
        {
            if (NameOf(members[i - 1]).SequenceEqual(NameOf(members[i])))
                return Refuse("a member name occurs twice in one object", Math.Max(members[i - 1].Source, members[i].Source));
        }

        var sorted = new ArrayBufferWriter<byte>(_output.WrittenCount - frame.FirstByte);
        foreach (ref readonly var member in members)
        {
            if (sorted.WrittenCount > 0)
                sorted.Write(","u8);
            sorted.Write(Written[member.First..member.End]);
        }

        sorted.WrittenSpan.CopyTo(MemoryMarshal.AsMemory(_output.WrittenMemory).Span[frame.FirstByte..]);
        return true;
    }

    private ReadOnlySpan<byte> NameOf(Member member) =>
        (member.IsUnescaped ? _names.WrittenSpan : Written).Slice(member.NameStart, member.NameLength);

    private bool String(ref Utf8JsonReader reader, out ReadOnlySpan<byte> unescaped)
    {
        unescaped = reader.ValueSpan;
        if (reader.ValueIsEscaped)
        {
            var target = new byte[unescaped.Length];
            try
            {
                unescaped = target.AsSpan(0, reader.CopyString(target));
            }
            catch (InvalidOperationException)
            {
                return Refuse("a string with an escaped lone surrogate, which has no canonical form (RFC 8785 section 3.2.2.2)", (int)reader.TokenStartIndex);
            }
        }

        _output.Write("\""u8);
        var rest = unescaped;
        for (var next = rest.IndexOfAny(Escaped); next >= 0; next = rest.IndexOfAny(Escaped))
        {
            _output.Write(rest[..next]);
            _output.Advance(CanonicalString.WriteAscii(rest[next], _output.GetSpan(6)));
            rest = rest[(next + 1)..];
        }

        _output.Write(rest);
        _output.Write("\""u8);
        return true;
    }

    private bool Number(ReadOnlySpan<byte> token, int offset)
    {
        // An integer of up to 15 digits is its own ECMAScript form.
        if (token.Length <= 15 && token is not [(byte)'-', (byte)'0'] && !token.ContainsAny(".eE"u8))
        {
            _output.Write(token);
            return true;
        }

        if (!DecimalText.TryWrite(token, _output.GetSpan(EcmaScriptNumber.MaxLength), out var written, out var exact))
            return Refuse("a number beyond the range of a double", offset);
        if (!exact && numbers == NumberRule.Exact)
            return Refuse("a number that a double does not hold exactly: its value would be rounded", offset);
        _output.Advance(written);
        return true;
    }

    private bool Refuse(string message, int offset)
    {
        Fault = new CanonicalFault(message, offset, IsJson: true);
        return false;
    }

    /// <summary>A container that is open: where its members and its bytes begin.</summary>
    private struct Frame
    {
        internal bool IsObject, IsUnsorted;
        internal int FirstMember, FirstByte;
    }

    /// <summary>A member of an open object: its bytes in the output, and its name there or, where it has escapes, among the names.</summary>
    private struct Member
    {
        internal int Source, First, End, NameStart, NameLength;
        internal bool IsUnescaped;
    }
}

/// <summary>The order of RFC 8785 section 3.2.3, by UTF-16 code units, told from UTF-8 bytes.</summary>
internal static class Utf16Order
{
    internal static int Compare(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        var same = left.CommonPrefixLength(right);
        return same == left.Length || same == right.Length ? left.Length - right.Length : Weight(left[same]) - Weight(right[same]);
    }

    /// <summary>UTF-8 orders as code points do; UTF-16 puts supplementary ones (lead byte F0 and up) before U+E000 to U+FFFF (EE and EF).</summary>
    private static int Weight(byte b) => b is 0xEE or 0xEF ? b + 0x10 : b;
}
