using System.Net.Sockets;
using System.Runtime.InteropServices;
using RunProof.EmbeddedPostgres;

namespace RunProof.Cli;

/// <summary>What must be so of this machine.</summary>
internal static class MachineChecks
{
    private const int OldestRuntime = 10;

    internal static Diagnosis Runtime() => Environment.Version.Major >= OldestRuntime
        ? Diagnosis.Good("runtime", RuntimeInformation.FrameworkDescription)
        : Diagnosis.Bad("runtime", RuntimeInformation.FrameworkDescription, "install .NET 10: https://dotnet.microsoft.com/download");

    /// <summary>Only a machine that has no database to use needs one of its own.</summary>
    internal static async Task<Diagnosis> EmbeddedPostgresAsync(bool hasDatabase, CancellationToken cancellationToken)
    {
        const string Name = "embedded PostgreSQL";
        var look = await EmbeddedPostgresAvailability.LookAsync(cancellationToken);
        if (look.Found)
            return Diagnosis.Good(Name, look.Description);
        if (look.CanFetch)
            return Diagnosis.Good(Name, "no binaries here; the npm client fetches them at the first start");
        return hasDatabase
            ? Diagnosis.Unneeded(Name, "no binaries and no npm client here; not needed with a database that answers")
            : Diagnosis.Bad(Name, "no binaries and no npm client here", look.Description.ReplaceLineEndings(" "));
    }

    internal static async Task<Diagnosis> TelemetryAsync(World world, CancellationToken cancellationToken)
    {
        const string Name = "telemetry";
        const string Variable = "OTEL_EXPORTER_OTLP_ENDPOINT";
        if (world.Variable(Variable) is not { } text)
            return Diagnosis.Unneeded(Name, $"{Variable} is not set: nothing is exported");
        if (!Uri.TryCreate(text, UriKind.Absolute, out var endpoint) || endpoint.Scheme is not ("http" or "https"))
            return Diagnosis.Bad(Name, $"{Variable} is not a URL: {text}", "for example http://localhost:4317");
        try
        {
            using var socket = new TcpClient();
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(TimeSpan.FromSeconds(5));
            await socket.ConnectAsync(endpoint.Host, endpoint.Port, limit.Token);
            return Diagnosis.Good(Name, $"{endpoint} takes connections");
        }
        catch (Exception problem) when (problem is SocketException || (problem is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return Diagnosis.Bad(Name, $"{endpoint} takes no connections", $"start the collector or the dashboard there, or unset {Variable}");
        }
    }
}
