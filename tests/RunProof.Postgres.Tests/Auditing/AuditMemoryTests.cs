using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;
using RunProof.Verification;

namespace RunProof.Postgres.Tests;

/// <summary>What an audit remembers: it goes on where it was, and a log that is not the one of the last time is found out.</summary>
public sealed class AuditMemoryTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_log_that_grew_continues_the_one_that_was_audited()
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 5);
        var first = await desk.AuditAsync();
        Assert.Equal(CheckStatus.NotDone, first.Checks.Single(check => check.Name == "LOG_CONSISTENCY").Status);
        await desk.Log.RecordAsync(5, 4, steps: 1);
        await desk.SealAsync();
        // The key of the last audit is enough; it came from elsewhere then.
        var second = await desk.AuditAsync(AuditDesk.Options() with { Keys = [], ClockTolerance = TimeSpan.FromDays(3650) }, first.Next);
        Assert.Equal((VerificationStatus.Verified, true), (second.Status, second.IsKeyIndependent));
        Assert.Contains("continues the 10 entries that were audited", second.Checks.Single(check => check.Name == "LOG_CONSISTENCY").Detail, StringComparison.Ordinal);
        Assert.Equal((18L, 18L), (second.Next!.Audited!.Size, second.Next.Audited.CleanSize));
    }

    [Fact]
    public async Task A_rollback_is_found_and_forgets_nothing()
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 3);
        await using var grown = await AuditDesk.SetUpAsync(postgres, traces: 3);
        await grown.Log.RecordAsync(3, 2, steps: 2);
        await grown.SealAsync();
        var memory = (await grown.AuditAsync()).Next;
        // The same log as it was two traces ago, restored from a backup, traces and all: by itself it is whole.
        Assert.Empty((await desk.AuditAsync()).Findings.Kept);
        var rolledBack = await desk.AuditAsync(prior: memory);
        Assert.Equal([AuditCodes.RolledBack], rolledBack.Findings.Kept.Select(finding => finding.Code));
        Assert.Null(rolledBack.Next);
    }

    [Fact]
    public async Task A_history_that_was_replaced_under_the_real_key_is_found()
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 3);
        var memory = (await desk.AuditAsync()).Next;
        // Another log of the same name, larger, signed with the real key, whole by itself: the operator's second history.
        await using var other = await AuditDesk.SetUpAsync(postgres, traces: 0);
        await other.Log.RecordAsync(1, 5, steps: 2);
        await other.SealAsync();
        Assert.Empty((await other.AuditAsync()).Findings.Kept);
        var options = AuditDesk.Options() with { ClockTolerance = TimeSpan.FromDays(3650) };
        var forked = await other.AuditAsync(options, memory);
        Assert.Equal([AuditCodes.Forked], forked.Findings.Kept.Select(finding => finding.Code));
        Assert.Null(forked.Next);
        // From behind the audited size the tiles must prove it, and cannot.
        forked = await other.AuditAsync(options with { From = 8 }, memory);
        Assert.Equal([AuditCodes.Forked], forked.Findings.Kept.Select(finding => finding.Code));
    }

    [Fact]
    public async Task An_interrupted_audit_goes_on_where_it_was()
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 20);
        const string First = "(SELECT trace_id FROM runproof.log_entries WHERE kind = 'sealed' ORDER BY position LIMIT 1)";
        await desk.TamperAsync($"DELETE FROM aos_trace_steps WHERE trace_id = {First}; DELETE FROM aos_traces WHERE trace_id = {First}");
        var whole = await desk.AuditAsync();
        using var interrupt = new CancellationTokenSource();
        AuditState? kept = null;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => desk.AuditAsync(
            tick: tick =>
            {
                if (tick.Position >= 24)
                    interrupt.Cancel();
            },
            save: state => kept = state,
            cancellationToken: interrupt.Token));
        Assert.InRange(kept!.Progress!.Position, 24, 39);
        Assert.Null(kept.Audited);
        Assert.Single(kept.Progress.Findings);

        var read = new List<long>();
        var resumed = await desk.AuditAsync(prior: kept, tick: tick => read.Add(tick.Position));
        Assert.True(read[0] > kept.Progress.Position, "it began anew");
        Assert.Equal(whole.Findings.Kept, resumed.Findings.Kept);
        Assert.Equal((whole.Root, whole.Counts), (resumed.Root, resumed.Counts));
        Assert.Null(resumed.Next!.Progress);

        // What was read before the interruption cannot be replaced behind it.
        await desk.TamperAsync("UPDATE runproof.log_entries SET entry = replace(entry, '43:41', '43:42') WHERE position = 1");
        Assert.Equal(resumed.Root, (await desk.AuditAsync(prior: kept)).Root);
        // Of another kind, it begins anew.
        Assert.Equal(40, (await desk.AuditAsync(AuditDesk.Options() with { Payloads = false }, kept)).Counts.Entries);
    }

    [Fact]
    public async Task Beginning_later_reads_only_what_is_new_and_says_what_it_relies_on()
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 5);
        var memory = (await desk.AuditAsync()).Next!;
        await desk.Log.RecordAsync(5, 3, steps: 1);
        await desk.SealAsync();
        var options = AuditDesk.Options() with { ClockTolerance = TimeSpan.FromDays(3650) };
        var later = await desk.AuditAsync(options with { From = 10 }, memory);
        Assert.Equal((VerificationStatus.Verified, 6L, 3L), (later.Status, later.Counts.Entries, later.Counts.Traces));
        Assert.Contains("those before 10 were audited before", later.Checks.Single(check => check.Name == "ENTRIES").Detail, StringComparison.Ordinal);
        Assert.Equal(16, later.Next!.Audited!.CleanSize);
        // Nobody vouches: said, and not verified.
        var unvouched = await desk.AuditAsync(options with { From = 12 });
        Assert.Equal(VerificationStatus.Unsupported, unvouched.Status);
        Assert.Empty(unvouched.Findings.Kept);
        await Assert.ThrowsAsync<ArgumentException>(() => desk.AuditAsync(options with { From = 17 }));
    }

    [Fact]
    public async Task Clocks_that_were_set_back_are_found()
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 3);
        var memory = (await desk.AuditAsync()).Next;
        var opening = RecordingDesk.Opening("backdated") with { StartedAt = RecordingDesk.Start.AddDays(-1) };
        var session = await desk.Log.Recording.Recorder.OpenAsync(opening, CancellationToken.None);
        await session.AppendAsync(RecordingDesk.Step(), null, CancellationToken.None);
        await session.SealAsync(RecordingDesk.Closing() with { CompletedAt = RecordingDesk.Start.AddDays(-2) }, CancellationToken.None);
        session = await desk.Log.Recording.Recorder.OpenAsync(RecordingDesk.Opening("ahead") with { StartedAt = TimeProvider.System.GetUtcNow().AddDays(2) }, CancellationToken.None);
        await session.SealAsync(RecordingDesk.Closing() with { CompletedAt = TimeProvider.System.GetUtcNow().AddDays(3) }, CancellationToken.None);
        await desk.SealAsync();
        var report = await desk.AuditAsync();
        Assert.Equal(
            ["LOG_CLOCK_AHEAD trace_ahead completed_at", "LOG_CLOCK_AHEAD trace_ahead started_at", "LOG_CLOCK_BACKWARDS trace_backdated completed_at", "LOG_CLOCK_BACKWARDS trace_backdated started_at"],
            report.Findings.Kept.Select(finding => $"{finding.Code} {finding.TraceId} {finding.Place.Split('.')[^1]}").Order(StringComparer.Ordinal));
        // Held against the audit before, whose clock is the auditor's: all four entries but those ahead are too old to have come since.
        report = await desk.AuditAsync(prior: memory);
        Assert.Equal(2, report.Findings.Kept.Count(finding => finding.Code == AuditCodes.ClockBackwards && finding.Message.Contains("came after the audit before this one", StringComparison.Ordinal)));
        Assert.Equal(VerificationStatus.Verified, (await desk.AuditAsync(AuditDesk.Options() with { ClockTolerance = TimeSpan.FromDays(30) })).Status);
    }
}
