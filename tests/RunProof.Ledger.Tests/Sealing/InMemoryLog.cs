using System.Runtime.CompilerServices;
using RunProof.Format;
using RunProof.Testing;
using RunProof.Tiles;

namespace RunProof.Ledger.Tests;

/// <summary>A log, its queue and the evidence behind it, in memory: each commit is one assignment, as a transaction is.</summary>
internal sealed class InMemoryLog : ILogStore, ILogReader, IEvidenceStore, ILogBench
{
    private static readonly DateTimeOffset Start = new(2026, 2, 10, 12, 0, 0, TimeSpan.Zero);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, RecordedTrace> _traces = new(StringComparer.Ordinal);
    private readonly HashSet<string> _retired = new(StringComparer.Ordinal);
    private State _state;

    internal InMemoryLog() => _state = new State(new LogHead(Tenant, null, 0, [], null, null, []), [], [], [], []);

    public TenantId Tenant { get; } = TenantId.Parse("acme");

    public ILogStore Store => this;

    public ILogReader Reader => this;

    public IEvidenceStore Evidence => this;

    public Task RecordAsync(int first, int count)
    {
        lock (_gate)
        {
            foreach (var number in Enumerable.Range(first, count))
                _traces.Add(ILogBench.TraceOf(number), Trace(number));
            foreach (var kind in (LogEntryKind[])[LogEntryKind.Opened, LogEntryKind.Sealed])
            {
                foreach (var number in Enumerable.Range(first, count))
                    _state.Queue.Add(new QueuedEntry(ILogBench.TraceOf(number), kind, Start, IsOpened: false));
            }
        }

        return Task.CompletedTask;
    }

    public Task TamperAsync(int trace)
    {
        lock (_gate)
            _traces[ILogBench.TraceOf(trace)] = _traces[ILogBench.TraceOf(trace)] with { CorrelationId = "changed" };
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<LogWork>> FindWorkAsync(int limit, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<LogWork>>(
        Read(state => state.Queue.Count > 0 ? [new LogWork(Tenant, state.Queue.Count, state.Queue.Min(each => each.QueuedAt), IsUnpublished: false)] : Array.Empty<LogWork>()));

    public Task<IReadOnlyList<TenantId>> ListLogsAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<TenantId>>(Read(state => state.Head.Checkpoint is null ? [] : new[] { Tenant }));

    public Task<(LogHead Head, IReadOnlyList<QueuedEntry> Queue)> ReadAsync(TenantId tenant, int traces, CancellationToken cancellationToken) => Task.FromResult(Read(state =>
    {
        var taken = state.Queue.Select(each => each.TraceId).Distinct(StringComparer.Ordinal).Take(traces).ToHashSet(StringComparer.Ordinal);
        QueuedEntry[] queue = [.. state.Queue.Where(each => taken.Contains(each.TraceId)).Select(each => each with { IsOpened = state.Entries.Any(entry => entry.TraceId == each.TraceId) })];
        return (state.Head, (IReadOnlyList<QueuedEntry>)queue);
    }));

    public Task<bool> CommitAsync(LogCommit commit, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (commit.Checkpoint is not null && commit.Before != _state.Head.Checkpoint)
                return Task.FromResult(false);
            if (commit.Keys.Any(key => key.UntilSize is null && NoteKey.TryParse(key.VerifierKey, out var made, out _) && _retired.Contains(Convert.ToHexString(made.PublicKey.Span))))
                throw new LogHaltedException("retired", isKeyRetired: true);
            _state = _state.After(commit);
            return Task.FromResult(true);
        }
    }

    public Task<bool> PublishAsync(TenantId tenant, string checkpoint, string published, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var size = SizeOf(checkpoint);
            if ((size >= _state.Head.Size && _state.Head.Checkpoint != checkpoint) || (_state.Head.Published is { } before && SizeOf(before) > size))
                return Task.FromResult(false);
            _state = _state with { Head = _state.Head with { Published = published } };
            return Task.FromResult(true);
        }
    }

    public Task RetireAsync(NoteKey key, CancellationToken cancellationToken)
    {
        lock (_gate)
            _retired.Add(Convert.ToHexString(key.PublicKey.Span));
        return Task.CompletedTask;
    }

