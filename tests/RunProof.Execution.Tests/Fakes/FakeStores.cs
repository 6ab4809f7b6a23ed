using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution.Tests;

/// <summary>Runs in memory, by the contract of <see cref="IRunStore"/>.</summary>
internal sealed class FakeRunStore : IRunStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(TenantId, RunId), Run> _runs = [];

    public int Finds { get; private set; }

    /// <summary>Thrown after the next write of this name has been persisted.</summary>
    public Dictionary<string, Exception> PersistAndThrow { get; } = [];

    /// <summary>Thrown instead of the next writes of this name.</summary>
    public Dictionary<string, (Exception Error, int Times)> Throw { get; } = [];

    public IReadOnlyList<Run> All
    {
        get
        {
            lock (_gate)
                return [.. _runs.Values];
        }
    }

    public Run Only => All.Single();

    public void Put(Run run)
    {
        lock (_gate)
            _runs[(run.TenantId, run.Id)] = run;
    }

    public Task<(RunCreation Outcome, Run Run)> CreateAsync(Run run, CancellationToken cancellationToken) => Do("create", () =>
    {
        var same = run.IdempotencyKey is null ? null : _runs.Values.FirstOrDefault(one => one.TenantId == run.TenantId && one.IdempotencyKey == run.IdempotencyKey);
        if (same is not null)
            return (same.RequestHash == run.RequestHash ? RunCreation.Existing : RunCreation.IdempotencyConflict, same);
        _runs.Add((run.TenantId, run.Id), run);
        return (RunCreation.Created, run);
    });

    public Task<Run?> FindAsync(TenantId tenant, RunId run, CancellationToken cancellationToken) => Do("find", () =>
    {
        Finds++;
        return _runs.GetValueOrDefault((tenant, run));
    });

    public Task<IReadOnlyList<Run>> ListAsync(TenantId tenant, RunFilter filter, CancellationToken cancellationToken) =>
        Do<IReadOnlyList<Run>>("list", () => [.. _runs.Values.Where(run => run.TenantId == tenant)]);

    public Task<bool> StartAsync(TenantId tenant, RunId run, string worker, DateTimeOffset startedAt, DateTimeOffset leaseUntil, CancellationToken cancellationToken) =>
        Do("start", () => Change(tenant, run, one => one.Status is RunStatus.Queued && one.Worker == worker, one => one with
        {
            Status = RunStatus.Running, StartedAt = startedAt, LeaseUntil = leaseUntil, Attempts = one.Attempts + 1,
        }));

    public Task<bool> FinishAsync(TenantId tenant, RunId run, string worker, RunEnd end, CancellationToken cancellationToken) =>
        Do("finish", () => Change(tenant, run, one => one.Status is RunStatus.Queued or RunStatus.Running && one.Worker == worker, one => one with
        {
            Status = end.Status, CompletedAt = end.CompletedAt, DurationMs = end.DurationMs, Attempts = end.Attempts,
            ErrorCode = end.ErrorCode, ErrorMessage = end.ErrorMessage,
        }));

    public Task RenewAsync(string worker, DateTimeOffset leaseUntil, CancellationToken cancellationToken) => Do("renew", () =>
    {
        foreach (var run in _runs.Values.Where(run => run.Worker == worker && run.Status is RunStatus.Queued or RunStatus.Running).ToArray())
            _runs[(run.TenantId, run.Id)] = run with { LeaseUntil = leaseUntil };
        return true;
    });

    public Task<IReadOnlyList<Run>> ClaimAbandonedAsync(string worker, DateTimeOffset now, DateTimeOffset leaseUntil, int limit, CancellationToken cancellationToken) =>
        Do<IReadOnlyList<Run>>("claim", () =>
        {
            var abandoned = _runs.Values.Where(run => run.Status is RunStatus.Queued or RunStatus.Running && run.LeaseUntil < now).Take(limit).ToArray();
            return [.. abandoned.Select(run => _runs[(run.TenantId, run.Id)] = run with { Worker = worker, LeaseUntil = leaseUntil })];
        });

    private bool Change(TenantId tenant, RunId id, Func<Run, bool> allowed, Func<Run, Run> change)
    {
        if (!_runs.TryGetValue((tenant, id), out var run) || !allowed(run))
            return false;
        _runs[(tenant, id)] = change(run);
        return true;
    }

    private Task<T> Do<T>(string name, Func<T> act)
    {
        lock (_gate)
        {
            if (Throw.TryGetValue(name, out var planned))
            {
                if (planned.Times == 1)
                    Throw.Remove(name);
                else
                    Throw[name] = (planned.Error, planned.Times - 1);
                return Task.FromException<T>(planned.Error);
            }

            var result = act();
            return PersistAndThrow.Remove(name, out var failed) ? Task.FromException<T>(failed) : Task.FromResult(result);
        }
    }
}

/// <summary>Agents in memory.</summary>
internal sealed class FakeAgentStore : IAgentStore
{
    private readonly Dictionary<(TenantId, AgentId), Agent> _agents = [];

    public Task<bool> CreateAsync(Agent agent, CancellationToken cancellationToken) => Task.FromResult(_agents.TryAdd((agent.TenantId, agent.Id), agent));

    public Task<Agent?> FindAsync(TenantId tenant, AgentId agent, CancellationToken cancellationToken) => Task.FromResult(_agents.GetValueOrDefault((tenant, agent)));

    public Task<IReadOnlyList<Agent>> ListAsync(TenantId tenant, AgentId? after, int limit, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Agent>>([.. _agents.Values]);
}

/// <summary>What recovery reads, out of <see cref="FakeRecorder"/>.</summary>
internal sealed class FakeRecoveryStore(FakeRecorder recorder) : IRecoveryStore
{
    public Task<TraceProgress?> ReadAsync(TenantId tenant, RunId run, string worker, CancellationToken cancellationToken)
    {
        if (!recorder.Traces.TryGetValue(TraceId.Of(run).Value, out var trace))
            return Task.FromResult<TraceProgress?>(null);
        var status = trace.Closing is { } closing ? Wire.Name(closing.Status) : "running";
        return Task.FromResult<TraceProgress?>(new TraceProgress(
            status, [.. trace.Steps.Select((step, i) => new StepProgress(i, Wire.Name(step.Status), step.Outcome?.ToString(), step.Context?.ToString()))]));
    }
}

/// <summary>Removes every value of a member called <c>password</c>, and the word <c>hunter2</c> from texts.</summary>
internal sealed class FakeRedactor : IRedactor
{
    public RedactionResult Redact(CanonicalJson payload)
    {
        var text = payload.ToString();
        var clean = text.Replace("hunter2", "<REDACTED>", StringComparison.Ordinal);
        return clean == text ? new RedactionResult(payload, []) : new RedactionResult(CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(clean)), [new Removal("here", "test")]);
    }
}
