namespace RunProof.Cli;

/// <summary>Chapters 5 and 6: what had to be fixed, and what is not there.</summary>
internal static class SideRecords
{
    /// <summary>What AOS wrote beside a trace, or meant to.</summary>
    private static readonly (string Table, string What)[] Records =
    [
        ("governance_records", "governance decisions about the run"),
        ("incidents", "an incident for a run that failed"),
        ("llm_run_records", "use of language models"),
        ("integrity_evidence", "AOS's count of artifacts; RunProof's checks above recompute instead of counting"),
        ("policy_evaluations", "evaluations of policies before and after each step"),
    ];

    internal static async Task LookAsync(Scene scene, CancellationToken cancellationToken)
    {
        var fixes = scene.Begin(5, "Fixes applied");
        fixes.Say("None. This validation wrote nothing but an agent and two runs, through the API; no row, trigger, variable or setting was changed to make anything above hold.");
        fixes.Say("For comparison: AOS's seed validation replaced a trigger function of the running database by hand during the run, and passed.");
        var chapter = scene.Begin(6, "Side records and warnings");
        await scene.MustAsync("which side records exist was looked up", async () =>
        {
            var found = await scene.Database.FindTablesAsync([.. Records.Select(record => record.Table)], cancellationToken);
            chapter.Table(
                "side records of AOS", ["table", "what for", "observed"],
                [.. Records.Select(record => new[] { record.Table, record.What, found.Contains(record.Table) ? "there" : "no such table in this version" })]);
            var missing = Records.Where(record => !found.Contains(record.Table)).ToArray();
            foreach (var (table, what) in missing)
                scene.Warn($"{table}: not in this version ({what})");
            return (true, missing.Length == 0 ? "all are there" : $"missing, and said so: {string.Join(", ", missing.Select(record => record.Table))}");
        });
        chapter.Table("warnings; none of them decides", ["warning"], [.. scene.Warnings.Select(warning => new[] { warning })]);
    }
}
