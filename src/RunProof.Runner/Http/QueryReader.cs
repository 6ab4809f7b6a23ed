using System.Globalization;
using RunProof.Execution;
using RunProof.Format;

namespace RunProof.Runner;

/// <summary>Reads query parameters, and collects all that is wrong. A parameter that is not known is refused: a filter that is misspelt filters nothing.</summary>
internal sealed class QueryReader(IQueryCollection query, params string[] known)
{
    private readonly List<PlanError> _errors = [.. query.Keys.Where(name => !known.Contains(name, StringComparer.Ordinal))
        .Select(name => new PlanError(name, $"is not a parameter here; there are: {string.Join(", ", known)}"))];

    public IReadOnlyList<PlanError> Errors => _errors;

    public void Fail(string name, string message) => _errors.Add(new PlanError(name, message));

    public string? Text(string name)
    {
        var values = query[name];
        if (values.Count > 1)
            Fail(name, "must be given once");
        return values.Count == 0 ? null : values[0];
    }

    public int Integer(string name, int least, int most, int usual)
    {
        if (Text(name) is not { } text)
            return usual;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            return number;
        Fail(name, string.Create(CultureInfo.InvariantCulture, $"must be an integer from {least} to {most}"));
        return usual;
    }

    public T? Identity<T>(string name)
        where T : struct, IWireText<T>
    {
        if (Text(name) is not { } text)
            return null;
        if (T.TryParse(text, out var value))
            return value;
        Fail(name, "must be 1 to 128 printable ASCII characters without space");
        return null;
    }

    /// <summary>One of some words.</summary>
    public T? Word<T>(string name, WordParser<T> parse, IEnumerable<string> all)
        where T : struct
    {
        if (Text(name) is not { } text)
            return null;
        if (parse(text, out var value))
            return value;
        Fail(name, $"must be one of {string.Join(", ", all)}");
        return null;
    }

    /// <summary>Where a page begins: after the one that ended here.</summary>
    public (DateTimeOffset Time, string Id)? Cursor(string name)
    {
        if (Text(name) is not { } text)
            return null;
        if (PageCursor.TryParse(text, out var place))
            return place;
        Fail(name, "is not a cursor that this service gave");
        return null;
    }

    public DateTimeOffset? Time(string name)
    {
        if (Text(name) is not { } text)
            return null;
        if (Times.TryParse(text, out var value))
            return value;
        Fail(name, Times.Expected);
        return null;
    }
}

/// <summary>Reads a word.</summary>
internal delegate bool WordParser<T>(string text, out T value);

/// <summary>Times as callers write them.</summary>
internal static class Times
{
    public const string Expected = "must be a time with its offset, as 2026-02-10T12:43:41.549430Z";

    private static readonly string[] Layouts = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    /// <summary>Reads an RFC 3339 time. One without an offset is no time.</summary>
    public static bool TryParse(string text, out DateTimeOffset value)
    {
        value = default;
        return text.Length > 19 && (text[^1] is 'Z' || text[^6] is '+' or '-')
            && DateTimeOffset.TryParseExact(text, Layouts, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out value);
    }
}