    private static long SizeOf(string note) => long.Parse(note.Split('\n')[1], System.Globalization.CultureInfo.InvariantCulture);

    public Task<LogLag> ReadLagAsync(CancellationToken cancellationToken) => ReadLagAsync(Tenant, cancellationToken);

    public Task<ServedLog?> FindAsync(TenantId tenant, CancellationToken cancellationToken) => Task.FromResult(Read(state => state.Head.Checkpoint is { } checkpoint
        ? new ServedLog(tenant, state.Head.Origin!, state.Head.Size, checkpoint, state.Head.Published, IsPublic: false, Start)
        : null));

    public Task<IReadOnlyList<TenantId>> ListPublicAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<TenantId>>([]);

    public Task<IReadOnlyDictionary<TileAddress, ReadOnlyMemory<byte>>> ReadTilesAsync(TenantId tenant, IReadOnlyCollection<TileAddress> tiles, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyDictionary<TileAddress, ReadOnlyMemory<byte>>>(Read(state => tiles
            .Where(tile => state.Tiles.TryGetValue((tile.Level, tile.Index), out var bytes) && bytes.Length >= 32 * tile.Width)
            .ToDictionary(tile => tile, tile => (ReadOnlyMemory<byte>)state.Tiles[(tile.Level, tile.Index)].AsMemory(0, 32 * tile.Width))));

    public Task<IReadOnlyList<TileLevel>> MeasureTilesAsync(TenantId tenant, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<TileLevel>>(
        Read(state => state.Tiles.GroupBy(tile => tile.Key.Level).Select(level => new TileLevel(level.Key, level.Count(), level.Sum(tile => tile.Value.Length) / 32)).ToArray()));

    public async IAsyncEnumerable<LoggedEntry> ReadEntriesAsync(TenantId tenant, long first, long count, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var entry in Read(state => state.Entries.Where(entry => entry.Position >= first && entry.Position - first < count).ToArray()))
            yield return entry;
    }

    public Task<TraceInLog> FindTraceAsync(TenantId tenant, string trace, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<LogKey>> ReadKeysAsync(TenantId tenant, CancellationToken cancellationToken) => Task.FromResult(Read(state => state.Head.Keys));

    public Task<IReadOnlyList<QuarantinedEntry>> ReadQuarantineAsync(TenantId tenant, int limit, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<QuarantinedEntry>>(Read(state => state.Quarantine));

    public Task<LogLag> ReadLagAsync(TenantId tenant, CancellationToken cancellationToken) => Task.FromResult(Read(state =>
        new LogLag(state.Queue.Count, state.Queue.Count(each => each.Kind is LogEntryKind.Sealed), state.Queue.Count == 0 ? null : Start, state.Quarantine.Count)));

    public Task<IEvidenceSnapshot> OpenAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        lock (_gate)
            return Task.FromResult<IEvidenceSnapshot>(new Snapshot(new Dictionary<string, RecordedTrace>(_traces, StringComparer.Ordinal)));
    }

    /// <summary>Changes the head behind the sealer's back.</summary>
    internal void Damage(Func<LogHead, LogHead> change)
    {
        lock (_gate)
            _state = _state with { Head = change(_state.Head) };
    }

    internal void DamageTile(int level, long index, Func<byte[], byte[]> change)
    {
        lock (_gate)
            _state.Tiles[(level, index)] = change(_state.Tiles[(level, index)]);
    }

    internal void DamageEntry(int position, Func<LoggedEntry, LoggedEntry?> change)
    {
        lock (_gate)
        {
            var entry = change(_state.Entries[position]);
            if (entry is null)
                _state.Entries.RemoveAt(position);
            else
                _state.Entries[position] = entry;
        }
    }

    private T Read<T>(Func<State, T> read)
    {
        lock (_gate)
            return read(_state);
    }

    /// <summary>A sealed trace without steps.</summary>
    private RecordedTrace Trace(int number)
    {
        var chain = new ChainHasher();
        var trace = ILogBench.TraceOf(number);
        var (goal, plan) = (Payload("\"a goal\"", number), Payload("[]", number));
        var header = new TraceHeader
        {
            AgentId = null, ContextHash = null, CorrelationId = CorrelationId.Parse("c"), Format = TraceHeader.CurrentFormat, FrozenTimestamp = null,
            GoalHash = new Digest(goal.Commitment!), IsSynthetic = false, OriginSystemId = "tests", PlanHash = new Digest(plan.Commitment!), Planner = "given",
            RunId = RunId.Parse(trace["trace_".Length..]), Seed = new SafeInteger(number), StartedAt = Start, SyntheticScenarioId = null, TenantId = Tenant, TraceId = TraceId.Parse(trace),
        };
        var seal = new TraceSeal { ChainLength = 0, CompletedAt = Start.AddSeconds(1), MetadataHash = null, Status = SealStatus.Completed, StepsRoot = MerkleTree.EmptyRoot };
        var link = chain.Link(header);
        return new RecordedTrace
        {
            TenantId = Tenant.Value, TraceId = trace, RunId = header.RunId.Value, CorrelationId = "c", AgentId = null, OriginSystemId = "tests", Planner = "given", Seed = number,
            FrozenTimestamp = null, IsSynthetic = false, SyntheticScenarioId = null, SchemaVersion = header.Format, StartedAt = Start, Status = "completed", CompletedAt = seal.CompletedAt,
            ArchivedAt = null, Goal = goal, Plan = plan, Context = new RecordedPayload(null, null, null, Loaded: true), Metadata = new RecordedPayload(null, null, null, Loaded: true),
            HeaderLink = link.ToArray(), ChainLength = 0, StepsRoot = seal.StepsRoot.ToArray(), RootHash = chain.Root(link, seal).ToArray(),
        };
    }

    private static RecordedPayload Payload(string text, int number)
    {
        byte[] salt = [.. Enumerable.Repeat((byte)number, Commitment.SaltLength)];
        return new RecordedPayload(Commitment.To(salt, System.Text.Encoding.UTF8.GetBytes(text)).ToArray(), salt, text, Loaded: true);
    }

    private sealed record State(
        LogHead Head, List<QueuedEntry> Queue, List<LoggedEntry> Entries, Dictionary<(int Level, long Index), byte[]> Tiles, List<QuarantinedEntry> Quarantine)
    {
        internal State After(LogCommit commit)
        {
            var tiles = new Dictionary<(int Level, long Index), byte[]>(Tiles);
            foreach (var tile in commit.Tiles)
            {
                var before = tiles.GetValueOrDefault((tile.Level, tile.Index), []);
                Assert.Equal(32 * tile.Width, before.Length);
                tiles[(tile.Level, tile.Index)] = [.. before, .. tile.Bytes.Span];
            }

            var taken = commit.Taken.Select(each => (each.TraceId, each.Kind)).ToHashSet();
            var keys = Head.Keys.Select(key => commit.Keys.FirstOrDefault(each => each.VerifierKey == key.VerifierKey) ?? key).ToList();
            keys.AddRange(commit.Keys.Where(key => !keys.Exists(each => each.VerifierKey == key.VerifierKey)));
            var head = commit.Checkpoint is null ? Head : Head with
            {
                Origin = commit.Origin, Size = commit.Size, Edge = commit.Edge, Checkpoint = commit.Checkpoint, Published = commit.Publish ? commit.Checkpoint : Head.Published, Keys = keys,
            };
            return new State(head, [.. Queue.Where(each => !taken.Contains((each.TraceId, each.Kind)))], [.. Entries, .. commit.Entries], tiles, [.. Quarantine, .. commit.Quarantine]);
        }
    }

    private sealed class Snapshot(Dictionary<string, RecordedTrace> traces) : IEvidenceSnapshot
    {
        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        public Task<IReadOnlyList<RecordedTrace>> ReadTracesAsync(RunId run, bool payloads, CancellationToken cancellationToken) => throw new NotSupportedException();

        public IAsyncEnumerable<RecordedStep> ReadStepsAsync(string trace, bool payloads, CancellationToken cancellationToken) => AsyncEnumerable.Empty<RecordedStep>();

        public async IAsyncEnumerable<RecordedEvidence> ReadEvidenceAsync(
            IReadOnlyList<(string Trace, bool Steps)> wanted, bool payloads, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.CompletedTask;
            foreach (var (trace, _) in wanted)
                yield return new RecordedEvidence(trace, traces.GetValueOrDefault(trace), AsyncEnumerable.Empty<RecordedStep>());
        }
    }
}
