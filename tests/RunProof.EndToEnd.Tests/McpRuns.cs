using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using RunProof.Testing;

namespace RunProof.EndToEnd.Tests;

/// <summary>Tools of MCP servers in runs of the real processes: both servers from npm, over both transports, and one that changes in the middle of a run.</summary>
public sealed class McpRuns(PostgresFixture postgres)
{
    private const string Token = "t0p-s3cr3t-token";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_run_with_tools_of_both_real_servers_ends_verified_and_says_which_tools_it_saw()
    {
        var (everything, filesystem) = (await NpmServers.EverythingAsync(), await NpmServers.FilesystemAsync());
        var root = Directory.CreateTempSubdirectory("runproof-mcp-").FullName;
        var url = LocalPort.FreeUrl();
        using var server = Serve(everything, new Uri(url).Port);
        try
        {
            var database = await postgres.CreateDatabaseAsync();
            await using var system = await RunningSystem.StartAsync(
                database.AdminConnectionString, database.AdminConnectionString, Cancel,
                ("FILES_TOKEN", Token),
                ("RunProof__Mcp__files__Command", NpmServers.Node), ("RunProof__Mcp__files__Args__0", filesystem), ("RunProof__Mcp__files__Args__1", root), ("RunProof__Mcp__files__Tenants__0", "dev"),
                ("RunProof__Mcp__web__Url", url + "/mcp"), ("RunProof__Mcp__web__Headers__Authorization", "Bearer ${FILES_TOKEN}"), ("RunProof__Mcp__web__Tenants__0", "*"),
                ("RunProof__Mcp__local__Command", NpmServers.Node), ("RunProof__Mcp__local__Args__0", everything), ("RunProof__Mcp__local__Env__TOKEN", "${FILES_TOKEN}"), ("RunProof__Mcp__local__Tenants__0", "*"),
                ("RunProof__Mcp__broken__Command", "/no/such/program"), ("RunProof__Mcp__broken__Tenants__0", "*"));

            // One server that does not start keeps nobody from working.
            var health = await system.JsonAsync($"{system.RunnerUrl}/health", Cancel);
            Assert.Equal("Degraded", health.GetProperty("status").GetString());
            Assert.Contains("MCP servers that are not there: broken;", health.ToString(), StringComparison.Ordinal);
            await WebIsThereAsync(system);
            var (exit, skills) = await system.CommandLineAsync(Cancel, "skill", "list");
            Assert.True(exit == 0 && skills.Contains("mcp:files/write_file", StringComparison.Ordinal), skills);

            var refused = await system.TryCreateRunAsync(new { agent_id = "demo-agent", goal = "wrong", origin_system_id = "e2e", plan = new object[] { new { skill = "mcp:web/get-sum", @params = new { a = "two", b = 3 } } } }, Cancel);
            Assert.Contains("expected a number, got a string", refused, StringComparison.Ordinal);

            var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "use tools", origin_system_id = "e2e", plan = Plan(root), wait = 60 }, Cancel);

            var id = run.GetProperty("run_id").GetString()!;
            Assert.True(run.GetProperty("status").GetString() == "succeeded", run.ToString());
            Assert.Equal("The sum of 2 and 3 is 5.", await File.ReadAllTextAsync(Path.Combine(root, "sum.txt"), Cancel));
            var proof = await system.ProveAsync(id, Cancel);
            Assert.True(proof.GetProperty("verification_status").GetString() == "VERIFIED", proof.ToString());
            Assert.Contains(
                "5 steps of MCP tools, each under the list that the header's context pins; 0 refused because it was another", Checks(proof)["TOOL_LISTS"].GetProperty("detail").GetString(), StringComparison.Ordinal);

            var pins = await ContextAsync(system, "SELECT context FROM aos_traces WHERE run_id = $1", id);
            Assert.Equal(["files", "local", "web"], pins.GetProperty("mcp").EnumerateObject().Select(one => one.Name));
            Assert.Equal("secure-filesystem-server", pins.GetProperty("mcp").GetProperty("files").GetProperty("name").GetString());
            Assert.Equal(
                pins.GetProperty("mcp").GetProperty("web").GetProperty("digest").GetString(),
                (await ContextAsync(system, "SELECT context FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 AND step_index = 0", id)).GetProperty("mcp").GetProperty("digest").GetString());

            var outside = await system.QueryAsync("SELECT status, outcome_code, source, outcome_data FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 AND skill_id = 'mcp:files/read_text_file' ORDER BY step_index DESC LIMIT 1", Cancel, id);
            Assert.Equal(("failed", "tool_error", "engine"), ((string)outside[0][0]!, (string)outside[0][1]!, (string)outside[0][2]!));
            Assert.Contains("Access denied", (string)outside[0][3]!, StringComparison.Ordinal);

            // The server that shows its environment shows a secret; evidence does not.
            var everywhere = await system.QueryAsync("SELECT r::text FROM runs r UNION ALL SELECT t::text FROM aos_traces t UNION ALL SELECT s::text FROM aos_trace_steps s", Cancel);
            Assert.All(everywhere, row => Assert.DoesNotContain(Token, (string)row[0]!, StringComparison.Ordinal));
            var shown = await ContextAsync(system, "SELECT context FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 AND skill_id = 'mcp:local/get-env'", id);
            Assert.True(shown.GetProperty("mcp").GetProperty("masked").GetBoolean());

