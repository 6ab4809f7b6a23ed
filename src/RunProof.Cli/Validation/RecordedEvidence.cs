using System.Globalization;
using System.Text;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Cli;

/// <summary>Chapters 2.2, 3.2 and 4.2: what this very database holds of the run, held against what the services said.</summary>
internal static class RecordedEvidence
{
    private const string RunSql = "SELECT id, tenant_id, status, planner, origin_system_id, created_at FROM runs WHERE id = $1";

    // The two queries of AOS's report, to the letter.
    private const string TraceSql = "SELECT trace_id, run_id, status, started_at, completed_at FROM aos_traces WHERE run_id = $1";
    private const string StepSql = "SELECT step_index, skill_name, status, duration_ms, cost_cents, source, level FROM aos_trace_steps WHERE trace_id = $1";

    internal static async Task LookAsync(Scene scene, CancellationToken cancellationToken)
    {
        await StoreAsync(scene, cancellationToken);
        await RowsAsync(scene, cancellationToken);
        await ReadAsync(scene, cancellationToken);
        await RecomputeAsync(scene, cancellationToken);
        scene.Continue(4).Say(
            "The AOS fingerprint is shown for comparison only: it covers neither parameters, outcomes nor time, and no verdict here rests on it.");
        await CompareAosAsync(scene);
    }

    /// <summary>Which store the runner uses is not asked of a variable, as AOS did: its run is looked for in this database.</summary>
    private static Task StoreAsync(Scene scene, CancellationToken cancellationToken) => scene.MustAsync("the run that the runner made is in this very database", async () =>
    {
        var run = NotSeenException.Need(scene.Run, "run");
        var rows = await scene.Database.QueryAsync(NotSeenException.Need(scene.Tenant, "tenant"), RunSql, run.RunId, cancellationToken);
        scene.Continue(2).Query("2.2 the store that the runner uses, seen by the row that it wrote", Literal(RunSql, run.RunId), rows);
        return (rows.Values is [[_, _, "succeeded", ..]], string.Create(CultureInfo.InvariantCulture, $"{rows.Values.Count} row(s) in runs, status {rows.Values.FirstOrDefault()?[2] ?? "none"}"));
    });

    private static async Task RowsAsync(Scene scene, CancellationToken cancellationToken)
    {
        Rows? traces = null;
        await scene.MustAsync("aos_traces has exactly one row of the run, and it is completed", async () =>
        {
            var run = NotSeenException.Need(scene.Run, "run");
            traces = await scene.Database.QueryAsync(NotSeenException.Need(scene.Tenant, "tenant"), TraceSql, run.RunId, cancellationToken);
            scene.Continue(3).Query("3.2 the trace, by AOS's query", Literal(TraceSql, run.RunId), traces);
            return (traces.Values is [[_, _, "completed", not null, not null]], string.Create(CultureInfo.InvariantCulture, $"{traces.Values.Count} row(s), status {traces.Values.FirstOrDefault()?[2] ?? "none"}"));
        });
        await scene.MustAsync("aos_trace_steps has at least one row of it, as many as the proof counts", async () =>
        {
            var trace = NotSeenException.Need(traces?.Values.FirstOrDefault()?[0], "trace");
            var steps = await scene.Database.QueryAsync(NotSeenException.Need(scene.Tenant, "tenant"), StepSql, trace, cancellationToken);
            scene.Continue(3).Query("3.2 its steps, by AOS's query", Literal(StepSql, trace), steps);
            var counted = scene.Proof?.StepCount;
            return (steps.Values.Count > 0 && steps.Values.Count == counted, string.Create(CultureInfo.InvariantCulture, $"{steps.Values.Count} row(s); the proof counts {counted}"));
        });
    }

