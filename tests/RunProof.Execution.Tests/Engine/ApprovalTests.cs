using RunProof.Format;
using RunProof.Ledger;
using RunProof.Policies;
using RunProof.Skills;

namespace RunProof.Execution.Tests;

/// <summary>Steps that people decide of, as the engine waits for them and obeys.</summary>
public sealed class ApprovalTests
{
    private const string Ask = "{id: ask, effect: require_approval, reason: ask first, when: {skill: pay}}";
    private const string Plan = """[{"id":"a","skill":"echo"},{"id":"buy","skill":"pay","params":{"to":"{{steps.a.who}}"}},{"id":"z","skill":"echo"}]""";

    private readonly FakeSkill _pay = new("pay", static (_, _, _) => ValueTask.FromResult(FakeSkill.Gives("""{"done":true}""")));
    private readonly FakeSkill _echo = new("echo", static (_, _, _) => ValueTask.FromResult(FakeSkill.Gives("""{"who":"ada"}""")));

    [Fact]
    public async Task A_run_that_needs_a_person_is_in_no_process_until_one_approves()
    {
        var house = House(Ask);
        await house.WorkAsync(async () =>
        {
            await SubmitAsync(house, Plan);
            await UntilAsync(() => house.Runs.Only.Status is RunStatus.Waiting);
            Assert.True(house.Runs.Only is { Worker: null, LeaseUntil: null, IsBetweenSteps: true, IsAttemptOpen: true });
            Assert.Empty(_pay.Calls);
            Assert.Null(house.Recorder.Only.Closing);
            house.Approvals!.Decide(approve: true, house.Clock.GetUtcNow());
            await UntilAsync(() => house.Runs.Only.HasEnded);
        });

        Assert.Equal(RunStatus.Succeeded, house.Runs.Only.Status);
        Assert.Equal("""{"to":"ada"}""", Assert.Single(_pay.Calls));
        var step = house.Recorder.Only.Steps[1];
        Assert.Equal((StepStatus.Succeeded, StepDecisionKind.Approved, "ada"), (step.Status, step.Decision.Kind, step.Decision.Approval!.Last!.ByName));
        Assert.Contains("\"decision\":\"approved\"", step.Decision.Evidence.ToString(), StringComparison.Ordinal);
        Assert.Contains($"\"action_digest\":\"{house.Approvals!.Only.ActionDigest}\"", step.Decision.Approval.Evidence.ToString(), StringComparison.Ordinal);
        Assert.Null(house.Recorder.Only.Steps[0].Decision.Approval);
        Assert.Equal(1, house.Runs.Only.Attempts);
    }

    [Fact]
    public async Task A_branch_that_waits_for_a_person_stops_no_other()
    {
        var house = House(Ask);
        await house.WorkAsync(async () =>
        {
            await SubmitAsync(
                house,
                """[{"id":"buy","skill":"pay","depends_on":[]},{"id":"b","skill":"echo","depends_on":[]},{"id":"c","skill":"echo","depends_on":["b"]},{"id":"z","skill":"echo","depends_on":["buy","c"]}]""");
            await UntilAsync(() => house.Runs.Only.Status is RunStatus.Waiting);
            Assert.Equal((0, 2), (_pay.Calls.Count, _echo.Calls.Count));
            house.Approvals!.Decide(approve: true, house.Clock.GetUtcNow());
            await UntilAsync(() => house.Runs.Only.HasEnded);
        });
        Assert.Equal(RunStatus.Succeeded, house.Runs.Only.Status);
        Assert.Equal(["echo", "echo", "pay", "echo"], house.Recorder.Only.Steps.Select(step => step.SkillName));
    }

    [Fact]
    public async Task Two_branches_that_wait_go_on_each_when_its_own_approval_is_given()
    {
        var house = House(Ask);
        await house.WorkAsync(async () =>
        {
            await SubmitAsync(house, """[{"id":"p","skill":"pay","depends_on":[]},{"id":"q","skill":"pay","depends_on":[]}]""");
            foreach (var decided in (int[])[0, 1])
            {
                await UntilAsync(() => house.Runs.Only.Status is RunStatus.Waiting && _pay.Calls.Count == decided);
                Assert.Equal(2, house.Approvals!.All.Count);
                house.Approvals.Decide(approve: true, house.Clock.GetUtcNow(), at: 1 - decided);
            }

            await UntilAsync(() => house.Runs.Only.HasEnded);
        });
        Assert.Equal((RunStatus.Succeeded, 2), (house.Runs.Only.Status, _pay.Calls.Count));
        Assert.All(house.Recorder.Only.Steps, step => Assert.Equal(StepDecisionKind.Approved, step.Decision.Kind));
    }

