using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution.Tests;

/// <summary>Who watches a run is told everything once, whoever executes it, however slowly they read, wherever they come back to.</summary>
public sealed class RunWatchTests
{
    private const string Three = """[{"skill":"work"},{"skill":"work"},{"skill":"work"}]""";

    private readonly House _house;
    private int _fails;

    public RunWatchTests() => _house = new House(
        new FakeSkill("work", (_, _, _) => new(FakeSkill.Gives("{}"))),
        new FakeSkill("fail_once", (_, _, _) => new(Interlocked.Increment(ref _fails) == 1 ? FakeSkill.Fails("broken") : FakeSkill.Gives("{}"))));

    [Fact]
    public async Task A_run_of_this_process_is_told_step_by_step_with_few_questions_to_the_store()
    {
        var run = await SubmitAsync("[" + string.Join(',', Enumerable.Repeat("""{"skill":"work"}""", 60)) + "]");
        var told = ReadAsync(_house, run);

        await _house.WorkAsync(() => told);

        // A status that was over before it was looked at is not told.
        Assert.Equal(["running", .. Enumerable.Range(0, 60).Select(i => $"step {i} work succeeded"), "sealed completed 60", "succeeded!"], Words(await told).Where(word => word != "queued"));
        Assert.InRange(_house.Watched.Asked, 1, 12);
        Assert.Equal("step_7", (await told).OfType<RunEvent.Stepped>().ElementAt(7).Step.PlanStep);
    }

    [Fact]
    public async Task A_run_of_another_process_is_told_alike()
    {
        var run = await SubmitAsync(Three);
        var told = ReadAsync(_house.Next("worker-2"), run);

        await _house.WorkAsync(() => told);

        Assert.Equal(["running", "step 0 work succeeded", "step 1 work succeeded", "step 2 work succeeded", "sealed completed 3", "succeeded!"], Words(await told).Where(word => word != "queued"));
    }

    [Fact]
    public async Task Whoever_comes_back_to_any_process_is_told_the_rest_and_nothing_twice()
    {
        var run = await SubmitAsync("""[{"skill":"work"},{"skill":"fail_once"},{"skill":"work"}]""", attempts: 2);
        await _house.WorkAsync(() => _house.Service.WaitAsync(House.Tenant, run, TimeSpan.FromMinutes(5), default));

        var all = await _house.DriveAsync(ReadAsync(_house, run));

        Assert.Equal(
            [
                "running", "step 0 work succeeded", "step 1 fail_once failed", "sealed failed 2",
                "running 2", "step 0 work succeeded", "step 1 fail_once succeeded", "step 2 work succeeded", "sealed completed 3", "succeeded!",
            ],
            Words(all));
        for (var i = 0; i < all.Count - 1; i++)
        {
            Assert.True(RunPlace.TryParse(all[i].Place!.Id, out var place));
            var rest = await _house.DriveAsync(ReadAsync(_house.Next("worker-" + i), run, place));
            Assert.Equal(all.Skip(i + 1), rest);
        }
    }

    [Fact]
    public async Task A_reader_that_does_not_read_holds_up_no_one_and_misses_nothing()
    {
        var run = await SubmitAsync("[" + string.Join(',', Enumerable.Repeat("""{"skill":"work"}""", 200)) + "]", attempts: 1);
        using var watch = _house.Watches.Open(House.Tenant, run, RunPlace.Beginning)!;
        for (var i = 0; i < 300; i++)
            watch.Push(1, new WatchedStep(1_000 + i, null, "filler", "succeeded", 0, default, 0));
        await _house.WorkAsync(() => _house.Service.WaitAsync(House.Tenant, run, TimeSpan.FromMinutes(5), default));

        var told = await _house.DriveAsync(ReadAsync(watch));

        Assert.Equal(Enumerable.Range(0, 200), told.OfType<RunEvent.Stepped>().Select(one => one.Step.Index));
        Assert.IsType<RunEvent.Ended>(told[^1]);
    }

    [Fact]
    public async Task Where_nobody_watches_the_store_is_not_asked()
    {
        var run = await SubmitAsync(Three);
        using (var watch = _house.Watches.Open(House.Tenant, run, RunPlace.Beginning))
            await AdvanceAsync(20);
        await AdvanceAsync(20);
        var asked = _house.Watched.Asked;

        await AdvanceAsync(60);

        Assert.Equal((0, asked), (_house.Watches.Count, _house.Watched.Asked));
        Assert.InRange(asked, 1, 25);
    }

