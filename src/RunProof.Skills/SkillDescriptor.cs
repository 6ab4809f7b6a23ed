using System.Text.Json;
using RunProof.Format;

namespace RunProof.Skills;

/// <summary>A skill as the engine sees it: generated code derives from this, so that no call goes through reflection.</summary>
public abstract class SkillDescriptor
{
    /// <summary>The name in plans and evidence.</summary>
    public abstract string Name { get; }

    /// <summary>The version.</summary>
    public abstract string Version { get; }

    /// <summary>The first sentences of its doc comment.</summary>
    public abstract string Description { get; }

    /// <summary>JSON Schema of the parameters.</summary>
    public abstract string ParametersSchema { get; }

    /// <summary>JSON Schema of the outcome.</summary>
    public abstract string OutcomeSchema { get; }

    /// <summary>Canonical fingerprint of the parameters' record, hex.</summary>
    public abstract string ParametersFingerprint { get; }

    /// <summary>Canonical fingerprint of the outcome's record, hex.</summary>
    public abstract string OutcomeFingerprint { get; }

    /// <summary>The skill's schema (proof-format.md section 6): H("runproof/v1/skill\n" ‖ CJ([name, version, parameters fingerprint, outcome fingerprint])).</summary>
    public abstract Digest Schema { get; }

    /// <summary>What a replay does with its steps.</summary>
    public abstract ReplayBehavior Replay { get; }

    /// <summary>Whether every call of it may be executed again, under the same idempotency key, when a crash hid what its first execution did. Default: false;
    /// then <see cref="SkillCall.MayRepeat"/> says it of each.</summary>
    public virtual bool IsIdempotent => false;

    /// <summary>Where it is declared, for the message when two skills share a name: <c>Namespace.Type, Assembly</c>.</summary>
    public abstract string DeclaredAt { get; }

    /// <summary>The <see cref="ISkillSource"/> that brought it at run time; null for one that was compiled. Default: null.</summary>
    public virtual string? Source => null;

    /// <summary>Looks, before an attempt binds its parameters, whether the skill still is what its run's trace pinned. Asked only of one that has a <see cref="Source"/>.</summary>
    /// <param name="pin">What the trace's context has under the source's name; null where it has nothing, or that is not known any more.</param>
    /// <param name="cancellationToken">Cancelled when the run is stopped.</param>
    /// <returns>Whether it may be executed, and what goes into evidence. Default: it may.</returns>
    public virtual ValueTask<SkillCheck> CheckAsync(CanonicalJson? pin, CancellationToken cancellationToken) => default;

    /// <summary>Binds parameters that a plan gives, and keeps them ready to execute.</summary>
    /// <param name="parameters">A JSON object.</param>
    /// <param name="place">Where it stands in the plan, for messages.</param>
    /// <exception cref="JsonBindingException">They do not fit; the place is named.</exception>
    /// <returns>The bound call.</returns>
    public abstract SkillCall Bind(JsonElement parameters, string place);
}

/// <summary>A skill with its bound parameters.</summary>
public abstract class SkillCall
{
    /// <summary>The canonical bytes of the parameters, as they are executed (not redacted).</summary>
    public abstract CanonicalJson Parameters { get; }

    /// <summary>Whether this very call may be executed again, under the same idempotency key, when a crash hid what its first execution did. Default: false.</summary>
    public virtual bool MayRepeat => false;

    /// <summary>What a skill class says of a call.</summary>
    /// <typeparam name="TSkill">The class.</typeparam>
    /// <typeparam name="TParameters">Its parameters.</typeparam>
    /// <param name="parameters">The call.</param>
    /// <returns>Whether it may be made again.</returns>
    protected static bool MayRepeatBy<TSkill, TParameters>(TParameters parameters)
        where TSkill : IRepeatable<TParameters> => TSkill.MayRepeat(parameters);

    /// <summary>What executing it once may use at most; null where nobody says. Default: null.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="tenant">Whose call it is.</param>
    public virtual UseLimit? MostOf(IServiceProvider services, TenantId tenant) => null;

    /// <summary>What a skill class says of a call.</summary>
    /// <typeparam name="TSkill">The class.</typeparam>
    /// <typeparam name="TParameters">Its parameters.</typeparam>
    /// <param name="parameters">The call.</param>
    /// <param name="services">The host's services.</param>
    /// <param name="tenant">Whose call it is.</param>
    /// <returns>What it may use at most, or null.</returns>
    protected static UseLimit? MostBy<TSkill, TParameters>(TParameters parameters, IServiceProvider services, TenantId tenant)
        where TSkill : ILimited<TParameters> => TSkill.MostOf(parameters, services, tenant);

    /// <summary>Executes the skill once.</summary>
    /// <param name="services">The step's scope.</param>
    /// <param name="context">The step.</param>
    /// <param name="cancellationToken">Cancelled at the step's timeout or when the run is stopped.</param>
    /// <returns>The outcome; a <see cref="SkillException"/> is turned into a failure, any other exception escapes.</returns>
    public abstract ValueTask<SkillOutcome> ExecuteAsync(IServiceProvider services, SkillContext context, CancellationToken cancellationToken);
}

/// <summary>What came of one execution.</summary>
/// <param name="Outcome">Canonical bytes of the outcome; null where there is none.</param>
/// <param name="Failure">Why it failed; null where it succeeded.</param>
public readonly record struct SkillOutcome(CanonicalJson? Outcome, SkillFailure? Failure);
