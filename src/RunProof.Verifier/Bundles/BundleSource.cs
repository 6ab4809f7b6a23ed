using System.Globalization;
using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Verifier;

/// <summary>Which payloads a bundle reveals.</summary>
/// <param name="All">All of them.</param>
/// <param name="Steps">Those of these steps, where not all.</param>
internal sealed record Revealed(bool All, IReadOnlySet<int> Steps)
{
    internal bool Step(int index) => All || Steps.Contains(index);
}

/// <summary>Makes the bundle of a trace (proof-format.md section 5): of evidence that verifies, and of no other.</summary>
internal sealed class BundleSource(TraceRecomputation traces)
{
    /// <summary>Payloads and steps of a bundle stand in memory: a trace of more steps is refused.</summary>
    internal const int MaxSteps = 100_000;

    /// <summary>Reads, verifies and gathers a trace.</summary>
    /// <returns>The bundle, or why there is none; neither where the run has no such trace.</returns>
    internal async Task<(ProofBundle? Bundle, IResult? Refusal)> ReadAsync(TenantId tenant, RunId run, string? trace, Revealed revealed, CancellationToken cancellationToken)
    {
        var steps = new List<RecordedStep>();
        var read = await traces.ReadAsync(tenant, run, trace, Take, cancellationToken);
        if (read is null)
            return (null, null);
        if (read.Report is null)
            return (null, UnverifiedProblem.TooLong(string.Create(CultureInfo.InvariantCulture, $"A bundle has at most {MaxSteps} steps, and the trace has more. Its statement has no steps, and no limit.")));
        return read.Refusal is { } refusal ? (null, refusal) : (RecordedBundle.Of(read.Trace, steps, revealed.All, read.Place), null);

        bool Take(RecordedStep step)
        {
            if (steps.Count == MaxSteps)
                return false;
            steps.Add(revealed.Step(step.StepIndex) ? step : Withheld(step));
            return true;
        }
    }

    private static RecordedStep Withheld(RecordedStep step) => step with
    {
        Input = step.Input with { Salt = null, Text = null },
        Output = step.Output with { Salt = null, Text = null },
        Context = step.Context with { Salt = null, Text = null },
    };
}
