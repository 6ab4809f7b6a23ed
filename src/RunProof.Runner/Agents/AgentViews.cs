using System.ComponentModel;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Runner;

/// <summary>The body of a request for an agent. It documents the body; <see cref="AgentEndpoints"/> reads it.</summary>
internal sealed record CreateAgent(
    [property: Description("1 to 200 characters; secrets are redacted before it is stored.")] string Name,
    [property: Description("1 to 128 printable ASCII characters without space; default a new UUID.")] string? Id = null,
    [property: Description("At most 4,000 characters; secrets are redacted before it is stored.")] string? Description = null);

/// <summary>An agent.</summary>
internal sealed record AgentView(string Id, string Name, string? Description, string CreatedAt)
{
    public static AgentView Of(Agent agent) => new(agent.Id.Value, agent.Name, agent.Description, WireTime.ToText(agent.CreatedAt));
}

/// <summary>Some agents, and where the next ones begin.</summary>
internal sealed record AgentPage(IReadOnlyList<AgentView> Items, string? Next);
