using System.Text;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Testing;
using RunProof.Tiles;

namespace RunProof.Ledger.Tests;

/// <summary>A log of any length whose rows are made when they are read, and thrown away: what an audit keeps of it is the audit's own.</summary>
internal sealed class SyntheticLog : IAuditSource, ILogReader
{
    internal static readonly TenantId Tenant = TenantId.Parse("acme");

    private const string Origin = "test.example/acme";

    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly int _traces;
    private readonly int _steps;
    private readonly string _checkpoint;

    internal SyntheticLog(int traces, int steps)
    {
        (_traces, _steps) = (traces, steps);
        var tree = new MerkleTree();
        for (var n = 0; n < traces; n++)
        {
            var trace = new Synthetic(n, steps);
            tree.AppendLeafHash(MerkleTree.LeafHash(trace.Opened));
            tree.AppendLeafHash(MerkleTree.LeafHash(trace.Sealed));
        }

        var note = new Checkpoint(Origin, tree.Size, tree.Root()).Text;
        _checkpoint = new SignedNote(note, [SealingFaults.Key.Under(Origin).Sign(note, default)]).ToString();
    }

    /// <summary>Whether the last trace's last step is another than its entry says.</summary>
    internal bool IsTampered { get; set; }

    public Task<AuditRows> ReadAsync(TenantId tenant, AuditRange range, CancellationToken cancellationToken) => Task.FromResult<AuditRows>(new Rows(this, range));

    public async IAsyncEnumerable<Stray> FindStraysAsync(TenantId tenant, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        yield break;
    }

    public Task<ServedLog?> FindAsync(TenantId tenant, CancellationToken cancellationToken) => Task.FromResult<ServedLog?>(new ServedLog(tenant, Origin, 2L * _traces, _checkpoint, _checkpoint, IsPublic: false, Start));

    public Task<LogLag> ReadLagAsync(TenantId tenant, CancellationToken cancellationToken) => Task.FromResult(new LogLag(0, 0, null, 0));

