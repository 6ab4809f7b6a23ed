using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// Works out of a trace which side records it must have, column by column. Keeps nothing of a step that no policy decided and that called no model. A column that
/// follows from an erased payload is left out: it cannot be compared any more.
/// </summary>
internal sealed class ExpectedSideRecords(RecordedTrace trace)
{
    private readonly List<SideRecord> _ofSteps = [];
    private readonly SortedDictionary<string, int> _decisions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Ending> _lastByCode = new(StringComparer.Ordinal);
    private readonly Dictionary<int, JsonElement> _rules = [];
    private readonly HashSet<int> _erased = [];
    private Ending? _last;
    private int _steps;
    private int _byRule;
    private int _models;

    internal string TraceId => trace.TraceId;

    /// <summary>Whether a step's context is erased: what its side records were is not known any more.</summary>
    internal bool IsErased(int? step) => step is { } index && _erased.Contains(index);

    /// <summary>Whether it cannot be told if the trace had a governance record: nothing that is left calls for one, and some of it is erased.</summary>
    internal bool MayBeGoverned => _erased.Count > 0 && _byRule == 0;

    /// <summary>Adds the next step, as recorded.</summary>
    internal void Add(RecordedStep step)
    {
        _steps++;
        _last = step.Level == "ERROR" ? new Ending(step.StepIndex, step.Link, step.Status, step.OutcomeCode) : null;
        if (_last is { Code: { } code })
            _lastByCode[code] = _last;
        if (step.Context is { Text: null, Commitment: not null })
            _erased.Add(step.StepIndex);
        else if (step.Context.Text is { } context)
            LookInto(step, context);
    }

    /// <summary>All that the trace must have, now that its steps are known: those of the seal only where it is sealed.</summary>
    internal IEnumerable<SideRecord> Rows => trace.Status == "running" ? _ofSteps : [.. _ofSteps, .. OfSeal()];

    private void LookInto(RecordedStep step, string context)
    {
        try
        {
            using var document = JsonDocument.Parse(context, new JsonDocumentOptions { MaxDepth = 1024 });
            if (document.RootElement.ValueKind is not JsonValueKind.Object)
                return;
            if (document.RootElement.TryGetProperty("policy", out var policy) && Text(policy, "decision") is { } decision)
                Decided(step, policy, decision);
            if (document.RootElement.TryGetProperty("usage", out var usage) && usage.ValueKind is JsonValueKind.Object)
                Used(step, usage);
        }
        catch (JsonException)
        {
            // Not what a recorder writes, and the chain's verification says what to think of it: nothing follows from it.
        }
    }

    private void Decided(RecordedStep step, JsonElement policy, string decision)
    {
        _decisions[decision] = _decisions.GetValueOrDefault(decision) + 1;
        if (decision == "not_governed" || (decision == "allowed" && Text(policy, "policy") is null))
            return;
        _byRule++;
        _rules[step.StepIndex] = policy.Clone();
        _ofSteps.Add(new SideRecord(SideRecordTables.Policies, new JsonObject
        {
            ["tenant_id"] = trace.TenantId,
            ["run_id"] = trace.RunId,
            ["trace_id"] = trace.TraceId,
            ["step_index"] = step.StepIndex,
            ["step_link"] = Hex(step.Link),
            ["decision"] = decision,
            ["policy_id"] = Text(policy, "policy"),
            ["policy_version"] = Text(policy, "version"),
            ["policy_digest"] = Text(policy, "digest"),
            ["rule_id"] = Text(policy, "rule"),
            ["blocked"] = step.Status == "blocked",
            ["decisions"] = null,
            ["evaluated_at"] = WireTime.ToText(step.Timestamp),
        }));
    }

    private void Used(RecordedStep step, JsonElement usage)
    {
        _models++;
        _ofSteps.Add(new SideRecord(SideRecordTables.Models, new JsonObject
        {
            ["tenant_id"] = trace.TenantId,
            ["run_id"] = trace.RunId,
            ["trace_id"] = trace.TraceId,
            ["step_index"] = step.StepIndex,
            ["step_link"] = Hex(step.Link),
            ["provider"] = Text(usage, "provider"),
            ["model"] = Text(usage, "model"),
            ["prompt_hash"] = Hex(step.Input.Commitment),
            ["response_hash"] = Hex(step.Output.Commitment),
            ["input_tokens"] = Count(usage, "input_tokens"),
            ["cached_tokens"] = Count(usage, "cached_tokens"),
            ["output_tokens"] = Count(usage, "output_tokens"),
            ["reasoning_tokens"] = Count(usage, "reasoning_tokens"),
            ["price_version"] = Text(usage, "price_version"),
            ["cost_cents"] = Cost(Text(usage, "cost_cents")),
            ["execution_status"] = step.Status,
            ["started_at"] = WireTime.ToText(step.Timestamp),
            ["duration_ms"] = double.IsFinite(step.DurationMs) ? step.DurationMs : null,
        }));
    }

