using System.Buffers;

namespace RunProof.Format;

/// <summary>
/// Links and roots of a trace's chain (proof-format.md section 3). Holds one reusable buffer: not thread-safe, one a trace or a worker.
/// </summary>
public sealed class ChainHasher
{
    private readonly ArrayBufferWriter<byte> _message = new(1024);

    /// <summary>link[0] = H("runproof/v1/header\n" ‖ CJ(header)).</summary>
    /// <param name="header">The header.</param>
    /// <returns>The first link.</returns>
    public Digest Link(TraceHeader header) => Hash("runproof/v1/header\n"u8, null, header);

    /// <summary>link[i+1] = H("runproof/v1/step\n" ‖ link[i] ‖ CJ(step i)).</summary>
    /// <param name="previous">link[i].</param>
    /// <param name="step">Step i.</param>
    /// <returns>The step's link.</returns>
    public Digest Link(Digest previous, TraceStep step) => Hash("runproof/v1/step\n"u8, previous, step);

    /// <summary>root_hash = H("runproof/v1/seal\n" ‖ link[n] ‖ CJ(seal)).</summary>
    /// <param name="last">link[n].</param>
    /// <param name="seal">The seal.</param>
    /// <returns>The root hash.</returns>
    public Digest Root(Digest last, TraceSeal seal) => Hash("runproof/v1/seal\n"u8, last, seal);

    private Digest Hash<T>(ReadOnlySpan<byte> domain, Digest? previous, T record)
        where T : ICanonical<T>
    {
        _message.ResetWrittenCount();
        _message.Write(domain);
        if (previous is { } link)
            _message.Write(link.Span);
        CanonicalBytes.Write(_message, record);
        return Digest.Of(_message.WrittenSpan);
    }
}
