using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution.Tests;

public sealed class RunEngineTests
{
    private static readonly SkillBody Fine = (parameters, _, _) => new(FakeSkill.Gives($$"""{"got":{{parameters.GetRawText()}},"n":7}"""));

    [Fact]
    public async Task The_trace_is_open_with_the_first_step_announced_before_anything_is_executed()
    {
        House house = null!;
        List<string>? writesBefore = null;
        StepIntents announced = default;
        house = new House(new FakeSkill("look", (_, _, _) =>
        {
            writesBefore = [.. house.Recorder.Writes];
            announced = house.Recorder.Only.Intents;
            return new(FakeSkill.Gives("{}"));
        }));

        await house.ExecuteAsync("""{"skill":"look"}""");

        Assert.Equal(["open"], writesBefore);
        Assert.Equal([new StepIntent(0, 0, house.Recorder.Only.Opening.StartedAt)], announced);
    }

    [Fact]
    public async Task Each_step_is_recorded_before_the_next_begins_and_announces_it()
    {
        House house = null!;
        var seen = new List<(int Recorded, int Announced)>();
        house = new House(new FakeSkill("look", (_, _, _) =>
        {
            seen.Add((house.Recorder.Only.Steps.Count, house.Recorder.Only.Intents.Single().PlanIndex));
            return new(FakeSkill.Gives("{}"));
        }));

        await house.ExecuteAsync("""{"skill":"look"}""", """{"skill":"look"}""", """{"skill":"look"}""");

        Assert.Equal([(0, 0), (1, 1), (2, 2)], seen);
        Assert.Equal(["open", "append 0", "append 1", "append 2", "seal"], house.Recorder.Writes);
        Assert.Empty(house.Recorder.Only.Intents);
    }

    [Fact]
    public async Task A_step_is_recorded_with_all_that_is_known_of_it()
    {
        var house = new House(new FakeSkill("work", (_, context, _) =>
        {
            context.AddCost(0.25m);
            return new(FakeSkill.Gives("""{"done":true}"""));
        }));
        var began = house.Clock.GetUtcNow();

        var outcome = await house.ExecuteAsync("""{"id":"first","skill":"work","params":{"a":1}}""");

        Assert.Equal(new RunOutcome(RunStatus.Succeeded, null, null), outcome);
        var step = Assert.Single(house.Recorder.Only.Steps);
        Assert.Equal(StepStatus.Succeeded, step.Status);
        Assert.Equal("SUCCESS", step.OutcomeCategory);
        Assert.Null(step.OutcomeCode);
        Assert.Equal("work", step.SkillId);
        Assert.Equal("work", step.SkillName);
        Assert.Equal("1.2.3", step.SkillVersion);
        Assert.Equal(Digest.Of("work"u8), step.Schema);
        Assert.Equal(ReplayBehavior.Check, step.ReplayBehavior);
        Assert.Equal(0.25m, step.CostCents);
        Assert.Equal(0, step.RetryCount);
        Assert.Equal("run-1:0", step.IdempotencyKey);
        Assert.Equal(StepSource.Engine, step.Source);
        Assert.True(step.Timestamp >= began);
        Assert.Equal("""{"a":1}""", step.Parameters.ToString());
        Assert.Equal("""{"done":true}""", step.Outcome!.ToString());
        Assert.Equal("""{"attempt":0,"plan_index":0,"plan_step":"first","worker":"worker-1"}""", step.Context!.ToString());
    }

    [Fact]
    public async Task The_header_says_on_whose_behalf_by_which_process_and_with_which_skills()
    {
        var house = new House(new FakeSkill("b", Fine), new FakeSkill("a", Fine));

        await house.ExecuteAsync("""{"skill":"a"}""");

        var opening = house.Recorder.Only.Opening;
        Assert.Equal(TraceId.Parse("trace_run-1"), opening.TraceId);
        Assert.Equal("\"do it\"", opening.Goal.ToString());
        Assert.Equal(
            $$"""{"agent_name":"Ada","policies":{},"runproof_version":"0.0.1","skills":{"a":"{{Digest.Of("a"u8)}}","b":"{{Digest.Of("b"u8)}}"},"worker":"worker-1"}""",
            opening.Context!.ToString());
        Assert.Equal("""[{"id":"step_0","on_error":"abort","params":{},"retry":null,"skill":"a","timeout_ms":3600000}]""", opening.Plan.ToString());
    }

