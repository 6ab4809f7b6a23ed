using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Verification;

namespace RunProof.Cli.Tests;

/// <summary>Commands that call the services, against a service that answers what each test says.</summary>
public sealed class ApiCommandTests
{
    private const string Id = "0198b2f0-1111-7abc-8def-000000000001";

    [Fact]
    public async Task Creating_a_run_sends_what_was_asked_for_and_nothing_else()
    {
        await using var service = await FakeService.StartAsync();
        service.On("POST /api/v1/runs", 202, Run("queued"));
        var result = await CliProcess.RunAsync(
            ["run", "create", "--agent", "a1", "--goal", "g", "--origin", "o", "--plan", "-", "--idempotency-key", "k", "--seed", "7", "--frozen-timestamp", "2026-02-10T13:00:00+01:00", "--json"],
            service.Environment,
            "[{\"skill\":\"echo\",\"params\":{\"message\":\"hi\"}}]"u8.ToArray());
        Assert.Equal(0, result.ExitCode);
        Assert.True(service.Requests.TryDequeue(out var request));
        Assert.Equal("Bearer " + FakeService.Key, request.Authorization);
        Assert.Equal(
            """{"agent_id":"a1","goal":"g","origin_system_id":"o","plan":[{"skill":"echo","params":{"message":"hi"}}],"idempotency_key":"k","frozen_timestamp":"2026-02-10T12:00:00.000000Z","seed":7}""",
            request.Body);
        Snapshot.Matches("run-create", result.Output);
    }

    [Theory]
    [InlineData("succeeded", 0)]
    [InlineData("failed", 1)]
    [InlineData("aborted", 1)]
    [InlineData("running", 0)]
    public async Task A_run_that_was_waited_for_ends_with_its_own_code(string status, int code)
    {
        await using var service = await FakeService.StartAsync();
        service.On("POST /api/v1/runs", 200, Run(status));
        var result = await CliProcess.RunAsync(["run", "create", "--agent", "a", "--goal", "g", "--origin", "o", "--wait"], service.Environment);
        Assert.Equal(code, result.ExitCode);
        Assert.Contains(status, result.Output, StringComparison.Ordinal);
        Assert.True(service.Requests.TryDequeue(out var request));
        Assert.Equal(60, JsonDocument.Parse(request.Body).RootElement.GetProperty("wait").GetInt32());
    }

    [Theory]
    [InlineData("{\"skill\":\"echo\"}", "a plan is a JSON array")]
    [InlineData("[{\"skill\":\n\"echo\",}]", "line 2, byte 8: not JSON")]
    public async Task A_plan_that_cannot_be_read_is_refused_before_anything_is_sent(string plan, string complaint)
    {
        await using var service = await FakeService.StartAsync();
        var result = await CliProcess.RunAsync(
            ["run", "create", "--agent", "a", "--goal", "g", "--origin", "o", "--plan", "-"], service.Environment, Encoding.UTF8.GetBytes(plan));
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(complaint, result.Error, StringComparison.Ordinal);
        Assert.Empty(service.Requests);
    }

    [Fact]
    public async Task Every_place_of_an_invalid_plan_is_told()
    {
        await using var service = await FakeService.StartAsync();
        service.Refuses("POST /api/v1/runs", 400, "invalid-plan", "the plan cannot be executed", """{"plan[0].skill":["unknown skill fly"],"plan[1].params.url":["missing","not a URL"]}""");
        var result = await CliProcess.RunAsync(["run", "create", "--agent", "a", "--goal", "g", "--origin", "o"], service.Environment);
        Assert.Equal(2, result.ExitCode);
        Assert.Equal("runproof: t; plan[0].skill: unknown skill fly; plan[1].params.url: missing, not a URL\n", result.Error);
    }

    [Fact]
    public async Task A_run_is_shown_as_a_page_for_people()
    {
        await using var service = await FakeService.StartAsync();
        service.On($"GET /api/v1/runs/{Id}", 200, Run("failed"));
        var result = await CliProcess.RunAsync(["run", "get", Id], service.Environment);
        Assert.Equal(0, result.ExitCode);
        Snapshot.Matches("run-get", result.Output);
    }

