using System.Text;
using System.Text.Unicode;

namespace RunProof.Ledger;

/// <summary>Texts that come again in row after row, made once. Holds a fixed number: a text that falls on another's place replaces it.</summary>
internal sealed class TextCache
{
    private const int Places = 1024;
    private const int Longest = 128;

    private readonly (byte[] Bytes, string Text)[] _kept = new (byte[], string)[Places];

    /// <summary>A column's text, from here where it is.</summary>
    /// <returns>Whether the column is null or well-formed UTF-8.</returns>
    internal bool TryGet(RawColumn column, out string? text)
    {
        var bytes = column.Span;
        if (column.IsNull || bytes.Length > Longest)
            return TryRead(column, out text);
        ref var kept = ref _kept[PlaceOf(bytes)];
        if (kept.Bytes is { } known && bytes.SequenceEqual(known))
        {
            text = kept.Text;
            return true;
        }

        if (!TryRead(column, out text))
            return false;
        kept = (bytes.ToArray(), text!);
        return true;
    }

    /// <summary>A column's text, made anew.</summary>
    /// <returns>Whether the column is null or well-formed UTF-8.</returns>
    internal static bool TryRead(RawColumn column, out string? text)
    {
        text = null;
        if (column.IsNull)
            return true;
        if (!Utf8.IsValid(column.Span))
            return false;
        text = Encoding.UTF8.GetString(column.Span);
        return true;
    }

    private static int PlaceOf(ReadOnlySpan<byte> bytes)
    {
        var hash = 2166136261u;
        foreach (var each in bytes)
            hash = (hash ^ each) * 16777619u;
        return (int)(hash % Places);
    }
}
