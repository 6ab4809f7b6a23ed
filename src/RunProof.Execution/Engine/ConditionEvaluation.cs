using System.Buffers;
using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>What came of a condition.</summary>
/// <param name="IsTrue">Whether the step is to be executed.</param>
/// <param name="Evidence">What was looked at and what came of it, for the step's context.</param>
/// <param name="Failure">Why it could not be known; null where it could.</param>
/// <param name="Through">The skipped step whose outcome it would have needed; or null.</param>
internal sealed record ConditionResult(bool IsTrue, CanonicalJson Evidence, SkillFailure? Failure = null, string? Through = null);

/// <summary>Evaluates one condition, once: from the first part on and no further than needed. Whoever does it again with the same outcomes finds the same.</summary>
internal sealed class ConditionEvaluation : IDisposable
{
    /// <summary>The longest value that evidence shows, in bytes of canonical JSON; of a longer one it has the digest.</summary>
    private const int LongestShown = 256;

    /// <summary>The longest condition that evidence repeats; of a longer one it has the digest.</summary>
    private const int LongestRepeated = 2_048;

    private readonly Schedule _schedule;
    private readonly IRedactor _redactor;
    private readonly Dictionary<string, JsonDocument> _parsed = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, CanonicalJson> _values = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, CanonicalJson> _statuses = new(StringComparer.Ordinal);

    private ConditionEvaluation(Schedule schedule, IRedactor redactor) => (_schedule, _redactor) = (schedule, redactor);

    /// <summary>Evaluates a condition.</summary>
    /// <param name="condition">The condition of a step that may begin.</param>
    /// <param name="schedule">How the steps before it ended.</param>
    /// <param name="redactor">What takes out of evidence what must not be in it.</param>
    public static ConditionResult Of(Condition condition, Schedule schedule, IRedactor redactor)
    {
        using var evaluation = new ConditionEvaluation(schedule, redactor);
        try
        {
            var isTrue = evaluation.IsTrue(condition.Root);
            return new ConditionResult(isTrue, evaluation.Evidence(condition, isTrue));
        }
        catch (SkippedReferenceException skipped)
        {
            return new ConditionResult(false, evaluation.Evidence(condition, null), null, skipped.Step);
        }
        catch (Exception unknown) when (unknown is UnresolvedReferenceException or RedactedReferenceException or IncomparableException)
        {
            var code = unknown switch
            {
                UnresolvedReferenceException => "unresolved_reference",
                RedactedReferenceException => "redacted_reference",
                _ => "condition_not_comparable",
            };
            return new ConditionResult(false, evaluation.Evidence(condition, null), new SkillFailure(code, $"the step's condition cannot be evaluated: {unknown.Message}"));
        }
    }

    /// <summary>For a step that a former process announced or tried: its condition was true, though what it looked at is not known as it was.</summary>
    public static ConditionResult KnownTrue(Condition condition, ConditionResult now) => now.IsTrue ? now : new ConditionResult(true, OriginTrace.Object(
        ("is", Repeated(condition)), ("looked_at", OriginTrace.Array([])), ("note", EvidenceContext.OfText("a process before this one found it true and announced the step")), ("result", True)));

    /// <summary>A replay's, where what the condition looks at is hidden in its origin's record.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="wasTrue">Whether the origin executed the step.</param>
    public static ConditionResult AsRecorded(Condition condition, bool wasTrue) => new(wasTrue, OriginTrace.Object(
        ("is", Repeated(condition)), ("looked_at", OriginTrace.Array([])), ("note", EvidenceContext.OfText("what it looks at is redacted in the origin's record: the result is the origin's")),
        ("result", wasTrue ? True : False)));

    public void Dispose()
    {
        foreach (var document in _parsed.Values)
            document.Dispose();
    }

