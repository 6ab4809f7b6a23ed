using System.Data.Common;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>What is new of watched runs, of any tenant, through a function that tells no payload.</summary>
/// <param name="source">Connections of a member of <c>runproof_runner</c>.</param>
public sealed class PostgresRunWatchStore(NpgsqlDataSource source) : IRunWatchStore
{
    private const string LookSql =
        """
        SELECT watch, seen, run_status, ended, attempts, trace_status, chain_length, root_hash, step_index, plan_step, skill, step_status, retries, begun_at, duration_ms
          FROM runproof.watched_of($1, $2, $3, $4, $5, $6)
        """;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<RunLook>> LookAsync(IReadOnlyList<RunQuestion> questions, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(
            LookSql, questions.Select(one => one.TenantId.Value).ToArray<string?>(), questions.Select(one => one.RunId.Value).ToArray<string?>(),
            questions.Select(one => one.Attempt).ToArray(), questions.Select(one => one.After).ToArray(), questions.Select(one => one.Seen).ToArray(), limit));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var looks = new List<RunLook>();
        var steps = new List<WatchedStep>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var question = reader.GetInt32(0) - 1;
            if (looks.Count == 0 || looks[^1].Question != question)
                looks.Add(Look(reader, question, steps = []));
            if (!await reader.IsDBNullAsync(8, cancellationToken))
                steps.Add(Step(reader));
        }

        return looks;
    }

    private static RunLook Look(DbDataReader row, int question, IReadOnlyList<WatchedStep> steps) => new()
    {
        Question = question,
        Seen = row.GetString(1),
        Status = row.GetString(2),
        HasEnded = row.GetBoolean(3),
        Attempts = row.GetInt32(4),
        TraceStatus = row.TextOrNull(5),
        ChainLength = row.IsDBNull(6) ? null : row.GetInt32(6),
        RootHash = row.BytesOrNull(7) is { } hash ? new Digest(hash) : null,
        Steps = steps,
    };

    private static WatchedStep Step(DbDataReader row) => new(
        row.GetInt32(8), row.TextOrNull(9), row.GetString(10), row.GetString(11), row.GetInt32(12), row.GetFieldValue<DateTimeOffset>(13), row.GetDouble(14));
}
