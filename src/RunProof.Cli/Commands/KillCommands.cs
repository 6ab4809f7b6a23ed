using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;

namespace RunProof.Cli;

/// <summary><c>kill on|off|status</c>: over the API for a tenant, an agent or a skill; through the database for everything.</summary>
internal static class KillCommands
{
    private static readonly Option<bool> All = new("--all") { Description = "Every tenant's runs: through the database, as its owner." };
    private static readonly Option<bool> Tenant = new("--tenant") { Description = "Every run of the key's tenant." };
    private static readonly Option<string?> Agent = new("--agent") { HelpName = "ID", Description = "Every run of an agent." };
    private static readonly Option<string?> Skill = new("--skill") { HelpName = "NAME", Description = "Every step of a skill, and with it its run." };
    private static readonly Option<string> Reason = new("--reason") { Required = true, HelpName = "TEXT", Description = "Why, 1 to 2,000 characters: it goes into the evidence of every run that it ends." };
    private static readonly Option<bool> Graceful = new("--graceful") { Description = "Steps under way may end. Default: they are cancelled." };

    internal static Command Create(World world) => new("kill", "The kill switch. It needs a key of scope governor; --all needs the database's owner.")
    {
        new Command("on", "Stop runs, on all runners within two seconds.") { Tenant, Agent, Skill, All, Reason, Graceful }.Does(world, OnAsync),
        new Command("off", "Release: waiting runs go on, new ones are taken. What was ended stays ended.") { Tenant, Agent, Skill, All }.Does(world, OffAsync),
        new Command("status", "Show kill switches: those that are on first. Exit code 0 either way.").Does(world, StatusAsync),
    };

    private static async Task<Answer> OnAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var (scope, agent, skill) = ScopeOf(invocation);
        if (scope == "all")
            return await EverythingAsync(invocation, cancellationToken);
        var body = new JsonObject { ["scope"] = scope, ["reason"] = invocation.Get(Reason), ["graceful"] = invocation.Get(Graceful) };
        if (agent is not null)
            body["agent_id"] = agent;
        if (skill is not null)
            body["skill"] = skill;
        var runner = Services.Runner(invocation);
        var document = await runner.PostAsync("api/v1/kill-switch", body, cancellationToken);
        return Show(document, runner.View(document, WireContext.Default.KillSwitchView));
    }

    private static async Task<Answer> OffAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var (scope, agent, skill) = ScopeOf(invocation);
        if (scope == "all")
            return await NothingAsync(invocation, cancellationToken);
        var path = $"api/v1/kill-switch?scope={scope}";
        if (agent is not null)
            path += $"&agent_id={Uri.EscapeDataString(agent)}";
        if (skill is not null)
            path += $"&skill={Uri.EscapeDataString(skill)}";
        var runner = Services.Runner(invocation);
        var document = await runner.DeleteAsync(path, cancellationToken);
        return Show(document, runner.View(document, WireContext.Default.KillSwitchView));
    }

    private static async Task<Answer> StatusAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        var document = await runner.GetAsync("api/v1/kill-switch", cancellationToken);
        var kills = runner.Items(document).Select(item => runner.View(item, WireContext.Default.KillSwitchView)).ToList();
        return new Answer(JsonNode.Parse(document.GetRawText())!, page => page.Table(
            ["STATE", "STOPS", "SINCE", "BY", "RELEASED", "BY", "REASON"],
            [.. kills.Select(kill => new Cell[]
            {
                new(kill.Active ? "on" : "off", kill.Active ? Tone.Bad : Tone.Plain), WhatOf(kill), kill.SetAt, kill.SetBy, kill.ReleasedAt, kill.ReleasedBy, kill.Reason,
            })],
            "no kill switch was ever on"));
    }

    private static async Task<Answer> EverythingAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        if (invocation.Get(Reason) is not { Length: >= 1 and <= 2000 } reason || string.IsNullOrWhiteSpace(reason))
            throw CommandException.Usage("--reason must have 1 to 2,000 characters, not all of them spaces");
        var kill = new KillSwitch
        {
            TenantId = null, Scope = KillScope.All, Reason = reason, Graceful = invocation.Get(Graceful), SetAt = Now(invocation), SetBy = "operator",
        };
        var made = await Database.UseAsync(invocation, source => new PostgresRestraintStore(source).KillAsync(kill, cancellationToken));
        return Show(made!.Value.Switch);
    }

    private static async Task<Answer> NothingAsync(Invocation invocation, CancellationToken cancellationToken) =>
        await Database.UseAsync(invocation, source => new PostgresRestraintStore(source).ReleaseAsync(
            null, KillScope.All, null, null, "operator", Now(invocation), cancellationToken)) is { } released
            ? Show(released)
            : throw new CommandException(ExitCode.NotFound, "not_found", "no kill switch of this scope is on");

    private static DateTimeOffset Now(Invocation invocation) => WireTime.Truncate(invocation.World.Clock.GetUtcNow());

    private static (string Scope, string? Agent, string? Skill) ScopeOf(Invocation invocation)
    {
        var (agent, skill) = (invocation.Get(Agent), invocation.Get(Skill));
        var scopes = new[] { (invocation.Get(All), "all"), (invocation.Get(Tenant), "tenant"), (agent is not null, "agent"), (skill is not null, "skill") };
        return scopes.Count(scope => scope.Item1) == 1
            ? (scopes.Single(scope => scope.Item1).Item2, agent, skill)
            : throw CommandException.Usage("what is to be stopped?", "one of --tenant, --agent ID, --skill NAME, --all");
    }

    private static Answer Show(KillSwitch kill)
    {
        var view = new KillSwitchView(
            kill.Number, kill.ReleasedAt is null, KillSwitch.WordOf(kill.Scope), kill.AgentId?.Value, kill.Skill, kill.Graceful, kill.Reason, WireTime.ToText(kill.SetAt), kill.SetBy,
            kill.ReleasedAt is { } released ? WireTime.ToText(released) : null, kill.ReleasedBy);
        return Show(JsonSerializer.SerializeToElement(view, WireContext.Default.KillSwitchView), view);
    }

    private static Answer Show(JsonElement document, KillSwitchView kill) => new(JsonNode.Parse(document.GetRawText())!, page => page.Fields(
        ("kill switch", kill.Number.ToString(CultureInfo.InvariantCulture)), ("state", kill.Active ? "on" : "off"), ("stops", WhatOf(kill)),
        ("since", kill.SetAt), ("by", kill.SetBy), ("reason", kill.Reason), ("released", kill.ReleasedAt), ("released by", kill.ReleasedBy)));

    private static string WhatOf(KillSwitchView kill) => kill.Scope switch
    {
        "agent" => $"agent {kill.AgentId}",
        "skill" => $"skill {kill.Skill}",
        "tenant" => "the tenant",
        _ => "everything",
    };
}
