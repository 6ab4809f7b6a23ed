namespace RunProof.Format;

/// <summary>What stands in a tenant's log when a trace opens (proof-format.md section 4).</summary>
[Canonical(Name = "runproof.entry.opened")]
public sealed partial record OpenedEntry
{
    /// <summary>The value of <see cref="Kind"/>.</summary>
    public const string KindOpened = "opened";

    /// <summary>Always <see cref="TraceHeader.CurrentFormat"/>.</summary>
    public required string Format { get; init; }

    /// <summary>Always <see cref="KindOpened"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>link[0] of the trace.</summary>
    public required Digest Link { get; init; }

    /// <summary>The run.</summary>
    public required RunId RunId { get; init; }

    /// <summary>When the trace opened.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The tenant.</summary>
    public required TenantId TenantId { get; init; }

    /// <summary>The trace.</summary>
    public required TraceId TraceId { get; init; }

    /// <summary>The entry of a trace.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="link">Its link[0].</param>
    /// <returns>The entry.</returns>
    public static OpenedEntry Of(TraceHeader header, Digest link)
    {
        ArgumentNullException.ThrowIfNull(header);
        return new OpenedEntry
        {
            Format = TraceHeader.CurrentFormat,
            Kind = KindOpened,
            Link = link,
            RunId = header.RunId,
            StartedAt = header.StartedAt,
            TenantId = header.TenantId,
            TraceId = header.TraceId,
        };
    }
}

/// <summary>What stands in a tenant's log when a trace is sealed (proof-format.md section 4).</summary>
[Canonical(Name = "runproof.entry.sealed")]
public sealed partial record SealedEntry
{
    /// <summary>The value of <see cref="Kind"/>.</summary>
    public const string KindSealed = "sealed";

    /// <summary>The seal's number of steps.</summary>
    public required int ChainLength { get; init; }

    /// <summary>When the trace was sealed.</summary>
    public required DateTimeOffset CompletedAt { get; init; }

    /// <summary>Always <see cref="TraceHeader.CurrentFormat"/>.</summary>
    public required string Format { get; init; }

    /// <summary>Always <see cref="KindSealed"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>The trace's root_hash.</summary>
    public required Digest RootHash { get; init; }

    /// <summary>The run.</summary>
    public required RunId RunId { get; init; }

    /// <summary>The seal's status.</summary>
    public required SealStatus Status { get; init; }

    /// <summary>The tenant.</summary>
    public required TenantId TenantId { get; init; }

    /// <summary>The trace.</summary>
    public required TraceId TraceId { get; init; }

    /// <summary>The entry of a trace.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="seal">Its seal.</param>
    /// <param name="root">Its root_hash.</param>
    /// <returns>The entry.</returns>
    public static SealedEntry Of(TraceHeader header, TraceSeal seal, Digest root)
    {
        ArgumentNullException.ThrowIfNull(header);
        ArgumentNullException.ThrowIfNull(seal);
        return new SealedEntry
        {
            ChainLength = seal.ChainLength,
            CompletedAt = seal.CompletedAt,
            Format = TraceHeader.CurrentFormat,
            Kind = KindSealed,
            RootHash = root,
            RunId = header.RunId,
            Status = seal.Status,
            TenantId = header.TenantId,
            TraceId = header.TraceId,
        };
    }
}

/// <summary>What stands in a tenant's log where its key is handed over to another: both keys sign it, so neither can be put in the other's place alone.</summary>
[Canonical(Name = "runproof.entry.rotated")]
public sealed partial record RotatedEntry
{
    /// <summary>The value of <see cref="Kind"/>.</summary>
    public const string KindRotated = "rotated";

    /// <summary>Always <see cref="TraceHeader.CurrentFormat"/>.</summary>
    public required string Format { get; init; }

    /// <summary>Always <see cref="KindRotated"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>The verifier key line that checkpoints are signed with from this entry on.</summary>
    public required string NewKey { get; init; }

    /// <summary>The verifier key line that checkpoints were signed with up to this entry; the one that first includes it is signed by both.</summary>
    public required string OldKey { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset RotatedAt { get; init; }

    /// <summary>The signature lines of both keys, each with its line end, under <see cref="TextOf"/>.</summary>
    public required string Signatures { get; init; }

    /// <summary>The tenant.</summary>
    public required TenantId TenantId { get; init; }

    /// <summary>The text that both keys sign. Its second line is no tree size, so it is never a checkpoint.</summary>
    /// <param name="oldKey">The old verifier key line; it names the log.</param>
    /// <param name="newKey">The new one.</param>
    /// <param name="time">When.</param>
    /// <returns>The text of a note.</returns>
    public static string TextOf(string oldKey, string newKey, DateTimeOffset time) =>
        TraceHeader.CurrentFormat + "/rotation\n" + oldKey + "\n" + newKey + "\n" + WireTime.ToText(time) + "\n";

    /// <summary>The note that both keys signed.</summary>
    /// <returns>The note as text.</returns>
    public string ToNote() => TextOf(OldKey, NewKey, RotatedAt) + "\n" + Signatures;
}
