using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>What a step <c>sub_run</c> asks for. What it does not say is as with the run that asks.</summary>
internal static class SubRunRequest
{
    private const int MostOutcomes = 32;

    /// <summary>Reads the parameters.</summary>
    /// <param name="call">The step.</param>
    /// <param name="parameters">Its parameters, bound before: members are of their kinds.</param>
    /// <param name="deadline">When it waits no longer.</param>
    /// <param name="worker">This process.</param>
    /// <param name="outcomes">Ids of the steps whose outcomes are handed on; null for the last.</param>
    /// <param name="wrong">What is wrong, with places.</param>
    /// <returns>The request, without its key; null where something is wrong.</returns>
    public static RunRequest? Read(StepCall call, CanonicalJson parameters, DateTimeOffset deadline, string worker, out IReadOnlyList<string>? outcomes, out string wrong)
    {
        using var document = JsonDocument.Parse(parameters.Bytes, ReferenceResolver.Deep);
        var (given, run, reader) = (document.RootElement, call.Run, new ObjectReader());
        var agent = run.AgentId;
        if (Given(given, "agent_id") is { } named && !AgentId.TryParse(named.GetString(), out agent))
            reader.Fail("agent_id", "must be 1 to 128 printable ASCII characters without space");
        var seed = run.Seed;
        if (Given(given, "seed") is { } number && !(number.ValueKind is JsonValueKind.Number ? SafeInteger.TryBind(number, out seed) : TryRead(number.GetString(), out seed)))
            reader.Fail("seed", "must be an integer within ±(2^53 − 1)");
        outcomes = Outcomes(given, reader);
        var request = new RunRequest
        {
            TenantId = run.TenantId,
            AgentId = agent,
            Goal = given.GetProperty("goal").GetString()!,
            OriginSystemId = Given(given, "origin_system_id")?.GetString() ?? run.OriginSystemId,
            Plan = Given(given, "plan")?.Clone(),
            Planner = Given(given, "planner")?.GetString(),
            CorrelationId = run.CorrelationId,
            Seed = seed,
            FrozenTimestamp = run.FrozenTimestamp,
            IsSynthetic = run.IsSynthetic,
            SyntheticScenarioId = run.SyntheticScenarioId,
            Priority = Given(given, "priority") is null ? run.Priority : (short)reader.Integer(given, "", "priority", -100, 100, 0),
            MaxAttempts = Given(given, "max_attempts") is null ? 1 : reader.Integer(given, "", "max_attempts", 1, 100, 1),
            Budget = Budget(given, reader),
            AwaitLogOpening = run.AwaitsLogOpening,
            CreatedBy = run.CreatedBy,
            TraceParent = Activity.Current is { IdFormat: ActivityIdFormat.W3C } span ? span.Id : run.TraceParent,
            Parent = new RunParent(run.Id, TraceId.Of(run.Id, run.Attempts), call.PlanIndex, call.Step.Id, call.Attempt, deadline) { Worker = worker },
        };
        wrong = string.Join("; ", reader.Errors.Select(static error => $"{error.Place}: {error.Message}"));
        return reader.Errors.Count == 0 ? request : null;
    }

    // Numbers of 64 bits are texts in canonical JSON.
    private static bool TryRead(string? text, out SafeInteger seed)
    {
        var isSafe = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && Math.Abs((decimal)number) <= BudgetLimits.Most;
        seed = isSafe ? new SafeInteger(number) : default;
        return isSafe;
    }

    private static JsonElement? Given(JsonElement parameters, string name) =>
        parameters.TryGetProperty(name, out var member) && member.ValueKind is not JsonValueKind.Null ? member : null;

    private static List<string>? Outcomes(JsonElement parameters, ObjectReader reader)
    {
        if (Given(parameters, "outcomes") is not { } given)
            return null;
        var ids = given.EnumerateArray().Select(static id => id.GetString()!).Distinct(StringComparer.Ordinal).ToList();
        if (ids.Count > MostOutcomes || !ids.TrueForAll(static id => PlanParser.IsStepId(id)))
            reader.Fail("outcomes", $"must be at most {MostOutcomes} ids of steps");
        return ids;
    }

    private static BudgetLimits? Budget(JsonElement parameters, ObjectReader reader)
    {
        if (Given(parameters, "budget") is not { } given)
            return null;
        const string Expected = "must be an object that limits something: cost_cents (a text like \"12.5\"), tokens, steps or duration_ms";
        try
        {
            var limits = given.ValueKind is JsonValueKind.Object ? BudgetLimits.Parse(given.GetRawText()) : new BudgetLimits();
            var members = given.ValueKind is JsonValueKind.Object ? given.EnumerateObject().Count() : 0;
            long?[] whole = [limits.Tokens, limits.Steps, limits.DurationMs];
            var read = whole.Count(static one => one is not null) + (limits.CostCents is null ? 0 : 1);
            if (!limits.IsEmpty && limits.Runs is null && read == members && limits.CostCents is null or >= 0 && Array.TrueForAll(whole, static one => one is null or (>= 0 and <= BudgetLimits.Most)))
                return limits;
        }
        catch (Exception fault) when (fault is FormatException or OverflowException)
        {
            // Told below.
        }

        reader.Fail("budget", Expected);
        return null;
    }
}
