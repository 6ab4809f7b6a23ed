using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RunProof.Cli;

/// <summary><c>run evidence</c>: what follows from a run's evidence and is kept beside it, as the verifier compared it.</summary>
internal static class RunEvidenceCommand
{
    private static readonly Argument<string> Id = new("RUN") { Description = "The run's id." };

    /// <summary>The columns that a person wants to see first; with --json there are all.</summary>
    private static readonly Dictionary<string, string[]> Shown = new(StringComparer.Ordinal)
    {
        ["governance_records"] = ["trace_id", "outcome", "termination_reason", "stopped_at_step", "policy_id", "rule_id"],
        ["incidents"] = ["id", "severity", "category", "title"],
        ["integrity_evidence"] = ["trace_id", "integrity_status", "integrity_score"],
        ["llm_run_records"] = ["step_index", "provider", "model", "input_tokens", "output_tokens", "cost_cents", "price_version"],
        ["policy_evaluations"] = ["step_index", "decision", "policy_id", "policy_version", "rule_id", "decisions"],
    };

    internal static Command Create(World world) =>
        new Command("evidence", "Show a run's side records, compared with its evidence: governance, incidents, integrity, models, policies. Exit code 0 complete, 10 one is missing or differs or the evidence is FAILED, 5 not compared or the evidence is UNSUPPORTED.") { Id }
            .Does(world, RunAsync);

    private static async Task<Answer> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var verifier = Services.Verifier(invocation);
        var id = invocation.Get(Id);
        var document = await invocation.World.Terminal.WhileAsync("comparing", () => verifier.GetAsync(RunCommands.PathOf(id) + "/evidence", cancellationToken));
        var evidence = verifier.View(document, WireContext.Default.EvidenceView);
        if (evidence.RunId != id)
            throw verifier.NotOurs($"it was asked for run {id} and answers with run {evidence.RunId}");
        return new Answer(JsonNode.Parse(document.GetRawText())!, page => Write(page, evidence), ExitCodeOf(verifier, evidence));
    }

    // A word is no better than the counts around it.
    private static int ExitCodeOf(ApiClient verifier, EvidenceView evidence) => evidence.SideRecords.Status switch
    {
        "complete" when evidence.SideRecords.Findings.Count > 0 || evidence.Tables.Count() != 5 || evidence.Tables.Any(each => each.Records.Equal != each.Records.Expected) =>
            throw verifier.NotOurs("it says that the side records are complete, and its own counts do not"),
        // Complete is no more than what it was compared with.
        "complete" => evidence.VerificationStatus switch { "VERIFIED" => ExitCode.Ok, "FAILED" => ExitCode.Failed, _ => ExitCode.Unsupported },
        "missing" or "differs" => ExitCode.Failed,
        "not_compared" => ExitCode.Unsupported,
        var other => throw verifier.NotOurs($"it says that the side records are {other}, which this version does not know"),
    };

    private static void Write(Page page, EvidenceView evidence)
    {
        var side = evidence.SideRecords;
        var tone = (side.Status, evidence.VerificationStatus) switch
        {
            ("complete", "VERIFIED") => Tone.Good,
            (not "complete" and not "not_compared", _) or (_, "FAILED") => Tone.Bad,
            _ => Tone.Open,
        };
        page.Line(tone, $"{side.Status}, {side.Score}  run {evidence.RunId}");
        page.Line($"compared with evidence that is {evidence.VerificationStatus}");
        page.Line();
        page.Table(
            ["SIDE RECORD", "CALLED FOR", "THERE", "AS THE EVIDENCE SAYS"],
            [.. evidence.Tables.Select(each => new Cell[]
            {
                each.Table, Number(each.Records.Expected), Number(each.Records.Observed),
                new(Number(each.Records.Equal), each.Records.Equal == each.Records.Expected ? Tone.Good : Tone.Bad),
            })],
            "none");
        foreach (var (table, records) in evidence.Tables.Where(each => each.Records.Rows is { Count: > 0 }))
        {
            var columns = Shown[table];
            page.Line();
            page.Line(table);
            page.Table([.. columns.Select(column => column.ToUpperInvariant())], [.. records.Rows!.Select(row => columns.Select(column => new Cell(Text(row, column))).ToArray())], "");
        }

        if (side.Findings.Count == 0)
            return;
        page.Line();
        page.Table(["FINDING", "PLACE", "MESSAGE"], [.. side.Findings.Select(finding => new Cell[] { finding.Code, finding.Place, finding.Message })], "");
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string? Text(JsonElement row, string column) => !row.TryGetProperty(column, out var value) || value.ValueKind is JsonValueKind.Null ? null
        : value.ValueKind is JsonValueKind.String ? value.GetString() : value.GetRawText();
}
