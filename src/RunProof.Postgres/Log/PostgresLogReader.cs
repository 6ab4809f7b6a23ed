using System.Runtime.CompilerServices;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Tiles;

namespace RunProof.Postgres;

/// <summary>Reads logs in the tables of Schema/0008_log.sql, under row-level security: a tenant a transaction.</summary>
/// <param name="source">Connections of a member of <c>runproof_verifier</c>; all but <see cref="ListPublicAsync"/> an auditor may ask too.</param>
public sealed class PostgresLogReader(NpgsqlDataSource source) : ILogReader
{
    private const string FindSql = "SELECT origin, size, checkpoint, published, is_public, updated_at FROM runproof.logs WHERE tenant_id = $1 AND checkpoint IS NOT NULL";

    private const string PublicSql = "SELECT tenant_id FROM runproof.public_logs()";

    private const string TilesSql =
        """
        SELECT g.place::integer, t.bytes
          FROM unnest($2::integer[], $3::bigint[], $4::integer[]) WITH ORDINALITY g (level, tile_index, width, place)
            CROSS JOIN LATERAL (
              SELECT substr(l.bytes, 1, 32 * g.width) AS bytes FROM runproof.log_tiles l
                WHERE l.tenant_id = $1 AND l.level = g.level AND l.tile_index = g.tile_index AND octet_length(l.bytes) >= 32 * g.width LIMIT 1) t
        """;

    private const string LevelsSql =
        "SELECT level, count(*), (sum(octet_length(bytes)) / 32)::bigint FROM runproof.log_tiles WHERE tenant_id = $1 GROUP BY level ORDER BY level";

    private const string EntriesSql =
        "SELECT position, kind, trace_id, run_id, entry FROM runproof.log_entries WHERE tenant_id = $1 AND position BETWEEN $2 AND $3 ORDER BY position";

    // By trace: see 0012 for how the tenant is named.
    private const string TraceEntriesSql =
        "SELECT position, kind, trace_id, run_id, entry FROM runproof.log_entries WHERE trace_id = $2 AND tenant_id IS NOT DISTINCT FROM $1 ORDER BY position";

    private const string TraceQueueSql =
        """
        SELECT q.kind, q.queued_at, EXISTS (SELECT FROM runproof.log_entries e WHERE e.trace_id = $2 AND e.kind = 'opened' AND e.tenant_id IS NOT DISTINCT FROM $1)
          FROM runproof.log_queue q WHERE q.trace_id = $2 AND q.tenant_id IS NOT DISTINCT FROM $1 ORDER BY q.kind
        """;

    private const string QuarantineColumns = "SELECT trace_id, kind, code, place, message, quarantined_at FROM runproof.log_quarantine WHERE tenant_id = $1";

    private const string TraceQuarantineSql = QuarantineColumns + " AND trace_id = $2 ORDER BY kind";

    private const string QuarantineSql = QuarantineColumns + " ORDER BY trace_id, kind LIMIT $2";

    private const string LagSql =
        """
        SELECT count(*), count(*) FILTER (WHERE q.kind = 'sealed'), min(q.queued_at), (SELECT count(*) FROM runproof.log_quarantine WHERE tenant_id = $1)
          FROM runproof.log_queue q WHERE q.tenant_id = $1
        """;

    /// <inheritdoc/>
    public async Task<ServedLog?> FindAsync(TenantId tenant, CancellationToken cancellationToken) => (await QueryAsync(
        tenant,
        row => new ServedLog(tenant, row.GetString(0), row.GetInt64(1), row.GetString(2), row.TextOrNull(3), row.GetBoolean(4), row.GetFieldValue<DateTimeOffset>(5)),
        Sql.Command(FindSql, tenant.Value),
        cancellationToken)).FirstOrDefault();

