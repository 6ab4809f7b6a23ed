using System.Collections.Frozen;
using System.Text;

namespace RunProof.Ledger;

/// <summary>Names compared without case, <c>-</c> and <c>_</c>; finds the listed spelling.</summary>
internal sealed class FieldNameSet
{
    // Longer than any name worth listing, with room for separators.
    private const int MaxLength = 64;

    private readonly FrozenDictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> _names;

    internal FieldNameSet(IEnumerable<string> names)
    {
        var listed = new Dictionary<string, string>(StringComparer.Ordinal);
        Span<char> normal = stackalloc char[MaxLength];
        foreach (var name in names)
        {
            var length = Normalize(name, normal);
            if (length == 0)
                throw new ArgumentException($"not a field name for redaction: \"{name}\" (1 to 64 ASCII characters)", nameof(names));
            listed.TryAdd(normal[..length].ToString(), name);
        }

        _names = listed.ToFrozenDictionary(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>The listed spelling of a name; null where it is not listed.</summary>
    internal string? Find(scoped ReadOnlySpan<char> name)
    {
        Span<char> normal = stackalloc char[MaxLength];
        var length = Normalize(name, normal);
        return length > 0 && _names.TryGetValue(normal[..length], out var listed) ? listed : null;
    }

    /// <inheritdoc cref="Find(ReadOnlySpan{char})"/>
    internal string? Find(scoped ReadOnlySpan<byte> name)
    {
        Span<char> text = stackalloc char[MaxLength];
        return name.Length <= MaxLength && Ascii.ToUtf16(name, text, out var length) == System.Buffers.OperationStatus.Done ? Find(text[..length]) : null;
    }

    private static int Normalize(scoped ReadOnlySpan<char> name, Span<char> target)
    {
        if (name.Length > MaxLength)
            return 0;
        var length = 0;
        foreach (var c in name)
        {
            if (!char.IsAscii(c))
                return 0;
            if (c is not ('-' or '_'))
                target[length++] = char.ToLowerInvariant(c);
        }

        return length;
    }
}
