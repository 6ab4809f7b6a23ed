using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Npgsql;
using RunProof.Format;
using RunProof.Postgres;
using RunProof.Testing;

namespace RunProof.Cli.Tests;

/// <summary><c>db</c> and <c>keys</c> against a real server.</summary>
public sealed class DatabaseCommandTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_new_database_is_migrated_once_and_says_so()
    {
        var database = await postgres.CreateDatabaseAsync();
        var before = await RunAsync(database.AdminConnectionString, "db", "status");
        Assert.Equal(1, before.ExitCode);
        Assert.Contains("0001_tables.sql", before.Output, StringComparison.Ordinal);
        var first = await RunAsync(database.AdminConnectionString, "db", "migrate", "--json");
        Assert.Equal(0, first.ExitCode);
        var applied = JsonDocument.Parse(first.Output).RootElement;
        Assert.Equal(0, applied.GetProperty("from").GetInt32());
        Assert.Equal(SchemaMigrator.HeadVersion, applied.GetProperty("to").GetInt32());
        Assert.Equal("0001_tables.sql", applied.GetProperty("applied")[0].GetString());
        var second = await RunAsync(database.AdminConnectionString, "db", "migrate");
        Assert.Equal(0, second.ExitCode);
        Assert.Contains("nothing to do", second.Output, StringComparison.Ordinal);
        var after = await RunAsync(database.AdminConnectionString, "db", "status", "--json");
        Assert.Equal(0, after.ExitCode);
        var status = JsonDocument.Parse(after.Output).RootElement;
        Assert.True(status.GetProperty("at_head").GetBoolean());
        Assert.Equal(0, status.GetProperty("pending").GetArrayLength());
        Assert.Equal(applied.GetProperty("applied").GetArrayLength(), status.GetProperty("applied").GetArrayLength());
    }

    [Fact]
    public async Task A_database_that_is_newer_is_not_called_well()
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        await ExecuteAsync(database.AdminConnectionString, "INSERT INTO runproof.schema_migrations (version, name, checksum) VALUES (9999, '9999_later.sql', sha256('x'))");
        var status = await RunAsync(database.AdminConnectionString, "db", "status");
        Assert.Equal(1, status.ExitCode);
        Assert.Contains("newer than this program", status.Output, StringComparison.Ordinal);
        var migrate = await RunAsync(database.AdminConnectionString, "db", "migrate");
        Assert.Equal(1, migrate.ExitCode);
        Assert.Contains("newer than this program", migrate.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_is_printed_once_and_stored_as_its_hash_alone()
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        var created = await RunAsync(database.AdminConnectionString, "keys", "create", "--tenant", "acme", "--name", "ci", "--scope", "auditor", "--json");
        Assert.Equal(0, created.ExitCode);
        var key = JsonDocument.Parse(created.Output).RootElement;
        var secret = key.GetProperty("api_key").GetString()!;
        Assert.Matches("^rpk_[A-Za-z0-9_-]{43}$", secret);
        await using var source = NpgsqlDataSource.Create(database.AdminConnectionString);
        var found = await new PostgresApiKeyStore(source).FindAsync(new Digest(SHA256.HashData(Encoding.ASCII.GetBytes(secret))), TestContext.Current.CancellationToken);
        Assert.Equal(("acme", "ci", "auditor", key.GetProperty("id").GetString()), (found!.TenantId.Value, found.Name, found.Scope, found.Id));
        var listed = await RunAsync(database.AdminConnectionString, "keys", "list", "--tenant", "acme", "--json");
        Assert.Equal(1, JsonDocument.Parse(listed.Output).RootElement.GetProperty("items").GetArrayLength());
        Assert.DoesNotContain(secret, listed.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("rpk_", listed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_is_revoked_once()
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        var created = await RunAsync(database.AdminConnectionString, "keys", "create", "--tenant", "acme", "--name", "ci", "--json");
        var id = JsonDocument.Parse(created.Output).RootElement.GetProperty("id").GetString()!;
        Assert.Equal("runner", JsonDocument.Parse(created.Output).RootElement.GetProperty("scope").GetString());
        Assert.Equal(0, (await RunAsync(database.AdminConnectionString, "keys", "revoke", id)).ExitCode);
        var again = await RunAsync(database.AdminConnectionString, "keys", "revoke", id);
        Assert.Equal(4, again.ExitCode);
        Assert.Contains(id, again.Error, StringComparison.Ordinal);
        var listed = await RunAsync(database.AdminConnectionString, "keys", "list", "--json");
        Assert.NotNull(JsonDocument.Parse(listed.Output).RootElement.GetProperty("items")[0].GetProperty("revoked_at").GetString());
    }

    [Fact]
    public async Task The_secret_is_not_taken_for_an_id()
    {
        var result = await RunAsync("Host=nowhere.invalid", "keys", "revoke", FakeService.Key);
        Assert.Equal(2, result.ExitCode);
        Assert.DoesNotContain(FakeService.Key, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_that_may_not_make_keys_is_told_who_may()
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        var result = await RunAsync(database.AuditorConnectionString, "keys", "create", "--tenant", "acme", "--name", "ci");
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("owner or an administrator", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Theory]
    [InlineData("--tenant", "a b", "--name", "n")]
    [InlineData("--tenant", "a", "--name", "")]
    [InlineData("--tenant", "a", "--name", "n", "--scope", "root")]
    public async Task A_key_that_could_not_be_is_refused(params string[] args)
    {
        var result = await RunAsync("Host=nowhere.invalid", ["keys", "create", .. args]);
        Assert.Equal(2, result.ExitCode);
    }

    [Fact]
    public async Task Keys_of_a_database_without_schema_are_an_error_with_a_remedy()
    {
        var database = await postgres.CreateDatabaseAsync();
        var result = await RunAsync(database.AdminConnectionString, "keys", "list");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("runproof db migrate", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_ends_with_3_and_is_not_shown()
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        var result = await RunAsync(database.As("runproof_auditor_login", "not-the-password"), "db", "status");
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("runproof_auditor_login", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("not-the-password", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task User_and_password_can_come_from_variables_of_their_own()
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        var result = await CliProcess.RunAsync(["db", "status"], new()
        {
            ["ConnectionStrings__runproofdb"] = database.As("nobody-at-all", "x"),
            ["RunProof__Database__Username"] = "runproof_auditor_login",
            ["RunProof__Database__Password"] = TestDatabase.RolePassword,
        });
        Assert.Equal(0, result.ExitCode);
    }

    [Theory]
    [InlineData("Host=127.0.0.1;Port=1;Username=u;Password=hush;Timeout=3", 1, "cannot reach PostgreSQL at u@127.0.0.1:1/")]
    [InlineData("Hostess=x;Password=hush", 2, "not an Npgsql connection string")]
    [InlineData("postgres://u:hush@localhost/db", 2, "not an Npgsql connection string")]
    public async Task A_database_that_is_not_there_is_told_with_a_remedy_and_without_the_password(string connection, int code, string complaint)
    {
        var result = await RunAsync(connection, "db", "status");
        Assert.Equal(code, result.ExitCode);
        Assert.Contains(complaint, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_connection_string_the_ways_to_give_one_are_told()
    {
        var result = await CliProcess.RunAsync("keys", "list");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("ConnectionStrings__runproofdb", result.Error, StringComparison.Ordinal);
    }

    private static Task<CliResult> RunAsync(string connection, params string[] args) =>
        CliProcess.RunAsync(args, new() { ["ConnectionStrings__runproofdb"] = connection });

    internal static async Task ExecuteAsync(string connection, string sql)
    {
        await using var source = NpgsqlDataSource.Create(connection);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
