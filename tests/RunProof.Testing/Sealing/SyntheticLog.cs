using System.Globalization;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Ledger;
using RunProof.Tiles;

namespace RunProof.Testing;

/// <summary>
/// A log of any size, put into the tables at once: entries, tiles and a signed head that belong together, so that everything that checks a log accepts it. Its
/// traces exist nowhere else, but for those that are given.
/// </summary>
/// <param name="tenant">The tenant.</param>
/// <param name="key">The operator's key.</param>
/// <param name="name">The logs' name.</param>
/// <param name="size">Entries; even: the traces' openings and seals by turns.</param>
public sealed class SyntheticLog(TenantId tenant, NoteSigner key, string name, long size)
{
    private static readonly DateTimeOffset Begin = new(2026, 2, 10, 12, 0, 0, TimeSpan.Zero);

    private readonly string _origin = $"{name}/{tenant}";
    private readonly Dictionary<long, RecordedTrace> _given = [];

    /// <summary>Puts it there, as a superuser; what is queued of the traces that are given leaves the queue.</summary>
    /// <param name="admin">A superuser's connections.</param>
    /// <param name="given">Sealed traces of the tenant that are recorded, spread evenly over the log.</param>
    public async Task LoadAsync(NpgsqlDataSource admin, IReadOnlyList<RecordedTrace> given)
    {
        for (var i = 0; i < given.Count; i++)
            _given[size / 2 * i / given.Count] = given[i];
        var (edge, root, tiles) = Build();
        var text = new Checkpoint(_origin, size, root).Text;
        var checkpoint = new SignedNote(text, [key.Under(_origin).Sign(text, default)]).ToString();
        await using var connection = await admin.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await ExecuteAsync(connection,
            "INSERT INTO runproof.logs (tenant_id, origin, size, edge, checkpoint, published, updated_at) VALUES ($1, $2, $3, $4, $5, $5, now())", tenant.Value, _origin, size, edge, checkpoint);
        await ExecuteAsync(connection, "INSERT INTO runproof.log_keys (tenant_id, vkey, from_size, added_at) VALUES ($1, $2, 1, now())", tenant.Value, key.Under(_origin).ToString());
        await CopyEntriesAsync(connection);
        await CopyTilesAsync(connection, tiles);
        await ExecuteAsync(connection, "DELETE FROM runproof.log_queue WHERE tenant_id = $1 AND trace_id = ANY ($2)", tenant.Value, given.Select(trace => trace.TraceId).ToArray());
        await transaction.CommitAsync();
    }

    /// <summary>The position of a trace that was given: of its opening; its seal follows.</summary>
    /// <param name="given">How many were given.</param>
    /// <param name="number">Which, from 0.</param>
    public long PositionOf(int number, int given) => size / 2 * number / given * 2;

    private (byte[] Edge, Digest Root, SortedDictionary<(int Level, long Index), List<Digest>> Tiles) Build()
    {
        var (tree, tiles) = (new MerkleTree(), new SortedDictionary<(int, long), List<Digest>>());
        for (var position = 0L; position < size; position++)
        {
            var at = position;
            tree.AppendLeafHash(MerkleTree.LeafHash(Encoding.UTF8.GetBytes(Entry(position).Text)), (level, hash) =>
            {
                if (level % TileAddress.Height != 0)
                    return;
                var place = (level / TileAddress.Height, (at >> level) / TileAddress.FullWidth);
                if (!tiles.TryGetValue(place, out var tile))
                    tiles.Add(place, tile = []);
                tile.Add(hash);
            });
        }

        return ([.. tree.Edge.SelectMany(hash => hash.ToArray())], tree.Root(), tiles);
    }

