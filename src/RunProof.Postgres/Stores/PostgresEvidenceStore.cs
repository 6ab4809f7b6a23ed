using System.Data;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Evidence in <c>aos_traces</c>, <c>aos_trace_steps</c> and their archive twins, under row-level security.</summary>
/// <param name="source">Connections of a member of <c>runproof_verifier</c> or <c>runproof_auditor</c>.</param>
public sealed class PostgresEvidenceStore(NpgsqlDataSource source) : IEvidenceStore
{
    /// <inheritdoc/>
    public async Task<IEvidenceSnapshot> OpenAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        var connection = await source.OpenConnectionAsync(cancellationToken);
        try
        {
            // One round trip: the driver sends BEGIN together with what follows it.
            var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
            await using var batch = new NpgsqlBatch(connection, transaction)
            {
                BatchCommands = { Sql.Command("SET TRANSACTION READ ONLY"), Sql.NameTenant(tenant) },
            };
            await batch.ExecuteNonQueryAsync(cancellationToken);
            return new PostgresEvidenceSnapshot(connection, transaction, tenant);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
