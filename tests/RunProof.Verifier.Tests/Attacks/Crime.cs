using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Verification.Tests;

namespace RunProof.Verifier.Tests;

/// <summary>
/// What a superuser does to the database, in one transaction with every trigger disabled; afterwards the triggers are as they were, so nothing but the
/// data tells that anything happened.
/// </summary>
internal sealed class Crime : IAsyncDisposable
{
    private static readonly string[] Tables =
    [
        "public.runs", "public.aos_traces", "public.aos_trace_steps", "public.aos_traces_archive", "public.aos_trace_steps_archive", "runproof.trace_heads",
        "runproof.log_queue", "runproof.logs", "runproof.log_entries", "runproof.log_tiles", "runproof.log_quarantine", "runproof.log_keys",
    ];

    private readonly NpgsqlConnection _connection;
    private readonly List<string> _rearm = [];

    private Crime(NpgsqlConnection connection) => _connection = connection;

    internal static async Task CommitAsync(NpgsqlDataSource admin, Func<Crime, Task> deed)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await TryCommitAsync(admin, deed);
                return;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DeadlockDetected && attempt < 5)
            {
                // The service works on the same tables, in another order.
            }
        }
    }

    /// <summary>What stands in the tables, as anybody who may read them sees it.</summary>
    internal static async Task<Evidence> ReadAsync(NpgsqlDataSource admin, string tenant, string run)
    {
        await using var snapshot = await new PostgresEvidenceStore(admin).OpenAsync(TenantId.Parse(tenant), default);
        var trace = Assert.Single(await snapshot.ReadTracesAsync(RunId.Parse(run), payloads: true, default));
        var steps = new List<RecordedStep>();
        await foreach (var step in snapshot.ReadStepsAsync(trace.TraceId, payloads: true, default))
            steps.Add(step);
        return new Evidence(trace, steps);
    }

    internal async Task<int> ExecuteAsync(string sql, params object?[] values)
    {
        await using var command = new NpgsqlCommand(sql, _connection);
        foreach (var value in values)
            command.Parameters.Add(StoredEvidence.Parameter(value));
        return await command.ExecuteNonQueryAsync();
    }

    /// <summary>Puts another trace in the place of the one with its id.</summary>
    internal async Task ReplaceAsync(Evidence forged)
    {
        Assert.True(await DeleteTraceAsync(forged.Trace.TenantId, forged.Trace.TraceId) > 0);
        await StoredEvidence.StoreAsync((sql, values) => ExecuteAsync(sql, values), forged, seal: forged.Trace.RootHash is not null);
    }

    internal async Task<int> DeleteTraceAsync(string tenant, string trace)
    {
        await ExecuteAsync("DELETE FROM aos_trace_steps WHERE tenant_id = $1 AND trace_id = $2", tenant, trace);
        return await ExecuteAsync("DELETE FROM aos_traces WHERE tenant_id = $1 AND trace_id = $2", tenant, trace);
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static async Task TryCommitAsync(NpgsqlDataSource admin, Func<Crime, Task> deed)
    {
        await using var crime = new Crime(await admin.OpenConnectionAsync());
        await using var transaction = await crime._connection.BeginTransactionAsync();
        await crime.DisarmAsync();
        await deed(crime);
        foreach (var statement in crime._rearm)
            await crime.ExecuteAsync(statement);
        await transaction.CommitAsync();
    }

    private async Task DisarmAsync()
    {
        var always = new List<string>();
        await using (var command = new NpgsqlCommand("SELECT format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger WHERE tgenabled = 'A' AND NOT tgisinternal", _connection))
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
                always.Add(reader.GetString(0));
        }

        Assert.True(always.Count > 10, "the tables are guarded, and what is guarded must be disarmed");
        foreach (var table in Tables)
        {
            await ExecuteAsync($"ALTER TABLE {table} DISABLE TRIGGER ALL");
            _rearm.Add($"ALTER TABLE {table} ENABLE TRIGGER ALL");
        }

        _rearm.AddRange(always);
    }
}