    public Task<IReadOnlyList<LogKey>> ReadKeysAsync(TenantId tenant, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<LogKey>>([new LogKey(SealingFaults.Key.Under(Origin).ToString(), 1, null, Start)]);

    public async IAsyncEnumerable<LoggedEntry> ReadEntriesAsync(TenantId tenant, long first, long count, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        yield break;
    }

    public Task<IReadOnlyList<TenantId>> ListPublicAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyDictionary<TileAddress, ReadOnlyMemory<byte>>> ReadTilesAsync(TenantId tenant, IReadOnlyCollection<TileAddress> tiles, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<TileLevel>> MeasureTilesAsync(TenantId tenant, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<TraceInLog> FindTraceAsync(TenantId tenant, string trace, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<QuarantinedEntry>> ReadQuarantineAsync(TenantId tenant, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

    private sealed class Rows(SyntheticLog log, AuditRange range) : AuditRows
    {
        private long _position = range.First;
        private Synthetic? _trace;
        private int _row = -2;

        public override ValueTask<AuditRow> NextAsync(CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return new(Next());
        }

        public override ValueTask DisposeAsync() => default;

        private AuditRow Next()
        {
            if (_trace is not null && _row == -1)
            {
                _trace.Fill(Trace);
                _row = 0;
                return AuditRow.Trace;
            }

            if (_trace is not null && _row < log._steps)
            {
                _trace.Fill(Step, _row);
                if (log.IsTampered && _trace.Number == log._traces - 1 && _row == log._steps - 1)
                    Step.RetryCount = 7;
                _row++;
                return AuditRow.Step;
            }

            if (_position == range.End)
                return AuditRow.End;
            var trace = new Synthetic((int)(_position / 2), log._steps);
            var isSeal = _position % 2 == 1;
            Entry.Position = _position;
            (Entry.Kind, Entry.TraceId, Entry.RunId) = (Column(isSeal ? "sealed" : "opened"), Column(trace.TraceId), Column(trace.RunId));
            (Entry.Text, Entry.PartnerText) = isSeal ? (RawColumn.Of(trace.Sealed), RawColumn.Of(trace.Opened)) : (RawColumn.Of(trace.Opened), RawColumn.Of(trace.Sealed));
            (Entry.PartnerPosition, Entry.IsEvidenceRead) = (isSeal ? _position - 1 : _position + 1, isSeal);
            (_trace, _row) = isSeal ? (trace, -1) : (null, -2);
            _position++;
            return AuditRow.Entry;
        }
    }

    private static RawColumn Column(string text) => RawColumn.Of(Encoding.UTF8.GetBytes(text));

    /// <summary>A trace that follows from its number.</summary>
    private sealed class Synthetic
    {
        private static readonly byte[] Salt = new byte[Commitment.SaltLength];
        private static readonly byte[] Text = "{}"u8.ToArray();
        private static readonly byte[] Hash = Commitment.To(Salt, Text).ToArray();

        private readonly TraceHeader _header;
        private readonly List<Digest> _links = [];
        private readonly TraceSeal _seal;
        private readonly Digest _root;

        internal Synthetic(int number, int steps)
        {
            Number = number;
            _header = new TraceHeader
            {
                AgentId = null, ContextHash = null, CorrelationId = CorrelationId.Parse("c"), Format = TraceHeader.CurrentFormat, FrozenTimestamp = null, GoalHash = new Digest(Hash), IsSynthetic = false,
                OriginSystemId = "tests", PlanHash = new Digest(Hash), Planner = "given", RunId = Format.RunId.Parse(RunId), Seed = new SafeInteger(1), StartedAt = Start.AddSeconds(number), SyntheticScenarioId = null,
                TenantId = Tenant, TraceId = Format.TraceId.Parse(TraceId),
            };
            var (hasher, tree) = (new ChainHasher(), new MerkleTree());
            _links.Add(hasher.Link(_header));
            for (var i = 0; i < steps; i++)
            {
                _links.Add(hasher.Link(_links[^1], StepOf(i)));
                tree.Append(_links[^1]);
            }

            _seal = new TraceSeal { ChainLength = steps, CompletedAt = _header.StartedAt.AddSeconds(1), MetadataHash = null, Status = SealStatus.Completed, StepsRoot = tree.Root() };
            _root = hasher.Root(_links[^1], _seal);
            Opened = CanonicalBytes.Of(OpenedEntry.Of(_header, _links[0]));
            Sealed = CanonicalBytes.Of(SealedEntry.Of(_header, _seal, _root));
        }

        internal int Number { get; }

        internal string RunId => $"{Number:D8}";

        internal string TraceId => "trace_" + RunId;

        internal byte[] Opened { get; }

        internal byte[] Sealed { get; }

        internal void Fill(TraceRow row)
        {
            (row.TenantId, row.TraceId, row.RunId, row.CorrelationId, row.OriginSystemId, row.Planner) = (Column("acme"), Column(TraceId), Column(RunId), Column("c"), Column("tests"), Column("given"));
            (row.SchemaVersion, row.Status, row.Seed, row.StartedAt, row.CompletedAt) = (Column("runproof/v1"), Column("completed"), 1, _header.StartedAt, _seal.CompletedAt);
            (row.Goal, row.Plan) = (Payload(), Payload());
            (row.Link, row.ChainLength) = (RawColumn.Of(_links[0].ToArray()), _seal.ChainLength);
            (row.StepsRoot, row.RootHash) = (RawColumn.Of(_seal.StepsRoot.ToArray()), RawColumn.Of(_root.ToArray()));
        }

        internal void Fill(StepRow row, int index)
        {
            (row.StepIndex, row.RetryCount, row.CostCents, row.DurationMs, row.Timestamp) = (index, 0, 0.5m, 1.5, _header.StartedAt);
            (row.SkillId, row.SkillName, row.Status, row.Level, row.OutcomeCategory) = (Column("echo"), Column("echo"), Column("succeeded"), Column("INFO"), Column("SUCCESS"));
            (row.ReplayBehavior, row.Source, row.Input, row.Link) = (Column("execute"), Column("engine"), Payload(), RawColumn.Of(_links[index + 1].ToArray()));
        }

        private TraceStep StepOf(int index) => new()
        {
            ContextHash = null, CostCents = 0.5m, DurationMs = 1.5, IdempotencyKey = null, InputHash = new Digest(Hash), Level = StepLevel.Info, OutcomeCategory = "SUCCESS", OutcomeCode = null, OutputHash = null,
            ReplayBehavior = ReplayBehavior.Execute, RetryCount = 0, RngStateBefore = null, Schema = null, SkillId = "echo", SkillName = "echo", SkillVersion = null, Source = StepSource.Engine,
            Status = StepStatus.Succeeded, StepIndex = index, Timestamp = _header.StartedAt,
        };

        private static RawPayload Payload() => new(RawColumn.Of(Hash), RawColumn.Of(Salt), RawColumn.Of(Text));
    }
}
