using RunProof.Format;
using RunProof.Ledger;
using RunProof.Policies;

namespace RunProof.Execution.Tests;

/// <summary>What the gate decides, as the engine obeys it.</summary>
public sealed class GovernedStepsTests
{
    private static readonly SkillBody Fine = static (_, _, _) => ValueTask.FromResult(FakeSkill.Gives("""{"done":true,"who":"ada"}"""));

    [Fact]
    public async Task A_denied_step_is_blocked_not_executed_and_halts_the_run()
    {
        var (house, pay, echo) = Governed("{id: no, effect: deny, reason: no spending, when: {skill: pay}}");
        var outcome = await house.ExecuteAsync("""{"skill":"echo"}""", """{"id":"buy","skill":"pay","on_error":"continue","params":{"n":1}}""", """{"skill":"echo"}""");
        Assert.Equal((RunStatus.Failed, "policy_denied", "step \"buy\": policy file:p, rule no: no spending"), (outcome.Status, outcome.ErrorCode, outcome.ErrorMessage));
        Assert.Empty(pay.Calls);
        Assert.Single(echo.Calls);
        var step = house.Recorder.Only.Steps[1];
        Assert.Equal((StepStatus.Blocked, "policy_denied", "FAILURE", 2), (step.Status, step.OutcomeCode, step.OutcomeCategory, house.Recorder.Only.Steps.Count));
        Assert.Equal((StepDecisionKind.Denied, "no"), (step.Decision.Kind, step.Decision.Rule!.Rule));
        Assert.Equal("""{"n":1}""", step.Parameters.ToString());
        Assert.Null(step.Outcome);
        Assert.Equal(SealStatus.Failed, house.Recorder.Only.Closing!.Status);
    }

