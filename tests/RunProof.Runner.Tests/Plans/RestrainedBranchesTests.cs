using System.Globalization;
using System.Net;
using System.Text.Json;
using RunProof.Format;
using RunProof.Postgres;
using RunProof.Testing;
using RunProof.Verification;

namespace RunProof.Runner.Tests;

/// <summary>Budgets and kill switches beside many branches, several processes, and the death of one: processes over a real database, a model behind real HTTP.</summary>
public sealed class RestrainedBranchesTests(RunnerFixture fixture, ITestOutputHelper output) : IAsyncLifetime
{
    private const int Branches = 64;
    private const int MaxTokens = 50;
    private static readonly (string, string) Lease = ("RunProof__Runner__LeaseSeconds", "2");

    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync() => _database = await fixture.CreateDatabaseAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Branches_of_two_processes_never_use_more_than_there_is_though_all_are_under_way_at_once()
    {
        await using var model = await ModelServer.StartAsync(_ => ModelTurn.Says(new string('x', 4 * MaxTokens)) with { Delay = TimeSpan.FromMilliseconds(200) });
        await using var first = await StartAsync(model);
        await using var second = await StartAsync(model);
        var (runner, other, governor) = (await ClientAsync(first, "runner"), await ClientAsync(second, "runner"), await ClientAsync(first, "governor"));
        var agent = await runner.CreateAgentAsync();
        const int Most = 1_500;
        Assert.Equal(HttpStatusCode.Created, (await SetAsync(governor, "tokens", $$"""{"scope":"tenant","period":"total","tokens":{{Most}},"on_exceeded":"continue"}""")).Status);
        Assert.Equal(HttpStatusCode.Created, (await SetAsync(governor, "money", """{"scope":"agent","period":"total","cost_cents":"0.9","on_exceeded":"continue"}""")).Status);

        var runs = await Task.WhenAll(new[] { runner, other }.Select(client => client.PostAsync("/api/v1/runs", ApiClient.Run(agent, Plan(), ""","wait":120"""))));

        // Each call takes what it may at most, but for its request, of which a token is four bytes and not one: without reservations 128 of them would have begun.
        var (succeeded, blocked, tokens, cents) = (0L, 0L, 0L, 0m);
        foreach (var run in runs)
        {
            Assert.True(run["status"] == "succeeded", run.Body.ToString());
            foreach (var step in await VerifiedAsync(run, Branches))
            {
                using var context = JsonDocument.Parse(step.Context.Text!);
                var policy = context.RootElement.GetProperty("policy");
                if (step.Status == "succeeded")
                {
                    succeeded++;
                    tokens += context.RootElement.GetProperty("tokens").GetInt64();
                    cents += decimal.Parse(step.CostCents!, CultureInfo.InvariantCulture);
                    var reserved = policy.GetProperty("reserved");
                    Assert.InRange(context.RootElement.GetProperty("tokens").GetInt64(), 1, reserved.GetProperty("tokens").GetInt64());
                    Assert.InRange(decimal.Parse(step.CostCents!, CultureInfo.InvariantCulture), 0, decimal.Parse(reserved.GetProperty("cost_cents").GetString()!, CultureInfo.InvariantCulture));
                }
                else
                {
                    blocked++;
                    Assert.Equal(("blocked", "budget_exceeded"), (step.Status, step.OutcomeCode));
                    Assert.Matches("^the budget of the (tenant|agent) \\(total\\) leaves too little: (tokens|cost_cents) [0-9.]+ of [0-9.]+ used, [0-9.]+ reserved by other steps under way, and this one may use [0-9.]+$", policy.GetProperty("reason").GetString());
                    Assert.False(policy.TryGetProperty("reserved", out _));
                }
            }
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{succeeded} of {2 * Branches} branches began: {tokens} of {Most} tokens, {cents} of 0.9 cents used"));
        Assert.Equal(2 * Branches, succeeded + blocked);
        Assert.Equal(succeeded, model.Requests.Count);
        Assert.InRange(succeeded, 2, 2 * Branches);
        Assert.InRange(tokens, 1, Most);
        Assert.InRange(cents, 0.0001m, 0.9m);
        Assert.Equal((tokens, cents, 0L), await UsedAsync("tokens"));

        // Who changes what was reserved is found.
        var trace = runs[0]["trace_id"]!;
        await Store.ScalarAsync(_database, $"DO $$ BEGIN ALTER TABLE aos_trace_steps DISABLE TRIGGER ALL; UPDATE aos_trace_steps SET context = replace(context, '\"reserved\":{{', '\"reserved\":{{ ') WHERE trace_id = '{trace}' AND status = 'succeeded'; UPDATE aos_trace_steps SET context = replace(context, 'leaves too little', 'leaves a little') WHERE trace_id = '{trace}' AND status = 'blocked'; ALTER TABLE aos_trace_steps ENABLE TRIGGER ALL; END $$");
        Assert.Equal(VerificationStatus.Failed, (await VerifyAsync(runs[0])).Report.Verdict.Status);
    }

    [Fact]
    public async Task A_runs_own_budget_holds_its_sixty_four_branches()
    {
        await using var model = await ModelServer.StartAsync(_ => ModelTurn.Says(new string('x', 4 * MaxTokens)) with { Delay = TimeSpan.FromMilliseconds(100) });
        await using var process = await StartAsync(model);
        var runner = await ClientAsync(process, "runner");
        var run = await runner.PostAsync("/api/v1/runs", ApiClient.Run(await runner.CreateAgentAsync(), Plan("""{"skill":"echo","params":{"message":"free"},"depends_on":[]}"""), ""","budget":{"tokens":600},"wait":120"""));
        Assert.Equal(("failed", "budget_exceeded"), (run["status"], run.Body.GetProperty("error").GetProperty("code").GetString()));
        var (report, steps) = await VerifyAsync(run);
        Assert.Equal(VerificationStatus.Verified, report.Verdict.Status);
        var used = steps.Where(step => step.Status == "succeeded" && step.SkillName == "llm_invoke").Sum(TokensOf);
        Assert.InRange(used, 1, 600);
        Assert.Equal(0L, await Store.ScalarAsync(_database, "SELECT count(*) FROM runproof.budget_reservations"));
    }

    [Fact]
    public async Task The_kill_switch_ends_sixty_four_branches_that_are_under_way_and_each_is_recorded()
    {
        await using var model = await ModelServer.StartAsync(_ => ModelTurn.Says("late") with { Delay = TimeSpan.FromMinutes(5) });
        await using var process = await StartAsync(model);
        var (runner, governor) = (await ClientAsync(process, "runner"), await ClientAsync(process, "governor"));
        var agent = await runner.CreateAgentAsync();
        await SetAsync(governor, "tokens", """{"scope":"agent","period":"day","tokens":1000000}""");
        var run = await runner.PostAsync("/api/v1/runs", ApiClient.Run(agent, Plan()));
        await UntilAsync(() => Task.FromResult(model.Requests.Count == Branches));
        Assert.Equal((long)Branches, await Store.ScalarAsync(_database, "SELECT count(*) FROM runproof.budget_reservations WHERE tokens > 50 AND worker = (SELECT worker FROM runs)"));
        Assert.Equal(0L, (await UsedAsync("tokens")).Tokens);

        var killed = await governor.PostAsync("/api/v1/kill-switch", $$"""{"scope":"agent","agent_id":"{{agent}}","reason":"it pays strangers"}""");
        Assert.Equal(HttpStatusCode.Created, killed.Status);
        var ended = await runner.GetAsync($"/api/v1/runs/{run["run_id"]}?wait=60");

        Assert.Equal(("aborted", "kill_switch"), (ended["status"], ended.Body.GetProperty("error").GetProperty("code").GetString()));
        var steps = await VerifiedAsync(ended, Branches);
        Assert.All(steps, step => Assert.Equal(("interrupted", "kill_switch"), (step.Status, step.OutcomeCode)));
        Assert.Equal(Branches, steps.Select(step => step.IdempotencyKey).Distinct().Count());
        Assert.Equal((0L, 0m, 0L), await UsedAsync("tokens"));

        // When the last of them had ended, by its own time and duration; two seconds are what is promised, the rest is for a machine that does ten things beside.
        var last = (decimal)(await Store.ScalarAsync(_database, "SELECT max(extract(epoch FROM timestamp) * 1000 + duration_ms::numeric) FROM aos_trace_steps"))!;
        var took = last - DateTimeOffset.Parse(killed["set_at"]!, CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"the last of {Branches} branches ended {took:0} ms after the switch"));
        Assert.InRange(took, 0, 20_000);
    }

