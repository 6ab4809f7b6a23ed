using System.Text.Json.Serialization;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Verifier;

/// <summary>What <c>GET /api/v1/log</c> answers.</summary>
internal sealed record LogResponse
{
    public required string TenantId { get; init; }
    public required string Origin { get; init; }

    /// <summary>Entries that the published checkpoint covers.</summary>
    public required long Size { get; init; }

    /// <summary>The root over them, base64 as in the checkpoint; null until one is published.</summary>
    public required string? Root { get; init; }

    /// <summary>The published checkpoint, a signed note.</summary>
    public required string? Checkpoint { get; init; }

    /// <summary>Entries that were committed; more than <see cref="Size"/> while witnesses are awaited.</summary>
    public required long CommittedSize { get; init; }
    public required bool IsPublic { get; init; }
    public required IReadOnlyList<LogKeyResponse> Keys { get; init; }

    /// <summary>Entries that await inclusion.</summary>
    public required long Queued { get; init; }

    /// <summary>Since when the oldest does.</summary>
    public required string? OldestQueuedAt { get; init; }

    /// <summary>Entries that did not verify when their turn came.</summary>
    public required long Quarantined { get; init; }
    public required string UpdatedAt { get; init; }
}

/// <summary>A key of a log and the tree sizes that it signs.</summary>
internal sealed record LogKeyResponse(string VerifierKey, long FromSize, long? UntilSize, string AddedAt)
{
    internal static LogKeyResponse Of(LogKey key) => new(key.VerifierKey, key.FromSize, key.UntilSize, WireTime.ToText(key.AddedAt));
}

/// <summary>What <c>GET /api/v1/log/inclusion</c> answers.</summary>
/// <param name="Index">The entry.</param>
/// <param name="Size">The tree.</param>
/// <param name="Entry">The entry's text, whose UTF-8 is the leaf's data.</param>
/// <param name="LeafHash">Its leaf, base64.</param>
/// <param name="Proof">The path, base64, the leaf's sibling first.</param>
internal sealed record InclusionResponse(long Index, long Size, string Entry, string LeafHash, IReadOnlyList<string> Proof);

/// <summary>What <c>GET /api/v1/log/consistency</c> answers.</summary>
/// <param name="From">The smaller tree.</param>
/// <param name="To">The larger tree.</param>
/// <param name="Proof">The proof, base64.</param>
internal sealed record ConsistencyResponse(long From, long To, IReadOnlyList<string> Proof);

/// <summary>What <c>GET /.well-known/runproof</c> answers: the logs that anybody may read, and the key's own besides.</summary>
internal sealed record WellKnownResponse(string Format, IReadOnlyList<WellKnownLog> Logs);

/// <summary>A log and its keys.</summary>
internal sealed record WellKnownLog(string TenantId, string Origin, string Url, IReadOnlyList<LogKeyResponse> Keys);

/// <summary>Written without reflection. Members are the wire's snake_case.</summary>
[JsonSerializable(typeof(LogResponse))]
[JsonSerializable(typeof(InclusionResponse))]
[JsonSerializable(typeof(ConsistencyResponse))]
[JsonSerializable(typeof(WellKnownResponse))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
internal sealed partial class LogJson : JsonSerializerContext;
