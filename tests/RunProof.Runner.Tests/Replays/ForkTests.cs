using System.Text.Json;
using RunProof.Verification;

namespace RunProof.Runner.Tests;

/// <summary>Runs that go on from a step of another one.</summary>
public sealed class ForkTests(ReplayScene scene) : IClassFixture<ReplayScene>
{
    private const string Plan =
        """[{"id":"a","skill":"look","params":{"key":"fork"}},{"id":"b","skill":"send","params":{"x":"{{steps.a.seen}}"}},{"id":"c","skill":"echo","params":{"message":"{{steps.a.seen}}"}}]""";

    [Fact]
    public async Task A_fork_begins_at_its_step_with_the_outcomes_and_the_link_of_its_origin()
    {
        scene.World["fork"] = "origin";
        var run = await scene.RunAsync(Plan);
        scene.World["fork"] = "later";
        var sent = scene.Sent;

        var fork = await scene.DeriveAsync(run, "fork", """{"from_step":2}""");

        var (trace, steps) = await scene.ReadAsync(fork["trace_id"]!);
        Assert.Equal(VerificationStatus.Verified, TraceVerifier.Verify(trace, steps).Verdict.Status);
        Assert.Equal(("engine", "{\"message\":\"origin\"}"), (steps.Single().Source, steps[0].Input.Text));
        Assert.Equal(sent, scene.Sent);
        var origin = await scene.ReadAsync(run["trace_id"]!);
        var named = TraceOrigin.OfFork(trace)!;
        Assert.Equal((run["trace_id"], 2, 2, Convert.ToHexStringLower(origin.Steps[1].Link!)), (named.TraceId, named.From, named.StepIndex, named.Link));
        Assert.Equal("fork", fork.Body.GetProperty("origin").GetProperty("kind").GetString());
    }

    [Fact]
    public async Task A_fork_may_have_another_plan_and_goal_from_its_step_on()
    {
        scene.World["fork"] = "origin";
        var run = await scene.RunAsync(Plan);

        var fork = await scene.DeriveAsync(run, "fork", """{"from_step":1,"goal":"otherwise","plan":[{"id":"d","skill":"echo","params":{"message":"so {{steps.a.seen}}"}}]}""");

        var (trace, steps) = await scene.ReadAsync(fork["trace_id"]!);
        Assert.Equal(("\"otherwise\"", "{\"message\":\"so origin\"}", "given"), (trace.Goal.Text, steps.Single().Input.Text, trace.Planner));
        using var plan = JsonDocument.Parse(trace.Plan.Text!);
        Assert.Equal(["a", "d"], plan.RootElement.EnumerateArray().Select(step => step.GetProperty("id").GetString()));
        (await scene.Acme.PostAsync($"/api/v1/runs/{run["run_id"]}/fork", """{"from_step":1,"plan":[{"skill":"nothing"}]}""")).IsProblem(400, "/problems/invalid-plan").Names("plan[1].skill");
        (await scene.Acme.PostAsync($"/api/v1/runs/{run["run_id"]}/fork", """{"from_step":4,"plan":[{"skill":"echo"}]}""")).IsProblem(400, "/problems/invalid-request").Names("from_step");
    }

    [Fact]
    public async Task A_fork_whose_context_is_erased_says_that_its_origin_could_not_be_looked_at()
    {
        var run = await scene.RunAsync(Plan);
        var fork = await scene.DeriveAsync(run, "fork", """{"from_step":2}""");
        Assert.Equal(true, await Store.ScalarAsync(scene.Database, $"SELECT runproof.erase_payload('acme', '{fork["trace_id"]}', NULL, 'context', 'ada', 'asked for')"));

        var (trace, steps) = await scene.ReadAsync(fork["trace_id"]!);
        var report = TraceVerifier.Verify(trace, steps, new VerificationOptions { ForkOf = RunProof.Format.TraceId.Parse(run["trace_id"]!) });

        Assert.Equal(VerificationStatus.Verified, report.Verdict.Status);
        var origin = Assert.Single(report.Checks, check => check.Name == "ORIGIN");
        Assert.Equal(CheckStatus.NotDone, origin.Status);
        Assert.Contains(run["trace_id"]!, origin.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fork_knows_which_steps_of_its_origin_were_skipped()
    {
        var run = await scene.RunAsync(
            """[{"id":"a","skill":"echo","params":{"message":"x"}},{"id":"s","skill":"echo","params":{"message":"never"},"condition":{"value":"{{steps.a.message}}","equals":"y"}},{"id":"z","skill":"echo","params":{"message":"z"}}]""");

        var fork = await scene.DeriveAsync(
            run, "fork", """{"from_step":2,"plan":[{"id":"t","skill":"echo","params":{"message":"{{steps.s.message}}"}},{"id":"u","skill":"echo","params":{"message":"u"},"condition":{"step":"s","status":["skipped"]}}]}""");

        var (trace, steps) = await scene.ReadAsync(fork["trace_id"]!);
        Assert.Equal(VerificationStatus.Verified, TraceVerifier.Verify(trace, steps).Verdict.Status);
        Assert.Equal(["skipped", "succeeded"], steps.Select(step => step.Status));
        Assert.Contains("\"skipped\":{\"because\":\"reference\",\"step\":\"s\"}", steps[0].Context.Text, StringComparison.Ordinal);
        Assert.Equal("succeeded", fork["status"]);
    }

    [Fact]
    public async Task A_fork_of_a_tampered_origin_is_refused_before_anything_is_executed()
    {
        var run = await scene.RunAsync(Plan);
        await scene.TamperAsync($"UPDATE aos_trace_steps SET outcome_data = replace(outcome_data, 'seen', 'sent') WHERE trace_id = '{run["trace_id"]}' AND step_index = 0");
        var sent = scene.Sent;

        var fork = await scene.DeriveAsync(run, "fork", """{"from_step":1}""");

        Assert.Equal(("failed", "origin_not_verified", sent), (fork["status"], fork.Body.GetProperty("error").GetProperty("code").GetString(), scene.Sent));
    }
}