    [Fact]
    public async Task What_a_killed_process_had_reserved_holds_others_until_its_run_passes_on_and_no_longer()
    {
        var answer = ModelTurn.Says(new string('x', 4 * MaxTokens)) with { Delay = TimeSpan.FromMinutes(5) };
        await using var model = await ModelServer.StartAsync(_ => answer);
        await using var first = await StartAsync(model, Lease);
        var (runner, governor) = (await ClientAsync(first, "runner"), await ClientAsync(first, "governor"));
        var agent = await runner.CreateAgentAsync();
        await SetAsync(governor, "tokens", """{"scope":"tenant","period":"total","tokens":300}""");
        var plan = "[" + Call + "]";
        var id = (await runner.PostAsync("/api/v1/runs", ApiClient.Run(agent, plan)))["run_id"]!;
        await UntilAsync(() => Task.FromResult(model.Requests.Count == 1));
        await first.KillAsync();
        answer = ModelTurn.Says(new string('x', 4 * MaxTokens));

        // In the database, so it is there still; a run of another process finds too little, and says why.
        var held = (long)(await Store.ScalarAsync(_database, "SELECT sum(tokens)::bigint FROM runproof.budget_reservations"))!;
        Assert.InRange(held, MaxTokens + 1, 300 - 1);
        await using var store = Npgsql.NpgsqlDataSource.Create(_database.RunnerConnectionString);
        Assert.Equal(held, Assert.Single(await new PostgresRestraintStore(store).ReadUsageAsync(TenantId.Parse("acme"), "tokens", 5, default)).ReservedTokens);

        // The next process repeats the step, and reserves for it anew: once.
        await using var second = await StartAsync(model, Lease);
        runner = await ClientAsync(second, "runner");
        var ended = await runner.GetAsync($"/api/v1/runs/{id}?wait=100");
        Assert.True(ended["status"] == "succeeded", ended.Body.ToString());
        var step = Assert.Single(await VerifiedAsync(ended, 1));
        Assert.Contains("\"resumed\":true", step.Context.Text, StringComparison.Ordinal);
        Assert.Contains($"\"reserved\":{{\"tokens\":{held}}}", step.Context.Text, StringComparison.Ordinal);
        Assert.Equal((TokensOf(step), 0L), (await UsedAsync("tokens") is var used ? (used.Tokens, used.Rows) : default));
        Assert.Equal("succeeded", (await runner.PostAsync("/api/v1/runs", ApiClient.Run(agent, plan, ""","wait":60""")))["status"]);
    }

