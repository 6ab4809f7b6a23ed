using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;
using static RunProof.Postgres.Tests.RecordingDesk;

namespace RunProof.Postgres.Tests;

/// <summary>Whose place is free: fencing, conflicts, gaps, seals, tenants, and batches written twice.</summary>
public sealed class PlacesTests(PostgresFixture postgres)
{
    [Fact]
    public async Task All_that_was_announced_last_is_handed_over_and_the_seal_takes_it_away()
    {
        await using var desk = await SetUpAsync(postgres);
        var former = await desk.OpenAsync();
        var many = StepIntents.Of(Enumerable.Range(0, 64).Select(n => new StepIntent(63 - n, n % 3, Start.AddSeconds(n))));
        await former.AppendAsync(Step(0), many, CancellationToken.None);

        var second = await desk.Recorder.TakeOverAsync(Tenant(), Trace(), CancellationToken.None);
        Assert.Equal(many, second.InFlight);
        await former.AnnounceAsync(many, CancellationToken.None).AsTask().Fails(RecordingFailure.Fenced);
        var few = StepIntents.Of([new StepIntent(7, 0, Start), new StepIntent(9, 2, Start)]);
        await second.AnnounceAsync(few, CancellationToken.None);
        var third = await desk.Recorder.TakeOverAsync(Tenant(), Trace(), CancellationToken.None);
        Assert.Equal(few, third.InFlight);
        await third.AppendAsync(Step(1), new StepIntent(9, 2, Start), CancellationToken.None);
        Assert.Equal(1, await desk.AskAsync<int>("SELECT count(*)::integer FROM runproof.trace_heads WHERE intent_plan_index = 9 AND intents_beside IS NULL"));
        await third.AnnounceAsync(StepIntents.None, CancellationToken.None);
        await third.SealAsync(Closing(), CancellationToken.None);
        await second.AnnounceAsync(few, CancellationToken.None).AsTask().Fails(RecordingFailure.Sealed);
    }

    [Fact]
    public async Task A_second_writer_fences_the_first_and_continues_where_it_stood()
    {
        await using var desk = await SetUpAsync(postgres);
        var former = await desk.OpenAsync();
        var intent = new StepIntent(1, 2, Start.AddSeconds(5));
        for (var n = 0; n < 5; n++)
            await former.AppendAsync(Step(n), intent, CancellationToken.None);

        var session = await desk.Recorder.TakeOverAsync(Tenant(), Trace(), CancellationToken.None);
        Assert.Equal((5, former.LastLink, (StepIntents)intent), (session.NextIndex, session.LastLink, session.InFlight));
        await former.AppendAsync(Step(5), null, CancellationToken.None).AsTask().Fails(RecordingFailure.Fenced);
        Assert.Equal(5, await desk.StepsOf("run-1"));
        await session.AppendAsync(Step(5), null, CancellationToken.None);
        await session.SealAsync(Closing(), CancellationToken.None);
        Assert.Equal(6, await desk.StepsOf("run-1"));
    }

    [Fact]
    public async Task A_fenced_writer_cannot_seal()
    {
        await using var desk = await SetUpAsync(postgres);
        var former = await desk.OpenAsync();
        await desk.Recorder.TakeOverAsync(Tenant(), Trace(), CancellationToken.None);
        await former.SealAsync(Closing(), CancellationToken.None).AsTask().Fails(RecordingFailure.Fenced);
        Assert.Equal("running", await desk.AskAsync<string>("SELECT status FROM aos_traces"));
    }

    [Fact]
    public async Task What_is_not_there_cannot_be_taken_over_nor_what_is_sealed_nor_another_tenants()
    {
        await using var desk = await SetUpAsync(postgres);
        var session = await desk.OpenAsync();
        await desk.Recorder.TakeOverAsync(Tenant(), Trace("run-9"), CancellationToken.None).AsTask().Fails(RecordingFailure.NotFound);
        await desk.Recorder.TakeOverAsync(Tenant("rival"), Trace(), CancellationToken.None).AsTask().Fails(RecordingFailure.NotFound);
        await session.SealAsync(Closing(), CancellationToken.None);
        await desk.Recorder.TakeOverAsync(Tenant(), Trace(), CancellationToken.None).AsTask().Fails(RecordingFailure.Sealed);
    }

