using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>Reads conditions, and finds everything that is wrong with their form.</summary>
internal sealed class ConditionReader(ObjectReader reader)
{
    /// <summary>The longest pattern.</summary>
    public const int MaxPattern = 1_000;

    /// <summary>How deep a condition's JSON may nest, with the values in it: it stands within evidence, which is bounded too.</summary>
    public const int MaxJsonDepth = 32;

    internal static readonly string[] Words = ["equals", "not_equals", "in", "greater_than", "less_than", "at_least", "at_most", "exists", "matches"];

    /// <summary>How a step may have ended, as a condition asks: a step that is over is none that is tried again.</summary>
    internal static readonly string[] StatusWords = ["succeeded", "failed", "skipped", "blocked", "interrupted"];

    private static readonly string[] Forms = ["value", "step", "all", "any", "not"];

    private int _tests;
    private int _references;

    /// <summary>Reads a condition.</summary>
    /// <param name="given">The value of the member <c>condition</c>.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="reader">Collects what is wrong.</param>
    /// <returns>The condition; null where its form is wrong.</returns>
    public static Condition? Read(JsonElement given, string place, ObjectReader reader)
    {
        var before = reader.Errors.Count;
        CanonicalJson json;
        try
        {
            json = CanonicalJson.Parse(JsonMarshal.GetRawUtf8Value(given));
        }
        catch (CanonicalFormatException refused)
        {
            reader.Fail(place, refused.Message);
            return null;
        }

        if (json.Bytes.Length > Condition.MaxBytes)
        {
            reader.Fail(place, string.Create(CultureInfo.InvariantCulture, $"has {json.Bytes.Length} bytes, at most {Condition.MaxBytes} are read"));
            return null;
        }

        if (DepthOf(json) > MaxJsonDepth)
        {
            reader.Fail(place, string.Create(CultureInfo.InvariantCulture, $"nests deeper than {MaxJsonDepth} levels, with the values in it"));
            return null;
        }

        // Of the canonical copy: operands are compared as they will be recorded.
        using var document = json.ToDocument();
        var root = new ConditionReader(reader).Test(document.RootElement.Clone(), place, 1);
        return root is null || reader.Errors.Count > before ? null : new Condition(json, root);
    }

    /// <summary>How deep arrays and objects nest.</summary>
    internal static int DepthOf(CanonicalJson json)
    {
        var reader = new Utf8JsonReader(json.Bytes.Span, new JsonReaderOptions { MaxDepth = 4 * Canonicalizer.MaxDepth });
        var deepest = 0;
        while (reader.Read())
            deepest = Math.Max(deepest, reader.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject ? reader.CurrentDepth + 1 : 0);
        return deepest;
    }

    private Test? Test(JsonElement given, string place, int depth)
    {
        if (given.ValueKind is not JsonValueKind.Object)
            return Wrong(place, $"must be an object, not {ObjectReader.Describe(given)}");
        if (depth > Condition.MaxDepth)
            return Wrong(place, $"is nested deeper than {Condition.MaxDepth}");
        var forms = Forms.Where(form => given.TryGetProperty(form, out _)).ToList();
        if (forms.Count != 1)
            return Wrong(place, $"must have exactly one of {string.Join(", ", Forms)}{(forms.Count == 0 ? "" : ", not " + string.Join(" and ", forms))}");
        var part = given.GetProperty(forms[0]);
        if (forms[0] is "all" or "any")
            return Junction(given, part, $"{place}.{forms[0]}", forms[0], depth);
        if (forms[0] is "not")
        {
            Only(given, place, "not");
            return Test(part, place + ".not", depth + 1) is { } negated ? new Negation(place, negated) : null;
        }

        if (++_tests == Condition.MaxTests + 1)
            return Wrong(place, $"is one too many: a condition compares and asks at most {Condition.MaxTests} times");
        return forms[0] is "step" ? Status(given, part, place) : Value(given, part, place);
    }

    private Junction? Junction(JsonElement given, JsonElement list, string place, string form, int depth)
    {
        Only(given, place[..^(form.Length + 1)], form);
        if (list.ValueKind is not JsonValueKind.Array || list.GetArrayLength() == 0)
            return Wrong<Junction>(place, "must be an array of at least one condition");
        var tests = list.EnumerateArray().Select((one, i) => Test(one, $"{place}[{i.ToString(CultureInfo.InvariantCulture)}]", depth + 1)).ToList();
        return tests.Contains(null) ? null : new Junction(place, form is "all", tests!);
    }

    private StatusTest? Status(JsonElement given, JsonElement step, string place)
    {
        Only(given, place, "step", "status");
        if (step.ValueKind is not JsonValueKind.String || !PlanParser.IsStepId(step.GetString()))
            return Wrong<StatusTest>(place + ".step", "must be the id of a step");
        if (!given.TryGetProperty("status", out var words) || words.ValueKind is not JsonValueKind.Array || words.GetArrayLength() == 0)
            return Wrong<StatusTest>(place + ".status", $"must be an array of at least one of {string.Join(", ", StatusWords)}");
        var statuses = new List<StepStatus>();
        foreach (var word in words.EnumerateArray())
        {
            var text = word.ValueKind is JsonValueKind.String ? word.GetString()! : "";
            if (Array.IndexOf(StatusWords, text) < 0 || !Wire.TryParse(text, out StepStatus status))
                reader.Fail(place + ".status", $"{word.GetRawText()} is none of {string.Join(", ", StatusWords)}");
            else if (statuses.Contains(status))
                reader.Fail(place + ".status", $"names {text} twice");
            else
                statuses.Add(status);
        }

        return new StatusTest(place, step.GetString()!, statuses);
    }

