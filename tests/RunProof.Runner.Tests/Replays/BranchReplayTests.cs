using System.Text.Json;
using RunProof.Testing;
using RunProof.Verification;

namespace RunProof.Runner.Tests;

/// <summary>Replays of runs whose steps do not come one after the other: branches, attempts, growing plans, people, runs that were broken off.</summary>
public sealed class BranchReplayTests(ReplayScene scene) : IClassFixture<ReplayScene>
{
    private static int _agents;

    [Fact]
    public async Task Branches_that_end_in_another_order_are_equal_and_the_report_counts_them()
    {
        const string Plan =
            """
            [{"id":"a","skill":"meet","params":{"key":"order_a"},"depends_on":[]},{"id":"b","skill":"meet","params":{"key":"order_b"},"depends_on":[]},
             {"id":"both","skill":"echo","params":{"message":"{{steps.a.met}} {{steps.b.met}}"},"depends_on":["a","b"]}]
            """;
        var run = await RunHeldAsync(ApiClient.Run(scene.Agent, Plan), "/api/v1/runs", "order_b");
        var replay = await RunHeldAsync("{}", $"/api/v1/runs/{run["run_id"]}/replay", "order_a");

        Assert.Equal(["a", "b", "both"], await StepsAsync(run));
        Assert.Equal(["b", "a", "both"], await StepsAsync(replay));
        var report = await scene.ReportAsync(replay);
        Assert.Equal(("equal", 3, 0, 0, 1), (report.Status, report.StepsCompared, report.DivergenceCount, report.StoredDivergences, report.StepsReordered));
        Assert.Equal(("VERIFIED", "VERIFIED"), (report.Replay.VerificationStatus, report.Origin.VerificationStatus));

        await scene.TamperAsync($"UPDATE aos_trace_steps SET outcome_data = replace(outcome_data, 'order_b', 'order_a') WHERE trace_id = '{replay["trace_id"]}'");
        report = await scene.ReportAsync(replay);
        Assert.Equal(("not_verified", "FAILED"), (report.Status, report.Replay.VerificationStatus));
    }

    [Fact]
    public async Task A_branch_that_ended_the_run_does_not_keep_a_replay_from_what_the_others_had_done_before()
    {
        scene.World["early_b"] = null;
        const string Plan =
            """
            [{"id":"b","skill":"meet","params":{"key":"early_b"},"depends_on":[]},{"id":"a","skill":"meet","params":{"key":"early_a"},"depends_on":[]},
             {"id":"a2","skill":"meet","params":{"key":"early_a2"},"depends_on":["a"]},{"id":"never","skill":"send","params":{},"depends_on":["b","a2"]}]
            """;
        var run = await RunHeldAsync(ApiClient.Run(scene.Agent, Plan), "/api/v1/runs", "early_b", after: 2);
        Assert.Equal("failed a a2 b", $"{run["status"]} {string.Join(' ', await StepsAsync(run))}");

        // Now the branch fails at once, before the others have done anything.
        var replay = await RunHeldAsync("{}", $"/api/v1/runs/{run["run_id"]}/replay", "early_a");

        Assert.Equal(["b", "a", "a2"], await StepsAsync(replay));
        await EqualAsync(replay, 3, "failed");
        Assert.Equal(run.Body.GetProperty("error").GetRawText(), replay.Body.GetProperty("error").GetRawText());
    }

    [Fact]
    public async Task A_branch_that_is_faster_now_does_not_go_beyond_what_its_origin_had_done_when_it_failed()
    {
        scene.World["late_b"] = null;
        var (plan, sent) = (
            """
            [{"id":"b","skill":"meet","params":{"key":"late_b"},"depends_on":[]},{"id":"a","skill":"meet","params":{"key":"late_a"},"depends_on":[]},
             {"id":"beyond","skill":"send","params":{},"depends_on":["a"]}]
            """, scene.Sent);
        scene.Hold("late_a");
        scene.Hold("late_b");
        var id = await scene.BeginAsync(ApiClient.Run(scene.Agent, plan));
        await scene.MetAsync("late_a", 1);
        scene.LetGo("late_b");
        await scene.RecordedAsync(id, 1);
        scene.LetGo("late_a");
        var run = await scene.EndAsync(id);
        Assert.Equal("failed b a", $"{run["status"]} {string.Join(' ', await StepsAsync(run))}");

        var replay = await RunHeldAsync("{}", $"/api/v1/runs/{run["run_id"]}/replay", "late_b");

        Assert.Equal(["a", "b"], await StepsAsync(replay));
        Assert.Equal(sent, scene.Sent);
        await EqualAsync(replay, 2, "failed");
    }

