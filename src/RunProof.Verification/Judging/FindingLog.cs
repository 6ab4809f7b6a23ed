namespace RunProof.Verification;

/// <summary>Findings in the order of the chain, bounded; each fails its check.</summary>
internal sealed class FindingLog(CheckList checks, int most)
{
    private readonly List<Finding> _kept = [];

    internal IReadOnlyList<Finding> Kept => _kept;

    internal long Omitted { get; private set; }

    internal void Add(EvidenceCheck check, Finding finding)
    {
        checks.Fail(check, finding.Message);
        Note(finding);
    }

    internal void Add(IEnumerable<Judged> findings)
    {
        foreach (var (check, finding) in findings)
            Add(check, finding);
    }

    /// <summary>Fails one more check by what was found already.</summary>
    internal void Fail(EvidenceCheck check, string detail) => checks.Fail(check, detail);

    /// <summary>A finding that is no fault: it fails nothing.</summary>
    internal void Note(Finding finding)
    {
        if (_kept.Count < most)
            _kept.Add(finding);
        else
            Omitted++;
    }
}
