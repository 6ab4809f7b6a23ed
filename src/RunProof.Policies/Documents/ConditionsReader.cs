using System.Globalization;
using System.Text.RegularExpressions;
using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>Reads what a rule asks for.</summary>
internal static class ConditionsReader
{
    private static readonly string[] DayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

    internal static Conditions Read(PolicyNode when, string place, NodeReader nodes)
    {
        if (!nodes.IsMap(when, place))
            return Conditions.Always;
        nodes.RefuseOthers(
            when, place, "skill", "params", "host", "data_class", "agent", "tenant", "planner", "cost_cents", "tokens", "duration_ms", "time");
        return new Conditions
        {
            Skill = nodes.Globs(when, place, "skill"),
            Agent = nodes.Globs(when, place, "agent"),
            Tenant = nodes.Globs(when, place, "tenant"),
            Planner = nodes.Globs(when, place, "planner"),
            Host = nodes.Globs(when, place, "host", lowerCase: true),
            DataClass = nodes.Globs(when, place, "data_class"),
            Params = Params(when, place, nodes),
            CostCents = Range(when, place, "cost_cents", nodes),
            Tokens = Range(when, place, "tokens", nodes),
            DurationMs = Range(when, place, "duration_ms", nodes),
            Time = when["time"] is { } time ? Time(time, place + ".time", nodes) : null,
        };
    }

    private static List<(PlacePattern, Matcher)> Params(PolicyNode when, string place, NodeReader nodes)
    {
        var read = new List<(PlacePattern, Matcher)>();
        var at = place + ".params";
        if (when["params"] is not { } map || !nodes.IsMap(map, at))
            return read;
        foreach (var member in map.Members)
        {
            var here = $"{at}.{member.Name}";
            var matcher = MatcherReader.Read(member.Value, here, nodes);
            if (PlacePattern.TryParse(member.Name, out var pattern, out var error))
                read.Add((pattern!, matcher));
            else
                nodes.Fail(member.Value, here, "the path " + error);
        }

        return read;
    }

    private static NumberRange? Range(PolicyNode when, string place, string name, NodeReader nodes)
    {
        var at = NodeReader.At(place, name);
        if (when[name] is not { } node || !nodes.IsMap(node, at))
            return null;
        nodes.RefuseOthers(node, at, "gt", "gte", "lt", "lte");
        return MatcherReader.Range(node, at, nodes) ?? Missing(node, at, nodes);
    }

    private static NumberRange? Missing(PolicyNode node, string place, NodeReader nodes)
    {
        if (node.Members.Count == 0)
            nodes.Fail(node, place, "must have at least one of gt, gte, lt, lte");
        return null;
    }

    private static TimeWindow? Time(PolicyNode node, string place, NodeReader nodes)
    {
        if (!nodes.IsMap(node, place))
            return null;
        nodes.RefuseOthers(node, place, "days", "between", "zone", "outside");
        if (node["days"] is null && node["between"] is null)
            nodes.Fail(node, place, "must have days, between, or both");
        var days = Days(node, place, nodes);
        var (from, to) = Between(node, place, nodes);
        var zone = Zone(node, place, nodes);
        var outside = node["outside"] is { } given && nodes.Boolean(given, place + ".outside") is true;
        return new TimeWindow(days, from, to, zone, outside);
    }

    private static bool[] Days(PolicyNode node, string place, NodeReader nodes)
    {
        var at = place + ".days";
        var days = new bool[7];
        if (node["days"] is not { } list)
        {
            Array.Fill(days, true);
            return days;
        }

        if (!nodes.IsList(list, at, 7, 1))
            return days;
        for (var i = 0; i < list.Items.Count; i++)
        {
            if (nodes.Word(list.Items[i], NodeReader.At(at, i), DayNames) is >= 0 and var day)
                days[day] = true;
        }

        return days;
    }

    private static (TimeOnly From, TimeOnly To) Between(PolicyNode node, string place, NodeReader nodes)
    {
        var at = place + ".between";
        if (node["between"] is not { } list)
            return (TimeOnly.MinValue, TimeOnly.MinValue);
        if (!nodes.IsList(list, at, 2, 2))
            return default;
        var from = Clock(list.Items[0], at + "[0]", nodes);
        var to = Clock(list.Items[1], at + "[1]", nodes);
        if (from is not null && from == to)
            nodes.Fail(list, at, "begins and ends at the same time: leave it out for whole days");
        return (from ?? default, to ?? default);
    }

