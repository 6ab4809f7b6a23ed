using System.Net;
using Npgsql;
using RunProof.Testing;

namespace RunProof.EndToEnd.Tests;

/// <summary>The skills that reach files, keys, databases and receivers, in one run of the real processes, configured as an operator would.</summary>
public sealed class BuiltinSkillRuns(PostgresFixture postgres)
{
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_run_of_skills_that_reach_outside_ends_verified_and_without_a_secret()
    {
        var files = Directory.CreateTempSubdirectory("runproof-e2e-").FullName;
        var (role, source) = await SourceAsync();
        using var receiver = new HttpListener();
        var hook = LocalPort.FreeUrl() + "/s3cr3t-path/";
        receiver.Prefixes.Add(hook);
        receiver.Start();
        var received = ReceiveAsync(receiver);
        try
        {
            var database = await postgres.CreateDatabaseAsync();
            await using var system = await RunningSystem.StartAsync(
                database.AdminConnectionString, database.AdminConnectionString, Cancel,
                ("RunProof__Files__Root", files),
                ("RunProof__Sql__shop__ConnectionString", source), ("RunProof__Sql__shop__Tenants__0", "dev"),
                ("RunProof__Shell__count__Path", "/usr/bin/wc"), ("RunProof__Shell__count__Arguments__0", "-c"), ("RunProof__Shell__count__Tenants__0", "*"),
                ("RunProof__Webhooks__orders__Url", hook), ("RunProof__Webhooks__orders__Secrets__0", Secret), ("RunProof__Webhooks__orders__Tenants__0", "*"));

            var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "reach outside", origin_system_id = "e2e", plan = Plan(), wait = 60 }, Cancel);

            var id = run.GetProperty("run_id").GetString()!;
            Assert.True(run.GetProperty("status").GetString() == "succeeded", run.ToString());
            Assert.Equal("VERIFIED", (await system.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
            Assert.Equal("""{"price":"12.50"}""", await File.ReadAllTextAsync(Path.Combine(files, "dev", "out", "price.json"), Cancel));
            var (signature, body) = await received.WaitAsync(Cancel);
            Assert.StartsWith("v1,", signature, StringComparison.Ordinal);
            Assert.StartsWith("""{"data":{"counted":"17 out/price.json\n","found":true,"price":"12.50","version":"1"},""", body, StringComparison.Ordinal);

            var everything = await system.QueryAsync(
                "SELECT r::text FROM runs r UNION ALL SELECT t::text FROM aos_traces t UNION ALL SELECT s::text FROM aos_trace_steps s", Cancel);
            Assert.Equal(1 + 1 + Plan().Length, everything.Count);
            foreach (var secret in new[] { "s3cr3t-path", "MfKQ9r8", "Password=" })
                Assert.All(everything, row => Assert.DoesNotContain(secret, (string)row[0]!, StringComparison.OrdinalIgnoreCase));
        }
        finally
        {
            Directory.Delete(files, recursive: true);
            await ExecuteAsync(await postgres.GetAdminConnectionStringAsync(), $"DROP OWNED BY {role}", source);
        }
    }

    private static object[] Plan() =>
    [
        new { id = "ask", skill = "sql_query", @params = new { source = "shop", sql = "SELECT price FROM items WHERE name = $1", parameters = new[] { "tea" } } },
        new { id = "write", skill = "file_write", @params = new { path = "out/price.json", json = "{{steps.ask.rows[0]}}", make_folders = true } },
        new { id = "read", skill = "file_read", @params = new { path = "out/price.json", @as = "json" } },
        new { id = "list", skill = "file_list", @params = new { path = "out" } },
        new { id = "count", skill = "shell", @params = new { executable = "count", arguments = new[] { "out/price.json" } } },
        new { id = "keep", skill = "kv_set", @params = new { key = "price:{{steps.list.entries[0].name}}", value = "{{steps.read.json}}", expected_version = 0 } },
        new { id = "look", skill = "kv_get", @params = new { key = "price:price.json" } },
        new
        {
            id = "tell", skill = "webhook_send",
            @params = new { endpoint = "orders", type = "price.known", data = new { found = "{{steps.look.found}}", counted = "{{steps.count.output}}", price = "{{steps.look.value.price}}", version = "{{steps.look.version}}" } },
        },
    ];

    private async Task<(string Role, string ConnectionString)> SourceAsync()
    {
        var database = await postgres.CreateDatabaseAsync();
        var role = $"shop_reader_{Guid.NewGuid():N}"[..24];
        await ExecuteAsync(
            database.AdminConnectionString,
            $"CREATE TABLE items (name text, price numeric); INSERT INTO items VALUES ('tea', 12.50); CREATE ROLE {role} LOGIN PASSWORD '{TestDatabase.RolePassword}'; GRANT SELECT ON items TO {role}");
        return (role, new NpgsqlConnectionStringBuilder(database.AdminConnectionString) { Username = role, Password = TestDatabase.RolePassword }.ConnectionString);
    }

    private static async Task<(string Signature, string Body)> ReceiveAsync(HttpListener receiver)
    {
        var context = await receiver.GetContextAsync();
        using var reader = new StreamReader(context.Request.InputStream);
        var body = await reader.ReadToEndAsync();
        context.Response.StatusCode = 204;
        context.Response.Close();
        return (context.Request.Headers["webhook-signature"]!, body);
    }

    private static async Task ExecuteAsync(string admin, string sql, string? inDatabaseOf = null)
    {
        var settings = new NpgsqlConnectionStringBuilder(admin) { Pooling = false };
        if (inDatabaseOf is not null)
            settings.Database = new NpgsqlConnectionStringBuilder(inDatabaseOf).Database;
        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
