using RunProof.Format;
using RunProof.Keys;
using RunProof.Ledger;
using RunProof.Testing;

namespace RunProof.Postgres.Tests;

/// <summary>A sealed log on a database of its own, and an auditor with the verifier's rights.</summary>
internal sealed class AuditDesk : IAsyncDisposable
{
    internal const string Origin = "test.example/acme";

    private AuditDesk(LogDesk log) => (Log, Source) = (log, new PostgresAuditSource(log.Verifier));

    internal LogDesk Log { get; }

    internal PostgresAuditSource Source { get; }

    internal TenantId Tenant => Log.Tenant;

    internal static async Task<AuditDesk> SetUpAsync(PostgresFixture postgres, int traces = 0, int steps = 2)
    {
        var desk = new AuditDesk(await LogDesk.SetUpAsync(postgres));
        if (traces > 0)
        {
            await desk.Log.RecordAsync(0, traces, steps);
            await desk.SealAsync();
        }

        return desk;
    }

    internal Task<(int Entered, int Quarantined)> SealAsync(NoteSigner? key = null) => SealingFaults.DrainAsync(SealingFaults.Sealer(Log.Store, Log.Evidence, key), Tenant);

    internal static AuditOptions Options(params NoteSigner[] keys) => new()
    {
        Keys = [.. (keys.Length > 0 ? keys : [SealingFaults.Key]).Select(key => SealingFaults.Verifier(key, Origin))],
        VerifierOf = static key => NoteVerifier.TryCreate(key, out var verifier, out _) ? verifier : null,
        Workers = 2,
        Range = 4,
    };

    internal Task<AuditReport> AuditAsync(AuditOptions? options = null, AuditState? prior = null, Action<AuditTick>? tick = null, Action<AuditState>? save = null, TimeProvider? clock = null, CancellationToken cancellationToken = default) =>
        LogAudit.RunAsync(Source, Log.Reader, Log.Evidence, Tenant, prior, options ?? Options(), clock ?? TimeProvider.System, tick, save, cancellationToken);

    /// <summary>Switches one table's triggers off for a statement.</summary>
    internal Task ForceAsync(string table, string sql) => Log.ForceAsync(sql, table);

    /// <summary>What a superuser does who wants a free hand: no trigger, no check, no foreign key is left.</summary>
    internal async Task TamperAsync(string sql)
    {
        await using var command = Log.Recording.Admin.CreateCommand(
            """
            DO $$ DECLARE c record; BEGIN
              FOR c IN SELECT conrelid::regclass AS name, conname FROM pg_constraint WHERE contype IN ('c', 'f') AND connamespace IN ('public'::regnamespace, 'runproof'::regnamespace) LOOP
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', c.name, c.conname);
              END LOOP;
              FOR c IN SELECT oid::regclass AS name FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'runproof'::regnamespace) LOOP
                EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', c.name);
              END LOOP;
            END $$
            """);
        await command.ExecuteNonQueryAsync();
        await using var tamper = Log.Recording.Admin.CreateCommand(sql);
        await tamper.ExecuteNonQueryAsync();
    }

    /// <summary>A run's record, as the runner leaves it.</summary>
    internal async Task RunAsync(string run, string status)
    {
        var (started, completed) = (status is "queued" ? "NULL" : "now()", status is "queued" or "running" ? "NULL" : "now()");
        await Log.Recording.AskAsync<int>(
            """
            WITH t AS (INSERT INTO runproof.tenants (tenant_id) VALUES ('acme') ON CONFLICT DO NOTHING),
              a AS (INSERT INTO agents (id, tenant_id, name, created_at) VALUES ('agent-7', 'acme', 'agent', now()) ON CONFLICT DO NOTHING)
            SELECT 1
            """);
        await ForceAsync(
            "runs",
            $"""
            INSERT INTO runs (id, tenant_id, agent_id, goal, origin_system_id, correlation_id, planner, plan_json, plan_redacted, status, seed, is_synthetic, created_at, started_at, completed_at)
              VALUES ('{run}', 'acme', 'agent-7', '"goal"', 'tests', 'corr-1', 'given', '[]', false, '{status}', 0, false, now(), {started}, {completed})
            """);
    }

    public ValueTask DisposeAsync() => Log.DisposeAsync();
}
