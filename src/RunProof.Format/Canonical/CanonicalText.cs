using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;

namespace RunProof.Format;

/// <summary>
/// Reads one JSON text and writes its canonical form in one pass, without recursion. Members are written as they come; where an object ends and its
/// members came out of order, their bytes are put in order. A fault ends the reading and is kept, not thrown: bytes from outside fault often.
/// </summary>
internal ref partial struct CanonicalText
{
    private readonly ReadOnlySpan<byte> _json;
    private readonly NumberRule _numbers;
    private readonly int _maxDepth;
    private int _at;
    private int _depth;
    private PooledList<Frame> _frames;
    private PooledList<Member> _members;
    private PooledList<byte> _names;
    internal PooledList<byte> Output;

    internal CanonicalText(ReadOnlySpan<byte> json, NumberRule numbers, int maxDepth)
    {
        _json = json;
        _numbers = numbers;
        _maxDepth = maxDepth;
        Output = new PooledList<byte>(json.Length + 16);
    }

    /// <summary>Why <see cref="Run"/> gave up.</summary>
    internal CanonicalFault Fault { get; private set; }

    /// <summary>Whether the outermost object has a member named <c>$json</c> or <c>$base64</c>.</summary>
    internal bool HasReservedName { get; private set; }

    internal void Dispose()
    {
        _frames.Dispose();
        _members.Dispose();
        _names.Dispose();
        Output.Dispose();
    }

    /// <summary>Writes the canonical form of the whole text.</summary>
    /// <returns>Whether there is one; if not, <see cref="Fault"/> says why.</returns>
    internal bool Run()
    {
        while (true)
        {
            // Here a value begins.
            var c = Next();
            if (_depth > _maxDepth)
                return NotKept(string.Create(CultureInfo.InvariantCulture, $"nested deeper than {_maxDepth} levels"), _at);
            switch (c)
            {
                case '{':
                    Open(isObject: true);
                    if (Next() == '}')
                        break;
                    if (!Name())
                        return false;
                    continue;
                case '[':
                    Open(isObject: false);
                    if (Next() == ']')
                        break;
                    continue;
                case '"':
                    if (!String())
                        return false;
                    break;
                case 't' when Literal("true"u8):
                case 'f' when Literal("false"u8):
                case 'n' when Literal("null"u8):
                    break;
                case '-' or (>= '0' and <= '9'):
                    if (!Number())
                        return false;
                    break;
                default:
                    return NotJson(c < 0 ? "the text ends where a value is expected" : "a value is expected");
            }

            // Here a value has ended, or an empty container is about to: go on in what is around it.
            if (!Resume(out var finished))
                return false;
            if (finished)
                return true;
        }
    }

    /// <summary>Closes what ends here, up to the next value or the end of the text.</summary>
    private bool Resume(out bool finished)
    {
        finished = false;
        while (true)
        {
            var c = Next();
            if (_depth == 0)
            {
                finished = true;
                return c < 0 || NotJson("the text goes on after its value");
            }

            ref var frame = ref _frames.Last;
            if (frame.IsObject && frame.InMember)
                EndMember(ref frame);
            if (c == (frame.IsObject ? '}' : ']'))
            {
                if (!Close(ref frame))
                    return false;
                continue;
            }

            if (c != ',')
                return NotJson(frame.IsObject ? "',' or '}' is expected" : "',' or ']' is expected");
            _at++;
            Output.Add((byte)',');
            return !frame.IsObject || (Next() == '"' ? Name() : NotJson("a member name is expected"));
        }
    }

    private void Open(bool isObject)
    {
        _at++;
        _depth++;
        Output.Add((byte)(isObject ? '{' : '['));
        _frames.Add(new Frame(isObject, _members.Count, Output.Count, _names.Count));
    }

    private bool Literal(ReadOnlySpan<byte> word)
    {
        if (!_json[_at..].StartsWith(word))
            return false;
        _at += word.Length;
        Output.Add(word);
        return true;
    }

    /// <summary>Skips white space and looks at the next byte; -1 at the end.</summary>
    private int Next()
    {
        for (; _at < _json.Length; _at++)
        {
            if (_json[_at] is not (0x20 or 0x0A or 0x0D or 0x09))
                return _json[_at];
        }

        return -1;
    }

    private bool NotJson(string message) => Fail(message, _at, isJson: false);

    private bool NotKept(string message, int offset) => Fail(message, offset, isJson: true);

    private bool Fail(string message, int offset, bool isJson)
    {
        Fault = new CanonicalFault(isJson ? message : $"not JSON: {message}", offset, isJson);
        return false;
    }

    /// <summary>A container that is open: where its members, its bytes and its unescaped names begin.</summary>
    [StructLayout(LayoutKind.Auto)]
    private struct Frame(bool isObject, int firstMember, int firstByte, int firstName)
    {
        internal readonly bool IsObject = isObject;
        internal readonly int FirstMember = firstMember;
        internal readonly int FirstByte = firstByte;
        internal readonly int FirstName = firstName;
        internal bool InMember;
        internal bool Unsorted;
    }
}

/// <summary>A growing list in pooled memory.</summary>
internal struct PooledList<T>(int capacity)
    where T : unmanaged
{
    private T[]? _items = ArrayPool<T>.Shared.Rent(capacity);

    internal int Count { get; private set; }

    internal readonly Span<T> Written => _items.AsSpan(0, Count);

    internal readonly ref T Last => ref _items![Count - 1];

    internal void Add(T item)
    {
        if (_items is null || Count == _items.Length)
            Reserve(1);
        _items![Count++] = item;
    }

    internal void Add(scoped ReadOnlySpan<T> items)
    {
        items.CopyTo(Reserve(items.Length));
        Count += items.Length;
    }

    /// <summary>Room for some more items, which <see cref="Commit"/> then counts.</summary>
    internal Span<T> Reserve(int more)
    {
        if (_items is null)
        {
            _items = ArrayPool<T>.Shared.Rent(Math.Max(more, 16));
        }
        else if (_items.Length - Count < more)
        {
            var larger = ArrayPool<T>.Shared.Rent(Math.Max(checked(Count + more), (int)Math.Min(_items.Length * 2L, Array.MaxLength)));
            Written.CopyTo(larger);
            ArrayPool<T>.Shared.Return(_items);
            _items = larger;
        }

        return _items.AsSpan(Count);
    }

    internal void Commit(int more) => Count += more;

    internal void Truncate(int count) => Count = count;

    internal void Dispose()
    {
        if (_items is { } items)
            ArrayPool<T>.Shared.Return(items);
        _items = null;
        Count = 0;
    }
}
