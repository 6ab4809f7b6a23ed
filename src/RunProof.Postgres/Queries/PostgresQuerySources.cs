using System.Collections.Immutable;
using System.Data;
using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Postgres;

/// <summary>
/// PostgreSQL databases that may be asked. A question becomes a cursor, which the server makes of reading statements only, in a read-only transaction on a
/// connection that is looked at first: not the platform's own database, and no role that could leave it.
/// </summary>
public sealed class PostgresQuerySources : IQuerySources, IDisposable, IAsyncDisposable
{
    private const string IdentitySql =
        "SELECT s.system_identifier, d.oid FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()";

    // Whoever is one of these reads and writes files of the server or runs its programs: no transaction holds them.
    private const string RightsSql =
        """
        SELECT r.rolsuper OR r.rolreplication OR pg_has_role(r.oid, 'pg_execute_server_program', 'MEMBER') OR pg_has_role(r.oid, 'pg_write_server_files', 'MEMBER')
            OR pg_has_role(r.oid, 'pg_read_server_files', 'MEMBER')
          FROM pg_roles r WHERE r.rolname = session_user
        """;

    private const string SettingsSql =
        """
        SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $1, true),
          set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true), set_config('IntervalStyle', 'iso_8601', true),
          set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true), set_config('cursor_tuple_fraction', '1', true)
        """;

    private readonly NpgsqlDataSource _platform;
    private readonly ImmutableSortedDictionary<string, (QuerySource Source, NpgsqlDataSource Connections)> _sources;
    private (long System, uint Database)? _own;

    /// <summary>Takes the sources; nothing is connected to yet.</summary>
    /// <param name="platform">The platform's own database, which no question reaches.</param>
    /// <param name="sources">The sources by name.</param>
    /// <exception cref="ArgumentException">One cannot be meant; it is named.</exception>
    public PostgresQuerySources(NpgsqlDataSource platform, IReadOnlyDictionary<string, QuerySource> sources)
    {
        ArgumentNullException.ThrowIfNull(sources);
        _platform = platform;
        _sources = sources.ToImmutableSortedDictionary(pair => pair.Key, pair => (pair.Value, pair.Value.Connect(pair.Key)), StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, connections) in _sources.Values)
            connections.Dispose();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var (_, connections) in _sources.Values)
            await connections.DisposeAsync();
    }

    /// <inheritdoc/>
    public async Task<QueryAnswer> QueryAsync(TenantId tenant, SourceQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        if (!_sources.TryGetValue(query.Source, out var asked) || !(asked.Source.Tenants.Contains("*") || asked.Source.Tenants.Contains(tenant.Value, StringComparer.Ordinal)))
            throw Failed("unknown_source", "the operator has given this tenant no SQL source of that name");
        var time = query.Timeout < asked.Source.MaxTime ? query.Timeout : asked.Source.MaxTime;
        try
        {
            await using var connection = await asked.Connections.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
            await EnterAsync(connection, time, cancellationToken);
            await DeclareAsync(connection, query, cancellationToken);
            var answer = await FetchAsync(connection, query, cancellationToken);
            await transaction.RollbackAsync(cancellationToken);
            return answer;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.QueryCanceled && !cancellationToken.IsCancellationRequested)
        {
            throw Failed("timeout", string.Create(CultureInfo.InvariantCulture, $"no answer within {time.TotalMilliseconds} ms"), retryable: true);
        }
        catch (PostgresException e)
        {
            throw Failed("sql_" + e.SqlState, e.MessageText, e.IsTransient);
        }
        catch (NpgsqlException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failed("connect_failed", $"the source \"{query.Source}\" cannot be reached", e.IsTransient);
        }
    }

    /// <summary>Makes the transaction one that only reads, and looks where it is. Nothing of the caller's has been sent yet.</summary>
    private async Task EnterAsync(NpgsqlConnection connection, TimeSpan time, CancellationToken cancellationToken)
    {
        var own = _own ??= await OwnAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SET TRANSACTION READ ONLY"));
        batch.BatchCommands.Add(Sql.Command(SettingsSql, Math.Max(1, (long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture)));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(IdentitySql));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(RightsSql));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var here = (reader.GetInt64(0), await reader.GetFieldValueAsync<uint>(1, cancellationToken));
        if (here == own)
            throw Failed("source_refused", "this source is the platform's own database");
        await reader.NextResultAsync(cancellationToken);
        // No row would mean a role that is gone: it may not ask either.
        if (!await reader.ReadAsync(cancellationToken) || reader.GetBoolean(0))
            throw Failed("source_refused", "this source's role could do more than read: it is a superuser, replicates, or reaches the server's files or programs");
    }

    private async Task<(long System, uint Database)> OwnAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var command = _platform.CreateCommand(IdentitySql);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            return (reader.GetInt64(0), await reader.GetFieldValueAsync<uint>(1, cancellationToken));
        }
        catch (NpgsqlException e)
        {
            throw Failed("source_refused", "the platform's own database could not be asked which one it is, so no source can be known to be another", e.IsTransient);
        }
    }

    /// <summary>One statement, by the protocol; one that reads, by the grammar: a cursor is of nothing else.</summary>
    private static async Task DeclareAsync(NpgsqlConnection connection, SourceQuery query, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("DECLARE runproof_query NO SCROLL CURSOR FOR " + query.Sql, connection);
        foreach (var text in query.Parameters)
            command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Unknown, Value = (object?)text ?? DBNull.Value });
        // With a parameter the driver leaves the text as it is; without one it would take it apart at semicolons and send the parts one by one.
        command.Parameters.Add(new NpgsqlParameter<int> { NpgsqlDbType = NpgsqlDbType.Integer, TypedValue = 0 });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<QueryAnswer> FetchAsync(NpgsqlConnection connection, SourceQuery query, CancellationToken cancellationToken)
    {
        // All values in the server's own spelling: what is recorded does not depend on how a driver reads a type.
        await using var command = new NpgsqlCommand(string.Create(CultureInfo.InvariantCulture, $"FETCH FORWARD {query.MaxRows + 1} FROM runproof_query"), connection) { AllResultTypesAreUnknown = true };
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellationToken);
        var columns = Enumerable.Range(0, reader.FieldCount).Select(i => new QueryColumn(reader.GetName(i), reader.GetDataTypeName(i))).ToArray();
        var rows = new List<IReadOnlyList<CanonicalJson>>();
        var cells = new CellReader(query.MaxBytes);
        var truncated = false;
        while (!truncated && await reader.ReadAsync(cancellationToken))
        {
            if (rows.Count == query.MaxRows)
            {
                truncated = true;
                break;
            }

            var row = new CanonicalJson[columns.Length];
            for (var i = 0; i < row.Length; i++)
            {
                if (await cells.ReadAsync(reader, i, reader.GetDataTypeOID(i), cancellationToken) is not { } cell)
                {
                    // What is still to come is not waited for.
                    command.Cancel();
                    throw Failed("result_too_large", string.Create(CultureInfo.InvariantCulture, $"the answer has more than {query.MaxBytes} bytes"));
                }

                row[i] = cell;
            }

            rows.Add(row);
        }

        return new QueryAnswer(columns, rows, truncated);
    }

    private static SkillException Failed(string code, string message, bool retryable = false) => new(new SkillFailure(code, message, retryable));
}
