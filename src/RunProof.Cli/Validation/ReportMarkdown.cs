using System.Globalization;
using System.Text;
using RunProof.Format;

namespace RunProof.Cli;

/// <summary>The report as Markdown.</summary>
internal static class ReportMarkdown
{
    /// <summary>Writes the whole report; lines end with "\n" everywhere.</summary>
    /// <param name="report">The report.</param>
    internal static string Write(ValidationReport report)
    {
        var text = new StringBuilder();
        Line(text, "# RunProof validation");
        Line(text, string.Create(CultureInfo.InvariantCulture, $"**Verdict: {report.Verdict}** ({report.Criteria.Count(c => c.Holds)} of {report.Criteria.Count} criteria hold)"));
        Line(text, $"Begun {WireTime.ToText(report.StartedAt)}, ended {WireTime.ToText(report.CompletedAt)}. Every value below was read back from the service, the database or the evidence during this validation; none is assumed.");
        foreach (var chapter in report.Chapters)
            Write(text, chapter);
        Write(text, report.Criteria);
        Line(text, $"## Verdict\n\n**{report.Verdict}**");
        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static void Write(StringBuilder text, Chapter chapter)
    {
        Line(text, string.Create(CultureInfo.InvariantCulture, $"## {chapter.Number}. {chapter.Title}"));
        foreach (var block in chapter.Blocks)
        {
            switch (block)
            {
                case Paragraph paragraph: Line(text, Escape(paragraph.Text)); break;
                case Code code: Line(text, $"{Escape(code.Heading)}\n\n```sql\n{code.Text}\n```"); break;
                case TableBlock table: Write(text, table); break;
            }
        }
    }

    private static void Write(StringBuilder text, TableBlock table)
    {
        Line(text, Escape(table.Heading) + ":");
        if (table.Rows.Count == 0)
        {
            Line(text, "(none)");
            return;
        }

        text.Append("| ").AppendJoin(" | ", table.Columns.Select(Escape)).Append(" |\n");
        text.Append("| ").AppendJoin(" | ", table.Columns.Select(_ => "---")).Append(" |\n");
        foreach (var row in table.Rows)
            text.Append("| ").AppendJoin(" | ", row.Select(value => value is null ? "*null*" : Escape(value))).Append(" |\n");
        text.Append('\n');
    }

    private static void Write(StringBuilder text, IReadOnlyList<Criterion> criteria)
    {
        Line(text, "## 7. Acceptance criteria");
        text.Append("| # | criterion | observed | holds |\n| --- | --- | --- | --- |\n");
        foreach (var (number, criterion) in criteria.Index())
            text.Append(CultureInfo.InvariantCulture, $"| {number + 1} | {Escape(criterion.Text)} | {Escape(criterion.Observed)} | {(criterion.Holds ? "yes" : "**NO**")} |\n");
        text.Append('\n');
    }

    private static void Line(StringBuilder text, string line) => text.Append(line).Append("\n\n");

    /// <summary>What others wrote must not become markup: a goal could otherwise draw a verdict of its own.</summary>
    private static string Escape(string value)
    {
        var text = Printable.Of(value);
        var safe = new StringBuilder(text.Length + 8);
        foreach (var (at, c) in text.Index())
            _ = IsWithinWord(text, at) ? safe.Append(c) : c is '\\' or '`' or '*' or '_' or '[' or ']' or '<' or '>' or '|' or '#' or '&' or '~' ? safe.Append('\\').Append(c) : safe.Append(c);
        return safe.ToString();
    }

    // An underscore between letters marks nothing, and column names are easier to read without backslashes.
    private static bool IsWithinWord(string text, int at) =>
        text[at] == '_' && at > 0 && at + 1 < text.Length && char.IsAsciiLetterOrDigit(text[at - 1]) && char.IsAsciiLetterOrDigit(text[at + 1]);
}
