using System.Globalization;
using Microsoft.Extensions.Configuration;
using Npgsql;
using RunProof.Postgres;

namespace RunProof.Migrator;

/// <summary>What the migrator is told, by environment variables (<c>__</c> for <c>:</c>).</summary>
/// <param name="ConnectionString"><c>ConnectionStrings:runproofdb</c>, of an administrator; <c>RunProof:Database:Username</c> and <c>:Password</c> replace the ones in it.</param>
/// <param name="Passwords"><c>RunProof:Roles:Runner:Password</c>, <c>:Verifier:</c>, <c>:Auditor:</c>; a role without one is not made.</param>
/// <param name="DevelopmentKey"><c>RunProof:Development:ApiKey</c>; null makes no development tenant.</param>
/// <param name="Wait"><c>RunProof:Migrator:WaitSeconds</c>, 0 to 3600, default 60: how long to try again while the server cannot be reached.</param>
internal sealed record MigratorSettings(string ConnectionString, RolePasswords Passwords, string? DevelopmentKey, TimeSpan Wait)
{
    /// <summary>Reads the settings.</summary>
    /// <exception cref="FormatException">One is missing or ill-formed; the message names it.</exception>
    internal static MigratorSettings Read(IConfiguration configuration)
    {
        var passwords = new RolePasswords(
            Value(configuration, "RunProof:Roles:Runner:Password"),
            Value(configuration, "RunProof:Roles:Verifier:Password"),
            Value(configuration, "RunProof:Roles:Auditor:Password"));
        return new MigratorSettings(ReadConnection(configuration), passwords, Value(configuration, "RunProof:Development:ApiKey"), ReadWait(configuration));
    }

    private static string ReadConnection(IConfiguration configuration)
    {
        var text = Value(configuration, "ConnectionStrings:runproofdb")
            ?? throw new FormatException("set ConnectionStrings__runproofdb to the connection string of an administrator of the database");
        NpgsqlConnectionStringBuilder connection;
        try
        {
            connection = new NpgsqlConnectionStringBuilder(text);
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"ConnectionStrings__runproofdb is no connection string: {e.Message}", e);
        }

        connection.Username = Value(configuration, "RunProof:Database:Username") ?? connection.Username;
        connection.Password = Value(configuration, "RunProof:Database:Password") ?? connection.Password;
        return connection.ConnectionString;
    }

    private static TimeSpan ReadWait(IConfiguration configuration)
    {
        var text = Value(configuration, "RunProof:Migrator:WaitSeconds") ?? "60";
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= 3600
            ? TimeSpan.FromSeconds(seconds)
            : throw new FormatException($"RunProof__Migrator__WaitSeconds must be a whole number of seconds from 0 to 3600, not \"{text}\"");
    }

    private static string? Value(IConfiguration configuration, string key) => configuration[key] is { Length: > 0 } value ? value : null;
}
