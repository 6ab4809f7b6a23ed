using System.Text;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Verification;

namespace RunProof.Verifier;

/// <summary>Which payloads a bundle reveals.</summary>
/// <param name="All">All of them.</param>
/// <param name="Steps">Those of these steps, where not all.</param>
internal sealed record Revealed(bool All, IReadOnlySet<int> Steps)
{
    internal bool Step(int index) => All || Steps.Contains(index);
}

/// <summary>Why there is no bundle of a trace.</summary>
/// <param name="Detail">Sentences for the caller.</param>
internal sealed record NoBundle(string Detail);

/// <summary>Makes the bundle of a trace (proof-format.md section 5): of evidence that verifies, and of no other.</summary>
internal sealed class BundleSource(IEvidenceStore evidence, LogEvidenceReader log)
{
    /// <summary>Payloads and steps of a bundle stand in memory: a trace of more steps is refused.</summary>
    internal const int MaxSteps = 100_000;

    /// <summary>Reads, verifies and gathers a trace.</summary>
    /// <returns>The bundle, or why there is none; neither where the run has no such trace.</returns>
    internal async Task<(ProofBundle? Bundle, NoBundle? Refusal)> ReadAsync(TenantId tenant, RunId run, string? trace, Revealed revealed, CancellationToken cancellationToken)
    {
        await using var snapshot = await evidence.OpenAsync(tenant, cancellationToken);
        var traces = await snapshot.ReadTracesAsync(run, payloads: true, cancellationToken);
        var recorded = trace is null ? traces.LastOrDefault() : traces.FirstOrDefault(each => each.TraceId == trace);
        if (recorded is null)
            return (null, null);
        var verifier = TraceVerifier.Begin(recorded, new VerificationOptions { Tenant = tenant, Run = run });
        var steps = new List<RecordedStep>();
        await foreach (var step in snapshot.ReadStepsAsync(recorded.TraceId, payloads: true, cancellationToken))
        {
            if (steps.Count == MaxSteps)
                return (null, new NoBundle($"A bundle has at most {MaxSteps} steps, and the trace has more."));
            verifier.Add(step);
            steps.Add(revealed.Step(step.StepIndex) ? step : Withheld(step));
        }

        var found = await log.ReadAsync(tenant, recorded.TraceId, cancellationToken);
        var report = verifier.Finish(found);
        if (report.Verdict.Status is not VerificationStatus.Verified)
            return (null, Unverified(report));
        return (RecordedBundle.Of(recorded, steps, revealed.All, Log(found)), null);
    }

    private static NoBundle Unverified(TraceReport report) => new(
        "There is no bundle of evidence that does not verify: "
        + (report.Findings.Count > 0 ? $"{report.Findings[0].Message} ({report.Findings[0].Code})" : "the trace is " + report.Verdict.Name) + ". See the run's proof.");

    /// <summary>The trace's place in the log, once the published checkpoint covers it.</summary>
    private static BundleLog? Log(LogEvidence found)
    {
        if (found is not { Sealed: { } entry, Checkpoint: { } checkpoint } || !checkpoint.Verify(found.Keys, out var signers, out _))
            return null;
        return new BundleLog(entry.Text, new TlogProof(entry.Position, entry.Path, checkpoint).ToString(), signers[0].ToString());
    }

    private static RecordedStep Withheld(RecordedStep step) => step with
    {
        Input = step.Input with { Salt = null, Text = null },
        Output = step.Output with { Salt = null, Text = null },
        Context = step.Context with { Salt = null, Text = null },
    };
}
