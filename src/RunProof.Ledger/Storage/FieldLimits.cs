namespace RunProof.Ledger;

/// <summary>
/// The longest texts that a store keeps, in Unicode scalar values; none may be empty, none may hold U+0000. Ids have the format's own limits.
/// What is checked here before it is written comes back as a clear refusal; what is not, as the store's.
/// </summary>
public static class FieldLimits
{
    /// <summary>origin_system_id and synthetic_scenario_id of a run and a trace.</summary>
    public const int Origin = 128;

    /// <summary>planner.</summary>
    public const int Planner = 64;

    /// <summary>skill_id and skill_name.</summary>
    public const int Skill = 128;

    /// <summary>skill_version.</summary>
    public const int SkillVersion = 64;

    /// <summary>outcome_category and outcome_code.</summary>
    public const int Outcome = 64;

    /// <summary>idempotency_key of a run and a step.</summary>
    public const int IdempotencyKey = 256;

    /// <summary>rng_state_before.</summary>
    public const int RngState = 256;

    /// <summary>Name of an agent or a key.</summary>
    public const int Name = 200;

    /// <summary>Description of an agent; it may be empty.</summary>
    public const int Description = 4000;

    /// <summary>The earliest time that is kept; times run to <see cref="LatestTime"/>, exclusive.</summary>
    public static readonly DateTimeOffset EarliestTime = new(1, 1, 2, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The first time that is too late to be kept.</summary>
    public static readonly DateTimeOffset LatestTime = new(9999, 12, 31, 0, 0, 0, TimeSpan.Zero);
}
