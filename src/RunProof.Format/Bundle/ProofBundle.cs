using System.Buffers;

namespace RunProof.Format;

/// <summary>A payload that is shown: what its commitment was made of.</summary>
/// <param name="Salt">The salt.</param>
/// <param name="Text">The payload's text.</param>
public sealed record RevealedPayload(ReadOnlyMemory<byte> Salt, string Text);

/// <summary>Where a trace stands in its tenant's log. All three are texts as they came: nothing in them is believed before it was verified.</summary>
/// <param name="Entry">The entry, canonical JSON.</param>
/// <param name="Proof">Index, inclusion path and checkpoint: a C2SP tlog-proof.</param>
/// <param name="PublicKey">The log's verifier key, a hint: whoever made the bundle could have made the key.</param>
public sealed record BundleLog(string Entry, string Proof, string PublicKey);

/// <summary>A trace in one file that a stranger can check (proof-format.md section 5).</summary>
public sealed record ProofBundle
{
    /// <summary>The value of the member <c>format</c>.</summary>
    public const string CurrentFormat = TraceHeader.CurrentFormat;

    /// <summary>The trace's header.</summary>
    public required TraceHeader Header { get; init; }

    /// <summary>Its steps in order.</summary>
    public required IReadOnlyList<TraceStep> Steps { get; init; }

    /// <summary>Its seal.</summary>
    public required TraceSeal Seal { get; init; }

    /// <summary>link[0] to link[n] as recorded.</summary>
    public required IReadOnlyList<Digest> Links { get; init; }

    /// <summary>What is revealed, by commitment; what is missing is withheld or erased.</summary>
    public required IReadOnlyDictionary<Digest, RevealedPayload> Payloads { get; init; }

    /// <summary>The trace's root_hash as recorded.</summary>
    public required Digest RootHash { get; init; }

    /// <summary>Its place in the log; null while the entry awaits inclusion.</summary>
    public required BundleLog? Log { get; init; }

    /// <summary>Writes the bundle as canonical JSON.</summary>
    /// <param name="output">Where it goes.</param>
    /// <exception cref="CanonicalFormatException">A text has no canonical form.</exception>
    public void Write(IBufferWriter<byte> output)
    {
        var writer = new CanonicalWriter(output);
        writer.WriteRaw("{\"format\":"u8);
        writer.WriteString(CurrentFormat);
        writer.WriteRaw(",\"header\":"u8);
        TraceHeader.WriteCanonical(ref writer, Header);
        writer.WriteRaw(",\"links\":["u8);
        for (var i = 0; i < Links.Count; i++)
        {
            writer.WriteRaw(i == 0 ? ""u8 : ","u8);
            Links[i].WriteCanonical(ref writer);
        }

        writer.WriteRaw("],\"log\":"u8);
        BundleMembers.Write(ref writer, Log);
        writer.WriteRaw(",\"payloads\":"u8);
        BundleMembers.Write(ref writer, Payloads);
        writer.WriteRaw(",\"root_hash\":"u8);
        RootHash.WriteCanonical(ref writer);
        writer.WriteRaw(",\"seal\":"u8);
        TraceSeal.WriteCanonical(ref writer, Seal);
        writer.WriteRaw(",\"steps\":["u8);
        for (var i = 0; i < Steps.Count; i++)
        {
            writer.WriteRaw(i == 0 ? ""u8 : ","u8);
            TraceStep.WriteCanonical(ref writer, Steps[i]);
        }

        writer.WriteRaw("]}"u8);
        writer.Flush();
    }
}
