using System.Buffers;
using System.Text.Json;
using ModelContextProtocol;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Mcp;

/// <summary>A tool of a server as a skill, as it was in one list.</summary>
internal sealed class McpSkill : SkillDescriptor
{
    internal const string SourceName = "mcp";

    private readonly McpServer _server;

    internal McpSkill(McpServer server, ToolList list, McpTool tool)
    {
        (_server, List, Tool) = (server, list, tool);
        var trusted = server.Options.TrustAnnotations;
        IsIdempotent = trusted && (tool.IsIdempotent || tool.IsReadOnly);
        Replay = trusted && tool.IsReadOnly ? ReplayBehavior.Check : ReplayBehavior.Skip;
        Schema = SchemaOf(tool, list.Server.Version);
    }

    internal ToolList List { get; }

    internal McpTool Tool { get; }

    internal string ServerName => _server.Options.Name;

    public override string Name => Tool.SkillName;

    public override string Version => List.Server.Version;

    public override string Description => Tool.Description;

    public override string ParametersSchema => Tool.SchemaJson;

    public override string OutcomeSchema => McpOutcome.JsonSchema;

    public override string ParametersFingerprint => Tool.Fingerprint;

    public override string OutcomeFingerprint => McpOutcome.CanonicalFingerprint;

    public override Digest Schema { get; }

    /// <summary>The recorded outcome is taken, for nobody knows what a second call would do; only where the operator trusts the server's word that a tool is read-only it is called and compared.</summary>
    public override ReplayBehavior Replay { get; }

    public override bool IsIdempotent { get; }

    public override string DeclaredAt => $"MCP server \"{_server.Options.Name}\"";

    public override string? Source => SourceName;

    public override ValueTask<SkillCheck> CheckAsync(CanonicalJson? pin, CancellationToken cancellationToken) => _server.CheckAsync(this, pin, cancellationToken);

    public override SkillCall Bind(JsonElement parameters, string place)
    {
        JsonBinding.RequireObject(parameters, place);
        var canonical = CanonicalJson.Parse(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(parameters));
        Tool.Schema.Check(parameters, place);
        return new Call(this, canonical);
    }

    private static Digest SchemaOf(McpTool tool, string version)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("["u8);
        writer.WriteString(tool.SkillName);
        writer.WriteRaw(","u8);
        writer.WriteString(version);
        writer.WriteRaw(","u8);
        writer.WriteString(tool.Fingerprint);
        writer.WriteRaw(","u8);
        writer.WriteString(McpOutcome.CanonicalFingerprint);
        writer.WriteRaw("]"u8);
        writer.Flush();
        return Prefixed.Hash("runproof/v1/skill\n"u8, buffer.WrittenSpan);
    }

    private sealed class Call(McpSkill skill, CanonicalJson parameters) : SkillCall
    {
        public override CanonicalJson Parameters => parameters;

        public override async ValueTask<SkillOutcome> ExecuteAsync(IServiceProvider services, SkillContext context, CancellationToken cancellationToken)
        {
            var server = skill._server;
            if (!server.Options.Allows(context.TenantId.Value))
                return Failed("unknown_server", "the operator has given this tenant no MCP server of that name");
            var call = new CallRecord(server.Mask);
            var (found, pinned) = ((ToolList?)null, (string?)null);
            try
            {
                var answer = await server.CallAsync(skill, parameters, context.IdempotencyKey, call, cancellationToken);
                var result = ToolResult.Of(answer, server.Options, server.Mask, skill.IsIdempotent, skill.Tool.OutputSchema);
                call.IsMasked = result.Masked;
                return new SkillOutcome(result.Outcome is { } outcome ? CanonicalJson.Of(outcome) : null, result.Failure);
            }
            catch (NotCalledException not)
            {
                if (not.Found is not null)
                    (found, pinned) = (not.Found, skill.List.Digest.ToString());
                return new SkillOutcome(null, not.Failure);
            }
            catch (McpProtocolException refused)
            {
                return Failed("mcp_error", server.Mask.Apply(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"the server refused the call with error {(int)refused.ErrorCode}: {refused.Message}")));
            }
            catch (IOException over)
            {
                return Failed("mcp_died", $"the connection to the server ended during the call: {over.Message}", skill.IsIdempotent);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return Failed("mcp_timeout", "the server gave no answer in the time that the operator allows", skill.IsIdempotent);
            }
            finally
            {
                // Also of a step that is cancelled: how far the server said that it was, and whether it was asked at all.
                context.SourceEvidence = McpEvidence.Of(skill, found, pinned, call);
            }
        }

        private static SkillOutcome Failed(string code, string message, bool retryable = false) => new(null, new SkillFailure(code, message, retryable));
    }
}
