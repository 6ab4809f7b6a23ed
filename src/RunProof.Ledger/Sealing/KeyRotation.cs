using System.Globalization;
using System.Text;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Ledger;

/// <summary>What a rotation did.</summary>
/// <param name="Old">The key that is retired, under the logs' name.</param>
/// <param name="New">The key in use.</param>
/// <param name="RetiredFile">Where the old private key is now.</param>
/// <param name="HandedOver">Logs that were handed over by this call; those that an interrupted one handed over are not among them.</param>
public sealed record RotatedKeys(NoteKey Old, NoteKey New, string RetiredFile, int HandedOver);

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
    /// Rotates the key of a file: makes the next key's file where there is none, retires the old key so that no log begins with it any more, hands all logs over,
    /// then puts the next key in the place of the old one, which stays beside it as <c>log-signing.key.retired-KEYID</c>. A service that holds the old key waits
    /// from the hand-over on, and goes on when it has read the file again, which it does before each round.
    /// </summary>
    /// <remarks>
    /// A service elsewhere, with a copy of the key file, waits until it is given the new one: it signs nothing with the old key that a log would take. Whatever
    /// interrupts this, running it again goes on where it broke off; it is done when the key file holds the next key.
    /// </remarks>
    /// <param name="path">The key file.</param>
    /// <param name="except">Logs that are left behind: damaged ones, which nobody could continue. They stay the old key's, and halt.</param>
    /// <param name="progress">Is told of each log that was handed over; may be null.</param>
    /// <param name="cancellationToken">Gives up between two logs.</param>
    /// <exception cref="SigningKeyFileException">A key file cannot be used.</exception>
    /// <exception cref="LogHaltedException">Logs are not the old key's to hand over. All others were handed over; the key file is as it was.</exception>
    /// <exception cref="LogStoreException">The store failed.</exception>
    /// <returns>The old and the new public key, under the logs' name, and the logs that this call handed over.</returns>
    public async Task<RotatedKeys> RotateAsync(string path, IReadOnlyCollection<TenantId> except, Action<TenantId>? progress, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(except);
        var old = SigningKeyFile.Load(path);
        SigningKeyFile.TryCreate(path + SigningKeyFile.NextSuffix, options.Name);
        var next = SigningKeyFile.Load(path + SigningKeyFile.NextSuffix);
        if (old.Key.PublicKey.Span.SequenceEqual(next.Key.PublicKey.Span))
            throw new SigningKeyFileException($"{path + SigningKeyFile.NextSuffix} holds the same key as {path}: remove it, and a new one is made");
        await store.RetireAsync(old.Key, cancellationToken).ConfigureAwait(false);
        var handedOver = await HandAllOverAsync(old, next, except, progress, cancellationToken).ConfigureAwait(false);
        var retired = SigningKeyFile.RetiredName(path, old.Key);
        File.Copy(path, retired + ".new", overwrite: true);
        File.Move(retired + ".new", retired, overwrite: true);
        File.Move(path + SigningKeyFile.NextSuffix, path, overwrite: true);
        return new RotatedKeys(old.Under(options.Name).Key, next.Under(options.Name).Key, retired, handedOver);
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

    private async Task<int> HandAllOverAsync(NoteSigner old, NoteSigner next, IReadOnlyCollection<TenantId> except, Action<TenantId>? progress, CancellationToken cancellationToken)
    {
        var handedOver = 0;
        var left = new List<LogHaltedException>();
        foreach (var tenant in (await store.ListLogsAsync(cancellationToken).ConfigureAwait(false)).Except(except))
        {
            try
            {
                if (!await HandOverAsync(tenant, new CheckpointSigner(old), new CheckpointSigner(next), cancellationToken).ConfigureAwait(false))
                    continue;
                handedOver++;
                progress?.Invoke(tenant);
            }
            catch (LogHaltedException e)
            {
                // One tenant's damaged log does not keep the others with a key that may be known to somebody.
                left.Add(e);
            }
        }

        return left.Count == 0 ? handedOver : throw new LogHaltedException(string.Create(CultureInfo.InvariantCulture, $"{left.Count} logs cannot be handed over, so the old key stays in its place: {left[0].Message}"));
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
            // Where witnesses are asked, which a published note with their lines or an older one shows too, the service asks them when it finds the head unpublished.
            Publish = options.WitnessPolicyFile is null && head.Published == head.Checkpoint,
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
