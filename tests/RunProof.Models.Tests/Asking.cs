using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Format;
using RunProof.Skills;
using RunProof.Testing;

namespace RunProof.Models.Tests;

/// <summary>Calls <c>llm_invoke</c> as the engine does: bound from JSON, through its generated descriptor.</summary>
internal static class Asking
{
    internal const string Hello = """{"model":"m","messages":[{"role":"user","content":"Hello"}]}""";

    internal static ModelEndpoint At(string endpoint) => new() { Endpoint = endpoint, Model = ModelServer.Model, ApiKey = ModelServer.ApiKey, Provider = "test" };

    internal static ModelsOptions One(ModelEndpoint endpoint) => new() { Models = new Dictionary<string, ModelEndpoint>(StringComparer.Ordinal) { ["m"] = endpoint } };

    internal static Task<(SkillOutcome Outcome, SkillContext Context)> AskAsync(ModelServer server, string parameters = Hello, Func<ModelEndpoint, ModelEndpoint>? change = null) =>
        AskAsync(One((change ?? (same => same))(At(server.Endpoint))), parameters);

    internal static async Task<(SkillOutcome Outcome, SkillContext Context)> AskAsync(
        ModelsOptions options, string parameters, SkillContext? step = null, CancellationToken cancellationToken = default)
    {
        await using var provider = new ServiceCollection().AddModelSkills(_ => options).BuildServiceProvider();
        Assert.True(new SkillRegistry(provider.GetServices<SkillDescriptor>()).TryFind("llm_invoke", out var skill));
        using var json = JsonDocument.Parse(parameters);
        var context = step ?? Step();
        return (await skill.Bind(json.RootElement, "params").ExecuteAsync(provider, context, cancellationToken), context);
    }

    internal static SkillContext Step(long seed = 0) => new()
    {
        TenantId = TenantId.Parse("t"), RunId = RunId.Parse("r"), StepIndex = 0, Attempt = 0, IdempotencyKey = "r:0", Clock = TimeProvider.System,
        Seed = new SafeInteger(seed),
    };

    internal static async Task<SkillFailure> FailAsync(ModelServer server, string parameters = Hello, Func<ModelEndpoint, ModelEndpoint>? change = null) =>
        Assert.IsType<SkillFailure>((await AskAsync(server, parameters, change)).Outcome.Failure);

    internal static JsonElement Json(SkillOutcome outcome)
    {
        Assert.Null(outcome.Failure);
        return JsonElement.Parse(outcome.Outcome!.ToString());
    }
}
