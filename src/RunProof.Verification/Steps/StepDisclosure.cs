using System.Buffers;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>
/// One step of a trace that is shown without the others, in one file that a stranger can check: <c>runproof-step/v1</c>,
/// src/decisions/2026-11-22-step-disclosure.md. Of the other steps it holds hashes alone.
/// </summary>
public sealed record StepDisclosure
{
    /// <summary>The value of the member <c>format</c>.</summary>
    public const string CurrentFormat = "runproof-step/v1";

    /// <summary>link[n] of the trace, from which with the seal its root_hash follows.</summary>
    public required Digest LastLink { get; init; }

    /// <summary>The trace's place in the log; null while the entry awaits inclusion.</summary>
    public required BundleLog? Log { get; init; }

    /// <summary>What is revealed of the step's payloads and the seal's, by commitment.</summary>
    public required IReadOnlyDictionary<Digest, RevealedPayload> Payloads { get; init; }

    /// <summary>The link before the step.</summary>
    public required Digest PreviousLink { get; init; }

    /// <summary>The trace's root_hash.</summary>
    public required Digest RootHash { get; init; }

    /// <summary>The trace's seal.</summary>
    public required TraceSeal Seal { get; init; }

    /// <summary>The step.</summary>
    public required TraceStep Step { get; init; }

    /// <summary>The inclusion path of the step's link in the seal's steps_root, its sibling first.</summary>
    public required IReadOnlyList<Digest> StepsPath { get; init; }

    /// <summary>Takes one step out of a bundle. Nothing is verified: what does not hold in the bundle does not hold in what was taken out of it.</summary>
    /// <param name="bundle">The bundle; its <see cref="ProofBundle.Links"/> are those of header and steps.</param>
    /// <param name="step">The step's index.</param>
    /// <param name="withPayloads">Whether the step's payloads are shown, as far as the bundle shows them.</param>
    /// <exception cref="ArgumentOutOfRangeException">The bundle has no such step, or not a link for each.</exception>
    /// <returns>The file's content.</returns>
    public static StepDisclosure Of(ProofBundle bundle, int step, bool withPayloads = true)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(step, bundle.Steps.Count);
        if (bundle.Links.Count != bundle.Steps.Count + 1)
            throw new ArgumentOutOfRangeException(nameof(bundle), $"{bundle.Links.Count} links, and there are the header and {bundle.Steps.Count} steps");
        var proofs = new StepProofs();
        foreach (var link in bundle.Links.Skip(1))
            proofs.Append(link);
        var shown = bundle.Steps[step];
        var own = Commitments(shown, null);
        return new StepDisclosure
        {
            LastLink = bundle.Links[^1],
            Log = bundle.Log,
            Payloads = withPayloads ? bundle.Payloads.Where(payload => own.Contains(payload.Key)).ToDictionary() : [],
            PreviousLink = bundle.Links[step],
            RootHash = bundle.RootHash,
            Seal = bundle.Seal,
            Step = shown,
            StepsPath = proofs.PathOf(step),
        };
    }

    /// <summary>Writes the file as canonical JSON.</summary>
    /// <param name="output">Where it goes.</param>
    /// <exception cref="CanonicalFormatException">A text has no canonical form.</exception>
    public void Write(IBufferWriter<byte> output)
    {
        var writer = new CanonicalWriter(output);
        writer.WriteRaw("{\"format\":"u8);
        writer.WriteString(CurrentFormat);
        writer.WriteRaw(",\"last_link\":"u8);
        LastLink.WriteCanonical(ref writer);
        writer.WriteRaw(",\"log\":"u8);
        BundleMembers.Write(ref writer, Log);
        writer.WriteRaw(",\"payloads\":"u8);
        BundleMembers.Write(ref writer, Payloads);
        writer.WriteRaw(",\"previous_link\":"u8);
        PreviousLink.WriteCanonical(ref writer);
        writer.WriteRaw(",\"root_hash\":"u8);
        RootHash.WriteCanonical(ref writer);
        writer.WriteRaw(",\"seal\":"u8);
        TraceSeal.WriteCanonical(ref writer, Seal);
        writer.WriteRaw(",\"step\":"u8);
        TraceStep.WriteCanonical(ref writer, Step);
        writer.WriteRaw(",\"steps_path\":["u8);
        for (var i = 0; i < StepsPath.Count; i++)
        {
            writer.WriteRaw(i == 0 ? ""u8 : ","u8);
            StepsPath[i].WriteCanonical(ref writer);
        }

        writer.WriteRaw("]}"u8);
        writer.Flush();
    }

    internal static HashSet<Digest> Commitments(TraceStep step, TraceSeal? seal) =>
        [.. new[] { step.InputHash, step.OutputHash, step.ContextHash, seal?.MetadataHash }.OfType<Digest>()];
}
