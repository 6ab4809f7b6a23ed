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

    private static readonly CanonicalJson NoParameters = CanonicalJson.FromCanonicalBytes("{}"u8.ToArray());

    /// <summary>The step as it is recorded.</summary>
    /// <param name="run">The run; its stored plan names the step.</param>
    /// <param name="intent">What had been announced.</param>
    /// <param name="outcomes">Recorded outcomes by step id.</param>
    /// <param name="unknowable">Ids of steps whose recorded outcome is not what they gave, or null.</param>
    /// <param name="of">The gate of the run, where it goes on.</param>
    public StepRecording Of(
        Run run, StepIntent intent, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable, IRunGate? of = null)
    {
        using var plan = JsonDocument.Parse(run.PlanJson, ReferenceResolver.Deep);
        var step = intent.PlanIndex < plan.RootElement.GetArrayLength() ? plan.RootElement[intent.PlanIndex] : default;
        var name = TraceRecovery.TextOf(step, "skill") ?? "unknown";
        var id = TraceRecovery.TextOf(step, "id") ?? "step_" + intent.PlanIndex.ToString(CultureInfo.InvariantCulture);
        skills.TryFind(name, out var skill);
        var (parameters, note) = ParametersOf(run, step, outcomes, unknowable);
        var failure = new SkillFailure("interrupted", "the process died while the step was under way; what it did is not known");
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
            IdempotencyKey = string.Create(CultureInfo.InvariantCulture, $"{run.Id.Value}:{intent.PlanIndex}"),
            ReplayBehavior = skill?.Replay ?? ReplayBehavior.Execute,
            Source = run.Origin?.Mode is null ? StepSource.Engine : StepSource.Replay,
            Timestamp = intent.StartedAt,
            Parameters = parameters,
            Decision = of?.Undecided(new StepAction(name, parameters), NotDecided) ?? gate.Undecided(NotDecided),
            Context = EvidenceContext.OfStep(id, intent.PlanIndex, intent.Attempt, options.Worker, null, failure, note),
        };
    }

    private static (CanonicalJson Parameters, string? Note) ParametersOf(
        Run run, JsonElement step, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable)
    {
        const string Unknown = "the parameters that were executed are not known";
        if (step.ValueKind is not JsonValueKind.Object || !step.TryGetProperty("params", out var planned))
            return (NoParameters, Unknown);
        try
        {
            var parameters = CanonicalJson.Parse(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(planned));
            var resolved = ReferenceResolver.Resolve(parameters, outcomes, unknowable);
            return (resolved, run.PlanRedacted ? "the parameters are those of the stored plan, after redaction" : "the parameters are those of the stored plan, with recorded outcomes");
        }
        catch (Exception unknown) when (unknown is UnresolvedReferenceException or RedactedReferenceException or CanonicalFormatException)
        {
            return (NoParameters, $"{Unknown}: {unknown.Message}");
        }
    }
}
