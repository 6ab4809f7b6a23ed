using RunProof.Format;
using RunProof.Keys;
using RunProof.Testing;

namespace RunProof.Ledger.Tests;

/// <summary>The commit of a log, on a store in memory.</summary>
public sealed class LogSealerTests
{
    public static TheoryData<FaultPoint, WriteFault> Faults => SealingFaults.Cases;

    [Theory]
    [MemberData(nameof(Faults))]
    public Task A_write_that_fails_leaves_a_log_that_goes_on_whole(FaultPoint point, WriteFault fault) => SealingFaults.RunAsync(new InMemoryLog(), point, fault);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(256)]
    public async Task A_log_of_many_sizes_is_whole_however_it_is_batched(int batch)
    {
        var log = new InMemoryLog();
        var sealer = SealingFaults.Sealer(log, log, options: SealingFaults.Options with { BatchSize = batch });
        await log.RecordAsync(0, 400);
        await SealingFaults.DrainAsync(sealer, log.Tenant);
        await SealingFaults.AssertWholeAsync(log, 400, []);
    }

    [Fact]
    public async Task A_batch_is_of_traces_and_more_waiting_is_told()
    {
        var log = new InMemoryLog();
        var sealer = SealingFaults.Sealer(log, log, options: SealingFaults.Options with { BatchSize = 2 });
        await log.RecordAsync(0, 3);
        Assert.Equal(new SealingRound(4, 0, Overtaken: false, IsPublished: true, MayContinue: true), await sealer.SealAsync(log.Tenant, default));
        Assert.Equal(new SealingRound(2, 0, Overtaken: false, IsPublished: true, MayContinue: false), await sealer.SealAsync(log.Tenant, default));
        Assert.Equal(new SealingRound(0, 0, Overtaken: false, IsPublished: true, MayContinue: false), await sealer.SealAsync(log.Tenant, default));
    }

    [Fact]
    public async Task A_seal_whose_opening_is_in_quarantine_does_not_enter()
    {
        var log = new InMemoryLog();
        var sealer = SealingFaults.Sealer(log, log, options: SealingFaults.Options with { BatchSize = 1 });
        await log.RecordAsync(0, 1);
        await log.TamperAsync(0);
        await sealer.SealAsync(log.Tenant, default);
        Assert.Equal(2, (await log.ReadQuarantineAsync(log.Tenant, 9, default)).Count);
        Assert.Null(await log.FindAsync(log.Tenant, default));
    }

    [Fact]
    public async Task Nothing_is_published_while_the_witnesses_withhold_it()
    {
        var (log, witnesses) = (new InMemoryLog(), new Silent());
        var sealer = SealingFaults.Sealer(log, log, witnesses: witnesses);
        await log.RecordAsync(0, 1);
        Assert.False((await sealer.SealAsync(log.Tenant, default)).IsPublished);
        Assert.Null((await log.FindAsync(log.Tenant, default))!.Published);
        witnesses.Agree = true;
        Assert.True((await sealer.SealAsync(log.Tenant, default)).IsPublished);
        Assert.EndsWith("cosigned\n", (await log.FindAsync(log.Tenant, default))!.Published, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_head_that_does_not_give_the_signed_root_is_not_continued()
    {
        Func<LogHead, LogHead>[] changes =
        [
            head => head with { Size = head.Size + 1 },
            head => head with { Edge = [.. head.Edge.Take(head.Edge.Count - 1), Digest.Of("x"u8)] },
            head => head with { Origin = "other/acme" },
            head => head with { Checkpoint = head.Checkpoint!.Replace("\n6\n", "\n5\n", StringComparison.Ordinal) },
            head => head with { Checkpoint = null },
            head => head with { Checkpoint = "" },
            head => head with { Keys = [head.Keys[0] with { UntilSize = 6 }] },
        ];
        foreach (var change in changes)
        {
            var log = new InMemoryLog();
            var sealer = SealingFaults.Sealer(log, log);
            await log.RecordAsync(0, 3);
            await SealingFaults.DrainAsync(sealer, log.Tenant);
            log.Damage(change);
            await log.RecordAsync(3, 1);
            await Assert.ThrowsAsync<LogHaltedException>(() => sealer.SealAsync(log.Tenant, default));
            Assert.Equal(2L, (await log.ReadLagAsync(log.Tenant, default)).Queued);
        }
    }

    [Fact]
    public async Task Fsck_names_what_does_not_follow_from_the_entries()
    {
        (Action<InMemoryLog> Damage, string Place)[] cases =
        [
            (log => log.DamageTile(0, 0, bytes => [.. bytes.Take(32), .. new byte[32], .. bytes.Skip(64)]), "tile/0/000"),
            (log => log.DamageTile(1, 0, bytes => bytes[..^32]), "tile/1/000.p/3"),
            (log => log.DamageTile(0, 3, bytes => [.. bytes, .. new byte[32]]), "tile/0"),
            (log => log.DamageEntry(300, entry => entry with { Text = entry.Text.Replace("acme", "acmf", StringComparison.Ordinal) }), "entries[300]"),
            (log => log.DamageEntry(300, entry => entry with { Text = entry.Text + " " }), "entries[300]"),
            (log => log.DamageEntry(300, entry => entry with { RunId = "other" }), "entries[300]"),
            (log => log.DamageEntry(300, _ => null), "entries[300]"),
            (log => log.DamageEntry(799, _ => null), "head.size"),
            (log => log.Damage(head => head with { Checkpoint = head.Checkpoint!.Replace("800", "801", StringComparison.Ordinal) }), "head.checkpoint"),
        ];
        foreach (var (damage, place) in cases)
        {
            var log = new InMemoryLog();
            await log.RecordAsync(0, 400);
            await SealingFaults.DrainAsync(SealingFaults.Sealer(log, log), log.Tenant);
            damage(log);
            var report = await LogFsck.CheckAsync(log, log.Tenant, [SealingFaults.Verifier(SealingFaults.Key, "test.example/acme")], default);
            Assert.Contains(place, report.Findings.Select(finding => finding.Place));
        }
    }

    [Fact]
    public async Task A_hand_over_is_signed_by_both_keys_and_names_a_time_and_a_log()
    {
        var log = new InMemoryLog();
        await log.RecordAsync(0, 1);
        await SealingFaults.DrainAsync(SealingFaults.Sealer(log, log), log.Tenant);
        var rotation = new KeyRotation(log, SealingFaults.Options, TimeProvider.System);
        Assert.True(await rotation.HandOverAsync(log.Tenant, new CheckpointSigner(SealingFaults.Key), new CheckpointSigner(SealingFaults.NextKey), default));
        LoggedEntry? last = null;
        await foreach (var entry in log.ReadEntriesAsync(log.Tenant, 2, 9, default))
            last = entry;
        var rotated = CanonicalBytes.Read<RotatedEntry>(System.Text.Encoding.UTF8.GetBytes(last!.Text));
        Assert.True(KeyHandOver.Verify(rotated, out var problem), problem);
        Assert.False(KeyHandOver.Verify(rotated with { RotatedAt = rotated.RotatedAt.AddSeconds(1) }, out _));
        Assert.False(KeyHandOver.Verify(rotated with { Signatures = rotated.Signatures[..(rotated.Signatures.IndexOf('\n') + 1)] }, out _));
        Assert.False(KeyHandOver.Verify(rotated with { NewKey = rotated.OldKey }, out _));
        Assert.False(KeyHandOver.Verify(rotated with { NewKey = SealingFaults.NextKey.Under("test.example/other").ToString() }, out _));
        // The checkpoint that first includes it verifies with either key.
        var note = (await log.FindAsync(log.Tenant, default))!.Checkpoint;
        Assert.True(SignedNote.TryParse(System.Text.Encoding.UTF8.GetBytes(note), out var signed, out _));
        Assert.All([SealingFaults.Key, SealingFaults.NextKey], key => Assert.True(signed.Verify([SealingFaults.Verifier(key, "test.example/acme")], out _, out _)));
    }

    private sealed class Silent : ICheckpointWitnesses
    {
        internal bool Agree { get; set; }

        public Task<string?> CosignAsync(TenantId tenant, string checkpoint, CancellationToken cancellationToken) => Task.FromResult(Agree ? checkpoint + "cosigned\n" : null);
    }
}
