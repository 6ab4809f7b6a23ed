using System.ComponentModel;
using System.Text.Json;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Runner;

/// <summary>A run.</summary>
internal sealed record RunView
{
    public required string RunId { get; init; }
    public required string AgentId { get; init; }
    public required string Goal { get; init; }
    public required string OriginSystemId { get; init; }
    public required string CorrelationId { get; init; }
    public required string Planner { get; init; }

    [Description("The plan as it is stored: every default written out, secrets redacted.")]
    public required JsonElement Plan { get; init; }

    [Description("queued, running, paused, waiting (for people to approve a step, or for sub-runs), succeeded, failed, aborted or cancelled.")]
    public required string Status { get; init; }

    [Description("Attempts begun, each with a trace of its own: trace_ID, trace_ID.2, …")]
    public required int Attempts { get; init; }
    public required int MaxAttempts { get; init; }
    public required int Priority { get; init; }
    public required string? NotBefore { get; init; }

    [Description("Since when somebody wants it paused; null where nobody does, or it is.")]
    public required string? PauseRequestedAt { get; init; }

    [Description("Since when somebody wants it cancelled.")]
    public required string? CancelRequestedAt { get; init; }
    [Description("What it may use over all its attempts; null: as much as it likes.")]
    public required RunBudgetView? Budget { get; init; }

    [Description("Whether, in each attempt, nothing begins before the trace's opening is in the tenant's log.")]
    public required bool AwaitLogOpening { get; init; }
    public required long Seed { get; init; }
    public required string? FrozenTimestamp { get; init; }
    public required bool IsSynthetic { get; init; }
    public required string? SyntheticScenarioId { get; init; }
    public required string? IdempotencyKey { get; init; }

    [Description("The trace that the run replays or goes on from; null for a run that begins at its beginning.")]
    public required RunOriginView? Origin { get; init; }

    [Description("The step that asked for the run and waits for it; null for a run that no run asked for.")]
    public required RunParentView? Parent { get; init; }

    [Description("The trace of the last attempt.")]
    public required string TraceId { get; init; }

    [Description("Traces recorded so far, over all attempts.")]
    public required int TraceCount { get; init; }

    [Description("Steps recorded in them so far.")]
    public required long StepCount { get; init; }

    [Description("What these steps cost, in cents: an exact decimal, a string.")]
    public required string CostCents { get; init; }

    [Description("Tokens of models that these steps used.")]
    public required long Tokens { get; init; }

    [Description("Whether any runner can go on with it. False where redaction changed its plan or its goal: then the process that took it in alone knows them whole.")]
    public required bool Durable { get; init; }

    [Description("Why it is not durable, and what that means; null where it is.")]
    public required string? NotDurableBecause { get; init; }
    public required RunErrorView? Error { get; init; }
    public required string CreatedAt { get; init; }
    public required string? StartedAt { get; init; }
    public required string? CompletedAt { get; init; }
    public required double? DurationMs { get; init; }
    public required RunLinks Links { get; init; }

    public static RunView Of(Run run) => new()
    {
        RunId = run.Id.Value,
        AgentId = run.AgentId.Value,
        Goal = run.Goal,
        OriginSystemId = run.OriginSystemId,
        CorrelationId = run.CorrelationId.Value,
        Planner = run.Planner,
        Plan = Parse(run.PlanJson),
        Status = RunWords.Of(run.Status),
        Attempts = run.Attempts,
        MaxAttempts = run.MaxAttempts,
        Priority = run.Priority,
        NotBefore = Text(run.NotBefore),
        PauseRequestedAt = Text(run.PauseRequestedAt),
        CancelRequestedAt = Text(run.CancelRequestedAt),
        Budget = RunBudgetView.Of(run.Budget),
        AwaitLogOpening = run.AwaitsLogOpening,
        Seed = run.Seed.Value,
        FrozenTimestamp = Text(run.FrozenTimestamp),
        IsSynthetic = run.IsSynthetic,
        SyntheticScenarioId = run.SyntheticScenarioId,
        IdempotencyKey = run.IdempotencyKey,
        Origin = run.Origin is { } origin ? RunOriginView.Of(origin) : null,
        Parent = run.Parent is { } parent ? new RunParentView(parent.Run.Value, parent.Trace.Value, parent.PlanStep, parent.PlanIndex, run.Depth) : null,
        TraceId = Format.TraceId.Of(run.Id, run.Attempts).Value,
        TraceCount = run.TraceCount,
        StepCount = run.StepCount,
        CostCents = run.CostCents,
        Tokens = run.Tokens,
        Durable = !run.PlanRedacted,
        NotDurableBecause = run.PlanRedacted ? NotKept : null,
        Error = run.ErrorCode is { } code ? new RunErrorView(code, run.ErrorMessage ?? "") : null,
        CreatedAt = WireTime.ToText(run.CreatedAt),
        StartedAt = Text(run.StartedAt),
        CompletedAt = Text(run.CompletedAt),
        DurationMs = run.DurationMs,
        Links = RunLinks.Of(run),
    };

