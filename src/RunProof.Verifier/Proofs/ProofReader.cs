using System.Runtime.CompilerServices;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Verification;

namespace RunProof.Verifier;

/// <summary>What a caller asks for.</summary>
internal sealed record ProofRequest(TenantId Tenant, RunId Run, IntegrityModel Model, bool IncludePayloads);

/// <summary>
/// Verifies a run and shows what was verified. Steps are read twice from one snapshot, first to verify and then to show: so the verdict comes
/// before the steps in the answer, and neither a long trace nor its payloads are ever held in memory.
/// </summary>
internal sealed class ProofReader(IEvidenceStore evidence, IRunStore runs, LogEvidenceReader log, TimeProvider clock)
{
    /// <summary>Opens the snapshot that the whole answer comes from; null where the tenant has neither trace nor run of this id, and its log knows of none.</summary>
    internal async Task<Proof?> OpenAsync(ProofRequest request, CancellationToken cancellationToken)
    {
        var (proof, isBehind) = await LookAsync(request, cancellationToken);
        if (!isBehind)
            return proof;
        // The log, which is read after the snapshot, has more of a trace than that shows: it was opened or sealed in between, or taken away. A snapshot that is
        // younger than the log's word tells which.
        if (proof is not null)
            await proof.DisposeAsync();
        return (await LookAsync(request, cancellationToken)).Proof;
    }

    private async Task<(Proof? Proof, bool IsBehind)> LookAsync(ProofRequest request, CancellationToken cancellationToken)
    {
        // Before the evidence: a run ends only after its trace is sealed, so what this says of the seal the snapshot must show.
        var run = await runs.FindAsync(request.Tenant, request.Run, cancellationToken);
        var snapshot = await evidence.OpenAsync(request.Tenant, cancellationToken);
        try
        {
            var traces = await snapshot.ReadTracesAsync(request.Run, payloads: true, cancellationToken);
            var reports = await VerifyAsync(snapshot, traces, run, request, cancellationToken);
            var sideRecords = reports.Judge?.Finish(evidenceHolds: reports.Reports.All(static each => each.Verdict.Status is not VerificationStatus.Failed));
            if (reports.Reports.Count == 0 && run is null)
            {
                await snapshot.DisposeAsync();
                return (null, false);
            }

            var isBehind = traces.Count == 0 ? reports.Log is [{ TraceSeen: not null }] : traces.Zip(reports.Log).Any(pair => pair.First.Status == "running" && pair.Second.SealSeen is not null);
            return (new Proof(snapshot, Answer(snapshot, traces, reports, sideRecords, request, cancellationToken), sideRecords), isBehind);
        }
        catch
        {
            await snapshot.DisposeAsync();
            throw;
        }
    }

    private ProofResponse Answer(
        IEvidenceSnapshot snapshot, IReadOnlyList<RecordedTrace> traces, VerifiedRun verified, SideRecordReport? sideRecords, ProofRequest request, CancellationToken cancellationToken)
    {
        var report = RunReport.Of(request.Model, verified.Reports);
        return new ProofResponse
        {
            RunId = request.Run.Value,
            TenantId = request.Tenant.Value,
            IntegrityModel = IntegrityModels.Name(request.Model),
            VerificationStatus = report.Verdict.Name,
            FailureCode = report.Failure?.Code,
            FailureReason = report.Failure?.Message,
            ChainLength = report.ChainLength,
            RootHash = report.RootHash?.ToString(),
            TraceCount = traces.Count,
            StepCount = report.StepCount,
            Checks = [.. report.Checks.Select(CheckResponse.Of)],
            Findings = [.. report.Findings.Select(FindingResponse.Of)],
            FindingsOmitted = verified.Reports.Sum(each => each.FindingsOmitted),
            SideRecords = sideRecords is null ? null : SideRecordsResponse.Of(sideRecords),
            ErasedPayloads = [.. verified.Reports.SelectMany(each => each.ErasedPayloads)],
            Log = [.. traces.Zip(verified.Log, LogPlaceResponse.Of)],
            AosTraces = [.. traces.Zip(verified.Reports, (trace, each) => TraceResponse.Of(trace, each.Verdict.Name, request.IncludePayloads))],
            AosTraceSteps = ShowStepsAsync(snapshot, verified.Reports, request.IncludePayloads, cancellationToken),
            AosFingerprint = traces.Count == 0 ? null : verified.AosFingerprint,
            VerifiedAt = WireTime.ToText(clock.GetUtcNow()),
        };
    }

