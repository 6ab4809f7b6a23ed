using System.Buffers;
using RunProof.Format;
using RunProof.Skills;
using RunProof.Verification;

namespace RunProof.Evolution.Tests;

/// <summary>What a verifier that was built with skills knows of their shapes.</summary>
internal sealed class RegistryShapes(SchemaRegistry schemas) : IPayloadSchemas
{
    public PayloadConformance Judge(Digest schema, StepPayload payload, ReadOnlySpan<byte> recorded, out ReadFault fault)
    {
        fault = default;
        if (!schemas.TryFindPayloads(schema, out var parameters, out var outcome))
            return PayloadConformance.Unknown;
        var written = new ArrayBufferWriter<byte>();
        var shape = payload is StepPayload.Parameters ? parameters : outcome;
        return shape.TryReserialize(recorded, written, out fault) ? PayloadConformance.Conforms : PayloadConformance.Refused;
    }
}
