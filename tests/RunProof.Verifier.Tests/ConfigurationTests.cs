using System.Diagnostics;

namespace RunProof.Verifier.Tests;

/// <summary>The verifier as it is deployed, told nothing.</summary>
public sealed class ConfigurationTests
{
    [Fact]
    public async Task A_verifier_without_a_connection_string_says_so_in_one_line_and_exits_2()
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "RunProof.Verifier.dll")])
        {
            WorkingDirectory = AppContext.BaseDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["ConnectionStrings__runproofdb"] = "";
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        using var verifier = Process.Start(start)!;
        try
        {
            var (output, errors) = (verifier.StandardOutput.ReadToEndAsync(limit.Token), verifier.StandardError.ReadToEndAsync(limit.Token));
            await verifier.WaitForExitAsync(limit.Token);

            Assert.Equal((2, ""), (verifier.ExitCode, await output));
            Assert.StartsWith("verifier: there is no connection string: set ConnectionStrings:runproofdb", await errors, StringComparison.Ordinal);
            Assert.Single((await errors).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
        finally
        {
            if (!verifier.HasExited)
                verifier.Kill();
        }
    }
}