    [Fact]
    public async Task All_pages_of_a_listing_become_one()
    {
        await using var service = await FakeService.StartAsync();
        service.On("GET /api/v1/runs", context => new(200, context.Request.Query["cursor"] == "two"
            ? $$"""{"items":[{{Run("failed")}}],"next":null}"""
            : $$"""{"items":[{{Run("succeeded")}}],"next":"two"}"""));
        var json = await CliProcess.RunAsync(["run", "list", "--all", "--status", "succeeded", "--origin", "a&b", "--json"], service.Environment);
        Assert.Equal(0, json.ExitCode);
        Assert.Equal(2, JsonDocument.Parse(json.Output).RootElement.GetProperty("items").GetArrayLength());
        Assert.Equal("GET /api/v1/runs?status=succeeded&origin_system_id=a%26b", service.Requests.First().Line);
        var page = await CliProcess.RunAsync(["run", "list"], service.Environment);
        Snapshot.Matches("run-list", page.Output);
    }

    private const string Begun = """
        event: heartbeat
        data: {}
        retry: 1000

        event: status
        data: {"run_id":"r","status":"running","attempt":1}
        id: 1.0.running


        """;

    private const string Rest = """
        event: step
        data: {"run_id":"r","attempt":1,"trace_id":"trace_r","index":0,"plan_step":"one","skill":"echo","status":"succeeded","retries":0,"started_at":"2026-02-10T12:43:41.549430Z","duration_ms":1.25}
        id: 1.1.running

        event: sealed
        data: {"run_id":"r","attempt":1,"trace_id":"trace_r","status":"failed","chain_length":1,"root_hash":"ab"}
        id: 1.1s.running

        event: end
        data: {"run_id":"r","status":"STATUS","error":ERROR,"attempts":1,"trace_count":1,"step_count":1}
        id: 1.1s.STATUS


        """;

    [Fact]
    public async Task Watching_tells_each_event_and_ends_with_the_run()
    {
        await using var service = await FakeService.StartAsync();
        service.On("GET /api/v1/runs/r/events", 200, Begun + End("failed"), "text/event-stream");
        var result = await CliProcess.RunAsync(["run", "watch", "r"], service.Environment);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal(
            ["running", "step 0  one  echo  succeeded  1.25 ms", "trace_r sealed failed, 1 steps, root ab", "failed: http_500: boom"],
            result.Output.TrimEnd().Split('\n').Select(line => line[(line.IndexOf("Z  ", StringComparison.Ordinal) + 3)..]));
    }

    [Fact]
    public async Task A_watch_outlives_a_restart_of_the_runner_but_not_a_run_that_is_not_there()
    {
        await using var service = await FakeService.StartAsync();
        var ids = new System.Collections.Concurrent.ConcurrentQueue<string>();
        service.On("GET /api/v1/runs/r/events", context =>
        {
            ids.Enqueue(context.Request.Headers["Last-Event-ID"].ToString());
            return ids.Count switch
            {
                1 => new(200, Begun, "text/event-stream"),
                2 or 3 => FakeService.Problem(503, "unavailable", "starting"),
                _ => new(200, End("succeeded"), "text/event-stream"),
            };
        });
        var result = await CliProcess.RunAsync(["run", "watch", "r"], service.Environment);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(["", "1.0.running", "1.0.running", "1.0.running"], ids);
        service.Otherwise = _ => FakeService.Problem(404, "not-found", "there is no such run");
        var missing = await CliProcess.RunAsync(["run", "watch", "x"], service.Environment);
        Assert.Equal(4, missing.ExitCode);
    }

