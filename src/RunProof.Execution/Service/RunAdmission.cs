using System.Buffers;
using System.Globalization;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>What a request becomes: a plan, or all that is wrong.</summary>
internal sealed record Admission(Plan? Plan, IReadOnlyList<PlanError> Errors, bool InPlan)
{
    /// <summary>The places of the plan that policies take out of evidence.</summary>
    public IReadOnlyList<PlaceRedaction> Redactions { get; init; } = [];

    /// <summary>The kill switch that keeps it from being taken in, or null.</summary>
    public KillSwitch? Kill { get; init; }
}

/// <summary>Validates requests, plans, and makes the run that is stored: redacted, while what is executed stays in memory.</summary>
internal sealed class RunAdmission(IEnumerable<IPlanner> planners, PlanParser parser, IRedactor redactor, IStepGate gate, IRunIds ids, ExecutionOptions options, TimeProvider clock)
{
    private const int MaxGoal = 16_384;

    private readonly Dictionary<string, IPlanner> _planners = planners.ToDictionary(planner => planner.Name, StringComparer.Ordinal);

    public async ValueTask<Admission> PlanAsync(RunRequest request, CancellationToken cancellationToken)
    {
        var errors = new List<PlanError>();
        Check(request, errors);
        var name = PlannerOf(request);
        if (!_planners.TryGetValue(name, out var planner))
            errors.Add(new PlanError("planner", $"must be one of {string.Join(", ", _planners.Keys.Order(StringComparer.Ordinal))}"));
        else if (!planner.TakesChoices)
            errors.AddRange(request.Choices.Given().Select(member => new PlanError(member, $"has no meaning for the planner \"{name}\"")));
        if (errors.Count > 0 || planner is null)
            return new Admission(null, errors, InPlan: false);
        // Before anything is planned: a planner may ask a model, which costs.
        var governed = new GovernedRun { TenantId = request.TenantId, AgentId = request.AgentId, Planner = name, StartedAt = clock.GetUtcNow() };
        if (await gate.FindKillAsync(governed, [], cancellationToken) is { } stopped)
            return new Admission(null, [], InPlan: false) { Kill = stopped };
        var validation = request.Origin is not null
            ? parser.Parse(request.Plan!.Value, "plan")
            : await planner.PlanAsync(new PlanningRequest(request.Goal, request.Plan) { TenantId = request.TenantId, Choices = request.Choices }, cancellationToken);
        if (validation.Plan is not { } plan)
            return new Admission(null, validation.Errors, InPlan: true);
        var actions = plan.Steps.Select(step => new StepAction(step.Skill, step.Parameters))
            .Concat(plan.Steps.Index().Where(step => step.Item.Fallback is not null)
                .Select(step => new StepAction(step.Item.Fallback!.Skill, step.Item.Fallback.Parameters) { FallbackOf = step.Index })).ToList();
        if (await gate.FindKillAsync(governed, actions, cancellationToken) is { } kill)
            return new Admission(null, [], InPlan: false) { Kill = kill };
        return new Admission(plan, [], InPlan: true) { Redactions = await gate.PlanRedactionsAsync(governed, actions, cancellationToken) };
    }

    /// <summary>A run under this process's lease.</summary>
    public Run Lease(Run run) => run with { Worker = options.Worker, LeaseUntil = run.CreatedAt + options.Lease };

    /// <summary>The run to store, and to execute; of no process yet.</summary>
    public PlannedRun Admit(RunRequest request, Plan plan, Agent agent, IReadOnlyList<PlaceRedaction> redactions)
    {
        var now = WireTime.Truncate(clock.GetUtcNow());
        var id = ids.Next();
        var byPolicy = PlaceRedaction.Apply(plan.ToCanonicalJson(), redactions);
        var storedPlan = redactor.Redact(byPolicy.Payload);
        var storedGoal = redactor.Redact(EvidenceContext.OfText(request.Goal));
        var goal = storedGoal.Removals.Count == 0 ? request.Goal : TextOf(storedGoal.Payload);
        var run = new Run
        {
            TenantId = request.TenantId,
            Id = id,
            AgentId = request.AgentId,
            Goal = goal,
            OriginSystemId = request.OriginSystemId,
            CorrelationId = request.CorrelationId ?? CorrelationId.Parse(id.Value),
            Planner = PlannerOf(request),
            PlanJson = storedPlan.Payload.ToString(),
            PlanRedacted = byPolicy.Removals.Count + storedPlan.Removals.Count + storedGoal.Removals.Count > 0,
            IdempotencyKey = request.IdempotencyKey,
            RequestHash = request.IdempotencyKey is null ? null : HashOf(request, storedGoal.Payload, storedPlan.Payload),
            Status = RunStatus.Queued,
            Seed = request.Seed,
            FrozenTimestamp = request.FrozenTimestamp is { } frozen ? WireTime.Truncate(frozen) : null,
            IsSynthetic = request.IsSynthetic,
            SyntheticScenarioId = request.SyntheticScenarioId,
            TraceParent = request.TraceParent,
            Origin = request.Origin,
            Parent = request.Parent,
            CreatedBy = request.CreatedBy,
            CreatedAt = now,
            Priority = request.Priority,
            NotBefore = request.NotBefore is { } time ? WireTime.Truncate(time) : null,
            MaxAttempts = request.MaxAttempts,
            Budget = request.Budget,
            AwaitsLogOpening = request.AwaitLogOpening ?? options.AwaitLogOpening,
        };
        return new PlannedRun(run, request.Goal, plan, agent.Name) { PlanRedactions = redactions };
    }

