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

    internal Task ForceAsync(string table, string sql) => Log.ForceAsync(sql, table);

    public ValueTask DisposeAsync() => Log.DisposeAsync();
}
