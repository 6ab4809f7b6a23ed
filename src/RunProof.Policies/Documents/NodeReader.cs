using System.Globalization;

namespace RunProof.Policies;

/// <summary>Reads members of a document's maps, and collects everything that is wrong.</summary>
internal sealed class NodeReader
{
    private const int MostErrors = 100;

    internal List<PolicyError> Errors { get; } = [];

    internal static string At(string place, string name) => place.Length == 0 ? name : $"{place}.{name}";

    internal static string At(string place, int index) => string.Create(CultureInfo.InvariantCulture, $"{place}[{index}]");

    internal IReadOnlyList<PolicyError> InOrder() => [.. Errors.OrderBy(error => error.Line).ThenBy(error => error.Column)];

    internal void Fail(PolicyNode node, string place, string message) => Fail(node.Line, node.Column, place, message);

    private void Fail(int line, int column, string place, string message)
    {
        if (Errors.Count < MostErrors)
            Errors.Add(new PolicyError(line, column, place, message));
    }

    internal bool IsMap(PolicyNode node, string place)
    {
        if (node.Kind is NodeKind.Map)
            return true;
        Fail(node, place, $"must be a map, not {node.Describe()}");
        return false;
    }

    internal bool IsList(PolicyNode node, string place, int most, int least = 0)
    {
        if (node.Kind is not NodeKind.List)
            Fail(node, place, $"must be a list, not {node.Describe()}");
        else if (node.Items.Count < least || node.Items.Count > most)
            Fail(node, place, string.Create(CultureInfo.InvariantCulture, $"must have {least} to {most} items, not {node.Items.Count}"));
        else
            return true;
        return false;
    }

    internal void RefuseOthers(PolicyNode map, string place, params ReadOnlySpan<string> known)
    {
        foreach (var member in map.Members)
        {
            if (!known.Contains(member.Name))
                Fail(member.Line, member.Column, At(place, member.Name), $"is not a member here; there are: {string.Join(", ", known!)}");
        }
    }

    internal string? RequiredText(PolicyNode map, string place, string name, int most)
    {
        if (map[name] is not null)
            return Text(map, place, name, most);
        Fail(map, At(place, name), "is missing");
        return null;
    }

    internal string? Text(PolicyNode map, string place, string name, int most) => map[name] is { } node ? Text(node, At(place, name), most) : null;

    internal string? Text(PolicyNode node, string place, int most)
    {
        if (node.Kind is not NodeKind.Text)
            Fail(node, place, node.Kind is NodeKind.Number or NodeKind.Boolean ? $"must be a text: write it in quotes, \"{node.Text}\"" : $"must be a text, not {node.Describe()}");
        else if (node.Text.Length == 0 || node.Text.Length > most)
            Fail(node, place, string.Create(CultureInfo.InvariantCulture, $"must have 1 to {most} characters, not {node.Text.Length}"));
        else if (node.Text.AsSpan().IndexOfAnyInRange('\0', '\b') >= 0)
            Fail(node, place, "must not hold control characters");
        else
            return node.Text;
        return null;
    }

    /// <summary>The index of the word; -1 where it is none.</summary>
    internal int RequiredWord(PolicyNode map, string place, string name, params ReadOnlySpan<string> words)
    {
        if (map[name] is null)
        {
            Fail(map, At(place, name), $"is missing: one of {string.Join(", ", words!)}");
            return -1;
        }

        return Word(map[name]!, At(place, name), words);
    }

    internal int Word(PolicyNode node, string place, params ReadOnlySpan<string> words)
    {
        var index = node.Kind is NodeKind.Text ? words.IndexOf(node.Text) : -1;
        if (index < 0)
            Fail(node, place, $"must be one of {string.Join(", ", words!)}");
        return index;
    }

    internal bool? Boolean(PolicyNode node, string place)
    {
        if (node.Kind is NodeKind.Boolean)
            return node.Text == "true";
        Fail(node, place, $"must be true or false, not {node.Describe()}");
        return null;
    }

    internal decimal? Number(PolicyNode node, string place)
    {
        const NumberStyles Styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

        // A text too: amounts with more digits than a double keeps.
        if (node.Kind is NodeKind.Number or NodeKind.Text && decimal.TryParse(node.Text, Styles, CultureInfo.InvariantCulture, out var number))
            return number;
        Fail(node, place, "must be a number");
        return null;
    }

    internal long? Integer(PolicyNode map, string place, string name, long least, long most)
    {
        if (map[name] is not { } node)
            return null;
        if (node.Kind is NodeKind.Number && long.TryParse(node.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            return number;
        Fail(node, At(place, name), string.Create(CultureInfo.InvariantCulture, $"must be an integer from {least} to {most}"));
        return null;
    }

    /// <summary>One text or a list of them, as patterns.</summary>
    internal Globs? Globs(PolicyNode map, string place, string name, bool lowerCase = false) =>
        map[name] is { } node ? Globs(node, At(place, name), lowerCase) : null;

    internal Globs? Globs(PolicyNode node, string place, bool lowerCase = false)
    {
        var items = node.Kind is NodeKind.List ? node.Items : [node];
        if (node.Kind is NodeKind.List && !IsList(node, place, 100, 1))
            return null;
        var patterns = new List<Glob>();
        for (var i = 0; i < items.Count; i++)
        {
            if (Text(items[i], node.Kind is NodeKind.List ? At(place, i) : place, 1_000) is { } text)
                patterns.Add(new Glob(lowerCase ? text.ToLowerInvariant() : text));
        }

        return new Globs(patterns);
    }
}