    private const string NotKept =
        "redaction changed its plan or its goal, and no store keeps what was taken out: it stays with the runner that took it in, has one attempt and cannot be paused; "
        + "if that runner dies, it ends aborted with plan_not_kept";

    private static string? Text(DateTimeOffset? time) => time is { } given ? WireTime.ToText(given) : null;

    private static JsonElement Parse(string plan)
    {
        using var document = JsonDocument.Parse(plan, new JsonDocumentOptions { MaxDepth = 2 * Canonicalizer.MaxDepth });
        return document.RootElement.Clone();
    }
}

/// <summary>Where a run comes from.</summary>
/// <param name="Kind"><c>replay</c> or <c>fork</c>.</param>
/// <param name="RunId">The origin.</param>
/// <param name="TraceId">Its trace.</param>
/// <param name="From">The planned step that the run begins with.</param>
/// <param name="Mode">A replay's: <c>check</c> or <c>dry</c>.</param>
internal sealed record RunOriginView(string Kind, string RunId, string TraceId, int From, string? Mode)
{
    public static RunOriginView Of(RunOrigin origin) => new(
        origin.Mode is null ? "fork" : "replay", origin.Run.Value, origin.Trace.Value, origin.From,
        origin.Mode switch { ReplayMode.Check => "check", ReplayMode.Dry => "dry", _ => null });
}

/// <summary>Which step asked for a run.</summary>
/// <param name="RunId">Its run.</param>
/// <param name="TraceId">The trace of that run's attempt.</param>
/// <param name="PlanStep">The step's id in the plan.</param>
/// <param name="PlanIndex">Its place in the plan.</param>
/// <param name="Depth">Runs above this one: 1 where nobody asked for the parent but a caller.</param>
internal sealed record RunParentView(string RunId, string TraceId, string PlanStep, int PlanIndex, int Depth);

/// <summary>Why a run did not succeed.</summary>
internal sealed record RunErrorView(string Code, string Message);

/// <summary>Where more is to be had.</summary>
/// <param name="Self">The run, on the runner.</param>
/// <param name="Proof">Its proof, on the verifier.</param>
/// <param name="Events">Its progress as server-sent events, on the runner.</param>
/// <param name="SubRuns">The runs that its steps asked for, on the runner.</param>
/// <param name="Parent">The run that asked for it, on the runner; null where none did.</param>
internal sealed record RunLinks(string Self, string Proof, string Events, string SubRuns, string? Parent)
{
    public static RunLinks Of(Run run)
    {
        var self = SelfOf(run.Id);
        return new RunLinks(self, self + "/proof", self + "/events", "/api/v1/runs?parent=" + Uri.EscapeDataString(run.Id.Value), run.Parent is { } parent ? SelfOf(parent.Run) : null);
    }

    private static string SelfOf(RunId run) => "/api/v1/runs/" + Uri.EscapeDataString(run.Value);
}

/// <summary>Some runs, and where the next ones begin.</summary>
internal sealed record RunPage(IReadOnlyList<RunView> Items, string? Next);

/// <summary>The body of a request for a run. It documents the body; <see cref="CreateRunReader"/> reads it.</summary>
internal sealed record CreateRun
{
    public required string AgentId { get; init; }

