using Microsoft.Extensions.Logging.Abstractions;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;
using static RunProof.Policies.Tests.Policy;

namespace RunProof.Policies.Tests;

public sealed class GateTests
{
    private static readonly StepAction Action = new("pay", Json("{}"));

    [Fact]
    public async Task A_limit_on_calls_refuses_the_one_after_and_counts_each_rule_by_itself()
    {
        var gate = await Gate(new NoPolicies(), ClockAt(Start), Of("{id: two, effect: limit, reason: at most two, limit: {calls: 2, timeout_ms: 700}, when: {skill: pay}}")).BeginAsync(Run(), default);
        var decisions = new List<StepDecision>();
        for (var i = 0; i < 3; i++)
            decisions.Add(await gate.DecideAsync(Action, default));
        Assert.Equal([StepDecisionKind.Limited, StepDecisionKind.Limited, StepDecisionKind.Denied], decisions.Select(one => one.Kind));
        Assert.Equal("at most two: 2 calls of the run are used", decisions[2].Reason);
        Assert.Contains("\"limits\":[\"file:p/two\"]", decisions[0].Evidence.ToString(), StringComparison.Ordinal);
        Assert.Equal((700, null), (decisions[0].TimeoutMs, decisions[2].TimeoutMs));
        Assert.Equal(StepDecisionKind.Allowed, (await gate.DecideAsync(new StepAction("echo", Json("{}")), default)).Kind);
    }

    [Fact]
    public async Task Limits_on_cost_tokens_and_duration_hold_once_the_run_has_used_them()
    {
        var clock = ClockAt(Start);
        async Task<IRunGate> GateOf(string limit) => await Gate(new NoPolicies(), clock, Of($"{{id: l, effect: limit, limit: {limit}}}")).BeginAsync(Run(), default);
        var cost = await GateOf("{cost_cents: 10.5}");
        cost.Used(10.4m, 0);
        Assert.True((await cost.DecideAsync(Action, default)).MayExecute);
        cost.Used(0.1m, 0);
        Assert.False((await cost.DecideAsync(Action, default)).MayExecute);
        var tokens = await GateOf("{tokens: 100}");
        tokens.Used(0, 100);
        Assert.False((await tokens.DecideAsync(Action, default)).MayExecute);
        var duration = await GateOf("{duration_ms: 1500}");
        Assert.True((await duration.DecideAsync(Action, default)).MayExecute);
        clock.Advance(TimeSpan.FromMilliseconds(1500));
        Assert.False((await duration.DecideAsync(Action, default)).MayExecute);
    }

    [Fact]
    public async Task A_run_that_goes_on_in_another_process_counts_on_from_its_evidence()
    {
        var earlier = new EarlierAttempt("""{"attempt":0,"policy":{"decision":"limited","limits":["file:p/two"],"reason":"r"}}""", 3);
        var run = Run() with { Earlier = [earlier, new EarlierAttempt("{not json", 0), new EarlierAttempt(null, 4)] };
        var gate = await Gate(new NoPolicies(), ClockAt(Start), Of("{id: two, effect: limit, limit: {calls: 2}, when: {skill: pay}}", "{id: c, effect: deny, reason: spent, when: {cost_cents: {gt: 6}, skill: buy}}")).BeginAsync(run, default);
        Assert.Null(gate.Policies);
        var first = await gate.DecideAsync(Action, default);
        Assert.Equal(StepDecisionKind.Limited, first.Kind);

        // The header is another process's: what is in force now is said with each decision.
        Assert.Contains("\"policies\":{\"file:p\":\"", first.Evidence.ToString(), StringComparison.Ordinal);
        Assert.Equal(StepDecisionKind.Denied, (await gate.DecideAsync(Action, default)).Kind);
        Assert.Equal("spent", (await gate.DecideAsync(new StepAction("buy", Json("{}")), default)).Reason);
    }

