using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RunProof.EmbeddedPostgres;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Verification;

namespace RunProof.Benchmarks;

/// <summary>
/// Durable steps a second: a private PostgreSQL with fsync and synchronous_commit on, the recorder with hashing and redaction on, runs of some steps, many at
/// once. Prints the disk's and the server's own figures of the same minutes beside it, and verifies some of the traces afterwards.
/// </summary>
internal static class RecordBenchmark
{
    internal static async Task<int> RunAsync(RecordOptions options, CancellationToken cancellationToken)
    {
        await using var database = await BenchDatabase.StartAsync(options.Folder, options.Settings, cancellationToken);
        return await MeasureAsync(options, database.Admin, database.Runner, database.Server, cancellationToken);
    }

    private static async Task<int> MeasureAsync(
        RecordOptions options, NpgsqlDataSource admin, NpgsqlDataSource runner, EmbeddedPostgresServer server, CancellationToken cancellationToken)
    {
        var workload = new Workload(options);
        await PrintSettingsAsync(options, admin, server, workload);
        var verified = 0;
        var failed = 0;
        Console.WriteLine("| runs at once | steps/s | append p50 ms | p99 ms | entries a commit | commits a step | WAL bytes a step beyond the payload | client CPU µs a step | server CPU µs a step | allocated bytes a step | fsync µs | load |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (var runs in options.Runs)
        {
            var counting = new CountingStore(new PostgresRecordingStore(runner));
            await using var recorder = new Recorder(counting, new Redactor(), new RandomSaltSource(), TimeProvider.System,
                new RecorderOptions { Flushers = options.Flushers, MaxBatchEntries = options.Batch }, NullLogger<Recorder>.Instance);
            await DriveAsync(options, workload, recorder, runs, options.WarmUp);
            await admin.ExecuteAsync("CHECKPOINT");
            counting.Reset();
            var wal = await admin.LsnAsync();
            var serverCpu = ServerProcesses.CpuTime(server.ProcessId);
            var (cpu, allocated) = (Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes());
            var drive = await DriveAsync(options, workload, recorder, runs, options.Measured);
            cpu = Environment.CpuUsage.TotalTime - cpu;
            allocated = GC.GetTotalAllocatedBytes() - allocated;
            serverCpu = ServerProcesses.CpuTime(server.ProcessId) - serverCpu;
            wal = await admin.LsnAsync() - wal;

            var payload = (workload.StepBytes * (double)drive.Steps) + (workload.RunBytes * (double)drive.Traces.Count);
            var (fsync, load) = (Baselines.Fsync(options.Folder), Asking.Load());
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {runs} | {drive.Steps / drive.Elapsed.TotalSeconds:N0} | {drive.Percentile(0.5):F2} | {drive.Percentile(0.99):F2} | {(double)counting.Entries / counting.Commits:F1} | {(double)counting.Commits / drive.Steps:F3} | {(wal - payload) / drive.Steps:N0} | {cpu.TotalMicroseconds / drive.Steps:F0} | {serverCpu.TotalMicroseconds / drive.Steps:F0} | {(double)allocated / drive.Steps:N0} | {fsync.MedianMicroseconds:F0} | {load} |"));
            foreach (var trace in drive.Traces.Where((_, i) => i % Math.Max(1, drive.Traces.Count / 25) == 0))
            {
                if (await VerifiesAsync(admin, Workload.Tenant, trace, options.Steps, cancellationToken))
                    verified++;
                else
                    failed++;
            }
        }

        Console.WriteLine();
        Console.WriteLine($"Verified afterwards from the database: {verified} traces VERIFIED, {failed} not.");
        if (options.Baselines)
            await PrintBaselinesAsync(options, admin);
        return failed == 0 ? 0 : 1;
    }

    private static async Task<Drive> DriveAsync(RecordOptions options, Workload workload, Recorder recorder, int runs, TimeSpan duration)
    {
        var started = Stopwatch.GetTimestamp();
        var workers = await Task.WhenAll(Enumerable.Range(0, runs).Select(_ => Task.Run(async () =>
        {
            var (latencies, traces) = (new List<double>(1 << 14), new List<RunId>());
            while (Stopwatch.GetElapsedTime(started) < duration)
            {
                var run = RunId.Parse(Guid.CreateVersion7().ToString("D"));
                var session = await recorder.OpenAsync(workload.Opening(run), CancellationToken.None);
                for (var n = 0; n < options.Steps; n++)
                {
                    var step = workload.Step(run, n);
                    var began = Stopwatch.GetTimestamp();
                    await session.AppendAsync(step, workload.After(n), CancellationToken.None);
                    latencies.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                }

                await session.SealAsync(Workload.Closing(), CancellationToken.None);
                traces.Add(run);
            }

            return (latencies, traces);
        })));
        var elapsed = Stopwatch.GetElapsedTime(started);
        var all = workers.SelectMany(worker => worker.latencies).ToArray();
        Array.Sort(all);
        return new Drive(elapsed, all, [.. workers.SelectMany(worker => worker.traces)]);
    }

    /// <summary>Reads a run's trace from the database and recomputes it.</summary>
    internal static async Task<bool> VerifiesAsync(NpgsqlDataSource admin, TenantId tenant, RunId run, int steps, CancellationToken cancellationToken)
    {
        await using var snapshot = await new PostgresEvidenceStore(admin).OpenAsync(tenant, cancellationToken);
        var trace = Assert(await snapshot.ReadTracesAsync(run, payloads: true, cancellationToken), run);
        var verifier = TraceVerifier.Begin(trace, new VerificationOptions { Tenant = tenant, Run = run });
        var count = 0;
        await foreach (var step in snapshot.ReadStepsAsync(trace.TraceId, payloads: true, cancellationToken))
        {
            verifier.Add(step);
            count++;
        }

        return verifier.Finish().Verdict.Status is VerificationStatus.Verified && count == steps;
    }

    private static RecordedTrace Assert(IReadOnlyList<RecordedTrace> traces, RunId run) =>
        traces.Count == 1 ? traces[0] : throw new InvalidOperationException($"run {run} has {traces.Count} traces");

    private static async Task PrintSettingsAsync(RecordOptions options, NpgsqlDataSource admin, EmbeddedPostgresServer server, Workload workload)
    {
        var fsync = Baselines.Fsync(options.Folder);
        Console.WriteLine($"{server.Version}, .NET {Environment.Version}, {Environment.ProcessorCount} processors shared by client and server, load {Asking.Load()}");
        foreach (var name in (string[])["fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers", "max_wal_size"])
            Console.Write($"{name} = {await admin.AskAsync<string>($"SHOW {name}")}; ");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"write + fsync of 8 KiB: median {fsync.MedianMicroseconds:F0} µs, p99 {fsync.P99Microseconds:F0} µs"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Runs of {options.Steps} steps; a step: params {options.ParamsBytes} B + outcome {options.OutcomeBytes} B + context, {workload.StepBytes} B in all; hashing and redaction on; {options.Flushers} flushers, at most {options.Batch} entries a commit; {options.Measured.TotalSeconds} s measured after {options.WarmUp.TotalSeconds} s."));
        Console.WriteLine();
    }

    private static async Task PrintBaselinesAsync(RecordOptions options, NpgsqlDataSource admin)
    {
        await Baselines.PrepareAsync(admin);
        Console.WriteLine();
        Console.WriteLine("The same rows without RunProof (plain table, primary key only):");
        foreach (var connections in options.Runs)
            Print($"  one row a commit, {connections} connections", await Baselines.SingleRowsAsync(admin, connections, TimeSpan.FromSeconds(3)));
        Print("  binary COPY, one connection, 20,000 rows a commit", await Baselines.CopyAsync(admin, TimeSpan.FromSeconds(3)));
        await Baselines.CleanUpAsync(admin);
    }

    private static void Print(string what, double rows) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {rows:N0} rows/s"));

    private sealed record Drive(TimeSpan Elapsed, double[] Latencies, IReadOnlyList<RunId> Traces)
    {
        internal int Steps => Latencies.Length;

        internal double Percentile(double p) => Latencies[Math.Min((int)(Latencies.Length * p), Latencies.Length - 1)];
    }

    private sealed class CountingStore(IRecordingStore inner) : IRecordingStore
    {
        private int _commits;
        private int _entries;

        internal int Commits => _commits;

        internal int Entries => _entries;

        internal void Reset() => (_commits, _entries) = (0, 0);

        public Task<IReadOnlyList<RecordingResult>> RecordAsync(IReadOnlyList<RecordingEntry> batch, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _commits);
            Interlocked.Add(ref _entries, batch.Count);
            return inner.RecordAsync(batch, cancellationToken);
        }

        public Task<TakeOverResult> TakeOverAsync(TenantId tenant, TraceId trace, CancellationToken cancellationToken) =>
            inner.TakeOverAsync(tenant, trace, cancellationToken);

        public Task<RecordingResult> AnnounceAsync(
            TenantId tenant, TraceId trace, long epoch, Digest last, StepIntents intents, CancellationToken cancellationToken) =>
            inner.AnnounceAsync(tenant, trace, epoch, last, intents, cancellationToken);
    }
}
