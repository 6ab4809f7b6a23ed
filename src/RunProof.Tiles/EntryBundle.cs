using System.Buffers;
using System.Buffers.Binary;

namespace RunProof.Tiles;

/// <summary>Up to 256 entries of a log as they are served (C2SP tlog-tiles): each after its length in two bytes, big-endian.</summary>
public static class EntryBundle
{
    /// <summary>Bytes that an entry may have.</summary>
    public const int MaxEntryLength = ushort.MaxValue;

    /// <summary>Appends an entry.</summary>
    /// <param name="bundle">Where it goes.</param>
    /// <param name="entry">At most <see cref="MaxEntryLength"/> bytes; none is allowed.</param>
    /// <exception cref="ArgumentException">The entry is longer.</exception>
    public static void Append(IBufferWriter<byte> bundle, ReadOnlySpan<byte> entry)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        if (entry.Length > MaxEntryLength)
            throw new ArgumentException($"an entry has at most {MaxEntryLength} bytes, not {entry.Length}", nameof(entry));
        BinaryPrimitives.WriteUInt16BigEndian(bundle.GetSpan(2), (ushort)entry.Length);
        bundle.Advance(2);
        bundle.Write(entry);
    }

    /// <summary>The entries of a bundle.</summary>
    /// <param name="bytes">The bundle.</param>
    /// <param name="width">How many it must hold.</param>
    /// <param name="entries">The entries, parts of <paramref name="bytes"/>, where the form is right.</param>
    /// <returns>Whether it is: that many entries, and nothing after them.</returns>
    public static bool TryParse(ReadOnlyMemory<byte> bytes, int width, out ReadOnlyMemory<byte>[] entries)
    {
        entries = [];
        var found = new List<ReadOnlyMemory<byte>>();
        while (!bytes.IsEmpty)
        {
            if (bytes.Length < 2 || found.Count == width)
                return false;
            var end = 2 + BinaryPrimitives.ReadUInt16BigEndian(bytes.Span);
            if (end > bytes.Length)
                return false;
            found.Add(bytes[2..end]);
            bytes = bytes[end..];
        }

        entries = [.. found];
        return found.Count == width;
    }
}
