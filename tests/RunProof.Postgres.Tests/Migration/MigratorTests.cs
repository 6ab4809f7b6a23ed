using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RunProof.Testing;

namespace RunProof.Postgres.Tests;

public sealed class MigratorTests(PostgresFixture postgres)
{
    private static readonly SchemaFile First = SchemaFile.Of("0001_first.sql", "CREATE TABLE runproof.first (x integer)");
    private static readonly SchemaFile Second = SchemaFile.Of("0002_second.sql", "CREATE TABLE runproof.second (x integer)");

    // Roles are the server's: other tests log in with these passwords at the same time.
    private static readonly RolePasswords SamePasswords = new(TestDatabase.RolePassword, TestDatabase.RolePassword, TestDatabase.RolePassword);

    [Fact]
    public async Task A_new_database_gets_every_file_and_the_second_time_none()
    {
        var database = await postgres.CreateDatabaseAsync();
        var first = await SchemaMigrator.MigrateAsync(database.AdminConnectionString, RolePasswords.None, NullLogger.Instance, default);
        Assert.Equal((0, SchemaMigrator.HeadVersion), (first.From, first.To));
        Assert.Equal(SchemaFile.All.Select(file => file.Name), first.Applied);
        var second = await SchemaMigrator.MigrateAsync(database.AdminConnectionString, RolePasswords.None, NullLogger.Instance, default);
        Assert.Equal((SchemaMigrator.HeadVersion, SchemaMigrator.HeadVersion), (second.From, second.To));
        Assert.Empty(second.Applied);
    }

    [Fact]
    public void The_files_are_numbered_without_a_gap() =>
        Assert.Equal(Enumerable.Range(1, SchemaFile.All.Count), SchemaFile.All.Select(file => file.Version));

