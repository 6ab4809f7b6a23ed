using Microsoft.Testing.Platform.Builder;
using RunProof.Generators.Tests.Driving;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

namespace RunProof.Generators.Tests;

/// <summary>The tests, as every test project begins them; <c>probe</c>, which a test starts as a process of another culture; <c>typing</c>, which measures.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args) => args switch
    {
        ["probe"] => Task.FromResult(Probe.Run(Console.Out)),
        ["typing"] => Task.FromResult(TypingBenchmark.Run(Console.Out)),
        _ when args.Contains("--server") || args.Contains("--internal-msbuild-node") => TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
        _ => ConsoleRunner.Run(args),
    };
}
