using System.Globalization;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Verifier;

/// <summary>Waits until a trace's seal is in the published log: <c>?wait=</c> on proofs and bundles.</summary>
internal sealed class InclusionWait(ILogReader log, TimeProvider clock)
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
    internal async Task ForAsync(TenantId tenant, string trace, TimeSpan patience, CancellationToken cancellationToken)
    {
        var until = clock.GetTimestamp();
        while (clock.GetElapsedTime(until) < patience && await IsAwaitedAsync(tenant, trace, cancellationToken))
            await Task.Delay(Pause, clock, cancellationToken);
    }

    private async Task<bool> IsAwaitedAsync(TenantId tenant, string trace, CancellationToken cancellationToken)
    {
        var place = await log.FindTraceAsync(tenant, trace, cancellationToken);
        if (place.Queued.Count > 0)
            return true;
        var size = await log.FindAsync(tenant, cancellationToken) is { } served ? LogAccess.PublishedSize(served) ?? 0 : 0;
        return place.Entries.Any(entry => entry.Position >= size);
    }
}
