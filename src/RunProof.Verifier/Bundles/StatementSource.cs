using RunProof.Format;
using RunProof.Keys;
using RunProof.Ledger;
using RunProof.Verification;

namespace RunProof.Verifier;

/// <summary>Makes the signed statement on a trace: of evidence that verifies now and is in the log, and of no other. Holds one step at a time.</summary>
/// <param name="traces">The traces.</param>
/// <param name="signer">The operator's key; null where this service has none to use.</param>
internal sealed class StatementSource(TraceRecomputation traces, Func<IEnvelopeSigner?> signer)
{
    private const string NoKey = "This service has no signing key that it can use, so it states nothing; its log says why. The run's proof and bundle need none.";

    /// <summary>Reads and verifies a trace, states what was found, and signs that.</summary>
    /// <returns>The envelope and the trace's id, or why there is none; neither where the run has no such trace.</returns>
    internal async Task<(DsseEnvelope? Envelope, string TraceId, IResult? Refusal)> ReadAsync(TenantId tenant, RunId run, string? trace, CancellationToken cancellationToken)
    {
        RecordedStep? last = null;
        var read = await traces.ReadAsync(tenant, run, trace, step => (last = step) is not null, cancellationToken);
        if (read is null)
            return default;
        var id = read.Trace.TraceId;
        if (read.Refusal is { } refusal)
            return (null, id, refusal);
        if (read.Place is not { } place || Checkpoint(read.Log) is not { } checkpoint)
            return (null, id, UnverifiedProblem.NotYet("the sealed entry awaits inclusion in the log", read.Report!.Findings));
        if (signer() is not { } key)
            return (null, id, ServiceDefaults.Problem.ForStatus(503, NoKey));
        return (Sign(RecordedBundle.StatementOf(read.Trace, last, place), checkpoint.Origin, key), id, null);
    }

    /// <summary>What leaves here is verified as its reader will: another key in the file since the trace was read must not sign for the log.</summary>
    private static DsseEnvelope Sign(RunStatement statement, string origin, IEnvelopeSigner key)
    {
        var envelope = key.SignEnvelope(origin, RunStatement.PayloadType, statement.ToPayload());
        var verifier = NoteVerifier.TryCreate(key.KeyOf(origin), out var own, out var problem) ? own : throw new InvalidOperationException(problem);
        var report = StatementVerifier.Verify(envelope.PayloadType, envelope.Payload, new EnvelopeSigners(envelope.SignersOf([verifier])), new BundleOptions { TrustedKeys = [verifier] });
        return report.Verdict.Status is VerificationStatus.Verified
            ? envelope
            : throw new LogStoreException(isTransient: true, "the statement that was signed does not verify: " + (report.Findings.Count > 0 ? report.Findings[0].Message : report.Verdict.Name));
    }

    private static Checkpoint? Checkpoint(LogEvidence log) => log.Checkpoint is { } note && Format.Checkpoint.TryParse(note.Text, out var checkpoint, out _) ? checkpoint : null;
}