    [Fact]
    public async Task A_plan_that_a_model_makes_is_asked_for_within_budgets_and_counts_though_it_is_refused()
    {
        await using var model = await ModelServer.StartAsync(_ => ModelTurn.Says("no plan at all"));
        await using var process = await StartAsync(model, ("RunProof__Planners__Llm__MaxTokens", "50"), ("RunProof__Planners__Llm__MaxRepairs", "1"));
        var (runner, governor) = (await ClientAsync(process, "runner"), await ClientAsync(process, "governor"));
        var agent = await runner.CreateAgentAsync();
        Task<Answer> AskAsync(string more = "") => runner.PostAsync(
            "/api/v1/runs", $$"""{"agent_id":"{{agent}}","goal":"say hello","origin_system_id":"tests","planner":"llm","tools":["echo"],"wait":60{{more}}}""");

        // Nothing is left: the run is there, its first step blocked, and the model is not asked.
        await SetAsync(governor, "tokens", """{"scope":"tenant","period":"total","tokens":0}""");
        var refused = await AskAsync();
        Assert.Equal(("failed", "budget_exceeded"), (refused["status"], refused.Body.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal("blocked", Assert.Single(await VerifiedAsync(refused, 1)).Status);
        Assert.Empty(model.Requests);

        // Too little is left for what it may use: the same.
        await SetAsync(governor, "tokens", """{"scope":"tenant","period":"total","tokens":60}""");
        refused = await AskAsync();
        Assert.Contains("leaves too little: tokens 0 of 60 used, 0 reserved by other steps under way", Assert.Single(await VerifiedAsync(refused, 1)).Context.Text, StringComparison.Ordinal);
        Assert.Empty(model.Requests);

        // Enough: both calls are evidence, and count, though no plan came of them.
        await SetAsync(governor, "tokens", """{"scope":"tenant","period":"total","tokens":1000000}""");
        var failed = await AskAsync();
        Assert.Equal(("failed", "invalid_plan"), (failed["status"], failed.Body.GetProperty("error").GetProperty("code").GetString()));
        var calls = await VerifiedAsync(failed, 2);
        Assert.All(calls, call => Assert.Contains("\"reserved\":{\"tokens\":", call.Context.Text, StringComparison.Ordinal));
        Assert.Equal((2, calls.Sum(TokensOf), 0L), (model.Requests.Count, (await UsedAsync("tokens")).Tokens, (await UsedAsync("tokens")).Rows));
        Assert.All(model.Requests, request => Assert.Equal(50, request.Json.GetProperty("max_tokens").GetInt32()));

        // What is stopped is not asked: neither the tenant's, nor the agent's, nor the skill's run is taken in.
        foreach (var what in new[] { "\"scope\":\"skill\",\"skill\":\"llm_invoke\"", "\"scope\":\"tenant\"", $"\"scope\":\"agent\",\"agent_id\":\"{agent}\"" })
        {
            Assert.Equal(HttpStatusCode.Created, (await governor.PostAsync("/api/v1/kill-switch", $$"""{{{what}},"reason":"no models"}""")).Status);
            (await AskAsync()).IsProblem(409, "/problems/killed");
            var query = what.Replace("\":\"", "=", StringComparison.Ordinal).Replace("\",\"", "&", StringComparison.Ordinal).Trim('"');
            Assert.Equal(HttpStatusCode.OK, (await governor.SendAsync(HttpMethod.Delete, "/api/v1/kill-switch?" + query)).Status);
        }

        // Runs that may not be created are not planned either.
        await SetAsync(governor, "runs", """{"scope":"agent","period":"total","runs":0}""");
        (await AskAsync()).IsProblem(409, "/problems/budget-exceeded");
        Assert.Equal(2, model.Requests.Count);
    }

    private static string Call => string.Create(
        CultureInfo.InvariantCulture, $$$"""{"skill":"llm_invoke","timeout_ms":600000,"depends_on":[],"params":{"model":"small","max_tokens":{{{MaxTokens}}},"messages":[{"role":"user","content":"Say something."}]}}""");

    private static string Plan(string more = "") => "[" + string.Join(',', Enumerable.Repeat(Call, Branches).Concat(more.Length == 0 ? [] : [more])) + "]";

    private static long TokensOf(RecordedStep step)
    {
        using var context = JsonDocument.Parse(step.Context.Text!);
        return context.RootElement.GetProperty("tokens").GetInt64();
    }

    private static Task<Answer> SetAsync(ApiClient governor, string id, string body) => governor.SendAsync(HttpMethod.Put, "/api/v1/budgets/" + id, body);

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        for (var i = 0; !await holds(); i++)
        {
            Assert.True(i < 2_400, "it never came to it");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private Task<RunnerProcess> StartAsync(ModelServer model, params (string, string)[] more) => RunnerProcess.StartAsync(
        _database.RunnerConnectionString,
        [
            ("RunProof__Models__small__Endpoint", model.Endpoint), ("RunProof__Models__small__Model", ModelServer.Model), ("RunProof__Models__small__ApiKey", ModelServer.ApiKey),
            ("RunProof__Models__small__TimeoutSeconds", "600"), ("RunProof__Models__small__Price__Version", "t-1"), ("RunProof__Models__small__Price__Input", "2.50"),
            ("RunProof__Models__small__Price__Output", "10"),
            .. more,
        ]);

    private async Task<ApiClient> ClientAsync(RunnerProcess process, string scope) => await process.ClientAsync(await Store.CreateKeyAsync(_database, "acme", scope));

    private async Task<(long Tokens, decimal Cents, long Rows)> UsedAsync(string budget) => (
        (long)(await Store.ScalarAsync(_database, "SELECT coalesce(sum(tokens), 0)::bigint FROM runproof.budget_usage WHERE budget_id = $1", budget))!,
        (decimal)(await Store.ScalarAsync(_database, "SELECT coalesce(sum(cost_cents), 0) FROM runproof.budget_usage WHERE budget_id = $1", budget))!,
        (long)(await Store.ScalarAsync(_database, "SELECT count(*) FROM runproof.budget_reservations"))!);

    private async Task<IReadOnlyList<RecordedStep>> VerifiedAsync(Answer run, int expected)
    {
        var (report, steps) = await VerifyAsync(run);
        Assert.Equal((VerificationStatus.Verified, expected), (report.Verdict.Status, steps.Count));
        return steps;
    }

    private async Task<(TraceReport Report, IReadOnlyList<RecordedStep> Steps)> VerifyAsync(Answer run)
    {
        await using var source = Npgsql.NpgsqlDataSource.Create(_database.VerifierConnectionString);
        await using var snapshot = await new PostgresEvidenceStore(source).OpenAsync(TenantId.Parse("acme"), default);
        var trace = Assert.Single(await snapshot.ReadTracesAsync(RunId.Parse(run["run_id"]!), payloads: true, default));
        var steps = new List<RecordedStep>();
        await foreach (var step in snapshot.ReadStepsAsync(trace.TraceId, payloads: true, default))
            steps.Add(step);
        return (TraceVerifier.Verify(trace, steps, new VerificationOptions { Tenant = TenantId.Parse("acme"), Run = RunId.Parse(run["run_id"]!) }), steps);
    }
}
