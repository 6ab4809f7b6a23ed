using System.Globalization;
using System.Text.Json;
using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Runner.Tests;

/// <summary>Runs that ask for runs, over HTTP and a real database.</summary>
public sealed class SubRunTests(ReplayScene scene) : IClassFixture<ReplayScene>
{
    private const string Long = """[{"skill":"wait","params":{"ms":300000},"timeout_ms":600000}]""";

    [Fact]
    public async Task Two_sub_runs_side_by_side_are_bound_by_their_root_hashes_and_hand_their_outcomes_on()
    {
        var run = await scene.RunAsync(
            """
            [{"id":"first","skill":"echo","params":{"message":"seven"}},
             {"id":"a","skill":"sub_run","depends_on":["first"],"params":{"goal":"a","plan":[
               {"id":"x","skill":"echo","params":{"message":"{{steps.first.message}} of a"}},{"id":"y","skill":"echo","params":{"message":"{{steps.x.message}}!"}}]}},
             {"id":"b","skill":"sub_run","depends_on":["first"],"params":{"goal":"b","seed":3,"outcomes":["x","none"],"plan":[
               {"id":"x","skill":"echo","params":{"message":{"deep":[1]}}},{"id":"y","skill":"echo","params":{"message":2}}]}},
             {"id":"last","skill":"echo","depends_on":["a","b"],"params":{"message":"{{steps.a.outcomes.y.message}} {{steps.b.outcomes.x.message.deep[0]}}"}}]
            """);

        Assert.True(run["status"] == "succeeded", run["error"]);
        var steps = await VerifiedAsync(run);
        Assert.Equal("""{"message":"seven of a! 1"}""", steps[^1].Output.Text);
        var children = (await scene.Acme.GetAsync($"/api/v1/runs?parent={run["run_id"]}")).Body.GetProperty("items").EnumerateArray().ToDictionary(child => Text(child, "goal")!);
        Assert.Equal(["a", "b"], children.Keys.Order(StringComparer.Ordinal));
        foreach (var (goal, child) in children)
        {
            var outcome = OutcomeOf(steps, goal);
            var (trace, _) = await scene.ReadAsync(Text(child, "trace_id")!);
            Assert.Equal(
                (Text(child, "run_id"), Text(child, "trace_id"), "succeeded", 2, Convert.ToHexStringLower(trace.RootHash!)),
                (Text(outcome, "run_id"), Text(outcome, "trace_id"), Text(outcome, "status"), outcome.GetProperty("chain_length").GetInt32(), Text(outcome, "root_hash")));
            var parent = (await scene.ContextAsync(trace.TraceId)).GetProperty("parent");
            Assert.Equal(
                (run["run_id"], run["trace_id"], goal, goal == "a" ? 1 : 2),
                (Text(parent, "run_id"), Text(parent, "trace_id"), Text(parent, "plan_step"), parent.GetProperty("plan_index").GetInt32()));
            var named = child.GetProperty("parent");
            Assert.Equal((run["run_id"], run["trace_id"], goal, 1), (Text(named, "run_id"), Text(named, "trace_id"), Text(named, "plan_step"), named.GetProperty("depth").GetInt32()));
            Assert.Equal("/api/v1/runs/" + run["run_id"], Text(child.GetProperty("links"), "parent"));
            Assert.Equal((run["correlation_id"], run["origin_system_id"], run["agent_id"]), (Text(child, "correlation_id"), Text(child, "origin_system_id"), Text(child, "agent_id")));
        }

        Assert.Equal((0, 3), (children["a"].GetProperty("seed").GetInt32(), children["b"].GetProperty("seed").GetInt32()));
        Assert.Equal("""["none"]""", OutcomeOf(steps, "b").GetProperty("withheld").GetRawText());
        Assert.Equal(JsonValueKind.Null, run.Body.GetProperty("parent").ValueKind);
    }

