using System.Diagnostics;
using System.Globalization;
using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Runner.Tests;

/// <summary>The largest plans there are, over HTTP and a real database. Nothing else runs beside them: they measure memory.</summary>
[CollectionDefinition("large plans", DisableParallelization = true)]
public sealed class LargePlans;

/// <inheritdoc cref="LargePlans"/>
[Collection("large plans")]
public sealed class LargePlanTests(ReplayScene scene, ITestOutputHelper output) : IClassFixture<ReplayScene>
{
    private const int Steps = 10_000;
    private const int Branches = 64;

    [Fact]
    public async Task Ten_thousand_steps_are_executed_in_flat_memory_and_verify()
    {
        // Each hands four kilobytes on to the next: 40 MB, were they kept.
        var plan = "[" + string.Join(',', Enumerable.Range(0, Steps).Select(n => n == 0
            ? $$$"""{"skill":"echo","params":{"message":"{{{new string('x', 4096)}}}"}}"""
            : string.Create(CultureInfo.InvariantCulture, $$$"""{"skill":"echo","params":{"message":"{{steps.step_{{{n - 1}}}.message}}"}}"""))) + "]";
        await scene.RunAsync("""[{"skill":"echo","params":{"message":1}}]""");
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var clock = Stopwatch.StartNew();

        var run = await scene.Acme.PostAsync("/api/v1/runs", ApiClient.Run(scene.Agent, plan));
        Assert.True((int)run.Status == 202, run.Body.ToString());
        var id = run["run_id"];
        var samples = new List<long>();
        do
        {
            run = await scene.Acme.GetAsync($"/api/v1/runs/{id}?wait=1");
            samples.Add(GC.GetTotalMemory(forceFullCollection: true) - before);
        }
        while (run["status"] is "queued" or "running");
        clock.Stop();

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Steps} steps in {clock.Elapsed.TotalSeconds:F1} s; MB more than before: {string.Join(' ', samples.Select(one => (one / 1e6).ToString("F0", CultureInfo.InvariantCulture)))}"));
        Assert.True(run["status"] == "succeeded", run["error"]);
        await VerifiedAsync(run, Steps);
        // Plan, request and graph are there from the start, some 45 MB; what comes on top while steps end must stay well below the 40 MB that outcomes would take.
        Assert.InRange(samples.Max() - samples[0], long.MinValue, 25_000_000);
        Assert.InRange(samples.Max(), long.MinValue, 80_000_000);
    }

    [Fact]
    public async Task A_replay_of_a_large_origin_holds_a_few_pages_of_it()
    {
        // Parameters and outcomes of 16 KB each: 98 MB, twice that as text in memory.
        const int Long = 3_000;
        var plan = "[" + string.Join(',', Enumerable.Range(0, Long).Select(n => n == 0
            ? $$$"""{"skill":"echo","params":{"message":"{{{new string('x', 16_384)}}}"}}"""
            : string.Create(CultureInfo.InvariantCulture, $$$"""{"skill":"echo","params":{"message":"{{steps.step_{{{n - 1}}}.message}}"}}"""))) + "]";
        var run = await EndedAsync(await scene.BeginAsync(ApiClient.Run(scene.Agent, plan)), []);
        var before = GC.GetTotalMemory(forceFullCollection: true);

        foreach (var mode in (string[])["check", "dry"])
        {
            var (clock, samples) = (Stopwatch.StartNew(), new List<long>());
            var replay = await EndedAsync(await scene.BeginAsync($$"""{"mode":"{{mode}}"}""", $"/api/v1/runs/{run["run_id"]}/replay"), samples);

            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{mode}: {Long} steps in {clock.Elapsed.TotalSeconds:F1} s; MB more than before: {string.Join(' ', samples.Select(one => ((one - before) / 1e6).ToString("F0", CultureInfo.InvariantCulture)))}"));
            Assert.True(replay["status"] == "succeeded", replay["error"]);
            await VerifiedAsync(replay, Long);
            Assert.InRange(samples.Max() - before, long.MinValue, 60_000_000);
        }

        var fork = await EndedAsync(await scene.BeginAsync($$"""{"from_step":{{Long - 1}}}""", $"/api/v1/runs/{run["run_id"]}/fork"), []);
        Assert.Equal(16_384 + 14, Assert.Single(await VerifiedAsync(fork, 1)).Input.Text!.Length);
    }

    [Fact]
    public async Task Sixty_four_branches_are_under_way_at_once_and_verify()
    {
        var steps = Enumerable.Range(0, Branches).SelectMany(branch => Enumerable.Range(0, 5).Select(n => string.Create(CultureInfo.InvariantCulture, $$"""
            {"id":"b{{branch}}_{{n}}","skill":"wait","params":{"ms":200},"depends_on":[{{(n == 0 ? "" : $"\"b{branch}_{n - 1}\"")}}]}
            """)));
        var join = $$"""{"id":"join","skill":"echo","params":{"message":"done"},"depends_on":[{{string.Join(',', Enumerable.Range(0, Branches).Select(n => $"\"b{n}_4\""))}}]}""";
        var clock = Stopwatch.StartNew();

        var run = await scene.RunAsync($"[{join},{string.Join(',', steps)}]");

        clock.Stop();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Branches} branches of 5 steps of 200 ms in {clock.Elapsed.TotalSeconds:F1} s: {Branches * 5 * 0.2:F0} s of waiting"));
        Assert.True(run["status"] == "succeeded", run["error"]);
        var recorded = await VerifiedAsync(run, (Branches * 5) + 1);
        Assert.Equal("echo", recorded[^1].SkillName);
        Assert.InRange(clock.Elapsed.TotalSeconds, 1, 30);
    }

    private async Task<Answer> EndedAsync(string id, List<long> samples)
    {
        for (var limit = Stopwatch.StartNew(); limit.Elapsed < TimeSpan.FromMinutes(8);)
        {
            var run = await scene.Acme.GetAsync($"/api/v1/runs/{id}?wait=1");
            samples.Add(GC.GetTotalMemory(forceFullCollection: true));
            if (run["completed_at"] is not null)
                return run;
        }

        throw new TimeoutException($"{id} did not end");
    }

    private async Task<IReadOnlyList<RecordedStep>> VerifiedAsync(Answer run, int expected)
    {
        var (trace, steps) = await scene.ReadAsync(run["trace_id"]!);
        var report = TraceVerifier.Verify(trace, steps, new VerificationOptions { Tenant = TenantId.Parse("acme"), Run = RunId.Parse(run["run_id"]!) });
        Assert.Equal((VerificationStatus.Verified, expected), (report.Verdict.Status, steps.Count));
        return steps;
    }
}
