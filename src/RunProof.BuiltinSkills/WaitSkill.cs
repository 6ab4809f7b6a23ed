using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>How long to wait.</summary>
[Canonical(Name = "wait.parameters")]
public sealed partial record WaitParameters
{
    /// <summary>Milliseconds, 0 to 600000.</summary>
    public required int Ms { get; init; }
}

/// <summary>How long it waited.</summary>
[Canonical(Name = "wait.outcome")]
public sealed partial record WaitOutcome
{
    /// <summary>Milliseconds asked for; the step's duration says what they took.</summary>
    public required int WaitedMs { get; init; }
}

/// <summary>Waits for a time of up to ten minutes; the step's timeout must be longer.</summary>
[Skill("wait", Version = "1.0.0", Idempotent = true, Replay = ReplayBehavior.Check)]
public sealed partial class WaitSkill
{
    private const int LongestMs = 600_000;

    /// <summary>Waits on the step's clock.</summary>
    /// <param name="parameters">How long.</param>
    /// <param name="context">The step, whose clock counts.</param>
    /// <param name="cancellationToken">Ends the wait early.</param>
    /// <exception cref="OperationCanceledException">The step timed out or the run was stopped.</exception>
    /// <returns>How long it waited; failure <c>invalid_parameters</c> where the time is out of range.</returns>
    public async Task<SkillResult<WaitOutcome>> ExecuteAsync(WaitParameters parameters, SkillContext context, CancellationToken cancellationToken)
    {
        if (parameters.Ms is < 0 or > LongestMs)
            return SkillResult<WaitOutcome>.Failed(new SkillFailure("invalid_parameters", "ms must be from 0 to 600000"));
        await Task.Delay(TimeSpan.FromMilliseconds(parameters.Ms), context.Clock, cancellationToken).ConfigureAwait(false);
        return new WaitOutcome { WaitedMs = parameters.Ms };
    }
}
