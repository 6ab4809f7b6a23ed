using Npgsql;
using RunProof.Skills;
using RunProof.Testing;
using static RunProof.Postgres.Tests.StoreDatabase;

namespace RunProof.Postgres.Tests;

/// <summary>A database beside the platform's, with a role that may read it, and roles that could do more.</summary>
public sealed class QuerySourceDatabase(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly string _suffix = Guid.NewGuid().ToString("N")[..8];

    public TestDatabase Platform { get; private set; } = null!;

    public TestDatabase Source { get; private set; } = null!;

    internal PostgresQuerySources Sources { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Platform = await postgres.CreateMigratedDatabaseAsync();
        Source = await postgres.CreateDatabaseAsync();
        await ExecuteAsync(
            $"""
            CREATE TABLE items (id bigint PRIMARY KEY, name text, price numeric, note jsonb, tags text[], data bytea, made timestamptz, ratio float8, ok boolean, n int);
            INSERT INTO items VALUES (1, 'a "b" é', 12.50, '{Quote}', ARRAY['x','y'], '\x00ff', '2026-02-10T14:00:00+01', 0.1, true, 7), (2, NULL, NULL, NULL, NULL, NULL, NULL, 'NaN', false, NULL);
            CREATE TABLE secrets (word text); INSERT INTO secrets VALUES ('hidden');
            CREATE SEQUENCE counter;
            CREATE FUNCTION sneak() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO items (id) VALUES (99); RETURN 1; END $$;
            """);
        foreach (var role in new[] { "reader", "files" })
            await ExecuteAsync($"CREATE ROLE {role}_{_suffix} LOGIN PASSWORD '{TestDatabase.RolePassword}'; GRANT SELECT ON items TO {role}_{_suffix}; GRANT ALL ON counter TO {role}_{_suffix}");
        await ExecuteAsync($"GRANT pg_read_server_files TO files_{_suffix}");
        Sources = Make(NpgsqlDataSource.Create(Platform.RunnerConnectionString));
    }

    public async ValueTask DisposeAsync()
    {
        await Sources.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        foreach (var role in new[] { "reader", "files" })
            await ExecuteAsync($"DROP OWNED BY {role}_{_suffix}; DROP ROLE {role}_{_suffix}");
    }

    private const string Quote = """{"b": 1, "a": [1.50]}""";

    internal PostgresQuerySources Make(NpgsqlDataSource platform) => new(platform, new Dictionary<string, QuerySource>
    {
        ["shop"] = new() { ConnectionString = As("reader"), Tenants = ["*"] },
        ["hasty"] = new() { ConnectionString = As("reader"), Tenants = ["*"], MaxTime = TimeSpan.FromMilliseconds(200) },
        ["others"] = new() { ConnectionString = As("reader"), Tenants = ["t2"] },
        ["root"] = new() { ConnectionString = Source.AdminConnectionString, Tenants = ["*"] },
        ["files"] = new() { ConnectionString = As("files"), Tenants = ["*"] },
        ["platform"] = new() { ConnectionString = Platform.RunnerConnectionString, Tenants = ["*"] },
        ["gone"] = new() { ConnectionString = "Host=127.0.0.1;Port=1;Username=x;Password=hunter2;Timeout=2", Tenants = ["*"] },
        ["locked"] = new() { ConnectionString = new NpgsqlConnectionStringBuilder(As("reader")) { Password = "wr0ng" }.ConnectionString, Tenants = ["*"] },
    });

    internal async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Source.AdminConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private string As(string role) =>
        new NpgsqlConnectionStringBuilder(Source.AdminConnectionString) { Username = $"{role}_{_suffix}", Password = TestDatabase.RolePassword }.ConnectionString;
}

public sealed class QuerySourceTests(QuerySourceDatabase database) : IClassFixture<QuerySourceDatabase>
{
    [Fact]
    public async Task An_answer_has_the_values_as_JSON_where_JSON_is_exact_and_as_the_server_spells_them_elsewhere()
    {
        var answer = await AskAsync("SELECT * FROM items ORDER BY id");

        Assert.Equal(
            ["id bigint", "name text", "price numeric", "note jsonb", "tags text[]", "data bytea", "made timestamp with time zone", "ratio double precision", "ok boolean", "n integer"],
            answer.Columns.Select(column => $"{column.Name} {column.Type}"));
        Assert.Equal(
            ["\"1\"", "\"a \\\"b\\\" é\"", "\"12.50\"", "{\"a\":[1.5],\"b\":1}", "\"{x,y}\"", "\"AP8=\"", "\"2026-02-10 13:00:00+00\"", "0.1", "true", "7"],
            answer.Rows[0].Select(cell => cell.ToString()));
        Assert.Equal(["\"2\"", "null", "null", "null", "null", "null", "null", "\"NaN\"", "false", "null"], answer.Rows[1].Select(cell => cell.ToString()));
        Assert.False(answer.Truncated);
    }

