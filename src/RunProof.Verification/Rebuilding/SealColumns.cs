using RunProof.Format;

namespace RunProof.Verification;

/// <summary>The seal, from the columns of its trace.</summary>
internal static class SealColumns
{
    /// <summary>What the status column says until the seal.</summary>
    internal const string Running = "running";

    /// <summary>Whether nothing of a seal is there: the trace is open, or someone took the whole seal away, which only a log can tell apart.</summary>
    internal static bool AreEmpty(RecordedTrace trace) =>
        trace is { CompletedAt: null, ChainLength: null, StepsRoot: null, RootHash: null, Metadata: { Commitment: null, Salt: null, Text: null } };

    /// <returns>The seal; null where a column is missing or no value of the format, which is then among the findings.</returns>
    internal static TraceSeal? Rebuild(RecordedTrace trace, List<Judged> findings)
    {
        var columns = new ColumnReader(Place.Seal, EvidenceCheck.Seal, findings);
        if (trace.Status is Running)
            columns.Refuse("status", FindingCodes.SealMismatch, "is \"running\", but columns of a seal are there");
        else if (!Wire.TryParse(trace.Status, out SealStatus _))
            columns.RefuseWord("status", trace.Status);
        if (trace.ChainLength is null)
            columns.Refuse("chain_length", FindingCodes.SealMismatch, "is missing");
        if (trace.CompletedAt is null)
            columns.Refuse("completed_at", FindingCodes.SealMismatch, "is missing");
        Wire.TryParse(trace.Status, out SealStatus status);
        var seal = new TraceSeal
        {
            ChainLength = trace.ChainLength ?? 0,
            CompletedAt = columns.OptionalTime("completed_at", trace.CompletedAt) ?? default,
            MetadataHash = columns.OptionalDigest("metadata_hash", trace.Metadata.Commitment),
            Status = status,
            StepsRoot = columns.Digest("steps_root", trace.StepsRoot, FindingCodes.SealMismatch),
        };
        return columns.IsWhole ? seal : null;
    }
}
