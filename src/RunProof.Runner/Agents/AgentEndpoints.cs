using System.Buffers;
using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.ServiceDefaults;

namespace RunProof.Runner;

/// <summary>Agents: those on whose behalf runs are executed.</summary>
internal static class AgentEndpoints
{
    private static readonly string[] Members = ["id", "name", "description"];

    public static void MapAgents(this IEndpointRouteBuilder api)
    {
        var agents = api.MapGroup("/agents").WithTags("Agents");
        agents.MapPost("/", CreateAsync).RequireScope(ApiKeyAuthentication.RunnerScope)
            .WithName("createAgent").WithSummary("Creates an agent.")
            .Accepts<CreateAgent>("application/json")
            .Produces<AgentView>(StatusCodes.Status201Created)
            .Refuses(400, 401, 403, 409, 413, 415);
        agents.MapGet("/", ListAsync).RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("listAgents").WithSummary("Lists the tenant's agents by id.")
            .Produces<AgentPage>()
            .Refuses(400, 401);
    }

    private static async Task<IResult> CreateAsync(
        HttpContext context, [FromServices] IAgentStore agents, [FromServices] IRedactor redactor, [FromServices] TimeProvider clock)
    {
        var (body, refusal) = await RequestBody.ReadObjectAsync(context);
        if (refusal is not null)
            return refusal;
        var reader = new ObjectReader();
        if (Read(body, reader, context.GetTenant(), redactor, clock) is not { } agent)
            return RequestBody.Refuse(reader.Errors);
        return await agents.CreateAsync(agent, context.RequestAborted)
            ? TypedResults.Json(AgentView.Of(agent), RunnerJson.Default.AgentView, statusCode: StatusCodes.Status201Created)
            : new Problem(ProblemTypes.Duplicate, "There is one already", StatusCodes.Status409Conflict, $"The tenant has an agent \"{agent.Id.Value}\" already.");
    }

    private static Agent? Read(JsonElement body, ObjectReader reader, TenantId tenant, IRedactor redactor, TimeProvider clock)
    {
        reader.RefuseOthers(body, "", Members);
        var now = WireTime.Truncate(clock.GetUtcNow());
        var id = reader.String(body, "", "id") ?? Guid.CreateVersion7(now).ToString("D");
        var name = Redacted(reader.String(body, "", "name", required: true), redactor);
        var description = body.TryGetProperty("description", out var given) && given.ValueKind is JsonValueKind.Null ? null : Redacted(reader.String(body, "", "description"), redactor);
        if (!AgentId.TryParse(id, out var agent))
            reader.Fail("id", "must be 1 to 128 printable ASCII characters without space");
        CheckText(name, "name", 200, reader);
        CheckText(description, "description", 4000, reader);
        return reader.Errors.Count > 0 ? null : new Agent(tenant, agent, name!, description, now);
    }

    // As a goal is: nothing that a rule calls a secret is written anywhere.
    private static string? Redacted(string? text, IRedactor redactor)
    {
        if (text is null)
            return null;
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new CanonicalWriter(buffer);
        writer.WriteString(text);
        writer.Flush();
        var result = redactor.Redact(CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory));
        if (result.Removals.Count == 0)
            return text;
        using var left = result.Payload.ToDocument();
        return left.RootElement.GetString();
    }

    private static void CheckText(string? text, string place, int most, ObjectReader reader)
    {
        if (text is null)
            return;
        if (text.Length > most || string.IsNullOrWhiteSpace(text))
            reader.Fail(place, string.Create(CultureInfo.InvariantCulture, $"must be 1 to {most} characters, not all of them spaces"));
        else if (text.Any(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t')))
            reader.Fail(place, "must not hold control characters");
    }

    private static async Task<IResult> ListAsync(
        HttpContext context, [FromServices] IAgentStore agents,
        [Description("At most so many, 1 to 200; default 50.")] string? limit, [Description("The next of the page before.")] string? after)
    {
        var query = new QueryReader(context.Request.Query, nameof(limit), nameof(after));
        var most = query.Integer(nameof(limit), 1, 200, 50);
        var from = query.Identity<AgentId>(nameof(after));
        if (query.Errors.Count > 0)
            return RequestBody.Refuse(query.Errors);
        // One more than asked for tells whether there is a next page.
        var found = await agents.ListAsync(context.GetTenant(), from, most + 1, context.RequestAborted);
        var next = found.Count > most ? found[most - 1].Id.Value : null;
        return TypedResults.Json(new AgentPage([.. found.Take(most).Select(AgentView.Of)], next), RunnerJson.Default.AgentPage);
    }
}
