using System.Data.Common;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Schedules in <c>runproof.schedules</c>, under row-level security; claims go through a function of the schema.</summary>
/// <param name="source">Connections of a member of <c>runproof_runner</c>.</param>
public sealed class PostgresScheduleStore(NpgsqlDataSource source) : IScheduleStore
{
    private const string Columns =
        "tenant_id, name, cron, time_zone, request, enabled, catch_up, catch_up_limit, overlap, next_due, look_at, waiting, last_due, last_run_id, fired, skipped, "
        + "error, revision, created_at, created_by, updated_at, updated_by";

    private const string PutSql =
        $"""
        INSERT INTO runproof.schedules AS s (tenant_id, name, cron, time_zone, request, enabled, catch_up, catch_up_limit, overlap, next_due, look_at, created_at,
            created_by, updated_at, updated_by)
          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $12, $13)
          ON CONFLICT (tenant_id, name) DO UPDATE SET cron = $3, time_zone = $4, request = $5, enabled = $6, catch_up = $7, catch_up_limit = $8, overlap = $9,
            next_due = $10, look_at = $11, waiting = ARRAY[]::timestamptz[], error = NULL, revision = s.revision + 1, claimed_by = NULL, claimed_until = NULL, updated_at = $12, updated_by = $13
          RETURNING {Columns}
        """;

    private const string FindSql = $"SELECT {Columns} FROM runproof.schedules WHERE tenant_id = $1 AND name = $2";

    private const string FindManySql = $"SELECT {Columns} FROM runproof.schedules WHERE tenant_id = $1 AND name = ANY ($2)";

    private const string ListSql = $"SELECT {Columns} FROM runproof.schedules WHERE tenant_id = $1 AND ($2 IS NULL OR name > $2) ORDER BY name LIMIT $3";

    private const string RemoveSql = "DELETE FROM runproof.schedules WHERE tenant_id = $1 AND name = $2";

    private const string ClaimSql = "SELECT tenant_id, name, under_way FROM runproof.claim_schedules($1, $2, $3, $4)";

    private const string SettleSql =
        """
        UPDATE runproof.schedules
          SET next_due = $5, look_at = $6, waiting = $7, last_due = $8, last_run_id = $9, fired = $10, skipped = $11, error = $12, claimed_by = NULL, claimed_until = NULL
          WHERE tenant_id = $1 AND name = $2 AND claimed_by = $3 AND revision = $4
        """;

    private const string RunsSql =
        $"""
        SELECT {RunReader.Columns}, {RunReader.Recorded} FROM public.runs
          WHERE tenant_id = $1 AND idempotency_key >= $2 AND idempotency_key < $3 ORDER BY idempotency_key DESC LIMIT $4
        """;

    private static readonly string[] CatchUps = ["none", "last", "all"];
    private static readonly string[] Overlaps = ["skip", "allow", "queue"];

    /// <inheritdoc/>
    public async Task<(bool Created, Schedule Stored)> PutAsync(Schedule schedule, CancellationToken cancellationToken)
    {
        var stored = (await ReadAsync(
            schedule.TenantId,
            Sql.Command(
                PutSql, schedule.TenantId.Value, schedule.Name, schedule.Cron, schedule.TimeZone, schedule.RequestJson, schedule.IsEnabled, CatchUps[(int)schedule.CatchUp],
                schedule.CatchUpLimit, Overlaps[(int)schedule.Overlap], Sql.OrNull(schedule.NextDue), Sql.OrNull(schedule.LookAt), schedule.UpdatedAt, schedule.UpdatedBy),
            Read, cancellationToken))[0];
        return (stored.Revision == 1, stored);
    }

    /// <inheritdoc/>
    public async Task<Schedule?> FindAsync(TenantId tenant, string name, CancellationToken cancellationToken) =>
        await ReadAsync(tenant, Sql.Command(FindSql, tenant.Value, name), Read, cancellationToken) is [var only] ? only : null;

