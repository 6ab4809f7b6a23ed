using System.Text;
using Npgsql;
using NpgsqlTypes;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Benchmarks;

/// <summary>A log as the recorder and the sealer would have left it, put into the tables with COPY: every link, commitment, entry and the signed head are true.</summary>
internal sealed class RecordedLog(AuditBenchOptions options)
{
    internal const string Origin = "bench.example/bench";

    internal static readonly TenantId Tenant = TenantId.Parse("bench");

    internal static readonly NoteSigner Key = NoteSigner.Create(Origin, NoteAlgorithm.Ed25519, [.. Enumerable.Repeat((byte)7, 32)]);

    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ChainHasher _hasher = new();
    private readonly Random _random = new(7);
    private readonly MerkleTree _tree = new();

    internal async Task LoadAsync(NpgsqlDataSource admin, CancellationToken cancellationToken)
    {
        await ExecuteAsync(admin, "DO $$ DECLARE t regclass; BEGIN FOREACH t IN ARRAY ARRAY['aos_traces', 'aos_trace_steps', 'runs', 'runproof.log_entries', 'runproof.logs', 'runproof.log_keys']::regclass[] LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', t); END LOOP; END $$");
        await ExecuteAsync(admin, "INSERT INTO runproof.tenants (tenant_id) VALUES ('bench'); INSERT INTO agents (id, tenant_id, name, created_at) VALUES ('agent-1', 'bench', 'bench', now())");
        const int Batch = 2000;
        for (var first = 0; first < options.Traces; first += Batch)
        {
            var traces = Enumerable.Range(first, Math.Min(Batch, options.Traces - first)).Select(Make).ToList();
            await CopyAsync(admin, traces, cancellationToken);
        }

        var note = new Checkpoint(Origin, _tree.Size, _tree.Root()).Text;
        await using var head = admin.CreateCommand("INSERT INTO runproof.logs (tenant_id, origin, size, edge, checkpoint, published, updated_at) VALUES ('bench', $1, $2, $3, $4, $4, now())");
        foreach (var value in (object[])[Origin, _tree.Size, _tree.Edge.SelectMany(static hash => hash.ToArray()).ToArray(), new SignedNote(note, [Key.Sign(note, default)]).ToString()])
            head.Parameters.Add(new() { Value = value });
        await head.ExecuteNonQueryAsync(cancellationToken);
        await using var key = admin.CreateCommand("INSERT INTO runproof.log_keys (tenant_id, vkey, from_size, added_at) VALUES ('bench', $1, 1, now())");
        key.Parameters.Add(new() { Value = Key.Key.ToString() });
        await key.ExecuteNonQueryAsync(cancellationToken);
        await ExecuteAsync(admin, "VACUUM (ANALYZE) aos_traces, aos_trace_steps, runs, runproof.log_entries; CHECKPOINT");
    }

