using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>One version of a policy, as it is stored: never changed, only retired.</summary>
public sealed record StoredPolicy
{
    /// <summary>The tenant.</summary>
    public required TenantId TenantId { get; init; }

    /// <summary>The policy's name.</summary>
    public required string Name { get; init; }

    /// <summary>Its version; new in its policy.</summary>
    public required string Version { get; init; }

    /// <summary>The document as somebody wrote it.</summary>
    public required string Document { get; init; }

    /// <summary>The digest of what the document says (src/POLICIES.md).</summary>
    public required Digest Digest { get; init; }

    /// <summary>Whether it is in force.</summary>
    public required bool IsActive { get; init; }

    /// <summary>When it was stored.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The id of the key by which it was stored.</summary>
    public required string CreatedBy { get; init; }
}

/// <summary>What came of storing a policy.</summary>
public enum PolicyApplication
{
    /// <summary>It is in force, and what was in force under its name no longer.</summary>
    Applied,

    /// <summary>The same document was in force already.</summary>
    Unchanged,

    /// <summary>The version is there with another document: versions never change.</summary>
    VersionTaken,
}

/// <summary>The policies in force at a moment.</summary>
/// <param name="Stamp">Changes with every change of them; 0 where there never were any.</param>
/// <param name="Policies">By name; null where the stamp is the one that was asked with.</param>
public sealed record PoliciesInForce(long Stamp, IReadOnlyList<StoredPolicy>? Policies);

/// <summary>
/// The policies of all tenants. Each call is one round trip and one transaction; each may be repeated. A store that cannot be reached throws a
/// <see cref="System.Data.Common.DbException"/> whose <see cref="System.Data.Common.DbException.IsTransient"/> is true.
/// </summary>
public interface IPolicyStore
{
    /// <summary>Reads the policies in force.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="knownStamp">The stamp of what is known already; -1 for nothing.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The stamp, and the policies where it is another.</returns>
    Task<PoliciesInForce> ReadInForceAsync(TenantId tenant, long knownStamp, CancellationToken cancellationToken);

    /// <summary>Stores a version and puts it in force in place of what was in force under its name, at once.</summary>
    /// <param name="policy">The version.</param>
    /// <param name="cancellationToken">Gives up; it may be in force all the same, and the same call again says <see cref="PolicyApplication.Unchanged"/>.</param>
    /// <returns>What came of it, and the version as stored.</returns>
    Task<(PolicyApplication Outcome, StoredPolicy Stored)> ApplyAsync(StoredPolicy policy, CancellationToken cancellationToken);

    /// <summary>Takes what is in force under a name out of force.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="name">The policy.</param>
    /// <param name="by">The id of the key by which.</param>
    /// <param name="at">When.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False where nothing was in force under the name.</returns>
    Task<bool> RetireAsync(TenantId tenant, string name, string by, DateTimeOffset at, CancellationToken cancellationToken);

    /// <summary>Reads all versions of a policy, the newest first.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="name">The policy; null for all policies, by name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The versions; empty where there is no such policy.</returns>
    Task<IReadOnlyList<StoredPolicy>> ListAsync(TenantId tenant, string? name, CancellationToken cancellationToken);
}
