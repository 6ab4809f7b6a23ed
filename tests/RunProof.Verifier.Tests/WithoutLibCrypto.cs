using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using RunProof.Testing;
using RunProof.Verification;

namespace RunProof.Verifier.Tests;

/// <summary>The service as a process of its own, on a machine of which it believes that it has no libcrypto. What it can do without, it does.</summary>
public sealed class WithoutLibCrypto(PostgresFixture postgres)
{
    [Fact]
    public async Task Nothing_is_sealed_health_says_why_and_proofs_are_served()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var database = await postgres.CreateMigratedDatabaseAsync();
        await using var admin = NpgsqlDataSource.Create(database.AdminConnectionString);
        var key = await StoredEvidence.CreateKeyAsync(admin, "acme");
        var keys = Directory.CreateTempSubdirectory("runproof-keys-");
        try
        {
            // A log that another machine has sealed, and a trace that waits.
            await RecordedTraces.RecordAsync(database, "acme", 1, steps: 2);
            await using (var sealing = await VerifierService.StartAsync(database.VerifierConnectionString, Settings(keys.FullName)))
                Assert.Equal(200, (await sealing.GetBytesAsync("/api/v1/runs/0/statement?wait=30", key)).Status);
            await RecordedTraces.RecordAsync(database, "acme", 1, from: 1);

            await using var service = await Service.StartAsync(database.VerifierConnectionString, keys.FullName, cancellationToken);
            var check = (await service.HealthAsync(cancellationToken))["checks"]!.AsArray().Single(each => each!["name"]!.GetValue<string>() == "log")!;
            Assert.Equal("Degraded", check["status"]!.GetValue<string>());
            Assert.Contains("no libcrypto of OpenSSL 3 can be loaded", check["description"]!.GetValue<string>(), StringComparison.Ordinal);

            foreach (var run in new[] { "0", "1" })
            {
                var (status, proof) = await service.GetAsync($"/api/v1/runs/{run}/proof", key, cancellationToken);
                Assert.Equal((HttpStatusCode.OK, "VERIFIED"), (status, proof["verification_status"]!.GetValue<string>()));
                var signature = proof["checks"]!.AsArray().Single(each => each!["name"]!.GetValue<string>() == "CHECKPOINT_SIGNATURE")!;
                Assert.Equal("not_done", signature["status"]!.GetValue<string>());
                Assert.Contains("OpenSSL 3", signature["detail"]!.GetValue<string>(), StringComparison.Ordinal);
            }

            // A bundle is whole: whoever gets it has what this machine has not.
            var (_, bundle) = await service.GetAsync("/api/v1/runs/0/bundle", key, cancellationToken);
            var vkey = RunProof.Keys.NoteVerifier.Parse(RunProof.Ledger.SigningKeyFile.Load(Path.Combine(keys.FullName, RunProof.Ledger.SigningKeyFile.FileName)).Under("test.example/acme").ToString());
            var report = BundleVerifier.Verify(Encoding.UTF8.GetBytes(bundle.ToJsonString()), new BundleOptions { TrustedKeys = [vkey] });
            Assert.True(report.Verdict.Status is VerificationStatus.Verified, string.Join('\n', report.Findings));

            var (refused, problem) = await service.GetAsync("/api/v1/runs/0/statement", key, cancellationToken);
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "/problems/unavailable"), (refused, problem["type"]!.GetValue<string>()));
            Assert.Contains("nothing is sealed: no libcrypto", service.Output, StringComparison.Ordinal);
            Assert.Equal(["trace_1", "trace_1"], await StoredEvidence.ListAsync(admin, "SELECT trace_id FROM runproof.log_queue"));
        }
        finally
        {
            keys.Delete(recursive: true);
        }
    }

    private static Dictionary<string, string?> Settings(string keys) => new(StringComparer.Ordinal)
    {
        ["RunProof:Log:Name"] = "test.example",
        ["RunProof:Log:KeyFolder"] = keys,
        ["RunProof:Log:Interval"] = "00:00:00.02",
    };

    private sealed class Service : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly StringBuilder _output = new();
        private readonly HttpClient _http;

        private Service(Process process, string url)
        {
            (_process, _http) = (process, new HttpClient { BaseAddress = new Uri(url) });
            DataReceivedEventHandler keep = (_, line) =>
            {
                lock (_output)
                    _output.AppendLine(line.Data);
            };
            process.OutputDataReceived += keep;
            process.ErrorDataReceived += keep;
            process.Start();
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        internal string Output
        {
            get
            {
                lock (_output)
                    return _output.ToString();
            }
        }

        internal static async Task<Service> StartAsync(string connection, string keys, CancellationToken cancellationToken)
        {
            var url = LocalPort.FreeUrl();
            var start = new ProcessStartInfo("dotnet", [typeof(Verifier).Assembly.Location]) { RedirectStandardOutput = true, RedirectStandardError = true };
            start.Environment["RUNPROOF_LIBCRYPTO"] = "/nowhere/libcrypto.so.3";
            start.Environment["ConnectionStrings__runproofdb"] = connection;
            start.Environment["ASPNETCORE_URLS"] = url;
            foreach (var (name, value) in Settings(keys))
                start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
            var service = new Service(new Process { StartInfo = start }, url);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(TimeSpan.FromMinutes(2));
            while (true)
            {
                Assert.False(service._process.HasExited, service.Output);
                try
                {
                    // Started, and its first round of sealing is behind it.
                    if ((await service.HealthAsync(limit.Token)).ToJsonString().Contains("libcrypto", StringComparison.Ordinal))
                        return service;
                }
                catch (HttpRequestException)
                {
                    // Not listening yet.
                }

                await Task.Delay(50, limit.Token);
            }
        }

        internal async Task<JsonObject> HealthAsync(CancellationToken cancellationToken) => JsonNode.Parse(await _http.GetStringAsync("/health", cancellationToken))!.AsObject();

        internal async Task<(HttpStatusCode Status, JsonObject Body)> GetAsync(string path, string key, CancellationToken cancellationToken)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
            using var answer = await _http.SendAsync(request, cancellationToken);
            return (answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync(cancellationToken))!.AsObject());
        }

        public async ValueTask DisposeAsync()
        {
            _http.Dispose();
            if (!_process.HasExited)
                _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            _process.Dispose();
        }
    }
}
