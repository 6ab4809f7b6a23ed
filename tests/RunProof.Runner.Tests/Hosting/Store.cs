using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.ServiceDefaults;
using RunProof.Testing;

namespace RunProof.Runner.Tests;

/// <summary>The database as its owner sees it.</summary>
internal static class Store
{
    /// <summary>Makes a key, and its tenant where it is new.</summary>
    /// <returns>The key's text.</returns>
    public static async Task<string> CreateKeyAsync(TestDatabase database, string tenant, string scope, string? id = null, string name = "test")
    {
        await using var source = NpgsqlDataSource.Create(database.AdminConnectionString);
        var secret = ApiKeySecret.Create();
        var key = new ApiKey(TenantId.Parse(tenant), id ?? "key_" + Guid.NewGuid().ToString("N"), name, scope, DateTimeOffset.UtcNow, null);
        await new PostgresApiKeyStore(source).CreateAsync(key, ApiKeySecret.HashOf(secret), default);
        return secret;
    }

    public static async Task RevokeKeyAsync(TestDatabase database, string id)
    {
        await using var source = NpgsqlDataSource.Create(database.AdminConnectionString);
        Assert.True(await new PostgresApiKeyStore(source).RevokeAsync(id, DateTimeOffset.UtcNow, default));
    }

    /// <summary>One value; null where there is no row.</summary>
    public static async Task<object?> ScalarAsync(TestDatabase database, string sql, params object[] values)
    {
        await using var source = NpgsqlDataSource.Create(database.AdminConnectionString);
        await using var command = source.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return await command.ExecuteScalarAsync();
    }
}
