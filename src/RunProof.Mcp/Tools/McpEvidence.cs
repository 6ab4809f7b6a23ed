using System.Buffers;
using RunProof.Format;

namespace RunProof.Mcp;

/// <summary>What a step's context says of the server: which list of tools it saw, and which one its trace had pinned where that is another; of a call, what became of it.</summary>
internal static class McpEvidence
{
    internal static CanonicalJson Of(McpSkill skill, ToolList? seen = null, string? pinned = null, CallRecord? call = null)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{"u8);
        if (call is { WasSent: false })
            writer.WriteRaw("\"called\":false,"u8);
        writer.WriteRaw("\"digest\":"u8);
        (seen ?? skill.List).Digest.WriteCanonical(ref writer);
        if (call is { IsMasked: true })
            writer.WriteRaw(",\"masked\":true"u8);
        if (pinned is not null)
        {
            writer.WriteRaw(",\"pinned\":"u8);
            writer.WriteString(pinned);
        }

        call?.Progress.WriteTo(ref writer);
        if (call is { QueuedMs: { } queued })
        {
            writer.WriteRaw(",\"queued_ms\":"u8);
            writer.WriteSafeInteger(queued);
        }

        writer.WriteRaw(",\"server\":"u8);
        writer.WriteString(skill.ServerName);
        writer.WriteRaw(",\"tool\":"u8);
        writer.WriteString(skill.Tool.Name);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }
}
