using System.Text.Json;
using RunProof.Testing;

namespace RunProof.Cli.Tests;

public sealed class DoctorTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Where_nothing_is_set_up_each_thing_missing_has_its_remedy()
    {
        var result = await CliProcess.RunAsync("doctor", "--json");
        Assert.Equal(1, result.ExitCode);
        var checks = Checks(result);
        Assert.Equal("ok", checks["runtime"].Status);
        Assert.Contains("ConnectionStrings__runproofdb", checks["database"].Remedy, StringComparison.Ordinal);
        Assert.Contains("RUNPROOF_RUNNER_URL", checks["runner"].Remedy, StringComparison.Ordinal);
        Assert.Contains("RUNPROOF_VERIFIER_URL", checks["verifier"].Remedy, StringComparison.Ordinal);
        Assert.Equal("skipped", checks["telemetry"].Status);
        Assert.All(checks.Values.Where(check => check.Status == "failed"), check => Assert.NotNull(check.Remedy));
    }

    [Fact]
    public async Task Where_everything_is_as_it_must_be_it_says_ready()
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        scene.Services.On("GET /api/v1/agents", 200, """{"items":[],"next":null}""");
        var result = await CliProcess.RunAsync(["doctor"], scene.Environment);
        Assert.Contains("ready", result.Output, StringComparison.Ordinal);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task A_database_without_schema_a_bad_key_and_a_service_that_is_not_ready_are_told_apart()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var services = await FakeService.StartAsync();
        services.On("GET /health", 503, """{"status":"Unhealthy","checks":[{"name":"PostgreSql","status":"Healthy"},{"name":"schema","status":"Unhealthy","description":"the database is at schema version 3, this program needs 5: run the migrator"}]}""");
        services.Otherwise = _ => FakeService.Problem(401, "unauthorized", "no such key");
        var result = await CliProcess.RunAsync(["doctor", "--json"], new(services.Environment)
        {
            ["ConnectionStrings__runproofdb"] = database.AdminConnectionString, ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1",
        });
        Assert.Equal(1, result.ExitCode);
        var checks = Checks(result);
        Assert.Equal(("ok", "ok", "failed"), (checks["database"].Status, checks["database version"].Status, checks["database schema"].Status));
        Assert.Contains("runproof db migrate", checks["database schema"].Remedy, StringComparison.Ordinal);
        Assert.Contains("schema version 3", checks["runner"].Observed, StringComparison.Ordinal);
        Assert.Equal(("failed", "failed"), (checks["API key at the runner"].Status, checks["API key at the verifier"].Status));
        Assert.Equal("failed", checks["telemetry"].Status);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(2.9, true)]
    [InlineData(-2.9, true)]
    [InlineData(3.1, false)]
    [InlineData(-3600, false)]
    public void Clocks_may_differ_by_three_seconds(double seconds, bool fine)
    {
        var now = new DateTimeOffset(2026, 2, 10, 12, 0, 0, TimeSpan.Zero);
        Assert.Equal(fine, ClockSkew.Diagnose("clock", now.AddSeconds(seconds), now, TimeSpan.Zero).Status == DiagnosisStatus.Ok);
    }

    private static Dictionary<string, (string Status, string Observed, string? Remedy)> Checks(CliResult result) =>
        JsonDocument.Parse(result.Output).RootElement.GetProperty("checks").EnumerateArray().ToDictionary(
            check => check.GetProperty("name").GetString()!,
            check => (check.GetProperty("status").GetString()!, check.GetProperty("observed").GetString()!, check.GetProperty("remedy").GetString()));
}