    [Fact]
    public async Task A_failed_step_ends_the_plan_and_fails_the_run()
    {
        var after = new FakeSkill("after", Fine);
        var house = new House(new FakeSkill("fail", (_, _, _) => new(FakeSkill.Fails("http_404", outcome: """{"status_code":404}"""))), after);

        var outcome = await house.ExecuteAsync("""{"id":"f","skill":"fail"}""", """{"skill":"after"}""");

        Assert.Equal(new RunOutcome(RunStatus.Failed, "http_404", "step \"f\": it said http_404"), outcome);
        Assert.Empty(after.Calls);
        var step = Assert.Single(house.Recorder.Only.Steps);
        Assert.Equal((StepStatus.Failed, "FAILURE", "http_404"), (step.Status, step.OutcomeCategory, step.OutcomeCode));
        Assert.Equal("""{"status_code":404}""", step.Outcome!.ToString());
        Assert.Contains("""
            "error":{"code":"http_404","message":"it said http_404"}
            """.Trim(), step.Context!.ToString());
        Assert.Equal(SealStatus.Failed, house.Recorder.Only.Closing!.Status);
        Assert.Empty(house.Recorder.Only.Intents);
    }

    [Fact]
    public async Task A_failure_that_the_plan_tolerates_is_recorded_and_counted_and_the_run_succeeds()
    {
        var house = new House(new FakeSkill("fail", (_, _, _) => new(FakeSkill.Fails("nope"))), new FakeSkill("after", Fine));

        var outcome = await house.ExecuteAsync("""{"skill":"fail","on_error":"continue"}""", """{"skill":"after"}""");

        Assert.Equal(RunStatus.Succeeded, outcome.Status);
        Assert.Equal([StepStatus.Failed, StepStatus.Succeeded], house.Recorder.Only.Steps.Select(step => step.Status));
        var closing = house.Recorder.Only.Closing!;
        Assert.Equal(SealStatus.Completed, closing.Status);
        using var metadata = closing.Metadata!.ToDocument();
        Assert.Equal(2, metadata.RootElement.GetProperty("steps").GetInt32());
        Assert.Equal(1, metadata.RootElement.GetProperty("failed_steps").GetInt32());
        Assert.Equal("worker-1", metadata.RootElement.GetProperty("worker").GetString());
    }

    [Fact]
    public async Task A_tolerated_failure_does_not_excuse_another()
    {
        var house = new House(new FakeSkill("fail", (_, _, _) => new(FakeSkill.Fails("nope"))));

        var outcome = await house.ExecuteAsync("""{"skill":"fail","on_error":"continue"}""", """{"skill":"fail"}""");

        Assert.Equal(RunStatus.Failed, outcome.Status);
        Assert.Equal(SealStatus.Failed, house.Recorder.Only.Closing!.Status);
    }

    [Fact]
    public async Task Every_attempt_is_a_step_of_its_own()
    {
        var attempts = new List<(int, int, string)>();
        var house = new House(new FakeSkill("flaky", (_, context, _) =>
        {
            attempts.Add((context.StepIndex, context.Attempt, context.IdempotencyKey));
            return new(context.Attempt < 2 ? FakeSkill.Fails("http_503", retryable: true) : FakeSkill.Gives("{}"));
        }));

        var outcome = await house.ExecuteAsync("""{"skill":"flaky","on_error":"retry","retry":{"backoff_ms":200}}""");

        Assert.Equal(RunStatus.Succeeded, outcome.Status);
        Assert.Equal([(0, 0, "run-1:0"), (1, 1, "run-1:0"), (2, 2, "run-1:0")], attempts);
        var steps = house.Recorder.Only.Steps;
        Assert.Equal([StepStatus.Retrying, StepStatus.Retrying, StepStatus.Succeeded], steps.Select(step => step.Status));
        Assert.Equal([0, 1, 2], steps.Select(step => step.RetryCount));
        Assert.Equal(["http_503", "http_503", null], steps.Select(step => step.OutcomeCode));
        Assert.Equal(["FAILURE", "FAILURE", "SUCCESS"], steps.Select(step => step.OutcomeCategory));
        Assert.True(steps[1].Timestamp - steps[0].Timestamp >= TimeSpan.FromMilliseconds(200));
        Assert.True(steps[2].Timestamp - steps[1].Timestamp >= TimeSpan.FromMilliseconds(400));
        Assert.Contains("\"failed_steps\":0", house.Recorder.Only.Closing!.Metadata!.ToString());
    }

