using Microsoft.Extensions.Logging.Abstractions;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;
using RunProof.Testing;
using static RunProof.Policies.Tests.Policy;

namespace RunProof.Policies.Tests;

/// <summary>What the gate makes of budgets and kill switches.</summary>
public sealed class RestraintTests
{
    private static readonly StepAction Action = new("pay", Json("{}"));
    private static readonly AgentId Agent = AgentId.Parse("agent-1");
    private static readonly RunId Id = RunId.Parse("run-1");

    [Fact]
    public async Task A_runs_own_budget_ends_it_and_the_decision_names_budget_figures_and_digest()
    {
        var clock = ClockAt(Start);
        var limits = new BudgetLimits(CostCents: 2.5m, Tokens: 100, Steps: 3, DurationMs: 60_000);
        async Task<IRunGate> GateAsync() => await GateOf(new FakeRestraints(), clock).BeginAsync(Run() with { RunId = Id, Budget = limits }, default);

        var cost = await GateAsync();
        Assert.Equal((StepDecisionKind.Allowed, 60_000), ((await cost.DecideAsync(Action, default)).Kind, (await cost.DecideAsync(Action, default)).TimeoutMs));
        cost.Used(2.50m, 0);
        var decision = await cost.DecideAsync(Action, default);
        Assert.Equal(
            $$"""{"decision":"denied","digest":"{{Digest.Of("""{"agent_id":null,"budget":"run","cost_cents":"2.5","duration_ms":60000,"on_exceeded":"halt","period":"run","scope":"run","steps":3,"tokens":100,"zone":"UTC"}"""u8)}}","policy":"budget:run","reason":"the budget of the run is used up: cost_cents 2.5 of 2.5","rule":"cost_cents","version":"1"}""",
            decision.Evidence.ToString());
        Assert.Equal(("budget_exceeded", false), (decision.BlockedCode, decision.RunGoesOn));

        var tokens = await GateAsync();
        tokens.Used(0, 100);
        Assert.Equal("tokens", (await tokens.DecideAsync(Action, default)).Rule!.Rule);
        var steps = await GateAsync();
        for (var i = 0; i < 3; i++)
            Assert.True((await steps.DecideAsync(Action, default)).MayExecute);
        Assert.Equal("the budget of the run is used up: steps 3 of 3", (await steps.DecideAsync(Action, default)).Reason);
        var duration = await GateAsync();
        clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(1_000, (await duration.DecideAsync(Action, default)).TimeoutMs);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("duration_ms", (await duration.DecideAsync(Action, default)).Rule!.Rule);
    }

    [Fact]
    public async Task A_run_that_goes_on_or_is_tried_again_counts_on_from_its_evidence()
    {
        var store = new FakeRestraints { Before = new RunUse(1, 60, 2) };
        var run = Run() with { RunId = Id, Worker = "w", Budget = new BudgetLimits(Steps: 4, Tokens: 100), Attempt = 2 };
        var gate = await GateOf(store, ClockAt(Start)).BeginAsync(run, default);
        Assert.True((await gate.DecideAsync(Action, default)).MayExecute);
        Assert.True((await gate.DecideAsync(Action, default)).MayExecute);
        Assert.Equal("the budget of the run is used up: steps 4 of 4", (await gate.DecideAsync(Action, default)).Reason);
        Assert.Equal(1, store.UseReads);
        gate = await GateOf(store, ClockAt(Start)).BeginAsync(run with { Attempt = 1, Earlier = [] }, default);
        gate.Used(0, 40);
        Assert.Equal("tokens", (await gate.DecideAsync(Action, default)).Rule!.Rule);
    }

    [Fact]
    public async Task A_tenant_without_budgets_is_asked_nothing_a_step()
    {
        var store = new FakeRestraints();
        var gate = await GateOf(store, ClockAt(Start)).BeginAsync(Run() with { RunId = Id }, default);
        for (var i = 0; i < 100; i++)
            Assert.Same(await gate.DecideAsync(Action, default), await gate.DecideAsync(Action, default));
        Assert.Equal((1, 0, 0), (store.Reads, store.Takes, store.UseReads));
    }

