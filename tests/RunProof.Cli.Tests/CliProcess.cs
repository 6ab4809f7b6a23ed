using System.Diagnostics;
using System.Text;

namespace RunProof.Cli.Tests;

/// <summary>The built executable as a child process: what a shell sees of it.</summary>
internal static class CliProcess
{
    /// <summary>Its own output folder: beside these tests it would lack what the web framework brings to them.</summary>
    internal static string Folder { get; } = AppContext.BaseDirectory.Replace(
        Path.Combine("tests", "RunProof.Cli.Tests") + Path.DirectorySeparatorChar, Path.Combine("src", "RunProof.Cli") + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    internal static Task<CliResult> RunAsync(params string[] args) => RunAsync(args, []);

    internal static async Task<CliResult> RunAsync(string[] args, Dictionary<string, string?> environment, byte[]? input = null)
    {
        using var process = Start(args, environment);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.BaseStream.WriteAsync(input ?? []);
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"runproof {string.Join(' ', args)} did not end");
        }

        return new CliResult(process.ExitCode, await output, await error);
    }

    internal static Process Start(string[] args, Dictionary<string, string?> environment)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = new UTF8Encoding(false),
        };
        start.ArgumentList.Add(Path.Combine(Folder, "runproof.dll"));
        foreach (var arg in args)
            start.ArgumentList.Add(arg);
        foreach (var name in start.Environment.Keys.Where(IsOurs).ToArray())
            start.Environment.Remove(name);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static bool IsOurs(string name) =>
        name.StartsWith("RUNPROOF", StringComparison.OrdinalIgnoreCase) || name.StartsWith("ConnectionStrings__", StringComparison.Ordinal)
        || name.StartsWith("services__", StringComparison.Ordinal) || name.StartsWith("OTEL_", StringComparison.Ordinal);
}

internal sealed record CliResult(int ExitCode, string Output, string Error);
