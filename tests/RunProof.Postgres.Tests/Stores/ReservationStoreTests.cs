using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;
using static RunProof.Postgres.Tests.RecordingDesk;

namespace RunProof.Postgres.Tests;

/// <summary>What steps under way reserve of shared budgets, and when it is let go of: each test on a database of its own.</summary>
public sealed class ReservationStoreTests(PostgresFixture postgres)
{
    private static readonly TenantId Acme = Tenant();
    private static readonly AgentId Agent = AgentId.Parse("agent-7");
    private static readonly DateTimeOffset Noon = Start;

    [Fact]
    public async Task Never_more_is_let_through_than_fits_however_many_processes_ask_and_whatever_answers_are_lost()
    {
        await using var desk = await DeskAsync();
        var store = new PostgresRestraintStore(desk.Runner);
        await store.SetAsync(Budget("a", new BudgetLimits(Tokens: 100)), default);
        await store.SetAsync(Budget("b", new BudgetLimits(CostCents: 4.5m)) with { Scope = BudgetScope.Agent, Period = BudgetPeriod.Total }, default);
        var through = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(process => Task.Run(async () =>
        {
            for (var i = 0; i < 10; i++)
            {
                // Lost answers: each is asked for twice, and does not stand in its own way.
                var number = (process * 100) + i;
                var first = await TakeAsync(store, number, 7, 0.25m);
                var again = await TakeAsync(store, number, 7, 0.25m);
                if (first.Count > 0)
                    continue;
                Interlocked.Increment(ref through);
                Assert.Empty(again);
            }
        })));
        Assert.Equal(14, through);
        var refused = Assert.Single(await TakeAsync(store, 9_999, 7, 1m));
        Assert.Equal(("a", "tokens", 0m, 100m, 98m, 7m), (refused.Budget.Id, refused.What, refused.Used, refused.Limit, refused.Reserved, refused.Wanted));
        var cost = Assert.Single(await TakeAsync(store, 9_999, 0, 1.01m));
        Assert.Equal(("b", "cost_cents", 3.5m, 1.01m), (cost.Budget.Id, cost.What, cost.Reserved, cost.Wanted));
        Assert.Equal(["a", "b"], (await TakeAsync(store, 9_999, 3, 2m)).Select(used => used.Budget.Id));

