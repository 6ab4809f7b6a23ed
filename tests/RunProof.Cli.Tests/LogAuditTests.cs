using System.Text.Json;
using RunProof.Testing;

namespace RunProof.Cli.Tests;

/// <summary><c>log audit</c> over a real database, with the verifier's login and an auditor's.</summary>
public sealed class LogAuditTests(PostgresFixture postgres) : IDisposable
{
    private const string Patient = "3000000000";

    private readonly TestFolder _folder = new();

    private string State => Path.Combine(_folder.Root, "state.json");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_whole_log_is_verified_and_remembered_and_the_next_audit_goes_on_from_there()
    {
        await using var logs = await SealedLogs.CreateAsync(postgres);
        await logs.RecordAsync("acme", 0, 5);
        var key = logs.Signer.KeyOf("test.example/acme").ToString();
        var first = Log(await logs.RunAsync("log", "audit", "--tenant", "acme", "--key", key, "--state", State, "--json"), 0);
        Assert.Equal(("VERIFIED", 10, true), (first.GetProperty("verification_status").GetString(), first.GetProperty("counts").GetProperty("entries").GetInt32(), first.GetProperty("state").GetProperty("remembered").GetBoolean()));
        Assert.Equal((key, "--key", true), Relied(first));
        Assert.True(File.Exists(State));

        await logs.RecordAsync("acme", 5, 2);
        var next = Log(await logs.RunAsync("log", "audit", "--tenant", "acme", "--state", State, "--from", "last", "--clock-tolerance", Patient, "--json"), 0);
        Assert.Equal((10, 4, 2), (next.GetProperty("from").GetInt32(), next.GetProperty("counts").GetProperty("entries").GetInt32(), next.GetProperty("counts").GetProperty("traces").GetInt32()));
        Assert.Equal((key, null, true), Relied(next));
        Assert.Contains(next.GetProperty("checks").EnumerateArray(), check => check.GetProperty("name").GetString() == "LOG_CONSISTENCY" && check.GetProperty("status").GetString() == "passed");
        var page = await logs.RunAsync("log", "audit", "--tenant", "acme", "--state", State, "--clock-tolerance", Patient);
        Assert.StartsWith("VERIFIED  test.example/acme\n", page.Output, StringComparison.Ordinal);
        Assert.Equal(0, page.ExitCode);
    }

    [Fact]
    public async Task Without_a_key_from_elsewhere_a_log_is_not_called_verified()
    {
        await using var logs = await SealedLogs.CreateAsync(postgres);
        await logs.RecordAsync("acme", 0, 1);
        var log = Log(await logs.RunAsync("log", "audit", "--no-state", "--json"), 5);
        Assert.Equal((logs.Signer.KeyOf("test.example/acme").ToString(), null, false), Relied(log));
        Assert.Equal(JsonValueKind.Null, log.GetProperty("state").ValueKind);
        var wrong = SealingFaults.NextKey.Under("test.example/acme").ToString();
        Assert.Equal("CHECKPOINT_REFUSED", Finding(Log(await logs.RunAsync("log", "audit", "--no-state", "--key", wrong, "--json"), 10)));
    }

    [Fact]
    public async Task Findings_end_it_with_10_and_are_named_in_the_log_that_has_them()
    {
        await using var logs = await SealedLogs.CreateAsync(postgres);
        await logs.RecordAsync("acme", 0, 3);
        await logs.RecordAsync("other", 10, 1);
        await logs.ForceAsync("DELETE FROM aos_traces WHERE trace_id = 'trace_1' AND tenant_id = 'acme'");
        var all = await logs.RunAsync("log", "audit", "--no-state", "--json");
        Assert.Equal(10, all.ExitCode);
        var found = JsonDocument.Parse(all.Output).RootElement.GetProperty("logs");
        Assert.Equal(["FAILED", "UNSUPPORTED"], found.EnumerateArray().Select(log => log.GetProperty("verification_status").GetString()));
        Assert.Equal(("TRACE_MISSING", "trace_1"), (Finding(found[0]), found[0].GetProperty("findings")[0].GetProperty("trace_id").GetString()));
        var page = await logs.RunAsync("log", "audit", "--no-state", "--tenant", "acme");
        Assert.Contains("TRACE_MISSING  trace_1: trace: is missing", page.Output, StringComparison.Ordinal);
        Assert.Equal(10, page.ExitCode);
    }

