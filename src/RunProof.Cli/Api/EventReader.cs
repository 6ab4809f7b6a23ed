using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace RunProof.Cli;

/// <summary>An event of a run.</summary>
/// <param name="Type">status, step, sealed or end.</param>
/// <param name="Id">Where the stream goes on after it.</param>
/// <param name="Data">What it tells.</param>
internal sealed record RunEvent(string Type, string? Id, JsonElement Data);

/// <summary>Reads a run's server-sent events over whatever breaks: it comes back with the last id, to whichever runner answers then.</summary>
/// <param name="runner">The runner.</param>
/// <param name="clock">The time.</param>
internal sealed class EventReader(ApiClient runner, TimeProvider clock)
{
    /// <summary>How often a runner that was there may fail to answer before a watch gives up.</summary>
    private const int Patience = 15;

    private static readonly TimeSpan BeforeComingBack = TimeSpan.FromSeconds(1);

    /// <summary>A runner says something every 10 seconds; one that says nothing for three times as long is gone.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(30);

    private string? _lastId;

    /// <summary>All events of a run until its end; without one where the run had ended and the last event told so.</summary>
    /// <param name="path">Where they are.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="CommandException">The first question was refused, or the runner has not answered for long.</exception>
    internal async IAsyncEnumerable<RunEvent> ReadAsync(string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var wasHeard = false;
        for (var failures = 0; ;)
        {
            HttpResponseMessage? stream = null;
            try
            {
                stream = await runner.OpenEventsAsync(path, _lastId, cancellationToken);
            }
            catch (CommandException problem) when (wasHeard && ++failures < Patience && (problem.Code == "unreachable" || problem.HttpStatus >= 500 || problem.HttpStatus == 429))
            {
                // A restart takes a while.
            }

            if (stream is { StatusCode: System.Net.HttpStatusCode.NoContent })
                yield break;
            if (stream is not null)
            {
                wasHeard = true;
                await foreach (var one in ReadOneAsync(stream, cancellationToken))
                {
                    failures = 0;
                    yield return one;
                    if (one.Type == "end")
                        yield break;
                }

                if (++failures >= Patience)
                    throw runner.NotOurs("its event stream ends again and again and tells nothing");
            }

            await Task.Delay(BeforeComingBack, clock, cancellationToken);
        }
    }

    // Until it ends or breaks.
    private async IAsyncEnumerable<RunEvent> ReadOneAsync(HttpResponseMessage response, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stream = response;
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var items = SseParser.Create(body).EnumerateAsync(silence.Token).GetAsyncEnumerator(CancellationToken.None);
        while (true)
        {
            silence.CancelAfter(LongestSilence);
            try
            {
                if (!await items.MoveNextAsync())
                    yield break;
            }
            catch (Exception broken) when (broken is HttpRequestException or IOException || (broken is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                yield break;
            }

            if (items.Current.EventType == "heartbeat")
                continue;
            var data = runner.ParseEvent(items.Current.Data);
            _lastId = items.Current.EventId ?? _lastId;
            yield return new RunEvent(items.Current.EventType, items.Current.EventId, data);
        }
    }
}
