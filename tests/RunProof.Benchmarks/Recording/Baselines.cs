using System.Diagnostics;
using Npgsql;
using NpgsqlTypes;

namespace RunProof.Benchmarks;

/// <summary>What the disk and the server give on the same day: an fsync, one row a commit, and COPY of the same rows.</summary>
internal static class Baselines
{
    internal static (double MedianMicroseconds, double P99Microseconds) Fsync(string folder)
    {
        var page = new byte[8192];
        var file = Path.Combine(folder, "fsync-probe");
        var times = new List<double>();
        using (var handle = File.OpenHandle(file, FileMode.Create, FileAccess.Write))
        {
            for (var i = 0; i < 300; i++)
            {
                var started = Stopwatch.GetTimestamp();
                RandomAccess.Write(handle, page, i % 64 * 8192L);
                RandomAccess.FlushToDisk(handle);
                times.Add(Stopwatch.GetElapsedTime(started).TotalMicroseconds);
            }
        }

        File.Delete(file);
        times.Sort();
        return (times[times.Count / 2], times[(int)(times.Count * 0.99)]);
    }

    /// <summary>Rows that were recorded, into a table of the same columns with its primary key and nothing else.</summary>
    internal static async Task PrepareAsync(NpgsqlDataSource admin)
    {
        await admin.ExecuteAsync("DROP TABLE IF EXISTS baseline_steps, baseline_source");
        await admin.ExecuteAsync("CREATE TABLE baseline_source AS SELECT * FROM public.aos_trace_steps LIMIT 2000");
        await admin.ExecuteAsync("CREATE TABLE baseline_steps (LIKE public.aos_trace_steps INCLUDING STORAGE) WITH (toast_tuple_target = 8160)");
        await admin.ExecuteAsync("ALTER TABLE baseline_steps ADD PRIMARY KEY (trace_id, tenant_id, step_index)");
    }

    /// <summary>One row, one commit, on each of some connections. The row comes from the client and has the recorded rows' size.</summary>
    internal static async Task<double> SingleRowsAsync(NpgsqlDataSource admin, int connections, TimeSpan duration)
    {
        var row = await RowAsync(admin);
        var rows = 0L;
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, connections).Select(async c =>
        {
            await using var connection = await admin.OpenConnectionAsync();
            for (var n = 0; Stopwatch.GetElapsedTime(started) < duration; n++)
            {
                await using var command = new NpgsqlCommand(InsertSql, connection);
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"trace_{Guid.NewGuid():D}", NpgsqlDbType = NpgsqlDbType.Text });
                foreach (var value in row)
                    command.Parameters.Add(new NpgsqlParameter { Value = value });
                await command.ExecuteNonQueryAsync();
                Interlocked.Increment(ref rows);
            }
        }));
        return rows / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>Binary COPY of the same rows, 20,000 a commit.</summary>
    internal static async Task<double> CopyAsync(NpgsqlDataSource admin, TimeSpan duration)
    {
        var row = await RowAsync(admin);
        await using var connection = await admin.OpenConnectionAsync();
        var rows = 0L;
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < duration)
        {
            await using var copy = await connection.BeginBinaryImportAsync(CopySql);
            for (var n = 0; n < 20_000; n++, rows++)
            {
                await copy.StartRowAsync();
                await copy.WriteAsync($"trace_{Guid.NewGuid():D}", NpgsqlDbType.Text);
                foreach (var value in row)
                    await copy.WriteAsync(value);
            }

            await copy.CompleteAsync();
        }

        return rows / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    internal static Task CleanUpAsync(NpgsqlDataSource admin) => admin.ExecuteAsync("DROP TABLE IF EXISTS baseline_steps, baseline_source");

    private const string Columns =
        """
        trace_id, tenant_id, step_index, skill_id, skill_name, skill_version, skill_schema, status, level, outcome_category, cost_cents, duration_ms, retry_count,
        idempotency_key, replay_behavior, source, "timestamp", params, params_salt, input_hash, outcome_data, outcome_salt, output_hash, context, context_salt,
        context_hash, link
        """;

    private const string InsertSql =
        $"""
        INSERT INTO baseline_steps ({Columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
          $23, $24, $25, $26, $27)
        """;

    private const string CopySql = $"COPY baseline_steps ({Columns}) FROM STDIN (FORMAT binary)";

    private static async Task<object[]> RowAsync(NpgsqlDataSource admin)
    {
        await using var command = admin.CreateCommand($"SELECT {Columns} FROM baseline_source LIMIT 1");
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return [.. Enumerable.Range(1, reader.FieldCount - 1).Select(reader.GetValue)];
    }
}
