using RunProof.BuiltinSkills;
using RunProof.Execution;

namespace RunProof.Runner;

/// <summary>The skills of this runner. One's own are added here: a project with <c>[Skill]</c>s, and its <c>AddGeneratedSkills</c>.</summary>
internal static class SkillRegistration
{
    public static void AddSkills(this WebApplicationBuilder builder) =>
        builder.Services.AddBuiltinSkills(provider => new HttpCallOptions { Allow = Allowed(provider, builder.Configuration) });

    // The demo address is on the loopback interface by default, which http_call reaches only where it is told to.
    private static List<string> Allowed(IServiceProvider provider, IConfiguration configuration)
    {
        var allowed = configuration.GetSection("RunProof:HttpCall:Allow").GetChildren().Select(one => one.Value).OfType<string>().ToList();
        if (provider.GetRequiredService<ExecutionOptions>().DemoUrl() is { } demo)
            allowed.Add(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{demo.Host}:{demo.Port}"));
        return allowed;
    }
}