    [Description("What the run is for: 1 to 16,384 characters.")]
    public required string Goal { get; init; }

    [Description("The system that asks for it: 1 to 128 characters.")]
    public required string OriginSystemId { get; init; }

    [Description("The steps, for the planner \"given\".")]
    public IReadOnlyList<CreateStep>? Plan { get; init; }

    [Description("stub, given, rules, llm or agent; default given where there is a plan, else stub.")]
    public string? Planner { get; init; }

    [Description("The language model, by its configured name, for the planners agent and llm; default the tenant's only one.")]
    public string? Model { get; init; }

    [Description("The skills that the model may use: names, * for any characters. Default: what the operator has configured.")]
    public IReadOnlyList<string>? Tools { get; init; }

    [Description("The system prompt, by its configured name; default the planner's own.")]
    public string? SystemPromptRef { get; init; }

    [Description("Answers of the model at most, 1 to what the operator allows (16 where it says nothing), which is the default.")]
    public int? MaxTurns { get; init; }

    [Description("Steps at most, 2 to what the operator allows (100 where it says nothing), which is the default.")]
    public int? MaxSteps { get; init; }

    [Description("Your own id for what the run belongs to; default the run's id.")]
    public string? CorrelationId { get; init; }

    [Description("Seed of the run's randomness, within ±(2^53 − 1); default 0.")]
    public long? Seed { get; init; }

    [Description("The time that skills see as now, with its offset; default the real time.")]
    public string? FrozenTimestamp { get; init; }

    [Description("Whether the run is a test and no one's work; default false.")]
    public bool? IsSynthetic { get; init; }

    [Description("The scenario of a synthetic run.")]
    public string? SyntheticScenarioId { get; init; }

    [Description("The run's place among the tenant's waiting runs, -100 to 100, higher first; default 0.")]
    public int? Priority { get; init; }

    [Description("The run begins no earlier; with its offset. Default: at once.")]
    public string? NotBefore { get; init; }

    [Description("Attempts in all where the run does not succeed, 1 to 100; default 1. A run whose plan holds secrets has one.")]
    public int? MaxAttempts { get; init; }

    [Description("What the run may use over all its attempts; frozen with it. Default: as much as it likes.")]
    public CreateRunBudget? Budget { get; init; }

    [Description("Whether, in each attempt, nothing begins before the trace's opening is in the tenant's log; default what the runner is set to, which is false.")]
    public bool? AwaitLogOpening { get; init; }

    [Description("The same request under the same key makes one run; 1 to 256 characters. The header Idempotency-Key does the same.")]
    public string? IdempotencyKey { get; init; }

    [Description("Seconds (0 to 300) to wait for the run's end, or true for 60; default 0.")]
    public JsonElement? Wait { get; init; }
}

/// <summary>A step of a caller's plan. Strings in its params may refer to earlier outcomes: <c>{{steps.ID.PATH}}</c>.</summary>
internal sealed record CreateStep
{
    [Description("1 to 64 of a-z 0-9 _ -; default step_ and the step's index from 0.")]
    public string? Id { get; init; }

    [Description("A skill's name.")]
    public required string Skill { get; init; }

    [Description("The skill's parameters. A string {{steps.ID.PATH}} becomes the value at that path of an earlier step's outcome.")]
    public JsonElement? Params { get; init; }

    [Description("abort, continue or retry; default abort.")]
    public string? OnError { get; init; }

    [Description("Only with on_error retry.")]
    public CreateRetry? Retry { get; init; }

    [Description("Milliseconds that an attempt may take, 1 to 3,600,000; default 30,000.")]
    public int? TimeoutMs { get; init; }
}

/// <summary>How a step is tried again.</summary>
internal sealed record CreateRetry
{
    [Description("Attempts in all, 1 to 10; default 3.")]
    public int? MaxAttempts { get; init; }

    [Description("Pause before the second attempt, 0 to 600,000 ms; default 500.")]
    public int? BackoffMs { get; init; }

    [Description("The longest pause, 0 to 3,600,000 ms; default 30,000.")]
    public int? MaxBackoffMs { get; init; }

    [Description("constant, linear or exponential; default exponential.")]
    public string? Strategy { get; init; }
}
