using System.Globalization;

namespace RunProof.Tiles;

/// <summary>What a path of a tiled log names.</summary>
public enum TileKind
{
    /// <summary>Hashes of a level of the tree.</summary>
    Hashes,

    /// <summary>The entries themselves, in bundles.</summary>
    Entries,
}

/// <summary>The address of a tile or entry bundle (C2SP tlog-tiles): tiles are 8 levels high and 256 hashes wide.</summary>
/// <param name="Kind">What it holds.</param>
/// <param name="Level">0 to 63, of hash tiles; 0 of entry bundles. Level L holds the hashes of complete subtrees of 256^L leaves.</param>
/// <param name="Index">The tile's place in its level, from 0.</param>
/// <param name="Width">Hashes or entries in it: 256, or fewer in a partial one at the log's right edge.</param>
public readonly record struct TileAddress(TileKind Kind, int Level, long Index, int Width)
{
    /// <summary>Hashes or entries of a full tile.</summary>
    public const int FullWidth = 256;

    /// <summary>Levels of the tree in a tile.</summary>
    public const int Height = 8;

    /// <summary>The last level that a path may name.</summary>
    public const int MaxLevel = 63;

    /// <summary>Whether the tile can still grow.</summary>
    public bool IsPartial => Width < FullWidth;

    /// <summary>The tile's path under the log's prefix: <c>tile/0/x001/067.p/8</c>.</summary>
    public string Path
    {
        get
        {
            var groups = new Stack<string>();
            groups.Push((Index % 1000).ToString("D3", CultureInfo.InvariantCulture));
            for (var rest = Index / 1000; rest > 0; rest /= 1000)
                groups.Push("x" + (rest % 1000).ToString("D3", CultureInfo.InvariantCulture));
            var level = Kind is TileKind.Entries ? "entries" : Level.ToString(CultureInfo.InvariantCulture);
            return "tile/" + level + "/" + string.Join('/', groups) + (IsPartial ? ".p/" + Width.ToString(CultureInfo.InvariantCulture) : "");
        }
    }

    /// <summary>Reads a path; there is one spelling of each address.</summary>
    /// <param name="path">Any text.</param>
    /// <param name="address">The address, where it is one.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse(string? path, out TileAddress address)
    {
        address = default;
        if (path is null || path.Length > 64 || !path.StartsWith("tile/", StringComparison.Ordinal))
            return false;
        var parts = path["tile/".Length..].Split('/');
        var width = FullWidth;
        var last = parts.Length - 1;
        if (last >= 2 && parts[last - 1].EndsWith(".p", StringComparison.Ordinal))
        {
            if (!int.TryParse(parts[last], NumberStyles.None, CultureInfo.InvariantCulture, out width))
                return false;
            parts[last - 1] = parts[last - 1][..^2];
            last--;
        }

        var isEntries = parts[0] == "entries";
        var level = 0;
        if (last < 1 || (!isEntries && !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out level)) || !TryIndex(parts[1..(last + 1)], out var index))
            return false;
        address = new TileAddress(isEntries ? TileKind.Entries : TileKind.Hashes, level, index, width);
        // Whatever is not what this address is written as is another spelling: leading zeros, missing groups, a width of 0 or 256.
        return level <= MaxLevel && width is > 0 and <= FullWidth && address.Path == path;
    }

    /// <summary>How many hashes a tree of a size has at a level of tiles.</summary>
    /// <param name="size">Leaves.</param>
    /// <param name="level">The level of tiles.</param>
    /// <returns>Complete subtrees of 256^level leaves.</returns>
    public static long HashesAt(long size, int level) => level * Height >= 63 ? 0 : size >> (level * Height);

    /// <summary>The tiles that are there after growth and were not, or were narrower, before: what a log writes when it appends.</summary>
    /// <param name="oldSize">Leaves before.</param>
    /// <param name="newSize">Leaves now.</param>
    /// <returns>Hash tiles, level by level, then entry bundles.</returns>
    public static IEnumerable<TileAddress> Grown(long oldSize, long newSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(oldSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(oldSize, newSize);
        return Grow(oldSize, newSize);
    }

    private static IEnumerable<TileAddress> Grow(long oldSize, long newSize)
    {
        for (var level = 0; HashesAt(newSize, level) > 0; level++)
        {
            foreach (var tile in Grown(TileKind.Hashes, level, HashesAt(oldSize, level), HashesAt(newSize, level)))
                yield return tile;
        }

        foreach (var bundle in Grown(TileKind.Entries, 0, oldSize, newSize))
            yield return bundle;
    }

    private static IEnumerable<TileAddress> Grown(TileKind kind, int level, long before, long now)
    {
        if (before == now)
            yield break;
        for (var index = before / FullWidth; index * FullWidth < now; index++)
            yield return new TileAddress(kind, level, index, (int)Math.Min(FullWidth, now - (index * FullWidth)));
    }

    private static bool TryIndex(ReadOnlySpan<string> groups, out long index)
    {
        index = 0;
        for (var i = 0; i < groups.Length; i++)
        {
            var digits = i < groups.Length - 1 ? (groups[i].StartsWith('x') ? groups[i][1..] : "") : groups[i];
            if (digits.Length != 3 || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var group) || index > long.MaxValue / 1000 - 1)
                return false;
            index = (index * 1000) + group;
        }

        return true;
    }
}
