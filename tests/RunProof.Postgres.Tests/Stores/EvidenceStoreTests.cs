using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;

namespace RunProof.Postgres.Tests;

public sealed class EvidenceStoreTests(PostgresFixture postgres)
{
    private static readonly TenantId T1 = TenantId.Parse("t1");
    private static readonly byte[] Salt = [.. Enumerable.Repeat((byte)0x5a, 16)];

    [Fact]
    public async Task A_sealed_trace_comes_back_column_by_column()
    {
        await using var source = await VerifierAsync(await SeededAsync());
        await using var snapshot = await new PostgresEvidenceStore(source).OpenAsync(T1, default);
        var trace = (await snapshot.ReadTracesAsync(RunId.Parse("run-done"), payloads: true, default)).Single(t => t.TraceId == "sealed");

        Assert.Equal(
            ("t1", "run-done", "corr-1", "agent-1", "tests", "stub", 42L, true, "scenario-1", "runproof/v1", "completed"),
            (trace.TenantId, trace.RunId, trace.CorrelationId, trace.AgentId, trace.OriginSystemId, trace.Planner, trace.Seed!.Value, trace.IsSynthetic!.Value,
                trace.SyntheticScenarioId, trace.SchemaVersion, trace.Status));
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), trace.FrozenTimestamp);
        Assert.Equal(new DateTimeOffset(2026, 2, 10, 12, 43, 41, TimeSpan.Zero).AddTicks(5_494_300), trace.StartedAt);
        Assert.Equal(new DateTimeOffset(2026, 2, 10, 12, 43, 45, TimeSpan.Zero), trace.CompletedAt);
        Assert.Null(trace.ArchivedAt);
        Assert.Equal(Bytes(0x04), trace.HeaderLink);
        Assert.Equal(3, trace.ChainLength);
        Assert.Equal(Bytes(0x40), trace.StepsRoot);
        Assert.Equal(Bytes(0x41), trace.RootHash);
        AssertPayload(trace.Goal, 0x01, "\"a goal\"");
        AssertPayload(trace.Plan, 0x02, "[]");
        AssertPayload(trace.Context, 0x03, "{}");
        AssertPayload(trace.Metadata, 0x42, "{}");
    }

    [Fact]
    public async Task A_step_comes_back_column_by_column()
    {
        await using var source = await VerifierAsync(await SeededAsync());
        await using var snapshot = await new PostgresEvidenceStore(source).OpenAsync(T1, default);
        var steps = await StepsAsync(snapshot, "sealed", payloads: true);
        Assert.Equal([0, 1, 2], steps.Select(s => s.StepIndex));
        var step = steps[1];
        Assert.Equal(
            ("http_call", "http_call", "1.0.0", "succeeded", "INFO", "SUCCESS", "OK", "0.25", 227.6, 0, "run-1:1", "execute", "rng", "engine"),
            (step.SkillId, step.SkillName, step.SkillVersion, step.Status, step.Level, step.OutcomeCategory, step.OutcomeCode, step.CostCents, step.DurationMs,
                step.RetryCount, step.IdempotencyKey, step.ReplayBehavior, step.RngStateBefore, step.Source));
        Assert.Equal(new DateTimeOffset(2026, 2, 10, 12, 43, 42, TimeSpan.Zero), step.Timestamp);
        Assert.Equal(Bytes(0x10), step.Schema);
        Assert.Equal(Bytes(0x21), step.Link);
        AssertPayload(step.Input, 0x11, "{\"n\":1}");
        AssertPayload(step.Output, 0x12, "{\"ok\":true}");
        AssertPayload(step.Context, 0x13, "{}");
    }

    [Fact]
    public async Task Payloads_that_were_not_asked_for_are_not_loaded()
    {
        await using var source = await VerifierAsync(await SeededAsync());
        await using var snapshot = await new PostgresEvidenceStore(source).OpenAsync(T1, default);
        var trace = (await snapshot.ReadTracesAsync(RunId.Parse("run-done"), payloads: false, default))[0];
        var step = (await StepsAsync(snapshot, "sealed", payloads: false))[0];
        foreach (var payload in new[] { trace.Goal, trace.Plan, trace.Context, trace.Metadata, step.Input, step.Output, step.Context })
            Assert.True(payload is { Loaded: false, Salt: null, Text: null, Commitment.Length: 32 });
    }

    [Fact]
    public async Task Archived_traces_and_erased_payloads_are_read_like_any_other()
    {
        await using var source = await VerifierAsync(await SeededAsync());
        await using var snapshot = await new PostgresEvidenceStore(source).OpenAsync(T1, default);
        var traces = await snapshot.ReadTracesAsync(RunId.Parse("run-done"), payloads: true, default);
        Assert.Equal(["erased", "moved", "sealed"], traces.Select(t => t.TraceId));
        Assert.NotNull(traces[1].ArchivedAt);
        Assert.Equal([0, 1], (await StepsAsync(snapshot, "moved", payloads: true)).Select(s => s.StepIndex));
        var erased = Assert.Single(await StepsAsync(snapshot, "erased", payloads: true)).Input;
        Assert.True(erased is { Loaded: true, Salt: null, Text: null, Commitment.Length: 32 });
    }

    [Fact]
    public async Task Another_tenant_s_evidence_is_not_there_even_for_the_owner()
    {
        var database = await SeededAsync();
        await database.ExecuteAsync(Seed.InsertTrace("t2", "only-t2", "run-t2") + ";" + Seed.InsertSteps("t2", "only-t2", 0, 0));
        await using var verifier = await VerifierAsync(database);
        foreach (var source in new[] { verifier, database.Admin })
        {
            await using var snapshot = await new PostgresEvidenceStore(source).OpenAsync(T1, default);
            Assert.Empty(await snapshot.ReadTracesAsync(RunId.Parse("run-t2"), payloads: true, default));
            Assert.Empty(await StepsAsync(snapshot, "only-t2", payloads: true));
            Assert.Equal(3, (await StepsAsync(snapshot, "sealed", payloads: false)).Count);
        }
    }

    [Fact]
    public async Task A_snapshot_does_not_see_what_is_committed_after_it()
    {
        var database = await SeededAsync();
        await using var source = await VerifierAsync(database);
        await using (var snapshot = await new PostgresEvidenceStore(source).OpenAsync(T1, default))
        {
            Assert.Equal(2, (await StepsAsync(snapshot, "open", payloads: false)).Count);
            await database.ExecuteAsync(Seed.InsertSteps("t1", "open", 2, 2));
            Assert.Equal(2, (await StepsAsync(snapshot, "open", payloads: false)).Count);
        }

        await using var later = await new PostgresEvidenceStore(source).OpenAsync(T1, default);
        Assert.Equal(3, (await StepsAsync(later, "open", payloads: false)).Count);
    }

    [Fact]
    public async Task The_tenant_named_in_a_snapshot_does_not_stay_on_the_connection()
    {
        var database = await SeededAsync();
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database.Database.VerifierConnectionString) { MaxPoolSize = 1 }.ConnectionString);
        await using (var snapshot = await new PostgresEvidenceStore(source).OpenAsync(T1, default))
            Assert.NotEmpty(await StepsAsync(snapshot, "sealed", payloads: false));
        await using var command = source.CreateCommand("SELECT count(*) FROM aos_traces");
        Assert.Equal(0L, await command.ExecuteScalarAsync());
    }

    [Fact]
    public async Task Reading_that_stops_half_way_leaves_the_snapshot_usable()
    {
        await using var source = await VerifierAsync(await SeededAsync());
        await using var snapshot = await new PostgresEvidenceStore(source).OpenAsync(T1, default);
        await foreach (var step in snapshot.ReadStepsAsync("sealed", payloads: true, default))
        {
            Assert.Equal(0, step.StepIndex);
            break;
        }

        Assert.Equal(3, (await StepsAsync(snapshot, "sealed", payloads: true)).Count);
    }

    /// <summary>Whatever an owner without triggers and constraints writes must be read, so that it can be found.</summary>
    [Theory]
    [InlineData("aos_traces", "started_at = 'infinity'")]
    [InlineData("aos_traces", "started_at = '-infinity'")]
    [InlineData("aos_traces", "completed_at = '0044-03-15 12:00:00+00 BC'")]
    [InlineData("aos_traces", "completed_at = '294276-12-31 23:59:59+00'")]
    [InlineData("aos_traces", "frozen_timestamp = 'infinity'")]
    [InlineData("aos_traces", "archived_at = '-infinity'")]
    [InlineData("aos_traces", "seed = 9223372036854775807")]
    [InlineData("aos_traces", "goal_hash = '', link = '\\x00', steps_root = '\\x0102'")]
    [InlineData("aos_traces", "goal_salt = '', goal = ''")]
    [InlineData("aos_traces", "correlation_id = '', status = '', planner = repeat('x', 100000)")]
    [InlineData("aos_trace_steps", "\"timestamp\" = 'infinity'")]
    [InlineData("aos_trace_steps", "\"timestamp\" = '-infinity'")]
    [InlineData("aos_trace_steps", "\"timestamp\" = '10000-01-01 00:00:00+00'")]
    [InlineData("aos_trace_steps", "cost_cents = 'NaN'")]
    [InlineData("aos_trace_steps", "cost_cents = 'Infinity'")]
    [InlineData("aos_trace_steps", "cost_cents = ('1e130000')::numeric")]
    [InlineData("aos_trace_steps", "duration_ms = 'NaN'")]
    [InlineData("aos_trace_steps", "duration_ms = '-Infinity'")]
    [InlineData("aos_trace_steps", "step_index = -5 - step_index")]
    [InlineData("aos_trace_steps", "level = '', source = '', status = ''")]
    [InlineData("aos_trace_steps", "input_hash = '', link = '', skill_schema = ''")]
    public async Task Hostile_values_come_back_as_data(string table, string set)
    {
        var database = await SeededAsync();
        await DropConstraintsAsync(database, table);
        await database.ExecuteAsync($"UPDATE {table} SET {set} WHERE trace_id = 'sealed' AND tenant_id = 't1'");
        await AssertReadableAsync(database);
    }

    [Theory]
    [InlineData("aos_traces")]
    [InlineData("aos_trace_steps")]
    public async Task Nulls_in_every_column_come_back_as_data(string table)
    {
        var database = await SeededAsync();
        await DropConstraintsAsync(database, table);
        var columns = (await database.ReadAsync<string>("superuser", null,
            $"SELECT string_agg(column_name, ' ') FROM information_schema.columns WHERE table_name = '{table}' AND column_name NOT IN ('trace_id', 'tenant_id', 'run_id')"))!.Split(' ');
        await database.ExecuteAsync($"ALTER TABLE {table} {string.Join(", ", columns.Select(c => $"ALTER {c} DROP NOT NULL"))}");
        await database.ExecuteAsync($"UPDATE {table} SET {string.Join(", ", columns.Select(c => $"{c} = NULL"))} WHERE trace_id = 'sealed' AND tenant_id = 't1'");
        await AssertReadableAsync(database);
    }

    [Fact]
    public async Task A_null_is_not_taken_for_a_value_that_true_evidence_can_have()
    {
        var database = await SeededAsync();
        foreach (var table in new[] { "aos_traces", "aos_trace_steps" })
            await DropConstraintsAsync(database, table);
        await database.ExecuteAsync("ALTER TABLE aos_traces ALTER is_synthetic DROP NOT NULL, ALTER started_at DROP NOT NULL");
        await database.ExecuteAsync("ALTER TABLE aos_trace_steps ALTER step_index DROP NOT NULL, ALTER retry_count DROP NOT NULL, ALTER duration_ms DROP NOT NULL");
        await database.ExecuteAsync("UPDATE aos_traces SET is_synthetic = NULL, started_at = NULL WHERE trace_id = 'sealed'; UPDATE aos_trace_steps SET retry_count = NULL, duration_ms = NULL, step_index = NULL WHERE trace_id = 'sealed'");
        await using var snapshot = await new PostgresEvidenceStore(database.Admin).OpenAsync(T1, default);
        var trace = (await snapshot.ReadTracesAsync(RunId.Parse("run-done"), payloads: false, default)).Single(t => t.TraceId == "sealed");
        var step = (await StepsAsync(snapshot, "sealed", payloads: false))[0];
        Assert.Equal((null, DateTimeOffset.MinValue), (trace.IsSynthetic, trace.StartedAt));
        Assert.Equal((-1, -1, double.NaN), (step.StepIndex, step.RetryCount, step.DurationMs));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Many_traces_come_as_they_were_asked_for_each_with_its_own_steps(bool payloads)
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        for (var steps = 0; steps < 4; steps++)
            await desk.RecordAsync(40 * steps, 40, steps);
        await desk.Recording.AskAsync<int>("SELECT runproof.archive_trace('acme', trace_id) FROM aos_traces WHERE trace_id LIKE '%5'");
        await desk.RecordAsync(500, 1, steps: 2, tenant: "other");
        // More than fit together, in another order than they lie; some that are not there, one twice, one of another tenant; of every seventh no steps.
        var wanted = Enumerable.Range(0, 170).Select(n => (Trace: ILogBench.TraceOf(n * 37 % 170), Steps: n % 7 != 0)).Append((ILogBench.TraceOf(500), true)).Append((ILogBench.TraceOf(130), true)).ToList();
        await using var alone = await desk.Evidence.OpenAsync(desk.Tenant, default);
        await using var snapshot = await desk.Evidence.OpenAsync(desk.Tenant, default);
        var place = 0;
        await foreach (var found in snapshot.ReadEvidenceAsync(wanted, payloads, default))
        {
            var (trace, steps) = wanted[place++];
            Assert.Equal(trace, found.TraceId);
            var expected = (await alone.ReadTracesAsync(RunId.Parse(trace["trace_".Length..]), payloads, default)).SingleOrDefault();
            Assert.Equal((expected?.TraceId, expected?.ArchivedAt, expected?.Goal.Text), (found.Trace?.TraceId, found.Trace?.ArchivedAt, found.Trace?.Goal.Text));
            // Who asks for steps may leave them, or stop in the middle.
            var (rows, limit) = (new List<(int, string, string?)>(), place % 5 == 0 ? 1 : place % 11 == 0 ? 0 : int.MaxValue);
            if (limit > 0)
            {
                await foreach (var step in found.Steps)
                {
                    rows.Add((step.StepIndex, Convert.ToHexString(step.Link!), step.Input.Text));
                    if (rows.Count == limit)
                        break;
                }
            }

            var all = steps ? await StepsAsync(alone, trace, payloads) : [];
            Assert.Equal(all.Take(limit).Select(step => (step.StepIndex, Convert.ToHexString(step.Link!), step.Input.Text)), rows);
        }

        Assert.Equal(wanted.Count, place);
    }

    private static async Task AssertReadableAsync(SeededDatabase database)
    {
        await using var snapshot = await new PostgresEvidenceStore(database.Admin).OpenAsync(T1, default);
        Assert.Equal(3, (await snapshot.ReadTracesAsync(RunId.Parse("run-done"), payloads: true, default)).Count);
        Assert.Equal(3, (await StepsAsync(snapshot, "sealed", payloads: true)).Count);
    }

    private static async Task DropConstraintsAsync(SeededDatabase database, string table)
    {
        var drops = await database.ReadAsync<string>("superuser", null,
            $"SELECT string_agg(format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname), ';') FROM pg_constraint WHERE conrelid = '{table}'::regclass");
        await database.ExecuteAsync($"ALTER TABLE {table} DISABLE TRIGGER ALL; {drops}");
    }

    private static async Task<List<RecordedStep>> StepsAsync(IEvidenceSnapshot snapshot, string trace, bool payloads)
    {
        var steps = new List<RecordedStep>();
        await foreach (var step in snapshot.ReadStepsAsync(trace, payloads, default))
            steps.Add(step);
        return steps;
    }

    private static void AssertPayload(RecordedPayload payload, byte commitment, string text)
    {
        Assert.True(payload.Loaded);
        Assert.Equal(Bytes(commitment), payload.Commitment);
        Assert.Equal(Salt, payload.Salt);
        Assert.Equal(text, payload.Text);
    }

    private static byte[] Bytes(byte value) => [.. Enumerable.Repeat(value, 32)];

    private static Task<NpgsqlDataSource> VerifierAsync(SeededDatabase database) =>
        Task.FromResult(NpgsqlDataSource.Create(database.Database.VerifierConnectionString));

    private async Task<SeededDatabase> SeededAsync()
    {
        var database = new SeededDatabase(postgres);
        await database.InitializeAsync();
        return database;
    }
}
