using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills.Tests;

/// <summary>Calls skills as the engine does: bound from JSON, through the generated descriptors.</summary>
internal static class SkillHarness
{
    internal static async Task<SkillOutcome> CallAsync(
        string skill, string parameters, HttpCallOptions? options = null, INameResolver? resolver = null, TimeProvider? clock = null, CancellationToken cancellationToken = default)
    {
        var services = new ServiceCollection();
        if (resolver is not null)
            services.AddSingleton(resolver);
        await using var provider = services.AddBuiltinSkills(options ?? new HttpCallOptions { Allow = ["127.0.0.0/8"] }).BuildServiceProvider();
        Assert.True(new SkillRegistry(provider.GetServices<SkillDescriptor>()).TryFind(skill, out var descriptor));
        using var json = JsonDocument.Parse(parameters);
        var call = descriptor.Bind(json.RootElement, "params");
        await using var scope = provider.CreateAsyncScope();
        return await call.ExecuteAsync(scope.ServiceProvider, Context(clock), cancellationToken);
    }

    internal static async Task<JsonElement> SucceedAsync(string skill, string parameters, HttpCallOptions? options = null, INameResolver? resolver = null)
    {
        var outcome = await CallAsync(skill, parameters, options, resolver);
        Assert.Null(outcome.Failure);
        return JsonElement.Parse(outcome.Outcome!.ToString());
    }

    internal static async Task<SkillFailure> FailAsync(string skill, string parameters, HttpCallOptions? options = null, INameResolver? resolver = null) =>
        Assert.IsType<SkillFailure>((await CallAsync(skill, parameters, options, resolver)).Failure);

    private static SkillContext Context(TimeProvider? clock) => new()
    {
        TenantId = TenantId.Parse("t"),
        RunId = RunId.Parse("r"),
        StepIndex = 0,
        Attempt = 0,
        IdempotencyKey = "r:0",
        Clock = clock ?? TimeProvider.System,
    };
}
