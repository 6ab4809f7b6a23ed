using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution.Tests;

/// <summary>Runs in memory, by the contract of <see cref="IRunStore"/>.</summary>
internal sealed class FakeRunStore : IRunStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(TenantId, RunId), Run> _runs = [];
    private readonly Dictionary<(TenantId, RunId), DateTimeOffset> _line = [];
    private readonly Dictionary<string, int> _looks = new(StringComparer.Ordinal);

    public int Finds { get; private set; }

    /// <summary>Times that it was asked which of many runs have ended.</summary>
    public int EndedAsked { get; private set; }

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
        {
            _runs[(run.TenantId, run.Id)] = run;
            if (run.Worker is null && !run.HasEnded)
                _line[(run.TenantId, run.Id)] = run.CreatedAt;
        }
    }

    public Task<(RunCreation Outcome, Run Run)> CreateAsync(Run run, CancellationToken cancellationToken) => Do("create", () =>
    {
        var same = run.IdempotencyKey is null ? null : _runs.Values.FirstOrDefault(one => one.TenantId == run.TenantId && one.IdempotencyKey == run.IdempotencyKey);
        if (same is not null)
            return (same.RequestHash == run.RequestHash ? RunCreation.Existing : RunCreation.IdempotencyConflict, same);
        _runs.Add((run.TenantId, run.Id), run);
        if (run.Worker is null)
            _line[(run.TenantId, run.Id)] = run.NotBefore ?? run.CreatedAt;
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
            Status = RunStatus.Running, StartedAt = one.StartedAt ?? startedAt, LeaseUntil = leaseUntil, Attempts = one.Attempts + (one.IsAttemptOpen ? 0 : 1),
            IsAttemptOpen = true, IsBetweenSteps = false,
        }));

    public Task<bool> FinishAsync(TenantId tenant, RunId run, string worker, RunEnd end, CancellationToken cancellationToken) =>
        Do("finish", () => Change(tenant, run, one => IsLeased(one) && one.Worker == worker, one => one with
        {
            Status = end.Status, CompletedAt = end.CompletedAt, DurationMs = end.DurationMs, Attempts = end.Attempts,
            ErrorCode = end.ErrorCode, ErrorMessage = end.ErrorMessage, IsAttemptOpen = false, IsBetweenSteps = false,
        }));

    public Task<bool> NextAttemptAsync(TenantId tenant, RunId run, string worker, DateTimeOffset availableAt, CancellationToken cancellationToken) => Do("next", () =>
    {
        var moved = Change(tenant, run, one => one.Status is RunStatus.Running && one.Worker == worker && one.Attempts < one.MaxAttempts, one => one with
        {
            Status = RunStatus.Queued, Worker = null, LeaseUntil = null, IsAttemptOpen = false, IsBetweenSteps = false, StartedAt = null,
        });
        if (moved)
            _line[(tenant, run)] = availableAt;
        return moved;
    });

    public Task<bool> ReleaseAsync(TenantId tenant, RunId run, string worker, RunRelease release, CancellationToken cancellationToken) => Do("release", () =>
    {
        var pause = false;
        var moved = Change(tenant, run, one => IsLeased(one) && one.Worker == worker, one =>
        {
            pause = release.Pause && one.PauseRequestedAt is not null && one.CancelRequestedAt is null;
            return one with
            {
                Worker = null, LeaseUntil = null, IsBetweenSteps = one.IsAttemptOpen && (release.BetweenSteps || one.IsBetweenSteps),
                Status = pause ? RunStatus.Paused : release.Approvals is not null && one.CancelRequestedAt is null ? RunStatus.Waiting : one.Status is RunStatus.Running && release.BetweenSteps ? RunStatus.Queued : one.Status,
                PauseRequestedAt = pause ? null : one.PauseRequestedAt,
            };
        });
        if (moved && !pause)
            _line[(tenant, run)] = release.AvailableAt;
        return moved;
    });

    public Task<IReadOnlyList<RunWish>> RenewAsync(string worker, DateTimeOffset leaseUntil, CancellationToken cancellationToken) => Do("renew", () =>
    {
        foreach (var run in _runs.Values.Where(run => run.Worker == worker && IsLeased(run)).ToArray())
            _runs[(run.TenantId, run.Id)] = run with { LeaseUntil = leaseUntil };
        return Looked(worker);
    });

    public Task<IReadOnlyList<RunWish>> FindWishesAsync(string worker, CancellationToken cancellationToken) => Do("wishes", () => Looked(worker));

    public Task<IReadOnlyList<Run>> ClaimAsync(
        string worker, DateTimeOffset now, DateTimeOffset leaseUntil, int limit, TenantId? after, CancellationToken cancellationToken) =>
        Do<IReadOnlyList<Run>>("claim", () =>
        {
            var abandoned = _runs.Values.Where(run => IsLeased(run) && run.LeaseUntil < now && run.Worker != worker).Take(limit).ToArray();
            var waiting = _line.Where(one => one.Value <= now).OrderByDescending(one => _runs[one.Key].Priority).ThenBy(one => one.Value).Select(one => _runs[one.Key]);
            var claimed = abandoned.Concat(waiting.Take(limit - abandoned.Length)).ToArray();
            foreach (var run in claimed)
                _line.Remove((run.TenantId, run.Id));
            return
            [
                .. claimed.Select(run => _runs[(run.TenantId, run.Id)] = run with
                {
                    Worker = worker, LeaseUntil = leaseUntil, Status = run.Status is RunStatus.Waiting ? RunStatus.Queued : run.Status,
                }),
            ];
        });

    public Task<RunAnswer> CancelAsync(TenantId tenant, RunId id, string by, string? reason, DateTimeOffset now, CancellationToken cancellationToken) =>
        Do("cancel", () => Ask(tenant, id, run =>
        {
            if (run.Status is RunStatus.Cancelled)
                return RunAnswer.Done;
            if (run.HasEnded)
                return RunAnswer.Ended;
            var wished = run with { CancelRequestedAt = now, CancelRequestedBy = by, CancelReason = reason, PauseRequestedAt = null };
            if (run.Worker is not null || run.IsAttemptOpen)
            {
                _runs[(tenant, id)] = wished with { Status = run.Status is RunStatus.Paused or RunStatus.Waiting ? RunStatus.Queued : run.Status };
                if (run.Worker is null)
                    _line[(tenant, id)] = now;
                return RunAnswer.Asked;
            }

            _line.Remove((tenant, id));
            _runs[(tenant, id)] = wished with { Status = RunStatus.Cancelled, CompletedAt = now, ErrorCode = "cancelled" };
            return RunAnswer.Done;
        }));

    public Task<RunAnswer> PauseAsync(TenantId tenant, RunId id, DateTimeOffset now, CancellationToken cancellationToken) => Do("pause", () => Ask(tenant, id, run =>
    {
        if (run.HasEnded)
            return RunAnswer.Ended;
        if (run.PlanRedacted)
            return RunAnswer.NotKept;
        if (run.Worker is not null)
        {
            _runs[(tenant, id)] = run with { PauseRequestedAt = now };
            return RunAnswer.Asked;
        }

        _line.Remove((tenant, id));
        _runs[(tenant, id)] = run with { Status = RunStatus.Paused };
        return RunAnswer.Done;
    }));

    /// <summary>A decision puts a run that waits in line again.</summary>
    public void Wake(TenantId tenant, RunId run, DateTimeOffset now)
    {
        lock (_gate)
        {
            if (_runs[(tenant, run)].Status is not RunStatus.Waiting)
                return;
            _runs[(tenant, run)] = _runs[(tenant, run)] with { Status = RunStatus.Queued };
            _line[(tenant, run)] = now;
        }
    }

    /// <summary>A step of it has asked people.</summary>
    public void Asks(TenantId tenant, RunId run)
    {
        lock (_gate)
        {
            if (_runs.TryGetValue((tenant, run), out var one))
                _runs[(tenant, run)] = one with { AsksApproval = true };
        }
    }

    public Task<RunAnswer> ResumeAsync(TenantId tenant, RunId id, DateTimeOffset now, CancellationToken cancellationToken) => Do("resume", () => Ask(tenant, id, run =>
    {
        if (run.HasEnded)
            return RunAnswer.Ended;
        if (run.Status is RunStatus.Paused)
            _line[(tenant, id)] = now;
        _runs[(tenant, id)] = run with { Status = run.Status is RunStatus.Paused ? RunStatus.Queued : run.Status, PauseRequestedAt = null };
        return RunAnswer.Done;
    }));

    public Task<RunAnswer> RetryAsync(TenantId tenant, RunId id, string? by, DateTimeOffset now, CancellationToken cancellationToken) => Do("retry", () => Ask(tenant, id, run =>
    {
        if (!run.HasEnded)
            return RunAnswer.Asked;
        _runs[(tenant, id)] = run with
        {
            Status = RunStatus.Queued, MaxAttempts = Math.Max(run.MaxAttempts, run.Attempts + 1), Worker = null, LeaseUntil = null, StartedAt = null, CompletedAt = null,
            DurationMs = null, ErrorCode = null, ErrorMessage = null,
        };
        _line[(tenant, id)] = now;
        return RunAnswer.Done;
    }));

    public Task<IReadOnlyList<(TenantId Tenant, RunId Run)>> FindEndedAsync(IReadOnlyCollection<(TenantId Tenant, RunId Run)> runs, CancellationToken cancellationToken) =>
        Do<IReadOnlyList<(TenantId, RunId)>>("ended", () =>
        {
            EndedAsked++;
            return [.. runs.Where(run => _runs[run].HasEnded)];
        });

    private static bool IsLeased(Run run) => run.Status is RunStatus.Queued or RunStatus.Running && run.Worker is not null;

    /// <summary>Times that a process looked for what is wanted of its runs.</summary>
    public int Looks(string worker)
    {
        lock (_gate)
            return _looks.GetValueOrDefault(worker);
    }

    private IReadOnlyList<RunWish> Looked(string worker)
    {
        _looks[worker] = _looks.GetValueOrDefault(worker) + 1;
        return Wishes(worker);
    }

    private IReadOnlyList<RunWish> Wishes(string worker) =>
    [
        .. _runs.Values.Where(run => run.Worker == worker && IsLeased(run) && (run.PauseRequestedAt is not null || run.CancelRequestedAt is not null))
            .Select(run => new RunWish(run.TenantId, run.Id, run.PauseRequestedAt is not null, run.CancelRequestedBy, run.CancelReason)),
    ];

    private RunAnswer Ask(TenantId tenant, RunId id, Func<Run, RunAnswer> answer) => _runs.TryGetValue((tenant, id), out var run) ? answer(run) : RunAnswer.NotFound;

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
        if (recorder.Traces.Values.LastOrDefault(one => one.Opening.RunId == run) is not { } trace)
            return Task.FromResult<TraceProgress?>(null);
        var status = trace.Closing is { } closing ? Wire.Name(closing.Status) : "running";
        return Task.FromResult<TraceProgress?>(new TraceProgress(
            status, [.. trace.Steps.Select((step, i) => new StepProgress(i, Wire.Name(step.Status), step.Outcome?.ToString(), step.Context?.With("policy", step.Decision.Evidence).ToString()))])
        {
            Context = trace.Opening.Context?.ToString(),
        });
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
