using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;

namespace RunProof.Runner.Tests;

/// <summary>Whoever had a hand in a run's being asked for does not approve what it does; and what stops runs that wait for people.</summary>
public sealed class FourEyesTests(RunnerFixture fixture)
{
    private const string Pay = """[{"id":"first","skill":"say","params":{"text":"hello"}},{"id":"buy","skill":"say","params":{"text":"pay"}}]""";
    private static int _tenants;

    [Fact]
    public async Task Whoever_forks_or_replays_a_run_does_not_approve_it()
    {
        var house = await HouseAsync();
        var origin = await CreateAsync(house, Pay);
        await ApprovedByAsync(house, origin, "ada", "test");
        var forked = await house.Carol.PostAsync($"/api/v1/runs/{origin}/fork", """{"from_step":0}""");
        Assert.True(forked.Status is HttpStatusCode.Accepted, forked.Body.ToString());
        await ApprovedByAsync(house, forked["run_id"]!, "ada", "carol");
        var replayed = await house.Carol.PostAsync($"/api/v1/runs/{origin}/replay", """{"mode":"check"}""");
        Assert.True(replayed.Status is HttpStatusCode.Accepted, replayed.Body.ToString());
        await ApprovedByAsync(house, replayed["run_id"]!, "ada", "carol");
    }

    [Fact]
    public async Task Whoever_gives_a_run_another_attempt_does_not_approve_it_nor_does_who_asked_for_it()
    {
        var house = await HouseAsync();
        var run = await CreateAsync(house, Pay);
        var asked = await AskedAsync(house, run);
        Assert.Equal(HttpStatusCode.OK, (await DecideAsync(house, "carol", asked, "reject")).Status);
        Assert.Equal("failed", (await house.Test.GetAsync($"/api/v1/runs/{run}?wait=90"))["status"]);
        Assert.Equal(HttpStatusCode.OK, (await house.Carol.PostAsync($"/api/v1/runs/{run}/retry", "{}")).Status);
        await ApprovedByAsync(house, run, "ada", "carol", "test");
    }

    [Fact]
    public async Task A_sub_run_has_the_makers_of_its_parent()
    {
        var house = await HouseAsync();
        var run = await CreateAsync(house, Sub);
        var first = await ChildAsync(house);
        Assert.Equal(HttpStatusCode.OK, (await DecideAsync(house, "carol", await AskedAsync(house, first), "reject")).Status);
        Assert.Equal("failed", (await house.Test.GetAsync($"/api/v1/runs/{run}?wait=90"))["status"]);
        Assert.Equal(HttpStatusCode.OK, (await house.Carol.PostAsync($"/api/v1/runs/{run}/retry", "{}")).Status);
        await ApprovedByAsync(house, await ChildAsync(house), "ada", "carol", "test");
        Assert.Equal("succeeded", (await house.Test.GetAsync($"/api/v1/runs/{run}?wait=90"))["status"]);
    }

    private const string Sub = """[{"skill":"sub_run","timeout_ms":600000,"params":{"goal":"pay","plan":[{"skill":"say","params":{"text":"pay"}}]}}]""";

