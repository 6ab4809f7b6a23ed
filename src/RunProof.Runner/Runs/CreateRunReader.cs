using System.Diagnostics;
using System.Text.Json;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Runner;

/// <summary>Reads the body of a request for a run. What a member may be is checked here; what the run may be is checked by <see cref="RunService"/>.</summary>
internal static class CreateRunReader
{
    private static readonly string[] Members =
    [
        "agent_id", "goal", "origin_system_id", "plan", "planner", "correlation_id", "seed", "frozen_timestamp", "is_synthetic", "synthetic_scenario_id",
        "idempotency_key", "wait", "priority", "not_before", "max_attempts", "budget", "await_log_opening",
        "model", "tools", "system_prompt_ref", "max_turns", "max_steps",
    ];

    /// <summary>Reads a request.</summary>
    /// <param name="body">The body, an object.</param>
    /// <param name="headers">May hold <c>Idempotency-Key</c> and <c>traceparent</c>.</param>
    /// <param name="tenant">The key's tenant.</param>
    /// <param name="reader">Collects what is wrong.</param>
    /// <returns>The request; null where anything is wrong.</returns>
    public static RunRequest? Read(JsonElement body, IHeaderDictionary headers, TenantId tenant, ObjectReader reader)
    {
        reader.RefuseOthers(body, "", Members);
        var agent = Identity<AgentId>(body, "agent_id", reader, required: true);
        var goal = reader.String(body, "", "goal", required: true);
        var origin = reader.String(body, "", "origin_system_id", required: true);
        var request = new RunRequest
        {
            TenantId = tenant,
            AgentId = agent ?? default,
            Goal = goal ?? "",
            OriginSystemId = origin ?? "",
            Plan = Given(body, "plan") is { } plan ? plan : null,
            Planner = Optional(body, "planner", reader),
            CorrelationId = Identity<CorrelationId>(body, "correlation_id", reader, required: false),
            Seed = Seed(body, reader),
            FrozenTimestamp = Time(body, "frozen_timestamp", reader),
            IsSynthetic = Given(body, "is_synthetic") is not null && reader.Boolean(body, "", "is_synthetic"),
            SyntheticScenarioId = Optional(body, "synthetic_scenario_id", reader),
            IdempotencyKey = Key(body, headers, reader),
            Priority = (short)Number(body, "priority", -100, 100, 0, reader),
            NotBefore = Time(body, "not_before", reader),
            MaxAttempts = Number(body, "max_attempts", 1, 100, 1, reader),
            Budget = BudgetReader.ReadOfRun(body, reader),
            AwaitLogOpening = Given(body, "await_log_opening") is null ? null : reader.Boolean(body, "", "await_log_opening"),
            TraceParent = TraceParent(headers),
            Choices = Choices(body, reader),
        };
        return reader.Errors.Count == 0 ? request : null;
    }

    // A null is a member that is not given: a client's serializer may write one for each that it knows.
    private static JsonElement? Given(JsonElement body, string name) =>
        body.TryGetProperty(name, out var member) && member.ValueKind is not JsonValueKind.Null ? member : null;

    private static string? Optional(JsonElement body, string name, ObjectReader reader) => Given(body, name) is null ? null : reader.String(body, "", name);

    private static T? Identity<T>(JsonElement body, string name, ObjectReader reader, bool required)
        where T : struct, IWireText<T>
    {
        var text = required ? reader.String(body, "", name, required: true) : Optional(body, name, reader);
        if (text is null)
            return null;
        if (T.TryParse(text, out var value))
            return value;
        reader.Fail(name, "must be 1 to 128 printable ASCII characters without space");
        return null;
    }

    private static PlannerChoices Choices(JsonElement body, ObjectReader reader) => new()
    {
        Model = Optional(body, "model", reader),
        Tools = Given(body, "tools") is { } tools ? Texts(tools, "tools", reader) : null,
        SystemPromptRef = Optional(body, "system_prompt_ref", reader),
        MaxTurns = Given(body, "max_turns") is null ? null : Number(body, "max_turns", 1, 1_000, 1, reader),
        MaxSteps = Given(body, "max_steps") is null ? null : Number(body, "max_steps", 2, 10_000, 2, reader),
    };

    private static List<string> Texts(JsonElement given, string place, ObjectReader reader)
    {
        // What is no Unicode text is no name either.
        if (given.ValueKind is not JsonValueKind.Array || !given.EnumerateArray().All(one => one.ValueKind is JsonValueKind.String && !one.GetRawText().Contains("\\u", StringComparison.Ordinal)))
        {
            reader.Fail(place, "must be an array of names");
            return [];
        }

        return [.. given.EnumerateArray().Select(one => one.GetString()!)];
    }

    private static SafeInteger Seed(JsonElement body, ObjectReader reader)
    {
        if (Given(body, "seed") is not { } seed)
            return default;
        if (SafeInteger.TryBind(seed, out var value))
            return value;
        reader.Fail("seed", "must be an integer within ±(2^53 − 1)");
        return default;
    }

    private static int Number(JsonElement body, string name, int least, int most, int usual, ObjectReader reader)
    {
        if (Given(body, name) is not { } given)
            return usual;
        if (given.ValueKind is JsonValueKind.Number && given.TryGetInt32(out var number) && number >= least && number <= most)
            return number;
        reader.Fail(name, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"must be an integer from {least} to {most}"));
        return usual;
    }

    private static DateTimeOffset? Time(JsonElement body, string name, ObjectReader reader)
    {
        if (Optional(body, name, reader) is not { } text)
            return null;
        if (Times.TryParse(text, out var time))
            return time;
        reader.Fail(name, Times.Expected);
        return null;
    }

    private static string? Key(JsonElement body, IHeaderDictionary headers, ObjectReader reader)
    {
        var inBody = Optional(body, "idempotency_key", reader);
        var inHeader = headers["Idempotency-Key"];
        if (inHeader.Count > 1 || (inHeader.Count == 1 && inBody is not null && inBody != inHeader[0]))
            reader.Fail("Idempotency-Key", "must be given once, or the same as idempotency_key");
        var key = inBody ?? inHeader.FirstOrDefault();
        CheckKey(key, inBody is null ? "Idempotency-Key" : "idempotency_key", reader);
        return key;
    }

    /// <summary>Refuses a key that only this product itself gives.</summary>
    internal static void CheckKey(string? key, string place, ObjectReader reader)
    {
        if (key is null)
            return;
        if (key.StartsWith(ScheduledRun.Prefix, StringComparison.Ordinal))
            reader.Fail(place, $"must not begin with {ScheduledRun.Prefix}: such keys are those of schedules");
        if (key.StartsWith(RunParent.KeyPrefix, StringComparison.Ordinal))
            reader.Fail(place, $"must not begin with {RunParent.KeyPrefix}: such keys are those of sub-runs");
    }

    // The request's own span, where someone traces it: the caller, or this process.
    private static string? TraceParent(IHeaderDictionary headers)
    {
        var caller = headers.TraceParent.FirstOrDefault();
        var isTraced = ActivityContext.TryParse(caller, null, out _);
        if (Activity.Current is { IdFormat: ActivityIdFormat.W3C } span && (isTraced || span.Recorded))
            return span.Id;
        return isTraced ? caller : null;
    }
}
