using System.ComponentModel;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Policies;
using RunProof.ServiceDefaults;

namespace RunProof.Runner;

/// <summary>The kill switch: put on, told of, released. Only a governor's key turns it.</summary>
internal static class KillSwitchEndpoints
{
    private const int LongestReason = 2_000;

    private static readonly string[] Scopes = ["tenant", "agent", "skill"];

    public static void MapKillSwitch(this IEndpointRouteBuilder api)
    {
        var kill = api.MapGroup("/kill-switch").WithTags("Kill switch");
        kill.MapPost("/", KillAsync).RequireScope(ApiKeyAuthentication.GovernorScope)
            .WithName("kill").WithSummary("Stops a tenant's runs, an agent's, or all steps of a skill.")
            .WithDescription("201 where it is on from now on, 200 where one of the same scope was already (it stays as it is). In force for all runners within two seconds: steps under way are "
                + "cancelled, the next are blocked, runs end aborted; new runs are refused, waiting ones wait until it is released.")
            .Accepts<PutKillSwitch>("application/json")
            .Produces<KillSwitchView>(StatusCodes.Status201Created).Produces<KillSwitchView>()
            .Refuses(400, 401, 403, 404, 413, 415);
        kill.MapDelete("/", ReleaseAsync).RequireScope(ApiKeyAuthentication.GovernorScope)
            .WithName("releaseKill").WithSummary("Releases a kill switch: what waited goes on; what was ended stays ended.")
            .Produces<KillSwitchView>()
            .Refuses(400, 401, 403, 404);
        kill.MapGet("/", ListAsync).RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("listKillSwitches").WithSummary("Lists kill switches: those that are on first, the operator's too, then the latest.")
            .Produces<KillSwitchPage>()
            .Refuses(400, 401);
    }

    private static async Task<IResult> KillAsync(
        HttpContext context, [FromServices] IRestraintStore store, [FromServices] PolicyGate gate, [FromServices] IRedactor redactor, [FromServices] TimeProvider clock)
    {
        var (body, refusal) = await RequestBody.ReadObjectAsync(context);
        if (refusal is not null)
            return refusal;
        var reader = new ObjectReader();
        reader.RefuseOthers(body, "", ["scope", "agent_id", "skill", "reason", "graceful"]);
        var (scope, agent, skill) = ScopeOf(Text(body, "scope", reader), Text(body, "agent_id", reader), Text(body, "skill", reader), reader);
        var reason = reader.String(body, "", "reason", required: true);
        if (reason is not null && (reason.Length > LongestReason || string.IsNullOrWhiteSpace(reason)))
            reader.Fail("reason", "must be 1 to 2000 characters, not all of them spaces");
        var graceful = body.TryGetProperty("graceful", out var given) && given.ValueKind is not JsonValueKind.Null && reader.Boolean(body, "", "graceful");
        if (reader.Errors.Count > 0)
            return RequestBody.Refuse(reader.Errors);

        var kill = new KillSwitch
        {
            TenantId = context.GetTenant(), Scope = scope, AgentId = agent, Skill = skill, Graceful = graceful, Reason = Redacted(reason!, redactor),
            SetAt = WireTime.Truncate(clock.GetUtcNow()), SetBy = context.GetApiKeyId(),
        };
        if (await store.KillAsync(kill, context.RequestAborted) is not { } made)
            return new Problem(ProblemTypes.UnknownAgent, "Unknown agent", StatusCodes.Status404NotFound, $"There is no agent \"{agent?.Value}\".");
        gate.Forget(context.GetTenant());
        return TypedResults.Json(
            KillSwitchView.Of(made.Switch), RunnerJson.Default.KillSwitchView, statusCode: made.IsNew ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private static async Task<IResult> ReleaseAsync(
        HttpContext context, [FromServices] IRestraintStore store, [FromServices] PolicyGate gate, [FromServices] IRunSignals signals, [FromServices] TimeProvider clock,
        [Description("tenant, agent or skill.")] string? scope, [FromQuery(Name = "agent_id"), Description("The agent, for scope agent.")] string? agentId,
        [Description("The skill, for scope skill.")] string? skill)
    {
        var query = new QueryReader(context.Request.Query, "scope", "agent_id", "skill");
        var reader = new ObjectReader();
        var (word, agent, name) = ScopeOf(query.Text("scope"), query.Text("agent_id"), query.Text("skill"), reader);
        if (reader.Errors.Count + query.Errors.Count > 0)
            return RequestBody.Refuse([.. query.Errors, .. reader.Errors]);
        var released = await store.ReleaseAsync(
            context.GetTenant(), word, agent, name, context.GetApiKeyId(), WireTime.Truncate(clock.GetUtcNow()), context.RequestAborted);
        gate.Forget(context.GetTenant());
        signals.Tell(RunSignal.Waiting);
        return released is null
            ? Problem.NotFound("No kill switch of this scope is on.")
            : TypedResults.Json(KillSwitchView.Of(released), RunnerJson.Default.KillSwitchView);
    }

    private static async Task<IResult> ListAsync(
        HttpContext context, [FromServices] IRestraintStore store, [Description("At most so many, 1 to 1,000; default 100.")] string? limit)
    {
        var query = new QueryReader(context.Request.Query, nameof(limit));
        var most = query.Integer("limit", 1, 1000, 100);
        if (query.Errors.Count > 0)
            return RequestBody.Refuse(query.Errors);
        var found = await store.ListKillSwitchesAsync(context.GetTenant(), most, context.RequestAborted);
        return TypedResults.Json(new KillSwitchPage([.. found.Select(KillSwitchView.Of)]), RunnerJson.Default.KillSwitchPage);
    }

    private static string? Text(JsonElement body, string name, ObjectReader reader) =>
        body.TryGetProperty(name, out var member) && member.ValueKind is not JsonValueKind.Null ? reader.String(body, "", name) : null;

    private static (KillScope Scope, AgentId? Agent, string? Skill) ScopeOf(string? word, string? agentText, string? skill, ObjectReader reader)
    {
        var scope = (KillScope)Math.Max(0, Array.IndexOf(Scopes, word));
        if (Array.IndexOf(Scopes, word) < 0)
            reader.Fail("scope", word == "all" ? "must be tenant, agent or skill: what stops every tenant is the operator's, runproof kill on --all" : "must be one of tenant, agent, skill");
        AgentId? agent = agentText is not null && AgentId.TryParse(agentText, out var parsed) ? parsed : null;
        if (agentText is not null && agent is null)
            reader.Fail("agent_id", "must be 1 to 128 printable ASCII characters without space");
        if (word == "agent" && agentText is null)
            reader.Fail("agent_id", "is missing: which agent?");
        else if (word != "agent" && agentText is not null)
            reader.Fail("agent_id", "must not be given but for scope agent");
        if (word == "skill" && skill is not { Length: >= 1 and <= 128 })
            reader.Fail("skill", "must be a skill's name, 1 to 128 characters");
        else if (word != "skill" && skill is not null)
            reader.Fail("skill", "must not be given but for scope skill");
        return (scope, agent, skill);
    }

    // It is shown to everybody whose run it ends.
    private static string Redacted(string reason, IRedactor redactor)
    {
        using var document = redactor.Redact(CanonicalJson.Parse(JsonSerializer.SerializeToUtf8Bytes(reason.Replace('\0', '\uFFFD'), RunnerJson.Default.String))).Payload.ToDocument();
        var text = document.RootElement.GetString()!;
        return text.Length <= LongestReason ? text : text[..LongestReason];
    }
}
