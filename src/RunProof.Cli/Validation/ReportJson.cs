using System.Text.Json.Nodes;
using RunProof.Format;

namespace RunProof.Cli;

/// <summary>The report as one JSON document.</summary>
internal static class ReportJson
{
    /// <summary>Builds it.</summary>
    /// <param name="report">The report.</param>
    /// <param name="path">Where the Markdown was written, or null.</param>
    internal static JsonObject Build(ValidationReport report, string? path) => new()
    {
        ["verdict"] = report.Verdict,
        ["started_at"] = WireTime.ToText(report.StartedAt),
        ["completed_at"] = WireTime.ToText(report.CompletedAt),
        ["report"] = path,
        ["criteria"] = Array(report.Criteria, criterion => new JsonObject
        {
            ["criterion"] = criterion.Text, ["holds"] = criterion.Holds, ["observed"] = criterion.Observed,
        }),
        ["negative_checks"] = Array(report.NegativeChecks, check => new JsonObject
        {
            ["change"] = check.Change, ["verdict"] = check.Verdict, ["place"] = check.Place, ["message"] = check.Message, ["holds"] = check.Holds,
        }),
        ["warnings"] = Array(report.Warnings, warning => JsonValue.Create(warning)),
        ["chapters"] = Array(report.Chapters, chapter => new JsonObject
        {
            ["number"] = chapter.Number, ["title"] = chapter.Title, ["blocks"] = Array(chapter.Blocks, Block),
        }),
    };

    private static JsonObject Block(Block block) => block switch
    {
        Paragraph paragraph => new JsonObject { ["text"] = paragraph.Text },
        Code code => new JsonObject { ["heading"] = code.Heading, ["sql"] = code.Text },
        TableBlock table => new JsonObject
        {
            ["heading"] = table.Heading,
            ["columns"] = Array(table.Columns, column => JsonValue.Create(column)),
            ["rows"] = Array(table.Rows, row => Array(row, value => value is null ? null : JsonValue.Create(value))),
        },
        _ => throw new InvalidOperationException($"a block of kind {block.GetType().Name} has no JSON form"),
    };

    private static JsonArray Array<T>(IEnumerable<T> items, Func<T, JsonNode?> form) => [.. items.Select(form)];
}