    [Fact]
    public async Task Attempts_in_branches_are_held_against_the_same_attempts()
    {
        var run = await scene.RunAsync(
            """
            [{"id":"a","skill":"stumble","params":{"times":2},"on_error":"retry","retry":{"backoff_ms":1},"depends_on":[]},
             {"id":"b","skill":"stumble","params":{"times":1},"on_error":"retry","retry":{"backoff_ms":1},"depends_on":[]},
             {"id":"c","skill":"echo","params":{"message":"{{steps.a.done}}"},"depends_on":["a"]}]
            """);

        foreach (var body in (string[])["{}", """{"mode":"dry"}"""])
            await EqualAsync(await scene.DeriveAsync(run, "replay", body), 6, "completed");
    }

    [Fact]
    public async Task Skipped_steps_and_fallbacks_are_replayed_as_they_were()
    {
        (scene.World["way"], scene.World["lost"]) = ("left", null);
        const string Plan =
            """
            [{"id":"a","skill":"look","params":{"key":"way"}},
             {"id":"left","skill":"echo","params":{"message":"left"},"condition":{"value":"{{steps.a.seen}}","equals":"left"},"depends_on":["a"]},
             {"id":"right","skill":"send","params":{},"on_error":"continue","condition":{"value":"{{steps.a.seen}}","equals":"right"},"depends_on":["a"]},
             {"id":"after_right","skill":"echo","params":{"message":"{{steps.right.number}}"},"on_error":"continue","depends_on":["right"]},
             {"id":"try","skill":"look","params":{"key":"lost"},"fallback":{"skill":"echo","params":{"message":"found elsewhere"}},"depends_on":[]},
             {"id":"said","skill":"echo","params":{"message":"{{steps.try.message}}"},"depends_on":["try"]}]
            """;
        var (run, sent) = (await scene.RunAsync(Plan), scene.Sent);
        Assert.True(run["status"] == "succeeded", run.Body.ToString());
        Assert.Equal(["skipped", "skipped"], (await scene.ReadAsync(run["trace_id"]!)).Steps.Where(step => step.Status == "skipped").Select(step => step.Status));

        foreach (var body in (string[])["{}", """{"mode":"dry"}"""])
            await EqualAsync(await scene.DeriveAsync(run, "replay", body), 7, "completed");

        // Another way now: what was skipped then is not executed, what was executed then is skipped.
        scene.World["way"] = "right";
        var report = await scene.ReplayAsync(run);
        Assert.Equal(("diverged", sent), (report.Status, scene.Sent));
        Assert.Contains(report.Divergences, each => each is { PlanStep: "left", Place: "status", Origin: "succeeded", Replay: "skipped" });
        Assert.Contains(report.Divergences, each => each is { PlanStep: "right", Place: "status", Origin: "skipped", Replay: "failed" });

        // The step that had failed succeeds now: there is no fallback, and what came back is another.
        (scene.World["way"], scene.World["lost"]) = ("left", "found");
        report = await scene.ReplayAsync(run);
        Assert.Contains(report.Divergences, each => each is { PlanStep: "try", Attempt: 0, Place: "status", Origin: "failed", Replay: "succeeded" });
        Assert.Contains(report.Divergences, each => each is { PlanStep: "try", Attempt: 1, Kind: "missing_step" });
    }

