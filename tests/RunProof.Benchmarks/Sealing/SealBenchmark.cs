using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Ledger;
using RunProof.Postgres;

namespace RunProof.Benchmarks;

/// <summary>
/// Traces a second into the log, opening and seal of each, recomputed and signed: first from a queue that was filled before, then beside recording, as the
/// service does it. The logs are rebuilt from their entries afterwards.
/// </summary>
internal static class SealBenchmark
{
    private static readonly NoteSigner Key = NoteSigner.Create("bench.example", NoteAlgorithm.Ed25519, [.. Enumerable.Repeat((byte)7, 32)]);

    internal static async Task<int> RunAsync(SealOptions options, CancellationToken cancellationToken)
    {
        await using var database = await BenchDatabase.StartAsync(options.Recording.Folder, options.Recording.Settings, cancellationToken);
        var log = new LogOptions { Name = Key.Key.Name, BatchSize = options.Batch };
        log = log with { Examiners = options.Examiners ?? log.Examiners };
        var sealer = new LogSealer(
            new PostgresLogStore(database.Verifier), new PostgresEvidenceStore(database.Verifier), new CheckpointSigner(Key), null,
            log, TimeProvider.System, new SealingMetrics(TimeProvider.System), NullLogger<LogSealer>.Instance);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{database.Server.Version}, .NET {Environment.Version}, {Environment.ProcessorCount} processors shared by client and server, load {Asking.Load()}; a step: params {options.Recording.ParamsBytes} B + outcome {options.Recording.OutcomeBytes} B; at most {log.BatchSize} traces a commit, recomputed in {log.Examiners} parts"));
        Console.WriteLine();
        Console.WriteLine("| steps a trace | traces/s sealed | steps/s | entries a commit | commit p50 ms | p99 ms | client CPU µs a trace | server CPU µs a trace | allocated bytes a trace | WAL bytes a trace | load |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        await RecordAsync(options, database, steps: 1, Math.Min(options.Traces, 512));
        await DrainAsync(sealer);
        for (var turn = 0; turn < options.Turns; turn++)
        {
            foreach (var steps in options.Steps)
                await SealAsync(options, database, sealer, steps);
        }

        if (options.Load > TimeSpan.Zero)
            await SealBesideRecordingAsync(options, database, sealer);
        return await CheckAsync(database, cancellationToken);
    }

    private static async Task SealAsync(SealOptions options, BenchDatabase database, LogSealer sealer, int steps)
    {
        await RecordAsync(options, database, steps, options.Traces);
        await database.Admin.ExecuteAsync("CHECKPOINT");
        var wal = await database.Admin.LsnAsync();
        var (server, client, allocated) = (ServerProcesses.CpuTime(database.Server.ProcessId), Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes());
        var drained = await DrainAsync(sealer);
        client = Environment.CpuUsage.TotalTime - client;
        server = ServerProcesses.CpuTime(database.Server.ProcessId) - server;
        allocated = GC.GetTotalAllocatedBytes() - allocated;
        wal = await database.Admin.LsnAsync() - wal;
        double traces = options.Traces;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {steps} | {traces / drained.Elapsed.TotalSeconds:N0} | {traces * steps / drained.Elapsed.TotalSeconds:N0} | {(double)drained.Entries / drained.Commits.Count:F0} | {drained.Commits.Percentile(0.5):F1} | {drained.Commits.Percentile(0.99):F1} | {client.TotalMicroseconds / traces:F0} | {server.TotalMicroseconds / traces:F0} | {allocated / traces:N0} | {wal / traces:N0} | {Asking.Load()} |"));
    }

    /// <summary>Recording never stops; the sealer looks every 200 ms, as the service does, and goes on at once while more is waiting.</summary>
    private static async Task SealBesideRecordingAsync(SealOptions options, BenchDatabase database, LogSealer sealer)
    {
        Console.WriteLine();
        Console.WriteLine("Beside recording, as the service seals (looks every 200 ms, goes on at once while more is waiting):");
        Console.WriteLine("| steps a trace | runs at once | traces/s recorded | traces/s sealed meanwhile | entries waiting, most | oldest s, most | waiting at the end | drained after s |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (var (steps, runs) in options.Steps.SelectMany(steps => options.Recording.Runs.Select(runs => (steps, runs))))
        {
            using var stop = new CancellationTokenSource();
            var (store, most, oldest, entered) = (new PostgresLogStore(database.Verifier), 0L, TimeSpan.Zero, 0L);
            var sealing = Task.Run(async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    var round = await sealer.SealAsync(Workload.Tenant, CancellationToken.None);
                    entered += round.Entered;
                    if (!round.MayContinue)
                        await Task.Delay(200);
                }
            });
            var watching = Task.Run(async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    var seen = await store.ReadLagAsync(CancellationToken.None);
                    most = Math.Max(most, seen.Queued);
                    oldest = seen.Oldest is { } since && DateTimeOffset.UtcNow - since is var age && age > oldest ? age : oldest;
                    await Task.Delay(500);
                }
            });
            var began = Stopwatch.GetTimestamp();
            var recorded = await RecordAsync(options, database, steps, int.MaxValue, options.Load, runs);
            var (elapsed, sealedMeanwhile) = (Stopwatch.GetElapsedTime(began).TotalSeconds, entered / 2);
            await stop.CancelAsync();
            await Task.WhenAll(sealing, watching);
            var left = (await store.ReadLagAsync(CancellationToken.None)).Queued;
            var drained = await DrainAsync(sealer);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {steps} | {runs} | {recorded / elapsed:N0} | {sealedMeanwhile / elapsed:N0} | {most:N0} | {oldest.TotalSeconds:F2} | {left:N0} | {drained.Elapsed.TotalSeconds:F2} |"));
        }
    }

    /// <summary>Records traces, many at once, until there are so many or the time is over.</summary>
    private static async Task<int> RecordAsync(SealOptions options, BenchDatabase database, int steps, int traces, TimeSpan? duration = null, int runs = 64)
    {
        var (workload, next, began) = (new Workload(options.Recording with { Steps = steps }), 0, Stopwatch.GetTimestamp());
        await using var recorder = new Recorder(
            new PostgresRecordingStore(database.Runner), new Redactor(), new RandomSaltSource(), TimeProvider.System,
            new RecorderOptions { Flushers = options.Recording.Flushers, MaxBatchEntries = options.Recording.Batch }, NullLogger<Recorder>.Instance);
        await Task.WhenAll(Enumerable.Range(0, runs).Select(_ => Task.Run(async () =>
        {
            while ((duration is null || Stopwatch.GetElapsedTime(began) < duration) && Interlocked.Increment(ref next) <= traces)
            {
                var run = RunId.Parse(Guid.CreateVersion7().ToString("D"));
                var session = await recorder.OpenAsync(workload.Opening(run), CancellationToken.None);
                for (var n = 0; n < steps; n++)
                    await session.AppendAsync(workload.Step(run, n), workload.After(n), CancellationToken.None);
                await session.SealAsync(Workload.Closing(), CancellationToken.None);
            }
        })));
        return Math.Min(next, traces);
    }

    private static async Task<(TimeSpan Elapsed, int Entries, IReadOnlyList<double> Commits)> DrainAsync(LogSealer sealer)
    {
        var (entries, commits, began) = (0, new List<double>(), Stopwatch.GetTimestamp());
        while (true)
        {
            var at = Stopwatch.GetTimestamp();
            var round = await sealer.SealAsync(Workload.Tenant, CancellationToken.None);
            if (round is { Entered: 0, Quarantined: 0, MayContinue: false })
                break;
            commits.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
            entries += round.Entered;
        }

        var elapsed = Stopwatch.GetElapsedTime(began);
        commits.Sort();
        return (elapsed, entries, commits);
    }

    private static async Task<int> CheckAsync(BenchDatabase database, CancellationToken cancellationToken)
    {
        var reader = new PostgresLogReader(database.Verifier);
        var report = await LogFsck.CheckAsync(reader, Workload.Tenant, [NoteVerifier.Parse(Key.Under($"{Key.Key.Name}/{Workload.Tenant}").ToString())], cancellationToken);
        var (lag, traces) = (await reader.ReadLagAsync(Workload.Tenant, cancellationToken), await database.Admin.AskAsync<long>("SELECT count(*) FROM public.aos_traces"));
        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Rebuilt afterwards: {report.Entries:N0} entries of {traces:N0} traces, {report.Tiles:N0} tiles, {report.Findings.Count} findings; {lag.Queued} waiting, {lag.Quarantined} in quarantine."));
        return report.Findings.Count == 0 && report.Entries == 2 * traces && lag is { Queued: 0, Quarantined: 0 } ? 0 : 1;
    }
}
