using RunProof.Format;
using RunProof.Testing;
using static RunProof.Ledger.Tests.RecorderBench;

namespace RunProof.Ledger.Tests;

public sealed class ChainTests
{
    [Fact]
    public async Task Links_steps_root_and_root_hash_are_those_of_the_format()
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        for (var n = 0; n < 5; n++)
            await session.Append(Step(n));
        var root = await session.Seal(Closing());

        var stored = bench.Stored();
        var (goal, plan, context) = (stored.Opening.Goal, stored.Opening.Plan, stored.Opening.Context!);
        var link = IndependentChain.Header(
            $$"""{"agent_id":"agent-7","context_hash":"{{IndependentChain.Commitment(context.Salt, """{"worker":"w1"}""")}}","correlation_id":"corr-1","format":"runproof/v1","frozen_timestamp":null,"goal_hash":"{{IndependentChain.Commitment(goal.Salt, "\"say hello\"")}}","is_synthetic":false,"origin_system_id":"tests","plan_hash":"{{IndependentChain.Commitment(plan.Salt, """[{"skill":"echo"}]""")}}","planner":"given","run_id":"run-1","seed":42,"started_at":"2026-02-10T12:43:41.549430Z","synthetic_scenario_id":null,"tenant_id":"acme","trace_id":"trace_run-1"}""");
        Assert.Equal(link, stored.Opening.Link.ToString());

        var links = new List<string>();
        foreach (var (n, step) in stored.Steps.Index())
        {
            var input = IndependentChain.Commitment(step.Parameters.Salt, $$"""{"n":{{n}}}""");
            var output = IndependentChain.Commitment(step.Outcome!.Salt, $$"""{"message":"hello {{n}}"}""");
            var notes = IndependentChain.Commitment(step.Context!.Salt, """{"attempt":1,"policy":{"decision":"allowed","reason":"no policy is in force"},"worker":"w1"}""");
            link = IndependentChain.Step(link,
                $$"""{"context_hash":"{{notes}}","cost_cents":"1.5","duration_ms":12.5,"idempotency_key":"run-1:{{n}}","input_hash":"{{input}}","level":"INFO","outcome_category":"SUCCESS","outcome_code":null,"output_hash":"{{output}}","replay_behavior":"execute","retry_count":0,"rng_state_before":null,"schema":null,"skill_id":"echo","skill_name":"echo","skill_version":"1","source":"engine","status":"succeeded","step_index":{{n}},"timestamp":"2026-02-10T12:43:4{{1 + n}}.549430Z"}""");
            links.Add(link);
            Assert.Equal(link, step.Link.ToString());
        }

        var metadata = IndependentChain.Commitment(stored.Seal!.Metadata!.Salt, """{"steps":1}""");
        var expected = IndependentChain.Root(link,
            $$"""{"chain_length":5,"completed_at":"2026-02-10T12:43:50.549430Z","metadata_hash":"{{metadata}}","status":"completed","steps_root":"{{IndependentChain.TreeHash(links)}}"}""");
        Assert.Equal(expected, root.ToString());
        Assert.Equal(root, stored.Seal.RootHash);
    }

    [Fact]
    public async Task A_trace_without_steps_has_the_root_of_the_empty_tree()
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        await session.Seal(Closing(SealStatus.Aborted));
        Assert.Equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", bench.Stored().Seal!.Seal.StepsRoot.ToString());
    }

    [Fact]
    public async Task Every_payload_has_a_salt_of_its_own()
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        await session.Append(Step());
        await session.Append(Step());
        await session.Seal(Closing());
        var stored = bench.Stored();
        var payloads = stored.Steps.SelectMany(s => new[] { s.Parameters, s.Outcome!, s.Context! })
            .Concat([stored.Opening.Goal, stored.Opening.Plan, stored.Opening.Context!, stored.Seal!.Metadata!]).ToList();
        Assert.Equal(10, payloads.Select(p => Convert.ToHexString(p.Salt)).Distinct().Count());
        Assert.Equal(10, bench.Salts.Filled);
    }

    [Fact]
    public async Task Times_are_cut_to_microseconds_and_costs_lose_trailing_zeros_before_they_are_hashed_and_stored()
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        await session.Append(Step() with { Timestamp = Start.AddTicks(9).ToOffset(TimeSpan.FromHours(3)), CostCents = 2.000m, DurationMs = -0.0 });
        var step = bench.Stored().Steps[0].Step;
        Assert.Equal(Start, step.Timestamp);
        Assert.Equal(TimeSpan.Zero, step.Timestamp.Offset);
        Assert.Equal("2", step.CostCents.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.False(double.IsNegative(step.DurationMs));
    }

    [Theory]
    [InlineData(StepStatus.Succeeded, StepLevel.Info)]
    [InlineData(StepStatus.Skipped, StepLevel.Info)]
    [InlineData(StepStatus.Retrying, StepLevel.Warn)]
    [InlineData(StepStatus.Failed, StepLevel.Error)]
    [InlineData(StepStatus.Blocked, StepLevel.Error)]
    [InlineData(StepStatus.Interrupted, StepLevel.Error)]
    public async Task A_step_has_the_level_of_its_status(StepStatus status, StepLevel level)
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        await session.Append(Step() with { Status = status, Decision = Decisions.For(status) });
        Assert.Equal(level, bench.Stored().Steps[0].Step.Level);
    }

    [Fact]
    public async Task The_session_tells_the_head_it_stands_at()
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        Assert.Equal((0, bench.Stored().Opening.Link), (session.NextIndex, session.LastLink));
        var link = await session.Append(Step());
        Assert.Equal((1, link), (session.NextIndex, session.LastLink));
        Assert.Empty(session.InFlight);
    }
}
