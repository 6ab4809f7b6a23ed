using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>The origins of replays and forks, through functions that show a worker only those that its runs name; each call is one round trip.</summary>
/// <param name="source">Connections of a member of <c>runproof_runner</c>.</param>
public sealed class PostgresReplayStore(NpgsqlDataSource source) : IReplayStore
{
    private const string TraceSql = $"SELECT {EvidenceReader.TraceColumns}, {EvidenceReader.TracePayloadColumns} FROM runproof.replay_source($1, $2, $3)";

    private const string StepsSql = $"SELECT {EvidenceReader.StepColumns}, {EvidenceReader.StepPayloadColumns} FROM runproof.replay_source_steps($1, $2, $3)";

    /// <inheritdoc/>
    public async Task<RecordedOrigin?> ReadAsync(TenantId tenant, RunId run, string worker, long maxCharacters, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(TraceSql, tenant.Value, run.Value, worker));
        batch.BatchCommands.Add(Sql.Command(StepsSql, tenant.Value, run.Value, worker));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
            return null;
        var trace = EvidenceReader.ReadTrace(reader, payloads: true);
        await reader.NextResultAsync(cancellationToken);
        var steps = new List<RecordedStep>();
        var read = 0L;
        while (await reader.ReadAsync(cancellationToken))
        {
            var step = EvidenceReader.ReadStep(reader, payloads: true);
            read += (step.Input.Text?.Length ?? 0) + (step.Output.Text?.Length ?? 0) + (step.Context.Text?.Length ?? 0);
            if (read > maxCharacters)
                return new RecordedOrigin(trace, steps, IsTooLarge: true);
            steps.Add(step);
        }

        return new RecordedOrigin(trace, steps, IsTooLarge: false);
    }
}
