using RunProof.Verification;

namespace RunProof.Ledger.Tests;

/// <summary>Tests that measure the whole process run by themselves, after all others.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>What an audit keeps in memory.</summary>
[Collection(nameof(Alone))]
public sealed class AuditMemory
{
    [Fact]
    public async Task Memory_does_not_grow_with_the_log()
    {
        await PeakOfAsync(200);
        var (small, large) = (await PeakOfAsync(500), await PeakOfAsync(12_000));
        // 24,000 entries of 250 bytes would be 6 MB, their traces and steps 60.
        Assert.True(large - small < 3_000_000, $"{small} bytes at 500 traces, {large} at 12,000");
    }

    /// <summary>The most that was reachable at any of some moments.</summary>
    private static async Task<long> PeakOfAsync(int traces)
    {
        var (log, peak, seen) = (new SyntheticLog(traces, steps: 3), 0L, 0);
        var report = await Audits.RunAsync(log, Audits.Options() with { Range = 64, Workers = 2 }, _ =>
        {
            if (seen++ % 50 == 0)
                peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true));
        });
        Assert.Equal((VerificationStatus.Verified, 3L * traces), (report.Status, report.Counts.Steps));
        return peak;
    }
}