    [Fact]
    public async Task A_condition_that_looked_at_what_is_redacted_now_is_as_it_was()
    {
        scene.World["hidden"] = "password=hunter2hunter2";
        var run = await scene.RunAsync(
            """
            [{"id":"b","skill":"look","params":{"key":"hidden"}},
             {"id":"yes","skill":"echo","params":{"message":"yes"},"condition":{"value":"{{steps.b.seen}}","equals":"nothing"},"depends_on":["b"]},
             {"id":"no","skill":"echo","params":{"message":"no"},"condition":{"value":"{{steps.b.seen}}","not_equals":"nothing"},"depends_on":["b"]}]
            """);
        Assert.True(run["status"] == "succeeded", run.Body.ToString());

        foreach (var mode in (string[])["check", "dry"])
        {
            var report = await scene.ReplayAsync(run, $$"""{"mode":"{{mode}}"}""");
            Assert.True(report is { Status: "equal_as_far_as_compared", DivergenceCount: 0, StepsCompared: 3 }, report.Status + ": " + string.Join('\n', report.Divergences.Select(each => each.Message)));
        }
    }

    [Fact]
    public async Task A_step_that_fails_now_in_a_way_that_may_pass_is_not_tried_oftener_than_its_origin_was()
    {
        scene.World["shaky"] = "firm";
        var run = await scene.RunAsync("""[{"id":"a","skill":"look","params":{"key":"shaky"},"on_error":"retry","retry":{"backoff_ms":1,"when":{"codes":["not_found"]}}}]""");
        scene.World["shaky"] = null;

        var report = await scene.ReplayAsync(run);

        Assert.Equal(("diverged", 1, "failed"), (report.Status, report.Replay.Steps, report.Replay.Status));
        Assert.Equal(["outcome", "outcome", "outcome"], report.Divergences.Select(each => each.Kind));
    }

    [Fact]
    public async Task A_run_that_was_cancelled_is_replayed_as_far_as_it_went()
    {
        scene.Hold("cancelled");
        var id = await scene.BeginAsync(ApiClient.Run(
            scene.Agent, """[{"id":"a","skill":"echo","params":{"message":"x"}},{"id":"b","skill":"meet","params":{"key":"cancelled"}},{"id":"c","skill":"send","params":{}}]"""));
        await scene.MetAsync("cancelled", 1);
        await scene.Acme.PostAsync($"/api/v1/runs/{id}/cancel", "{}");
        var run = await scene.EndAsync(id);
        scene.LetGo("cancelled");
        Assert.Equal("cancelled a b", $"{run["status"]} {string.Join(' ', await StepsAsync(run))}");
        var sent = scene.Sent;

        var replay = await scene.DeriveAsync(run, "replay", "{}");

        Assert.Equal(("aborted", "origin_ended", sent), (replay["status"], replay.Body.GetProperty("error").GetProperty("code").GetString(), scene.Sent));
        var report = await scene.ReportAsync(replay);
        Assert.Equal(("equal_as_far_as_compared", 2, 0, 0), (report.Status, report.StepsCompared, report.DivergenceCount, report.StoredDivergences));
        Assert.Equal(("b", "outcome_data", "interrupted"), (report.NotComparable[0].PlanStep, report.NotComparable[0].Place, report.NotComparable[0].Why));
        Assert.Equal("equal_as_far_as_compared", (await scene.ReplayAsync(run, """{"mode":"dry"}""")).Status);
    }

    [Fact]
    public async Task A_replay_from_a_step_with_branches_before_it_takes_what_it_refers_to_from_the_record()
    {
        scene.World["from_a"] = "one";
        var run = await scene.RunAsync(
            """
            [{"id":"a","skill":"meet","params":{"key":"from_a"},"depends_on":[]},{"id":"b","skill":"meet","params":{"key":"from_b"},"depends_on":[]},
             {"id":"c","skill":"echo","params":{"message":"{{steps.a.met}}{{steps.b.met}}"},"depends_on":["a","b"]},{"id":"d","skill":"echo","params":{"message":"{{steps.a.met}}"},"depends_on":["c"]}]
            """);
        scene.World["from_a"] = "two";

        await EqualAsync(await scene.DeriveAsync(run, "replay", """{"from":2}"""), 2, "completed");
        var fork = await scene.DeriveAsync(run, "fork", """{"from_step":3}""");
        Assert.Equal("""{"message":"one"}""", Assert.Single((await scene.ReadAsync(fork["trace_id"]!)).Steps).Input.Text);
    }

