namespace RunProof.Postgres.Tests;

/// <summary>What may happen to the rows of a log: they are added, in order, and nothing leaves the queue but for the log or for quarantine.</summary>
public sealed class LogStatements(SeededDatabase database) : IClassFixture<SeededDatabase>
{
    private const string Denied = "42501";

    /// <param name="Sql">The statement.</param>
    /// <param name="State">What refuses it, whoever tries.</param>
    /// <param name="Verifier">What refuses it for the role that keeps logs; it lacks the right where that is <see cref="Denied"/>.</param>
    private sealed record Attempt(string Sql, string State, string Verifier);

    private static readonly Dictionary<string, Attempt> Refused = new(StringComparer.Ordinal)
    {
        ["an entry is changed"] = new("UPDATE runproof.log_entries SET entry = '{\"x\":1}' WHERE position = 0", "S6000", Denied),
        ["an entry changes its place"] = new("UPDATE runproof.log_entries SET position = 7 WHERE position = 1", "S6000", Denied),
        ["an entry is deleted"] = new("DELETE FROM runproof.log_entries WHERE position = 1", "S6001", Denied),
        ["entries are truncated"] = new("TRUNCATE runproof.log_entries", "S6002", Denied),
        ["an entry is added beyond the log's size"] = new(Seed.InsertEntry("t1", 2, "opened", "open"), "S6004", "S6004"),
        ["an entry is added with a gap before it"] = new($"{Grow(4, 1)}; {Seed.InsertEntry("t1", 3, "opened", "open")}", "S6004", "S6004"),
        ["an entry of a log that is not there"] = new(Seed.InsertEntry("t1", 0, "opened", "open").Replace("'t1'", "'t3'", StringComparison.Ordinal), "S6004", Denied),
        ["an entry takes the place of another"] = new(Seed.InsertEntry("t1", 1, "opened", "open"), "23505", "23505"),
        ["a trace is entered twice"] = new($"{Grow(3, 2)}; {Seed.InsertEntry("t1", 2, "opened", "sealed")}", "23505", "23505"),
        ["a rotation of a trace"] = new($"{Grow(3, 2)}; {Seed.InsertEntry("t1", 2, "rotated", "open")}", "23514", "23514"),
        ["what awaits inclusion is forgotten"] = new("DELETE FROM runproof.log_queue WHERE trace_id = 'open'", "S6001", "S6001"),
        ["one of two kinds is forgotten"] = new("DELETE FROM runproof.log_queue WHERE trace_id = 'erased' AND kind = 'sealed'", "S6001", "S6001"),
        ["the queue is truncated"] = new("TRUNCATE runproof.log_queue", "S6002", Denied),
        ["a queued row becomes another"] = new("UPDATE runproof.log_queue SET trace_id = 'other' WHERE trace_id = 'open'", "S6000", Denied),
        ["a log shrinks"] = new($"UPDATE runproof.logs SET size = 1, checkpoint = 'x' WHERE tenant_id = 't1'", "S6000", "S6000"),
        ["a size gets a second checkpoint"] = new("UPDATE runproof.logs SET checkpoint = 'x' WHERE tenant_id = 't1'", "S6000", "S6000"),
        ["a size gets another edge"] = new($"UPDATE runproof.logs SET edge = {Seed.Digest(0x77)} WHERE tenant_id = 't1'", "S6000", "S6000"),
        ["an edge does not fit its size"] = new(Grow(3, 1), "23514", "23514"),
        ["a log is renamed"] = new("UPDATE runproof.logs SET origin = 'x' WHERE tenant_id = 't1'", "S6000", Denied),
        ["a log is deleted"] = new("DELETE FROM runproof.logs WHERE tenant_id = 't1'", "S6001", Denied),
        ["a log begins grown without a checkpoint"] = new(
            $"INSERT INTO runproof.logs (tenant_id, origin, size, edge, updated_at) VALUES ('t1', 'o', 1, {Seed.Digest(1)}, now())", "23514", "23514"),
        ["a log of another tenant"] = new("INSERT INTO runproof.logs (tenant_id, origin, size, edge, updated_at) VALUES ('t2', 'o', 0, '', now())", "23505", Denied),
        ["a tile is rewritten"] = new($"UPDATE runproof.log_tiles SET bytes = {Seed.Digest(0x66)} || {Seed.Digest(0x52)} || {Seed.Digest(0x53)} WHERE tenant_id = 't1' AND level = 0", "S6000", "S6000"),
        ["a tile is cut"] = new($"UPDATE runproof.log_tiles SET bytes = {Seed.Digest(0x51)} WHERE tenant_id = 't1' AND level = 0", "S6000", "S6000"),
        ["a tile is written as it is"] = new("UPDATE runproof.log_tiles SET bytes = bytes WHERE tenant_id = 't1' AND level = 0", "S6000", "S6000"),
        ["a full tile grows"] = new($"UPDATE runproof.log_tiles SET bytes = bytes || {Seed.Digest(1)} WHERE tenant_id = 't1' AND level = 1", "23514", "23514"),
        ["a tile gets half a hash"] = new("UPDATE runproof.log_tiles SET bytes = bytes || 'x'::bytea WHERE tenant_id = 't1' AND level = 0", "23514", "23514"),
        ["a tile is deleted"] = new("DELETE FROM runproof.log_tiles WHERE tenant_id = 't1'", "S6001", Denied),
        ["tiles are truncated"] = new("TRUNCATE runproof.log_tiles", "S6002", Denied),
        ["a retired key comes back"] = new("UPDATE runproof.log_keys SET until_size = NULL WHERE tenant_id = 't1' AND vkey = 'old'", "S6000", "S6000"),
        ["a retired key signs on"] = new("UPDATE runproof.log_keys SET until_size = 9 WHERE tenant_id = 't1' AND vkey = 'old'", "S6000", "S6000"),
        ["a key becomes another"] = new("UPDATE runproof.log_keys SET vkey = 'x', until_size = 9 WHERE tenant_id = 't1' AND vkey = 'new'", "S6000", Denied),
        ["a key is deleted"] = new("DELETE FROM runproof.log_keys WHERE tenant_id = 't1'", "S6001", Denied),
        ["a key that is retired signs again"] = new("INSERT INTO runproof.retired_keys (public_key) VALUES ('AQ=='); UPDATE runproof.retired_keys SET public_key = 'AQ=a'", "S6000", Denied),
        ["a retired key is forgotten"] = new("INSERT INTO runproof.retired_keys (public_key) VALUES ('AQ=='); DELETE FROM runproof.retired_keys", "S6001", Denied),
        ["a log begins with a retired key"] = new(
            "INSERT INTO runproof.retired_keys (public_key) VALUES ('AQ=='); INSERT INTO runproof.log_keys VALUES ('t1', 'other.example/t1+0123abcd+AQ==', 1, NULL, now())", "S6010", Denied),
        ["what is in quarantine leaves it with the queue's row alone"] = new(
            "INSERT INTO runproof.log_queue (tenant_id, trace_id, kind) SELECT tenant_id, trace_id, kind FROM runproof.log_quarantine ON CONFLICT DO NOTHING; DELETE FROM runproof.log_quarantine", "S6001", Denied),
        ["why it was in quarantine is forgotten"] = new("TRUNCATE runproof.log_requeued", "S6002", Denied),
        ["what is in quarantine is forgotten"] = new("DELETE FROM runproof.log_quarantine WHERE tenant_id = 't1'", "S6001", Denied),
    };

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (var name in Refused.Keys)
        {
            foreach (var role in SeededDatabase.Roles)
                cases.Add(name, role);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Is_refused(string name, string role)
    {
        var attempt = Refused[name];
        var expected = role switch
        {
            "runproof_owner" or "superuser" => attempt.State,
            "runproof_verifier" => attempt.Verifier,
            _ => Denied,
        };
        var (state, message) = await database.TryAsync(role, attempt.Sql);
        Assert.Equal((name, expected), (name, state == expected ? state : $"{state} {message}"));
        if (state.StartsWith("S6", StringComparison.Ordinal))
            Assert.StartsWith("S6_IMMUTABILITY_VIOLATION: ", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE runproof.logs SET is_public = true")]
    [InlineData("UPDATE runproof.log_quarantine SET trace_id = 'x'")]
    [InlineData("UPDATE runproof.log_tiles SET level = 1")]
    [InlineData("INSERT INTO runproof.log_queue (tenant_id, trace_id, kind) VALUES ('t1', 'made-up', 'sealed')")]
    public async Task The_verifier_s_role_keeps_logs_and_decides_nothing_about_them(string sql) =>
        Assert.Equal(Denied, (await database.TryAsync("runproof_verifier", sql)).State);

    [Fact]
    public async Task A_step_of_a_log_is_done_by_the_verifier_s_role() => Assert.Equal(("00000", "7"), await database.TryAsync(
        "runproof_verifier",
        $"""
        {Grow(3, 2)};
        {Seed.InsertEntry("t1", 2, "opened", "open")};
        UPDATE runproof.log_tiles SET bytes = bytes || {Seed.Digest(0x53)} WHERE tenant_id = 't1' AND level = 0;
        INSERT INTO runproof.log_tiles VALUES ('t1', 2, 0, {Seed.Digest(0x54)});
        INSERT INTO runproof.log_quarantine VALUES ('t1', 'erased', 'sealed', 'CODE', 'seal', 'words', now());
        DELETE FROM runproof.log_queue WHERE trace_id IN ('open', 'erased');
        """));

    [Fact]
    public async Task The_verifier_s_role_retires_a_key_for_every_log_and_none_begins_with_it_again() => Assert.Equal(
        "S6010",
        (await database.TryAsync(
            "runproof_verifier",
            """
            SELECT runproof.retire_log_key('AQ==');
            SELECT runproof.retire_log_key('AQ==');
            INSERT INTO runproof.log_keys VALUES ('t1', 'any.example/t1+0123abcd+AQ==', 1, 2, now());
            INSERT INTO runproof.log_keys VALUES ('t1', 'any.example/t1+89abcdef+Ag==', 3, NULL, now());
            INSERT INTO runproof.log_keys VALUES ('t1', 'other.example/t1+0123abcd+AQ==', 1, NULL, now());
            """)).State);

    [Fact]
    public async Task What_is_in_quarantine_goes_back_into_the_queue_of_its_own_tenant_alone()
    {
        Assert.Equal("00000", (await database.TryAsync(
            "runproof_verifier",
            """
            DO $$ BEGIN
              ASSERT (SELECT count(*) FROM runproof.log_quarantine) = 1;
              ASSERT (SELECT count(*) FROM runproof.requeue('t1', 'no-such-trace')) = 0;
              ASSERT (SELECT count(*) FROM runproof.requeue('t1', NULL)) = 1;
              ASSERT (SELECT count(*) FROM runproof.log_quarantine) = 0;
              ASSERT (SELECT count(*) FROM runproof.log_queue q JOIN runproof.log_requeued r USING (tenant_id, trace_id, kind)) = 1;
              ASSERT (SELECT requeued_by = session_user FROM runproof.log_requeued);
            END $$
            """)).State);
        Assert.Equal(Denied, (await database.TryAsync("runproof_verifier", "SELECT runproof.requeue('t2', NULL)")).State);
    }

    [Fact]
    public async Task A_published_note_is_replaced_while_its_checkpoint_stays() =>
        Assert.Equal(("00000", "1"), await database.TryAsync("runproof_verifier", "UPDATE runproof.logs SET published = 'signed and cosigned'"));

    /// <summary>Seeded traces: one open, one sealed and entered, one sealed and archived, one sealed that lost a payload and whose opening is in quarantine.</summary>
    [Fact]
    public async Task A_trace_is_queued_when_it_opens_and_when_it_is_sealed_and_by_nothing_else() =>
        Assert.Equal("erased:sealed moved:opened moved:sealed open:opened", await database.ReadAsync<string>(
            "runproof_verifier", "t1", "SELECT string_agg(trace_id || ':' || kind, ' ' ORDER BY trace_id, kind) FROM runproof.log_queue"));

    [Theory]
    [InlineData("")]
    [InlineData("SET LOCAL session_replication_role = replica; ")]
    public async Task A_statement_queues_every_trace_that_it_opens_or_seals(string mode) => Assert.Equal("00000", (await database.TryAsync(
        "superuser",
        $"""
        {mode}{Seed.Insert("aos_traces", Seed.Trace("t1", "a", "r"), Seed.Trace("t1", "b", "r"), Seed.Trace("t2", "c", "r"))};
        DO $$ BEGIN ASSERT (SELECT count(*) FROM runproof.log_queue WHERE trace_id IN ('a', 'b', 'c') AND kind = 'opened' AND queued_at = now()) = 3; END $$;
        UPDATE aos_traces SET {Seed.Close(0)} WHERE trace_id IN ('a', 'c');
        DO $$ BEGIN ASSERT (SELECT string_agg(trace_id, ' ' ORDER BY trace_id) FROM runproof.log_queue WHERE trace_id IN ('a', 'b', 'c') AND kind = 'sealed') = 'a c'; END $$;
        UPDATE aos_traces SET archived_at = now() WHERE trace_id = 'a';
        SELECT runproof.archive_trace('t1', 'a');
        DO $$ BEGIN ASSERT (SELECT count(*) FROM runproof.log_queue WHERE trace_id = 'a') = 2; END $$;
        """)).State);

    [Fact]
    public async Task What_is_rolled_back_is_not_queued()
    {
        Assert.Equal(("00000", "1"), await database.TryAsync("runproof_owner", Seed.InsertTrace("t1", "rolled-back", "r")));
        Assert.Equal(0L, await database.ReadAsync<long>("superuser", null, "SELECT count(*) FROM runproof.log_queue WHERE trace_id = 'rolled-back'"));
    }

    [Fact]
    public async Task Work_is_found_across_tenants_oldest_first_and_unpublished_heads_last()
    {
        const string Found = "SELECT string_agg(tenant_id || ':' || queued || ':' || unpublished, ' ') FROM runproof.tenants_to_seal({0})";
        Assert.Equal("t1:4:false t2:4:false", await database.ReadAsync<string>("runproof_verifier", null, Found.Replace("{0}", "10", StringComparison.Ordinal)));
        Assert.Equal("t1:4:false", await database.ReadAsync<string>("runproof_verifier", null, Found.Replace("{0}", "1", StringComparison.Ordinal)));
        Assert.Equal("00000", (await database.TryAsync(
            "superuser",
            $"""
            INSERT INTO runproof.logs (tenant_id, origin, size, edge, checkpoint, published, updated_at)
              VALUES ('t0', 'o', 1, {Seed.Digest(1)}, 'new', 'old', now()), ('t3', 'o', 1, {Seed.Digest(1)}, 'new', NULL, now()), ('t4', 'o', 1, {Seed.Digest(1)}, 'new', 'new and cosigned', now());
            UPDATE runproof.logs SET published = NULL WHERE tenant_id = 't2';
            DO $$ BEGIN ASSERT (SELECT string_agg(tenant_id || ':' || queued || ':' || unpublished, ' ') FROM runproof.tenants_to_seal(10))
              = 't1:4:false t2:4:true t0:0:true t3:0:true'; END $$;
            """)).State);
    }

    [Fact]
    public async Task The_lag_counts_all_tenants() =>
        Assert.Equal("8 4 2", await database.ReadAsync<string>("runproof_verifier", null, "SELECT queued || ' ' || sealed || ' ' || quarantined FROM runproof.log_lag()"));

    private static string Grow(int size, int edge) =>
        $"UPDATE runproof.logs SET size = {size}, edge = {string.Join(" || ", Enumerable.Repeat(Seed.Digest(0x60), edge))}, checkpoint = 'next', published = 'next' WHERE tenant_id = 't1'";
}
