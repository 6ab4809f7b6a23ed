using System.Data.Common;
using RunProof.Format;
using RunProof.Ledger;
using static RunProof.Postgres.Tests.StoreDatabase;

namespace RunProof.Postgres.Tests;

public sealed class RunStoreTests(StoreDatabase database) : IClassFixture<StoreDatabase>
{
    private readonly IRunStore _runs = database.Runs;

    [Fact]
    public async Task A_run_comes_back_as_it_was_stored()
    {
        var run = database.NewRun(T1, key: "whole");
        var (outcome, stored) = await _runs.CreateAsync(run, default);
        Assert.Equal(RunCreation.Created, outcome);
        Assert.Equal(run, stored);
        Assert.Equal(run, await _runs.FindAsync(T1, run.Id, default));
    }

    [Fact]
    public async Task A_run_with_nothing_optional_comes_back_as_it_was_stored()
    {
        var run = database.NewRun(T1) with
        {
            RequestHash = null, FrozenTimestamp = null, SyntheticScenarioId = null, TraceParent = null, Worker = null, LeaseUntil = null, IsSynthetic = false,
        };
        Assert.Equal((RunCreation.Created, run), await _runs.CreateAsync(run, default));
        Assert.Equal(run, await _runs.FindAsync(T1, run.Id, default));
    }

    [Fact]
    public async Task Times_are_kept_to_the_microsecond()
    {
        var run = database.NewRun(T1) with { CreatedAt = Noon.AddTicks(12_345_678) };
        await _runs.CreateAsync(run, default);
        Assert.Equal(Noon.AddTicks(12_345_670), (await _runs.FindAsync(T1, run.Id, default))!.CreatedAt);
    }

    [Fact]
    public async Task The_same_request_under_one_key_is_the_run_that_was_made_first()
    {
        var first = database.NewRun(T1, key: "same");
        await _runs.CreateAsync(first, default);
        Assert.Equal((RunCreation.Existing, first), await _runs.CreateAsync(database.NewRun(T1, key: "same"), default));
    }

    [Fact]
    public async Task Another_request_under_one_key_is_a_conflict()
    {
        var first = database.NewRun(T1, key: "other");
        await _runs.CreateAsync(first, default);
        Assert.Equal((RunCreation.IdempotencyConflict, first), await _runs.CreateAsync(database.NewRun(T1, key: "other", request: 2), default));
    }

    [Fact]
    public async Task A_key_is_each_tenant_s_own()
    {
        await _runs.CreateAsync(database.NewRun(T1, key: "mine"), default);
        Assert.Equal(RunCreation.Created, (await _runs.CreateAsync(database.NewRun(T2, key: "mine"), default)).Outcome);
    }

    [Fact]
    public async Task An_id_is_used_once_in_a_tenant()
    {
        var first = database.NewRun(T1);
        await _runs.CreateAsync(first, default);
        Assert.Equal((RunCreation.DuplicateId, first), await _runs.CreateAsync(database.NewRun(T1, first.Id.Value, key: "fresh"), default));
        Assert.Equal(RunCreation.Created, (await _runs.CreateAsync(database.NewRun(T2, first.Id.Value), default)).Outcome);
    }

    [Fact]
    public async Task A_run_without_an_agent_of_its_tenant_is_refused()
    {
        var run = database.NewRun(T1) with { AgentId = AgentId.Parse("nobody") };
        Assert.Equal(RunCreation.UnknownAgent, (await _runs.CreateAsync(run, default)).Outcome);
        Assert.Null(await _runs.FindAsync(T1, run.Id, default));
    }