    [Fact]
    public async Task When_attempts_run_out_the_last_is_failed_and_so_is_the_run()
    {
        var house = new House(new FakeSkill("flaky", (_, _, _) => new(FakeSkill.Fails("http_503", retryable: true))));

        var outcome = await house.ExecuteAsync("""{"skill":"flaky","on_error":"retry","retry":{"max_attempts":3,"backoff_ms":1}}""");

        Assert.Equal((RunStatus.Failed, "http_503"), (outcome.Status, outcome.ErrorCode));
        Assert.Equal([StepStatus.Retrying, StepStatus.Retrying, StepStatus.Failed], house.Recorder.Only.Steps.Select(step => step.Status));
    }

    [Fact]
    public async Task A_failure_that_no_retry_can_help_is_not_tried_again()
    {
        var house = new House(new FakeSkill("broken", (_, _, _) => new(FakeSkill.Fails("http_404", retryable: false))));

        await house.ExecuteAsync("""{"skill":"broken","on_error":"retry"}""");

        Assert.Equal([StepStatus.Failed], house.Recorder.Only.Steps.Select(step => step.Status));
    }

    /// <summary>The plan's word counts in both directions, and the plan that is stored has it.</summary>
    [Theory]
    [InlineData("""["http_404"]""", "http_404", false, 2)]
    [InlineData("""["timeout","http_4*"]""", "http_404", false, 2)]
    [InlineData("""["http_5*"]""", "http_404", true, 1)]
    [InlineData("""["http_40"]""", "http_404", true, 1)]
    public async Task A_plan_says_which_failures_are_tried_again(string codes, string code, bool mayPass, int attempts)
    {
        var house = new House(new FakeSkill("broken", (_, _, _) => new(FakeSkill.Fails(code, mayPass))));

        await house.ExecuteAsync("""{"skill":"broken","on_error":"retry","retry":{"max_attempts":2,"backoff_ms":1,"when":{"codes":""" + codes + "}}}");

        Assert.Equal(attempts, house.Recorder.Only.Steps.Count);
        Assert.Contains("\"strategy\":\"exponential\",\"when\":{\"codes\":" + codes + "}}", house.Recorder.Only.Opening.Plan.ToString());
    }

    [Fact]
    public async Task Two_equal_steps_are_two_steps()
    {
        var skill = new FakeSkill("same", Fine);
        var house = new House(skill);

        await house.ExecuteAsync("""{"skill":"same","params":{"a":1}}""", """{"skill":"same","params":{"a":1}}""");

        Assert.Equal(2, skill.Calls.Count);
        Assert.Equal(["run-1:0", "run-1:1"], house.Recorder.Only.Steps.Select(step => step.IdempotencyKey));
    }

    [Fact]
    public async Task A_step_sees_what_the_steps_before_it_gave()
    {
        var skill = new FakeSkill("work", Fine);
        var house = new House(skill);

        await house.ExecuteAsync("""{"id":"a","skill":"work","params":{"x":[1]}}""", """{"skill":"work","params":{"n":"{{steps.a.n}}","t":"is {{steps.a.got.x[0]}}"}}""");

        Assert.Equal("""{"n":7,"t":"is 1"}""", skill.Calls[1]);
        Assert.Equal("""{"n":7,"t":"is 1"}""", house.Recorder.Only.Steps[1].Parameters.ToString());
    }

    [Fact]
    public async Task A_reference_without_a_value_is_a_failed_step_and_nothing_is_executed()
    {
        var skill = new FakeSkill("work", Fine);
        var house = new House(skill);

        var outcome = await house.ExecuteAsync("""{"id":"a","skill":"work"}""", """{"skill":"work","params":{"x":"{{steps.a.gone}}"}}""");

        Assert.Equal((RunStatus.Failed, "unresolved_reference"), (outcome.Status, outcome.ErrorCode));
        Assert.Single(skill.Calls);
        var step = house.Recorder.Only.Steps[1];
        Assert.Equal((StepStatus.Failed, "unresolved_reference"), (step.Status, step.OutcomeCode));
        Assert.Equal("""{"x":"{{steps.a.gone}}"}""", step.Parameters.ToString());
        Assert.Null(step.Outcome);
    }

