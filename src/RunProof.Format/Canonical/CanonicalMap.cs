using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace RunProof.Format;

/// <summary>Writes one value of a map.</summary>
/// <typeparam name="T">The value's type.</typeparam>
/// <param name="writer">Where it goes.</param>
/// <param name="value">The value.</param>
public delegate void CanonicalValueWriter<in T>(ref CanonicalWriter writer, T value);

/// <summary>Reads one value of a map, or one item of a list.</summary>
/// <typeparam name="T">The value's type.</typeparam>
/// <param name="reader">Where it begins.</param>
/// <param name="value">The value.</param>
/// <returns>Whether it was one.</returns>
public delegate bool CanonicalValueReader<T>(ref CanonicalReader reader, [MaybeNullWhen(false)] out T value);

/// <summary>Maps in canonical JSON. Generated serializers call it.</summary>
public static class CanonicalMap
{
    /// <summary>Writes a map as an object, its keys in UTF-16 order. Sorts in a pooled array.</summary>
    /// <typeparam name="T">The values' type.</typeparam>
    /// <param name="writer">Where it goes.</param>
    /// <param name="map">The map.</param>
    /// <param name="write">Writes a value.</param>
    /// <exception cref="CanonicalFormatException">A key holds a lone surrogate, or stands twice under the map's own comparer.</exception>
    public static void Write<T>(ref CanonicalWriter writer, IReadOnlyDictionary<string, T> map, CanonicalValueWriter<T> write)
    {
        var entries = ArrayPool<KeyValuePair<string, T>>.Shared.Rent(map.Count);
        try
        {
            var sorted = Sort(map, entries);
            writer.WriteRaw("{"u8);
            for (var i = 0; i < sorted.Length; i++)
            {
                if (i != 0)
                    writer.WriteRaw(","u8);
                writer.WriteString(sorted[i].Key);
                writer.WriteRaw(":"u8);
                write(ref writer, sorted[i].Value);
            }

            writer.WriteRaw("}"u8);
        }
        finally
        {
            // Cleared: what was in the map may be personal data, and the pool lives as long as the process.
            ArrayPool<KeyValuePair<string, T>>.Shared.Return(entries, clearArray: true);
        }
    }

    /// <summary>Reads a map whose keys ascend in UTF-16 order.</summary>
    /// <typeparam name="T">The values' type.</typeparam>
    /// <param name="reader">Where it begins.</param>
    /// <param name="read">Reads a value.</param>
    /// <param name="map">The map, its keys compared ordinally.</param>
    /// <returns>Whether it was one.</returns>
    public static bool TryRead<T>(ref CanonicalReader reader, CanonicalValueReader<T> read, [MaybeNullWhen(false)] out Dictionary<string, T> map)
    {
        var entries = new Dictionary<string, T>(StringComparer.Ordinal);
        ReadOnlySpan<byte> key = default;
        var isEnd = false;
        for (var isFirst = true; reader.TryReadNext("{}"u8, isFirst, out isEnd) && !isEnd; isFirst = false)
        {
            if (!reader.TryReadKey(ref key, isFirst) || !read(ref reader, out var value))
                break;
            entries.Add(Encoding.UTF8.GetString(key), value);
        }

        map = isEnd ? entries : null;
        return isEnd;
    }

    private static ReadOnlySpan<KeyValuePair<string, T>> Sort<T>(IReadOnlyDictionary<string, T> map, KeyValuePair<string, T>[] entries)
    {
        var count = Copy(map, entries);
        var sorted = entries.AsSpan(0, count);
        sorted.Sort(ByKey<T>.Order);
        for (var i = 1; i < sorted.Length; i++)
        {
            if (string.Equals(sorted[i - 1].Key, sorted[i].Key, StringComparison.Ordinal))
                throw new CanonicalFormatException($"a map holds the key \"{sorted[i].Key}\" twice, and a JSON object cannot");
        }

        return sorted;
    }

    private static int Copy<T>(IReadOnlyDictionary<string, T> map, KeyValuePair<string, T>[] entries)
    {
        // The map's own copying: an enumerator behind an interface would be an allocation.
        if (map is ICollection<KeyValuePair<string, T>> all)
        {
            all.CopyTo(entries, 0);
            return map.Count;
        }

        var count = 0;
        foreach (var entry in map)
            entries[count++] = entry;
        return count;
    }

    private static class ByKey<T>
    {
        internal static readonly Comparison<KeyValuePair<string, T>> Order = static (left, right) => string.CompareOrdinal(left.Key, right.Key);
    }
}
