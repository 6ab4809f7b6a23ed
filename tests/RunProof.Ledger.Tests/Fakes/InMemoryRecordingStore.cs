using RunProof.Format;

namespace RunProof.Ledger.Tests;

/// <summary>How a call of the store goes wrong.</summary>
public enum Fault
{
    /// <summary>It does not.</summary>
    None,

    /// <summary>Nothing is written, and the caller is told that it failed.</summary>
    Lost,

    /// <summary>All is written, and the caller is told that it failed.</summary>
    PersistedButFailed,
}

/// <summary>
/// The contract of <see cref="IRecordingStore"/> in memory, with faults: nth call lost or persisted-but-failed, entries that are refused, and a
/// gate that holds calls back.
/// </summary>
public sealed class InMemoryRecordingStore : IRecordingStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(TenantId, TraceId), Stored> _traces = [];
    private readonly HashSet<(TenantId, TraceId)> _underWay = [];

    /// <summary>What happens to the next calls, in order; none beyond.</summary>
    public Queue<Fault> Faults { get; } = new();

    /// <summary>Which entries the store's own checks refuse.</summary>
    public Func<RecordingEntry, bool> IsPoison { get; set; } = static _ => false;

    /// <summary>Where set, calls wait for it.</summary>
    public Task? Gate { get; set; }

    /// <summary>Every batch that was committed, in order.</summary>
    public List<IReadOnlyList<RecordingEntry>> Commits { get; } = [];

    /// <summary>Every call, committed or not.</summary>
    public int Calls { get; private set; }

    /// <summary>Whether two calls ever held the same trace at once, or one batch held it twice.</summary>
    public bool TraceWasInTwoBatches { get; private set; }

    public Stored this[TenantId tenant, TraceId trace] => _traces[(tenant, trace)];

    public bool Holds(TenantId tenant, TraceId trace) => _traces.ContainsKey((tenant, trace));

    public async Task<IReadOnlyList<RecordingResult>> RecordAsync(IReadOnlyList<RecordingEntry> batch, CancellationToken cancellationToken)
    {
        var entered = new List<(TenantId, TraceId)>();
        lock (_gate)
        {
            Calls++;
            foreach (var entry in batch)
            {
                if (_underWay.Add((entry.TenantId, entry.TraceId)))
                    entered.Add((entry.TenantId, entry.TraceId));
                else
                    TraceWasInTwoBatches = true;
            }
        }

        if (Gate is { } gate)
            await gate;
        lock (_gate)
        {
            _underWay.ExceptWith(entered);
            var fault = Faults.TryDequeue(out var next) ? next : Fault.None;
            if (fault is Fault.Lost)
                throw new RecordingStoreException(isTransient: true, "lost");
            if (batch.Any(IsPoison))
                throw new RecordingStoreException(isTransient: false, "violates a check");
            var results = batch.Select(Apply).ToList();
            Commits.Add(batch);
            return fault is Fault.PersistedButFailed ? throw new RecordingStoreException(isTransient: true, "persisted, but failed") : results;
        }
    }

    public Task<TakeOverResult> TakeOverAsync(TenantId tenant, TraceId trace, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var fault = Faults.TryDequeue(out var next) ? next : Fault.None;
            if (fault is Fault.Lost)
                throw new RecordingStoreException(isTransient: true, "lost");
            if (!_traces.TryGetValue((tenant, trace), out var stored))
                return Task.FromResult(new TakeOverResult(RecordingOutcome.NotFound, null));
            if (stored.Seal is not null)
                return Task.FromResult(new TakeOverResult(RecordingOutcome.Sealed, null));
            stored.Epoch++;
            if (fault is Fault.PersistedButFailed)
                throw new RecordingStoreException(isTransient: true, "persisted, but failed");
            var links = stored.Steps.Select(step => step.Link).ToList();
            return Task.FromResult(new TakeOverResult(RecordingOutcome.Recorded, new TraceHead(stored.Epoch, stored.Opening.Link, links, stored.Intents)));
        }
    }

    public Task<RecordingResult> AnnounceAsync(
        TenantId tenant, TraceId trace, long epoch, Digest last, StepIntents intents, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var fault = Faults.TryDequeue(out var next) ? next : Fault.None;
            if (fault is Fault.Lost)
                throw new RecordingStoreException(isTransient: true, "lost");
            if (!_traces.TryGetValue((tenant, trace), out var stored))
                return Task.FromResult(new RecordingResult(RecordingOutcome.NotFound));
            if (stored.Seal is not null || stored.Epoch != epoch || stored.LastLink != last)
                return Task.FromResult(new RecordingResult(stored.Seal is not null ? RecordingOutcome.Sealed : stored.Epoch != epoch ? RecordingOutcome.Fenced : RecordingOutcome.Conflict));
            stored.Intents = intents;
            return fault is Fault.PersistedButFailed ? throw new RecordingStoreException(isTransient: true, "persisted, but failed") : Task.FromResult(new RecordingResult(RecordingOutcome.Recorded));
        }
    }

    private RecordingResult Apply(RecordingEntry entry)
    {
        var found = _traces.TryGetValue((entry.TenantId, entry.TraceId), out var stored);
        return entry switch
        {
            OpenEntry open when !found => Open(open),
            OpenEntry open when stored!.Opening.Link == open.Link => new(RecordingOutcome.AlreadyThere),
            OpenEntry => new(RecordingOutcome.Conflict, stored!.Opening.Link),
            _ when !found => new(RecordingOutcome.NotFound),
            AppendEntry append => Append(stored!, append),
            SealEntry seal => Close(stored!, seal),
            _ => throw new InvalidOperationException(),
        };
    }

    private RecordingResult Open(OpenEntry open)
    {
        _traces.Add((open.TenantId, open.TraceId), new Stored(open) { Intents = open.Intents });
        return new(RecordingOutcome.Recorded);
    }

    private static RecordingResult Append(Stored stored, AppendEntry append)
    {
        var there = append.Step.StepIndex < stored.Steps.Count ? stored.Steps[append.Step.StepIndex].Link : (Digest?)null;
        if (stored.Seal is not null)
            return there == append.Link ? new(RecordingOutcome.AlreadyThere) : new(RecordingOutcome.Sealed);
        if (stored.Epoch != append.Epoch)
            return new(RecordingOutcome.Fenced);
        if (there is { } link)
            return link == append.Link ? new(RecordingOutcome.AlreadyThere) : new(RecordingOutcome.Conflict, link);
        if (append.Step.StepIndex > stored.Steps.Count)
            return new(RecordingOutcome.Gap);
        if (stored.LastLink != append.Previous)
            return new(RecordingOutcome.Conflict, stored.LastLink);
        stored.Steps.Add(append);
        stored.Intents = append.Intents;
        return new(RecordingOutcome.Recorded);
    }

    private static RecordingResult Close(Stored stored, SealEntry seal)
    {
        if (stored.Seal is { } there)
            return there.RootHash == seal.RootHash ? new(RecordingOutcome.AlreadyThere) : new(RecordingOutcome.Sealed, there.RootHash);
        if (stored.Epoch != seal.Epoch)
            return new(RecordingOutcome.Fenced);
        if (stored.Steps.Count != seal.Seal.ChainLength || stored.LastLink != seal.Last)
            return new(RecordingOutcome.Conflict, stored.LastLink);
        stored.Seal = seal;
        return new(RecordingOutcome.Recorded);
    }

    public sealed class Stored(OpenEntry opening)
    {
        public OpenEntry Opening { get; } = opening;

        public List<AppendEntry> Steps { get; } = [];

        public SealEntry? Seal { get; set; }

        public StepIntents Intents { get; set; }

        public long Epoch { get; set; } = 1;

        public Digest LastLink => Steps.Count == 0 ? Opening.Link : Steps[^1].Link;
    }
}
