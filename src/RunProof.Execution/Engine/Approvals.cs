using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>A step that waits, for people or for its sub-run.</summary>
/// <param name="On">The approval's id, or the sub-run's.</param>
/// <param name="Until">When the wait is over at the latest.</param>
/// <param name="SubRun">The sub-run; null where it waits for people.</param>
internal sealed record StepWait(string On, DateTimeOffset Until, RunId? SubRun = null);

/// <summary>
/// Asks people, and holds what they decided against what is about to be executed. In a host without a store nobody can be asked, and what needs an approval is blocked.
/// </summary>
internal sealed class Approvals(IRedactor redactor, ISaltSource salts, Persistence persistence, ExecutionOptions options, TimeProvider clock, IApprovalStore? store = null)
{
    /// <summary>The approvals of a run: one that begins has none, one that goes on may have some.</summary>
    /// <param name="run">The run; this process has it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<RunApprovals?> OfAsync(Run run, CancellationToken cancellationToken)
    {
        if (store is null)
            return null;
        var asked = !run.AsksApproval ? [] : await persistence.UntilDoneAsync(
            async token => await store.ReadAsync(run.TenantId, run.Id, TraceId.Of(run.Id, run.Attempts), options.Worker, token), cancellationToken);
        return new RunApprovals(this, asked);
    }

    /// <summary>Asks, or finds what was asked before, and holds it against the action. Before an approved attempt may begin it is noted durably that it does.</summary>
    /// <exception cref="RecordingException">The run is another process's by now.</exception>
    public async ValueTask<StepApproval> AskAsync(StepCall call, ApprovalSubject subject, CancellationToken stop)
    {
        var run = call.Run;
        var now = WireTime.Truncate(clock.GetUtcNow());
        var request = Request(call, subject, now);
        var state = await persistence.UntilDoneAsync(async token => await store!.AskAsync(request, options.Worker, token), stop) ?? throw NotOurs(run);
        var approval = StepApproval.Judge(state, subject, redactor);
        // A sub-run began when its approval was used; how long it takes is no matter of the approval's validity.
        if (approval.Outcome is not ApprovalOutcome.Granted || (call.Step.Skill is SubPlans.SkillName && state.UsedAttempt >= call.Attempt))
            return approval;
        var (use, since) = await persistence.UntilDoneAsync(
            async token => await store!.UseAsync(run.TenantId, run.Id, options.Worker, state.Id, call.Attempt, now, token), stop);
        return use switch
        {
            ApprovalUse.Used => approval.UsedSince(since ?? now),
            ApprovalUse.NotOurs => throw NotOurs(run),
            _ => approval.TooLate(),
        };
    }

    /// <summary>Asks no longer.</summary>
    /// <exception cref="RecordingException">The run is another process's by now.</exception>
    public async ValueTask WithdrawAsync(Run run, string approval, CancellationToken stop)
    {
        var now = WireTime.Truncate(clock.GetUtcNow());
        if (!await persistence.UntilDoneAsync(async token => await store!.WithdrawAsync(run.TenantId, run.Id, options.Worker, approval, now, token), stop))
            throw NotOurs(run);
    }

    /// <summary>An approval that is there, held against the action.</summary>
    public StepApproval Judge(ApprovalState state, ApprovalSubject subject) => StepApproval.Judge(state, subject, redactor);

    private ApprovalRequest Request(StepCall call, ApprovalSubject subject, DateTimeOffset now)
    {
        var salt = new byte[Commitment.SaltLength];
        salts.Fill(salt);
        var action = subject.ActionDigest(salt);
        var validUntil = WireTime.Truncate(now + (subject.Terms.ValidFor ?? options.ApprovalValidity));
        var because = EvidenceText.Message(subject.Decision.Reason);
        var shown = subject.Shown(action, because, validUntil, redactor);
        return new ApprovalRequest
        {
            TenantId = call.Run.TenantId, RunId = call.Run.Id, TraceId = subject.TraceId, PlanIndex = RunApprovals.PlaceOf(call), StepId = call.Step.Id, Attempt = call.Attempt,
            Id = "apr_" + Guid.CreateVersion7(now).ToString("N"), Skill = subject.Skill,
            Rule = subject.Decision.Kind is StepDecisionKind.ApprovalRequired ? subject.Decision.Rule : null,
            Because = because, Shown = shown, Salt = salt, ActionDigest = action, ShownDigest = ApprovalSubject.ShownDigest(shown.Bytes.Span), Terms = subject.Terms,
            RequestedAt = now, ValidUntil = validUntil,
        };
    }

