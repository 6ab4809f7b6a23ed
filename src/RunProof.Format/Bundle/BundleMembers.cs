namespace RunProof.Format;

/// <summary>Members that the files of evidence have in common, in canonical form (proof-format.md section 5).</summary>
public static class BundleMembers
{
    /// <summary>Writes the member <c>log</c>: <c>null</c> while the entry awaits inclusion.</summary>
    /// <param name="writer">Where it goes.</param>
    /// <param name="log">The place in the log.</param>
    public static void Write(ref CanonicalWriter writer, BundleLog? log)
    {
        if (log is null)
        {
            writer.WriteNull();
            return;
        }

        writer.WriteRaw("{\"entry\":"u8);
        writer.WriteString(log.Entry);
        writer.WriteRaw(",\"proof\":"u8);
        writer.WriteString(log.Proof);
        writer.WriteRaw(",\"public_key\":"u8);
        writer.WriteString(log.PublicKey);
        writer.WriteRaw("}"u8);
    }

    /// <summary>Writes the member <c>payloads</c>, by commitment.</summary>
    /// <param name="writer">Where it goes.</param>
    /// <param name="payloads">What is revealed.</param>
    public static void Write(ref CanonicalWriter writer, IReadOnlyDictionary<Digest, RevealedPayload> payloads)
    {
        var isFirst = true;
        writer.WriteRaw("{"u8);
        // Hex digits sort as their bytes do.
        foreach (var (commitment, payload) in payloads.OrderBy(static pair => pair.Key.ToString(), StringComparer.Ordinal))
        {
            writer.WriteRaw(isFirst ? ""u8 : ","u8);
            isFirst = false;
            commitment.WriteCanonical(ref writer);
            writer.WriteRaw(":{\"salt\":"u8);
            writer.WriteBase64(payload.Salt.Span);
            writer.WriteRaw(",\"text\":"u8);
            writer.WriteString(payload.Text);
            writer.WriteRaw("}"u8);
        }

        writer.WriteRaw("}"u8);
    }
}