        // What fits exactly fits; what wants nothing is kept by nothing that is only reserved; other agents have what is theirs.
        Assert.Empty(await TakeAsync(store, 9_999, 2, 1m));
        Assert.Empty(await store.TakeAsync(Acme, Agent, Noon, 1, null, default));
        Assert.Equal((3.5m + 1m, 100L), Reserved(Assert.Single(await store.ReadUsageAsync(Acme, "b", 10, default))));
        Assert.Equal((4.5m, 100L), Reserved(Assert.Single(await store.ReadUsageAsync(Acme, "a", 10, default))));
    }

    [Fact]
    public async Task What_was_reserved_becomes_what_was_used_in_the_transaction_that_records_the_step_however_often_it_is_sent()
    {
        await using var desk = await DeskAsync();
        var store = new PostgresRestraintStore(desk.Runner);
        await store.SetAsync(Budget("a", new BudgetLimits(Tokens: 100)), default);
        Assert.Empty(await TakeAsync(store, 0, 60, 1));
        Assert.Empty(await TakeAsync(store, 1, 30, 1));
        Assert.Equal(2, await RowsAsync(desk));

        // Another attempt of the step, or another step, lets go of nothing of it.
        var recorder = new Recorder(new Twice(desk.Store), new NoRedaction(), new CountingSaltSource(), TimeProvider.System, new RecorderOptions(), Microsoft.Extensions.Logging.Abstractions.NullLogger<Recorder>.Instance);
        var session = await recorder.OpenAsync(Opening(), default);
        await session.AppendAsync(Recorded(0, tokens: 1) with { RetryCount = 1 }, null, default);
        Assert.Equal(2, await RowsAsync(desk));
        await session.AppendAsync(Recorded(0, tokens: 20), null, default);
        Assert.Equal(1, await RowsAsync(desk));
        var usage = Assert.Single(await store.ReadUsageAsync(Acme, "a", 10, default));
        Assert.Equal((21L, 30L), (usage.Tokens, usage.ReservedTokens));
        Assert.Equal((21m, 30m), Figures(Assert.Single(await TakeAsync(store, 2, 50, 0))));

        // A step that failed, or was never executed, lets go like any other.
        await session.AppendAsync(Recorded(1, tokens: 0) with { Status = StepStatus.Interrupted }, null, default);
        Assert.Equal(0, await RowsAsync(desk));
        Assert.Empty(await TakeAsync(store, 2, 79, 0));
        await session.SealAsync(Closing(), default);
        await recorder.DisposeAsync();
    }

    [Fact]
    public async Task Recording_and_asking_at_once_never_let_through_too_much()
    {
        await using var desk = await DeskAsync();
        var store = new PostgresRestraintStore(desk.Runner);
        await store.SetAsync(Budget("a", new BudgetLimits(Tokens: 1_000)), default);
        var recorded = 0L;
        await Task.WhenAll(Enumerable.Range(0, 6).Select(branch => Task.Run(async () =>
        {
            var session = await desk.OpenAsync($"branch-{branch}");
            for (var i = 0; i < 20; i++)
            {
                var reserve = new BudgetReservation(RunId.Parse("run-1"), TraceId.Of(RunId.Parse($"branch-{branch}")), "worker-1", new AttemptId($"branch-{branch}:{i}", 0), 0, 50);
                if ((await store.TakeAsync(Acme, Agent, Noon, (branch * 1_000) + i, reserve, default)).Count > 0)
                    continue;
                var used = 30 + ((branch + i) % 21);
                await session.AppendAsync(Recorded(i, used) with { IdempotencyKey = $"branch-{branch}:{i}" }, null, default);
                Interlocked.Add(ref recorded, used);
            }
        })));
        Assert.InRange(recorded, 951, 1_000);
        var usage = Assert.Single(await store.ReadUsageAsync(Acme, "a", 10, default));
        Assert.Equal((recorded, 0L), (usage.Tokens, usage.ReservedTokens));
    }

    [Fact]
    public async Task What_a_process_reserved_counts_no_longer_once_its_run_has_passed_on_waits_or_has_ended()
    {
        await using var desk = await DeskAsync();
        var (store, runs) = (new PostgresRestraintStore(desk.Runner), new PostgresRunStore(desk.Runner));
        await store.SetAsync(Budget("a", new BudgetLimits(Tokens: 100)), default);
        var run = RunId.Parse("run-1");

        // The process dies; another claims the run. What the dead one asks for now is refused, and what it had asked for before, and only now comes, counts for nothing.
        Assert.Empty(await TakeAsync(store, 0, 90, 0));
        Assert.Equal("run-1", Assert.Single(await runs.ClaimAsync("worker-2", Noon.AddDays(2), Noon.AddDays(3), 10, null, default)).Id.Value);
        Assert.Equal(0, await RowsAsync(desk));
        Assert.Contains("run-1 is not this process's", (await Assert.ThrowsAsync<PolicyUnavailableException>(() => TakeAsync(store, 1, 90, 0))).Message, StringComparison.Ordinal);
        await desk.AskAsync<object>("INSERT INTO runproof.budget_reservations SELECT 'acme', 'trace_run-1', 'run-1:1', 0, 'run-1', 'worker-1', 'agent-7', 0, 90, $1 RETURNING 1", Noon);
        Assert.Equal(0L, (await store.ReadUsageAsync(Acme, "a", 10, default))[0].ReservedTokens);
        Assert.Empty(await TakeAsync(store, 0, 90, 0, "worker-2"));
        Assert.Equal(2, await RowsAsync(desk));

        // Let go of, paused, cancelled, ended: nothing is left.
        Assert.True(await runs.ReleaseAsync(Acme, run, "worker-2", new RunRelease(true, false, Noon), default));
        Assert.Equal(0, await RowsAsync(desk));
        await runs.ClaimAsync("worker-3", Noon.AddDays(2), Noon.AddDays(3), 10, null, default);
        Assert.True(await runs.StartAsync(Acme, run, "worker-3", Noon, Noon.AddDays(3), default));
        Assert.Empty(await TakeAsync(store, 0, 90, 0, "worker-3"));
        await runs.RenewAsync("worker-3", Noon.AddDays(4), default);
        Assert.Equal(1, await RowsAsync(desk));
        Assert.True(await runs.FinishAsync(Acme, run, "worker-3", new RunEnd(RunStatus.Failed, Noon, 1, 1, "x", "y"), default));
        Assert.Equal(0, await RowsAsync(desk));
        await Assert.ThrowsAsync<PolicyUnavailableException>(() => TakeAsync(store, 0, 90, 0, "worker-3"));

        // Another attempt of the run has a trace, and reservations, of its own.
        Assert.Equal(RunAnswer.Done, await runs.RetryAsync(Acme, run, null, Noon, default));
        await runs.ClaimAsync("worker-3", Noon.AddDays(2), Noon.AddDays(3), 10, null, default);
        Assert.True(await runs.StartAsync(Acme, run, "worker-3", Noon, Noon.AddDays(3), default));
        Assert.Empty(await store.TakeAsync(Acme, Agent, Noon, 5, new BudgetReservation(run, TraceId.Of(run, 2), "worker-3", new AttemptId("run-1:0", 0), 0, 100), default));
        Assert.True(await runs.FinishAsync(Acme, run, "worker-3", new RunEnd(RunStatus.Succeeded, Noon, 1, 2, null, null), default));
        Assert.Equal(0, await RowsAsync(desk));
    }

    [Fact]
    public async Task What_is_let_go_of_is_so_however_often_it_is_said_and_reserved_anew_where_it_is_asked_for_again()
    {
        await using var desk = await DeskAsync();
        var store = new PostgresRestraintStore(desk.Runner);
        await store.SetAsync(Budget("a", new BudgetLimits(Tokens: 100)), default);
        Assert.Empty(await TakeAsync(store, 0, 90, 0));
        Assert.Empty(await TakeAsync(store, 1, 10, 0));
        for (var i = 0; i < 2; i++)
            await store.ForgoAsync(Acme, Trace(), new AttemptId("run-1:0", 0), default);
        await store.ForgoAsync(Tenant("other"), Trace(), new AttemptId("run-1:1", 0), default);
        Assert.Equal(1, await RowsAsync(desk));
        Assert.Equal((0m, 10m), Figures(Assert.Single(await TakeAsync(store, 0, 91, 0))));
        Assert.Empty(await TakeAsync(store, 0, 90, 0));
    }

    [Fact]
    public async Task A_reservation_is_of_its_period_and_agent_and_gone_with_the_budget()
    {
        await using var desk = await DeskAsync();
        var store = new PostgresRestraintStore(desk.Runner);
        await store.SetAsync(Budget("day", new BudgetLimits(Tokens: 100)) with { Zone = "Europe/Zurich" }, default);
        var (before, after) = (new DateTimeOffset(2026, 3, 29, 21, 59, 59, TimeSpan.Zero), new DateTimeOffset(2026, 3, 29, 22, 0, 0, TimeSpan.Zero));
        Assert.Empty(await TakeAsync(store, 0, 100, 0, at: before));
        Assert.Single(await TakeAsync(store, 1, 1, 0, at: before));
        Assert.Empty(await TakeAsync(store, 1, 100, 0, at: after));
        Assert.Equal([("2026-03-30", 100L), ("2026-03-29", 100L)], (await store.ReadUsageAsync(Acme, "day", 10, default)).Select(row => ($"{row.PeriodStart:yyyy-MM-dd}", row.ReservedTokens)));
        await store.RetireAsync(Acme, "day", "key", Noon, default);
        await store.SetAsync(Budget("each", new BudgetLimits(Tokens: 100)) with { Scope = BudgetScope.Agent, Period = BudgetPeriod.Total }, default);
        var other = new BudgetReservation(RunId.Parse("run-1"), Trace(), "worker-1", new AttemptId("run-1:7", 0), 0, 100);
        Assert.Empty(await store.TakeAsync(Acme, AgentId.Parse("agent-8"), Noon, 7, other, default));
        Assert.Equal((0m, 200m), Figures(Assert.Single(await TakeAsync(store, 2, 1, 0))));

        // Without any budget a step lets go all the same.
        await store.RetireAsync(Acme, "each", "key", Noon, default);
        var session = await desk.OpenAsync();
        await session.AppendAsync(Recorded(0, 5), null, default);
        await session.AppendAsync(Recorded(1, 5), null, default);
        Assert.Equal(1, await RowsAsync(desk));
    }

    [Fact]
    public async Task Asking_with_hundreds_of_steps_under_way_takes_no_longer_than_a_step_may()
    {
        await using var desk = await DeskAsync();
        var store = new PostgresRestraintStore(desk.Runner);
        await store.SetAsync(Budget("a", new BudgetLimits(Tokens: 1_000_000)), default);
        await TakeAsync(store, 0, 1, 0);
        var (alone, without) = (await BestAsync(5_000, 1), await BestAsync(6_000, null));
        await desk.AskAsync<object>(
            "INSERT INTO runproof.budget_reservations SELECT 'acme', 'trace_run-1', 'run-1:' || n, 0, 'run-1', 'worker-1', 'agent-7', 0, 1, $1 FROM generate_series(10000, 10499) n RETURNING 1", Noon);
        var many = await BestAsync(7_000, 1);
        TestContext.Current.SendDiagnosticMessage("a question: {0:0.00} ms; with a reservation {1:0.00} ms, beside 500 others {2:0.00} ms", without, alone, many);
        Assert.Equal(500 + 41, await RowsAsync(desk));
        Assert.True(many < without + 50, $"{many} ms, without {without} ms");

        async Task<double> BestAsync(int from, long? tokens)
        {
            var best = double.MaxValue;
            for (var i = 0; i < 20; i++)
            {
                var began = TimeProvider.System.GetTimestamp();
                Assert.Empty(tokens is { } some ? await TakeAsync(store, from + i, some, 0) : await store.TakeAsync(Acme, Agent, Noon, from + i, null, default));
                best = Math.Min(best, TimeProvider.System.GetElapsedTime(began).TotalMilliseconds);
            }

            return best;
        }
    }

    private static Task<IReadOnlyList<UsedUp>> TakeAsync(PostgresRestraintStore store, int step, long tokens, decimal cents, string worker = "worker-1", DateTimeOffset? at = null) =>
        store.TakeAsync(Acme, Agent, at ?? Noon, step, new BudgetReservation(RunId.Parse("run-1"), Trace(), worker, new AttemptId($"run-1:{step}", 0), cents, tokens), default);

    private static StepRecording Recorded(int step, long tokens) => Step(step) with
    {
        IdempotencyKey = $"run-1:{step}", RetryCount = 0, CostCents = 0, Context = Json($$"""{"tokens":{{tokens}}}"""),
    };

    private static (decimal, decimal) Figures(UsedUp used) => (used.Used, used.Reserved);

    private static (decimal, long) Reserved(BudgetUsage usage) => (usage.ReservedCostCents, usage.ReservedTokens);

    private static Task<long> RowsAsync(RecordingDesk desk) => desk.AskAsync<long>("SELECT count(*) FROM runproof.budget_reservations");

    private static Budget Budget(string id, BudgetLimits limits) => new()
    {
        TenantId = Acme, Id = id, Scope = BudgetScope.Tenant, Period = BudgetPeriod.Day, Limits = limits, CreatedAt = Noon, CreatedBy = "key_1",
    };

    // Run run-1 has begun, in worker-1.
    private async Task<RecordingDesk> DeskAsync()
    {
        var desk = await SetUpAsync(postgres);
        await using var command = desk.Admin.CreateCommand(
            "INSERT INTO runproof.tenants (tenant_id) VALUES ('acme'), ('other'); "
            + "INSERT INTO agents (tenant_id, id, name, created_at) VALUES ('acme', 'agent-7', 'a', now()), ('acme', 'agent-8', 'b', now())");
        await command.ExecuteNonQueryAsync();
        var runs = new PostgresRunStore(desk.Runner);
        var run = new Run
        {
            TenantId = Acme, Id = RunId.Parse("run-1"), AgentId = Agent, Goal = "g", OriginSystemId = "tests", CorrelationId = CorrelationId.Parse("c"), Planner = "given",
            PlanJson = """[{"skill":"echo"}]""", PlanRedacted = false, Status = RunStatus.Queued, CreatedAt = Noon, Worker = "worker-1", LeaseUntil = Noon.AddDays(1),
        };
        await runs.CreateAsync(run, default);
        Assert.True(await runs.StartAsync(Acme, run.Id, "worker-1", Noon, Noon.AddDays(1), default));
        return desk;
    }

    // Each batch is persisted, and the answer lost: the recorder sends the same again.
    private sealed class Twice(IRecordingStore store) : IRecordingStore
    {
        private int _calls;

        public async Task<IReadOnlyList<RecordingResult>> RecordAsync(IReadOnlyList<RecordingEntry> batch, CancellationToken cancellationToken)
        {
            var results = await store.RecordAsync(batch, cancellationToken);
            return Interlocked.Increment(ref _calls) % 2 == 1 ? throw new RecordingStoreException(true, "lost", new TimeoutException()) : results;
        }

        public Task<TakeOverResult> TakeOverAsync(TenantId tenant, TraceId trace, CancellationToken cancellationToken) => store.TakeOverAsync(tenant, trace, cancellationToken);

        public Task<RecordingResult> AnnounceAsync(
            TenantId tenant, TraceId trace, long epoch, Digest last, StepIntents intents, CancellationToken cancellationToken) =>
            store.AnnounceAsync(tenant, trace, epoch, last, intents, cancellationToken);
    }

    private sealed class NoRedaction : IRedactor
    {
        public RedactionResult Redact(CanonicalJson payload) => new(payload, []);
    }
}