    [Fact]
    public async Task A_rule_may_let_the_run_go_on_after_a_step_that_it_blocks()
    {
        var (house, pay, echo) = Governed("{id: no, effect: deny, reason: no spending, on_block: continue, when: {skill: pay}}");
        var outcome = await house.ExecuteAsync("""{"skill":"pay"}""", """{"skill":"echo"}""");
        Assert.Equal(RunStatus.Succeeded, outcome.Status);
        Assert.Empty(pay.Calls);
        Assert.Single(echo.Calls);
        Assert.Contains("\"failed_steps\":1", house.Recorder.Only.Closing!.Metadata!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_step_that_needs_an_approval_that_nobody_gave_is_blocked()
    {
        var (house, pay, _) = Governed("{id: ask, effect: require_approval, reason: ask first, when: {skill: pay}}");
        var outcome = await house.ExecuteAsync("""{"skill":"pay"}""");
        Assert.Equal("approval_required", outcome.ErrorCode);
        Assert.Empty(pay.Calls);
        Assert.Equal(StepDecisionKind.ApprovalRequired, house.Recorder.Only.Steps.Single().Decision.Kind);
    }

    [Fact]
    public async Task Rules_see_parameters_with_their_references_resolved()
    {
        var (house, pay, _) = Governed("{id: no, effect: deny, reason: not for ada, when: {skill: pay, params: {to: ada}}}");
        await house.ExecuteAsync("""{"id":"a","skill":"echo"}""", """{"skill":"pay","params":{"to":"{{steps.a.who}}"}}""");
        Assert.Empty(pay.Calls);
        Assert.Equal("not for ada", house.Recorder.Only.Steps[1].Decision.Reason);
    }

    [Fact]
    public async Task Every_attempt_counts_towards_a_limit()
    {
        var pay = new FakeSkill("pay", static (_, _, _) => ValueTask.FromResult(FakeSkill.Fails("busy", retryable: true)));
        var house = House("{id: two, effect: limit, limit: {calls: 2}, when: {skill: pay}}", pay);
        var outcome = await house.ExecuteAsync("""{"skill":"pay","on_error":"retry","retry":{"max_attempts":5}}""");
        Assert.Equal(("policy_denied", 2), (outcome.ErrorCode, pay.Calls.Count));
        Assert.Equal([StepStatus.Retrying, StepStatus.Retrying, StepStatus.Blocked], house.Recorder.Only.Steps.Select(step => step.Status));
    }

    [Fact]
    public async Task What_steps_cost_and_their_tokens_count_towards_limits()
    {
        var pay = new FakeSkill("pay", static (_, context, _) =>
        {
            context.AddCost(4m);
            context.AddTokens(50);
            return ValueTask.FromResult(FakeSkill.Gives("{}"));
        });
        var house = House("{id: cost, effect: limit, limit: {cost_cents: 8}}", pay);
        await house.ExecuteAsync("""{"skill":"pay"}""", """{"skill":"pay"}""", """{"skill":"pay"}""");
        Assert.Equal(2, pay.Calls.Count);
        Assert.Contains("\"tokens\":50", house.Recorder.Only.Steps[0].Context!.ToString(), StringComparison.Ordinal);

        var other = House("{id: tokens, effect: deny, reason: enough, when: {tokens: {gte: 50}}}", pay);
        Assert.Equal("policy_denied", (await other.ExecuteAsync("""{"skill":"pay"}""", """{"skill":"pay"}""")).ErrorCode);
        Assert.Single(other.Recorder.Only.Steps, step => step.Status is StepStatus.Succeeded);
    }

    [Fact]
    public async Task A_limit_on_time_ends_an_attempt_sooner_than_the_plan_would()
    {
        var slow = new FakeSkill("pay", static async (_, _, token) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return FakeSkill.Gives("{}");
        });
        var outcome = await House("{id: quick, effect: limit, limit: {timeout_ms: 200}}", slow).ExecuteAsync("""{"skill":"pay","timeout_ms":3600000}""");
        Assert.Equal(("timeout", "step \"step_0\": no outcome within 200 ms"), (outcome.ErrorCode, outcome.ErrorMessage));
    }

    [Fact]
    public async Task A_step_that_cannot_be_resolved_is_recorded_undecided()
    {
        var (house, _, _) = Governed("{id: r, effect: redact, redact: [params.secret]}");
        var outcome = await house.ExecuteAsync("""{"id":"a","skill":"echo"}""", """{"skill":"pay","params":{"x":"{{steps.a.missing}}","secret":"s"}}""");
        Assert.Equal("unresolved_reference", outcome.ErrorCode);
        var step = house.Recorder.Only.Steps[1];
        Assert.Equal((StepStatus.Failed, StepDecisionKind.Undecided, "secret"), (step.Status, step.Decision.Kind, step.Decision.ParameterRedactions.Single().Place.Text));
    }

    [Fact]
    public async Task Redaction_is_of_evidence_and_of_the_stored_plan_not_of_the_execution()
    {
        var (house, pay, _) = Governed("{id: r, effect: redact, redact: [params.secret, outcome.who], when: {skill: pay}}");
        await house.WorkAsync(async () =>
        {
            var accepted = Assert.IsType<Submission.Accepted>(await house.Service.SubmitAsync(house.Request("""[{"skill":"pay","params":{"secret":"s3"}}]"""), default));
            await house.Service.WaitAsync(Execution.Tests.House.Tenant, accepted.Run.Id, TimeSpan.FromMinutes(5), default);
        });
        Assert.Equal("""{"secret":"s3"}""", pay.Calls.Single());
        Assert.DoesNotContain("s3", house.Runs.Only.PlanJson, StringComparison.Ordinal);
        Assert.True(house.Runs.Only.PlanRedacted);
        var opening = house.Recorder.Only.Opening;
        Assert.Equal("[0].params.secret", opening.PlanRedactions.Single().Place.Text);
        Assert.Equal(("secret", "who"), (house.Recorder.Only.Steps[0].Decision.ParameterRedactions[0].Place.Text, house.Recorder.Only.Steps[0].Decision.OutcomeRedactions[0].Place.Text));
    }

    [Fact]
    public async Task The_header_names_the_policies_in_force()
    {
        var (house, _, _) = Governed("{id: r, effect: redact, redact: [params.secret]}");
        await house.ExecuteAsync("""{"skill":"echo"}""");
        var digest = house.PolicyOptions.Files[0].Digest;
        Assert.Contains($$"""
            "policies":{"file:p":"{{digest}}"},"runproof_version"
            """.Trim(), house.Recorder.Only.Opening.Context!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_its_policies_no_run_is_stored_and_none_executes_anything()
    {
        var (house, pay, _) = Governed("{id: r, effect: redact, redact: [params.secret]}");
        house.Policies = new Unreachable();
        Assert.IsType<Submission.Ungoverned>(await house.DriveAsync(house.Service.SubmitAsync(house.Request("""[{"skill":"pay"}]"""), default)));
        Assert.Empty(house.Runs.All);
        var outcome = await house.ExecuteAsync("""{"skill":"pay","on_error":"continue"}""");
        Assert.Equal("policy_unavailable", outcome.ErrorCode);
        Assert.Empty(pay.Calls);
        Assert.Contains("\"policies\":null", house.Recorder.Only.Opening.Context!.ToString(), StringComparison.Ordinal);
    }

    private static (House House, FakeSkill Pay, FakeSkill Echo) Governed(string rules)
    {
        var (pay, echo) = (new FakeSkill("pay", Fine), new FakeSkill("echo", Fine));
        return (House(rules, pay, echo), pay, echo);
    }

    private static House House(string rules, params FakeSkill[] skills) => new(skills)
    {
        PolicyOptions = new PolicyOptions { Files = [PolicyReader.Read($"policy: p\nversion: '1'\ndefault: allow\nrules: [{rules}]").Policy!] },
    };

    private sealed class Unreachable : IPolicyStore
    {
        public Task<PoliciesInForce> ReadInForceAsync(TenantId tenant, long knownStamp, CancellationToken cancellationToken) => throw new TimeoutException("gone");

        public Task<(PolicyApplication Outcome, StoredPolicy Stored)> ApplyAsync(StoredPolicy policy, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<bool> RetireAsync(TenantId tenant, string name, string by, DateTimeOffset at, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IReadOnlyList<StoredPolicy>> ListAsync(TenantId tenant, string? name, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