    private Trace Make(int number)
    {
        var run = RunId.Parse(Guid.CreateVersion7(Start.AddSeconds(number)).ToString("D"));
        var (goal, plan, context) = (Commit("\"measure\""), Commit("""[{"params":{"url":"http://localhost/"},"skill":"http_call"}]"""), Commit("""{"agent_name":"bench","worker":"w1"}"""));
        var header = new TraceHeader
        {
            AgentId = AgentId.Parse("agent-1"), ContextHash = context.Hash, CorrelationId = CorrelationId.Parse(run.Value), Format = TraceHeader.CurrentFormat, FrozenTimestamp = null, GoalHash = goal.Hash,
            IsSynthetic = false, OriginSystemId = "benchmark", PlanHash = plan.Hash, Planner = "given", RunId = run, Seed = new SafeInteger(42), StartedAt = Start.AddSeconds(number), SyntheticScenarioId = null,
            TenantId = Tenant, TraceId = TraceId.Of(run),
        };
        var (first, tree) = (_hasher.Link(header), new MerkleTree());
        var link = first;
        var steps = new List<Step>(options.TraceSteps);
        for (var i = 0; i < options.TraceSteps; i++)
        {
            var step = new Step(Commit(Noise("url", options.ParamsBytes)), Commit(Noise("body", options.OutcomeBytes)), Commit("""{"attempt":1,"plan_index":0,"plan_step":"step_1","worker":"w1"}"""), $"{run}:{i}", header.StartedAt.AddMilliseconds(i));
            link = step.Link = _hasher.Link(link, step.Of(i));
            tree.Append(link);
            steps.Add(step);
        }

        var seal = new TraceSeal { ChainLength = steps.Count, CompletedAt = header.StartedAt.AddSeconds(1), MetadataHash = null, Status = SealStatus.Completed, StepsRoot = tree.Root() };
        var root = _hasher.Root(link, seal);
        var entries = ((string, byte[])[])[("opened", CanonicalBytes.Of(OpenedEntry.Of(header, first))), ("sealed", CanonicalBytes.Of(SealedEntry.Of(header, seal, root)))];
        var position = _tree.Size;
        foreach (var (_, entry) in entries)
            _tree.AppendLeafHash(MerkleTree.LeafHash(entry));
        return new Trace(header, goal, plan, context, first, steps, seal, root, position, [.. entries.Select(static entry => (entry.Item1, Encoding.UTF8.GetString(entry.Item2)))]);
    }

    private Payload Commit(string text)
    {
        var salt = new byte[Commitment.SaltLength];
        _random.NextBytes(salt);
        return new Payload(text, salt, Commitment.To(salt, Encoding.UTF8.GetBytes(text)));
    }

    private string Noise(string member, int bytes)
    {
        var noise = new byte[bytes];
        _random.NextBytes(noise);
        var frame = $$"""{"{{member}}":""}""".Length;
        return $$"""{"{{member}}":"{{Convert.ToBase64String(noise)[..(bytes - frame)]}}"}""";
    }

    private static async Task CopyAsync(NpgsqlDataSource admin, List<Trace> traces, CancellationToken cancellationToken)
    {
        await using var connection = await admin.OpenConnectionAsync(cancellationToken);
        await WriteAsync(connection, "COPY runs (id, tenant_id, agent_id, goal, origin_system_id, correlation_id, planner, plan_json, plan_redacted, status, attempts, seed, is_synthetic, created_at, started_at, completed_at)", traces, static async (copy, trace) =>
        {
            foreach (var value in (object[])[trace.Header.RunId.Value, "bench", "agent-1", trace.Goal.Text, "benchmark", trace.Header.RunId.Value, "given", trace.Plan.Text, false, "succeeded", 1, 42L, false, trace.Header.StartedAt, trace.Header.StartedAt, trace.Seal.CompletedAt])
                await copy.WriteAsync(value);
        });
        await WriteAsync(
            connection, "COPY aos_traces (trace_id, tenant_id, run_id, correlation_id, agent_id, origin_system_id, planner, seed, is_synthetic, schema_version, status, started_at, completed_at, goal, goal_salt, goal_hash, plan, plan_salt, plan_hash, context, context_salt, context_hash, link, chain_length, steps_root, root_hash)", traces, static async (copy, trace) =>
            {
                foreach (var value in (object[])[
                    trace.Header.TraceId.Value, "bench", trace.Header.RunId.Value, trace.Header.CorrelationId.Value, "agent-1", "benchmark", "given", 42L, false, "runproof/v1", "completed", trace.Header.StartedAt, trace.Seal.CompletedAt,
                    trace.Goal.Text, trace.Goal.Salt, trace.Goal.Hash.ToArray(), trace.Plan.Text, trace.Plan.Salt, trace.Plan.Hash.ToArray(), trace.Context.Text, trace.Context.Salt, trace.Context.Hash.ToArray(),
                    trace.Link.ToArray(), trace.Steps.Count, trace.Seal.StepsRoot.ToArray(), trace.Root.ToArray()])
                    await copy.WriteAsync(value);
            });
        await WriteAsync(
            connection, "COPY aos_trace_steps (trace_id, tenant_id, step_index, skill_id, skill_name, skill_version, skill_schema, status, level, outcome_category, cost_cents, duration_ms, retry_count, idempotency_key, replay_behavior, source, timestamp, params, params_salt, input_hash, outcome_data, outcome_salt, output_hash, context, context_salt, context_hash, link)",
            traces.SelectMany(static trace => trace.Steps.Select((step, i) => (trace, step, i))), static async (copy, row) =>
            {
                var (trace, step, i) = row;
                foreach (var value in (object[])[
                    trace.Header.TraceId.Value, "bench", i, "http_call", "http_call", "1", Step.Schema.ToArray(), "succeeded", "INFO", "SUCCESS", 0m, 12.345, 0, step.Key, "execute", "engine", step.Timestamp,
                    step.Input.Text, step.Input.Salt, step.Input.Hash.ToArray(), step.Output.Text, step.Output.Salt, step.Output.Hash.ToArray(), step.Context.Text, step.Context.Salt, step.Context.Hash.ToArray(), step.Link.ToArray()])
                    await copy.WriteAsync(value);
            });
        await WriteAsync(connection, "COPY runproof.log_entries (tenant_id, position, kind, trace_id, run_id, entry)", traces.SelectMany(static trace => trace.Entries.Select((entry, i) => (trace, entry, trace.Position + i))), static async (copy, row) =>
        {
            foreach (var value in (object[])["bench", row.Item3, row.entry.Kind, row.trace.Header.TraceId.Value, row.trace.Header.RunId.Value, row.entry.Text])
                await copy.WriteAsync(value);
        });
    }

