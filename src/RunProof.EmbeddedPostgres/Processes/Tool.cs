using System.Diagnostics;

namespace RunProof.EmbeddedPostgres;

/// <summary>What a finished tool left.</summary>
/// <param name="ExitCode">0 for success, by convention.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record ToolResult(int ExitCode, string Output, string Error)
{
    /// <summary>Both streams, for an error message.</summary>
    public string Text => $"{Output.Trim()}\n{Error.Trim()}".Trim();
}

/// <summary>Runs a tool to its end.</summary>
internal static class Tool
{
    /// <summary>Runs it with no shell between; kills it with its children when cancelled.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">The file is missing or not executable.</exception>
    public static async Task<ToolResult> RunAsync(string file, IEnumerable<string> arguments, CancellationToken ct, UnixUser? user = null,
        string? workingFolder = null, string? input = null, IEnumerable<KeyValuePair<string, string>>? environment = null)
    {
        var start = Describe(file, arguments, user, workingFolder);
        foreach (var (name, value) in environment ?? [])
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(ct);
            var error = process.StandardError.ReadToEndAsync(ct);
            if (input is not null)
                await process.StandardInput.WriteAsync(input.AsMemory(), ct);
            process.StandardInput.Close();
            await process.WaitForExitAsync(ct);
            return new ToolResult(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>A start with all three streams piped, as a user, without the environment's own PostgreSQL settings.</summary>
    public static ProcessStartInfo Describe(string file, IEnumerable<string> arguments, UnixUser? user, string? workingFolder)
    {
        var start = new ProcessStartInfo(file)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
            WorkingDirectory = workingFolder ?? Path.GetPathRoot(Environment.SystemDirectory) ?? "/",
        };
        if (start.WorkingDirectory.Length == 0)
            start.WorkingDirectory = "/";
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("PG", StringComparison.Ordinal)).ToArray())
            start.Environment.Remove(name);
        if (user is not null)
            start.UserName = user.Name;
        return start;
    }
}
