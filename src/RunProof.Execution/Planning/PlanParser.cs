using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>Reads plans and finds everything that is wrong with them, not only the first thing.</summary>
/// <param name="skills">The skills that a plan may name.</param>
public sealed class PlanParser(SkillRegistry skills)
{
    private static readonly SearchValues<char> StepIdCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-");
    private static readonly string[] StepMembers = ["id", "skill", "params", "on_error", "retry", "timeout_ms"];
    private static readonly string[] RetryMembers = ["max_attempts", "backoff_ms", "max_backoff_ms", "strategy"];

    internal static bool IsStepId(ReadOnlySpan<char> text) => text.Length is >= 1 and <= 64 && !text.ContainsAnyExcept(StepIdCharacters);

    /// <summary>Reads a plan whole.</summary>
    /// <param name="plan">The JSON array that a caller or a planner wrote.</param>
    /// <param name="place">Where it stands in the caller's document.</param>
    /// <returns>The plan, or all its errors.</returns>
    public PlanValidation Parse(JsonElement plan, string place)
    {
        var reader = new ObjectReader();
        var steps = new List<PlannedStep>();
        if (plan.ValueKind != JsonValueKind.Array)
            reader.Fail(place, $"must be an array of steps, not {ObjectReader.Describe(plan)}");
        else if (plan.GetArrayLength() is 0 or > Plan.MaxSteps)
            reader.Fail(place, $"must have 1 to {Plan.MaxSteps} steps, not {plan.GetArrayLength().ToString(CultureInfo.InvariantCulture)}");
        else
            ReadSteps(plan, place, reader, steps);
        return reader.Errors.Count == 0 ? new PlanValidation(new Plan(steps), []) : new PlanValidation(null, reader.Errors);
    }

    private void ReadSteps(JsonElement plan, string place, ObjectReader reader, List<PlannedStep> steps)
    {
        // Ids first: a reference to a later step must be told from one to no step at all.
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        var names = new string[plan.GetArrayLength()];
        for (var i = 0; i < names.Length; i++)
        {
            var at = $"{place}[{i.ToString(CultureInfo.InvariantCulture)}]";
            names[i] = ReadId(plan[i], at, i, reader);
            if (!ids.TryAdd(names[i], i))
                reader.Fail(at + ".id", $"\"{names[i]}\" is the id of {place}[{ids[names[i]].ToString(CultureInfo.InvariantCulture)}] already");
        }

        var schemas = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        for (var i = 0; i < names.Length; i++)
        {
            var at = $"{place}[{i.ToString(CultureInfo.InvariantCulture)}]";
            if (plan[i].ValueKind == JsonValueKind.Object)
                steps.Add(ReadStep(plan[i], at, names[i], i, ids, schemas, reader));
            else
                reader.Fail(at, $"must be an object, not {ObjectReader.Describe(plan[i])}");
        }
    }

    private static string ReadId(JsonElement step, string at, int index, ObjectReader reader)
    {
        var fallback = "step_" + index.ToString(CultureInfo.InvariantCulture);
        if (step.ValueKind != JsonValueKind.Object || reader.String(step, at, "id") is not { } id)
            return fallback;
        if (IsStepId(id))
            return id;
        reader.Fail(at + ".id", "must be 1 to 64 of a-z 0-9 _ -");
        return fallback;
    }

    private PlannedStep ReadStep(
        JsonElement step, string at, string id, int index, Dictionary<string, int> ids, Dictionary<string, JsonElement> schemas, ObjectReader reader)
    {
        reader.RefuseOthers(step, at, StepMembers);
        var skill = ReadSkill(step, at, reader);
        if (skill is not null)
            schemas[id] = SchemaOf(skill);
        var onError = (OnError)reader.Word(step, at, "on_error", Plan.OnErrorWords, (int)OnError.Abort);
        var parameters = ReadParameters(step, at, reader);
        var references = CheckReferences(parameters, at + ".params", index, ids, schemas, reader);
        if (!references && skill is not null && parameters is not null)
            CheckBinding(skill, parameters, at + ".params", reader);
        return new PlannedStep
        {
            Id = id,
            Skill = skill?.Name ?? "",
            Parameters = parameters ?? CanonicalJson.FromCanonicalBytes("{}"u8.ToArray()),
            HasReferences = references,
            OnError = onError,
            Retry = ReadRetry(step, at, onError, reader),
            TimeoutMs = reader.Integer(step, at, "timeout_ms", 1, 3_600_000, PlannedStep.DefaultTimeoutMs),
        };
    }

