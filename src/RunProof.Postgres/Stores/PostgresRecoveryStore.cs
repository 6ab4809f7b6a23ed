using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>How far traces got, through a function that shows a worker only the runs it has claimed; each call is one round trip.</summary>
/// <param name="source">Connections of a member of <c>runproof_runner</c>.</param>
public sealed class PostgresRecoveryStore(NpgsqlDataSource source) : IRecoveryStore
{
    private const string ReadSql =
        "SELECT trace_status, step_index, step_status, outcome_data, context FROM runproof.trace_progress($1, $2, $3)";

    private const string CostSql = "SELECT runproof.run_cost($1, $2, $3)";

    private const string ContextSql = "SELECT runproof.trace_context($1, $2, $3)";

    /// <inheritdoc/>
    public async Task<TraceProgress?> ReadAsync(TenantId tenant, RunId run, string worker, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(ReadSql, tenant.Value, run.Value, worker));
        batch.BatchCommands.Add(Sql.Command(CostSql, tenant.Value, run.Value, worker));
        batch.BatchCommands.Add(Sql.Command(ContextSql, tenant.Value, run.Value, worker));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        string? status = null;
        var steps = new List<StepProgress>();
        while (await reader.ReadAsync(cancellationToken))
        {
            status = reader.GetString(0);
            // A trace without steps is one row without a step.
            if (!await reader.IsDBNullAsync(1, cancellationToken))
                steps.Add(new StepProgress(reader.GetInt32(1), reader.GetString(2), reader.TextOrNull(3), reader.TextOrNull(4)));
        }

        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var cost = reader.GetDecimal(0);
        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return status is null ? null : new TraceProgress(status, steps) { CostCents = cost, Context = reader.TextOrNull(0) };
    }
}