    [Fact]
    public async Task Tenants_with_the_same_trace_id_do_not_meet()
    {
        await using var desk = await SetUpAsync(postgres);
        var mine = await desk.OpenAsync();
        var theirs = await desk.OpenAsync(tenant: "rival");
        await mine.AppendAsync(Step(), null, CancellationToken.None);
        await mine.AppendAsync(Step(1), null, CancellationToken.None);
        await theirs.AppendAsync(Step(), null, CancellationToken.None);
        await mine.SealAsync(Closing(), CancellationToken.None);
        await theirs.AppendAsync(Step(1), null, CancellationToken.None);
        Assert.Equal((2, 2), (await desk.StepsOf("run-1"), await desk.StepsOf("run-1", "rival")));
        Assert.Equal("running", await desk.AskAsync<string>("SELECT status FROM aos_traces WHERE tenant_id = 'rival'"));
    }

    [Fact]
    public async Task A_whole_batch_written_again_is_there_already_and_changes_nothing()
    {
        await using var desk = await SetUpAsync(postgres);
        var keeper = new KeepingStore(desk.Store);
        await using var recorder = new Recorder(keeper, new Nothing(), new CountingSaltSource(), TimeProvider.System, new RecorderOptions(),
            Microsoft.Extensions.Logging.Abstractions.NullLogger<Recorder>.Instance);
        for (var run = 0; run < 3; run++)
        {
            var session = await recorder.OpenAsync(Opening($"run-{run}"), CancellationToken.None);
            await session.AppendAsync(Step(), null, CancellationToken.None);
            await session.AppendAsync(Step(1), null, CancellationToken.None);
            if (run < 2)
                await session.SealAsync(Closing(), CancellationToken.None);
        }

        var before = await Everything(desk);
        foreach (var batch in keeper.Batches)
            Assert.All(await desk.Store.RecordAsync(batch, CancellationToken.None), result => Assert.Equal(RecordingOutcome.AlreadyThere, result.Outcome));
        Assert.Equal(before, await Everything(desk));
    }

    [Fact]
    public async Task Each_entry_of_a_batch_gets_its_own_answer()
    {
        await using var desk = await SetUpAsync(postgres);
        var keeper = new KeepingStore(desk.Store);
        await using var recorder = new Recorder(keeper, new Nothing(), new CountingSaltSource(), TimeProvider.System, new RecorderOptions(),
            Microsoft.Extensions.Logging.Abstractions.NullLogger<Recorder>.Instance);
        var steps = new Dictionary<string, AppendEntry>(StringComparer.Ordinal);
        foreach (var run in (string[])["again", "conflict", "fenced", "free", "gap", "sealed", "stranger"])
        {
            var session = await recorder.OpenAsync(Opening(run), CancellationToken.None);
            await session.AppendAsync(Step(), null, CancellationToken.None);
            steps[run] = (AppendEntry)keeper.Batches[^1][0];
            if (run is "sealed")
                await session.SealAsync(Closing(), CancellationToken.None);
        }

        await desk.Store.TakeOverAsync(Tenant(), Trace("fenced"), CancellationToken.None);
        var other = Digest.Of("another step"u8);
        AppendEntry Next(string run) => steps[run] with { Previous = steps[run].Link, Link = other, Step = steps[run].Step with { StepIndex = 1 } };
        var stranger = new AppendEntry(Tenant("rival"), Trace("stranger"))
        {
            Epoch = 1, Previous = steps["stranger"].Link, Link = other, Step = steps["stranger"].Step with { StepIndex = 1 },
            Parameters = steps["stranger"].Parameters, Outcome = steps["stranger"].Outcome, Context = steps["stranger"].Context, Intents = null,
        };
        RecordingEntry[] batch =
        [
            stranger,
            Next("sealed"),
            steps["gap"] with { Step = steps["gap"].Step with { StepIndex = 7 }, Link = other },
            Next("free"),
            Next("fenced"),
            steps["conflict"] with { Link = other },
            steps["again"],
        ];
        var results = await desk.Store.RecordAsync(batch, CancellationToken.None);
        Assert.Equal(
            [RecordingOutcome.NotFound, RecordingOutcome.Sealed, RecordingOutcome.Gap, RecordingOutcome.Recorded, RecordingOutcome.Fenced, RecordingOutcome.Conflict,
                RecordingOutcome.AlreadyThere],
            results.Select(result => result.Outcome));
        Assert.Equal(steps["conflict"].Link, results[5].Found);
        Assert.Equal(2, await desk.StepsOf("free"));
        foreach (var run in (string[])["again", "conflict", "fenced", "gap", "sealed", "stranger"])
            Assert.Equal(1, await desk.StepsOf(run));
    }

