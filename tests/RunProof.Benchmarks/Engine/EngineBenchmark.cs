using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.ServiceDefaults;

namespace RunProof.Benchmarks;

/// <summary>What a measurement of steps gave.</summary>
/// <param name="PerSecond">Durable steps a second.</param>
/// <param name="P50">Milliseconds of a step, from its beginning to the next one's: the median.</param>
/// <param name="P99">The same, of the slowest hundredth.</param>
/// <param name="CpuMicroseconds">Processor time of the service a step; null where it is not known.</param>
/// <param name="WalBytes">Bytes of write-ahead log a step.</param>
internal sealed record EngineFigures(double PerSecond, double P50, double P99, double? CpuMicroseconds, double WalBytes);

/// <summary>
/// The whole engine over HTTP: the runner as a process of its own, runs of <c>echo</c> steps created and waited for, beside DBOS on the same PostgreSQL. Then an
/// idle runner: the time from a run's creation to its first step, where the creating process executes it and where another must be told of it.
/// </summary>
internal static class EngineBenchmark
{
    private static readonly TenantId Tenant = TenantId.Parse("bench");
    private static readonly string ApiKeyText = ApiKeySecret.Create();

    internal static async Task<int> RunAsync(EngineOptions options, CancellationToken cancellationToken)
    {
        await using var database = await BenchDatabase.StartAsync(options.Recording.Folder, options.Recording.Settings, cancellationToken);
        await PrepareAsync(database, options, cancellationToken);
        var failed = 0;
        await using (var runner = await StartAsync(database, []))
            failed += await MeasureStepsAsync(options, database, runner, cancellationToken);
        await MeasureIdleAsync(options, database, cancellationToken);
        Console.WriteLine($"\nRuns that did not succeed or verify: {failed}");
        return failed == 0 ? 0 : 1;
    }

    private static async Task PrepareAsync(BenchDatabase database, EngineOptions options, CancellationToken cancellationToken)
    {
        await database.Admin.ExecuteAsync("CREATE DATABASE dbos");
        await new PostgresApiKeyStore(database.Admin).CreateAsync(
            new ApiKey(Tenant, "key", "benchmark", ApiKeyAuthentication.RunnerScope, DateTimeOffset.UtcNow, null), ApiKeySecret.HashOf(ApiKeyText), cancellationToken);
        await database.Admin.ExecuteAsync("INSERT INTO public.agents (id, tenant_id, name, created_at) VALUES ('agent', 'bench', 'benchmark', now())");
        if (options.Peer)
            await DbosPeer.InstallAsync(cancellationToken);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{database.Server.Version}, .NET {Environment.Version}, {Environment.ProcessorCount} processors shared by client, service and server, load {Asking.Load()}; runs of {options.Steps} steps that echo {options.Bytes} characters; {options.Seconds} s after {options.WarmUp} s\n"));
    }

    private static async Task<int> MeasureStepsAsync(EngineOptions options, BenchDatabase database, ServiceProcess runner, CancellationToken cancellationToken)
    {
        Console.WriteLine("| system | runs at once | steps/s | step p50 ms | p99 ms | service CPU µs a step | WAL bytes a step | load |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- |");
        var failed = 0;
        foreach (var runs in options.Runs)
        {
            for (var turn = 0; turn < options.Turns; turn++)
            {
                var (figures, wrong) = await MeasureAsync(options, database, runner, runs, cancellationToken);
                failed += wrong;
                Print("RunProof", runs, figures);
                if (options.Peer)
                    Print("DBOS", runs, await DbosPeer.MeasureAsync(database, options, runs, cancellationToken));
            }
        }

        return failed;
    }

    private static async Task<(EngineFigures Figures, int Failed)> MeasureAsync(
        EngineOptions options, BenchDatabase database, ServiceProcess runner, int runs, CancellationToken cancellationToken)
    {
        var request = Request(options.Steps, options.Bytes);
        await DriveAsync(runner, request, runs, options.WarmUp);
        await database.Admin.ExecuteAsync("CHECKPOINT");
        var (wal, cpu, from) = (await database.Admin.LsnAsync(), runner.CpuTime, await database.Admin.AskAsync<DateTime>("SELECT clock_timestamp()"));
        var began = Stopwatch.GetTimestamp();
        var made = await DriveAsync(runner, request, runs, options.Seconds);
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        (wal, cpu) = (await database.Admin.LsnAsync() - wal, runner.CpuTime - cpu);

        var failed = made.Count(static run => !run.Succeeded);
        foreach (var run in made.Where((_, i) => i % Math.Max(1, made.Count / 10) == 0))
            failed += await RecordBenchmark.VerifiesAsync(database.Admin, Tenant, RunId.Parse(run.Id), options.Steps, cancellationToken) ? 0 : 1;
        var steps = await database.Admin.AskAsync<double[]>($"""
            SELECT coalesce(array_agg(extract(epoch FROM later - "timestamp") * 1000 ORDER BY later - "timestamp"), '{"{}"}')::double precision[]
            FROM (SELECT "timestamp", lead("timestamp") OVER (PARTITION BY trace_id ORDER BY step_index) AS later FROM public.aos_trace_steps
              WHERE "timestamp" >= '{from.ToString("O", CultureInfo.InvariantCulture)}') each_step WHERE later IS NOT NULL
            """);
        var count = made.Count * (double)options.Steps;
        return (new EngineFigures(count / seconds, steps.Percentile(0.5), steps.Percentile(0.99), cpu.TotalMicroseconds / count, wal / count), failed);
    }

