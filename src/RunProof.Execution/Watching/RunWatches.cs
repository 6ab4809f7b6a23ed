using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>
/// All who watch runs in this process. Steps of its own runs are pushed to them; for everything else there is one question for all of them together, a few times a
/// second while somebody watches a run of another process, and none where nobody does.
/// </summary>
public sealed partial class RunWatches
{
    private const int StepsALook = 500;
    private const int RunsALook = 500;
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);

    // A run of this process rings; should it not, it is found out then.
    private static readonly TimeSpan LookAtOwnEvery = TimeSpan.FromSeconds(5);

    private readonly IRunWatchStore _store;
    private readonly RunCompletions _completions;
    private readonly ExecutionOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<RunWatches> _logger;
    private readonly Bell _rung = new();

    // Guarded by _gate.
    private readonly Lock _gate = new();
    private readonly Dictionary<(TenantId, RunId), List<RunWatch>> _open = [];
    private volatile int _count;
    private bool _asking;

    internal RunWatches(IRunWatchStore store, RunCompletions completions, ExecutionOptions options, TimeProvider clock, ILogger<RunWatches> logger)
    {
        (_store, _completions, _options, _clock, _logger) = (store, completions, options, clock, logger);
        completions.Moved = Moved;
    }

    /// <summary>How many watch at this moment.</summary>
    public int Count => _count;

    /// <summary>Begins to watch a run, which must be one of the tenant's.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="run">The run.</param>
    /// <param name="from">The place from which on.</param>
    /// <returns>The watch; null where as many as <see cref="ExecutionOptions.MaxWatches"/> watch already, or half as many of this tenant.</returns>
    public RunWatch? Open(TenantId tenant, RunId run, RunPlace from)
    {
        lock (_gate)
        {
            if (_count >= _options.MaxWatches || _open.Where(one => one.Key.Item1 == tenant).Sum(one => one.Value.Count) >= Math.Max(1, _options.MaxWatches / 2))
                return null;
            var watch = new RunWatch(this, tenant, run, from, _clock);
            if (!_open.TryGetValue((tenant, run), out var watches))
                _open[(tenant, run)] = watches = [];
            watches.Add(watch);
            _count++;
            if (!_asking)
            {
                _asking = true;
                _ = AskAsync();
            }

            Ring();
            return watch;
        }
    }

    /// <summary>Asks the store soon.</summary>
    internal void Ring() => _rung.Ring();

    /// <summary>The run's status is another, or may be; what this process did of it is in the store.</summary>
    internal void Moved(TenantId tenant, RunId run)
    {
        if (_count == 0)
            return;
        lock (_gate)
        {
            if (!_open.TryGetValue((tenant, run), out var watches))
                return;
            watches.ForEach(static watch => watch.Want());
        }

        Ring();
    }

    /// <summary>A step is recorded by this process. Never waits, and costs nothing where nobody watches.</summary>
    internal void Recorded(TenantId tenant, TraceId trace, int index, StepRecording step)
    {
        if (_count == 0 || !TryRead(trace, out var run, out var attempt))
            return;
        lock (_gate)
        {
            if (!_open.TryGetValue((tenant, run), out var watches))
                return;
            var told = new WatchedStep(
                index, PlanStepOf(step.Context), step.SkillName, WordOf(step.Status), step.RetryCount, WireTime.Truncate(step.Timestamp), step.DurationMs);
            watches.ForEach(watch => watch.Push(attempt, told));
        }
    }

    internal void Leave(RunWatch watch)
    {
        lock (_gate)
        {
            if (!_open.TryGetValue((watch.TenantId, watch.RunId), out var watches) || !watches.Remove(watch))
                return;
            _count--;
            if (watches.Count == 0)
                _open.Remove((watch.TenantId, watch.RunId));
        }
    }

    private async Task AskAsync()
    {
        while (true)
        {
            await _rung.WaitAsync(AskEvery, _clock, CancellationToken.None);
            RunWatch[] due;
            lock (_gate)
            {
                if (_count == 0)
                {
                    _asking = false;
                    return;
                }

                due = [.. _open.SelectMany(one => one.Value.Where(watch => IsDue(watch, _completions.IsHere(one.Key.Item1, one.Key.Item2))))];
            }

            var pause = BetweenLooks;
            foreach (var some in due.Chunk(RunsALook))
            {
                if (!await LookAsync(some))
                    pause = AfterFailure;
            }

            if (due.Length > 0)
                await Task.Delay(pause, _clock);
        }
    }

    private bool IsDue(RunWatch watch, bool isHere) =>
        watch.IsReadUp && (watch.WantsLook || !isHere || _clock.GetElapsedTime(watch.AskedAt) >= LookAtOwnEvery);

    private async Task<bool> LookAsync(RunWatch[] watches)
    {
        var questions = Array.ConvertAll(watches, watch => watch.Ask());
        try
        {
            foreach (var look in await _store.LookAsync(questions, StepsALook, CancellationToken.None))
                watches[look.Question].Answer(questions[look.Question], look, look.Steps.Count >= StepsALook);
            return true;
        }
        catch (Exception failed)
        {
            Array.ForEach(watches, watch => watch.Want());
            LogNotAsked(_logger, failed);
            return false;
        }
    }

    // trace_RUN, trace_RUN.2, …: TraceId.Of the other way round.
    private static bool TryRead(TraceId trace, out RunId run, out int attempt)
    {
        const string Prefix = "trace_";
        (run, attempt) = (default, 1);
        if (!trace.Value.StartsWith(Prefix, StringComparison.Ordinal))
            return false;
        var name = trace.Value[Prefix.Length..];
        var dot = name.LastIndexOf('.');
        if (dot > 0 && int.TryParse(name.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out attempt))
            name = name[..dot];
        else
            attempt = 1;
        return RunId.TryParse(name, out run) && TraceId.Of(run, attempt) == trace;
    }

    private static string? PlanStepOf(CanonicalJson? context)
    {
        if (context is null)
            return null;
        using var document = context.ToDocument();
        return TraceRecovery.TextOf(document.RootElement, "plan_step");
    }

    private static string WordOf(StepStatus status) => status switch
    {
        StepStatus.Succeeded => "succeeded",
        StepStatus.Failed => "failed",
        StepStatus.Skipped => "skipped",
        StepStatus.Retrying => "retrying",
        StepStatus.Blocked => "blocked",
        StepStatus.Interrupted => "interrupted",
        _ => throw new ArgumentOutOfRangeException(nameof(status)),
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "runs that are watched could not be asked for")]
    private static partial void LogNotAsked(ILogger logger, Exception failed);
}
