using System.Buffers;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>What an approval means for the action that is about to be executed.</summary>
public enum ApprovalOutcome
{
    /// <summary>Nobody has decided yet.</summary>
    Pending,

    /// <summary>This very action was approved, by as many as must.</summary>
    Granted,

    /// <summary>It was rejected.</summary>
    Rejected,

    /// <summary>Nobody decided in time, or it was not used in time.</summary>
    Expired,

    /// <summary>People were asked about another action, or shown another, or others decided than the rule names.</summary>
    Mismatch,
}

/// <summary>
/// An approval held against the action that is about to be executed. The recorder writes it into the step's context as the member <c>approval</c>: who decided what,
/// when, why, having seen what.
/// </summary>
public sealed class StepApproval
{
    private readonly ApprovalState _state;
    private readonly Digest _action;
    private readonly Digest _shown;

    private StepApproval(ApprovalState state, Digest action, Digest shown, ApprovalOutcome outcome, DateTimeOffset? usedSince = null)
    {
        (_state, _action, _shown, Outcome) = (state, action, shown, outcome);
        Evidence = Encode(usedSince);
    }

    /// <summary>What it means.</summary>
    public ApprovalOutcome Outcome { get; }

    /// <summary>The approval's id.</summary>
    public string Id => _state.Id;

    /// <summary>Until when it may be given, and used.</summary>
    public DateTimeOffset ValidUntil => _state.ValidUntil;

    /// <summary>The last decision; null where there is none.</summary>
    public ApprovalDecision? Last => _state.Decisions.Count == 0 ? null : _state.Decisions[^1];

    /// <summary>As it stands in evidence: a canonical JSON object.</summary>
    public CanonicalJson Evidence { get; }

    /// <summary>The code of a step that it keeps from being executed; null where it does not.</summary>
    public string? BlockedCode => Outcome switch
    {
        ApprovalOutcome.Granted => null,
        ApprovalOutcome.Rejected => "approval_rejected",
        ApprovalOutcome.Expired => "approval_expired",
        ApprovalOutcome.Mismatch => "approval_mismatch",
        _ => "approval_required",
    };

    /// <summary>What it means, in words.</summary>
    public string Words => Outcome switch
    {
        ApprovalOutcome.Granted => $"approved by {Last!.ByName}",
        ApprovalOutcome.Rejected => $"rejected by {Last?.ByName}{(Last?.Reason is { } reason ? ": " + reason : "")}",
        ApprovalOutcome.Expired => $"nobody approved before {WireTime.ToText(WireTime.Truncate(ValidUntil))}, or the approval was not used by then",
        ApprovalOutcome.Mismatch => "people were asked about another action than the one that was about to be executed",
        _ => "nobody has decided yet",
    };

