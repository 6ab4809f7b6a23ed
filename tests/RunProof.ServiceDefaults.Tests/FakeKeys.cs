using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.ServiceDefaults.Tests;

/// <summary>Keys in memory; counts look-ups, and fails when told to.</summary>
internal sealed class FakeKeys : IApiKeyStore
{
    private readonly Dictionary<Digest, ApiKey> _keys = [];

    internal int LookUps { get; private set; }

    internal Exception? Failure { get; set; }

    internal string Add(string tenant, string scope)
    {
        var text = ApiKeySecret.Create();
        _keys[ApiKeySecret.HashOf(text)] = new ApiKey(TenantId.Parse(tenant), $"key_{_keys.Count}", "test", scope, DateTimeOffset.UnixEpoch, null);
        return text;
    }

    internal void Revoke(string text) => _keys.Remove(ApiKeySecret.HashOf(text));

    public Task<ApiKey?> FindAsync(Digest secretHash, CancellationToken cancellationToken)
    {
        LookUps++;
        return Failure is null ? Task.FromResult(_keys.GetValueOrDefault(secretHash)) : Task.FromException<ApiKey?>(Failure);
    }

    public Task CreateAsync(ApiKey key, Digest secretHash, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<ApiKey>> ListAsync(TenantId? tenant, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<bool> RevokeAsync(string id, DateTimeOffset at, CancellationToken cancellationToken) => throw new NotSupportedException();
}
