using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Logs in the tables of Schema/0008_log.sql and 0012_log_commit.sql, under row-level security: a tenant a transaction.</summary>
/// <param name="source">Connections of a member of <c>runproof_verifier</c>.</param>
public sealed class PostgresLogStore(NpgsqlDataSource source) : ILogStore
{
    /// <summary>What <c>runproof.must_affect</c> says where another sealer was first.</summary>
    private const string Overtaken = "S6100";

    private const string WorkSql = "SELECT tenant_id, queued, oldest, unpublished FROM runproof.tenants_to_seal($1)";

    private const string LogsSql = "SELECT tenant_id FROM runproof.all_logs()";

    private const string LagSql = "SELECT queued, sealed, oldest, quarantined FROM runproof.log_lag()";

    private const string HeadSql = "SELECT origin, size, edge, checkpoint, published FROM runproof.logs WHERE tenant_id = $1";

    private const string QueueSql = "SELECT trace_id, kind, queued_at, is_opened, is_entered FROM runproof.queue_to_seal($1, $2)";

    private const string BeginSql = "INSERT INTO runproof.logs (tenant_id, origin, size, edge, updated_at) VALUES ($1, $2, 0, '', $3) ON CONFLICT (tenant_id) DO NOTHING";

    private const string SwapSql =
        """
        WITH swapped AS (
          UPDATE runproof.logs SET size = $3, edge = $4, checkpoint = $5, published = CASE WHEN $6 THEN $5 ELSE published END, updated_at = $7
            WHERE tenant_id = $1 AND checkpoint IS NOT DISTINCT FROM $2 RETURNING 1)
        SELECT runproof.must_affect((SELECT count(*) FROM swapped), 1, 'S6100', 'the log of tenant ' || $1 || ' has another head by now')
        """;

    private const string EntriesSql =
        """
        INSERT INTO runproof.log_entries (tenant_id, position, kind, trace_id, run_id, entry)
          SELECT $1, e.position, e.kind, e.trace_id, e.run_id, e.entry
            FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[]) e (position, kind, trace_id, run_id, entry)
        """;

    private const string GrowTilesSql =
        """
        WITH grown AS (
          UPDATE runproof.log_tiles t SET bytes = t.bytes || g.bytes
            FROM unnest($2::integer[], $3::bigint[], $4::integer[], $5::bytea[]) g (level, tile_index, width, bytes)
            WHERE t.tenant_id = $1 AND t.level = g.level AND t.tile_index = g.tile_index AND octet_length(t.bytes) = 32 * g.width RETURNING 1)
        SELECT runproof.must_affect((SELECT count(*) FROM grown), cardinality($2::integer[]), 'S6101',
          'not every tile of the log of tenant ' || $1 || ' is as wide as its size says: run runproof log fsck')
        """;

    private const string NewTilesSql =
        """
        INSERT INTO runproof.log_tiles (tenant_id, level, tile_index, bytes)
          SELECT $1, g.level, g.tile_index, g.bytes FROM unnest($2::integer[], $3::bigint[], $4::bytea[]) g (level, tile_index, bytes)
        """;

    private const string QuarantineSql =
        """
        INSERT INTO runproof.log_quarantine (tenant_id, trace_id, kind, code, place, message, quarantined_at)
          SELECT $1, q.trace_id, q.kind, q.code, q.place, q.message, $7
            FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) q (trace_id, kind, code, place, message)
          ON CONFLICT (tenant_id, trace_id, kind)
            DO UPDATE SET code = excluded.code, place = excluded.place, message = excluded.message, quarantined_at = excluded.quarantined_at
        """;

    private const string NewKeySql =
        "INSERT INTO runproof.log_keys (tenant_id, vkey, from_size, until_size, added_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, vkey) DO NOTHING";

    private const string RetireKeySql = "UPDATE runproof.log_keys SET until_size = $3 WHERE tenant_id = $1 AND vkey = $2 AND until_size IS NULL";

    // One look-up a row, however many dead ones the queue holds until it is vacuumed. Rows of the queue are never updated, so none moves meanwhile.
    private const string TakeSql =
        """
        WITH taken AS (
          DELETE FROM runproof.log_queue WHERE ctid = ANY (ARRAY(
            SELECT q.ctid FROM unnest($2::text[], $3::text[]) t (trace_id, kind) CROSS JOIN LATERAL (
              SELECT l.ctid FROM runproof.log_queue l WHERE l.trace_id = t.trace_id AND l.kind = t.kind AND l.tenant_id IS NOT DISTINCT FROM $1 LIMIT 1) q)) RETURNING 1)
        SELECT runproof.must_affect((SELECT count(*) FROM taken), cardinality($2::text[]), 'S6100', 'what was to enter the log of tenant ' || $1 || ' was taken from the queue meanwhile')
        """;