    [Fact]
    public async Task Watching_with_json_prints_an_event_a_line()
    {
        await using var service = await FakeService.StartAsync();
        service.On("GET /api/v1/runs/r/events", 200, Begun + End("succeeded"), "text/event-stream");
        var result = await CliProcess.RunAsync(["run", "watch", "r", "--json"], service.Environment);
        Assert.Equal(0, result.ExitCode);
        var lines = result.Output.TrimEnd().Split('\n').Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(["status 1.0.running", "step 1.1.running", "sealed 1.1s.running", "end 1.1s.succeeded"], lines.Select(line => $"{line.GetProperty("event").GetString()} {line.GetProperty("id").GetString()}"));
        Assert.Equal("succeeded", lines[^1].GetProperty("data").GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_run_is_created_and_watched_in_one_command()
    {
        await using var service = await FakeService.StartAsync();
        service.On("POST /api/v1/runs", 202, Run("queued")).On($"GET /api/v1/runs/{Id}/events", 200, Begun + End("failed"), "text/event-stream");
        var result = await CliProcess.RunAsync(["run", "create", "--agent", "a", "--goal", "g", "--origin", "o", "--watch"], service.Environment);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("failed: http_500: boom", result.Output, StringComparison.Ordinal);
        var both = await CliProcess.RunAsync(["run", "create", "--agent", "a", "--goal", "g", "--origin", "o", "--watch", "--wait"], service.Environment);
        Assert.Equal(2, both.ExitCode);
    }

    private static string End(string status) =>
        Rest.Replace("STATUS", status, StringComparison.Ordinal).Replace("ERROR", status == "succeeded" ? "null" : """{"code":"http_500","message":"boom"}""", StringComparison.Ordinal);

    [Fact]
    public async Task Interrupting_a_watch_ends_at_once_with_130()
    {
        Assert.SkipWhen(InterruptIsIgnored(), "The tests were started with SIGINT ignored, as a shell's background job is: so are the programs that they start.");
        await using var service = await FakeService.StartAsync();
        var watched = new TaskCompletionSource();
        service.On("GET /api/v1/runs/r/events", _ =>
        {
            watched.TrySetResult();
            return new(200, Begun, "text/event-stream");
        });
        using var process = CliProcess.Start(["run", "watch", "r"], service.Environment);
        await watched.Task.WaitAsync(TimeSpan.FromSeconds(60));
        using var kill = Process.Start("kill", ["-INT", process.Id.ToString()])!;
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(130, process.ExitCode);
        Assert.Empty(await process.StandardError.ReadToEndAsync());
    }

    /// <summary>Whether a program started from here would inherit an ignored SIGINT (bit 1 of the kernel's mask).</summary>
    private static bool InterruptIsIgnored() => File.Exists("/proc/self/status")
        && File.ReadLines("/proc/self/status").Any(line => line.StartsWith("SigIgn:", StringComparison.Ordinal) && (Convert.ToUInt64(line[7..].Trim(), 16) & 2) != 0);

    [Theory]
    [InlineData("VERIFIED", 0)]
    [InlineData("UNSUPPORTED", 5)]
    [InlineData("FAILED", 10)]
    public async Task A_verdict_is_the_exit_code(string verdict, int code)
    {
        await using var service = await FakeService.StartAsync();
        service.On("GET /api/v1/runs/r/proof", 200, Proof(verdict));
        var page = await CliProcess.RunAsync(["run", "prove", "r", "--model", "HASH_CHAIN"], service.Environment);
        Assert.Equal(code, page.ExitCode);
        Assert.Equal("GET /api/v1/runs/r/proof?model=HASH_CHAIN&wait=10", service.Requests.First().Line);
        Snapshot.Matches("prove-" + verdict, page.Output);
        var json = await CliProcess.RunAsync(["run", "prove", "r", "--include-payloads", "--json"], service.Environment);
        Assert.Equal(code, json.ExitCode);
        Assert.Equal("GET /api/v1/runs/r/proof?include_payloads=true&wait=10", service.Requests.Last().Line);
        Assert.Equal(verdict, JsonDocument.Parse(json.Output).RootElement.GetProperty("verification_status").GetString());
    }

    [Theory]
    [InlineData("complete", 1, 1, 0)]
    [InlineData("complete", 1, 1, 5, "UNSUPPORTED")]
    [InlineData("complete", 1, 1, 10, "FAILED")]
    [InlineData("not_compared", 0, 0, 5, "UNSUPPORTED")]
    [InlineData("missing", 1, 0, 10)]
    [InlineData("differs", 1, 0, 10)]
    [InlineData("not_compared", 0, 0, 5)]
    [InlineData("complete", 1, 0, 1)]
    [InlineData("splendid", 1, 1, 1)]
    public async Task Side_records_are_shown_and_their_state_is_the_exit_code(string status, int expected, int equal, int code, string verdict = "VERIFIED")
    {
        const string None = """{"is_there":true,"expected":0,"observed":0,"equal":0,"missing":[],"rows":[]}""";
        await using var service = await FakeService.StartAsync();
        service.On("GET /api/v1/runs/r/evidence", 200,
            $$"""
            {"run_id":"r","tenant_id":"dev","verification_status":"{{verdict}}","side_records":{"status":"{{status}}","score":"{{equal}}/{{expected}}","findings":[]},
             "governance_records":{{None}},"integrity_evidence":{{None}},"llm_run_records":{{None}},"policy_evaluations":{{None}},
             "incidents":{"is_there":true,"expected":{{expected}},"observed":1,"equal":{{equal}},"missing":[],"rows":[{"id":"inc_trace_r","severity":"HIGH","category":"EXECUTION_FAILURE","title":"run failed at step 2: http_500"} ] } }
            """);
        var page = await CliProcess.RunAsync(["run", "evidence", "r"], service.Environment);
        Assert.Equal(code, page.ExitCode);
        if (code != 1)
            Assert.Contains("run failed at step 2: http_500", page.Output, StringComparison.Ordinal);
        var json = await CliProcess.RunAsync(["run", "evidence", "r", "--json"], service.Environment);
        Assert.Equal(code, json.ExitCode);
        if (code != 1)
            Assert.Equal(status, JsonDocument.Parse(json.Output).RootElement.GetProperty("side_records").GetProperty("status").GetString());
    }

    [Fact]
    public async Task An_export_is_written_whole_and_verified_by_another_process_without_a_service()
    {
        var bundle = await File.ReadAllTextAsync(Path.Combine(Vectors.Root, "tests", "vectors", "runproof", "bundles", "forty-steps.json"));
        var root = JsonDocument.Parse(bundle).RootElement;
        var (run, key) = (root.GetProperty("header").GetProperty("run_id").GetString()!, root.GetProperty("log").GetProperty("public_key").GetString()!);
        var folder = Directory.CreateTempSubdirectory("runproof-export-").FullName;
        try
        {
            await using var service = await FakeService.StartAsync();
            service.On($"GET /api/v1/runs/{run}/bundle", 200, bundle);
            service.On("GET /api/v1/runs/other/bundle", 200, bundle);
            service.On("GET /api/v1/runs/none/bundle", 200, "{}");
            foreach (var (options, file, more) in new (string[], string, string[])[]
            {
                (["--payloads", "all"], "run.json", []),
                (["--step", "7"], "step.json", []),
                (["--format", "tlog-proof"], "run.tlog-proof", ["--entry", Path.Combine(folder, "run.tlog-proof.entry")]),
            })
            {
                var path = Path.Combine(folder, file);
                var export = await CliProcess.RunAsync(["run", "export", run, "--output", path, .. options], service.Environment);
                Assert.True(export.ExitCode == 0, export.Error);
                var verified = await CliProcess.RunAsync(["verify", path, "--key", key, .. more]);
                Assert.True(verified.ExitCode == 0, verified.Output + verified.Error);
            }

            Assert.Equal(2, (await CliProcess.RunAsync(["run", "export", run, "--step", "40"], service.Environment)).ExitCode);
            Assert.Equal(2, (await CliProcess.RunAsync(["run", "export", run, "--step", "1", "--format", "tlog-proof"], service.Environment)).ExitCode);
            Assert.Equal(1, (await CliProcess.RunAsync(["run", "export", "other", "--output", Path.Combine(folder, "no.json")], service.Environment)).ExitCode);
            Assert.Equal(1, (await CliProcess.RunAsync(["run", "export", "none", "--output", Path.Combine(folder, "no.json")], service.Environment)).ExitCode);
            Assert.Equal(1, (await CliProcess.RunAsync(["run", "export", run, "--output", Path.Combine(folder, "no", "no.json")], service.Environment)).ExitCode);
            Assert.Equal(["run.json", "run.tlog-proof", "run.tlog-proof.entry", "step.json"], Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_statement_is_written_as_the_log_signed_it_and_no_other_is()
    {
        Assert.True(BundleReader.TryRead(await File.ReadAllBytesAsync(Path.Combine(Vectors.Root, "tests", "vectors", "runproof", "bundles", "forty-steps.json")), out var bundle, out _));
        using var given = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(Vectors.Root, "tests", "vectors", "runproof", "cases", "forty-steps.json")));
        var signer = NoteSigner.Create(NoteVerifier.Parse(bundle.Log!.PublicKey).Key.Name, NoteAlgorithm.Ed25519, Convert.FromHexString(given.RootElement.GetProperty("log").GetProperty("private_key_seed").GetString()!));
        string Envelope(NoteSigner by) => Encoding.UTF8.GetString(DsseEnvelope.Sign(RunStatement.PayloadType, RunStatement.Of(bundle).ToPayload(), by).ToJson());
        var run = bundle.Header.RunId.Value;
        var folder = Directory.CreateTempSubdirectory("runproof-export-").FullName;
        try
        {
            await using var service = await FakeService.StartAsync();
            service.On($"GET /api/v1/runs/{run}/statement", 200, Envelope(signer));
            var file = Path.Combine(folder, "run.intoto.json");
            var export = await CliProcess.RunAsync(["run", "export", run, "--format", "in-toto", "--output", file], service.Environment);
            Assert.True(export.ExitCode == 0, export.Error);
            Assert.Equal($"GET /api/v1/runs/{run}/statement?wait=10", service.Requests.Last().Line);
            Assert.Equal(Envelope(signer), await File.ReadAllTextAsync(file));
            Assert.Equal(0, (await CliProcess.RunAsync(["verify", file, "--key", signer.ToString()])).ExitCode);

            string[] refused = ["run", "export", run, "--format", "in-toto", "--output", Path.Combine(folder, "no.json")];
            service.On($"GET /api/v1/runs/{run}/statement", 200, Envelope(NoteSigner.Create(signer.Key.Name, NoteAlgorithm.Ed25519, new byte[32])));
            Assert.Equal(1, (await CliProcess.RunAsync(refused, service.Environment)).ExitCode);
            service.On($"GET /api/v1/runs/{run}/statement", 200, "{}");
            Assert.Equal(1, (await CliProcess.RunAsync(refused, service.Environment)).ExitCode);
            service.On("GET /api/v1/runs/other/statement", 200, Envelope(signer));
            Assert.Equal(1, (await CliProcess.RunAsync(["run", "export", "other", "--format", "in-toto", "--output", Path.Combine(folder, "no.json")], service.Environment)).ExitCode);
            service.Refuses($"GET /api/v1/runs/{run}/statement", 409, "not-verified", "step 3: outcome_data does not match its commitment (PAYLOAD_MISMATCH)");
            var failed = await CliProcess.RunAsync(refused, service.Environment);
            Assert.Equal(10, failed.ExitCode);
            Assert.Contains("PAYLOAD_MISMATCH", failed.Error, StringComparison.Ordinal);
            service.Refuses($"GET /api/v1/runs/{run}/statement", 409, "not-proven-yet", "the sealed entry awaits inclusion in the log");
            Assert.Equal(5, (await CliProcess.RunAsync(refused, service.Environment)).ExitCode);
            Assert.Equal(2, (await CliProcess.RunAsync([.. refused, "--payloads", "none"], service.Environment)).ExitCode);
            Assert.Equal(2, (await CliProcess.RunAsync([.. refused, "--step", "1"], service.Environment)).ExitCode);
            Assert.Equal(["run.intoto.json"], Directory.GetFiles(folder).Select(Path.GetFileName));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_verdict_that_is_none_is_never_taken_for_good()
    {
        await using var service = await FakeService.StartAsync();
        service.On("GET /api/v1/runs/r/proof", 200, Proof("PROBABLY"));
        var result = await CliProcess.RunAsync(["run", "prove", "r"], service.Environment);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("PROBABLY", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"run_id\":\"r\"", "\"run_id\":\"another\"", "proves run another")]
    [InlineData("HASH_CHAIN", "MERKLE_TREE", "checked MERKLE_TREE")]
    [InlineData("\"status\":\"passed\"", "\"status\":\"failed\"", "its own checks do not")]
    [InlineData("\"status\":\"passed\"", "\"status\":\"not_done\"", "its own checks do not")]
    [InlineData("\"failure_code\":null", "\"failure_code\":\"PAYLOAD_MISMATCH\"", "its own checks do not")]
    public async Task A_verdict_that_its_own_answer_speaks_against_is_never_taken_for_good(string part, string other, string complaint)
    {
        await using var service = await FakeService.StartAsync();
        var proof = Proof("VERIFIED").Replace(part, other, StringComparison.Ordinal);
        Assert.NotEqual(Proof("VERIFIED"), proof);
        service.On("GET /api/v1/runs/r/proof", 200, proof);
        var result = await CliProcess.RunAsync(["run", "prove", "r"], service.Environment);
        Assert.Equal(1, result.ExitCode);
        Assert.Empty(result.Output);
        Assert.Contains(complaint, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Skills_are_listed_and_with_json_their_schemas_too()
    {
        await using var service = await FakeService.StartAsync();
        service.On("GET /api/v1/skills", 200, """{"items":[{"name":"echo","version":"1.0.0","description":"Gives its message back.","schema":"ab","parameters_schema":{"type":"object"} }]}""");
        var page = await CliProcess.RunAsync(["skill", "list"], service.Environment);
        var json = await CliProcess.RunAsync(["skill", "list", "--json"], service.Environment);
        Assert.Equal((0, 0), (page.ExitCode, json.ExitCode));
        foreach (var word in (string[])["echo", "1.0.0", "Gives its message back."])
            Assert.Contains(word, page.Output, StringComparison.Ordinal);
        Assert.Equal("object", JsonDocument.Parse(json.Output).RootElement.GetProperty("items")[0].GetProperty("parameters_schema").GetProperty("type").GetString());
    }

    public static TheoryData<int, string, int, string> Refusals => new()
    {
        { 401, "unauthorized", 3, "RUNPROOF_API_KEY" },
        { 403, "forbidden", 3, "--scope runner" },
        { 404, "not-found", 4, "no such run" },
        { 400, "invalid-request", 2, "no such run" },
        { 409, "idempotency-conflict", 1, "no such run" },
        { 500, "internal", 1, "runproof doctor" },
        { 503, "unavailable", 1, "runproof doctor" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_refusal_has_its_exit_code_and_its_remedy(int status, string kind, int code, string told)
    {
        await using var service = await FakeService.StartAsync();
        service.Refuses("GET /api/v1/runs/r/proof", status, kind, "no such run");
        var page = await CliProcess.RunAsync(["run", "prove", "r"], service.Environment);
        Assert.Equal(code, page.ExitCode);
        Assert.Empty(page.Output);
        Assert.Contains(told, page.Error, StringComparison.Ordinal);
        var json = await CliProcess.RunAsync(["run", "prove", "r", "--json"], service.Environment);
        Assert.Equal(code, json.ExitCode);
        var error = JsonDocument.Parse(json.Output).RootElement.GetProperty("error");
        Assert.Equal(kind.Replace('-', '_'), error.GetProperty("code").GetString());
        Assert.Equal(code, error.GetProperty("exit_code").GetInt32());
    }

    [Fact]
    public async Task A_server_that_is_no_RunProof_is_not_taken_for_one()
    {
        await using var service = await FakeService.StartAsync();
        service.On("GET /api/v1/skills", 200, "<html>hello</html>", "text/html");
        var html = await CliProcess.RunAsync(["skill", "list"], service.Environment);
        var missing = await CliProcess.RunAsync(["run", "get", "r"], service.Environment);
        Assert.Equal(1, html.ExitCode);
        Assert.Contains("does not look like a RunProof runner", html.Error, StringComparison.Ordinal);
        Assert.Equal(1, missing.ExitCode);
        Assert.Contains("does not look like a RunProof runner", missing.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_does_not_listen_is_told_with_its_address_and_a_remedy()
    {
        using var reserved = new TcpListener(System.Net.IPAddress.Loopback, 0);
        reserved.Start();
        var url = $"http://{reserved.LocalEndpoint}";
        reserved.Stop();
        var result = await CliProcess.RunAsync(["run", "get", "r", "--runner-url", url, "--api-key", FakeService.Key], []);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"cannot reach the runner at {url}", result.Error, StringComparison.Ordinal);
        Assert.Contains("--runner-url", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_key_nothing_is_sent()
    {
        await using var service = await FakeService.StartAsync();
        var result = await CliProcess.RunAsync("skill", "list", "--runner-url", service.Url);
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("RUNPROOF_API_KEY", result.Error, StringComparison.Ordinal);
        Assert.Empty(service.Requests);
    }

    [Theory]
    [InlineData("localhost:5080")]
    [InlineData("ftp://localhost")]
    [InlineData("nonsense")]
    public async Task An_address_that_is_none_is_refused(string url)
    {
        var result = await CliProcess.RunAsync("skill", "list", "--runner-url", url);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"{url} is not the URL of a runner", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_an_address_the_ways_to_give_one_are_told()
    {
        var result = await CliProcess.RunAsync("run", "prove", "r");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--verifier-url", result.Error, StringComparison.Ordinal);
        Assert.Contains("RUNPROOF_VERIFIER_URL", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Agents_are_created_and_listed()
    {
        await using var service = await FakeService.StartAsync();
        const string agent = """{"id":"a1","name":"Ada","description":null,"created_at":"2026-02-10T12:00:00.000000Z"}""";
        service.On("POST /api/v1/agents", 201, agent).On("GET /api/v1/agents", 200, $$"""{"items":[{{agent}}],"next":"a1"}""");
        var created = await CliProcess.RunAsync(["agent", "create", "--name", "Ada", "--id", "a1"], service.Environment);
        Assert.Equal(0, created.ExitCode);
        Assert.Equal("""{"name":"Ada","id":"a1"}""", service.Requests.First().Body);
        var listed = await CliProcess.RunAsync(["agent", "list", "--limit", "1"], service.Environment);
        Assert.Equal(0, listed.ExitCode);
        Assert.Equal("GET /api/v1/agents?limit=1", service.Requests.Last().Line);
        Snapshot.Matches("agents", created.Output + "---\n" + listed.Output);
    }

    [Fact]
    public async Task An_agent_that_is_there_already_is_an_error()
    {
        await using var service = await FakeService.StartAsync();
        service.Refuses("POST /api/v1/agents", 409, "duplicate-agent", "there is an agent a1 already");
        var result = await CliProcess.RunAsync(["agent", "create", "--name", "Ada", "--id", "a1"], service.Environment);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("runproof: there is an agent a1 already\n", result.Error);
    }

    internal static string Run(string status, string goal = "say something")
    {
        var error = status == "failed" ? """{"code":"http_500","message":"boom"}""" : "null";
        var ended = status is "succeeded" or "failed" or "aborted" ? "\"2026-02-10T12:00:01.000000Z\"" : "null";
        return $$"""
            {"run_id":"{{Id}}","agent_id":"a1","goal":"{{goal}}","origin_system_id":"o","correlation_id":"c1","planner":"stub","plan":[{"skill":"http_call","params":{} }],
            "status":"{{status}}","attempts":1,"seed":0,"frozen_timestamp":null,"is_synthetic":false,"synthetic_scenario_id":null,"idempotency_key":null,
            "trace_id":"trace_{{Id}}","error":{{error}},"created_at":"2026-02-10T12:00:00.000000Z","started_at":"2026-02-10T12:00:00.100000Z","completed_at":{{ended}},
            "duration_ms":303.25,"links":{"self":"/api/v1/runs/{{Id}}","proof":"/api/v1/runs/{{Id}}/proof" },"later_member":1}
            """;
    }

    internal static string Proof(string verdict)
    {
        var reason = verdict switch
        {
            "FAILED" => "\"step 3: outcome_data does not match its commitment\"",
            "UNSUPPORTED" => "\"the trace is not sealed; the chain holds for steps 0..3\"",
            _ => "null",
        };
        var code = verdict switch { "FAILED" => "\"PAYLOAD_MISMATCH\"", "UNSUPPORTED" => "\"TRACE_NOT_SEALED\"", _ => "null" };
        var findings = verdict == "FAILED" ? """{"code":"PAYLOAD_MISMATCH","place":"steps[3].outcome_data","message":"does not match its commitment"}""" : "";
        var payloads = verdict == "FAILED" ? "failed" : "passed";
        return $$"""
            {"run_id":"r","tenant_id":"dev","integrity_model":"HASH_CHAIN","verification_status":"{{verdict}}","failure_code":{{code}},"failure_reason":{{reason}},
            "chain_length":4,"root_hash":"{{new string('a', 64)}}","trace_count":1,"step_count":4,
            "checks":[ {"name":"HEADER","status":"passed","detail":null},{"name":"PAYLOADS","status":"{{payloads}}","detail":"11 payloads"},
            {"name":"LOG_INCLUSION","status":"not_done","detail":"this version has no log"}],"findings":[{{findings}}],"aos_traces":[],"aos_trace_steps":[],
            "aos_fingerprint":"{{new string('b', 64)}}","verified_at":"2026-02-10T12:00:02.000000Z"}
            """;
    }
}
