using System.Globalization;
using RunProof.Format;
using RunProof.Tiles;

namespace RunProof.Cli;

/// <summary>A log's tiles in a folder, in the layout of C2SP tlog-tiles: what a mirror downloaded.</summary>
/// <param name="folder">The log's prefix.</param>
/// <param name="size">Entries of the tree that is asked about.</param>
internal sealed class TileFolder(string folder, long size)
{
    private readonly Dictionary<TileAddress, Digest[]> _read = [];

    /// <summary>The hash of a part of the tree.</summary>
    /// <exception cref="CommandException">A tile that it takes is not there, or has another length.</exception>
    internal Digest HashOf(TreeRange range) => range.Hash(node =>
    {
        var address = HashTile.Holding(node, size);
        return HashTile.NodeHash(node, Tile(address));
    });

    /// <summary>The tiles that a proof of these ranges takes, each once.</summary>
    internal static IEnumerable<TileAddress> Of(IEnumerable<TreeRange> ranges, long size) =>
        ranges.SelectMany(static range => range.Nodes()).Select(node => HashTile.Holding(node, size)).Distinct().OrderBy(static tile => tile.Level).ThenBy(static tile => tile.Index);

    private Digest[] Tile(TileAddress address)
    {
        if (_read.TryGetValue(address, out var known))
            return known;
        // A partial tile may be gone once the full one is there; its hashes are the first of that.
        var full = address with { Width = TileAddress.FullWidth };
        var path = Path.Combine(folder, address.Path);
        var isFull = !File.Exists(path) && address.IsPartial && File.Exists(Path.Combine(folder, full.Path));
        var bytes = Read(isFull ? Path.Combine(folder, full.Path) : path);
        if (!HashTile.TryParse(bytes, isFull ? TileAddress.FullWidth : address.Width, out var hashes))
            throw CommandException.Usage(string.Create(CultureInfo.InvariantCulture, $"{address.Path} has {bytes.Length} bytes, and a tile of {address.Width} hashes has {address.Width * Digest.Length}"));
        return _read[address] = hashes[..address.Width];
    }

    private static byte[] Read(string path)
    {
        try
        {
            // One byte more than any tile has shows that a file is none.
            using var file = File.OpenRead(path);
            var bytes = new byte[(TileAddress.FullWidth * Digest.Length) + 1];
            return bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read the tile {path}: {problem.Message}");
        }
    }
}
