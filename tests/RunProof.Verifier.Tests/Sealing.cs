using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Npgsql;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Testing;

namespace RunProof.Verifier.Tests;

/// <summary>The service seals in the background what a recorder recorded, with a key file of its own making.</summary>
public sealed class Sealing(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly string _keys = Path.Combine(Path.GetTempPath(), $"runproof-keys-{Guid.NewGuid():N}");
    private TestDatabase _database = null!;
    private NpgsqlDataSource _verifier = null!;

    private string KeyFile => Path.Combine(_keys, SigningKeyFile.FileName);

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateMigratedDatabaseAsync();
        _verifier = NpgsqlDataSource.Create(_database.VerifierConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await _verifier.DisposeAsync();
        if (Directory.Exists(_keys))
            Directory.Delete(_keys, recursive: true);
    }

    [Fact]
    public async Task Tenants_logs_go_forward_in_the_background_and_health_says_how_far_behind_they_are()
    {
        await using var service = await StartAsync();
        await RecordAsync("acme", 3);
        await RecordAsync("other", 2);
        var reader = new PostgresLogReader(_verifier);
        foreach (var (tenant, size) in new[] { ("acme", 6L), ("other", 4L) })
        {
            await WaitAsync(async () => (await reader.FindAsync(TenantId.Parse(tenant), default))?.Size == size);
            var key = SigningKeyFile.Load(KeyFile).Under($"test.example/{tenant}").ToString();
            Assert.Equal(key, Assert.Single(await reader.ReadKeysAsync(TenantId.Parse(tenant), default)).VerifierKey);
            Assert.Empty((await LogFsck.CheckAsync(reader, TenantId.Parse(tenant), [RunProof.Keys.NoteVerifier.Parse(key)], default)).Findings);
        }

        var check = await HealthAsync(service);
        Assert.Equal("Healthy", check["status"]!.GetValue<string>());
        Assert.Equal(0, check["data"]!["quarantined"]!.GetValue<double>());
        Assert.DoesNotContain(_keys, check.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_a_key_file_that_others_can_read_the_service_serves_and_says_that_it_does_not_seal()
    {
        if (OperatingSystem.IsWindows())
            return;
        SigningKeyFile.TryCreate(KeyFile, "test.example");
        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        await using var service = await StartAsync();
        await RecordAsync("acme", 1);
        await WaitAsync(async () => (await HealthAsync(service))["data"]!["queued"]!.GetValue<double>() == 2);
        var check = await HealthAsync(service);
        Assert.Equal("Degraded", check["status"]!.GetValue<string>());
        Assert.Contains("no signing key", check["description"]!.GetValue<string>(), StringComparison.Ordinal);

        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await WaitAsync(async () => (await HealthAsync(service))["status"]!.GetValue<string>() == "Healthy");
        await WaitAsync(async () => (await new PostgresLogReader(_verifier).FindAsync(TenantId.Parse("acme"), default))?.Size == 2);
    }

    /// <summary>Tenants record all the while, some for the first time: each log is continued by one key after the other, none by a key that was retired.</summary>
    [Fact]
    public async Task A_key_is_rotated_under_a_service_that_goes_on_sealing()
    {
        await using var service = await StartAsync();
        await RecordAsync("acme", 2);
        var reader = new PostgresLogReader(_verifier);
        await WaitAsync(async () => (await reader.FindAsync(TenantId.Parse("acme"), default))?.Size == 4);
        using var stop = new CancellationTokenSource();
        var (recorded, tenants) = (2, 0);
        var recording = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await RecordAsync("acme", 1, recorded++);
                await RecordAsync($"new{tenants++}", 1);
            }
        });
        var rotation = new KeyRotation(new PostgresLogStore(_verifier), new LogOptions { Name = "test.example" }, TimeProvider.System);
        var keys = new List<NoteKey> { SigningKeyFile.Load(KeyFile).Key };
        for (var round = 0; round < 3; round++)
        {
            var until = tenants + 4;
            await WaitAsync(() => Task.FromResult(tenants >= until));
            keys.Add((await rotation.RotateAsync(KeyFile, [], null, default)).New);
        }

        var after = tenants + 2;
        await WaitAsync(() => Task.FromResult(tenants >= after));
        await stop.CancelAsync();
        await recording;

        // Well within the pause of a log that is halted for another reason.
        await WaitAsync(async () => (await HealthAsync(service))["data"]!["queued"]!.GetValue<double>() == 0 && (await HealthAsync(service))["data"]!["halted_logs"]!.GetValue<double>() == 0, seconds: 20);
        string[] all = ["acme", .. Enumerable.Range(0, tenants).Select(static number => $"new{number}")];
        foreach (var tenant in all.Select(TenantId.Parse))
        {
            var names = keys.Select(key => NoteKey.Create($"test.example/{tenant}", key.Algorithm, key.PublicKey.ToArray())).ToList();
            var used = await reader.ReadKeysAsync(tenant, default);
            Assert.Equal(names[(names.Count - used.Count)..].Select(static key => key.ToString()), used.Select(static key => key.VerifierKey));
            Assert.Equal(0, used.Count(static key => key.UntilSize is null) - 1);
            Assert.Empty((await LogFsck.CheckAsync(reader, tenant, [RunProof.Keys.NoteVerifier.Parse(used[^1].VerifierKey)], default)).Findings);
        }

        Assert.Equal((2 * recorded) + 3, (await reader.FindAsync(TenantId.Parse("acme"), default))!.Size);
    }

    [Fact]
    public async Task A_service_with_a_copy_of_the_old_key_says_that_it_waits_for_the_new_one()
    {
        await using var service = await StartAsync();
        await RecordAsync("acme", 1);
        var reader = new PostgresLogReader(_verifier);
        await WaitAsync(async () => (await reader.FindAsync(TenantId.Parse("acme"), default))?.Size == 2);
        // The rotation is made where the service does not see it.
        var elsewhere = Path.Combine(_keys, "elsewhere.key");
        File.Copy(KeyFile, elsewhere);
        await new KeyRotation(new PostgresLogStore(_verifier), new LogOptions { Name = "test.example" }, TimeProvider.System).RotateAsync(elsewhere, [], null, default);
        await RecordAsync("acme", 1, from: 1);
        await RecordAsync("late", 1);
        await WaitAsync(async () => (await HealthAsync(service))["data"]!["halted_logs"]!.GetValue<double>() == 2);
        var check = await HealthAsync(service);
        Assert.Equal("Degraded", check["status"]!.GetValue<string>());
        Assert.Contains("2 logs wait for another key", check["description"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Null(await reader.FindAsync(TenantId.Parse("late"), default));
        File.Move(elsewhere, KeyFile, overwrite: true);
        await WaitAsync(async () => (await HealthAsync(service))["status"]!.GetValue<string>() == "Healthy", seconds: 20);
        await WaitAsync(async () => (await reader.FindAsync(TenantId.Parse("late"), default))?.Size == 2);
        Assert.Equal(5, (await reader.FindAsync(TenantId.Parse("acme"), default))!.Size);
    }

    [Fact]
    public async Task One_tenant_s_damaged_log_stops_alone_and_is_told()
    {
        await using var service = await StartAsync();
        var reader = new PostgresLogReader(_verifier);
        await RecordAsync("acme", 1);
        await WaitAsync(async () => (await reader.FindAsync(TenantId.Parse("acme"), default))?.Size == 2);
        await using (var admin = NpgsqlDataSource.Create(_database.AdminConnectionString))
            await StoredEvidence.ExecuteAsync(admin, "ALTER TABLE runproof.logs DISABLE TRIGGER guard_update");
        await using (var admin = NpgsqlDataSource.Create(_database.AdminConnectionString))
            await StoredEvidence.ExecuteAsync(admin, "UPDATE runproof.logs SET edge = sha256('x')");
        await RecordAsync("acme", 1, from: 1);
        await RecordAsync("other", 1);
        await WaitAsync(async () => (await reader.FindAsync(TenantId.Parse("other"), default))?.Size == 2);
        await WaitAsync(async () => (await HealthAsync(service))["data"]!["halted_logs"]!.GetValue<double>() == 1);
        Assert.Equal(2, (await reader.FindAsync(TenantId.Parse("acme"), default))!.Size);
        Assert.Equal("Degraded", (await HealthAsync(service))["status"]!.GetValue<string>());
    }

    /// <summary>The time that witnesses are given is longer than the test: whoever waited for one of them would never be done.</summary>
    [Fact]
    public async Task A_witness_that_never_answers_holds_up_no_tenant_s_commits_and_no_publication_but_by_its_own_policy()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        SigningKeyFile.TryCreate(KeyFile, "test.example");
        var witness = NoteSigner.Create("witness.example/w", NoteAlgorithm.CosignatureV1, new byte[32]);
        var policy = Path.Combine(_keys, "policy.txt");
        await File.WriteAllTextAsync(policy, $"log {SigningKeyFile.Load(KeyFile).Under("test.example/t0")}\nwitness w {witness} http://{silent.LocalEndpoint}/\nquorum w\n");
        await using var service = await StartAsync(("RunProof:Log:WitnessPolicyFile", policy), ("RunProof:Log:WitnessTimeout", "01:00:00"));
        var reader = new PostgresLogReader(_verifier);
        string[] tenants = [.. Enumerable.Range(0, 6).Select(static n => $"t{n}")];
        for (var round = 0; round < 3; round++)
        {
            foreach (var tenant in tenants)
                await RecordAsync(tenant, 2, from: 2 * round);
            foreach (var tenant in tenants)
                await WaitAsync(async () => (await reader.FindAsync(TenantId.Parse(tenant), default))?.Size == 4 * (round + 1));
        }

        foreach (var tenant in tenants)
            Assert.Null((await reader.FindAsync(TenantId.Parse(tenant), default))!.Published);
        Assert.Equal("Healthy", (await HealthAsync(service))["status"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_log_whose_witnesses_refuse_is_served_at_its_older_size_and_health_says_so()
    {
        using var nobody = new TcpListener(IPAddress.Loopback, 0);
        nobody.Start();
        var url = $"http://{nobody.LocalEndpoint}/";
        nobody.Stop();
        SigningKeyFile.TryCreate(KeyFile, "test.example");
        var policy = Path.Combine(_keys, "policy.txt");
        var witness = NoteSigner.Create("witness.example/w", NoteAlgorithm.CosignatureV1, new byte[32]);
        await File.WriteAllTextAsync(policy, $"log {SigningKeyFile.Load(KeyFile).Under("test.example/acme")}\nwitness w {witness} {url}\nquorum w\n");
        await using var service = await StartAsync(("RunProof:Log:WitnessPolicyFile", policy));
        await RecordAsync("acme", 1);
        await WaitAsync(async () => (await HealthAsync(service))["data"]!["withheld_logs"]!.GetValue<double>() == 1);
        var check = await HealthAsync(service);
        Assert.Equal("Degraded", check["status"]!.GetValue<string>());
        Assert.Contains("too few witnesses", check["description"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    private Task<VerifierService> StartAsync(params (string Name, string Value)[] more) => VerifierService.StartAsync(_database.VerifierConnectionString, new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        ["RunProof:Log:Name"] = "test.example",
        ["RunProof:Log:KeyFolder"] = _keys,
        ["RunProof:Log:Interval"] = "00:00:00.02",
    }.Concat(more.Select(static each => KeyValuePair.Create(each.Name, (string?)each.Value))).ToDictionary(StringComparer.Ordinal));

    private static async Task<JsonObject> HealthAsync(VerifierService service) =>
        (await service.GetAsync("/health")).Body["checks"]!.AsArray().Select(check => check!.AsObject()).Single(check => check["name"]!.GetValue<string>() == "log");

    private Task RecordAsync(string tenant, int count, int from = 0) => RecordedTraces.RecordAsync(_database, tenant, count, from);

    private static async Task WaitAsync(Func<Task<bool>> condition, int seconds = 30)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        while (!await condition())
            await Task.Delay(10, limit.Token);
    }
}
