using System.Collections.Concurrent;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.ServiceDefaults;

/// <summary>
/// Remembers valid keys for a short time, by hash. Unknown keys are never remembered: a key works the moment it is made, and a flood of guesses
/// cannot fill it.
/// </summary>
/// <param name="keys">The store.</param>
/// <param name="clock">The clock.</param>
public sealed class ApiKeyCache(IApiKeyStore keys, TimeProvider clock)
{
    /// <summary>Keys remembered at most; beyond it all are forgotten at once, which costs one look-up each.</summary>
    public const int Capacity = 4096;

    private readonly ConcurrentDictionary<Digest, (ApiKey Key, long Since)> _valid = new();

    /// <summary>How long a key that has been revoked may still work: 5 s.</summary>
    public static TimeSpan Lifetime { get; } = TimeSpan.FromSeconds(5);

    /// <summary>Finds a key that is not revoked.</summary>
    /// <param name="hash">The hash of the key's text.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The key; null where there is none.</returns>
    public async ValueTask<ApiKey?> FindAsync(Digest hash, CancellationToken cancellationToken)
    {
        if (_valid.TryGetValue(hash, out var known) && clock.GetElapsedTime(known.Since) < Lifetime)
            return known.Key;

        // Taken before the look-up: the lifetime counts from when the answer was surely true.
        var since = clock.GetTimestamp();
        var found = await keys.FindAsync(hash, cancellationToken);
        if (found is null)
        {
            _valid.TryRemove(hash, out _);
            return null;
        }

        if (_valid.Count >= Capacity)
            _valid.Clear();
        _valid[hash] = (found, since);
        return found;
    }
}
