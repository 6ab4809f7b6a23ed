using System.Globalization;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>
/// Recomputes one trace from what was recorded and compares: begin with the trace, add its steps in the order of their index, finish. Keeps one step
/// at a time; only <see cref="IntegrityModel.MerkleTree"/> keeps 64 bytes a step. Evidence of any kind gives findings, never an exception.
/// </summary>
/// <remarks>Not thread-safe: one verifier a trace.</remarks>
public sealed class TraceVerifier
{
    private readonly RecordedTrace _trace;
    private readonly VerificationOptions _options;
    private readonly CheckList _checks = new();
    private readonly FindingLog _log;
    private readonly ChainJudge _chain;
    private readonly PayloadJudge _payloads;
    private readonly MerkleTree _tree = new();
    private readonly StepProofs? _proofs;
    private readonly SchemaJudge? _schemas;
    private readonly ToolListJudge _tools;
    private readonly ApprovalJudge _approvals;
    private readonly OpeningJudge _opening;
    private readonly SubRunJudge _subRuns = new();
    private TraceHeader? _header;
    private long _expected;
    private int _count;
    private bool _finished;

    private TraceVerifier(RecordedTrace trace, VerificationOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxFindings, 1, nameof(options));
        (_trace, _options) = (trace, options);
        _log = new FindingLog(_checks, options.MaxFindings);
        _chain = new ChainJudge(_log);
        _payloads = new PayloadJudge(options.MaxFindings);
        _proofs = options.Model is IntegrityModel.MerkleTree ? new StepProofs() : null;
        _schemas = options.Schemas is { } schemas ? new SchemaJudge(schemas) : null;
        _tools = new ToolListJudge(trace.Context);
        _approvals = new ApprovalJudge(trace, options.Approvals);
        _opening = new OpeningJudge(trace.Context);
    }

    /// <summary>Begins with the trace's own columns.</summary>
    /// <param name="trace">The trace as recorded.</param>
    /// <param name="options">What is asked for, or null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="VerificationOptions.MaxFindings"/> is less than 1.</exception>
    /// <returns>The verifier.</returns>
    public static TraceVerifier Begin(RecordedTrace trace, VerificationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(trace);
        var verifier = new TraceVerifier(trace, options ?? new VerificationOptions());
        verifier.JudgeHeader();
        return verifier;
    }

    /// <summary>Verifies a trace whose steps are at hand.</summary>
    /// <param name="trace">The trace as recorded.</param>
    /// <param name="steps">Its steps in the order of their index.</param>
    /// <param name="options">What is asked for, or null for the defaults.</param>
    /// <returns>The report.</returns>
    public static TraceReport Verify(RecordedTrace trace, IEnumerable<RecordedStep> steps, VerificationOptions? options = null)
    {
        var verifier = Begin(trace, options);
        foreach (var step in steps)
            verifier.Add(step);
        return verifier.Finish();
    }

    /// <summary>Reports a trace of which no header was found, though something else says that it was there.</summary>
    /// <param name="trace">The trace's id.</param>
    /// <param name="steps">Steps of it that were found: with any, the header is missing; with none, the whole trace.</param>
    /// <param name="options">What is asked for, or null for the defaults.</param>
    /// <param name="evidence">What the tenant's log says of the trace; null where no log is at hand.</param>
    /// <returns>The report; its verdict is FAILED.</returns>
    public static TraceReport Missing(TraceId trace, int steps, VerificationOptions? options = null, LogEvidence? evidence = null)
    {
        options ??= new VerificationOptions();
        var checks = new CheckList();
        var log = new FindingLog(checks, options.MaxFindings);
        log.Add(EvidenceCheck.Header, steps > 0
            ? Place.Header.Finding(FindingCodes.HeaderMissing, string.Create(CultureInfo.InvariantCulture, $"is missing, though {steps} of the trace's steps are there"))
            : Place.Trace.Finding(FindingCodes.TraceMissing, "is missing, though " + (evidence?.TraceSeen ?? "the run's record says that the run succeeded")));
        if (evidence?.TraceSeen is { } seen)
            checks.Fail(EvidenceCheck.LogInclusion, $"the trace is missing, though {seen}");
        return new TraceReport(options.Model, checks.ToChecks(options.Model))
        {
            TraceId = trace.Value,
            Findings = log.Kept,
            FindingsOmitted = 0,
            StepCount = steps,
            StepsThatHold = 0,
            ChainLength = null,
            RootHash = null,
            RecomputedRootHash = null,
            PayloadsVerified = 0,
            ErasedPayloads = [],
            ErasedPayloadCount = 0,
            StepProofs = null,
        };
    }

    /// <summary>Adds the next step.</summary>
    /// <param name="step">The step as recorded.</param>
    /// <exception cref="InvalidOperationException"><see cref="Finish"/> was called.</exception>
    public void Add(RecordedStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        ObjectDisposedException.ThrowIf(_finished, this);
        _count++;
        List<Judged> before = [], after = [];
        // The place is the index that the step has in the chain; a changed step_index is found there, not where it points to.
        var (place, position, rebuilt) = Sequence(step, before);
        JudgeLevel(step, place, after);
        _payloads.Judge(step.Input, place, PayloadColumns.Input, after);
        _payloads.Judge(step.Output, place, PayloadColumns.Output, after);
        _payloads.Judge(step.Context, place, PayloadColumns.Context, after);
        _schemas?.Judge(step, place, after);
        _tools.Judge(step, place, after, _log);
        _approvals.Add(step, place);
        _opening.Judge(step, place, _header, after);
        _subRuns.Add(step, place);
        _chain.Add(rebuilt, position, step.Link, place, (changed, holds) => Suspects.InStep(changed, step, holds), before, after);
        if (_chain.Recomputed is not { } link)
            return;
        _tree.Append(link);
        _proofs?.Append(link);
    }

    /// <summary>The sub-runs that the steps added so far are bound to, in the order of the steps.</summary>
    public IReadOnlyList<NamedSubRun> SubRuns => _subRuns.Named;

    /// <summary>The recomputed link after the steps that were added so far; null where the chain broke.</summary>
    public Digest? Link => _chain.Recomputed;

    /// <summary>Ends with the seal, and says what was found.</summary>
    /// <param name="evidence">What the tenant's log says of the trace; null where no log is at hand, and then that is said.</param>
    /// <param name="origin">For a fork, what is there of its origin; null where nobody looked, and then that is said.</param>
    /// <param name="subRuns">Of each of <see cref="SubRuns"/>, in their order, what is there of its trace; null where nobody looked, and then that is said.</param>
    /// <exception cref="ObjectDisposedException">It was called before.</exception>
    /// <returns>The report.</returns>
    public TraceReport Finish(LogEvidence? evidence = null, OriginEvidence? origin = null, IReadOnlyList<SubRunProof>? subRuns = null)
    {
        ObjectDisposedException.ThrowIf(_finished, this);
        _finished = true;
        var isOpen = _trace.Status is SealColumns.Running && SealColumns.AreEmpty(_trace);
        var seal = new SealJudge(_trace, _chain, _log, _checks, _count, _chain.Recomputed is null ? null : _tree.Root());
        if (isOpen)
            EndOpen(evidence?.SealSeen);
        else
            seal.Judge(_payloads, _proofs);
        if (!isOpen && _options.RunSucceeded && Wire.TryParse(_trace.Status, out SealStatus status) && status is not SealStatus.Completed)
            _log.Add(EvidenceCheck.Seal, Place.Seal.At("status").Finding(FindingCodes.RunRecordMismatch, $"is {_trace.Status}, though the run's record says that the run succeeded"));
        PassWhatHeld();
        _opening.Conclude(evidence, _options.LogKeys, _checks, _log);
        if (origin is not null)
            origin.Judge(_checks, _log);
        else if (TraceOrigin.OfFork(_trace) is { } fork)
            _checks.NotDone(EvidenceCheck.Origin, string.Create(CultureInfo.InvariantCulture, $"the trace goes on from {fork.StepIndex} steps of trace {fork.TraceId}, which was not at hand"));
        else if (_trace.Context is { Commitment: not null, Text: null })
            _checks.NotDone(EvidenceCheck.Origin, "the trace's context is withheld or erased, which would say whether it goes on from another trace" + (_options.ForkOf is { } record ? $": the run's record says that it does, from {record}" : ""));
        _subRuns.Conclude(_trace, subRuns, _checks, _log);
        if (evidence is not null)
            new TraceLogJudge(evidence, _checks, _log).Judge(_header, _header is null ? null : new ChainHasher().Link(_header), isOpen ? null : SealColumns.Rebuild(_trace, []), seal.Recomputed, isOpen);
        return new TraceReport(_options.Model, _checks.ToChecks(_options.Model))
        {
            TraceId = _trace.TraceId ?? "",
            Findings = _log.Kept,
            FindingsOmitted = _log.Omitted,
            StepCount = _count,
            StepsThatHold = _chain.Holding,
            ChainLength = _trace.ChainLength,
            RootHash = _trace.RootHash is { Length: Digest.Length } root ? new Digest(root) : null,
            RecomputedRootHash = seal.Recomputed,
            PayloadsVerified = _payloads.Verified,
            ErasedPayloads = _payloads.Erased,
            ErasedPayloadCount = _payloads.ErasedCount,
            StepProofs = _chain.Recomputed is null ? null : _proofs,
        };
    }

    private void JudgeHeader()
    {
        List<Judged> before = [], after = [];
        var header = _header = HeaderColumns.Rebuild(_trace, before);
        if (_options.Tenant is { } tenant && _trace.TenantId != tenant.Value)
            before.Add(new Judged(EvidenceCheck.Header, Place.Header.At("tenant_id").Finding(FindingCodes.IdentityMismatch, $"is not the tenant that was asked for, {tenant}")));
        if (_options.Run is { } run && _trace.RunId != run.Value)
            before.Add(new Judged(EvidenceCheck.Header, Place.Header.At("run_id").Finding(FindingCodes.IdentityMismatch, $"is not the run that was asked for, {run}")));
        _payloads.Judge(_trace.Goal, Place.Header, PayloadColumns.Goal, after);
        _payloads.Judge(_trace.Plan, Place.Header, PayloadColumns.Plan, after);
        _payloads.Judge(_trace.Context, Place.Header, PayloadColumns.Context, after);
        _chain.Begin(header, _trace.HeaderLink, (changed, holds) => Suspects.InHeader(changed, _trace, _options, holds), before, after);
    }

    /// <summary>Where a step stands in the chain: the next, or after a gap, or out of order, or the next one with its index changed.</summary>
    private (Place Place, StepPosition Position, TraceStep? Rebuilt) Sequence(RecordedStep step, List<Judged> before)
    {
        if (step.StepIndex == _expected)
        {
            _expected++;
            var place = Place.Step(step.StepIndex);
            return (place, StepPosition.Next, StepColumns.Rebuild(step, place, before));
        }

        var asRecorded = StepColumns.Rebuild(step, Place.Step(step.StepIndex), before);
        if (asRecorded is not null && _expected <= int.MaxValue && _chain.Holds(asRecorded with { StepIndex = (int)_expected }, step.Link))
        {
            var place = Place.Step((int)_expected++);
            before.Add(Misplaced(place.At("step_index"), FindingCodes.StepIndexGap, string.Create(CultureInfo.InvariantCulture, $"is {step.StepIndex}, but its link holds with {_expected - 1}")));
            return (place, StepPosition.Next, asRecorded);
        }

        if (step.StepIndex > _expected)
        {
            before.Insert(0, Misplaced(Place.Step((int)_expected), FindingCodes.StepIndexGap, string.Create(CultureInfo.InvariantCulture, $"is missing; the next one recorded is step {step.StepIndex}")));
            _expected = step.StepIndex + 1L;
            return (Place.Step(step.StepIndex), StepPosition.AfterGap, asRecorded);
        }

        before.Insert(0, Misplaced(Place.Step(step.StepIndex), FindingCodes.StepOutOfOrder, "comes again, or after a step that follows it"));
        return (Place.Step(step.StepIndex), StepPosition.OutOfOrder, asRecorded);
    }

    private static Judged Misplaced(Place place, string code, string said) => new(EvidenceCheck.StepSequence, place.Finding(code, said));

    /// <summary>Judged apart from the link: it is the one column that follows from another, so a forger of the whole chain can still get it wrong.</summary>
    private static void JudgeLevel(RecordedStep step, Place place, List<Judged> after)
    {
        if (!Wire.TryParse(step.Status, out StepStatus status) || !Wire.TryParse(step.Level, out StepLevel level) || level == Wire.LevelOf(status))
            return;
        after.Add(new Judged(EvidenceCheck.Levels, place.At("level").Finding(FindingCodes.LevelMismatch, $"is {step.Level}, which does not follow from the status {step.Status}")));
    }

    private void EndOpen(string? sealSeen)
    {
        _chain.Finish(_ => false);
        foreach (var check in (EvidenceCheck[])[EvidenceCheck.Seal, EvidenceCheck.StepsRoot, EvidenceCheck.StepInclusion, EvidenceCheck.RootHash])
            _checks.NotDone(check, "the trace is not sealed");
        var reach = _chain.Holding switch
        {
            0 => "no step's link holds",
            1 => "the chain holds for step 0",
            var n => string.Create(CultureInfo.InvariantCulture, $"the chain holds for steps 0 to {n - 1}"),
        };
        if (sealSeen is not null || _options.RunHasEnded)
            _log.Add(EvidenceCheck.Seal, Place.Seal.Finding(FindingCodes.SealMissing, $"is missing, though {sealSeen ?? "the run's record says that it ended"}; {(_count == 0 ? "it has no step" : reach)}"));
        else
            _log.Note(Place.Seal.Finding(FindingCodes.TraceNotSealed, $"the trace is not sealed; {(_count == 0 ? "it has no step yet" : reach)}"));
    }

    /// <summary>Passes what was compared and did not fail.</summary>
    private void PassWhatHeld()
    {
        var steps = string.Create(CultureInfo.InvariantCulture, $"{_count} {(_count == 1 ? "step" : "steps")}");
        _checks.Pass(EvidenceCheck.Header, "link[0] is the hash of the recorded header");
        _checks.Pass(EvidenceCheck.StepSequence, $"{steps}, indices from 0 without a gap");
        _checks.Pass(EvidenceCheck.Levels, $"{steps}, each level follows from its status");
        if (_chain.IsWhole && (_chain.Holding == _count))
            _checks.Pass(EvidenceCheck.HashChain, string.Create(CultureInfo.InvariantCulture, $"{_count + 1} links recomputed, each is the recorded one"));
        else
            _checks.Fail(EvidenceCheck.HashChain, "not every link could be recomputed from the header on");
        PassPayloads();
        _schemas?.Conclude(_checks);
        _tools.Conclude(_checks);
        _approvals.Conclude(_checks, _log);
    }

    private void PassPayloads()
    {
        var verified = string.Create(CultureInfo.InvariantCulture, $"{_payloads.Verified} {(_payloads.Verified == 1 ? "matches its commitment" : "match their commitments")}");
        if (_payloads.NotRead > 0)
        {
            _checks.NotDone(EvidenceCheck.Payloads, string.Create(CultureInfo.InvariantCulture, $"{_payloads.NotRead} payloads were not read"));
            _log.Note(Place.Trace.Finding(FindingCodes.PayloadsNotRead, string.Create(CultureInfo.InvariantCulture, $"{_payloads.NotRead} payloads were not read, so not compared with their commitments")));
        }
        else
        {
            _checks.Pass(EvidenceCheck.Payloads, _payloads.ErasedCount == 0 ? verified : string.Create(CultureInfo.InvariantCulture, $"{verified}, {_payloads.ErasedCount} erased: only the commitment is left"));
        }
    }
}
