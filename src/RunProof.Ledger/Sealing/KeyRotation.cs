using System.Globalization;
using System.Text;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Ledger;

/// <summary>
/// Hands logs over from one key to the next: each by an entry that both keys sign, under a checkpoint that both sign. Old checkpoints stay verifiable with the
/// old key, whose last tree size is kept. What was done is passed over, so that a rotation that was interrupted is finished by running it again.
/// </summary>
/// <param name="store">The logs.</param>
/// <param name="options">How they are kept.</param>
/// <param name="clock">The time in entries and rows.</param>
public sealed class KeyRotation(ILogStore store, LogOptions options, TimeProvider clock)
{
    /// <summary>
    /// Rotates the key of a file: makes the next key's file where there is none, hands all logs over, then puts the next key in the place of the old one, which
    /// stays beside it as <c>log-signing.key.retired-KEYID</c>. A service that holds the old key waits from the hand-over on, and goes on when it has read the file again.
    /// </summary>
    /// <remarks>A log that begins with the old key while the last lines of this run halts; running it again with the retired key's file in place hands that over too.</remarks>
    /// <param name="path">The key file.</param>
    /// <param name="progress">Is told of each log that was handed over; may be null.</param>
    /// <param name="cancellationToken">Gives up between two logs.</param>
    /// <exception cref="SigningKeyFileException">A key file cannot be used.</exception>
    /// <exception cref="LogHaltedException">A log is not the old key's to hand over.</exception>
    /// <exception cref="LogStoreException">The store failed.</exception>
    /// <returns>The new public key, under the logs' name.</returns>
    public async Task<NoteKey> RotateAsync(string path, Action<TenantId>? progress, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var old = SigningKeyFile.Load(path);
        SigningKeyFile.TryCreate(path + SigningKeyFile.NextSuffix, options.Name);
        var next = SigningKeyFile.Load(path + SigningKeyFile.NextSuffix);
        await HandAllOverAsync(old, next, progress, cancellationToken).ConfigureAwait(false);
        var retired = string.Create(CultureInfo.InvariantCulture, $"{path}.retired-{old.Key.Id:x8}");
        if (!File.Exists(retired))
            File.Copy(path, retired);
        File.Move(path + SigningKeyFile.NextSuffix, path, overwrite: true);
        // Logs that began with the old key while the others were handed over.
        await HandAllOverAsync(old, next, progress, cancellationToken).ConfigureAwait(false);
        return next.Key;
    }

    /// <summary>Hands one log over.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="old">The key in use.</param>
    /// <param name="next">The next one.</param>
    /// <param name="cancellationToken">Gives up; the hand-over is then done whole or not at all.</param>
    /// <exception cref="LogHaltedException">The log is not the old key's to hand over.</exception>
    /// <exception cref="LogStoreException">The store failed; whether the log was handed over is unknown: call again.</exception>
    /// <returns>Whether it was handed over by this call; false where it was before, or has not begun.</returns>
    public async Task<bool> HandOverAsync(TenantId tenant, ICheckpointSigner old, ICheckpointSigner next, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(old);
        ArgumentNullException.ThrowIfNull(next);
        var origin = options.OriginOf(tenant);
        while (true)
        {
            var (head, _) = await store.ReadAsync(tenant, traces: 0, cancellationToken).ConfigureAwait(false);
            if (head.Checkpoint is null || head.Keys.Any(key => key.VerifierKey == next.KeyOf(origin).ToString()))
                return false;
            if (await store.CommitAsync(Step(head, origin, old, next), cancellationToken).ConfigureAwait(false))
                return true;
        }
    }

    private async Task HandAllOverAsync(NoteSigner old, NoteSigner next, Action<TenantId>? progress, CancellationToken cancellationToken)
    {
        foreach (var tenant in await store.ListLogsAsync(cancellationToken).ConfigureAwait(false))
        {
            if (await HandOverAsync(tenant, new CheckpointSigner(old), new CheckpointSigner(next), cancellationToken).ConfigureAwait(false))
                progress?.Invoke(tenant);
        }
    }

    private LogCommit Step(LogHead head, string origin, ICheckpointSigner old, ICheckpointSigner next)
    {
        var tree = HeadCheck.Continue(head, origin, old.KeyOf(origin));
        var time = clock.GetUtcNow();
        var entry = KeyHandOver.Make(head.Tenant, old.KeyOf(origin), next.KeyOf(origin), text => (old.Sign(origin, text), next.Sign(origin, text)), time);
        var text = Encoding.UTF8.GetString(CanonicalBytes.Of(entry));
        tree.Append(Encoding.UTF8.GetBytes(text));
        var checkpoint = new Checkpoint(origin, tree.Size, tree.Root()).Text;
        var retired = head.Keys.FirstOrDefault(key => key.VerifierKey == old.KeyOf(origin).ToString()) ?? new LogKey(old.KeyOf(origin).ToString(), FromSize: 1, UntilSize: null, time);
        return new LogCommit
        {
            Tenant = head.Tenant,
            Origin = origin,
            Before = head.Checkpoint,
            Checkpoint = new SignedNote(checkpoint, [old.Sign(origin, checkpoint), next.Sign(origin, checkpoint)]).ToString(),
            // Where witnesses are asked, the service does so when it finds the head unpublished.
            Publish = options.WitnessPolicyFile is null,
            Size = tree.Size,
            Edge = tree.Edge,
            Entries = [new LoggedEntry(tree.Size - 1, LogEntryKind.Rotated, TraceId: null, RunId: null, text)],
            Tiles = tree.TakeTiles(),
            Quarantine = [],
            Keys = [retired with { UntilSize = tree.Size }, new LogKey(next.KeyOf(origin).ToString(), tree.Size, UntilSize: null, time)],
            Time = time,
        };
    }
}
