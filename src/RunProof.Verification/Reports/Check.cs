namespace RunProof.Verification;

/// <summary>How a check came out.</summary>
public enum CheckStatus
{
    /// <summary>It was not done; <see cref="Check.Detail"/> says why.</summary>
    NotDone,

    /// <summary>What was recorded was recomputed, and is the same.</summary>
    Passed,

    /// <summary>It does not hold: see the findings.</summary>
    Failed,
}

/// <summary>One thing that was checked, or why it was not. Only this library makes them.</summary>
public sealed class Check
{
    internal Check(EvidenceCheck kind, CheckStatus status, string detail) => (Kind, Status, Detail) = (kind, status, detail);

    /// <summary>Its name on the wire: <c>HASH_CHAIN</c>.</summary>
    public string Name => EvidenceChecks.NameOf(Kind);

    /// <summary>How it came out.</summary>
    public CheckStatus Status { get; }

    /// <summary>What was compared, or why it was not.</summary>
    public string Detail { get; }

    internal EvidenceCheck Kind { get; }

    /// <summary>Name, status, detail.</summary>
    /// <returns>One line.</returns>
    public override string ToString() => $"{Name} {Status}: {Detail}";
}

/// <summary>Everything that can be checked about a trace, in the order of the chain.</summary>
internal enum EvidenceCheck
{
    BundleForm,
    FileForm,
    EnvelopeSignature,
    Header,
    StepSequence,
    Levels,
    HashChain,
    Payloads,
    PayloadSchema,
    Origin,
    ToolLists,
    Approvals,
    OpeningAwaited,
    SubRuns,
    Seal,
    StepsRoot,
    StepInclusion,
    RootHash,
    LogEntry,
    OpenedEntry,
    LogInclusion,
    CheckpointSignature,
    WitnessQuorum,
    Fork,
}

internal static class EvidenceChecks
{
    private static readonly EvidenceCheck[] Chain =
    [
        EvidenceCheck.Header, EvidenceCheck.StepSequence, EvidenceCheck.Levels, EvidenceCheck.HashChain, EvidenceCheck.Payloads,
        EvidenceCheck.Seal, EvidenceCheck.StepsRoot, EvidenceCheck.RootHash,
    ];

    /// <summary>What must have passed before anyone may say VERIFIED of a bundle (proof-format.md section 5).</summary>
    internal static IEnumerable<EvidenceCheck> RequiredForBundle => Chain.Prepend(EvidenceCheck.BundleForm).Concat(InLog);

    /// <summary>What must have passed before anyone may say VERIFIED of one step that is shown without the others.</summary>
    internal static IEnumerable<EvidenceCheck> RequiredForStep =>
        [EvidenceCheck.FileForm, EvidenceCheck.Levels, EvidenceCheck.Payloads, EvidenceCheck.StepInclusion, EvidenceCheck.RootHash, .. InLog];

    /// <summary>What must have passed before anyone may say VERIFIED of a signed statement on a trace.</summary>
    internal static IEnumerable<EvidenceCheck> RequiredForStatement => [EvidenceCheck.FileForm, EvidenceCheck.EnvelopeSignature, EvidenceCheck.RootHash, .. InLog];

    /// <summary>What must have passed before anyone may say VERIFIED of an entry.</summary>
    internal static IEnumerable<EvidenceCheck> RequiredForEntry => [EvidenceCheck.FileForm, EvidenceCheck.LogInclusion, EvidenceCheck.CheckpointSignature];

    /// <summary>What must have passed before anyone may say VERIFIED of a checkpoint.</summary>
    internal static IEnumerable<EvidenceCheck> RequiredForCheckpoint => [EvidenceCheck.FileForm, EvidenceCheck.CheckpointSignature];

    /// <summary>What must have passed before anyone may say VERIFIED of a proof that a log forked.</summary>
    internal static IEnumerable<EvidenceCheck> RequiredForFork => [EvidenceCheck.FileForm, EvidenceCheck.CheckpointSignature, EvidenceCheck.Fork];

    private static EvidenceCheck[] InLog => [EvidenceCheck.LogEntry, EvidenceCheck.LogInclusion, EvidenceCheck.CheckpointSignature];

    /// <summary>What must have passed before anyone may say VERIFIED.</summary>
    internal static IEnumerable<EvidenceCheck> RequiredFor(IntegrityModel model) => model is IntegrityModel.MerkleTree ? Chain.Append(EvidenceCheck.StepInclusion) : Chain;

    internal static string NameOf(EvidenceCheck check) => check switch
    {
        EvidenceCheck.BundleForm => "BUNDLE_FORM",
        EvidenceCheck.FileForm => "FILE_FORM",
        EvidenceCheck.EnvelopeSignature => "ENVELOPE_SIGNATURE",
        EvidenceCheck.Header => "HEADER",
        EvidenceCheck.StepSequence => "STEP_SEQUENCE",
        EvidenceCheck.Levels => "LEVELS",
        EvidenceCheck.HashChain => "HASH_CHAIN",
        EvidenceCheck.Payloads => "PAYLOADS",
        EvidenceCheck.PayloadSchema => "PAYLOAD_SCHEMA",
        EvidenceCheck.Origin => "ORIGIN",
        EvidenceCheck.ToolLists => "TOOL_LISTS",
        EvidenceCheck.Approvals => "APPROVALS",
        EvidenceCheck.OpeningAwaited => "OPENING_AWAITED",
        EvidenceCheck.SubRuns => "SUB_RUNS",
        EvidenceCheck.Seal => "SEAL",
        EvidenceCheck.StepsRoot => "STEPS_ROOT",
        EvidenceCheck.StepInclusion => "STEP_INCLUSION",
        EvidenceCheck.RootHash => "ROOT_HASH",
        EvidenceCheck.LogEntry => "LOG_ENTRY",
        EvidenceCheck.OpenedEntry => "OPENED_ENTRY",
        EvidenceCheck.LogInclusion => "LOG_INCLUSION",
        EvidenceCheck.WitnessQuorum => "WITNESS_QUORUM",
        EvidenceCheck.Fork => "FORK",
        _ => "CHECKPOINT_SIGNATURE",
    };
}
