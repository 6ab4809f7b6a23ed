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
        (Plug.Variable, "1"),
    ];

    public Task<AnotherEchoWords> ExecuteAsync(AnotherEchoWords parameters, SkillContext context, CancellationToken cancellationToken) => Task.FromResult(parameters);

    /// <summary>Registers what was generated, as a host does.</summary>
    internal sealed class Plug : IHostingStartup
    {
        // A runner within the test process takes this assembly for its own, and reads the attribute above though nobody named it.
        internal const string Variable = "RUNPROOF_TEST_ANOTHER_ECHO";

        public void Configure(IWebHostBuilder builder)
        {
            if (Environment.GetEnvironmentVariable(Variable) is "1")
                builder.ConfigureServices(services => services.AddGeneratedSkills());
        }
    }
}

[Canonical]
public sealed partial record AnotherEchoWords(string Words);