    [Fact]
    public async Task An_agent_is_replayed_with_what_its_model_said_then_and_the_model_is_not_asked()
    {
        scene.World["sky"] = "seven stars";
        var run = await AgentAsync(request => request.Turn switch
        {
            0 => ModelTurn.Calls(("look", """{"key":"sky"}"""), ("meet", """{"key":"agent_b"}"""), ("echo", "{}")),
            1 => ModelTurn.Calls(("echo", """{"message":"again"}""")),
            _ => ModelTurn.Says("I have seen it."),
        });
        var (asked, steps) = (scene.Model.Requests.Count, await StepsAsync(run));
        Assert.Equal(["turn_1", "turn_1_call_1", "turn_1_call_2", "turn_1_call_3", "turn_2", "turn_2_call_1", "turn_3"], steps.Order(StringComparer.Ordinal));

        // Its calls end in another order, which is none of its doing.
        var replay = await RunHeldAsync("{}", $"/api/v1/runs/{run["run_id"]}/replay", "agent_b", after: 3);
        await EqualAsync(replay, 7, "completed");
        Assert.Equal(steps.Order(StringComparer.Ordinal), (await StepsAsync(replay)).Order(StringComparer.Ordinal));
        await EqualAsync(await scene.DeriveAsync(run, "replay", """{"mode":"dry"}"""), 7, "completed");

        // The world changes: the same steps, and where it is told.
        scene.World["sky"] = "clouds";
        var diverged = await scene.ReplayAsync(run);
        Assert.Equal(("diverged", 7, 7, "turn_1_call_1"), (diverged.Status, diverged.StepsCompared, diverged.Replay.Steps, diverged.First!.PlanStep));
        Assert.Contains(diverged.Divergences, each => each is { Kind: "parameters", PlanStep: "turn_2" });
        Assert.Equal(asked, scene.Model.Requests.Count);
    }

    [Fact]
    public async Task An_agents_answer_that_was_redacted_is_followed_by_the_recorded_steps()
    {
        var run = await AgentAsync(request => request.Turn switch
        {
            0 => ModelTurn.Calls(("send", """{"message":"password=hunter2hunter2"}"""), ("look", """{"key":"plain"}""")),
            _ => ModelTurn.Says("Sent."),
        });
        var (asked, sent) = (scene.Model.Requests.Count, scene.Sent);

        foreach (var mode in (string[])["check", "dry"])
        {
            var report = await scene.ReplayAsync(run, $$"""{"mode":"{{mode}}"}""");
            Assert.Equal(("equal_as_far_as_compared", 4, 4, 0), (report.Status, report.StepsCompared, report.Replay.Steps, report.DivergenceCount));
            Assert.Contains(report.NotComparable, each => each is { PlanStep: "turn_1", Place: "outcome_data", Why: "redacted" });
            Assert.Contains(report.NotComparable, each => each is { PlanStep: "turn_1_call_1", Place: "params", Why: "redacted" });
        }

        Assert.Equal((asked, sent), (scene.Model.Requests.Count, scene.Sent));
    }

    [Fact]
    public async Task An_agent_that_was_cancelled_is_replayed_to_where_it_was()
    {
        scene.Hold("agent_cancelled");
        scene.Answers = static _ => ModelTurn.Calls(("meet", """{"key":"agent_cancelled"}"""));
        var id = await scene.BeginAsync(AgentRun());
        await scene.MetAsync("agent_cancelled", 1);
        await scene.Acme.PostAsync($"/api/v1/runs/{id}/cancel", "{}");
        var run = await scene.EndAsync(id);
        scene.LetGo("agent_cancelled");
        var asked = scene.Model.Requests.Count;

        var replay = await scene.DeriveAsync(run, "replay", "{}");

        Assert.Equal(("aborted", "origin_ended", asked), (replay["status"], replay.Body.GetProperty("error").GetProperty("code").GetString(), scene.Model.Requests.Count));
        Assert.Equal("equal_as_far_as_compared", (await scene.ReportAsync(replay)).Status);
    }

