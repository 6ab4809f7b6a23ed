using System.Buffers;
using System.Text;
using Npgsql;
using RunProof.Format;

namespace RunProof.Postgres;

/// <summary>The tenant, agent and key that a developer's own machine starts with. Never made unless a key for it is given.</summary>
public static class DevelopmentTenant
{
    private const string KeyId = "key_development";

    private const int KeyLength = 47;

    private static readonly SearchValues<char> Base64Url = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private const string EnsureTenantSql = "INSERT INTO runproof.tenants (tenant_id, created_at) VALUES ($1, $2) ON CONFLICT (tenant_id) DO NOTHING";

    private const string EnsureAgentSql =
        """
        INSERT INTO public.agents (tenant_id, id, name, description, created_at)
          VALUES ($1, $2, 'Demo agent', 'Made by the migrator for development.', $3) ON CONFLICT (tenant_id, id) DO NOTHING
        """;

    // A new key replaces the former development key: its id is the same.
    private const string EnsureKeySql =
        """
        INSERT INTO runproof.api_keys (id, tenant_id, secret_hash, name, scope, created_at) VALUES ($1, $2, $3, 'development', 'runner', $4)
          ON CONFLICT (id) DO UPDATE SET secret_hash = excluded.secret_hash, created_at = excluded.created_at, revoked_at = NULL
          WHERE api_keys.secret_hash <> excluded.secret_hash
        """;

    /// <summary>The tenant: <c>dev</c>.</summary>
    public static TenantId TenantId { get; } = TenantId.Parse("dev");

    /// <summary>The agent: <c>demo-agent</c>.</summary>
    public static AgentId AgentId { get; } = AgentId.Parse("demo-agent");

    /// <summary>Makes what is missing; a development key other than the given one is replaced by it.</summary>
    /// <param name="adminConnectionString">An administrator of a migrated database.</param>
    /// <param name="apiKey"><c>rpk_</c> and 43 base64url characters.</param>
    /// <param name="clock">For the times of creation.</param>
    /// <param name="cancellationToken">Gives up; nothing or all of it is made.</param>
    /// <exception cref="FormatException">The key has another form.</exception>
    /// <exception cref="NpgsqlException">The server cannot be reached or refuses.</exception>
    public static async Task EnsureAsync(string adminConnectionString, string apiKey, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (apiKey.Length != KeyLength || !apiKey.StartsWith("rpk_", StringComparison.Ordinal) || apiKey.AsSpan(4).ContainsAnyExcept(Base64Url))
            throw new FormatException("the development API key must be rpk_ and 43 base64url characters");
        var settings = new NpgsqlConnectionStringBuilder(adminConnectionString) { Pooling = false, Multiplexing = false, MaxAutoPrepare = 0 };
        var now = clock.GetUtcNow();
        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Sql.Command(EnsureTenantSql, TenantId.Value, now),
                Sql.Command(EnsureAgentSql, TenantId.Value, AgentId.Value, now),
                Sql.Command(EnsureKeySql, KeyId, TenantId.Value, Digest.Of(Encoding.ASCII.GetBytes(apiKey)), now),
            },
        };
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }
}
