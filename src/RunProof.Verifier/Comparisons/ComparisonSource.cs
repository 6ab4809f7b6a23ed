using RunProof.Format;
using RunProof.Ledger;
using RunProof.Verification;

namespace RunProof.Verifier;

/// <summary>A trace that is about to be recomputed and compared, on a snapshot of its own: two are read in step.</summary>
internal sealed record OpenTrace(IEvidenceSnapshot Snapshot, TraceSource Source) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Snapshot.DisposeAsync();
}

/// <summary>Compares traces while they are recomputed: memory is bounded, whatever their length.</summary>
internal sealed class ComparisonSource(IEvidenceStore evidence, LogEvidenceReader log)
{
    /// <summary>Compares two runs by their last traces, or by those that are named.</summary>
    /// <returns>The difference; null where either is not there, which <paramref name="missing"/> names.</returns>
    internal async Task<TraceDiff?> DiffAsync(
        TenantId tenant, (RunId Run, string? Trace) a, (RunId Run, string? Trace) b, Action<string> missing, CancellationToken cancellationToken)
    {
        await using var one = await OpenAsync(tenant, a.Run, a.Trace, cancellationToken);
        if (one is null)
        {
            missing(a.Run.Value);
            return null;
        }

        await using var other = await OpenAsync(tenant, b.Run, b.Trace, cancellationToken);
        if (other is null)
        {
            missing(b.Run.Value);
            return null;
        }

        return await TraceDiff.OfAsync(one.Source, other.Source, cancellationToken);
    }

    /// <summary>Recomputes a replay and its origin and compares them.</summary>
    /// <returns>The report; null where there is none, and why.</returns>
    internal async Task<(ReplayReport? Report, string? Missing)> ReplayAsync(TenantId tenant, RunId run, string? trace, CancellationToken cancellationToken)
    {
        await using var replay = await OpenAsync(tenant, run, trace, cancellationToken);
        if (replay is null)
            return (null, $"There is no trace of run {run}.");
        if (TraceOrigin.OfReplay(replay.Source.Trace) is not { } named || !RunId.TryParse(named.RunId, out var originRun))
            return (null, $"Run {run} is no replay, or its evidence does not say of what.");
        await using var origin = await OpenAsync(tenant, originRun, named.TraceId, cancellationToken);
        return origin is null
            ? (null, $"Run {run} is a replay of trace {named.TraceId}, which is not there.")
            : (await ReplayReport.OfAsync(origin.Source, replay.Source, named, cancellationToken), null);
    }

    private async Task<OpenTrace?> OpenAsync(TenantId tenant, RunId run, string? trace, CancellationToken cancellationToken)
    {
        var (open, isBehind) = await LookAsync(tenant, run, trace, cancellationToken);
        if (!isBehind)
            return open;
        // Sealed in between, or its seal was taken away: a younger snapshot tells.
        await open!.DisposeAsync();
        return (await LookAsync(tenant, run, trace, cancellationToken)).Open;
    }

    private async Task<(OpenTrace? Open, bool IsBehind)> LookAsync(TenantId tenant, RunId run, string? trace, CancellationToken cancellationToken)
    {
        var snapshot = await evidence.OpenAsync(tenant, cancellationToken);
        try
        {
            var traces = await snapshot.ReadTracesAsync(run, payloads: true, cancellationToken);
            var recorded = trace is null ? traces.LastOrDefault() : traces.FirstOrDefault(each => each.TraceId == trace);
            if (recorded is null)
            {
                await snapshot.DisposeAsync();
                return (null, false);
            }

            var place = await log.ReadAsync(tenant, recorded.TraceId, cancellationToken);
            var steps = snapshot.ReadStepsAsync(recorded.TraceId, payloads: true, cancellationToken);
            var source = new TraceSource(recorded, steps, place, new VerificationOptions { Tenant = tenant, Run = run, MaxFindings = 100 });
            return (new OpenTrace(snapshot, source), recorded.Status == "running" && place.SealSeen is not null);
        }
        catch
        {
            await snapshot.DisposeAsync();
            throw;
        }
    }
}
