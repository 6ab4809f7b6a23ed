using System.Data.Common;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Verifier;

/// <summary>
/// Takes all tenants' logs forward while the service runs: those that wait longest first, a few side by side, none for so long that others starve. Publication
/// goes its own way: witnesses that are slow hold up no commit, of their tenant's log or of another's. A log that cannot be continued, a store that fails, a key
/// that is missing: it says so, waits, and tries again; nothing ends it but the service's end.
/// </summary>
internal sealed partial class SealingService(
    ILogStore store,
    IEvidenceStore evidence,
    SealingKey key,
    SealingState state,
    LogOptions options,
    SealingMetrics metrics,
    TimeProvider clock,
    ILoggerFactory logging,
    ICheckpointWitnesses? witnesses = null) : BackgroundService
{
    // Logs that cannot be continued wait longest and come first: they must not crowd out the others.
    private const int Tenants = 1000;
    private const int RoundsOfATenant = 8;

    // Commits take the processor and connections; publications do little but wait.
    private const int CommitsAtOnce = 4;
    private const int PublicationsAtOnce = 64;

    private static readonly TimeSpan HaltedPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan UnpublishedPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LagInterval = TimeSpan.FromSeconds(1);

    private readonly ILogger _logger = logging.CreateLogger<SealingService>();
    private readonly TenantTasks _commits = new(CommitsAtOnce, clock);
    private readonly TenantTasks _publications = new(PublicationsAtOnce, clock);
    private DateTimeOffset _lagDue;
    private volatile NoteKey? _key;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The host starts what comes after this without waiting for the first round.
        await Task.Yield();
        var pause = options.Interval;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (key.Open() is { } signer)
                    await RoundAsync(signer, stoppingToken);
                await MeasureAsync(stoppingToken);
                (state.StoreProblem, pause) = (null, options.Interval);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (e is LogStoreException or DbException)
            {
                metrics.Failed("store");
                LogStoreFailed(_logger, e, pause);
                (state.StoreProblem, pause) = ("the database does not do what sealing asks of it; the log says why", pause * 2 < LongestPause ? pause * 2 : LongestPause);
                await Task.Delay(pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            // A log that was taken forward may have more to do; where none is under way, something may come any time.
            await Task.WhenAny(_commits.AnyWithMoreAsync(), Task.Delay(pause, clock, stoppingToken));
        }

        await Task.WhenAll(_commits.EndAsync(), _publications.EndAsync());
    }

    /// <summary>Takes up each tenant that has something to do and is not being worked on.</summary>
    private async Task RoundAsync(ICheckpointSigner signer, CancellationToken cancellationToken)
    {
        // Logs that were handed over to this key wait no longer.
        var current = signer.KeyOf(options.Name);
        if (current != _key)
        {
            _key = current;
            _commits.ForgetPauses();
            _publications.ForgetPauses();
        }

        _commits.ThrowWhatFailed();
        _publications.ThrowWhatFailed();
        var sealer = new LogSealer(store, evidence, signer, witnesses, options, clock, metrics, logging.CreateLogger<LogSealer>());
        foreach (var work in await store.FindWorkAsync(Tenants, cancellationToken))
        {
            if (work.Queued > 0)
                _commits.TryStart(work.Tenant, () => GuardAsync(_commits, current, work.Tenant, () => SealAsync(sealer, current, work.Tenant, cancellationToken)));
            if (work.IsUnpublished)
                _publications.TryStart(work.Tenant, () => GuardAsync(_publications, current, work.Tenant, () => PublishAsync(sealer, work.Tenant, cancellationToken)));
        }
    }

    /// <summary>Some commits of one tenant, and then it is the others' turn.</summary>
    /// <returns>Whether more is waiting.</returns>
    private async Task<bool> SealAsync(LogSealer sealer, NoteKey current, TenantId tenant, CancellationToken cancellationToken)
    {
        for (var rounds = 0; rounds < RoundsOfATenant; rounds++)
        {
            var round = await sealer.SealAsync(tenant, cancellationToken);
            if (round.Overtaken)
                metrics.Overtaken();
            else if (!round.IsPublished)
                _publications.TryStart(tenant, () => GuardAsync(_publications, current, tenant, () => PublishAsync(sealer, tenant, cancellationToken)));
            GoesOn(tenant);
            if (!round.MayContinue)
                return false;
        }

        return true;
    }

    /// <returns>False: what was committed meanwhile is found in the next round.</returns>
    private async Task<bool> PublishAsync(LogSealer sealer, TenantId tenant, CancellationToken cancellationToken)
    {
        var isPublished = await sealer.PublishAsync(tenant, cancellationToken);
        state.Published(tenant, isPublished);
        if (!isPublished)
            _publications.Pause(tenant, UnpublishedPause);
        else if (!_commits.IsPaused(tenant))
            GoesOn(tenant);
        return false;
    }

    /// <summary>One tenant's trouble is not the others': only a store that may be there again soon is everybody's.</summary>
    private async Task<bool> GuardAsync(TenantTasks tasks, NoteKey current, TenantId tenant, Func<Task<bool>> work)
    {
        try
        {
            return await work();
        }
        catch (LogHaltedException e)
        {
            metrics.Failed("halted");
            // Handed over under way, to the key that the service has read since: nothing to wait for.
            if (!e.IsKeyRetired || current == _key)
                tasks.Pause(tenant, HaltedPause);
            if (state.Halt(tenant, e.IsKeyRetired))
                LogHalted(_logger, e.Message);
            return false;
        }
        catch (Exception e) when (e is not (OperationCanceledException or LogStoreException { IsTransient: true } or DbException { IsTransient: true }))
        {
            metrics.Failed("other");
            tasks.Pause(tenant, HaltedPause);
            state.Halt(tenant, isKeyRetired: false);
            LogFailed(_logger, e, tenant.Value);
            return false;
        }
    }

    private void GoesOn(TenantId tenant)
    {
        if (state.Continue(tenant))
            LogContinued(_logger, tenant.Value);
    }

    private async Task MeasureAsync(CancellationToken cancellationToken)
    {
        if (clock.GetUtcNow() < _lagDue)
            return;
        metrics.Lag = await store.ReadLagAsync(cancellationToken);
        _lagDue = clock.GetUtcNow() + LagInterval;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Problem}")]
    private static partial void LogHalted(ILogger logger, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the log of tenant {Tenant} goes on")]
    private static partial void LogContinued(ILogger logger, string tenant);

    [LoggerMessage(Level = LogLevel.Error, Message = "the log of tenant {Tenant} was not taken forward")]
    private static partial void LogFailed(ILogger logger, Exception failure, string tenant);

    [LoggerMessage(Level = LogLevel.Warning, Message = "sealing waits {Pause}: the store failed")]
    private static partial void LogStoreFailed(ILogger logger, Exception failure, TimeSpan pause);
}
