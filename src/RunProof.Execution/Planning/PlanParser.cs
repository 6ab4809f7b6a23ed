using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>Reads plans and finds everything that is wrong with them, not only the first thing.</summary>
/// <param name="skills">The skills that a plan may name.</param>
public sealed class PlanParser(SkillRegistry skills)
{
    private static readonly SearchValues<char> StepIdCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-");
    private static readonly string[] StepMembers = ["id", "depends_on", "condition", "skill", "params", "on_error", "retry", "timeout_ms", "fallback"];
    private static readonly string[] FallbackMembers = ["skill", "params", "retry", "timeout_ms"];
    private static readonly string[] RetryMembers = ["max_attempts", "backoff_ms", "max_backoff_ms", "strategy", "when"];
    private static readonly string[] WhenMembers = ["codes"];

    internal static bool IsStepId(ReadOnlySpan<char> text) => text.Length is >= 1 and <= 64 && !text.ContainsAnyExcept(StepIdCharacters);

    /// <summary>The JSON Schema of plans.</summary>
    /// <returns>Its text.</returns>
    public static string Schema()
    {
        using var reader = new StreamReader(typeof(PlanParser).Assembly.GetManifestResourceStream("plan.schema.json")!, System.Text.Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>Reads a plan whole.</summary>
    /// <param name="plan">The JSON array that a caller or a planner wrote.</param>
    /// <param name="place">Where it stands in the caller's document.</param>
    /// <returns>The plan, or all its errors.</returns>
    public PlanValidation Parse(JsonElement plan, string place) => Parse(plan, place, mayBeEmpty: false);

    /// <summary>Reads a plan whole.</summary>
    /// <param name="plan">The JSON array that a caller or a planner wrote.</param>
    /// <param name="place">Where it stands in the caller's document.</param>
    /// <param name="mayBeEmpty">Whether a planner will go on with it, so that it need not have a step yet.</param>
    /// <returns>The plan, or all its errors.</returns>
    public PlanValidation Parse(JsonElement plan, string place, bool mayBeEmpty) => Parse(plan, place, mayBeEmpty, depth: 0);

    // Within another plan (a depth beyond 0), a reference to an id that the plan has not is the other's, and told of there.
    private PlanValidation Parse(JsonElement plan, string place, bool mayBeEmpty, int depth)
    {
        var reader = new ObjectReader();
        var steps = new List<PlannedStep>();
        if (plan.ValueKind != JsonValueKind.Array)
            reader.Fail(place, $"must be an array of steps, not {ObjectReader.Describe(plan)}");
        else if (plan.GetArrayLength() > Plan.MaxSteps || (plan.GetArrayLength() == 0 && !mayBeEmpty))
            reader.Fail(place, $"must have 1 to {Plan.MaxSteps} steps, not {plan.GetArrayLength().ToString(CultureInfo.InvariantCulture)}");
        else
            ReadSteps(plan, place, reader, steps, depth);
        return reader.Errors.Count == 0 ? new PlanValidation(new Plan(steps), []) : new PlanValidation(null, reader.Errors);
    }

    private void ReadSteps(JsonElement plan, string place, ObjectReader reader, List<PlannedStep> steps, int depth)
    {
        // Ids first: a reference to a later step must be told from one to no step at all.
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        var written = plan.EnumerateArray().ToArray();
        var names = new string[written.Length];
        for (var i = 0; i < names.Length; i++)
        {
            var at = $"{place}[{i.ToString(CultureInfo.InvariantCulture)}]";
            names[i] = ReadId(written[i], at, i, reader);
            if (!ids.TryAdd(names[i], i))
                reader.Fail(at + ".id", $"\"{names[i]}\" is the id of {place}[{ids[names[i]].ToString(CultureInfo.InvariantCulture)}] already");
        }

        var dependencies = Array.ConvertAll(written, step => step.ValueKind is JsonValueKind.Object ? step.TryGetProperty("depends_on", out var given) ? given : default(JsonElement?) : null);
        var before = ReadDependencies(dependencies, place, ids, reader);
        var graph = Array.TrueForAll(dependencies, one => one is null) ? PlanGraph.InLine : PlanGraph.Of(before);
        if (graph.Circle.Count > 0)
        {
            var at = $"{place}[{graph.Circle[0].ToString(CultureInfo.InvariantCulture)}].depends_on";
            reader.Fail(at, "goes in a circle: " + string.Join(" → ", graph.Circle.Take(20).Append(graph.Circle[0]).Select(index => names[index])));
        }

        var reading = new Reading(ids, graph, new Dictionary<string, IReadOnlyList<JsonElement>>(StringComparer.Ordinal), [], reader) { Depth = depth };
        for (var i = 0; i < names.Length; i++)
            reading.Schemas.TryAdd(names[i], OutcomesOf(written[i], reading));
        for (var i = 0; i < names.Length; i++)
        {
            var at = $"{place}[{i.ToString(CultureInfo.InvariantCulture)}]";
            if (written[i].ValueKind == JsonValueKind.Object)
                steps.Add(ReadStep(written[i], at, names[i], i, reading) with { DependsOn = dependencies[i] is null ? null : [.. before[i].Select(one => names[one])] });
            else
                reader.Fail(at, $"must be an object, not {ObjectReader.Describe(written[i])}");
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

    private static int[][] ReadDependencies(JsonElement?[] given, string place, Dictionary<string, int> ids, ObjectReader reader)
    {
        var before = new int[given.Length][];
        var left = Plan.MaxDependencies;
        for (var i = 0; i < given.Length; i++)
        {
            before[i] = [];
            if (given[i] is not { } list)
                continue;
            var at = $"{place}[{i.ToString(CultureInfo.InvariantCulture)}].depends_on";
            if (list.ValueKind is not JsonValueKind.Array)
                reader.Fail(at, $"must be an array of step ids, not {ObjectReader.Describe(list)}");
            else if ((left -= list.GetArrayLength()) >= 0)
                before[i] = ReadDependencies(list, at, i, ids, reader);
        }

        if (left < 0)
            reader.Fail(place, string.Create(CultureInfo.InvariantCulture, $"names {Plan.MaxDependencies - left} dependencies, at most {Plan.MaxDependencies} can be"));
        return before;
    }

    private static int[] ReadDependencies(JsonElement list, string at, int index, Dictionary<string, int> ids, ObjectReader reader)
    {
        var before = new List<int>();
        var seen = new HashSet<int>();
        var i = 0;
        foreach (var item in list.EnumerateArray())
        {
            var place = $"{at}[{(i++).ToString(CultureInfo.InvariantCulture)}]";
            if (item.ValueKind is not JsonValueKind.String)
                reader.Fail(place, $"must be the id of a step, not {ObjectReader.Describe(item)}");
            else if (item.GetString() is not { } id || !ids.TryGetValue(id, out var target))
                reader.Fail(place, $"there is no step \"{Short(item.GetString()!)}\"");
            else if (target == index)
                reader.Fail(place, "is the step itself");
            else if (!seen.Add(target))
                reader.Fail(place, $"names step \"{id}\" twice");
            else
                before.Add(target);
        }

        return [.. before];
    }

    private PlannedStep ReadStep(JsonElement step, string at, string id, int index, Reading reading)
    {
        var reader = reading.Reader;
        reader.RefuseOthers(step, at, StepMembers);
        var skill = ReadSkill(step, at, reader);
        var onError = (OnError)reader.Word(step, at, "on_error", Plan.OnErrorWords, (int)OnError.Abort);
        var condition = ReadCondition(step, at + ".condition", index, reading);
        var (parameters, references) = ReadCall(step, at, skill, index, reading);
        return new PlannedStep
        {
            Id = id,
            Skill = skill?.Name ?? "",
            Parameters = parameters,
            HasReferences = references,
            OnError = onError,
            Retry = ReadRetry(step, at, onError, reader),
            TimeoutMs = ReadTimeout(step, at, skill, reader),
            Condition = condition,
            Fallback = ReadFallback(step, at + ".fallback", index, reading),
        };
    }

    private (CanonicalJson Parameters, bool HasReferences) ReadCall(JsonElement call, string at, SkillDescriptor? skill, int index, Reading reading)
    {
        var parameters = ReadParameters(call, at, reading.Reader);
        if (skill?.Name is SubPlans.SkillName && parameters is not null)
            CheckSubPlan(parameters, at + ".params", reading);
        var references = CheckReferences(parameters is null ? null : SubPlans.Shielded(skill?.Name, parameters), at + ".params", index, skill, reading);
        if (!references && skill is not null && parameters is not null)
            CheckBinding(skill, parameters, at + ".params", reading.Reader);
        return (parameters ?? CanonicalJson.FromCanonicalBytes("{}"u8.ToArray()), references);
    }

    private static int ReadTimeout(JsonElement call, string at, SkillDescriptor? skill, ObjectReader reader) => skill?.Name is SubPlans.SkillName
        ? reader.Integer(call, at, "timeout_ms", 1, SubPlans.MaxTimeoutMs, SubPlans.DefaultTimeoutMs)
        : reader.Integer(call, at, "timeout_ms", 1, 3_600_000, PlannedStep.DefaultTimeoutMs);

    // A plan that is written out is checked whole where it stands, as those in it are.
    private void CheckSubPlan(CanonicalJson parameters, string place, Reading reading)
    {
        using var document = parameters.ToDocument();
        if (SubPlans.PlanIn(document.RootElement) is not { } plan)
            return;
        if (reading.Depth == RunParent.MaxDepth)
        {
            reading.Reader.Fail(place + ".plan", string.Create(CultureInfo.InvariantCulture, $"is a sub-run of a sub-run too deep: {RunParent.MaxDepth} runs may be above one"));
            return;
        }

        foreach (var error in Parse(plan, place + ".plan", mayBeEmpty: false, reading.Depth + 1).Errors)
            reading.Reader.Fail(error.Place, error.Message);
    }

    private PlannedFallback? ReadFallback(JsonElement step, string at, int index, Reading reading)
    {
        var reader = reading.Reader;
        if (!step.TryGetProperty("fallback", out var given) || given.ValueKind is JsonValueKind.Null)
            return null;
        if (given.ValueKind is not JsonValueKind.Object)
        {
            reader.Fail(at, $"must be an object, not {ObjectReader.Describe(given)}");
            return null;
        }

        reader.RefuseOthers(given, at, FallbackMembers);
        var skill = ReadSkill(given, at, reader);
        var (parameters, references) = ReadCall(given, at, skill, index, reading);
        // One level deeper in the plan than those of a step.
        if (ConditionReader.DepthOf(parameters) >= Canonicalizer.MaxDepth)
            reader.Fail(at + ".params", string.Create(CultureInfo.InvariantCulture, $"nests deeper than {Canonicalizer.MaxDepth - 1} levels"));
        return new PlannedFallback
        {
            Skill = skill?.Name ?? "",
            Parameters = parameters,
            HasReferences = references,
            Retry = given.TryGetProperty("retry", out var retry) && retry.ValueKind is not JsonValueKind.Null ? ReadRetry(given, at, OnError.Retry, reader) : null,
            TimeoutMs = ReadTimeout(given, at, skill, reader),
        };
    }

    private static Condition? ReadCondition(JsonElement step, string at, int index, Reading reading)
    {
        if (!step.TryGetProperty("condition", out var given) || given.ValueKind is JsonValueKind.Null || ConditionReader.Read(given, at, reading.Reader) is not { } condition)
            return null;
        var errors = reading.Reader.Errors.Count;
        foreach (var (place, reference) in condition.Root.References())
            CheckReference(reference, place, index, reading);
        if (reading.Reader.Errors.Count > errors)
            return null;
        foreach (var test in condition.Root.Leaves().OfType<ValueTest>())
        {
            if (ReferenceTypes.Misfit(test, reading.OutcomesOf) is { } misfit)
                reading.Reader.Fail(test.Value.Place, $"{test.Value.Literal.GetString()} {misfit}");
        }

        foreach (var asked in condition.Root.Leaves().OfType<StatusTest>())
        {
            if (!reading.Ids.TryGetValue(asked.Step, out var target))
                reading.Reader.Fail(asked.Place + ".step", $"there is no step \"{asked.Step}\"");
            else if (!reading.Graph.IsBefore(target, index))
                reading.Reader.Fail(asked.Place + ".step", reading.NotBefore($"\"{asked.Step}\"", asked.Step));
        }

        return condition;
    }

    // The outcomes that a step can have: its skill's, and that of its fallback. None where one is not known.
    private List<JsonElement> OutcomesOf(JsonElement step, Reading reading)
    {
        var outcomes = new List<JsonElement>();
        if (step.ValueKind is not JsonValueKind.Object)
            return outcomes;
        var calls = step.TryGetProperty("fallback", out var fallback) && fallback.ValueKind is JsonValueKind.Object ? new[] { step, fallback } : [step];
        foreach (var call in calls)
        {
            if (!call.TryGetProperty("skill", out var name) || name.ValueKind is not JsonValueKind.String || !ObjectReader.IsText(name) || !skills.TryFind(name.GetString()!, out var skill))
                return [];
            outcomes.Add(reading.SchemaOf(skill));
        }

        return outcomes;
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
            WhenCodes = ReadCodes(retry, place + ".when", reader),
        };
    }

    private static List<string>? ReadCodes(JsonElement retry, string place, ObjectReader reader)
    {
        if (!retry.TryGetProperty("when", out var when) || when.ValueKind == JsonValueKind.Null)
            return null;
        if (when.ValueKind != JsonValueKind.Object || !when.TryGetProperty("codes", out var codes) || codes.ValueKind != JsonValueKind.Array || codes.GetArrayLength() is < 1 or > 32)
        {
            reader.Fail(place, "must be an object with codes, an array of 1 to 32 codes of failures");
            return null;
        }

        reader.RefuseOthers(when, place, WhenMembers);
        var read = new List<string>();
        foreach (var code in codes.EnumerateArray())
        {
            var text = code.ValueKind == JsonValueKind.String ? code.GetString()! : "";
            if (EvidenceText.IsCode(text.EndsWith('*') ? text[..^1] : text))
                read.Add(text);
            else
                reader.Fail(place + ".codes", $"{code.GetRawText()} is no code of a failure: 1 to 64 of A-Z a-z 0-9 . _ -, and * may stand behind them");
        }

        return read;
    }

    private static bool CheckReferences(
        CanonicalJson? parameters, string place, int index, SkillDescriptor? skill, Reading reading)
    {
        var reader = reading.Reader;
        if (parameters is null)
            return false;
        using var document = parameters.ToDocument();
        var any = false;
        if (!ObjectReader.Strings(document.RootElement, place).Any(static one => Template.MayRefer(one.Text)))
            return false;
        foreach (var (at, path, text) in Strings(document.RootElement, place, []))
        {
            if (!Template.MayRefer(text))
                continue;
            if (Template.Parse(text, out var error) is not { } template)
            {
                any = true;
                reader.Fail(at, error!);
                continue;
            }

            var errors = reader.Errors.Count;
            foreach (var reference in template.References)
            {
                any = true;
                if (reading.Depth == 0 || reading.Ids.ContainsKey(reference.Step))
                    CheckReference(reference, at, index, reading);
            }

            if (reader.Errors.Count == errors && skill is not null && template.References.Any() && template.References.All(reference => reading.Ids.ContainsKey(reference.Step))
                && ReferenceTypes.Misfit(template, reading.OutcomesOf, reading.ParametersOf(skill), path, skill.Name) is { } misfit)
                reader.Fail(at, misfit);
        }

        return any;
    }

    private static IEnumerable<(string Place, PathPart[] Path, string Text)> Strings(JsonElement value, string place, PathPart[] path) => value.ValueKind switch
    {
        JsonValueKind.String => [(place, path, value.GetString()!)],
        JsonValueKind.Object => value.EnumerateObject().SelectMany(member => Strings(member.Value, $"{place}.{member.Name}", [.. path, new PathPart(member.Name, 0)])),
        JsonValueKind.Array => value.EnumerateArray()
            .SelectMany((item, i) => Strings(item, $"{place}[{i.ToString(CultureInfo.InvariantCulture)}]", [.. path, new PathPart(null, i)])),
        _ => [],
    };

    private static void CheckReference(Reference reference, string at, int index, Reading reading)
    {
        if (!reading.Ids.TryGetValue(reference.Step, out var target))
            reading.Reader.Fail(at, $"{reference}: there is no step \"{reference.Step}\"");
        else if (!reading.Graph.IsBefore(target, index))
            reading.Reader.Fail(at, reading.NotBefore(reference.ToString(), reference.Step));
        else if (reading.Schemas[reference.Step] is { Count: > 0 } schemas && schemas.All(schema => OutcomeShape.Excludes(schema, reference.Path)))
            reading.Reader.Fail(at, $"{reference}: an outcome of step \"{reference.Step}\" never has that path");
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

    /// <summary>What is known of a plan while its steps are read.</summary>
    private sealed record Reading(
        Dictionary<string, int> Ids, PlanGraph Graph, Dictionary<string, IReadOnlyList<JsonElement>> Schemas, Dictionary<string, JsonElement> BySkill, ObjectReader Reader)
    {
        /// <summary>Plans around this one.</summary>
        public int Depth { get; init; }

        public string NotBefore(string what, string step) => Graph.IsInLine
            ? $"{what}: step \"{step}\" comes no earlier than this one"
            : $"{what}: step \"{step}\" need not be over when this one begins: depends_on must lead to it";

        public IReadOnlyList<JsonElement> OutcomesOf(string step) => Schemas.GetValueOrDefault(step, []);

        public JsonElement SchemaOf(SkillDescriptor skill) => Parsed("outcome " + skill.Name, skill.OutcomeSchema);

        public JsonElement ParametersOf(SkillDescriptor skill) => Parsed("params " + skill.Name, skill.ParametersSchema);

        private JsonElement Parsed(string key, string schema)
        {
            if (BySkill.TryGetValue(key, out var known))
                return known;
            using var document = JsonDocument.Parse(schema);
            return BySkill[key] = document.RootElement.Clone();
        }
    }
}
