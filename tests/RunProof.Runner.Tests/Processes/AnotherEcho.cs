using Microsoft.AspNetCore.Hosting;
using RunProof.Format;
using RunProof.Runner.Tests;
using RunProof.Skills;

[assembly: HostingStartup(typeof(AnotherEcho.Plug))]

namespace RunProof.Runner.Tests;

/// <summary>Says it again: a skill of another assembly, with the name of one that the runner has.</summary>
[Skill("echo", Version = "9.0.0")]
public sealed partial class AnotherEcho
{
    /// <summary>Variables by which a deployed runner loads this assembly, and with it this skill.</summary>
    internal static (string, string)[] Plugged =>
    [
        ("DOTNET_STARTUP_HOOKS", typeof(AnotherEcho).Assembly.Location),
        ("ASPNETCORE_HOSTINGSTARTUPASSEMBLIES", typeof(AnotherEcho).Assembly.GetName().Name!),
    ];

    public Task<AnotherEchoWords> ExecuteAsync(AnotherEchoWords parameters, SkillContext context, CancellationToken cancellationToken) => Task.FromResult(parameters);

    /// <summary>Registers what was generated, as a host does.</summary>
    internal sealed class Plug : IHostingStartup
    {
        public void Configure(IWebHostBuilder builder) => builder.ConfigureServices(services => services.AddGeneratedSkills());
    }
}

[Canonical]
public sealed partial record AnotherEchoWords(string Words);
