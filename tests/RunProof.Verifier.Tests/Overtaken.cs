using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Testing;
using RunProof.Verification;

namespace RunProof.Verifier.Tests;

/// <summary>
/// A run goes on while its proof is made: the snapshot is older than what the log says by then. That is not evidence that was taken away, which the same
/// difference would be in a younger snapshot.
/// </summary>
public sealed class Overtaken(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly DateTimeOffset Start = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    private AttackScene _scene = null!;

    public async ValueTask InitializeAsync() => _scene = await AttackScene.StartAsync(postgres);

    public ValueTask DisposeAsync() => _scene.DisposeAsync();

    [Fact]
    public async Task A_trace_that_was_sealed_meanwhile_has_not_lost_its_seal()
    {
        await _scene.BeginAsync("run", "acme", Start);
        await using var recorder = _scene.Recorder();
        var session = await AttackScene.OpenAsync(recorder, "run", "acme", Start);
        await session.AppendAsync(AttackScene.Step("run", 0, Start), null, default);
        var early = await OpenAsync();
        await session.SealAsync(new TraceClosing { Status = SealStatus.Completed, CompletedAt = Start.AddSeconds(1) }, default);
        await _scene.IncludedAsync("run");
        Assert.Equal("VERIFIED", await ProveAsync(early));
        var read = await RecomputeAsync(await OpenAsync());
        Assert.Equal(VerificationStatus.Verified, read!.Report!.Verdict.Status);
    }

    [Fact]
    public async Task A_trace_that_is_handed_out_was_sealed_meanwhile_too()
    {
        await _scene.BeginAsync("run", "acme", Start);
        await using var recorder = _scene.Recorder();
        var session = await AttackScene.OpenAsync(recorder, "run", "acme", Start);
        var early = await OpenAsync();
        await session.SealAsync(new TraceClosing { Status = SealStatus.Completed, CompletedAt = Start.AddSeconds(1) }, default);
        await _scene.IncludedAsync("run");
        var read = await RecomputeAsync(early);
        Assert.Equal(VerificationStatus.Verified, read!.Report!.Verdict.Status);
    }

    [Fact]
    public async Task A_trace_that_was_opened_meanwhile_is_not_missing()
    {
        var early = await OpenAsync();
        await _scene.RunAsync("run", at: Start);
        Assert.Equal("VERIFIED", await ProveAsync(early));
    }

    [Fact]
    public async Task A_trace_that_is_open_still_is_told_as_open()
    {
        await _scene.BeginAsync("run", "acme", Start);
        await using var recorder = _scene.Recorder();
        await AttackScene.OpenAsync(recorder, "run", "acme", Start);
        Assert.Equal("UNSUPPORTED", await ProveAsync(await OpenAsync()));
    }

    private Task<IEvidenceSnapshot> OpenAsync() => new PostgresEvidenceStore(_scene.Auditor).OpenAsync(AttackScene.Tenant, default);

    private async Task<string> ProveAsync(IEvidenceSnapshot early)
    {
        var reader = new ProofReader(new EarlyStore(early, new PostgresEvidenceStore(_scene.Auditor)), new PostgresRunStore(_scene.Admin), Log(), TimeProvider.System);
        await using var proof = await reader.OpenAsync(new ProofRequest(AttackScene.Tenant, RunId.Parse("run"), IntegrityModel.HashChain, IncludePayloads: false), default);
        return proof!.Answer.VerificationStatus;
    }

    private Task<RecomputedTrace?> RecomputeAsync(IEvidenceSnapshot early) =>
        new TraceRecomputation(new EarlyStore(early, new PostgresEvidenceStore(_scene.Auditor)), Log()).ReadAsync(AttackScene.Tenant, RunId.Parse("run"), trace: null, static _ => true, default);

    private LogEvidenceReader Log() => new(new PostgresLogReader(_scene.Auditor), static () => null);

    /// <summary>The first snapshot was opened before something happened.</summary>
    private sealed class EarlyStore(IEvidenceSnapshot early, IEvidenceStore store) : IEvidenceStore
    {
        private IEvidenceSnapshot? _early = early;

        public async Task<IEvidenceSnapshot> OpenAsync(TenantId tenant, CancellationToken cancellationToken) =>
            Interlocked.Exchange(ref _early, null) ?? await store.OpenAsync(tenant, cancellationToken);
    }
}