    [Fact]
    public async Task Shared_budgets_are_asked_before_every_attempt_that_policies_let_through_and_what_halts_comes_first()
    {
        var store = new FakeRestraints();
        var goesOn = store.Put(Budget("a-soft", OnExceeded.Continue));
        var asks = store.Put(Budget("b-asks", OnExceeded.RequireApproval));
        var halts = store.Put(Budget("c-hard", OnExceeded.Halt));
        var gate = await GateOf(store, ClockAt(Start), Of("{id: d, effect: deny, reason: never, when: {skill: shell}}")).BeginAsync(Run() with { RunId = Id }, default);
        Assert.Equal("never", (await gate.DecideAsync(new StepAction("shell", Json("{}")), default)).Reason);
        Assert.Equal(0, store.Takes);
        Assert.True((await gate.DecideAsync(Action, default)).MayExecute);
        Assert.Equal(1, store.Takes);

        store.Used = [new UsedUp(goesOn, "tokens", 7, 5)];
        var soft = await gate.DecideAsync(Action, default);
        Assert.Equal(("budget_exceeded", true, "budget:a-soft", "1", "tokens"), (soft.BlockedCode, soft.RunGoesOn, soft.Rule!.Policy, soft.Rule.Version, soft.Rule.Rule));
        Assert.Equal("the budget of the tenant (day) is used up: tokens 7 of 5", soft.Reason);
        store.Used = [new UsedUp(goesOn, "tokens", 7, 5), new UsedUp(asks, "tokens", 7, 5)];
        Assert.Equal((StepDecisionKind.ApprovalRequired, "approval_required"), ((await gate.DecideAsync(Action, default)).Kind, (await gate.DecideAsync(Action, default)).BlockedCode));
        store.Used = [new UsedUp(goesOn, "tokens", 7, 5), new UsedUp(asks, "tokens", 7, 5), new UsedUp(halts, "tokens", 7, 5)];
        var hard = await gate.DecideAsync(Action, default);
        Assert.Equal((halts.Digest, false), (hard.Rule!.Digest, hard.RunGoesOn));
    }

    [Fact]
    public async Task An_attempt_that_a_person_must_approve_is_counted_once_however_often_it_asks()
    {
        var store = new FakeRestraints();
        store.Put(Budget("team", OnExceeded.Halt));
        var rule = Of("{id: ask, effect: require_approval, reason: a person, when: {skill: pay}}");
        var run = Run() with { RunId = Id };
        var gate = await GateOf(store, ClockAt(Start), rule).BeginAsync(run, default);
        await gate.DecideAsync(Action, default);
        await gate.DecideAsync(Action, default);
        await (await GateOf(store, ClockAt(Start), rule).BeginAsync(run, default)).DecideAsync(Action, default);
        Assert.Equal((3, 1), (store.Takes, store.Attempts.Distinct().Count()));
        await gate.DecideAsync(new StepAction("echo", Json("{}")), default);
        await gate.DecideAsync(new StepAction("echo", Json("{}")), default);
        Assert.Equal(3, store.Attempts.Distinct().Count());
    }

    [Fact]
    public async Task Budgets_that_cannot_be_asked_for_or_were_changed_refuse_every_step()
    {
        var store = new FakeRestraints();
        var budget = store.Put(Budget("team", OnExceeded.Continue));
        var clock = ClockAt(Start);
        var gate = await GateOf(store, clock).BeginAsync(Run() with { RunId = Id }, default);
        store.Failure = new TimeoutException("gone");
        var deciding = gate.DecideAsync(Action, default).AsTask();
        await DriveAsync(clock, deciding);
        var decision = await deciding;
        Assert.Equal(("policy_unavailable", false), (decision.BlockedCode, decision.RunGoesOn));
        Assert.Contains("what is used of the budgets could not be read", decision.Reason, StringComparison.Ordinal);

        store.Failure = null;
        store.Put(budget with { Limits = new BudgetLimits(Tokens: 5_000_000) });
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("policy_unavailable", (await gate.DecideAsync(Action, default)).BlockedCode);
    }