    [Fact]
    public async Task A_change_is_in_force_after_two_seconds_and_the_evidence_says_that_policies_changed()
    {
        var store = new FakePolicyStore();
        var clock = ClockAt(Start);
        var gate = await Gate(store, clock).BeginAsync(Run(), default);
        Assert.Equal("{}", gate.Policies!.ToString());
        Assert.True((await gate.DecideAsync(Action, default)).MayExecute);
        var policy = Of("{id: d, effect: deny, reason: stop, when: {skill: pay}}");
        store.Put(policy);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("stop", (await gate.DecideAsync(Action, default)).Reason);
        var other = await gate.DecideAsync(new StepAction("echo", Json("{}")), default);
        Assert.Equal($$"""{"decision":"allowed","policies":{"p":"{{policy.Digest}}"},"reason":"no rule applies"}""", other.Evidence.ToString());
        Assert.Equal(2, store.FullReads);
    }

    [Fact]
    public async Task What_is_known_is_used_for_a_second_and_read_again_in_the_background_after_it()
    {
        var store = new FakePolicyStore();
        var clock = ClockAt(Start);
        var gate = await Gate(store, clock).BeginAsync(Run(), default);
        for (var i = 0; i < 100; i++)
            await gate.DecideAsync(Action, default);
        Assert.Equal(1, store.Reads);
        clock.Advance(TimeSpan.FromSeconds(1.5));
        var decided = gate.DecideAsync(Action, default);
        Assert.True(decided.IsCompletedSuccessfully);
        await decided;
        await store.ReadAgain.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.Equal((2, 1), (store.Reads, store.FullReads));
    }

    [Fact]
    public async Task A_store_that_does_not_answer_is_waited_for_and_then_refuses_every_step()
    {
        var store = new FakePolicyStore();
        var clock = ClockAt(Start);
        var run = await Gate(store, clock).BeginAsync(Run(), default);
        clock.Advance(TimeSpan.FromSeconds(3));
        store.Failure = new TimeoutException("gone");
        var deciding = run.DecideAsync(Action, default).AsTask();
        await DriveAsync(clock, deciding);
        var decision = await deciding;
        Assert.Equal((StepDecisionKind.Denied, "policy_unavailable", false), (decision.Kind, decision.BlockedCode, decision.RunGoesOn));
        store.Failure = null;
        Assert.True((await run.DecideAsync(Action, default)).MayExecute);
    }

    [Fact]
    public async Task A_run_that_begins_without_its_policies_opens_and_executes_nothing()
    {
        var store = new FakePolicyStore { Failure = new TimeoutException("gone") };
        var clock = ClockAt(Start);
        var beginning = Gate(store, clock).BeginAsync(Run(), default).AsTask();
        await DriveAsync(clock, beginning);
        var gate = await beginning;
        Assert.Null(gate.Policies);
        var deciding = gate.DecideAsync(Action, default).AsTask();
        await DriveAsync(clock, deciding);
        Assert.False((await deciding).MayExecute);
    }

    [Theory]
    [InlineData("document")]
    [InlineData("digest")]
    [InlineData("name")]
    [InlineData("version")]
    public async Task A_stored_policy_that_is_not_what_its_row_says_refuses_every_step(string changed)
    {
        var store = new FakePolicyStore();
        var stored = store.Put(Of("{id: d, effect: deny, reason: stop, when: {skill: never}}"));
        store.Replace(changed switch
        {
            "document" => stored with { Document = stored.Document.Replace("never", "other", StringComparison.Ordinal) },
            "digest" => stored with { Digest = Digest.Of("x"u8) },
            "name" => stored with { Name = "q" },
            _ => stored with { Version = "2" },
        });
        var gate = await Gate(store, ClockAt(Start)).BeginAsync(Run(), default);
        var decision = await gate.DecideAsync(Action, default);
        Assert.Equal("policy_unavailable", decision.BlockedCode);
    }

    [Fact]
    public async Task Steps_that_never_came_to_a_decision_lose_what_rules_may_take()
    {
        var policy = Of("{id: r, effect: redact, redact: [params.card, outcome.x], when: {skill: pay, params: {amount: {gt: 10}}, time: {days: [sun]}}}", "{id: s, effect: redact, redact: [params.y], when: {skill: other}}");
        var gate = await Gate(new NoPolicies(), ClockAt(Start), policy).BeginAsync(Run(), default);
        var undecided = gate.Undecided(new StepAction("pay", Json("""{"amount":"{{steps.a.b}}","card":"4"}""")), "not resolved");
        Assert.Equal((StepDecisionKind.Undecided, false), (undecided.Kind, undecided.MayExecute));
        Assert.Equal("card", Assert.Single(undecided.ParameterRedactions).Place.Text);
        Assert.Empty(gate.Undecided(new StepAction("pay", Json("""{"amount":3}""")), "not bound").ParameterRedactions);
    }

