using System.Net;

namespace RunProof.Runner.Tests;

public sealed class AgentApiTests(RunnerFixture runner)
{
    [Fact]
    public async Task An_agent_is_created_with_its_id_or_a_new_one()
    {
        var id = "agent-" + Guid.NewGuid();
        var named = await runner.Acme.PostAsync("/api/v1/agents", $$"""{"id":"{{id}}","name":"Ada","description":"First."}""");
        var unnamed = await runner.Acme.PostAsync("/api/v1/agents", """{"name":"Bob","description":null}""");

        Assert.Equal(HttpStatusCode.Created, named.Status);
        Assert.Equal((id, "Ada", "First."), (named["id"], named["name"], named["description"]));
        Assert.Matches("^[0-9-]{10}T[0-9:]{8}\\.[0-9]{6}Z$", named["created_at"]);
        Assert.Equal(4, named.Body.EnumerateObject().Count());
        Assert.True(Guid.TryParseExact(unnamed["id"], "D", out _));
        Assert.Null(unnamed["description"]);
    }

    [Fact]
    public async Task A_second_agent_of_the_same_id_is_refused_in_its_tenant_alone()
    {
        var body = $$"""{"id":"agent-{{Guid.NewGuid()}}","name":"Ada"}""";
        await runner.Acme.PostAsync("/api/v1/agents", body);

        (await runner.Acme.PostAsync("/api/v1/agents", body)).IsProblem(409, "/problems/duplicate");
        Assert.Equal(HttpStatusCode.Created, (await runner.Other.PostAsync("/api/v1/agents", body)).Status);
    }

    [Theory]
    [InlineData("{}", "name")]
    [InlineData("""{"name":" "}""", "name")]
    [InlineData("""{"name":"a\u0000b"}""", "name")]
    [InlineData("""{"name":7}""", "name")]
    [InlineData("""{"name":"a","id":"not an id"}""", "id")]
    [InlineData("""{"name":"a","description":[]}""", "description")]
    [InlineData("""{"name":"a","role":"x"}""", "role")]
    public async Task What_is_wrong_with_an_agent_is_named(string body, string place)
    {
        (await runner.Acme.PostAsync("/api/v1/agents", body)).IsProblem(400, "/problems/invalid-request").Names(place);
    }

    [Fact]
    public async Task Agents_are_listed_page_by_page_in_their_tenant()
    {
        var tenant = "t" + Guid.NewGuid().ToString("N");
        var client = runner.Client(await runner.CreateKeyAsync(tenant, "runner"));
        foreach (var id in new[] { "c", "a", "e", "b", "d" })
            await client.PostAsync("/api/v1/agents", $$"""{"id":"{{id}}","name":"{{id}}"}""");

        var first = await client.GetAsync("/api/v1/agents?limit=2");
        var second = await client.GetAsync("/api/v1/agents?limit=2&after=" + first["next"]);
        var last = await client.GetAsync("/api/v1/agents?limit=2&after=" + second["next"]);

        Assert.Equal(["a", "b", "c", "d", "e"], new[] { first, second, last }.SelectMany(page => page.Body.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("id").GetString())));
        Assert.Null(last["next"]);
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=201", "limit")]
    [InlineData("limit=x", "limit")]
    [InlineData("limit=1&limit=2", "limit")]
    [InlineData("page=2", "page")]
    public async Task A_wrong_parameter_is_named(string query, string place)
    {
        (await runner.Acme.GetAsync("/api/v1/agents?" + query)).IsProblem(400, "/problems/invalid-request").Names(place);
    }
}
