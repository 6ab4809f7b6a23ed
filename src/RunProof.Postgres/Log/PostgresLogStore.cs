using System.Globalization;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Logs in the tables of Schema/0008_log.sql, under row-level security: a tenant a transaction.</summary>
/// <param name="source">Connections of a member of <c>runproof_verifier</c>.</param>
public sealed class PostgresLogStore(NpgsqlDataSource source) : ILogStore
{
    private const string WorkSql = "SELECT tenant_id, queued, oldest, unpublished FROM runproof.tenants_to_seal($1)";

    private const string LogsSql = "SELECT tenant_id FROM runproof.all_logs()";

    private const string LagSql = "SELECT queued, sealed, oldest, quarantined FROM runproof.log_lag()";

    private const string HeadSql = "SELECT origin, size, edge, checkpoint, published FROM runproof.logs WHERE tenant_id = $1";

    // The first traces by time, with all that is queued of each. A seal comes after its opening even where the clock was set back between them.
    private const string QueueSql =
        """
        WITH first AS (
          SELECT DISTINCT f.trace_id FROM (SELECT q.trace_id FROM runproof.log_queue q WHERE q.tenant_id = $1 ORDER BY q.queued_at, q.trace_id, q.kind LIMIT $2) f)
        SELECT q.trace_id, q.kind, q.queued_at,
            EXISTS (SELECT FROM runproof.log_entries e WHERE e.tenant_id = q.tenant_id AND e.trace_id = q.trace_id AND e.kind = 'opened'),
            EXISTS (SELECT FROM runproof.log_entries e WHERE e.tenant_id = q.tenant_id AND e.trace_id = q.trace_id AND e.kind = q.kind)
          FROM first f JOIN runproof.log_queue q ON q.tenant_id = $1 AND q.trace_id = f.trace_id
          ORDER BY greatest(q.queued_at, max(q.queued_at) FILTER (WHERE q.kind = 'opened') OVER (PARTITION BY q.trace_id)), q.trace_id, q.kind
        """;

    private const string BeginSql = "INSERT INTO runproof.logs (tenant_id, origin, size, edge, updated_at) VALUES ($1, $2, 0, '', $3) ON CONFLICT (tenant_id) DO NOTHING";

    private const string SwapSql =
        """
        UPDATE runproof.logs SET size = $3, edge = $4, checkpoint = $5, published = CASE WHEN $6 THEN $5 ELSE published END, updated_at = $7
          WHERE tenant_id = $1 AND checkpoint IS NOT DISTINCT FROM $2
        """;

    private const string EntriesSql =
        """
        INSERT INTO runproof.log_entries (tenant_id, position, kind, trace_id, run_id, entry)
          SELECT $1, e.position, e.kind, e.trace_id, e.run_id, e.entry
            FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[]) e (position, kind, trace_id, run_id, entry)
        """;

    private const string GrowTilesSql =
        """
        UPDATE runproof.log_tiles t SET bytes = t.bytes || g.bytes
          FROM unnest($2::integer[], $3::bigint[], $4::integer[], $5::bytea[]) g (level, tile_index, width, bytes)
          WHERE t.tenant_id = $1 AND t.level = g.level AND t.tile_index = g.tile_index AND octet_length(t.bytes) = 32 * g.width
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

    private const string TakeSql =
        """
        DELETE FROM runproof.log_queue q USING unnest($2::text[], $3::text[]) t (trace_id, kind)
          WHERE q.tenant_id = $1 AND q.trace_id = t.trace_id AND q.kind = t.kind
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

    private async Task<bool> CommitCoreAsync(LogCommit commit, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        // What is not committed at the end is rolled back when the transaction is disposed.
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!await SwapAsync(connection, transaction, commit, cancellationToken))
            return false;
        await using var batch = new NpgsqlBatch(connection, transaction);
        var grown = AddRows(batch.BatchCommands, commit);
        var take = Sql.Command(TakeSql, commit.Tenant.Value, Traces(commit.Taken, each => each.TraceId), Traces(commit.Taken, each => LogSql.Word(each.Kind)));
        batch.BatchCommands.Add(take);
        await batch.ExecuteNonQueryAsync(cancellationToken);
        if (grown is { } tiles && tiles.Command.RecordsAffected != tiles.Count)
            throw new LogStoreException(isTransient: false, string.Create(CultureInfo.InvariantCulture, $"{tiles.Count - tiles.Command.RecordsAffected} of {tiles.Count} tiles of the log of tenant {commit.Tenant} are not as wide as its size says: run runproof log fsck"));
        if (take.RecordsAffected != commit.Taken.Count)
            return false;
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    /// <summary>First act: whoever comes second waits here for the first, and then finds another checkpoint.</summary>
    private static async Task<bool> SwapAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, LogCommit commit, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection, transaction) { BatchCommands = { Sql.NameTenant(commit.Tenant) } };
        if (commit.Checkpoint is null)
        {
            await batch.ExecuteNonQueryAsync(cancellationToken);
            return true;
        }

        if (commit.Before is null)
            batch.BatchCommands.Add(Sql.Command(BeginSql, commit.Tenant.Value, commit.Origin, commit.Time));
        var swap = Sql.Command(SwapSql, commit.Tenant.Value, commit.Before, commit.Size, LogSql.Bytes(commit.Edge), commit.Checkpoint, commit.Publish, commit.Time);
        batch.BatchCommands.Add(swap);
        await batch.ExecuteNonQueryAsync(cancellationToken);
        return swap.RecordsAffected == 1;
    }

    private static (NpgsqlBatchCommand Command, int Count)? AddRows(NpgsqlBatchCommandCollection commands, LogCommit commit)
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
        return AddTiles(commands, tenant, commit.Tiles);
    }

    private static (NpgsqlBatchCommand Command, int Count)? AddTiles(NpgsqlBatchCommandCollection commands, string tenant, IReadOnlyList<TileGrowth> tiles)
    {
        var fresh = tiles.Where(tile => tile.Width == 0).ToList();
        if (fresh.Count > 0)
            commands.Add(Sql.Command(NewTilesSql, tenant, fresh.Select(t => t.Level).ToArray(), fresh.Select(t => t.Index).ToArray(), fresh.Select(t => t.Bytes.ToArray()).ToArray()));
        var grown = tiles.Where(tile => tile.Width > 0).ToList();
        if (grown.Count == 0)
            return null;
        var grow = Sql.Command(GrowTilesSql, tenant, grown.Select(t => t.Level).ToArray(), grown.Select(t => t.Index).ToArray(), grown.Select(t => t.Width).ToArray(), grown.Select(t => t.Bytes.ToArray()).ToArray());
        commands.Add(grow);
        return (grow, grown.Count);
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
