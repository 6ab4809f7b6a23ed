using System.Buffers;
using RunProof.Format;

namespace RunProof.Execution;

/// <summary>What a failed step means for the steps after it.</summary>
public enum OnError
{
    /// <summary>The plan ends there and the run is failed. The default.</summary>
    Abort,

    /// <summary>The plan goes on; the failure is recorded and counted.</summary>
    Continue,

    /// <summary>A failure that may pass is tried again; when attempts run out, as <see cref="Abort"/>.</summary>
    Retry,
}

/// <summary>How the pause between attempts grows.</summary>
public enum BackoffStrategy
{
    /// <summary>Always the same.</summary>
    Constant,

    /// <summary>By one base pause for each attempt.</summary>
    Linear,

    /// <summary>Doubled for each attempt. The default.</summary>
    Exponential,
}

/// <summary>How often and how fast a step is tried again.</summary>
public sealed record RetryRule
{
    /// <summary>Attempts in all, 1 to 10. Default: 3.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>The pause before the second attempt, 0 to 600,000 ms. Default: 500.</summary>
    public int BackoffMs { get; init; } = 500;

    /// <summary>No pause is longer, 0 to 3,600,000 ms. Default: 30,000.</summary>
    public int MaxBackoffMs { get; init; } = 30_000;

    /// <summary>How the pause grows. Default: exponential. There is no jitter: a plan's pauses are part of what it says.</summary>
    public BackoffStrategy Strategy { get; init; } = BackoffStrategy.Exponential;

    /// <summary>Codes of the failures that are tried again, each whole or, with a <c>*</c> behind, by how it begins. Default: null, the failures that the skill says may pass.</summary>
    public IReadOnlyList<string>? WhenCodes { get; init; }

    /// <summary>Whether a failure is tried again while attempts are left.</summary>
    /// <param name="code">The failure's code, as it is recorded.</param>
    /// <param name="mayPass">Whether the skill says that it may pass.</param>
    public bool Covers(string code, bool mayPass) => WhenCodes is null ? mayPass
        : WhenCodes.Any(pattern => pattern.EndsWith('*') ? code.AsSpan().StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal) : code == pattern);
}

/// <summary>One step of a plan, as it will be executed.</summary>
public sealed record PlannedStep
{
    /// <summary>Milliseconds that an attempt may take where the plan does not say: 30,000.</summary>
    public const int DefaultTimeoutMs = 30_000;

    /// <summary>Its name within the plan: 1 to 64 of a-z 0-9 _ -. Default: <c>step_</c> and its index from 0.</summary>
    public required string Id { get; init; }

    /// <summary>The skill's name.</summary>
    public required string Skill { get; init; }

    /// <summary>The parameters, a JSON object; strings in it may refer to outcomes of earlier steps.</summary>
    public required CanonicalJson Parameters { get; init; }

    /// <summary>Whether any string in the parameters is a reference.</summary>
    public bool HasReferences { get; init; }

    /// <summary>
    /// Ids of the steps that must be over before it begins; null where the plan does not say: then it comes after the step before it, or, in a plan in which any step says,
    /// after none.
    /// </summary>
    public IReadOnlyList<string>? DependsOn { get; init; }

    /// <summary>What its failure means. Default: abort.</summary>
    public OnError OnError { get; init; }

    /// <summary>How it is tried again; null unless <see cref="OnError"/> is retry.</summary>
    public RetryRule? Retry { get; init; }

    /// <summary>Milliseconds that one attempt may take, 1 to 3,600,000. Default: 30,000.</summary>
    public int TimeoutMs { get; init; } = DefaultTimeoutMs;

    /// <summary>What must be true for it to be executed; where it is false the step is skipped. Default: null, nothing.</summary>
    public Condition? Condition { get; init; }

    /// <summary>What is executed in its place once it has failed for good. Default: null, nothing.</summary>
    public PlannedFallback? Fallback { get; init; }

    /// <summary>The step as its fallback is executed: under its id, with the fallback's skill.</summary>
    /// <exception cref="InvalidOperationException">It has none.</exception>
    internal PlannedStep AsFallback() => Fallback is not { } fallback ? throw new InvalidOperationException($"step \"{Id}\" has no fallback") : this with
    {
        Skill = fallback.Skill, Parameters = fallback.Parameters, HasReferences = fallback.HasReferences, Retry = fallback.Retry, TimeoutMs = fallback.TimeoutMs,
        Condition = null, Fallback = null,
    };
}

/// <summary>What is executed in a step's place once it has failed for good.</summary>
public sealed record PlannedFallback
{
    /// <summary>The skill's name.</summary>
    public required string Skill { get; init; }

    /// <summary>The parameters, a JSON object; strings in it may refer to outcomes of earlier steps.</summary>
    public required CanonicalJson Parameters { get; init; }

    /// <summary>Whether any string in the parameters is a reference.</summary>
    public bool HasReferences { get; init; }

    /// <summary>How it is tried again. Default: null, not at all.</summary>
    public RetryRule? Retry { get; init; }

    /// <summary>Milliseconds that one attempt may take, 1 to 3,600,000. Default: 30,000.</summary>
    public int TimeoutMs { get; init; } = PlannedStep.DefaultTimeoutMs;
}

