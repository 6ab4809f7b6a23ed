using System.Threading;
using System.Threading.Tasks;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Generators.Tests.Samples;

/// <summary>What is said.</summary>
[Canonical]
public sealed partial record EchoParameters(string Message, string? Fail = null);

/// <summary>What came back.</summary>
[Canonical]
public sealed partial record EchoOutcome(string Message);

[Canonical]
public readonly partial record struct Count(int Value);

public sealed class Greeter
{
    public string Greet(string name) => "hello " + name;
}

/// <summary>
/// Says it back,
/// politely: see <see cref="EchoOutcome"/> &amp; <c>message</c>.
/// </summary>
[Skill("echo", Version = "1.2.0", Replay = ReplayBehavior.Skip, Idempotent = true)]
public sealed partial class EchoSkill(Greeter greeter)
{
    public Task<EchoOutcome> ExecuteAsync(EchoParameters parameters, SkillContext context, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return parameters.Fail is null
            ? Task.FromResult(new EchoOutcome(greeter.Greet(parameters.Message)))
            : throw new SkillException(new SkillFailure(parameters.Fail, "as asked", Retryable: true));
    }
}

/// <summary>Gives a result.</summary>
[Skill("sample/Result:1")]
internal sealed partial class ResultSkill : IRepeatable<EchoParameters>, ILimited<EchoParameters>
{
    static UseLimit? ILimited<EchoParameters>.MostOf(EchoParameters parameters, System.IServiceProvider services, TenantId tenant) =>
        parameters.Fail is null ? new UseLimit(0.5m, parameters.Message.Length) : null;

    static bool IRepeatable<EchoParameters>.MayRepeat(EchoParameters parameters) => parameters.Fail is null;

    public ValueTask<SkillResult<EchoOutcome>> ExecuteAsync(EchoParameters parameters, SkillContext context, CancellationToken cancellationToken) => new(parameters.Fail switch
    {
        null => new EchoOutcome(parameters.Message),
        "nothing" => default(SkillResult<EchoOutcome>),
        "bare" => SkillResult<EchoOutcome>.Failed(new SkillFailure("bare", "no outcome")),
        _ => SkillResult<EchoOutcome>.Failed(new SkillFailure(parameters.Fail, "with outcome"), new EchoOutcome("kept")),
    });
}

internal static class StaticSkills
{
    /// <summary>Counts.</summary>
    [Skill("count")]
    internal static ValueTask<Count> CountAsync(EchoParameters parameters, SkillContext context, CancellationToken cancellationToken) => new(new Count(parameters.Message.Length));
}
