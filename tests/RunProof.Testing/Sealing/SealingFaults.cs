using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Ledger;
using Xunit;

namespace RunProof.Testing;

/// <summary>A log under test: a store, what reads it, and a way to record traces that are then queued.</summary>
public interface ILogBench
{
    /// <summary>The tenant.</summary>
    TenantId Tenant { get; }

    /// <summary>The store.</summary>
    ILogStore Store { get; }

    /// <summary>Its reader.</summary>
    ILogReader Reader { get; }

    /// <summary>The evidence.</summary>
    IEvidenceStore Evidence { get; }

    /// <summary>Opens traces and seals them; both are queued.</summary>
    Task RecordAsync(int first, int count);

    /// <summary>Changes a column of a sealed trace behind everybody's back.</summary>
    Task TamperAsync(int trace);

    /// <summary>The trace's id.</summary>
    static string TraceOf(int number) => string.Create(CultureInfo.InvariantCulture, $"trace_run-{number:D4}");
}

/// <summary>Where a write fails.</summary>
public enum FaultPoint
{
    /// <summary>The commit with which a log begins.</summary>
    FirstCommit,

    /// <summary>A later commit, of a few entries.</summary>
    LaterCommit,

    /// <summary>A commit that fills a tile and begins others.</summary>
    CommitAcrossTiles,

    /// <summary>A commit of entries and of what goes to quarantine.</summary>
    CommitWithQuarantine,

    /// <summary>A commit of which all goes to quarantine.</summary>
    CommitOfQuarantineAlone,

    /// <summary>The commit that hands the log over to another key.</summary>
    HandOver,

    /// <summary>Publication of a first checkpoint that was cosigned.</summary>
    FirstPublication,

    /// <summary>Publication of a later one.</summary>
    LaterPublication,
}

/// <summary>
/// The table of faults: every write of sealing, each lost, and each persisted but reported as failed. Whatever happened, calling again ends in a log that a
/// second implementation of the tree accepts, in which nothing that was recorded is missing and nothing is twice.
/// </summary>
public static class SealingFaults
{
    /// <summary>Every point with every fault.</summary>
    public static TheoryData<FaultPoint, WriteFault> Cases
    {
        get
        {
            var cases = new TheoryData<FaultPoint, WriteFault>();
            foreach (var point in Enum.GetValues<FaultPoint>())
            {
                foreach (var fault in Enum.GetValues<WriteFault>())
                    cases.Add(point, fault);
            }

            return cases;
        }
    }

    /// <summary>The operator's key in tests.</summary>
    public static NoteSigner Key { get; } = NoteSigner.Create("test.example", NoteAlgorithm.Ed25519, [.. Enumerable.Repeat((byte)7, 32)]);

    /// <summary>The key after a rotation.</summary>
    public static NoteSigner NextKey { get; } = NoteSigner.Create("test.example", NoteAlgorithm.Ed25519, [.. Enumerable.Repeat((byte)8, 32)]);

    /// <summary>Options in tests.</summary>
    public static LogOptions Options { get; } = new() { Name = "test.example" };

    /// <summary>A sealer on a store.</summary>
    public static LogSealer Sealer(ILogStore store, IEvidenceStore evidence, NoteSigner? key = null, ICheckpointWitnesses? witnesses = null, LogOptions? options = null) => new(
        store, evidence, new CheckpointSigner(key ?? Key), witnesses, options ?? Options, TimeProvider.System, new SealingMetrics(TimeProvider.System), NullLogger<LogSealer>.Instance);

    /// <summary>Takes a log one commit further and publishes it.</summary>
    public static async Task<bool> SealAndPublishAsync(LogSealer sealer, TenantId tenant)
    {
        await sealer.SealAsync(tenant, CancellationToken.None);
        return await sealer.PublishAsync(tenant, CancellationToken.None);
    }

    /// <summary>Seals until nothing is left to do, and publishes.</summary>
    public static async Task<(int Entered, int Quarantined)> DrainAsync(LogSealer sealer, TenantId tenant)
    {
        var (entered, quarantined) = (0, 0);
        while (true)
        {
            var round = await sealer.SealAsync(tenant, CancellationToken.None);
            (entered, quarantined) = (entered + round.Entered, quarantined + round.Quarantined);
            if (round is not { Entered: 0, Quarantined: 0, Overtaken: false, MayContinue: false })
                continue;
            await sealer.PublishAsync(tenant, CancellationToken.None);
            return (entered, quarantined);
        }
    }

