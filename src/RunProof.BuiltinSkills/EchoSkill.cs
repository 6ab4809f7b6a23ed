using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>What is echoed.</summary>
[Canonical(Name = "echo.parameters")]
public sealed partial record EchoParameters
{
    /// <summary>Any JSON value.</summary>
    public required CanonicalJson Message { get; init; }
}

/// <summary>The echo.</summary>
[Canonical(Name = "echo.outcome")]
public sealed partial record EchoOutcome
{
    /// <summary>The message, as it came.</summary>
    public required CanonicalJson Message { get; init; }
}

/// <summary>Gives its message back. It touches nothing.</summary>
[Skill("echo", Version = "1.0.0", Idempotent = true, Replay = ReplayBehavior.Check)]
public sealed partial class EchoSkill
{
    /// <summary>Gives the message back.</summary>
    /// <param name="parameters">The message.</param>
    /// <param name="context">The step; not used.</param>
    /// <param name="cancellationToken">Not used: there is nothing to wait for.</param>
    /// <returns>The message.</returns>
    public ValueTask<EchoOutcome> ExecuteAsync(EchoParameters parameters, SkillContext context, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new EchoOutcome { Message = parameters.Message });
}