    private bool IsTrue(Test test) => test switch
    {
        Junction { IsAll: true } all => all.Tests.All(IsTrue),
        Junction any => any.Tests.Any(IsTrue),
        Negation not => !IsTrue(not.Negated),
        StatusTest asked => asked.Statuses.Contains(StatusOf(asked.Step)),
        ValueTest compared => IsTrue(compared),
        _ => throw new InvalidOperationException($"unknown test {test.GetType().Name}"),
    };

    private bool IsTrue(ValueTest test)
    {
        if (test.How is Comparison.Exists)
            return Exists(test.Value.Template!.Whole!) == test.Expected;
        var value = ValueOf(test.Value);
        try
        {
            return test.How switch
            {
                Comparison.Equal => Values.AreEqual(value, ValueOf(test.Against[0])),
                Comparison.NotEqual => !Values.AreEqual(value, ValueOf(test.Against[0])),
                Comparison.In => IsIn(value, test.Against),
                Comparison.Greater => Values.Order(value, ValueOf(test.Against[0])) > 0,
                Comparison.Less => Values.Order(value, ValueOf(test.Against[0])) < 0,
                Comparison.AtLeast => Values.Order(value, ValueOf(test.Against[0])) >= 0,
                Comparison.AtMost => Values.Order(value, ValueOf(test.Against[0])) <= 0,
                Comparison.Matches => Matches(value, test.Pattern!),
                _ => throw new InvalidOperationException($"unknown comparison {test.How}"),
            };
        }
        catch (IncomparableException refused)
        {
            throw new IncomparableException($"{test.Value.Literal.GetString()}: {refused.Message}");
        }
    }

    // A list may hold values of several kinds: one that the value cannot be is none that it is.
    private bool IsIn(JsonElement value, IReadOnlyList<Operand> list)
    {
        IEnumerable<JsonElement> values = list.Select(ValueOf);
        if (list is [{ Template.Whole: not null, Literal.ValueKind: JsonValueKind.String } reference] && ValueOf(reference) is { ValueKind: JsonValueKind.Array } array)
            values = array.EnumerateArray();
        var comparable = false;
        IncomparableException? refused = null;
        foreach (var one in values)
        {
            try
            {
                if (Values.AreEqual(value, one))
                    return true;
                comparable = true;
            }
            catch (IncomparableException not)
            {
                refused = not;
            }
        }

        return comparable || refused is null ? false : throw refused;
    }

    private static bool Matches(JsonElement value, System.Text.RegularExpressions.Regex pattern) => value.ValueKind is JsonValueKind.String
        ? pattern.IsMatch(value.GetString()!)
        : throw new IncomparableException($"a pattern matches strings, not {ObjectReader.Describe(value)}");

    // What a record has not is null in it: so null is nothing that is there.
    private bool Exists(Reference reference)
    {
        if (_schedule.EndOf(reference.Step) is { Outcome: null, OutcomeIsKnown: true })
        {
            _values[reference.ToString()] = OriginTrace.Null;
            return false;
        }

        return TryFind(reference, out var value) && value.ValueKind is not JsonValueKind.Null;
    }

    private StepStatus StatusOf(string step)
    {
        if (_schedule.EndOf(step) is not { } ended)
            throw new UnresolvedReferenceException($"step \"{step}\" is not over");
        _statuses[step] = EvidenceContext.OfText(Wire.Name(ended.Status));
        return ended.Status;
    }

    private JsonElement ValueOf(Operand operand)
    {
        if (operand.Template is not { } template)
            return operand.Literal;
        if (template.Whole is { } whole)
            return Find(whole);
        var text = new StringBuilder();
        foreach (var part in template.Parts)
            text.Append(part is Reference reference ? ReferenceResolver.TextOf(Find(reference)) : (string)part);
        using var document = JsonDocument.Parse(EvidenceContext.OfText(text.ToString()).Bytes);
        return document.RootElement.Clone();
    }

    private JsonElement Find(Reference reference) => TryFind(reference, out var value)
        ? value
        : throw new UnresolvedReferenceException($"{reference}: the outcome of step \"{reference.Step}\" has nothing there");