    private static async Task ReadAsync(Scene scene, CancellationToken cancellationToken)
    {
        await scene.MustAsync("the step is a real http_call that was answered 200", async () =>
        {
            scene.Evidence = await OneAsync(scene, NotSeenException.Need(scene.Run, "run"), cancellationToken);
            var step = scene.Evidence.Steps.Single(step => step.SkillName == "http_call");
            using var outcome = JsonDocument.Parse(NotSeenException.Need(step.Output.Text, "outcome of the step"));
            var (status, body) = (outcome.RootElement.GetProperty("status_code").GetInt32(), Body(outcome.RootElement));
            scene.Continue(3).Facts(
                "3.2 what the step recorded", ("params", step.Input.Text), ("status_code", Listing.Text(status)), ("body", body), ("context", step.Context.Text));
            return (step.Status == "succeeded" && status == 200, string.Create(CultureInfo.InvariantCulture, $"{step.Status}, HTTP {status}: {body}"));
        });
        await scene.MustAsync("what the proof says is what the database says", () =>
        {
            var (proof, trace) = (NotSeenException.Need(scene.Proof, "proof"), NotSeenException.Need(scene.Evidence, "evidence").Trace);
            var root = trace.RootHash is null ? null : Convert.ToHexStringLower(trace.RootHash);
            var holds = proof.RunId == trace.RunId && proof.TenantId == trace.TenantId && proof.RootHash == root && proof.ChainLength == trace.ChainLength
                && proof.TraceCount == 1 && proof.StepCount == scene.Evidence!.Steps.Count;
            return Task.FromResult((holds, string.Create(CultureInfo.InvariantCulture, $"root_hash {root ?? "none"} (proof: {proof.RootHash}), chain_length {trace.ChainLength} (proof: {proof.ChainLength}), {scene.Evidence!.Steps.Count} step(s) (proof: {proof.StepCount})")));
        });
    }

    private static Task RecomputeAsync(Scene scene, CancellationToken cancellationToken) =>
        scene.MustAsync("root_hash and every link and commitment, recomputed a second way from the exported columns, are the recorded ones", async () =>
        {
            var run = RunId.Parse(NotSeenException.Need(scene.Run, "run").RunId);
            var exported = await scene.Database.ExportAsync(NotSeenException.Need(scene.Tenant, "tenant"), run, cancellationToken);
            var (trace, steps) = exported is [var only] ? only : throw new NotSeenException(string.Create(CultureInfo.InvariantCulture, $"the run has {exported.Count} traces"));
            var recomputed = Recomputation.Of(trace, steps);
            scene.Continue(4).Facts(
                "4.2 independent recomputation, by code that shares nothing with recorder and verifier, from to_jsonb of the rows",
                ("root_hash recomputed", recomputed.RootHash),
                ("root_hash recorded", trace.GetProperty("root_hash").GetString()?[2..]),
                ("differences", recomputed.Differences.Count == 0 ? "none" : string.Join("; ", recomputed.Differences)));
            var holds = recomputed.Differences.Count == 0 && recomputed.RootHash == scene.Proof?.RootHash;
            return (holds, recomputed.Differences.Count == 0 ? $"{recomputed.RootHash} (proof: {scene.Proof?.RootHash})" : string.Join("; ", recomputed.Differences));
        });

    private static Task CompareAosAsync(Scene scene) => scene.MustAsync("the AOS fingerprint that the verifier shows is the one of these steps (comparison only)", () =>
    {
        var (trace, steps) = NotSeenException.Need(scene.Evidence, "evidence");
        var fingerprint = AosFingerprint.Of(trace.RunId, steps.Select(step => (step.StepIndex, step.SkillName, StatusOf(step)))).ToString();
        scene.Continue(4).Facts("AOS fingerprint", ("computed here", fingerprint), ("the verifier's", scene.Proof?.AosFingerprint));
        return Task.FromResult((fingerprint == scene.Proof?.AosFingerprint, $"{fingerprint} (verifier: {scene.Proof?.AosFingerprint})"));
    });

    /// <summary>The one trace of a run, as the verifier service would read it.</summary>
    internal static async Task<Evidence> OneAsync(Scene scene, RunView run, CancellationToken cancellationToken)
    {
        var read = await scene.Database.ReadAsync(NotSeenException.Need(scene.Tenant, "tenant"), RunId.Parse(run.RunId), cancellationToken);
        return read is [var only] ? only : throw new NotSeenException(string.Create(CultureInfo.InvariantCulture, $"run {run.RunId} has {read.Count} traces"));
    }

    private static StepStatus StatusOf(RecordedStep step) => Wire.TryParse(step.Status, out StepStatus status) ? status : throw new FormatException($"{step.Status} is not a step's status");

    // A body that is no JSON is recorded as text where it was declared as such, else as base64 over its exact bytes.
    private static string Body(JsonElement outcome)
    {
        if (outcome.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
            return text.GetString()!;
        var body = outcome.GetProperty("body");
        return body.ValueKind == JsonValueKind.Object && body.TryGetProperty("$base64", out var bytes) ? Encoding.UTF8.GetString(bytes.GetBytesFromBase64())
            : body.ValueKind == JsonValueKind.String ? body.GetString()!
            : body.GetRawText();
    }

    private static string Literal(string sql, string value) => sql.Replace("$1", $"'{value.Replace("'", "''", StringComparison.Ordinal)}'", StringComparison.Ordinal);
}