    private IEnumerable<SideRecord> OfSeal()
    {
        var isSuccess = trace.Status == "completed";
        var isErased = trace.Metadata is { Text: null, Commitment: not null };
        var said = isSuccess || isErased ? null : CodeIn(trace.Metadata.Text);
        var ending = isSuccess ? null : said is not null && _lastByCode.TryGetValue(said, out var last) ? last : _last;
        var code = said ?? ending?.Code;
        var outcome = isSuccess ? "SUCCESS" : code == "cancelled" ? "CANCELLED" : ending?.Status == "blocked" ? "BLOCKED" : trace.Status == "aborted" ? "ABORTED" : "FAILURE";
        var at = trace.CompletedAt is { } time ? WireTime.ToText(time) : null;
        var isGoverned = !isSuccess || _byRule > 0;

        yield return Summary(at);
        if (!isSuccess)
            yield return isErased ? Without(Incident(ending, outcome, code, at), DependOnCode) : Incident(ending, outcome, code, at);
        if (isGoverned)
            yield return Governance(ending, outcome, isSuccess ? "completed" : IncidentClass.Of(code).Reason, at, isErased && !isSuccess);
        yield return Integrity(isGoverned, !isSuccess, at);
    }

    private static readonly string[] DependOnCode = ["step_index", "step_link", "title", "outcome", "trigger_type", "severity", "category", "error_code"];

    private static readonly string[] GovernanceDependsOnCode =
        ["outcome", "termination_reason", "stopped_at_step", "policy_id", "policy_version", "policy_digest", "rule_id"];

    private SideRecord Summary(string? at)
    {
        var row = new SideRecord(SideRecordTables.Policies, new JsonObject
        {
            ["tenant_id"] = trace.TenantId,
            ["run_id"] = trace.RunId,
            ["trace_id"] = trace.TraceId,
            ["step_index"] = null,
            ["step_link"] = null,
            ["decision"] = null,
            ["policy_id"] = null,
            ["policy_version"] = null,
            ["policy_digest"] = null,
            ["rule_id"] = null,
            ["blocked"] = null,
            ["decisions"] = Object(_decisions.Select(each => (each.Key, each.Value))),
            ["evaluated_at"] = at,
        });
        return _erased.Count > 0 ? Without(row, ["decisions"]) : row;
    }

    private SideRecord Incident(Ending? ending, string outcome, string? code, string? at)
    {
        var kind = IncidentClass.Of(code);
        return new SideRecord(SideRecordTables.Incidents, new JsonObject
        {
            ["id"] = "inc_" + trace.TraceId,
            ["tenant_id"] = trace.TenantId,
            ["source_run_id"] = trace.RunId,
            ["trace_id"] = trace.TraceId,
            ["step_index"] = ending?.Index,
            ["step_link"] = Hex(ending?.Link),
            ["title"] = TitleOf(outcome, ending?.Index, code),
            ["outcome"] = outcome,
            ["trigger_type"] = kind.Trigger,
            ["severity"] = kind.Severity,
            ["category"] = kind.Category,
            ["error_code"] = code,
            ["affected_agent_id"] = trace.AgentId,
            ["is_synthetic"] = trace.IsSynthetic,
            ["synthetic_scenario_id"] = trace.SyntheticScenarioId,
            ["occurred_at"] = at,
        });
    }

    private SideRecord Governance(Ending? ending, string outcome, string reason, string? at, bool isCodeErased)
    {
        var rule = ending is not null && _rules.TryGetValue(ending.Index, out var found) ? found : default;
        var row = new SideRecord(SideRecordTables.Governance, new JsonObject
        {
            ["id"] = "gov_" + trace.TraceId,
            ["tenant_id"] = trace.TenantId,
            ["run_id"] = trace.RunId,
            ["trace_id"] = trace.TraceId,
            ["outcome"] = outcome,
            ["termination_reason"] = reason,
            ["stopped_at_step"] = ending?.Index,
            ["policy_decisions"] = _byRule,
            ["policy_id"] = Text(rule, "policy"),
            ["policy_version"] = Text(rule, "version"),
            ["policy_digest"] = Text(rule, "digest"),
            ["rule_id"] = Text(rule, "rule"),
            ["incident"] = outcome == "SUCCESS" ? null : "inc_" + trace.TraceId,
            ["completed_at"] = at,
        });
        if (_erased.Count > 0)
            row = Without(row, ["policy_decisions", "policy_id", "policy_version", "policy_digest", "rule_id"]);
        return isCodeErased ? Without(row, GovernanceDependsOnCode) : row;
    }

