using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;

namespace RunProof.Cli.Tests;

/// <summary><c>log fsck</c>, <c>log quarantine|requeue</c>, <c>keys log show|rotate</c>: on a real database, with the verifier's login.</summary>
public sealed class LogUpkeepTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Whole_logs_are_called_whole_and_where_their_keys_are_from_is_told()
    {
        await using var logs = await SealedLogs.CreateAsync(postgres);
        await logs.RecordAsync("acme", 0, 150);
        await logs.RecordAsync("other", 0, 2);
        var all = await logs.RunAsync("log", "fsck");
        Assert.Equal(0, all.ExitCode);
        Assert.Contains("the database's own list of keys", all.Output, StringComparison.Ordinal);
        var json = Document(await logs.RunAsync("log", "fsck", "--all", "--json"), 0);
        Assert.True(json.GetProperty("whole").GetBoolean());
        Assert.Equal([300L, 4L], json.GetProperty("logs").EnumerateArray().Select(static log => log.GetProperty("entries").GetInt64()));
        // Two of level 0, one of level 1.
        Assert.Equal(3, json.GetProperty("logs")[0].GetProperty("tiles").GetInt64());

        var key = logs.Signer.KeyOf("test.example/acme").ToString();
        var given = Document(await logs.RunAsync("log", "fsck", "--tenant", "acme", "--key", key, "--json"), 0);
        Assert.Equal("--key", given.GetProperty("logs")[0].GetProperty("keys_from").GetString());
        var wrong = SealingFaults.NextKey.Under("test.example/acme").ToString();
        Assert.Equal("CHECKPOINT_REFUSED", FirstFinding(await logs.RunAsync("log", "fsck", "--tenant", "acme", "--key", wrong, "--json")));
    }

    [Theory]
    [InlineData("UPDATE runproof.log_tiles SET bytes = set_byte(bytes, 0, get_byte(bytes, 0) # 1) WHERE level = 0", "LOG_TILE_MISMATCH", "tile/0/000.p/6")]
    [InlineData("DELETE FROM runproof.log_tiles", "LOG_TILE_MISMATCH", "tile/0/000.p/6")]
    [InlineData("UPDATE runproof.log_entries SET entry = replace(entry, '1970', '1971') WHERE position = 2", "LOG_TILE_MISMATCH", "tile/0/000.p/6")]
    [InlineData("DELETE FROM runproof.log_entries WHERE position = 5", "LOG_TILE_MISMATCH", "tile/0")]
    [InlineData("UPDATE runproof.logs SET size = 4, edge = sha256('x')", "LOG_HEAD_MISMATCH", "head.checkpoint")]
    public async Task What_does_not_fit_is_found_in_the_log_it_is_in(string change, string code, string place)
    {
        await using var logs = await SealedLogs.CreateAsync(postgres);
        await logs.RecordAsync("acme", 0, 3);
        await logs.RecordAsync("other", 0, 1);
        await logs.ForceAsync(change + (change.Contains("WHERE", StringComparison.Ordinal) ? " AND" : " WHERE") + " tenant_id = 'acme'");
        var found = await logs.RunAsync("log", "fsck", "--json");
        var json = Document(found, 10);
        Assert.False(json.GetProperty("whole").GetBoolean());
        Assert.Equal([false, true], json.GetProperty("logs").EnumerateArray().Select(static log => log.GetProperty("whole").GetBoolean()));
        Assert.Contains(json.GetProperty("logs")[0].GetProperty("findings").EnumerateArray(), finding =>
            finding.GetProperty("code").GetString() == code && finding.GetProperty("place").GetString() == place);
        var page = await logs.RunAsync("log", "fsck", "--tenant", "acme");
        Assert.Equal(10, page.ExitCode);
        Assert.Contains("findings", page.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await logs.RunAsync("log", "fsck", "--tenant", "other")).ExitCode);
    }

    [Fact]
    public async Task Fsck_of_a_tenant_without_a_log_ends_with_4_and_of_none_with_0()
    {
        await using var logs = await SealedLogs.CreateAsync(postgres);
        Assert.Equal(4, (await logs.RunAsync("log", "fsck", "--tenant", "nobody")).ExitCode);
        Assert.Equal(2, (await logs.RunAsync("log", "fsck", "--tenant", "a b")).ExitCode);
        Assert.Equal(2, (await logs.RunAsync("log", "fsck", "--tenant", "acme", "--all")).ExitCode);
        var none = await logs.RunAsync("log", "fsck");
        Assert.Equal((0, "no tenant has a log\n"), (none.ExitCode, none.Output));
    }

    [Fact]
    public async Task An_auditor_s_login_is_enough_to_look()
    {
        await using var logs = await SealedLogs.CreateAsync(postgres);
        await logs.RecordAsync("acme", 0, 1);
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal) { ["ConnectionStrings__runproofdb"] = logs.Database.AuditorConnectionString, ["RUNPROOF_SIGNING_KEY_FILE"] = logs.KeyFile };
        Assert.Equal(0, (await CliInside.RunAsync(["log", "fsck"], environment: environment)).ExitCode);
        Assert.Equal(0, (await CliInside.RunAsync(["log", "quarantine"], environment: environment)).ExitCode);
        Assert.Equal(0, (await CliInside.RunAsync(["keys", "log", "show"], environment: environment)).ExitCode);
        Assert.Equal(3, (await CliInside.RunAsync(["keys", "log", "rotate"], environment: environment)).ExitCode);
        Assert.Equal(3, (await CliInside.RunAsync(["log", "requeue", "--all", "--tenant", "acme"], environment: environment)).ExitCode);
    }

    [Fact]
    public async Task A_rotation_hands_every_log_over_and_leaves_nothing_of_a_private_key_on_the_screen()
    {
        await using var logs = await SealedLogs.CreateAsync(postgres);
        await logs.RecordAsync("acme", 0, 2);
        await logs.RecordAsync("other", 0, 1);
        var old = SigningKeyFile.Load(logs.KeyFile);
        var shown = Document(await logs.RunAsync("keys", "log", "show", "--json"), 0);
        Assert.Equal((logs.KeyFile, old.Under("test.example").ToString()), (shown.GetProperty("key_file").GetString(), shown.GetProperty("public_key").GetString()));
        Assert.Equal(old.Under("test.example/acme").ToString(), shown.GetProperty("logs")[0].GetProperty("keys")[0].GetProperty("verifier_key").GetString());

        var rotated = await logs.RunAsync("keys", "log", "rotate");
        Assert.Equal(0, rotated.ExitCode);
        Assert.Contains("handed over the log of acme", rotated.Output, StringComparison.Ordinal);
        var next = SigningKeyFile.Load(logs.KeyFile);
        Assert.NotEqual(old.Key, next.Key);
        Assert.Equal(old.Key, SigningKeyFile.Load(SigningKeyFile.RetiredName(logs.KeyFile, old.Key)).Key);
        Assert.DoesNotContain("PRIVATE", rotated.Output + rotated.Error, StringComparison.Ordinal);

        var after = Document(await logs.RunAsync("keys", "log", "show", "--json"), 0);
        Assert.Equal([5L, null], after.GetProperty("logs")[0].GetProperty("keys").EnumerateArray().Select(static key => key.GetProperty("until_size") is { ValueKind: JsonValueKind.Number } until ? until.GetInt64() : (long?)null));
        Assert.True(logs.Signer.Refresh());
        await logs.RecordAsync("acme", 2, 1);
        var fsck = await logs.RunAsync("log", "fsck", "--key", next.Under("test.example/acme").ToString(), "--tenant", "acme", "--json");
        Assert.Equal(7, Document(fsck, 0).GetProperty("logs")[0].GetProperty("entries").GetInt64());
    }

    [Fact]
    public async Task A_rotation_that_broke_off_goes_on_with_the_key_it_had_made_and_a_log_left_behind_is_named()
    {
        await using var logs = await SealedLogs.CreateAsync(postgres);
        await logs.RecordAsync("acme", 0, 1);
        await logs.RecordAsync("other", 0, 1);
        await logs.ForceAsync("UPDATE runproof.logs SET edge = sha256('x') || substr(edge, 33) WHERE tenant_id = 'acme'");
        var halted = await logs.RunAsync("keys", "log", "rotate", "--json");
        Assert.Equal((1, "log_halted"), (halted.ExitCode, JsonDocument.Parse(halted.Output).RootElement.GetProperty("error").GetProperty("code").GetString()));
        var next = SigningKeyFile.Load(logs.KeyFile + SigningKeyFile.NextSuffix);
        Assert.Equal(2, (await logs.Reader.ReadKeysAsync(TenantId.Parse("other"), default)).Count);
        var shown = await logs.RunAsync("keys", "log", "show");
        Assert.Equal(1, shown.ExitCode);
        Assert.Contains("runproof keys log rotate finishes it", shown.Output, StringComparison.Ordinal);

        Assert.Equal(0, (await logs.RunAsync("keys", "log", "rotate", "--except", "acme")).ExitCode);
        Assert.Equal(next.Key, SigningKeyFile.Load(logs.KeyFile).Key);
        var left = await logs.RunAsync("keys", "log", "show");
        Assert.Equal(1, left.ExitCode);
        Assert.Contains("the log of acme is not signed by the key in this file", left.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_log_begins_with_a_key_that_was_retired()
    {
        await using var logs = await SealedLogs.CreateAsync(postgres);
        await logs.RecordAsync("acme", 0, 1);
        Assert.Equal(0, (await logs.RunAsync("keys", "log", "rotate")).ExitCode);
        // A service that has not read the file again.
        var halted = await Assert.ThrowsAsync<LogHaltedException>(() => logs.RecordAsync("late", 0, 1));
        Assert.True(halted.IsKeyRetired);
        Assert.True(Assert.IsType<LogHaltedException>(await Record.ExceptionAsync(() => logs.RecordAsync("acme", 1, 1))).IsKeyRetired);
        Assert.True(logs.Signer.Refresh());
        Assert.Equal((2, 0), await logs.SealAsync("late"));
        Assert.Equal((2, 0), await logs.SealAsync("acme"));
        Assert.Equal(0, (await logs.RunAsync("log", "fsck")).ExitCode);
    }

    [Fact]
    public async Task The_key_file_s_trouble_is_told_and_nothing_is_made()
    {
        using var folder = new TestFolder();
        var path = Path.Combine(folder.Root, "keys", "log-signing.key");
        var missing = await CliProcess.RunAsync(["keys", "log", "show"], new() { ["RunProof__Log__KeyFolder"] = Path.GetDirectoryName(path) });
        Assert.Equal(1, missing.ExitCode);
        Assert.Contains($"there is no file {path}", missing.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.GetDirectoryName(path)));
        Assert.Equal(1, (await CliProcess.RunAsync(["keys", "log", "rotate", "--key-file", path], new() { ["ConnectionStrings__runproofdb"] = "Host=nowhere.invalid" })).ExitCode);
        if (OperatingSystem.IsWindows())
            return;
        SigningKeyFile.TryCreate(path, "test.example");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        var loose = await CliProcess.RunAsync("keys", "log", "show", "--key-file", path);
        Assert.Equal(1, loose.ExitCode);
        Assert.Contains("has mode 0640", loose.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_in_quarantine_enters_the_log_once_its_cause_is_removed_and_comes_back_while_it_is_not()
    {
        await using var logs = await SealedLogs.CreateAsync(postgres);
        await logs.RecordAsync("acme", 0, 1);
        await logs.ForceAsync("CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.correlation_id := 'changed'; RETURN NEW; END $$");
        await logs.ForceAsync("CREATE TRIGGER a_spoil BEFORE INSERT ON aos_traces FOR EACH ROW EXECUTE FUNCTION spoil()");
        await logs.RecordAsync("acme", 1, 2);
        await logs.ForceAsync("DROP TRIGGER a_spoil ON aos_traces");
        var held = Document(await logs.RunAsync("log", "quarantine", "--json"), 10).GetProperty("items");
        Assert.Equal(4, held.GetArrayLength());
        Assert.Equal("trace_1", held[0].GetProperty("trace_id").GetString());
        Assert.Equal(2, (await logs.RunAsync("log", "requeue", "--tenant", "acme")).ExitCode);
        Assert.Equal(4, (await logs.RunAsync("log", "requeue", "trace_0", "--tenant", "acme")).ExitCode);

        // The cause is still there: it comes back.
        Assert.Equal(0, (await logs.RunAsync("log", "requeue", "trace_1", "--tenant", "acme")).ExitCode);
        Assert.Equal((0, 2), await logs.SealAsync("acme"));

        await logs.ForceAsync("UPDATE aos_traces SET correlation_id = 'c'");
        Assert.Contains("4 entries await inclusion again", (await logs.RunAsync("log", "requeue", "--all", "--tenant", "acme")).Output, StringComparison.Ordinal);
        Assert.Equal((4, 0), await logs.SealAsync("acme"));
        Assert.Equal((0, "nothing is in quarantine\n"), ((await logs.RunAsync("log", "quarantine")).ExitCode, (await logs.RunAsync("log", "quarantine")).Output));
        Assert.Equal(6, Document(await logs.RunAsync("log", "fsck", "--json"), 0).GetProperty("logs")[0].GetProperty("entries").GetInt64());
        // That it was there is not forgotten: twice for the one, once for the other.
        await using var admin = Npgsql.NpgsqlDataSource.Create(logs.Database.AdminConnectionString);
        await using var count = admin.CreateCommand("SELECT count(*) FROM runproof.log_requeued");
        Assert.Equal(6L, await count.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    private static JsonElement Document(CliResult result, int exitCode)
    {
        Assert.True(result.ExitCode == exitCode, $"{result.ExitCode}: {result.Output}{result.Error}");
        return JsonDocument.Parse(result.Output).RootElement;
    }

    private static string? FirstFinding(CliResult result) => Document(result, 10).GetProperty("logs")[0].GetProperty("findings")[0].GetProperty("code").GetString();
}
