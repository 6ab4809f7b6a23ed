using System.Globalization;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution.Tests;

/// <summary>Plans whose steps depend on each other, or do not.</summary>
public sealed class PlanGraphTests
{
    private readonly SemaphoreSlim _door = new(0);

    [Fact]
    public async Task Steps_that_do_not_depend_on_each_other_are_under_way_at_once_and_all_announced()
    {
        House house = null!;
        var inside = 0;
        var all = new TaskCompletionSource<IReadOnlyList<int>>(TaskCreationOptions.RunContinuationsAsynchronously);
        house = new House(new FakeSkill("meet", async (_, _, token) =>
        {
            if (Interlocked.Increment(ref inside) == 64)
                all.SetResult([.. house.Recorder.Only.Intents.Select(intent => intent.PlanIndex)]);
            await all.Task.WaitAsync(token);
            return FakeSkill.Gives("{}");
        }));

        var outcome = await house.ExecuteAsync([.. Enumerable.Range(0, 64).Select(_ => """{"skill":"meet","depends_on":[]}""")]);

        Assert.Equal(RunStatus.Succeeded, outcome.Status);
        Assert.Equal(Enumerable.Range(0, 64), await all.Task);
        Assert.Equal(64, house.Recorder.Only.Steps.Count);
        Assert.Equal(Enumerable.Range(0, 64), house.Recorder.Only.Steps.Select(PlanIndex).Order());
    }

    [Fact]
    public async Task No_more_steps_are_under_way_than_the_process_allows()
    {
        var (inside, most) = (0, 0);
        var house = new House(new FakeSkill("work", async (_, _, _) =>
        {
            var now = Interlocked.Increment(ref inside);
            InterlockedMax(ref most, now);
            await Task.Delay(1, CancellationToken.None);
            Interlocked.Decrement(ref inside);
            return FakeSkill.Gives("{}");
        }));
        house.Options = house.Options with { MaxParallelSteps = 3 };

        await house.ExecuteAsync([.. Enumerable.Range(0, 30).Select(_ => """{"skill":"work","depends_on":[]}""")]);

        Assert.Equal(3, most);
        Assert.Equal(30, house.Recorder.Only.Steps.Count);
    }

    [Fact]
    public async Task A_step_begins_when_all_that_it_depends_on_is_recorded_and_refers_to_what_came_of_it()
    {
        House house = null!;
        IReadOnlyList<string>? recorded = null;
        house = new House(
            new FakeSkill("one", (_, _, _) => new(FakeSkill.Gives("""{"n":7}"""))),
            new FakeSkill("join", (_, _, _) =>
            {
                recorded = [.. house.Recorder.Only.Steps.Select(PlanStep)];
                return new(FakeSkill.Gives("{}"));
            }));

        await house.ExecuteAsync(
            """{"id":"last","skill":"join","depends_on":["b","a"],"params":{"a":"{{steps.a.n}}","b":"{{steps.root.n}}"}}""",
            """{"id":"a","skill":"one","depends_on":["root"]}""",
            """{"id":"b","skill":"one","depends_on":["root"]}""",
            """{"id":"root","skill":"one"}""");

        Assert.Equal("root", recorded![0]);
        Assert.Equal(["a", "b", "root"], recorded.Order());
        Assert.Equal("""{"a":7,"b":7}""", house.Recorder.Only.Steps[3].Parameters.ToString());
        Assert.Equal(0, PlanIndex(house.Recorder.Only.Steps[3]));
    }

