using System.Globalization;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>Which key.</summary>
[Canonical(Name = "kv_get.parameters")]
public sealed partial record KvGetParameters
{
    /// <summary>1 to 512 characters, none of them a control character.</summary>
    public required string Key { get; init; }
}

/// <summary>What stands there.</summary>
[Canonical(Name = "kv_get.outcome")]
public sealed partial record KvGetOutcome
{
    /// <summary>Whether there is a value.</summary>
    public required bool Found { get; init; }

    /// <summary>The value, or null.</summary>
    public required CanonicalJson? Value { get; init; }

    /// <summary>How often the key was changed: what kv_set may be told to expect. 0 where it never was.</summary>
    public required long Version { get; init; }
}

/// <summary>Reads a value that an earlier step or run of the tenant has kept under a key.</summary>
/// <remarks>A key without a value is no failure. Failures: <c>invalid_parameters</c>, <c>store_unavailable</c>.</remarks>
[Skill("kv_get", Version = "1.0.0", Idempotent = true, Replay = ReplayBehavior.Check)]
public sealed partial class KvGetSkill(IKeyValueStore store)
{
    /// <summary>Reads it.</summary>
    /// <param name="parameters">Which.</param>
    /// <param name="context">The step: its tenant's keys.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SkillException">The key is none, or the store cannot be reached.</exception>
    /// <returns>What stands there.</returns>
    public async Task<KvGetOutcome> ExecuteAsync(KvGetParameters parameters, SkillContext context, CancellationToken cancellationToken)
    {
        KvSetSkill.Check(parameters.Key);
        var found = await store.GetAsync(context.TenantId, parameters.Key, cancellationToken).ConfigureAwait(false);
        return new KvGetOutcome { Found = found.Value is not null, Value = found.Value, Version = found.Version };
    }
}

/// <summary>What to keep.</summary>
[Canonical(Name = "kv_set.parameters")]
public sealed partial record KvSetParameters
{
    /// <summary>1 to 512 characters, none of them a control character.</summary>
    public required string Key { get; init; }

    /// <summary>Any JSON but null, at most 256 KiB in its canonical form.</summary>
    public CanonicalJson? Value { get; init; }

    /// <summary>Removes the value; none is given then.</summary>
    public bool Remove { get; init; } = false;

    /// <summary>The version that must stand there for the change to be made, as kv_get told it; 0 for a key that never was. Without it, any.</summary>
    public long? ExpectedVersion { get; init; }
}

/// <summary>What came of it.</summary>
[Canonical(Name = "kv_set.outcome")]
public sealed partial record KvSetOutcome
{
    /// <summary>The version that the change made; where it failed for another version, that one.</summary>
    public required long Version { get; init; }
}

/// <summary>Keeps a value under a key for later steps and runs of the tenant, where asked for only if nobody has changed it since.</summary>
/// <remarks>
/// A repetition of the step, known by its idempotency key, changes nothing more. Failures: <c>invalid_parameters</c>, <c>version_conflict</c> (with the version
/// that stands), <c>store_unavailable</c>.
/// </remarks>
[Skill("kv_set", Version = "1.0.0", Idempotent = true, Replay = ReplayBehavior.Skip)]
public sealed partial class KvSetSkill(IKeyValueStore store)
{
    private const int LongestKey = 512;
    private const int LongestValue = 262_144;

    /// <summary>Keeps it.</summary>
    /// <param name="parameters">What.</param>
    /// <param name="context">The step: its tenant's keys, and its idempotency key.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SkillException">It cannot be kept.</exception>
    /// <returns>The version, or that another stands there.</returns>
    public async Task<SkillResult<KvSetOutcome>> ExecuteAsync(KvSetParameters parameters, SkillContext context, CancellationToken cancellationToken)
    {
        Check(parameters.Key);
        // JSON's null is no value: what reads it could not tell it from none.
        var value = parameters.Value is { } given && !given.Bytes.Span.SequenceEqual("null"u8) ? given : null;
        if (value is null != parameters.Remove)
            throw Invalid(parameters.Remove ? "value must not be given where the value is removed" : "value must be given, and not be null: remove removes it");
        if (value?.Bytes.Length > LongestValue)
            throw Invalid(string.Create(CultureInfo.InvariantCulture, $"value must be of at most {LongestValue} bytes"));
        if (parameters.ExpectedVersion < 0)
            throw Invalid("expected_version must not be negative");
        var change = await store.SetAsync(context.TenantId, parameters.Key, value, parameters.ExpectedVersion, context.IdempotencyKey, cancellationToken).ConfigureAwait(false);
        var outcome = new KvSetOutcome { Version = change.Version };
        return change.Changed
            ? outcome
            : SkillResult<KvSetOutcome>.Failed(
                new SkillFailure("version_conflict", string.Create(CultureInfo.InvariantCulture, $"the key is at version {change.Version}, not {parameters.ExpectedVersion}")), outcome);
    }

    internal static void Check(string key)
    {
        if (key.Length is 0 or > LongestKey || key.Any(char.IsControl))
            throw Invalid("key must be of 1 to 512 characters, none of them a control character");
    }

    private static SkillException Invalid(string message) => new(new SkillFailure("invalid_parameters", message));
}
