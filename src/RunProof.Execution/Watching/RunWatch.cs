using System.Runtime.CompilerServices;
using System.Threading.Channels;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>
/// One who watches a run. It takes what it is told at its own pace: whoever executes the run only puts steps into a bounded channel, and what does not fit is looked
/// for in the store. Dispose it when it is no longer read.
/// </summary>
public sealed class RunWatch : IDisposable
{
    private const int Pushed = 256;
    private static readonly TimeSpan LongestQuiet = TimeSpan.FromSeconds(10);

    private readonly RunWatches _watches;
    private readonly TimeProvider _clock;
    private readonly Bell _news = new();
    private readonly Channel<(int Attempt, WatchedStep Step)> _pushed =
        Channel.CreateBounded<(int, WatchedStep)>(new BoundedChannelOptions(Pushed) { SingleReader = true, SingleWriter = false });
    private volatile RunPlace _place;
    private volatile string? _seen;
    private volatile Answered? _answer;
    private volatile bool _wantsLook = true;
    private bool _ended;

    internal RunWatch(RunWatches watches, TenantId tenant, RunId run, RunPlace from, TimeProvider clock) =>
        (_watches, TenantId, RunId, _place, _clock) = (watches, tenant, run, from, clock);

    internal TenantId TenantId { get; }

    internal RunId RunId { get; }

    /// <summary>When the store was last asked for it; the clock's timestamp.</summary>
    internal long AskedAt { get; set; }

    /// <summary>Whether the store's last answer has been read: before that it is asked nothing more, however slow the reader is.</summary>
    internal bool IsReadUp => _answer is null;

    /// <summary>Whether it must be looked for in the store, whatever is pushed.</summary>
    internal bool WantsLook => _wantsLook;

    /// <summary>Everything that happens from the place on, until the run's end. To be read once.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The events; a <see cref="RunEvent.Quiet"/> where nothing happened for 10 seconds.</returns>
    public async IAsyncEnumerable<RunEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (!_ended)
        {
            if (_answer is { } answer)
            {
                foreach (var told in Take(answer))
                    yield return told;
                _answer = null;
                if (_wantsLook)
                    _watches.Ring();
            }
            else if (_pushed.Reader.TryRead(out var pushed))
            {
                foreach (var told in Take(pushed.Attempt, pushed.Step, isRecorded: false))
                    yield return told;
            }
            else if (!await _news.WaitAsync(LongestQuiet, _clock, cancellationToken))
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return new RunEvent.Quiet();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _watches.Leave(this);

    /// <summary>A step of the run has been recorded in this process. Never waits.</summary>
    internal void Push(int attempt, WatchedStep step)
    {
        if (!_pushed.Writer.TryWrite((attempt, step)))
            _wantsLook = true;
        _news.Ring();
    }

    /// <summary>Something else happened to the run, or may have.</summary>
    internal void Want() => _wantsLook = true;

    /// <summary>What the store is to be asked. From here on a wish is a new one.</summary>
    internal RunQuestion Ask()
    {
        _wantsLook = false;
        AskedAt = _clock.GetTimestamp();
        var place = _place;
        return new RunQuestion(TenantId, RunId, place.Attempt, place.Next, _seen);
    }

    /// <summary>What the store answered.</summary>
    internal void Answer(RunQuestion question, RunLook look, bool isFull)
    {
        _answer = new Answered(question, look, isFull);
        _news.Ring();
    }

    private IEnumerable<RunEvent> Take(Answered answer)
    {
        var (question, look, isFull) = answer;
        foreach (var told in look.Steps.SelectMany(step => Take(question.Attempt, step, isRecorded: true)))
            yield return told;
        if (isFull)
        {
            _wantsLook = true;
            yield break;
        }

        // Steps were pushed since: they are told, and what the store said of the run's status before them is not.
        var reached = look.Steps.Count > 0 ? look.Steps[^1].Index + 1 : question.After;
        var isSealed = look.RootHash is not null;
        if (_place.Attempt != question.Attempt || (_place.Next > reached && !isSealed))
        {
            _seen = null;
            yield break;
        }

        _seen = look.Seen;
        if (look.RootHash is { } root && !_place.Sealed)
        {
            _place = _place with { Sealed = true };
            yield return new RunEvent.Sealed(_place, question.Attempt, look.TraceStatus!, look.ChainLength ?? 0, root);
        }

        if (look.Attempts > question.Attempt && (isSealed || look.TraceStatus is null))
        {
            (_place, _seen, _wantsLook) = (_place.NextAttempt, null, true);
        }
        else if (look.HasEnded)
        {
            _ended = true;
            _place = _place with { Status = look.Status };
            yield return new RunEvent.Ended(_place);
        }
        else if (look.Status != _place.Status)
        {
            _place = _place with { Status = look.Status };
            yield return new RunEvent.Moved(_place, look.Attempts, look.Status);
        }
    }

    // A step whose turn it is. One that was told is passed over; one that was pushed out of turn means that others were not.
    private IEnumerable<RunEvent> Take(int attempt, WatchedStep step, bool isRecorded)
    {
        var isNext = attempt == _place.Attempt && (isRecorded ? step.Index >= _place.Next : step.Index == _place.Next);
        if (!isNext)
        {
            if (attempt > _place.Attempt || (attempt == _place.Attempt && step.Index > _place.Next))
            {
                _wantsLook = true;
                _watches.Ring();
            }

            yield break;
        }

        // Whose step it is, that one runs, or did.
        if (_place.Status != Running)
        {
            (_place, _seen) = (_place with { Status = Running }, null);
            yield return new RunEvent.Moved(_place, attempt, Running);
        }

        _place = _place with { Next = step.Index + 1 };
        yield return new RunEvent.Stepped(_place, attempt, step);
    }

    private static readonly string Running = RunWords.Of(RunStatus.Running);

    private sealed record Answered(RunQuestion Question, RunLook Look, bool IsFull);
}
