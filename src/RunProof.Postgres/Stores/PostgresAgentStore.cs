using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Agents in the table <c>agents</c>, under row-level security; each call is one round trip.</summary>
/// <param name="source">Connections of a member of <c>runproof_runner</c>.</param>
public sealed class PostgresAgentStore(NpgsqlDataSource source) : IAgentStore
{
    private const string InsertSql =
        """
        INSERT INTO public.agents (tenant_id, id, name, description, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, id) DO NOTHING
        """;

    private const string FindSql = "SELECT tenant_id, id, name, description, created_at FROM public.agents WHERE tenant_id = $1 AND id = $2";

    private const string ListSql =
        """
        SELECT tenant_id, id, name, description, created_at FROM public.agents WHERE tenant_id = $1 AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3
        """;

    /// <inheritdoc/>
    public async Task<bool> CreateAsync(Agent agent, CancellationToken cancellationToken)
    {
        var insert = Sql.Command(InsertSql, agent.TenantId.Value, agent.Id.Value, agent.Name, agent.Description, agent.CreatedAt);
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.NameTenant(agent.TenantId));
        batch.BatchCommands.Add(insert);
        await batch.ExecuteNonQueryAsync(cancellationToken);
        return insert.RecordsAffected == 1;
    }

    /// <inheritdoc/>
    public async Task<Agent?> FindAsync(TenantId tenant, AgentId agent, CancellationToken cancellationToken) =>
        await ReadAsync(tenant, Sql.Command(FindSql, tenant.Value, agent.Value), cancellationToken) is [var only] ? only : null;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Agent>> ListAsync(TenantId tenant, AgentId? after, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        return await ReadAsync(tenant, Sql.Command(ListSql, tenant.Value, after?.Value, limit), cancellationToken);
    }

    private async Task<List<Agent>> ReadAsync(TenantId tenant, NpgsqlBatchCommand query, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.NameTenant(tenant));
        batch.BatchCommands.Add(query);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var agents = new List<Agent>();
        while (await reader.ReadAsync(cancellationToken))
        {
            agents.Add(new Agent(
                TenantId.Parse(reader.GetString(0)), AgentId.Parse(reader.GetString(1)), reader.GetString(2), reader.TextOrNull(3),
                await reader.GetFieldValueAsync<DateTimeOffset>(4, cancellationToken)));
        }

        return agents;
    }
}
