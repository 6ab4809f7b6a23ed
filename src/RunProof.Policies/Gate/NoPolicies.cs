using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>A store in which no tenant has policies: for a host without one, where only policies from files are in force.</summary>
public sealed class NoPolicies : IPolicyStore
{
    /// <inheritdoc/>
    public Task<PoliciesInForce> ReadInForceAsync(TenantId tenant, long knownStamp, CancellationToken cancellationToken) =>
        Task.FromResult(new PoliciesInForce(0, knownStamp == 0 ? null : []));

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">Always.</exception>
    public Task<(PolicyApplication Outcome, StoredPolicy Stored)> ApplyAsync(StoredPolicy policy, CancellationToken cancellationToken) =>
        throw new NotSupportedException("this host has no store of policies");

    /// <inheritdoc/>
    public Task<bool> RetireAsync(TenantId tenant, string name, string by, DateTimeOffset at, CancellationToken cancellationToken) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredPolicy>> ListAsync(TenantId tenant, string? name, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<StoredPolicy>>([]);
}