    private async Task<VerifiedRun> VerifyAsync(
        IEvidenceSnapshot snapshot, IReadOnlyList<RecordedTrace> traces, Run? run, ProofRequest request, CancellationToken cancellationToken)
    {
        var options = new VerificationOptions { Model = request.Model, Tenant = request.Tenant, Run = request.Run, RunHasEnded = MustBeSealed(run), RunSucceeded = run is { Status: RunStatus.Succeeded }, ForkOf = run?.Origin is { Mode: null } fork ? fork.Trace : null };
        using var fingerprint = new RunFingerprint(request.Run);
        var reports = new List<TraceReport>();
        var places = new List<LogEvidence>();
        var judge = await snapshot.ReadSideRecordsAsync(request.Run, cancellationToken) is { } recorded ? new SideRecordJudge(run, recorded) : null;
        var approvals = await RunApprovals.ReadAsync(snapshot, request.Run, traces, cancellationToken);
        foreach (var trace in traces)
        {
            places.Add(await log.ReadAsync(request.Tenant, trace.TraceId, cancellationToken));
            // The last attempt ended as the run did; an earlier one is over, and without success.
            var isEarlier = run is not null && trace.TraceId != TraceId.Of(run.Id, run.Attempts).Value;
            var ofAttempt = isEarlier ? options with { RunHasEnded = true, RunSucceeded = false } : options;
            ofAttempt = ofAttempt with { Approvals = approvals.Of(trace) };
            reports.Add(await VerifyAsync(snapshot, trace, ofAttempt, fingerprint, judge?.Begin(trace), places[^1], cancellationToken));
        }

        foreach (var attempt in LostAttempts(run, traces))
        {
            var place = await log.ReadAsync(request.Tenant, attempt.Value, cancellationToken);
            if (await MissingAsync(snapshot, run, attempt, options, place, cancellationToken) is { } missing)
                reports.Add(missing);
        }

        if (traces.Count == 0)
        {
            places.Add(await log.ReadAsync(request.Tenant, TraceId.Of(request.Run).Value, cancellationToken));
            if (await MissingAsync(snapshot, run, TraceId.Of(request.Run), options, places[0], cancellationToken) is { } missing)
                reports.Add(missing);
        }

        return new VerifiedRun(reports, fingerprint.Finish(), places, judge);
    }

    /// <summary>Attempts that the run had and whose traces are not among those that are there; none where no trace is.</summary>
    private static IEnumerable<TraceId> LostAttempts(Run? run, IReadOnlyList<RecordedTrace> traces) => run is null || traces.Count == 0 ? []
        : Enumerable.Range(1, run.Attempts).Select(attempt => TraceId.Of(run.Id, attempt)).Where(id => traces.All(trace => trace.TraceId != id.Value));

    /// <summary>A run that ended because its evidence could not be written is the one that may have ended without a seal.</summary>
    private static bool MustBeSealed(Run? run) => run is { Status: RunStatus.Succeeded }
        || (run is { Status: RunStatus.Failed or RunStatus.Aborted or RunStatus.Cancelled, ErrorCode: var code } && code is not ("fenced" or null) && !code.StartsWith("evidence_", StringComparison.Ordinal));

    /// <summary>Without a header in this tenant, steps, a run that succeeded or the log still say that there was a trace.</summary>
    private static async Task<TraceReport?> MissingAsync(
        IEvidenceSnapshot snapshot, Run? run, TraceId trace, VerificationOptions options, LogEvidence place, CancellationToken cancellationToken)
    {
        var steps = 0;
        await foreach (var _ in snapshot.ReadStepsAsync(trace.Value, payloads: false, cancellationToken))
            steps++;
        return steps > 0 || (run is { Status: RunStatus.Succeeded } && trace == TraceId.Of(run.Id, run.Attempts)) || place.TraceSeen is not null ? TraceVerifier.Missing(trace, steps, options, place) : null;
    }

    private static async Task<TraceReport> VerifyAsync(
        IEvidenceSnapshot snapshot, RecordedTrace trace, VerificationOptions options, RunFingerprint fingerprint, TraceRecords? sideRecords, LogEvidence place, CancellationToken cancellationToken)
    {
        var verifier = TraceVerifier.Begin(trace, options);
        await foreach (var step in snapshot.ReadStepsAsync(trace.TraceId, payloads: true, cancellationToken))
        {
            verifier.Add(step);
            fingerprint.Append(step);
            sideRecords?.Add(step);
        }

        var origin = TraceOrigin.OfFork(trace) is { } fork ? await OriginOfAsync(snapshot, fork, options, cancellationToken) : null;
        return verifier.Finish(place, origin, await SubRunsOfAsync(snapshot, verifier, options, 0, cancellationToken));
    }

