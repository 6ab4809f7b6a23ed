using System.Globalization;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>Writes of a step that began what can be known of it when a crash hid its outcome.</summary>
internal sealed class Interruptions(SkillRegistry skills, IStepGate gate, ExecutionOptions options)
{
    private const string NotDecided = "the process died while the step was under way; what it had decided of it is not known";

    private const string EndedFirst = "the run ended while the step waited; what had been decided of it before it began is not known here";

    private static readonly CanonicalJson NoParameters = CanonicalJson.FromCanonicalBytes("{}"u8.ToArray());

    /// <summary>Whether a step that had begun may be executed again: its skill says it of all its calls, or of this one.</summary>
    /// <param name="planned">The step.</param>
    /// <param name="outcomes">Recorded outcomes by step id.</param>
    /// <param name="unknowable">Ids of steps whose recorded outcome is not what they gave.</param>
    public bool MayRepeat(PlannedStep planned, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable)
    {
        if (!skills.TryFind(planned.Skill, out var skill))
            return false;
        try
        {
            return skill.IsIdempotent || MayRepeat(skill, SubPlans.Resolve(planned.Skill, planned.Parameters, outcomes, unknowable));
        }
        catch (Exception unknown) when (unknown is UnresolvedReferenceException or RedactedReferenceException or CanonicalFormatException)
        {
            return false;
        }
    }

    /// <summary>The same of a call whose parameters are known. What cannot be bound was never executed, and is not said to be harmless.</summary>
    public bool MayRepeat(SkillDescriptor skill, CanonicalJson parameters)
    {
        if (skill.IsIdempotent)
            return true;
        try
        {
            using var document = JsonDocument.Parse(parameters.Bytes, ReferenceResolver.Deep);
            return skill.Bind(document.RootElement, "params").MayRepeat;
        }
        catch (Exception refused) when (refused is JsonBindingException or CanonicalFormatException)
        {
            return false;
        }
    }

    /// <summary>The step as it is recorded.</summary>
    /// <param name="run">The run.</param>
    /// <param name="planned">The step; null where only the run's stored plan can name it.</param>
    /// <param name="intent">What had been announced.</param>
    /// <param name="isFallback">Whether it is the step's fallback that was.</param>
    /// <param name="outcomes">Recorded outcomes by step id.</param>
    /// <param name="unknowable">Ids of steps whose recorded outcome is not what they gave, or null.</param>
    /// <param name="of">The gate of the run, where it goes on.</param>
    /// <param name="known">What is known of it all the same; null where its process died.</param>
    public StepRecording Of(
        Run run, PlannedStep? planned, StepIntent intent, bool isFallback, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable, IRunGate? of = null,
        SkillFailure? known = null)
    {
        var (name, id, given) = planned is null ? Stored(run, intent.PlanIndex, isFallback) : (planned.Skill, planned.Id, planned.Parameters);
        skills.TryFind(name, out var skill);
        var (parameters, note) = ParametersOf(run, name, given, outcomes, unknowable);
        var undecided = known is null ? NotDecided : EndedFirst;
        var failure = known ?? new SkillFailure("interrupted", "the process died while the step was under way; what it did is not known");
        return new StepRecording
        {
            SkillId = name,
            SkillName = name,
            SkillVersion = skill?.Version,
            Schema = skill?.Schema,
            Status = StepStatus.Interrupted,
            OutcomeCategory = Outcomes.Failure,
            OutcomeCode = failure.Code,
            DurationMs = 0,
            RetryCount = intent.Attempt,
            IdempotencyKey = StepCall.KeyOf(run, intent.PlanIndex, isFallback),
            ReplayBehavior = skill?.Replay ?? ReplayBehavior.Execute,
            Source = run.Origin?.Mode is null ? StepSource.Engine : StepSource.Replay,
            Timestamp = intent.StartedAt,
            Parameters = parameters,
            Decision = of?.Undecided(new StepAction(name, parameters), undecided) ?? gate.Undecided(undecided),
            Context = EvidenceContext.OfStep(id, intent.PlanIndex, intent.Attempt, options.Worker, null, failure, note),
        };
    }

    private static (string Skill, string Id, CanonicalJson? Parameters) Stored(Run run, int index, bool isFallback)
    {
        using var plan = JsonDocument.Parse(run.PlanJson, ReferenceResolver.Deep);
        var step = index < plan.RootElement.GetArrayLength() ? plan.RootElement[index] : default;
        var id = TraceRecovery.TextOf(step, "id") ?? "step_" + index.ToString(CultureInfo.InvariantCulture);
        if (isFallback)
            step = step.ValueKind is JsonValueKind.Object && step.TryGetProperty("fallback", out var fallback) ? fallback : default;
        var parameters = step.ValueKind is JsonValueKind.Object && step.TryGetProperty("params", out var given)
            ? CanonicalJson.Parse(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(given)) : null;
        return (TraceRecovery.TextOf(step, "skill") ?? "unknown", id, parameters);
    }

    private static (CanonicalJson Parameters, string? Note) ParametersOf(
        Run run, string skill, CanonicalJson? given, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable)
    {
        const string Unknown = "the parameters that were executed are not known";
        if (given is null)
            return (NoParameters, Unknown);
        try
        {
            var resolved = SubPlans.Resolve(skill, given, outcomes, unknowable);
            return (resolved, run.PlanRedacted ? "the parameters are those of the stored plan, after redaction" : "the parameters are those of the stored plan, with recorded outcomes");
        }
        catch (Exception unknown) when (unknown is UnresolvedReferenceException or RedactedReferenceException or CanonicalFormatException)
        {
            return (NoParameters, $"{Unknown}: {unknown.Message}");
        }
    }
}