    private static TimeOnly? Clock(PolicyNode node, string place, NodeReader nodes)
    {
        if (node.Kind is NodeKind.Text && TimeOnly.TryParseExact(node.Text, "HH':'mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
            return time;
        nodes.Fail(node, place, "must be a time of day in quotes, as \"09:00\"; midnight is \"00:00\"");
        return null;
    }

    private static TimeZoneInfo Zone(PolicyNode node, string place, NodeReader nodes)
    {
        if (node["zone"] is not { } given || nodes.Text(given, place + ".zone", 64) is not { } name)
            return TimeZoneInfo.Utc;
        try
        {
            return TimeZoneInfo.FindSystemTimeZoneById(name);
        }
        catch (Exception fault) when (fault is TimeZoneNotFoundException or InvalidTimeZoneException or System.Security.SecurityException or IOException)
        {
            nodes.Fail(given, place + ".zone", $"\"{name}\" is no time zone of this machine; write it as Europe/Vienna or UTC");
            return TimeZoneInfo.Utc;
        }
    }
}

/// <summary>Reads what a parameter must be.</summary>
internal static class MatcherReader
{
    /// <summary>A map of operators; a list is <c>in</c>, any other value <c>equals</c>.</summary>
    internal static Matcher Read(PolicyNode node, string place, NodeReader nodes)
    {
        if (node.Kind is NodeKind.List)
            return new Matcher { In = Values(node, place, nodes) };
        if (node.Kind is not NodeKind.Map)
            return new Matcher { In = [Value(node, place, nodes)] };
        nodes.RefuseOthers(
            node, place, "equals", "not_equals", "in", "not_in", "glob", "not_glob", "regex", "contains", "gt", "gte", "lt", "lte", "exists");
        if (node.Members.Count == 0)
            nodes.Fail(node, place, "must have at least one operator, as equals, in, glob, gt");
        var exists = node["exists"] is { } given ? nodes.Boolean(given, place + ".exists") : null;
        if (exists is false && node.Members.Count > 1)
            nodes.Fail(node, place, "asks that there be no value, and something of the value");
        return new Matcher
        {
            Exists = exists,
            In = One(node, "equals", place, nodes) ?? Many(node, "in", place, nodes),
            NotIn = One(node, "not_equals", place, nodes) ?? Many(node, "not_in", place, nodes),
            Like = nodes.Globs(node, place, "glob"),
            NotLike = nodes.Globs(node, place, "not_glob"),
            Pattern = Pattern(node, place, nodes),
            Contains = nodes.Text(node, place, "contains", 1_000),
            Range = Range(node, place, nodes),
        };
    }

    internal static NumberRange? Range(PolicyNode node, string place, NodeReader nodes)
    {
        decimal? Bound(string name) => node[name] is { } bound ? nodes.Number(bound, NodeReader.At(place, name)) : null;
        var range = new NumberRange(Bound("gt"), Bound("gte"), Bound("lt"), Bound("lte"));
        return range == new NumberRange(null, null, null, null) ? null : range;
    }

    private static Regex? Pattern(PolicyNode node, string place, NodeReader nodes)
    {
        if (nodes.Text(node, place, "regex", 1_000) is not { } text)
            return null;
        try
        {
            // Linear in the text, whatever the pattern.
            return new Regex(text, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        }
        catch (Exception fault) when (fault is ArgumentException or NotSupportedException)
        {
            nodes.Fail(node["regex"]!, place + ".regex", $"cannot be matched in linear time: {fault.Message}");
            return null;
        }
    }

    private static IReadOnlyList<Expected>? One(PolicyNode node, string name, string place, NodeReader nodes)
    {
        if (node[name] is not { } value)
            return null;
        var list = name == "equals" ? "in" : "not_in";
        if (node[list] is { } other)
            nodes.Fail(other, NodeReader.At(place, list), $"cannot be given together with {name}");
        return [Value(value, NodeReader.At(place, name), nodes)];
    }

    private static IReadOnlyList<Expected>? Many(PolicyNode node, string name, string place, NodeReader nodes) =>
        node[name] is { } list ? Values(list, NodeReader.At(place, name), nodes) : null;

    private static List<Expected> Values(PolicyNode list, string place, NodeReader nodes) =>
        nodes.IsList(list, place, 1_000, 1) ? [.. list.Items.Select((item, i) => Value(item, NodeReader.At(place, i), nodes))] : [];

    private static Expected Value(PolicyNode node, string place, NodeReader nodes)
    {
        try
        {
            return new Expected(node, CanonicalDocument.Of(node));
        }
        catch (Format.CanonicalFormatException fault)
        {
            nodes.Fail(node, place, $"cannot be kept exactly: {fault.Message}");
            return new Expected(node, Format.CanonicalJson.FromCanonicalBytes("null"u8.ToArray()));
        }
    }
}