    private SkillDescriptor? ReadSkill(JsonElement step, string at, ObjectReader reader)
    {
        if (reader.String(step, at, "skill") is not { } name)
        {
            if (!step.TryGetProperty("skill", out _))
                reader.Fail(at + ".skill", "is missing: name the skill to execute");
            return null;
        }

        if (skills.TryFind(name, out var skill))
            return skill;
        reader.Fail(at + ".skill", $"there is no skill \"{Short(name)}\"; there are: {string.Join(", ", skills.All.Select(one => one.Name))}");
        return null;
    }

    private static string Short(string name) => name.Length <= 64 ? name : name[..64] + "…";

    private static CanonicalJson? ReadParameters(JsonElement step, string at, ObjectReader reader)
    {
        if (!step.TryGetProperty("params", out var given))
            return CanonicalJson.FromCanonicalBytes("{}"u8.ToArray());
        if (given.ValueKind != JsonValueKind.Object)
        {
            reader.Fail(at + ".params", $"must be an object, not {ObjectReader.Describe(given)}");
            return null;
        }

        try
        {
            return CanonicalJson.Parse(JsonMarshal.GetRawUtf8Value(given));
        }
        catch (CanonicalFormatException refused)
        {
            reader.Fail(at + ".params", refused.Message);
            return null;
        }
    }

    private static RetryRule? ReadRetry(JsonElement step, string at, OnError onError, ObjectReader reader)
    {
        var place = at + ".retry";
        if (!step.TryGetProperty("retry", out var retry) || retry.ValueKind == JsonValueKind.Null)
            return onError == OnError.Retry ? new RetryRule() : null;
        if (retry.ValueKind != JsonValueKind.Object)
        {
            reader.Fail(place, $"must be an object, not {ObjectReader.Describe(retry)}");
            return null;
        }

        if (onError != OnError.Retry)
            reader.Fail(place, "has no effect unless on_error is \"retry\"");
        reader.RefuseOthers(retry, place, RetryMembers);
        var usual = new RetryRule();
        return new RetryRule
        {
            MaxAttempts = reader.Integer(retry, place, "max_attempts", 1, 10, usual.MaxAttempts),
            BackoffMs = reader.Integer(retry, place, "backoff_ms", 0, 600_000, usual.BackoffMs),
            MaxBackoffMs = reader.Integer(retry, place, "max_backoff_ms", 0, 3_600_000, usual.MaxBackoffMs),
            Strategy = (BackoffStrategy)reader.Word(retry, place, "strategy", Plan.StrategyWords, (int)usual.Strategy),
        };
    }

    private static JsonElement SchemaOf(SkillDescriptor skill)
    {
        using var document = JsonDocument.Parse(skill.OutcomeSchema);
        return document.RootElement.Clone();
    }

    private static bool CheckReferences(
        CanonicalJson? parameters, string place, int index, Dictionary<string, int> ids, Dictionary<string, JsonElement> schemas, ObjectReader reader)
    {
        if (parameters is null)
            return false;
        using var document = parameters.ToDocument();
        var any = false;
        foreach (var (at, text) in ObjectReader.Strings(document.RootElement, place))
        {
            if (!Template.MayRefer(text))
                continue;
            if (Template.Parse(text, out var error) is not { } template)
            {
                any = true;
                reader.Fail(at, error!);
                continue;
            }

            foreach (var reference in template.References)
            {
                any = true;
                if (!ids.TryGetValue(reference.Step, out var target))
                    reader.Fail(at, $"{reference}: there is no step \"{reference.Step}\"");
                else if (target >= index)
                    reader.Fail(at, $"{reference}: step \"{reference.Step}\" comes no earlier than this one");
                else if (schemas.TryGetValue(reference.Step, out var schema) && OutcomeShape.Excludes(schema, reference.Path))
                    reader.Fail(at, $"{reference}: an outcome of step \"{reference.Step}\" never has that path");
            }
        }

        return any;
    }

    private static void CheckBinding(SkillDescriptor skill, CanonicalJson parameters, string place, ObjectReader reader)
    {
        try
        {
            using var document = parameters.ToDocument();
            skill.Bind(document.RootElement, place);
        }
        catch (JsonBindingException refused)
        {
            reader.Fail(refused.Place, refused.Reason);
        }
        catch (CanonicalFormatException refused)
        {
            reader.Fail(place, refused.Message);
        }
    }
}
