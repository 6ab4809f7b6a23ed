using System.Runtime.InteropServices;

namespace RunProof.Format;

/// <content>Member names: unescaped for comparison, in the order of their UTF-16 code units, once each.</content>
internal ref partial struct CanonicalText
{
    private bool Name()
    {
        if (Next() != '"')
            return NotJson("a member name is expected");
        ref var frame = ref _frames.Last;
        var member = new Member { Source = _at, First = Output.Count };
        if (!String())
            return false;
        var written = Output.Written[(member.First + 1)..^1];
        member.NameStart = member.First + 1;
        member.NameLength = written.Length;
        if (written.Contains((byte)'\\'))
        {
            member.Unescaped = true;
            member.NameStart = _names.Count;
            member.NameLength = Unescape(written);
        }

        var name = NameOf(in member);
        HasReservedName |= _depth == 1 && (name.SequenceEqual("$json"u8) || name.SequenceEqual("$base64"u8));
        frame.Unsorted |= _members.Count > frame.FirstMember && Utf16Order.Compare(NameOf(in _members.Last), name) >= 0;
        frame.InMember = true;
        _members.Add(member);
        if (Next() != ':')
            return NotJson("':' is expected");
        _at++;
        Output.Add((byte)':');
        return true;
    }

    private void EndMember(ref Frame frame)
    {
        frame.InMember = false;
        _members.Last.End = Output.Count;
    }

    private bool Close(ref Frame frame)
    {
        if (frame.Unsorted && !Sort(in frame))
            return false;
        Output.Add(frame.IsObject ? (byte)'}' : (byte)']');
        _members.Truncate(frame.FirstMember);
        _names.Truncate(frame.FirstName);
        _frames.Truncate(_frames.Count - 1);
        _depth--;
        _at++;
        return true;
    }

    private readonly bool IsTwice(in Member one, in Member other) => NameOf(in one).SequenceEqual(NameOf(in other));

    /// <summary>Puts the members' bytes in order, all at once; no byte is moved more than once for each level around it.</summary>
    private bool Sort(in Frame frame)
    {
        var members = _members.Written[frame.FirstMember..];
        SortByName(members);
        for (var i = 1; i < members.Length; i++)
        {
            if (IsTwice(in members[i - 1], in members[i]))
                return NotKept("a member name occurs twice in one object", Math.Max(members[i - 1].Source, members[i].Source));
        }

        var body = Output.Written[frame.FirstByte..];
        var sorted = new PooledList<byte>(body.Length);
        foreach (ref readonly var member in members)
        {
            if (sorted.Count > 0)
                sorted.Add((byte)',');
            sorted.Add(Output.Written[member.First..member.End]);
        }

        sorted.Written.CopyTo(body);
        sorted.Dispose();
        return true;
    }

    /// <summary>A heap sort: in place, n log n whatever the order, and a comparer that may hold spans.</summary>
    private readonly void SortByName(Span<Member> members)
    {
        for (var i = (members.Length / 2) - 1; i >= 0; i--)
            SiftDown(members, i);
        for (var end = members.Length - 1; end > 0; end--)
        {
            (members[0], members[end]) = (members[end], members[0]);
            SiftDown(members[..end], 0);
        }
    }

    private readonly void SiftDown(Span<Member> heap, int parent)
    {
        while ((2 * parent) + 1 < heap.Length)
        {
            var child = (2 * parent) + 1;
            if (child + 1 < heap.Length && Utf16Order.Compare(NameOf(in heap[child]), NameOf(in heap[child + 1])) < 0)
                child++;
            if (Utf16Order.Compare(NameOf(in heap[parent]), NameOf(in heap[child])) >= 0)
                return;
            (heap[parent], heap[child]) = (heap[child], heap[parent]);
            parent = child;
        }
    }

    private readonly ReadOnlySpan<byte> NameOf(in Member member) =>
        (member.Unescaped ? _names.Written : Output.Written).Slice(member.NameStart, member.NameLength);

    /// <summary>Appends a canonical string's content, unescaped, to the names.</summary>
    private int Unescape(ReadOnlySpan<byte> canonical)
    {
        var target = _names.Reserve(canonical.Length);
        var n = 0;
        for (var i = 0; i < canonical.Length; i++)
        {
            var c = canonical[i];
            if (c == '\\')
            {
                c = canonical[++i] switch
                {
                    (byte)'b' => 8,
                    (byte)'t' => 9,
                    (byte)'n' => 10,
                    (byte)'f' => 12,
                    (byte)'r' => 13,
                    (byte)'u' => (byte)Hex(canonical.Slice(i + 1, 4)),
                    var other => other,
                };
                i += canonical[i] == 'u' ? 4 : 0;
            }

            target[n++] = c;
        }

        _names.Commit(n);
        return n;
    }

    /// <summary>A member of an open object: its bytes in the output, and its name there or, where it has escapes, among the names.</summary>
    [StructLayout(LayoutKind.Auto)]
    private struct Member
    {
        internal int Source;
        internal int First;
        internal int End;
        internal int NameStart;
        internal int NameLength;
        internal bool Unescaped;
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
