using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Ledger;

/// <summary>Signs with a private key that is in memory.</summary>
/// <param name="key">The operator's key, under any name.</param>
/// <exception cref="ArgumentException">The key is a witness's: what it signs is no checkpoint of a log.</exception>
public sealed class CheckpointSigner(NoteSigner key) : ICheckpointSigner, IEnvelopeSigner
{
    private readonly NoteSigner _key = key.Key.Algorithm is NoteAlgorithm.Ed25519 ? key : throw new ArgumentException("a log's key is no key of a witness", nameof(key));

    /// <inheritdoc/>
    public NoteKey KeyOf(string origin) => _key.Under(origin).Key;

    /// <inheritdoc/>
    public NoteSignature Sign(string origin, string text) => _key.Under(origin).Sign(text, default);

    /// <inheritdoc/>
    public DsseEnvelope SignEnvelope(string origin, string payloadType, ReadOnlyMemory<byte> payload) => DsseEnvelope.Sign(payloadType, payload, _key.Under(origin));
}