    [Fact]
    public async Task A_store_that_is_away_for_a_moment_costs_no_event()
    {
        var run = await SubmitAsync(Three);
        _house.Watched.Throw = new TimeoutException();
        var told = ReadAsync(_house, run);

        await _house.WorkAsync(() => told);

        Assert.Equal(["step 0 work succeeded", "step 1 work succeeded", "step 2 work succeeded", "sealed completed 3", "succeeded!"], Words(await told).Where(word => word is not ("queued" or "running")));
    }

    [Fact]
    public async Task A_paused_run_that_is_resumed_and_an_ended_one_that_is_tried_again_are_told_of()
    {
        var later = _house.Clock.GetUtcNow() + TimeSpan.FromSeconds(1);
        var run = await SubmitAsync("""[{"skill":"fail_once"}]""", notBefore: later);
        Assert.Equal(RunAnswer.Done, await _house.Service.PauseAsync(House.Tenant, run, default));
        var paused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var told = ReadAsync(_house, run, seen: one =>
        {
            if (one is RunEvent.Moved { Status: "paused" })
                paused.TrySetResult();
        });
        await _house.WorkAsync(async () =>
        {
            await paused.Task;
            await _house.Service.ResumeAsync(House.Tenant, run, default);
            await told;
        });
        Assert.Equal(["paused", "running", "step 0 fail_once failed", "sealed failed 1", "failed!"], Words(await told).Where(word => word != "queued"));

        await _house.Service.RetryAsync(House.Tenant, run, null, default);
        var again = ReadAsync(_house.Next("worker-2"), run, (await told)[^1].Place);
        var other = _house.Next("worker-3");
        await other.WorkAsync(() => again);

        Assert.Equal(["running 2", "step 0 fail_once succeeded", "sealed completed 1", "succeeded!"], Words(await again).Where(word => !word.StartsWith("queued", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task No_more_watch_than_may_and_half_of_them_of_one_tenant()
    {
        _house.Options = _house.Options with { MaxWatches = 4 };
        var run = await SubmitAsync(Three);
        RunWatch? Open(string tenant) => _house.Watches.Open(TenantId.Parse(tenant), run, RunPlace.Beginning);

        Assert.NotNull(Open("acme"));
        using (Assert.IsType<RunWatch>(Open("acme")))
            Assert.Null(Open("acme"));
        Assert.NotNull(Open("acme"));
    }

    [Theory]
    [InlineData("1.0.", true)]
    [InlineData("12.40s.succeeded", true)]
    [InlineData("0.0.running", false)]
    [InlineData("1.01.running", false)]
    [InlineData("1.0.running\n", false)]
    [InlineData("1.0.RUNNING", false)]
    [InlineData("99999.0.running", false)]
    [InlineData("1.999999999.running", false)]
    [InlineData("1", false)]
    public void An_event_s_id_is_its_place(string id, bool isOne)
    {
        Assert.Equal(isOne, RunPlace.TryParse(id, out var place));
        if (isOne)
            Assert.Equal(id, place.Id);
    }

    private async Task<RunId> SubmitAsync(string plan, int attempts = 1, DateTimeOffset? notBefore = null)
    {
        var accepted = Assert.IsType<Submission.Accepted>(await _house.Service.SubmitAsync(_house.Request(plan) with { MaxAttempts = attempts, NotBefore = notBefore }, default));
        return accepted.Run.Id;
    }

    private async Task AdvanceAsync(int times)
    {
        for (var i = 0; i < times; i++)
        {
            await Task.Delay(2);
            _house.Clock.Advance(TimeSpan.FromMilliseconds(100));
        }
    }

    private static async Task<IReadOnlyList<RunEvent>> ReadAsync(House house, RunId run, RunPlace? from = null, Action<RunEvent>? seen = null)
    {
        using var watch = house.Watches.Open(House.Tenant, run, from ?? RunPlace.Beginning)!;
        return await ReadAsync(watch, seen);
    }

    private static async Task<IReadOnlyList<RunEvent>> ReadAsync(RunWatch watch, Action<RunEvent>? seen = null)
    {
        var told = new List<RunEvent>();
        await foreach (var one in watch.ReadAsync(default))
        {
            seen?.Invoke(one);
            if (one is not RunEvent.Quiet)
                told.Add(one);
        }

        return told;
    }

    private static IEnumerable<string> Words(IEnumerable<RunEvent> told) => told.Select(one => one switch
    {
        RunEvent.Moved moved => moved.Attempt > 1 ? $"{moved.Status} {moved.Attempt}" : moved.Status,
        RunEvent.Stepped stepped => $"step {stepped.Step.Index} {stepped.Step.Skill} {stepped.Step.Status}",
        RunEvent.Sealed @sealed => $"sealed {@sealed.Status} {@sealed.ChainLength}",
        RunEvent.Ended ended => ended.Place!.Status + "!",
        _ => "?",
    });
}
