using Npgsql;
using RunProof.Testing;

namespace RunProof.Postgres.Tests;

/// <summary>A migrated database with the rows of <see cref="Seed.Everything"/>. Statements are tried in transactions that are rolled back, so tests share it.</summary>
public sealed class SeededDatabase(PostgresFixture postgres) : IAsyncLifetime
{
    /// <summary>Who tries statements: the owner, a superuser, and the three service roles.</summary>
    public static IReadOnlyList<string> Roles { get; } = ["runproof_owner", "superuser", "runproof_runner", "runproof_verifier", "runproof_auditor"];

    public TestDatabase Database { get; private set; } = null!;

    public NpgsqlDataSource Admin { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Database = await postgres.CreateMigratedDatabaseAsync();
        Admin = NpgsqlDataSource.Create(Database.AdminConnectionString);
        await ExecuteAsync("SET ROLE runproof_owner;\n" + Seed.Everything + ";\nRESET ROLE");
    }

    public async ValueTask DisposeAsync() => await Admin.DisposeAsync();

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Admin.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Tries a statement as a role in tenant t1, checks deferred constraints as a commit would, and rolls back.</summary>
    /// <returns>The SQLSTATE that refused it and its message; SQLSTATE 00000 and the number of rows touched where nothing did.</returns>
    public async Task<(string State, string Message)> TryAsync(string role, string sql, string? before = null)
    {
        await using var connection = await Admin.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        try
        {
            if (before is not null)
                await RunAsync(connection, $"SET LOCAL ROLE runproof_owner;\n{before};\nRESET ROLE");
            if (role != "superuser")
                await RunAsync(connection, $"SET LOCAL ROLE {role}");
            await RunAsync(connection, "SELECT set_config('runproof.tenant_id', 't1', true)");
            var rows = await RunAsync(connection, sql);
            await RunAsync(connection, "SET CONSTRAINTS ALL IMMEDIATE");
            return ("00000", rows.ToString());
        }
        catch (PostgresException e)
        {
            return (e.SqlState, e.MessageText);
        }
    }

    /// <summary>Reads the one value of a query as a role in a tenant (null: none named).</summary>
    public async Task<T?> ReadAsync<T>(string role, string? tenant, string sql)
    {
        await using var connection = await Admin.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        if (role != "superuser")
            await RunAsync(connection, $"SET LOCAL ROLE {role}");
        if (tenant is not null)
            await RunAsync(connection, $"SELECT set_config('runproof.tenant_id', '{tenant}', true)");
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync() is T value ? value : default;
    }

    private static async Task<int> RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteNonQueryAsync();
    }
}
