using System.Text;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Testing;
using RunProof.Tiles;
using RunProof.Verification;

namespace RunProof.Ledger.Tests;

/// <summary>An outsider's audit of logs that are whole, damaged, rewritten or served by somebody who means ill.</summary>
public sealed class OutsideAudits
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    private static OutsideOptions Options { get; } = new()
    {
        Keys = [SealingFaults.Verifier(SealingFaults.Key, ServedTiles.Origin)], VerifierOf = static key => NoteVerifier.TryCreate(key, out var verifier, out _) ? verifier : null,
    };

    private static OutsideOptions Keyless { get; } = Options with { Keys = [] };

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(129)]
    [InlineData(700)]
    public async Task A_log_that_is_whole_is_verified(int traces)
    {
        var report = await AuditAsync(ServedTiles.OfTraces(traces));
        Assert.Empty(report.Findings.Kept);
        Assert.Equal(VerificationStatus.Verified, report.Status);
        Assert.Equal((2L * traces, (long)traces, (long)traces, 0L), (report.Counts.Entries, report.Counts.Opened, report.Counts.Sealed, report.OpenCount));
        Assert.Equal((2L * traces, report.Checkpoint.Root), (report.Next!.Audited!.Size, new MerkleTree(report.Next.Audited.Size, report.Next.Audited.Edge).Root()));
    }

    [Fact]
    public async Task Every_hash_tile_of_every_level_is_compared()
    {
        var log = new ServedTiles();
        for (var number = 0; number < 66_000; number++)
            log.Add([(byte)number, (byte)(number >> 8), 9]);
        // The truth once for all: made anew for each request it would take minutes.
        var truth = TileAddress.Grown(0, log.Size).ToDictionary(static tile => tile, log.Truth);
        log.Instead = tile => truth[tile];
        var report = await AuditAsync(log);
        Assert.Empty(report.Findings.Kept);
        Assert.Equal((66_000L, 66_000L), (report.Counts.Entries, report.Counts.Foreign));
        // 258 of level 0, two of level 1, one of level 2.
        Assert.Equal(261, report.Counts.Tiles);
        Assert.DoesNotContain(report.Checks, static check => check.Name == "PAIRING");
        foreach (var tile in (TileAddress[])[new(TileKind.Hashes, 0, 200, 256), new(TileKind.Hashes, 1, 0, 256), new(TileKind.Hashes, 1, 1, 1), new(TileKind.Hashes, 2, 0, 1)])
        {
            var bytes = truth[tile].Bytes.ToArray();
            bytes[^1] ^= 1;
            log.Instead = each => each == tile ? new TiledAnswer(bytes, null) : truth[each];
            var finding = Assert.Single((await AuditAsync(log)).Findings.Kept);
            Assert.Equal(("LOG_TILE_MISMATCH", tile.Path), (finding.Code, finding.Place));
        }

        log.Instead = tile => tile.Kind is TileKind.Entries || tile.Level > 0 || tile.Index % 16 == 0 || tile.Index == 257 ? truth[tile] : throw new InvalidOperationException("not asked for in a sample");
        Assert.Equal(17 + 1 + 3, (await AuditAsync(log, options: Options with { HashTiles = TileChecks.Sample })).Counts.Tiles);
        log.Instead = tile => tile.Kind is TileKind.Entries ? truth[tile] : throw new InvalidOperationException("not asked for");
        var none = await AuditAsync(log, options: Options with { HashTiles = TileChecks.None });
        Assert.Equal((VerificationStatus.Verified, CheckStatus.NotDone), (none.Status, Check(none, "HASH_TILES").Status));
    }

    [Fact]
    public async Task Without_a_key_from_elsewhere_nothing_is_verified_and_who_named_the_key_is_told()
    {
        var log = ServedTiles.OfTraces(2);
        log.NamedKeys = [ServedTiles.Key.ToString()];
        var report = await AuditAsync(log, options: Keyless);
        Assert.Equal((VerificationStatus.Unsupported, CheckStatus.NotDone, false), (report.Status, Check(report, "CHECKPOINT_SIGNATURE").Status, report.IsKeyIndependent));
        Assert.Contains("only the log itself says", Check(report, "CHECKPOINT_SIGNATURE").Detail, StringComparison.Ordinal);
        log.NamedKeys = [];
        var none = await AuditAsync(log, options: Keyless);
        Assert.Equal((VerificationStatus.Unsupported, (string?)null, (AuditState?)null), (none.Status, none.Key, none.Next));
        // The one that was remembered, not the one that the log names by now.
        log.NamedKeys = [ServedTiles.NextKey.ToString()];
        log.Signers = static _ => [ServedTiles.NextKey];
        Assert.Equal([AuditCodes.CheckpointRefused], Codes(await AuditAsync(log, report.Next, Keyless)));
        log.Signers = static _ => [ServedTiles.Key];
        Assert.Equal(VerificationStatus.Verified, (await AuditAsync(log, (await AuditAsync(log)).Next, Keyless)).Status);
    }

    [Fact]
    public async Task A_checkpoint_of_another_key_or_another_log_is_refused()
    {
        var log = ServedTiles.OfTraces(2);
        log.Signers = static _ => [ServedTiles.NextKey];
        var wrong = await AuditAsync(log);
        Assert.Equal([AuditCodes.CheckpointRefused], Codes(wrong));
        Assert.Null(wrong.Next);
        log.Signers = static _ => [ServedTiles.Key];
        log.Note = log.NoteAt(4).Replace("\n4\n", "\n3\n", StringComparison.Ordinal);
        Assert.Contains(AuditCodes.CheckpointRefused, Codes(await AuditAsync(log)));
        log.Note = null;
        Assert.Equal([AuditCodes.CheckpointRefused], Codes(await AuditAsync(log, options: Options with { Keys = [SealingFaults.Verifier(SealingFaults.Key, "test.example/other")] })));
        log.Note = "hello\n";
        await Assert.ThrowsAsync<TiledLogException>(() => AuditAsync(log));
    }

    [Fact]
    public async Task Every_finding_is_told_and_not_only_the_first()
    {
        var log = new ServedTiles()
            .Open(0).Seal(0, entry => entry with { RunId = RunId.Parse("run-9") })
            .Seal(7)
            .Open(1).Open(1).Seal(1).Seal(1)
            .Open(2, entry => entry with { TenantId = TenantId.Parse("other") }).Seal(2)
            .Open(3).Seal(3, entry => entry with { CompletedAt = entry.CompletedAt.AddHours(-1) })
            .Open(4, entry => entry with { StartedAt = Now.AddHours(1) })
            .Add("{\"format\":\"runproof/v1\",\"kind\":\"opened\"}"u8.ToArray())
            .Add("{\"chain_length\": 1}"u8.ToArray())
            .Add("anything"u8.ToArray())
            .Add([])
            .Add(ServedTiles.Rotated(ServedTiles.NextKey, SealingFaults.Key.Under("test.example/other").Under(ServedTiles.Origin)));
        var report = await AuditAsync(log);
        Assert.Equal(VerificationStatus.Failed, report.Status);
        Assert.Equal(
            [
                "LOG_ENTRY_MISMATCH entries[1].run_id", "OPENED_ENTRY_MISSING entries[2]", "LOG_ENTRY_REPEATED entries[4]", "LOG_ENTRY_REPEATED entries[6]", "LOG_ENTRY_MISMATCH entries[7].tenant_id",
                "LOG_CLOCK_BACKWARDS entries[10].completed_at", "LOG_CLOCK_AHEAD entries[11].started_at", "LOG_ENTRY_MISMATCH entries[12]", "LOG_ENTRY_MISMATCH entries[13]", "LOG_ENTRY_MISMATCH entries[14]", "LOG_ENTRY_MISMATCH entries[15]",
            ],
            report.Findings.Kept.Select(static finding => $"{finding.Code} {finding.Place}"));
        Assert.Equal([new OpenTrace("trace_4", 11)], report.Open);
        Assert.Equal(CheckStatus.Passed, Check(report, "LOG_ROOT").Status);
        Assert.All(["ENTRIES", "PAIRING", "CLOCKS"], name => Assert.Equal(CheckStatus.Failed, Check(report, name).Status));
        var few = await AuditAsync(log, options: Options with { MaxFindings = 3 });
        Assert.Equal((3, 11L), (few.Findings.Kept.Count, few.Findings.Count));
    }

    [Fact]
    public async Task A_trace_that_opened_and_was_not_sealed_is_listed_and_is_no_finding()
    {
        var log = ServedTiles.OfTraces(3).Open(8).Open(9);
        var report = await AuditAsync(log);
        Assert.Equal((VerificationStatus.Verified, 2L), (report.Status, report.OpenCount));
        Assert.Equal([new OpenTrace("trace_8", 6), new OpenTrace("trace_9", 7)], report.Open);
        // The next audit that begins behind them goes on with them.
        log.Seal(9).Seal(8);
        var later = await AuditAsync(log, report.Next, Options with { From = 8 });
        Assert.Equal((VerificationStatus.Verified, 0L, 0L, 2L), (later.Status, later.OpenCount, later.Counts.Unpaired, later.Counts.Entries));
    }

    [Fact]
    public async Task An_entry_that_was_changed_shows_in_the_root_and_the_place_in_the_tile()
    {
        var log = ServedTiles.OfTraces(300);
        var truth = log.Truth(new TileAddress(TileKind.Entries, 0, 1, 256)).Bytes.ToArray();
        var at = Encoding.UTF8.GetString(truth).IndexOf("trace_200", StringComparison.Ordinal);
        truth[at + 6] = (byte)'9';
        log.Instead = tile => tile is { Kind: TileKind.Entries, Index: 1 } ? new TiledAnswer(truth, null) : null;
        var report = await AuditAsync(log);
        Assert.Contains("LOG_TILE_MISMATCH tile/0/001", report.Findings.Kept.Select(static finding => $"{finding.Code} {finding.Place}"));
        Assert.Contains(AuditCodes.RootMismatch, Codes(report));
        Assert.Null(report.Next);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("short")]
    [InlineData("long")]
    [InlineData("endless")]
    public async Task Where_entries_are_not_to_be_had_the_hash_tiles_lead_on_to_the_root(string how)
    {
        var log = ServedTiles.OfTraces(300);
        log.Instead = tile => tile is not { Kind: TileKind.Entries, Index: 1 } ? null : how switch
        {
            "missing" => TiledAnswer.Wrong("is not served (404)"),
            "endless" => TiledAnswer.Wrong("is longer than the 16777728 bytes that any has"),
            "short" => new TiledAnswer(log.Truth(tile).Bytes[..^1], null),
            _ => new TiledAnswer((byte[])[.. log.Truth(tile).Bytes.Span, 0], null),
        };
        var report = await AuditAsync(log);
        Assert.Equal(["LOG_TILE_MISMATCH tile/entries/001"], report.Findings.Kept.Select(static finding => $"{finding.Code} {finding.Place}"));
        Assert.Equal((256L, 344L, CheckStatus.Passed, CheckStatus.Failed), (report.Counts.Unread, report.Counts.Entries, Check(report, "LOG_ROOT").Status, Check(report, "ENTRIES").Status));

        var entries = log.Instead;
        log.Instead = tile => entries(tile) ?? (tile is { Level: 0, Index: 1 } ? TiledAnswer.Wrong("is not served (404)") : null);
        var neither = await AuditAsync(log);
        Assert.Equal((VerificationStatus.Failed, CheckStatus.NotDone, (AuditState?)null), (neither.Status, Check(neither, "LOG_ROOT").Status, neither.Next));
    }

    [Fact]
    public async Task A_partial_tile_that_is_gone_is_read_from_the_full_one()
    {
        var log = ServedTiles.OfTraces(300);
        log.ShownSize = 300;
        log.Instead = tile =>
        {
            if (tile.IsPartial)
                return TiledAnswer.Wrong("is not served (404)");
            log.ShownSize = 600;
            var full = log.Truth(tile);
            log.ShownSize = 300;
            return full;
        };
        var head = await OutsideAudit.ReadHeadAsync(log, default);
        // Of level 1 there is but one hash: the full tile is not there, and that is a finding.
        var report = await OutsideAudit.RunAsync(log, head, new AuditState { Origin = ServedTiles.Origin }, Options with { InFlight = 1 }, new FixedClock(), null, null, default);
        Assert.Equal(["tile/1/000.p/1"], report.Findings.Kept.Select(static finding => finding.Place));
        Assert.Equal(300, report.Counts.Entries);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(100L)]
    [InlineData(500L)]
    [InlineData(333L)]
    [InlineData(600L)]
    public async Task A_log_that_continues_what_was_audited_is_told_so_wherever_reading_begins(long? from)
    {
        var log = ServedTiles.OfTraces(250);
        var first = await AuditAsync(log);
        for (var number = 250; number < 300; number++)
            log.Open(number).Seal(number);
        var second = await AuditAsync(log, first.Next, Options with { From = from });
        Assert.Equal((VerificationStatus.Verified, CheckStatus.Passed), (second.Status, Check(second, "LOG_CONSISTENCY").Status));
        Assert.Contains("the 500 entries that were audited", Check(second, "LOG_CONSISTENCY").Detail, StringComparison.Ordinal);
        Assert.Equal((600 - (from ?? 0), 600L), (second.Counts.Entries, second.Next!.Audited!.Size));
        Assert.Equal(log.Root(0, 600), new MerkleTree(600, second.Next.Audited.Edge).Root());
    }

    /// <summary>Signed with the real key, consistent in itself: only what was remembered shows it.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(100L)]
    [InlineData(500L)]
    [InlineData(550L)]
    public async Task A_second_history_under_the_real_key_is_a_fork_wherever_reading_begins(long? from)
    {
        var before = (await AuditAsync(ServedTiles.OfTraces(250))).Next;
        var log = ServedTiles.OfTraces(300);
        log.Entries[42] = ServedTiles.Opened(21, entry => entry with { Link = Digest.Of("rewritten"u8) });
        Assert.Equal(VerificationStatus.Verified, (await AuditAsync(log)).Status);
        var report = await AuditAsync(log, before, Options with { From = from });
        Assert.Contains(AuditCodes.Forked, Codes(report));
        Assert.Equal((VerificationStatus.Failed, (AuditState?)null), (report.Status, report.Next));
    }

    [Fact]
    public async Task A_rollback_is_told_and_so_is_one_below_what_was_only_seen()
    {
        var log = ServedTiles.OfTraces(250);
        var audited = (await AuditAsync(log)).Next!;
        log.ShownSize = 400;
        var report = await AuditAsync(log, audited);
        Assert.Equal([AuditCodes.RolledBack], Codes(report));
        Assert.Null(report.Next);
        log.ShownSize = 500;
        log.Entries[499] = ServedTiles.Sealed(249, entry => entry with { Status = SealStatus.Failed });
        Assert.Equal([AuditCodes.Forked], Codes(await AuditAsync(log, audited)));
    }

    [Fact]
    public async Task An_audit_that_was_broken_off_goes_on_where_it_was_and_forgets_nothing_that_it_found()
    {
        var log = ServedTiles.OfTraces(600);
        log.Entries[3] = ServedTiles.Sealed(1, entry => entry with { RunId = RunId.Parse("run-other") });
        AuditState? saved = null;
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => AuditAsync(log, save: state => saved = state, tick: tick =>
        {
            if (tick.Position >= 768)
                stop.Cancel();
        }, cancellationToken: stop.Token));
        Assert.Equal((768L, 1), (saved!.Progress!.Position, saved.Progress.Findings.Count));
        Assert.Null(saved.Audited);

        log.Asked.Clear();
        var report = await AuditAsync(log, saved);
        Assert.Equal((1200L, 600L, 600L), (report.Counts.Entries, report.Counts.Opened, report.Counts.Sealed));
        Assert.Equal(["entries[3].run_id"], report.Findings.Kept.Select(static finding => finding.Place));
        Assert.DoesNotContain(log.Asked, static tile => tile is { Kind: TileKind.Entries, Index: < 3 });
        Assert.Null(report.Next!.Progress);
        Assert.Contains("1200 entries that were seen when an audit was broken off", Check(report, "LOG_CONSISTENCY").Detail, StringComparison.Ordinal);

        // Another log by then: what was seen signed is enough to tell.
        log.Entries[10] = ServedTiles.Opened(5, entry => entry with { Link = Digest.Of("rewritten"u8) });
        Assert.Contains(AuditCodes.Forked, Codes(await AuditAsync(log, saved)));
        log.ShownSize = 800;
        Assert.Contains(AuditCodes.RolledBack, Codes(await AuditAsync(log, saved, Options with { SaveEvery = TimeSpan.Zero }, save: _ => Assert.Fail("what tells the rollback was overwritten"))));
    }

    [Fact]
    public async Task A_damaged_tile_is_no_fork_where_the_entries_show_that_the_log_goes_on()
    {
        var log = ServedTiles.OfTraces(250);
        var before = (await AuditAsync(log)).Next;
        for (var number = 250; number < 300; number++)
            log.Open(number).Seal(number);
        log.Instead = tile => tile is { Kind: TileKind.Hashes, Level: 0, Index: 1 } ? TiledAnswer.Wrong("is not served (404)") : null;
        var report = await AuditAsync(log, before);
        Assert.Equal(["LOG_TILE_MISMATCH tile/0/001"], report.Findings.Kept.Select(static finding => $"{finding.Code} {finding.Place}"));
        Assert.Equal(600, report.Next!.Audited!.Size);
        // Behind them nothing shows it any more.
        Assert.Contains(AuditCodes.Forked, Codes(await AuditAsync(log, before, Options with { From = 512 })));
    }

    [Fact]
    public async Task A_log_that_stops_answering_leaves_what_was_read()
    {
        var log = ServedTiles.OfTraces(600);
        log.Instead = static tile => tile is { Kind: TileKind.Entries, Index: 3 } ? throw new TiledLogException("tile/entries/003: it answers 503") : null;
        AuditState? saved = null;
        await Assert.ThrowsAsync<TiledLogException>(() => AuditAsync(log, save: state => saved = state));
        Assert.Equal(768, saved!.Progress!.Position);
        log.Instead = static _ => null;
        Assert.Equal(VerificationStatus.Verified, (await AuditAsync(log, saved)).Status);
    }

    [Fact]
    public async Task A_key_that_was_given_leads_over_hand_overs_to_the_key_in_use()
    {
        var log = ServedTiles.OfTraces(2).Add(ServedTiles.Rotated(ServedTiles.Key, ServedTiles.NextKey));
        log.Signers = static size => size < 5 ? [ServedTiles.Key] : size == 5 ? [ServedTiles.Key, ServedTiles.NextKey] : [ServedTiles.NextKey];
        var at = await AuditAsync(log);
        Assert.Equal((VerificationStatus.Verified, ServedTiles.NextKey.ToString()), (at.Status, at.Key));
        log.Open(5).Seal(5);
        var after = await AuditAsync(log);
        Assert.Equal((VerificationStatus.Verified, ServedTiles.NextKey.ToString(), true), (after.Status, after.Key, after.IsKeyIndependent));
        Assert.Equal(VerificationStatus.Verified, (await AuditAsync(log, at.Next, Keyless)).Status);
        // Behind the hand-over the old key signs nothing.
        log.Signers = static _ => [ServedTiles.Key];
        var old = await AuditAsync(log);
        Assert.Equal([AuditCodes.CheckpointRefused], Codes(old));
        Assert.Contains("which handed the log over at 5 entries", old.Findings.Kept[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hand_over_that_one_key_alone_signed_leads_nowhere()
    {
        var whole = CanonicalBytes.Read<RotatedEntry>(ServedTiles.Rotated(ServedTiles.Key, ServedTiles.NextKey));
        var log = ServedTiles.OfTraces(1).Add(CanonicalBytes.Of(whole with { Signatures = whole.Signatures[(whole.Signatures.IndexOf('\n') + 1)..] }));
        log.Signers = static _ => [ServedTiles.NextKey];
        Assert.Equal([AuditCodes.KeyMismatch, AuditCodes.CheckpointRefused], Codes(await AuditAsync(log)));
    }

    [Fact]
    public async Task More_traces_than_are_remembered_are_read_within_bounds_and_said_to_be_more()
    {
        var log = new ServedTiles();
        for (var number = 0; number < 60; number++)
            log.Open(number);
        for (var number = 0; number < 60; number++)
            log.Seal(number);
        var report = await AuditAsync(log, options: Options with { MaxOpen = 20, MaxRemembered = 30 });
        Assert.Equal((VerificationStatus.Verified, 40L), (report.Status, report.Counts.Unpaired));
        Assert.Contains("more traces than are remembered", Check(report, "PAIRING").Detail, StringComparison.Ordinal);
        Assert.Null(report.Next!.Audited!.Open);
    }

    [Fact]
    public void A_memory_of_traces_finds_each_again_and_takes_no_more_than_it_may()
    {
        var memory = new TraceMemory(50_000);
        for (var number = 0; number < 50_000; number++)
            Assert.True(memory.Add($"trace_{number}"));
        for (var number = 0; number < 50_000; number++)
            Assert.False(memory.Add($"trace_{number}"));
        Assert.True(memory.Add("trace_new") && memory.Add("trace_new"));
        Assert.True(memory.IsFull);
    }

    // A test's clock stands still, so that what is saved within the time is all or nothing.
    private static async Task<OutsideReport> AuditAsync(
        ServedTiles log, AuditState? prior = null, OutsideOptions? options = null, Action<AuditState>? save = null, Action<OutsideTick>? tick = null, CancellationToken cancellationToken = default) => await OutsideAudit.RunAsync(
        log, await OutsideAudit.ReadHeadAsync(log, cancellationToken), prior ?? new AuditState { Origin = ServedTiles.Origin }, options ?? Options, new FixedClock(), save, tick, cancellationToken);

    private static string[] Codes(OutsideReport report) => [.. report.Findings.Kept.Select(static finding => finding.Code)];

    private static AuditCheck Check(OutsideReport report, string name) => report.Checks.Single(check => check.Name == name);

    private sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Now;
    }
}
