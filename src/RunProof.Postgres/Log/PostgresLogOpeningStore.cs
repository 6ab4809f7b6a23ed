using System.Globalization;
using System.Text;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Openings in the logs of Schema/0008_log.sql, as far as 0026_log_openings.sql shows them to whoever executes runs.</summary>
/// <param name="source">Connections of a member of <c>runproof_runner</c>.</param>
/// <param name="log">Reads the logs' tiles.</param>
public sealed class PostgresLogOpeningStore(NpgsqlDataSource source, ILogReader log) : ILogOpeningStore
{
    private const string OpeningsSql = "SELECT tenant_id, trace_id, position, entry, published, refused FROM runproof.openings_of($1, $2)";

    /// <inheritdoc/>
    public async Task<IReadOnlyList<LogOpening>> FindAsync(IReadOnlyCollection<(TenantId Tenant, TraceId Trace)> traces, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(traces);
        var rows = await ReadAsync(traces, cancellationToken);
        var found = rows.Where(static row => row.Refused is not null).Select(static row => new LogOpening(row.Tenant, row.Trace, null, row.Refused)).ToList();
        foreach (var covered in rows.Where(static row => row.Published is not null).GroupBy(static row => (row.Tenant, Published: row.Published!)))
        {
            try
            {
                found.AddRange(await ProveAsync(covered.Key.Tenant, covered.Key.Published, [.. covered], cancellationToken));
            }
            catch (LogStoreException e) when (!e.IsTransient)
            {
                // One tenant's log is not the others'.
                found.AddRange(covered.Select(row => new LogOpening(row.Tenant, row.Trace, null, null) { Fault = e.Message }));
            }
        }

        return found;
    }

    private async Task<List<LogOpening>> ProveAsync(TenantId tenant, string published, IReadOnlyList<Row> rows, CancellationToken cancellationToken)
    {
        if (!SignedNote.TryParse(Encoding.UTF8.GetBytes(published), out var note, out var problem) || !Checkpoint.TryParse(note.Text, out var head, out problem))
            throw new LogStoreException(isTransient: false, $"what is published of the log of tenant {tenant} is no checkpoint: {problem}");
        var found = new List<LogOpening>();
        var covered = rows.Where(row => row.Position >= 0 && row.Position < head.Size).ToList();
        if (covered.Count == 0)
            return found;
        var paths = await TileProofs.InclusionsAsync(log, tenant, [.. covered.Select(static row => row.Position)], head.Size, cancellationToken);
        for (var i = 0; i < covered.Count; i++)
        {
            var (row, path) = (covered[i], paths[i]);
            if (!MerkleProofs.VerifyInclusion((ulong)row.Position, (ulong)head.Size, MerkleTree.LeafHash(Encoding.UTF8.GetBytes(row.Entry!)), [.. path], head.Root))
                throw new LogStoreException(isTransient: false, string.Create(CultureInfo.InvariantCulture, $"entry {row.Position} of the log of tenant {tenant} does not lead to the root of what is published: run runproof log fsck"));
            found.Add(new LogOpening(tenant, row.Trace, new TlogProof(row.Position, path, note).ToString(), null));
        }

        return found;
    }

    private async Task<List<Row>> ReadAsync(IReadOnlyCollection<(TenantId Tenant, TraceId Trace)> traces, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var batch = new NpgsqlBatch(connection)
            {
                BatchCommands = { Sql.Command(OpeningsSql, traces.Select(one => one.Tenant.Value).ToArray<string?>(), traces.Select(one => one.Trace.Value).ToArray<string?>()) },
            };
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAllAsync(
                static row => new Row(TenantId.Parse(row.GetString(0)), TraceId.Parse(row.GetString(1)), row.IsDBNull(2) ? -1 : row.GetInt64(2), row.TextOrNull(3), row.TextOrNull(4), row.TextOrNull(5)),
                cancellationToken);
        }
        catch (NpgsqlException e)
        {
            throw LogSql.Translate(e);
        }
    }

    private sealed record Row(TenantId Tenant, TraceId Trace, long Position, string? Entry, string? Published, string? Refused);
}
