using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Format;
using RunProof.Runner.Tests;
using RunProof.Skills;

[assembly: HostingStartup(typeof(LeaveMark.Plug))]

namespace RunProof.Runner.Tests;

/// <summary>Leaves a file with its idempotency key in its name: an effect that can be counted from outside. No one says that it may be repeated.</summary>
[Skill("leave_mark")]
public sealed partial class LeaveMark
{
    internal const string Variable = "RUNPROOF_TEST_MARKS";

    /// <summary>Variables by which a deployed runner loads this assembly, and with it this skill.</summary>
    internal static (string, string)[] Plugged(string folder) =>
    [
        ("DOTNET_STARTUP_HOOKS", typeof(LeaveMark).Assembly.Location),
        ("ASPNETCORE_HOSTINGSTARTUPASSEMBLIES", typeof(LeaveMark).Assembly.GetName().Name!),
        (Variable, folder),
    ];

    public Task<LeftMark> ExecuteAsync(LeftMark parameters, SkillContext context, CancellationToken cancellationToken) => LeaveAsync(parameters, context, cancellationToken);

    internal static async Task<LeftMark> LeaveAsync(LeftMark parameters, SkillContext context, CancellationToken cancellationToken)
    {
        var name = context.IdempotencyKey.Replace(':', '_') + "." + Guid.NewGuid().ToString("N");
        await using (new FileStream(Path.Combine(Environment.GetEnvironmentVariable(Variable)!, name), FileMode.CreateNew))
        {
            // Its name is all there is to it.
        }

        await Task.Delay(20, cancellationToken);
        return parameters;
    }

    /// <summary>Registers what was generated, as a host does, but for the skill of this assembly that is there to be refused.</summary>
    internal sealed class Plug : IHostingStartup
    {
        public void Configure(IWebHostBuilder builder)
        {
            if (Environment.GetEnvironmentVariable(Variable) is null)
                return;
            builder.ConfigureServices(services =>
            {
                services.AddGeneratedSkills();
                services.Remove(services.Single(service => service.ImplementationInstance is SkillDescriptor { Name: "echo", Version: "9.0.0" }));
            });
        }
    }
}

/// <summary>The same, and may be repeated.</summary>
[Skill("leave_mark_again", Idempotent = true)]
public sealed partial class LeaveMarkAgain
{
    public Task<LeftMark> ExecuteAsync(LeftMark parameters, SkillContext context, CancellationToken cancellationToken) => LeaveMark.LeaveAsync(parameters, context, cancellationToken);
}

[Canonical]
public sealed partial record LeftMark(string Mark);
