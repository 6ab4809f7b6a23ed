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
