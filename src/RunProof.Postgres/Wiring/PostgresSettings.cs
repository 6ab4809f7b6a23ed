using Microsoft.Extensions.Configuration;
using Npgsql;

namespace RunProof.Postgres;

/// <summary>What <see cref="RunProofPostgresExtensions"/> reads from configuration.</summary>
internal sealed class PostgresSettings
{
    private const string Section = "Aspire:Npgsql";

    public string? ConnectionString { get; set; }

    /// <summary>Default false.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Default false: commands are seen by whoever listens to the activity source <c>Npgsql</c>.</summary>
    public bool DisableTracing { get; set; }

    /// <summary>Whether a connection of the process's own listens for signals of other processes, and over which connection string; null for the usual one.</summary>
    public bool Listens { get; private set; } = true;

    private string? DirectConnectionString { get; set; }

    private string Name { get; set; } = "";

    private string? Username { get; set; }

    private string? Password { get; set; }

    internal static PostgresSettings Read(IConfiguration configuration, string connectionName)
    {
        var settings = new PostgresSettings();
        configuration.GetSection(Section).Bind(settings);
        configuration.GetSection($"{Section}:{connectionName}").Bind(settings);
        if (configuration.GetConnectionString(connectionName) is { Length: > 0 } named)
            settings.ConnectionString = named;
        settings.Name = connectionName;
        settings.DirectConnectionString = configuration.GetConnectionString(connectionName + "_direct");
        settings.Listens = configuration["RunProof:Runner:Listen"] is not { } listen || !listen.Equals("off", StringComparison.OrdinalIgnoreCase);
        settings.Username = configuration["RunProof:Database:Username"];
        settings.Password = configuration["RunProof:Database:Password"];
        return settings;
    }

    /// <summary>The connection string as it is used.</summary>
    /// <exception cref="InvalidOperationException">There is none, or it is none.</exception>
    internal string RequireConnectionString() => Forced(ConnectionString).ConnectionString;

    /// <summary>Of one connection that is kept open and belongs to no pool; null where none may be.</summary>
    /// <exception cref="InvalidOperationException">There is no connection string, or it is none.</exception>
    internal string? ListeningConnectionString()
    {
        if (!Listens)
            return null;
        var connection = Forced(string.IsNullOrWhiteSpace(DirectConnectionString) ? ConnectionString : DirectConnectionString);
        connection.Pooling = false;
        connection.KeepAlive = 15;
        return connection.ConnectionString;
    }

    private NpgsqlConnectionStringBuilder Forced(string? given)
    {
        if (string.IsNullOrWhiteSpace(given))
            throw new InvalidOperationException(
                $"there is no connection string: set ConnectionStrings:{Name} (the environment variable ConnectionStrings__{Name}), or ConnectionString in the section {Section} or {Section}:{Name}");
        NpgsqlConnectionStringBuilder connection;
        try
        {
            connection = new NpgsqlConnectionStringBuilder(given);
        }
        catch (ArgumentException e)
        {
            throw new InvalidOperationException($"ConnectionStrings:{Name} is no connection string: {e.Message}", e);
        }

        if (!string.IsNullOrEmpty(Username))
            connection.Username = Username;
        if (!string.IsNullOrEmpty(Password))
            connection.Password = Password;
        connection.MaxAutoPrepare = 0;
        connection.NoResetOnClose = true;
        connection.Multiplexing = false;
        return connection;
    }
}
