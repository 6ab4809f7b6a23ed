using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution.Tests;

/// <summary>An origin is read a page at a time, and few pages are kept.</summary>
public sealed class OriginPagesTests
{
    private const int Steps = 1_050;

    private readonly PagedStore _store = new();

    [Fact]
    public async Task Steps_in_their_order_cost_a_round_trip_a_page()
    {
        var pages = await ReadAsync();
        _store.Read.Clear();

        for (var i = 0; i < Steps; i++)
            Assert.Equal(i, (await pages.ReadAsync(i, default))!.StepIndex);

        Assert.Equal([(0, 200), (200, 200), (400, 200), (600, 200), (800, 200), (1000, 50)], _store.Read);
    }

    [Fact]
    public async Task Branches_that_are_a_few_pages_apart_do_not_read_them_again_and_again()
    {
        var pages = await ReadAsync();
        _store.Read.Clear();

        for (var i = 0; i < 200; i++)
        {
            for (var branch = 0; branch < OriginPages.MostKept; branch++)
                Assert.NotNull(await pages.ReadAsync((branch * 200) + i, default));
        }

        Assert.Equal(OriginPages.MostKept, _store.Read.Count);
        await pages.ReadAsync(900, default);
        await pages.ReadAsync(0, default);
        Assert.Equal(OriginPages.MostKept + 2, _store.Read.Count);
    }

    [Fact]
    public async Task A_page_is_read_once_however_many_ask_and_again_after_the_store_was_away()
    {
        var pages = await ReadAsync();
        _store.Read.Clear();
        _store.Fails = 2;

        var found = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => pages.ReadAsync(i, default).AsTask()));

        Assert.Equal(Enumerable.Range(0, 64), found.Select(step => step!.StepIndex));
        Assert.Equal(3, _store.Read.Count);
    }

    [Fact]
    public async Task A_step_that_is_gone_is_not_another()
    {
        var pages = await ReadAsync();
        _store.Gone = 7;

        Assert.Null(await pages.ReadAsync(7, default));
    }

    [Fact]
    public void A_print_is_of_all_that_a_replay_takes()
    {
        var step = PagedStore.Step(1);
        var print = StepPrint.Of(step);

        Assert.Equal(print, StepPrint.Of(PagedStore.Step(1)));
        foreach (var changed in (RecordedStep[])[
            step with { Status = "failed" }, step with { SkillName = "other" }, step with { SkillVersion = null }, step with { OutcomeCode = "x" }, step with { RetryCount = 1 },
            step with { IdempotencyKey = "k" }, step with { ReplayBehavior = "skip" }, step with { Schema = [1] }, step with { Link = [2] },
            step with { Input = step.Input with { Text = "{\"a\":2}" } }, step with { Output = step.Output with { Text = null } }, step with { Context = step.Context with { Text = "{}" } }])
            Assert.NotEqual(print, StepPrint.Of(changed));
    }

    private async Task<OriginPages> ReadAsync()
    {
        var run = new Run
        {
            TenantId = TenantId.Parse("acme"), Id = RunId.Parse("run-1"), AgentId = AgentId.Parse("ada"), Goal = "g", OriginSystemId = "tests", CorrelationId = CorrelationId.Parse("c"), Planner = "given",
            PlanJson = "[]", PlanRedacted = false, Status = RunStatus.Running, CreatedAt = DateTimeOffset.UnixEpoch,
        };
        var pages = new OriginPages(_store, new Persistence(TimeProvider.System, NullLogger<Persistence>.Instance), run, "me");
        var read = 0;
        for (var page = await pages.ReadNextAsync(default); page.Count > 0; page = await pages.ReadNextAsync(default))
            read += page.Count;
        Assert.Equal(Steps, read);
        return pages;
    }

    private sealed class PagedStore : IReplayStore
    {
        public List<(int First, int Steps)> Read { get; } = [];

        public int Fails { get; set; }

        public int Gone { get; set; } = -1;

        public Task<RecordedTrace?> FindAsync(TenantId tenant, RunId run, string worker, CancellationToken cancellationToken) => Task.FromResult<RecordedTrace?>(null);

        public Task<IReadOnlyList<RecordedStep>> ReadStepsAsync(TenantId tenant, RunId run, string worker, OriginPage page, CancellationToken cancellationToken)
        {
            Read.Add((page.First, page.MostSteps));
            return Fails-- > 0
                ? throw new TimeoutException("away")
                : Task.FromResult<IReadOnlyList<RecordedStep>>([.. Enumerable.Range(page.First, Math.Max(0, Math.Min(page.MostSteps, Steps - page.First))).Where(index => index != Gone).Select(Step)]);
        }

        public static RecordedStep Step(int index) => new()
        {
            StepIndex = index, SkillId = "echo", SkillName = "echo", SkillVersion = "1", Schema = null, Status = "succeeded", Level = "INFO", OutcomeCategory = "SUCCESS", OutcomeCode = null,
            CostCents = "0", DurationMs = 1, RetryCount = 0, IdempotencyKey = "run-1:" + index.ToString(CultureInfo.InvariantCulture), ReplayBehavior = "check", RngStateBefore = null, Source = "engine",
            Timestamp = DateTimeOffset.UnixEpoch, Input = new([1], [2], "{\"a\":1}", true), Output = new([1], [2], "{\"b\":1}", true), Context = new([1], [2], "{\"c\":1}", true), Link = [3],
        };
    }
}
