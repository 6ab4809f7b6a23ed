using System.Net;

namespace RunProof.Runner.Tests;

/// <summary>Schedules over HTTP.</summary>
public sealed class ScheduleApiTests(RunnerFixture runner)
{
    private const string Say = """[{"skill":"say","params":{"text":"hello"}}]""";

    [Fact]
    public async Task A_schedule_is_defined_told_of_and_removed()
    {
        var name = Name();
        var agent = await runner.Acme.CreateAgentAsync();

        var made = await PutAsync(name, Body(agent, Say, ""","cron":"30 2 * * 1-5","time_zone":"Europe/Berlin","catch_up":"all","catch_up_limit":5,"overlap":"queue" """));
        var again = await PutAsync(name, Body(agent, Say, ""","cron":"0 3 * * *","enabled":false"""));
        var found = await runner.AcmeAuditor.GetAsync($"/api/v1/schedules/{name}");
        var listed = (await runner.AcmeAuditor.GetAsync("/api/v1/schedules?limit=200")).Body.GetProperty("items").EnumerateArray().Select(one => one.GetProperty("name").GetString());

        Assert.Equal((HttpStatusCode.Created, "Europe/Berlin", "all", "5", "queue"), (made.Status, made["time_zone"], made["catch_up"], made["catch_up_limit"], made["overlap"]));
        Assert.Equal(5, made.Body.GetProperty("upcoming").GetArrayLength());
        Assert.Equal(made["next_due"], made.Body.GetProperty("upcoming")[0].GetString());
        Assert.Equal($"/api/v1/schedules/{name}", made.Headers.Location?.OriginalString);
        Assert.Equal((HttpStatusCode.OK, "False", null, "UTC", "none", "skip"), (again.Status, again["enabled"], again["next_due"], again["time_zone"], again["catch_up"], again["overlap"]));
        Assert.Equal(again["updated_at"], found["updated_at"]);
        Assert.Contains(name, listed);
        (await runner.Other.GetAsync($"/api/v1/schedules/{name}")).IsProblem(404, "/problems/not-found");
        (await runner.Other.SendAsync(HttpMethod.Delete, $"/api/v1/schedules/{name}")).IsProblem(404, "/problems/not-found");
        (await runner.AcmeAuditor.SendAsync(HttpMethod.Delete, $"/api/v1/schedules/{name}")).IsProblem(403, "/problems/forbidden");
        Assert.Equal(HttpStatusCode.NoContent, (await runner.Acme.SendAsync(HttpMethod.Delete, $"/api/v1/schedules/{name}")).Status);
        (await runner.Acme.GetAsync($"/api/v1/schedules/{name}")).IsProblem(404, "/problems/not-found");
    }

    [Fact]
    public async Task A_time_that_comes_makes_one_run_whose_evidence_names_it()
    {
        var name = Name();
        var agent = await runner.Acme.CreateAgentAsync();
        await PutAsync(name, Body(agent, Say, ""","cron":"* * * * *","catch_up":"last" """));
        await runner.ScalarAsync("UPDATE runproof.schedules SET next_due = date_trunc('minute', now()), look_at = now() WHERE name = $1", name);

        var run = await FiredAsync(name, 1);

        Assert.Equal("succeeded", (await runner.Acme.GetAsync($"/api/v1/runs/{run}?wait=60"))["status"]);
        var due = (string)(await runner.ScalarAsync("SELECT context::json #>> '{schedule,due}' FROM aos_traces WHERE run_id = $1 AND context::json #>> '{schedule,name}' = $2", run, name))!;
        Assert.EndsWith(":00.000000Z", due);
        Assert.Equal($"schedule:{name}:{due}", await runner.ScalarAsync("SELECT idempotency_key FROM runs WHERE id = $1", run));
        Assert.Equal(due, (await runner.Acme.GetAsync($"/api/v1/schedules/{name}"))["last_due"]);
        await runner.Acme.SendAsync(HttpMethod.Delete, $"/api/v1/schedules/{name}");
        Assert.Equal(run, (await runner.Acme.GetAsync($"/api/v1/schedules/{name}/runs")).Body.GetProperty("items")[0].GetProperty("run_id").GetString());
    }

