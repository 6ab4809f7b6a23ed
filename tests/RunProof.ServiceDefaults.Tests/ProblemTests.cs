using System.Text.Json.Nodes;

namespace RunProof.ServiceDefaults.Tests;

public sealed class ProblemTests
{
    [Theory]
    [InlineData("{", "body")]
    [InlineData("", "body")]
    [InlineData("[]", "body")]
    [InlineData("""{"name":"a","lines":[{"count":"1"}]}""", "lines[0].count")]
    [InlineData("""{"name":"a","lines":[{"count":1,"colour":"red"}]}""", "lines[0].colour")]
    [InlineData("""{"name":"a","name":"b","lines":[]}""", "name")]
    [InlineData("""{"name":null,"lines":[]}""", "name")]
    [InlineData("""{"name":"a"}""", "body")]
    [InlineData("""{"Name":"a","lines":[]}""", "Name")]
    public async Task A_malformed_body_names_the_place(string body, string place)
    {
        await using var service = await Service.StartAsync();
        var problem = await service.ProblemAsync(400, HttpMethod.Post, "/orders", body);
        Assert.Equal("/problems/invalid-request", problem["type"]!.GetValue<string>());
        if (problem["errors"] is { } errors)
            Assert.Equal(place, Assert.Single(errors.AsObject()).Key);
        else
            Assert.Equal("body", place);
    }

    [Fact]
    public async Task A_good_body_comes_back_in_snake_case()
    {
        await using var service = await Service.StartAsync();
        var (status, body, _) = await service.SendAsync(HttpMethod.Post, "/orders", """{"name":"a","lines":[{"count":1,"note":null}]}""");
        Assert.Equal((200, """{"name":"a","lines":[{"count":1,"note":null}]}"""), (status, body));
    }

    [Fact]
    public async Task Refusals_of_the_server_itself_are_typed()
    {
        await using var service = await Service.StartAsync();
        Assert.Equal("/problems/not-found", Type(await service.ProblemAsync(404, HttpMethod.Get, "/nowhere")));
        Assert.Equal("/problems/method-not-allowed", Type(await service.ProblemAsync(405, HttpMethod.Delete, "/orders")));
        Assert.Equal("/problems/unsupported-media-type", Type(await service.ProblemAsync(415, HttpMethod.Post, "/orders", "a=b", "application/x-www-form-urlencoded")));
        Assert.Equal("/problems/duplicate", Type(await service.ProblemAsync(409, HttpMethod.Get, "/conflict")));
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_413()
    {
        await using var service = await Service.StartAsync(configure: builder =>
            Microsoft.AspNetCore.Hosting.WebHostBuilderKestrelExtensions.ConfigureKestrel(builder.WebHost, kestrel => kestrel.Limits.MaxRequestBodySize = 100));
        Assert.Equal("/problems/too-large", Type(await service.ProblemAsync(413, HttpMethod.Post, "/orders", $$"""{"name":"{{new string('x', 200)}}"}""")));
    }

    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task A_fault_of_ours_tells_nothing_about_itself(string environment)
    {
        await using var service = await Service.StartAsync(environment);
        var problem = await service.ProblemAsync(500, HttpMethod.Get, "/broken");
        Assert.Equal("/problems/internal", Type(problem));
        Assert.DoesNotContain("secret", problem.ToJsonString());
    }

    [Fact]
    public void Many_errors_are_counted_in_the_detail()
    {
        var problem = Problem.Invalid(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["a"] = ["one", "two"], ["b"] = ["three"] });
        Assert.Equal("a: one (and 2 more)", problem.Detail);
    }

    private static string Type(JsonObject problem) => problem["type"]!.GetValue<string>();
}