    [Fact]
    public async Task A_rollback_leaves_the_memory_as_it_was()
    {
        await using var logs = await SealedLogs.CreateAsync(postgres);
        await logs.RecordAsync("acme", 0, 3);
        var key = logs.Signer.KeyOf("test.example/acme").ToString();
        Log(await logs.RunAsync("log", "audit", "--tenant", "acme", "--key", key, "--state", State, "--json"), 0);
        var memory = await File.ReadAllTextAsync(State, TestContext.Current.CancellationToken);
        // The same operator, the same key, the same name: a database that has seen less.
        await using var older = await SealedLogs.CreateAsync(postgres);
        await File.WriteAllTextAsync(older.KeyFile, await File.ReadAllTextAsync(logs.KeyFile, TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        older.Signer.Refresh();
        await older.RecordAsync("acme", 0, 2);
        var found = Log(await older.RunAsync("log", "audit", "--tenant", "acme", "--state", State, "--json"), 10);
        Assert.Equal("LOG_ROLLED_BACK", Finding(found));
        Assert.False(found.GetProperty("state").GetProperty("remembered").GetBoolean());
        Assert.Equal(memory, await File.ReadAllTextAsync(State, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_cannot_be_meant_is_refused_before_anything_is_read()
    {
        await using var logs = await SealedLogs.CreateAsync(postgres);
        await logs.RecordAsync("acme", 0, 1);
        foreach (var words in (string[])["--state s.json", "--tenant acme --state s.json --no-state", "--from 3", "--tenant acme --from -1 --no-state", "--tenant acme --from 3 --no-state", "--workers 0 --no-state", "--clock-tolerance -1 --no-state", "--tenant a|b --no-state", "--key nonsense"])
            Assert.Equal((words, 2), (words, (await logs.RunAsync(["log", "audit", .. words.Split(' ')])).ExitCode));
        Assert.Equal(2, (await logs.RunAsync("log", "audit", "--tenant", "acme", "--no-state", "--key", SealingFaults.Key.Under("test.example/other").ToString())).ExitCode);
        Assert.Equal(4, (await logs.RunAsync("log", "audit", "--tenant", "nobody", "--no-state")).ExitCode);
        await File.WriteAllTextAsync(State, "{", TestContext.Current.CancellationToken);
        var damaged = await logs.RunAsync("log", "audit", "--tenant", "acme", "--state", State);
        Assert.Equal(2, damaged.ExitCode);
        Assert.Contains("is damaged", damaged.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_auditor_s_login_is_enough()
    {
        await using var logs = await SealedLogs.CreateAsync(postgres);
        await logs.RecordAsync("acme", 0, 2);
        await logs.ForceAsync("UPDATE aos_traces SET seed = 9 WHERE trace_id = 'trace_1'");
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal) { ["ConnectionStrings__runproofdb"] = logs.Database.AuditorConnectionString, ["XDG_STATE_HOME"] = _folder.Root };
        var found = Log(await CliInside.RunAsync(["log", "audit", "--json"], environment: environment), 10);
        Assert.Equal("HEADER_LINK_MISMATCH", Finding(found));
        Assert.Equal(Path.Combine(_folder.Root, "runproof", "audit", "test.example%2Facme.json"), found.GetProperty("state").GetProperty("file").GetString());
    }

    private static JsonElement Log(CliResult result, int exitCode)
    {
        Assert.True(exitCode == result.ExitCode, $"{result.ExitCode}: {result.Output}{result.Error}");
        return Assert.Single(JsonDocument.Parse(result.Output).RootElement.GetProperty("logs").EnumerateArray());
    }

    private static (string?, string?, bool) Relied(JsonElement log)
    {
        var relied = log.GetProperty("relied_on");
        return (relied.GetProperty("key").GetString(), relied.GetProperty("source").GetString(), relied.GetProperty("independent").GetBoolean());
    }

    private static string? Finding(JsonElement log) => log.GetProperty("findings")[0].GetProperty("code").GetString();
}