    private ValueTest? Value(JsonElement given, JsonElement value, string place)
    {
        Only(given, place, ["value", .. Words]);
        var words = Words.Where(word => given.TryGetProperty(word, out _)).ToList();
        if (words.Count != 1)
            return Wrong<ValueTest>(place, $"must compare value by exactly one of {string.Join(", ", Words)}");
        var looked = Operand(value, place + ".value");
        if (looked is { Template: null })
            return Wrong<ValueTest>(place + ".value", "must be a string with a reference: {{steps.<id>.<path>}}");
        var how = (Comparison)Array.IndexOf(Words, words[0]);
        var against = given.GetProperty(words[0]);
        var at = $"{place}.{words[0]}";
        return looked is null ? null : how switch
        {
            Comparison.Exists => Existence(looked, against, place, at),
            Comparison.Matches => Pattern(looked, against, place, at),
            Comparison.In => List(looked, against, place, at),
            _ => Operand(against, at) is { } operand ? Ordered(new ValueTest(place, looked, how, [operand]), at) : null,
        };
    }

    private ValueTest? Existence(Operand value, JsonElement expected, string place, string at)
    {
        if (value.Template!.Whole is null)
            return Wrong<ValueTest>(value.Place, "must be one reference and nothing else where it is asked whether it exists");
        return expected.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? new ValueTest(place, value, Comparison.Exists, [], expected.ValueKind is JsonValueKind.True)
            : Wrong<ValueTest>(at, $"must be true or false, not {ObjectReader.Describe(expected)}");
    }

    private ValueTest? Pattern(Operand value, JsonElement pattern, string place, string at)
    {
        if (pattern.ValueKind is not JsonValueKind.String || pattern.GetString() is not { Length: > 0 and <= MaxPattern } text)
            return Wrong<ValueTest>(at, string.Create(CultureInfo.InvariantCulture, $"must be a pattern of 1 to {MaxPattern} characters"));
        try
        {
            return new ValueTest(place, value, Comparison.Matches, [], Pattern: new Regex(text, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant));
        }
        catch (Exception refused) when (refused is ArgumentException or NotSupportedException)
        {
            return Wrong<ValueTest>(at, $"is no regular expression without backreferences and look-around: {refused.Message}");
        }
    }

    private ValueTest? List(Operand value, JsonElement list, string place, string at)
    {
        if (list.ValueKind is JsonValueKind.String && Operand(list, at) is { Template.Whole: not null } reference)
            return new ValueTest(place, value, Comparison.In, [reference]);
        if (list.ValueKind is not JsonValueKind.Array || list.GetArrayLength() == 0)
            return Wrong<ValueTest>(at, "must be an array of at least one value, or a reference to an array");
        var operands = list.EnumerateArray().Select((one, i) => Operand(one, $"{at}[{i.ToString(CultureInfo.InvariantCulture)}]")).ToList();
        return operands.Contains(null) ? null : new ValueTest(place, value, Comparison.In, operands!);
    }

    // What has no order is known before anything is executed.
    private ValueTest? Ordered(ValueTest test, string at)
    {
        if (test.How is Comparison.Equal or Comparison.NotEqual || test.Against[0].Template is not null)
            return test;
        return Values.HasOrder(test.Against[0].Literal) ? test : Wrong<ValueTest>(at, "must be a number, a string that holds a decimal number or a time, or a reference");
    }

    private Operand? Operand(JsonElement given, string place)
    {
        if (given.ValueKind is not JsonValueKind.String)
            return HasReferences(given) ? Wrong<Operand>(place, "a reference stands alone here, in no array or object") : new Operand(place, given, null);
        var text = given.GetString()!;
        if (!Template.MayRefer(text))
            return new Operand(place, given, null);
        if (Template.Parse(text, out var error) is not { } template)
            return Wrong<Operand>(place, error!);
        var references = template.References.Count();
        if ((_references += references) > Condition.MaxReferences && _references - references <= Condition.MaxReferences)
            return Wrong<Operand>(place, $"is one too many: a condition refers at most {Condition.MaxReferences} times");
        return new Operand(place, given, references == 0 ? null : template);
    }

    private static bool HasReferences(JsonElement given) =>
        given.ValueKind is JsonValueKind.Array or JsonValueKind.Object
        && ObjectReader.Strings(given, "").Any(one => Template.MayRefer(one.Text) && (Template.Parse(one.Text, out _)?.References.Any() ?? true));

    private void Only(JsonElement given, string place, params string[] names) => reader.RefuseOthers(given, place, names);

    private Test? Wrong(string place, string message) => Wrong<Test>(place, message);

    private T? Wrong<T>(string place, string message)
        where T : class
    {
        reader.Fail(place, message);
        return null;
    }
}
