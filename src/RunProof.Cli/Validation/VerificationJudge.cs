using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Cli;

/// <summary>The verification of this very program: what the verifier service runs, without the service.</summary>
internal sealed class VerificationJudge : IEvidenceJudge
{
    /// <inheritdoc/>
    public Judgement Judge(TenantId tenant, RunId run, RecordedTrace trace, IReadOnlyList<RecordedStep> steps)
    {
        var report = TraceVerifier.Verify(trace, steps, new VerificationOptions { Tenant = tenant, Run = run });
        return new Judgement(report.Verdict.Name, [.. report.Findings.Select(finding => (finding.Place, finding.Message))]);
    }
}
