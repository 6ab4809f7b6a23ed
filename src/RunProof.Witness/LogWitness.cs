using System.Globalization;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Witness;

/// <summary>A witness's answer, as HTTP has it.</summary>
/// <param name="Status">200, 400, 403, 404, 409 or 422.</param>
/// <param name="Body">The cosignature line, the size, or why not.</param>
/// <param name="ContentType">Its media type.</param>
public sealed record WitnessAnswer(int Status, string Body, string ContentType = "text/plain; charset=utf-8")
{
    /// <summary>The media type of the size in a 409.</summary>
    public const string SizeType = "text/x.tlog.size";
}

/// <summary>The last checkpoint of a log that a witness has cosigned.</summary>
/// <param name="Size">Its size.</param>
/// <param name="Root">Its root.</param>
/// <param name="Note">The checkpoint as it came, with the log's signatures and the witness's.</param>
public sealed record WitnessedHead(long Size, Digest Root, string Note);

/// <summary>What a witness must never forget.</summary>
public interface IWitnessStore
{
    /// <summary>The last head of a log.</summary>
    /// <param name="origin">The log.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The head; null where none was ever stored.</returns>
    ValueTask<WitnessedHead?> ReadAsync(string origin, CancellationToken cancellationToken);

    /// <summary>
    /// Replaces the head, if it is still the expected one, in one step that no other caller comes between; durable when this returns. Whoever gets an
    /// exception must not answer: the head may or may not be the new one.
    /// </summary>
    /// <param name="origin">The log.</param>
    /// <param name="expected">The head as it was read; null for none.</param>
    /// <param name="next">The new head.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether it was replaced; false where another caller came first.</returns>
    ValueTask<bool> TryAdvanceAsync(string origin, WitnessedHead? expected, WitnessedHead next, CancellationToken cancellationToken);

    /// <summary>Keeps proof that a log showed two histories; durable when this returns.</summary>
    /// <param name="origin">The log.</param>
    /// <param name="proof">The proof.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A task that ends when it is kept.</returns>
    ValueTask KeepForkAsync(string origin, ForkProof proof, CancellationToken cancellationToken);
}

/// <summary>Cosigns checkpoints that continue what it has seen, and nothing else (C2SP tlog-witness).</summary>
public sealed class LogWitness
{
    private readonly Dictionary<string, IReadOnlyList<INoteVerifier>> _logs;
    private readonly NoteSigner _signer;
    private readonly IWitnessStore _store;
    private readonly TimeProvider _clock;

    /// <summary>A witness.</summary>
    /// <param name="logs">The logs it watches: each origin's keys.</param>
    /// <param name="signer">Its key, of <see cref="NoteAlgorithm.CosignatureV1"/>.</param>
    /// <param name="store">Its memory.</param>
    /// <param name="clock">The time in its cosignatures.</param>
    /// <exception cref="ArgumentException">The key makes no cosignatures.</exception>
    public LogWitness(IReadOnlyDictionary<string, IReadOnlyList<INoteVerifier>> logs, NoteSigner signer, IWitnessStore store, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(signer);
        if (signer.Key.Algorithm is not NoteAlgorithm.CosignatureV1)
            throw new ArgumentException("a witness's key is one for cosignatures", nameof(signer));
        (_logs, _signer, _store, _clock) = (new(logs, StringComparer.Ordinal), signer, store, clock);
    }

