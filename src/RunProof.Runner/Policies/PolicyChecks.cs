using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Policies;
using RunProof.ServiceDefaults;

namespace RunProof.Runner;

/// <summary>Says what a plan's steps would come to.</summary>
internal static class PolicyChecks
{
    private static readonly string[] Members = ["plan", "agent_id", "planner", "document"];

    public static async Task<IResult> CheckAsync(
        HttpContext context, [FromServices] PolicyGate gate, [FromServices] PlanParser parser, [FromServices] TimeProvider clock)
    {
        var (body, refusal) = await RequestBody.ReadObjectAsync(context);
        if (refusal is not null)
            return refusal;
        var reader = new ObjectReader();
        reader.RefuseOthers(body, "", Members);
        var agent = AgentOf(reader.String(body, "", "agent_id"), reader);
        var planner = reader.String(body, "", "planner") ?? "given";
        var document = reader.String(body, "", "document");
        if (!body.TryGetProperty("plan", out var written))
            reader.Fail("plan", "is missing");
        if (reader.Errors.Count > 0)
            return RequestBody.Refuse(reader.Errors);
        var validation = parser.Parse(written, "plan");
        if (validation.Plan is not { } plan)
            return RequestBody.Refuse(validation.Errors, inPlan: true);
        var reading = document is null ? null : PolicyReader.Read(document);
        if (reading is { Policy: null })
            return PolicyEndpoints.Refuse(reading.Errors);

        var run = new GovernedRun { TenantId = context.GetTenant(), AgentId = agent, Planner = planner, StartedAt = clock.GetUtcNow() };
        try
        {
            var check = await gate.CheckAsync(run, [.. Calls(plan).Select(call => call.Action)], reading?.Policy, context.RequestAborted);
            return TypedResults.Json(ViewOf(plan, check), RunnerJson.Default.PolicyCheckView);
        }
        catch (PolicyUnavailableException unavailable)
        {
            return Problem.ForStatus(StatusCodes.Status503ServiceUnavailable, unavailable.Message + ".");
        }
    }

    private static AgentId? AgentOf(string? text, ObjectReader reader)
    {
        if (text is null)
            return null;
        if (AgentId.TryParse(text, out var agent))
            return agent;
        reader.Fail("agent_id", "must be 1 to 128 printable ASCII characters without space");
        return null;
    }

    private static PolicyCheckView ViewOf(Plan plan, PolicyCheck check) => new(
        Element(check.Policies),
        [.. Calls(plan).Zip(check.Actions, (call, action) => new CheckedStepView(
            call.Step, call.Action.Skill, action.Decision.MayExecute, Element(action.Decision.Evidence), action.Decision.RunGoesOn, action.Decision.TimeoutMs,
            [.. action.Decision.ParameterRedactions.Select(one => Place("params", one)), .. action.Decision.OutcomeRedactions.Select(one => Place("outcome", one))]))]);

    // A step's fallback behind it, under its name with a word behind.
    private static IEnumerable<(string Step, StepAction Action)> Calls(Plan plan)
    {
        foreach (var step in plan.Steps)
        {
            yield return (step.Id, new StepAction(step.Skill, step.Parameters));
            if (step.Fallback is { } fallback)
                yield return (step.Id + " (fallback)", new StepAction(fallback.Skill, fallback.Parameters));
        }
    }

    private static string Place(string root, PlaceRedaction redaction) => root + (redaction.Place.Text[0] == '[' ? "" : ".") + redaction.Place.Text;

    private static JsonElement Element(CanonicalJson json)
    {
        using var document = json.ToDocument();
        return document.RootElement.Clone();
    }
}
