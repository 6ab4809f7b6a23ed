using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Npgsql;
using RunProof.Ledger;
using RunProof.Testing;

namespace RunProof.Postgres.Tests;

public sealed class WiringTests(PostgresFixture postgres)
{
    [Fact]
    public async Task The_stores_are_there_and_the_health_checks_pass_on_a_migrated_database()
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        using var host = Host(("ConnectionStrings:runproofdb", database.RunnerConnectionString));
        foreach (var store in new[] { typeof(IRunStore), typeof(IAgentStore), typeof(IApiKeyStore), typeof(IEvidenceStore), typeof(IRecordingStore) })
            Assert.NotNull(host.Services.GetRequiredService(store));
        var report = await HealthAsync(host);
        Assert.Equal(["PostgreSql", "schema"], report.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.All(report.Entries.Values, entry => Assert.Empty(entry.Tags));
        Assert.Equal(HealthStatus.Healthy, report.Status);
    }

    [Fact]
    public async Task A_database_that_was_not_migrated_is_unready()
    {
        var database = await postgres.CreateDatabaseAsync();
        using var host = Host(("ConnectionStrings:runproofdb", database.AdminConnectionString));
        var report = await HealthAsync(host);
        Assert.Equal((HealthStatus.Healthy, HealthStatus.Unhealthy), (report.Entries["PostgreSql"].Status, report.Entries["schema"].Status));
        Assert.Contains("run the migrator", report.Entries["schema"].Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_unready_and_no_exception()
    {
        using var host = Host(("ConnectionStrings:runproofdb", "Host=127.0.0.1;Port=1;Username=x;Timeout=1"));
        Assert.All((await HealthAsync(host)).Entries.Values, entry =>
        {
            Assert.Equal((HealthStatus.Unhealthy, "the database does not answer; the log says why"), (entry.Status, entry.Description));
            Assert.Contains("127.0.0.1:1", entry.Exception!.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task A_refused_login_is_unready_and_the_description_names_neither_user_nor_database()
    {
        var database = await postgres.CreateDatabaseAsync();
        using var host = Host(("ConnectionStrings:runproofdb", database.AdminConnectionString), ("RunProof:Database:Username", "somebody"), ("RunProof:Database:Password", "x"));
        Assert.All((await HealthAsync(host)).Entries.Values, entry =>
            Assert.Equal((HealthStatus.Unhealthy, "the database refused (SQLSTATE 28P01); the log says more"), (entry.Status, entry.Description)));
    }

    [Fact]
    public void A_missing_connection_string_fails_when_it_is_needed_and_says_where_to_put_it()
    {
        using var host = Host();
        var failure = Assert.Throws<InvalidOperationException>(() => host.Services.GetRequiredService<NpgsqlDataSource>());
        Assert.Equal(
            "there is no connection string: set ConnectionStrings:runproofdb (the environment variable ConnectionStrings__runproofdb), or ConnectionString in the section Aspire:Npgsql or Aspire:Npgsql:runproofdb",
            failure.Message);
        Assert.Equal(failure.Message, host.Services.FindConnectionFault());
    }

    [Theory]
    [InlineData("Host=x", null)]
    [InlineData("Hots=x", "is no connection string")]
    [InlineData("Username=x", "Host")]
    public void A_connection_string_that_cannot_do_is_seen_before_the_first_use(string connection, string? fault)
    {
        using var host = Host(("ConnectionStrings:runproofdb", connection));
        if (fault is null)
            Assert.Null(host.Services.FindConnectionFault());
        else
            Assert.Contains(fault, host.Services.FindConnectionFault(), StringComparison.Ordinal);
    }

    [Fact]
    public void Later_settings_win_and_the_pooler_s_are_forced()
    {
        const string Base = ";Max Auto Prepare=20;Multiplexing=true;No Reset On Close=false";
        Assert.Equal("a", Settings(("Aspire:Npgsql:ConnectionString", "Host=a")).Host);
        Assert.Equal("b", Settings(("Aspire:Npgsql:ConnectionString", "Host=a"), ("Aspire:Npgsql:runproofdb:ConnectionString", "Host=b")).Host);
        var last = Settings(
            ("Aspire:Npgsql:runproofdb:ConnectionString", "Host=b"), ("ConnectionStrings:runproofdb", "Host=c;Username=admin;Password=x" + Base),
            ("RunProof:Database:Username", "runproof_runner_login"), ("RunProof:Database:Password", "pw"));
        Assert.Equal(
            ("c", "runproof_runner_login", "pw", 0, true, false), (last.Host, last.Username, last.Password, last.MaxAutoPrepare, last.NoResetOnClose, last.Multiplexing));
    }

    [Fact]
    public void Health_checks_can_be_left_out_and_are_never_registered_twice()
    {
        using var without = Host(("ConnectionStrings:runproofdb", "Host=x"), ("Aspire:Npgsql:DisableHealthChecks", "true"));
        Assert.Null(without.Services.GetService<HealthCheckService>());
        var builder = Builder(("ConnectionStrings:runproofdb", "Host=x"));
        builder.AddRunProofPostgres("runproofdb").AddRunProofPostgres("runproofdb");
        using var twice = builder.Build();
        var options = twice.Services.GetRequiredService<Microsoft.Extensions.Options.IOptions<HealthCheckServiceOptions>>().Value;
        Assert.Equal(2, options.Registrations.Count);
    }

    private static NpgsqlConnectionStringBuilder Settings(params (string, string)[] settings)
    {
        using var host = Host(settings);
        return new NpgsqlConnectionStringBuilder(PostgresSettings.Read(host.Services.GetRequiredService<Microsoft.Extensions.Configuration.IConfiguration>(), "runproofdb").RequireConnectionString());
    }

    private static Task<HealthReport> HealthAsync(IHost host) => host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();

    private static IHost Host(params (string, string)[] settings)
    {
        var builder = Builder(settings);
        builder.AddRunProofPostgres("runproofdb");
        return builder.Build();
    }

    private static HostApplicationBuilder Builder(params (string Key, string Value)[] settings)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        Microsoft.Extensions.Configuration.MemoryConfigurationBuilderExtensions.AddInMemoryCollection(
            builder.Configuration, settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value)));
        return builder;
    }
}
