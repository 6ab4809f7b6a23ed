using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
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

    private const string StepsFrom =
        """
        FROM (SELECT * FROM public.aos_trace_steps UNION ALL SELECT * FROM public.aos_trace_steps_archive) s
          WHERE trace_id = $1 AND tenant_id = $2 ORDER BY step_index
        """;

    // Many at once: a join that is lateral can only be a loop over the array, so each trace costs its look-ups in the primary keys, whatever the tables' size and
    // statistics, and nothing is sorted: a trace of a million steps streams. That the rows then come in the array's order is no promise of SQL's; the reader
    // holds each against the order that it needs.
    private const string ManyTracesFrom =
        """
        FROM unnest($1::text[], $2::integer[]) w (wanted, place) CROSS JOIN LATERAL (
            SELECT * FROM public.aos_traces WHERE trace_id = w.wanted AND tenant_id = $3
            UNION ALL SELECT * FROM public.aos_traces_archive WHERE trace_id = w.wanted AND tenant_id = $3) t
        """;

    private const string ManyStepsFrom =
        """
        FROM unnest($1::text[], $2::integer[]) w (wanted, place) CROSS JOIN LATERAL (
            SELECT * FROM public.aos_trace_steps WHERE trace_id = w.wanted AND tenant_id = $3
            UNION ALL SELECT * FROM public.aos_trace_steps_archive WHERE trace_id = w.wanted AND tenant_id = $3
            ORDER BY step_index) s
        """;

    /// <summary>Traces whose headers are in memory at a time.</summary>
    private const int TracesAtOnce = 64;

    private const string TracesSql = $"SELECT {EvidenceReader.TraceColumns} {TracesFrom}";

    private const string TracesWithPayloadsSql = $"SELECT {EvidenceReader.TraceColumns}, {EvidenceReader.TracePayloadColumns} {TracesFrom}";

    private const string StepsSql = $"SELECT {EvidenceReader.StepColumns} {StepsFrom}";

    private const string StepsWithPayloadsSql = $"SELECT {EvidenceReader.StepColumns}, {EvidenceReader.StepPayloadColumns} {StepsFrom}";

    private const string ManyTracesSql = $"SELECT {EvidenceReader.TraceColumns}, place {ManyTracesFrom}";

    private const string ManyTracesWithPayloadsSql = $"SELECT {EvidenceReader.TraceColumns}, {EvidenceReader.TracePayloadColumns}, place {ManyTracesFrom}";

    private const string ManyStepsSql = $"SELECT {EvidenceReader.StepColumns}, place {ManyStepsFrom}";

    private const string ManyStepsWithPayloadsSql = $"SELECT {EvidenceReader.StepColumns}, {EvidenceReader.StepPayloadColumns}, place {ManyStepsFrom}";

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
        for (var first = 0; first < traces.Count; first += TracesAtOnce)
        {
            var places = Enumerable.Range(first, Math.Min(TracesAtOnce, traces.Count - first)).ToArray();
            batch.BatchCommands.Add(Many(payloads ? ManyTracesWithPayloadsSql : ManyTracesSql, traces, places));
            batch.BatchCommands.Add(Many(payloads ? ManyStepsWithPayloadsSql : ManyStepsSql, traces, [.. places.Where(place => traces[place].Steps)]));
        }

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        for (var first = 0; first < traces.Count; first += TracesAtOnce)
        {
            var found = await HeadersAsync(reader, first, payloads, cancellationToken);
            var rows = new PlacedRows(reader, first);
            for (var place = first; place < first + TracesAtOnce && place < traces.Count; place++)
                yield return new RecordedEvidence(traces[place].Trace, found[place - first], StepsAsync(rows, place, payloads, cancellationToken));
            await reader.NextResultAsync(cancellationToken);
        }
    }

    public async Task<RecordedSideRecords?> ReadSideRecordsAsync(RunId run, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection, transaction) { BatchCommands = { Sql.Command(SideRecordReader.SinceSql) } };
        foreach (var (_, sql) in SideRecordReader.Tables)
            batch.BatchCommands.Add(Sql.Command(sql, run.Value, tenant.Value));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        return await SideRecordReader.ReadAsync(reader, cancellationToken);
    }

    public async Task<IReadOnlyList<RecordedApproval>?> ReadApprovalsAsync(RunId run, IReadOnlyList<string> traces, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection, transaction) { BatchCommands = { Sql.Command(ApprovalEvidence.RunSql, run.Value, tenant.Value, traces.ToArray()) } };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var rows = new List<RecordedApproval>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(new RecordedApproval(JsonNode.Parse(reader.GetString(0))!.AsObject()));
        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }

    /// <summary>The headers of some traces at their places; of two under one name the first.</summary>
    private static async Task<RecordedTrace?[]> HeadersAsync(NpgsqlDataReader reader, int first, bool payloads, CancellationToken cancellationToken)
    {
        var found = new RecordedTrace?[TracesAtOnce];
        var rows = new PlacedRows(reader, first);
        while (await rows.NextAsync(cancellationToken))
            found[rows.Place - first] ??= EvidenceReader.ReadTrace(reader, payloads);
        await reader.NextResultAsync(cancellationToken);
        return found;
    }

    /// <summary>The rows of one place; those of places before it, which nobody read, are passed over.</summary>
    private static async IAsyncEnumerable<RecordedStep> StepsAsync(PlacedRows rows, int place, bool payloads, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var more = rows.Place >= place || await rows.NextAsync(cancellationToken); more && rows.Place <= place; more = await rows.NextAsync(cancellationToken))
        {
            if (rows.Place == place)
                yield return EvidenceReader.ReadStep(rows.Reader, payloads);
        }
    }

    private NpgsqlBatchCommand Many(string sql, IReadOnlyList<(string Trace, bool Steps)> traces, int[] places) =>
        Sql.Command(sql, places.Select(place => traces[place].Trace).ToArray(), places, tenant.Value);

    private NpgsqlBatch Query(string sql, string id) =>
        new(connection, transaction) { BatchCommands = { Sql.Command(sql, id, tenant.Value) } };

    /// <summary>Rows whose last column says whose they are, in the order of their places.</summary>
    private sealed class PlacedRows(NpgsqlDataReader reader, int first)
    {
        internal NpgsqlDataReader Reader => reader;

        /// <summary>The place of the row that was read last; before the first row the one before all, behind the last row the one after all.</summary>
        internal int Place { get; private set; } = first - 1;

        internal async ValueTask<bool> NextAsync(CancellationToken cancellationToken)
        {
            if (Place == int.MaxValue || !await reader.ReadAsync(cancellationToken))
            {
                Place = int.MaxValue;
                return false;
            }

            var place = reader.GetInt32(reader.FieldCount - 1);
            if (place < Place)
                throw new InvalidOperationException("the server gave evidence in another order than was asked for: none of it can be judged");
            Place = place;
            return true;
        }
    }
}
