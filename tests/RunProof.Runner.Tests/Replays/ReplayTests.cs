using RunProof.Verification;

namespace RunProof.Runner.Tests;

/// <summary>Runs executed again: what is equal, and each way of not being so.</summary>
public sealed class ReplayTests(ReplayScene scene) : IClassFixture<ReplayScene>
{
    [Fact]
    public async Task A_replay_of_every_deterministic_built_in_skill_is_equal_and_verified()
    {
        await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(Path.Combine(scene.Files, "acme")).FullName, "in.json"), """{"price":"12.50"}""", TestContext.Current.CancellationToken);
        var run = await scene.RunAsync($$$$"""
            [{"id":"say","skill":"echo","params":{"message":"hello"}},
             {"id":"shape","skill":"json_transform","params":{"input":{"a":"{{steps.say.message}}","b":[1,2.5]},"rename":{"a":"c"}}},
             {"id":"rest","skill":"wait","params":{"ms":5}},
             {"id":"keep","skill":"kv_set","params":{"key":"replayed","value":"{{steps.shape.result}}"}},
             {"id":"look","skill":"kv_get","params":{"key":"replayed"}},
             {"id":"read","skill":"file_read","params":{"path":"in.json","as":"json"}},
             {"id":"list","skill":"file_list","params":{"path":""}},
             {"id":"ask","skill":"sql_query","params":{"source":"shop","sql":"SELECT name, price FROM items WHERE name = $1","parameters":["tea"]}},
             {"id":"zen","skill":"http_call","params":{"url":"{{{{scene.Demo}}}}"}},
             {"id":"after","skill":"echo","params":{"message":"{{steps.zen.text}} {{steps.look.found}}"}}]
            """);
        Assert.True(run["status"] == "succeeded", run.Body.ToString());

        var report = await scene.ReplayAsync(run);

        Assert.Equal(("equal", "VERIFIED", "VERIFIED"), (report.Status, report.Replay.VerificationStatus, report.Origin.VerificationStatus));
        // kv_set has an effect: a replay takes its outcome from the record, and says so.
        Assert.Equal((10, 10, 9, 1, 0), (report.StepsCompared, report.ParametersCompared, report.OutcomesCompared, report.OutcomesRecorded, report.DivergenceCount));
        Assert.Equal(0, report.StoredDivergences);
        // A skill that says that it does the same again must be in the plan above: one that comes anew, too.
        var proven = (await scene.ReadAsync(run["trace_id"]!)).Steps.Where(step => step.ReplayBehavior == "check").Select(step => step.SkillName).Distinct();
        Assert.Equal(scene.BuiltIn.Where(skill => skill.Replay is RunProof.Format.ReplayBehavior.Check).Select(skill => skill.Name).Order(StringComparer.Ordinal), proven.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_changed_outcome_diverges_at_its_place_and_what_follows_from_it_at_its_own()
    {
        scene.World["weather"] = "sun";
        var run = await scene.RunAsync("""[{"id":"a","skill":"send","params":{}},{"id":"b","skill":"look","params":{"key":"weather"}},{"id":"c","skill":"echo","params":{"message":"it is {{steps.b.seen}}"}}]""");
        scene.World["weather"] = "rain";

        var report = await scene.ReplayAsync(run);

        Assert.Equal("diverged", report.Status);
        Assert.Equal(("outcome", "b", 1, "outcome_data", "$.seen", "\"sun\"", "\"rain\""), Told(report.First!));
        Assert.Equal([("outcome", "$.seen"), ("parameters", "$.message"), ("outcome", "$.message")], report.Divergences.Select(each => (each.Kind, each.Path!)));
        Assert.Equal(3, report.StoredDivergences);
    }

    [Fact]
    public async Task A_step_of_the_behaviour_skip_is_not_executed_again_and_its_recorded_outcome_is_given()
    {
        var before = scene.Sent;
        var run = await scene.RunAsync("""[{"id":"a","skill":"send","params":{"to":"ada"}},{"id":"b","skill":"echo","params":{"message":"{{steps.a.number}}"}}]""");

        var report = await scene.ReplayAsync(run);

        Assert.Equal(("equal", before + 1), (report.Status, scene.Sent));
        Assert.Equal((1, 1), (report.OutcomesRecorded, report.OutcomesCompared));
        var replayed = await scene.ReadAsync(report.Replay.TraceId);
        Assert.Contains("\"how\":\"recorded\"", replayed.Steps[0].Context.Text);
        Assert.Contains("\"origin_step\":0", replayed.Steps[0].Context.Text);
    }

    [Fact]
    public async Task A_step_of_the_behaviour_execute_is_executed_and_its_outcome_is_not_compared()
    {
        var run = await scene.RunAsync("""[{"skill":"roll","params":{}},{"skill":"stamp","params":{}}]""");

        var report = await scene.ReplayAsync(run);

        Assert.Equal(("equal", 1, 1, 1), (report.Status, report.OutcomesExecuted, report.OutcomesCompared, report.Varied));
    }

    [Fact]
    public async Task A_dry_replay_executes_nothing_and_compares_what_it_recomputes()
    {
        scene.World["dry"] = "before";
        var run = await scene.RunAsync("""[{"id":"a","skill":"look","params":{"key":"dry"}},{"id":"b","skill":"send","params":{"x":"{{steps.a.seen}}"}},{"id":"c","skill":"roll","params":{}}]""");
        scene.World["dry"] = "after";
        var (sent, looked) = (scene.Sent, scene.Look.Calls.Count);

        var report = await scene.ReplayAsync(run, """{"mode":"dry"}""");

        Assert.Equal(("equal", sent, looked), (report.Status, scene.Sent, scene.Look.Calls.Count));
        // Copied outcomes are not counted as compared ones.
        Assert.Equal((3, 3, 0, 3), (report.StepsCompared, report.ParametersCompared, report.OutcomesCompared, report.OutcomesRecorded));
    }

    [Fact]
    public async Task A_dry_replay_of_attempts_that_failed_gives_them_again_without_their_pauses()
    {
        var run = await scene.RunAsync("""[{"skill":"stumble","params":{"times":2},"on_error":"retry","retry":{"backoff_ms":400,"strategy":"constant"}}]""");

        var report = await scene.ReplayAsync(run, """{"mode":"dry"}""");

        Assert.Equal(("equal", 3, "completed"), (report.Status, report.StepsCompared, report.Replay.Status));
        Assert.InRange(report.Replay.DurationMs!.Value, 0, 399);
    }

    [Fact]
    public async Task A_step_that_failed_where_it_had_succeeded_diverges_and_those_after_it_are_missing()
    {
        scene.World["gone"] = "here";
        var run = await scene.RunAsync("""[{"id":"a","skill":"look","params":{"key":"gone"}},{"id":"b","skill":"echo","params":{"message":"x"}}]""");
        scene.World["gone"] = null;

        var report = await scene.ReplayAsync(run);

        Assert.Equal(("diverged", "outcome", "status"), (report.Status, report.First!.Kind, report.First.Place));
        Assert.Equal(("missing_step", "b"), (report.Divergences[^1].Kind, report.Divergences[^1].PlanStep));
        Assert.Equal("failed", report.Replay.Status);
        Assert.Equal(report.DivergenceCount, report.StoredDivergences);
    }

    [Fact]
    public async Task A_step_that_the_origin_never_came_to_is_extra_and_is_not_executed()
    {
        scene.World["late"] = null;
        var run = await scene.RunAsync("""[{"id":"a","skill":"look","params":{"key":"late"}},{"id":"b","skill":"send","params":{}}]""");
        Assert.Equal("failed", run["status"]);
        scene.World["late"] = "there";
        var before = scene.Sent;

        var report = await scene.ReplayAsync(run);

        Assert.Equal(before, scene.Sent);
        Assert.Equal(("extra_step", "b"), (report.Divergences[^1].Kind, report.Divergences[^1].PlanStep));
    }

    [Fact]
    public async Task Another_version_and_another_schema_of_a_skill_diverge()
    {
        scene.World["v"] = "same";
        var run = await scene.RunAsync("""[{"skill":"look","params":{"key":"v"}}]""");
        (scene.Look.VersionNow, scene.Look.SchemaNow) = ("2.0.0", "another");
        try
        {
            var report = await scene.ReplayAsync(run);

            Assert.Equal([("skill_version", "1.2.3", "2.0.0")], report.Divergences.Take(1).Select(each => (each.Kind, each.Origin!, each.Replay!)));
            Assert.Equal(["skill_version", "schema"], report.Divergences.Select(each => each.Kind));
        }
        finally
        {
            (scene.Look.VersionNow, scene.Look.SchemaNow) = ("1.2.3", null);
        }
    }

    [Fact]
    public async Task A_replay_sees_the_time_that_its_origin_saw_or_the_time_at_which_it_began()
    {
        var frozen = await scene.RunAsync("""[{"skill":"time","params":{}}]""", ""","frozen_timestamp":"2026-01-02T03:04:05Z","seed":7""");
        var running = await scene.RunAsync("""[{"skill":"echo","params":{"message":"x"}}]""");

        var (one, other) = (await scene.ReplayAsync(frozen), await scene.ReplayAsync(running));

        Assert.Equal(("equal", "2026-01-02T03:04:05.000000Z", 7), (one.Status, one.Replay.FrozenTimestamp, one.Replay.Seed));
        Assert.Equal(running["started_at"], other.Replay.FrozenTimestamp);
    }

    [Fact]
    public async Task A_replay_from_a_step_takes_the_outcomes_before_it_from_the_record()
    {
        scene.World["first"] = "one";
        var run = await scene.RunAsync("""[{"id":"a","skill":"look","params":{"key":"first"}},{"id":"b","skill":"echo","params":{"message":"{{steps.a.seen}}"}}]""");
        scene.World["first"] = "two";

        var report = await scene.ReplayAsync(run, """{"from":1}""");

        Assert.Equal(("equal", 1, 1), (report.Status, report.StepsCompared, report.Replay.Steps));
    }

    [Fact]
    public async Task A_redacted_outcome_is_not_comparable_and_never_equal()
    {
        scene.World["secret"] = "password=hunter2hunter2";
        var run = await scene.RunAsync("""[{"id":"a","skill":"look","params":{"key":"secret"}}]""");
        var text = (await scene.ReadAsync(run["trace_id"]!)).Steps[0];
        Assert.DoesNotContain("hunter2", text.Output.Text);

        foreach (var mode in new[] { "check", "dry" })
        {
            var report = await scene.ReplayAsync(run, $$"""{"mode":"{{mode}}"}""");
            Assert.Equal(("equal_as_far_as_compared", 0, 0), (report.Status, report.DivergenceCount, report.OutcomesCompared));
            Assert.Equal(("a", "outcome_data", "redacted"), (report.NotComparable[0].PlanStep, report.NotComparable[0].Place, report.NotComparable[0].Why));
        }
    }

    [Fact]
    public async Task A_plan_that_held_a_secret_is_replayed_dry_only()
    {
        var run = await scene.RunAsync("""[{"id":"a","skill":"echo","params":{"message":"password=hunter2hunter2"}}]""");

        (await scene.Acme.PostAsync($"/api/v1/runs/{run["run_id"]}/replay", "{}")).IsProblem(409, "/problems/plan-not-kept");
        (await scene.Acme.PostAsync($"/api/v1/runs/{run["run_id"]}/fork", """{"from_step":0}""")).IsProblem(409, "/problems/plan-not-kept");
        Assert.Equal("equal_as_far_as_compared", (await scene.ReplayAsync(run, """{"mode":"dry"}""")).Status);
    }

    [Theory]
    [InlineData("UPDATE aos_trace_steps SET outcome_data = '{\"message\":\"forged\"}' WHERE trace_id = '{0}'")]
    [InlineData("UPDATE aos_trace_steps SET skill_version = '9' WHERE trace_id = '{0}'")]
    [InlineData("UPDATE aos_traces SET root_hash = sha256('x') WHERE trace_id = '{0}'")]
    [InlineData("UPDATE runs SET plan_json = replace(plan_json, 'true', 'forged') WHERE id = '{1}'")]
    [InlineData("DELETE FROM aos_trace_steps WHERE trace_id = '{0}'; DELETE FROM aos_traces WHERE trace_id = '{0}'")]
    public async Task A_tampered_origin_is_refused_before_anything_is_executed(string crime)
    {
        var run = await scene.RunAsync("""[{"id":"a","skill":"echo","params":{"message":"true"}}]""");
        await scene.TamperAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, crime.Replace("{\"", "{{\"", StringComparison.Ordinal).Replace("\"}", "\"}}", StringComparison.Ordinal), run["trace_id"], run["run_id"]));

        var replay = await scene.DeriveAsync(run, "replay", "{}");

        Assert.Equal(("failed", "origin_not_verified"), (replay["status"], replay.Body.GetProperty("error").GetProperty("code").GetString()));
        var (trace, steps) = await scene.ReadAsync(replay["trace_id"]!);
        Assert.Empty(steps);
        Assert.Equal("failed", trace.Status);
        Assert.Null(TraceOrigin.OfReplay(trace)!.RootHash);
    }

    [Fact]
    public async Task An_origin_that_is_changed_while_it_is_replayed_is_relied_on_no_more()
    {
        // More than two pages of payloads: the last one is read when its step is due.
        scene.Hold("mid");
        scene.LetGo("mid");
        var run = await scene.RunAsync($$$"""
            [{"id":"a","skill":"meet","params":{"key":"mid"}},{"id":"big","skill":"echo","params":{"message":"start-{{{new string('x', 900_000)}}}"}},
             {"id":"again","skill":"echo","params":{"message":"{{steps.big.message}}"}},{"id":"last","skill":"echo","params":{"message":"{{steps.again.message}}"},"on_error":"continue"},{"id":"end","skill":"send","params":{}}]
            """);
        scene.Hold("mid");
        var met = scene.Met["mid"];
        var id = await scene.BeginAsync("{}", $"/api/v1/runs/{run["run_id"]}/replay");
        await scene.MetAsync("mid", met + 1);
        await scene.TamperAsync($"UPDATE aos_trace_steps SET outcome_data = replace(outcome_data, 'start-', 'other-') WHERE trace_id = '{run["trace_id"]}' AND step_index = 3");
        scene.LetGo("mid");

        var replay = await scene.EndAsync(id);

        var steps = (await scene.ReadAsync(replay["trace_id"]!)).Steps;
        Assert.Equal(("origin_not_verified", "failed"), (steps.First(step => step.Status != "succeeded").OutcomeCode, replay["status"]));
        Assert.Equal("not_verified", (await scene.ReportAsync(replay)).Status);
    }

    [Fact]
    public async Task What_cannot_be_replayed_is_refused_with_its_reason()
    {
        var run = await scene.RunAsync("""[{"id":"a","skill":"echo","params":{"message":"x"}}]""");
        var id = run["run_id"];

        (await scene.Other.PostAsync($"/api/v1/runs/{id}/replay", "{}")).IsProblem(404, "/problems/not-found");
        (await scene.Acme.PostAsync("/api/v1/runs/none/replay", "{}")).IsProblem(404, "/problems/not-found");
        (await scene.Acme.PostAsync($"/api/v1/runs/{id}/replay", """{"trace":"trace_x"}""")).IsProblem(404, "/problems/not-found");
        (await scene.Acme.PostAsync($"/api/v1/runs/{id}/replay", """{"from":1}""")).IsProblem(400, "/problems/invalid-request").Names("from", "from 0 to 0");
        (await scene.Acme.PostAsync($"/api/v1/runs/{id}/replay", """{"mode":"wet"}""")).IsProblem(400, "/problems/invalid-request").Names("mode");
        (await scene.Acme.PostAsync($"/api/v1/runs/{id}/replay", """{"plan":[]}""")).IsProblem(400, "/problems/invalid-request").Names("plan");
        (await scene.Acme.PostAsync($"/api/v1/runs/{id}/fork", "{}")).IsProblem(400, "/problems/invalid-request").Names("from_step", "is missing");
    }

    [Fact]
    public async Task A_run_that_has_not_ended_has_nothing_to_replay()
    {
        var run = await scene.Acme.PostAsync("/api/v1/runs", ApiClient.Run(scene.Agent, """[{"skill":"wait","params":{"ms":60000},"timeout_ms":120000}]"""));
        try
        {
            await UntilAsync($"/api/v1/runs/{run["run_id"]}", "running");
            (await scene.Acme.PostAsync($"/api/v1/runs/{run["run_id"]}/replay", "{}")).IsProblem(409, "/problems/run-not-ended");
        }
        finally
        {
            await scene.Acme.PostAsync($"/api/v1/runs/{run["run_id"]}/cancel", "{}");
        }
    }

    [Fact]
    public async Task A_replay_that_is_paused_and_gone_on_with_counts_what_it_had_compared_before()
    {
        scene.World["pause"] = "one";
        var run = await scene.RunAsync("""[{"id":"a","skill":"look","params":{"key":"pause"}},{"id":"b","skill":"wait","params":{"ms":1500}},{"id":"c","skill":"echo","params":{"message":"{{steps.a.seen}}"}}]""");
        scene.World["pause"] = "two";
        var replay = await scene.Acme.PostAsync($"/api/v1/runs/{run["run_id"]}/replay", "{}");
        var path = $"/api/v1/runs/{replay["run_id"]}";
        await UntilAsync(path, "running");
        await scene.Acme.PostAsync(path + "/pause", "{}");
        await UntilAsync(path, "paused");
        await scene.Acme.PostAsync(path + "/resume", "{}");

        var ended = await scene.Acme.GetAsync(path + "?wait=60");
        var report = await scene.ReportAsync(ended);

        Assert.Equal(("succeeded", "diverged", 3, 3), (ended["status"], report.Status, report.StepsCompared, report.DivergenceCount));
        Assert.Equal(3, report.StoredDivergences);
        Assert.Contains("\"compared\":3", (await scene.ReadAsync(ended["trace_id"]!)).Trace.Metadata.Text);
    }

    [Fact]
    public async Task The_same_request_under_the_same_key_makes_one_replay()
    {
        var run = await scene.RunAsync("""[{"id":"a","skill":"echo","params":{"message":"x"}}]""");
        var first = await scene.DeriveAsync(run, "replay", """{"idempotency_key":"replay-once"}""");
        var again = await scene.DeriveAsync(run, "replay", """{"idempotency_key":"replay-once"}""");

        Assert.Equal(first["run_id"], again["run_id"]);
        (await scene.Acme.PostAsync($"/api/v1/runs/{run["run_id"]}/replay", """{"idempotency_key":"replay-once","mode":"dry"}""")).IsProblem(409, "/problems/idempotency-conflict");
        var origin = first.Body.GetProperty("origin");
        Assert.Equal(("replay", run["run_id"], "check"), (origin.GetProperty("kind").GetString(), origin.GetProperty("run_id").GetString(), origin.GetProperty("mode").GetString()));
    }

    [Fact]
    public async Task The_evidence_of_a_replay_changed_in_the_database_is_told_and_the_report_relies_on_none_of_it()
    {
        scene.World["lie"] = "one";
        var run = await scene.RunAsync("""[{"id":"a","skill":"look","params":{"key":"lie"}}]""");
        scene.World["lie"] = "two";
        var replay = await scene.DeriveAsync(run, "replay", "{}");
        Assert.Equal("diverged", (await scene.ReportAsync(replay)).Status);

        await scene.TamperAsync($"UPDATE aos_trace_steps SET outcome_data = replace(outcome_data, 'two', 'one') WHERE trace_id = '{replay["trace_id"]}'");

        var report = await scene.ReportAsync(replay);
        Assert.Equal(("not_verified", "FAILED"), (report.Status, report.Replay.VerificationStatus));
    }

    private async Task UntilAsync(string path, string status)
    {
        for (var i = 0; i < 1_000; i++)
        {
            if ((await scene.Acme.GetAsync(path))["status"] == status)
                return;
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        Assert.Fail($"{path} never was {status}");
    }

    private static (string, string, int?, string, string?, string?, string?) Told(Divergence divergence) =>
        (divergence.Kind, divergence.PlanStep, divergence.ReplayStep, divergence.Place, divergence.Path, divergence.Origin, divergence.Replay);
}
