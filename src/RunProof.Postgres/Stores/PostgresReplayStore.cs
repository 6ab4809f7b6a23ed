using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>The origins of replays and forks, through functions that show a worker only those that its runs name; each call is one round trip.</summary>
/// <param name="source">Connections of a member of <c>runproof_runner</c>.</param>
public sealed class PostgresReplayStore(NpgsqlDataSource source) : IReplayStore
{
    private const string TraceSql = $"SELECT {EvidenceReader.TraceColumns}, {EvidenceReader.TracePayloadColumns} FROM runproof.replay_source($1, $2, $3)";

    private const string StepsSql = $"SELECT {EvidenceReader.StepColumns}, {EvidenceReader.StepPayloadColumns} FROM runproof.replay_source_page($1, $2, $3, $4, $5, $6)";

    /// <inheritdoc/>
    public async Task<RecordedTrace?> FindAsync(TenantId tenant, RunId run, string worker, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(TraceSql, tenant.Value, run.Value, worker));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? EvidenceReader.ReadTrace(reader, payloads: true) : null;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<RecordedStep>> ReadStepsAsync(TenantId tenant, RunId run, string worker, OriginPage page, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(StepsSql, tenant.Value, run.Value, worker, page.First, page.MostSteps, page.MostBytes));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var steps = new List<RecordedStep>();
        while (await reader.ReadAsync(cancellationToken))
            steps.Add(EvidenceReader.ReadStep(reader, payloads: true));
        return steps;
    }
}