    [Fact]
    public async Task What_steps_of_a_run_may_use_at_most_is_reserved_of_its_budget_until_they_have_ended()
    {
        var run = Run() with { RunId = Id, Budget = new BudgetLimits(CostCents: 10, Tokens: 100) };
        var gate = await GateOf(new FakeRestraints(), ClockAt(Start)).BeginAsync(run, default);
        var first = await gate.DecideAsync(Call(0, 1.5m, 60), default);
        Assert.Equal("""{"decision":"allowed","reason":"no policy is in force","reserved":{"cost_cents":"1.5","tokens":60}}""", first.Evidence.ToString());

        // Beside it there is no room for 41, but for 40, and for what says nothing; asked for again it is not in its own way.
        var refused = await gate.DecideAsync(Call(1, 0, 41), default);
        Assert.Equal(("budget_exceeded", "budget:run", "tokens"), (refused.BlockedCode, refused.Rule!.Policy, refused.Rule.Rule));
        Assert.Equal("the budget of the run leaves too little: tokens 0 of 100 used, 60 reserved by other steps under way, and this one may use 41", refused.Reason);
        Assert.Equal("the budget of the run leaves too little: cost_cents 0 of 10 used, 1.5 reserved by other steps under way, and this one may use 8.51", (await gate.DecideAsync(Call(1, 8.51m, 1), default)).Reason);
        Assert.True((await gate.DecideAsync(Call(0, 1.5m, 60), default)).MayExecute);
        Assert.True((await gate.DecideAsync(Action with { Attempt = Attempt(9) }, default)).MayExecute);
        Assert.True((await gate.DecideAsync(Call(1, 8.5m, 40), default)).MayExecute);

        // What they really use takes the place of what was reserved, were it more.
        gate.Used(1, 30, Attempt(0));
        Assert.Equal("the budget of the run leaves too little: tokens 30 of 100 used, 40 reserved by other steps under way, and this one may use 31", (await gate.DecideAsync(Call(2, 0, 31), default)).Reason);
        gate.Used(0, 69, Attempt(1));
        Assert.True((await gate.DecideAsync(Call(2, 0, 1), default)).MayExecute);
        await gate.ForgoAsync(Call(2, 0, 1));
        await gate.ForgoAsync(Call(2, 0, 1));
        Assert.True((await gate.DecideAsync(Call(3, 0, 1), default)).MayExecute);
        gate.Used(0, 1, Attempt(3));
        Assert.Equal("the budget of the run is used up: tokens 100 of 100", (await gate.DecideAsync(Call(4, 0, 1), default)).Reason);
    }

    [Fact]
    public async Task What_steps_may_use_of_shared_budgets_is_reserved_with_the_question_that_is_asked_anyhow()
    {
        var store = new FakeRestraints();
        store.Put(Budget("team", OnExceeded.Halt));
        store.Put(Budget("others", OnExceeded.Halt) with { Scope = BudgetScope.Agent, AgentId = AgentId.Parse("agent-2"), Limits = new BudgetLimits(CostCents: 1) });
        var gate = await GateOf(store, ClockAt(Start)).BeginAsync(Run() with { RunId = Id, Worker = "w", Attempt = 2 }, default);
        var decision = await gate.DecideAsync(Call(3, 7, 60), default);

        // Nobody limits what it costs.
        Assert.Contains(",\"reserved\":{\"tokens\":60}}", decision.Evidence.ToString(), StringComparison.Ordinal);
        var reserved = Assert.Single(store.Reserved.Values);
        Assert.Equal(new BudgetReservation(Id, TraceId.Of(Id, 2), "w", Attempt(3), 0, 60), reserved);
        await gate.DecideAsync(Action with { Attempt = Attempt(4), Most = () => null }, default);
        await gate.DecideAsync(Action with { Attempt = Attempt(5) }, default);
        Assert.Equal((3, 1, 0), (store.Takes, store.Reserved.Count, store.Forgone));
        await gate.ForgoAsync(Call(3, 7, 60));
        await gate.ForgoAsync(Call(3, 7, 60));
        await gate.ForgoAsync(Action);
        Assert.Equal((0, 1), (store.Reserved.Count, store.Forgone));

        store.Used = [new UsedUp(store.Put(Budget("team", OnExceeded.Continue)), "tokens", 2, 5, 1, 3)];
        Assert.Equal("the budget of the tenant (day) leaves too little: tokens 2 of 5 used, 1 reserved by other steps under way, and this one may use 3", (await gate.DecideAsync(Call(6, 0, 3), default)).Reason);
    }

    [Fact]
    public async Task What_cannot_be_told_or_reserved_is_refused_and_where_no_budget_asks_nothing_is_told()
    {
        var store = new FakeRestraints();
        var gate = await GateOf(store, ClockAt(Start)).BeginAsync(Run() with { RunId = Id }, default);
        var broken = Action with { Attempt = Attempt(0), Most = () => throw new InvalidOperationException("no idea") };
        Assert.True((await gate.DecideAsync(broken, default)).MayExecute);
        store.Put(Budget("team", OnExceeded.Continue));
        gate = await GateOf(store, ClockAt(Start)).BeginAsync(Run() with { RunId = Id }, default);
        var decision = await gate.DecideAsync(broken, default);
        Assert.Equal(("policy_unavailable", "what the step may use at most could not be told: no idea"), (decision.BlockedCode, decision.Reason));
        Assert.Equal(0, store.Takes);

        // Another process has the run: no patience helps.
        store.Failure = new PolicyUnavailableException("run run-1 is not this process's: nothing is reserved for it");
        decision = await gate.DecideAsync(Call(1, 0, 1), default);
        Assert.Equal(("policy_unavailable", "run run-1 is not this process's: nothing is reserved for it"), (decision.BlockedCode, decision.Reason));

        // What cannot be let go of now is with the run.
        store.Failure = null;
        Assert.True((await gate.DecideAsync(Call(1, 0, 1), default)).MayExecute);
        store.Failure = new PolicyUnavailableException("gone");
        await gate.ForgoAsync(Call(1, 0, 1));
    }

