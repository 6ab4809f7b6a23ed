using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>A step that is announced: about to begin, waiting for its next attempt, or under way.</summary>
internal sealed class Flight(StepIntent intent)
{
    /// <summary>What the trace's head says of it.</summary>
    public StepIntent Intent { get; } = intent;

    /// <summary>How long it waits before it begins: the pause between two attempts.</summary>
    public TimeSpan Pause { get; init; }

    /// <summary>Whether it repeats an attempt whose outcome a crash hid.</summary>
    public bool Repeats { get; init; }

    /// <summary>Whether it is the step's fallback.</summary>
    public bool IsFallback { get; init; }

    /// <summary>What came of the step's condition; null where it has none.</summary>
    public ConditionResult? Condition { get; init; }

    /// <summary>Why it is recorded without being executed; null where it is executed. What is not executed is not announced either.</summary>
    public PassedOver? PassedOver { get; init; }

    /// <summary>Whether its skill may have been called.</summary>
    public bool HasBegun { get; set; }

    /// <summary>Whether something of it happened that is not recorded.</summary>
    public bool IsHidden => HasBegun || Repeats;

    /// <summary>What there is to record of an attempt that was broken off and left to the next process, should there be none.</summary>
    public StepRecording? Left { get; set; }
}

/// <summary>A step that is over without being executed.</summary>
/// <param name="Failure">Why it failed: its condition cannot be evaluated; null where it is skipped.</param>
/// <param name="Through">The skipped step through which it is skipped; null where its condition is false.</param>
internal sealed record PassedOver(SkillFailure? Failure, string? Through);