    [Theory]
    [InlineData("""[{"skill":"nothing"}]""", "plan[1].params.plan[0].skill")]
    [InlineData("""[{"skill":"echo","params":{"massage":1}}]""", "plan[1].params.plan[0].params.massage")]
    [InlineData("""[{"skill":"echo","params":{"message":"{{steps.nobody.x}}"}}]""", "plan[1].params.plan[0].params.message")]
    [InlineData("""[{"id":"m","skill":"echo","params":{"message":"{{steps.n.message}}"}},{"id":"n","skill":"echo","params":{"message":1}}]""", "plan[1].params.plan[0].params.message")]
    [InlineData("""[{"skill":"sub_run","params":{"goal":"g","plan":[{"skill":"echo","params":{"message":1},"timeout_ms":0}]}}]""", "plan[1].params.plan[0].params.plan[0].timeout_ms")]
    [InlineData("[]", "plan[1].params.plan")]
    public async Task A_plan_that_is_written_out_is_refused_with_the_run_that_has_it(string plan, string place)
    {
        var refused = await scene.Acme.PostAsync("/api/v1/runs", ApiClient.Run(scene.Agent, $$$"""[{"id":"before","skill":"echo","params":{"message":1}},{"skill":"sub_run","params":{"goal":"g","plan":{{{plan}}}}}]"""));

        refused.IsProblem(400, "/problems/invalid-plan").Names(place);
    }

