using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;
using static RunProof.Postgres.Tests.RecordingDesk;

namespace RunProof.Postgres.Tests;

/// <summary>Budgets, what is counted of them and when, and kill switches: each test on a database of its own.</summary>
public sealed class RestraintStoreTests(PostgresFixture postgres)
{
    private static readonly TenantId Acme = Tenant();
    private static readonly AgentId Agent = AgentId.Parse("agent-7");
    private static readonly DateTimeOffset Noon = Start;

    [Fact]
    public async Task A_budget_is_in_force_from_when_it_is_set_and_its_kind_never_changes()
    {
        await using var desk = await DeskAsync();
        var store = new PostgresRestraintStore(desk.Runner);
        Assert.Equal((0L, 0, 0), Counted(await store.ReadInForceAsync(Acme, -1, default)));
        var first = Budget("team", new BudgetLimits(CostCents: 12.5m, Tokens: 1000));
        var (outcome, stored) = await store.SetAsync(first, default);
        Assert.Equal((BudgetSetting.Set, 1, true, true), (outcome, stored.Version, stored.IsActive, stored.IsAsStored));
        Assert.Equal(first.ToDocument(), stored.ToDocument());
        Assert.Equal("""{"agent_id":null,"budget":"team","cost_cents":"12.5","on_exceeded":"halt","period":"day","scope":"tenant","tokens":1000,"zone":"UTC"}""", stored.ToDocument().ToString());
        Assert.Equal(BudgetSetting.Unchanged, (await store.SetAsync(first, default)).Outcome);
        Assert.Equal((BudgetSetting.Set, 2), await SetAsync(store, first with { Limits = new BudgetLimits(Steps: 3), OnExceeded = OnExceeded.Continue }));
        foreach (var other in new[] { first with { Period = BudgetPeriod.Month }, first with { Zone = "Europe/Zurich" }, first with { Scope = BudgetScope.Agent }, first with { Scope = BudgetScope.Agent, AgentId = Agent } })
            Assert.Equal(BudgetSetting.OfOtherKind, (await store.SetAsync(other, default)).Outcome);
        Assert.Equal(BudgetSetting.UnknownAgent, (await store.SetAsync(Budget("x", new BudgetLimits(Steps: 1)) with { Scope = BudgetScope.Agent, AgentId = AgentId.Parse("nobody") }, default)).Outcome);
        Assert.Equal(BudgetSetting.UnknownZone, (await store.SetAsync(Budget("x", new BudgetLimits(Steps: 1)) with { Zone = "Mars/Olympus" }, default)).Outcome);

        var now = await store.ReadInForceAsync(Acme, 1, default);
        Assert.Equal((2L, 2), (now.Stamp, Assert.Single(now.Budgets!).Version));
        Assert.Null((await store.ReadInForceAsync(Acme, 2, default)).Budgets);
        Assert.Equal((0L, 0, 0), Counted(await store.ReadInForceAsync(Tenant("other"), -1, default)));
        Assert.True(await store.RetireAsync(Acme, "team", "key_2", Noon, default));
        Assert.False(await store.RetireAsync(Acme, "team", "key_2", Noon, default));
        Assert.Empty((await store.ReadInForceAsync(Acme, 2, default)).Budgets!);
        Assert.Equal([(2, false), (1, false)], (await store.ListAsync(Acme, "team", default)).Select(version => (version.Version, version.IsActive)));
        foreach (var sql in new[] { "UPDATE runproof.budgets SET steps = 9", "DELETE FROM runproof.budgets", "UPDATE runproof.budget_changes SET version = 1", "DELETE FROM runproof.budget_changes", "TRUNCATE runproof.budget_changes" })
            Assert.StartsWith("S600", (await Assert.ThrowsAsync<Npgsql.PostgresException>(() => desk.AskAsync<int>(sql))).SqlState, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cost_and_tokens_are_counted_with_the_step_and_an_append_that_is_repeated_counts_once()
    {
        await using var desk = await DeskAsync();
        var store = new PostgresRestraintStore(desk.Runner);
        await store.SetAsync(Budget("team", new BudgetLimits(CostCents: 100)), default);
        await store.SetAsync(Budget("each", new BudgetLimits(Tokens: 100)) with { Scope = BudgetScope.Agent, Period = BudgetPeriod.Total }, default);
        await store.SetAsync(Budget("month", new BudgetLimits(Tokens: 100)) with { Period = BudgetPeriod.Month, Zone = "Pacific/Kiritimati" }, default);

        // Every write is persisted and reported failed once: it is written again, and is there already.
        var recorder = new Recorder(new Twice(desk.Store), new NoRedaction(), new CountingSaltSource(), TimeProvider.System, new RecorderOptions(), Microsoft.Extensions.Logging.Abstractions.NullLogger<Recorder>.Instance);
        var session = await recorder.OpenAsync(Opening(), default);
        await session.AppendAsync(Step() with { CostCents = 0.25m, Context = Json("""{"attempt":0,"tokens":30,"usage":{"input_tokens":9}}""") }, null, default);
        await session.AppendAsync(Step(1) with { CostCents = 0 }, null, default);
        await session.AppendAsync(Step(2) with { CostCents = 1e-28m, Context = Json("""{"attempt":0,"error":{"code":"x","message":"\"tokens\":77"}}""") }, null, default);
        await session.AppendAsync(Step(3) with { CostCents = 0, Context = Json("""{"tokens":12}""") }, null, default);
        await session.SealAsync(Closing(), default);
        await recorder.DisposeAsync();

        Assert.Equal([new BudgetUsage(null, new DateOnly(2026, 2, 10), 0.2500000000000000000000000001m, 42, 0, 0)], await store.ReadUsageAsync(Acme, "team", 10, default));
        Assert.Equal([new BudgetUsage(Agent, null, 0.2500000000000000000000000001m, 42, 0, 0)], await store.ReadUsageAsync(Acme, "each", 10, default));
        Assert.Equal(new DateOnly(2026, 2, 1), Assert.Single(await store.ReadUsageAsync(Acme, "month", 10, default)).PeriodStart);
        Assert.Empty(await store.ReadUsageAsync(Tenant("other"), "team", 10, default));
    }

    [Fact]
    public async Task What_a_run_took_is_added_up_exactly_over_its_attempts_without_any_budget()
    {
        await using var desk = await DeskAsync();
        var recorder = new Recorder(new Twice(desk.Store), new NoRedaction(), new CountingSaltSource(), TimeProvider.System, new RecorderOptions(), Microsoft.Extensions.Logging.Abstractions.NullLogger<Recorder>.Instance);
        var first = await recorder.OpenAsync(Opening(), default);
        await first.AppendAsync(Step() with { CostCents = 0.25m, Context = Json("""{"attempt":0,"tokens":30}""") }, null, default);
        await first.AppendAsync(Step(1) with { CostCents = 1e-28m, Context = Json("""{"attempt":0,"error":{"code":"x","message":"\"tokens\":77"}}""") }, null, default);
        await first.SealAsync(Closing(), default);
        var second = await recorder.OpenAsync(Opening() with { TraceId = TraceId.Parse(Opening().TraceId.Value + ".2") }, default);
        await second.AppendAsync(Step() with { CostCents = 1.75m, Context = Json("""{"tokens":12}""") }, null, default);
        var plain = await recorder.OpenAsync(Opening() with { TraceId = TraceId.Parse("trace_plain"), RunId = RunId.Parse("plain") }, default);
        await plain.AppendAsync(Step() with { CostCents = 0 }, null, default);
        await recorder.DisposeAsync();

        var run = Opening().RunId.Value;
        Assert.Equal(["2", "3", "2.0000000000000000000000000001", "42"], await desk.AskAsync<string[]>($"SELECT runproof.told_of('{Acme.Value}', '{run}')"));
        Assert.Equal(["1", "1", "0", "0"], await desk.AskAsync<string[]>($"SELECT runproof.told_of('{Acme.Value}', 'plain')"));
        Assert.Equal(["0", "0", "0", "0"], await desk.AskAsync<string[]>($"SELECT runproof.told_of('other', '{run}')"));
        Assert.Equal(2, await desk.AskAsync<long>("SELECT count(*) FROM runproof.trace_use"));
    }

    /// <summary>The whole batch was refused, and the run failed, wherever any budget was in force.</summary>
    [Fact]
    public async Task A_step_is_not_lost_over_a_NUL_or_over_tokens_that_are_no_number()
    {
        await using var desk = await DeskAsync();
        var store = new PostgresRestraintStore(desk.Runner);
        await store.SetAsync(Budget("team", new BudgetLimits(Tokens: 100)), default);
        var recorder = new Recorder(desk.Store, new NoRedaction(), new CountingSaltSource(), TimeProvider.System, new RecorderOptions(), Microsoft.Extensions.Logging.Abstractions.NullLogger<Recorder>.Instance);
        var session = await recorder.OpenAsync(Opening(), default);
        await session.AppendAsync(Step() with { Context = Json("""{"error":{"code":"x","message":"a \u0000 came"},"tokens":30}""") }, null, default);
        await session.AppendAsync(Step(1) with { Context = Json("""{"tokens":"many"}""") }, null, default);
        await session.AppendAsync(Step(2) with { Context = Json("""{"tokens":-7}""") }, null, default);
        await session.SealAsync(Closing(), default);
        await recorder.DisposeAsync();

        Assert.Equal(30, Assert.Single(await store.ReadUsageAsync(Acme, "team", 10, default)).Tokens);
    }

    [Fact]
    public async Task A_day_is_the_zones_and_each_agent_has_its_own()
    {
        await using var desk = await DeskAsync();
        var store = new PostgresRestraintStore(desk.Runner);
        await store.SetAsync(Budget("each", new BudgetLimits(Steps: 1)) with { Scope = BudgetScope.Agent, Zone = "Asia/Kathmandu" }, default);
        var evening = new DateTimeOffset(2026, 2, 10, 18, 14, 59, TimeSpan.Zero);
        Assert.Empty(await store.TakeAsync(Acme, Agent, evening, 1, null, default));
        var used = Assert.Single(await store.TakeAsync(Acme, Agent, evening, 2, null, default));
        Assert.Equal(("each", "steps", 1m, 1m), (used.Budget.Id, used.What, used.Used, used.Limit));
        Assert.Empty(await store.TakeAsync(Acme, Agent, evening.AddSeconds(1), 3, null, default));
        Assert.Empty(await store.TakeAsync(Acme, AgentId.Parse("agent-8"), evening, 4, null, default));
        Assert.Empty(await store.TakeAsync(Acme, null, evening, 5, null, default));
        Assert.Equal(["2026-02-11 agent-7", "2026-02-10 agent-7", "2026-02-10 agent-8"], (await store.ReadUsageAsync(Acme, "each", 10, default)).Select(row => $"{row.PeriodStart:yyyy-MM-dd} {row.AgentId}"));
    }

    /// <summary>Days of 23 and 25 hours, leap days, and months that begin while it is still the last one elsewhere: the expected starts are computed here, by .NET's rules of zones.</summary>
    [Theory]
    [InlineData("UTC")]
    [InlineData("Europe/Zurich")]
    [InlineData("America/New_York")]
    [InlineData("Australia/Lord_Howe")]
    [InlineData("Pacific/Kiritimati")]
    [InlineData("Pacific/Pago_Pago")]
    public async Task A_day_and_a_month_begin_and_end_where_their_zone_says(string zone)
    {
        await using var desk = await DeskAsync();
        var store = new PostgresRestraintStore(desk.Runner);
        await store.SetAsync(Budget("day", new BudgetLimits(Steps: 1)) with { Scope = BudgetScope.Agent, AgentId = Agent, Zone = zone }, default);
        await store.SetAsync(Budget("month", new BudgetLimits(Steps: 1)) with { Scope = BudgetScope.Agent, AgentId = AgentId.Parse("agent-8"), Zone = zone, Period = BudgetPeriod.Month }, default);
        var attempt = 0;
        foreach (var day in new[] { new DateOnly(2026, 3, 8), new DateOnly(2026, 3, 29), new DateOnly(2026, 4, 5), new DateOnly(2026, 10, 4), new DateOnly(2026, 10, 25), new DateOnly(2026, 11, 1), new DateOnly(2027, 12, 31), new DateOnly(2028, 2, 29) })
            await HoldsAsync("agent-7", day, day.AddDays(1));
        foreach (var month in new[] { new DateOnly(2026, 3, 1), new DateOnly(2026, 10, 1), new DateOnly(2026, 12, 1), new DateOnly(2028, 2, 1) })
            await HoldsAsync("agent-8", month, month.AddMonths(1));

        async Task HoldsAsync(string agent, DateOnly first, DateOnly next)
        {
            var (begins, ends, instant) = (StartOf(first), StartOf(next), TimeSpan.FromMicroseconds(1));
            await TakeAsync(begins - instant);
            Assert.Equal((true, false, false, true), (await TakeAsync(begins), await TakeAsync(begins), await TakeAsync(ends - instant), await TakeAsync(ends)));

            async Task<bool> TakeAsync(DateTimeOffset at) => (await store.TakeAsync(Acme, AgentId.Parse(agent), at, ++attempt, null, default)).Count == 0;
        }

        DateTimeOffset StartOf(DateOnly day) => new(TimeZoneInfo.ConvertTimeToUtc(day.ToDateTime(default), TimeZoneInfo.FindSystemTimeZoneById(zone)), TimeSpan.Zero);
    }

    [Fact]
    public async Task Attempts_are_never_one_too_many_however_many_processes_ask_and_one_that_asks_again_is_counted_once()
    {
        await using var desk = await DeskAsync();
        var store = new PostgresRestraintStore(desk.Runner);
        await store.SetAsync(Budget("a", new BudgetLimits(Steps: 60)), default);
        await store.SetAsync(Budget("b", new BudgetLimits(Steps: 50)) with { Scope = BudgetScope.Agent }, default);
        await store.SetAsync(Budget("c", new BudgetLimits(CostCents: 1)), default);
        var through = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(process => Task.Run(async () =>
        {
            for (var i = 0; i < 20; i++)
            {
                // Lost answers: each is asked for twice.
                var attempt = (process * 100L) + i + 1;
                var first = await store.TakeAsync(Acme, Agent, Noon, attempt, null, default);
                var again = await store.TakeAsync(Acme, Agent, Noon, attempt, null, default);
                if (first.Count == 0)
                {
                    Interlocked.Increment(ref through);
                    Assert.Empty(again);
                }
            }
        })));
        Assert.Equal(50, through);
        Assert.Equal((50L, 50L), (Assert.Single(await store.ReadUsageAsync(Acme, "a", 10, default)).Steps, Assert.Single(await store.ReadUsageAsync(Acme, "b", 10, default)).Steps));
        Assert.Equal(["b"], (await store.TakeAsync(Acme, Agent, Noon, 9999, null, default)).Select(used => used.Budget.Id));
    }

    [Fact]
    public async Task Runs_are_never_one_too_many_and_a_refused_one_is_not_there()
    {
        await using var desk = await DeskAsync();
        var (store, runs) = (new PostgresRestraintStore(desk.Runner), new PostgresRunStore(desk.Runner));
        await store.SetAsync(Budget("few", new BudgetLimits(Runs: 3)), default);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => runs.CreateAsync(NewRun($"r{i}", "key-" + i), default)));
        Assert.Equal(3, outcomes.Count(made => made.Outcome is RunCreation.Created));
        var refused = outcomes.Where(made => made.Outcome is RunCreation.BudgetExceeded).ToList();
        Assert.Equal(5, refused.Count);
        Assert.Equal("budget few (version 1) allows 3 runs of its period, and they are used", refused[0].Run.ErrorMessage);
        Assert.Equal(3L, await desk.AskAsync<long>("SELECT count(*) FROM runs"));
        Assert.Equal(3L, Assert.Single(await store.ReadUsageAsync(Acme, "few", 10, default)).Runs);