    [Fact]
    public async Task A_step_hashed_onto_another_link_than_the_last_is_a_conflict()
    {
        await using var desk = await SetUpAsync(postgres);
        var keeper = new KeepingStore(desk.Store);
        await using var recorder = new Recorder(keeper, new Nothing(), new CountingSaltSource(), TimeProvider.System, new RecorderOptions(),
            Microsoft.Extensions.Logging.Abstractions.NullLogger<Recorder>.Instance);
        var session = await recorder.OpenAsync(Opening(), CancellationToken.None);
        var first = await session.AppendAsync(Step(), null, CancellationToken.None);
        var step = (AppendEntry)keeper.Batches[^1][0];
        var astray = step with { Previous = Digest.Of("elsewhere"u8), Link = Digest.Of("x"u8), Step = step.Step with { StepIndex = 1 } };
        var result = Assert.Single(await desk.Store.RecordAsync([astray], CancellationToken.None));
        Assert.Equal((RecordingOutcome.Conflict, (Digest?)first), (result.Outcome, result.Found));
    }

    [Fact]
    public async Task Another_opening_is_a_conflict_that_names_the_link_that_is_there()
    {
        await using var desk = await SetUpAsync(postgres);
        var session = await desk.OpenAsync();
        var failed = await desk.OpenAsync().Fails(RecordingFailure.Conflict);
        Assert.Contains(session.LastLink.ToString(), failed.Message, StringComparison.Ordinal);
        Assert.Equal(1L, await desk.AskAsync<long>("SELECT count(*) FROM aos_traces"));
    }

    [Fact]
    public async Task Another_seal_is_refused_with_the_root_that_is_there()
    {
        await using var desk = await SetUpAsync(postgres);
        var session = await desk.OpenAsync();
        var root = await session.SealAsync(Closing(), CancellationToken.None);
        var seal = new SealEntry(Tenant(), Trace())
        {
            Epoch = 1, Last = session.LastLink, RootHash = Digest.Of("other"u8), Metadata = null,
            Seal = new TraceSeal { ChainLength = 0, CompletedAt = Start, MetadataHash = null, Status = SealStatus.Aborted, StepsRoot = Digest.Of([]) },
        };
        var result = Assert.Single(await desk.Store.RecordAsync([seal], CancellationToken.None));
        Assert.Equal((RecordingOutcome.Sealed, (Digest?)root), (result.Outcome, result.Found));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_seal_that_does_not_count_the_steps_is_not_recorded(int claimed)
    {
        await using var desk = await SetUpAsync(postgres);
        var session = await desk.OpenAsync();
        await session.AppendAsync(Step(), null, CancellationToken.None);
        var seal = new SealEntry(Tenant(), Trace())
        {
            Epoch = 1, Last = session.LastLink, RootHash = Digest.Of("root"u8), Metadata = null,
            Seal = new TraceSeal { ChainLength = claimed, CompletedAt = Start, MetadataHash = null, Status = SealStatus.Completed, StepsRoot = Digest.Of([]) },
        };
        var result = Assert.Single(await desk.Store.RecordAsync([seal], CancellationToken.None));
        Assert.Contains(result.Outcome, (RecordingOutcome[])[RecordingOutcome.Gap, RecordingOutcome.Conflict]);
        Assert.Equal("running", await desk.AskAsync<string>("SELECT status FROM aos_traces"));
    }

    [Fact]
    public async Task A_write_that_a_check_refuses_fails_alone()
    {
        await using var desk = await SetUpAsync(postgres, new RecorderOptions { Flushers = 1 });
        var sessions = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => desk.OpenAsync($"run-{i}")));

