using System.Text.Json.Nodes;
using Npgsql;
using RunProof.Format;
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

    private Task<VerifierService> StartAsync() => VerifierService.StartAsync(_database.VerifierConnectionString, new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        ["RunProof:Log:Name"] = "test.example",
        ["RunProof:Log:KeyFolder"] = _keys,
        ["RunProof:Log:Interval"] = "00:00:00.02",
    });

    private static async Task<JsonObject> HealthAsync(VerifierService service) =>
        (await service.GetAsync("/health")).Body["checks"]!.AsArray().Select(check => check!.AsObject()).Single(check => check["name"]!.GetValue<string>() == "log");

    private Task RecordAsync(string tenant, int count, int from = 0) => RecordedTraces.RecordAsync(_database, tenant, count, from);

    private static async Task WaitAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await condition())
            await Task.Delay(10, limit.Token);
    }
}
