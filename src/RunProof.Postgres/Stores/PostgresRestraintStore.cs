using System.Data.Common;
using Npgsql;
using NpgsqlTypes;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Budgets and kill switches (Schema/0016_budgets.sql), under row-level security; each call is one round trip.</summary>
/// <param name="source">Connections of a member of <c>runproof_runner</c>; of the owner for what is every tenant's.</param>
public sealed class PostgresRestraintStore(NpgsqlDataSource source) : IRestraintStore
{
    /// <summary>The tenant of what is every tenant's; no tenant has such an id.</summary>
    private const string EveryTenant = "*";

    private const string BudgetColumns =
        "b.id, b.version, b.scope, b.period, b.zone, b.agent_id, b.cost_cents, b.tokens, b.steps, b.runs, b.duration_ms, b.on_exceeded, b.digest, b.created_at, b.created_by";

    private const string KillColumns =
        "k.tenant_id, k.number, k.scope, k.agent_id, k.skill, k.graceful, k.reason, k.set_at, k.set_by, k.released_at, k.released_by";

    // Numbers that only grow: so does their sum, with every change.
    private const string StampSql =
        """
        SELECT (SELECT coalesce(max(c.change), 0) FROM runproof.budget_changes c WHERE c.tenant_id = $1)
          + (SELECT count(*) + count(k.released_at) FROM runproof.kill_switches k WHERE k.tenant_id IN ($1, '*'))
        """;

    private const string InForceSql =
        $"""
        SELECT {BudgetColumns}, true FROM runproof.budgets_in_force f JOIN runproof.budgets b ON b.tenant_id = f.tenant_id AND b.id = f.id AND b.version = f.version
          WHERE f.tenant_id = $1 AND ({StampSql}) <> $2 ORDER BY b.id
        """;

    private const string OnSql =
        $"SELECT {KillColumns} FROM runproof.kill_switches k WHERE k.tenant_id IN ($1, '*') AND k.released_at IS NULL AND ({StampSql}) <> $2 ORDER BY k.set_at, k.number";

    private const string AllOnSql = $"SELECT {KillColumns} FROM runproof.kill_switches_on() k ORDER BY k.set_at, k.number";

    private const string TakeSql = $"SELECT {BudgetColumns}, true, b.what, b.used, b.most, b.reserved, b.wanted FROM runproof.take_budgets($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) b";

    private const string ForgoSql = "SELECT runproof.forgo_budgets($1, $2, $3, $4)";

    private const string UseSql = "SELECT cost_cents, tokens, steps FROM runproof.run_use($1, $2, $3)";

    private const string SetSql = "SELECT runproof.set_budget($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";

    private const string RetireSql = "SELECT runproof.retire_budget($1, $2, $3, $4)";

    private const string ListSql =
        $"""
        SELECT {BudgetColumns}, EXISTS (SELECT FROM runproof.budgets_in_force f WHERE f.tenant_id = b.tenant_id AND f.id = b.id AND f.version = b.version)
          FROM runproof.budgets b WHERE b.tenant_id = $1 AND ($2 IS NULL OR b.id = $2) ORDER BY b.id, b.version DESC
        """;

    private const string UsageSql =
        """
        SELECT u.subject, u.period_start, u.cost_cents, u.tokens, u.steps, u.runs, r.cost_cents, r.tokens FROM runproof.budget_usage u
          JOIN (SELECT DISTINCT ON (v.id) v.id, v.period, v.zone FROM runproof.budgets v WHERE v.tenant_id = $1 AND v.id = $2) b ON b.id = u.budget_id
          CROSS JOIN LATERAL runproof.reserved_of($1, u.subject, b.period, b.zone, u.period_start, NULL, NULL, NULL) r
          WHERE u.tenant_id = $1 AND u.budget_id = $2 ORDER BY u.period_start DESC, u.subject LIMIT $3
        """;

    private const string KillSql = "SELECT number, is_new FROM runproof.kill($1, $2, $3, $4, $5, $6, $7, $8)";

    private const string ReleaseSql = "SELECT runproof.release_kill($1, $2, $3, $4, $5, $6)";

