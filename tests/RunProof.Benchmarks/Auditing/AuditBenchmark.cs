using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RunProof.EmbeddedPostgres;
using RunProof.Keys;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Verification;

namespace RunProof.Benchmarks;

/// <summary>Steps a second that an audit recomputes, beside COPY … TO STDOUT of the same rows, by turns in one run: whatever else the machine does, it does to both.</summary>
internal static class AuditBenchmark
{
    private const string CopySql =
        """
        COPY (SELECT trace_id, tenant_id, step_index, skill_id, skill_name, skill_version, skill_schema, status, level, outcome_category, outcome_code, cost_cents, duration_ms, retry_count, idempotency_key,
          replay_behavior, rng_state_before, source, timestamp, params, params_salt, input_hash, outcome_data, outcome_salt, output_hash, context, context_salt, context_hash, link
          FROM aos_trace_steps) TO STDOUT (FORMAT binary)
        """;

    internal static async Task<int> RunAsync(AuditBenchOptions options, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(options.Folder);
        await using var server = await EmbeddedPostgresServer.StartAsync(
            new EmbeddedPostgresOptions { Folder = options.Folder, Settings = new Dictionary<string, string> { ["shared_buffers"] = "512MB", ["max_wal_size"] = "8GB" } }, null, cancellationToken);
        try
        {
            await using (var postgres = NpgsqlDataSource.Create(server.ConnectionString("postgres")))
            await using (var create = postgres.CreateCommand("CREATE DATABASE bench"))
                await create.ExecuteNonQueryAsync(cancellationToken);
            var connection = server.ConnectionString("bench") + ";Max Auto Prepare=0;No Reset On Close=true";
            await SchemaMigrator.MigrateAsync(connection, new RolePasswords(Verifier: "bench-password"), NullLogger.Instance, cancellationToken);
            await using var admin = NpgsqlDataSource.Create(connection + ";Command Timeout=0");
            var loading = Stopwatch.GetTimestamp();
            await new RecordedLog(options).LoadAsync(admin, cancellationToken);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{server.Version}, .NET {Environment.Version}, {Environment.ProcessorCount} processors shared by client and server, load {Load()}"));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{options.Traces:N0} traces of {options.TraceSteps} steps, params {options.ParamsBytes} B + outcome {options.OutcomeBytes} B a step; loaded in {Stopwatch.GetElapsedTime(loading).TotalSeconds:N0} s"));
            // As an auditor logs in: under row-level security.
            var login = new NpgsqlConnectionStringBuilder(connection) { Username = "runproof_verifier_login", Password = "bench-password", CommandTimeout = 0 };
            await using var verifier = NpgsqlDataSource.Create(login.ConnectionString);
            return await MeasureAsync(options, admin, verifier, cancellationToken) ? 0 : 1;
        }
        finally
        {
            await server.DisposeAsync();
            Directory.Delete(options.Folder, recursive: true);
        }
    }

    private static async Task<bool> MeasureAsync(AuditBenchOptions options, NpgsqlDataSource admin, NpgsqlDataSource verifier, CancellationToken cancellationToken)
    {
        var figures = new Dictionary<string, List<(double Rate, double ClientMicroseconds)>>();
        var isVerified = true;
        for (var turn = 0; turn <= options.Turns; turn++)
        {
            // The first turn warms both up and counts for neither.
            await TimeAsync("COPY, bytes thrown away", () => CopyAsync(admin, cancellationToken));
            await TimeAsync("COPY, every column read by the driver", () => ReadAsync(admin, cancellationToken));
            foreach (var workers in options.Workers)
                await TimeAsync($"audit, {workers} {(workers == 1 ? "worker" : "workers")}", () => AuditAsync(workers));

            async Task TimeAsync(string what, Func<Task> work)
            {
                var (start, cpu) = (Stopwatch.GetTimestamp(), Process.GetCurrentProcess().TotalProcessorTime);
                await work();
                var (elapsed, used) = (Stopwatch.GetElapsedTime(start), Process.GetCurrentProcess().TotalProcessorTime - cpu);
                if (turn > 0)
                    (figures.TryGetValue(what, out var list) ? list : figures[what] = []).Add((options.Steps / elapsed.TotalSeconds, used.TotalMicroseconds / options.Steps));
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"load {Load()}; medians of {options.Turns} turns"));
        var copy = Median(figures["COPY, bytes thrown away"].Select(static each => each.Rate));
        var read = Median(figures["COPY, every column read by the driver"].Select(static each => each.Rate));
        foreach (var (what, list) in figures)
        {
            var rate = Median(list.Select(static each => each.Rate));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-40} {rate,10:N0} steps/s  {rate / copy,5:N2} of COPY  {rate / read,5:N2} of COPY with columns  {Median(list.Select(static each => each.ClientMicroseconds)),5:N1} µs of client CPU a step"));
        }

        var strays = Stopwatch.GetTimestamp();
        await foreach (var stray in new PostgresAuditSource(verifier).FindStraysAsync(RecordedLog.Tenant, cancellationToken))
            Console.WriteLine(stray);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"of each audit, looking for what no entry leads to: {Stopwatch.GetElapsedTime(strays).TotalSeconds:N2} s"));
        return isVerified;

        async Task AuditAsync(int workers)
        {
            var auditOptions = new AuditOptions
            {
                Workers = workers, Keys = [NoteVerifier.Parse(RecordedLog.Key.Key.ToString())], VerifierOf = static key => NoteVerifier.TryCreate(key, out var found, out _) ? found : null,
            };
            var report = await LogAudit.RunAsync(
                new PostgresAuditSource(verifier), new PostgresLogReader(verifier), new PostgresEvidenceStore(verifier), RecordedLog.Tenant, null, auditOptions, TimeProvider.System, null, null, cancellationToken);
            isVerified &= report.Status is VerificationStatus.Verified && report.Counts.Steps == options.Steps;
            if (!isVerified)
                Console.WriteLine(string.Join('\n', report.Findings.Kept.Take(5).Select(static finding => finding.Message)));
        }
    }

    private static async Task CopyAsync(NpgsqlDataSource admin, CancellationToken cancellationToken)
    {
        await using var connection = await admin.OpenConnectionAsync(cancellationToken);
        await using var stream = await connection.BeginRawBinaryCopyAsync(CopySql, cancellationToken);
        var buffer = new byte[1 << 17];
        while (await stream.ReadAsync(buffer, cancellationToken) > 0)
        {
        }
    }

    private static async Task ReadAsync(NpgsqlDataSource admin, CancellationToken cancellationToken)
    {
        await using var connection = await admin.OpenConnectionAsync(cancellationToken);
        await using var export = await connection.BeginBinaryExportAsync(CopySql, cancellationToken);
        while (await export.StartRowAsync(cancellationToken) is var columns && columns >= 0)
        {
            for (var i = 0; i < columns; i++)
            {
                if (export.IsNull)
                {
                    await export.SkipAsync(cancellationToken);
                    continue;
                }

                switch (i)
                {
                    case 2 or 13:
                        await export.ReadAsync<int>(cancellationToken);
                        break;
                    case 11:
                        await export.ReadAsync<decimal>(cancellationToken);
                        break;
                    case 12:
                        await export.ReadAsync<double>(cancellationToken);
                        break;
                    case 18:
                        await export.ReadAsync<DateTime>(cancellationToken);
                        break;
                    case 6 or 20 or 21 or 23 or 24 or 26 or 27 or 28:
                        await export.ReadAsync<byte[]>(cancellationToken);
                        break;
                    default:
                        await export.ReadAsync<string>(cancellationToken);
                        break;
                }
            }
        }
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    private static string Load() => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";
}
