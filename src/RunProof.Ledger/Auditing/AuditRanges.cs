using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace RunProof.Ledger;

/// <summary>Runs the ranges of an audit, several at once, and gives their results in order: what is done ahead of its turn is bounded.</summary>
internal sealed class AuditRanges(AuditScope scope, TimeProvider clock)
{
    private const int Attempts = 4;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly ConcurrentBag<QuickTrace> _idle = [];

    /// <param name="from">The first position.</param>
    /// <param name="cuts">Sizes at which a range must end, since somebody wants the root there.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async IAsyncEnumerable<RangeResult> RunAsync(long from, IReadOnlyCollection<long> cuts, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var gate = new SemaphoreSlim(scope.Options.Workers);
        var under = new Queue<Task<RangeResult>>();
        try
        {
            foreach (var range in Cut(from, cuts))
            {
                if (under.Count == 2 * scope.Options.Workers)
                    yield return await under.Dequeue().ConfigureAwait(false);
                under.Enqueue(Task.Run(() => RunAsync(range, gate, stop.Token), stop.Token));
            }

            while (under.Count > 0)
                yield return await under.Dequeue().ConfigureAwait(false);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            foreach (var task in under)
                await ((Task)task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private IEnumerable<AuditRange> Cut(long from, IReadOnlyCollection<long> cuts)
    {
        for (var at = from; at < scope.Size;)
        {
            var end = Math.Min(scope.Size, ((at / scope.Options.Range) + 1) * scope.Options.Range);
            end = cuts.Where(cut => cut > at).Append(end).Min();
            yield return new AuditRange(at, end, scope.Size, scope.Options.Payloads);
            at = end;
        }
    }

    private async Task<RangeResult> RunAsync(AuditRange range, SemaphoreSlim gate, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                if (!_idle.TryTake(out var quick))
                    quick = new QuickTrace(scope.Tenant, scope.Options.Payloads);
                try
                {
                    return await new RangeAudit(scope, range, quick).RunAsync(cancellationToken).ConfigureAwait(false);
                }
                catch (LogStoreException e) when (e.IsTransient && attempt < Attempts)
                {
                    // A range is read or it is not: a connection that broke costs this one, not the audit.
                    await Task.Delay(Pause * attempt, clock, cancellationToken).ConfigureAwait(false);
                }
                finally
                {
                    _idle.Add(quick);
                }
            }
        }
        finally
        {
            gate.Release();
        }
    }
}
