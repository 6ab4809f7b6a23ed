using System.Text.Json.Nodes;

namespace RunProof.Format;

/// <summary>An approval as a store gave it back, with what people decided of it: every column as it is, judged by no one yet.</summary>
/// <param name="Columns">
/// By name: digests in hex, times as evidence spells them; <c>decisions</c>, an array of such objects in the order of their numbers; and <c>action_salt</c>, which no verifier
/// may read, as the word <c>holds</c> (with what was shown it gives the action's digest), <c>differs</c> or <c>erased</c>.
/// </param>
public sealed record RecordedApproval(JsonObject Columns)
{
    /// <summary>The approval's id; null where the column has none.</summary>
    public string? Id => Text("approval_id");

    /// <summary>The trace that it says it is of; null where the column has none.</summary>
    public string? TraceId => Text("trace_id");

    /// <summary>A column that is a text; null where it is none.</summary>
    /// <param name="column">Its name.</param>
    /// <returns>The text.</returns>
    public string? Text(string column) => Columns[column] is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    /// <summary>A column that is a number; null where it is none.</summary>
    /// <param name="column">Its name.</param>
    /// <returns>The number.</returns>
    public int? Number(string column) => Columns[column] is JsonValue value && value.TryGetValue(out int number) ? number : null;
}