    /// <summary>Holds an approval against an action.</summary>
    /// <param name="state">The approval.</param>
    /// <param name="subject">The action that is about to be executed.</param>
    /// <param name="redactor">As for <see cref="ApprovalSubject.Shown"/>.</param>
    /// <returns>What the one means for the other.</returns>
    public static StepApproval Judge(ApprovalState state, ApprovalSubject subject, IRedactor redactor)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(subject);
        var action = state.Salt is { } salt ? subject.ActionDigest(salt.Span) : default;
        var shown = ApprovalSubject.ShownDigest(subject.Shown(action, state.Because, state.ValidUntil, redactor).Bytes.Span);
        var isSame = state.Salt is not null && action == state.ActionDigest && shown == state.ShownDigest && state.Decisions.All(decision => decision.ShownDigest == shown);
        return new StepApproval(state, action, shown, OutcomeOf(state, subject.Terms, isSame));
    }

    /// <summary>The same approval, not used in time.</summary>
    /// <returns>An approval that is over.</returns>
    public StepApproval TooLate() => new(_state, _action, _shown, ApprovalOutcome.Expired);

    /// <summary>The same approval, used.</summary>
    /// <param name="since">When the first attempt that was about to begin under it was noted.</param>
    /// <returns>An approval that says so.</returns>
    public StepApproval UsedSince(DateTimeOffset since) => new(_state, _action, _shown, Outcome, since);

    // A rejection and an expiry stand whatever was rejected: they let nothing be executed.
    private static ApprovalOutcome OutcomeOf(ApprovalState state, ApprovalTerms terms, bool isSame) => state.Status switch
    {
        ApprovalStatus.Rejected => ApprovalOutcome.Rejected,
        ApprovalStatus.Expired or ApprovalStatus.Withdrawn => ApprovalOutcome.Expired,
        _ when !isSame => ApprovalOutcome.Mismatch,
        ApprovalStatus.Pending => ApprovalOutcome.Pending,
        _ => IsEnough(state.Decisions, terms) ? ApprovalOutcome.Granted : ApprovalOutcome.Mismatch,
    };

    private static bool IsEnough(IReadOnlyList<ApprovalDecision> decisions, ApprovalTerms terms) =>
        decisions.All(decision => decision.IsApproval && (terms.Approvers is null || terms.Approvers.Contains(decision.ByName, StringComparer.Ordinal)))
        && decisions.Select(decision => decision.ByName).Distinct(StringComparer.Ordinal).Count() >= terms.Needed;

    private string Word => Outcome is ApprovalOutcome.Mismatch ? "mismatch" : Outcome is ApprovalOutcome.Expired ? "expired" : ApprovalWords.Of(_state.Status);

    // All that the store has of it, so that the one can be held against the other. Members in the order of their names, as canonical JSON wants them.
    private CanonicalJson Encode(DateTimeOffset? usedSince)
    {
        var buffer = new ArrayBufferWriter<byte>(384);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{\"action_digest\":"u8);
        _state.ActionDigest.WriteCanonical(ref writer);
        writer.WriteRaw(",\"at\":"u8);
        Write(ref writer, Last is { } last ? WireTime.ToText(WireTime.Truncate(last.At)) : null);
        writer.WriteRaw(",\"attempt\":"u8);
        writer.WriteInt32(_state.Attempt);
        writer.WriteRaw(",\"because\":"u8);
        writer.WriteString(_state.Because);
        writer.WriteRaw(",\"by\":"u8);
        Write(ref writer, Last?.ByName);
        if (_state.DecidedAt is { } decided)
            Write(ref writer, ",\"decided_at\":"u8, decided);
        if (Outcome is ApprovalOutcome.Mismatch)
            WriteExpected(ref writer);
        if (Word != ApprovalWords.Of(_state.Status))
        {
            writer.WriteRaw(",\"found\":"u8);
            writer.WriteString(ApprovalWords.Of(_state.Status));
        }

        writer.WriteRaw(",\"id\":"u8);
        writer.WriteString(Id);
        writer.WriteRaw(",\"key\":"u8);
        Write(ref writer, Last?.ByKey);
        if (_state.Decisions.Count > 1)
            WriteOthers(ref writer);
        writer.WriteRaw(",\"reason\":"u8);
        Write(ref writer, Last?.Reason);
        writer.WriteRaw(",\"requested_at\":"u8);
        writer.WriteString(WireTime.ToText(WireTime.Truncate(_state.RequestedAt)));
        writer.WriteRaw(",\"shown_digest\":"u8);
        _state.ShownDigest.WriteCanonical(ref writer);
        writer.WriteRaw(",\"status\":"u8);
        writer.WriteString(Word);
        if (usedSince is { } since)
            Write(ref writer, ",\"used_at\":"u8, since);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    private void WriteExpected(ref CanonicalWriter writer)
    {
        writer.WriteRaw(",\"expected\":{\"action_digest\":"u8);
        _action.WriteCanonical(ref writer);
        writer.WriteRaw(",\"shown_digest\":"u8);
        _shown.WriteCanonical(ref writer);
        writer.WriteRaw("}"u8);
    }

    private void WriteOthers(ref CanonicalWriter writer)
    {
        writer.WriteRaw(",\"others\":["u8);
        for (var i = 0; i < _state.Decisions.Count - 1; i++)
        {
            var one = _state.Decisions[i];
            writer.WriteRaw(i == 0 ? "{\"at\":"u8 : ",{\"at\":"u8);
            writer.WriteString(WireTime.ToText(WireTime.Truncate(one.At)));
            writer.WriteRaw(",\"by\":"u8);
            writer.WriteString(one.ByName);
            writer.WriteRaw(",\"decision\":"u8);
            writer.WriteString(one.IsApproval ? "approved" : "rejected");
            writer.WriteRaw(",\"key\":"u8);
            writer.WriteString(one.ByKey);
            writer.WriteRaw(",\"reason\":"u8);
            Write(ref writer, one.Reason);
            writer.WriteRaw("}"u8);
        }

        writer.WriteRaw("]"u8);
    }

    private static void Write(ref CanonicalWriter writer, ReadOnlySpan<byte> name, DateTimeOffset time)
    {
        writer.WriteRaw(name);
        writer.WriteString(WireTime.ToText(WireTime.Truncate(time)));
    }

    private static void Write(ref CanonicalWriter writer, string? text)
    {
        if (text is null)
            writer.WriteNull();
        else
            writer.WriteString(text);
    }
}
