using System.Data.Common;
using Npgsql;
using NpgsqlTypes;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Runs in the table <c>runs</c>. Every call of a tenant's is under row-level security; a worker's claims go through functions of the schema.</summary>
/// <param name="source">Connections of a member of <c>runproof_runner</c>.</param>
public sealed class PostgresRunStore(NpgsqlDataSource source) : IRunStore
{
    // Leased to its maker, or in line: there where it names no worker, and where its tenant's runs are counted, which is the claiming function's to do.
    private const string InsertSql =
        """
        WITH made AS (
          INSERT INTO public.runs (tenant_id, id, agent_id, goal, origin_system_id, correlation_id, planner, plan_json, plan_redacted, idempotency_key,
              request_hash, status, seed, frozen_timestamp, is_synthetic, synthetic_scenario_id, trace_parent, created_at, worker, lease_until,
              priority, not_before, max_attempts, budget, origin_run_id, origin_trace_id, origin_from, replay_mode, created_by,
              parent_run_id, parent_trace_id, parent_plan_index, parent_plan_step, parent_attempt, parent_deadline, await_log_opening)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'queued', $12, $13, $14, $15, $16, $17, CASE WHEN here THEN $18 END, CASE WHEN here THEN $19 END,
                $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35
              FROM (SELECT $18 IS NOT NULL AND ($9 OR NOT EXISTS (SELECT FROM runproof.tenant_limits l WHERE l.tenant_id = $1)) AS here) place
            ON CONFLICT DO NOTHING
            RETURNING tenant_id, id, priority, greatest(created_at, not_before) AS available_at, worker),
        in_line AS (
          INSERT INTO runproof.run_queue (tenant_id, run_id, priority, available_at)
            SELECT tenant_id, id, priority, available_at FROM made WHERE worker IS NULL)
        SELECT true FROM made
        """;

    // Who makes a sub-run (begin_sub_run), for this transaction.
    private const string ParentWorkerSql = "SELECT set_config('runproof.parent_worker', $1, true)";

    // After an insert that waited for another transaction, this statement's snapshot sees what that one committed.
    private const string ExistingSql =
        $"""
        SELECT {RunReader.Columns}, CASE WHEN id <> $2 THEN {RunReader.Recorded} END FROM public.runs
          WHERE tenant_id = $1 AND (id = $2 OR idempotency_key = $3)
          ORDER BY idempotency_key = $3 DESC NULLS LAST LIMIT 1
        """;

    private const string FindSql = $"SELECT {RunReader.Columns}, {RunReader.Recorded} FROM public.runs WHERE tenant_id = $1 AND id = $2";

    private const string ListSql =
        $"""
        SELECT {RunReader.Columns}, {RunReader.Recorded} FROM (SELECT * FROM public.runs
          WHERE tenant_id = $1
            AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR agent_id = $3) AND ($4 IS NULL OR origin_system_id = $4)
            AND ($5 IS NULL OR created_at >= $5) AND ($6 IS NULL OR created_at < $6)
            AND ($7 IS NULL OR (created_at, id) < ($7, $8)) AND ($10 IS NULL OR parent_run_id = $10)
          ORDER BY created_at DESC, id DESC LIMIT $9) runs
          ORDER BY created_at DESC, id DESC
        """;

    private const string StartSql =
        """
        UPDATE public.runs
          SET status = 'running', attempts = attempts + CASE WHEN attempt_open THEN 0 ELSE 1 END, attempt_open = true, between_steps = false,
            started_at = coalesce(started_at, $4), lease_until = $5
          WHERE tenant_id = $1 AND id = $2 AND worker = $3 AND status = 'queued'
        """;

    private const string FinishSql =
        """
        UPDATE public.runs
          SET status = $4, completed_at = $5, duration_ms = $6, attempts = greatest(attempts, $7), error_code = $8, error_message = $9,
            attempt_open = false, between_steps = false
          WHERE tenant_id = $1 AND id = $2 AND worker = $3 AND status IN ('queued', 'running')
        """;

    private const string NextAttemptSql = "SELECT runproof.next_attempt($1, $2, $3, $4)";

    private const string ReleaseSql = "SELECT runproof.release_run($1, $2, $3, $4, $5, $6)";

    private const string WaitSql = "SELECT runproof.wait_for_sub_runs($1, $2, $3, $4, $5, $6, $7)";

    private const string RenewSql = "SELECT tenant_id, run_id, pause, cancel_by, cancel_reason FROM runproof.renew_claims($1, $2)";

    private const string WishesSql = "SELECT tenant_id, run_id, pause, cancel_by, cancel_reason FROM runproof.wanted_of($1)";

    private const string ClaimSql = $"SELECT {RunReader.Columns} FROM runproof.claim_runs($1, $2, $3, $4, $5)";

    private const string CancelSql = "SELECT runproof.cancel_with_sub_runs($1, $2, $3, $4, $5)";

