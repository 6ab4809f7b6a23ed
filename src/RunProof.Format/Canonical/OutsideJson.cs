using System.Buffers;
using System.Text;

namespace RunProof.Format;

/// <summary>Rules 2 and 3 of proof-format.md section 1: bytes from outside, recorded whole.</summary>
internal static class OutsideJson
{
    internal static byte[] Record(ReadOnlySpan<byte> received, string mediaType)
    {
        ArgumentNullException.ThrowIfNull(mediaType);
        var canonical = Canonicalizer.TryCanonicalize(received, NumberRule.Exact, Canonicalizer.MaxDepth, out var fault, out var reserved);
        if (canonical is not null)
            return reserved ? AsText(received) : canonical;
        return fault.IsJson ? AsText(received) : AsBytes(received, mediaType);
    }

    private static byte[] AsText(ReadOnlySpan<byte> received)
    {
        var output = new ArrayBufferWriter<byte>(received.Length + 32);
        var writer = new CanonicalWriter(output);
        writer.WriteRaw("{\"$json\":"u8);
        writer.WriteString(Encoding.UTF8.GetString(received));
        writer.WriteRaw("}"u8);
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }

    private static byte[] AsBytes(ReadOnlySpan<byte> received, string mediaType)
    {
        var output = new ArrayBufferWriter<byte>((received.Length * 4 / 3) + mediaType.Length + 64);
        var writer = new CanonicalWriter(output);
        writer.WriteRaw("{\"$base64\":"u8);
        writer.WriteBase64(received);
        writer.WriteRaw(",\"$mediaType\":"u8);
        writer.WriteString(mediaType);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }
}
