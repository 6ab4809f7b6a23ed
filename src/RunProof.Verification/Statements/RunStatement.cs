using System.Buffers;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>
/// What a log says of one trace, as an in-toto Statement v1: the subject is the trace by its root_hash, the predicate its seal and its place in the log.
/// Signed it goes into a DSSE envelope.
/// </summary>
/// <param name="RunId">The run.</param>
/// <param name="TraceId">The trace.</param>
/// <param name="TenantId">The tenant.</param>
/// <param name="Seal">The trace's seal.</param>
/// <param name="LastLink">link[n], from which with the seal root_hash follows.</param>
/// <param name="RootHash">The trace's root_hash.</param>
/// <param name="Log">Its place in the log.</param>
public sealed record RunStatement(RunId RunId, TraceId TraceId, TenantId TenantId, TraceSeal Seal, Digest LastLink, Digest RootHash, BundleLog Log)
{
    /// <summary>The type of the statement.</summary>
    public const string StatementType = "https://in-toto.io/Statement/v1";

    /// <summary>The type of the predicate.</summary>
    public const string PredicateType = "urn:runproof:attestation:run:v1";

    /// <summary>The media type under which it is signed.</summary>
    public const string PayloadType = "application/vnd.in-toto+json";

    /// <summary>The statement of a trace that is in the log.</summary>
    /// <param name="bundle">Its bundle.</param>
    /// <exception cref="ArgumentException">It is not in the log yet, or has no link.</exception>
    /// <returns>The statement.</returns>
    public static RunStatement Of(ProofBundle bundle)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        if (bundle.Log is null || bundle.Links.Count == 0)
            throw new ArgumentException("a trace that awaits inclusion in the log has nothing to state yet", nameof(bundle));
        var header = bundle.Header;
        return new RunStatement(header.RunId, header.TraceId, header.TenantId, bundle.Seal, bundle.Links[^1], bundle.RootHash, bundle.Log);
    }

    /// <summary>Writes the statement as canonical JSON: the payload to sign.</summary>
    /// <param name="output">Where it goes.</param>
    public void Write(IBufferWriter<byte> output)
    {
        var writer = new CanonicalWriter(output);
        writer.WriteRaw("{\"_type\":"u8);
        writer.WriteString(StatementType);
        writer.WriteRaw(",\"predicate\":{\"format\":"u8);
        writer.WriteString(TraceHeader.CurrentFormat);
        writer.WriteRaw(",\"last_link\":"u8);
        LastLink.WriteCanonical(ref writer);
        writer.WriteRaw(",\"log\":"u8);
        BundleMembers.Write(ref writer, Log);
        writer.WriteRaw(",\"root_hash\":"u8);
        RootHash.WriteCanonical(ref writer);
        writer.WriteRaw(",\"run_id\":"u8);
        writer.WriteString(RunId.Value);
        writer.WriteRaw(",\"seal\":"u8);
        TraceSeal.WriteCanonical(ref writer, Seal);
        writer.WriteRaw(",\"tenant_id\":"u8);
        writer.WriteString(TenantId.Value);
        writer.WriteRaw(",\"trace_id\":"u8);
        writer.WriteString(TraceId.Value);
        writer.WriteRaw("},\"predicateType\":"u8);
        writer.WriteString(PredicateType);
        writer.WriteRaw(",\"subject\":[{\"digest\":{\"sha256\":"u8);
        RootHash.WriteCanonical(ref writer);
        writer.WriteRaw("},\"name\":"u8);
        writer.WriteString(TraceId.Value);
        writer.WriteRaw("}]}"u8);
        writer.Flush();
    }

    /// <summary>The payload to sign.</summary>
    /// <returns>Canonical JSON.</returns>
    public byte[] ToPayload()
    {
        var buffer = new ArrayBufferWriter<byte>();
        Write(buffer);
        return buffer.WrittenSpan.ToArray();
    }
}
