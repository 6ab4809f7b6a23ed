using System.Globalization;
using Npgsql;
using RunProof.Postgres;

namespace RunProof.Cli;

/// <summary>What must be so of the database.</summary>
internal static class DatabaseChecks
{
    private static readonly string[] Roles = ["runproof_owner", "runproof_runner", "runproof_verifier", "runproof_auditor"];

    private const string RolesSql = "SELECT rolname::text FROM pg_roles WHERE rolname = ANY($1)";

    private const string LoginsSql =
        "SELECT count(DISTINCT m.member) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles l ON l.oid = m.member AND l.rolcanlogin WHERE r.rolname = ANY($1)";

    private const string ClockSql = "SELECT clock_timestamp()";

    internal static async Task<IReadOnlyList<Diagnosis>> LookAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        NpgsqlConnectionStringBuilder connection;
        try
        {
            connection = Database.ConnectionOf(invocation);
        }
        catch (CommandException problem)
        {
            return [Diagnosis.Bad("database", problem.Message, problem.Remedy!)];
        }

        connection.Timeout = Math.Min(connection.Timeout, 10);
        await using var source = NpgsqlDataSource.Create(connection);
        try
        {
            return await Database.TranslateAsync(connection, () => LookAsync(invocation.World, connection, source, cancellationToken));
        }
        catch (CommandException problem)
        {
            return [Diagnosis.Bad("database", problem.Message, problem.Remedy ?? "runproof db status says more")];
        }
    }

    private static async Task<IReadOnlyList<Diagnosis>> LookAsync(
        World world, NpgsqlConnectionStringBuilder connection, NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        var state = await SchemaState.ReadAsync(source, cancellationToken);
        return
        [
            Diagnosis.Good("database", $"{Database.Describe(connection)} answers"),
            state.ServerMajor >= SchemaMigrator.OldestServer
                ? Diagnosis.Good("database version", "PostgreSQL " + state.ServerVersion)
                : Diagnosis.Bad("database version", "PostgreSQL " + state.ServerVersion, string.Create(CultureInfo.InvariantCulture, $"{SchemaMigrator.OldestServer} or newer is needed")),
            state.IsHead
                ? Diagnosis.Good("database schema", string.Create(CultureInfo.InvariantCulture, $"version {state.Version}, at head"))
                : Diagnosis.Bad("database schema", state.Difference!, state.Version <= state.Head ? "runproof db migrate, as an administrator" : "use the newer runproof"),
            await RolesAsync(source, cancellationToken),
            await LoginsAsync(source, cancellationToken),
            ClockSkew.Diagnose("database clock", await ReadClockAsync(source, cancellationToken), world.Clock.GetUtcNow(), TimeSpan.Zero),
        ];
    }

    private static async Task<Diagnosis> RolesAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(RolesSql);
        command.Parameters.Add(new NpgsqlParameter { Value = Roles });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
            found.Add(reader.GetString(0));
        var missing = Roles.Except(found, StringComparer.Ordinal).ToArray();
        return missing.Length == 0
            ? Diagnosis.Good("database roles", string.Join(", ", Roles))
            : Diagnosis.Bad("database roles", $"missing: {string.Join(", ", missing)}", "runproof db migrate makes them, as an administrator");
    }

    private static async Task<Diagnosis> LoginsAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(LoginsSql);
        command.Parameters.Add(new NpgsqlParameter { Value = Roles });
        var logins = (long)(await command.ExecuteScalarAsync(cancellationToken))!;
        return logins > 0
            ? Diagnosis.Good("database logins", string.Create(CultureInfo.InvariantCulture, $"{logins} login role(s) are members of RunProof's roles"))
            : Diagnosis.Bad("database logins", "no login role is a member of RunProof's roles", "give RunProof__Roles__Runner__Password (and Verifier, Auditor) and run runproof db migrate");
    }

    private static async Task<DateTimeOffset> ReadClockAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(ClockSql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return await reader.GetFieldValueAsync<DateTimeOffset>(0, cancellationToken);
    }
}
