using System.Buffers;

namespace RunProof.Ledger;

/// <summary>A stretch of text that a rule removes.</summary>
/// <param name="Start">Its first character.</param>
/// <param name="End">Behind its last.</param>
/// <param name="Rule">The rule.</param>
/// <param name="InUrl">Whether it stands in a URL, where <c>&lt;</c> and <c>&gt;</c> would make it ill-formed.</param>
internal readonly record struct Match(int Start, int End, string Rule, bool InUrl = false)
{
    /// <summary>How a mark within a URL begins.</summary>
    internal const string UrlMark = "REDACTED:";

    /// <summary>What stands there instead.</summary>
    internal string Mark => InUrl ? UrlMark + Rule : MarkOf(Rule);

    internal static string MarkOf(string rule) => "<" + UrlMark + rule + ">";

    /// <summary>
    /// Sorts matches and makes them disjoint. Where two overlap the first grows over both: nothing that any rule found may stay.
    /// </summary>
    internal static void Merge(List<Match> matches)
    {
        // List.Sort is not stable: the order of the finders decides between equals, so that results are the same every time.
        var ordered = matches.Select((match, order) => (match, order)).OrderBy(m => m.match.Start).ThenByDescending(m => m.match.End).ThenBy(m => !m.match.Rule.StartsWith("query:", StringComparison.Ordinal)).ThenBy(m => m.order).ToList();
        matches.Clear();
        foreach (var (match, _) in ordered)
        {
            if (matches.Count > 0 && match.Start < matches[^1].End)
                matches[^1] = matches[^1] with { End = Math.Max(matches[^1].End, match.End) };
            else
                matches.Add(match);
        }
    }

    /// <summary>Finds out which of the matches stand in URLs.</summary>
    /// <param name="matches">Disjoint, in order.</param>
    /// <param name="text">The text they were found in.</param>
    internal static void FindUrls(List<Match> matches, ReadOnlySpan<char> text)
    {
        var (from, end) = (0, 0);
        for (var i = 0; i < matches.Count; i++)
        {
            var start = matches[i].Start;
            while (from < start && text[from..start].IndexOf("://", StringComparison.Ordinal) is var next and >= 0)
            {
                var url = from + next;
                var length = text[url..].IndexOfAny(UrlEnd);
                from = end = length < 0 ? text.Length : url + length;
            }

            from = Math.Max(from, start);
            matches[i] = matches[i] with { InUrl = start < end };
        }
    }

    private static readonly SearchValues<char> UrlEnd = SearchValues.Create(" \t\r\n\"'<>`\\");
}
