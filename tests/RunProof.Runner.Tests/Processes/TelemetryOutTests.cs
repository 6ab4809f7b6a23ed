using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using RunProof.Testing;

namespace RunProof.Runner.Tests;

/// <summary>What leaves a real runner: spans, metrics and logs to a collector, and the caller's context to whoever a step calls.</summary>
public sealed class TelemetryOutTests(RunnerFixture fixture) : IAsyncLifetime
{
    private readonly ConcurrentQueue<string?> _called = new();
    private TestDatabase _database = null!;
    private WebApplication _target = null!;
    private string _url = "";

    public async ValueTask InitializeAsync()
    {
        _database = await fixture.CreateDatabaseAsync();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _target = builder.Build();
        _target.Urls.Add($"http://{IPAddress.Loopback}:0");
        _target.Run(context =>
        {
            _called.Enqueue(context.Request.Headers.TraceParent.FirstOrDefault());
            return context.Response.WriteAsync("called");
        });
        await _target.StartAsync();
        _url = _target.Urls.Single();
    }

    public ValueTask DisposeAsync() => _target.DisposeAsync();

    [Theory]
    [InlineData("http/protobuf")]
    [InlineData("grpc")]
    public async Task Spans_metrics_and_logs_of_a_run_reach_a_collector(string protocol)
    {
        await using var collector = await OtlpReceiver.StartAsync(protocol == "grpc");
        var caller = ActivityTraceId.CreateRandom().ToHexString();
        await using var runner = await RunnerProcess.StartAsync(
            _database.RunnerConnectionString,
            ("RunProof__HttpCall__Allow__0", new Uri(_url).Authority),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address.ToString()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_SERVICE_NAME", "runner-under-test"));

        var run = await CallAsync(runner, caller);
        // What is not exported yet is exported before the process ends.
        Assert.Equal(0, await runner.TerminateAsync());

        var spans = collector.Spans.Where(span => span.TraceId == caller).ToList();
        var invoked = Assert.Single(spans, span => span.Name == "invoke_agent Ada");
        var tool = Assert.Single(spans, span => span.Name == "execute_tool http_call");
        var request = Assert.Single(spans, span => span.SpanId == invoked.ParentId);
        Assert.Equal(invoked.SpanId, tool.ParentId);
        Assert.Equal("POST /api/v1/runs/", request.Name);
        Assert.Equal(("invoke_agent", run["run_id"], "acme", "succeeded"), (
            invoked.Attributes["gen_ai.operation.name"], invoked.Attributes["runproof.run.id"], invoked.Attributes["runproof.tenant.id"], invoked.Attributes["runproof.status"]));
        Assert.Equal(("execute_tool", "http_call", "0"), (
            tool.Attributes["gen_ai.operation.name"], tool.Attributes["gen_ai.tool.name"], tool.Attributes["runproof.step.index"]));
        Assert.Equal(
            tool.Attributes["runproof.step.link"],
            await Store.ScalarAsync(_database, "SELECT encode(link, 'hex') FROM aos_trace_steps WHERE trace_id = $1 AND step_index = 0", run["trace_id"]!));
        // The call that a step makes is a child of the step, here and at the one who is called. So is what its decision asks the database, where that is not known already.
        var sent = Assert.Single(spans, span => span.ParentId == tool.SpanId && span.Name != "postgresql");
        Assert.Equal($"00-{caller}-{sent.SpanId}-01", Assert.Single(_called));
        Assert.Contains("runproof.step.duration", collector.Text("metrics"), StringComparison.Ordinal);
        Assert.Contains("runproof.runs", collector.Text("metrics"), StringComparison.Ordinal);
        Assert.Contains("Now listening on", collector.Text("logs"), StringComparison.Ordinal);
        foreach (var signal in (string[])["trace", "metrics", "logs"])
        {
            Assert.Contains("runner-under-test", collector.Text(signal), StringComparison.Ordinal);
            // What is redacted from evidence must not leave by another door.
            Assert.DoesNotContain("hunter2", collector.Text(signal), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_callers_context_goes_through_the_step_to_the_called_where_nothing_is_exported_too()
    {
        var caller = ActivityTraceId.CreateRandom().ToHexString();
        await using var runner = await RunnerProcess.StartAsync(_database.RunnerConnectionString, ("RunProof__HttpCall__Allow__0", new Uri(_url).Authority));

        var run = await CallAsync(runner, caller);

        Assert.Matches($"^00-{caller}-[0-9a-f]{{16}}-01$", Assert.Single(_called));
        foreach (var sql in (string[])[
            "SELECT context::jsonb->>'traceparent' FROM aos_trace_steps WHERE trace_id = $1 AND step_index = 0", "SELECT context::jsonb->>'traceparent' FROM aos_traces WHERE trace_id = $1"])
            Assert.Matches($"^00-{caller}-[0-9a-f]{{16}}-01$", (string?)await Store.ScalarAsync(_database, sql, run["trace_id"]!));
    }

    private async Task<Answer> CallAsync(RunnerProcess runner, string caller)
    {
        var client = await runner.ClientAsync(await Store.CreateKeyAsync(_database, "acme", "runner"));
        var run = await client.PostAsync(
            "/api/v1/runs", ApiClient.Run(await client.CreateAgentAsync(), $$$$"""[{"skill":"http_call","params":{"url":"{{{{_url}}}}/there?api_key=hunter2","headers":{"authorization":"Bearer hunter2"}}}]""", ",\"wait\":60"),
            ("traceparent", $"00-{caller}-{ActivitySpanId.CreateRandom().ToHexString()}-01"));
        Assert.Equal("succeeded", run["status"]);
        return run;
    }
}
