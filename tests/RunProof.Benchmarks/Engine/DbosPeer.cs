using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Npgsql;

namespace RunProof.Benchmarks;

/// <summary>npm's <c>@dbos-inc/dbos-sdk</c> on the same PostgreSQL: workflows of as many steps, with as long a payload.</summary>
internal static class DbosPeer
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "peers", "dbos");

    /// <summary>Installs it beside this program, once.</summary>
    /// <exception cref="InvalidOperationException">It cannot be installed.</exception>
    internal static async Task InstallAsync(CancellationToken cancellationToken)
    {
        if (!Directory.Exists(Path.Combine(Folder, "node_modules")))
            await RunAsync("npm", ["ci", "--no-audit", "--no-fund", "--silent"], cancellationToken);
    }

    internal static async Task<EngineFigures> MeasureAsync(BenchDatabase database, EngineOptions options, int runs, CancellationToken cancellationToken)
    {
        await database.Admin.ExecuteAsync("CHECKPOINT");
        var wal = await database.Admin.LsnAsync();
        var output = await RunAsync("node", ["bench.mjs", UrlOf(database), .. Numbers(runs, options.Steps, options.Seconds, options.WarmUp, options.Bytes)], cancellationToken);
        wal = await database.Admin.LsnAsync() - wal;
        var line = output.Split('\n').LastOrDefault(static line => line.StartsWith("RESULT ", StringComparison.Ordinal))
            ?? throw new InvalidOperationException("the peer printed no result:\n" + output);
        using var result = JsonDocument.Parse(line["RESULT ".Length..]);
        double Of(string name) => result.RootElement.GetProperty(name).GetDouble();
        return new EngineFigures(Of("steps") / Of("seconds"), Of("p50"), Of("p99"), null, wal / Of("steps") * Of("seconds") / (options.Seconds + options.WarmUp));
    }

    private static IEnumerable<string> Numbers(params int[] numbers) => numbers.Select(static number => number.ToString(CultureInfo.InvariantCulture));

    private static string UrlOf(BenchDatabase database)
    {
        var connection = new NpgsqlConnectionStringBuilder(database.Server.ConnectionString("dbos"));
        var password = connection.Password is { Length: > 0 } secret ? ":" + Uri.EscapeDataString(secret) : "";
        return string.Create(CultureInfo.InvariantCulture, $"postgresql://{Uri.EscapeDataString(connection.Username!)}{password}@{connection.Host}:{connection.Port}/dbos");
    }

    private static async Task<string> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = Folder, RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {arguments[0]} ended with {process.ExitCode}:\n{output}");
    }
}
