using System.Buffers;
using System.Text;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Testing;
using RunProof.Tiles;

namespace RunProof.Ledger.Tests;

/// <summary>A log as a server of tlog-tiles has it, made from entries by the recursive definition of the tree; its tests may serve anything else in its place.</summary>
internal sealed class ServedTiles : ITiledLog
{
    internal const string Origin = "test.example/acme";

    private static readonly DateTimeOffset Start = new(2026, 2, 10, 12, 0, 0, TimeSpan.Zero);

    internal static NoteSigner Key { get; } = SealingFaults.Key.Under(Origin);

    internal static NoteSigner NextKey { get; } = SealingFaults.NextKey.Under(Origin);

    internal List<byte[]> Entries { get; } = [];

    /// <summary>What is answered in place of the truth; null for the truth.</summary>
    internal Func<TileAddress, TiledAnswer?> Instead { get; set; } = static _ => null;

    internal Func<int, NoteSigner[]> Signers { get; set; } = static _ => [Key];

    internal IReadOnlyList<string> NamedKeys { get; set; } = [];

    internal List<TileAddress> Asked { get; } = [];

    internal int? ShownSize { get; set; }

    internal string? Note { get; set; }

    internal int Size => ShownSize ?? Entries.Count;

    /// <summary>A log of traces that opened and were sealed, one after the other.</summary>
    internal static ServedTiles OfTraces(int traces)
    {
        var log = new ServedTiles();
        for (var number = 0; number < traces; number++)
            log.Open(number).Seal(number);
        return log;
    }

    internal static byte[] Opened(int number, Func<OpenedEntry, OpenedEntry>? change = null)
    {
        var entry = new OpenedEntry
        {
            Format = TraceHeader.CurrentFormat, Kind = OpenedEntry.KindOpened, Link = Digest.Of([1, (byte)number]), RunId = RunId.Parse($"run-{number}"), StartedAt = Start.AddSeconds(number),
            TenantId = TenantId.Parse("acme"), TraceId = TraceId.Parse($"trace_{number}"),
        };
        return CanonicalBytes.Of(change?.Invoke(entry) ?? entry);
    }

    internal static byte[] Sealed(int number, Func<SealedEntry, SealedEntry>? change = null)
    {
        var entry = new SealedEntry
        {
            ChainLength = 1, CompletedAt = Start.AddSeconds(number + 1), Format = TraceHeader.CurrentFormat, Kind = SealedEntry.KindSealed, RootHash = Digest.Of([2, (byte)number]), RunId = RunId.Parse($"run-{number}"),
            Status = SealStatus.Completed, TenantId = TenantId.Parse("acme"), TraceId = TraceId.Parse($"trace_{number}"),
        };
        return CanonicalBytes.Of(change?.Invoke(entry) ?? entry);
    }

    internal static byte[] Rotated(NoteSigner old, NoteSigner next) =>
        CanonicalBytes.Of(KeyHandOver.Make(TenantId.Parse("acme"), old.Key, next.Key, text => (old.Sign(text, default), next.Sign(text, default)), Start));

    internal ServedTiles Open(int number, Func<OpenedEntry, OpenedEntry>? change = null) => Add(Opened(number, change));

    internal ServedTiles Seal(int number, Func<SealedEntry, SealedEntry>? change = null) => Add(Sealed(number, change));

    internal ServedTiles Add(byte[] entry)
    {
        Entries.Add(entry);
        return this;
    }

    /// <summary>The tree of some leaves by RFC 6962's definition.</summary>
    internal Digest Root(int start, int end)
    {
        if (start == end)
            return MerkleTree.EmptyRoot;
        if (end - start == 1)
            return MerkleTree.LeafHash(Entries[start]);
        var half = (int)(System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(end - start)) / 2);
        return MerkleTree.NodeHash(Root(start, start + half), Root(start + half, end));
    }

    internal string NoteAt(int size)
    {
        var text = new Checkpoint(Origin, size, Root(0, size)).Text;
        return new SignedNote(text, [.. Signers(size).Select(key => key.Sign(text, default))]).ToString();
    }

    public Task<TiledAnswer> ReadCheckpointAsync(CancellationToken cancellationToken) => Task.FromResult(new TiledAnswer(Encoding.UTF8.GetBytes(Note ?? NoteAt(Size)), null));

    public Task<IReadOnlyList<string>> ReadKeysAsync(string origin, CancellationToken cancellationToken) => Task.FromResult(NamedKeys);

    public async Task<TiledAnswer> ReadTileAsync(TileAddress tile, CancellationToken cancellationToken)
    {
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        lock (Asked)
            Asked.Add(tile);
        return Instead(tile) ?? Truth(tile);
    }

    internal TiledAnswer Truth(TileAddress tile)
    {
        var first = tile.Index * TileAddress.FullWidth;
        if (first + tile.Width > TileAddress.HashesAt(Size, tile.Level))
            return TiledAnswer.Wrong("is not served (404)");
        if (tile.Kind is TileKind.Hashes)
        {
            var each = 1 << (TileAddress.Height * tile.Level);
            return new TiledAnswer(HashTile.Format([.. Enumerable.Range((int)first, tile.Width).Select(hash => Root(hash * each, (hash + 1) * each))]), null);
        }

        var bundle = new ArrayBufferWriter<byte>();
        foreach (var entry in Entries.Skip((int)first).Take(tile.Width))
            EntryBundle.Append(bundle, entry);
        return new TiledAnswer(bundle.WrittenMemory, null);
    }
}