    private SideRecord Integrity(bool isGoverned, bool hasIncident, string? at)
    {
        (string Artifact, int Expected, int Observed)[] artifacts =
        [
            ("decisions", trace.ChainLength ?? 0, _decisions.Values.Sum()),
            ("governance_records", isGoverned ? 1 : 0, isGoverned ? 1 : 0),
            ("header", 1, 1),
            ("incidents", hasIncident ? 1 : 0, hasIncident ? 1 : 0),
            ("llm_run_records", _models, _models),
            ("policy_evaluations", _byRule + 1, _byRule + 1),
            ("seal", 1, 1),
            ("steps", trace.ChainLength ?? 0, _steps),
        ];
        var missing = artifacts.Where(each => each.Observed < each.Expected).Select(each => each.Artifact).ToArray();
        var row = new SideRecord(SideRecordTables.Integrity, new JsonObject
        {
            ["tenant_id"] = trace.TenantId,
            ["run_id"] = trace.RunId,
            ["trace_id"] = trace.TraceId,
            ["expected_artifacts"] = Object(artifacts.Select(each => (each.Artifact, each.Expected))),
            ["observed_artifacts"] = Object(artifacts.Select(each => (each.Artifact, each.Observed))),
            ["missing_artifacts"] = new JsonArray([.. missing.Select(each => (JsonNode)each)]),
            ["integrity_score"] = string.Create(
                CultureInfo.InvariantCulture, $"{artifacts.Sum(each => (long)Math.Min(each.Expected, each.Observed))}/{artifacts.Sum(each => (long)each.Expected)}"),
            ["integrity_status"] = missing.Length == 0 ? "COMPLETE" : "INCOMPLETE",
            ["verification_method"] = "counted_at_seal",
            ["observed_at"] = at,
        });
        return _erased.Count > 0
            ? Without(row, ["expected_artifacts", "observed_artifacts", "missing_artifacts", "integrity_score", "integrity_status"])
            : row;
    }

    internal static string TitleOf(string outcome, int? step, string? code) =>
        "run " + (outcome == "FAILURE" ? "failed" : outcome.ToLowerInvariant()) + (step is { } index ? string.Create(CultureInfo.InvariantCulture, $" at step {index}") : "")
            + (code is null ? "" : ": " + code);

    private static SideRecord Without(SideRecord row, string[] columns)
    {
        foreach (var column in columns)
            row.Columns.Remove(column);
        return row;
    }

    private static string? CodeIn(string? metadata)
    {
        if (metadata is null)
            return null;
        try
        {
            using var document = JsonDocument.Parse(metadata, new JsonDocumentOptions { MaxDepth = 1024 });
            return document.RootElement.ValueKind is JsonValueKind.Object && document.RootElement.TryGetProperty("error", out var error) ? Text(error, "code") : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonObject Object(IEnumerable<(string Name, int Value)> members) => new(members.Select(each => KeyValuePair.Create(each.Name, (JsonNode?)each.Value)));

    private static string? Hex(byte[]? bytes) => bytes is null ? null : Convert.ToHexStringLower(bytes);

    // As the server gives it: the text of a text, the digits of a number; PostgreSQL's text holds no NUL.
    private static string? Text(JsonElement value, string member)
    {
        if (value.ValueKind is not JsonValueKind.Object || !value.TryGetProperty(member, out var found))
            return null;
        return found.ValueKind switch
        {
            JsonValueKind.String => found.GetString()!.Replace('\0', '\uFFFD'),
            JsonValueKind.Null => null,
            _ => found.GetRawText(),
        };
    }

    private static JsonNode? Count(JsonElement usage, string member) => Text(usage, member) is { Length: >= 1 and <= 18 } text && text.All(char.IsAsciiDigit)
        ? long.Parse(text, CultureInfo.InvariantCulture)
        : null;

    private static string? Cost(string? text)
    {
        if (text is null)
            return null;
        var parts = text.Split('.');
        var holds = parts.Length is 1 or 2 && parts[0].Length is >= 1 and <= 29 && parts.All(part => part.All(char.IsAsciiDigit)) && (parts.Length == 1 || parts[1].Length is >= 1 and <= 28);
        if (!holds)
            return null;
        var whole = parts[0].TrimStart('0');
        var fraction = parts.Length == 2 ? parts[1].TrimEnd('0') : "";
        return (whole.Length == 0 ? "0" : whole) + (fraction.Length == 0 ? "" : "." + fraction);
    }

    /// <summary>A step that failed, where the trace may have ended.</summary>
    private sealed record Ending(int Index, byte[]? Link, string Status, string? Code);
}
