using System.Globalization;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Cli;

/// <summary>Chapters 5 and 6: what had to be fixed, and the five side records that AOS's report could only list as warnings.</summary>
internal static class SideRecords
{
    /// <summary>What AOS meant to write beside a trace, and what it called the warning that took the record's place.</summary>
    private static readonly (string Table, string What, string Warning)[] Records =
    [
        (SideRecordTables.Governance, "how a run ended that did not complete, or that a policy had a say in", "governance_records_transaction_failed"),
        (SideRecordTables.Incidents, "a run that failed, was blocked or aborted", "incident_creation_failed"),
        (SideRecordTables.Models, "calls of models: tokens by class, price version, exact cost", "llm_run_record_creation_failed"),
        (SideRecordTables.Integrity, "which parts of a trace were there when it was sealed", "integrity_evidence_capture_failed"),
        (SideRecordTables.Policies, "what was decided of each step before it began", "step_enforcement.prevention_engine_unavailable"),
    ];

    internal static async Task LookAsync(Scene scene, CancellationToken cancellationToken)
    {
        var fixes = scene.Begin(5, "Fixes applied");
        fixes.Say("None. This validation wrote nothing but an agent and four runs, through the API; no row, trigger, variable or setting was changed to make anything above hold.");
        fixes.Say("For comparison: AOS's seed validation replaced a trigger function of the running database by hand during the run, and passed.");
        var chapter = scene.Begin(6, "Side records and warnings");
        chapter.Say("They are written by the transactions that write what they follow from. They are not hashed: each row was worked out again from the evidence, here and by the verifier, and compared.");
        var runs = new List<RunView>();
        if (scene.Run is { } first)
            runs.Add(first);
        await StoppedAsync(scene, chapter, runs, cancellationToken);
        var hasModel = await ModelAsync(scene, chapter, runs, cancellationToken);

        var compared = new List<(RunView Run, SideRecordReport Here, EvidenceView There)>();
        await scene.MustAsync("the side records of these runs were compared with their evidence, here and by the verifier", async () =>
        {
            foreach (var run in runs)
                compared.Add((run, await HereAsync(scene, run, cancellationToken), await ThereAsync(scene, run, cancellationToken)));
            return (compared.Count > 0 && compared.TrueForAll(each => each.Here.Status != "not_compared"), string.Join("; ", compared.Select(each => $"{each.Run.RunId}: {each.Here.Status}, {each.Here.Score}")));
        });
        foreach (var (table, what, warning) in Records)
        {
            Show(chapter, table, what, compared);
            if (table == SideRecordTables.Models && !hasModel)
                scene.Warn($"{table}: not shown: this runner has no model runproof-demo ({what})");
            else
                Decide(scene, table, warning, compared);
        }

        chapter.Table("warnings; none of them decides", ["warning"], [.. scene.Warnings.Select(each => new[] { each })]);
    }

    private static Task StoppedAsync(Scene scene, Chapter chapter, List<RunView> runs, CancellationToken cancellationToken) =>
        scene.MustAsync("a run that is stopped before its second step is failed, and says why", async () =>
        {
            var run = await RealRun.StoppedAsync(scene, cancellationToken);
            RealRun.Write(chapter, "6.1 a run of two steps whose budget allows one: POST /api/v1/runs with \"budget\":{\"steps\":1}", run);
            runs.Add(run);
            return (run is { Status: "failed", Error.Code: "budget_exceeded" }, $"run {run.RunId} {run.Status}: {run.Error?.Code ?? "no error"}");
        });

    /// <summary>Whether there is such a model; what came of it is a criterion only then.</summary>
    private static async Task<bool> ModelAsync(Scene scene, Chapter chapter, List<RunView> runs, CancellationToken cancellationToken)
    {
        var isThere = true;
        RunView? run = null;
        try
        {
            run = await RealRun.ModelAsync(scene, cancellationToken);
            isThere = run.Error is not { Code: "unknown_model" };
        }
        catch (CommandException refused) when (refused.HttpStatus == 400)
        {
            isThere = false;
        }
        catch (Exception problem) when (problem is CommandException or TimeoutException)
        {
            // Told by the criterion below.
        }

        if (!isThere)
            return false;
        await scene.MustAsync("a run that calls a model succeeded", () =>
        {
            var called = NotSeenException.Need(run, "run that calls a model");
            RealRun.Write(chapter, "6.2 a run that calls the runner's own demo model, in the chat-completions protocol", called);
            runs.Add(called);
            return Task.FromResult((called.Status == "succeeded", $"run {called.RunId} {called.Status}{(called.Error is { } error ? $": {error.Code}: {error.Message}" : "")}"));
        });
        return true;
    }

    private static async Task<SideRecordReport> HereAsync(Scene scene, RunView run, CancellationToken cancellationToken) =>
        await scene.Database.CompareSideRecordsAsync(NotSeenException.Need(scene.Tenant, "tenant"), RunId.Parse(run.RunId), cancellationToken);

    private static async Task<EvidenceView> ThereAsync(Scene scene, RunView run, CancellationToken cancellationToken)
    {
        var document = await scene.Verifier.GetAsync(RunCommands.PathOf(run.RunId) + "/evidence", cancellationToken);
        return scene.Verifier.View(document, WireContext.Default.EvidenceView);
    }

    private static void Show(Chapter chapter, string table, string what, List<(RunView Run, SideRecordReport Here, EvidenceView There)> compared)
    {
        var rows = compared.SelectMany(each => Of(each.Here, table).Rows).ToArray();
        var columns = rows.Length == 0 ? [] : rows[0].Columns.Select(column => column.Key).ToArray();
        chapter.Table($"{table} ({what}), read from this very database", columns, [.. rows.Select(row => columns.Select(column => Text(row.Columns[column])).ToArray())]);
    }

    private static void Decide(Scene scene, string table, string warning, List<(RunView Run, SideRecordReport Here, EvidenceView There)> compared)
    {
        var here = compared.Select(each => Of(each.Here, table)).ToArray();
        var there = compared.SelectMany(each => each.There.Tables.Where(other => other.Table == table)).Select(each => each.Records).ToArray();
        var findings = compared.SelectMany(each => each.Here.Findings).Where(finding => finding.Place.StartsWith(table, StringComparison.Ordinal)).Select(finding => finding.Message).ToArray();
        var (expected, equal, told) = (here.Sum(each => each.Expected), here.Sum(each => each.Equal), there.Sum(each => each.Equal));
        scene.Must(
            $"{table}: each row that the evidence calls for is there and says what the evidence says (AOS: {warning})",
            expected > 0 && equal == expected && told == equal && findings.Length == 0,
            string.Create(CultureInfo.InvariantCulture, $"{equal} of {expected} (verifier: {told}){(findings.Length == 0 ? "" : "; " + string.Join("; ", findings.Take(3)))}"));
    }

    private static TableReport Of(SideRecordReport report, string table) => report.Tables.Single(each => each.Table == table);

    private static string? Text(JsonNode? value) => value is null ? null : value is JsonValue scalar && scalar.TryGetValue(out string? text) ? text : value.ToJsonString();
}
