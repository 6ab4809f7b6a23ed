using System.Text;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Verification;

namespace RunProof.Ledger;

/// <summary>Reads what a tenant's log says of a trace, so that a verifier can hold the trace against it.</summary>
/// <param name="log">The log.</param>
/// <param name="signer">The operator's key, where this service holds it: then a checkpoint must be signed by it, whatever the store says the log's keys are.</param>
public sealed class LogEvidenceReader(ILogReader log, Func<ICheckpointSigner?> signer)
{
    /// <summary>Reads: the head, the trace's entries, one path for each that the published checkpoint covers.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="trace">The trace's id.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LogStoreException">The store failed.</exception>
    /// <returns>The evidence; nothing of it has been checked.</returns>
    public async Task<LogEvidence> ReadAsync(TenantId tenant, string trace, CancellationToken cancellationToken)
    {
        // The trace before the head: what was entered in between is then covered, not missing.
        var place = await log.FindTraceAsync(tenant, trace, cancellationToken).ConfigureAwait(false);
        var head = await log.FindAsync(tenant, cancellationToken).ConfigureAwait(false);
        var checkpoint = head?.Published is { } published && SignedNote.TryParse(Encoding.UTF8.GetBytes(published), out var note, out _) ? note : null;
        var size = checkpoint is not null && Checkpoint.TryParse(checkpoint.Text, out var text, out _) ? text.Size : 0;
        var keys = checkpoint is null ? [] : signer() is not { } own ? await KeysAsync(tenant, size, cancellationToken).ConfigureAwait(false) : OwnKey(own, head!.Origin);
        return new LogEvidence
        {
            Checkpoint = checkpoint,
            Keys = keys,
            Opened = await EntryAsync(LogEntryKind.Opened).ConfigureAwait(false),
            Sealed = await EntryAsync(LogEntryKind.Sealed).ConfigureAwait(false),
            AwaitsOpened = Awaits(LogEntryKind.Opened),
            AwaitsSealed = Awaits(LogEntryKind.Sealed),
            Refused = place.Quarantined.Count > 0 ? place.Quarantined[0].Message : null,
        };

        bool Awaits(LogEntryKind kind) =>
            place.Queued.Any(entry => entry.Kind == kind) || place.Entries.Any(entry => entry.Kind == kind && entry.Position >= size);

        async Task<EntryInLog?> EntryAsync(LogEntryKind kind)
        {
            if (place.Entries.FirstOrDefault(entry => entry.Kind == kind && entry.Position >= 0 && entry.Position < size) is not { } entry)
                return null;
            try
            {
                return new EntryInLog(entry.Position, entry.Text, await TileProofs.InclusionAsync(log, tenant, entry.Position, size, cancellationToken).ConfigureAwait(false));
            }
            catch (LogStoreException e) when (!e.IsTransient)
            {
                // Without a tile there is no path, and the judge finds that the entry does not lead to the root.
                return new EntryInLog(entry.Position, entry.Text, [MerkleTree.EmptyRoot]);
            }
        }
    }

    private static IReadOnlyList<INoteVerifier> OwnKey(ICheckpointSigner signer, string origin) =>
        NoteVerifier.TryCreate(signer.KeyOf(origin), out var verifier, out _) ? [verifier] : [];

    private async Task<IReadOnlyList<INoteVerifier>> KeysAsync(TenantId tenant, long size, CancellationToken cancellationToken)
    {
        var verifiers = new List<INoteVerifier>();
        foreach (var key in await log.ReadKeysAsync(tenant, cancellationToken).ConfigureAwait(false))
        {
            var signs = key.FromSize <= size && (key.UntilSize is null || size <= key.UntilSize);
            if (signs && NoteKey.TryParse(key.VerifierKey, out var parsed, out _) && NoteVerifier.TryCreate(parsed, out var verifier, out _))
                verifiers.Add(verifier);
        }

        return verifiers;
    }
}
