using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>
/// Records batches through the functions of Schema/0003_recording.sql: at most three commands in one implicit transaction, one round trip.
/// Keeps no state in a session; works behind PgBouncer in transaction mode.
/// </summary>
/// <param name="source">Where connections come from; they log in as a member of <c>runproof_runner</c>.</param>
public sealed class PostgresRecordingStore(NpgsqlDataSource source) : IRecordingStore
{
    private const string TakeOverSql =
        "SELECT outcome, epoch, header_link, step_links, intent_plan_index, intent_attempt, intent_at, intents_beside FROM runproof.take_over($1, $2)";

    private const string AnnounceSql = "SELECT runproof.announce($1, $2, $3, $4, $5, $6, $7, $8)";

    /// <inheritdoc/>
    public async Task<IReadOnlyList<RecordingResult>> RecordAsync(IReadOnlyList<RecordingEntry> batch, CancellationToken cancellationToken)
    {
        // Every batch takes its locks in the same order, so that no two wait for each other in a circle.
        var openings = InLockOrder<OpenEntry>(batch);
        var steps = InLockOrder<AppendEntry>(batch);
        var seals = InLockOrder<SealEntry>(batch);
        var results = new RecordingResult[batch.Count];
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var commands = new NpgsqlBatch(connection);
            if (openings.Entries.Length > 0)
                commands.BatchCommands.Add(RecordingSql.Openings(openings.Entries));
            if (steps.Entries.Length > 0)
                commands.BatchCommands.Add(RecordingSql.Steps(steps.Entries));
            if (seals.Entries.Length > 0)
                commands.BatchCommands.Add(RecordingSql.Seals(seals.Entries));

            await using var reader = await commands.ExecuteReaderAsync(cancellationToken);
            foreach (var places in new[] { openings.Places, steps.Places, seals.Places })
            {
                if (places.Length > 0)
                    await ReadAsync(reader, places, results, cancellationToken);
            }

            // The last answer came before the commit. Only the end of the results says that it is durable.
            while (await reader.NextResultAsync(cancellationToken))
            {
            }

            return results;
        }
        catch (NpgsqlException e)
        {
            throw Translate(e);
        }
    }

    /// <inheritdoc/>
    public async Task<TakeOverResult> TakeOverAsync(TenantId tenant, TraceId trace, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = source.CreateCommand(TakeOverSql);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = trace.Value, NpgsqlDbType = NpgsqlDbType.Text });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant.Value, NpgsqlDbType = NpgsqlDbType.Text });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            var outcome = Outcome(reader.GetString(0));
            var head = outcome is RecordingOutcome.Recorded ? Head(reader) : null;
            await reader.ReadAsync(cancellationToken);
            while (await reader.NextResultAsync(cancellationToken))
            {
            }

            return new TakeOverResult(outcome, head);
        }
        catch (NpgsqlException e)
        {
            throw Translate(e);
        }
    }

    /// <inheritdoc/>
    public async Task<RecordingResult> AnnounceAsync(
        TenantId tenant, TraceId trace, long epoch, Digest last, StepIntents intents, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = source.CreateCommand(AnnounceSql);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = trace.Value, NpgsqlDbType = NpgsqlDbType.Text });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant.Value, NpgsqlDbType = NpgsqlDbType.Text });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = epoch, NpgsqlDbType = NpgsqlDbType.Bigint });
            command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = last.ToArray(), NpgsqlDbType = NpgsqlDbType.Bytea });
            command.Parameters.Add(new NpgsqlParameter { Value = (object?)intents.First?.PlanIndex ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
            command.Parameters.Add(new NpgsqlParameter { Value = (object?)intents.First?.Attempt ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
            var at = intents.First is { } first ? (object)WireTime.Truncate(first.StartedAt) : DBNull.Value;
            command.Parameters.Add(new NpgsqlParameter { Value = at, NpgsqlDbType = NpgsqlDbType.TimestampTz });
            command.Parameters.Add(new NpgsqlParameter { Value = (object?)intents.OthersText() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
            var outcome = (string)(await command.ExecuteScalarAsync(cancellationToken))!;
            return new RecordingResult(Outcome(outcome));
        }
        catch (NpgsqlException e)
        {
            throw Translate(e);
        }
    }

    private static (T[] Entries, int[] Places) InLockOrder<T>(IReadOnlyList<RecordingEntry> batch)
        where T : RecordingEntry
    {
        var count = 0;
        for (var i = 0; i < batch.Count; i++)
            count += batch[i] is T ? 1 : 0;
        var (entries, places, at) = (new T[count], new int[count], 0);
        for (var i = 0; i < batch.Count; i++)
        {
            if (batch[i] is T entry)
                (entries[at], places[at++]) = (entry, i);
        }

        Array.Sort(entries, places, LockOrder.Instance);
        return (entries, places);
    }

    /// <summary>Everything is recorded but what the function returned a row for.</summary>
    private static async Task ReadAsync(NpgsqlDataReader reader, int[] places, RecordingResult[] results, CancellationToken cancellationToken)
    {
        while (await reader.ReadAsync(cancellationToken))
            results[places[reader.GetInt32(0) - 1]] = Result(reader);
        await reader.NextResultAsync(cancellationToken);
    }

    private static RecordingResult Result(NpgsqlDataReader row) =>
        new(Outcome(row.GetString(1)), row.IsDBNull(2) ? null : new Digest(row.GetFieldValue<byte[]>(2)));

    private static TraceHead Head(NpgsqlDataReader row)
    {
        var packed = row.GetFieldValue<byte[]>(3);
        var links = new Digest[packed.Length / Digest.Length];
        for (var i = 0; i < links.Length; i++)
            links[i] = new Digest(packed.AsSpan(i * Digest.Length, Digest.Length));
        var intent = row.IsDBNull(4) ? null : new StepIntent(row.GetInt32(4), row.GetInt32(5), row.GetFieldValue<DateTimeOffset>(6));
        return new TraceHead(
            row.GetInt64(1), new Digest(row.GetFieldValue<byte[]>(2)), links, StepIntents.Read(intent, row.IsDBNull(7) ? null : row.GetString(7)));
    }

    private static RecordingOutcome Outcome(string word) => word switch
    {
        "recorded" => RecordingOutcome.Recorded,
        "already_there" => RecordingOutcome.AlreadyThere,
        "conflict" => RecordingOutcome.Conflict,
        "gap" => RecordingOutcome.Gap,
        "fenced" => RecordingOutcome.Fenced,
        "sealed" => RecordingOutcome.Sealed,
        "not_found" => RecordingOutcome.NotFound,
        "changed" => RecordingOutcome.Changed,
        _ => throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"a recording function answered \"{word}\"")),
    };

    /// <summary>
    /// Content is at fault where the server says so: data exceptions, constraints, limits, immutability. All else may pass: a connection that broke, a server
    /// that goes down, a deadlock, even a missing grant.
    /// </summary>
    private static RecordingStoreException Translate(NpgsqlException e)
    {
        var refused = e is PostgresException { SqlState: { Length: 5 } state } && state[..2] is "22" or "23" or "54" or "S6";
        return new RecordingStoreException(!refused, e is PostgresException server ? $"{server.SqlState}: {server.MessageText}" : e.Message, e);
    }

    private sealed class LockOrder : IComparer<RecordingEntry>
    {
        internal static readonly LockOrder Instance = new();

        public int Compare(RecordingEntry? x, RecordingEntry? y)
        {
            var byTrace = string.CompareOrdinal(x!.TraceId.Value, y!.TraceId.Value);
            return byTrace != 0 ? byTrace : string.CompareOrdinal(x.TenantId.Value, y.TenantId.Value);
        }
    }
}
