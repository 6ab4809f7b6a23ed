using RunProof.Format;

namespace RunProof.Verification;

/// <summary>What was found about a file that stands for itself. Only this library makes one.</summary>
public abstract class FileReport
{
    private protected FileReport(FileJudgement judgement)
    {
        Checks = judgement.Checks;
        Verdict = Verdict.Of(judgement.Required, Checks);
        (Findings, FindingsOmitted) = (judgement.Findings, judgement.FindingsOmitted);
        (SignedBy, Checkpoint, Cosigners) = (judgement.SignedBy, judgement.Checkpoint, judgement.Cosigners);
    }

    /// <summary>The verdict; it follows from <see cref="Checks"/> alone.</summary>
    public Verdict Verdict { get; }

    /// <summary>Every check, done or not, in the order of the chain.</summary>
    public IReadOnlyList<Check> Checks { get; }

    /// <summary>What does not hold, in the order of the chain; for a file that is unsupported, why.</summary>
    public IReadOnlyList<Finding> Findings { get; }

    /// <summary>Findings beyond those.</summary>
    public long FindingsOmitted { get; }

    /// <summary>The trusted key under which the checkpoint's signature is right; null where none is, or where only the file's own key was tried.</summary>
    public NoteKey? SignedBy { get; }

    /// <summary>The checkpoint, where a trusted key signed it.</summary>
    public Checkpoint? Checkpoint { get; }

    /// <summary>The witnesses of the policy that cosigned it, by name; none where no policy was given.</summary>
    public IReadOnlyList<string> Cosigners { get; }
}

/// <summary>How a file was judged: what every kind of report is made of.</summary>
internal sealed record FileJudgement
{
    internal required IReadOnlyList<EvidenceCheck> Required { get; init; }

    internal required IReadOnlyList<Check> Checks { get; init; }

    internal required IReadOnlyList<Finding> Findings { get; init; }

    internal required long FindingsOmitted { get; init; }

    internal NoteKey? SignedBy { get; init; }

    internal Checkpoint? Checkpoint { get; init; }

    internal IReadOnlyList<string> Cosigners { get; init; } = [];

    /// <summary>Closes the lists.</summary>
    internal static FileJudgement Of(IEnumerable<EvidenceCheck> required, BundleOptions options, CheckList checks, FindingLog log, LogJudge? judge = null, long omitted = 0)
    {
        IReadOnlyList<EvidenceCheck> all = options.Quorum is null ? [.. required] : [.. required, EvidenceCheck.WitnessQuorum];
        return new FileJudgement
        {
            Required = all,
            Checks = checks.ToFileChecks(all),
            Findings = log.Kept,
            FindingsOmitted = log.Omitted + omitted,
            SignedBy = judge?.SignedBy,
            Checkpoint = judge?.Checkpoint,
            Cosigners = judge?.Cosigners ?? [],
        };
    }
}
