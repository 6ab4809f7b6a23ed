using RunProof.Format;

namespace RunProof.Cli;

/// <summary>Verifies evidence in memory. A port, so that a test can put a judge here who is always content, and see validation notice.</summary>
internal interface IEvidenceJudge
{
    /// <summary>Judges one trace.</summary>
    /// <param name="tenant">The tenant whose evidence it must be.</param>
    /// <param name="run">The run that it must be evidence of.</param>
    /// <param name="trace">The trace.</param>
    /// <param name="steps">Its steps, as ordered by whoever read them.</param>
    Judgement Judge(TenantId tenant, RunId run, RecordedTrace trace, IReadOnlyList<RecordedStep> steps);
}

/// <summary>What a judge said.</summary>
/// <param name="Verdict">VERIFIED, FAILED or UNSUPPORTED.</param>
/// <param name="Findings">Places and messages, in the order of the chain.</param>
internal sealed record Judgement(string Verdict, IReadOnlyList<(string Place, string Message)> Findings);