    [Fact]
    public async Task A_rejection_blocks_the_step()
    {
        var house = await DecidedAsync(Ask, (store, now) => store.Decide(approve: false, now));
        Assert.Equal((RunStatus.Failed, "approval_rejected"), (house.Runs.Only.Status, house.Runs.Only.ErrorCode));
        Assert.Equal("step \"buy\": policy file:p, rule ask: ask first; rejected by ada: why not", house.Runs.Only.ErrorMessage);
        Assert.Equal((StepStatus.Blocked, "approval_rejected"), (house.Recorder.Only.Steps[1].Status, house.Recorder.Only.Steps[1].OutcomeCode));
        Assert.Empty(_pay.Calls);
    }

    [Theory]
    [InlineData("digest")]
    [InlineData("shown")]
    [InlineData("salt")]
    [InlineData("seen")]
    [InlineData("nobody")]
    [InlineData("until")]
    public async Task What_people_were_asked_about_must_be_what_is_executed(string changed)
    {
        var other = Digest.Of("other"u8);
        var house = await DecidedAsync(Ask, (store, now) => store.Decide(approve: true, now, change: state => changed switch
        {
            "digest" => state with { ActionDigest = other },
            "shown" => state with { ShownDigest = other },
            "salt" => state with { Salt = new byte[16] },
            "seen" => state with { Decisions = [state.Decisions[0] with { ShownDigest = other }] },
            "nobody" => state with { Decisions = [] },
            _ => state with { ValidUntil = state.ValidUntil.AddYears(1) },
        }));
        Assert.Equal("approval_mismatch", house.Runs.Only.ErrorCode);
        Assert.Empty(_pay.Calls);
        var step = house.Recorder.Only.Steps[1];
        Assert.Equal(StepDecisionKind.ApprovalRequired, step.Decision.Kind);
        Assert.Contains("\"expected\":{\"action_digest\":", step.Decision.Approval!.Evidence.ToString(), StringComparison.Ordinal);
        Assert.Contains("\"status\":\"mismatch\"", step.Decision.Approval.Evidence.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_nobody_decides_in_time_is_blocked()
    {
        var house = House(Ask.Replace("effect:", "approval: {valid_for_seconds: 2}, effect:", StringComparison.Ordinal));
        await house.WorkAsync(async () =>
        {
            await SubmitAsync(house, Plan);
            await UntilAsync(() => house.Runs.Only.HasEnded);
        });
        Assert.Equal("approval_expired", house.Runs.Only.ErrorCode);
        Assert.Contains("\"status\":\"expired\"", house.Recorder.Only.Steps[1].Decision.Approval!.Evidence.ToString(), StringComparison.Ordinal);
        Assert.Empty(_pay.Calls);
    }

    [Fact]
    public async Task An_approval_that_is_used_too_late_is_over()
    {
        var house = await DecidedAsync(Ask, (store, now) => store.Decide(approve: true, now), validFor: 30, before: house => house.Clock.Advance(TimeSpan.FromSeconds(30)));
        Assert.Equal("approval_expired", house.Runs.Only.ErrorCode);
        Assert.Empty(_pay.Calls);
    }

    [Theory]
    [InlineData("ask", true)]
    [InlineData("ask", false)]
    [InlineData("use", true)]
    [InlineData("use", false)]
    public async Task A_write_that_is_lost_or_reported_lost_asks_once_and_executes_once(string write, bool persisted)
    {
        var house = House(Ask);
        var fault = new Unreachable();
        if (persisted)
            house.Approvals!.PersistAndThrow[write] = fault;
        else
            house.Approvals!.Lose[write] = fault;
        await house.WorkAsync(async () =>
        {
            await SubmitAsync(house, Plan);
            await UntilAsync(() => house.Runs.Only.Status is RunStatus.Waiting);
            house.Approvals.Decide(approve: true, house.Clock.GetUtcNow());
            await UntilAsync(() => house.Runs.Only.HasEnded);
        });
        Assert.Equal(RunStatus.Succeeded, house.Runs.Only.Status);
        Assert.Single(house.Approvals.All);
        Assert.Single(_pay.Calls);
    }

    [Fact]
    public async Task A_process_that_died_while_people_were_asked_had_not_begun_the_step()
    {
        // It asked, and died before it let go of the run: nothing says that the step has not begun, but that it was not noted to begin.
        var house = House(Ask);
        await DieAskedAsync(house, approve: true, used: null);
        Assert.Equal(RunStatus.Succeeded, house.Runs.Only.Status);
        Assert.Single(_pay.Calls);
        Assert.Equal([StepStatus.Succeeded, StepStatus.Succeeded, StepStatus.Succeeded], house.Recorder.Only.Steps.Select(step => step.Status));
    }

    [Fact]
    public async Task A_process_that_died_after_an_approved_step_was_about_to_begin_leaves_it_interrupted()
    {
        var house = House(Ask);
        await DieAskedAsync(house, approve: true, used: 0);
        Assert.Equal((RunStatus.Aborted, "worker_lost"), (house.Runs.Only.Status, house.Runs.Only.ErrorCode));
        Assert.Empty(_pay.Calls);
        Assert.Equal(StepStatus.Interrupted, house.Recorder.Only.Steps[1].Status);
    }

    [Fact]
    public async Task Whoever_lost_the_run_neither_asks_nor_executes()
    {
        var house = House(Ask);
        house.Approvals!.Worker = "another";
        var outcome = await house.ExecuteAsync("""{"skill":"pay"}""");
        Assert.Equal("fenced", outcome.ErrorCode);
        Assert.Empty(_pay.Calls);
        Assert.Empty(house.Approvals.All);
    }

    [Fact]
    public async Task A_run_whose_plan_only_this_process_knows_waits_here_and_shows_no_secret()
    {
        var house = House(Ask);
        await house.WorkAsync(async () =>
        {
            await SubmitAsync(house, """[{"skill":"pay","params":{"pin":"hunter2"}}]""");
            await UntilAsync(() => house.Approvals!.All.Count == 1);
            Assert.Equal(RunStatus.Running, house.Runs.Only.Status);
            Assert.DoesNotContain("hunter2", house.Approvals!.All[0].Request.Shown.ToString(), StringComparison.Ordinal);
            house.Approvals.Decide(approve: true, house.Clock.GetUtcNow());
            await UntilAsync(() => house.Runs.Only.HasEnded);
        });
        Assert.Equal(RunStatus.Succeeded, house.Runs.Only.Status);
        Assert.Equal("""{"pin":"hunter2"}""", Assert.Single(_pay.Calls));
    }

    [Fact]
    public async Task A_retried_step_is_asked_about_once_and_each_attempt_is_noted_before_it_begins()
    {
        var pay = new FakeSkill("pay", static (_, context, _) => ValueTask.FromResult(context.Attempt == 0 ? FakeSkill.Fails("busy", retryable: true) : FakeSkill.Gives("{}")));
        var house = House(Ask, pay);
        await house.WorkAsync(async () =>
        {
            await SubmitAsync(house, """[{"skill":"pay","on_error":"retry"}]""");
            await UntilAsync(() => house.Runs.Only.Status is RunStatus.Waiting);
            house.Approvals!.Decide(approve: true, house.Clock.GetUtcNow());
            await UntilAsync(() => house.Runs.Only.HasEnded);
        });
        Assert.Equal((RunStatus.Succeeded, 2), (house.Runs.Only.Status, pay.Calls.Count));
        Assert.Equal(1, house.Approvals!.Only.UsedAttempt);
        Assert.All(house.Recorder.Only.Steps, step => Assert.Equal(StepDecisionKind.Approved, step.Decision.Kind));
    }

    [Fact]
    public async Task A_limit_counts_an_approved_step_once_however_often_people_were_asked()
    {
        var house = House(Ask + ", {id: two, effect: limit, limit: {calls: 2}, when: {skill: pay}}");
        await house.WorkAsync(async () =>
        {
            await SubmitAsync(house, """[{"skill":"pay","params":{"pin":"hunter2"}},{"skill":"pay"},{"skill":"pay"}]""");
            for (var asked = 1; asked <= 2; asked++)
            {
                var now = asked;
                await UntilAsync(() => house.Approvals!.All.Count == now);
                await Task.Delay(30);
                house.Approvals!.Decide(approve: true, house.Clock.GetUtcNow());
            }

            await UntilAsync(() => house.Runs.Only.HasEnded);
        });
        Assert.Equal(("policy_denied", 2), (house.Runs.Only.ErrorCode, _pay.Calls.Count));
    }

    [Fact]
    public void The_digest_of_an_action_is_salted_and_covers_all_of_it()
    {
        var subject = Subject("""{"pin":"1234"}""");
        var salt = new byte[16];
        var digest = subject.ActionDigest(salt);
        Assert.NotEqual(digest, subject.ActionDigest([1, .. new byte[15]]));
        Assert.Equal(digest, Subject("""{"pin":"1234"}""").ActionDigest(salt));
        Assert.All(
            [
                Subject("""{"pin":"1235"}"""), subject with { SkillVersion = "2" }, subject with { Schema = Digest.Of("x"u8) }, subject with { PlanIndex = 1 },
                subject with { IdempotencyKey = "k2" }, subject with { Skill = "other" }, subject with { Run = subject.Run with { Id = RunId.Parse("run-2") } },
                subject with { Run = subject.Run with { Attempts = 2 } }, subject with { Run = subject.Run with { TenantId = TenantId.Parse("b") } },
            ],
            changed => Assert.NotEqual(digest, changed.ActionDigest(salt)));
    }

    // By hand, as src/POLICIES.md says it.
    [Fact]
    public void The_digests_are_those_that_the_page_describes()
    {
        var subject = Subject("""{"pin":"1234"}""");
        var salt = Enumerable.Range(0, 16).Select(i => (byte)i).ToArray();
        var schema = Digest.Of("s"u8);
        var exact = $$$"""{"idempotency_key":"k","params":{"pin":"1234"},"plan_index":0,"policy":null,"run_id":"run-1","schema":"{{{schema}}}","skill":"pay","skill_version":"1","tenant_id":"acme","trace_id":"trace_run-1"}""";
        byte[] covered = [.. "runproof/v1/action\n"u8, .. salt, .. System.Text.Encoding.UTF8.GetBytes(exact)];
        var action = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(covered));
        Assert.Equal(action, subject.ActionDigest(salt).ToString());
        var until = new DateTimeOffset(2026, 2, 10, 12, 0, 0, TimeSpan.Zero);
        Assert.Equal(
            $$$"""{"action_digest":"{{{action}}}","agent_id":"agent-1","approvers":null,"goal":"do it","idempotency_key":"k","needed":1,"params":{"pin":"1234"},"plan_index":0,"plan_step":"buy","policy":null,"run_id":"run-1","schema":"{{{schema}}}","skill":"pay","skill_version":"1","trace_id":"trace_run-1","valid_until":"2026-02-10T12:00:00.000000Z"}""",
            subject.Shown(subject.ActionDigest(salt), "why", until, new FakeRedactor()).ToString());
    }

    private static ApprovalSubject Subject(string parameters) => new()
    {
        Run = new House(new FakeSkill("pay", static (_, _, _) => ValueTask.FromResult(FakeSkill.Gives("{}")))).Planned("""{"skill":"pay"}""").Run, PlanIndex = 0, StepId = "buy", IdempotencyKey = "k", Skill = "pay", SkillVersion = "1", Schema = Digest.Of("s"u8),
        Parameters = CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(parameters)), Decision = RunProof.Testing.Decisions.Allowed, Terms = ApprovalTerms.Usual,
    };

