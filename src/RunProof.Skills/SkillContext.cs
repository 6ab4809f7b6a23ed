using RunProof.Format;

namespace RunProof.Skills;

/// <summary>What a skill may know about the step that it executes.</summary>
public sealed class SkillContext
{
    private List<string>? _varies;

    /// <summary>The tenant on whose behalf it runs.</summary>
    public required TenantId TenantId { get; init; }

    /// <summary>The run.</summary>
    public required RunId RunId { get; init; }

    /// <summary>
    /// The least index, from 0, that the step can have in the trace. It is the step's index where no other step is under way; steps of parallel branches that end before it
    /// are recorded before it.
    /// </summary>
    public required int StepIndex { get; init; }

    /// <summary>Attempts of this planned step before this one.</summary>
    public required int Attempt { get; init; }

    /// <summary>A key that is the same for every attempt of this step: hand it to services that know idempotency keys.</summary>
    public required string IdempotencyKey { get; init; }

    /// <summary>The clock. A run with a frozen timestamp sees that time.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>The seed of the run's randomness. Default: 0.</summary>
    public SafeInteger Seed { get; init; }

    /// <summary>What a person decided of the step before it began; null where none was asked.</summary>
    public SkillApproval? Approval { get; init; }

    /// <summary>The run that the engine asked for on behalf of the step, once it has ended; null for any skill but <c>sub_run</c>.</summary>
    public SkillSubRun? SubRun { get; init; }

    /// <summary>Adds to what the step cost, in cents. Negative amounts are refused.</summary>
    /// <param name="cents">The amount.</param>
    public void AddCost(decimal cents)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cents);
        CostCents += cents;
    }

    /// <summary>What the step has cost so far, in cents.</summary>
    public decimal CostCents { get; private set; }

    /// <summary>Adds to the tokens of models that the step used, in and out. Negative amounts are refused.</summary>
    /// <param name="tokens">The amount.</param>
    public void AddTokens(long tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        Tokens += tokens;
    }

    /// <summary>Tokens of models that the step has used so far.</summary>
    public long Tokens { get; private set; }

    /// <summary>
    /// Says which model the step called and what that took. Its tokens and cost are added to the step's: a skill that calls this calls neither
    /// <see cref="AddTokens"/> nor <see cref="AddCost"/> for them.
    /// </summary>
    /// <param name="usage">What one call took.</param>
    /// <exception cref="ArgumentException">The step called another model before: a step calls one.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    public void AddUsage(ModelUsage usage)
    {
        ArgumentNullException.ThrowIfNull(usage);
        var sum = Usage is null ? usage.Checked() : Usage.Plus(usage.Checked());
        AddTokens(usage.InputTokens + usage.OutputTokens);
        AddCost(usage.CostCents);
        Usage = sum;
    }

    /// <summary>
    /// Says what a replay does with this step, where this call has another effect than the skill's calls usually have: an HTTP POST of a skill whose GETs are checked.
    /// </summary>
    /// <param name="behavior">What a replay does with it.</param>
    public void ReplayAs(ReplayBehavior behavior) => Replay = behavior;

    /// <summary>What a replay does with this step; null where it is what the skill declares.</summary>
    public ReplayBehavior? Replay { get; private set; }

    /// <summary>
    /// Says of a place of the outcome that another execution may give another value there without anything being wrong: a date, a request's id. It goes into the
    /// step's evidence; a replay tells a difference there and does not count it.
    /// </summary>
    /// <param name="path">A JSON path of member names from the outcome's root: <c>$.headers.date</c>.</param>
    /// <exception cref="ArgumentException">It is no such path.</exception>
    public void Varies(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!path.StartsWith("$.", StringComparison.Ordinal) && !path.StartsWith("$[", StringComparison.Ordinal))
            throw new ArgumentException("a place is a JSON path from the outcome's root: $.headers.date", nameof(path));
        (_varies ??= []).Add(path);
    }

    /// <summary>The places of the outcome that vary. Default: none.</summary>
    public IReadOnlyList<string> VaryingPlaces => _varies ?? (IReadOnlyList<string>)[];

    /// <summary>The model that the step has called, and what that took; null where it called none. It goes into the step's evidence.</summary>
    public ModelUsage? Usage { get; private set; }

    /// <summary>
    /// What goes into the step's context under the name of the skill's <see cref="SkillDescriptor.Source"/>, in place of what <see cref="SkillDescriptor.CheckAsync"/> gave.
    /// Not recorded for a skill without one. Default: null, nothing.
    /// </summary>
    public CanonicalJson? SourceEvidence { get; set; }
}

/// <summary>What a person decided of a step.</summary>
/// <param name="Approved">Whether the person approved; else rejected.</param>
/// <param name="By">The name of the person's key.</param>
/// <param name="At">When.</param>
/// <param name="Reason">Why, or null.</param>
public sealed record SkillApproval(bool Approved, string By, DateTimeOffset At, string? Reason);

/// <summary>A run that a step asked for, as it ended.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Status">How it stands: <c>succeeded</c>, <c>failed</c>, <c>aborted</c>, <c>cancelled</c>; anything else where the step waits for it no longer.</param>
public sealed record SkillSubRun(RunId RunId, string Status)
{
    /// <summary>The trace of its last attempt; null where it never began.</summary>
    public string? TraceId { get; init; }

    /// <summary>Steps in that trace; null where it is not sealed.</summary>
    public int? ChainLength { get; init; }

    /// <summary>The trace's root hash, in hexadecimal; null where it is not sealed.</summary>
    public string? RootHash { get; init; }

    /// <summary>Outcomes of its steps, by their ids.</summary>
    public required CanonicalJson Outcomes { get; init; }

    /// <summary>Ids of steps that were asked for and whose outcome is not handed on: they did not succeed, it is too large, or redaction changed it.</summary>
    public IReadOnlyList<string> Withheld { get; init; } = [];

    /// <summary>Why it did not succeed; null where it did.</summary>
    public SkillFailure? Failure { get; init; }
}
