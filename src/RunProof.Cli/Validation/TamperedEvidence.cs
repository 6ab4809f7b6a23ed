using System.Globalization;
using RunProof.Format;

namespace RunProof.Cli;

/// <summary>Chapter 4.3 and 4.4: a verification that is always content, and a database that lets evidence be changed, must both be found out.</summary>
internal static class TamperedEvidence
{
    /// <summary>Statements that no role may carry out on evidence. Each is tried and rolled back.</summary>
    private static readonly (string What, string Sql)[] Forbidden =
    [
        ("a sealed trace set back to running", "UPDATE aos_traces SET status = 'running' WHERE trace_id = $1"),
        ("a trace's goal rewritten", "UPDATE aos_traces SET goal = '\"another\"' WHERE trace_id = $1"),
        ("a step's outcome rewritten", "UPDATE aos_trace_steps SET outcome_data = '{}' WHERE trace_id = $1"),
        ("a step's commitment rewritten", "UPDATE aos_trace_steps SET output_hash = input_hash WHERE trace_id = $1"),
        ("the steps deleted", "DELETE FROM aos_trace_steps WHERE trace_id = $1"),
        ("the trace deleted", "DELETE FROM aos_traces WHERE trace_id = $1"),
        (
            "a step added after the seal",
            "INSERT INTO aos_trace_steps SELECT (jsonb_populate_record(s, jsonb_build_object('step_index', s.step_index + 1))).* FROM aos_trace_steps s "
            + "WHERE s.trace_id = $1 ORDER BY s.step_index DESC LIMIT 1"
        ),
    ];

    internal static async Task LookAsync(Scene scene, CancellationToken cancellationToken)
    {
        await CopiesAsync(scene, scene.Run, "the run", cancellationToken);
        await CopiesAsync(scene, scene.LongRun, "the run of three steps", cancellationToken);
        await DatabaseAsync(scene, cancellationToken);
    }

    private static async Task CopiesAsync(Scene scene, RunView? created, string name, CancellationToken cancellationToken)
    {
        IReadOnlyList<NegativeCheck> checks = [];
        await scene.MustAsync($"the evidence of {name}, verified here from the database, is VERIFIED", async () =>
        {
            var run = NotSeenException.Need(created, "run");
            var (tenant, id) = (NotSeenException.Need(scene.Tenant, "tenant"), RunId.Parse(run.RunId));
            var evidence = await RecordedEvidence.OneAsync(scene, run, cancellationToken);
            var judgement = scene.Judge.Judge(tenant, id, evidence.Trace, evidence.Steps);
            // A copy of evidence that does not hold would fail whatever is changed in it: nothing would be shown.
            if (judgement.Verdict == "VERIFIED")
                checks = NegativeChecks.Make(scene.Judge, tenant, id, evidence);
            return (judgement.Verdict == "VERIFIED", judgement.Findings is [var (place, message), ..] ? $"{judgement.Verdict}: {place}: {message}" : judgement.Verdict);
        });
        scene.Add(checks);
        scene.Continue(4).Table(
            $"4.3 negative checks on {name}: copies of its evidence in memory, each with one thing changed, must be FAILED at the change",
            ["changed", "verdict", "found at", "message", "as it must be"],
            [.. checks.Select(check => new[] { check.Change, check.Verdict, check.Place, check.Message, check.Holds ? "yes" : "NO" })]);
        var missed = checks.Where(check => !check.Holds).Select(check => $"{check.Change}: {check.Verdict} at {check.Place ?? "no place"}").ToArray();
        scene.Must(
            $"each changed copy of the evidence of {name} is FAILED, at the change",
            checks.Count > 0 && missed.Length == 0,
            string.Create(CultureInfo.InvariantCulture, $"{checks.Count - missed.Length} of {checks.Count}{(missed.Length == 0 ? "" : "; not: " + string.Join("; ", missed.Take(5)))}"));
    }

    private static Task DatabaseAsync(Scene scene, CancellationToken cancellationToken) => scene.MustAsync("the database refuses to change, delete or extend sealed evidence", async () =>
    {
        var evidence = NotSeenException.Need(scene.Evidence, "evidence");
        var attempts = new List<(string What, string Sql, Attempt Attempt)>();
        foreach (var (what, sql) in Forbidden)
            attempts.Add((what, sql, await scene.Database.AttemptAsync(NotSeenException.Need(scene.Tenant, "tenant"), sql, evidence.Trace.TraceId, cancellationToken)));
        scene.Continue(4).Table(
            "4.4 statements tried on the run's evidence as the connected role, each in a transaction that was rolled back",
            ["attempt", "statement", "SQLSTATE", "answer", "refused"],
            [.. attempts.Select(tried => new[] { tried.What, tried.Sql, tried.Attempt.SqlState, tried.Attempt.Message, tried.Attempt.IsRefused ? "yes" : "NO" })]);
        var done = attempts.Where(tried => !tried.Attempt.IsRefused).Select(tried => tried.What).ToArray();
        return (done.Length == 0, string.Create(CultureInfo.InvariantCulture, $"{attempts.Count - done.Length} of {attempts.Count} refused{(done.Length == 0 ? "" : "; not: " + string.Join("; ", done))}"));
    });
}