    [Theory]
    [InlineData(KillScope.Tenant, true)]
    [InlineData(KillScope.Agent, true)]
    [InlineData(KillScope.Skill, true)]
    [InlineData(KillScope.All, true)]
    [InlineData(KillScope.Agent, false)]
    [InlineData(KillScope.Skill, false)]
    public async Task A_kill_switch_refuses_what_it_stops_within_two_seconds(KillScope scope, bool isOurs)
    {
        var store = new FakeRestraints();
        var clock = ClockAt(Start);
        var gate = GateOf(store, clock, Of("{id: d, effect: deny, reason: never, on_block: continue, when: {skill: pay}}"));
        var run = await gate.BeginAsync(Run() with { RunId = Id }, default);
        Assert.Equal("never", (await run.DecideAsync(Action, default)).Reason);
        store.Put(Kill(scope, isOurs));
        clock.Advance(TimeSpan.FromSeconds(2));
        var decision = await run.DecideAsync(Action, default);
        Assert.Equal((isOurs ? "kill_switch" : "policy_denied", isOurs), (decision.BlockedCode, decision.KilledBy is not null));
        Assert.Equal(isOurs, await gate.FindKillAsync(Run(), [Action], default) is not null);
        if (!isOurs)
            return;
        Assert.False(decision.RunGoesOn);
        Assert.Equal(scope is KillScope.All ? "kill_switch:all:4" : "kill_switch:4", decision.Rule!.Policy);
        Assert.Contains("is stopped by key_9 since 2026-02-10T12:00:00.000000Z: it pays strangers", decision.Reason, StringComparison.Ordinal);
        store.Release();
        gate.Forget(Tenant);
        Assert.Equal("never", (await run.DecideAsync(Action, default)).Reason);
    }

    [Fact]
    public async Task A_step_under_way_is_ended_within_the_time_unless_the_switch_is_graceful_or_anothers()
    {
        var store = new FakeRestraints();
        var clock = ClockAt(Start);
        var run = await GateOf(store, clock).BeginAsync(Run() with { RunId = Id }, default);
        using var pay = run.Watch(Action)!;
        using var echo = run.Watch(new StepAction("echo", Json("{}")))!;
        await clock.WaitForTimersAsync();
        store.Put(Kill(KillScope.Skill, isOurs: true) with { Graceful = true });
        clock.Advance(TimeSpan.FromMilliseconds(500));
        await store.KillReads.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await clock.WaitForTimersAsync();
        Assert.Null(pay.By);

        store.Failure = new TimeoutException("gone");
        clock.Advance(TimeSpan.FromMilliseconds(500));
        await store.KillReads.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await clock.WaitForTimersAsync();
        store.Failure = null;
        store.Put(Kill(KillScope.Skill, isOurs: true));
        clock.Advance(TimeSpan.FromMilliseconds(500));
        var ended = new TaskCompletionSource();
        await using var registration = pay.Stopped.Register(ended.SetResult);
        await ended.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.Equal(4, pay.By!.Number);
        Assert.False(echo.Stopped.IsCancellationRequested);
    }

    private static PolicyGate GateOf(IRestraintStore store, TimeProvider clock, params PolicyDocument[] files) =>
        new(new NoPolicies(), new Redactor(), new PolicyOptions { Files = files }, clock, NullLoggerFactory.Instance, store);

    private static Budget Budget(string id, OnExceeded onExceeded) => new()
    {
        TenantId = Tenant, Id = id, Version = 1, Scope = BudgetScope.Tenant, Period = BudgetPeriod.Day, Limits = new BudgetLimits(Tokens: 5), OnExceeded = onExceeded,
    };

    private static AttemptId Attempt(int step) => new($"{Id.Value}:{step}", 0);

    private static StepAction Call(int step, decimal cents, long tokens) => Action with { Attempt = Attempt(step), Most = () => new UseLimit(cents, tokens) };