    /// <summary>Answers <c>add-checkpoint</c>. The order of the checks is that of the specification; nothing is answered before it is stored.</summary>
    /// <param name="body">The request's body.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The answer.</returns>
    public async ValueTask<WitnessAnswer> AddCheckpointAsync(ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        // 1. What is asked, about which log, and did the log sign it?
        var isWellFormed = AddCheckpointRequest.TryParse(body.Span, out var request, out var origin, out var problem);
        if (origin is null)
            return new WitnessAnswer(400, problem + "\n");
        if (!_logs.TryGetValue(origin, out var keys))
            return new WitnessAnswer(404, "unknown log\n");
        if (!isWellFormed || request is null)
            return new WitnessAnswer(403, $"invalid signature: {problem}\n");
        if (!request.Checkpoint.Verify(keys, out _, out problem))
            return new WitnessAnswer(403, $"invalid signature: {problem}\n");
        if (!Checkpoint.TryParse(request.Checkpoint.Text, out var checkpoint, out problem))
            return new WitnessAnswer(400, problem + "\n");
        // Lines beyond the root would be cosigned without being understood.
        if (checkpoint.Extensions.Count > 0)
            return new WitnessAnswer(400, "a checkpoint with extension lines is not cosigned here\n");
        if (request.OldSize > checkpoint.Size)
            return new WitnessAnswer(400, "the old size is beyond the checkpoint's\n");

        // 2. Does it continue what was seen last? A log that asks about another size learns ours, and proves that it knows its own history.
        var last = await _store.ReadAsync(checkpoint.Origin, cancellationToken).ConfigureAwait(false);
        if (request.OldSize != (last?.Size ?? 0))
        {
            await KeepForkAsync(last, checkpoint, request, cancellationToken).ConfigureAwait(false);
            return new WitnessAnswer(409, string.Create(CultureInfo.InvariantCulture, $"{last?.Size ?? 0}\n"), WitnessAnswer.SizeType);
        }

        if (!MerkleProofs.VerifyConsistency((ulong)request.OldSize, (ulong)checkpoint.Size, [.. request.Proof], last?.Root ?? MerkleTree.EmptyRoot, checkpoint.Root))
        {
            await KeepForkAsync(last, checkpoint, request, cancellationToken).ConfigureAwait(false);
            return new WitnessAnswer(422, "the consistency proof does not lead from the last cosigned checkpoint to this one\n");
        }

        // 3. Remember, then answer: a cosignature that a crash made forgotten would allow a second history.
        var cosignature = _signer.Sign(request.Checkpoint.Text, _clock.GetUtcNow());
        var next = new WitnessedHead(checkpoint.Size, checkpoint.Root, new SignedNote(request.Checkpoint.Text, [.. request.Checkpoint.Signatures, cosignature]).ToString());
        if (!await _store.TryAdvanceAsync(checkpoint.Origin, last, next, cancellationToken).ConfigureAwait(false))
        {
            var other = await _store.ReadAsync(checkpoint.Origin, cancellationToken).ConfigureAwait(false);
            return new WitnessAnswer(409, string.Create(CultureInfo.InvariantCulture, $"{other?.Size ?? 0}\n"), WitnessAnswer.SizeType);
        }

        return new WitnessAnswer(200, cosignature.ToString());
    }

    /// <summary>
    /// Two signed checkpoints of one size with two roots are a fork for everybody. Of two sizes only a proof that fits the newer tree and not the older one
    /// shows one; a proof that fits neither may be the asker's mistake.
    /// </summary>
    private async ValueTask KeepForkAsync(WitnessedHead? last, Checkpoint checkpoint, AddCheckpointRequest request, CancellationToken cancellationToken)
    {
        if (last is null || !SignedNote.TryParse(System.Text.Encoding.UTF8.GetBytes(last.Note), out var seen, out _))
            return;
        var root = checkpoint.Root;
        var isFork = last.Size == checkpoint.Size
            ? last.Root != checkpoint.Root
            : MerkleProofs.TryRootAt((ulong)last.Size, (ulong)checkpoint.Size, [.. request.Proof], checkpoint.Root, out root) && root != last.Root;
        if (isFork)
            await _store.KeepForkAsync(checkpoint.Origin, new ForkProof(seen, request.Checkpoint, root, last.Size == checkpoint.Size ? [] : request.Proof), cancellationToken).ConfigureAwait(false);
    }
}