    private async Task<House> DecidedAsync(string rule, Action<FakeApprovalStore, DateTimeOffset> decide, int? validFor = null, Action<House>? before = null)
    {
        var house = House(validFor is null ? rule : rule.Replace("effect:", $"approval: {{valid_for_seconds: {validFor}}}, effect:", StringComparison.Ordinal));
        await house.WorkAsync(async () =>
        {
            await SubmitAsync(house, Plan);
            await UntilAsync(() => house.Runs.Only.Status is RunStatus.Waiting || house.Runs.Only.HasEnded);
            decide(house.Approvals!, house.Clock.GetUtcNow());
            before?.Invoke(house);
            await UntilAsync(() => house.Runs.Only.HasEnded);
        });
        return house;
    }

    // The first process records step a with the intent of "buy", asks, and dies with its lease.
    private async Task DieAskedAsync(House house, bool approve, int? used)
    {
        var plan = house.Planned("""{"id":"a","skill":"echo"}""", """{"id":"buy","skill":"pay","params":{"to":"{{steps.a.who}}"}}""", """{"id":"z","skill":"echo"}""");
        house.Runs.Put(plan.Run);
        var outcome = await house.DriveAsync(house.Engine.ExecuteAsync(plan, null, RunControl.Of(CancellationToken.None)));
        Assert.NotNull(outcome.Release?.Approvals);
        house.Approvals!.Decide(approve, house.Clock.GetUtcNow());
        if (used is not null)
            house.Approvals.Change(0, state => state with { UsedAttempt = used });
        house.Runs.Put(house.Runs.Only with { Worker = "worker-1", LeaseUntil = house.Clock.GetUtcNow() - TimeSpan.FromSeconds(1), Status = RunStatus.Running });
        var heir = house.Next("worker-2");
        await heir.WorkAsync(() => UntilAsync(() => heir.Runs.Only.HasEnded));
    }

    private static async Task SubmitAsync(House house, string plan) =>
        Assert.IsType<Submission.Accepted>(await house.Service.SubmitAsync(house.Request(plan), default));

    private static async Task UntilAsync(Func<bool> holds)
    {
        for (var i = 0; !holds(); i++)
        {
            Assert.True(i < 6_000, "it never comes to that");
            await Task.Delay(5);
        }
    }

    private House House(string rules, FakeSkill? pay = null)
    {
        var house = new House(pay ?? _pay, _echo)
        {
            PolicyOptions = new PolicyOptions { Files = [PolicyReader.Read($"policy: p\nversion: '1'\ndefault: allow\nrules: [{rules}]").Policy!] },
        };
        house.Approvals = new FakeApprovalStore(house.Runs);
        return house;
    }
}
