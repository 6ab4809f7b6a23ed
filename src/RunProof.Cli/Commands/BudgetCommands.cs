using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RunProof.Cli;

/// <summary><c>budget set|list|show|retire</c>.</summary>
internal static class BudgetCommands
{
    private static readonly Argument<string> Id = new("ID") { Description = "The budget's id: 1 to 64 of a-z 0-9 . _ -" };
    private static readonly Option<string?> Scope = new Option<string?>("--scope") { Required = true, HelpName = "SCOPE", Description = "run (each by itself), agent or tenant." }.AcceptOnly("run", "agent", "tenant");
    private static readonly Option<string?> Period = new Option<string?>("--period") { HelpName = "PERIOD", Description = "day, month or total; for scope run there is only run." }.AcceptOnly("run", "day", "month", "total");
    private static readonly Option<string?> Zone = new("--zone") { HelpName = "ZONE", Description = "The time zone whose days and months count. Default: UTC." };
    private static readonly Option<string?> Agent = new("--agent") { HelpName = "ID", Description = "The agent. Default: every agent by itself." };
    private static readonly Option<decimal?> Cents = new("--cost-cents") { HelpName = "CENTS", Description = "What may be spent, exactly." };
    private static readonly Option<long?> Tokens = new("--tokens") { HelpName = "N", Description = "Tokens of models that may be used." };
    private static readonly Option<long?> Steps = new("--steps") { HelpName = "N", Description = "Attempts of steps that may begin." };
    private static readonly Option<long?> Runs = new("--runs") { HelpName = "N", Description = "Runs that may be created; not for scope run." };
    private static readonly Option<long?> Duration = new("--duration-ms") { HelpName = "MS", Description = "How long an attempt of a run may take; only for scope run." };
    private static readonly Option<string?> OnExceeded = new Option<string?>("--on-exceeded") { HelpName = "WHAT", Description = "halt (default), continue or require_approval." }.AcceptOnly("halt", "continue", "require_approval");

    internal static Command Create(World world) => new("budget", "Budgets: what runs may use. Changes need a key of scope governor.")
    {
        new Command("set", "Set a budget, or change what it allows; for all runners within two seconds. What was used stays counted.")
        {
            Id, Scope, Period, Zone, Agent, Cents, Tokens, Steps, Runs, Duration, OnExceeded,
        }.Does(world, SetAsync),
        new Command("list", "List budgets and their versions.").Does(world, ListAsync),
        new Command("show", "Show a budget, its versions and what was used of it.") { Id }.Does(world, ShowAsync),
        new Command("retire", "Take a budget out of force.") { Id }.Does(world, RetireAsync),
    };

    private static async Task<Answer> SetAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var scope = invocation.Get(Scope)!;
        var body = new JsonObject { ["scope"] = scope, ["period"] = invocation.Get(Period) ?? (scope == "run" ? "run" : null) };
        if (body["period"] is null)
            throw CommandException.Usage($"--period is missing: over what time does a budget of scope {scope} add up?", "--period day, month or total");
        foreach (var (name, option) in new[] { ("zone", Zone), ("agent_id", Agent), ("on_exceeded", OnExceeded) })
        {
            if (invocation.Get(option) is { } text)
                body[name] = text;
        }

        if (invocation.Get(Cents) is { } cents)
            body["cost_cents"] = cents.ToString(CultureInfo.InvariantCulture);
        foreach (var (name, option) in new[] { ("tokens", Tokens), ("steps", Steps), ("runs", Runs), ("duration_ms", Duration) })
        {
            if (invocation.Get(option) is { } number)
                body[name] = number;
        }

