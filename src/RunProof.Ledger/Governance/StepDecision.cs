using System.Buffers;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>What was decided of an attempt before it could begin.</summary>
public enum StepDecisionKind
{
    /// <summary>It may be executed.</summary>
    Allowed,

    /// <summary>It may be executed, within a limit.</summary>
    Limited,

    /// <summary>It may be executed; named places of it are removed from evidence.</summary>
    Redacted,

    /// <summary>It may not be executed.</summary>
    Denied,

    /// <summary>It may not be executed unless somebody approves.</summary>
    ApprovalRequired,

    /// <summary>It never came to a decision: nothing was executed, or by a process that died with what it had decided.</summary>
    Undecided,

    /// <summary>It was executed by somebody else, whom no policy of ours binds.</summary>
    NotGoverned,

    /// <summary>It may be executed: a rule asked for people, and they approved this very action.</summary>
    Approved,
}

/// <summary>
/// The decision that a step was executed, or refused, by. No step can be recorded without one, and only the gate of <c>RunProof.Policies</c> makes one that lets
/// the engine execute anything; the recorder writes it into the step's context as the member <c>policy</c>, so nobody can leave it out.
/// </summary>
public sealed class StepDecision : IEquatable<StepDecision>
{
    private static readonly string[] Words = ["allowed", "limited", "redacted", "denied", "approval_required", "undecided", "not_governed", "approved"];

    internal StepDecision(StepDecisionKind kind, string reason, DecidingRule? rule, DecisionEffects effects, StepApproval? approval = null)
    {
        (Kind, Reason, Rule, Effects, Approval) = (kind, reason, rule, effects, approval);
        Evidence = Encode();
    }

    /// <summary>What was decided.</summary>
    public StepDecisionKind Kind { get; }

    /// <summary>Why, in a sentence. It goes into evidence as it is.</summary>
    public string Reason { get; }

    /// <summary>The rule that decided; null where none did.</summary>
    public DecidingRule? Rule { get; }

    /// <summary>Whether the engine may execute the attempt.</summary>
    public bool MayExecute => Kind is StepDecisionKind.Allowed or StepDecisionKind.Limited or StepDecisionKind.Redacted or StepDecisionKind.Approved;

    /// <summary>The code of a step that may not be executed: <c>policy_denied</c>, <c>policy_unavailable</c>, <c>approval_required</c>,
    /// <c>approval_rejected</c>, <c>approval_expired</c>, <c>approval_mismatch</c>, <c>budget_exceeded</c>, <c>kill_switch</c>; null where it may.</summary>
    public string? BlockedCode => Effects.BlockedCode;

    /// <summary>Whether the run goes on after a step that may not be executed. Default: it halts.</summary>
    public bool RunGoesOn => Effects.RunGoesOn;

    /// <summary>The kill switch that keeps it from being executed, and ends the run; null where none does.</summary>
    public KillSwitch? KilledBy => Effects.Kill;

    /// <summary>Milliseconds that the attempt may take at most; null where no rule says.</summary>
    public int? TimeoutMs => Effects.TimeoutMs;

    /// <summary>The decision as it stands in evidence: a canonical JSON object.</summary>
    public CanonicalJson Evidence { get; }

    /// <summary>Places of the parameters that the recorder takes out of evidence.</summary>
    public IReadOnlyList<PlaceRedaction> ParameterRedactions => Effects.Parameters;

    /// <summary>Places of the outcome that the recorder takes out of evidence.</summary>
    public IReadOnlyList<PlaceRedaction> OutcomeRedactions => Effects.Outcome;

    /// <summary>How people must approve it, where it may not be executed without.</summary>
    public ApprovalTerms Terms => Effects.Terms ?? ApprovalTerms.Usual;

    /// <summary>What people decided of it; null where none were asked. The recorder adds it to the context under <c>approval</c>.</summary>
    public StepApproval? Approval { get; }

    internal DecisionEffects Effects { get; }

    /// <summary>The decision once people were asked.</summary>
    /// <param name="approval">What they decided of this very action.</param>
    /// <param name="isAnswer">Whether a rejection is an answer like any other, and the skill may be told of it: where only the skill asked.</param>
    internal StepDecision With(StepApproval approval, bool isAnswer)
    {
        if (Kind is StepDecisionKind.ApprovalRequired && approval.Outcome is ApprovalOutcome.Granted)
            return new StepDecision(StepDecisionKind.Approved, Reason, Rule, Effects.WhenApproved(), approval);
        if (Kind is StepDecisionKind.ApprovalRequired || MayExecute && approval.Outcome is not ApprovalOutcome.Granted && !(isAnswer && approval.Outcome is ApprovalOutcome.Rejected))
            return new StepDecision(StepDecisionKind.ApprovalRequired, Reason, Rule, Effects with { Counted = [], BlockedCode = approval.BlockedCode }, approval);
        return new StepDecision(Kind, Reason, Rule, Effects, approval);
    }

