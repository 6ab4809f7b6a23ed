using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using RunProof.Format;

namespace RunProof.Execution;

/// <summary>
/// Patterns of goals and the plans that they mean: <c>{"planner":"rules","version","description"?,"rules":[{"id","goal":{"regex"|"glob"},"plan":[…]}]}</c>. The first rule whose pattern a
/// goal fits makes its plan; <c>{{goal.name}}</c> in it is what the pattern's group of that name held, <c>{{goal}}</c> the whole goal.
/// </summary>
public sealed class RulesDocument
{
    private static readonly string[] Members = ["planner", "version", "description", "rules"];
    private static readonly string[] RuleMembers = ["id", "description", "goal", "plan"];
    private static readonly string[] GoalMembers = ["regex", "glob", "ignore_case"];

    private RulesDocument(string version, Digest digest, IReadOnlyList<PlanRule> rules) => (Version, Digest, Rules) = (version, digest, rules);

    /// <summary>The version that its author gave it.</summary>
    public string Version { get; }

    /// <summary>SHA-256 of its canonical JSON: the same for YAML and JSON.</summary>
    public Digest Digest { get; }

    internal IReadOnlyList<PlanRule> Rules { get; }

    /// <summary>Reads a document.</summary>
    /// <param name="json">The document.</param>
    /// <exception cref="FormatException">It is none; all that is wrong is told with its places.</exception>
    /// <returns>The document.</returns>
    public static RulesDocument Read(CanonicalJson json)
    {
        ArgumentNullException.ThrowIfNull(json);
        using var document = json.ToDocument();
        var reader = new ObjectReader();
        var root = document.RootElement;
        if (root.ValueKind is not JsonValueKind.Object)
            throw new FormatException($"a document of rules is an object, not {ObjectReader.Describe(root)}");
        reader.RefuseOthers(root, "", Members);
        if (reader.String(root, "", "planner", required: true) is { } planner && planner != RulesPlanner.PlannerName)
            reader.Fail("planner", $"must be \"{RulesPlanner.PlannerName}\"");
        var version = reader.String(root, "", "version", required: true);
        if (version is { Length: 0 or > 64 })
            reader.Fail("version", "must be 1 to 64 characters");
        var rules = ReadRules(root, reader);
        return reader.Errors.Count == 0
            ? new RulesDocument(version!, Digest.Of(json.Bytes.Span), rules)
            : throw new FormatException(string.Join("; ", reader.Errors.Select(error => $"{error.Place} {error.Message}")));
    }

    private static List<PlanRule> ReadRules(JsonElement root, ObjectReader reader)
    {
        var rules = new List<PlanRule>();
        if (!root.TryGetProperty("rules", out var given) || given.ValueKind is not JsonValueKind.Array || given.GetArrayLength() == 0)
        {
            reader.Fail("rules", "must be an array of at least one rule");
            return rules;
        }

        var ids = new HashSet<string>(StringComparer.Ordinal);
        var i = 0;
        foreach (var one in given.EnumerateArray())
        {
            var at = string.Create(CultureInfo.InvariantCulture, $"rules[{i++}]");
            if (one.ValueKind is not JsonValueKind.Object)
            {
                reader.Fail(at, $"must be an object, not {ObjectReader.Describe(one)}");
                continue;
            }

            reader.RefuseOthers(one, at, RuleMembers);
            var id = reader.String(one, at, "id", required: true);
            if (id is not null && (!PlanParser.IsStepId(id) || !ids.Add(id)))
                reader.Fail(at + ".id", "must be 1 to 64 of a-z 0-9 _ - and no other rule's");
            var pattern = ReadGoal(one, at, reader);
            if (ReadPlan(one, at, pattern, reader) is { } plan && id is not null && pattern is not null)
                rules.Add(new PlanRule(id, pattern, plan));
        }

        return rules;
    }

    private static Regex? ReadGoal(JsonElement rule, string at, ObjectReader reader)
    {
        var place = at + ".goal";
        if (!rule.TryGetProperty("goal", out var goal) || goal.ValueKind is not JsonValueKind.Object)
        {
            reader.Fail(place, "must be an object with a regex or a glob");
            return null;
        }

        reader.RefuseOthers(goal, place, GoalMembers);
        var (regex, glob) = (reader.String(goal, place, "regex"), reader.String(goal, place, "glob"));
        if (regex is null == glob is null)
        {
            reader.Fail(place, "must have a regex or a glob, and not both");
            return null;
        }

        // Linear time, whatever the goal is; a pattern fits a goal as a whole.
        var options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | (reader.Boolean(goal, place, "ignore_case") ? RegexOptions.IgnoreCase : 0)
            | (regex is null ? RegexOptions.Singleline : 0);
        try
        {
            return new Regex(regex is not null ? $"^(?:{regex})$" : $"^{GlobOf(glob!)}$", options);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            reader.Fail(place + (regex is null ? ".glob" : ".regex"), $"cannot be used: {e.Message}");
            return null;
        }
    }

    // * is any characters, {name} any that are kept under this name.
    private static string GlobOf(string glob) => Regex.Replace(
        Regex.Escape(glob).Replace("\\*", ".*", StringComparison.Ordinal), "\\\\\\{(?<name>[a-z][a-z0-9_]*)(\\\\\\}|\\})", "(?<${name}>.+)",
        RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    private static JsonElement? ReadPlan(JsonElement rule, string at, Regex? pattern, ObjectReader reader)
    {
        if (!rule.TryGetProperty("plan", out var plan) || plan.ValueKind is not JsonValueKind.Array || plan.GetArrayLength() == 0)
        {
            reader.Fail(at + ".plan", "must be an array of at least one step");
            return null;
        }

        foreach (var (place, text) in ObjectReader.Strings(plan, at + ".plan"))
        {
            foreach (var name in GoalTemplate.NamesIn(text).Where(name => name.Length > 0 && pattern?.GetGroupNames().Contains(name, StringComparer.Ordinal) is false))
                reader.Fail(place, $"{{{{goal.{name}}}}}: the goal's pattern has no group of that name");
        }

        return plan.Clone();
    }
}

/// <summary>A rule.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Goal">Goals that it is for.</param>
/// <param name="Plan">The plan, with <c>{{goal…}}</c> in its strings.</param>
internal sealed record PlanRule(string Id, Regex Goal, JsonElement Plan);
