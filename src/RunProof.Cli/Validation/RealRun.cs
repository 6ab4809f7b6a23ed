using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RunProof.Cli;

/// <summary>Chapter 3.1: real runs, created through the API and no other way.</summary>
internal static class RealRun
{
    private const string AgentId = "runproof-validation";
    private const string Scenario = "runproof-validate";
    private const string Goal = "RunProof validation run";

    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(60);

    internal static async Task CreateAsync(Scene scene, CancellationToken cancellationToken)
    {
        var chapter = scene.Begin(3, "A real run");
        await AgentAsync(scene, chapter, cancellationToken);
        await scene.MustAsync("a run created through the API succeeded", async () =>
        {
            scene.Run = await RunAsync(scene, new JsonObject { ["planner"] = "stub" }, cancellationToken);
            Write(chapter, "3.1 the run: POST /api/v1/runs with the stub planner", scene.Run);
            return Outcome(scene.Run);
        });
        await scene.MustAsync("a run of three given steps succeeded", async () =>
        {
            scene.LongRun = await RunAsync(scene, new JsonObject { ["planner"] = "given", ["plan"] = Plan(3) }, cancellationToken);
            Write(chapter, "a second run, of three given steps, so that steps can be dropped and exchanged below", scene.LongRun);
            return Outcome(scene.LongRun);
        });
    }

    /// <summary>A run of two steps that may have one: its own budget stops it. Any runner's key may ask for that; policies and budgets of a tenant are a governor's.</summary>
    internal static Task<RunView> StoppedAsync(Scene scene, CancellationToken cancellationToken) => RunAsync(
        scene, new JsonObject { ["planner"] = "given", ["plan"] = Plan(2), ["budget"] = new JsonObject { ["steps"] = 1 } }, cancellationToken);

    /// <summary>A run that calls the runner's own demo model.</summary>
    internal static Task<RunView> ModelAsync(Scene scene, CancellationToken cancellationToken) => RunAsync(
        scene,
        new JsonObject
        {
            ["planner"] = "given",
            ["plan"] = new JsonArray(new JsonObject
            {
                ["skill"] = "llm_invoke",
                ["params"] = new JsonObject
                {
                    ["model"] = "runproof-demo",
                    ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Which is better, responsive or fast?" }),
                },
            }),
        },
        cancellationToken);

    private static async Task AgentAsync(Scene scene, Chapter chapter, CancellationToken cancellationToken)
    {
        await scene.MustAsync("the agent of the validation is there", async () =>
        {
            var request = new JsonObject { ["id"] = AgentId, ["name"] = "RunProof validation", ["description"] = "Made by runproof validate." };
            try
            {
                await scene.Runner.PostAsync("api/v1/agents", request, cancellationToken);
                chapter.Facts("agent", ("id", AgentId), ("POST /api/v1/agents", "201: created"));
                return (true, $"{AgentId}: created");
            }
            catch (CommandException refusal) when (refusal.HttpStatus == 409)
            {
                chapter.Facts("agent", ("id", AgentId), ("POST /api/v1/agents", "409: it was there already"));
                return (true, $"{AgentId}: found");
            }
        });
    }

    private static async Task<RunView> RunAsync(Scene scene, JsonObject request, CancellationToken cancellationToken)
    {
        request["agent_id"] = AgentId;
        request["goal"] = Goal;
        request["origin_system_id"] = Scenario;
        request["is_synthetic"] = true;
        request["synthetic_scenario_id"] = Scenario;
        request["wait"] = Wait.TotalSeconds;
        var document = await scene.Runner.PostAsync("api/v1/runs", request, cancellationToken, Wait);
        var run = scene.Runner.View(document, WireContext.Default.RunView);
        return run.HasEnded ? run : throw new TimeoutException(string.Create(CultureInfo.InvariantCulture, $"run {run.RunId} is still {run.Status} after {Wait.TotalSeconds} s"));
    }

    // Three times the very same step: AOS kept one of them (its executor took a step's place in the plan for its identity).
    private static JsonArray Plan(int steps) =>
    [
        .. Enumerable.Range(0, steps).Select(_ => new JsonObject { ["skill"] = "echo", ["params"] = new JsonObject { ["message"] = "the same step, three times" } }),
    ];

    private static (bool, string) Outcome(RunView run) =>
        (run.Status == "succeeded", run.Error is { } error ? $"run {run.RunId} {run.Status}: {error.Code}: {error.Message}" : $"run {run.RunId} {run.Status}");

    /// <summary>A run, as the runner tells of it.</summary>
    internal static void Write(Chapter chapter, string heading, RunView run) => chapter.Facts(
        heading,
        ("run_id", run.RunId),
        ("agent_id", run.AgentId),
        ("goal", run.Goal),
        ("origin_system_id", run.OriginSystemId),
        ("planner", run.Planner),
        ("status", run.Status),
        ("trace_id", run.TraceId),
        ("attempts", Listing.Text(run.Attempts)),
        ("started_at", run.StartedAt),
        ("completed_at", run.CompletedAt),
        ("duration_ms", run.DurationMs?.ToString(CultureInfo.InvariantCulture)),
        ("error", run.Error is { } error ? $"{error.Code}: {error.Message}" : "none"));
}
