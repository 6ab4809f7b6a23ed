namespace RunProof.Verification;

/// <summary>What can be said about evidence.</summary>
public enum VerificationStatus
{
    /// <summary>Something that must be checked could not be, and nothing that was checked fails.</summary>
    Unsupported,

    /// <summary>Everything that the model asks for was recomputed, and is what was recorded.</summary>
    Verified,

    /// <summary>Something does not hold.</summary>
    Failed,
}

/// <summary>
/// A status that follows from checks and from nothing else: there is no way to make one that says VERIFIED while a check of the model failed,
/// was not done, or is missing from the list.
/// </summary>
public sealed class Verdict
{
    private Verdict(VerificationStatus status) => Status = status;

    /// <summary>The status.</summary>
    public VerificationStatus Status { get; }

    /// <summary>The wire name: <c>VERIFIED</c>, <c>FAILED</c>, <c>UNSUPPORTED</c>.</summary>
    public string Name => Status switch
    {
        VerificationStatus.Verified => "VERIFIED",
        VerificationStatus.Failed => "FAILED",
        _ => "UNSUPPORTED",
    };

    /// <summary>The verdict on one trace. Failed beats unsupported.</summary>
    internal static Verdict Of(IntegrityModel model, IReadOnlyCollection<Check> checks) => Of(EvidenceChecks.RequiredFor(model), checks);

    /// <summary>The verdict on a file: every check that its kind needs, and no failed one.</summary>
    internal static Verdict Of(IEnumerable<EvidenceCheck> all, IReadOnlyCollection<Check> checks)
    {
        if (checks.Any(check => check.Status is CheckStatus.Failed))
            return new Verdict(VerificationStatus.Failed);
        var complete = all.All(required => checks.Any(check => check.Kind == required && check.Status is CheckStatus.Passed));
        return new Verdict(complete ? VerificationStatus.Verified : VerificationStatus.Unsupported);
    }

    /// <summary>The verdict on several traces: none is nothing to verify.</summary>
    internal static Verdict Of(IReadOnlyCollection<Verdict> traces)
    {
        if (traces.Any(trace => trace.Status is VerificationStatus.Failed))
            return new Verdict(VerificationStatus.Failed);
        var complete = traces.Count > 0 && traces.All(trace => trace.Status is VerificationStatus.Verified);
        return new Verdict(complete ? VerificationStatus.Verified : VerificationStatus.Unsupported);
    }

    /// <summary>The wire name.</summary>
    /// <returns>One word.</returns>
    public override string ToString() => Name;
}
