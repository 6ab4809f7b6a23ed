namespace RunProof.Ledger;

/// <summary>What an audit has read and recomputed.</summary>
public sealed record AuditCounts
{
    /// <summary>Entries that were read.</summary>
    public long Entries { get; init; }

    /// <summary>Traces whose opening is among them.</summary>
    public long Opened { get; init; }

    /// <summary>Traces whose seal is among them.</summary>
    public long Sealed { get; init; }

    /// <summary>Hand-overs from key to key among them.</summary>
    public long Rotated { get; init; }

    /// <summary>Traces that were recomputed from their columns.</summary>
    public long Traces { get; init; }

    /// <summary>Their steps.</summary>
    public long Steps { get; init; }

    /// <summary>Payloads that match their commitments.</summary>
    public long PayloadsVerified { get; init; }

    /// <summary>Payloads that were erased: their commitments alone are left.</summary>
    public long PayloadsErased { get; init; }

    /// <summary>Traces that are open and whose run is under way.</summary>
    public long Open { get; init; }

    /// <summary>Traces that are sealed and whose seal is not in the audited log yet: it is queued, or was entered since.</summary>
    public long Waiting { get; init; }

    /// <summary>The sum of two.</summary>
    /// <param name="other">The other.</param>
    /// <returns>The sum.</returns>
    public AuditCounts Plus(AuditCounts other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new AuditCounts
        {
            Entries = Entries + other.Entries,
            Opened = Opened + other.Opened,
            Sealed = Sealed + other.Sealed,
            Rotated = Rotated + other.Rotated,
            Traces = Traces + other.Traces,
            Steps = Steps + other.Steps,
            PayloadsVerified = PayloadsVerified + other.PayloadsVerified,
            PayloadsErased = PayloadsErased + other.PayloadsErased,
            Open = Open + other.Open,
            Waiting = Waiting + other.Waiting,
        };
    }

    /// <summary>Names and numbers.</summary>
    /// <returns>All of them, in this order.</returns>
    public IReadOnlyDictionary<string, long> ToDictionary() => new Dictionary<string, long>(StringComparer.Ordinal)
    {
        ["entries"] = Entries,
        ["opened"] = Opened,
        ["sealed"] = Sealed,
        ["rotated"] = Rotated,
        ["traces"] = Traces,
        ["steps"] = Steps,
        ["payloads_verified"] = PayloadsVerified,
        ["payloads_erased"] = PayloadsErased,
        ["open"] = Open,
        ["waiting"] = Waiting,
    };

    internal static AuditCounts Of(IReadOnlyDictionary<string, long> counts)
    {
        long Count(string name) => counts.GetValueOrDefault(name);
        return new AuditCounts
        {
            Entries = Count("entries"),
            Opened = Count("opened"),
            Sealed = Count("sealed"),
            Rotated = Count("rotated"),
            Traces = Count("traces"),
            Steps = Count("steps"),
            PayloadsVerified = Count("payloads_verified"),
            PayloadsErased = Count("payloads_erased"),
            Open = Count("open"),
            Waiting = Count("waiting"),
        };
    }
}
