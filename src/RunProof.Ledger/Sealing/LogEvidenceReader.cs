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
    private const int MaxRotations = 100;

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
        var keys = checkpoint is null ? [] : signer() is { } own ? await OwnKeysAsync(tenant, own.KeyOf(head!.Origin), checkpoint, size, cancellationToken).ConfigureAwait(false) : await KeysAsync(tenant, size, cancellationToken).ConfigureAwait(false);
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

    /// <summary>
    /// The service's own key; and, where that did not sign, those that hand-overs with both keys' signatures lead to from it: a service holds the old key until it
    /// reads its file again, and what witnesses keep waiting was signed with the one before.
    /// </summary>
    private async Task<IReadOnlyList<INoteVerifier>> OwnKeysAsync(TenantId tenant, NoteKey own, SignedNote checkpoint, long size, CancellationToken cancellationToken)
    {
        var trusted = new HashSet<NoteKey> { own };
        if (!Signed(checkpoint, own))
        {
            var rotations = await RotationsAsync(tenant, cancellationToken).ConfigureAwait(false);
            // Whichever way: an old key signs no tree beyond the hand-over, a new one none before it.
            for (var grown = true; grown;)
                grown = rotations.Count(each => (size <= each.Size && trusted.Contains(each.New) && trusted.Add(each.Old)) || (size >= each.Size && trusted.Contains(each.Old) && trusted.Add(each.New))) > 0;
        }

        var verifiers = new List<INoteVerifier>();
        foreach (var key in trusted)
        {
            if (NoteVerifier.TryCreate(key, out var verifier, out _))
                verifiers.Add(verifier);
        }

        return verifiers;
    }

    private static bool Signed(SignedNote note, NoteKey key) => note.Signatures.Any(line => line.KeyId == key.Id && line.Name == key.Name);

    /// <summary>The hand-overs that both their keys signed. The table of keys only says where to look.</summary>
    private async Task<List<(NoteKey Old, NoteKey New, long Size)>> RotationsAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        var rotations = new List<(NoteKey Old, NoteKey New, long Size)>();
        foreach (var key in (await log.ReadKeysAsync(tenant, cancellationToken).ConfigureAwait(false)).Where(static key => key.FromSize > 1).Take(MaxRotations))
        {
            await foreach (var entry in log.ReadEntriesAsync(tenant, key.FromSize - 1, 1, cancellationToken).ConfigureAwait(false))
            {
                if (CanonicalBytes.TryRead<RotatedEntry>(Encoding.UTF8.GetBytes(entry.Text), out var rotated, out _) && rotated.TenantId == tenant && KeyHandOver.Verify(rotated, out _)
                    && NoteKey.TryParse(rotated.OldKey, out var old, out _) && NoteKey.TryParse(rotated.NewKey, out var next, out _))
                    rotations.Add((old, next, key.FromSize));
            }
        }

        return rotations;
    }

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
