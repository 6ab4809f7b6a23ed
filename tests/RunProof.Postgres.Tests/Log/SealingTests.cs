using System.Text;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Ledger;
using RunProof.Testing;

namespace RunProof.Postgres.Tests;

/// <summary>From the recorder through the queue into the log, on PostgreSQL, as the verifier's role.</summary>
public sealed class SealingTests(PostgresFixture postgres)
{
    public static TheoryData<FaultPoint, WriteFault> Faults => SealingFaults.Cases;

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_write_that_fails_leaves_a_log_that_goes_on_whole(FaultPoint point, WriteFault fault)
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        await SealingFaults.RunAsync(desk, point, fault);
    }

    [Fact]
    public async Task The_first_entries_are_those_that_the_format_describes()
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        await desk.RecordAsync(0, 1, steps: 2);
        await SealingFaults.DrainAsync(SealingFaults.Sealer(desk.Store, desk.Evidence), desk.Tenant);

        var entries = await EntriesAsync(desk);
        var link = Convert.ToHexStringLower(await desk.Recording.AskAsync<byte[]>("SELECT link FROM aos_traces"));
        var root = Convert.ToHexStringLower(await desk.Recording.AskAsync<byte[]>("SELECT root_hash FROM aos_traces"));
        Assert.Equal(
            [
                $$"""{"format":"runproof/v1","kind":"opened","link":"{{link}}","run_id":"run-0000","started_at":"2026-02-10T12:43:41.549430Z","tenant_id":"acme","trace_id":"trace_run-0000"}""",
                $$"""{"chain_length":2,"completed_at":"2026-02-10T12:43:50.549430Z","format":"runproof/v1","kind":"sealed","root_hash":"{{root}}","run_id":"run-0000","status":"completed","tenant_id":"acme","trace_id":"trace_run-0000"}""",
            ],
            entries.Select(entry => entry.Text));
        var log = (await desk.Reader.FindAsync(desk.Tenant, default))!;
        // RFC 6962 by hand: two leaves and the node over them.
        var leaves = entries.Select(entry => System.Security.Cryptography.SHA256.HashData([0, .. Encoding.UTF8.GetBytes(entry.Text)])).ToArray();
        var top = Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData([1, .. leaves[0], .. leaves[1]]));
        Assert.StartsWith($"test.example/acme\n2\n{top}\n\n— test.example/acme ", log.Published, StringComparison.Ordinal);
        var tiles = await desk.Reader.ReadTilesAsync(desk.Tenant, [new Tiles.TileAddress(Tiles.TileKind.Hashes, 0, 0, 2), new Tiles.TileAddress(Tiles.TileKind.Hashes, 0, 0, 3)], default);
        Assert.Equal([.. leaves[0], .. leaves[1]], Assert.Single(tiles).Value.ToArray());
    }

    [Fact]
    public async Task A_trace_that_is_open_has_one_entry_and_its_seal_gets_the_next_free_place()
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        var sealer = SealingFaults.Sealer(desk.Store, desk.Evidence);
        var session = await desk.Recording.OpenAsync("run-0000");
        await desk.Recording.OpenAsync("run-0001");
        Assert.Equal((2, 0), await SealingFaults.DrainAsync(sealer, desk.Tenant));
        await session.AppendAsync(RecordingDesk.Step(), null, CancellationToken.None);
        Assert.Equal((0, 0), await SealingFaults.DrainAsync(sealer, desk.Tenant));
        await session.SealAsync(RecordingDesk.Closing(), CancellationToken.None);
        Assert.Equal((1, 0), await SealingFaults.DrainAsync(sealer, desk.Tenant));
        Assert.Equal(["0 Opened", "1 Opened", "2 Sealed trace_run-0000"], (await EntriesAsync(desk)).Select(entry => $"{entry.Position} {entry.Kind}{(entry.Position == 2 ? " " + entry.TraceId : "")}"));
    }

    [Fact]
    public async Task What_is_published_never_shrinks_and_is_always_a_checkpoint_of_this_log()
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        // With a policy in the options nothing is published by the commit itself.
        var sealer = SealingFaults.Sealer(desk.Store, desk.Evidence, witnesses: new Nobody());
        var heads = new List<string>();
        for (var round = 0; round < 3; round++)
        {
            await desk.RecordAsync(round, 1);
            await sealer.SealAsync(desk.Tenant, default);
            heads.Add((await desk.Reader.FindAsync(desk.Tenant, default))!.Checkpoint);
        }

        await AssertPublishAsync(heads[1], true, heads[1] + "cosigned\n");
        await AssertPublishAsync(heads[0], false, heads[1] + "cosigned\n");
        await AssertPublishAsync(heads[1], true, heads[1] + "cosigned\n");
        await AssertPublishAsync(heads[2].Replace("\n6\n", "\n7\n", StringComparison.Ordinal), false, heads[1] + "cosigned\n");
        await AssertPublishAsync(heads[2].Replace("test.example/acme\n", "test.example/other\n", StringComparison.Ordinal), false, heads[1] + "cosigned\n");
        await AssertPublishAsync(heads[2], true, heads[2] + "cosigned\n");
        await AssertPublishAsync(heads[1], false, heads[2] + "cosigned\n");
        // What somebody else put there is no reason to publish nothing any more.
        foreach (var lie in new[] { "", "x", "test.example/acme\n", "test.example/acme\n999999999999999999\n", "test.example/acme\n99999999999999999999999\n", "test.example/acme\n-7\n" })
        {
            await desk.ForceAsync($"UPDATE runproof.logs SET published = '{lie}'", "runproof.logs");
            await AssertPublishAsync(heads[2], true, heads[2] + "cosigned\n");
        }

        async Task AssertPublishAsync(string checkpoint, bool done, string published)
        {
            Assert.Equal(done, await desk.Store.PublishAsync(desk.Tenant, checkpoint, checkpoint + "cosigned\n", default));
            Assert.Equal(published, (await desk.Reader.FindAsync(desk.Tenant, default))!.Published);
        }
    }

    [Fact]
    public async Task While_more_is_waiting_than_a_commit_takes_a_round_says_so()
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        await desk.RecordAsync(0, 9);
        var sealer = SealingFaults.Sealer(desk.Store, desk.Evidence, options: SealingFaults.Options with { BatchSize = 4 });
        var rounds = new List<(int, bool)>();
        for (var more = true; more;)
        {
            var round = await sealer.SealAsync(desk.Tenant, CancellationToken.None);
            rounds.Add((round.Entered, more = round.MayContinue));
        }

        // Opening and seal of four traces, twice; then of the ninth.
        Assert.Equal([(8, true), (8, true), (2, false)], rounds);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_batch_that_is_examined_in_parts_enters_as_one(int examiners)
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        await desk.RecordAsync(0, 100);
        await desk.TamperAsync(70);
        var sealer = SealingFaults.Sealer(desk.Store, desk.Evidence, options: SealingFaults.Options with { Examiners = examiners });
        Assert.Equal((198, 2), await SealingFaults.DrainAsync(sealer, desk.Tenant));
        await SealingFaults.AssertWholeAsync(desk, 100, [ILogBench.TraceOf(70)]);
    }

    [Fact]
    public async Task Two_sealers_at_once_enter_everything_once()
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        const int Traces = 150;
        var recording = desk.RecordAsync(0, Traces);
        var overtaken = 0;
        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            var sealer = SealingFaults.Sealer(new PostgresLogStore(desk.Verifier), new PostgresEvidenceStore(desk.Verifier), options: SealingFaults.Options with { BatchSize = 4 });
            while (!recording.IsCompleted || (await desk.Reader.ReadLagAsync(desk.Tenant, default)).Queued > 0)
            {
                if ((await sealer.SealAsync(desk.Tenant, CancellationToken.None)).Overtaken)
                    Interlocked.Increment(ref overtaken);
            }
        })));
        await recording;
        await SealingFaults.AssertWholeAsync(desk, Traces, []);
        Assert.True(overtaken > 0, "the two never met");
    }

    [Fact]
    public async Task A_sealer_whose_connections_are_killed_loses_nothing_and_doubles_nothing()
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        const int Traces = 100;
        await desk.RecordAsync(0, Traces);
        using var done = new CancellationTokenSource();
        var killer = Task.Run(async () =>
        {
            var killed = 0L;
            while (!done.IsCancellationRequested)
                killed += await desk.Recording.AskAsync<long>("SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE usename = 'runproof_verifier_login' AND state <> 'idle' AND datname = current_database() LIMIT 1) a");
            return killed;
        });
        var (sealer, failures) = (SealingFaults.Sealer(desk.Store, desk.Evidence, options: SealingFaults.Options with { BatchSize = 2 }), 0);
        for (var rounds = 0; rounds < 40 + (10 * failures) && rounds < 2000; rounds++)
        {
            try
            {
                await sealer.SealAsync(desk.Tenant, CancellationToken.None);
            }
            catch (Exception e) when (e is LogStoreException { IsTransient: true } or Npgsql.NpgsqlException)
            {
                failures++;
            }
        }

        await done.CancelAsync();
        Assert.InRange(await killer, 1, long.MaxValue);
        while ((await desk.Reader.ReadLagAsync(desk.Tenant, default)).Queued > 0)
            await sealer.SealAsync(desk.Tenant, CancellationToken.None);
        await SealingFaults.AssertWholeAsync(desk, Traces, []);
    }

    [Theory]
    [InlineData("UPDATE aos_trace_steps SET cost_cents = 7 WHERE trace_id = 'trace_run-0001'", "aos_trace_steps", "Sealed STEP_LINK_MISMATCH steps[0]")]
    [InlineData("UPDATE aos_traces SET seed = 7 WHERE trace_id = 'trace_run-0001'", "aos_traces", "Opened HEADER_LINK_MISMATCH header|Sealed HEADER_LINK_MISMATCH header")]
    [InlineData("UPDATE aos_traces SET goal = '\"other\"' WHERE trace_id = 'trace_run-0001'", "aos_traces", "Opened PAYLOAD_MISMATCH header.goal|Sealed PAYLOAD_MISMATCH header.goal")]
    [InlineData("UPDATE aos_traces SET status = 'aborted' WHERE trace_id = 'trace_run-0001'", "aos_traces", "Sealed SEAL_MISMATCH seal.status")]
    [InlineData("DELETE FROM aos_trace_steps WHERE trace_id = 'trace_run-0001' AND step_index = 1", "aos_trace_steps", "Sealed CHAIN_LENGTH_MISMATCH seal.chain_length")]
    [InlineData("DELETE FROM aos_trace_steps WHERE trace_id = 'trace_run-0001'; ALTER TABLE aos_traces DISABLE TRIGGER USER; DELETE FROM aos_traces WHERE trace_id = 'trace_run-0001'", "aos_trace_steps", "Opened TRACE_MISSING trace|Sealed TRACE_MISSING trace")]
    [InlineData("UPDATE aos_traces SET status = 'running', completed_at = NULL, chain_length = NULL, steps_root = NULL, root_hash = NULL, metadata = NULL, metadata_salt = NULL, metadata_hash = NULL WHERE trace_id = 'trace_run-0001'", "aos_traces", "Sealed TRACE_NOT_SEALED seal")]
    public async Task What_was_changed_before_its_turn_came_is_kept_out_and_the_log_goes_on(string sql, string table, string expected)
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        await desk.RecordAsync(0, 3, steps: 2);
        await desk.ForceAsync(sql, table);
        await SealingFaults.DrainAsync(SealingFaults.Sealer(desk.Store, desk.Evidence), desk.Tenant);

        var quarantined = await desk.Reader.ReadQuarantineAsync(desk.Tenant, 10, default);
        Assert.Equal(expected, string.Join('|', quarantined.Select(each => $"{each.Kind} {each.Code} {each.Place}")));
        Assert.All(quarantined, each => Assert.Equal("trace_run-0001", each.TraceId));
        Assert.Equal(6 - quarantined.Count, (await EntriesAsync(desk)).Count);
        Assert.Empty((await LogFsck.CheckAsync(desk.Reader, desk.Tenant, [], default)).Findings);
        var where = await desk.Reader.FindTraceAsync(desk.Tenant, "trace_run-0001", default);
        Assert.Equal((2 - quarantined.Count, 0, quarantined.Count), (where.Entries.Count, where.Queued.Count, where.Quarantined.Count));
    }

    [Theory]
    [InlineData("UPDATE runproof.logs SET size = 7, edge = edge || decode(repeat('01', 32), 'hex')", "size or an edge")]
    [InlineData("UPDATE runproof.logs SET edge = set_byte(edge, 3, get_byte(edge, 3) # 1)", "size or an edge")]
    [InlineData("UPDATE runproof.logs SET checkpoint = replace(checkpoint, E'\\n6\\n', E'\\n5\\n')", "not signed by this service's key")]
    [InlineData("UPDATE runproof.logs SET checkpoint = 'nothing'", "none")]
    [InlineData("UPDATE runproof.logs SET origin = 'other/acme'", "keeps its name")]
    public async Task A_head_that_was_changed_is_not_continued(string sql, string said)
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        await desk.RecordAsync(0, 3);
        var sealer = SealingFaults.Sealer(desk.Store, desk.Evidence);
        await SealingFaults.DrainAsync(sealer, desk.Tenant);
        await desk.ForceAsync(sql, "runproof.logs");
        await desk.RecordAsync(3, 1);
        var halted = await Assert.ThrowsAsync<LogHaltedException>(() => sealer.SealAsync(desk.Tenant, CancellationToken.None));
        Assert.Contains(said, halted.Message, StringComparison.Ordinal);
        Assert.Equal(6, (await EntriesAsync(desk)).Count);
    }

    [Fact]
    public async Task A_log_is_not_continued_with_another_key_until_it_is_handed_over()
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        await desk.RecordAsync(0, 2);
        await SealingFaults.DrainAsync(SealingFaults.Sealer(desk.Store, desk.Evidence), desk.Tenant);
        var other = SealingFaults.Sealer(desk.Store, desk.Evidence, SealingFaults.NextKey);
        await desk.RecordAsync(2, 1);
        await Assert.ThrowsAsync<LogHaltedException>(() => other.SealAsync(desk.Tenant, CancellationToken.None));

        var rotation = new KeyRotation(desk.Store, SealingFaults.Options, TimeProvider.System);
        Assert.True(await rotation.HandOverAsync(desk.Tenant, new CheckpointSigner(SealingFaults.Key), new CheckpointSigner(SealingFaults.NextKey), default));
        var old = await Assert.ThrowsAsync<LogHaltedException>(() => SealingFaults.Sealer(desk.Store, desk.Evidence).SealAsync(desk.Tenant, CancellationToken.None));
        Assert.Contains("handed over", old.Message, StringComparison.Ordinal);
        await SealingFaults.DrainAsync(other, desk.Tenant);
        await SealingFaults.AssertWholeAsync(desk, 3, [], rotated: 1);
        Assert.Equal([(4L, (long?)5L), (5L, null)], (await desk.Reader.ReadKeysAsync(desk.Tenant, default)).Select(key => (key.FromSize, key.UntilSize)));
    }

    [Fact]
    public async Task A_tile_that_is_not_as_wide_as_the_log_stops_the_commit_whole()
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        await desk.RecordAsync(0, 2);
        var sealer = SealingFaults.Sealer(desk.Store, desk.Evidence);
        await SealingFaults.DrainAsync(sealer, desk.Tenant);
        await desk.ForceAsync("UPDATE runproof.log_tiles SET bytes = substr(bytes, 1, 64)", "runproof.log_tiles");
        await desk.RecordAsync(2, 1);
        var failed = await Assert.ThrowsAsync<LogStoreException>(() => sealer.SealAsync(desk.Tenant, CancellationToken.None));
        Assert.False(failed.IsTransient);
        Assert.Equal((4, 2L), ((await EntriesAsync(desk)).Count, (await desk.Reader.ReadLagAsync(desk.Tenant, default)).Queued));
        var report = await LogFsck.CheckAsync(desk.Reader, desk.Tenant, [], default);
        Assert.Equal(["tile/0/000.p/4", "tile/0"], report.Findings.Select(finding => finding.Place));
    }

    [Fact]
    public async Task What_an_owner_queues_again_is_not_entered_again()
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        await desk.RecordAsync(0, 1);
        var sealer = SealingFaults.Sealer(desk.Store, desk.Evidence);
        await SealingFaults.DrainAsync(sealer, desk.Tenant);
        await desk.Recording.AskAsync<long>("INSERT INTO runproof.log_queue VALUES ('acme', 'trace_run-0000', 'sealed') RETURNING 1::bigint");
        Assert.Equal((0, 0), await SealingFaults.DrainAsync(sealer, desk.Tenant));
        await SealingFaults.AssertWholeAsync(desk, 1, []);
    }

    [Fact]
    public async Task Archived_traces_enter_from_the_archive()
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        await desk.RecordAsync(0, 2);
        await desk.Recording.AskAsync<int>("SELECT runproof.archive_trace('acme', 'trace_run-0000')");
        await SealingFaults.DrainAsync(SealingFaults.Sealer(desk.Store, desk.Evidence), desk.Tenant);
        await SealingFaults.AssertWholeAsync(desk, 2, []);
    }

    [Fact]
    public async Task Work_and_lag_are_told_across_tenants()
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        await desk.RecordAsync(0, 2, steps: 0);
        await desk.RecordAsync(2, 1, steps: 0, tenant: "other");
        Assert.Equal(["acme 4", "other 2"], (await desk.Store.FindWorkAsync(10, default)).OrderBy(work => work.Tenant.Value, StringComparer.Ordinal).Select(work => $"{work.Tenant} {work.Queued}"));
        var lag = await desk.Store.ReadLagAsync(default);
        Assert.Equal((6L, 3L, 0L), (lag.Queued, lag.Sealed, lag.Quarantined));
        await SealingFaults.DrainAsync(SealingFaults.Sealer(desk.Store, desk.Evidence), desk.Tenant);
        Assert.Equal("other", Assert.Single(await desk.Store.FindWorkAsync(10, default)).Tenant.Value);
        Assert.Equal("acme", Assert.Single(await desk.Store.ListLogsAsync(default)).Value);
        Assert.Null(await desk.Reader.FindAsync(TenantId.Parse("other"), default));
    }

    private static async Task<List<LoggedEntry>> EntriesAsync(LogDesk desk)
    {
        var entries = new List<LoggedEntry>();
        await foreach (var entry in desk.Reader.ReadEntriesAsync(desk.Tenant, 0, long.MaxValue, default))
            entries.Add(entry);
        return entries;
    }

    private sealed class Nobody : ICheckpointWitnesses
    {
        public Task<string?> CosignAsync(TenantId tenant, string checkpoint, CancellationToken cancellationToken) => Task.FromResult<string?>(null);
    }
}