    private static RecordingException NotOurs(Run run) => new(RecordingFailure.Fenced, $"run {run.Id.Value}: another process has it");
}

/// <summary>The approvals of one run in this process.</summary>
internal sealed class RunApprovals(Approvals approvals, IReadOnlyList<ApprovalState> before)
{
    private readonly Dictionary<int, ApprovalState> _before = before.ToDictionary(state => state.PlanIndex);

    /// <summary>
    /// Whether a step that a former process announced is known not to have begun: people were asked about it, and no attempt of it as late as this one was noted to begin.
    /// </summary>
    /// <param name="announced">What was announced.</param>
    /// <param name="isFallback">Whether it is the step's fallback that was.</param>
    public bool HasNotBegun(StepIntent announced, bool isFallback) =>
        _before.TryGetValue(PlaceOf(announced.PlanIndex, isFallback), out var state) && (state.UsedAttempt is not { } used || used < announced.Attempt);

    /// <summary>Decides of an attempt by what people say, where they must be asked, or were.</summary>
    /// <returns>The decision, or what to wait for.</returns>
    public async ValueTask<(StepDecision Decision, StepWait? Wait)> DecideAsync(
        StepCall call, SkillDescriptor skill, CanonicalJson parameters, StepDecision decision, GateTurns gate, CancellationToken stop)
    {
        var asks = skill.Name == ApprovalSkillName;
        var isAsked = decision.Kind is StepDecisionKind.ApprovalRequired || asks && decision.MayExecute;
        if (!isAsked && !(decision.MayExecute && _before.ContainsKey(PlaceOf(call))))
            return (decision, null);
        var subject = new ApprovalSubject
        {
            Run = call.Run, PlanIndex = call.PlanIndex, StepId = call.Step.Id, IdempotencyKey = call.IdempotencyKey, Skill = skill.Name, SkillVersion = skill.Version,
            Schema = skill.Schema, Parameters = parameters, Decision = decision, Terms = TermsOf(decision, asks ? parameters : null),
        };
        if (!isAsked)
            return (await NoLongerAskedAsync(call, subject, decision, gate, stop), null);
        var approval = await approvals.AskAsync(call, subject, stop);
        return approval.Outcome is ApprovalOutcome.Pending
            ? (decision, new StepWait(approval.Id, approval.ValidUntil))
            : (await gate.AnsweredAsync(decision, approval, isAnswer: asks), null);
    }

    /// <summary>
    /// Where approvals have a step: its place in the plan, and that of its fallback behind all places that a plan can have. People are asked of each, and of neither twice.
    /// </summary>
    internal static int PlaceOf(int planIndex, bool isFallback) => isFallback ? planIndex + Plan.MaxSteps : planIndex;

    internal static int PlaceOf(StepCall call) => PlaceOf(call.PlanIndex, call.IsFallback);

    /// <summary>The skill before which people are always asked.</summary>
    internal const string ApprovalSkillName = "approval";

    // A rule asked, and none does any more. What a person rejected stays rejected all the same.
    private async ValueTask<StepDecision> NoLongerAskedAsync(StepCall call, ApprovalSubject subject, StepDecision decision, GateTurns gate, CancellationToken stop)
    {
        var state = _before[PlaceOf(call)];
        if (state.Status is ApprovalStatus.Rejected)
            return await gate.AnsweredAsync(decision, approvals.Judge(state, subject), isAnswer: false);
        if (state.Status is ApprovalStatus.Pending)
            await approvals.WithdrawAsync(call.Run, state.Id, stop);
        return decision;
    }

    // A rule's terms count before those that the skill's own parameters name.
    private static ApprovalTerms TermsOf(StepDecision decision, CanonicalJson? asking)
    {
        if (asking is null)
            return decision.Terms;
        using var document = JsonDocument.Parse(asking.Bytes, ReferenceResolver.Deep);
        var root = document.RootElement;
        var approvers = root.TryGetProperty("approvers", out var names) && names.ValueKind is JsonValueKind.Array && names.GetArrayLength() > 0
            ? names.EnumerateArray().Select(name => name.GetString()!).ToList()
            : null;
        TimeSpan? validFor = root.TryGetProperty("valid_for_seconds", out var seconds) && seconds.ValueKind is JsonValueKind.Number && seconds.TryGetInt32(out var given)
            && given > 0 ? TimeSpan.FromSeconds(given) : null;
        return new ApprovalTerms(decision.Terms.Approvers ?? approvers, decision.Terms.Needed, decision.Terms.ValidFor ?? validFor);
    }
}
