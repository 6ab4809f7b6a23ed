using System.Text.Json;
using RunProof.Format;

namespace RunProof.Execution;

/// <summary>What a planner plans for.</summary>
/// <param name="Goal">The goal, as the caller wrote it.</param>
/// <param name="Plan">The plan that the caller gave, or null.</param>
public sealed record PlanningRequest(string Goal, JsonElement? Plan)
{
    /// <summary>On whose behalf: models are some tenants' and not others'.</summary>
    public TenantId TenantId { get; init; }

    /// <summary>What the caller chose. Default: nothing.</summary>
    public PlannerChoices Choices { get; init; } = new();
}

/// <summary>Makes the plan of a run. A planner only plans: what it says is validated like a caller's plan before it is stored.</summary>
public interface IPlanner
{
    /// <summary>The name in requests and evidence.</summary>
    string Name { get; }

    /// <summary>Whether <see cref="PlanningRequest.Choices"/> mean anything to it; where not, they must not be given. Default: false.</summary>
    bool TakesChoices => false;

    /// <summary>
    /// What the plan was made by, for the trace's context, told of any plan by the goal and the plan alone: the process that opens the trace need not be the one that planned.
    /// Default: nothing to tell.
    /// </summary>
    /// <param name="goal">The goal.</param>
    /// <param name="plan">The plan.</param>
    /// <returns>A JSON object, or null.</returns>
    CanonicalJson? Describe(string goal, Plan plan) => null;

    /// <summary>Plans.</summary>
    /// <param name="request">The goal, and a plan where the caller gave one.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The plan, or all that is wrong.</returns>
    ValueTask<PlanValidation> PlanAsync(PlanningRequest request, CancellationToken cancellationToken);
}

/// <summary>Takes the caller's plan.</summary>
/// <param name="parser">Reads it.</param>
public sealed class GivenPlanner(PlanParser parser) : IPlanner
{
    /// <summary>Its name: <c>given</c>.</summary>
    public const string PlannerName = "given";

    /// <inheritdoc/>
    public string Name => PlannerName;

    /// <inheritdoc/>
    public ValueTask<PlanValidation> PlanAsync(PlanningRequest request, CancellationToken cancellationToken) => ValueTask.FromResult(
        request.Plan is { } plan
            ? parser.Parse(plan, "plan")
            : new PlanValidation(null, [new PlanError("plan", "is missing: the planner \"given\" executes the plan of the request")]));
}

/// <summary>The deterministic planner: whatever the goal, one <c>http_call</c> GET to the demo address.</summary>
/// <param name="parser">Validates it.</param>
/// <param name="options">Holds the address.</param>
public sealed class StubPlanner(PlanParser parser, ExecutionOptions options) : IPlanner
{
    /// <summary>Its name: <c>stub</c>.</summary>
    public const string PlannerName = "stub";

    /// <inheritdoc/>
    public string Name => PlannerName;

    /// <inheritdoc/>
    public ValueTask<PlanValidation> PlanAsync(PlanningRequest request, CancellationToken cancellationToken)
    {
        if (request.Plan is not null)
            return ValueTask.FromResult(new PlanValidation(null, [new PlanError("plan", "must not be given: the planner \"stub\" makes its own")]));
        if (options.DemoUrl() is not { } url)
            return ValueTask.FromResult(new PlanValidation(null, [new PlanError("planner", "\"stub\" has no demo address on this runner")]));
        using var document = JsonDocument.Parse(Write(url));
        return ValueTask.FromResult(parser.Parse(document.RootElement, "plan"));
    }

    private static ReadOnlyMemory<byte> Write(Uri url)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(256);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("[{\"id\":\"zen\",\"params\":{\"method\":\"GET\",\"url\":"u8);
        writer.WriteString(url.AbsoluteUri);
        writer.WriteRaw("},\"skill\":\"http_call\"}]"u8);
        writer.Flush();
        return buffer.WrittenMemory;
    }
}
