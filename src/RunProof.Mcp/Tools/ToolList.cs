using System.Buffers;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Mcp;

/// <summary>Who answered the handshake. Texts are the server's own, cut to what evidence takes.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its version, 1 to 64 characters.</param>
/// <param name="Protocol">The version of the protocol that was agreed on.</param>
/// <param name="SaysChanges">Whether it promises to say when its list of tools changes.</param>
internal sealed record ServerIdentity(string Name, string Version, string Protocol, bool SaysChanges);

/// <summary>The tools of a server at one moment: what a trace pins.</summary>
internal sealed class ToolList
{
    private ToolList(ServerIdentity server, Digest digest, IReadOnlyDictionary<string, McpTool> tools, IReadOnlyList<string> leftOut)
    {
        (Server, Digest, Tools, LeftOut) = (server, digest, tools, leftOut);
        Pin = PinOf(server, digest);
    }

    internal ServerIdentity Server { get; }

    /// <summary>H("runproof/v1/mcp-tools\n" ‖ CJ(all definitions, sorted by name)): of the whole list, also of tools that are no skills.</summary>
    internal Digest Digest { get; }

    /// <summary>The tools that are skills, by the skill's name.</summary>
    internal IReadOnlyDictionary<string, McpTool> Tools { get; }

    /// <summary>Why others are none.</summary>
    internal IReadOnlyList<string> LeftOut { get; }

    /// <summary>What the context of a trace says of the server.</summary>
    internal CanonicalJson Pin { get; }

    /// <summary>Takes what the server listed.</summary>
    /// <param name="server">The server.</param>
    /// <param name="definitions">The definitions, as received, in any order.</param>
    /// <param name="options">The operator's.</param>
    /// <exception cref="McpListException">A name is there twice.</exception>
    internal static ToolList Of(ServerIdentity server, IEnumerable<byte[]> definitions, McpServerOptions options)
    {
        var sorted = definitions.Select(Listed.Read).OrderBy(one => one.Name, StringComparer.Ordinal).ToArray();
        var tools = new Dictionary<string, McpTool>(StringComparer.Ordinal);
        var leftOut = new List<string>();
        for (var i = 0; i < sorted.Length; i++)
        {
            var listed = sorted[i];
            if (i > 0 && listed.Name.Length > 0 && listed.Name == sorted[i - 1].Name)
                throw new McpListException("it lists two tools of one name");
            if (options.Tools.Count > 0 && !options.Tools.Contains(listed.Name, StringComparer.Ordinal))
                continue;
            if (McpTool.Read(options.Name, listed.Definition, listed.Canonical, out var refusal) is { } tool)
                tools.Add(tool.SkillName, tool);
            else
                leftOut.Add(refusal!);
        }

        leftOut.AddRange(options.Tools.Except(sorted.Select(one => one.Name), StringComparer.Ordinal).Select(missing => $"\"{missing}\": the configuration allows it, but the server has no such tool"));
        return new ToolList(server, DigestOf(sorted.Select(one => one.Canonical)), tools, leftOut);
    }

    private static Digest DigestOf(IEnumerable<CanonicalJson> definitions)
    {
        var buffer = new ArrayBufferWriter<byte>(4_096);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("["u8);
        var first = true;
        foreach (var definition in definitions)
        {
            if (!first)
                writer.WriteRaw(","u8);
            first = false;
            writer.WriteJson(definition);
        }

        writer.WriteRaw("]"u8);
        writer.Flush();
        return Prefixed.Hash("runproof/v1/mcp-tools\n"u8, buffer.WrittenSpan);
    }

    private static CanonicalJson PinOf(ServerIdentity server, Digest digest)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{\"digest\":"u8);
        digest.WriteCanonical(ref writer);
        writer.WriteRaw(",\"name\":"u8);
        writer.WriteString(server.Name);
        writer.WriteRaw(",\"protocol\":"u8);
        writer.WriteString(server.Protocol);
        writer.WriteRaw(",\"version\":"u8);
        writer.WriteString(server.Version);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    private sealed record Listed(string Name, JsonElement Definition, CanonicalJson Canonical)
    {
        internal static Listed Read(byte[] definition)
        {
            using var document = JsonDocument.Parse(definition, new JsonDocumentOptions { MaxDepth = 512 });
            return new Listed(McpTool.NameOf(document.RootElement) ?? "", document.RootElement.Clone(), CanonicalJson.FromOutside(definition, "application/json"));
        }
    }
}

/// <summary>A list of tools that cannot be worked with.</summary>
internal sealed class McpListException(string message) : Exception(message);
