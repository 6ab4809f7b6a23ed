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
        settings.Username = configuration["RunProof:Database:Username"];
        settings.Password = configuration["RunProof:Database:Password"];
        return settings;
    }

    /// <summary>The connection string as it is used.</summary>
    /// <exception cref="InvalidOperationException">There is none, or it is none.</exception>
    internal string RequireConnectionString()
    {
        if (string.IsNullOrWhiteSpace(ConnectionString))
            throw new InvalidOperationException(
                $"there is no connection string: set ConnectionStrings:{Name} (the environment variable ConnectionStrings__{Name}), or ConnectionString in the section {Section} or {Section}:{Name}");
        NpgsqlConnectionStringBuilder connection;
        try
        {
            connection = new NpgsqlConnectionStringBuilder(ConnectionString);
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
        return connection.ConnectionString;
    }
}
