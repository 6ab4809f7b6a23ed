using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>Takes runs in, and tells of them.</summary>
public sealed class RunService
{
    private readonly IRunStore _runs;
    private readonly IAgentStore _agents;
    private readonly IRedactor _redactor;
    private readonly IRunSignals _signals;
    private readonly RunAdmission _admission;
    private readonly RunQueue _queue;
    private readonly RunCompletions _completions;
    private readonly Persistence _persistence;
    private readonly TimeProvider _clock;

    internal RunService(
        IRunStore runs, IAgentStore agents, IRedactor redactor, IRunSignals signals, RunAdmission admission, RunQueue queue, RunCompletions completions,
        Persistence persistence, TimeProvider clock)
    {
        (_runs, _agents, _redactor, _signals, _admission) = (runs, agents, redactor, signals, admission);
        (_queue, _completions, _persistence, _clock) = (queue, completions, persistence, clock);
    }

    /// <summary>
    /// Validates the whole request, plans, stores the run and puts it in line, in this order: here where there is a free place, else in the store, for whichever process
    /// has one. Returns when the run is durable.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Gives up; the run may be stored all the same, and the same idempotency key finds it.</param>
    /// <returns>What came of it.</returns>
    public async Task<Submission> SubmitAsync(RunRequest request, CancellationToken cancellationToken)
    {
        Admission admission;
        try
        {
            admission = await _admission.PlanAsync(request, cancellationToken);
        }
        catch (PolicyUnavailableException unavailable)
        {
            return new Submission.Ungoverned(unavailable.Message);
        }

        if (admission.Kill is { } kill)
            return new Submission.Killed(kill);
        if (admission.Plan is not { } plan)
            return new Submission.Invalid(admission.Errors, admission.InPlan);
        if (await _agents.FindAsync(request.TenantId, request.AgentId, cancellationToken) is not { } agent)
            return new Submission.UnknownAgent();
        var planned = _admission.Admit(request, plan, agent, admission.Redactions);
        if (planned.Run.PlanRedacted && request.Origin?.Mode is null && plan.Steps.Any(SubPlans.IsAskedForBy))
            return new Submission.Invalid([new PlanError("plan", "holds what redaction takes out, or the goal does: no store keeps it, and a run that waits for sub-runs waits in the store")], InPlan: true);
        if (_queue.IsClosed)
            return new Submission.Overloaded(Stopping: true);
        // With a free place here it starts without being claimed; where only this process knows its plan, it waits here.
        var here = planned.Run.PlanRedacted ? _queue.TryReserveToWait() : planned.Run.NotBefore is null && _queue.TryReserve();
        if (planned.Run.PlanRedacted && !here)
            return new Submission.Overloaded(_queue.IsClosed);
        if (here)
            planned = planned with { Run = _admission.Lease(planned.Run) };
        RunCreation outcome;
        Run stored;
        try
        {
            (outcome, stored) = await _runs.CreateAsync(planned.Run, cancellationToken);
        }
        catch
        {
            // It may be stored all the same, in this process's name: then it must be executed.
            if (here)
                _ = EnqueueIfStoredAsync(planned);
            throw;
        }

        var isOurs = outcome is RunCreation.Created && stored.Worker is not null;
        if (isOurs)
            Enqueue(planned with { Run = stored });
        else if (here)
            _queue.Release();
        if (outcome is RunCreation.Created && !isOurs)
            _signals.Tell(RunSignal.Waiting);
        return outcome switch
        {
            RunCreation.Created => new Submission.Accepted(stored, Existing: false),
            RunCreation.Existing => new Submission.Accepted(stored, Existing: true),
            RunCreation.IdempotencyConflict => new Submission.IdempotencyConflict(stored),
            RunCreation.UnknownAgent => new Submission.UnknownAgent(),
            RunCreation.BudgetExceeded => new Submission.BudgetExceeded(stored.ErrorMessage!),
            _ => throw new InvalidOperationException($"the store has a run of the new id {planned.Run.Id.Value} already"),
        };
    }