    private const string KillsSql =
        $"""
        SELECT {KillColumns} FROM runproof.kill_switches k WHERE k.tenant_id IN ($1, '*')
          ORDER BY (k.released_at IS NULL) DESC, k.set_at DESC, k.number DESC LIMIT $2
        """;

    private const string ThatKillSql =
        $"""
        SELECT {KillColumns} FROM runproof.kill_switches k WHERE k.tenant_id = $1 AND k.scope = $2 AND coalesce(k.agent_id, k.skill, '') = coalesce($3, $4, '')
          ORDER BY k.number DESC LIMIT 1
        """;

    /// <inheritdoc/>
    public async Task<RestraintsInForce> ReadInForceAsync(TenantId tenant, long knownStamp, CancellationToken cancellationToken)
    {
        await using var batch = BatchOf(
            tenant, Sql.Command(StampSql, tenant.Value), Sql.Command(InForceSql, tenant.Value, knownStamp), Sql.Command(OnSql, tenant.Value, knownStamp));
        await using var reader = await FirstAsync(batch, cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var stamp = reader.GetInt64(0);
        await reader.NextResultAsync(cancellationToken);
        var budgets = await ReadAllAsync(reader, row => BudgetOf(row, tenant), cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var kills = await ReadAllAsync(reader, KillOf, cancellationToken);
        // The batch is one transaction and its statements see what commits between them: a stamp that is too old only has the rest read again.
        return new RestraintsInForce(stamp, stamp == knownStamp ? null : budgets, stamp == knownStamp ? null : kills);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<KillSwitch>> ReadKillSwitchesAsync(CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(AllOnSql));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        return await ReadAllAsync(reader, KillOf, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<UsedUp>> TakeAsync(
        TenantId tenant, AgentId? agent, DateTimeOffset at, long attempt, BudgetReservation? reserve, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(
            TakeSql, tenant.Value, agent?.Value, at, attempt, reserve?.RunId.Value, reserve?.TraceId.Value, reserve?.Worker, reserve?.Attempt.Key,
            Sql.OrNull(reserve?.Attempt.Number), reserve?.CostCents ?? 0m, reserve?.Tokens ?? 0L));
        try
        {
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            var used = await ReadAllAsync(
                reader, row => new UsedUp(BudgetOf(row, tenant), row.GetString(16), Amount(row, 17), Amount(row, 18), Amount(row, 19), Amount(row, 20)), cancellationToken);

            // What was counted is there only once the transaction has committed.
            while (await reader.NextResultAsync(cancellationToken))
            {
            }

            return used;
        }
        catch (PostgresException refused) when (refused.SqlState == "RB002")
        {
            throw new PolicyUnavailableException(refused.MessageText, refused);
        }
    }

    /// <inheritdoc/>
    public async Task ForgoAsync(TenantId tenant, TraceId trace, AttemptId attempt, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(ForgoSql, tenant.Value, trace.Value, attempt.Key, attempt.Number));
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<RunUse> ReadRunUseAsync(TenantId tenant, RunId run, string worker, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(UseSql, tenant.Value, run.Value, worker));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new RunUse(Amount(reader, 0), Whole(reader, 1), reader.GetInt64(2));
    }

    /// <inheritdoc/>
    public async Task<(BudgetSetting Outcome, Budget Stored)> SetAsync(Budget budget, CancellationToken cancellationToken)
    {
        var limits = budget.Limits;
        var set = Sql.Command(
            SetSql, budget.TenantId.Value, budget.Id, BudgetWords.Of(budget.Scope), BudgetWords.Of(budget.Period), budget.Zone, budget.AgentId?.Value,
            null, Sql.OrNull(limits.Tokens), Sql.OrNull(limits.Steps), Sql.OrNull(limits.Runs), Sql.OrNull(limits.DurationMs),
            BudgetWords.Of(budget.OnExceeded), budget.Digest, budget.CreatedAt, budget.CreatedBy);
        set.Parameters[6] = new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Numeric, Value = limits.CostCents is { } cents ? cents : DBNull.Value };
        await using var batch = BatchOf(budget.TenantId, set, Sql.Command(ListSql, budget.TenantId.Value, budget.Id));
        try
        {
            await using var reader = await FirstAsync(batch, cancellationToken);
            await reader.ReadAsync(cancellationToken);
            var outcome = reader.GetString(0) switch
            {
                "set" => BudgetSetting.Set,
                "unchanged" => BudgetSetting.Unchanged,
                "unknown_zone" => BudgetSetting.UnknownZone,
                _ => BudgetSetting.OfOtherKind,
            };
            await reader.NextResultAsync(cancellationToken);
            var versions = await ReadAllAsync(reader, row => BudgetOf(row, budget.TenantId), cancellationToken);
            return (outcome, versions.Count == 0 ? budget : versions[0]);
        }
        catch (PostgresException refused) when (refused is { SqlState: PostgresErrorCodes.ForeignKeyViolation, ConstraintName: "budgets_agent_fkey" })
        {
            return (BudgetSetting.UnknownAgent, budget);
        }
    }

    /// <inheritdoc/>
    public async Task<bool> RetireAsync(TenantId tenant, string id, string by, DateTimeOffset at, CancellationToken cancellationToken)
    {
        await using var batch = BatchOf(tenant, Sql.Command(RetireSql, tenant.Value, id, at, by));
        await using var reader = await FirstAsync(batch, cancellationToken);
        return await reader.ReadAsync(cancellationToken) && reader.GetBoolean(0);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Budget>> ListAsync(TenantId tenant, string? id, CancellationToken cancellationToken)
    {
        await using var batch = BatchOf(tenant, Sql.Command(ListSql, tenant.Value, id));
        await using var reader = await FirstAsync(batch, cancellationToken);
        return await ReadAllAsync(reader, row => BudgetOf(row, tenant), cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<BudgetUsage>> ReadUsageAsync(TenantId tenant, string id, int limit, CancellationToken cancellationToken)
    {
        await using var batch = BatchOf(tenant, Sql.Command(UsageSql, tenant.Value, id, limit));
        await using var reader = await FirstAsync(batch, cancellationToken);
        return await ReadAllAsync(reader, UsageOf, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<(KillSwitch Switch, bool IsNew)?> KillAsync(KillSwitch kill, CancellationToken cancellationToken)
    {
        var tenant = kill.TenantId?.Value ?? EveryTenant;
        var scope = KillSwitch.WordOf(kill.Scope);
        await using var batch = BatchOf(
            kill.TenantId, Sql.Command(KillSql, tenant, scope, kill.AgentId?.Value, kill.Skill, kill.Graceful, kill.Reason, kill.SetAt, kill.SetBy),
            Sql.Command(ThatKillSql, tenant, scope, kill.AgentId?.Value, kill.Skill));
        try
        {
            await using var reader = await FirstAsync(batch, cancellationToken);
            await reader.ReadAsync(cancellationToken);
            var isNew = reader.GetBoolean(1);
            await reader.NextResultAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            return (KillOf(reader), isNew);
        }
        catch (PostgresException refused) when (refused is { SqlState: PostgresErrorCodes.ForeignKeyViolation, ConstraintName: "kill_switches_agent_fkey" })
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async Task<KillSwitch?> ReleaseAsync(
        TenantId? tenant, KillScope scope, AgentId? agent, string? skill, string by, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var (name, word) = (tenant?.Value ?? EveryTenant, KillSwitch.WordOf(scope));
        await using var batch = BatchOf(
            tenant, Sql.Command(ReleaseSql, name, word, agent?.Value, skill, at, by), Sql.Command(ThatKillSql, name, word, agent?.Value, skill));
        await using var reader = await FirstAsync(batch, cancellationToken);
        await reader.ReadAsync(cancellationToken);
        if (await reader.IsDBNullAsync(0, cancellationToken))
            return null;
        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return KillOf(reader);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<KillSwitch>> ListKillSwitchesAsync(TenantId tenant, int limit, CancellationToken cancellationToken)
    {
        await using var batch = BatchOf(tenant, Sql.Command(KillsSql, tenant.Value, limit));
        await using var reader = await FirstAsync(batch, cancellationToken);
        return await ReadAllAsync(reader, KillOf, cancellationToken);
    }

    private NpgsqlBatch BatchOf(TenantId? tenant, params ReadOnlySpan<NpgsqlBatchCommand> commands)
    {
        var batch = source.CreateBatch();
        batch.BatchCommands.Add(tenant is { } named ? Sql.NameTenant(named) : Sql.Command("SELECT set_config('runproof.tenant_id', '', true)"));
        foreach (var command in commands)
            batch.BatchCommands.Add(command);
        return batch;
    }

    // The first result is the tenant's naming.
    private static async Task<NpgsqlDataReader> FirstAsync(NpgsqlBatch batch, CancellationToken cancellationToken)
    {
        var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        return reader;
    }

    private static async Task<List<T>> ReadAllAsync<T>(NpgsqlDataReader reader, Func<DbDataReader, T> read, CancellationToken cancellationToken)
    {
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));
        return rows;
    }

    private static Budget BudgetOf(DbDataReader row, TenantId tenant) => new()
    {
        TenantId = tenant,
        Id = row.GetString(0),
        Version = row.GetInt32(1),
        Scope = (BudgetScope)IndexOf(BudgetWords.AllScopes, row.GetString(2)),
        Period = (BudgetPeriod)IndexOf(BudgetWords.AllPeriods, row.GetString(3)),
        Zone = row.GetString(4),
        AgentId = row.TextOrNull(5) is { } agent ? AgentId.Parse(agent) : null,
        Limits = new BudgetLimits(row.IsDBNull(6) ? null : Amount(row, 6), WholeOrNull(row, 7), WholeOrNull(row, 8), WholeOrNull(row, 9), WholeOrNull(row, 10)),
        OnExceeded = (OnExceeded)IndexOf(BudgetWords.AllEnds, row.GetString(11)),
        StoredDigest = new Digest(row.GetFieldValue<byte[]>(12)),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(13),
        CreatedBy = row.GetString(14),
        IsActive = row.GetBoolean(15),
    };

    private static BudgetUsage UsageOf(DbDataReader row)
    {
        var start = row.GetFieldValue<DateOnly>(1);
        return new BudgetUsage(
            row.GetString(0) is { Length: > 0 } agent ? AgentId.Parse(agent) : null, start == new DateOnly(1970, 1, 1) ? null : start,
            Amount(row, 2), Whole(row, 3), row.GetInt64(4), row.GetInt64(5))
        {
            ReservedCostCents = Amount(row, 6), ReservedTokens = Whole(row, 7),
        };
    }

    private static KillSwitch KillOf(DbDataReader row) => new()
    {
        TenantId = row.GetString(0) is var tenant && tenant == EveryTenant ? null : TenantId.Parse(tenant),
        Number = row.GetInt32(1),
        Scope = row.GetString(2) switch
        {
            "tenant" => KillScope.Tenant,
            "agent" => KillScope.Agent,
            "skill" => KillScope.Skill,
            _ => KillScope.All,
        },
        AgentId = row.TextOrNull(3) is { } agent ? AgentId.Parse(agent) : null,
        Skill = row.TextOrNull(4),
        Graceful = row.GetBoolean(5),
        Reason = row.GetString(6),
        SetAt = row.GetFieldValue<DateTimeOffset>(7),
        SetBy = row.GetString(8),
        ReleasedAt = row.IsDBNull(9) ? null : row.GetFieldValue<DateTimeOffset>(9),
        ReleasedBy = row.TextOrNull(10),
    };

    private static int IndexOf(IReadOnlyList<string> words, string word)
    {
        for (var i = 0; i < words.Count; i++)
        {
            if (words[i] == word)
                return i;
        }

        throw new InvalidOperationException($"a budget says \"{word}\"");
    }

    // A sum of many may have more digits than a decimal holds: what is told then is the most that it can hold.
    private static decimal Amount(DbDataReader row, int column)
    {
        try
        {
            return row.GetDecimal(column);
        }
        catch (OverflowException)
        {
            return decimal.MaxValue;
        }
    }

    private static long Whole(DbDataReader row, int column) => (long)Math.Min(Amount(row, column), long.MaxValue);

    private static long? WholeOrNull(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);
}
