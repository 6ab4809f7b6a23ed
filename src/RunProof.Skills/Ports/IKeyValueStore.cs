using RunProof.Format;

namespace RunProof.Skills;

/// <summary>
/// What a tenant's runs remember from one to the next, by key. Every change of a key raises its version by one, removing it too, so a version never stands for two
/// things. What is acknowledged is on the disk.
/// </summary>
public interface IKeyValueStore
{
    /// <summary>Reads a key.</summary>
    /// <param name="tenant">Whose.</param>
    /// <param name="key">1 to 512 characters.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SkillException"><c>store_unavailable</c>: the store cannot be reached; whether to retry is in it.</exception>
    /// <returns>What stands there; version 0 where nothing ever did.</returns>
    Task<KeyValue> GetAsync(TenantId tenant, string key, CancellationToken cancellationToken);

    /// <summary>Changes a key, if it is at the expected version.</summary>
    /// <param name="tenant">Whose.</param>
    /// <param name="key">1 to 512 characters.</param>
    /// <param name="value">The new value, at most 1 MiB; null removes it.</param>
    /// <param name="expectedVersion">The version that must stand there, 0 for none ever; null for any.</param>
    /// <param name="change">The change's own name, a step's idempotency key: of changes of one name the first counts, as long as it is among the key's last 32.</param>
    /// <param name="cancellationToken">Gives up; the change may have been made all the same.</param>
    /// <exception cref="SkillException"><c>store_unavailable</c>: the store cannot be reached; whether to retry is in it.</exception>
    /// <returns>Whether it was changed.</returns>
    Task<KeyValueChange> SetAsync(TenantId tenant, string key, CanonicalJson? value, long? expectedVersion, string change, CancellationToken cancellationToken);
}

/// <summary>What stands at a key.</summary>
/// <param name="Value">The value; null where there is none.</param>
/// <param name="Version">How often it was changed.</param>
public sealed record KeyValue(CanonicalJson? Value, long Version);

/// <summary>What came of a change.</summary>
/// <param name="Changed">Whether it was made, now or by an earlier call of the same name.</param>
/// <param name="Version">The version that it made; the one that stands, where it was not.</param>
public readonly record struct KeyValueChange(bool Changed, long Version);
