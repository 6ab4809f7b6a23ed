using RunProof.Format;
using RunProof.Testing;

namespace RunProof.Verifier.Tests;

/// <summary>Work on tenants, side by side.</summary>
public sealed class TenantTasksTests
{
    private static readonly TenantId A = TenantId.Parse("a"), B = TenantId.Parse("b"), C = TenantId.Parse("c");

    [Fact]
    public async Task Of_a_tenant_one_piece_is_under_way_and_of_all_so_many()
    {
        var tasks = new TenantTasks(2, TimeProvider.System);
        var gates = new Dictionary<TenantId, TaskCompletionSource<bool>> { [A] = new(), [B] = new(), [C] = new() };
        var started = 0;
        void Start(TenantId tenant) => tasks.TryStart(tenant, () =>
        {
            Interlocked.Increment(ref started);
            return gates[tenant].Task;
        });
        foreach (var tenant in new[] { A, A, B, C })
            Start(tenant);
        gates[A].SetResult(false);
        // It was full, so whoever waits for more to do is woken.
        await tasks.AnyWithMoreAsync().WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Start(C);
        gates[B].SetResult(false);
        gates[C].SetResult(true);
        await tasks.EndAsync();
        Assert.Equal(3, started);
        Assert.True(tasks.AnyWithMoreAsync().IsCompleted);
        Assert.False(tasks.AnyWithMoreAsync().IsCompleted);
    }

    [Fact]
    public async Task What_failed_is_thrown_once_and_a_pause_is_kept()
    {
        var clock = new ManualTimeProvider();
        var tasks = new TenantTasks(2, clock);
        tasks.TryStart(A, static () => throw new InvalidOperationException("a"));
        await tasks.EndAsync();
        Assert.Throws<InvalidOperationException>(tasks.ThrowWhatFailed);
        tasks.ThrowWhatFailed();

        var done = 0;
        tasks.Pause(A, TimeSpan.FromSeconds(5));
        Assert.True(tasks.IsPaused(A));
        await StartAsync();
        Assert.Equal(0, done);
        clock.Advance(TimeSpan.FromSeconds(5));
        await StartAsync();
        Assert.Equal(1, done);
        tasks.Pause(A, TimeSpan.FromHours(1));
        tasks.ForgetPauses();
        await StartAsync();
        Assert.Equal(2, done);

        Task StartAsync()
        {
            tasks.TryStart(A, () =>
            {
                done++;
                return Task.FromResult(false);
            });
            return tasks.EndAsync();
        }
    }
}
