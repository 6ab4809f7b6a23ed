using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.ServiceDefaults;
using RunProof.Testing;
using RunProof.Tiles;
using RunProof.Verification;

namespace RunProof.Benchmarks;

/// <summary>
/// How long a proof takes on logs of several sizes: each put there at once, whole, checked by fsck, with some recorded traces spread over it. Asked of the
/// service over HTTP, one request after another, the sizes by turns, so that all meet the same neighbours on the machine.
/// </summary>
internal static class LogBenchmark
{
    private const string Name = "bench.example";

    internal static async Task<int> RunAsync(LogBenchmarkOptions options, CancellationToken cancellationToken)
    {
        await using var database = await BenchDatabase.StartAsync(options.Recording.Folder, options.Recording.Settings, cancellationToken);
        var keyFile = Path.Combine(options.Recording.Folder, "bench-signing.key");
        SigningKeyFile.TryCreate(keyFile, Name);
        var key = SigningKeyFile.Load(keyFile);
        Console.WriteLine($"{database.Server.Version}, .NET {Environment.Version}, {Environment.ProcessorCount} processors shared by client, service and server, load {Asking.Load()}; traces of {options.Recording.Steps} steps, params {options.Recording.ParamsBytes} B + outcome {options.Recording.OutcomeBytes} B");
        var logs = new List<BenchLog>();
        foreach (var size in options.Sizes)
            logs.Add(await LoadAsync(options, database, key, size, cancellationToken));
        await using var verifier = await VerifierProcess.StartAsync(database.VerifierConnectionString, keyFile, Name);
        await VerifyBundlesAsync(verifier, key, logs);
        var requests = Requests(logs[0]).Keys.ToDictionary(what => what, _ => logs.ToDictionary(log => log, _ => new List<double>()));
        var bytes = requests.Keys.ToDictionary(what => what, _ => logs.ToDictionary(log => log, _ => 0));
        for (var round = -50; round < options.Requests; round++)
        {
            foreach (var (what, log) in requests.Keys.SelectMany(what => logs.Select(log => (what, log))))
            {
                var (milliseconds, length) = await verifier.TimeAsync(Requests(log)[what](), log.ApiKey);
                if (round >= 0)
                    requests[what][log].Add(milliseconds);
                bytes[what][log] = Math.Max(bytes[what][log], length);
            }
        }

        Print(requests, bytes);
        return await CountTilesAsync(database, logs, options.Requests, cancellationToken) ? 0 : 1;
    }

    private static Dictionary<string, Func<string>> Requests(BenchLog log) => new(StringComparer.Ordinal)
    {
        ["checkpoint"] = () => $"/log/{log.Tenant}/checkpoint",
        ["hash tile"] = () => $"/log/{log.Tenant}/{new TileAddress(TileKind.Hashes, 0, Random.Shared.NextInt64(log.Size / TileAddress.FullWidth), TileAddress.FullWidth).Path}",
        ["entry bundle of 256"] = () => $"/log/{log.Tenant}/{new TileAddress(TileKind.Entries, 0, Random.Shared.NextInt64(log.Size / TileAddress.FullWidth), TileAddress.FullWidth).Path}",
        ["inclusion"] = () => string.Create(CultureInfo.InvariantCulture, $"/api/v1/log/inclusion?index={Random.Shared.NextInt64(log.Size)}"),
        ["consistency"] = () => string.Create(CultureInfo.InvariantCulture, $"/api/v1/log/consistency?from={1 + Random.Shared.NextInt64(log.Size - 1)}"),
        ["proof of a run"] = () => $"/api/v1/runs/{log.AnyRun()}/proof",
        ["bundle of a run"] = () => $"/api/v1/runs/{log.AnyRun()}/bundle",
    };

