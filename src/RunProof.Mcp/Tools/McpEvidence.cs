using System.Buffers;
using RunProof.Format;

namespace RunProof.Mcp;

/// <summary>What a step's context says of the server: which list of tools it saw, and which one its trace had pinned where that is another.</summary>
internal static class McpEvidence
{
    internal static CanonicalJson Of(McpSkill skill, ToolList? seen = null, string? pinned = null, bool masked = false)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{\"digest\":"u8);
        (seen ?? skill.List).Digest.WriteCanonical(ref writer);
        if (masked)
            writer.WriteRaw(",\"masked\":true"u8);
        if (pinned is not null)
        {
            writer.WriteRaw(",\"pinned\":"u8);
            writer.WriteString(pinned);
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