    [Fact]
    public async Task Of_equal_requests_at_the_same_moment_one_makes_the_run_and_the_others_get_it()
    {
        for (var round = 0; round < 10; round++)
        {
            var key = $"race-{round}";
            var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _runs.CreateAsync(database.NewRun(T1, key: key), default)));
            var made = Assert.Single(results, result => result.Outcome == RunCreation.Created).Run;
            Assert.All(results, result => Assert.Equal(made, result.Run));
            Assert.Equal(7, results.Count(result => result.Outcome == RunCreation.Existing));
        }
    }

    [Fact]
    public async Task Another_tenant_s_run_is_not_there()
    {
        var run = database.NewRun(T1);
        await _runs.CreateAsync(run, default);
        Assert.Null(await _runs.FindAsync(T2, run.Id, default));
        Assert.DoesNotContain(await _runs.ListAsync(T2, new RunFilter { Limit = 200 }, default), other => other.TenantId == T1);
        Assert.False(await _runs.StartAsync(T2, run.Id, "worker-1", Noon, Noon.AddMinutes(1), default));
        Assert.False(await _runs.FinishAsync(T2, run.Id, "worker-1", End(RunStatus.Failed), default));
        Assert.Equal(RunStatus.Queued, (await _runs.FindAsync(T1, run.Id, default))!.Status);
    }

    [Fact]
    public async Task A_run_starts_once_and_only_for_the_worker_that_has_it()
    {
        var run = database.NewRun(T1);
        await _runs.CreateAsync(run, default);
        Assert.False(await _runs.StartAsync(T1, run.Id, "worker-2", Noon, Noon.AddMinutes(1), default));
        Assert.True(await _runs.StartAsync(T1, run.Id, "worker-1", Noon.AddSeconds(1), Noon.AddMinutes(2), default));
        Assert.False(await _runs.StartAsync(T1, run.Id, "worker-1", Noon.AddSeconds(2), Noon.AddMinutes(3), default));
        var expected = run with { Status = RunStatus.Running, Attempts = 1, IsAttemptOpen = true, StartedAt = Noon.AddSeconds(1), LeaseUntil = Noon.AddMinutes(2) };
        Assert.Equal(expected, await _runs.FindAsync(T1, run.Id, default));
    }

    [Fact]
    public async Task A_run_ends_once_and_only_for_the_worker_that_has_it()
    {
        var run = database.NewRun(T1);
        await _runs.CreateAsync(run, default);
        await _runs.StartAsync(T1, run.Id, "worker-1", Noon, Noon.AddMinutes(1), default);
        Assert.False(await _runs.FinishAsync(T1, run.Id, "worker-2", End(RunStatus.Succeeded), default));
        Assert.True(await _runs.FinishAsync(T1, run.Id, "worker-1", new RunEnd(RunStatus.Failed, Noon.AddSeconds(3), 3000.5, 1, "code", "words"), default));
        Assert.False(await _runs.FinishAsync(T1, run.Id, "worker-1", End(RunStatus.Succeeded), default));
        Assert.False(await _runs.StartAsync(T1, run.Id, "worker-1", Noon, Noon.AddMinutes(1), default));
        var stored = (await _runs.FindAsync(T1, run.Id, default))!;
        Assert.Equal(
            (RunStatus.Failed, Noon.AddSeconds(3), 3000.5, 1, "code", "words"),
            (stored.Status, stored.CompletedAt, stored.DurationMs, stored.Attempts, stored.ErrorCode, stored.ErrorMessage));
    }

    [Fact]
    public async Task A_queued_run_can_be_aborted()
    {
        var run = database.NewRun(T1);
        await _runs.CreateAsync(run, default);
        Assert.True(await _runs.FinishAsync(T1, run.Id, "worker-1", new RunEnd(RunStatus.Aborted, Noon, null, 0, null, null), default));
        Assert.Equal(RunStatus.Aborted, (await _runs.FindAsync(T1, run.Id, default))!.Status);
    }

    [Theory]
    [InlineData(RunStatus.Queued)]
    [InlineData(RunStatus.Running)]
    public async Task Ending_a_run_as_under_way_is_misuse(RunStatus status) =>
        await Assert.ThrowsAsync<ArgumentException>(() => _runs.FinishAsync(T1, RunId.Parse("x"), "worker-1", End(status), default));

    [Fact]
    public async Task Content_that_the_store_refuses_is_no_transient_failure()
    {
        var failure = await Assert.ThrowsAnyAsync<DbException>(() => _runs.CreateAsync(database.NewRun(T1) with { Planner = new string('p', 65) }, default));
        Assert.Equal((false, "23514"), (failure.IsTransient, failure.SqlState));
    }

    private static RunEnd End(RunStatus status) => new(status, Noon.AddSeconds(1), 1, 1, null, null);
}