    /// <summary>A step that somebody else executed and handed in. The recorder refuses it for a step whose source is the engine.</summary>
    /// <param name="reason">Why no policy decided; 1 to 500 characters, into evidence.</param>
    /// <exception cref="ArgumentException">There is no reason, or it is too long.</exception>
    /// <returns>The decision.</returns>
    public static StepDecision NotGoverned(string reason)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        if (reason.Length > 500)
            throw new ArgumentException("a reason has at most 500 characters", nameof(reason));
        return new StepDecision(StepDecisionKind.NotGoverned, reason, null, DecisionEffects.None);
    }

    /// <inheritdoc/>
    public bool Equals(StepDecision? other) =>
        ReferenceEquals(this, other)
        || (other is not null && Evidence.Equals(other.Evidence) && Equals(Approval?.Evidence, other.Approval?.Evidence) && RunGoesOn == other.RunGoesOn && TimeoutMs == other.TimeoutMs
            && Effects.Parameters.SequenceEqual(other.Effects.Parameters) && Effects.Outcome.SequenceEqual(other.Effects.Outcome));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as StepDecision);

    /// <inheritdoc/>
    public override int GetHashCode() => Evidence.GetHashCode();

    /// <summary>The decision as it stands in evidence.</summary>
    /// <returns>JSON.</returns>
    public override string ToString() => Evidence.ToString();

    // Members in the order of their names, as canonical JSON wants them.
    private CanonicalJson Encode()
    {
        var buffer = new ArrayBufferWriter<byte>(192);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{\"decision\":"u8);
        writer.WriteString(Words[(int)Kind]);
        if (Rule is { } decided)
        {
            writer.WriteRaw(",\"digest\":"u8);
            decided.Digest.WriteCanonical(ref writer);
        }

        WriteLimits(ref writer);
        if (RunGoesOn)
            writer.WriteRaw(",\"on_block\":\"continue\""u8);
        if (Effects.PoliciesSince is { } policies)
        {
            writer.WriteRaw(",\"policies\":"u8);
            writer.WriteJson(policies);
        }

        if (Rule is not null)
        {
            writer.WriteRaw(",\"policy\":"u8);
            writer.WriteString(Rule.Policy);
        }

        writer.WriteRaw(",\"reason\":"u8);
        writer.WriteString(Reason);
        if (Effects.Reserved is { } reserved)
        {
            writer.WriteRaw(",\"reserved\":"u8);
            writer.WriteJson(reserved);
        }

        WriteRule(ref writer);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    private void WriteRule(ref CanonicalWriter writer)
    {
        if (Rule is null)
            return;
        writer.WriteRaw(",\"rule\":"u8);
        if (Rule.Rule is null)
            writer.WriteNull();
        else
            writer.WriteString(Rule.Rule);
        writer.WriteRaw(",\"version\":"u8);
        writer.WriteString(Rule.Version);
    }

    private void WriteLimits(ref CanonicalWriter writer)
    {
        if (Effects.Counted.Count == 0)
            return;
        writer.WriteRaw(",\"limits\":["u8);
        for (var i = 0; i < Effects.Counted.Count; i++)
        {
            if (i > 0)
                writer.WriteRaw(","u8);
            writer.WriteString(Effects.Counted[i]);
        }

        writer.WriteRaw("]"u8);
    }
}

/// <summary>The rule that decided.</summary>
/// <param name="Policy">The policy's name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Digest">Its document's digest.</param>
/// <param name="Rule">The rule's id; null where the policy's default decided.</param>
public sealed record DecidingRule(string Policy, string Version, Digest Digest, string? Rule);

/// <summary>What follows from a decision.</summary>
internal sealed record DecisionEffects
{
    internal static readonly DecisionEffects None = new();

    /// <summary>The code of a step that may not be executed.</summary>
    internal string? BlockedCode { get; init; }

    internal bool RunGoesOn { get; init; }

    /// <summary>The kill switch that stops it.</summary>
    internal KillSwitch? Kill { get; init; }

    /// <summary>How people must approve, where they must.</summary>
    internal ApprovalTerms? Terms { get; init; }

    /// <summary>The limits that an attempt counts towards that needs an approval and has it.</summary>
    internal IReadOnlyList<string> CountedWhenApproved { get; init; } = [];

    internal int? TimeoutMs { get; init; }

    /// <summary>What budgets keep for the attempt until it is recorded: the canonical object of evidence; null for nothing.</summary>
    internal CanonicalJson? Reserved { get; init; }

    /// <summary>Places of the parameters that evidence does not show.</summary>
    internal IReadOnlyList<PlaceRedaction> Parameters { get; init; } = [];

    /// <summary>Places of the outcome that evidence does not show.</summary>
    internal IReadOnlyList<PlaceRedaction> Outcome { get; init; } = [];

    /// <summary>The limits that this attempt counts towards, <c>policy/rule</c> each: whoever continues the run after a crash counts on from them.</summary>
    internal IReadOnlyList<string> Counted { get; init; } = [];

    internal DecisionEffects WhenApproved() => this with { BlockedCode = null, RunGoesOn = false, Counted = CountedWhenApproved, CountedWhenApproved = [] };

    /// <summary>The policies in force, by name with their digests, where they are not (known to be) the ones that the trace's header names.</summary>
    internal CanonicalJson? PoliciesSince { get; init; }
}