        // A check that only the database knows of.
        await desk.AskAsync<object>("SELECT 1; ALTER TABLE aos_trace_steps ADD CONSTRAINT no_poison CHECK (skill_id <> 'poison')");
        var appends = sessions.Index().Select(s =>
            s.Item.AppendAsync(Step() with { SkillId = s.Index == 23 ? "poison" : "echo" }, null, CancellationToken.None).AsTask()).ToList();
        var failed = await appends[23].Fails(RecordingFailure.Refused);
        Assert.Contains("no_poison", failed.Message, StringComparison.Ordinal);
        appends.RemoveAt(23);
        await Task.WhenAll(appends);
        Assert.Equal(39L, await desk.AskAsync<long>("SELECT count(*) FROM aos_trace_steps"));
        await sessions[23].AppendAsync(Step(), null, CancellationToken.None);
    }

    [Fact]
    public async Task The_runner_can_write_evidence_through_the_functions_only()
    {
        await using var desk = await SetUpAsync(postgres);
        await desk.OpenAsync();
        foreach (var sql in (string[])[
            "SELECT * FROM aos_traces", "SELECT * FROM aos_trace_steps", "SELECT * FROM runproof.trace_heads", "UPDATE runproof.trace_heads SET next_index = 7",
            "INSERT INTO aos_traces SELECT * FROM aos_traces", "DELETE FROM aos_traces", "SELECT runproof.require_durable_commit()"])
        {
            await using var command = desk.Runner.CreateCommand(sql);
            var refused = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync());
            Assert.Equal("42501", refused.SqlState);
        }
    }

    private static Task<string> Everything(RecordingDesk desk) => desk.AskAsync<string>(
        """
        SELECT concat((SELECT string_agg(t::text, ',' ORDER BY t.trace_id) FROM aos_traces t), (SELECT string_agg(s::text, ',' ORDER BY s.trace_id, s.step_index) FROM aos_trace_steps s),
          (SELECT string_agg(h::text, ',' ORDER BY h.trace_id) FROM runproof.trace_heads h))
        """);

    private sealed class Nothing : IRedactor
    {
        public RedactionResult Redact(CanonicalJson payload) => new(payload, []);
    }

    private sealed class KeepingStore(IRecordingStore inner) : IRecordingStore
    {
        public List<IReadOnlyList<RecordingEntry>> Batches { get; } = [];

        public Task<IReadOnlyList<RecordingResult>> RecordAsync(IReadOnlyList<RecordingEntry> batch, CancellationToken cancellationToken)
        {
            Batches.Add(batch);
            return inner.RecordAsync(batch, cancellationToken);
        }

        public Task<TakeOverResult> TakeOverAsync(TenantId tenant, TraceId trace, CancellationToken cancellationToken) =>
            inner.TakeOverAsync(tenant, trace, cancellationToken);

        public Task<RecordingResult> AnnounceAsync(
            TenantId tenant, TraceId trace, long epoch, Digest last, StepIntents intents, CancellationToken cancellationToken) =>
            inner.AnnounceAsync(tenant, trace, epoch, last, intents, cancellationToken);
    }
}
