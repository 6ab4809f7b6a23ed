using System.Data.Common;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Verifier;

/// <summary>
/// Takes all tenants' logs forward while the service runs: those that wait longest first, none for so long that others starve. A log that cannot be continued, a
/// store that fails, a key that is missing: it says so, waits, and tries again; nothing ends it but the service's end.
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

    private static readonly TimeSpan HaltedPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan UnpublishedPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LagInterval = TimeSpan.FromSeconds(1);

    private readonly ILogger _logger = logging.CreateLogger<SealingService>();
    private readonly Dictionary<TenantId, DateTimeOffset> _notBefore = [];
    private DateTimeOffset _lagDue;
    private RunProof.Format.NoteKey? _key;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The host starts what comes after this without waiting for the first round.
        await Task.Yield();
        var pause = options.Interval;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var isBusy = key.Open() is { } signer && await RoundAsync(signer, stoppingToken);
                await MeasureAsync(stoppingToken);
                (state.StoreProblem, pause) = (null, options.Interval);
                if (isBusy)
                    continue;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is LogStoreException or DbException)
            {
                metrics.Failed("store");
                LogStoreFailed(_logger, e, pause);
                (state.StoreProblem, pause) = ("the database does not do what sealing asks of it; the log says why", pause * 2 < LongestPause ? pause * 2 : LongestPause);
            }

            await Task.Delay(pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Each tenant that has something to do, once through.</summary>
    /// <returns>Whether more is waiting.</returns>
    private async Task<bool> RoundAsync(ICheckpointSigner signer, CancellationToken cancellationToken)
    {
        // Logs that were handed over to this key wait no longer.
        if (signer.KeyOf(options.Name) is var key && key != _key)
        {
            _key = key;
            _notBefore.Clear();
        }

        var sealer = new LogSealer(store, evidence, signer, witnesses, options, clock, metrics, logging.CreateLogger<LogSealer>());
        var isBusy = false;
        foreach (var work in await store.FindWorkAsync(Tenants, cancellationToken))
        {
            if (!_notBefore.TryGetValue(work.Tenant, out var due) || clock.GetUtcNow() >= due)
                isBusy |= await SealAsync(sealer, work.Tenant, cancellationToken);
        }

        return isBusy;
    }

    private async Task<bool> SealAsync(LogSealer sealer, TenantId tenant, CancellationToken cancellationToken)
    {
        try
        {
            for (var rounds = 0; rounds < RoundsOfATenant; rounds++)
            {
                var round = await sealer.SealAsync(tenant, cancellationToken);
                GoesOn(tenant, round);
                if (!round.MayContinue)
                    return false;
            }

            return true;
        }
        catch (LogHaltedException e)
        {
            metrics.Failed("halted");
            Pause(tenant, HaltedPause);
            if (state.Halt(tenant, e.IsKeyRetired))
                LogHalted(_logger, e.Message);
            return false;
        }
        catch (Exception e) when (e is not (OperationCanceledException or LogStoreException { IsTransient: true } or DbException { IsTransient: true }))
        {
            // One tenant's trouble is not the others'.
            metrics.Failed("other");
            Pause(tenant, HaltedPause);
            state.Halt(tenant, isKeyRetired: false);
            LogFailed(_logger, e, tenant.Value);
            return false;
        }
    }

    private void GoesOn(TenantId tenant, SealingRound round)
    {
        if (round.Overtaken)
            metrics.Overtaken();
        if (round is { IsPublished: false, Overtaken: false })
            Pause(tenant, UnpublishedPause);
        else
            _notBefore.Remove(tenant);
        if (state.Continue(tenant))
            LogContinued(_logger, tenant.Value);
    }

    private void Pause(TenantId tenant, TimeSpan time) => _notBefore[tenant] = clock.GetUtcNow() + time;

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