    private LoggedEntry Entry(long position)
    {
        var (number, isSeal) = (position / 2, position % 2 == 1);
        if (_given.TryGetValue(number, out var given))
            return isSeal ? Sealed(position, RunId.Parse(given.RunId), new Digest(given.RootHash!), given.ChainLength!.Value, given.CompletedAt!.Value, given.Status) : Opened(position, RunId.Parse(given.RunId), new Digest(given.HeaderLink!), given.StartedAt);
        var run = RunId.Parse(string.Create(CultureInfo.InvariantCulture, $"synthetic-{number:D12}"));
        var (hash, time) = (Digest.Of(Encoding.UTF8.GetBytes(run.Value)), Begin.AddMilliseconds(number));
        return isSeal ? Sealed(position, run, hash, 1, time.AddMilliseconds(1), "completed") : Opened(position, run, hash, time);
    }

    private LoggedEntry Opened(long position, RunId run, Digest link, DateTimeOffset time) => new(position, LogEntryKind.Opened, TraceId.Of(run).Value, run.Value, Text(new OpenedEntry
    {
        Format = TraceHeader.CurrentFormat, Kind = OpenedEntry.KindOpened, Link = link, RunId = run, StartedAt = time, TenantId = tenant, TraceId = TraceId.Of(run),
    }));

    private LoggedEntry Sealed(long position, RunId run, Digest root, int steps, DateTimeOffset time, string status)
    {
        if (!Wire.TryParse(status, out SealStatus word))
            throw new ArgumentException($"trace {run} is not sealed", nameof(status));
        return new LoggedEntry(position, LogEntryKind.Sealed, TraceId.Of(run).Value, run.Value, Text(new SealedEntry
        {
            ChainLength = steps, CompletedAt = time, Format = TraceHeader.CurrentFormat, Kind = SealedEntry.KindSealed, RootHash = root, RunId = run, Status = word, TenantId = tenant, TraceId = TraceId.Of(run),
        }));
    }

    private static string Text<T>(T entry)
        where T : ICanonical<T> => Encoding.UTF8.GetString(CanonicalBytes.Of(entry));

    /// <summary>In one COPY: the statement's trigger asks that the entries end where the head says.</summary>
    private async Task CopyEntriesAsync(NpgsqlConnection connection)
    {
        await using var copy = await connection.BeginBinaryImportAsync("COPY runproof.log_entries (tenant_id, position, kind, trace_id, run_id, entry) FROM STDIN (FORMAT binary)");
        for (var position = 0L; position < size; position++)
        {
            var entry = Entry(position);
            await copy.StartRowAsync();
            await copy.WriteAsync(tenant.Value, NpgsqlDbType.Text);
            await copy.WriteAsync(position, NpgsqlDbType.Bigint);
            await copy.WriteAsync(entry.Kind is LogEntryKind.Sealed ? "sealed" : "opened", NpgsqlDbType.Text);
            await copy.WriteAsync(entry.TraceId!, NpgsqlDbType.Text);
            await copy.WriteAsync(entry.RunId!, NpgsqlDbType.Text);
            await copy.WriteAsync(entry.Text, NpgsqlDbType.Text);
        }

        await copy.CompleteAsync();
    }

    private async Task CopyTilesAsync(NpgsqlConnection connection, SortedDictionary<(int Level, long Index), List<Digest>> tiles)
    {
        await using var copy = await connection.BeginBinaryImportAsync("COPY runproof.log_tiles (tenant_id, level, tile_index, bytes) FROM STDIN (FORMAT binary)");
        foreach (var ((level, index), hashes) in tiles)
        {
            await copy.StartRowAsync();
            await copy.WriteAsync(tenant.Value, NpgsqlDbType.Text);
            await copy.WriteAsync(level, NpgsqlDbType.Integer);
            await copy.WriteAsync(index, NpgsqlDbType.Bigint);
            await copy.WriteAsync(HashTile.Format(hashes.ToArray()), NpgsqlDbType.Bytea);
        }

        await copy.CompleteAsync();
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 600 };
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        await command.ExecuteNonQueryAsync();
    }
}
