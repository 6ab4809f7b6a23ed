using RunProof.Format;
using static RunProof.Ledger.Tests.RecorderBench;

namespace RunProof.Ledger.Tests;

/// <summary>A value that cannot be recorded is refused before it is queued, by the name of its member.</summary>
public sealed class MisuseTests
{
    public static TheoryData<string, StepRecording> WrongSteps => new()
    {
        { "DurationMs", Step() with { DurationMs = double.NaN } },
        { "DurationMs", Step() with { DurationMs = double.PositiveInfinity } },
        { "DurationMs", Step() with { DurationMs = -1 } },
        { "CostCents", Step() with { CostCents = -0.01m } },
        { "RetryCount", Step() with { RetryCount = -1 } },
        { "SkillId", Step() with { SkillId = "" } },
        { "SkillId", Step() with { SkillId = new string('x', 129) } },
        { "SkillName", Step() with { SkillName = "a\0b" } },
        { "SkillVersion", Step() with { SkillVersion = "" } },
        { "OutcomeCategory", Step() with { OutcomeCategory = new string('x', 65) } },
        { "OutcomeCode", Step() with { OutcomeCode = new string('x', 65) } },
        { "IdempotencyKey", Step() with { IdempotencyKey = new string('x', 257) } },
        { "RngStateBefore", Step() with { RngStateBefore = new string('x', 257) } },
        { "Status", Step() with { Status = (StepStatus)17 } },
        { "Source", Step() with { Source = (StepSource)17 } },
        { "ReplayBehavior", Step() with { ReplayBehavior = (ReplayBehavior)17 } },
        { "Timestamp", Step() with { Timestamp = DateTimeOffset.MaxValue } },
        { "Context", Step() with { Context = Json("[]") } },
    };

    public static TheoryData<string, TraceOpening> WrongOpenings => new()
    {
        { "tenant", Opening() with { TenantId = default } },
        { "trace", Opening() with { TraceId = default } },
        { "RunId", Opening() with { RunId = default } },
        { "CorrelationId", Opening() with { CorrelationId = default } },
        { "AgentId", Opening() with { AgentId = default(AgentId) } },
        { "OriginSystemId", Opening() with { OriginSystemId = "" } },
        { "Planner", Opening() with { Planner = new string('x', 65) } },
        { "SyntheticScenarioId", Opening() with { SyntheticScenarioId = "" } },
        { "StartedAt", Opening() with { StartedAt = DateTimeOffset.MinValue } },
        { "FrozenTimestamp", Opening() with { FrozenTimestamp = DateTimeOffset.MaxValue } },
        { "Goal", Opening() with { Goal = Json("{}") } },
        { "Plan", Opening() with { Plan = Json("{}") } },
        { "Context", Opening() with { Context = Json("1") } },
        { "FirstSteps", Opening() with { FirstSteps = new StepIntent(-1, 0, Start) } },
    };

    [Theory]
    [MemberData(nameof(WrongSteps))]
    public async Task A_step_that_cannot_be_recorded_is_refused_by_name(string member, StepRecording step)
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        var failed = await Assert.ThrowsAnyAsync<ArgumentException>(() => session.Append(step));
        Assert.Contains(member, failed.Message, StringComparison.Ordinal);
        Assert.Equal(1, bench.Store.Calls);
        await session.Append(Step());
    }

    [Theory]
    [MemberData(nameof(WrongOpenings))]
    public async Task An_opening_that_cannot_be_recorded_is_refused_by_name(string member, TraceOpening opening)
    {
        await using var bench = new RecorderBench();
        var failed = await Assert.ThrowsAnyAsync<ArgumentException>(() => bench.Recorder.OpenAsync(opening, CancellationToken.None).AsTask());
        Assert.Contains(member, failed.Message, StringComparison.Ordinal);
        Assert.Equal(0, bench.Store.Calls);
    }

    [Fact]
    public async Task A_string_without_a_canonical_form_is_refused_and_leaves_the_session_usable()
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        await Assert.ThrowsAsync<CanonicalFormatException>(() => session.Append(Step() with { SkillName = "lone \ud800 surrogate" }));
        await session.Append(Step());
        Assert.Single(bench.Stored().Steps);
    }

    public static TheoryData<RecorderOptions> WrongOptions =>
    [
        new RecorderOptions { Flushers = 0 },
        new RecorderOptions { Flushers = 17 },
        new RecorderOptions { MaxBatchEntries = 0 },
        new RecorderOptions { MaxBatchBytes = 1 },
        new RecorderOptions { QueueCapacity = 0 },
        new RecorderOptions { Attempts = 0 },
        new RecorderOptions { Backoff = TimeSpan.Zero },
        new RecorderOptions { Backoff = TimeSpan.FromSeconds(2) },
        new RecorderOptions { MaxBackoff = TimeSpan.FromHours(1) },
    ];

    [Theory]
    [MemberData(nameof(WrongOptions))]
    public void An_option_out_of_its_range_is_refused(RecorderOptions options) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new RecorderBench(options));
}