    /// <inheritdoc/>
    public Task<IReadOnlyList<Schedule>> ListAsync(TenantId tenant, string? after, int limit, CancellationToken cancellationToken) =>
        ReadAsync(tenant, Sql.Command(ListSql, tenant.Value, after, limit), Read, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> RemoveAsync(TenantId tenant, string name, CancellationToken cancellationToken) =>
        ChangeAsync(tenant, Sql.Command(RemoveSql, tenant.Value, name), cancellationToken);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ClaimedSchedule>> ClaimAsync(string worker, DateTimeOffset now, DateTimeOffset until, int limit, CancellationToken cancellationToken)
    {
        var claims = await ReadAsync(
            null, Sql.Command(ClaimSql, worker, now, until, limit),
            static row => (Tenant: TenantId.Parse(row.GetString(0)), Name: row.GetString(1), UnderWay: row.GetBoolean(2)), cancellationToken);
        var claimed = new List<ClaimedSchedule>(claims.Count);
        foreach (var tenant in claims.GroupBy(claim => claim.Tenant))
        {
            var underWay = tenant.ToDictionary(claim => claim.Name, claim => claim.UnderWay, StringComparer.Ordinal);
            var found = await ReadAsync(tenant.Key, Sql.Command(FindManySql, tenant.Key.Value, underWay.Keys.ToArray<string?>()), Read, cancellationToken);
            claimed.AddRange(found.Select(one => new ClaimedSchedule(one, underWay[one.Name])));
        }

        return claimed;
    }

    /// <inheritdoc/>
    public Task<bool> SettleAsync(Schedule schedule, string worker, CancellationToken cancellationToken) => ChangeAsync(
        schedule.TenantId,
        Sql.Command(
            SettleSql, schedule.TenantId.Value, schedule.Name, worker, schedule.Revision, Sql.OrNull(schedule.NextDue), Sql.OrNull(schedule.LookAt), schedule.Waiting.ToArray(),
            Sql.OrNull(schedule.LastDue), schedule.LastRunId, schedule.Fired, schedule.Skipped, schedule.Error),
        cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Run>> RunsAsync(TenantId tenant, string name, string? before, int limit, CancellationToken cancellationToken)
    {
        // Keys are ASCII in the order of their bytes; ';' comes after ':'.
        var first = $"{ScheduledRun.Prefix}{name}:";
        return ReadAsync(tenant, Sql.Command(RunsSql, tenant.Value, first, before ?? $"{ScheduledRun.Prefix}{name};", limit), RunReader.ReadTold, cancellationToken);
    }

    private static Schedule Read(DbDataReader row) => new()
    {
        TenantId = TenantId.Parse(row.GetString(0)),
        Name = row.GetString(1),
        Cron = row.GetString(2),
        TimeZone = row.GetString(3),
        RequestJson = row.GetString(4),
        IsEnabled = row.GetBoolean(5),
        CatchUp = (CatchUp)Array.IndexOf(CatchUps, row.GetString(6)),
        CatchUpLimit = row.GetInt32(7),
        Overlap = (Overlap)Array.IndexOf(Overlaps, row.GetString(8)),
        NextDue = row.TimeOrNull(9),
        LookAt = row.TimeOrNull(10),
        Waiting = row.GetFieldValue<DateTimeOffset[]>(11),
        LastDue = row.TimeOrNull(12),
        LastRunId = row.TextOrNull(13),
        Fired = row.GetInt64(14),
        Skipped = row.GetInt64(15),
        Error = row.TextOrNull(16),
        Revision = row.GetInt64(17),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(18),
        CreatedBy = row.GetString(19),
        UpdatedAt = row.GetFieldValue<DateTimeOffset>(20),
        UpdatedBy = row.GetString(21),
    };

    private async Task<bool> ChangeAsync(TenantId tenant, NpgsqlBatchCommand change, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.NameTenant(tenant));
        batch.BatchCommands.Add(change);
        await batch.ExecuteNonQueryAsync(cancellationToken);
        return change.RecordsAffected == 1;
    }

    private async Task<IReadOnlyList<T>> ReadAsync<T>(TenantId? tenant, NpgsqlBatchCommand query, Func<DbDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        if (tenant is { } named)
            batch.BatchCommands.Add(Sql.NameTenant(named));
        batch.BatchCommands.Add(query);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (tenant is not null)
            await reader.NextResultAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));
        return rows;
    }
}
