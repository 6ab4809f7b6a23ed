using System.Globalization;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Verifier;

/// <summary>Waits until a trace's seal is in the published log: <c>?wait=</c> on proofs, bundles and statements.</summary>
internal sealed class InclusionWait(ILogReader log, IRunStore runs, TimeProvider clock)
{
    internal const string Rule = "must be a number of seconds from 0 to 60";

    // Half of the sealer's default interval: the wait ends soon after the entry is in.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Reads the parameter; without one there is no wait.</summary>
    internal static bool TryParse(string? text, out TimeSpan wait)
    {
        wait = default;
        if (text is null)
            return true;
        if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) || seconds > 60)
            return false;
        wait = TimeSpan.FromSeconds(seconds);
        return true;
    }

    /// <summary>Waits for a trace that is queued, or committed and not published; not for one that the log knows nothing of.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="run">The run.</param>
    /// <param name="trace">Which of its traces; null for its last attempt's, before which the others are entered.</param>
    /// <param name="patience">How long at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async Task ForAsync(TenantId tenant, RunId run, string? trace, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (patience == TimeSpan.Zero)
            return;
        var began = clock.GetTimestamp();
        trace ??= await LastTraceAsync(tenant, run, cancellationToken);
        while (clock.GetElapsedTime(began) < patience && await IsAwaitedAsync(tenant, trace, cancellationToken))
            await Task.Delay(Pause, clock, cancellationToken);
    }

    private async Task<string> LastTraceAsync(TenantId tenant, RunId run, CancellationToken cancellationToken) =>
        TraceId.Of(run, Math.Max(1, (await runs.FindAsync(tenant, run, cancellationToken))?.Attempts ?? 1)).Value;

    private async Task<bool> IsAwaitedAsync(TenantId tenant, string trace, CancellationToken cancellationToken)
    {
        var place = await log.FindTraceAsync(tenant, trace, cancellationToken);
        if (place.Queued.Count > 0)
            return true;
        var size = await log.FindAsync(tenant, cancellationToken) is { } served ? LogAccess.PublishedSize(served) ?? 0 : 0;
        return place.Entries.Any(entry => entry.Position >= size);
    }
}
