using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RunProof.Cli;

/// <summary><c>run create|get|list|watch|cancel|pause|resume|retry|replay|fork|diff|prove|evidence|export</c>.</summary>
internal static class RunCommands
{
    private static readonly Argument<string> Id = new("RUN") { Description = "The run's id." };

    private static readonly Option<string?> Status = new("--status") { HelpName = "STATUS", Description = "Only runs of this status: queued, running, paused, waiting, succeeded, failed, aborted, cancelled." };
    private static readonly Option<string?> Reason = new("--reason") { HelpName = "TEXT", Description = "Why; it goes into the run's evidence." };
    private static readonly Option<string?> OfAgent = new("--agent") { HelpName = "ID", Description = "Only runs of this agent." };
    private static readonly Option<string?> OfOrigin = new("--origin") { HelpName = "ID", Description = "Only runs that this system asked for." };
    private static readonly Option<string?> OfParent = new("--parent") { HelpName = "RUN", Description = "Only runs that a step of this run asked for." };
    private static readonly Option<string?> From = new("--from") { HelpName = "TIME", Description = "Only runs created at or after this time." };
    private static readonly Option<string?> Before = new("--before") { HelpName = "TIME", Description = "Only runs created before this time." };
    private static readonly Option<int?> Limit = new("--limit") { HelpName = "N", Description = "Runs a page, 1 to 200. Default: 50." };
    private static readonly Option<string?> Cursor = new("--cursor") { HelpName = "CURSOR", Description = "Where the page begins: what the page before said is next." };
    private static readonly Option<bool> All = new("--all") { Description = "All pages." };

    internal static Command Create(World world) => new("run", "Runs: create, look at, watch, cancel, pause, replay, fork, compare, prove, export.")
    {
        RunCreation.Create(world),
        new Command("get", "Show a run.") { Id }.Does(world, GetAsync),
        new Command("list", "List runs, the newest first.") { Status, OfAgent, OfOrigin, OfParent, From, Before, Limit, Cursor, All }.Does(world, ListAsync),
        new Command("watch", "Print what happens to a run, step by step, until it ends; with --json an event a line. Exit code 0 where it succeeded, 1 where not.") { Id }
            .Does(world, (invocation, cancel) => RunWatching.FollowAsync(invocation, Services.Runner(invocation), invocation.Get(Id), cancel)),
        new Command("cancel", "End a run: its step under way is cancelled, its trace sealed with who asked and why.") { Id, Reason }
            .Does(world, (invocation, cancel) => AskAsync(invocation, "cancel", invocation.Get(Reason) is { } reason ? new JsonObject { ["reason"] = reason } : [], cancel)),
        new Command("pause", "Pause a run between its steps.") { Id }.Does(world, (invocation, cancel) => AskAsync(invocation, "pause", [], cancel)),
        new Command("resume", "Let a paused run go on.") { Id }.Does(world, (invocation, cancel) => AskAsync(invocation, "resume", [], cancel)),
        new Command("retry", "Give a run that ended without success another attempt, with a trace of its own.") { Id }.Does(world, (invocation, cancel) => AskAsync(invocation, "retry", [], cancel)),
        RunReplayCommands.CreateReplay(world),
        RunReplayCommands.CreateFork(world),
        RunDiffCommand.Create(world),
        RunProofCommand.Create(world),
        RunEvidenceCommand.Create(world),
        RunExportCommand.Create(world),
    };

    /// <summary>A run as an answer.</summary>
    /// <param name="client">Who gave it.</param>
    /// <param name="document">The run object.</param>
    /// <param name="exitCode">What the process ends with.</param>
    internal static Answer Show(ApiClient client, JsonElement document, int exitCode)
    {
        var run = client.View(document, WireContext.Default.RunView);
        return new Answer(JsonNode.Parse(document.GetRawText())!, page => Write(page, run), exitCode);
    }

