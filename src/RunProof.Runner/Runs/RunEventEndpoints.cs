using System.ComponentModel;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Mvc;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.ServiceDefaults;

namespace RunProof.Runner;

/// <summary>A run's progress as server-sent events, from whichever process is asked.</summary>
internal static class RunEventEndpoints
{
    // A stream outlives its key's revocation by no more than this: its reader comes back with the last id, and its key.
    private static readonly TimeSpan LongestStream = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan ComeBackAfter = TimeSpan.FromSeconds(1);

    public static void MapRunEvents(this IEndpointRouteBuilder api) =>
        api.MapGet("/runs/{run_id}/events", OpenAsync).RequireScope(ApiKeyAuthentication.AuditorScope).WithTags("Runs")
            .WithName("watchRun").WithSummary("Tells a run's progress as server-sent events, until it ends.")
            .WithDescription(
                "Events: status (the run's status is another), step (a step is recorded), sealed (an attempt's trace is sealed), end (the run has ended; the stream ends), "
                + "heartbeat (nothing else happened; first of each stream). No event tells a payload. Every other event has an id: whoever comes back, to any runner, with "
                + "the last one as Last-Event-ID is told what follows it, nothing twice and nothing left out; 204 where nothing will follow.")
            .Produces<RunStatusEvent>(StatusCodes.Status200OK, "text/event-stream").Produces(StatusCodes.Status204NoContent)
            .Refuses(400, 401, 404, 429);

    private static async Task<IResult> OpenAsync(
        HttpContext context, [FromServices] RunService runs, [FromServices] RunWatches watches, [FromServices] IHostApplicationLifetime lifetime,
        [FromRoute(Name = "run_id")] string runId, [FromHeader(Name = "Last-Event-ID"), Description("The id of the last event that arrived.")] string? lastEventId)
    {
        var from = RunPlace.Beginning;
        if (lastEventId is { Length: > 0 } && !RunPlace.TryParse(lastEventId, out from))
            return Problem.Invalid("Last-Event-ID", "is not the id of an event that this service gave");
        if (!RunId.TryParse(runId, out var id) || await runs.FindAsync(context.GetTenant(), id, context.RequestAborted) is not { } run)
            return Problem.NotFound("There is no such run.");
        if (run.HasEnded && from.Status == RunWords.Of(run.Status) && from.Attempt >= run.Attempts)
            return TypedResults.NoContent();
        if (watches.Open(run.TenantId, run.Id, from) is not { } watch)
        {
            context.Response.Headers.RetryAfter = "5";
            return new Problem(
                ProblemTypes.TooManyStreams, "Too many event streams are open", StatusCodes.Status429TooManyRequests,
                "Close streams that nobody reads, ask another runner, or wait with GET …/runs/ID?wait=.");
        }

        context.Response.RegisterForDispose(watch);
        return TypedResults.ServerSentEvents(TellAsync(watch, runs, run, lifetime.ApplicationStopping, context.RequestAborted));
    }

    private static async IAsyncEnumerable<SseItem<string>> TellAsync(
        RunWatch watch, RunService runs, Run run, CancellationToken stopping, [EnumeratorCancellation] CancellationToken aborted)
    {
        // At once, so that the reader knows that it is heard, and when to come back.
        yield return new SseItem<string>("{}", "heartbeat") { ReconnectionInterval = ComeBackAfter };
        using var end = CancellationTokenSource.CreateLinkedTokenSource(aborted, stopping);
        end.CancelAfter(LongestStream);
        await using var events = watch.ReadAsync(end.Token).GetAsyncEnumerator(CancellationToken.None);
        while (await HasNextAsync(events))
        {
            yield return events.Current switch
            {
                RunEvent.Moved moved => Item("status", moved.Place, new RunStatusEvent(run.Id.Value, moved.Status, moved.Attempt), RunnerJson.Default.RunStatusEvent),
                RunEvent.Stepped stepped => Item("step", stepped.Place, RunStepEvent.Of(run.Id, stepped), RunnerJson.Default.RunStepEvent),
                RunEvent.Sealed @sealed => Item("sealed", @sealed.Place, RunSealedEvent.Of(run.Id, @sealed), RunnerJson.Default.RunSealedEvent),
                RunEvent.Ended ended => Item("end", ended.Place, RunEndEvent.Of(await runs.FindAsync(run.TenantId, run.Id, aborted) ?? run), RunnerJson.Default.RunEndEvent),
                _ => new SseItem<string>("{}", "heartbeat"),
            };
        }
    }

    // The reader has gone, the process stops or the stream is old: it ends between two events.
    private static async ValueTask<bool> HasNextAsync(IAsyncEnumerator<RunEvent> events)
    {
        try
        {
            return await events.MoveNextAsync();
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static SseItem<string> Item<T>(string type, RunPlace? place, T data, JsonTypeInfo<T> json) =>
        new(JsonSerializer.Serialize(data, json), type) { EventId = place?.Id };
}

/// <summary>Event <c>status</c>: the run's status is another. Of changes that follow each other quickly the last is told.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Status">The status.</param>
/// <param name="Attempt">The attempt, from 1; 0 where none has begun.</param>
internal sealed record RunStatusEvent(string RunId, string Status, int Attempt);

/// <summary>Event <c>step</c>: a step is recorded, durably.</summary>
internal sealed record RunStepEvent
{
    public required string RunId { get; init; }

    [Description("The run's attempt, from 1.")]
    public required int Attempt { get; init; }
    public required string TraceId { get; init; }

    [Description("The step's index in its trace, from 0.")]
    public required int Index { get; init; }

    [Description("Its id in the plan; null for a step of no plan, or whose context has been erased.")]
    public required string? PlanStep { get; init; }
    public required string Skill { get; init; }
    public required string Status { get; init; }

    [Description("Attempts of this step before this one.")]
    public required int Retries { get; init; }
    public required string StartedAt { get; init; }
    public required double DurationMs { get; init; }

    public static RunStepEvent Of(RunId run, RunEvent.Stepped told) => new()
    {
        RunId = run.Value,
        Attempt = told.Attempt,
        TraceId = Format.TraceId.Of(run, told.Attempt).Value,
        Index = told.Step.Index,
        PlanStep = told.Step.PlanStep,
        Skill = told.Step.Skill,
        Status = told.Step.Status,
        Retries = told.Step.Retries,
        StartedAt = WireTime.ToText(told.Step.BegunAt),
        DurationMs = told.Step.DurationMs,
    };
}

/// <summary>Event <c>sealed</c>: the trace of an attempt is sealed.</summary>
internal sealed record RunSealedEvent(string RunId, int Attempt, string TraceId, string Status, int ChainLength, string RootHash)
{
    public static RunSealedEvent Of(RunId run, RunEvent.Sealed told) =>
        new(run.Value, told.Attempt, Format.TraceId.Of(run, told.Attempt).Value, told.Status, told.ChainLength, told.RootHash.ToString());
}

/// <summary>Event <c>end</c>: the run has ended.</summary>
internal sealed record RunEndEvent(
    string RunId, string Status, RunErrorView? Error, int Attempts, int TraceCount, long StepCount, string? CompletedAt, double? DurationMs, RunLinks Links)
{
    public static RunEndEvent Of(Run run)
    {
        var view = RunView.Of(run);
        return new RunEndEvent(view.RunId, view.Status, view.Error, view.Attempts, view.TraceCount, view.StepCount, view.CompletedAt, view.DurationMs, view.Links);
    }
}
