using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace RunProof.Postgres;

/// <summary>How signals between processes are heard.</summary>
/// <param name="ConnectionString">A connection straight to the server, of this process's own; null where none may be made: then nothing is heard.</param>
internal sealed record ListenSettings(string? ConnectionString);

/// <summary>
/// Signals by NOTIFY, never within the transaction that they tell of: it has committed before, and a background connection tells for many at once. They are heard by
/// LISTEN on one connection of this process's own, which must lead to the server itself: a pooler in transaction mode takes LISTEN and delivers nothing. That is
/// found out by listening for a signal of one's own; then, and while the connection is gone, nothing is heard and the process lives by asking.
/// </summary>
internal sealed partial class PostgresRunSignals(NpgsqlDataSource source, ListenSettings settings, TimeProvider clock, ILogger<PostgresRunSignals> logger) : Ledger.IRunSignals
{
    private const string Channel = "runproof_runs";
    // Nothing is written but the signal, which may be lost: whoever waits for it does not wait for a disk first.
    private const string TellSql = "SELECT set_config('synchronous_commit', 'off', true), pg_notify('runproof_runs', $1)";
    private const string ListenSql = "LISTEN runproof_runs";
    private const string Letters = "wse";

    private static readonly TimeSpan BetweenTelling = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan ToHearOneself = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BeforeListeningAgain = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan BeforeTryingAPoolerAgain = TimeSpan.FromMinutes(5);

    private readonly Channel<bool> _toTell = System.Threading.Channels.Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private volatile Action<Ledger.RunSignal>? _heard;
    private int _signals;

    /// <inheritdoc/>
    public void Tell(Ledger.RunSignal signal)
    {
        _heard?.Invoke(signal);
        Interlocked.Or(ref _signals, 1 << (int)signal);
        _toTell.Writer.TryWrite(true);
    }

    /// <inheritdoc/>
    public async Task RunAsync(Action<Ledger.RunSignal> heard, CancellationToken stopping)
    {
        _heard = heard;
        await Task.WhenAll(TellAsync(stopping), settings.ConnectionString is { } connection ? ListenAsync(connection, heard, stopping) : Task.CompletedTask);
        _heard = null;
    }

    private async Task TellAsync(CancellationToken stopping)
    {
        try
        {
            while (await _toTell.Reader.ReadAsync(stopping))
            {
                await TellNowAsync(stopping);
                await Task.Delay(BetweenTelling, clock, stopping);
            }
        }
        catch (OperationCanceledException)
        {
            // What this process let go of last is told still.
            await TellNowAsync(CancellationToken.None);
        }
    }

    private async Task TellNowAsync(CancellationToken stopping)
    {
        var signals = Interlocked.Exchange(ref _signals, 0);
        if (signals == 0)
            return;
        var letters = string.Concat(Letters.Where((_, i) => (signals & (1 << i)) != 0));
        try
        {
            await using var batch = source.CreateBatch();
            batch.BatchCommands.Add(Sql.Command(TellSql, letters));
            await batch.ExecuteNonQueryAsync(stopping);
        }
        catch (Exception lost) when (!stopping.IsCancellationRequested)
        {
            LogNotTold(logger, lost);
        }
    }

    private async Task ListenAsync(string connectionString, Action<Ledger.RunSignal> heard, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            var pause = BeforeListeningAgain;
            try
            {
                await using var connection = new NpgsqlConnection(connectionString);
                pause = await ListenAsync(connection, heard, stopping);
            }
            catch (Exception gone)
            {
                if (!stopping.IsCancellationRequested)
                    LogNotListening(logger, gone);
            }

            await Task.Delay(pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Returns, with how long to wait before the next try, where nothing comes through; throws when the connection breaks.
    private async Task<TimeSpan> ListenAsync(NpgsqlConnection connection, Action<Ledger.RunSignal> heard, CancellationToken stopping)
    {
        var hearsItself = false;
        connection.Notification += (_, told) =>
        {
            hearsItself = true;
            for (var i = 0; i < Letters.Length; i++)
            {
                if (told.Payload.Contains(Letters[i], StringComparison.Ordinal))
                    heard((Ledger.RunSignal)i);
            }
        };
        await connection.OpenAsync(stopping);
        await using (var listen = new NpgsqlCommand(ListenSql, connection))
            await listen.ExecuteNonQueryAsync(stopping);
        // From here on nothing is missed; what was told before is asked for once.
        Tell(Ledger.RunSignal.Waiting);
        for (var listening = clock.GetTimestamp(); ;)
        {
            var told = await connection.WaitAsync(ToHearOneself, stopping);
            if (hearsItself || told)
                await connection.WaitAsync(stopping);
            else if (clock.GetElapsedTime(listening) >= ToHearOneself)
                break;
        }

        LogNothingHeard(logger);
        return BeforeTryingAPoolerAgain;
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "a signal to other processes was lost; they find out by asking")]
    private static partial void LogNotTold(ILogger logger, Exception lost);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the connection that listens for other processes is gone; until it is back this one finds out by asking")]
    private static partial void LogNotListening(ILogger logger, Exception gone);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "signals of other processes do not come through, as behind a pooler in transaction mode: this process finds out by asking. ConnectionStrings:NAME_direct may lead past the pooler")]
    private static partial void LogNothingHeard(ILogger logger);
}
