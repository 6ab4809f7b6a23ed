using System.Globalization;
using System.Text.Json;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Runner;

/// <summary>Reads budgets from bodies: a tenant's, and the one that a run is created with.</summary>
internal static class BudgetReader
{
    private const string Amount = "must be an amount of cents that is not negative, a number or a text like \"12.5\" with at most 28 digits";

    private static readonly string[] Members =
        ["scope", "period", "zone", "agent_id", "cost_cents", "tokens", "steps", "runs", "duration_ms", "on_exceeded"];

    private static readonly string[] RunMembers = ["cost_cents", "tokens", "steps", "duration_ms"];

    /// <summary>Reads the body of a budget; null where anything is wrong.</summary>
    public static Budget? Read(JsonElement body, TenantId tenant, string id, ObjectReader reader)
    {
        reader.RefuseOthers(body, "", Members);
        if (!body.TryGetProperty("scope", out _))
            reader.Fail("scope", $"is missing; one of {string.Join(", ", BudgetWords.AllScopes)}");
        var scope = (BudgetScope)reader.Word(body, "", "scope", [.. BudgetWords.AllScopes], 0);
        var isOfRuns = scope is BudgetScope.Run && body.TryGetProperty("scope", out _);
        if (!isOfRuns && !body.TryGetProperty("period", out _))
            reader.Fail("period", "is missing; one of day, month, total");
        var period = (BudgetPeriod)reader.Word(body, "", "period", [.. BudgetWords.AllPeriods], 0);
        if (reader.Errors.Count == 0 && (scope is BudgetScope.Run) != (period is BudgetPeriod.Run))
            reader.Fail("period", "must be run for scope run, and day, month or total for the others");
        var agent = AgentOf(body, reader);
        if (agent is not null && scope is BudgetScope.Tenant)
            reader.Fail("agent_id", "must not be given for scope tenant");
        var limits = Limits(body, "", reader);
        if (limits.Runs is not null && scope is BudgetScope.Run)
            reader.Fail("runs", "must not be given for scope run");
        if (limits.DurationMs is not null && scope is not BudgetScope.Run)
            reader.Fail("duration_ms", "must not be given but for scope run");
        if (reader.Errors.Count == 0 && limits.IsEmpty)
            reader.Fail("cost_cents", "is missing: a budget limits cost_cents, tokens, steps, runs (not for scope run) or duration_ms (for scope run), or several of them");
        var zone = Given(body, "zone") is null ? "UTC" : reader.String(body, "", "zone") ?? "UTC";
        if (zone.Length is 0 or > 64 || !TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var known) || !known.HasIanaId)
            reader.Fail("zone", "must be a time zone's IANA id, as Europe/Zurich");
        var onExceeded = (OnExceeded)reader.Word(body, "", "on_exceeded", [.. BudgetWords.AllEnds], 0);
        return reader.Errors.Count > 0 ? null : new Budget
        {
            TenantId = tenant, Id = id, Scope = scope, Period = period, Zone = zone, AgentId = agent, Limits = limits, OnExceeded = onExceeded,
        };
    }

    /// <summary>Reads a run's own budget; null where there is none or anything is wrong.</summary>
    public static BudgetLimits? ReadOfRun(JsonElement body, ObjectReader reader)
    {
        if (Given(body, "budget") is not { } budget)
            return null;
        if (budget.ValueKind is not JsonValueKind.Object)
        {
            reader.Fail("budget", $"must be an object, not {ObjectReader.Describe(budget)}");
            return null;
        }

        reader.RefuseOthers(budget, "budget", RunMembers);
        var limits = Limits(budget, "budget", reader);
        if (limits.IsEmpty)
            reader.Fail("budget", "must limit something: cost_cents, tokens, steps or duration_ms");
        return limits;
    }

    private static BudgetLimits Limits(JsonElement body, string place, ObjectReader reader) => new(
        Cents(body, place, reader), Whole(body, place, "tokens", reader), Whole(body, place, "steps", reader), Whole(body, place, "runs", reader),
        Whole(body, place, "duration_ms", reader));

    private static decimal? Cents(JsonElement body, string place, ObjectReader reader)
    {
        if (Given(body, "cost_cents") is not { } given)
            return null;
        var text = given.ValueKind switch
        {
            JsonValueKind.Number => given.GetRawText(),
            JsonValueKind.String => given.GetString(),
            _ => null,
        };
        // What a decimal would round is no amount.
        if (text is { Length: <= 30 } && decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var cents) && text.Count(char.IsAsciiDigit) <= 28)
            return cents;
        reader.Fail(At(place, "cost_cents"), Amount);
        return null;
    }

    private static long? Whole(JsonElement body, string place, string name, ObjectReader reader)
    {
        if (Given(body, name) is not { } given)
            return null;
        if (given.ValueKind is JsonValueKind.Number && given.TryGetInt64(out var number) && number is >= 0 and <= BudgetLimits.Most)
            return number;
        reader.Fail(At(place, name), string.Create(CultureInfo.InvariantCulture, $"must be an integer from 0 to {BudgetLimits.Most}"));
        return null;
    }

    private static AgentId? AgentOf(JsonElement body, ObjectReader reader)
    {
        if (Given(body, "agent_id") is null || reader.String(body, "", "agent_id") is not { } text)
            return null;
        if (AgentId.TryParse(text, out var agent))
            return agent;
        reader.Fail("agent_id", "must be 1 to 128 printable ASCII characters without space");
        return null;
    }

    private static JsonElement? Given(JsonElement body, string name) =>
        body.TryGetProperty(name, out var member) && member.ValueKind is not JsonValueKind.Null ? member : null;

    private static string At(string place, string name) => place.Length == 0 ? name : $"{place}.{name}";
}
