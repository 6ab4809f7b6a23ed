using System.Globalization;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>The plans of runs that come from another one.</summary>
internal static class DerivedPlans
{
    /// <summary>The plan: the origin's, or its steps before one and those that the caller gave.</summary>
    /// <param name="origin">The origin as it is stored.</param>
    /// <param name="request">What is asked for.</param>
    public static (JsonElement Plan, PlanError? Error) Of(Run origin, DerivedRunRequest request)
    {
        using var document = JsonDocument.Parse(origin.PlanJson, ReferenceResolver.Deep);
        var steps = document.RootElement.GetArrayLength();
        if (steps == 0)
            return (default, new PlanError("run_id", "the run's plan is erased: there is nothing to execute again, and nothing to go on with"));
        var most = request.Plan is null ? steps - 1 : steps;
        var member = request.Mode is null ? "from_step" : "from";
        if (request.From < 0 || request.From > most)
            return (default, new PlanError(member, string.Create(CultureInfo.InvariantCulture, $"must be from 0 to {most}: the run's plan has {steps} steps")));
        if (request.Plan is not { } remaining)
            return (document.RootElement.Clone(), null);
        if (remaining.ValueKind is not JsonValueKind.Array || remaining.GetArrayLength() == 0)
            return (default, new PlanError("plan", "must be an array of at least one step: those that follow the steps before from_step"));
        var texts = document.RootElement.EnumerateArray().Take(request.From).Concat(remaining.EnumerateArray()).Select(static step => step.GetRawText());
        using var plan = JsonDocument.Parse("[" + string.Join(",", texts) + "]", ReferenceResolver.Deep);
        return (plan.RootElement.Clone(), null);
    }

    /// <summary>The request for the run.</summary>
    public static RunRequest RequestOf(Run origin, TraceId trace, DerivedRunRequest request) => new()
    {
        TenantId = origin.TenantId,
        AgentId = origin.AgentId,
        Goal = request.Goal ?? origin.Goal,
        OriginSystemId = origin.OriginSystemId,
        Plan = Of(origin, request).Plan,
        // A plan that grows is grown again, by the same planner, from what the replay gives.
        Planner = request.Plan is null ? origin.Planner : GivenPlanner.PlannerName,
        CorrelationId = origin.CorrelationId,
        Seed = origin.Seed,
        // A replay sees the time that its origin saw; one whose clock ran sees it stand still where it began.
        FrozenTimestamp = request.Mode is null ? origin.FrozenTimestamp : origin.FrozenTimestamp ?? origin.StartedAt,
        IsSynthetic = origin.IsSynthetic,
        SyntheticScenarioId = origin.SyntheticScenarioId,
        IdempotencyKey = request.IdempotencyKey,
        Budget = origin.Budget,
        CreatedBy = request.CreatedBy,
        TraceParent = request.TraceParent,
        Origin = new RunOrigin(origin.Id, trace, request.From, request.Mode),
    };
}