            await BundleHasThemAsync(system, id, pins.GetProperty("mcp").GetProperty("files").GetProperty("digest").GetString()!);

            // Whoever changes a pinned digest in the database is found.
            await system.TamperAsync($"UPDATE aos_traces SET context = replace(context, '\"name\":\"secure-filesystem-server\"', '\"name\":\"another\"') WHERE run_id = '{id}'", Cancel);
            Assert.Equal("FAILED", (await system.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
        }
        finally
        {
            server.Kill(entireProcessTree: true);
            Directory.Delete(root, recursive: true);
        }
    }

    [Fact]
    public async Task A_server_whose_tools_change_in_the_middle_of_a_run_is_not_called_again_and_the_proof_says_so()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var system = await RunningSystem.StartAsync(
            database.AdminConnectionString, database.AdminConnectionString, Cancel,
            ("RunProof__Mcp__sample__Command", "dotnet"), ("RunProof__Mcp__sample__Args__0", HostProcess.BuiltTest("RunProof.Mcp.Sample")), ("RunProof__Mcp__sample__Args__1", "changes"),
            ("RunProof__Mcp__sample__ListBeforeCall", "true"), ("RunProof__Mcp__sample__Tenants__0", "*"));
        object[] plan =
        [
            new { id = "first", skill = "mcp:sample/echo", @params = new { text = "a" } },
            new { id = "second", skill = "mcp:sample/echo", @params = new { text = "b" } },
        ];

        var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "be fooled", origin_system_id = "e2e", plan, wait = 60 }, Cancel);

        var id = run.GetProperty("run_id").GetString()!;
        Assert.Equal(("failed", "tools_changed"), (run.GetProperty("status").GetString(), run.GetProperty("error").GetProperty("code").GetString()));
        var proof = await system.ProveAsync(id, Cancel);
        Assert.Equal("VERIFIED", proof.GetProperty("verification_status").GetString());
        var finding = Assert.Single(proof.GetProperty("findings").EnumerateArray(), one => one.GetProperty("code").GetString() == "TOOLS_CHANGED");
        Assert.Equal("steps[1].context", finding.GetProperty("place").GetString());
        Assert.Equal("passed", Checks(proof)["TOOL_LISTS"].GetProperty("status").GetString());

        var pinned = (await ContextAsync(system, "SELECT context FROM aos_traces WHERE run_id = $1", id)).GetProperty("mcp").GetProperty("sample").GetProperty("digest").GetString();
        var step = (await ContextAsync(system, "SELECT context FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 AND step_index = 1", id)).GetProperty("mcp");
        Assert.Equal(pinned, step.GetProperty("pinned").GetString());
        Assert.NotEqual(pinned, step.GetProperty("digest").GetString());
    }

    private static object[] Plan(string root) =>
    [
        new { id = "sum", skill = "mcp:web/get-sum", @params = new { a = 2, b = 3 } },
        new { id = "write", skill = "mcp:files/write_file", @params = new { path = root + "/sum.txt", content = "{{steps.sum.content[0].text}}" } },
        new { id = "read", skill = "mcp:files/read_text_file", @params = new { path = root + "/sum.txt" } },
        new { id = "environment", skill = "mcp:local/get-env", @params = new { } },
        new { id = "outside", skill = "mcp:files/read_text_file", @params = new { path = "/etc/passwd" }, on_error = "continue" },
    ];

    private static async Task WebIsThereAsync(RunningSystem system)
    {
        for (var i = 0; !(await system.JsonAsync($"{system.RunnerUrl}/api/v1/skills", Cancel)).ToString().Contains("mcp:web/get-sum", StringComparison.Ordinal); i++)
        {
            Assert.True(i < 300, "the server over HTTP did not come in 60 s");
            await Task.Delay(200, Cancel);
        }
    }

    private static async Task BundleHasThemAsync(RunningSystem system, string id, string digest)
    {
        var folder = Directory.CreateTempSubdirectory("runproof-bundle-").FullName;
        try
        {
            var file = Path.Combine(folder, "run.runproof.json");
            var (exit, output) = await system.CommandLineAsync(Cancel, "run", "export", id, "--output", file);
            Assert.True(exit == 0, output);
            Assert.Contains(digest, await File.ReadAllTextAsync(file, Cancel), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Dictionary<string, JsonElement> Checks(JsonElement proof) =>
        proof.GetProperty("checks").EnumerateArray().ToDictionary(check => check.GetProperty("name").GetString()!, StringComparer.Ordinal);

    private static async Task<JsonElement> ContextAsync(RunningSystem system, string sql, string run)
    {
        var rows = await system.QueryAsync(sql, Cancel, run);
        using var document = JsonDocument.Parse((string)rows[0][0]!);
        return document.RootElement.Clone();
    }

    private static Process Serve(string script, int port)
    {
        var start = new ProcessStartInfo(NpmServers.Node) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(script);
        start.ArgumentList.Add("streamableHttp");
        start.Environment["PORT"] = port.ToString(CultureInfo.InvariantCulture);
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}