    [Fact]
    public async Task When_a_branch_fails_the_others_end_what_they_are_at_and_nothing_begins_any_more()
    {
        var after = new FakeSkill("after", (_, _, _) => new(FakeSkill.Gives("{}")));
        var house = new House(
            new FakeSkill("slow", async (_, _, token) =>
            {
                await _door.WaitAsync(token);
                return FakeSkill.Gives("{}");
            }),
            new FakeSkill("fail", (_, _, _) => new(FakeSkill.Fails("broken"))), after);

        var run = house.ExecuteAsync(
            """{"id":"s","skill":"slow","depends_on":[]}""", """{"id":"f","skill":"fail"}""",
            """{"skill":"after","depends_on":["s"]}""", """{"skill":"after","depends_on":["f"]}""");
        await UntilAsync(() => house.Recorder.Traces.Count == 1 && house.Recorder.Only.Steps.Count == 1);
        Assert.False(run.IsCompleted);
        _door.Release();
        var outcome = await run;

        Assert.Equal((RunStatus.Failed, "broken"), (outcome.Status, outcome.ErrorCode));
        Assert.Equal([StepStatus.Failed, StepStatus.Succeeded], house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.Empty(after.Calls);
        Assert.Equal(SealStatus.Failed, house.Recorder.Only.Closing!.Status);
    }

    [Fact]
    public async Task A_failure_that_is_tolerated_stops_no_branch()
    {
        var house = new House(new FakeSkill("one", (_, _, _) => new(FakeSkill.Gives("{}"))), new FakeSkill("fail", (_, _, _) => new(FakeSkill.Fails("broken"))));

        var outcome = await house.ExecuteAsync(
            """{"id":"f","skill":"fail","on_error":"continue","depends_on":[]}""", """{"id":"a","skill":"one","depends_on":["f"]}""", """{"id":"b","skill":"one"}""");

        Assert.Equal(RunStatus.Succeeded, outcome.Status);
        Assert.Equal(3, house.Recorder.Only.Steps.Count);
    }

    [Fact]
    public async Task An_attempt_that_waits_to_be_repeated_does_not_hold_the_others_up()
    {
        var tries = 0;
        var house = new House(
            new FakeSkill("shaky", (_, _, _) => new(++tries == 1 ? FakeSkill.Fails("busy", retryable: true) : FakeSkill.Gives("{}"))),
            new FakeSkill("one", (_, _, _) => new(FakeSkill.Gives("{}"))));

        await house.DriveAsync(house.ExecuteAsync(
            """{"id":"r","skill":"shaky","on_error":"retry","retry":{"backoff_ms":60000,"max_backoff_ms":60000},"depends_on":[]}""",
            """{"id":"a","skill":"one"}""", """{"id":"b","skill":"one","depends_on":["a"]}"""));

        Assert.Equal("r", PlanStep(house.Recorder.Only.Steps[^1]));
        Assert.Equal([0, 0, 0, 1], house.Recorder.Only.Steps.Select(step => step.RetryCount));
    }

    [Fact]
    public async Task After_a_crash_every_step_under_way_is_repeated_or_recorded_interrupted_and_what_is_over_stays_over()
    {
        var safeCalls = 0;
        var again = false;
        var house = new House(
            new FakeSkill("one", (_, _, _) => new(FakeSkill.Gives("""{"n":1}"""))),
            new FakeSkill("safe", async (_, _, token) =>
            {
                Interlocked.Increment(ref safeCalls);
                if (!again)
                    await Task.Delay(Timeout.Infinite, token);
                return FakeSkill.Gives("{}");
            }) { Idempotent = true },
            new FakeSkill("unsafe", async (_, _, token) =>
            {
                await Task.Delay(Timeout.Infinite, token);
                return FakeSkill.Gives("{}");
            }));
        var planned = house.Planned(
            """{"id":"done","skill":"one","depends_on":[]}""", """{"id":"safe_1","skill":"safe"}""", """{"id":"safe_2","skill":"safe"}""",
            """{"id":"unsafe","skill":"unsafe","on_error":"continue"}""", """{"id":"join","skill":"one","depends_on":["done","safe_1","safe_2","unsafe"]}""");
        using var stop = new CancellationTokenSource();
        var first = house.Engine.ExecuteAsync(planned, null, RunControl.Of(stop.Token));
        await UntilAsync(() => house.Recorder.Traces.Count == 1 && house.Recorder.Only.Steps.Count == 1 && Volatile.Read(ref safeCalls) == 2);
        // The process is gone as of now: whatever it still writes is refused.
        house.Recorder.Only.Epoch++;
        await stop.CancelAsync();
        await first;
        again = true;
        var next = house.Next("worker-2");
        house.Runs.Put(planned.Run with { Worker = "dead", LeaseUntil = house.Clock.GetUtcNow() - TimeSpan.FromSeconds(1) });

        await next.WorkAsync(() => UntilAsync(() => house.Runs.Only.CompletedAt is not null));

        var steps = house.Recorder.Only.Steps;
        Assert.Equal(["done", "unsafe", "safe_1", "safe_2", "join"], steps.Select(PlanStep).Take(2).Concat(steps.Select(PlanStep).Skip(2).Take(2).Order()).Append(PlanStep(steps[4])));
        Assert.Equal(StepStatus.Interrupted, steps[1].Status);
        Assert.All(steps.Where(step => step.SkillName == "safe"), step => Assert.Contains("\"resumed\":true", step.Context!.ToString()));
        Assert.Equal(4, safeCalls);
        Assert.Equal(2, house.Skills[0].Calls.Count);
        Assert.Equal((RunStatus.Succeeded, 1), (house.Runs.Only.Status, house.Runs.Only.Attempts));
    }

    [Fact]
    public async Task A_run_is_let_go_of_when_all_its_branches_have_ended_their_step()
    {
        var house = new House(new FakeSkill("slow", async (_, _, token) =>
        {
            await _door.WaitAsync(token);
            return FakeSkill.Gives("{}");
        }));
        var planned = house.Planned(
            """{"id":"a","skill":"slow","depends_on":[]}""", """{"id":"b","skill":"slow"}""",
            """{"id":"c","skill":"slow","depends_on":["a"]}""", """{"id":"d","skill":"slow","depends_on":["b"]}""");
        using var control = new RunControl(CancellationToken.None, CancellationToken.None);
        var run = house.Engine.ExecuteAsync(planned, null, control);
        await UntilAsync(() => house.Skills[0].Calls.Count == 2);
        control.Obey(new RunWish(House.Tenant, planned.Run.Id, Pause: true, null, null));
        _door.Release(2);
        var outcome = await run;

        Assert.Equal((true, true), (outcome.Release!.BetweenSteps, outcome.Release.Pause));
        Assert.Equal(2, house.Recorder.Only.Steps.Count);
        Assert.Equal(2, house.Skills[0].Calls.Count);

        // Whoever goes on begins nothing that is not announced.
        _door.Release(2);
        house.Runs.Put(planned.Run with { Status = RunStatus.Queued, IsAttemptOpen = true, IsBetweenSteps = true, Worker = null });
        await house.Next("worker-2").WorkAsync(() => UntilAsync(() => house.Runs.Only.CompletedAt is not null));
        Assert.Equal(4, house.Recorder.Only.Steps.Count);
        Assert.Equal(RunStatus.Succeeded, house.Runs.Only.Status);
    }

    [Fact]
    public async Task A_cancelled_run_has_every_branch_interrupted_and_recorded()
    {
        var house = new House(new FakeSkill("slow", async (_, _, token) =>
        {
            await _door.WaitAsync(token);
            return FakeSkill.Gives("{}");
        }));
        var planned = house.Planned("""{"skill":"slow","depends_on":[]}""", """{"skill":"slow"}""", """{"skill":"slow"}""");
        using var control = new RunControl(CancellationToken.None, CancellationToken.None);
        var run = house.Engine.ExecuteAsync(planned, null, control);
        await UntilAsync(() => house.Skills[0].Calls.Count == 3);
        control.Obey(new RunWish(House.Tenant, planned.Run.Id, Pause: false, "ops", "enough"));
        var outcome = await run;

        Assert.Equal((RunStatus.Cancelled, "ops"), (outcome.Status, outcome.CancelBy));
        Assert.Equal([StepStatus.Interrupted, StepStatus.Interrupted, StepStatus.Interrupted], house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.All(house.Recorder.Only.Steps, step => Assert.Equal("cancelled", step.OutcomeCode));
        Assert.Equal(SealStatus.Aborted, house.Recorder.Only.Closing!.Status);
    }

    [Fact]
    public async Task Steps_that_ended_while_the_store_was_away_are_recorded_when_it_is_back()
    {
        House house = null!;
        house = new House(
            new FakeSkill("one", async (_, _, _) =>
            {
                await UntilAsync(() => house.Skills[1].Calls.Count == 2);
                return FakeSkill.Gives("{}");
            }),
            new FakeSkill("slow", async (_, _, token) =>
            {
                await _door.WaitAsync(token);
                return FakeSkill.Gives("{}");
            }));
        house.Recorder.Fail("append 0", Fault.Lost);
        var planned = house.Planned("""{"id":"a","skill":"one","depends_on":[]}""", """{"id":"b","skill":"slow"}""", """{"id":"c","skill":"slow"}""");
        var run = house.Engine.ExecuteAsync(planned, null, RunControl.Of(default));
        await UntilAsync(() => house.Recorder.Writes.Contains("append 0"));
        _door.Release(2);
        var outcome = await run;
        house.Recorder.Heal();

        await house.Evidence.SettleAsync(planned.Run, outcome.Unsettled!, default);

        Assert.Equal(["a", "b", "c"], house.Recorder.Only.Steps.Select(PlanStep).Order());
        Assert.All(house.Recorder.Only.Steps, step => Assert.Equal(StepStatus.Succeeded, step.Status));
        Assert.Contains("\"steps\":3", house.Recorder.Only.Closing!.Metadata!.ToString());
    }

    [Fact]
    public async Task Outcomes_that_no_step_refers_to_any_more_are_not_kept()
    {
        var house = new House(new FakeSkill("one", (_, _, _) => new(FakeSkill.Gives("{}"))));
        var plan = house.Plan("""{"id":"a","skill":"one"}""", """{"id":"b","skill":"one","params":{"x":"{{steps.a}}"}}""", """{"id":"c","skill":"one"}""");
        var schedule = new Schedule(plan.Steps, keepsAll: false);
        var kept = new List<int>();
        while (schedule.TryTake(out var index, out _))
        {
            schedule.End(index, new StepEnd(StepStatus.Succeeded, CanonicalJson.FromCanonicalBytes("{}"u8.ToArray()), null));
            kept.Add(schedule.Kept);
        }

        Assert.Equal([1, 0, 0], kept);
        Assert.True(schedule.IsOver);
        await Task.CompletedTask;
    }

    internal static int PlanIndex(StepRecording step) => Member(step, "plan_index").GetInt32();

    internal static string PlanStep(StepRecording step) => Member(step, "plan_step").GetString()!;

    internal static async Task UntilAsync(Func<bool> condition)
    {
        var deadline = DateTime.UtcNow.AddSeconds(20);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < deadline, "it never came");
            await Task.Delay(2, CancellationToken.None);
        }
    }

    private static System.Text.Json.JsonElement Member(StepRecording step, string name)
    {
        using var context = step.Context!.ToDocument();
        return context.RootElement.GetProperty(name).Clone();
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most))
            Interlocked.CompareExchange(ref most, value, seen);
    }
}