    /// <summary>
    /// Asks for a replay of a run that has ended, or for a fork: a run that goes on from a step of it. Its origin's evidence is recomputed before anything of it is
    /// executed; an origin that does not verify fails the run with <c>origin_not_verified</c>.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Gives up; the run may be stored all the same, and the same idempotency key finds it.</param>
    /// <returns>What came of it.</returns>
    public async Task<Submission> DeriveAsync(DerivedRunRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (await _runs.FindAsync(request.TenantId, request.RunId, cancellationToken) is not { } origin)
            return new Submission.UnknownOrigin("There is no such run.");
        var traces = Enumerable.Range(1, origin.Attempts).Select(attempt => TraceId.Of(origin.Id, attempt)).ToList();
        var trace = request.Trace is null ? traces.LastOrDefault() : traces.FirstOrDefault(each => each.Value == request.Trace);
        if (trace.Value is not { Length: > 0 })
            return new Submission.UnknownOrigin(request.Trace is null ? "The run never began: it has no trace." : "The run has no such trace.");
        // A trace of an earlier attempt is sealed, whatever its run does now.
        if (!origin.HasEnded && trace == traces[^1])
            return new Submission.OriginNotEnded();
        // Without its secrets a plan cannot be executed; to recompute it, it will do.
        if (origin.PlanRedacted && request.Mode is not ReplayMode.Dry)
            return new Submission.OriginNotKept();
        return DerivedPlans.Of(origin, request) is { Error: { } error }
            ? new Submission.Invalid([error], InPlan: false)
            : await SubmitAsync(DerivedPlans.RequestOf(origin, trace, request), cancellationToken);
    }

    /// <summary>Says what is wrong with a request that is to be made later, from a store: one that redaction would change cannot.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What would come of it; null where the run would be stored.</returns>
    public async Task<Submission?> CheckAsync(RunRequest request, CancellationToken cancellationToken)
    {
        Admission admission;
        try
        {
            admission = await _admission.PlanAsync(request, cancellationToken);
        }
        catch (PolicyUnavailableException unavailable)
        {
            return new Submission.Ungoverned(unavailable.Message);
        }

        if (admission.Plan is not { } plan)
            return new Submission.Invalid(admission.Errors, admission.InPlan);
        if (await _agents.FindAsync(request.TenantId, request.AgentId, cancellationToken) is not { } agent)
            return new Submission.UnknownAgent();
        return _admission.Admit(request, plan, agent, []).Run.PlanRedacted
            ? new Submission.Invalid([new PlanError("plan", "holds what redaction takes out, or the goal does: no store keeps it, and this request is to be kept")], InPlan: false)
            : null;
    }

    private void Enqueue(PlannedRun planned)
    {
        _completions.Begin(planned.Run.TenantId, planned.Run.Id);
        if (!_queue.Enqueue(planned))
            _completions.End(planned.Run.TenantId, planned.Run.Id);
    }

    private async Task EnqueueIfStoredAsync(PlannedRun planned)
    {
        try
        {
            var stored = await _persistence.UntilDoneAsync(
                async token => await _runs.FindAsync(planned.Run.TenantId, planned.Run.Id, token), CancellationToken.None);
            if (stored is { Status: RunStatus.Queued } && stored.Worker == planned.Run.Worker)
            {
                Enqueue(planned with { Run = stored });
                return;
            }
        }
        catch (Exception)
        {
            // Given up, and logged there: the claim is let go with this process.
        }

        _queue.Release();
    }

    /// <summary>Reads a run.</summary>
    /// <returns>The run; null where the tenant has none of this id.</returns>
    public Task<Run?> FindAsync(TenantId tenant, RunId run, CancellationToken cancellationToken) => _runs.FindAsync(tenant, run, cancellationToken);

