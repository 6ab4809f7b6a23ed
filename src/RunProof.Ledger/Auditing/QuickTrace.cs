using System.Text;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// Recomputes traces from raw columns, one after another, and says of each only whether everything holds. It says so of nothing that <c>TraceVerifier</c> would not
/// say VERIFIED of; what it doubts, for whatever reason, is for that one to judge and to explain.
/// </summary>
/// <remarks>Not thread-safe: one a worker. Texts that come again and again are made once.</remarks>
internal sealed class QuickTrace(TenantId tenant, bool payloads)
{
    private readonly ChainHasher _hasher = new();
    private readonly TextCache _texts = new();
    private readonly byte[] _tenant = Encoding.UTF8.GetBytes(tenant.Value);
    private MerkleTree _tree = new();
    private TraceHeader? _header;
    private TraceSeal? _seal;
    private Digest _rootHash;
    private Digest _link;
    private bool _holds;

    /// <summary>Steps of the trace so far.</summary>
    internal int Steps { get; private set; }

    /// <summary>Payloads that were found to match their commitments, of all traces.</summary>
    internal long PayloadsVerified { get; private set; }

    /// <summary>Payloads whose commitment alone is left, of all traces.</summary>
    internal long PayloadsErased { get; private set; }

    /// <summary>Whether the trace is open: nothing of a seal is there.</summary>
    internal bool IsOpen { get; private set; }

    /// <summary>The header of the trace, where its columns hold one.</summary>
    internal TraceHeader? Header => _header;

    /// <summary>The seal of the trace, where it is sealed and its columns hold one.</summary>
    internal TraceSeal? Seal => _seal;

    /// <summary>The earliest and the latest time of a step of the engine's own.</summary>
    internal (DateTimeOffset First, DateTimeOffset Last)? StepTimes { get; private set; }

    /// <summary>Takes a trace up.</summary>
    internal void Begin(TraceRow row)
    {
        (_tree, _header, _seal, _holds, IsOpen, Steps, StepTimes) = (new MerkleTree(), null, null, false, false, 0, null);
        if (row.IsOdd || !row.TenantId.Span.SequenceEqual(_tenant) || !TryHeader(row, out var header))
            return;
        _header = header;
        _link = _hasher.Link(header);
        IsOpen = row.Status.Span.SequenceEqual("running"u8);
        _holds = Is(row.Link, _link) && Holds(row.Goal) && Holds(row.Plan) && Holds(row.Context)
            && (IsOpen ? row is { CompletedAt: null, ChainLength: null, StepsRoot.IsNull: true, RootHash.IsNull: true, Metadata: { Commitment.IsNull: true, Salt.IsNull: true, Text.IsNull: true } }
                : Holds(row.Metadata) && TrySeal(row));
    }

    /// <summary>Takes the trace's next step.</summary>
    internal void Add(StepRow row)
    {
        var index = Steps++;
        if (!_holds)
            return;
        _holds = !row.IsOdd && row.StepIndex == index && TryStep(row, out var step) && Is(row.Link, _link = _hasher.Link(_link, step)) && Holds(row.Input) && Holds(row.Output) && Holds(row.Context);
        if (!_holds)
            return;
        _tree.Append(_link);
        // Of what others did the times are others'; and a step that a crash interrupted may have been announced for later.
        if (row.Source.Span.SequenceEqual("engine"u8) && !row.Status.Span.SequenceEqual("interrupted"u8))
            StepTimes = StepTimes is { } times ? (row.Timestamp < times.First ? row.Timestamp : times.First, row.Timestamp > times.Last ? row.Timestamp : times.Last) : (row.Timestamp, row.Timestamp);
    }

    /// <summary>Whether everything that is there of the trace holds.</summary>
    internal bool Finish() =>
        _holds && (_seal is null || (_seal.ChainLength == Steps && _tree.Root() == _seal.StepsRoot && _hasher.Root(_link, _seal) == _rootHash));

    /// <summary>The bytes of the trace's opening entry; the trace must hold.</summary>
    internal byte[] OpenedEntry(Digest headerLink) => CanonicalBytes.Of(Format.OpenedEntry.Of(_header!, headerLink));

    /// <summary>The bytes of the trace's sealing entry; the trace must hold and be sealed.</summary>
    internal byte[] SealedEntry() => CanonicalBytes.Of(Format.SealedEntry.Of(_header!, _seal!, _rootHash));

    private static bool Is(RawColumn column, Digest digest) => column.Span.SequenceEqual(digest.Span);

    private static bool TryDigest(RawColumn column, out Digest digest)
    {
        digest = column.Span.Length == Digest.Length ? new Digest(column.Span) : default;
        return column.Span.Length == Digest.Length;
    }

    private static bool TryOptional(RawColumn column, out Digest? digest)
    {
        digest = null;
        if (column.IsNull)
            return true;
        var isDigest = TryDigest(column, out var found);
        digest = found;
        return isDigest;
    }

    private static bool IsSafe(long number) => number is >= -SafeInteger.MaxValue and <= SafeInteger.MaxValue;