    [Fact]
    public async Task Places_of_a_plan_are_those_of_its_steps()
    {
        var gate = Gate(new NoPolicies(), ClockAt(Start), Of("{id: r, effect: redact, redact: [params.card, 'params[\"odd name\"]', outcome.x], when: {skill: pay}}"));
        var places = await gate.PlanRedactionsAsync(Run(), [new StepAction("echo", Json("{}")), Action], default);
        var plan = Json("""[{"params":{"card":1},"skill":"echo"},{"params":{"card":"4111","odd name":{"a":1}},"skill":"pay"}]""");
        var redacted = PlaceRedaction.Apply(plan, places);
        Assert.Equal("""[{"params":{"card":1},"skill":"echo"},{"params":{"card":"<REDACTED>","odd name":"<REDACTED>"},"skill":"pay"}]""", redacted.Payload.ToString());
        Assert.Equal(["[1].params.card", "[1].params[\"odd name\"]"], redacted.Removals.Select(removal => removal.Place));
    }

    [Fact]
    public void A_folder_holds_policies_and_says_what_is_wrong_with_which_file()
    {
        var folder = Directory.CreateTempSubdirectory("policies-");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "a.yaml"), "policy: a\nversion: '1'\ndefault: deny\nrules: []");
            File.WriteAllText(Path.Combine(folder.FullName, "b.json"), """{"policy":"b","version":"1","default":"deny","rules":[]}""");
            File.WriteAllText(Path.Combine(folder.FullName, "notes.txt"), "not a policy");
            Assert.Equal(["a", "b"], PolicyFolder.Read(folder.FullName).Select(policy => policy.Name));
            File.WriteAllText(Path.Combine(folder.FullName, "c.yml"), "policy: a\nversion: '1'\ndefault: deny\nrules: []");
            Assert.Contains("c.yml: another file", Assert.Throws<PolicyFileException>(() => PolicyFolder.Read(folder.FullName)).Message, StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(folder.FullName, "c.yml"), "policy: c\ndefault: deny\nrules: []");
            Assert.Contains("c.yml: line 1, version: is missing", Assert.Throws<PolicyFileException>(() => PolicyFolder.Read(folder.FullName)).Message, StringComparison.Ordinal);
            Assert.Throws<PolicyFileException>(() => PolicyFolder.Read(Path.Combine(folder.FullName, "missing")));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

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

/// <summary>Policies in memory.</summary>
internal sealed class FakePolicyStore : IPolicyStore
{
    private readonly Dictionary<string, StoredPolicy> _active = new(StringComparer.Ordinal);
    private long _stamp;

    internal Exception? Failure { get; set; }

    internal int Reads { get; private set; }

    internal int FullReads { get; private set; }

    internal TaskCompletionSource ReadAgain { get; } = new();

    internal StoredPolicy Put(PolicyDocument policy)
    {
        var stored = new StoredPolicy
        {
            TenantId = Tenant, Name = policy.Name, Version = policy.Version, Document = policy.Canonical.ToString(), Digest = policy.Digest, IsActive = true, CreatedAt = Start, CreatedBy = "key_1",
        };
        Replace(stored);
        return stored;
    }

    internal void Replace(StoredPolicy stored)
    {
        _active.Clear();
        _active[stored.Name] = stored;
        _stamp++;
    }

    public Task<PoliciesInForce> ReadInForceAsync(TenantId tenant, long knownStamp, CancellationToken cancellationToken)
    {
        Reads++;
        if (Failure is not null)
            return Task.FromException<PoliciesInForce>(Failure);
        if (Reads == 2)
            ReadAgain.SetResult();
        if (knownStamp == _stamp)
            return Task.FromResult(new PoliciesInForce(_stamp, null));
        FullReads++;
        return Task.FromResult(new PoliciesInForce(_stamp, [.. _active.Values]));
    }

    public Task<(PolicyApplication Outcome, StoredPolicy Stored)> ApplyAsync(StoredPolicy policy, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<bool> RetireAsync(TenantId tenant, string name, string by, DateTimeOffset at, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<StoredPolicy>> ListAsync(TenantId tenant, string? name, CancellationToken cancellationToken) => throw new NotSupportedException();
}