        var runner = Services.Runner(invocation);
        var document = await runner.PutAsync(PathOf(invocation), Encoding.UTF8.GetBytes(body.ToJsonString()), "application/json", cancellationToken);
        var budget = runner.View(document, WireContext.Default.BudgetView);
        return new Answer(JsonNode.Parse(document.GetRawText())!, page => page.Fields(
            ("budget", budget.Id), ("version", Text(budget.Version)), ("status", budget.Status), ("scope", ScopeOf(budget)), ("period", PeriodOf(budget)),
            ("limits", LimitsOf(budget)), ("on exceeded", budget.OnExceeded)));
    }

    private static async Task<Answer> ListAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        var document = await runner.GetAsync("api/v1/budgets", cancellationToken);
        return new Answer(JsonNode.Parse(document.GetRawText())!, page =>
            page.Table(Columns, [.. runner.Items(document).Select(item => Row(runner.View(item, WireContext.Default.BudgetView)))], "no budgets"));
    }

    private static async Task<Answer> ShowAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        var document = await runner.GetAsync(PathOf(invocation), cancellationToken);
        var usage = await runner.GetAsync(PathOf(invocation) + "/usage", cancellationToken);
        var json = JsonNode.Parse(document.GetRawText())!.AsObject();
        json["usage"] = JsonNode.Parse(usage.GetRawText())!["items"]!.DeepClone();
        var budget = runner.View(document, WireContext.Default.BudgetVersionsView);
        var used = runner.View(usage, WireContext.Default.BudgetUsageView);
        return new Answer(json, page =>
        {
            page.Table(Columns, [.. budget.Versions.Select(Row)], "no versions");
            if (budget.Versions.FirstOrDefault()?.Scope != "run")
                page.Table(["FROM", "AGENT", "CENTS", "TOKENS", "STEPS", "RUNS", "RESERVED", "USED UP"], [.. used.Items.Select(Row)], "nothing used yet");
        });
    }

    private static async Task<Answer> RetireAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        var document = await runner.DeleteAsync(PathOf(invocation), cancellationToken);
        var budget = runner.View(document, WireContext.Default.BudgetVersionsView);
        return new Answer(JsonNode.Parse(document.GetRawText())!, page => page.Table(Columns, [.. budget.Versions.Select(Row)], "no versions"));
    }

    private static string PathOf(Invocation invocation) => $"api/v1/budgets/{Uri.EscapeDataString(invocation.Get(Id))}";

    private static string[] Columns => ["BUDGET", "VERSION", "STATUS", "SCOPE", "PERIOD", "LIMITS", "ON EXCEEDED", "SET", "BY"];

    private static Cell[] Row(BudgetView budget) =>
        [budget.Id, Text(budget.Version), budget.Status, ScopeOf(budget), PeriodOf(budget), LimitsOf(budget), budget.OnExceeded, budget.CreatedAt, budget.CreatedBy];

    private static Cell[] Row(BudgetPeriodView used) =>
        [used.PeriodStart ?? "ever", used.AgentId, used.CostCents, Text(used.Tokens), Text(used.Steps), Text(used.Runs), ReservedOf(used), new(used.Exceeded ? "yes" : "no", used.Exceeded ? Tone.Bad : Tone.Plain)];

    private static string ReservedOf(BudgetPeriodView used) => string.Join(", ", new[]
    {
        (used.ReservedCostCents is null or "0" ? null : used.ReservedCostCents, "cents"), (used.ReservedTokens is null or 0 ? null : Text(used.ReservedTokens), "tokens"),
    }.Where(part => part.Item1 is not null).Select(part => $"{part.Item1} {part.Item2}"));

    private static string ScopeOf(BudgetView budget) => budget.AgentId is null ? budget.Scope : $"{budget.Scope} {budget.AgentId}";

    private static string PeriodOf(BudgetView budget) => budget.Period is "day" or "month" ? $"{budget.Period} {budget.Zone}" : budget.Period;

    private static string LimitsOf(BudgetView budget) => string.Join(", ", new[]
    {
        (budget.CostCents, "cents"), (Text(budget.Tokens), "tokens"), (Text(budget.Steps), "steps"), (Text(budget.Runs), "runs"), (Text(budget.DurationMs), "ms"),
    }.Where(limit => limit.Item1 is not null).Select(limit => $"{limit.Item1} {limit.Item2}"));

    private static string? Text(long? number) => number?.ToString(CultureInfo.InvariantCulture);
}
