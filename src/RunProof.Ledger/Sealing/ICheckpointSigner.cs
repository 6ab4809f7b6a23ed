using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// The operator's key: it signs the checkpoints of all tenants' logs, each under the name of its log, which is the log's origin. The private key never leaves
/// the implementation.
/// </summary>
public interface ICheckpointSigner
{
    /// <summary>The public key under a log's name.</summary>
    /// <param name="origin">The log's origin.</param>
    /// <returns>The key.</returns>
    NoteKey KeyOf(string origin);

    /// <summary>Signs a text that names the log.</summary>
    /// <param name="origin">The log's origin.</param>
    /// <param name="text">A note's text, with its last line end.</param>
    /// <returns>The signature line.</returns>
    NoteSignature Sign(string origin, string text);
}