    [Fact]
    public async Task Parameters_become_what_the_statement_wants()
    {
        var answer = await AskAsync("SELECT id, $2::text AS t, $3::jsonb AS j, $4::int AS n FROM items WHERE id = $1", "1", "'; DROP TABLE items; --", """{"a":1}""", null);

        Assert.Equal(["\"1\"", "\"'; DROP TABLE items; --\"", "{\"a\":1}", "null"], Assert.Single(answer.Rows).Select(cell => cell.ToString()));
        Assert.Equal("sql_22P02", (await FailAsync("SELECT 1 FROM items WHERE id = $1", parameters: ["no number"])).Code);
    }

    [Theory]
    [InlineData("SELECT 1; COMMIT", "sql_42601")]
    [InlineData("SELECT 1; COMMIT; DROP TABLE items", "sql_42601")]
    [InlineData("SELECT 1) TO STDOUT; COMMIT; --", "sql_42601")]
    [InlineData("COMMIT", "sql_42601")]
    [InlineData("INSERT INTO items (id) VALUES (9)", "sql_42601")]
    [InlineData("DELETE FROM items RETURNING 1", "sql_42601")]
    [InlineData("SET TRANSACTION READ WRITE", "sql_42601")]
    [InlineData("SET SESSION AUTHORIZATION DEFAULT", "sql_42601")]
    [InlineData("COPY items TO PROGRAM 'cat'", "sql_42601")]
    [InlineData("DO $$ BEGIN END $$", "sql_42601")]
    [InlineData("WITH x AS (INSERT INTO items (id) VALUES (9) RETURNING id) SELECT * FROM x", "sql_0A000")]
    [InlineData("SELECT * INTO copy FROM items", "sql_42601")]
    [InlineData("SELECT sneak()", "sql_25006")]
    [InlineData("SELECT nextval('counter')", "sql_25006")]
    [InlineData("SELECT set_config('transaction_read_only', 'off', true), sneak()", "sql_25001")]
    [InlineData("SELECT id FROM items FOR UPDATE", "sql_25006")]
    [InlineData("SELECT * FROM secrets", "sql_42501")]
    [InlineData("SELECT pg_read_file('/etc/passwd')", "sql_42501")]
    [InlineData("SELECT * FROM nowhere", "sql_42P01")]
    [InlineData("", "sql_42601")]
    public async Task What_is_no_reading_of_what_the_role_may_read_is_refused_by_the_server(string sql, string code)
    {
        var failure = await FailAsync(sql);

        Assert.True(failure.Code == code, $"{failure.Code}: {failure.Message}");
        Assert.Equal("\"2\"", (await AskAsync("SELECT count(*) FROM items")).Rows[0][0].ToString());
    }