    /// <summary>Lists a tenant's runs.</summary>
    /// <returns>Newest first.</returns>
    public Task<IReadOnlyList<Run>> ListAsync(TenantId tenant, RunFilter filter, CancellationToken cancellationToken) =>
        _runs.ListAsync(tenant, filter, cancellationToken);

    /// <summary>Asks for a run's end. The step under way is cancelled; the trace is sealed aborted and says who asked and why.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="run">The run.</param>
    /// <param name="by">Who asks, 1 to 200 characters: it goes into evidence.</param>
    /// <param name="reason">Why, 1 to 2,000 characters, or null: it goes into evidence, redacted.</param>
    /// <param name="cancellationToken">Gives up; the run may be cancelled all the same.</param>
    /// <returns>What came of it.</returns>
    public Task<RunAnswer> CancelAsync(TenantId tenant, RunId run, string by, string? reason, CancellationToken cancellationToken) =>
        AskAsync(_runs.CancelAsync(tenant, run, by, Redacted(reason), Now(), cancellationToken), RunSignal.Wished, RunSignal.Waiting, RunSignal.Ended);

    /// <summary>Asks for a run to be paused: the step under way ends, the next does not begin until somebody resumes the run.</summary>
    /// <returns>What came of it; <see cref="RunAnswer.NotKept"/> for a run whose plan redaction changed: it cannot leave its process.</returns>
    public Task<RunAnswer> PauseAsync(TenantId tenant, RunId run, CancellationToken cancellationToken) =>
        AskAsync(_runs.PauseAsync(tenant, run, Now(), cancellationToken), RunSignal.Wished);

    /// <summary>Puts a paused run in line again, for any process.</summary>
    /// <returns>What came of it.</returns>
    public Task<RunAnswer> ResumeAsync(TenantId tenant, RunId run, CancellationToken cancellationToken) =>
        AskAsync(_runs.ResumeAsync(tenant, run, Now(), cancellationToken), RunSignal.Waiting, RunSignal.Wished);

    /// <summary>Gives a run that ended without success another attempt, with a trace of its own.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="run">The run.</param>
    /// <param name="by">The id of the key that asks: whoever has it approves nothing that the run does. Null where no key does.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What came of it.</returns>
    public Task<RunAnswer> RetryAsync(TenantId tenant, RunId run, string? by, CancellationToken cancellationToken) =>
        AskAsync(_runs.RetryAsync(tenant, run, by, Now(), cancellationToken), RunSignal.Waiting);

    private async Task<RunAnswer> AskAsync(Task<RunAnswer> asking, params RunSignal[] signals)
    {
        var answer = await asking;
        if (answer is RunAnswer.Done or RunAnswer.Asked)
            Array.ForEach(signals, _signals.Tell);
        return answer;
    }

    private DateTimeOffset Now() => WireTime.Truncate(_clock.GetUtcNow());

    private string? Redacted(string? text)
    {
        if (text is null)
            return null;
        using var document = _redactor.Redact(EvidenceContext.OfText(EvidenceText.Message(text).Replace('\0', '\uFFFD'))).Payload.ToDocument();
        return document.RootElement.GetString();
    }

    /// <summary>Waits until a run has ended, wherever it is executed. However many wait, there is no poll for each.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="run">The run.</param>
    /// <param name="patience">How long at most; zero only reads.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The run as it is then, ended or not; null where the tenant has none of this id.</returns>
    public async Task<Run?> WaitAsync(TenantId tenant, RunId run, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (patience <= TimeSpan.Zero)
            return await _runs.FindAsync(tenant, run, cancellationToken);
        var began = _clock.GetTimestamp();
        while (true)
        {
            using var waiter = _completions.Await(tenant, run);
            var found = await _runs.FindAsync(tenant, run, cancellationToken);
            var left = patience - _clock.GetElapsedTime(began);
            if (found is null or { HasEnded: true } || left <= TimeSpan.Zero)
                return found;
            await waiter.Ended.WaitAsync(left, _clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
