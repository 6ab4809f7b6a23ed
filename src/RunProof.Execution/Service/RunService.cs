using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>Takes runs in, and tells of them.</summary>
public sealed class RunService
{
    private readonly IRunStore _runs;
    private readonly IAgentStore _agents;
    private readonly RunAdmission _admission;
    private readonly RunQueue _queue;
    private readonly RunCompletions _completions;
    private readonly Persistence _persistence;
    private readonly TimeProvider _clock;

    internal RunService(
        IRunStore runs, IAgentStore agents, RunAdmission admission, RunQueue queue, RunCompletions completions, Persistence persistence, TimeProvider clock)
    {
        (_runs, _agents, _admission, _queue, _completions, _persistence, _clock) = (runs, agents, admission, queue, completions, persistence, clock);
    }

    /// <summary>Validates the whole request, plans, stores the run and queues it, in this order. Returns when the run is durable.</summary>
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

        if (admission.Plan is not { } plan)
            return new Submission.Invalid(admission.Errors, admission.InPlan);
        if (await _agents.FindAsync(request.TenantId, request.AgentId, cancellationToken) is not { } agent)
            return new Submission.UnknownAgent();
        if (!_queue.TryReserve())
            return new Submission.Overloaded(_queue.IsClosed);
        var planned = _admission.Admit(request, plan, agent, admission.Redactions);
        RunCreation outcome;
        Run stored;
        try
        {
            (outcome, stored) = await _runs.CreateAsync(planned.Run, cancellationToken);
        }
        catch
        {
            // It may be stored all the same, in this process's name: then it must be executed.
            _ = EnqueueIfStoredAsync(planned);
            throw;
        }

        if (outcome is RunCreation.Created)
            Enqueue(planned with { Run = stored });
        else
            _queue.Release();
        return outcome switch
        {
            RunCreation.Created => new Submission.Accepted(stored, Existing: false),
            RunCreation.Existing => new Submission.Accepted(stored, Existing: true),
            RunCreation.IdempotencyConflict => new Submission.IdempotencyConflict(stored),
            RunCreation.UnknownAgent => new Submission.UnknownAgent(),
            _ => throw new InvalidOperationException($"the store has a run of the new id {planned.Run.Id.Value} already"),
        };
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
            if (stored is { Status: RunStatus.Queued })
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

    /// <summary>Waits until a run has ended. A run of this process wakes its waiters; one of another process is asked for ever more seldom.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="run">The run.</param>
    /// <param name="patience">How long at most; zero only reads.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The run as it is then, ended or not; null where the tenant has none of this id.</returns>
    public async Task<Run?> WaitAsync(TenantId tenant, RunId run, TimeSpan patience, CancellationToken cancellationToken)
    {
        var began = _clock.GetTimestamp();
        for (var pause = TimeSpan.FromMilliseconds(100); ; pause = Shorter(pause * 2, TimeSpan.FromSeconds(2)))
        {
            var ending = _completions.Find(tenant, run);
            var found = await _runs.FindAsync(tenant, run, cancellationToken);
            var left = patience - _clock.GetElapsedTime(began);
            if (found is null or { Status: not (RunStatus.Queued or RunStatus.Running) } || left <= TimeSpan.Zero)
                return found;
            if (ending is null)
                await Task.Delay(Shorter(pause, left), _clock, cancellationToken);
            else
                await ending.WaitAsync(left, _clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
