using Npgsql;
using NpgsqlTypes;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Runs in the table <c>runs</c>. Every call of a tenant's is under row-level security; a worker's claims go through functions of the schema.</summary>
/// <param name="source">Connections of a member of <c>runproof_runner</c>.</param>
public sealed class PostgresRunStore(NpgsqlDataSource source) : IRunStore
{
    private const string InsertSql =
        """
        INSERT INTO public.runs (tenant_id, id, agent_id, goal, origin_system_id, correlation_id, planner, plan_json, plan_redacted, idempotency_key,
            request_hash, status, seed, frozen_timestamp, is_synthetic, synthetic_scenario_id, trace_parent, created_at, worker, lease_until)
          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'queued', $12, $13, $14, $15, $16, $17, $18, $19)
          ON CONFLICT DO NOTHING RETURNING true
        """;

    // After an insert that waited for another transaction, this statement's snapshot sees what that one committed.
    private const string ExistingSql =
        $"""
        SELECT {RunReader.Columns} FROM public.runs
          WHERE tenant_id = $1 AND (id = $2 OR idempotency_key = $3)
          ORDER BY idempotency_key = $3 DESC NULLS LAST LIMIT 1
        """;

    private const string FindSql = $"SELECT {RunReader.Columns} FROM public.runs WHERE tenant_id = $1 AND id = $2";

    private const string ListSql =
        $"""
        SELECT {RunReader.Columns} FROM public.runs
          WHERE tenant_id = $1
            AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR agent_id = $3) AND ($4 IS NULL OR origin_system_id = $4)
            AND ($5 IS NULL OR created_at >= $5) AND ($6 IS NULL OR created_at < $6)
            AND ($7 IS NULL OR (created_at, id) < ($7, $8))
          ORDER BY created_at DESC, id DESC LIMIT $9
        """;

    private const string StartSql =
        """
        UPDATE public.runs SET status = 'running', attempts = attempts + 1, started_at = $4, lease_until = $5
          WHERE tenant_id = $1 AND id = $2 AND worker = $3 AND status = 'queued'
        """;

    private const string FinishSql =
        """
        UPDATE public.runs SET status = $4, completed_at = $5, duration_ms = $6, attempts = greatest(attempts, $7), error_code = $8, error_message = $9
          WHERE tenant_id = $1 AND id = $2 AND worker = $3 AND status IN ('queued', 'running')
        """;

    private const string RenewSql = "SELECT runproof.renew_runs($1, $2)";

    private const string ClaimSql = $"SELECT {RunReader.Columns} FROM runproof.claim_abandoned_runs($1, $2, $3, $4) ORDER BY created_at, id";

    /// <inheritdoc/>
    public async Task<(RunCreation Outcome, Run Run)> CreateAsync(Run run, CancellationToken cancellationToken)
    {
        if (run.Status != RunStatus.Queued)
            throw new ArgumentException("a run begins queued", nameof(run));
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.NameTenant(run.TenantId));
        batch.BatchCommands.Add(Sql.Command(
            InsertSql, run.TenantId.Value, run.Id.Value, run.AgentId.Value, run.Goal, run.OriginSystemId, run.CorrelationId.Value, run.Planner, run.PlanJson,
            run.PlanRedacted, run.IdempotencyKey, Sql.OrNull(run.RequestHash), run.Seed.Value, Sql.OrNull(run.FrozenTimestamp), run.IsSynthetic,
            run.SyntheticScenarioId, run.TraceParent, run.CreatedAt, run.Worker, Sql.OrNull(run.LeaseUntil)));
        batch.BatchCommands.Add(Sql.Command(ExistingSql, run.TenantId.Value, run.Id.Value, run.IdempotencyKey));
        try
        {
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            var created = await reader.ReadAsync(cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            var stored = RunReader.Read(reader);
            return (created ? RunCreation.Created : Compare(run, stored), stored);
        }
        catch (PostgresException e) when (e is { SqlState: PostgresErrorCodes.ForeignKeyViolation, ConstraintName: "runs_agent_fkey" })
        {
            return (RunCreation.UnknownAgent, run);
        }
    }

    /// <inheritdoc/>
    public async Task<Run?> FindAsync(TenantId tenant, RunId run, CancellationToken cancellationToken)
    {
        var found = await ReadAsync(Sql.NameTenant(tenant), Sql.Command(FindSql, tenant.Value, run.Value), cancellationToken);
        return found is [var only] ? only : null;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Run>> ListAsync(TenantId tenant, RunFilter filter, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(filter.Limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(filter.Limit, 200);
        return await ReadAsync(
            Sql.NameTenant(tenant),
            Sql.Command(
                ListSql, tenant.Value, filter.Status is { } status ? RunReader.Name(status) : null, filter.AgentId?.Value, filter.OriginSystemId,
                Sql.OrNull(filter.CreatedFrom), Sql.OrNull(filter.CreatedBefore), Sql.OrNull(filter.After?.CreatedAt), filter.After?.Id.Value, filter.Limit),
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<bool> StartAsync(
        TenantId tenant, RunId run, string worker, DateTimeOffset startedAt, DateTimeOffset leaseUntil, CancellationToken cancellationToken) =>
        MoveAsync(tenant, Sql.Command(StartSql, tenant.Value, run.Value, worker, startedAt, leaseUntil), cancellationToken);

    /// <inheritdoc/>
    public Task<bool> FinishAsync(TenantId tenant, RunId run, string worker, RunEnd end, CancellationToken cancellationToken)
    {
        if (end.Status is RunStatus.Queued or RunStatus.Running)
            throw new ArgumentException("a run ends succeeded, failed or aborted", nameof(end));
        var command = Sql.Command(
            FinishSql, tenant.Value, run.Value, worker, RunReader.Name(end.Status), end.CompletedAt, Sql.OrNull(end.DurationMs), end.Attempts,
            end.ErrorCode, end.ErrorMessage);
        return MoveAsync(tenant, command, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task RenewAsync(string worker, DateTimeOffset leaseUntil, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(RenewSql, worker, leaseUntil));
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Run>> ClaimAbandonedAsync(
        string worker, DateTimeOffset now, DateTimeOffset leaseUntil, int limit, CancellationToken cancellationToken) =>
        await ReadAsync(first: null, Sql.Command(ClaimSql, worker, now, leaseUntil, limit), cancellationToken);

    private static RunCreation Compare(Run asked, Run stored)
    {
        if (asked.IdempotencyKey is null || !string.Equals(asked.IdempotencyKey, stored.IdempotencyKey, StringComparison.Ordinal))
            return RunCreation.DuplicateId;
        return asked.RequestHash == stored.RequestHash ? RunCreation.Existing : RunCreation.IdempotencyConflict;
    }

    private async Task<bool> MoveAsync(TenantId tenant, NpgsqlBatchCommand update, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.NameTenant(tenant));
        batch.BatchCommands.Add(update);
        await batch.ExecuteNonQueryAsync(cancellationToken);
        return update.RecordsAffected == 1;
    }

    private async Task<IReadOnlyList<Run>> ReadAsync(NpgsqlBatchCommand? first, NpgsqlBatchCommand query, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        if (first is not null)
            batch.BatchCommands.Add(first);
        batch.BatchCommands.Add(query);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (first is not null)
            await reader.NextResultAsync(cancellationToken);
        var runs = new List<Run>();
        while (await reader.ReadAsync(cancellationToken))
            runs.Add(RunReader.Read(reader));
        return runs;
    }
}