    private const string RetireForAllSql = "SELECT runproof.retire_log_key($1)";

    // The second line of a note is its tree's size. What is published and has none, or a larger one than the log, was not published by us, and is replaced.
    private const string PublishSql =
        """
        UPDATE runproof.logs SET published = $3
          WHERE tenant_id = $1 AND (size > $4 OR checkpoint = $2)
            AND coalesce(substring(published FROM E'^[^\\n]*\\n([0-9]{1,18})\\n')::bigint NOT BETWEEN $4 + 1 AND size, true)
        """;

    /// <inheritdoc/>
    public Task<IReadOnlyList<LogWork>> FindWorkAsync(int limit, CancellationToken cancellationToken) => TryAsync<IReadOnlyList<LogWork>>(async () =>
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Sql.Command(WorkSql, limit) } };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAllAsync(static row => new LogWork(TenantId.Parse(row.GetString(0)), row.GetInt64(1), row.TimeOrNull(2), row.GetBoolean(3)), cancellationToken);
    });

    /// <inheritdoc/>
    public Task<IReadOnlyList<TenantId>> ListLogsAsync(CancellationToken cancellationToken) => TryAsync<IReadOnlyList<TenantId>>(async () =>
    {
        await using var command = source.CreateCommand(LogsSql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAllAsync(static row => TenantId.Parse(row.GetString(0)), cancellationToken);
    });

    /// <inheritdoc/>
    public Task<(LogHead Head, IReadOnlyList<QueuedEntry> Queue)> ReadAsync(TenantId tenant, int traces, CancellationToken cancellationToken) => TryAsync(async () =>
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        // Head, then keys, then queue, each statement with eyes of its own: a key that is retired in between is seen, and what another sealer enters is not.
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands = { Sql.NameTenant(tenant), Sql.Command(HeadSql, tenant.Value), Sql.Command(LogSql.KeysSql, tenant.Value), Sql.Command(QueueSql, tenant.Value, traces) },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var heads = await reader.ReadAllAsync(
            row => new LogHead(tenant, row.GetString(0), row.GetInt64(1), LogSql.Digests(row.GetFieldValue<byte[]>(2)), row.TextOrNull(3), row.TextOrNull(4), []), cancellationToken);
        var keys = await reader.ReadAllAsync(LogSql.Key, cancellationToken);
        var queue = await reader.ReadAllAsync(
            static row => new QueuedEntry(row.GetString(0), LogSql.Kind(row.GetString(1)), row.GetFieldValue<DateTimeOffset>(2), row.GetBoolean(3), row.GetBoolean(4)), cancellationToken);
        var head = heads.Count > 0 ? heads[0] : new LogHead(tenant, null, 0, [], null, null, []);
        return (head with { Keys = keys }, (IReadOnlyList<QueuedEntry>)queue);
    });

    /// <inheritdoc/>
    public Task<bool> CommitAsync(LogCommit commit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(commit);
        return TryAsync(() => CommitCoreAsync(commit, cancellationToken));
    }

    /// <inheritdoc/>
    public Task<bool> PublishAsync(TenantId tenant, string checkpoint, string published, CancellationToken cancellationToken) => TryAsync(async () =>
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Sql.NameTenant(tenant), Sql.Command(PublishSql, tenant.Value, checkpoint, published, SizeOf(checkpoint)) } };
        await batch.ExecuteNonQueryAsync(cancellationToken);
        return batch.BatchCommands[1].RecordsAffected == 1;
    });

    /// <inheritdoc/>
    public Task RetireAsync(NoteKey key, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        return TryAsync(async () =>
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            // What follows the second plus sign of the line: the key without the name of a log.
            await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Sql.Command(RetireForAllSql, key.ToString().Split('+', 3)[2]) } };
            return await batch.ExecuteNonQueryAsync(cancellationToken);
        });
    }

    /// <inheritdoc/>
    public Task<LogLag> ReadLagAsync(CancellationToken cancellationToken) => TryAsync(async () =>
    {
        await using var command = source.CreateCommand(LagSql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return (await reader.ReadAllAsync(LogSql.Lag, cancellationToken))[0];
    });

    private static long SizeOf(string checkpoint) =>
        SignedNote.TryParse(System.Text.Encoding.UTF8.GetBytes(checkpoint), out var note, out var problem) && Checkpoint.TryParse(note.Text, out var head, out problem) ? head.Size : throw new FormatException(problem);

    /// <summary>
    /// One round trip, which is one transaction: the statements hold against one another what they find, and the first that finds something else ends all of
    /// it. The swap is first, so whoever comes second waits there for the first.
    /// </summary>
    private async Task<bool> CommitCoreAsync(LogCommit commit, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Sql.NameTenant(commit.Tenant) } };
        var tenant = commit.Tenant.Value;
        if (commit.Checkpoint is not null)
        {
            if (commit.Before is null)
                batch.BatchCommands.Add(Sql.Command(BeginSql, tenant, commit.Origin, commit.Time));
            batch.BatchCommands.Add(Sql.Command(SwapSql, tenant, commit.Before, commit.Size, LogSql.Bytes(commit.Edge), commit.Checkpoint, commit.Publish, commit.Time));
        }

        AddRows(batch.BatchCommands, commit);
        batch.BatchCommands.Add(Sql.Command(TakeSql, tenant, Traces(commit.Taken, each => each.TraceId), Traces(commit.Taken, each => LogSql.Word(each.Kind))));
        try
        {
            await batch.ExecuteNonQueryAsync(cancellationToken);
            return true;
        }
        catch (PostgresException e) when (e.SqlState is Overtaken)
        {
            return false;
        }
    }

    private static void AddRows(NpgsqlBatchCommandCollection commands, LogCommit commit)
    {
        var tenant = commit.Tenant.Value;
        var entries = commit.Entries;
        if (entries.Count > 0)
            commands.Add(Sql.Command(EntriesSql, tenant, entries.Select(e => e.Position).ToArray(), Traces(entries, e => LogSql.Word(e.Kind)), Traces(entries, e => e.TraceId), Traces(entries, e => e.RunId), Traces(entries, e => e.Text)));
        foreach (var key in commit.Keys)
        {
            commands.Add(Sql.Command(NewKeySql, tenant, key.VerifierKey, key.FromSize, Sql.OrNull(key.UntilSize), key.AddedAt));
            if (key.UntilSize is { } until)
                commands.Add(Sql.Command(RetireKeySql, tenant, key.VerifierKey, until));
        }

        var quarantine = commit.Quarantine;
        if (quarantine.Count > 0)
            commands.Add(Sql.Command(QuarantineSql, tenant, Traces(quarantine, q => q.TraceId), Traces(quarantine, q => LogSql.Word(q.Kind)), Traces(quarantine, q => q.Code), Traces(quarantine, q => q.Place), Traces(quarantine, q => q.Message), commit.Time));
        AddTiles(commands, tenant, commit.Tiles);
    }

    private static void AddTiles(NpgsqlBatchCommandCollection commands, string tenant, IReadOnlyList<TileGrowth> tiles)
    {
        var fresh = tiles.Where(tile => tile.Width == 0).ToList();
        if (fresh.Count > 0)
            commands.Add(Sql.Command(NewTilesSql, tenant, fresh.Select(t => t.Level).ToArray(), fresh.Select(t => t.Index).ToArray(), fresh.Select(t => t.Bytes.ToArray()).ToArray()));
        var grown = tiles.Where(tile => tile.Width > 0).ToList();
        if (grown.Count > 0)
            commands.Add(Sql.Command(GrowTilesSql, tenant, grown.Select(t => t.Level).ToArray(), grown.Select(t => t.Index).ToArray(), grown.Select(t => t.Width).ToArray(), grown.Select(t => t.Bytes.ToArray()).ToArray()));
    }

    private static string?[] Traces<T>(IReadOnlyList<T> rows, Func<T, string?> text) => [.. rows.Select(text)];

    private static async Task<T> TryAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (PostgresException e) when (e.SqlState == LogSql.KeyRetired)
        {
            throw new LogHaltedException($"{e.MessageText}. Give this service the key in use, or finish the rotation (runproof keys log rotate)", isKeyRetired: true);
        }
        catch (NpgsqlException e)
        {
            throw LogSql.Translate(e);
        }
    }
}
