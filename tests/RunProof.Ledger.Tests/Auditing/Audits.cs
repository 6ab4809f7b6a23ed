using RunProof.Format;
using RunProof.Keys;
using RunProof.Testing;
using RunProof.Verification;

namespace RunProof.Ledger.Tests;

/// <summary>The audit by itself, over rows that no database holds.</summary>
public sealed class Audits
{
    [Fact]
    public async Task Whatever_the_ranges_and_workers_the_result_is_the_same()
    {
        var log = new SyntheticLog(traces: 41, steps: 3);
        foreach (var (range, workers) in ((int, int)[])[(1, 1), (1, 3), (2, 2), (7, 4), (16, 2), (64, 1), (1000, 8)])
        {
            var report = await RunAsync(log, Options() with { Range = range, Workers = workers });
            Assert.Equal((VerificationStatus.Verified, 82L, 41L, 123L), (report.Status, report.Counts.Entries, report.Counts.Traces, report.Counts.Steps));
            Assert.Equal(report.Checkpoint!.Root, report.Root);
        }
    }

    [Fact]
    public async Task What_the_quick_recomputation_doubts_is_judged_by_the_verifier()
    {
        // The store that is asked then has no such trace.
        var log = new SyntheticLog(traces: 5, steps: 2) { IsTampered = true };
        var report = await RunAsync(log, Options());
        Assert.Equal(["TRACE_MISSING trace_00000004"], report.Findings.Kept.Select(finding => $"{finding.Code} {finding.TraceId}"));
    }

    [Fact]
    public async Task A_failure_that_may_pass_costs_a_range_and_not_the_audit()
    {
        var log = new FailingSource(new SyntheticLog(traces: 20, steps: 1), isTransient: true);
        var report = await LogAudit.RunAsync(log, log.Log, new NoEvidence(), SyntheticLog.Tenant, null, Options() with { Range = 8 }, TimeProvider.System, null, null, default);
        Assert.Equal((VerificationStatus.Verified, 20L), (report.Status, report.Counts.Steps));
        Assert.Equal(2, log.Failures);
        log = new FailingSource(new SyntheticLog(traces: 20, steps: 1), isTransient: false);
        await Assert.ThrowsAsync<LogStoreException>(() => LogAudit.RunAsync(log, log.Log, new NoEvidence(), SyntheticLog.Tenant, null, Options() with { Range = 8 }, TimeProvider.System, null, null, default));
    }

    [Fact]
    public async Task Options_beyond_their_limits_are_refused()
    {
        var log = new SyntheticLog(traces: 1, steps: 1);
        foreach (var wrong in (AuditOptions[])[Options() with { Workers = 0 }, Options() with { Workers = 65 }, Options() with { Range = 0 }, Options() with { From = -1 }, Options() with { ClockTolerance = TimeSpan.FromSeconds(-1) }])
            await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(log, wrong));
    }

    [Fact]
    public void Parts_of_a_tree_put_together_are_the_tree_wherever_they_were_cut()
    {
        const int Leaves = 70;
        var leaves = Enumerable.Range(0, Leaves).Select(i => Digest.Of([(byte)i])).ToArray();
        for (var first = 0; first <= Leaves; first += 3)
        {
            for (var second = first; second <= Leaves; second += 5)
            {
                var (range, tree) = (new CompactRange(0), new MerkleTree());
                foreach (var (start, end) in ((int, int)[])[(0, first), (first, second), (second, Leaves)])
                {
                    var part = new CompactRange(start);
                    foreach (var leaf in leaves[start..end])
                    {
                        part.Append(leaf);
                        tree.AppendLeafHash(leaf);
                    }

                    range.Append(part);
                    Assert.Equal(tree.Root(), range.Root());
                    Assert.Equal(tree.Edge, range.Edge);
                    Assert.Equal(tree.Root(), new CompactRange(end, range.Edge).Root());
                }
            }
        }

        Assert.Throws<ArgumentException>(() => new CompactRange(0).Append(new CompactRange(1)));
    }

    [Fact]
    public void Openings_may_come_a_little_late_and_one_clock_ahead_makes_no_other_late()
    {
        var (order, start) = (new OpeningOrder(TimeSpan.FromMinutes(10)), new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        for (var i = 0; i < 200; i++)
        {
            // Every third machine is nine minutes behind, every seventh a day ahead.
            var skew = i % 7 == 6 ? TimeSpan.FromDays(1) : i % 3 == 0 ? TimeSpan.FromMinutes(-9) : TimeSpan.Zero;
            Assert.Null(order.Take(i, start.AddSeconds(i) + skew, "trace"));
        }

        var late = order.Take(200, start.AddHours(-1), "trace_late");
        Assert.Equal((AuditCodes.ClockBackwards, 200L, "trace_late"), (late!.Code, late.Position, late.TraceId));
        // It was backdated; the next one is not measured by it.
        Assert.NotNull(order.Take(201, start.AddHours(-1), "trace_later"));
        Assert.Null(order.Take(202, start.AddSeconds(202), "trace"));
    }

    internal static Task<AuditReport> RunAsync(SyntheticLog log, AuditOptions options, Action<AuditTick>? tick = null) =>
        LogAudit.RunAsync(log, log, new NoEvidence(), SyntheticLog.Tenant, null, options, TimeProvider.System, tick, null, CancellationToken.None);

    internal static AuditOptions Options() => new()
    {
        Keys = [SealingFaults.Verifier(SealingFaults.Key, "test.example/acme")],
        VerifierOf = static key => NoteVerifier.TryCreate(key, out var verifier, out _) ? verifier : null,
    };

    /// <summary>Fails the first time that each of two ranges is read.</summary>
    private sealed class FailingSource(SyntheticLog log, bool isTransient) : IAuditSource
    {
        private readonly HashSet<long> _failed = [];

        internal SyntheticLog Log { get; } = log;

        internal int Failures => _failed.Count;

        public Task<AuditRows> ReadAsync(TenantId tenant, AuditRange range, CancellationToken cancellationToken)
        {
            lock (_failed)
                return range.First is 8 or 24 && _failed.Add(range.First) ? throw new LogStoreException(isTransient, "injected") : Log.ReadAsync(tenant, range, cancellationToken);
        }

        public IAsyncEnumerable<Stray> FindStraysAsync(TenantId tenant, CancellationToken cancellationToken) => Log.FindStraysAsync(tenant, cancellationToken);
    }

    internal sealed class NoEvidence : IEvidenceStore, IEvidenceSnapshot
    {
        public Task<IEvidenceSnapshot> OpenAsync(TenantId tenant, CancellationToken cancellationToken) => Task.FromResult<IEvidenceSnapshot>(this);

        public Task<IReadOnlyList<RecordedTrace>> ReadTracesAsync(RunId run, bool payloads, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<RecordedTrace>>([]);

        public IAsyncEnumerable<RecordedStep> ReadStepsAsync(string trace, bool payloads, CancellationToken cancellationToken) => AsyncEnumerable.Empty<RecordedStep>();

        public async IAsyncEnumerable<RecordedEvidence> ReadEvidenceAsync(
            IReadOnlyList<(string Trace, bool Steps)> traces, bool payloads, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.CompletedTask;
            foreach (var (trace, _) in traces)
                yield return new RecordedEvidence(trace, null, AsyncEnumerable.Empty<RecordedStep>());
        }

        public ValueTask DisposeAsync() => default;
    }
}
