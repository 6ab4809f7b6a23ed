namespace RunProof.Execution;

/// <summary>The clock of a deterministic run: the time of day stands still, timers and stopwatches go on.</summary>
internal sealed class FrozenClock(DateTimeOffset now, TimeProvider clock) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => now;

    public override long GetTimestamp() => clock.GetTimestamp();

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        clock.CreateTimer(callback, state, dueTime, period);
}
