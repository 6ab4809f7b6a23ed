using System.Data.Common;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Approvals in <c>runproof.approvals</c> and <c>runproof.approval_decisions</c>; each call is one round trip.</summary>
/// <param name="source">Connections of a member of <c>runproof_runner</c>.</param>
public sealed class PostgresApprovalStore(NpgsqlDataSource source) : IApprovalStore
{
    private const string State =
        "approval_id, plan_index, status, because, action_salt, action_digest, shown_digest, requested_at, valid_until, used_attempt, by_keys, by_names, decisions, ats, reasons, seen, "
        + "decided_at, attempt";

    private const string AskSql =
        $"SELECT {State} FROM runproof.ask_approval($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";

    private const string ReadSql = $"SELECT {State} FROM runproof.approvals_of($1, $2, $3, $4)";

    private const string UseSql = "SELECT p_answer, p_since FROM runproof.use_approval($1, $2, $3, $4, $5, $6)";

    private const string WithdrawSql = "SELECT runproof.withdraw_approval($1, $2, $3, $4, $5)";

    private const string DecideSql = "SELECT runproof.decide_approval($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    private const string Stored =
        """
        SELECT a.approval_id, a.run_id, a.trace_id, a.plan_index, a.step_id, a.attempt, a.skill, a.policy, a.rule, a.action_shown, a.action_digest, a.shown_digest,
            a.approvers, a.needed, a.requested_at, a.valid_until, a.status, a.decided_at, a.used_at, d.by_keys, d.by_names, d.decisions, d.ats, d.reasons, d.seen
          FROM runproof.approvals a
          CROSS JOIN LATERAL (
            SELECT array_agg(d.by_key ORDER BY d.number) AS by_keys, array_agg(d.by_name ORDER BY d.number) AS by_names, array_agg(d.decision ORDER BY d.number) AS decisions,
                array_agg(d.at ORDER BY d.number) AS ats, array_agg(d.reason ORDER BY d.number) AS reasons, array_agg(d.shown_digest ORDER BY d.number) AS seen
              FROM runproof.approval_decisions d WHERE d.tenant_id = a.tenant_id AND d.approval_id = a.approval_id) d
          WHERE a.tenant_id = $1
        """;

    private const string FindSql = $"{Stored} AND a.approval_id = $2";

    private const string ListSql =
        $"""
        {Stored}
            AND ($2 IS NULL OR a.status = $2) AND ($3 IS NULL OR a.run_id = $3) AND ($4 IS NULL OR (a.requested_at, a.approval_id) < ($4, $5))
          ORDER BY a.requested_at DESC, a.approval_id DESC LIMIT $6
        """;