    [Fact]
    public async Task A_step_that_a_person_approved_waits_for_another_yes_and_one_that_was_refused_is_not_asked_about()
    {
        const string Plan = """[{"id":"a","skill":"meet","params":{"key":"paid","pay":true},"depends_on":[]},{"id":"b","skill":"echo","params":{"message":"beside"},"depends_on":[]},{"id":"c","skill":"echo","params":{"message":"{{steps.a.met}}"},"depends_on":["a"]}]""";
        var id = await scene.BeginAsync(ApiClient.Run(scene.Agent, Plan));
        await scene.DecideAsync(id, "approve");
        var run = await scene.EndAsync(id);
        Assert.Equal("succeeded", run["status"]);

        // Nothing is executed, so nobody is asked.
        await EqualAsync(await scene.DeriveAsync(run, "replay", """{"mode":"dry"}"""), 3, "completed");
        var again = await scene.BeginAsync("{}", $"/api/v1/runs/{id}/replay");
        await scene.DecideAsync(again, "approve");
        await EqualAsync(await scene.EndAsync(again), 3, "completed");

        // Refused then: that stands, in either mode.
        id = await scene.BeginAsync(ApiClient.Run(scene.Agent, Plan));
        await scene.RecordedAsync(id, 1);
        await scene.DecideAsync(id, "reject");
        run = await scene.EndAsync(id);
        var met = scene.Met["paid"];
        foreach (var body in (string[])["{}", """{"mode":"dry"}"""])
            await EqualAsync(await scene.DeriveAsync(run, "replay", body), 2, "failed");
        Assert.Equal(met, scene.Met["paid"]);

        // Approved now where it was refused: another yes, and the replay says so only of itself.
        again = await scene.BeginAsync("{}", $"/api/v1/runs/{(await scene.EndAsync(again))["run_id"]}/replay");
        await scene.DecideAsync(again, "reject");
        var report = await scene.ReportAsync(await scene.EndAsync(again));
        Assert.Equal(("diverged", "outcome", "a", "status"), (report.Status, report.First!.Kind, report.First.PlanStep, report.First.Place));
    }

    private async Task<Answer> AgentAsync(Func<ModelRequest, ModelTurn> answers)
    {
        scene.Answers = answers;
        var run = await scene.EndAsync(await scene.BeginAsync(AgentRun()));
        Assert.True(run["status"] == "succeeded", run.Body.ToString());
        return run;
    }

    private string AgentRun() =>
        $$"""{"agent_id":"{{scene.Agent}}","goal":"look around, {{Interlocked.Increment(ref _agents)}}","origin_system_id":"tests","planner":"agent","model":"small","tools":["echo","look","meet","send"]}""";

    // The steps of a key wait until so many others are recorded.
    private async Task<Answer> RunHeldAsync(string body, string path, string key, int after = 1)
    {
        scene.Hold(key);
        var run = await scene.BeginAsync(body, path);
        await scene.RecordedAsync(run, after);
        scene.LetGo(key);
        return await scene.EndAsync(run);
    }

    private async Task EqualAsync(Answer replay, int steps, string ended)
    {
        var report = await scene.ReportAsync(replay);
        Assert.True(report.Status == "equal", report.Reason ?? string.Join('\n', report.Divergences.Select(each => each.Message).Concat(report.NotComparable.Select(each => each.ToString()))));
        Assert.Equal((steps, steps, 0, ended), (report.StepsCompared, report.Replay.Steps, report.StoredDivergences, report.Replay.Status));
    }

    private async Task<string[]> StepsAsync(Answer run) => [.. (await scene.ReadAsync(run["trace_id"]!)).Steps.Select(step => JsonElement.Parse(step.Context.Text!).GetProperty("plan_step").GetString()!)];
}