    [Fact]
    public async Task Migrators_that_run_at_once_apply_each_file_once()
    {
        var database = await postgres.CreateDatabaseAsync();
        var results = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ =>
            SchemaMigrator.MigrateAsync(database.AdminConnectionString, SamePasswords, NullLogger.Instance, default)));
        Assert.Equal(SchemaFile.All.Select(file => file.Name).Order(), results.SelectMany(result => result.Applied).Order());
        Assert.All(results, result => Assert.Equal(SchemaMigrator.HeadVersion, result.To));
    }

    [Fact]
    public async Task Migrators_of_different_databases_share_the_roles_without_falling_over_each_other()
    {
        var databases = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => postgres.CreateDatabaseAsync()));
        var results = await Task.WhenAll(databases.Select(database =>
            SchemaMigrator.MigrateAsync(database.AdminConnectionString, SamePasswords, NullLogger.Instance, default)));
        Assert.All(results, result => Assert.Equal(SchemaMigrator.HeadVersion, result.To));
    }

    [Fact]
    public async Task What_is_missing_is_applied_on_top_of_what_is_there()
    {
        var database = await postgres.CreateDatabaseAsync();
        await ApplyAsync(database, First);
        var result = await ApplyAsync(database, First, Second);
        Assert.Equal((1, 2), (result.From, result.To));
        Assert.Equal(["0002_second.sql"], result.Applied);
    }

    [Fact]
    public async Task A_file_that_changed_after_it_was_applied_is_named()
    {
        var database = await postgres.CreateDatabaseAsync();
        await ApplyAsync(database, First);
        var refused = await Assert.ThrowsAsync<SchemaException>(() => ApplyAsync(database, SchemaFile.Of("0001_first.sql", "SELECT 1"), Second));
        Assert.StartsWith("0001_first.sql has changed since it was applied", refused.Message, StringComparison.Ordinal);
        Assert.False(await ExistsAsync(database, "runproof.second"));
    }

    [Fact]
    public async Task A_newer_database_is_refused()
    {
        var database = await postgres.CreateDatabaseAsync();
        await ApplyAsync(database, First, Second);
        var refused = await Assert.ThrowsAsync<SchemaException>(() => ApplyAsync(database, First));
        Assert.Equal("the database is at schema version 2, newer than this program's 1: use a newer program", refused.Message);
    }

    [Fact]
    public async Task A_file_that_others_overtook_is_named()
    {
        var database = await postgres.CreateDatabaseAsync();
        await ApplyAsync(database, First, SchemaFile.Of("0003_third.sql", "SELECT 1"));
        var refused = await Assert.ThrowsAsync<SchemaException>(() => ApplyAsync(database, First, Second, SchemaFile.Of("0003_third.sql", "SELECT 1")));
        Assert.StartsWith("0003_third.sql was applied to this database and is unknown", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("14.12", "the server is PostgreSQL 14.12; 15 or newer is needed")]
    [InlineData("9.6.24", "the server is PostgreSQL 9.6.24; 15 or newer is needed")]
    public void An_old_server_is_refused(string server, string words) =>
        Assert.Equal(words, Assert.Throws<SchemaException>(() => SchemaMigrator.RefuseOldServer(Version.Parse(server))).Message);

    [Fact]
    public void The_oldest_server_that_will_do_is_not_refused() => SchemaMigrator.RefuseOldServer(new Version(15, 0));

    [Fact]
    public async Task Nobody_can_make_things_in_a_migrated_database_where_everybody_could_before()
    {
        var database = await postgres.CreateDatabaseAsync();
        await ExecuteAsync(database, "GRANT CREATE ON SCHEMA public TO PUBLIC");
        await SchemaMigrator.MigrateAsync(database.AdminConnectionString, RolePasswords.None, NullLogger.Instance, default);
        Assert.Equal(false, await ScalarAsync(database, "SELECT has_schema_privilege('runproof_runner', 'public', 'CREATE')"));
        Assert.Equal(true, await ScalarAsync(database, "SELECT has_schema_privilege('runproof_owner', 'public', 'CREATE')"));
    }

    [Fact]
    public async Task A_file_that_fails_leaves_nothing_of_itself_and_the_next_migrator_goes_on()
    {
        var database = await postgres.CreateDatabaseAsync();
        var broken = SchemaFile.Of("0002_second.sql", "CREATE TABLE runproof.second (x integer); SELECT 1/0");
        var failed = await Assert.ThrowsAsync<SchemaException>(() => ApplyAsync(database, First, broken));
        Assert.StartsWith("0002_second.sql failed: 22012 ", failed.Message, StringComparison.Ordinal);
        Assert.False(await ExistsAsync(database, "runproof.second"));
        Assert.Equal(["0002_second.sql"], (await ApplyAsync(database, First, Second)).Applied);
    }

    [Fact]
    public async Task An_administrator_who_is_no_superuser_can_migrate()
    {
        var database = await postgres.CreateDatabaseAsync();
        await ExecuteAsync(database, $"CREATE ROLE plain_{database.Name} LOGIN CREATEROLE PASSWORD 'pw'; ALTER DATABASE {database.Name} OWNER TO plain_{database.Name}");
        if (new Version((await ScalarAsync(database, "SHOW server_version"))!.ToString()!.Split(' ')[0]).Major >= 16)
        {
            // From version 16 on, CREATEROLE only reaches roles that the administrator may administer; here another database's migrator made them.
            await ExecuteAsync(database, $"GRANT runproof_owner, runproof_runner, runproof_verifier, runproof_auditor TO plain_{database.Name} WITH ADMIN OPTION");
        }

        var result = await SchemaMigrator.MigrateAsync(database.As($"plain_{database.Name}", "pw"), RolePasswords.None, NullLogger.Instance, default);
        Assert.Equal(SchemaMigrator.HeadVersion, result.To);
        Assert.Equal("runproof_owner", await ScalarAsync(database, "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'aos_traces'::regclass"));
    }

    [Fact]
    public async Task The_logins_that_have_a_password_work_with_it_and_with_no_other()
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        foreach (var service in new[] { "runner", "verifier", "auditor" })
        {
            await using var right = NpgsqlDataSource.Create(database.As($"runproof_{service}_login", TestDatabase.RolePassword));
            await using var command = right.CreateCommand("SELECT current_user::text");
            Assert.Equal($"runproof_{service}_login", await command.ExecuteScalarAsync());
            await using var wrong = NpgsqlDataSource.Create(database.As($"runproof_{service}_login", "wrong"));
            Assert.Equal("28P01", (await Assert.ThrowsAsync<PostgresException>(async () => await wrong.OpenConnectionAsync())).SqlState);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("pässword")]
    [InlineData("tab\t")]
    public async Task A_password_that_clients_might_read_differently_is_misuse(string password)
    {
        var database = await postgres.CreateDatabaseAsync();
        await Assert.ThrowsAsync<ArgumentException>(() =>
            SchemaMigrator.MigrateAsync(database.AdminConnectionString, new RolePasswords(Runner: password), NullLogger.Instance, default));
    }

    [Fact]
    public void A_verifier_is_the_one_that_rfc_7677_leads_to()
    {
        // RFC 7677 section 3: user "user", password "pencil", its salt and 4096 rounds. StoredKey and ServerKey recomputed from its proofs with Python's hashlib.
        Assert.Equal(
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
            ScramVerifier.Of("pencil", Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ==")));
    }

    [Fact]
    public void A_record_of_passwords_does_not_print_them() =>
        Assert.DoesNotContain("secret", new RolePasswords("secret-1", "secret-2", "secret-3").ToString(), StringComparison.Ordinal);

    [Fact]
    public async Task The_schema_s_version_is_read_and_compared()
    {
        var empty = await postgres.CreateDatabaseAsync();
        await using var none = NpgsqlDataSource.Create(empty.AdminConnectionString);
        var version = await SchemaVersion.ReadAsync(none, default);
        Assert.Equal((0, SchemaMigrator.HeadVersion, false), (version.Version, version.Head, version.IsHead));
        Assert.Contains("run the migrator", version.ToString(), StringComparison.Ordinal);

        var migrated = await postgres.CreateMigratedDatabaseAsync();
        await using var runner = NpgsqlDataSource.Create(migrated.RunnerConnectionString);
        Assert.True((await SchemaVersion.ReadAsync(runner, default)).IsHead);

        await ExecuteAsync(migrated, "INSERT INTO runproof.schema_migrations (version, name, checksum) VALUES (9999, '9999_later.sql', sha256(''))");
        var newer = await SchemaVersion.ReadAsync(runner, default);
        Assert.Equal((9999, false), (newer.Version, newer.IsHead));
        Assert.Contains("newer than this program's", newer.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_recorded_before_there_were_logs_is_queued_by_their_migration()
    {
        var database = await postgres.CreateDatabaseAsync();
        await ApplyAsync(database, [.. SchemaFile.All.Where(file => file.Version < 8)]);
        await using var source = NpgsqlDataSource.Create(database.AdminConnectionString);
        await using (var before = source.CreateCommand(
            $"""
            {Seed.InsertTrace("t1", "open", "r")};
            {Seed.InsertTrace("t2", "sealed", "r")};
            {Seed.InsertTrace("t1", "archived", "r")};
            UPDATE aos_traces SET {Seed.Close(0)} WHERE trace_id <> 'open';
            SELECT runproof.archive_trace('t1', 'archived')
            """))
            await before.ExecuteNonQueryAsync();
        await ApplyAsync(database, [.. SchemaFile.All]);
        await using var queue = source.CreateCommand("SELECT string_agg(tenant_id || trace_id || kind, ' ' ORDER BY queued_at, tenant_id, trace_id) FROM runproof.log_queue");
        Assert.Equal("t1archivedopened t1openopened t2sealedopened t1archivedsealed t2sealedsealed", await queue.ExecuteScalarAsync());
    }

    private static Task<MigrationResult> ApplyAsync(TestDatabase database, params SchemaFile[] files) =>
        SchemaMigrator.MigrateCoreAsync(database.AdminConnectionString, RolePasswords.None, files, NullLogger.Instance, default);

    private static async Task<bool> ExistsAsync(TestDatabase database, string table) =>
        await ScalarAsync(database, $"SELECT to_regclass('{table}')::text") is string;

    private static async Task ExecuteAsync(TestDatabase database, string sql) => await ScalarAsync(database, sql);

    private static async Task<object?> ScalarAsync(TestDatabase database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database.AdminConnectionString);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }
}
