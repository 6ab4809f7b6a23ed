using System.Globalization;
using System.Text.Json;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Verification;

namespace RunProof.Cli;

/// <summary>The database behind validation, over PostgreSQL; any role that may read evidence will do.</summary>
/// <param name="connection">Where.</param>
/// <param name="source">Connections.</param>
internal sealed class EvidenceDatabase(NpgsqlConnectionStringBuilder connection, NpgsqlDataSource source) : IEvidenceDatabase
{
    private const string LoginSql =
        """
        SELECT inet_server_port(), session_user, (SELECT rolsuper FROM pg_roles WHERE rolname = session_user),
          (SELECT coalesce(array_agg(rolname::text ORDER BY rolname), '{}') FROM pg_roles WHERE rolname LIKE 'runproof\_%' AND pg_has_role(session_user, oid, 'MEMBER')),
          clock_timestamp()
        """;

    private const string NameTenantSql = "SELECT set_config('runproof.tenant_id', $1, true)";

    private const string TracesSql = "SELECT to_jsonb(t)::text FROM aos_traces t WHERE run_id = $1 AND tenant_id = $2 ORDER BY started_at, trace_id";

    private const string StepsSql = "SELECT to_jsonb(s)::text FROM aos_trace_steps s WHERE trace_id = $1 AND tenant_id = $2 ORDER BY step_index";

    public async Task<DatabaseFacts> DescribeAsync(CancellationToken cancellationToken)
    {
        var schema = await SchemaState.ReadAsync(source, cancellationToken);
        await using var command = source.CreateCommand(LoginSql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new DatabaseFacts
        {
            Address = Database.Describe(connection),
            ConnectedPort = connection.Port,
            ServerPort = await reader.IsDBNullAsync(0, cancellationToken) ? null : reader.GetInt32(0),
            User = reader.GetString(1),
            IsSuperuser = reader.GetBoolean(2),
            Roles = await reader.GetFieldValueAsync<string[]>(3, cancellationToken),
            ServerTime = await reader.GetFieldValueAsync<DateTimeOffset>(4, cancellationToken),
            Schema = schema,
        };
    }

    public Task<Rows> QueryAsync(TenantId tenant, string sql, string value, CancellationToken cancellationToken) => InTenantAsync(tenant, async open =>
    {
        await using var command = new NpgsqlCommand(sql, open) { Parameters = { new NpgsqlParameter { Value = value } }, AllResultTypesAreUnknown = true };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var columns = Enumerable.Range(0, reader.FieldCount).Select(reader.GetName).ToArray();
        var rows = new List<string?[]>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add([.. columns.Select((_, at) => reader.IsDBNull(at) ? null : reader.GetString(at))]);
        return new Rows(columns, rows);
    }, cancellationToken);

    public Task<IReadOnlyList<(JsonElement Trace, IReadOnlyList<JsonElement> Steps)>> ExportAsync(TenantId tenant, RunId run, CancellationToken cancellationToken) =>
        InTenantAsync<IReadOnlyList<(JsonElement, IReadOnlyList<JsonElement>)>>(tenant, async open =>
        {
            var exported = new List<(JsonElement, IReadOnlyList<JsonElement>)>();
            foreach (var trace in await ReadJsonAsync(open, TracesSql, run.Value, tenant, cancellationToken))
                exported.Add((trace, await ReadJsonAsync(open, StepsSql, trace.GetProperty("trace_id").GetString()!, tenant, cancellationToken)));
            return exported;
        }, cancellationToken);

    public async Task<IReadOnlyList<Evidence>> ReadAsync(TenantId tenant, RunId run, CancellationToken cancellationToken)
    {
        await using var snapshot = await new PostgresEvidenceStore(source).OpenAsync(tenant, cancellationToken);
        var read = new List<Evidence>();
        foreach (var trace in await snapshot.ReadTracesAsync(run, payloads: true, cancellationToken))
        {
            var steps = new List<RecordedStep>();
            await foreach (var step in snapshot.ReadStepsAsync(trace.TraceId, payloads: true, cancellationToken))
                steps.Add(step);
            read.Add(new Evidence(trace, steps));
        }

        return read;
    }

    public async Task<SideRecordReport> CompareSideRecordsAsync(TenantId tenant, RunId run, CancellationToken cancellationToken)
    {
        await using var snapshot = await new PostgresEvidenceStore(source).OpenAsync(tenant, cancellationToken);
        var recorded = NotSeenException.Need(await snapshot.ReadSideRecordsAsync(run, cancellationToken), "store of side records");
        var judge = new SideRecordJudge(run: null, recorded);
        var holds = true;
        foreach (var trace in await snapshot.ReadTracesAsync(run, payloads: true, cancellationToken))
        {
            var (verifier, records) = (TraceVerifier.Begin(trace, new VerificationOptions { Tenant = tenant, Run = run }), judge.Begin(trace));
            await foreach (var step in snapshot.ReadStepsAsync(trace.TraceId, payloads: true, cancellationToken))
            {
                verifier.Add(step);
                records.Add(step);
            }

            holds &= verifier.Finish().Verdict.Status is VerificationStatus.Verified;
        }

        return judge.Finish(holds);
    }

    public Task<Attempt> AttemptAsync(TenantId tenant, string sql, string value, CancellationToken cancellationToken) => InTenantAsync(tenant, async open =>
    {
        try
        {
            await using var command = new NpgsqlCommand(sql, open) { Parameters = { new NpgsqlParameter { Value = value } } };
            var rows = await command.ExecuteNonQueryAsync(cancellationToken);
            return new Attempt(null, string.Create(CultureInfo.InvariantCulture, $"not refused: {rows} row(s) would have changed (rolled back)"));
        }
        catch (PostgresException refused)
        {
            return new Attempt(refused.SqlState, refused.MessageText);
        }
    }, cancellationToken);

    /// <summary>One transaction, of one tenant, always rolled back: validation writes through the API alone.</summary>
    private async Task<T> InTenantAsync<T>(TenantId tenant, Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        await using var open = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await open.BeginTransactionAsync(cancellationToken);
        await using var name = new NpgsqlCommand(NameTenantSql, open) { Parameters = { new NpgsqlParameter { Value = tenant.Value } } };
        await name.ExecuteNonQueryAsync(cancellationToken);
        var result = await work(open);
        await transaction.RollbackAsync(cancellationToken);
        return result;
    }

    private static async Task<List<JsonElement>> ReadJsonAsync(NpgsqlConnection open, string sql, string value, TenantId tenant, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, open)
        {
            Parameters = { new NpgsqlParameter { Value = value }, new NpgsqlParameter { Value = tenant.Value } },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<JsonElement>();
        while (await reader.ReadAsync(cancellationToken))
        {
            using var document = JsonDocument.Parse(reader.GetString(0));
            rows.Add(document.RootElement.Clone());
        }

        return rows;
    }
}
