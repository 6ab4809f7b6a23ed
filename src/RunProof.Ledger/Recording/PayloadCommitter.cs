using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// Turns the payloads of one record into what may be stored: redacts each, then salts and commits. Remembers what was removed, so that the
/// record's context can say so. One a record.
/// </summary>
internal ref struct PayloadCommitter(IRedactor redactor, ISaltSource salts)
{
    private List<RedactionNote>? _notes;

    /// <summary>Redacts and commits to a payload.</summary>
    /// <param name="payload">As executed.</param>
    /// <param name="name">Its column, the first part of a removal's place.</param>
    /// <param name="places">Places that go whatever is there.</param>
    internal CommittedPayload Commit(CanonicalJson payload, string name, IReadOnlyList<PlaceRedaction>? places = null) => Salt(Redact(payload, name, places));

    /// <inheritdoc cref="Commit"/>
    internal CommittedPayload? CommitOptional(CanonicalJson? payload, string name, IReadOnlyList<PlaceRedaction> places) =>
        payload is null ? null : Commit(payload, name, places);

    /// <summary>Commits to a step's open object, with its decision and a note of every removal so far. Call it last.</summary>
    /// <param name="context">A JSON object or null.</param>
    /// <param name="name">Its column.</param>
    /// <param name="decision">The decision; it is not redacted: a policy's words are the operator's own.</param>
    /// <param name="logOpening">The proof that the trace's opening is in the log, or null; not redacted either.</param>
    internal CommittedPayload CommitWithDecision(CanonicalJson? context, string name, StepDecision decision, string? logOpening = null)
    {
        var decided = DecisionMember.AddTo(context is null ? null : Redact(context, name), decision, logOpening);
        return Salt(_notes is null ? decided : RedactionNote.AddTo(decided, _notes));
    }

    /// <summary>Commits to the record's open object, with a note of every removal so far. Call it last.</summary>
    /// <param name="context">A JSON object or null.</param>
    /// <param name="name">Its column.</param>
    internal CommittedPayload? CommitWithNotes(CanonicalJson? context, string name)
    {
        var redacted = context is null ? null : Redact(context, name);
        if (_notes is not null)
            redacted = RedactionNote.AddTo(redacted, _notes);
        return redacted is null ? null : Salt(redacted);
    }

    private CanonicalJson Redact(CanonicalJson payload, string name, IReadOnlyList<PlaceRedaction>? places = null)
    {
        if (places is { Count: > 0 })
            payload = Note(PlaceRedaction.Apply(payload, places), name);
        return Note(redactor.Redact(payload), name);
    }

    private CanonicalJson Note(RedactionResult result, string name)
    {
        foreach (var removal in result.Removals)
            (_notes ??= []).Add(new RedactionNote(RedactionNote.Join(name, removal.Place), removal.Rule));
        return result.Payload;
    }

    private readonly CommittedPayload Salt(CanonicalJson payload)
    {
        var salt = new byte[Commitment.SaltLength];
        salts.Fill(salt);
        return new CommittedPayload(payload.Bytes, salt, Commitment.To(salt, payload.Bytes.Span));
    }
}
