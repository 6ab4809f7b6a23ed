using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RunProof.Format;
using RunProof.Migrator;
using RunProof.Testing;

namespace RunProof.Postgres.Tests;

public sealed class MigratorHostTests(PostgresFixture postgres)
{
    private const string Key = "rpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    [Fact]
    public async Task It_migrates_makes_the_development_tenant_and_exits_0_any_number_of_times()
    {
        var database = await postgres.CreateDatabaseAsync();
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal((0, ""), await RunAsync(
                ("ConnectionStrings:runproofdb", database.AdminConnectionString), ("RunProof:Development:ApiKey", Key),
                ("RunProof:Roles:Runner:Password", TestDatabase.RolePassword)));
        }

        await using var runner = NpgsqlDataSource.Create(database.RunnerConnectionString);
        var key = await new PostgresApiKeyStore(runner).FindAsync(Digest.Of(Encoding.ASCII.GetBytes(Key)), default);
        Assert.Equal((DevelopmentTenant.TenantId, "runner"), (key!.TenantId, key.Scope));
        Assert.NotNull(await new PostgresAgentStore(runner).FindAsync(DevelopmentTenant.TenantId, DevelopmentTenant.AgentId, default));
    }

    [Fact]
    public async Task Another_development_key_replaces_the_former()
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        foreach (var key in new[] { Key, Key.Replace('A', 'B') })
            Assert.Equal((0, ""), await RunAsync(("ConnectionStrings:runproofdb", database.AdminConnectionString), ("RunProof:Development:ApiKey", key)));
        await using var admin = NpgsqlDataSource.Create(database.AdminConnectionString);
        var keys = new PostgresApiKeyStore(admin);
        Assert.Null(await keys.FindAsync(Digest.Of(Encoding.ASCII.GetBytes(Key)), default));
        Assert.NotNull(await keys.FindAsync(Digest.Of(Encoding.ASCII.GetBytes(Key.Replace('A', 'B'))), default));
        Assert.Single(await keys.ListAsync(null, default));
    }

    [Fact]
    public async Task Without_a_development_key_no_tenant_is_made()
    {
        var database = await postgres.CreateDatabaseAsync();
        Assert.Equal((0, ""), await RunAsync(("ConnectionStrings:runproofdb", database.AdminConnectionString)));
        await using var admin = NpgsqlDataSource.Create(database.AdminConnectionString);
        await using var command = admin.CreateCommand("SELECT count(*) FROM runproof.tenants");
        Assert.Equal(0L, await command.ExecuteScalarAsync());
    }

    [Fact]
    public async Task User_and_password_given_apart_replace_the_ones_in_the_connection_string()
    {
        var database = await postgres.CreateDatabaseAsync();
        var right = new NpgsqlConnectionStringBuilder(database.AdminConnectionString);
        var wrong = new NpgsqlConnectionStringBuilder(database.AdminConnectionString) { Username = "nobody", Password = "wrong" };
        var (user, password) = (right.Username!, right.Password ?? "");
        Assert.Equal(0, (await RunAsync(
            ("ConnectionStrings:runproofdb", wrong.ConnectionString), ("RunProof:Database:Username", user), ("RunProof:Database:Password", password))).Code);
    }

    [Theory]
    [InlineData("", "migrator: set ConnectionStrings__runproofdb")]
    [InlineData("ConnectionStrings:runproofdb=Nonsense=1", "migrator: ConnectionStrings__runproofdb is no connection string")]
    [InlineData("ConnectionStrings:runproofdb=Host=x|RunProof:Migrator:WaitSeconds=soon", "migrator: RunProof__Migrator__WaitSeconds must be a whole number")]
    public async Task What_it_was_not_told_rightly_is_one_line_and_exit_2(string settings, string line)
    {
        var values = settings.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(s => (s[..s.IndexOf('=')], s[(s.IndexOf('=') + 1)..]));
        var (code, errors) = await RunAsync([.. values]);
        Assert.Equal(2, code);
        Assert.StartsWith(line, errors, StringComparison.Ordinal);
        Assert.Single(errors.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task A_development_key_of_another_form_is_refused()
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        Assert.Equal(
            (2, "migrator: the development API key must be rpk_ and 43 base64url characters\n"),
            await RunAsync(("ConnectionStrings:runproofdb", database.AdminConnectionString), ("RunProof:Development:ApiKey", "secret")));
    }

    [Fact]
    public async Task A_wrong_password_is_one_line_and_exit_1_at_once()
    {
        var database = await postgres.CreateDatabaseAsync();
        var (code, errors) = await RunAsync(("ConnectionStrings:runproofdb", database.As("postgres_nobody", "wrong")));
        Assert.Equal(1, code);
        Assert.StartsWith("migrator: 28", errors, StringComparison.Ordinal);
        Assert.Single(errors.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task A_server_that_does_not_come_up_is_waited_for_as_long_as_told()
    {
        var clock = new ManualTimeProvider();
        var errors = new StringWriter { NewLine = "\n" };
        var running = Migration.RunAsync(
            Configuration(("ConnectionStrings:runproofdb", "Host=127.0.0.1;Port=1;Username=x;Timeout=1"), ("RunProof:Migrator:WaitSeconds", "2")),
            NullLogger.Instance, clock, errors, default);
        // Pauses of 250, 500 and 1000 ms fit into two seconds, the next one does not.
        foreach (var pause in new[] { 250, 500, 1000 })
        {
            await clock.WaitForTimersAsync();
            Assert.False(running.IsCompleted);
            clock.Advance(TimeSpan.FromMilliseconds(pause));
        }

        Assert.Equal(1, await running);
        Assert.StartsWith("migrator: Failed to connect", errors.ToString(), StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Errors)> RunAsync(params (string Key, string Value)[] settings)
    {
        var errors = new StringWriter { NewLine = "\n" };
        var code = await Migration.RunAsync(Configuration(settings), NullLogger.Instance, TimeProvider.System, errors, default);
        return (code, errors.ToString());
    }

    private static IConfiguration Configuration(params (string Key, string Value)[] settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value))).Build();
}