/// <summary>The steps of a run, in the order of their execution unless they say what they depend on.</summary>
/// <param name="Steps">1 to <see cref="MaxSteps"/> steps; none only where a planner goes on with the plan while the run does.</param>
public sealed record Plan(IReadOnlyList<PlannedStep> Steps)
{
    /// <summary>The most steps that a plan may have.</summary>
    public const int MaxSteps = 10_000;

    /// <summary>The most dependencies that the steps of a plan may name, all together.</summary>
    public const int MaxDependencies = 100_000;

    private static readonly string[] OnErrorNames = ["abort", "continue", "retry"];
    private static readonly string[] StrategyNames = ["constant", "linear", "exponential"];

    internal static ReadOnlySpan<string> OnErrorWords => OnErrorNames;

    internal static ReadOnlySpan<string> StrategyWords => StrategyNames;

    /// <summary>The plan as canonical JSON: what is stored and committed to. Every default is written out, except of members that came later and are not used.</summary>
    /// <returns>A JSON array.</returns>
    public CanonicalJson ToCanonicalJson()
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("["u8);
        for (var i = 0; i < Steps.Count; i++)
        {
            if (i > 0)
                writer.WriteRaw(","u8);
            Write(ref writer, Steps[i]);
        }

        writer.WriteRaw("]"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    // Members in the order of their names, as canonical JSON wants them.
    private static void Write(ref CanonicalWriter writer, PlannedStep step)
    {
        writer.WriteRaw("{"u8);
        if (step.Condition is { } condition)
        {
            writer.WriteRaw("\"condition\":"u8);
            writer.WriteJson(condition.Json);
            writer.WriteRaw(","u8);
        }

        if (step.DependsOn is { } dependsOn)
            Write(ref writer, dependsOn);
        if (step.Fallback is { } fallback)
            Write(ref writer, fallback);
        writer.WriteRaw("\"id\":"u8);
        writer.WriteString(step.Id);
        writer.WriteRaw(",\"on_error\":"u8);
        writer.WriteString(OnErrorNames[(int)step.OnError]);
        writer.WriteRaw(",\"params\":"u8);
        writer.WriteJson(step.Parameters);
        writer.WriteRaw(",\"retry\":"u8);
        Write(ref writer, step.Retry);
        writer.WriteRaw(",\"skill\":"u8);
        writer.WriteString(step.Skill);
        writer.WriteRaw(",\"timeout_ms\":"u8);
        writer.WriteInt32(step.TimeoutMs);
        writer.WriteRaw("}"u8);
    }

    private static void Write(ref CanonicalWriter writer, IReadOnlyList<string> dependsOn)
    {
        writer.WriteRaw("\"depends_on\":["u8);
        for (var i = 0; i < dependsOn.Count; i++)
        {
            if (i > 0)
                writer.WriteRaw(","u8);
            writer.WriteString(dependsOn[i]);
        }

        writer.WriteRaw("],"u8);
    }

    private static void Write(ref CanonicalWriter writer, PlannedFallback fallback)
    {
        writer.WriteRaw("\"fallback\":{\"params\":"u8);
        writer.WriteJson(fallback.Parameters);
        writer.WriteRaw(",\"retry\":"u8);
        Write(ref writer, fallback.Retry);
        writer.WriteRaw(",\"skill\":"u8);
        writer.WriteString(fallback.Skill);
        writer.WriteRaw(",\"timeout_ms\":"u8);
        writer.WriteInt32(fallback.TimeoutMs);
        writer.WriteRaw("},"u8);
    }

    private static void Write(ref CanonicalWriter writer, RetryRule? retry)
    {
        if (retry is null)
        {
            writer.WriteNull();
            return;
        }

        writer.WriteRaw("{\"backoff_ms\":"u8);
        writer.WriteInt32(retry.BackoffMs);
        writer.WriteRaw(",\"max_attempts\":"u8);
        writer.WriteInt32(retry.MaxAttempts);
        writer.WriteRaw(",\"max_backoff_ms\":"u8);
        writer.WriteInt32(retry.MaxBackoffMs);
        writer.WriteRaw(",\"strategy\":"u8);
        writer.WriteString(StrategyNames[(int)retry.Strategy]);
        // Only where it is given: a plan from before it was there is written as it was.
        if (retry.WhenCodes is { } codes)
        {
            writer.WriteRaw(",\"when\":{\"codes\":["u8);
            for (var i = 0; i < codes.Count; i++)
            {
                if (i > 0)
                    writer.WriteRaw(","u8);
                writer.WriteString(codes[i]);
            }

            writer.WriteRaw("]}"u8);
        }

        writer.WriteRaw("}"u8);
    }
}

/// <summary>One thing that is wrong with a plan or a request.</summary>
/// <param name="Place">Where, in the caller's document: <c>plan[0].params.url</c>.</param>
/// <param name="Message">What is wrong there, in a sentence a caller can act on.</param>
public sealed record PlanError(string Place, string Message);

/// <summary>What came of reading a plan: the plan, or everything that is wrong with it.</summary>
/// <param name="Plan">The plan; null where there are errors.</param>
/// <param name="Errors">All errors, in the plan's order.</param>
public sealed record PlanValidation(Plan? Plan, IReadOnlyList<PlanError> Errors);