    private static async Task<List<(string Id, bool Succeeded)>> DriveAsync(ServiceProcess runner, string request, int runs, int seconds)
    {
        var began = Stopwatch.GetTimestamp();
        var each = await Task.WhenAll(Enumerable.Range(0, runs).Select(_ => Task.Run(async () =>
        {
            var made = new List<(string, bool)>();
            while (Stopwatch.GetElapsedTime(began).TotalSeconds < seconds)
            {
                using var run = JsonDocument.Parse(await runner.PostAsync("/api/v1/runs", ApiKeyText, request));
                made.Add((run.RootElement.GetProperty("run_id").GetString()!, run.RootElement.GetProperty("status").GetString() == "succeeded"));
            }

            return made;
        })));
        return [.. each.SelectMany(static made => made)];
    }

    // One place that a waiting run holds: whatever else this process is given, another one must claim.
    private static async Task MeasureIdleAsync(EngineOptions options, BenchDatabase database, CancellationToken cancellationToken)
    {
        Console.WriteLine("\n| an idle runner: from a run's creation to its first step | p50 ms | p95 ms | max ms | load |");
        Console.WriteLine("| --- | --- | --- | --- | --- |");
        await using (var own = await StartAsync(database, []))
            await MeasureIdleAsync("executed by the process that created it", options, database, own);
        await using var busy = await StartAsync(database, new() { ["RunProof__Runner__Concurrency"] = "1" });
        await busy.PostAsync("/api/v1/runs", ApiKeyText, """
            {"agent_id":"agent","goal":"keep the place","origin_system_id":"bench","plan":[{"skill":"wait","params":{"ms":600000},"timeout_ms":3600000}]}
            """);
        await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
        await using var other = await StartAsync(database, []);
        await MeasureIdleAsync("claimed from the queue by another process", options, database, busy);
    }

    private static async Task MeasureIdleAsync(string what, EngineOptions options, BenchDatabase database, ServiceProcess runner)
    {
        var from = await database.Admin.AskAsync<DateTime>("SELECT clock_timestamp()");
        var request = Request(1, 64);
        // The first fifth warms it up.
        for (var i = 0; i < options.Idle + (options.Idle / 5); i++)
        {
            if (i == options.Idle / 5)
                from = await database.Admin.AskAsync<DateTime>("SELECT clock_timestamp()");
            await runner.PostAsync("/api/v1/runs", ApiKeyText, request);
            await Task.Delay(50);
        }

        var times = await database.Admin.AskAsync<double[]>($"""
            SELECT array_agg(ms ORDER BY ms)::double precision[] FROM (
              SELECT extract(epoch FROM s."timestamp" - r.created_at) * 1000 AS ms FROM public.runs r
              JOIN public.aos_trace_steps s ON s.trace_id = 'trace_' || r.id AND s.tenant_id = r.tenant_id AND s.step_index = 0
              WHERE r.created_at >= '{from.ToString("O", CultureInfo.InvariantCulture)}' AND r.status = 'succeeded') each_run
            """);
        if (times.Length < options.Idle)
            throw new InvalidOperationException($"of {options.Idle} runs {times.Length} ended well");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {what} | {times.Percentile(0.5):F2} | {times.Percentile(0.95):F2} | {times[^1]:F2} | {Asking.Load()} |"));
    }

    private static string Request(int steps, int bytes)
    {
        var plan = Enumerable.Range(0, steps).Select(_ => new { skill = "echo", @params = new { message = new string('x', bytes) } });
        return JsonSerializer.Serialize(new { agent_id = "agent", goal = "measure", origin_system_id = "bench", plan, wait = 300 });
    }

    private static Task<ServiceProcess> StartAsync(BenchDatabase database, Dictionary<string, string> settings) =>
        ServiceProcess.StartAsync("RunProof.Runner.dll", database.RunnerConnectionString, settings);

    private static void Print(string system, int runs, EngineFigures figures) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"| {system} | {runs} | {figures.PerSecond:N0} | {figures.P50:F2} | {figures.P99:F2} | {(figures.CpuMicroseconds is { } cpu ? cpu.ToString("F0", CultureInfo.InvariantCulture) : "")} | {figures.WalBytes:N0} | {Asking.Load()} |"));
}