    [Fact]
    public async Task A_person_may_ask_for_a_run_of_it_now()
    {
        var name = Name();
        await PutAsync(name, Body(await runner.Acme.CreateAgentAsync(), Say, ""","cron":"0 0 1 1 *","enabled":false"""));

        var one = await runner.Acme.SendAsync(HttpMethod.Post, $"/api/v1/schedules/{name}/trigger");
        var two = await runner.Acme.SendAsync(HttpMethod.Post, $"/api/v1/schedules/{name}/trigger");
        await runner.Acme.GetAsync($"/api/v1/runs/{one["run_id"]}?wait=60");

        Assert.Equal((HttpStatusCode.Accepted, HttpStatusCode.Accepted), (one.Status, two.Status));
        Assert.NotEqual(one["run_id"], two["run_id"]);
        Assert.Equal($$"""{"due":null,"name":"{{name}}"}""", await runner.ScalarAsync("SELECT context::jsonb ->> 'schedule' FROM aos_traces WHERE run_id = $1", one["run_id"]!) is string text ? text.Replace(" ", "", StringComparison.Ordinal) : null);
        var page = await runner.Acme.GetAsync($"/api/v1/schedules/{name}/runs?limit=1");
        Assert.Equal(two["run_id"], page.Body.GetProperty("items")[0].GetProperty("run_id").GetString());
        var next = await runner.Acme.GetAsync($"/api/v1/schedules/{name}/runs?cursor={Uri.EscapeDataString(page["next"]!)}");
        Assert.Equal(one["run_id"], next.Body.GetProperty("items")[0].GetProperty("run_id").GetString());
    }

    [Fact]
    public async Task A_request_that_no_longer_holds_is_told_of_and_does_not_stop_the_schedule()
    {
        var name = Name();
        await PutAsync(name, Body(await runner.Acme.CreateAgentAsync(), Say, ""","cron":"* * * * *","catch_up":"last" """));
        await runner.ScalarAsync("UPDATE runproof.schedules SET request = replace(request, '\"say\"', '\"gone\"'), next_due = date_trunc('minute', now()), look_at = now() WHERE name = $1", name);

        for (var i = 0; (await runner.Acme.GetAsync($"/api/v1/schedules/{name}"))["error"] is not { } error || !error.Contains("gone", StringComparison.Ordinal); i++)
        {
            Assert.True(i < 600, "nothing is told");
            await Task.Delay(50);
        }

        var found = await runner.Acme.GetAsync($"/api/v1/schedules/{name}");
        Assert.Equal("0", found["fired"]);
        Assert.NotNull(found["next_due"]);
    }

    [Fact]
    public async Task All_that_is_wrong_is_named_with_its_place()
    {
        var agent = await runner.Acme.CreateAgentAsync();
        var wrong = await PutAsync("Bad name", $$$"""{"cron":"61 * * * *","time_zone":"Nowhere","catch_up":"all","often":1,"request":{"agent_id":"{{{agent}}}","goal":"","wait":5,"origin_system_id":"t","colour":"red"}}""");
        wrong.IsProblem(400, "/problems/invalid-request").Names("name").Names("cron").Names("time_zone").Names("overlap").Names("often").Names("request.wait").Names("request.colour");
        (await PutAsync(Name(), Body(agent, """[{"skill":"nothing"}]""", ""","cron":"* * * * *" """))).IsProblem(400, "/problems/invalid-plan").Names("request.plan[0].skill");
        (await PutAsync(Name(), Body("nobody", Say, ""","cron":"* * * * *" """))).IsProblem(404, "/problems/unknown-agent");
        (await PutAsync(Name(), """{"cron":"* * * * *"}""")).IsProblem(400, "/problems/invalid-request").Names("request", "is missing");
        (await PutAsync(Name(), Body(agent, """[{"skill":"say","params":{"text":1,"password":"hunter2-very-secret"}}]""", ""","cron":"* * * * *" """))).IsProblem(400, "/problems/invalid-request").Names("request.plan", "redaction");
        (await PutAsync(Name(), Body(agent, Say, ""","cron":"0 0 30 2 *" """))).IsProblem(400, "/problems/invalid-request").Names("cron", "never");
        (await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, Say, ",\"idempotency_key\":\"schedule:x:y\""))).IsProblem(400, "/problems/invalid-request").Names("idempotency_key", "schedule:");
        (await runner.Acme.SendAsync(HttpMethod.Post, "/api/v1/schedules/nothing/trigger")).IsProblem(404, "/problems/not-found");
        (await runner.AcmeAuditor.SendAsync(HttpMethod.Put, "/api/v1/schedules/x", "{}")).IsProblem(403, "/problems/forbidden");
    }

    private static string Name() => "s" + Guid.NewGuid().ToString("N");

    private static string Body(string agent, string plan, string more) => $$"""{"request":{{ApiClient.Run(agent, plan)}}{{more}}}""";

    private Task<Answer> PutAsync(string name, string body) => runner.Acme.SendAsync(HttpMethod.Put, "/api/v1/schedules/" + Uri.EscapeDataString(name), body);

    private async Task<string> FiredAsync(string name, int times)
    {
        for (var i = 0; ; i++)
        {
            var found = await runner.Acme.GetAsync($"/api/v1/schedules/{name}");
            if (found.Body.GetProperty("fired").GetInt64() >= times)
                return found["last_run_id"]!;
            Assert.True(i < 600, "it does not fire: " + found.Body);
            await Task.Delay(50);
        }
    }
}