    private static KillSwitch Kill(KillScope scope, bool isOurs) => new()
    {
        TenantId = scope is KillScope.All ? null : Tenant, Number = 4, Scope = scope, Reason = "it pays strangers", SetAt = Start, SetBy = "key_9",
        AgentId = scope is not KillScope.Agent ? null : isOurs ? Agent : AgentId.Parse("agent-2"), Skill = scope is not KillScope.Skill ? null : isOurs ? "pay" : "shell",
    };

    private static async Task DriveAsync(ManualTimeProvider clock, Task task)
    {
        for (var i = 0; !task.IsCompleted; i++)
        {
            Assert.True(i < 2_000, "the task never ends");
            if (await Task.WhenAny(task, Task.Delay(3)) != task)
                clock.Advance(TimeSpan.FromMilliseconds(50));
        }
    }
}

/// <summary>Budgets and kill switches in memory.</summary>
internal sealed class FakeRestraints : IRestraintStore
{
    private readonly Dictionary<string, Budget> _budgets = new(StringComparer.Ordinal);
    private KillSwitch? _kill;
    private long _stamp;

    internal Exception? Failure { get; set; }

    internal IReadOnlyList<UsedUp> Used { get; set; } = [];

    internal RunUse Before { get; set; } = new(0, 0, 0);

    internal int Reads { get; private set; }

    internal int Takes => Attempts.Count;

    internal int UseReads { get; private set; }

    internal List<long> Attempts { get; } = [];

    internal Dictionary<(string Trace, AttemptId Attempt), BudgetReservation> Reserved { get; } = [];

    internal int Forgone { get; private set; }

    internal SemaphoreSlim KillReads { get; } = new(0);

    internal Budget Put(Budget budget)
    {
        _stamp++;
        // A budget whose limits are changed in the store keeps the digest of what it was.
        return _budgets[budget.Id] = budget with { StoredDigest = _budgets.GetValueOrDefault(budget.Id)?.StoredDigest ?? budget.Digest };
    }

    internal void Put(KillSwitch kill)
    {
        _stamp++;
        _kill = kill;
    }

    internal void Release()
    {
        _stamp++;
        _kill = null;
    }

    public Task<RestraintsInForce> ReadInForceAsync(TenantId tenant, long knownStamp, CancellationToken cancellationToken)
    {
        Reads++;
        return Task.FromResult(knownStamp == _stamp ? new RestraintsInForce(_stamp, null, null) : new RestraintsInForce(_stamp, [.. _budgets.Values], Kills()));
    }

    public Task<IReadOnlyList<KillSwitch>> ReadKillSwitchesAsync(CancellationToken cancellationToken)
    {
        KillReads.Release();
        return Failure is null ? Task.FromResult(Kills()) : Task.FromException<IReadOnlyList<KillSwitch>>(Failure);
    }

    public Task<IReadOnlyList<UsedUp>> TakeAsync(
        TenantId tenant, AgentId? agent, DateTimeOffset at, long attempt, BudgetReservation? reserve, CancellationToken cancellationToken)
    {
        if (Failure is not null)
            return Task.FromException<IReadOnlyList<UsedUp>>(Failure);
        Attempts.Add(attempt);
        if (reserve is not null)
            Reserved[(reserve.TraceId.Value, reserve.Attempt)] = reserve;
        return Task.FromResult(Used);
    }

    public Task ForgoAsync(TenantId tenant, TraceId trace, AttemptId attempt, CancellationToken cancellationToken)
    {
        if (Failure is not null)
            return Task.FromException(Failure);
        Forgone++;
        Reserved.Remove((trace.Value, attempt));
        return Task.CompletedTask;
    }

    public Task<RunUse> ReadRunUseAsync(TenantId tenant, RunId run, string worker, CancellationToken cancellationToken)
    {
        UseReads++;
        return Task.FromResult(Before);
    }

    public Task<(BudgetSetting Outcome, Budget Stored)> SetAsync(Budget budget, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<bool> RetireAsync(TenantId tenant, string id, string by, DateTimeOffset at, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<Budget>> ListAsync(TenantId tenant, string? id, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<BudgetUsage>> ReadUsageAsync(TenantId tenant, string id, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<(KillSwitch Switch, bool IsNew)?> KillAsync(KillSwitch kill, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<KillSwitch?> ReleaseAsync(TenantId? tenant, KillScope scope, AgentId? agent, string? skill, string by, DateTimeOffset at, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<IReadOnlyList<KillSwitch>> ListKillSwitchesAsync(TenantId tenant, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

    private IReadOnlyList<KillSwitch> Kills() => _kill is null ? [] : [_kill];
}