    [Fact]
    public async Task Parameters_that_do_not_fit_once_they_are_resolved_are_a_failed_step()
    {
        var picky = new FakeSkill("picky", Fine) { Required = "url" };
        var house = new House(new FakeSkill("work", Fine), picky);

        var outcome = await house.ExecuteAsync("""{"id":"a","skill":"work"}""", """{"skill":"picky","params":{"x":"{{steps.a.n}}"}}""");

        Assert.Equal((RunStatus.Failed, "invalid_params"), (outcome.Status, outcome.ErrorCode));
        Assert.Contains("plan[1].params.url", outcome.ErrorMessage);
        Assert.Empty(picky.Calls);
        Assert.Equal("""{"x":7}""", house.Recorder.Only.Steps[1].Parameters.ToString());
    }

    [Fact]
    public async Task An_exception_that_escapes_a_skill_is_a_failed_step()
    {
        var house = new House(new FakeSkill("bad", (_, _, _) => throw new InvalidOperationException("oh \ud800 no")));

        var outcome = await house.ExecuteAsync("""{"skill":"bad"}""");

        Assert.Equal((RunStatus.Failed, "skill_exception"), (outcome.Status, outcome.ErrorCode));
        using var context = house.Recorder.Only.Steps[0].Context!.ToDocument();
        Assert.Equal("InvalidOperationException: oh \ufffd no", context.RootElement.GetProperty("error").GetProperty("message").GetString());
    }

    [Fact]
    public async Task A_skill_exception_fails_the_step_with_its_own_code()
    {
        var house = new House(new FakeSkill("bad", (_, _, _) => throw new SkillException(new SkillFailure("quota", "none left"))));

        Assert.Equal("quota", (await house.ExecuteAsync("""{"skill":"bad"}""")).ErrorCode);
    }

    [Fact]
    public async Task A_code_that_is_no_word_is_recorded_as_skill_error()
    {
        var house = new House(new FakeSkill("bad", (_, _, _) => new(FakeSkill.Fails("no word at all"))));

        Assert.Equal("skill_error", (await house.ExecuteAsync("""{"skill":"bad"}""")).ErrorCode);
        Assert.Equal("skill_error", house.Recorder.Only.Steps[0].OutcomeCode);
    }

    [Fact]
    public async Task A_step_over_its_time_is_a_timeout()
    {
        var house = new House(new FakeSkill("slow", async (_, _, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return default;
        }));

        var outcome = await house.ExecuteAsync("""{"skill":"slow","timeout_ms":1000}""");

        Assert.Equal((RunStatus.Failed, "timeout"), (outcome.Status, outcome.ErrorCode));
        var step = Assert.Single(house.Recorder.Only.Steps);
        Assert.Equal(StepStatus.Failed, step.Status);
        Assert.InRange(step.DurationMs, 1000, 60_000);
    }

    [Fact]
    public async Task A_skill_that_ignores_its_token_is_left_behind()
    {
        var never = new TaskCompletionSource<SkillOutcome>();
        var house = new House(new FakeSkill("deaf", (_, _, _) => new(never.Task)));

        var outcome = await house.ExecuteAsync("""{"skill":"deaf","timeout_ms":1000}""");

        Assert.Equal("timeout", outcome.ErrorCode);
        Assert.InRange(house.Recorder.Only.Steps[0].DurationMs, 3000, 60_000);
    }

    [Fact]
    public async Task A_timeout_is_tried_again_where_the_plan_says_retry()
    {
        var house = new House(new FakeSkill("slow", async (_, context, token) =>
        {
            if (context.Attempt == 0)
                await Task.Delay(Timeout.Infinite, token);
            return FakeSkill.Gives("{}");
        }));

        var outcome = await house.ExecuteAsync("""{"skill":"slow","timeout_ms":1000,"on_error":"retry"}""");

        // The second attempt is quick in real time, but a driven clock may count it over its time on a busy machine: either way it is tried.
        Assert.Equal((StepStatus.Retrying, "timeout"), (house.Recorder.Only.Steps[0].Status, house.Recorder.Only.Steps[0].OutcomeCode));
        Assert.True(house.Recorder.Only.Steps.Count > 1);
        Assert.NotEqual(RunStatus.Aborted, outcome.Status);
    }