/// <summary>
/// Where the execution of one run stands. Its branches take turns: whoever has the turn alone reads or changes anything here, and alone calls the trace's session.
/// </summary>
internal sealed class RunExecution : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _now;
    private readonly SortedList<int, Flight> _flights = [];
    private int _branches;

    public RunExecution(PlannedRun planned, IGrowingPlanner? growth, ResumePoint from, RunControl control, DateTimeOffset startedAt, long began)
    {
        (Planned, Growth, From, Control, StartedAt, Began) = (planned, growth, from, control, startedAt, began);
        Before = from.Session is not null && planned.Run.StartedAt is { } first && first < startedAt ? startedAt - first : TimeSpan.Zero;
        Recorded = from.Session?.NextIndex ?? 0;
        Pins = from.Pins;
        Schedule = new Schedule(planned.Plan.Steps, keepsAll: growth is not null);
        _now = CancellationTokenSource.CreateLinkedTokenSource(control.Now);
    }

    public PlannedRun Planned { get; }

    /// <summary>Who says how the plan goes on; null for a plan that is whole.</summary>
    public IGrowingPlanner? Growth { get; }

    public ResumePoint From { get; }

    public RunControl Control { get; }

    public DateTimeOffset StartedAt { get; }

    public long Began { get; }

    /// <summary>What other processes spent on it, and the time until this one went on.</summary>
    public TimeSpan Before { get; }

    public Schedule Schedule { get; }

    /// <summary>What decides of its attempts; there before its trace is.</summary>
    public GateTurns Gate { get; set; } = null!;

    /// <summary>What its trace pinned of skills that may change.</summary>
    public IReadOnlyDictionary<string, CanonicalJson> Pins { get; set; }

    /// <summary>Its trace; there before any step begins.</summary>
    public ITraceSession Session { get; set; } = null!;

    /// <summary>All that is announced or about to be, by its place in the plan.</summary>
    public IReadOnlyDictionary<int, Flight> Flights => _flights;

    /// <summary>How the run ends; null while it goes on. Once it is there nothing begins any more, and what is under way ends.</summary>
    public RunOutcome? End { get; private set; }

    /// <summary>How a replay ends once all is done that its origin did; null where nothing says so yet.</summary>
    public RunOutcome? Last { get; private set; }

    /// <summary>Steps of a replay that could begin and that its origin never came to.</summary>
    public Queue<(int Index, int Attempt)> Beyond { get; } = [];

    /// <summary>What it is executed by, where it is a replay; else null.</summary>
    public Replay? Replay => Planned.Ancestry?.Replay;

    /// <summary>What the recorder or the engine itself threw: nothing is recorded any more.</summary>
    public Exception? Fault { get; private set; }

    /// <summary>Who asks people about its attempts; null where nobody can be asked.</summary>
    public RunApprovals? Approvals { get; set; }

    /// <summary>What steps wait for: people, or sub-runs. They are not announced.</summary>
    public List<StepWait> Parked { get; } = [];

    /// <summary>What the trace's head announces.</summary>
    public StepIntents Announced { get; set; }

    /// <summary>That the trace's opening is in the log: for the first step's record, where the run waited for it.</summary>
    public string? LogOpening { get; set; }

    /// <summary>Whether nothing may begin, for the trace's opening is not in the log: the run has ended, or is to be let go of.</summary>
    public bool IsHeld { get; set; }

    /// <summary>Whether something did not begin because the run is to be let go of.</summary>
    public bool IsLetGo { get; set; }

    /// <summary>Whether because it is to be paused.</summary>
    public bool IsPaused { get; set; }

    public int FailedSteps { get; set; }

    /// <summary>Steps that the recorder has acknowledged.</summary>
    public int Recorded { get; set; }

    /// <summary>Steps that were executed and not acknowledged, in their order.</summary>
    public List<StepRecording> Pending { get; } = [];

    /// <summary>Cancelled when what is under way must end.</summary>
    public CancellationToken Now => _now.Token;

    /// <summary>Done when no branch is left.</summary>
    public Task Drained => _drained.Task;

    /// <summary>Waits for the turn; dispose what it returns.</summary>
    public async ValueTask<Turn> TurnAsync()
    {
        await _turn.WaitAsync(CancellationToken.None);
        return new Turn(_turn);
    }

    /// <summary>What the trace's head is to say.</summary>
    public StepIntents Intents() => _flights.Count switch
    {
        0 => StepIntents.None,
        1 => _flights.GetValueAtIndex(0) is { PassedOver: null, Intent: var only } ? only : StepIntents.None,
        _ => StepIntents.Of(_flights.Values.Where(flight => flight.PassedOver is null).Select(flight => flight.Intent)),
    };

    public Flight Launch(Flight flight)
    {
        _flights[flight.Intent.PlanIndex] = flight;
        return flight;
    }

    public void Land(Flight flight) => _flights.Remove(flight.Intent.PlanIndex);

    /// <summary>Takes the next step that may begin. A replay does all that its origin did before it comes to anything else.</summary>
    /// <param name="index">Its place in the plan.</param>
    /// <param name="attempt">Attempts of it that are recorded.</param>
    /// <returns>False where none may begin now.</returns>
    public bool TryTake(out int index, out int attempt)
    {
        while (Schedule.TryTake(out index, out attempt))
        {
            if (Replay?.Has(index, attempt) is not false)
                return true;
            Beyond.Enqueue((index, attempt));
        }

        if (_flights.Count > 0 || Parked.Count > 0 || Last is not null || Replay is null or { WasBrokenOff: true } || !Beyond.TryDequeue(out var beyond))
            return false;
        (index, attempt) = beyond;
        return true;
    }

    /// <summary>The first reason for which the run ends counts.</summary>
    public void EndAs(RunOutcome outcome) => End ??= outcome;

    /// <summary>The run ends with a step. Where a replay's origin ended with it too, other branches may have had more to do then: what is recorded of them is done first.</summary>
    public void EndWith(int index, int attempt, RunOutcome outcome)
    {
        if (Replay?.EndedWith(index, attempt) is true)
            Last ??= outcome;
        else
            EndAs(outcome);
    }

    /// <summary>A replay of which nothing is under way and nothing may begin has done what its origin did.</summary>
    public void EndAsOrigin()
    {
        if (Parked.Count > 0)
            return;
        if (Last is { } last)
            EndAs(last);
        else if (Beyond.TryPeek(out var beyond))
            EndAs(new RunOutcome(RunStatus.Aborted, "origin_ended", $"the origin was broken off before step \"{Schedule[beyond.Index].Id}\": there is no more of it to replay"));
    }

    /// <summary>Nothing can be recorded any more. What is under way may end, unless another process has the run.</summary>
    public void Fail(Exception fault)
    {
        Fault ??= fault;
        if (fault is RecordingException { Failure: RecordingFailure.Fenced })
            _ = _now.CancelAsync();
    }

    /// <summary>Branches begin.</summary>
    public void Enter(int branches) => Interlocked.Add(ref _branches, branches);

    /// <summary>A branch has ended.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _branches) == 0)
            _drained.TrySetResult();
    }

    public void Dispose()
    {
        _now.Dispose();
        _turn.Dispose();
        Gate?.Dispose();
    }

    internal readonly struct Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
