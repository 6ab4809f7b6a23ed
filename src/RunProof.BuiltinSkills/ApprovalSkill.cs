using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>What to ask people.</summary>
[Canonical(Name = "approval.parameters")]
public sealed partial record ApprovalParameters
{
    /// <summary>The question, 1 to 4000 characters.</summary>
    public required string Message { get; init; }

    /// <summary>Anything that helps them decide.</summary>
    public CanonicalJson? Details { get; init; }

    /// <summary>Seconds that they have, 1 to 31536000; by default what the runner says, a day.</summary>
    public int? ValidForSeconds { get; init; }

    /// <summary>Names of the API keys that may decide; by default any of scope approver.</summary>
    public IReadOnlyList<string>? Approvers { get; init; }

    /// <summary>What a rejection is.</summary>
    public OnReject OnReject { get; init; } = OnReject.Fail;
}

/// <summary>What a rejection is to the plan.</summary>
public enum OnReject
{
    /// <summary>The step fails, with <c>approval_rejected</c>.</summary>
    Fail,

    /// <summary>The step succeeds, and its outcome says so: later steps may refer to it.</summary>
    Outcome,
}

/// <summary>What a person decided.</summary>
[Canonical(Name = "approval.outcome")]
public sealed partial record ApprovalOutcome
{
    /// <summary>Whether the person approved.</summary>
    public required bool Approved { get; init; }

    /// <summary>The name of the person's API key.</summary>
    public required string By { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Why, or null.</summary>
    public required string? Reason { get; init; }
}

/// <summary>Asks people, and goes on once one has approved; the run waits meanwhile, in no process.</summary>
/// <remarks>
/// The engine asks before any step of this skill, whatever policies say. Failures: <c>approval_rejected</c>, <c>invalid_parameters</c>, <c>nobody_asked</c> (the runner has no
/// store of approvals); nobody decides in time: the step is blocked with <c>approval_expired</c>.
/// </remarks>
[Skill("approval", Version = "1.0.0", Idempotent = true, Replay = ReplayBehavior.Skip)]
public sealed partial class ApprovalSkill
{
    /// <summary>Tells what a person decided.</summary>
    /// <param name="parameters">What was asked.</param>
    /// <param name="context">The step, with the decision.</param>
    /// <param name="cancellationToken">Not used: there is nothing left to wait for.</param>
    /// <returns>The decision.</returns>
    public ValueTask<SkillResult<ApprovalOutcome>> ExecuteAsync(ApprovalParameters parameters, SkillContext context, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Tell(parameters, context));

    private static SkillResult<ApprovalOutcome> Tell(ApprovalParameters parameters, SkillContext context)
    {
        if (parameters.Message.Length is 0 or > 4_000)
            return Failed("invalid_parameters", "message must be 1 to 4000 characters");
        if (parameters.ValidForSeconds is < 1 or > 31_536_000)
            return Failed("invalid_parameters", "valid_for_seconds must be from 1 to 31536000");
        if (context.Approval is not { } decision)
            return Failed("nobody_asked", "this runner has no store of approvals: nobody was asked");
        var outcome = new ApprovalOutcome { Approved = decision.Approved, By = decision.By, At = decision.At, Reason = decision.Reason };
        return decision.Approved || parameters.OnReject is OnReject.Outcome
            ? outcome
            : SkillResult<ApprovalOutcome>.Failed(
                new SkillFailure("approval_rejected", $"rejected by {decision.By}{(decision.Reason is { } reason ? ": " + reason : "")}"), outcome);
    }

    private static SkillResult<ApprovalOutcome> Failed(string code, string message) => SkillResult<ApprovalOutcome>.Failed(new SkillFailure(code, message));
}