    private static async Task WriteAsync<T>(NpgsqlConnection connection, string copy, IEnumerable<T> rows, Func<NpgsqlBinaryImporter, T, Task> write)
    {
        await using var import = await connection.BeginBinaryImportAsync(copy + " FROM STDIN (FORMAT binary)");
        foreach (var row in rows)
        {
            await import.StartRowAsync();
            await write(import, row);
        }

        await import.CompleteAsync();
    }

    private static async Task ExecuteAsync(NpgsqlDataSource admin, string sql)
    {
        foreach (var statement in sql.StartsWith("DO", StringComparison.Ordinal) ? [sql] : sql.Split(';'))
        {
            await using var command = admin.CreateCommand(statement);
            command.CommandTimeout = 0;
            await command.ExecuteNonQueryAsync();
        }
    }

    private sealed record Payload(string Text, byte[] Salt, Digest Hash);

    private sealed record Trace(TraceHeader Header, Payload Goal, Payload Plan, Payload Context, Digest Link, List<Step> Steps, TraceSeal Seal, Digest Root, long Position, (string Kind, string Text)[] Entries);

    private sealed record Step(Payload Input, Payload Output, Payload Context, string Key, DateTimeOffset Timestamp)
    {
        internal static readonly Digest Schema = Digest.Of("schema"u8);

        internal Digest Link { get; set; }

        internal TraceStep Of(int index) => new()
        {
            ContextHash = Context.Hash, CostCents = 0, DurationMs = 12.345, IdempotencyKey = Key, InputHash = Input.Hash, Level = StepLevel.Info, OutcomeCategory = "SUCCESS", OutcomeCode = null, OutputHash = Output.Hash,
            ReplayBehavior = ReplayBehavior.Execute, RetryCount = 0, RngStateBefore = null, Schema = Schema, SkillId = "http_call", SkillName = "http_call", SkillVersion = "1", Source = StepSource.Engine,
            Status = StepStatus.Succeeded, StepIndex = index, Timestamp = Timestamp,
        };
    }
}
