using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Ledger;

/// <summary>Recomputes, one by one and with every finding, the traces that the quick recomputation doubted. Its word counts.</summary>
internal sealed class SlowTraces(AuditScope scope, bool payloads)
{
    private const int FindingsOfATrace = 100;

    private static readonly string[] Chain = ["STEP_SEQUENCE", "HASH_CHAIN", "SEAL", "STEPS_ROOT", "ROOT_HASH"];

    internal long PayloadsVerified { get; private set; }

    internal long PayloadsErased { get; private set; }

    /// <summary>Judges traces and empties the list.</summary>
    internal async Task JudgeAsync(List<Examined> doubted, Action<Examined, TraceFacts?> conclude, AuditFindings findings, CancellationToken cancellationToken)
    {
        var snapshot = await scope.Evidence.OpenAsync(scope.Tenant, cancellationToken).ConfigureAwait(false);
        await using (snapshot.ConfigureAwait(false))
        {
            var at = 0;
            await foreach (var found in snapshot.ReadEvidenceAsync([.. doubted.Select(static entry => (entry.TraceId, true))], payloads, cancellationToken).ConfigureAwait(false))
            {
                var entry = doubted[at++];
                conclude(entry, found.Trace is null ? null : await JudgeAsync(entry, found.Trace, found.Steps, findings, cancellationToken).ConfigureAwait(false));
            }
        }

        doubted.Clear();
    }

    private async Task<TraceFacts> JudgeAsync(Examined entry, RecordedTrace trace, IAsyncEnumerable<RecordedStep> steps, AuditFindings findings, CancellationToken cancellationToken)
    {
        var options = new VerificationOptions
        {
            Tenant = scope.Tenant, RunHasEnded = entry.RunStatus is "succeeded" or "failed" or "aborted" or "cancelled", RunSucceeded = entry.RunStatus is "succeeded", MaxFindings = FindingsOfATrace,
        };
        var verifier = TraceVerifier.Begin(trace, options);
        await foreach (var step in steps.WithCancellation(cancellationToken).ConfigureAwait(false))
            verifier.Add(step);
        var report = verifier.Finish();
        PayloadsVerified += report.PayloadsVerified;
        PayloadsErased += report.ErasedPayloadCount;
        foreach (var finding in report.Findings.Where(static finding => finding.Code is not (FindingCodes.TraceNotSealed or FindingCodes.PayloadsNotRead)))
            findings.Add(new AuditFinding(finding.Code, entry.Position, entry.TraceId, finding.Place, entry.TraceId + ": " + finding.Message));
        if (report.FindingsOmitted > 0)
            findings.Tally("OMITTED", report.FindingsOmitted);
        return FactsOf(trace, report);
    }

    private TraceFacts FactsOf(RecordedTrace trace, TraceReport report)
    {
        var headerHolds = report.Checks.Any(static check => check is { Name: "HEADER", Status: CheckStatus.Passed });
        var isOpen = trace is { Status: "running", RootHash: null };
        if (!headerHolds || trace.HeaderLink is not { Length: Digest.Length } link || !RunId.TryParse(trace.RunId, out var run) || !TraceId.TryParse(trace.TraceId, out var id))
            return new TraceFacts(isOpen, null, null);
        var opened = CanonicalBytes.Of(new OpenedEntry
        {
            Format = TraceHeader.CurrentFormat, Kind = OpenedEntry.KindOpened, Link = new Digest(link), RunId = run, StartedAt = trace.StartedAt, TenantId = scope.Tenant, TraceId = id,
        });
        // A chain that is broken is found already: what follows from it is no second finding.
        if (isOpen || !Chain.All(name => report.Checks.Any(check => check.Name == name && check.Status is CheckStatus.Passed)) || report.RecomputedRootHash is not { } root || trace is not { ChainLength: { } length, CompletedAt: { } completed } || !Wire.TryParse(trace.Status, out SealStatus status))
            return new TraceFacts(isOpen, opened, null);
        return new TraceFacts(isOpen, opened, CanonicalBytes.Of(new SealedEntry
        {
            ChainLength = length, CompletedAt = completed, Format = TraceHeader.CurrentFormat, Kind = SealedEntry.KindSealed, RootHash = root, RunId = run, Status = status, TenantId = scope.Tenant, TraceId = id,
        }));
    }
}