    private static string PlannerOf(RunRequest request) =>
        request.Planner ?? (request.Plan is null ? StubPlanner.PlannerName : GivenPlanner.PlannerName);

    private static void Check(RunRequest request, List<PlanError> errors)
    {
        CheckText(request.Goal, "goal", MaxGoal, errors, lines: true);
        CheckText(request.OriginSystemId, "origin_system_id", 128, errors);
        CheckText(request.SyntheticScenarioId, "synthetic_scenario_id", 128, errors);
        CheckText(request.IdempotencyKey, "idempotency_key", 256, errors);
        if (request.MaxAttempts is < 1 or > 100)
            errors.Add(new PlanError("max_attempts", "must be from 1 to 100"));
        if (request.SyntheticScenarioId is not null && !request.IsSynthetic)
            errors.Add(new PlanError("synthetic_scenario_id", "must not be given unless is_synthetic is true"));
    }

    private static void CheckText(string? text, string place, int most, List<PlanError> errors, bool lines = false)
    {
        if (text is null)
            return;
        if (text.Length == 0 || text.Length > most || string.IsNullOrWhiteSpace(text))
            errors.Add(new PlanError(place, string.Create(CultureInfo.InvariantCulture, $"must be 1 to {most} characters, not all of them spaces")));
        else if (text.Any(c => char.IsControl(c) && !(lines && c is '\n' or '\r' or '\t')))
            errors.Add(new PlanError(place, "must not hold control characters"));
    }

    private static string TextOf(CanonicalJson text)
    {
        using var document = text.ToDocument();
        return document.RootElement.GetString()!;
    }

    // Over what is stored, not over what is redacted away: a hash of a card number is a card number to whoever can count.
    // So a repeat that differs in a secret alone (a fresh token) is the same request.
    private static Digest HashOf(RunRequest request, CanonicalJson goal, CanonicalJson plan)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("["u8);
        request.AgentId.WriteCanonical(ref writer);
        Write(ref writer, request.CorrelationId?.Value);
        Write(ref writer, request.FrozenTimestamp is { } frozen ? WireTime.ToText(frozen) : null);
        writer.WriteRaw(","u8);
        writer.WriteJson(goal);
        writer.WriteRaw(","u8);
        writer.WriteBoolean(request.IsSynthetic);
        Write(ref writer, request.OriginSystemId);
        writer.WriteRaw(","u8);
        writer.WriteJson(plan);
        Write(ref writer, PlannerOf(request));
        writer.WriteRaw(","u8);
        request.Seed.WriteCanonical(ref writer);
        Write(ref writer, request.SyntheticScenarioId);
        // Members that came later count where they are given: a key that was used before they were there still means the same request.
        if (request.Priority != 0 || request.NotBefore is not null || request.MaxAttempts != 1)
        {
            writer.WriteRaw(","u8);
            writer.WriteInt32(request.MaxAttempts);
            Write(ref writer, request.NotBefore is { } time ? WireTime.ToText(time) : null);
            writer.WriteRaw(","u8);
            writer.WriteInt32(request.Priority);
        }

        if (request.Budget is { } budget)
        {
            writer.WriteRaw(","u8);
            writer.WriteJson(budget.ToCanonicalJson());
        }

        if (request.AwaitLogOpening is { } awaits)
        {
            writer.WriteRaw(",\"await_log_opening\","u8);
            writer.WriteBoolean(awaits);
        }

        if (request.Origin is { } derived)
        {
            Write(ref writer, derived.Trace.Value);
            writer.WriteRaw(","u8);
            writer.WriteInt32(derived.From);
            Write(ref writer, derived.Mode?.ToString());
        }

        writer.WriteRaw("]"u8);
        writer.Flush();
        return Digest.Of(buffer.WrittenSpan);
    }

    private static void Write(ref CanonicalWriter writer, string? text)
    {
        writer.WriteRaw(","u8);
        if (text is null)
            writer.WriteNull();
        else
            writer.WriteString(text);
    }
}
