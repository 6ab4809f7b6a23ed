using System.Buffers;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// The action that people are asked about. Two digests tie their decision to it: one of the exact action as it will be executed, with a salt, so that a short secret in
/// it cannot be found by trying; and one of the text that they are shown, in which secrets are redacted and the first digest stands. Who holds the text can check
/// the second; the runner computes both anew before it executes.
/// </summary>
public sealed record ApprovalSubject
{
    /// <summary>The run.</summary>
    public required Run Run { get; init; }

    /// <summary>The step, by its place in the plan.</summary>
    public required int PlanIndex { get; init; }

    /// <summary>The step's id in the plan.</summary>
    public required string StepId { get; init; }

    /// <summary>The key under which the step's effect happens once.</summary>
    public required string IdempotencyKey { get; init; }

    /// <summary>The skill.</summary>
    public required string Skill { get; init; }

    /// <summary>Its version.</summary>
    public required string SkillVersion { get; init; }

    /// <summary>The fingerprint of its schema.</summary>
    public required Digest Schema { get; init; }

    /// <summary>The parameters as they will be executed.</summary>
    public required CanonicalJson Parameters { get; init; }

    /// <summary>What the policies decided; its rule and reason are shown, and the places that it takes out of evidence are not.</summary>
    public required StepDecision Decision { get; init; }

    /// <summary>How it must be approved.</summary>
    public required ApprovalTerms Terms { get; init; }

    /// <summary>The trace of the run's attempt.</summary>
    public TraceId TraceId => TraceId.Of(Run.Id, Run.Attempts);

    /// <summary>H("runproof/v1/action\n" ‖ salt ‖ canonical exact action).</summary>
    /// <param name="salt">16 bytes.</param>
    /// <returns>The digest.</returns>
    public Digest ActionDigest(ReadOnlySpan<byte> salt)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        buffer.Write("runproof/v1/action\n"u8);
        buffer.Write(salt);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{\"idempotency_key\":"u8);
        writer.WriteString(IdempotencyKey);
        writer.WriteRaw(",\"params\":"u8);
        writer.WriteJson(Parameters);
        WriteCommon(ref writer, null);
        writer.WriteRaw(",\"tenant_id\":"u8);
        writer.WriteString(Run.TenantId.Value);
        writer.WriteRaw(",\"trace_id\":"u8);
        writer.WriteString(TraceId.Value);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return Digest.Of(buffer.WrittenSpan);
    }

    /// <summary>What people are shown, as canonical JSON.</summary>
    /// <param name="action">The action's digest.</param>
    /// <param name="because">Why they are asked, where a rule asks: its reason at that time, which may tell how much of a budget was used.</param>
    /// <param name="validUntil">Until when they may decide.</param>
    /// <param name="redactor">Takes secrets out of the parameters, as it does for evidence.</param>
    /// <returns>A JSON object.</returns>
    public CanonicalJson Shown(Digest action, string because, DateTimeOffset validUntil, IRedactor redactor)
    {
        ArgumentNullException.ThrowIfNull(redactor);
        var parameters = redactor.Redact(PlaceRedaction.Apply(Parameters, Decision.ParameterRedactions).Payload).Payload;
        var buffer = new ArrayBufferWriter<byte>(512);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{\"action_digest\":"u8);
        action.WriteCanonical(ref writer);
        writer.WriteRaw(",\"agent_id\":"u8);
        writer.WriteString(Run.AgentId.Value);
        writer.WriteRaw(",\"approvers\":"u8);
        WriteApprovers(ref writer);
        writer.WriteRaw(",\"goal\":"u8);
        writer.WriteString(Run.Goal);
        writer.WriteRaw(",\"idempotency_key\":"u8);
        writer.WriteString(IdempotencyKey);
        writer.WriteRaw(",\"needed\":"u8);
        writer.WriteInt32(Terms.Needed);
        writer.WriteRaw(",\"params\":"u8);
        writer.WriteJson(parameters);
        WriteCommon(ref writer, because);
        writer.WriteRaw(",\"trace_id\":"u8);
        writer.WriteString(TraceId.Value);
        writer.WriteRaw(",\"valid_until\":"u8);
        writer.WriteString(WireTime.ToText(WireTime.Truncate(validUntil)));
        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    /// <summary>H("runproof/v1/approval\n" ‖ text).</summary>
    /// <param name="shown">What people are shown, as it was given out.</param>
    /// <returns>The digest.</returns>
    public static Digest ShownDigest(ReadOnlySpan<byte> shown)
    {
        var bytes = new byte["runproof/v1/approval\n"u8.Length + shown.Length];
        "runproof/v1/approval\n"u8.CopyTo(bytes);
        shown.CopyTo(bytes.AsSpan("runproof/v1/approval\n"u8.Length));
        return Digest.Of(bytes);
    }

    private void WriteApprovers(ref CanonicalWriter writer)
    {
        if (Terms.Approvers is not { } approvers)
        {
            writer.WriteNull();
            return;
        }

        writer.WriteRaw("["u8);
        for (var i = 0; i < approvers.Count; i++)
        {
            if (i > 0)
                writer.WriteRaw(","u8);
            writer.WriteString(approvers[i]);
        }

        writer.WriteRaw("]"u8);
    }

    // From plan_index to skill_version; the step's id and the reason are words for people.
    private void WriteCommon(ref CanonicalWriter writer, string? because)
    {
        writer.WriteRaw(",\"plan_index\":"u8);
        writer.WriteInt32(PlanIndex);
        if (because is not null)
        {
            writer.WriteRaw(",\"plan_step\":"u8);
            writer.WriteString(StepId);
        }

        writer.WriteRaw(",\"policy\":"u8);
        WritePolicy(ref writer, because);
        writer.WriteRaw(",\"run_id\":"u8);
        writer.WriteString(Run.Id.Value);
        writer.WriteRaw(",\"schema\":"u8);
        Schema.WriteCanonical(ref writer);
        writer.WriteRaw(",\"skill\":"u8);
        writer.WriteString(Skill);
        writer.WriteRaw(",\"skill_version\":"u8);
        writer.WriteString(SkillVersion);
    }

    // Only of a rule that asks: whether another rule lets the action through is decided anew when it is executed.
    private void WritePolicy(ref CanonicalWriter writer, string? because)
    {
        if (Decision.Kind is not StepDecisionKind.ApprovalRequired || Decision.Rule is not { } rule)
        {
            writer.WriteNull();
            return;
        }

        writer.WriteRaw("{\"digest\":"u8);
        rule.Digest.WriteCanonical(ref writer);
        writer.WriteRaw(",\"policy\":"u8);
        writer.WriteString(rule.Policy);
        if (because is not null)
        {
            writer.WriteRaw(",\"reason\":"u8);
            writer.WriteString(because);
        }

        writer.WriteRaw(",\"rule\":"u8);
        writer.WriteString(rule.Rule ?? "");
        writer.WriteRaw(",\"version\":"u8);
        writer.WriteString(rule.Version);
        writer.WriteRaw("}"u8);
    }
}
