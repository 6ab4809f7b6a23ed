using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>
/// API keys in the table <c>runproof.api_keys</c>. Services can only look a key up by its hash, through a function of the schema; making, listing and
/// revoking need a connection of the owner or an administrator and fail with 42501 on any other.
/// </summary>
/// <param name="source">Connections.</param>
public sealed class PostgresApiKeyStore(NpgsqlDataSource source) : IApiKeyStore
{
    private const string InsertTenantSql = "INSERT INTO runproof.tenants (tenant_id, created_at) VALUES ($1, $2) ON CONFLICT (tenant_id) DO NOTHING";

    private const string InsertSql =
        "INSERT INTO runproof.api_keys (id, tenant_id, secret_hash, name, scope, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";

    private const string FindSql = "SELECT tenant_id, id, name, scope, created_at, revoked_at FROM runproof.find_api_key($1)";

    private const string ListSql =
        "SELECT tenant_id, id, name, scope, created_at, revoked_at FROM runproof.api_keys WHERE $1 IS NULL OR tenant_id = $1 ORDER BY created_at, id";

    private const string RevokeSql = "UPDATE runproof.api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";

    /// <inheritdoc/>
    public async Task CreateAsync(ApiKey key, Digest secretHash, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(InsertTenantSql, key.TenantId.Value, key.CreatedAt));
        batch.BatchCommands.Add(Sql.Command(
            InsertSql, key.Id, key.TenantId.Value, secretHash, key.Name, key.Scope, key.CreatedAt, Sql.OrNull(key.RevokedAt)));
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<ApiKey?> FindAsync(Digest secretHash, CancellationToken cancellationToken) =>
        await ReadAsync(Sql.Command(FindSql, secretHash), cancellationToken) is [var only] ? only : null;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ApiKey>> ListAsync(TenantId? tenant, CancellationToken cancellationToken) =>
        await ReadAsync(Sql.Command(ListSql, tenant?.Value), cancellationToken);

    /// <inheritdoc/>
    public async Task<bool> RevokeAsync(string id, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var update = Sql.Command(RevokeSql, id, at);
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(update);
        await batch.ExecuteNonQueryAsync(cancellationToken);
        return update.RecordsAffected == 1;
    }

    private async Task<List<ApiKey>> ReadAsync(NpgsqlBatchCommand query, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(query);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var keys = new List<ApiKey>();
        while (await reader.ReadAsync(cancellationToken))
        {
            keys.Add(new ApiKey(
                TenantId.Parse(reader.GetString(0)), reader.GetString(1), reader.GetString(2), reader.GetString(3),
                await reader.GetFieldValueAsync<DateTimeOffset>(4, cancellationToken), reader.TimeOrNull(5)));
        }

        return keys;
    }
}
