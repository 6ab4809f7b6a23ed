using RunProof.Format;

namespace RunProof.Mcp;

/// <summary>What a tool gave back.</summary>
[Canonical(Name = "mcp.outcome")]
public sealed partial record McpOutcome
{
    /// <summary>The blocks of its answer, as they came; a large binary by <c>data_sha256</c> and <c>data_bytes</c> in place of its data.</summary>
    public required IReadOnlyList<CanonicalJson> Content { get; init; }

    /// <summary>Whether the tool says that it failed.</summary>
    public required bool IsError { get; init; }

    /// <summary>Its structured answer, or null.</summary>
    public required CanonicalJson? Structured { get; init; }
}
