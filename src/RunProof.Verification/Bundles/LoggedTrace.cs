using RunProof.Format;

namespace RunProof.Verification;

/// <summary>What a file itself says of a trace, which its entry in the log must say too.</summary>
/// <param name="Seal">Its seal.</param>
/// <param name="RootHash">Its root_hash.</param>
internal sealed record LoggedTrace(TraceSeal Seal, Digest RootHash)
{
    /// <summary>The run; null where the file does not name it, and the entry alone does.</summary>
    internal RunId? RunId { get; init; }

    internal TraceId? TraceId { get; init; }

    internal TenantId? TenantId { get; init; }

    internal static LoggedTrace Of(ProofBundle bundle) => new(bundle.Seal, bundle.RootHash)
    {
        RunId = bundle.Header.RunId,
        TraceId = bundle.Header.TraceId,
        TenantId = bundle.Header.TenantId,
    };

    /// <summary>The entry's members, and whether they are this trace's.</summary>
    internal IEnumerable<(string Member, bool Holds)> Compare(SealedEntry entry) =>
    [
        ("root_hash", entry.RootHash == RootHash), ("run_id", RunId is null || entry.RunId == RunId), ("trace_id", TraceId is null || entry.TraceId == TraceId),
        ("tenant_id", TenantId is null || entry.TenantId == TenantId), ("status", entry.Status == Seal.Status), ("completed_at", entry.CompletedAt == Seal.CompletedAt),
        ("chain_length", entry.ChainLength == Seal.ChainLength), ("format", entry.Format == TraceHeader.CurrentFormat), ("kind", entry.Kind == SealedEntry.KindSealed),
    ];
}
