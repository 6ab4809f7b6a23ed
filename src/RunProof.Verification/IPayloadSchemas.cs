using RunProof.Format;

namespace RunProof.Verification;

/// <summary>Which payload of a step.</summary>
public enum StepPayload
{
    /// <summary>Its parameters: column <c>params</c>.</summary>
    Parameters,

    /// <summary>Its outcome: column <c>outcome_data</c>.</summary>
    Outcome,
}

/// <summary>What can be said of a payload and the shape that its step names.</summary>
public enum PayloadConformance
{
    /// <summary>The shape is not known here, so nothing can be said.</summary>
    Unknown,

    /// <summary>The payload is one that the shape's writer writes, to the byte.</summary>
    Conforms,

    /// <summary>It is none.</summary>
    Refused,
}

/// <summary>
/// The shapes of what skills take and return, present ones and those of older builds: the port through which a verifier that knows them has payloads read by them.
/// RunProof.Skills' <c>SchemaRegistry</c> knows them.
/// </summary>
public interface IPayloadSchemas
{
    /// <summary>Reads a payload by the strict rules of the shape that its step names.</summary>
    /// <param name="schema">The step's <c>schema</c> (proof-format.md section 6).</param>
    /// <param name="payload">Which of its payloads.</param>
    /// <param name="recorded">The recorded bytes, whatever they are.</param>
    /// <param name="fault">Where and why they were refused.</param>
    /// <returns>What can be said.</returns>
    PayloadConformance Judge(Digest schema, StepPayload payload, ReadOnlySpan<byte> recorded, out ReadFault fault);
}
