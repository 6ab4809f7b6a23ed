using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using static System.FormattableString;

namespace RunProof.Cli;

/// <summary><c>schedule set|list|show|remove|trigger</c>.</summary>
internal static class ScheduleCommands
{
    private const string Example = "for example {\"agent_id\":\"demo-agent\",\"goal\":\"say something wise\",\"origin_system_id\":\"nightly\"}";

    private static readonly Argument<string> Name = new("NAME") { Description = "The schedule's name: a-z 0-9 _ -." };
    private static readonly Option<string> Cron = new("--cron") { Required = true, HelpName = "EXPRESSION", Description = "When, in five fields: \"30 2 * * 1-5\"." };
    private static readonly Option<string?> Zone = new("--time-zone") { HelpName = "ZONE", Description = "The time zone in which they are meant: Europe/Berlin. Default: UTC." };
    private static readonly Option<string> Request = new("--request") { Required = true, HelpName = "FILE", Description = "What is asked for, as the body of POST /api/v1/runs; - is standard input." };
    private static readonly Option<bool> Disabled = new("--disabled") { Description = "It does not fire." };
    private static readonly Option<int?> Limit = new("--catch-up-limit") { HelpName = "N", Description = "With --catch-up all: how many, 1 to 100. Default: 10." };
    private static readonly Option<string?> After = new("--after") { HelpName = "NAME", Description = "Names after this one." };
    private static readonly Option<bool> All = new("--all") { Description = "All pages." };

    private static readonly Option<string?> CatchUp = new("--catch-up")
    {
        HelpName = "RULE", Description = "Times that were missed because no runner was there: none, last or all. Default: none.",
    };

    private static readonly Option<string?> Overlap = new("--overlap")
    {
        HelpName = "RULE", Description = "Times at which a run of it has not ended: skip, allow or queue. Default: skip.",
    };

    internal static Command Create(World world) => new("schedule", "Schedules: runs that the clock asks for.")
    {
        new Command("set", "Define a schedule, or define it anew.") { Name, Cron, Zone, Request, CatchUp, Limit, Overlap, Disabled }.Does(world, SetAsync),
        new Command("list", "List schedules.") { After, All }.Does(world, ListAsync),
        new Command("show", "Show a schedule, its next times and its last runs.") { Name }.Does(world, ShowAsync),
        new Command("remove", "Remove a schedule; its runs stay.") { Name }.Does(world, RemoveAsync),
        new Command("trigger", "Ask for a run of a schedule now.") { Name }.Does(world, TriggerAsync),
    };

    private static async Task<Answer> SetAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var file = invocation.Get(Request)!;
        var body = new JsonObject { ["cron"] = invocation.Get(Cron), ["request"] = JsonBody.Parse<JsonObject>(file, await InputFile.ReadAsync(file, invocation.World, cancellationToken), "a request is a JSON object", Example) };
        body.AddGiven("time_zone", invocation.Get(Zone));
        body.AddGiven("catch_up", invocation.Get(CatchUp));
        body.AddGiven("overlap", invocation.Get(Overlap));
        if (invocation.Get(Limit) is { } limit)
            body["catch_up_limit"] = limit;
        if (invocation.Get(Disabled))
            body["enabled"] = false;
        var runner = Services.Runner(invocation);
        var bytes = System.Text.Encoding.UTF8.GetBytes(body.ToJsonString());
        var document = await runner.PutAsync(PathOf(invocation), bytes, "application/json", cancellationToken);
        return new Answer(JsonNode.Parse(document.GetRawText())!, page => Write(page, runner.View(document, WireContext.Default.ScheduleView)));
    }

    private static async Task<Answer> ListAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        var (items, next) = await Listing.ReadAsync(runner, "api/v1/schedules", [], ("after", invocation.Get(After)), invocation.Get(All), cancellationToken);
        return new Answer(new JsonObject { ["items"] = items, ["next"] = next }, page =>
        {
            var schedules = items.Select(item => runner.View(JsonSerializer.SerializeToElement(item), WireContext.Default.ScheduleView));
            page.Table(
                ["SCHEDULE", "CRON", "ZONE", "NEXT", "LAST", "FIRED", "SKIPPED", "ERROR"],
                [.. schedules.Select(one => new Cell[] { one.Name, one.Cron, one.TimeZone, one.NextDue ?? "disabled", one.LastDue, Invariant($"{one.Fired}"), Invariant($"{one.Skipped}"), new Cell(one.Error ?? "", Tone.Bad) })],
                "no schedules");
            if (next is not null)
                page.Line(Tone.Quiet, $"more: --after {next}, or --all");
        });
    }

    private static async Task<Answer> ShowAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        var document = await runner.GetAsync(PathOf(invocation), cancellationToken);
        var runs = await runner.GetAsync(PathOf(invocation) + "/runs?limit=10", cancellationToken);
        var json = JsonNode.Parse(document.GetRawText())!;
        json["runs"] = JsonNode.Parse(runs.GetRawText())!["items"]?.DeepClone();
        return new Answer(json, page =>
        {
            Write(page, runner.View(document, WireContext.Default.ScheduleView));
            page.Table(
                ["RUN", "STATUS", "KEY"],
                [.. runner.Items(runs).Select(item => runner.View(item, WireContext.Default.RunView)).Select(run => new Cell[] { run.RunId, new Cell(run.Status, RunCommands.ToneOf(run.Status)), run.IdempotencyKey })],
                "no runs yet");
        });
    }

    private static async Task<Answer> RemoveAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        await Services.Runner(invocation).RemoveAsync(PathOf(invocation), cancellationToken);
        return new Answer(new JsonObject { ["removed"] = invocation.Get(Name) }, page => page.Line(Tone.Good, $"{invocation.Get(Name)} removed; its runs stay"));
    }

    private static async Task<Answer> TriggerAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        return RunCommands.Show(runner, await runner.PostAsync(PathOf(invocation) + "/trigger", new JsonObject(), cancellationToken), ExitCode.Ok);
    }

    private static string PathOf(Invocation invocation) => "api/v1/schedules/" + Uri.EscapeDataString(invocation.Get(Name));

    private static void Write(Page page, ScheduleView schedule) => page.Fields(
        ("schedule", schedule.Name),
        ("cron", schedule.Cron),
        ("time zone", schedule.TimeZone),
        ("catch up", schedule.CatchUp == "all" ? Invariant($"all, {schedule.CatchUpLimit} at most") : schedule.CatchUp),
        ("overlap", schedule.Overlap),
        ("next", schedule.NextDue ?? (schedule.Enabled ? null : "disabled")),
        ("then", string.Join(", ", schedule.Upcoming?.Skip(1) ?? [])),
        ("last", schedule.LastDue),
        ("last run", schedule.LastRunId),
        ("fired", Invariant($"{schedule.Fired}, {schedule.Skipped} skipped")),
        ("error", schedule.Error));
}
