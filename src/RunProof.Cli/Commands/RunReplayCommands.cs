using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using static System.FormattableString;

namespace RunProof.Cli;

/// <summary><c>run replay</c> and <c>run fork</c>.</summary>
internal static class RunReplayCommands
{
    private const int Shown = 25;

    private static readonly Argument<string> Id = new("RUN") { Description = "The run's id: one that has ended." };
    private static readonly Option<int?> From = new("--from") { HelpName = "N", Description = "The planned step to begin with, by its place in the plan from 0; what is before it is taken from the record. Default: 0." };
    private static readonly Option<string?> Mode = new Option<string?>("--mode") { HelpName = "MODE", Description = "check (default): execute again and compare; dry: execute nothing, recompute parameters." }.AcceptOnly("check", "dry");
    private static readonly Option<string?> Trace = new("--trace") { HelpName = "TRACE", Description = "Of the run this trace. Default: its last." };
    private static readonly Option<bool> Report = new("--report") { Description = "RUN is a replay: show the report on it, and begin nothing." };
    private static readonly Option<int> FromStep = new("--from-step") { Required = true, HelpName = "N", Description = "The planned step to begin with, by its place in the plan from 0." };
    private static readonly Option<string?> Plan = new("--plan") { HelpName = "FILE", Description = "The steps from there on, a JSON array; - is standard input. Default: those of the run's own plan." };
    private static readonly Option<string?> Goal = new("--goal") { HelpName = "TEXT", Description = "What it is for. Default: the run's goal." };

    internal static Command CreateReplay(World world) =>
        new Command("replay", "Execute a run again and compare: a run of its own, with a report. With --wait, exit code 0 equal, 5 not all could be compared, 10 it diverged.") { Id, From, Mode, Trace, Report, RunCreation.Wait }
            .Does(world, ReplayAsync);

    internal static Command CreateFork(World world) =>
        new Command("fork", "Begin a new run at a step of another one; the outcomes before it are taken from that one's record.") { Id, FromStep, Plan, Goal, Trace, RunCreation.Wait }
            .Does(world, ForkAsync);

    private static async Task<Answer> ReplayAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        if (invocation.Get(Report))
            return await ReportAsync(invocation.Get(Id), invocation, cancellationToken);
        var body = new JsonObject { ["mode"] = invocation.Get(Mode) ?? "check" };
        if (invocation.Get(From) is { } from)
            body["from"] = from;
        var (runner, document, run) = await BeginAsync("replay", body, invocation, cancellationToken);
        // A replay that failed in the way of its origin may be equal to it; one that was refused has nothing to compare.
        return run.HasEnded && run.Error?.Code is not "origin_not_verified"
            ? await ReportAsync(run.RunId, invocation, cancellationToken)
            : RunCommands.Show(runner, document, run.ExitCode);
    }

    private static async Task<Answer> ForkAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var body = new JsonObject { ["from_step"] = invocation.Get(FromStep) };
        if (invocation.Get(Plan) is { } file)
            body["plan"] = RunCreation.ParsePlan(file, await InputFile.ReadAsync(file, invocation.World, cancellationToken));
        if (invocation.Get(Goal) is { } goal)
            body["goal"] = goal;
        var (runner, document, run) = await BeginAsync("fork", body, invocation, cancellationToken);
        return RunCommands.Show(runner, document, run.ExitCode);
    }

    private static async Task<(ApiClient Runner, JsonElement Document, RunView Run)> BeginAsync(string what, JsonObject body, Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        if (invocation.Get(Trace) is { } trace)
            body["trace"] = trace;
        var wait = TimeSpan.FromSeconds(invocation.Get(RunCreation.Wait) ?? 0);
        if (wait > TimeSpan.Zero)
            body["wait"] = wait.TotalSeconds;
        var path = $"{RunCommands.PathOf(invocation.Get(Id))}/{what}";
        var document = await invocation.World.Terminal.WhileAsync($"waiting for the {what}", () => runner.PostAsync(path, body, cancellationToken, wait));
        return (runner, document, runner.View(document, WireContext.Default.RunView));
    }

    private static async Task<Answer> ReportAsync(string run, Invocation invocation, CancellationToken cancellationToken)
    {
        var verifier = Services.Verifier(invocation);
        var report = await verifier.GetAsync(RunCommands.PathOf(run) + "/replay-report", cancellationToken);
        if (!Comparisons.Object(report, "replay", "origin", "status", "divergences", "not_comparable_count"))
            throw verifier.NotOurs("it answers with no report");
        var exit = report.GetProperty("status").GetString() switch
        {
            "equal" => ExitCode.Ok,
            "equal_as_far_as_compared" => ExitCode.Unsupported,
            "diverged" => ExitCode.Failed,
            _ => Sides(report).Contains("FAILED") || !Sides(report).Contains("UNSUPPORTED") ? ExitCode.Failed : ExitCode.Unsupported,
        };
        return new Answer(JsonNode.Parse(report.GetRawText())!, page => Write(page, report, exit), exit);
    }

    private static string?[] Sides(JsonElement report) => [Comparisons.Text(report.GetProperty("replay"), "verification_status"), Comparisons.Text(report.GetProperty("origin"), "verification_status")];

    private static void Write(Page page, JsonElement report, int exit)
    {
        var status = Comparisons.Text(report, "status")!.Replace('_', ' ');
        page.Line(exit == ExitCode.Ok ? Tone.Good : exit == ExitCode.Unsupported ? Tone.Open : Tone.Bad, $"{status}  {Comparisons.Text(report.GetProperty("replay"), "run_id")}");
        page.Fields(
            ("reason", Comparisons.Text(report, "reason")),
            ("replay", $"{Comparisons.Text(report.GetProperty("replay"), "verification_status")}  {Comparisons.Text(report.GetProperty("replay"), "trace_id")}"),
            ("origin", $"{Comparisons.Text(report.GetProperty("origin"), "verification_status")}  {Comparisons.Text(report.GetProperty("origin"), "trace_id")}"),
            ("mode", Comparisons.Text(report, "mode") + (report.TryGetProperty("from", out var from) && from.GetInt32() > 0 ? Invariant($", from planned step {from}") : "")),
            ("steps compared", Comparisons.Text(report, "steps_compared")),
            ("parameters", Invariant($"{Comparisons.Text(report, "parameters_compared")} compared")),
            ("outcomes", Invariant($"{Comparisons.Text(report, "outcomes_compared")} executed and compared, {Comparisons.Text(report, "outcomes_executed")} executed, {Comparisons.Text(report, "outcomes_recorded")} taken from the record")),
            ("order", Comparisons.Order(report)),
            ("varies", Comparisons.Varied(report)),
            ("divergences", Comparisons.Text(report, "divergence_count")),
            ("first", report.TryGetProperty("first", out var first) && first.ValueKind is JsonValueKind.Object ? Comparisons.Text(first, "message") : null));
        Comparisons.Lines(
            page, "DIVERGENCE", [.. report.GetProperty("divergences").EnumerateArray().Select(static each =>
                Comparisons.Row(Comparisons.Text(each, "kind"), Comparisons.Step(each, "replay_step", "origin_step"), each, "origin", "replay"))], "ORIGIN", "REPLAY", Shown);
        Comparisons.Hidden(page, report);
    }
}
