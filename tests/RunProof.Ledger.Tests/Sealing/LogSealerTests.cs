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
        Assert.False(await SealingFaults.SealAndPublishAsync(sealer, log.Tenant));
        Assert.Null((await log.FindAsync(log.Tenant, default))!.Published);
        witnesses.Agree = true;
        Assert.True(await SealingFaults.SealAndPublishAsync(sealer, log.Tenant));
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
        var rotation = new KeyRotation(log, SealingFaults.Options, new ManualTimeProvider());
        Assert.True(await rotation.HandOverAsync(log.Tenant, new CheckpointSigner(SealingFaults.Key), new CheckpointSigner(SealingFaults.NextKey), default));
        LoggedEntry? last = null;
        await foreach (var entry in log.ReadEntriesAsync(log.Tenant, 2, 9, default))
            last = entry;
        var (old, next) = (SealingFaults.Key.Under("test.example/acme"), SealingFaults.NextKey.Under("test.example/acme"));
        var text = $"runproof/v1/rotation\n{old}\n{next}\n2026-01-02T03:04:05.678901Z\n";
        var lines = (old.Sign(text, default).ToString() + next.Sign(text, default)).Replace("\n", "\\n", StringComparison.Ordinal);
        Assert.Equal(
            $$"""{"format":"runproof/v1","kind":"rotated","new_key":"{{next}}","old_key":"{{old}}","rotated_at":"2026-01-02T03:04:05.678901Z","signatures":"{{lines}}","tenant_id":"acme"}""",
            last!.Text);
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

    [Fact]
    public async Task Proofs_from_tiles_lead_from_every_entry_to_every_size_that_the_log_had()
    {
        var log = new InMemoryLog();
        await log.RecordAsync(0, 400);
        await SealingFaults.DrainAsync(SealingFaults.Sealer(log, log), log.Tenant);
        var (leaves, roots, tree) = (new List<Digest>(), new List<Digest> { MerkleTree.EmptyRoot }, new MerkleTree());
        await foreach (var entry in log.ReadEntriesAsync(log.Tenant, 0, long.MaxValue, default))
        {
            leaves.Add(MerkleTree.LeafHash(System.Text.Encoding.UTF8.GetBytes(entry.Text)));
            tree.AppendLeafHash(leaves[^1]);
            roots.Add(tree.Root());
        }

        int[] sizes = [1, 2, 3, 255, 256, 257, 511, 512, 700, 800];
        foreach (var size in sizes)
        {
            foreach (var index in sizes.Select(each => each - 1).Where(each => each < size))
            {
                var path = await TileProofs.InclusionAsync(log, log.Tenant, index, size, default);
                Assert.True(MerkleProofs.VerifyInclusion((ulong)index, (ulong)size, leaves[index], [.. path], roots[size]), $"{index} in {size}");
            }

            foreach (var old in sizes.Where(each => each <= size))
            {
                var path = await TileProofs.ConsistencyAsync(log, log.Tenant, old, size, default);
                Assert.True(MerkleProofs.VerifyConsistency((ulong)old, (ulong)size, [.. path], roots[old], roots[size]), $"{old} to {size}");
            }
        }

        log.DamageTile(0, 1, bytes => bytes[..32]);
        var failed = await Assert.ThrowsAsync<LogStoreException>(() => TileProofs.InclusionAsync(log, log.Tenant, 300, 800, default));
        Assert.Contains("tile/0/001", failed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("https://example.com")]
    [InlineData("a b")]
    [InlineData("a+b")]
    [InlineData("grüße")]
    [InlineData("example.com/")]
    public void A_name_that_no_key_can_have_is_refused(string name) => Assert.Throws<ArgumentException>(() => new LogOptions { Name = name }.Validate());

    [Fact]
    public void The_longest_name_with_the_longest_tenant_is_a_key_s_name()
    {
        var options = new LogOptions { Name = new string('n', LogOptions.MaxName) };
        options.Validate();
        Assert.NotNull(new CheckpointSigner(SealingFaults.Key).KeyOf(options.OriginOf(TenantId.Parse(new string('t', 64)))));
        Assert.Throws<ArgumentException>((options with { Name = options.Name + "n" }).Validate);
    }

    private sealed class Silent : ICheckpointWitnesses
    {
        internal bool Agree { get; set; }

        public Task<string?> CosignAsync(TenantId tenant, string checkpoint, CancellationToken cancellationToken) => Task.FromResult(Agree ? checkpoint + "cosigned\n" : null);
    }
}
