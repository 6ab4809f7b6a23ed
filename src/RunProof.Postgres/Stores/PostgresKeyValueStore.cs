using Npgsql;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Postgres;

/// <summary>Keys and values in the table <c>runproof.kv</c>, through functions; each call is one round trip and one transaction.</summary>
/// <param name="source">Connections of a member of <c>runproof_runner</c>.</param>
public sealed class PostgresKeyValueStore(NpgsqlDataSource source) : IKeyValueStore
{
    private const string GetSql = "SELECT value, version FROM runproof.kv_get($1, $2)";

    private const string SetSql = "SELECT changed, version FROM runproof.kv_set($1, $2, $3, $4, $5)";

    /// <inheritdoc/>
    public Task<KeyValue> GetAsync(TenantId tenant, string key, CancellationToken cancellationToken) => ReadAsync(
        Sql.Command(GetSql, tenant.Value, key),
        static reader => new KeyValue(reader.TextOrNull(0) is { } text ? CanonicalJson.FromCanonicalBytes(System.Text.Encoding.UTF8.GetBytes(text)) : null, reader.GetInt64(1)),
        new KeyValue(null, 0),
        cancellationToken);

    /// <inheritdoc/>
    public Task<KeyValueChange> SetAsync(TenantId tenant, string key, CanonicalJson? value, long? expectedVersion, string change, CancellationToken cancellationToken) => ReadAsync(
        Sql.Command(SetSql, tenant.Value, key, value?.ToString(), Sql.OrNull(expectedVersion), change),
        static reader => new KeyValueChange(reader.GetBoolean(0), reader.GetInt64(1)),
        default,
        cancellationToken);

    private async Task<T> ReadAsync<T>(NpgsqlBatchCommand command, Func<NpgsqlDataReader, T> row, T none, CancellationToken cancellationToken)
    {
        try
        {
            await using var batch = source.CreateBatch();
            batch.BatchCommands.Add(command);
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAsync(cancellationToken) ? row(reader) : none;
        }
        catch (NpgsqlException e)
        {
            throw new SkillException(new SkillFailure("store_unavailable", $"the store of keys and values: {e.Message}", e.IsTransient), e);
        }
    }
}
