using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Ledger;

/// <summary>The operator's key again: it signs statements on traces, in envelopes (DSSE), each under the name of the trace's log. The private key never leaves the implementation.</summary>
public interface IEnvelopeSigner
{
    /// <summary>The public key under a log's name: whoever has the log's key verifies its statements with it.</summary>
    /// <param name="origin">The log's origin.</param>
    /// <returns>The key.</returns>
    NoteKey KeyOf(string origin);

    /// <summary>Signs bytes and puts them into an envelope.</summary>
    /// <param name="origin">The log's origin.</param>
    /// <param name="payloadType">What the bytes are.</param>
    /// <param name="payload">The bytes.</param>
    /// <exception cref="PlatformNotSupportedException">No libcrypto of OpenSSL 3 can be loaded.</exception>
    /// <returns>The envelope, with one signature.</returns>
    DsseEnvelope SignEnvelope(string origin, string payloadType, ReadOnlyMemory<byte> payload);
}