    private static async Task<string> ChildAsync(House house)
    {
        for (var i = 0; ; i++)
        {
            var asked = (await house.Test.GetAsync("/api/v1/approvals?status=pending")).Body.GetProperty("items");
            if (asked.GetArrayLength() > 0)
                return asked[0].GetProperty("run_id").GetString()!;
            Assert.True(i < 1_200, "no sub-run asks");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Whoever_set_changed_or_triggers_a_schedule_does_not_approve_its_runs()
    {
        var house = await HouseAsync();
        var agent = await house.Test.CreateAgentAsync();
        var body = $$"""{"request":{{ApiClient.Run(agent, Pay)}},"cron":"* * * * *","catch_up":"last","overlap":"allow"}""";
        Assert.Equal(HttpStatusCode.Created, (await house.Carol.SendAsync(HttpMethod.Put, "/api/v1/schedules/daily", body)).Status);
        Assert.Equal(HttpStatusCode.OK, (await house.Dave.SendAsync(HttpMethod.Put, "/api/v1/schedules/daily", body)).Status);
        await fixture.ScalarAsync("UPDATE runproof.schedules SET next_due = date_trunc('minute', now()), look_at = now() WHERE tenant_id = $1", house.Tenant);
        string? fired = null;
        for (var i = 0; (fired = (await house.Test.GetAsync("/api/v1/schedules/daily"))["last_run_id"]) is null; i++)
        {
            Assert.True(i < 1_200, "it does not fire");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        await ApprovedByAsync(house, fired, "ada", "carol", "dave");
        Assert.Equal(2L, await fixture.ScalarAsync("SELECT count(*) FROM runproof.run_makers WHERE run_id = $1", fired));
        var triggered = await house.Test.SendAsync(HttpMethod.Post, "/api/v1/schedules/daily/trigger");
        Assert.Equal(HttpStatusCode.Accepted, triggered.Status);
        await house.Test.SendAsync(HttpMethod.Delete, "/api/v1/schedules/daily");
        await ApprovedByAsync(house, triggered["run_id"]!, "ada", "carol", "dave", "test");
    }

    [Fact]
    public async Task What_nobody_is_known_to_have_asked_for_nobody_approves()
    {
        var house = await HouseAsync();
        var run = await CreateAsync(house, Pay);
        var asked = await AskedAsync(house, run);
        await TamperAsync("UPDATE runs SET created_by = NULL WHERE id = $1", run);
        var refused = await DecideAsync(house, "ada", asked, "approve");
        Assert.Contains("Nobody knows who asked", refused.IsProblem(403, "/problems/forbidden")["detail"], StringComparison.Ordinal);
        await house.Test.PostAsync($"/api/v1/runs/{run}/cancel", "{}");
        Assert.Equal("cancelled", (await house.Test.GetAsync($"/api/v1/runs/{run}?wait=90"))["status"]);
    }

    [Theory]
    [InlineData("false", HttpStatusCode.Forbidden)]
    [InlineData("true", HttpStatusCode.OK)]
    public async Task Who_asked_for_a_run_approves_it_only_where_the_host_is_told_to_allow_that(string allowed, HttpStatusCode answered)
    {
        var database = await fixture.CreateDatabaseAsync();
        await using var factory = new Factory(database.RunnerConnectionString, allowed);
        factory.UseKestrel(0);
        factory.StartServer();
        using var http = factory.CreateClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await Store.CreateKeyAsync(database, "own", "runner"));
        var client = new ApiClient(http);
        const string Plan = """[{"skill":"approval","params":{"message":"May I?"}},{"skill":"echo","params":{"message":"a"}}]""";
        var run = (await client.PostAsync("/api/v1/runs", ApiClient.Run(await client.CreateAgentAsync(), Plan)))["run_id"]!;
        await UntilAsync(client, run, "waiting");
        var asked = (await client.GetAsync($"/api/v1/approvals?run_id={run}")).Body.GetProperty("items")[0];
        var answer = await client.PostAsync(
            $"/api/v1/approvals/{asked.GetProperty("id").GetString()}/approve", $$"""{"action_digest":"{{asked.GetProperty("action_digest").GetString()}}"}""");
        Assert.Equal(answered, answer.Status);
        if (answered is HttpStatusCode.OK)
            Assert.Equal("succeeded", (await client.GetAsync($"/api/v1/runs/{run}?wait=90"))["status"]);
    }

    [Fact]
    public async Task A_run_that_waits_under_a_kill_switch_is_held_though_people_approve_and_goes_on_when_that_is_released()
    {
        var house = await HouseAsync();
        var run = await CreateAsync(house, Pay);
        var asked = await AskedAsync(house, run);
        await KillAsync(house, "tenant", "");
        Assert.Equal(HttpStatusCode.OK, (await DecideAsync(house, "ada", asked, "approve")).Status);
        Assert.Equal("queued", (await house.Test.GetAsync($"/api/v1/runs/{run}"))["status"]);
        Assert.Equal(true, await fixture.ScalarAsync("SELECT available_at = 'infinity' FROM runproof.run_queue WHERE run_id = $1", run));
        Assert.Null((await house.Test.GetAsync($"/api/v1/approvals/{asked["id"]}"))["used_at"]);
        Assert.Equal(HttpStatusCode.OK, (await house.Governor.SendAsync(HttpMethod.Delete, "/api/v1/kill-switch?scope=tenant")).Status);
        var ended = await house.Test.GetAsync($"/api/v1/runs/{run}?wait=90");
        Assert.True(ended["status"] == "succeeded", ended.Body.ToString());
    }

    [Fact]
    public async Task A_run_that_waits_under_a_kill_switch_can_be_cancelled()
    {
        var house = await HouseAsync();
        var run = await CreateAsync(house, Pay);
        var asked = await AskedAsync(house, run);
        await KillAsync(house, "tenant", "");
        await house.Test.PostAsync($"/api/v1/runs/{run}/cancel", """{"reason":"enough"}""");
        Assert.Equal("cancelled", (await house.Test.GetAsync($"/api/v1/runs/{run}?wait=90"))["status"]);
        Assert.Equal("withdrawn", (await house.Test.GetAsync($"/api/v1/approvals/{asked["id"]}"))["status"]);
        (await DecideAsync(house, "ada", asked, "approve")).IsProblem(409, "/problems/approval-ended");
    }

    [Fact]
    public async Task A_kill_switch_on_the_skill_beats_an_approval()
    {
        var house = await HouseAsync();
        var run = await CreateAsync(house, Pay);
        var asked = await AskedAsync(house, run);
        await KillAsync(house, "skill", ""","skill":"say" """);
        // In force after two seconds: a runner decides by nothing older.
        await Task.Delay(2_100, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, (await DecideAsync(house, "ada", asked, "approve")).Status);
        var ended = await house.Test.GetAsync($"/api/v1/runs/{run}?wait=90");
        Assert.Equal(("aborted", "kill_switch"), (ended["status"], ended.Body.GetProperty("error").GetProperty("code").GetString()));
        var approval = await house.Test.GetAsync($"/api/v1/approvals/{asked["id"]}");
        Assert.Equal(("approved", null), (approval["status"], approval["used_at"]));
    }

    private sealed record House(string Tenant, ApiClient Test, ApiClient Carol, ApiClient Dave, ApiClient Governor, IReadOnlyDictionary<string, ApiClient> Approvers);

    private async Task<House> HouseAsync()
    {
        var tenant = $"four-eyes-{Interlocked.Increment(ref _tenants)}";
        var approvers = new Dictionary<string, ApiClient>(StringComparer.Ordinal);
        foreach (var name in (string[])["ada", "carol", "dave", "test"])
            approvers[name] = fixture.Client(await fixture.CreateKeyAsync(tenant, "approver", name: name));
        var house = new House(
            tenant, fixture.Client(await fixture.CreateKeyAsync(tenant, "runner")), fixture.Client(await fixture.CreateKeyAsync(tenant, "runner", name: "carol")),
            fixture.Client(await fixture.CreateKeyAsync(tenant, "runner", name: "dave")), fixture.Client(await fixture.CreateKeyAsync(tenant, "governor")), approvers);
        const string Policy = "policy: guard\nversion: '1'\ndefault: allow\nrules: [{ id: ask, effect: require_approval, reason: ask, when: { skill: say, params: { text: pay } } }]\n";
        Assert.Equal(HttpStatusCode.Created, (await house.Governor.SendAsync(HttpMethod.Put, "/api/v1/policies/guard", Policy, "application/yaml")).Status);
        return house;
    }

    private static async Task<string> CreateAsync(House house, string plan)
    {
        var made = await house.Test.PostAsync("/api/v1/runs", ApiClient.Run(await house.Test.CreateAgentAsync(), plan));
        Assert.True(made.Status is HttpStatusCode.Accepted, made.Body.ToString());
        return made["run_id"]!;
    }

    private static async Task<Answer> AskedAsync(House house, string run)
    {
        await UntilAsync(house.Test, run, "waiting");
        var asked = Assert.Single((await house.Test.GetAsync($"/api/v1/approvals?run_id={run}&status=pending")).Body.GetProperty("items").EnumerateArray());
        return await house.Test.GetAsync($"/api/v1/approvals/{asked.GetProperty("id").GetString()}");
    }

    // The makers are refused; another person is not.
    private static async Task ApprovedByAsync(House house, string run, string approver, params string[] makers)
    {
        var asked = await AskedAsync(house, run);
        foreach (var maker in makers)
            Assert.Contains("another person", (await DecideAsync(house, maker, asked, "approve")).IsProblem(403, "/problems/forbidden")["detail"], StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await DecideAsync(house, approver, asked, "approve")).Status);
        var ended = await house.Test.GetAsync($"/api/v1/runs/{run}?wait=90");
        Assert.True(ended["status"] == "succeeded", ended.Body.ToString());
    }

    private static Task<Answer> DecideAsync(House house, string approver, Answer asked, string decision) =>
        house.Approvers[approver].PostAsync($"/api/v1/approvals/{asked["id"]}/{decision}", $$"""{"action_digest":"{{asked["action_digest"]}}"}""");

    private static async Task KillAsync(House house, string scope, string more) =>
        Assert.Equal(HttpStatusCode.Created, (await house.Governor.PostAsync("/api/v1/kill-switch", $$"""{"scope":"{{scope}}","reason":"stop"{{more}}}""")).Status);

    private static async Task UntilAsync(ApiClient client, string run, string status)
    {
        for (var i = 0; ; i++)
        {
            var found = await client.GetAsync($"/api/v1/runs/{run}");
            if (found["status"] == status)
                return;
            Assert.True(i < 1_200, $"it stays {found.Body}");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    // As somebody who owns the database: no trigger holds.
    private async Task TamperAsync(string sql, string run)
    {
        await using var source = Npgsql.NpgsqlDataSource.Create(fixture.Database.AdminConnectionString);
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        foreach (var statement in (string[])["SET LOCAL lock_timeout = '60s'", "ALTER TABLE runs DISABLE TRIGGER USER", sql, "ALTER TABLE runs ENABLE TRIGGER USER"])
        {
            await using var command = new Npgsql.NpgsqlCommand(statement, connection, transaction);
            if (statement == sql)
                command.Parameters.Add(new Npgsql.NpgsqlParameter { Value = run });
            await command.ExecuteNonQueryAsync();
        }

        await transaction.CommitAsync();
    }

    private sealed class Factory(string connection, string allowed) : WebApplicationFactory<Program>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseSetting("ConnectionStrings:runproofdb", connection);
            builder.UseSetting("RunProof:Approvals:AllowOwnRuns", allowed);
            builder.UseSetting("RunProof:Runner:StopGraceSeconds", "1");
            builder.UseSetting("Logging:LogLevel:Default", "Warning");
        }
    }
}
