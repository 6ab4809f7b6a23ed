using System.Text;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Tiles;

namespace RunProof.Verifier.Tests;

/// <summary>How far a forger goes.</summary>
[Flags]
internal enum ForgedParts
{
    Entries = 1,
    Tiles = 2,
    Head = 4,
    All = Entries | Tiles | Head,
}

/// <summary>A second history of a tenant's log: what derives from its entries is computed anew, and the head signed with whatever key the forger holds.</summary>
internal static class ForgedLog
{
    internal static async Task<List<LoggedEntry>> ReadAsync(Npgsql.NpgsqlDataSource admin, TenantId tenant)
    {
        var entries = new List<LoggedEntry>();
        await foreach (var entry in new PostgresLogReader(admin).ReadEntriesAsync(tenant, 0, long.MaxValue, default))
            entries.Add(entry);
        return entries;
    }

    /// <summary>The same entries with those of a trace as a forged one has them.</summary>
    internal static IEnumerable<LoggedEntry> With(this IEnumerable<LoggedEntry> entries, Verification.Tests.Evidence forged)
    {
        var (opened, closed) = ForgedTrace.Entries(forged);
        return entries.Select(entry => entry.TraceId != forged.Trace.TraceId ? entry : entry with { Text = entry.Kind is LogEntryKind.Opened ? opened : closed });
    }

    /// <summary>Writes a log of these entries, renumbered from 0; without an entry the log is gone.</summary>
    /// <returns>The head's checkpoint, signed; null where nothing is left.</returns>
    internal static async Task<string?> RewriteLogAsync(this Crime crime, TenantId tenant, IEnumerable<LoggedEntry> entries, NoteSigner key, ForgedParts parts = ForgedParts.All)
    {
        LoggedEntry[] numbered = [.. entries.Select((entry, position) => entry with { Position = position })];
        var (tree, tiles) = Grow(numbered);
        if (parts.HasFlag(ForgedParts.Entries))
            await WriteEntriesAsync(crime, tenant, numbered);
        if (parts.HasFlag(ForgedParts.Tiles))
            await WriteTilesAsync(crime, tenant, tiles);
        if (!parts.HasFlag(ForgedParts.Head))
            return null;
        if (numbered.Length == 0)
        {
            await crime.ExecuteAsync("DELETE FROM runproof.logs WHERE tenant_id = $1", tenant.Value);
            await crime.ExecuteAsync("DELETE FROM runproof.log_keys WHERE tenant_id = $1", tenant.Value);
            return null;
        }

        var text = new Checkpoint(key.Key.Name, tree.Size, tree.Root()).Text;
        var signed = new SignedNote(text, [key.Sign(text, default)]).ToString();
        byte[] edge = [.. tree.Edge.SelectMany(hash => hash.ToArray())];
        Assert.Equal(1, await crime.ExecuteAsync("UPDATE runproof.logs SET size = $2, edge = $3, checkpoint = $4, published = $4 WHERE tenant_id = $1", tenant.Value, tree.Size, edge, signed));
        return signed;
    }

    private static (MerkleTree Tree, SortedDictionary<(int Level, long Index), List<byte>> Tiles) Grow(IEnumerable<LoggedEntry> entries)
    {
        var (tree, tiles) = (new MerkleTree(), new SortedDictionary<(int Level, long Index), List<byte>>());
        foreach (var entry in entries)
        {
            var last = tree.Size;
            tree.AppendLeafHash(MerkleTree.LeafHash(Encoding.UTF8.GetBytes(entry.Text)), (level, hash) =>
            {
                if (level % TileAddress.Height != 0)
                    return;
                var tile = (level / TileAddress.Height, (last >> level) / TileAddress.FullWidth);
                if (!tiles.TryGetValue(tile, out var bytes))
                    tiles.Add(tile, bytes = []);
                bytes.AddRange(hash.ToArray());
            });
        }

        return (tree, tiles);
    }

    private static async Task WriteEntriesAsync(Crime crime, TenantId tenant, IEnumerable<LoggedEntry> entries)
    {
        await crime.ExecuteAsync("DELETE FROM runproof.log_entries WHERE tenant_id = $1", tenant.Value);
        foreach (var entry in entries)
        {
            await crime.ExecuteAsync(
                "INSERT INTO runproof.log_entries (tenant_id, position, kind, trace_id, run_id, entry) VALUES ($1, $2, $3, $4, $5, $6)",
                tenant.Value, entry.Position, entry.Kind is LogEntryKind.Opened ? "opened" : entry.Kind is LogEntryKind.Sealed ? "sealed" : "rotated", entry.TraceId, entry.RunId, entry.Text);
        }
    }

    private static async Task WriteTilesAsync(Crime crime, TenantId tenant, SortedDictionary<(int Level, long Index), List<byte>> tiles)
    {
        await crime.ExecuteAsync("DELETE FROM runproof.log_tiles WHERE tenant_id = $1", tenant.Value);
        foreach (var ((level, index), bytes) in tiles)
            await crime.ExecuteAsync("INSERT INTO runproof.log_tiles (tenant_id, level, tile_index, bytes) VALUES ($1, $2, $3, $4)", tenant.Value, level, index, bytes.ToArray());
    }
}
