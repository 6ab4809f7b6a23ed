using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution.Tests;

/// <summary>What goes wrong with a write.</summary>
public enum Fault
{
    /// <summary>The write never happened, and the caller is told so.</summary>
    Lost,

    /// <summary>The write happened, and the caller is told that it did not.</summary>
    PersistedButFailed,

    /// <summary>The store refuses the content.</summary>
    Refused,

    /// <summary>Another writer has taken over.</summary>
    Fenced,
}

/// <summary>A recorder in memory that obeys the contract of <see cref="ITraceRecorder"/>, and fails where a test says so.</summary>
internal sealed class FakeRecorder : ITraceRecorder
{
    private readonly Lock _gate = new();
    private readonly List<(string Write, Fault Fault, int Left)> _faults = [];

    public Dictionary<string, FakeTrace> Traces { get; } = new(StringComparer.Ordinal);

    /// <summary>Every write asked for: <c>open</c>, <c>append 0</c>, <c>seal</c>, <c>takeover</c>.</summary>
    public List<string> Writes { get; } = [];

    public FakeTrace Only => Traces.Values.Single();

    public void Fail(string write, Fault fault, int times = int.MaxValue) => _faults.Add((write, fault, times));

    public void Heal() => _faults.Clear();

    public ValueTask<ITraceSession> OpenAsync(TraceOpening opening, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            FakeTrace? opened = null;
            Do("open", () =>
            {
                if (!Traces.TryGetValue(opening.TraceId.Value, out opened))
                    Traces[opening.TraceId.Value] = opened = new FakeTrace(opening) { Intents = opening.FirstSteps };
            });
            return ValueTask.FromResult<ITraceSession>(new Session(this, opened!, null));
        }
    }

    public ValueTask<ITraceSession> TakeOverAsync(TenantId tenant, TraceId trace, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            FakeTrace? found = null;
            Do("takeover", () =>
            {
                if (!Traces.TryGetValue(trace.Value, out found) || found.Opening.TenantId != tenant)
                    throw new RecordingException(RecordingFailure.NotFound, $"no trace {trace}");
                if (found.Closing is not null)
                    throw new RecordingException(RecordingFailure.Sealed, $"trace {trace} is sealed");
                found.Epoch++;
            });
            return ValueTask.FromResult<ITraceSession>(new Session(this, found!, found!.Intents));
        }
    }

    private void Do(string write, Action persist)
    {
        Writes.Add(write);
        var at = _faults.FindIndex(fault => fault.Write == write || fault.Write == "*");
        if (at < 0)
        {
            persist();
            return;
        }

        var (_, kind, left) = _faults[at];
        if (left == 1)
            _faults.RemoveAt(at);
        else
            _faults[at] = _faults[at] with { Left = left - 1 };
        if (kind is Fault.PersistedButFailed)
            persist();
        var failure = kind switch
        {
            Fault.Refused => RecordingFailure.Refused,
            Fault.Fenced => RecordingFailure.Fenced,
            _ => RecordingFailure.Unavailable,
        };
        throw new RecordingException(failure, $"{write}: {kind}");
    }

    internal sealed class FakeTrace(TraceOpening opening)
    {
        public TraceOpening Opening { get; } = opening;

        public List<StepRecording> Steps { get; } = [];

        public TraceClosing? Closing { get; set; }

        public StepIntents Intents { get; set; }

        public int Epoch { get; set; }

        /// <summary>Asked at each append, before anything is written.</summary>
        public Action? BeforeAppend { get; set; }
    }

    private sealed class Session(FakeRecorder recorder, FakeTrace trace, StepIntents inFlight) : ITraceSession
    {
        private readonly int _epoch = trace.Epoch;
        private int _next = trace.Steps.Count;

        public TenantId TenantId => trace.Opening.TenantId;

        public TraceId TraceId => trace.Opening.TraceId;

        public int NextIndex => _next;

        public Digest LastLink => Digest.Of([(byte)_next]);

        public StepIntents InFlight => inFlight;

        public ValueTask<Digest> AppendAsync(StepRecording step, StepIntents next, CancellationToken cancellationToken)
        {
            lock (recorder._gate)
            {
                recorder.Do($"append {_next}", () =>
                {
                    Current();
                    if (trace.Steps.Count > _next && !ReferenceEquals(trace.Steps[_next], step))
                        throw new RecordingException(RecordingFailure.Conflict, $"step {_next} is another");
                    if (trace.Steps.Count == _next)
                        trace.Steps.Add(step);
                    trace.Intents = next;
                });
                _next++;
                return ValueTask.FromResult(LastLink);
            }
        }

        public ValueTask AnnounceAsync(StepIntents intents, CancellationToken cancellationToken)
        {
            lock (recorder._gate)
            {
                recorder.Do("announce", () =>
                {
                    Current();
                    trace.Intents = intents;
                });
                return ValueTask.CompletedTask;
            }
        }

        public ValueTask<Digest> SealAsync(TraceClosing closing, CancellationToken cancellationToken)
        {
            lock (recorder._gate)
            {
                recorder.Do("seal", () =>
                {
                    if (trace.Closing == closing)
                        return;
                    Current();
                    trace.Closing = closing;
                    trace.Intents = default;
                });
                return ValueTask.FromResult(LastLink);
            }
        }

        private void Current()
        {
            if (trace.Closing is not null)
                throw new RecordingException(RecordingFailure.Sealed, "sealed");
            if (trace.Epoch != _epoch)
                throw new RecordingException(RecordingFailure.Fenced, "fenced");
        }
    }
}