    /// <inheritdoc/>
    public async Task<ApprovalState?> AskAsync(ApprovalRequest request, string worker, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var found = await ReadAsync(
            null,
            Sql.Command(
                AskSql, request.TenantId.Value, request.RunId.Value, worker, request.TraceId.Value, request.PlanIndex, request.Id, request.StepId, request.Attempt,
                request.Skill, request.Rule?.Policy, request.Rule?.Rule, request.Because, request.Shown.ToString(), request.Salt.ToArray(), request.ActionDigest, request.ShownDigest,
                Texts(request.Terms.Approvers), request.Terms.Needed, request.RequestedAt, request.ValidUntil),
            ReadState, cancellationToken);
        return found is [var only] ? only : null;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<ApprovalState>> ReadAsync(TenantId tenant, RunId run, TraceId trace, string worker, CancellationToken cancellationToken) =>
        ReadAsync(null, Sql.Command(ReadSql, tenant.Value, run.Value, worker, trace.Value), ReadState, cancellationToken);

    /// <inheritdoc/>
    public async Task<(ApprovalUse Use, DateTimeOffset? Since)> UseAsync(
        TenantId tenant, RunId run, string worker, string approval, int attempt, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var answers = await ReadAsync(null, Sql.Command(UseSql, tenant.Value, run.Value, worker, approval, attempt, now), row => (UseOf(row.GetString(0)), row.TimeOrNull(1)), cancellationToken);
        return answers[0];
    }

    /// <inheritdoc/>
    public Task<bool> WithdrawAsync(TenantId tenant, RunId run, string worker, string approval, DateTimeOffset now, CancellationToken cancellationToken) =>
        AskAsync<bool>(Sql.Command(WithdrawSql, tenant.Value, run.Value, worker, approval, now), cancellationToken);

    /// <inheritdoc/>
    public async Task<ApprovalAnswer> DecideAsync(ApprovalVote vote, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(vote);
        var command = Sql.Command(
            DecideSql, vote.TenantId.Value, vote.ApprovalId, vote.IsApproval ? "approved" : "rejected", vote.KeyId, vote.ActionDigest, Sql.OrNull(vote.ShownDigest),
            vote.Reason, vote.At, vote.AllowOwn);
        return await AskAsync<string>(command, cancellationToken) switch
        {
            "done" => ApprovalAnswer.Done,
            "counted" => ApprovalAnswer.Counted,
            "not_found" => ApprovalAnswer.NotFound,
            "not_approver" => ApprovalAnswer.NotApprover,
            "own_run" => ApprovalAnswer.OwnRun,
            "unknown_maker" => ApprovalAnswer.UnknownMaker,
            "action_changed" => ApprovalAnswer.ActionChanged,
            "decided" => ApprovalAnswer.Decided,
            "expired" => ApprovalAnswer.Expired,
            "withdrawn" => ApprovalAnswer.Withdrawn,
            var word => throw new InvalidOperationException($"decide_approval answered \"{word}\""),
        };
    }

    /// <inheritdoc/>
    public async Task<StoredApproval?> FindAsync(TenantId tenant, string approval, CancellationToken cancellationToken)
    {
        var found = await ReadAsync(Sql.NameTenant(tenant), Sql.Command(FindSql, tenant.Value, approval), row => ReadStored(row, tenant), cancellationToken);
        return found is [var only] ? only : null;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StoredApproval>> ListAsync(TenantId tenant, ApprovalFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentOutOfRangeException.ThrowIfLessThan(filter.Limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(filter.Limit, 200);
        return await ReadAsync(
            Sql.NameTenant(tenant),
            Sql.Command(
                ListSql, tenant.Value, filter.Status is { } status ? ApprovalWords.Of(status) : null, filter.RunId?.Value, Sql.OrNull(filter.After?.RequestedAt),
                filter.After?.Id, filter.Limit),
            row => ReadStored(row, tenant), cancellationToken);
    }

    private static object Texts(IReadOnlyList<string>? texts) => texts is null ? Sql.NoTexts : texts.ToArray<string?>();

    private static ApprovalState ReadState(DbDataReader row) => new()
    {
        Id = row.GetString(0),
        PlanIndex = row.GetInt32(1),
        Status = StatusOf(row.GetString(2)),
        Because = row.GetString(3),
        Salt = row.BytesOrNull(4) is { } salt ? (ReadOnlyMemory<byte>?)salt : null,
        ActionDigest = new Digest(row.GetFieldValue<byte[]>(5)),
        ShownDigest = new Digest(row.GetFieldValue<byte[]>(6)),
        RequestedAt = row.GetFieldValue<DateTimeOffset>(7),
        ValidUntil = row.GetFieldValue<DateTimeOffset>(8),
        UsedAttempt = row.IsDBNull(9) ? null : row.GetInt32(9),
        Decisions = ReadDecisions(row, 10),
        DecidedAt = row.TimeOrNull(16),
        Attempt = row.GetInt32(17),
    };

    private static StoredApproval ReadStored(DbDataReader row, TenantId tenant) => new()
    {
        TenantId = tenant,
        Id = row.GetString(0),
        RunId = RunId.Parse(row.GetString(1)),
        TraceId = TraceId.Parse(row.GetString(2)),
        PlanIndex = row.GetInt32(3),
        StepId = row.GetString(4),
        Attempt = row.GetInt32(5),
        Skill = row.GetString(6),
        Policy = row.TextOrNull(7),
        Rule = row.TextOrNull(8),
        Shown = row.TextOrNull(9),
        ActionDigest = new Digest(row.GetFieldValue<byte[]>(10)),
        ShownDigest = new Digest(row.GetFieldValue<byte[]>(11)),
        Approvers = row.IsDBNull(12) ? null : row.GetFieldValue<string[]>(12),
        Needed = row.GetInt16(13),
        RequestedAt = row.GetFieldValue<DateTimeOffset>(14),
        ValidUntil = row.GetFieldValue<DateTimeOffset>(15),
        Status = StatusOf(row.GetString(16)),
        DecidedAt = row.TimeOrNull(17),
        UsedAt = row.TimeOrNull(18),
        Decisions = ReadDecisions(row, 19),
    };

    private static ApprovalUse UseOf(string word) => word switch
    {
        "used" => ApprovalUse.Used,
        "expired" => ApprovalUse.Expired,
        "not_ours" => ApprovalUse.NotOurs,
        _ => ApprovalUse.NotApproved,
    };

    private static ApprovalStatus StatusOf(string word) =>
        ApprovalWords.TryParse(word, out var status) ? status : throw new InvalidOperationException($"an approval is \"{word}\"");

    private static IReadOnlyList<ApprovalDecision> ReadDecisions(DbDataReader row, int at)
    {
        if (row.IsDBNull(at))
            return [];
        var (keys, names, words) = (row.GetFieldValue<string[]>(at), row.GetFieldValue<string[]>(at + 1), row.GetFieldValue<string[]>(at + 2));
        var (times, reasons, seen) = (row.GetFieldValue<DateTimeOffset[]>(at + 3), row.GetFieldValue<string?[]>(at + 4), row.GetFieldValue<byte[][]>(at + 5));
        return [.. keys.Select((key, i) => new ApprovalDecision(words[i] == "approved", key, names[i], times[i], reasons[i], new Digest(seen[i])))];
    }

    private NpgsqlBatch BatchOf(NpgsqlBatchCommand? first, NpgsqlBatchCommand command)
    {
        var batch = source.CreateBatch();
        if (first is not null)
            batch.BatchCommands.Add(first);
        batch.BatchCommands.Add(command);
        return batch;
    }

    private async Task<T> AskAsync<T>(NpgsqlBatchCommand question, CancellationToken cancellationToken)
    {
        await using var batch = BatchOf(null, question);
        return (T)(await batch.ExecuteScalarAsync(cancellationToken))!;
    }

    private async Task<IReadOnlyList<T>> ReadAsync<T>(NpgsqlBatchCommand? first, NpgsqlBatchCommand query, Func<DbDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var batch = BatchOf(first, query);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (first is not null)
            await reader.NextResultAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));
        return rows;
    }
}