    private static async Task<Answer> GetAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        return Show(runner, await runner.GetAsync(PathOf(invocation.Get(Id)), cancellationToken), ExitCode.Ok);
    }

    // Done or asked for: the run as it stands then, and never a failure's exit code for what was asked for.
    private static async Task<Answer> AskAsync(Invocation invocation, string what, JsonObject body, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        return Show(runner, await runner.PostAsync($"{PathOf(invocation.Get(Id))}/{what}", body, cancellationToken), ExitCode.Ok);
    }

    private static async Task<Answer> ListAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        (string, string?)[] query =
        [
            ("status", invocation.Get(Status)),
            ("agent_id", invocation.Get(OfAgent)),
            ("origin_system_id", invocation.Get(OfOrigin)),
            ("parent", invocation.Get(OfParent)),
            ("created_from", Time(From, invocation.Get(From))),
            ("created_before", Time(Before, invocation.Get(Before))),
            ("limit", Listing.Text(invocation.Get(Limit))),
        ];
        var (items, next) = await Listing.ReadAsync(runner, "api/v1/runs", query, ("cursor", invocation.Get(Cursor)), invocation.Get(All), cancellationToken);
        return new Answer(new JsonObject { ["items"] = items, ["next"] = next }, page =>
        {
            var rows = items.Select(item => runner.View(JsonSerializer.SerializeToElement(item), WireContext.Default.RunView)).Select(Row).ToArray();
            page.Table(["RUN", "STATUS", "AGENT", "ORIGIN", "CREATED", "DURATION", "GOAL"], rows, "no runs");
            if (next is not null)
                page.Line(Tone.Quiet, $"more: --cursor {next}, or --all");
        });
    }

    /// <summary>Where a run is found.</summary>
    /// <param name="id">Its id.</param>
    internal static string PathOf(string id) => "api/v1/runs/" + Uri.EscapeDataString(id);

    /// <summary>A duration as the API takes it.</summary>
    /// <param name="wait">The duration.</param>
    internal static string Seconds(TimeSpan wait) => wait.TotalSeconds.ToString(CultureInfo.InvariantCulture);

    /// <summary>Checks a time that a person wrote, and gives it the API's form.</summary>
    /// <param name="option">Where it was given.</param>
    /// <param name="text">The text, or null.</param>
    internal static string? Time(Option option, string? text)
    {
        if (text is null)
            return null;
        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
            throw CommandException.Usage($"{option.Name} {text} is not a time", "for example 2026-02-10T12:43:41Z");
        return Format.WireTime.ToText(time);
    }

    private static string Because(RunView run) => run.Error is { } error ? $": {error.Code}: {error.Message}" : "";

    private static Cell[] Row(RunView run) =>
        [run.RunId, new Cell(run.Status, ToneOf(run.Status)), run.AgentId, run.OriginSystemId, run.CreatedAt, Milliseconds(run.DurationMs), run.Goal];

    private static void Write(Page page, RunView run)
    {
        page.Line(ToneOf(run.Status), $"{run.RunId}  {run.Status}{Because(run)}");
        page.Fields(
            ("goal", run.Goal),
            ("agent", run.AgentId),
            ("origin", run.OriginSystemId),
            ("asked for by", run.Parent is { } parent ? $"step {parent.PlanStep} of run {parent.RunId}" : null),
            ("planner", run.Planner),
            ("steps planned", run.Plan is { ValueKind: JsonValueKind.Array } plan ? Listing.Text(plan.GetArrayLength()) : null),
            ("trace", run.TraceId),
            ("correlation", run.CorrelationId),
            ("idempotency key", run.IdempotencyKey),
            ("created", run.CreatedAt),
            ("started", run.StartedAt),
            ("completed", run.CompletedAt),
            ("duration", Milliseconds(run.DurationMs)),
            ("attempts", Listing.Text(run.Attempts)),
            ("recorded", run is { TraceCount: { } traces, StepCount: { } steps } ? string.Create(CultureInfo.InvariantCulture, $"{steps} steps in {traces} traces") : null),
            ("cost", run.CostCents is { } cents ? cents + " cents" : null),
            ("tokens", run.Tokens?.ToString(CultureInfo.InvariantCulture)),
            ("not durable", run.Durable is false ? run.NotDurableBecause : null));
    }

    private static string? Milliseconds(double? value) => value is { } ms ? string.Create(CultureInfo.InvariantCulture, $"{ms:0.###} ms") : null;

    /// <summary>How a run's status looks.</summary>
    /// <param name="status">The status.</param>
    internal static Tone ToneOf(string status) => status switch
    {
        "succeeded" => Tone.Good,
        "failed" or "aborted" or "cancelled" => Tone.Bad,
        _ => Tone.Open,
    };
}