        // The same request again finds its run, and counts as none.
        var made = outcomes.First(one => one.Outcome is RunCreation.Created).Run;
        Assert.Equal(RunCreation.Existing, (await runs.CreateAsync(NewRun("again", made.IdempotencyKey), default)).Outcome);
        Assert.Equal(RunCreation.Created, (await runs.CreateAsync(NewRun("next-day", "n") with { CreatedAt = Noon.AddDays(1) }, default)).Outcome);
    }

    [Fact]
    public async Task What_a_run_used_is_read_from_its_evidence_by_who_has_it()
    {
        await using var desk = await DeskAsync();
        var (store, runs) = (new PostgresRestraintStore(desk.Runner), new PostgresRunStore(desk.Runner));
        var run = NewRun("run-1", null) with { Budget = new BudgetLimits(CostCents: 5.5m, Steps: 7, DurationMs: 1000, Tokens: 9) };
        var (_, stored) = await runs.CreateAsync(run, default);
        Assert.Equal(run.Budget, stored.Budget);
        var session = await desk.OpenAsync();
        await session.AppendAsync(Step() with { CostCents = 1.25m, Context = Json("""{"tokens":30}""") }, null, default);
        await session.AppendAsync(Step(1) with { Status = StepStatus.Blocked, Decision = Decisions.Denied, CostCents = 0 }, null, default);
        await session.AppendAsync(Step(2) with { Status = StepStatus.Skipped, Decision = Decisions.For(StepStatus.Skipped), CostCents = 0 }, null, default);
        Assert.Equal(new RunUse(1.25m, 30, 1), await store.ReadRunUseAsync(Acme, run.Id, "worker-1", default));
        Assert.Equal(new RunUse(0, 0, 0), await store.ReadRunUseAsync(Acme, run.Id, "worker-2", default));
        Assert.Equal("S6007", (await Assert.ThrowsAsync<Npgsql.PostgresException>(() => desk.AskAsync<int>("UPDATE runs SET budget = '{}'"))).SqlState);
    }

    [Fact]
    public async Task A_kill_switch_is_on_once_off_once_and_holds_what_waits_in_line()
    {
        await using var desk = await DeskAsync();
        var (store, runs) = (new PostgresRestraintStore(desk.Runner), new PostgresRunStore(desk.Runner));
        Run InLine(string id, string agent = "agent-7") => NewRun(id, null) with { AgentId = AgentId.Parse(agent), Worker = null, LeaseUntil = null };
        await runs.CreateAsync(InLine("before"), default);
        await runs.CreateAsync(InLine("other", "agent-8"), default);
        var (kill, isNew) = (await store.KillAsync(Kill(KillScope.Agent) with { AgentId = Agent }, default))!.Value;
        Assert.Equal((true, 1, "kill_switch:1"), (isNew, kill.Number, kill.EvidenceName));
        var (same, again) = (await store.KillAsync(Kill(KillScope.Agent) with { AgentId = Agent, Reason = "other words" }, default))!.Value;
        Assert.Equal((false, "it pays strangers"), (again, same.Reason));
        Assert.Null(await store.KillAsync(Kill(KillScope.Agent) with { AgentId = AgentId.Parse("nobody") }, default));
        Assert.True((await store.KillAsync(Kill(KillScope.Skill) with { Skill = "shell" }, default))!.Value.IsNew);
        Assert.Equal(kill, Assert.Single((await store.ReadInForceAsync(Acme, -1, default)).KillSwitches!, one => one.Scope is KillScope.Agent));
        Assert.Equal(2, (await store.ReadKillSwitchesAsync(default)).Count);
        Assert.Empty((await store.ReadInForceAsync(Tenant("other"), -1, default)).KillSwitches!);

        Assert.Equal(["other"], (await ClaimAsync(runs)).Select(run => run.Id.Value));
        Assert.True((await store.KillAsync(Kill(KillScope.Tenant), default))!.Value.IsNew);
        await runs.ReleaseAsync(Acme, RunId.Parse("other"), "w", new RunRelease(false, false, Noon), default);
        Assert.Empty(await ClaimAsync(runs));
        Assert.Equal(RunAnswer.Done, await runs.CancelAsync(Acme, RunId.Parse("other"), "me", null, Noon, default));

        // Let go of by the one, held by the other still.
        Assert.Equal("key_2", (await store.ReleaseAsync(Acme, KillScope.Tenant, null, null, "key_2", Noon, default))!.ReleasedBy);
        Assert.Empty(await ClaimAsync(runs));
        Assert.NotNull(await store.ReleaseAsync(Acme, KillScope.Agent, Agent, null, "key_2", Noon, default));
        Assert.Null(await store.ReleaseAsync(Acme, KillScope.Agent, Agent, null, "key_2", Noon, default));
        Assert.Equal(["before"], (await ClaimAsync(runs)).Select(run => run.Id.Value));
        Assert.Equal(3, (await store.ListKillSwitchesAsync(Acme, 10, default)).Count);
        foreach (var sql in new[] { "UPDATE runproof.kill_switches SET reason = 'x'", "UPDATE runproof.kill_switches SET released_at = NULL, released_by = NULL", "DELETE FROM runproof.kill_switches" })
            Assert.StartsWith("S600", (await Assert.ThrowsAsync<Npgsql.PostgresException>(() => desk.AskAsync<int>(sql))).SqlState, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_stops_every_tenant_is_the_operators_alone()
    {
        await using var desk = await DeskAsync();
        var everything = Kill(KillScope.All) with { TenantId = null, SetBy = "operator" };
        Assert.True((await new PostgresRestraintStore(desk.Admin).KillAsync(everything, default))!.Value.IsNew);
        var seen = Assert.Single((await new PostgresRestraintStore(desk.Runner).ReadInForceAsync(Tenant("other"), -1, default)).KillSwitches!);
        Assert.Equal((null, KillScope.All, "kill_switch:all:1"), (seen.TenantId, seen.Scope, seen.EvidenceName));
        Assert.True(seen.StopsRunsOf(Tenant("other"), null));
        Assert.Null(await new PostgresRestraintStore(desk.Runner).ReleaseAsync(Acme, KillScope.Tenant, null, null, "key_1", Noon, default));
        Assert.NotNull(await new PostgresRestraintStore(desk.Admin).ReleaseAsync(null, KillScope.All, null, null, "operator", Noon, default));
        Assert.Empty(await new PostgresRestraintStore(desk.Runner).ReadKillSwitchesAsync(default));
    }

    [Fact]
    public async Task Counting_costs_next_to_nothing_where_nobody_has_a_budget_and_a_row_a_key_where_somebody_has()
    {
        await using var desk = await DeskAsync();
        var store = new PostgresRestraintStore(desk.Runner);
        for (var i = 0; i < 100; i++)
            await (await desk.OpenAsync($"run-{i}")).AppendAsync(Step(), null, default);
        var (appending, none) = await TriggersAsync(desk);
        await store.SetAsync(Budget("b", new BudgetLimits(CostCents: 1000)) with { TenantId = Tenant("other") }, default);
        var (_, others) = await TriggersAsync(desk);
        await store.SetAsync(Budget("b", new BudgetLimits(CostCents: 1000)), default);
        var (_, own) = await TriggersAsync(desk);
        TestContext.Current.SendDiagnosticMessage(
            "a statement of 100 steps, each with a cost: append_steps {0:0.00} ms; count_steps {1:0.000} ms without budgets, {2:0.000} with another tenant's, {3:0.000} with its own", appending, none, others, own);
        Assert.True(none < appending / 4, $"{none} ms of {appending} ms");
        Assert.True(own < appending * 2, $"{own} ms of {appending} ms");
    }

    // The best of five: what one statement's triggers take.
    private static async Task<(double Append, double Count)> TriggersAsync(RecordingDesk desk)
    {
        const string Rest = "skill_id, skill_name, skill_version, skill_schema, status, level, outcome_category, outcome_code, cost_cents, duration_ms, retry_count, "
            + "idempotency_key, replay_behavior, rng_state_before, source, timestamp, params, params_salt, input_hash, outcome_data, outcome_salt, output_hash, context, context_salt, context_hash, link";
        var best = (Append: double.MaxValue, Count: double.MaxValue);
        for (var i = 0; i < 5; i++)
        {
            await using var connection = await desk.Admin.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await using var command = new Npgsql.NpgsqlCommand(
                $"EXPLAIN (ANALYZE, FORMAT JSON) INSERT INTO aos_trace_steps (trace_id, tenant_id, step_index, {Rest}) SELECT trace_id, tenant_id, 1, {Rest} FROM aos_trace_steps WHERE step_index = 0", connection, transaction);
            using var plan = System.Text.Json.JsonDocument.Parse((string)(await command.ExecuteScalarAsync())!);
            double TimeOf(string name) => plan.RootElement[0].GetProperty("Triggers").EnumerateArray().Single(trigger => trigger.GetProperty("Trigger Name").GetString() == name).GetProperty("Time").GetDouble();
            best = (Math.Min(best.Append, TimeOf("append_steps")), Math.Min(best.Count, TimeOf("count_steps")));
            await transaction.RollbackAsync();
        }

        return best;
    }

    private static (long, int, int) Counted(RestraintsInForce found) => (found.Stamp, found.Budgets!.Count, found.KillSwitches!.Count);

    private static async Task<(BudgetSetting, int)> SetAsync(PostgresRestraintStore store, Budget budget)
    {
        var (outcome, stored) = await store.SetAsync(budget, default);
        return (outcome, stored.Version);
    }

    private static Budget Budget(string id, BudgetLimits limits) => new()
    {
        TenantId = Acme, Id = id, Scope = BudgetScope.Tenant, Period = BudgetPeriod.Day, Limits = limits, CreatedAt = Noon, CreatedBy = "key_1",
    };

    private static KillSwitch Kill(KillScope scope) => new() { TenantId = Acme, Scope = scope, Reason = "it pays strangers", SetAt = Noon, SetBy = "key_1" };

    private static Task<IReadOnlyList<Run>> ClaimAsync(PostgresRunStore runs) => runs.ClaimAsync("w", Noon.AddHours(1), Noon.AddHours(2), 10, null, default);

    private static Run NewRun(string id, string? key) => new()
    {
        TenantId = Acme, Id = RunId.Parse(id), AgentId = Agent, Goal = "g", OriginSystemId = "tests", CorrelationId = CorrelationId.Parse("c"), Planner = "given",
        PlanJson = """[{"skill":"echo"}]""", PlanRedacted = false, IdempotencyKey = key, RequestHash = key is null ? null : Digest.Of("r"u8), Status = RunStatus.Queued,
        CreatedAt = Noon, Worker = "worker-1", LeaseUntil = Noon.AddDays(1),
    };

    private async Task<RecordingDesk> DeskAsync()
    {
        var desk = await SetUpAsync(postgres);
        await using var command = desk.Admin.CreateCommand(
            "INSERT INTO runproof.tenants (tenant_id) VALUES ('acme'), ('other'); "
            + "INSERT INTO agents (tenant_id, id, name, created_at) VALUES ('acme', 'agent-7', 'a', now()), ('acme', 'agent-8', 'b', now())");
        await command.ExecuteNonQueryAsync();
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