    /// <summary>Records the traces of a log, then puts the log around them.</summary>
    private static async Task<BenchLog> LoadAsync(LogBenchmarkOptions options, BenchDatabase database, NoteSigner key, long size, CancellationToken cancellationToken)
    {
        var (tenant, began) = (TenantId.Parse(string.Create(CultureInfo.InvariantCulture, $"log-{size}")), Stopwatch.GetTimestamp());
        var apiKey = ApiKeySecret.Create();
        await new PostgresApiKeyStore(database.Admin).CreateAsync(
            new ApiKey(tenant, $"key-{size}", "benchmark", ApiKeyAuthentication.AuditorScope, DateTimeOffset.UtcNow, null), ApiKeySecret.HashOf(apiKey), cancellationToken);
        var runs = await RecordAsync(options, database, tenant);
        var traces = new List<RecordedTrace>();
        await using (var snapshot = await new PostgresEvidenceStore(database.Verifier).OpenAsync(tenant, cancellationToken))
        {
            foreach (var run in runs)
                traces.AddRange(await snapshot.ReadTracesAsync(run, payloads: false, cancellationToken));
        }

        await new SyntheticLog(tenant, key, Name, size).LoadAsync(database.Admin, traces);
        var loaded = Stopwatch.GetElapsedTime(began);
        began = Stopwatch.GetTimestamp();
        var report = await LogFsck.CheckAsync(new PostgresLogReader(database.Verifier), tenant, [NoteVerifier.Parse(key.Under($"{Name}/{tenant}").ToString())], cancellationToken);
        if (report.Findings.Count > 0 || report.Entries != size)
            throw new InvalidOperationException($"fsck of {tenant}: {report.Entries} entries, {string.Join("; ", report.Findings.Take(3))}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{size:N0} entries, {runs.Count} of their traces recorded: put there in {loaded.TotalSeconds:F1} s, rebuilt by fsck in {Stopwatch.GetElapsedTime(began).TotalSeconds:F1} s ({report.Tiles:N0} tiles, no finding)"));
        return new BenchLog(tenant, size, apiKey, runs);
    }

    private static async Task<IReadOnlyList<RunId>> RecordAsync(LogBenchmarkOptions options, BenchDatabase database, TenantId tenant)
    {
        var (workload, runs) = (new Workload(options.Recording), new List<RunId>());
        await using var recorder = new Recorder(
            new PostgresRecordingStore(database.Runner), new Redactor(), new RandomSaltSource(), TimeProvider.System, new RecorderOptions(), NullLogger<Recorder>.Instance);
        for (var n = 0; n < options.Traces; n++)
        {
            var run = RunId.Parse(Guid.CreateVersion7().ToString("D"));
            var session = await recorder.OpenAsync(workload.Opening(run) with { TenantId = tenant }, CancellationToken.None);
            for (var step = 0; step < options.Recording.Steps; step++)
                await session.AppendAsync(workload.Step(run, step), workload.After(step), CancellationToken.None);
            await session.SealAsync(Workload.Closing(), CancellationToken.None);
            runs.Add(run);
        }

        return runs;
    }

    /// <summary>What is measured is what a stranger accepts.</summary>
    private static async Task VerifyBundlesAsync(VerifierProcess verifier, NoteSigner key, IReadOnlyList<BenchLog> logs)
    {
        foreach (var log in logs)
        {
            var bundle = await verifier.GetAsync($"/api/v1/runs/{log.AnyRun()}/bundle", log.ApiKey);
            var report = BundleVerifier.Verify(bundle, new BundleOptions { TrustedKeys = [NoteVerifier.Parse(key.Under($"{Name}/{log.Tenant}").ToString())] });
            if (report.Verdict.Status is not VerificationStatus.Verified)
                throw new InvalidOperationException($"a bundle of {log.Tenant} is not VERIFIED");
        }
    }

    private static void Print(Dictionary<string, Dictionary<BenchLog, List<double>>> requests, Dictionary<string, Dictionary<BenchLog, int>> bytes)
    {
        Console.WriteLine();
        Console.WriteLine($"Over HTTP, one at a time, {requests.First().Value.First().Value.Count} of each, the sizes by turns, load {Asking.Load()}:");
        Console.WriteLine("| request | entries | p50 ms | p95 ms | p99 ms | bytes, most |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- |");
        foreach (var (what, log, times) in requests.SelectMany(request => request.Value.Select(each => (request.Key, each.Key, each.Value))))
        {
            times.Sort();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {what} | {log.Size:N0} | {times.Percentile(0.5):F2} | {times.Percentile(0.95):F2} | {times.Percentile(0.99):F2} | {bytes[what][log]:N0} |"));
        }
    }

    /// <summary>Cost grows with the logarithm: a proof reads at most two tiles of each level, and the levels are log256 of the size.</summary>
    private static async Task<bool> CountTilesAsync(BenchDatabase database, IReadOnlyList<BenchLog> logs, int requests, CancellationToken cancellationToken)
    {
        Console.WriteLine();
        Console.WriteLine("| entries | levels of tiles | tiles an inclusion proof reads, mean | most | allowed | hashes in it, most |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- |");
        var holds = true;
        foreach (var log in logs)
        {
            var (reader, tiles, hashes) = (new CountedTiles(new PostgresLogReader(database.Verifier)), new List<double>(), 0);
            for (var n = 0; n < requests; n++)
            {
                hashes = Math.Max(hashes, (await TileProofs.InclusionAsync(reader, log.Tenant, Random.Shared.NextInt64(log.Size), log.Size, cancellationToken)).Count);
                tiles.Add(reader.Tiles);
            }

            var levels = Enumerable.Range(0, 8).Count(level => TileAddress.HashesAt(log.Size, level) > 0);
            holds &= tiles.Max() <= 2 * levels;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {log.Size:N0} | {levels} | {tiles.Average():F2} | {tiles.Max():F0} | {2 * levels} | {hashes} |"));
        }

        return holds;
    }

    private sealed record BenchLog(TenantId Tenant, long Size, string ApiKey, IReadOnlyList<RunId> Runs)
    {
        internal RunId AnyRun() => Runs[Random.Shared.Next(Runs.Count)];
    }
}
