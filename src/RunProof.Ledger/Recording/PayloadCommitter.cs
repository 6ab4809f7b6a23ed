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
    internal CommittedPayload Commit(CanonicalJson payload, string name) => Salt(Redact(payload, name));

    /// <inheritdoc cref="Commit"/>
    internal CommittedPayload? CommitOptional(CanonicalJson? payload, string name) => payload is null ? null : Commit(payload, name);

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

    private CanonicalJson Redact(CanonicalJson payload, string name)
    {
        var result = redactor.Redact(payload);
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
