using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills.Tests;

/// <summary>Calls skills as the engine does: bound from JSON, through the generated descriptors.</summary>
internal static class SkillHarness
{
    internal static Task<SkillOutcome> CallAsync(
        string skill, string parameters, HttpCallOptions? options = null, INameResolver? resolver = null, TimeProvider? clock = null, CancellationToken cancellationToken = default) =>
        CallAsync(skill, parameters, With(options), Context(clock), resolver, cancellationToken: cancellationToken);

    /// <summary>With every option, and a step of one's own.</summary>
    internal static async Task<SkillOutcome> CallAsync(
        string skill, string parameters, BuiltinSkillsOptions options, SkillContext? context = null, INameResolver? resolver = null, Action<IServiceCollection>? more = null,
        CancellationToken cancellationToken = default)
    {
        var services = new ServiceCollection();
        if (resolver is not null)
            services.AddSingleton(resolver);
        more?.Invoke(services);
        await using var provider = services.AddBuiltinSkills(options).BuildServiceProvider();
        Assert.True(new SkillRegistry(provider.GetServices<SkillDescriptor>()).TryFind(skill, out var descriptor));
        using var json = JsonDocument.Parse(parameters);
        var call = descriptor.Bind(json.RootElement, "params");
        await using var scope = provider.CreateAsyncScope();
        try
        {
            return await call.ExecuteAsync(scope.ServiceProvider, context ?? Context(), cancellationToken);
        }
        catch (SkillException failed)
        {
            // As the engine does.
            return new SkillOutcome(null, failed.Failure);
        }
    }

    /// <summary>The options with which most tests reach the loopback address.</summary>
    internal static BuiltinSkillsOptions With(HttpCallOptions? http = null) => new() { Http = _ => http ?? new HttpCallOptions { Allow = ["127.0.0.0/8"] } };

    internal static async Task<JsonElement> SucceedAsync(string skill, string parameters, HttpCallOptions? options = null, INameResolver? resolver = null)
    {
        var outcome = await CallAsync(skill, parameters, options, resolver);
        Assert.Null(outcome.Failure);
        return JsonElement.Parse(outcome.Outcome!.ToString());
    }

    internal static async Task<SkillFailure> FailAsync(string skill, string parameters, HttpCallOptions? options = null, INameResolver? resolver = null) =>
        Assert.IsType<SkillFailure>((await CallAsync(skill, parameters, options, resolver)).Failure);

    internal static SkillContext Context(TimeProvider? clock = null, string tenant = "t", string idempotencyKey = "r:0") => new()
    {
        TenantId = TenantId.Parse(tenant),
        RunId = RunId.Parse("r"),
        StepIndex = 0,
        Attempt = 0,
        IdempotencyKey = idempotencyKey,
        Clock = clock ?? TimeProvider.System,
    };
}