    private const string PauseSql = "SELECT runproof.pause_with_sub_runs($1, $2, $3)";

    private const string ResumeSql = "SELECT runproof.resume_with_sub_runs($1, $2, $3)";

    private const string RetrySql = "SELECT runproof.retry_run($1, $2, $3, $4)";

    private const string EndedSql = "SELECT tenant_id, run_id FROM runproof.ended_of($1, $2)";

    /// <inheritdoc/>
    public async Task<(RunCreation Outcome, Run Run)> CreateAsync(Run run, CancellationToken cancellationToken)
    {
        if (run.Status != RunStatus.Queued)
            throw new ArgumentException("a run begins queued", nameof(run));
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.NameTenant(run.TenantId));
        if (run.Parent is not null)
            batch.BatchCommands.Add(Sql.Command(ParentWorkerSql, run.Parent.Worker ?? ""));
        batch.BatchCommands.Add(Sql.Command(
            InsertSql, run.TenantId.Value, run.Id.Value, run.AgentId.Value, run.Goal, run.OriginSystemId, run.CorrelationId.Value, run.Planner, run.PlanJson,
            run.PlanRedacted, run.IdempotencyKey, Sql.OrNull(run.RequestHash), run.Seed.Value, Sql.OrNull(run.FrozenTimestamp), run.IsSynthetic,
            run.SyntheticScenarioId, run.TraceParent, run.CreatedAt, run.Worker, Sql.OrNull(run.LeaseUntil), run.Priority, Sql.OrNull(run.NotBefore),
            run.MaxAttempts, run.Budget?.ToCanonicalJson().ToString(), run.Origin?.Run.Value, run.Origin?.Trace.Value, Sql.OrNull(run.Origin?.From), RunReader.Name(run.Origin?.Mode), run.CreatedBy,
            run.Parent?.Run.Value, run.Parent?.Trace.Value, Sql.OrNull(run.Parent?.PlanIndex), run.Parent?.PlanStep, Sql.OrNull(run.Parent?.Attempt), Sql.OrNull(run.Parent?.Deadline),
            run.AwaitsLogOpening));
        batch.BatchCommands.Add(Sql.Command(ExistingSql, run.TenantId.Value, run.Id.Value, run.IdempotencyKey));
        try
        {
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            if (run.Parent is not null)
                await reader.NextResultAsync(cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            var created = await reader.ReadAsync(cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            var stored = RunReader.ReadTold(reader);
            return (created ? RunCreation.Created : Compare(run, stored), stored);
        }
        catch (PostgresException e) when (e is { SqlState: PostgresErrorCodes.ForeignKeyViolation, ConstraintName: "runs_agent_fkey" })
        {
            return (RunCreation.UnknownAgent, run);
        }
        catch (PostgresException e) when (e.SqlState == "RB001")
        {
            return (RunCreation.BudgetExceeded, run with { ErrorMessage = e.MessageText });
        }
        catch (PostgresException e) when (e.SqlState is "RS001" or "RS002")
        {
            return (e.SqlState is "RS001" ? RunCreation.ParentGone : RunCreation.TooDeep, run with { ErrorMessage = e.MessageText });
        }
    }

    /// <inheritdoc/>
    public async Task<Run?> FindAsync(TenantId tenant, RunId run, CancellationToken cancellationToken)
    {
        var found = await ReadAsync(Sql.NameTenant(tenant), Sql.Command(FindSql, tenant.Value, run.Value), RunReader.ReadTold, cancellationToken);
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
                Sql.OrNull(filter.CreatedFrom), Sql.OrNull(filter.CreatedBefore), Sql.OrNull(filter.After?.CreatedAt), filter.After?.Id.Value, filter.Limit,
                filter.Parent?.Value),
            RunReader.ReadTold, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<bool> StartAsync(
        TenantId tenant, RunId run, string worker, DateTimeOffset startedAt, DateTimeOffset leaseUntil, CancellationToken cancellationToken) =>
        MoveAsync(tenant, Sql.Command(StartSql, tenant.Value, run.Value, worker, startedAt, leaseUntil), cancellationToken);

    /// <inheritdoc/>
    public Task<bool> FinishAsync(TenantId tenant, RunId run, string worker, RunEnd end, CancellationToken cancellationToken)
    {
        if (end.Status is RunStatus.Queued or RunStatus.Running or RunStatus.Paused or RunStatus.Waiting)
            throw new ArgumentException("a run ends succeeded, failed, aborted or cancelled", nameof(end));
        var command = Sql.Command(
            FinishSql, tenant.Value, run.Value, worker, RunReader.Name(end.Status), end.CompletedAt, Sql.OrNull(end.DurationMs), end.Attempts,
            end.ErrorCode, end.ErrorMessage);
        return MoveAsync(tenant, command, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<bool> NextAttemptAsync(TenantId tenant, RunId run, string worker, DateTimeOffset availableAt, CancellationToken cancellationToken) =>
        AskAsync<bool>(Sql.Command(NextAttemptSql, tenant.Value, run.Value, worker, availableAt), cancellationToken);

    /// <inheritdoc/>
    public Task<bool> ReleaseAsync(TenantId tenant, RunId run, string worker, RunRelease release, CancellationToken cancellationToken) =>
        AskAsync<bool>(
            release.Approvals is not null || release.SubRuns is not null
                ? Sql.Command(
                    WaitSql, tenant.Value, run.Value, worker, (release.Approvals ?? []).ToArray<string?>(),
                    (release.SubRuns ?? []).Select(child => child.Value).ToArray<string?>(), release.At, release.AvailableAt)
                : Sql.Command(ReleaseSql, tenant.Value, run.Value, worker, release.BetweenSteps, release.Pause, release.AvailableAt),
            cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<RunWish>> RenewAsync(string worker, DateTimeOffset leaseUntil, CancellationToken cancellationToken) =>
        ReadAsync(first: null, Sql.Command(RenewSql, worker, leaseUntil), Wish, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<RunWish>> FindWishesAsync(string worker, CancellationToken cancellationToken) =>
        ReadAsync(first: null, Sql.Command(WishesSql, worker), Wish, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Run>> ClaimAsync(
        string worker, DateTimeOffset now, DateTimeOffset leaseUntil, int limit, TenantId? after, CancellationToken cancellationToken) =>
        ReadAsync(first: null, Sql.Command(ClaimSql, worker, now, leaseUntil, limit, after?.Value ?? ""), RunReader.Read, cancellationToken);

    /// <inheritdoc/>
    public async Task<RunAnswer> CancelAsync(TenantId tenant, RunId run, string by, string? reason, DateTimeOffset now, CancellationToken cancellationToken) =>
        Answer(await AskAsync<string>(Sql.Command(CancelSql, tenant.Value, run.Value, by, reason, now), cancellationToken));

    /// <inheritdoc/>
    public async Task<RunAnswer> PauseAsync(TenantId tenant, RunId run, DateTimeOffset now, CancellationToken cancellationToken) =>
        Answer(await AskAsync<string>(Sql.Command(PauseSql, tenant.Value, run.Value, now), cancellationToken));

    /// <inheritdoc/>
    public async Task<RunAnswer> ResumeAsync(TenantId tenant, RunId run, DateTimeOffset now, CancellationToken cancellationToken) =>
        Answer(await AskAsync<string>(Sql.Command(ResumeSql, tenant.Value, run.Value, now), cancellationToken));

    /// <inheritdoc/>
    public async Task<RunAnswer> RetryAsync(TenantId tenant, RunId run, string? by, DateTimeOffset now, CancellationToken cancellationToken) =>
        Answer(await AskAsync<string>(Sql.Command(RetrySql, tenant.Value, run.Value, by, now), cancellationToken));

    /// <inheritdoc/>
    public Task<IReadOnlyList<(TenantId Tenant, RunId Run)>> FindEndedAsync(IReadOnlyCollection<(TenantId Tenant, RunId Run)> runs, CancellationToken cancellationToken) =>
        ReadAsync(
            first: null,
            Sql.Command(EndedSql, runs.Select(one => one.Tenant.Value).ToArray<string?>(), runs.Select(one => one.Run.Value).ToArray<string?>()),
            static row => (TenantId.Parse(row.GetString(0)), RunId.Parse(row.GetString(1))),
            cancellationToken);

    private static RunWish Wish(DbDataReader row) =>
        new(TenantId.Parse(row.GetString(0)), RunId.Parse(row.GetString(1)), row.GetBoolean(2), row.TextOrNull(3), row.TextOrNull(4));

    private static RunAnswer Answer(string word) => word switch
    {
        "done" => RunAnswer.Done,
        "asked" => RunAnswer.Asked,
        "ended" => RunAnswer.Ended,
        "not_found" => RunAnswer.NotFound,
        "not_kept" => RunAnswer.NotKept,
        "cancelling" => RunAnswer.Cancelling,
        "succeeded" => RunAnswer.Succeeded,
        "too_many" => RunAnswer.TooMany,
        _ => throw new InvalidOperationException($"a function of the queue answered \"{word}\""),
    };

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

    private async Task<T> AskAsync<T>(NpgsqlBatchCommand question, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(question);
        return (T)(await batch.ExecuteScalarAsync(cancellationToken))!;
    }

    private async Task<IReadOnlyList<T>> ReadAsync<T>(
        NpgsqlBatchCommand? first, NpgsqlBatchCommand query, Func<DbDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        if (first is not null)
            batch.BatchCommands.Add(first);
        batch.BatchCommands.Add(query);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (first is not null)
            await reader.NextResultAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));
        return rows;
    }
}