    private bool TryFind(Reference reference, out JsonElement value)
    {
        if (_schedule.EndOf(reference.Step) is not { } ended)
            throw new UnresolvedReferenceException($"{reference}: step \"{reference.Step}\" is not over");
        if (ended.IsSkip)
            throw new SkippedReferenceException(reference.Step);
        if (!ended.OutcomeIsKnown)
            throw new RedactedReferenceException($"{reference}: the outcome of step \"{reference.Step}\" was redacted before it was stored, and the process that knew it is gone");
        if (ended.Outcome is not { } outcome)
            throw new UnresolvedReferenceException($"{reference}: step \"{reference.Step}\" has no outcome");
        if (!_parsed.TryGetValue(reference.Step, out var document))
            _parsed[reference.Step] = document = JsonDocument.Parse(outcome.Bytes, ReferenceResolver.Deep);
        var found = reference.TryFind(document.RootElement, out value);
        _values[reference.ToString()] = found ? Shown(reference, value, ended.HidesOutcome) : OriginTrace.Null;
        return found;
    }

    // As evidence of the step that gave it shows it: what is taken out there is taken out here.
    private CanonicalJson Shown(Reference reference, JsonElement value, bool isHidden)
    {
        var json = Canonical(value);
        if (isHidden || _redactor.Redact(Within(reference.Path, json)).Removals.Count > 0)
            return OriginTrace.Object(("redacted", True));
        return json.Bytes.Length <= LongestShown && ConditionReader.DepthOf(json) <= ConditionReader.MaxJsonDepth
            ? OriginTrace.Object(("value", json))
            : OriginTrace.Object(("bytes", OriginTrace.Number(json.Bytes.Length)), ("digest", EvidenceContext.OfText(Digest.Of(json.Bytes.Span).ToString())));
    }

    // The value beneath its own names: redaction goes by names, too.
    private static CanonicalJson Within(IReadOnlyList<PathPart> path, CanonicalJson value)
    {
        for (var i = path.Count - 1; i >= 0; i--)
            value = path[i].Name is { } name ? Object(name, value) : OriginTrace.Array([value]);
        return value;
    }

    private static CanonicalJson Object(string name, CanonicalJson value)
    {
        var buffer = new ArrayBufferWriter<byte>(64);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{"u8);
        writer.WriteString(name);
        writer.WriteRaw(":"u8);
        writer.WriteJson(value);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    private static CanonicalJson Canonical(JsonElement value) =>
        CanonicalJson.FromCanonicalBytes(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(value).ToArray());

    private CanonicalJson Evidence(Condition condition, bool? result) => OriginTrace.Object(
        ("is", Repeated(condition)), ("looked_at", Looked()), ("result", result switch { null => OriginTrace.Null, true => True, false => False }));

    private CanonicalJson Looked() => OriginTrace.Array(
        _statuses.Select(static one => OriginTrace.Object(("status", one.Value), ("step", EvidenceContext.OfText(one.Key))))
            .Concat(_values.Select(static one => one.Value.Equals(OriginTrace.Null)
                ? OriginTrace.Object(("missing", True), ("reference", EvidenceContext.OfText(one.Key)))
                : one.Value.With("reference", EvidenceContext.OfText(one.Key)))));

    private static CanonicalJson Repeated(Condition condition) => condition.Json.Bytes.Length <= LongestRepeated
        ? condition.Json
        : OriginTrace.Object(("digest", EvidenceContext.OfText(Digest.Of(condition.Json.Bytes.Span).ToString())));

    private static CanonicalJson True { get; } = CanonicalJson.FromCanonicalBytes("true"u8.ToArray());

    private static CanonicalJson False { get; } = CanonicalJson.FromCanonicalBytes("false"u8.ToArray());
}

/// <summary>A value is needed of a step that was skipped.</summary>
internal sealed class SkippedReferenceException(string step) : Exception($"step \"{step}\" was skipped")
{
    /// <summary>The step.</summary>
    public string Step { get; } = step;
}