    [Fact]
    public async Task A_run_with_a_frozen_time_shows_it_to_its_skills_and_times_its_evidence_truly()
    {
        var frozen = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
        DateTimeOffset seen = default;
        var house = new House(new FakeSkill("look", (_, context, _) =>
        {
            seen = context.Clock.GetUtcNow();
            return new(FakeSkill.Gives("{}"));
        }));
        var planned = house.Planned("""{"skill":"look"}""");

        await house.DriveAsync(house.Engine.ExecuteAsync(planned with { Run = planned.Run with { FrozenTimestamp = frozen } }, null, RunControl.Of(default)));

        Assert.Equal(frozen, seen);
        Assert.True(house.Recorder.Only.Steps[0].Timestamp > frozen.AddYears(1));
        Assert.Equal(frozen, house.Recorder.Only.Opening.FrozenTimestamp);
    }

    [Fact]
    public async Task A_process_that_stops_records_the_step_under_way_interrupted_and_seals_aborted()
    {
        using var stop = new CancellationTokenSource();
        var after = new FakeSkill("after", Fine);
        var house = new House(
            new FakeSkill("slow", async (_, _, token) =>
            {
                await stop.CancelAsync();
                await Task.Delay(Timeout.Infinite, token);
                return default;
            }),
            after);

        var outcome = await house.DriveAsync(house.Engine.ExecuteAsync(house.Planned("""{"skill":"slow","on_error":"continue"}""", """{"skill":"after"}"""), null, RunControl.Of(stop.Token)));

        Assert.Equal((RunStatus.Aborted, "stopped"), (outcome.Status, outcome.ErrorCode));
        Assert.Empty(after.Calls);
        var step = Assert.Single(house.Recorder.Only.Steps);
        Assert.Equal((StepStatus.Interrupted, "interrupted"), (step.Status, step.OutcomeCode));
        Assert.Equal(SealStatus.Aborted, house.Recorder.Only.Closing!.Status);
    }

    [Fact]
    public async Task A_process_that_stops_between_attempts_makes_no_more()
    {
        using var stop = new CancellationTokenSource();
        var house = new House(new FakeSkill("flaky", (_, _, _) => new(FakeSkill.Fails("http_503", retryable: true))));

        var running = house.Engine.ExecuteAsync(house.Planned("""{"skill":"flaky","on_error":"retry","retry":{"backoff_ms":600000,"max_backoff_ms":600000}}"""), null, RunControl.Of(stop.Token));
        while (!house.Recorder.Writes.Contains("append 0"))
            await Task.Delay(1);
        await stop.CancelAsync();
        var outcome = await running;

        // Another process makes the next one: it is announced and has not begun.
        Assert.True(outcome.Release is { BetweenSteps: true, Pause: false });
        Assert.Equal([StepStatus.Retrying], house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.Equal(1, house.Recorder.Only.Intents.Single().Attempt);
        Assert.Null(house.Recorder.Only.Closing);
    }

    [Fact]
    public async Task A_step_that_ends_well_while_the_process_stops_is_recorded_as_it_ended()
    {
        using var stop = new CancellationTokenSource();
        var house = new House(new FakeSkill("quick", async (_, _, _) =>
        {
            await stop.CancelAsync();
            return FakeSkill.Gives("{}");
        }));

        var outcome = await house.DriveAsync(house.Engine.ExecuteAsync(house.Planned("""{"skill":"quick"}""", """{"skill":"quick"}"""), null, RunControl.Of(stop.Token)));

        Assert.Equal([StepStatus.Succeeded], house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.True(outcome.Release is { BetweenSteps: true, Pause: false });
        Assert.Null(house.Recorder.Only.Closing);
    }

    [Theory]
    [InlineData(BackoffStrategy.Constant, new[] { 100, 100, 100 })]
    [InlineData(BackoffStrategy.Linear, new[] { 100, 200, 300 })]
    [InlineData(BackoffStrategy.Exponential, new[] { 100, 200, 350 })]
    public void Pauses_grow_as_the_plan_says_up_to_its_limit(BackoffStrategy strategy, int[] expected)
    {
        var pauses = Backoff.Of(new RetryRule { MaxAttempts = 4, BackoffMs = 100, MaxBackoffMs = 350, Strategy = strategy });

        Assert.Equal(expected, pauses.Select(pause => (int)pause.TotalMilliseconds));
    }
}