    /// <summary>Runs one line of the table on a fresh log.</summary>
    public static async Task RunAsync(ILogBench bench, FaultPoint point, WriteFault fault)
    {
        var store = new FaultyLogStore(bench.Store);
        var witnesses = point is FaultPoint.FirstPublication or FaultPoint.LaterPublication ? new OneWitness() : null;
        var sealer = Sealer(store, bench.Evidence, witnesses: witnesses);
        var (traces, quarantined) = (point is FaultPoint.CommitAcrossTiles ? 120 : 3, new List<string>());
        await bench.RecordAsync(0, traces);
        if (point is not (FaultPoint.FirstCommit or FaultPoint.FirstPublication))
        {
            await DrainAsync(sealer, bench.Tenant);
            await bench.RecordAsync(traces, traces);
            traces *= 2;
        }

        if (point is FaultPoint.CommitWithQuarantine or FaultPoint.CommitOfQuarantineAlone)
        {
            quarantined.Add(ILogBench.TraceOf(traces - 1));
            await bench.TamperAsync(traces - 1);
            if (point is FaultPoint.CommitOfQuarantineAlone)
            {
                await bench.TamperAsync(traces - 2);
                await bench.TamperAsync(traces - 3);
                quarantined.AddRange([ILogBench.TraceOf(traces - 2), ILogBench.TraceOf(traces - 3)]);
            }
        }

        var rotated = point is FaultPoint.HandOver ? 1 : 0;
        if (point is FaultPoint.FirstPublication or FaultPoint.LaterPublication)
            store.NextPublication = fault;
        else
            store.NextCommit = fault;
        var rotation = new KeyRotation(store, Options, TimeProvider.System);
        var failed = await Assert.ThrowsAsync<LogStoreException>(() => point is FaultPoint.HandOver
            ? rotation.HandOverAsync(bench.Tenant, new CheckpointSigner(Key), new CheckpointSigner(NextKey), CancellationToken.None)
            : SealAndPublishAsync(sealer, bench.Tenant));
        Assert.StartsWith("injected", failed.Message, StringComparison.Ordinal);

        // As after a crash: nothing of the process that failed is left.
        if (point is FaultPoint.HandOver)
        {
            var again = await rotation.HandOverAsync(bench.Tenant, new CheckpointSigner(Key), new CheckpointSigner(NextKey), CancellationToken.None);
            Assert.Equal(fault is WriteFault.Lost, again);
        }

        await DrainAsync(Sealer(store, bench.Evidence, rotated > 0 ? NextKey : null, witnesses), bench.Tenant);
        await AssertWholeAsync(bench, traces, quarantined, rotated);
    }

    /// <summary>Holds the log against what was recorded: all of traces 0 to <paramref name="traces"/> but those in quarantine, each opened, then sealed, once.</summary>
    public static async Task AssertWholeAsync(ILogBench bench, int traces, IReadOnlyCollection<string> quarantined, int rotated = 0)
    {
        var origin = Options.OriginOf(bench.Tenant);
        var report = await LogFsck.CheckAsync(bench.Reader, bench.Tenant, [Verifier(Key, origin), Verifier(NextKey, origin)], CancellationToken.None);
        Assert.Empty(report.Findings);
        var entries = new List<LoggedEntry>();
        await foreach (var entry in bench.Reader.ReadEntriesAsync(bench.Tenant, 0, long.MaxValue, CancellationToken.None))
            entries.Add(entry);
        Assert.Equal(Enumerable.Range(0, entries.Count).Select(i => (long)i), entries.Select(entry => entry.Position));
        Assert.Equal(rotated, entries.Count(entry => entry.Kind is LogEntryKind.Rotated));
        var expected = Enumerable.Range(0, traces).Select(ILogBench.TraceOf).Except(quarantined, StringComparer.Ordinal).ToList();
        foreach (var trace in expected)
            Assert.Equal((trace, "Opened Sealed"), (trace, string.Join(' ', entries.Where(entry => entry.TraceId == trace).Select(entry => entry.Kind))));
        Assert.Equal((2 * expected.Count) + rotated, entries.Count);
        var lag = await bench.Reader.ReadLagAsync(bench.Tenant, CancellationToken.None);
        Assert.Equal((0L, 0L, 2L * quarantined.Count), (lag.Queued, lag.Sealed, lag.Quarantined));
        var log = (await bench.Reader.FindAsync(bench.Tenant, CancellationToken.None))!;
        Assert.Equal(entries.Count, log.Size);
        Assert.StartsWith(log.Checkpoint, log.Published, StringComparison.Ordinal);
        var keys = await bench.Reader.ReadKeysAsync(bench.Tenant, CancellationToken.None);
        Assert.Equal(rotated > 0 ? [Key, NextKey] : new[] { Key }, keys.Select(key => key.VerifierKey == Key.Under(origin).ToString() ? Key : NextKey));
    }

    /// <summary>A verifier of a log's key.</summary>
    public static INoteVerifier Verifier(NoteSigner key, string origin) => NoteVerifier.Parse(key.Under(origin).ToString());

    /// <summary>Cosigns whatever it is shown.</summary>
    private sealed class OneWitness : ICheckpointWitnesses
    {
        private static readonly NoteSigner Signer = NoteSigner.Create("witness.example", NoteAlgorithm.CosignatureV1, [.. Enumerable.Repeat((byte)9, 32)]);

        public Task<string?> CosignAsync(TenantId tenant, string checkpoint, CancellationToken cancellationToken)
        {
            Assert.True(SignedNote.TryParse(Encoding.UTF8.GetBytes(checkpoint), out var note, out var problem), problem);
            return Task.FromResult<string?>(checkpoint + Signer.Sign(note.Text, DateTimeOffset.UnixEpoch.AddYears(50)));
        }
    }
}