    [Theory]
    [InlineData("platform", "platform's own database")]
    [InlineData("root", "superuser")]
    [InlineData("files", "files")]
    public async Task A_source_that_should_be_none_is_refused_before_it_is_asked(string source, string words)
    {
        var failure = await FailAsync("SELECT 1", source);

        Assert.Equal("source_refused", failure.Code);
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_the_platform_cannot_say_which_it_is_nothing_is_asked()
    {
        await using var nowhere = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Username=x;Timeout=2");
        await using var sources = database.Make(nowhere);

        var thrown = await Assert.ThrowsAsync<SkillException>(() => sources.QueryAsync(T1, Query("SELECT 1", "shop"), default));

        Assert.Equal(("source_refused", true), (thrown.Failure.Code, thrown.Failure.Retryable));
    }

    [Fact]
    public async Task A_source_of_another_tenant_is_none()
    {
        Assert.Equal("unknown_source", (await FailAsync("SELECT 1", "others")).Code);
        Assert.Equal("unknown_source", (await FailAsync("SELECT 1", "no")).Code);
        Assert.Single((await database.Sources.QueryAsync(T2, Query("SELECT 1", "others"), default)).Rows);
    }

    [Fact]
    public async Task Time_is_limited_by_the_question_and_by_the_source()
    {
        Assert.Equal("timeout", (await FailAsync("SELECT pg_sleep(30)", timeoutMs: 200)).Code);
        var failure = await FailAsync("SELECT pg_sleep(30)", "hasty", timeoutMs: 60_000);
        Assert.Equal(("timeout", true), (failure.Code, failure.Retryable));
    }

    [Fact]
    public async Task Rows_are_read_up_to_the_limit()
    {
        Assert.True((await AskAsync("SELECT * FROM generate_series(1, 1000000)", maxRows: 3)) is { Truncated: true, Rows.Count: 3 });
        Assert.True((await AskAsync("SELECT * FROM generate_series(1, 3)", maxRows: 3)) is { Truncated: false, Rows.Count: 3 });
        Assert.Empty((await AskAsync("SELECT 1 AS n WHERE false")).Rows);
    }

    [Fact]
    public async Task Bytes_beyond_the_limit_are_neither_kept_nor_waited_for()
    {
        var before = GC.GetTotalAllocatedBytes(precise: true);

        Assert.Equal("result_too_large", (await FailAsync("SELECT repeat('x', 200000000)", maxBytes: 100_000)).Code);
        Assert.Equal("result_too_large", (await FailAsync("SELECT repeat('x', 30000) FROM generate_series(1, 10)", maxBytes: 100_000)).Code);

        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 100_000_000);
        Assert.Equal(99_999 + 2, (await AskAsync("SELECT repeat('x', 99999)", maxBytes: 100_000)).Rows[0][0].Bytes.Length);
    }

    [Fact]
    public async Task What_a_question_sets_is_gone_for_the_next()
    {
        await AskAsync("SELECT set_config('search_path', 'elsewhere', false), set_config('my.word', 'kept', false), pg_advisory_lock(42)");

        for (var i = 0; i < 10; i++)
            Assert.Equal("\"\"", (await AskAsync("SELECT coalesce(current_setting('my.word', true), '') FROM items WHERE id = 1")).Rows[0][0].ToString());
        Assert.Equal("\"0\"", (await AskAsync("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42")).Rows[0][0].ToString());
    }

    [Theory]
    [InlineData("gone", "connect_failed", "hunter2")]
    [InlineData("locked", "sql_28P01", "wr0ng")]
    public async Task What_cannot_be_reached_is_named_without_its_password(string source, string code, string password)
    {
        var failure = await FailAsync("SELECT 1", source);

        Assert.Equal(code, failure.Code);
        Assert.DoesNotContain(password, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no connection string", "*")]
    [InlineData("Port=5432;Password=hunter2", "*")]
    [InlineData("Host=db;Nonsense=hunter2", "*")]
    [InlineData("Host=db", null)]
    public void A_source_that_cannot_be_meant_is_refused_at_the_start_without_its_password(string connection, string? tenant)
    {
        using var platform = NpgsqlDataSource.Create("Host=x");
        var source = new QuerySource { ConnectionString = connection, Tenants = tenant is null ? [] : [tenant] };

        var thrown = Assert.Throws<ArgumentException>(() => new PostgresQuerySources(platform, new Dictionary<string, QuerySource> { ["shop"] = source }));

        Assert.Contains("\"shop\"", thrown.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", thrown.Message, StringComparison.Ordinal);
    }

    private static SourceQuery Query(string sql, string source, string?[]? parameters = null, int maxRows = 1000, int maxBytes = 1_048_576, int timeoutMs = 20_000) =>
        new(source, sql, parameters ?? [], maxRows, maxBytes, TimeSpan.FromMilliseconds(timeoutMs));

    private Task<QueryAnswer> AskAsync(string sql, params string?[] parameters) => database.Sources.QueryAsync(T1, Query(sql, "shop", parameters), default);

    private Task<QueryAnswer> AskAsync(string sql, int maxRows = 1000, int maxBytes = 1_048_576) => database.Sources.QueryAsync(T1, Query(sql, "shop", null, maxRows, maxBytes), default);

    private async Task<SkillFailure> FailAsync(string sql, string source = "shop", string?[]? parameters = null, int maxBytes = 1_048_576, int timeoutMs = 20_000) =>
        (await Assert.ThrowsAsync<SkillException>(() => database.Sources.QueryAsync(T1, Query(sql, source, parameters, 1000, maxBytes, timeoutMs), default))).Failure;
}
