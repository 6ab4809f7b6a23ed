using RunProof.Format;
using RunProof.Ledger;
using RunProof.Verification;

namespace RunProof.Verifier;

/// <summary>A trace as it was recorded, what its log says of it, and what recomputing both found.</summary>
/// <param name="Trace">The trace.</param>
/// <param name="Report">The report; null where reading was broken off.</param>
/// <param name="Log">Its tenant's log.</param>
internal sealed record RecomputedTrace(RecordedTrace Trace, TraceReport? Report, LogEvidence Log)
{
    /// <summary>The trace's place in the log, once the published checkpoint covers it.</summary>
    internal BundleLog? Place => Log is { Sealed: { } entry, Checkpoint: { } checkpoint } && SignerOf(checkpoint) is { } signer
        ? new BundleLog(entry.Text, new TlogProof(entry.Position, entry.Path, checkpoint).ToString(), signer.ToString())
        : null;

    /// <summary>Why nothing is handed out as a proof of it; null where it is VERIFIED.</summary>
    internal UnverifiedProblem? Refusal => Report switch
    {
        null => UnverifiedProblem.NotYet("the trace was not read to its end", []),
        { Verdict.Status: VerificationStatus.Verified } => null,
        { Verdict.Status: VerificationStatus.Failed } => UnverifiedProblem.Failed(Report),
        _ => UnverifiedProblem.NotYet(First(Report), Report.Findings),
    };

    private static string First(TraceReport report) => report.Findings.Count > 0 ? report.Findings[0].Message : "not everything that must be checked could be";

    /// <summary>Where signatures cannot be verified on this machine, the checks say so; what is handed out is verified by whoever gets it.</summary>
    private NoteKey? SignerOf(SignedNote checkpoint)
    {
        try
        {
            return checkpoint.Verify(Log.Keys, out var signers, out _) ? signers[0] : null;
        }
        catch (PlatformNotSupportedException)
        {
            return Log.Keys.FirstOrDefault(key => checkpoint.Signatures.Any(line => line.KeyId == key.Key.Id && line.Name == key.Key.Name))?.Key;
        }
    }
}

/// <summary>Reads traces and recomputes them, a step at a time.</summary>
internal sealed class TraceRecomputation(IEvidenceStore evidence, LogEvidenceReader log)
{
    /// <summary>Reads a trace whole and recomputes it.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="run">The run.</param>
    /// <param name="trace">Which of its traces; null for the last.</param>
    /// <param name="take">Is given each step in order; false breaks off.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The trace; null where the run has no such one.</returns>
    internal async Task<RecomputedTrace?> ReadAsync(TenantId tenant, RunId run, string? trace, Func<RecordedStep, bool> take, CancellationToken cancellationToken) =>
        // The log is read after the snapshot: a trace that is open there and sealed here was sealed in between, or lost its seal, which a younger snapshot tells.
        await LookAsync(tenant, run, trace, take, isLast: false, cancellationToken) is { } read
            ? read
            : await LookAsync(tenant, run, trace, take, isLast: true, cancellationToken);

    private async Task<RecomputedTrace?> LookAsync(TenantId tenant, RunId run, string? trace, Func<RecordedStep, bool> take, bool isLast, CancellationToken cancellationToken)
    {
        await using var snapshot = await evidence.OpenAsync(tenant, cancellationToken);
        var traces = await snapshot.ReadTracesAsync(run, payloads: true, cancellationToken);
        var recorded = trace is null ? traces.LastOrDefault() : traces.FirstOrDefault(each => each.TraceId == trace);
        if (recorded is null)
            return null;
        var found = await log.ReadAsync(tenant, recorded.TraceId, cancellationToken);
        if (!isLast && recorded.Status == "running" && found.SealSeen is not null)
            return null;
        var approvals = await RunApprovals.ReadAsync(snapshot, run, traces, cancellationToken);
        var verifier = TraceVerifier.Begin(recorded, new VerificationOptions { Tenant = tenant, Run = run, Approvals = approvals.Of(recorded) });
        await foreach (var step in snapshot.ReadStepsAsync(recorded.TraceId, payloads: true, cancellationToken))
        {
            verifier.Add(step);
            if (!take(step))
                return new RecomputedTrace(recorded, Report: null, found);
        }

        return new RecomputedTrace(recorded, verifier.Finish(found), found);
    }
}
