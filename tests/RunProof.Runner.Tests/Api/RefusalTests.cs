using System.Net;

namespace RunProof.Runner.Tests;

public sealed class RefusalTests(RunnerFixture runner)
{
    [Theory]
    [InlineData("GET", "/api/v1/runs")]
    [InlineData("POST", "/api/v1/runs")]
    [InlineData("GET", "/api/v1/runs/x")]
    [InlineData("GET", "/api/v1/agents")]
    [InlineData("POST", "/api/v1/agents")]
    [InlineData("GET", "/api/v1/skills")]
    public async Task Nothing_is_told_without_a_key(string method, string path)
    {
        (await runner.Anonymous.SendAsync(new HttpMethod(method), path, method == "POST" ? "{}" : null)).IsProblem(401, "/problems/unauthorized");
        (await runner.Client("rpk_" + new string('a', 43)).SendAsync(new HttpMethod(method), path, method == "POST" ? "{}" : null)).IsProblem(401, "/problems/unauthorized");
    }

    /// <summary>The routes are those of the document, so that one that is added later is asked as well.</summary>
    [Fact]
    public async Task Every_operation_of_the_document_wants_a_key_except_the_demonstration_and_the_schemas_that_editors_read()
    {
        var asked = 0;
        foreach (var path in (await runner.Anonymous.GetAsync("/openapi/v1.json")).Body.GetProperty("paths").EnumerateObject().Where(path => path.Name is not ("/demo/zen" or "/api/v1/policy-schema" or "/api/v1/plan-schema")))
        {
            foreach (var method in path.Value.EnumerateObject().Select(operation => operation.Name.ToUpperInvariant()))
            {
                var answer = await runner.Anonymous.SendAsync(new HttpMethod(method), path.Name.Replace("{run_id}", "x", StringComparison.Ordinal), method == "GET" ? null : "{}");
                Assert.Equal((method, path.Name, 401), (method, path.Name, (int)answer.Status));
                asked++;
            }
        }

        Assert.True(asked >= 6, $"only {asked} operations");
    }

    [Fact]
    public async Task An_auditors_key_reads_and_creates_nothing()
    {
        (await runner.AcmeAuditor.PostAsync("/api/v1/runs", "{}")).IsProblem(403, "/problems/forbidden");
        (await runner.AcmeAuditor.PostAsync("/api/v1/agents", "{}")).IsProblem(403, "/problems/forbidden");
        Assert.Equal(HttpStatusCode.OK, (await runner.AcmeAuditor.GetAsync("/api/v1/runs")).Status);
        Assert.Equal(HttpStatusCode.OK, (await runner.AcmeAuditor.GetAsync("/api/v1/agents")).Status);
        Assert.Equal(HttpStatusCode.OK, (await runner.AcmeAuditor.GetAsync("/api/v1/skills")).Status);
    }

    [Fact]
    public async Task A_key_may_come_in_a_header_of_its_own()
    {
        var key = await runner.CreateKeyAsync("acme", "auditor");

        Assert.Equal(HttpStatusCode.OK, (await runner.Anonymous.SendAsync(HttpMethod.Get, "/api/v1/runs", headers: ("X-API-Key", key))).Status);
    }

    [Fact]
    public async Task A_revoked_key_stops_working_within_five_seconds()
    {
        var id = "key_" + Guid.NewGuid().ToString("N");
        var client = runner.Client(await runner.CreateKeyAsync("acme", "runner", id));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/api/v1/skills")).Status);

        await Store.RevokeKeyAsync(runner.Database, id);
        var since = System.Diagnostics.Stopwatch.StartNew();
        while ((await client.GetAsync("/api/v1/skills")).Status is HttpStatusCode.OK)
        {
            Assert.True(since.Elapsed < TimeSpan.FromSeconds(8), "it still works");
            await Task.Delay(100);
        }
    }

    [Theory]
    [InlineData("{", "body")]
    [InlineData("", "body")]
    [InlineData("""{"agent_id":"a","agent_id":"b"}""", "body")]
    [InlineData("""{"goal":"\ud800"}""", "body")]
    [InlineData("""{"seed":12345678901234567890}""", "body")]
    [InlineData("[]", "body")]
    [InlineData("null", "body")]
    [InlineData("{} {}", "body")]
    public async Task A_body_that_is_no_json_object_is_refused_with_its_place(string body, string place)
    {
        (await runner.Acme.PostAsync("/api/v1/runs", body)).IsProblem(400, "/problems/invalid-request").Names(place);
    }

    [Fact]
    public async Task Where_the_json_breaks_is_told()
    {
        var answer = await runner.Acme.PostAsync("/api/v1/runs", """{"goal":"x",}""");

        Assert.Matches("[0-9]", answer.IsProblem(400, "/problems/invalid-request")["detail"]);
    }

    [Fact]
    public async Task A_body_over_eight_mebibytes_is_refused_and_one_under_it_is_read()
    {
        var fits = $$"""{"goal":"{{new string('x', (8 << 20) - 11)}}"}""";

        Assert.Equal(8 << 20, fits.Length);
        (await runner.Acme.PostAsync("/api/v1/runs", fits)).IsProblem(400, "/problems/invalid-request");
        (await runner.Acme.PostAsync("/api/v1/runs", fits + " ")).IsProblem(413, "/problems/too-large");
    }

    [Fact]
    public async Task Another_media_type_is_refused()
    {
        (await runner.Acme.SendAsync(HttpMethod.Post, "/api/v1/runs", "{}", "text/plain")).IsProblem(415, "/problems/unsupported-media-type");
    }

    [Fact]
    public async Task Another_method_and_another_route_are_refused()
    {
        (await runner.Acme.SendAsync(HttpMethod.Delete, "/api/v1/runs")).IsProblem(405, "/problems/method-not-allowed");
        (await runner.Acme.GetAsync("/api/v1/nothing")).IsProblem(404, "/problems/not-found");
        (await runner.Acme.GetAsync("/")).IsProblem(404, "/problems/not-found");
    }
}