    /// <summary>Recomputes the traces that the steps of a trace are bound to, and those that theirs are.</summary>
    private static async Task<IReadOnlyList<SubRunProof>> SubRunsOfAsync(
        IEvidenceSnapshot snapshot, TraceVerifier parent, VerificationOptions asked, int depth, CancellationToken cancellationToken)
    {
        var found = new List<SubRunProof>(parent.SubRuns.Count);
        foreach (var named in parent.SubRuns)
            found.Add(await SubRunOfAsync(snapshot, named, asked, depth + 1, cancellationToken));
        return found;
    }

    private static async Task<SubRunProof> SubRunOfAsync(IEvidenceSnapshot snapshot, NamedSubRun named, VerificationOptions asked, int depth, CancellationToken cancellationToken)
    {
        if (!RunId.TryParse(named.RunId, out var run)
            || (await snapshot.ReadTracesAsync(run, payloads: true, cancellationToken)).FirstOrDefault(each => each.TraceId == named.TraceId) is not { } trace)
            return new SubRunProof(null, null, null);
        var verifier = TraceVerifier.Begin(trace, new VerificationOptions { Tenant = asked.Tenant, Run = run });
        await foreach (var step in snapshot.ReadStepsAsync(trace.TraceId, payloads: true, cancellationToken))
            verifier.Add(step);
        // No store lets runs stand deeper: what names itself, by whatever art, is not followed for ever.
        var beneath = depth > RunParent.MaxDepth ? null : await SubRunsOfAsync(snapshot, verifier, asked, depth, cancellationToken);
        return new SubRunProof(verifier.Finish(subRuns: beneath), trace.Status, SubRunProof.ParentOf(trace));
    }

    /// <summary>Recomputes the trace that a fork goes on from, up to its end.</summary>
    private static async Task<OriginEvidence> OriginOfAsync(IEvidenceSnapshot snapshot, TraceOrigin fork, VerificationOptions asked, CancellationToken cancellationToken)
    {
        if (!RunId.TryParse(fork.RunId, out var run))
            return new OriginEvidence(fork, null, null);
        var trace = (await snapshot.ReadTracesAsync(run, payloads: true, cancellationToken)).FirstOrDefault(each => each.TraceId == fork.TraceId);
        if (trace is null)
            return new OriginEvidence(fork, null, null);
        var verifier = TraceVerifier.Begin(trace, new VerificationOptions { Tenant = asked.Tenant, Run = run });
        var (taken, link) = (0, fork.StepIndex == 0 ? verifier.Link : null);
        await foreach (var step in snapshot.ReadStepsAsync(trace.TraceId, payloads: true, cancellationToken))
        {
            verifier.Add(step);
            if (++taken == fork.StepIndex)
                link = verifier.Link;
        }

        return new OriginEvidence(fork, verifier.Finish(), link);
    }

    private static async IAsyncEnumerable<StepResponse> ShowStepsAsync(
        IEvidenceSnapshot snapshot, List<TraceReport> reports, bool payloads, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var report in reports)
        {
            var position = 0;
            await foreach (var step in snapshot.ReadStepsAsync(report.TraceId, payloads, cancellationToken))
                yield return WithProof(StepResponse.Of(report.TraceId, step, payloads), report.StepProofs, position++);
        }
    }

    private static StepResponse WithProof(StepResponse step, StepProofs? proofs, int position) => proofs is null
        ? step
        : step with { LeafHash = proofs.LeafOf(position).ToString(), InclusionProof = [.. proofs.PathOf(position).Select(hash => hash.ToString())] };
}

/// <summary>What was verified of a run.</summary>
internal sealed record VerifiedRun(List<TraceReport> Reports, string? AosFingerprint, List<LogEvidence> Log, SideRecordJudge? Judge);

/// <summary>An answer and the snapshot that its steps are still to be read from. Dispose it when the answer is written.</summary>
internal sealed record Proof(IEvidenceSnapshot Snapshot, ProofResponse Answer, SideRecordReport? SideRecords) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Snapshot.DisposeAsync();
}

/// <summary>The AOS fingerprint of a run's steps, for comparison; none where a status is a word that no one can spell in AOS's way.</summary>
internal sealed class RunFingerprint(RunId run) : IDisposable
{
    private readonly AosFingerprintHasher _hash = new(run.Value);
    private bool _isWhole = true;

    public void Dispose() => _hash.Dispose();

    internal void Append(RecordedStep step)
    {
        _isWhole &= Wire.TryParse(step.Status, out StepStatus status);
        _hash.Append(step.StepIndex, step.SkillName, status);
    }

    internal string? Finish() => _isWhole ? _hash.Finish().ToString() : null;
}