    /// <inheritdoc/>
    public async Task<IReadOnlyList<TenantId>> ListPublicAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var command = source.CreateCommand(PublicSql);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAllAsync(static row => TenantId.Parse(row.GetString(0)), cancellationToken);
        }
        catch (NpgsqlException e)
        {
            throw LogSql.Translate(e);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<TileAddress, ReadOnlyMemory<byte>>> ReadTilesAsync(TenantId tenant, IReadOnlyCollection<TileAddress> tiles, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tiles);
        TileAddress[] wanted = [.. tiles.Where(tile => tile.Kind is TileKind.Hashes)];
        if (wanted.Length != tiles.Count)
            throw new ArgumentException("entry bundles are cut from the entries, and are no tiles", nameof(tiles));
        var found = new Dictionary<TileAddress, ReadOnlyMemory<byte>>(wanted.Length);
        if (wanted.Length == 0)
            return found;
        var command = Sql.Command(TilesSql, tenant.Value, wanted.Select(t => t.Level).ToArray(), wanted.Select(t => t.Index).ToArray(), wanted.Select(t => t.Width).ToArray());
        foreach (var (place, bytes) in await QueryAsync(tenant, static row => (row.GetInt32(0), row.GetFieldValue<byte[]>(1)), command, cancellationToken))
            found[wanted[place - 1]] = bytes;
        return found;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<TileLevel>> MeasureTilesAsync(TenantId tenant, CancellationToken cancellationToken) => await QueryAsync(
        tenant, static row => new TileLevel(row.GetInt32(0), row.GetInt64(1), row.GetInt64(2)), Sql.Command(LevelsSql, tenant.Value), cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<LoggedEntry> ReadEntriesAsync(TenantId tenant, long first, long count, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count == 0)
            yield break;
        var last = count > long.MaxValue - first ? long.MaxValue : first + count - 1;
        await using var connection = await TryAsync(() => source.OpenConnectionAsync(cancellationToken));
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Sql.NameTenant(tenant), Sql.Command(EntriesSql, tenant.Value, first, last) } };
        await using var reader = await TryAsync(() => new ValueTask<NpgsqlDataReader>(batch.ExecuteReaderAsync(cancellationToken)));
        await TryAsync(() => new ValueTask<bool>(reader.NextResultAsync(cancellationToken)));
        while (await TryAsync(() => new ValueTask<bool>(reader.ReadAsync(cancellationToken))))
            yield return LogSql.Entry(reader);
    }

    /// <inheritdoc/>
    public async Task<TraceInLog> FindTraceAsync(TenantId tenant, string trace, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            // The queue first: an entry that moves into the log in between is seen twice, never not at all.
            await using var batch = new NpgsqlBatch(connection)
            {
                BatchCommands =
                {
                    Sql.NameTenant(tenant), Sql.Command(TraceQueueSql, tenant.Value, trace), Sql.Command(TraceQuarantineSql, tenant.Value, trace), Sql.Command(TraceEntriesSql, tenant.Value, trace),
                },
            };
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            var queued = await reader.ReadAllAsync(row => new QueuedEntry(trace, LogSql.Kind(row.GetString(0)), row.GetFieldValue<DateTimeOffset>(1), row.GetBoolean(2)), cancellationToken);
            var quarantined = await reader.ReadAllAsync(LogSql.Quarantined, cancellationToken);
            var entries = await reader.ReadAllAsync(LogSql.Entry, cancellationToken);
            return new TraceInLog(entries, [.. queued.Where(each => !entries.Exists(entry => entry.Kind == each.Kind))], quarantined);
        }
        catch (NpgsqlException e)
        {
            throw LogSql.Translate(e);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<LogKey>> ReadKeysAsync(TenantId tenant, CancellationToken cancellationToken) =>
        await QueryAsync(tenant, LogSql.Key, Sql.Command(LogSql.KeysSql, tenant.Value), cancellationToken);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<QuarantinedEntry>> ReadQuarantineAsync(TenantId tenant, int limit, CancellationToken cancellationToken) =>
        await QueryAsync(tenant, LogSql.Quarantined, Sql.Command(QuarantineSql, tenant.Value, limit), cancellationToken);

    /// <inheritdoc/>
    public async Task<LogLag> ReadLagAsync(TenantId tenant, CancellationToken cancellationToken) =>
        (await QueryAsync(tenant, LogSql.Lag, Sql.Command(LagSql, tenant.Value), cancellationToken))[0];

    private async Task<List<T>> QueryAsync<T>(TenantId tenant, Func<System.Data.Common.DbDataReader, T> read, NpgsqlBatchCommand command, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Sql.NameTenant(tenant), command } };
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            return await reader.ReadAllAsync(read, cancellationToken);
        }
        catch (NpgsqlException e)
        {
            throw LogSql.Translate(e);
        }
    }

    private static async ValueTask<T> TryAsync<T>(Func<ValueTask<T>> work)
    {
        try
        {
            return await work();
        }
        catch (NpgsqlException e)
        {
            throw LogSql.Translate(e);
        }
    }
}
