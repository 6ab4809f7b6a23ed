namespace RunProof.AppHost;

/// <summary>How a local run is set up; everything comes from the environment.</summary>
internal sealed record LocalOptions
{
    /// <summary>The variable that names the data folder.</summary>
    public const string DataVariable = "RUNPROOF_DATA";

    /// <summary>The variable that switches the dashboard off: <c>off</c>.</summary>
    public const string DashboardVariable = "RUNPROOF_DASHBOARD";

    /// <summary>The variable that shows every line of every service: <c>all</c>.</summary>
    public const string LogsVariable = "RUNPROOF_LOGS";

    public required string AppHostFolder { get; init; }

    /// <summary>Cluster, parameters, logs. Default <c>.runproof</c> beside the solution.</summary>
    public required string DataFolder { get; init; }

    public TextWriter Out { get; init; } = Console.Out;

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public bool Dashboard { get; init; } = true;

    public bool AllLogs { get; init; }

    /// <summary>How long a service may take to become healthy. Default 120 s.</summary>
    public TimeSpan HealthTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How long a service may take to end when it is asked to. Default 12 s.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(12);

    public static LocalOptions FromEnvironment(string[] args)
    {
        if (args.Length > 0)
            Console.Error.WriteLine($"AppHost takes no arguments; ignored: {string.Join(' ', args)}");
        var folder = Projects.AppHost.ProjectPath;
        var data = Environment.GetEnvironmentVariable(DataVariable);
        return new LocalOptions
        {
            AppHostFolder = folder,
            DataFolder = Path.GetFullPath(data is { Length: > 0 } ? data : Path.Combine(folder, "..", ".runproof")),
            Dashboard = !IsSet(DashboardVariable, "off"),
            AllLogs = IsSet(LogsVariable, "all"),
        };
    }

    private static bool IsSet(string variable, string value) =>
        string.Equals(Environment.GetEnvironmentVariable(variable), value, StringComparison.OrdinalIgnoreCase);
}
