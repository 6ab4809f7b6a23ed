namespace RunProof.Testing;

/// <summary>A clock that stands until a test moves it. Its timers fire, in order of their due times, while it is moved; timestamps tick in 100 ns.</summary>
/// <param name="start">Where it begins. Default 2026-01-02T03:04:05.678901Z.</param>
public sealed class ManualTimeProvider(DateTimeOffset? start = null) : TimeProvider
{
    private readonly Lock gate = new();
    private readonly List<ManualTimer> timers = [];
    private DateTimeOffset now = start ?? new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero).AddTicks(6_789_010);
    private long elapsed;

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>Timers that wait: a test that moves the clock for a delay should first see that the delay is there.</summary>
    public int WaitingTimers
    {
        get
        {
            lock (gate)
                return timers.Count(timer => timer.Due is not null);
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (gate)
            return now;
    }

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        lock (gate)
            return elapsed;
    }

    /// <summary>Moves the clock forward, firing what falls due on the way, each at its own time.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative: use <see cref="SetUtcNow"/> for a clock that is set back.</exception>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        long end;
        lock (gate)
            end = elapsed + by.Ticks;
        while (NextDue(end) is { } timer)
            timer.Fire();
        lock (gate)
            MoveTo(end);
    }

    /// <summary>Sets the wall clock, forward or back, as an operator does. Timers and timestamps do not notice.</summary>
    public void SetUtcNow(DateTimeOffset time)
    {
        lock (gate)
            now = time;
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Waits, in real time, until a timer is waiting: then the code under test has reached its delay.</summary>
    /// <param name="count">How many timers must wait.</param>
    /// <param name="timeout">Real time. Default 10 s.</param>
    /// <exception cref="TimeoutException">None came.</exception>
    public async Task WaitForTimersAsync(int count = 1, TimeSpan? timeout = null)
    {
        using var limit = new CancellationTokenSource(timeout ?? TimeSpan.FromMinutes(1));
        while (WaitingTimers < count)
        {
            if (limit.IsCancellationRequested)
                throw new TimeoutException($"{WaitingTimers} of {count} timers wait.");
            await Task.Delay(1, CancellationToken.None);
        }
    }

    private ManualTimer? NextDue(long end)
    {
        lock (gate)
        {
            var next = timers.Where(timer => timer.Due <= end).MinBy(timer => timer.Due);
            if (next is not null)
                MoveTo(Math.Max(elapsed, next.Due!.Value));
            return next;
        }
    }

    private void MoveTo(long ticks)
    {
        now = now.AddTicks(ticks - elapsed);
        elapsed = ticks;
    }

    private sealed class ManualTimer(ManualTimeProvider clock, TimerCallback callback, object? state) : ITimer
    {
        private long period = -1;

        public long? Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan newPeriod)
        {
            bool now;
            lock (clock.gate)
            {
                clock.timers.Remove(this);
                clock.timers.Add(this);
                Due = dueTime == Timeout.InfiniteTimeSpan ? null : clock.elapsed + dueTime.Ticks;
                period = newPeriod == Timeout.InfiniteTimeSpan || newPeriod == TimeSpan.Zero ? -1 : newPeriod.Ticks;
                now = dueTime == TimeSpan.Zero;
            }
            if (now)
                Fire();
            return true;
        }

        public void Fire()
        {
            lock (clock.gate)
            {
                if (Due is null)
                    return;
                Due = period < 0 ? null : Due + period;
            }
            callback(state);
        }

        public void Dispose()
        {
            lock (clock.gate)
            {
                Due = null;
                clock.timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
