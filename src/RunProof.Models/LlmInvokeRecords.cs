using System.Collections.Immutable;
using RunProof.Format;

namespace RunProof.Models;

/// <summary>What to ask of which model.</summary>
[Canonical(Name = "llm_invoke.parameters")]
public sealed partial record LlmInvokeParameters
{
    /// <summary>The name that the operator gave the model.</summary>
    public required string Model { get; init; }

    /// <summary>The conversation so far, at least one message.</summary>
    public required IReadOnlyList<LlmMessage> Messages { get; init; }

    /// <summary>A system prompt, sent before the messages. Not together with system_prompt_ref.</summary>
    public string? SystemPrompt { get; init; }

    /// <summary>The name of a system prompt that the operator has configured: evidence has its digest, not its text.</summary>
    public string? SystemPromptRef { get; init; }

    /// <summary>The digest that the prompt of system_prompt_ref must have, SHA-256 of its UTF-8 text in lower-case hex; the call is refused where it has another.</summary>
    public string? SystemPromptDigest { get; init; }

    /// <summary>How freely the model chooses, 0 to 2. Default: the service's.</summary>
    public double? Temperature { get; init; }

    /// <summary>Tokens of the answer at most, reasoning included. Default: the service's.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>The seed of the model's sampling, where the service takes one. Default: the run's, where that is not 0.</summary>
    public long? Seed { get; init; }

    /// <summary>Functions that the model may call. It only says so: nothing is called here.</summary>
    public IReadOnlyList<LlmTool> Tools { get; init; } = [];

    /// <summary>auto, none or required. Default: the service's.</summary>
    public string? ToolChoice { get; init; }

    /// <summary>What the answer must be, as the service wants it said: an object with a type.</summary>
    public CanonicalJson? ResponseFormat { get; init; }

    /// <summary>Notes for evidence; the service is not told.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}

/// <summary>One message of a conversation.</summary>
[Canonical(Name = "llm_invoke.message")]
public sealed partial record LlmMessage
{
    /// <summary>Who says it.</summary>
    public required LlmRole Role { get; init; }

    /// <summary>What is said; null for an assistant that only calls tools.</summary>
    public string? Content { get; init; }

    /// <summary>The tools that an assistant called.</summary>
    public IReadOnlyList<LlmToolCall> ToolCalls { get; init; } = [];

    /// <summary>The call that a tool answers.</summary>
    public string? ToolCallId { get; init; }
}

/// <summary>Who says a message.</summary>
public enum LlmRole
{
    /// <summary>Whoever set the conversation up.</summary>
    System,

    /// <summary>Whoever asks.</summary>
    User,

    /// <summary>The model.</summary>
    Assistant,

    /// <summary>A tool that the model called.</summary>
    Tool,
}

/// <summary>A model's wish that a function be called.</summary>
[Canonical(Name = "llm_invoke.tool_call")]
public sealed partial record LlmToolCall
{
    /// <summary>The call's id.</summary>
    public required string Id { get; init; }

    /// <summary>The function.</summary>
    public required string Name { get; init; }

    /// <summary>Its arguments, as the model wrote them: JSON, unless the model erred.</summary>
    public required string Arguments { get; init; }
}

/// <summary>A function that a model may call.</summary>
[Canonical(Name = "llm_invoke.tool")]
public sealed partial record LlmTool
{
    /// <summary>Its name: 1 to 64 of A-Z a-z 0-9 _ -.</summary>
    public required string Name { get; init; }

    /// <summary>What it does.</summary>
    public string Description { get; init; } = "";

    /// <summary>JSON Schema of its arguments.</summary>
    public required CanonicalJson Parameters { get; init; }
}

/// <summary>What the model answered.</summary>
[Canonical(Name = "llm_invoke.outcome")]
public sealed partial record LlmInvokeOutcome
{
    /// <summary>What it says, or null.</summary>
    public required string? Content { get; init; }

    /// <summary>What it says as JSON, where a response_format asked for JSON.</summary>
    public required CanonicalJson? Json { get; init; }

    /// <summary>The functions that it wants called.</summary>
    public required IReadOnlyList<LlmToolCall> ToolCalls { get; init; }

    /// <summary>Why it stopped, in the service's word: stop, length, tool_calls, content_filter.</summary>
    public required string FinishReason { get; init; }

    /// <summary>Why it will not answer, or null.</summary>
    public required string? Refusal { get; init; }

    /// <summary>The model that answered, as the service calls it.</summary>
    public required string Model { get; init; }

    /// <summary>The service's id of the answer, or null.</summary>
    public required string? ResponseId { get; init; }

    /// <summary>The seed that was sent, or null.</summary>
    public required long? Seed { get; init; }

    /// <summary>The SHA-256 of the configured system prompt that was sent, lower-case hex; null where none was.</summary>
    public required string? SystemPromptDigest { get; init; }

    /// <summary>What it took.</summary>
    public required LlmUsage Usage { get; init; }
}

/// <summary>What an answer took, in tokens as the service counts them.</summary>
[Canonical(Name = "llm_invoke.usage")]
public sealed partial record LlmUsage
{
    /// <summary>Sent, cached ones included.</summary>
    public required int InputTokens { get; init; }

    /// <summary>Came back, reasoning included.</summary>
    public required int OutputTokens { get; init; }

    /// <summary>Sent, and in the service's cache.</summary>
    public required int CachedTokens { get; init; }

    /// <summary>Came back, for the model alone.</summary>
    public required int ReasoningTokens { get; init; }
}
