using System.Runtime.CompilerServices;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>
/// One REPEATABLE READ, READ ONLY transaction. Each read is one round trip; reads must not overlap. Rows come back as they are, also where someone took
/// the table's constraints away and wrote what they forbid: see <see cref="EvidenceReader"/>.
/// </summary>
internal sealed class PostgresEvidenceSnapshot(NpgsqlConnection connection, NpgsqlTransaction transaction, TenantId tenant) : IEvidenceSnapshot
{
    // The tenant stands in the query too: a connection of the owner's is under no row-level security.
    // A trace that is named after the run is the run's, whatever its run_id says: else evidence could be made to vanish by changing that one column.
    private const string TracesFrom =
        """
        FROM (SELECT * FROM public.aos_traces UNION ALL SELECT * FROM public.aos_traces_archive) t
          WHERE (run_id = $1 OR trace_id = 'trace_' || $1) AND tenant_id = $2 ORDER BY started_at, trace_id
        """;

    private const string TraceFrom =
        """
        FROM (SELECT * FROM public.aos_traces UNION ALL SELECT * FROM public.aos_traces_archive) t
          WHERE trace_id = $1 AND tenant_id = $2
        """;

    private const string StepsFrom =
        """
        FROM (SELECT * FROM public.aos_trace_steps UNION ALL SELECT * FROM public.aos_trace_steps_archive) s
          WHERE trace_id = $1 AND tenant_id = $2 ORDER BY step_index
        """;

    private const string TracesSql = $"SELECT {EvidenceReader.TraceColumns} {TracesFrom}";

    private const string TracesWithPayloadsSql = $"SELECT {EvidenceReader.TraceColumns}, {EvidenceReader.TracePayloadColumns} {TracesFrom}";

    private const string TraceSql = $"SELECT {EvidenceReader.TraceColumns} {TraceFrom}";

    private const string TraceWithPayloadsSql = $"SELECT {EvidenceReader.TraceColumns}, {EvidenceReader.TracePayloadColumns} {TraceFrom}";

    private const string StepsSql = $"SELECT {EvidenceReader.StepColumns} {StepsFrom}";

    private const string StepsWithPayloadsSql = $"SELECT {EvidenceReader.StepColumns}, {EvidenceReader.StepPayloadColumns} {StepsFrom}";

    public async Task<IReadOnlyList<RecordedTrace>> ReadTracesAsync(RunId run, bool payloads, CancellationToken cancellationToken)
    {
        await using var batch = Query(payloads ? TracesWithPayloadsSql : TracesSql, run.Value);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var traces = new List<RecordedTrace>();
        while (await reader.ReadAsync(cancellationToken))
            traces.Add(EvidenceReader.ReadTrace(reader, payloads));
        return traces;
    }

    public async IAsyncEnumerable<RecordedStep> ReadStepsAsync(string trace, bool payloads, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var batch = Query(payloads ? StepsWithPayloadsSql : StepsSql, trace);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            yield return EvidenceReader.ReadStep(reader, payloads);
    }

    public async IAsyncEnumerable<RecordedEvidence> ReadEvidenceAsync(
        IReadOnlyList<(string Trace, bool Steps)> traces, bool payloads, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (traces.Count == 0)
            yield break;
        await using var batch = new NpgsqlBatch(connection, transaction);
        foreach (var (trace, steps) in traces)
        {
            batch.BatchCommands.Add(Sql.Command(payloads ? TraceWithPayloadsSql : TraceSql, trace, tenant.Value));
            if (steps)
                batch.BatchCommands.Add(Sql.Command(payloads ? StepsWithPayloadsSql : StepsSql, trace, tenant.Value));
        }

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        foreach (var (trace, steps) in traces)
        {
            var found = await reader.ReadAsync(cancellationToken) ? EvidenceReader.ReadTrace(reader, payloads) : null;
            await reader.NextResultAsync(cancellationToken);
            yield return new RecordedEvidence(trace, found, steps ? StepsAsync(reader, payloads, cancellationToken) : NoSteps());
            if (steps)
                await reader.NextResultAsync(cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }

    private static async IAsyncEnumerable<RecordedStep> StepsAsync(NpgsqlDataReader reader, bool payloads, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (await reader.ReadAsync(cancellationToken))
            yield return EvidenceReader.ReadStep(reader, payloads);
    }

    private static async IAsyncEnumerable<RecordedStep> NoSteps()
    {
        await Task.CompletedTask;
        yield break;
    }

    private NpgsqlBatch Query(string sql, string id) =>
        new(connection, transaction) { BatchCommands = { Sql.Command(sql, id, tenant.Value) } };
}
