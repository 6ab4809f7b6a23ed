namespace RunProof.Cli;

/// <summary>What a validation saw, and what follows from it.</summary>
/// <param name="StartedAt">When it began.</param>
/// <param name="CompletedAt">When it ended.</param>
/// <param name="Chapters">What was seen, in the order of AOS's report.</param>
/// <param name="Criteria">What must hold.</param>
/// <param name="NegativeChecks">Each copy of the evidence that was changed, and what was said about it.</param>
/// <param name="Warnings">What is missing or was not done, and does not decide.</param>
internal sealed record ValidationReport(
    DateTimeOffset StartedAt,
    DateTimeOffset CompletedAt,
    IReadOnlyList<Chapter> Chapters,
    IReadOnlyList<Criterion> Criteria,
    IReadOnlyList<NegativeCheck> NegativeChecks,
    IReadOnlyList<string> Warnings)
{
    /// <summary>Whether every criterion holds; a report without criteria has shown nothing.</summary>
    internal bool Passes => Criteria.Count > 0 && Criteria.All(criterion => criterion.Holds);

    /// <summary>PASS or FAIL.</summary>
    internal string Verdict => Passes ? "PASS" : "FAIL";
}

/// <summary>Something that must hold.</summary>
/// <param name="Text">What.</param>
/// <param name="Holds">Whether it was seen to hold. What could not be looked at does not hold.</param>
/// <param name="Observed">The value that was read back, or the error that kept it from being read.</param>
internal sealed record Criterion(string Text, bool Holds, string Observed);

/// <summary>A copy of the evidence with one thing changed, and what verification said about it.</summary>
/// <param name="Change">What was changed, by the column's name: <c>steps[0].outcome_data</c>.</param>
/// <param name="Verdict">The verdict on the copy.</param>
/// <param name="Place">The place that the first finding names, or null.</param>
/// <param name="Message">What it says.</param>
/// <param name="Holds">Whether the copy failed, and at the change.</param>
internal sealed record NegativeCheck(string Change, string Verdict, string? Place, string? Message, bool Holds);

/// <summary>A chapter of the report.</summary>
/// <param name="Number">Its number in AOS's report.</param>
/// <param name="Title">Its title.</param>
internal sealed class Chapter(int Number, string Title)
{
    private readonly List<Block> _blocks = [];

    internal int Number { get; } = Number;

    internal string Title { get; } = Title;

    internal IReadOnlyList<Block> Blocks => _blocks;

    /// <summary>Says something.</summary>
    internal void Say(string text) => _blocks.Add(new Paragraph(text));

    /// <summary>Names and values, each read back.</summary>
    internal void Facts(string heading, params IEnumerable<(string Name, string? Value)> facts) =>
        Table(heading, ["what", "observed"], [.. facts.Select(fact => new[] { fact.Name, fact.Value })]);

    /// <summary>A statement and the rows it gave.</summary>
    internal void Query(string heading, string sql, Rows rows)
    {
        _blocks.Add(new Code(heading, sql));
        Table(FormattableString.Invariant($"{rows.Values.Count} row(s)"), rows.Columns, rows.Values);
    }

    /// <summary>A table.</summary>
    internal void Table(string heading, IReadOnlyList<string> columns, IReadOnlyList<string?[]> rows) => _blocks.Add(new TableBlock(heading, columns, rows));
}

/// <summary>A part of a chapter.</summary>
internal abstract record Block;

/// <summary>Text.</summary>
internal sealed record Paragraph(string Text) : Block;

/// <summary>A statement as it was sent.</summary>
internal sealed record Code(string Heading, string Text) : Block;

/// <summary>A table; null is SQL's null.</summary>
internal sealed record TableBlock(string Heading, IReadOnlyList<string> Columns, IReadOnlyList<string?[]> Rows) : Block;

/// <summary>Rows as the server wrote them.</summary>
/// <param name="Columns">The columns' names.</param>
/// <param name="Values">The server's own text of each value.</param>
internal sealed record Rows(IReadOnlyList<string> Columns, IReadOnlyList<string?[]> Values);
