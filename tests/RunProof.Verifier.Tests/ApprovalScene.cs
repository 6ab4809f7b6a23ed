using RunProof.Format;
using RunProof.Ledger;
using RunProof.Policies;
using RunProof.Postgres;
using RunProof.Testing;

namespace RunProof.Verifier.Tests;

/// <summary>Runs whose step a person decided of, as the services do it: asked and decided through the store by the runner's role, judged and recorded by the real code.</summary>
internal sealed class ApprovalScene(SideRecordScene scene)
{
    private const string Policy = """
        {"policy":"guard","version":"7","default":"allow","rules":[
          {"id":"ask","when":{"skill":"pay"},"effect":"require_approval","reason":"ask first","approval":{"approvers":["ada","bob"],"count":NEEDED}}]}
        """;

    private static readonly Redactor Redactor = new();

    private IApprovalStore Approvals => new PostgresApprovalStore(scene.Runner);

    internal async Task SetUpAsync() => await StoredEvidence.ExecuteAsync(scene.Admin,
        """
        INSERT INTO runproof.api_keys (id, tenant_id, secret_hash, name, scope, created_at) VALUES
          ('key_ada', 'acme', sha256('a'), 'ada', 'approver', now()), ('key_bob', 'acme', sha256('b'), 'bob', 'approver', now())
        """);

    /// <summary>A run of two steps, the first of which pays; what becomes of its approval is the run's name.</summary>
    internal async Task RecordAsync(string run, string what, string parameters = """{"amount":5}""", int attempts = 1, bool seal = true, bool isFallback = false)
    {
        await scene.StoreRunAsync(run, started: true);
        var session = await scene.OpenAsync(run);
        var gate = await GateAsync(what == "two" ? 2 : 1);
        var subject = await SubjectAsync(gate, run, SideRecordScene.Json(parameters), isFallback);
        var asked = await AskAsync(subject, scene.Start);
        if (what is "rejected")
            await VoteAsync(asked, approves: false, "key_ada", "not this");
        else if (what is "approved" or "late" or "two" or "lost")
            await VoteAsync(asked, approves: true, "key_ada", "fine");
        if (what is "two")
            await VoteAsync(asked, approves: true, "key_bob", null);
        if (what is "withdrawn")
            await Approvals.WithdrawAsync(SideRecordScene.Tenant, RunId.Parse(run), "w", asked.Id, scene.Start.AddMilliseconds(5), default);

        var index = 0;
        for (var attempt = 0; attempt < attempts; attempt++)
        {
            var status = attempt < attempts - 1 ? StepStatus.Retrying : StepStatus.Succeeded;
            var decision = await AnsweredAsync(gate, what == "mismatch" ? subject with { StepId = "pay", Parameters = SideRecordScene.Json("""{"amount":6}""") } : subject, what, attempt);
            if (!decision.MayExecute)
                status = StepStatus.Blocked;
            if (what is "lost")
                (status, decision) = (StepStatus.Interrupted, gate.Undecided(new StepAction("pay", subject.Parameters), "the process died"));
            var step = scene.Step(index++, decision, "pay", status, status is StepStatus.Succeeded ? null : decision.BlockedCode ?? "busy") with
            {
                Parameters = subject.Parameters,
                IdempotencyKey = subject.IdempotencyKey,
                RetryCount = attempt,
                Context = SideRecordScene.Json($$"""{"attempt":{{attempt}},{{(isFallback ? "\"fallback\":true," : "")}}"plan_index":0,"plan_step":"pay","worker":"w"}"""),
            };
            await session.AppendAsync(status is StepStatus.Succeeded ? step : step with { Outcome = null }, null, default);
        }

        await session.AppendAsync(scene.Step(index, Decisions.Allowed) with { IdempotencyKey = run + ":1" }, null, default);
        if (seal)
            await scene.SealAsync(session, what == "lost" ? SealStatus.Aborted : SealStatus.Completed, """{"steps":2}""");
    }

    private static async Task<IRunGate> GateAsync(int needed)
    {
        var read = PolicyReader.Read(Policy.Replace("NEEDED", needed == 1 ? "1" : "2", StringComparison.Ordinal));
        Assert.True(read.Policy is not null, string.Join("; ", read.Errors));
        return await Decisions.Gate([read.Policy!]).BeginAsync(new GovernedRun { TenantId = SideRecordScene.Tenant, AgentId = null, Planner = "given", StartedAt = default }, default);
    }

    private async Task<ApprovalSubject> SubjectAsync(IRunGate gate, string run, CanonicalJson parameters, bool isFallback)
    {
        var decision = await gate.DecideAsync(new StepAction("pay", parameters), default);
        return new ApprovalSubject
        {
            Run = (await scene.Runs.FindAsync(SideRecordScene.Tenant, RunId.Parse(run), default))!, PlanIndex = 0, StepId = "pay", IdempotencyKey = run + (isFallback ? ":0:fallback" : ":0"), Skill = "pay",
            SkillVersion = "1.0.0", Schema = Digest.Of("s"u8), Parameters = parameters, Decision = decision, Terms = decision.Terms,
        };
    }

    private async Task<ApprovalState> AskAsync(ApprovalSubject subject, DateTimeOffset now)
    {
        byte[] salt = [.. Enumerable.Range(1, Commitment.SaltLength).Select(i => (byte)i)];
        var (action, until) = (subject.ActionDigest(salt), now.AddHours(1));
        var shown = subject.Shown(action, subject.Decision.Reason, until, Redactor);
        var run = subject.Run;
        var state = await Approvals.AskAsync(
            new ApprovalRequest
            {
                TenantId = run.TenantId, RunId = run.Id, TraceId = TraceId.Of(run.Id), PlanIndex = subject.IdempotencyKey.EndsWith("fallback", StringComparison.Ordinal) ? 10_000 : 0, Id = "apr_" + run.Id.Value, StepId = "pay", Attempt = 0, Skill = "pay",
                Rule = subject.Decision.Rule, Because = subject.Decision.Reason, Shown = shown, Salt = salt, ActionDigest = action,
                ShownDigest = ApprovalSubject.ShownDigest(shown.Bytes.Span), Terms = subject.Terms, RequestedAt = now, ValidUntil = until,
            },
            "w", default);
        return state!;
    }

    private async Task VoteAsync(ApprovalState asked, bool approves, string key, string? reason)
    {
        var answer = await Approvals.DecideAsync(
            new ApprovalVote(SideRecordScene.Tenant, asked.Id, approves, key, asked.ActionDigest, null, reason, scene.Start.AddMilliseconds(10), false), default);
        Assert.True(answer is ApprovalAnswer.Done or ApprovalAnswer.Counted, $"{key}: {answer}");
    }

    private async Task<StepDecision> AnsweredAsync(IRunGate gate, ApprovalSubject subject, string what, int attempt)
    {
        var now = what is "expired" or "late" ? scene.Start.AddHours(2) : scene.Start.AddMilliseconds(20 + attempt);
        var state = await AskAsync(subject, now);
        var approval = StepApproval.Judge(state, subject, Redactor);
        if (approval.Outcome is ApprovalOutcome.Granted)
        {
            var (use, since) = await Approvals.UseAsync(SideRecordScene.Tenant, subject.Run.Id, "w", state.Id, attempt, now, default);
            approval = use is ApprovalUse.Used ? approval.UsedSince(since!.Value) : approval.TooLate();
        }

        return gate.Answered(subject.Decision, approval, isAnswer: false);
    }
}
