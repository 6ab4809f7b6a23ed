using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RunProof.Cli;

/// <summary>Follows a run to its end: a line an event, for a person or, as JSON, for a program.</summary>
internal static class RunWatching
{
    private static readonly JsonSerializerOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Follows a run.</summary>
    /// <param name="invocation">The command.</param>
    /// <param name="runner">The runner.</param>
    /// <param name="id">The run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>An answer that has been told already; its exit code is 0 where the run succeeded, else 1.</returns>
    internal static async Task<Answer> FollowAsync(Invocation invocation, ApiClient runner, string id, CancellationToken cancellationToken)
    {
        var path = RunCommands.PathOf(id);
        await foreach (var told in new EventReader(runner, invocation.World.Clock).ReadAsync(path + "/events", cancellationToken))
        {
            Tell(invocation, runner, told);
            if (told.Type == "end")
                return Answer.Told(runner.View(told.Data, WireContext.Default.RunEndView).Status == "succeeded" ? ExitCode.Ok : ExitCode.Error);
        }

        // It ended while nobody listened, and its end was told before.
        var run = runner.View(await runner.GetAsync(path, cancellationToken), WireContext.Default.RunView);
        return Answer.Told(run.ExitCode);
    }

    private static void Tell(Invocation invocation, ApiClient runner, RunEvent told)
    {
        if (invocation.Json)
        {
            var line = new JsonObject { ["event"] = told.Type, ["id"] = told.Id, ["data"] = JsonNode.Parse(told.Data.GetRawText()) };
            invocation.World.Terminal.Output.WriteLine(line.ToJsonString(OneLine));
            return;
        }

        var time = Format.WireTime.ToText(invocation.World.Clock.GetUtcNow());
        switch (told.Type)
        {
            case "status":
                var status = runner.View(told.Data, WireContext.Default.RunStatusView);
                invocation.Tell(page => page.Line($"{time}  {status.Status}{(status.Attempt > 1 ? Invariant($", attempt {status.Attempt}") : "")}"));
                break;
            case "step":
                var step = runner.View(told.Data, WireContext.Default.RunStepView);
                invocation.Tell(page => page.Line(ToneOf(step.Status), Invariant($"{time}  step {step.Index}  {step.PlanStep ?? "-"}  {step.Skill}  {step.Status}{(step.Retries > 0 ? Invariant($" ({step.Retries} before)") : "")}  {step.DurationMs:0.###} ms")));
                break;
            case "sealed":
                var seal = runner.View(told.Data, WireContext.Default.RunSealedView);
                invocation.Tell(page => page.Line(Invariant($"{time}  {seal.TraceId} sealed {seal.Status}, {seal.ChainLength} steps, root {seal.RootHash}")));
                break;
            case "end":
                var end = runner.View(told.Data, WireContext.Default.RunEndView);
                invocation.Tell(page => page.Line(RunCommands.ToneOf(end.Status), $"{time}  {end.Status}{(end.Error is { } error ? $": {error.Code}: {error.Message}" : "")}"));
                break;
            default:
                break;
        }
    }

    private static Tone ToneOf(string status) => status switch
    {
        "succeeded" or "skipped" => Tone.Good,
        "retrying" => Tone.Open,
        _ => Tone.Bad,
    };

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