    [Fact]
    public async Task A_sub_run_that_fails_fails_its_step_and_what_it_recorded_is_bound_all_the_same()
    {
        var run = await scene.RunAsync(
            """
            [{"id":"bad","skill":"sub_run","on_error":"continue","params":{"goal":"g","plan":[{"skill":"stumble","params":{"times":9}}]}},
             {"id":"unknown","skill":"sub_run","on_error":"continue","params":{"goal":"g","agent_id":"nobody","plan":[{"skill":"echo","params":{"message":1}}]}},
             {"id":"wrong","skill":"sub_run","on_error":"continue","params":{"goal":"g","budget":{"steps":-1},"plan":[{"skill":"echo","params":{"message":1}}]}}]
            """);

        var steps = await VerifiedAsync(run);
        Assert.Equal(["sub_run_failed", "unknown_agent", "sub_run_invalid"], steps.Select(step => step.OutcomeCode));
        var outcome = OutcomeOf(steps, "bad");
        Assert.Equal(("failed", 1, 64), (Text(outcome, "status"), outcome.GetProperty("chain_length").GetInt32(), Text(outcome, "root_hash")!.Length));
        Assert.Contains("busy", ContextOf(steps[0]).GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_attempt_of_a_step_has_a_sub_run_of_its_own()
    {
        var run = await scene.RunAsync(
            """[{"id":"s","skill":"sub_run","on_error":"retry","retry":{"max_attempts":2,"backoff_ms":0},"params":{"goal":"g","plan":[{"skill":"stumble","params":{"times":9}}]}}]""");

        var steps = await VerifiedAsync(run);
        Assert.Equal(["retrying", "failed"], steps.Select(step => step.Status));
        Assert.Equal(2, steps.Select(step => Text(Parse(step.Output.Text!), "run_id")).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task A_sub_run_that_is_over_its_time_is_cancelled_and_the_step_is_a_timeout()
    {
        var run = await scene.RunAsync($$$"""[{"id":"s","skill":"sub_run","timeout_ms":1000,"params":{"goal":"g","plan":{{{Long}}}}}]""");

        Assert.Equal(("failed", "timeout"), (run["status"], Text(run.Body.GetProperty("error"), "code")));
        var steps = await VerifiedAsync(run);
        var outcome = OutcomeOf(steps, "s");
        Assert.Equal(("cancelled", 64), (Text(outcome, "status"), Text(outcome, "root_hash")!.Length));
        var child = Assert.Single(await ChildrenAsync(run));
        Assert.Equal("run " + run["run_id"], Text(Parse((await scene.ReadAsync(Text(child, "trace_id")!)).Trace.Metadata.Text!), "cancelled_by"));
    }

    [Fact]
    public async Task Who_cancels_a_run_cancels_what_it_asked_for_and_what_that_asked_for()
    {
        var run = await StartAsync($$$"""[{"id":"s","skill":"sub_run","params":{"goal":"child","plan":[{"id":"t","skill":"sub_run","params":{"goal":"grandchild","plan":{{{Long}}}}}]}}]""");
        var child = await OneAsync(run["run_id"]!, "waiting");
        var grandchild = await OneAsync(Text(child, "run_id")!, "running");

        await scene.Acme.PostAsync($"/api/v1/runs/{run["run_id"]}/cancel", """{"reason":"enough"}""");

        foreach (var id in (string?[])[run["run_id"], Text(child, "run_id"), Text(grandchild, "run_id")])
            Assert.Equal("cancelled", (await scene.Acme.GetAsync($"/api/v1/runs/{id}?wait=60"))["status"]);
        var step = Assert.Single(await VerifiedAsync(await scene.Acme.GetAsync($"/api/v1/runs/{run["run_id"]}")));
        Assert.Equal(("interrupted", "sub_run_cancelled"), (step.Status, step.OutcomeCode));
        Assert.Equal(Text(child, "run_id"), Text(Parse(step.Output.Text!), "run_id"));
    }

    [Fact]
    public async Task A_sub_run_that_somebody_cancels_fails_its_step()
    {
        var run = await StartAsync($$$"""[{"id":"s","skill":"sub_run","params":{"goal":"child","plan":{{{Long}}}}}]""");
        var child = await OneAsync(run["run_id"]!, "running");

        await scene.Acme.PostAsync($"/api/v1/runs/{Text(child, "run_id")}/cancel", """{"reason":"not this"}""");

        var ended = await scene.Acme.GetAsync($"/api/v1/runs/{run["run_id"]}?wait=60");
        Assert.Equal(("failed", "sub_run_cancelled"), (ended["status"], Text(ended.Body.GetProperty("error"), "code")));
        await VerifiedAsync(ended);
    }

    [Fact]
    public async Task A_run_that_ends_before_its_sub_run_cancels_it_and_says_so_in_its_evidence()
    {
        var run = await scene.RunAsync(
            $$$"""
            [{"id":"s","skill":"sub_run","depends_on":[],"params":{"goal":"child","plan":{{{Long}}}}},
             {"id":"pause","skill":"wait","depends_on":[],"params":{"ms":300}},
             {"id":"bad","skill":"stumble","depends_on":["pause"],"params":{"times":9}}]
            """);

        Assert.Equal(("failed", "busy"), (run["status"], Text(run.Body.GetProperty("error"), "code")));
        var steps = await VerifiedAsync(run);
        Assert.Equal(("interrupted", "sub_run_cancelled"), (steps[^1].Status, steps[^1].OutcomeCode));
        var child = Assert.Single(await ChildrenAsync(run));
        Assert.Equal(Text(child, "run_id"), Text(Parse(steps[^1].Output.Text!), "run_id"));
        Assert.Equal("cancelled", (await scene.Acme.GetAsync($"/api/v1/runs/{Text(child, "run_id")}?wait=60"))["status"]);
    }

    [Fact]
    public async Task A_run_is_paused_and_resumed_with_its_sub_runs()
    {
        var run = await StartAsync("""[{"id":"s","skill":"sub_run","params":{"goal":"child","plan":[{"skill":"wait","params":{"ms":2000}},{"skill":"echo","params":{"message":1}}]}}]""");
        var child = Text(await OneAsync(run["run_id"]!, "running"), "run_id");

        await scene.Acme.PostAsync($"/api/v1/runs/{run["run_id"]}/pause", "{}");
        await UntilAsync($"/api/v1/runs/{child}", "paused");
        Assert.Equal("paused", (await scene.Acme.GetAsync($"/api/v1/runs/{run["run_id"]}"))["status"]);
        await scene.Acme.PostAsync($"/api/v1/runs/{run["run_id"]}/resume", "{}");

        var ended = await scene.Acme.GetAsync($"/api/v1/runs/{run["run_id"]}?wait=60");
        Assert.True(ended["status"] == "succeeded", ended["error"]);
        await VerifiedAsync(ended);
    }

    [Fact]
    public async Task The_ninth_run_beneath_another_is_refused_by_the_store()
    {
        // The innermost plan is only known once it is made: nobody could refuse it before.
        var plan = """[{"id":"p","skill":"echo","params":{"message":[{"skill":"echo","params":{"message":"too deep"}}]}},{"id":"s","skill":"sub_run","params":{"goal":"9","plan":"{{steps.p.message}}"}}]""";
        for (var depth = 8; depth > 0; depth--)
            plan = $$$"""[{"id":"s{{{depth.ToString(CultureInfo.InvariantCulture)}}}","skill":"sub_run","params":{"goal":"{{{depth.ToString(CultureInfo.InvariantCulture)}}}","plan":{{{plan}}}}}]""";

        var run = await scene.RunAsync(plan);

        Assert.Equal(("failed", "sub_run_failed"), (run["status"], Text(run.Body.GetProperty("error"), "code")));
        Assert.Contains("sub_run_too_deep", run["error"], StringComparison.Ordinal);
        await VerifiedAsync(run);
        var deeper = """[{"skill":"echo","params":{"message":1}}]""";
        for (var depth = 0; depth < 9; depth++)
            deeper = $$$"""[{"skill":"sub_run","params":{"goal":"g","plan":{{{deeper}}}}}]""";
        var refused = await scene.Acme.PostAsync("/api/v1/runs", ApiClient.Run(scene.Agent, deeper));
        refused.IsProblem(400, "/problems/invalid-plan").Names("plan[0]" + string.Concat(Enumerable.Repeat(".params.plan[0]", 8)) + ".params.plan", "too deep");
    }

    [Fact]
    public async Task A_kill_switch_stops_a_run_and_its_sub_runs()
    {
        var run = await StartAsync($$$"""[{"id":"s","skill":"sub_run","on_error":"continue","params":{"goal":"child","plan":{{{Long}}}}}]""");
        var child = Text(await OneAsync(run["run_id"]!, "running"), "run_id");
        await UntilAsync($"/api/v1/runs/{run["run_id"]}", "waiting");

        var governor = await scene.ClientAsync("governor");
        await governor.PostAsync("/api/v1/kill-switch", """{"scope":"tenant","reason":"stop it all"}""");
        try
        {
            var ended = await scene.Acme.GetAsync($"/api/v1/runs/{child}?wait=60");
            Assert.Equal(("aborted", "kill_switch"), (ended["status"], Text(ended.Body.GetProperty("error"), "code")));
            Assert.False((await scene.Acme.GetAsync($"/api/v1/runs/{run["run_id"]}?wait=2"))["status"] is "succeeded" or "failed");
        }
        finally
        {
            await governor.SendAsync(HttpMethod.Delete, "/api/v1/kill-switch?scope=tenant");
        }

        await VerifiedAsync(await scene.Acme.GetAsync($"/api/v1/runs/{run["run_id"]}?wait=60"), "sub_run_failed");
    }

    [Fact]
    public async Task What_other_people_wrote_never_becomes_a_reference_of_a_sub_runs_plan()
    {
        scene.World["page"] = "{{steps.secret.message}}";
        var run = await scene.RunAsync(
            """
            [{"id":"page","skill":"look","params":{"key":"page"}},
             {"id":"s","skill":"sub_run","params":{"goal":"g","plan":[{"id":"secret","skill":"echo","params":{"message":"mine"}},{"skill":"echo","params":{"message":"{{steps.page.seen}}"}}]}}]
            """);

        Assert.Equal(("failed", "unresolved_reference"), (run["status"], Text(run.Body.GetProperty("error"), "code")));
        Assert.Empty(await ChildrenAsync(run));
    }

    [Fact]
    public async Task A_plan_that_no_store_keeps_waits_for_no_sub_run()
    {
        const string Card = "4111 1111 1111 1111";
        var refused = await scene.Acme.PostAsync("/api/v1/runs", ApiClient.Run(
            scene.Agent, $$$"""[{"skill":"echo","params":{"message":"{{{Card}}}"}},{"skill":"sub_run","params":{"goal":"g","plan":[{"skill":"echo","params":{"message":1}}]}}]"""));
        refused.IsProblem(400, "/problems/invalid-plan").Names("plan");
        refused = await scene.Acme.PostAsync("/api/v1/runs", ApiClient.Run(scene.Agent, """[{"skill":"echo","params":{"message":1}}]""", ""","idempotency_key":"sub_run:x" """));
        refused.IsProblem(400, "/problems/invalid-request").Names("idempotency_key");
    }

    [Fact]
    public async Task A_replay_takes_the_recorded_outcome_and_asks_for_no_run()
    {
        var run = await scene.RunAsync("""[{"id":"s","skill":"sub_run","params":{"goal":"g","plan":[{"id":"x","skill":"echo","params":{"message":1}}]}},{"skill":"echo","params":{"message":"{{steps.s.outcomes.x.message}}"}}]""");

        var report = await scene.ReplayAsync(run);

        Assert.Equal("equal", report.Status);
        Assert.Single(await ChildrenAsync(run));
    }

    private static string? Text(JsonElement value, string member) => value.GetProperty(member).GetString();

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }

    private static JsonElement ContextOf(RecordedStep step) => Parse(step.Context.Text!);

    private static JsonElement OutcomeOf(IReadOnlyList<RecordedStep> steps, string id) => Parse(steps.Single(step => Text(ContextOf(step), "plan_step") == id).Output.Text!);

    private async Task<Answer> StartAsync(string plan)
    {
        var run = await scene.Acme.PostAsync("/api/v1/runs", ApiClient.Run(scene.Agent, plan));
        Assert.True((int)run.Status == 202, run.Body.ToString());
        return run;
    }

    private async Task<List<JsonElement>> ChildrenAsync(Answer run) => [.. (await scene.Acme.GetAsync($"/api/v1/runs?parent={run["run_id"]}")).Body.GetProperty("items").EnumerateArray()];

    // The only sub-run of a run, once it stands so.
    private async Task<JsonElement> OneAsync(string run, string status)
    {
        for (var i = 0; ; i++)
        {
            var children = (await scene.Acme.GetAsync($"/api/v1/runs?parent={run}")).Body.GetProperty("items").EnumerateArray().ToList();
            if (children is [var only] && Text(only, "status") == status)
                return only;
            Assert.True(i < 1_200, $"run {run} has no sub-run that is {status}: {string.Join(", ", children)}");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private async Task UntilAsync(string path, string status)
    {
        for (var i = 0; (await scene.Acme.GetAsync(path))["status"] is var now && now != status; i++)
        {
            Assert.True(i < 1_200, $"{path} is {now}, not {status}");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private async Task<IReadOnlyList<RecordedStep>> VerifiedAsync(Answer run, string? code = null)
    {
        var (trace, steps) = await scene.ReadAsync(run["trace_id"]!);
        var report = TraceVerifier.Verify(trace, steps, new VerificationOptions { Tenant = TenantId.Parse("acme"), Run = RunId.Parse(run["run_id"]!) });
        Assert.True(report.Verdict.Status is VerificationStatus.Verified, string.Join("\n", report.Findings));
        if (code is not null)
            Assert.Contains(steps, step => step.OutcomeCode == code);
        return steps;
    }
}