    private bool Holds(in RawPayload payload)
    {
        if (payload.Commitment.IsNull || !payloads)
            return payload.Salt.IsNull && payload.Text.IsNull;
        if (payload.Salt.IsNull && payload.Text.IsNull)
        {
            PayloadsErased++;
            return true;
        }

        if (payload.Salt.IsNull || payload.Text.IsNull || payload.Salt.Span.Length != Commitment.SaltLength || !System.Text.Unicode.Utf8.IsValid(payload.Text.Span)
            || !Is(payload.Commitment, Commitment.To(payload.Salt.Span, payload.Text.Span)))
            return false;
        PayloadsVerified++;
        return true;
    }

    private bool TryHeader(TraceRow row, out TraceHeader header)
    {
        header = null!;
        if (!_texts.TryGet(row.AgentId, out var agent) || !TextCache.TryRead(row.CorrelationId, out var correlation) || !_texts.TryGet(row.OriginSystemId, out var system)
            || !_texts.TryGet(row.Planner, out var planner) || !TextCache.TryRead(row.RunId, out var run) || !_texts.TryGet(row.SyntheticScenarioId, out var scenario) || !TextCache.TryRead(row.TraceId, out var trace))
            return false;
        var agentId = default(AgentId);
        if (!row.SchemaVersion.Span.SequenceEqual("runproof/v1"u8) || (agent is not null && !AgentId.TryParse(agent, out agentId)) || !CorrelationId.TryParse(correlation, out var correlationId)
            || !RunId.TryParse(run, out var runId) || !TraceId.TryParse(trace, out var traceId) || system is null || planner is null || !IsSafe(row.Seed)
            || !TryOptional(row.Context.Commitment, out var context) || !TryDigest(row.Goal.Commitment, out var goal) || !TryDigest(row.Plan.Commitment, out var plan))
            return false;
        header = new TraceHeader
        {
            AgentId = agent is null ? null : agentId,
            ContextHash = context,
            CorrelationId = correlationId,
            Format = TraceHeader.CurrentFormat,
            FrozenTimestamp = row.FrozenTimestamp,
            GoalHash = goal,
            IsSynthetic = row.IsSynthetic,
            OriginSystemId = system,
            PlanHash = plan,
            Planner = planner,
            RunId = runId,
            Seed = new SafeInteger(row.Seed),
            StartedAt = row.StartedAt,
            SyntheticScenarioId = scenario,
            TenantId = tenant,
            TraceId = traceId,
        };
        return true;
    }

    private bool TrySeal(TraceRow row)
    {
        if (!Words.TrySeal(row.Status.Span, out var status) || row is not { ChainLength: >= 0 and <= int.MaxValue, CompletedAt: { } completed } || !TryOptional(row.Metadata.Commitment, out var metadata)
            || !TryDigest(row.StepsRoot, out var stepsRoot) || !TryDigest(row.RootHash, out _rootHash))
            return false;
        _seal = new TraceSeal { ChainLength = (int)row.ChainLength.Value, CompletedAt = completed, MetadataHash = metadata, Status = status, StepsRoot = stepsRoot };
        return true;
    }

    private bool TryStep(StepRow row, out TraceStep step)
    {
        step = null!;
        if (!Words.TryStatus(row.Status.Span, out var status) || !Words.TryLevel(row.Level.Span, out var level) || level != Wire.LevelOf(status) || !Words.TrySource(row.Source.Span, out var source)
            || !Words.TryReplay(row.ReplayBehavior.Span, out var replay) || !double.IsFinite(row.DurationMs) || (row.DurationMs == 0 && double.IsNegative(row.DurationMs))
            || row.RetryCount is < int.MinValue or > int.MaxValue || !TryDigest(row.Input.Commitment, out var input) || !TryOptional(row.Output.Commitment, out var output)
            || !TryOptional(row.Context.Commitment, out var context) || !TryOptional(row.Schema, out var schema))
            return false;
        if (!_texts.TryGet(row.SkillId, out var skillId) || !_texts.TryGet(row.SkillName, out var skillName) || !_texts.TryGet(row.SkillVersion, out var version) || !_texts.TryGet(row.OutcomeCategory, out var category)
            || !_texts.TryGet(row.OutcomeCode, out var code) || !TextCache.TryRead(row.IdempotencyKey, out var key) || !TextCache.TryRead(row.RngStateBefore, out var rng)
            || skillId is null || skillName is null || category is null)
            return false;
        step = new TraceStep
        {
            ContextHash = context,
            CostCents = row.CostCents,
            DurationMs = row.DurationMs,
            IdempotencyKey = key,
            InputHash = input,
            Level = level,
            OutcomeCategory = category,
            OutcomeCode = code,
            OutputHash = output,
            ReplayBehavior = replay,
            RetryCount = (int)row.RetryCount,
            RngStateBefore = rng,
            Schema = schema,
            SkillId = skillId,
            SkillName = skillName,
            SkillVersion = version,
            Source = source,
            Status = status,
            StepIndex = (int)row.StepIndex,
            Timestamp = row.Timestamp,
        };
        return true;
    }
}
