using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Npgsql;
using RunProof.EmbeddedPostgres;

namespace RunProof.AppHost;

/// <summary>Starts the server and makes its databases.</summary>
internal static class PostgresStart
{
    /// <summary>Starts the server in a folder, under the model's own password.</summary>
    /// <exception cref="EmbeddedPostgresException">It cannot be had.</exception>
    public static async Task<EmbeddedPostgresServer> StartAsync(PostgresServerResource resource, string folder, ScreenLogger logger, CancellationToken ct)
    {
        var server = await EmbeddedPostgresServer.StartAsync(new EmbeddedPostgresOptions
        {
            Folder = folder,
            Port = resource.RunningPort is { } port ? int.Parse(port, CultureInfo.InvariantCulture) : 0,
            Password = await resource.PasswordParameter.GetValueAsync(ct),
            Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["shared_buffers"] = "256MB" },
        }, logger, ct);
        resource.RunningHost = server.Host;
        resource.RunningPort = server.Port.ToString(CultureInfo.InvariantCulture);
        return server;
    }

    /// <summary>Makes a database unless it is there.</summary>
    public static async Task CreateDatabaseAsync(PostgresDatabaseResource database, CancellationToken ct)
    {
        var server = await database.Parent.ConnectionStringExpression.GetValueAsync(ct);
        var settings = new NpgsqlConnectionStringBuilder(server) { Database = "postgres", Pooling = false };
        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync(ct);
        await using var exists = new NpgsqlCommand("SELECT 1 FROM pg_database WHERE datname = $1", connection) { Parameters = { new() { Value = database.DatabaseName } } };
        if (await exists.ExecuteScalarAsync(ct) is not null)
            return;
        var quoted = "\"" + database.DatabaseName.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";
        await using var create = new NpgsqlCommand($"CREATE DATABASE {quoted}", connection);
        await create.ExecuteNonQueryAsync(ct);
    }
}
