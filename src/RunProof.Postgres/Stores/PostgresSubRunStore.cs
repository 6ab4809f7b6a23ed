using System.Data.Common;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Sub-runs: the runs themselves under row-level security, their evidence through functions that show a worker only those of its own runs.</summary>
/// <param name="source">Connections of a member of <c>runproof_runner</c>.</param>
public sealed class PostgresSubRunStore(NpgsqlDataSource source) : ISubRunStore
{
    private const string FindSql = $"SELECT {RunReader.Columns} FROM public.runs WHERE tenant_id = $1 AND idempotency_key = $2";

    private const string ListSql =
        $"SELECT {RunReader.Columns} FROM public.runs WHERE tenant_id = $1 AND parent_run_id = $2 AND parent_trace_id = $3 ORDER BY parent_plan_index, parent_attempt";

    private const string SealSql = "SELECT trace_id, status, chain_length, root_hash FROM runproof.sub_run_seal($1, $2, $3, $4)";

    private const string OutcomesSql = "SELECT outcome_data, context FROM runproof.sub_run_outcomes($1, $2, $3, $4, $5, $6)";

    /// <inheritdoc/>
    public async Task<Run?> FindAsync(TenantId tenant, string idempotencyKey, CancellationToken cancellationToken) =>
        (await ReadAsync(tenant, Sql.Command(FindSql, tenant.Value, idempotencyKey), cancellationToken)) is [var only] ? only : null;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Run>> ListAsync(TenantId tenant, RunId run, TraceId trace, CancellationToken cancellationToken) =>
        await ReadAsync(tenant, Sql.Command(ListSql, tenant.Value, run.Value, trace.Value), cancellationToken);

    /// <inheritdoc/>
    public async Task<SealedSubRun?> ReadAsync(
        TenantId tenant, RunId run, string worker, RunId child, IReadOnlyList<string>? steps, int maxOutcome, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(SealSql, tenant.Value, run.Value, worker, child.Value));
        batch.BatchCommands.Add(Sql.Command(
            OutcomesSql, tenant.Value, run.Value, worker, child.Value, steps is null ? Sql.NoTexts : steps.ToArray<string?>(), maxOutcome));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
            return null;
        var seal = Seal(reader);
        await reader.NextResultAsync(cancellationToken);
        var outcomes = new List<SubRunStepOutcome>();
        while (await reader.ReadAsync(cancellationToken))
            outcomes.Add(new SubRunStepOutcome(reader.TextOrNull(0), reader.TextOrNull(1)));
        return seal with { Outcomes = outcomes };
    }

    private static SealedSubRun Seal(DbDataReader row) => new(
        TraceId.Parse(row.GetString(0)), row.GetString(1), row.IsDBNull(2) ? null : (int)row.GetInt64(2), row.BytesOrNull(3) is { } hash ? new Digest(hash) : null, []);

    private async Task<List<Run>> ReadAsync(TenantId tenant, NpgsqlBatchCommand query, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.NameTenant(tenant));
        batch.BatchCommands.Add(query);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var rows = new List<Run>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(RunReader.Read(reader));
        return rows;
    }
}
