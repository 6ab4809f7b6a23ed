using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>What is in quarantine, across tenants; and another turn for it, once its cause was removed.</summary>
/// <param name="source">Connections of a member of <c>runproof_verifier</c>.</param>
public sealed class PostgresQuarantine(NpgsqlDataSource source)
{
    private const string RequeueSql = "SELECT trace_id, kind FROM runproof.requeue($1, $2)";

    private const string TenantsSql = "SELECT tenant_id FROM runproof.tenants_in_quarantine()";

    /// <summary>The tenants of which anything is in quarantine; an auditor may ask too.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LogStoreException">The store failed.</exception>
    /// <returns>All of them, by name.</returns>
    public async Task<IReadOnlyList<TenantId>> ListTenantsAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var command = source.CreateCommand(TenantsSql);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAllAsync(static row => TenantId.Parse(row.GetString(0)), cancellationToken);
        }
        catch (NpgsqlException e)
        {
            throw LogSql.Translate(e);
        }
    }

    /// <summary>Moves a tenant's entries from quarantine to the queue, in one transaction; why they were there is kept. A sealer examines them again.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="trace">The trace; null for all.</param>
    /// <param name="cancellationToken">Gives up; whether it was done is then unknown, and calling again does no harm.</param>
    /// <exception cref="LogStoreException">The store failed.</exception>
    /// <returns>What was moved, by trace.</returns>
    public async Task<IReadOnlyList<(string TraceId, LogEntryKind Kind)>> RequeueAsync(TenantId tenant, string? trace, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Sql.NameTenant(tenant), Sql.Command(RequeueSql, tenant.Value, trace) } };
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            return await reader.ReadAllAsync(static row => (row.GetString(0), LogSql.Kind(row.GetString(1))), cancellationToken);
        }
        catch (NpgsqlException e)
        {
            throw LogSql.Translate(e);
        }
    }
}
