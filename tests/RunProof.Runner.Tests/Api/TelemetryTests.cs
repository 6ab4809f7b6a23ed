using System.Collections.Concurrent;
using System.Diagnostics;

namespace RunProof.Runner.Tests;

public sealed class TelemetryTests(RunnerFixture runner)
{
    [Fact]
    public async Task The_callers_trace_goes_through_the_run_and_its_steps_into_the_evidence()
    {
        var spans = new ConcurrentBag<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "RunProof.Execution",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Add,
        };
        ActivitySource.AddActivityListener(listener);
        var agent = await runner.Acme.CreateAgentAsync();
        var caller = ActivityTraceId.CreateRandom();

        var run = await runner.Acme.PostAsync(
            "/api/v1/runs", ApiClient.Run(agent, """[{"skill":"say","params":{"text":"secret words"}},{"skill":"fail"}]""", ",\"wait\":60"), ("traceparent", $"00-{caller}-{ActivitySpanId.CreateRandom()}-01"));

        var mine = spans.Where(span => span.TraceId == caller).ToArray();
        var invoked = Assert.Single(mine, span => span.OperationName == "invoke_agent Ada");
        var said = Assert.Single(mine, span => span.OperationName == "execute_tool say");
        var failed = Assert.Single(mine, span => span.OperationName == "execute_tool fail");
        Assert.Equal((invoked.SpanId, invoked.SpanId), (said.ParentSpanId, failed.ParentSpanId));
        Assert.Equal("invoke_agent", invoked.GetTagItem("gen_ai.operation.name"));
        Assert.Equal(agent, invoked.GetTagItem("gen_ai.agent.id"));
        Assert.Equal(run["run_id"], invoked.GetTagItem("runproof.run.id"));
        Assert.Equal("acme", invoked.GetTagItem("runproof.tenant.id"));
        Assert.Equal("failed", invoked.GetTagItem("runproof.status"));
        Assert.Equal("execute_tool", said.GetTagItem("gen_ai.operation.name"));
        Assert.Equal("say", said.GetTagItem("gen_ai.tool.name"));
        Assert.Equal($"{run["run_id"]}:0", said.GetTagItem("gen_ai.tool.call.id"));
        Assert.Equal("broken", failed.GetTagItem("error.type"));
        Assert.Equal(ActivityStatusCode.Error, failed.Status);
        Assert.Equal(
            said.GetTagItem("runproof.step.link"),
            await runner.ScalarAsync("SELECT encode(link, 'hex') FROM aos_trace_steps WHERE trace_id = $1 AND step_index = 0", run["trace_id"]!));
        Assert.Equal(
            said.Id,
            await runner.ScalarAsync("SELECT context::jsonb->>'traceparent' FROM aos_trace_steps WHERE trace_id = $1 AND step_index = 0", run["trace_id"]!));
        Assert.Equal(invoked.Id, await runner.ScalarAsync("SELECT context::jsonb->>'traceparent' FROM aos_traces WHERE trace_id = $1", run["trace_id"]!));
        Assert.DoesNotContain(mine.SelectMany(span => span.TagObjects), tag => tag.Value?.ToString()?.Contains("secret words", StringComparison.Ordinal) is true);
    }
}
