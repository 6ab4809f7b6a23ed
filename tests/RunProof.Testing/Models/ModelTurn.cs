using System.Text;

namespace RunProof.Testing;

/// <summary>What a model server answers once.</summary>
public sealed record ModelTurn
{
    /// <summary>The HTTP status.</summary>
    public int Status { get; private init; } = 200;

    /// <summary>The body in place of an answer of the protocol.</summary>
    public byte[]? Raw { get; private init; }

    /// <summary>Headers of the response.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>How long it takes.</summary>
    public TimeSpan? Delay { get; init; }

    /// <summary>What the model says.</summary>
    public string? Content { get; private init; }

    /// <summary>Why it will not.</summary>
    public string? Refusal { get; private init; }

    /// <summary>The functions that it calls.</summary>
    public IReadOnlyList<(string Name, string Arguments)> ToolCalls { get; private init; } = [];

    /// <summary>Why it stopped.</summary>
    public string FinishReason { get; init; } = "stop";

    /// <summary>Tokens that are counted as read from the cache.</summary>
    public int CachedTokens { get; init; }

    /// <summary>Tokens of reasoning.</summary>
    public int ReasoningTokens { get; init; }

    /// <summary>A text.</summary>
    public static ModelTurn Says(string content) => new() { Content = content };

    /// <summary>Calls of functions.</summary>
    public static ModelTurn Calls(params (string Name, string Arguments)[] calls) => new() { ToolCalls = calls, FinishReason = "tool_calls" };

    /// <summary>A refusal.</summary>
    public static ModelTurn Refuses(string why) => new() { Refusal = why };

    /// <summary>An error in the service's shape.</summary>
    public static ModelTurn Fails(int status, string code, string message) => new() { Status = status, Raw = new ModelRefusal(status, message, null, code).ToJson() };

    /// <summary>Any bytes.</summary>
    public static ModelTurn Sends(int status, string body) => new() { Status = status, Raw = Encoding.UTF8.GetBytes(body) };

    /// <summary>Any bytes.</summary>
    public static ModelTurn Sends(int status, byte[] body) => new() { Status = status, Raw = body };
}
