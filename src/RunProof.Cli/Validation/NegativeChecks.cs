using RunProof.Format;

namespace RunProof.Cli;

/// <summary>Changes copies of the evidence, one thing at a time, and asks whether verification finds each.</summary>
internal static class NegativeChecks
{
    /// <summary>Makes all changes.</summary>
    /// <param name="judge">The verification that is put to the test.</param>
    /// <param name="tenant">The tenant.</param>
    /// <param name="run">The run.</param>
    /// <param name="evidence">Evidence that verifies as it is.</param>
    internal static IReadOnlyList<NegativeCheck> Make(IEvidenceJudge judge, TenantId tenant, RunId run, Evidence evidence) =>
        [.. Tampering.Of(evidence).Select(tampering => Make(judge, tenant, run, evidence, tampering))];

    private static NegativeCheck Make(IEvidenceJudge judge, TenantId tenant, RunId run, Evidence evidence, Tampering tampering)
    {
        var changed = tampering.Apply(evidence);
        var judgement = judge.Judge(tenant, run, changed.Trace, changed.Steps);
        var found = judgement.Findings.FirstOrDefault();
        var holds = judgement.Verdict == "FAILED" && found.Place is { } place && tampering.IsFoundAt(place);
        return new NegativeCheck(tampering.Change, judgement.Verdict, found.Place, found.Message, holds);
    }
}
