namespace RunProof.Verification;

/// <summary>Checks while they are made: nothing passes by default, and what has failed stays failed.</summary>
internal sealed class CheckList
{
    private const string NoLog =
        "no log was at hand: that no run was deleted whole, and that nobody rewrote this one with every hash, was not checked";

    private readonly Dictionary<EvidenceCheck, (CheckStatus Status, string Detail)> _made = [];

    internal void Pass(EvidenceCheck check, string detail)
    {
        if (!HasFailed(check))
            _made[check] = (CheckStatus.Passed, detail);
    }

    /// <summary>The first failure's words stay.</summary>
    internal void Fail(EvidenceCheck check, string detail)
    {
        if (!HasFailed(check))
            _made[check] = (CheckStatus.Failed, detail);
    }

    internal void NotDone(EvidenceCheck check, string why)
    {
        if (!HasFailed(check))
            _made[check] = (CheckStatus.NotDone, why);
    }

    internal bool HasFailed(EvidenceCheck check) => _made.TryGetValue(check, out var made) && made.Status is CheckStatus.Failed;

    internal IReadOnlyList<Check> ToChecks(IntegrityModel model)
    {
        _made.TryAdd(EvidenceCheck.LogInclusion, (CheckStatus.NotDone, NoLog));
        return ToFileChecks(EvidenceChecks.RequiredFor(model));
    }

    /// <summary>The checks that a verdict needs, and whatever else was looked at, which counts too: the shapes of payloads, the log. In the order of the chain.</summary>
    internal IReadOnlyList<Check> ToFileChecks(IEnumerable<EvidenceCheck> required) => [.. required.Union(_made.Keys).Order().Select(check =>
        _made.TryGetValue(check, out var made) ? new Check(check, made.Status, made.Detail) : new Check(check, CheckStatus.NotDone, "it was not reached"))];

    /// <summary>Takes over how other checks came out.</summary>
    internal void Take(IEnumerable<Check> checks)
    {
        foreach (var check in checks)
            _made[check.Kind] = (check.Status, check.Detail);
    }

    internal static IReadOnlyList<Check> NoneDone(IntegrityModel model, string why)
    {
        var list = new CheckList();
        foreach (var check in EvidenceChecks.RequiredFor(model))
            list.NotDone(check, why);
        return list.ToChecks(model);
    }
}
