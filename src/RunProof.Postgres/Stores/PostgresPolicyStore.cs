using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Policies in <c>runproof.policies</c> and <c>runproof.policy_changes</c>, under row-level security; each call is one round trip.</summary>
/// <param name="source">Connections of a member of <c>runproof_runner</c>.</param>
public sealed class PostgresPolicyStore(NpgsqlDataSource source) : IPolicyStore
{
    private const string InForceSql =
        """
        SELECT s.stamp, f.name, f.version, f.document, f.digest, f.created_at, f.created_by
          FROM (SELECT coalesce(max(c.change), 0) AS stamp FROM runproof.policy_changes c WHERE c.tenant_id = $1) s
          LEFT JOIN LATERAL (
            SELECT p.* FROM (SELECT DISTINCT ON (c.name) c.name, c.version FROM runproof.policy_changes c WHERE c.tenant_id = $1 ORDER BY c.name, c.change DESC) a
              JOIN runproof.policies p ON p.tenant_id = $1 AND p.name = a.name AND p.version = a.version) f ON s.stamp <> $2
          ORDER BY f.name
        """;

    private const string ApplySql = "SELECT runproof.apply_policy($1, $2, $3, $4, $5, $6, $7)";

    private const string RetireSql = "SELECT runproof.retire_policy($1, $2, $3, $4)";

    private const string ListSql =
        """
        SELECT p.name, p.version, p.document, p.digest, p.created_at, p.created_by,
            coalesce(p.version = (SELECT c.version FROM runproof.policy_changes c WHERE c.tenant_id = $1 AND c.name = p.name ORDER BY c.change DESC LIMIT 1), false)
          FROM runproof.policies p WHERE p.tenant_id = $1 AND ($2 IS NULL OR p.name = $2) ORDER BY p.name, p.created_at DESC, p.version DESC
        """;

    /// <inheritdoc/>
    public async Task<PoliciesInForce> ReadInForceAsync(TenantId tenant, long knownStamp, CancellationToken cancellationToken)
    {
        await using var batch = BatchOf(tenant, Sql.Command(InForceSql, tenant.Value, knownStamp));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var stamp = 0L;
        var policies = new List<StoredPolicy>();
        while (await reader.ReadAsync(cancellationToken))
        {
            stamp = reader.GetInt64(0);
            if (!await reader.IsDBNullAsync(1, cancellationToken))
                policies.Add(Read(reader, tenant, 1, isActive: true));
        }

        return new PoliciesInForce(stamp, stamp == knownStamp ? null : policies);
    }

    /// <inheritdoc/>
    public async Task<(PolicyApplication Outcome, StoredPolicy Stored)> ApplyAsync(StoredPolicy policy, CancellationToken cancellationToken)
    {
        var apply = Sql.Command(
            ApplySql, policy.TenantId.Value, policy.Name, policy.Version, policy.Document, policy.Digest, policy.CreatedAt, policy.CreatedBy);
        await using var batch = BatchOf(policy.TenantId, apply, Sql.Command(ListSql, policy.TenantId.Value, policy.Name));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var outcome = reader.GetString(0) switch
        {
            "applied" => PolicyApplication.Applied,
            "unchanged" => PolicyApplication.Unchanged,
            _ => PolicyApplication.VersionTaken,
        };
        await reader.NextResultAsync(cancellationToken);
        var versions = await ReadAllAsync(reader, policy.TenantId, cancellationToken);
        return (outcome, versions.Find(version => version.Version == policy.Version)!);
    }

    /// <inheritdoc/>
    public async Task<bool> RetireAsync(TenantId tenant, string name, string by, DateTimeOffset at, CancellationToken cancellationToken)
    {
        await using var batch = BatchOf(tenant, Sql.Command(RetireSql, tenant.Value, name, at, by));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) && reader.GetBoolean(0);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StoredPolicy>> ListAsync(TenantId tenant, string? name, CancellationToken cancellationToken)
    {
        await using var batch = BatchOf(tenant, Sql.Command(ListSql, tenant.Value, name));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        return await ReadAllAsync(reader, tenant, cancellationToken);
    }

    private NpgsqlBatch BatchOf(TenantId tenant, params ReadOnlySpan<NpgsqlBatchCommand> commands)
    {
        var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.NameTenant(tenant));
        foreach (var command in commands)
            batch.BatchCommands.Add(command);
        return batch;
    }

    private static async Task<List<StoredPolicy>> ReadAllAsync(NpgsqlDataReader reader, TenantId tenant, CancellationToken cancellationToken)
    {
        var versions = new List<StoredPolicy>();
        while (await reader.ReadAsync(cancellationToken))
            versions.Add(Read(reader, tenant, 0, reader.GetBoolean(6)));
        return versions;
    }

    private static StoredPolicy Read(NpgsqlDataReader reader, TenantId tenant, int first, bool isActive) => new()
    {
        TenantId = tenant,
        Name = reader.GetString(first),
        Version = reader.GetString(first + 1),
        Document = reader.GetString(first + 2),
        Digest = new Digest(reader.GetFieldValue<byte[]>(first + 3)),
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(first + 4),
        CreatedBy = reader.GetString(first + 5),
        IsActive = isActive,
    };
}
