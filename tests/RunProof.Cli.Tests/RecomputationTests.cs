using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;

namespace RunProof.Cli.Tests;

/// <summary>The second way of working out a root hash, against bundles that an independent implementation made.</summary>
public sealed class RecomputationTests
{
    public static TheoryData<string> Bundles => [.. Directory.GetFiles(Vectors.PathOf("runproof/bundles")).Select(file => Path.GetFileNameWithoutExtension(file)!)];

    [Theory]
    [MemberData(nameof(Bundles))]
    public void Gives_the_published_root(string bundle)
    {
        var (_, _, evidence) = TamperingTests.Load(bundle);
        var recomputed = Recompute(evidence);
        Assert.Empty(recomputed.Differences);
        Assert.Equal(Convert.ToHexStringLower(evidence.Trace.RootHash!), recomputed.RootHash);
    }

    [Theory]
    [InlineData("seed-run")]
    [InlineData("tree-3")]
    public void Finds_every_change_that_verification_finds(string bundle)
    {
        var (_, _, evidence) = TamperingTests.Load(bundle);
        foreach (var tampering in Tampering.Of(evidence).Where(tampering => !tampering.Change.Contains("taken away", StringComparison.Ordinal)))
        {
            var changed = tampering.Apply(evidence);
            Assert.True(Recompute(changed).Differences.Count > 0, tampering.Change);
        }
    }

    [Fact]
    public void Writes_numbers_as_ECMAScript_does()
    {
        foreach (var line in File.ReadLines(Vectors.PathOf("jcs/es6testfile-10000.txt")))
        {
            var comma = line.IndexOf(',', StringComparison.Ordinal);
            var value = BitConverter.UInt64BitsToDouble(ulong.Parse(line[..comma], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
            Assert.Equal(line[(comma + 1)..], Recomputation.EcmaScript(value));
        }
    }

    private static RecomputedTrace Recompute(Evidence evidence) => Recomputation.Of(Row(evidence.Trace), [.. evidence.Steps.Select(Row)]);

    private static JsonElement Row(RecordedTrace trace)
    {
        var row = new JsonObject
        {
            ["trace_id"] = trace.TraceId, ["tenant_id"] = trace.TenantId, ["run_id"] = trace.RunId, ["correlation_id"] = trace.CorrelationId, ["agent_id"] = trace.AgentId,
            ["origin_system_id"] = trace.OriginSystemId, ["planner"] = trace.Planner, ["seed"] = trace.Seed, ["frozen_timestamp"] = Time(trace.FrozenTimestamp),
            ["is_synthetic"] = trace.IsSynthetic, ["synthetic_scenario_id"] = trace.SyntheticScenarioId, ["schema_version"] = trace.SchemaVersion, ["status"] = trace.Status,
            ["started_at"] = Time(trace.StartedAt), ["completed_at"] = Time(trace.CompletedAt), ["link"] = Bytea(trace.HeaderLink), ["chain_length"] = trace.ChainLength,
            ["steps_root"] = Bytea(trace.StepsRoot), ["root_hash"] = Bytea(trace.RootHash),
        };
        Add(row, "goal", "goal_salt", "goal_hash", trace.Goal);
        Add(row, "plan", "plan_salt", "plan_hash", trace.Plan);
        Add(row, "context", "context_salt", "context_hash", trace.Context);
        Add(row, "metadata", "metadata_salt", "metadata_hash", trace.Metadata);
        return JsonSerializer.SerializeToElement(row);
    }

    private static JsonElement Row(RecordedStep step)
    {
        var row = new JsonObject
        {
            ["step_index"] = step.StepIndex, ["skill_id"] = step.SkillId, ["skill_name"] = step.SkillName, ["skill_version"] = step.SkillVersion,
            ["skill_schema"] = Bytea(step.Schema), ["status"] = step.Status, ["level"] = step.Level, ["outcome_category"] = step.OutcomeCategory,
            ["outcome_code"] = step.OutcomeCode, ["cost_cents"] = JsonNode.Parse(step.CostCents), ["duration_ms"] = step.DurationMs, ["retry_count"] = step.RetryCount,
            ["idempotency_key"] = step.IdempotencyKey, ["replay_behavior"] = step.ReplayBehavior, ["rng_state_before"] = step.RngStateBefore, ["source"] = step.Source,
            ["timestamp"] = Time(step.Timestamp), ["link"] = Bytea(step.Link),
        };
        Add(row, "params", "params_salt", "input_hash", step.Input);
        Add(row, "outcome_data", "outcome_salt", "output_hash", step.Output);
        Add(row, "context", "context_salt", "context_hash", step.Context);
        return JsonSerializer.SerializeToElement(row);
    }

    private static void Add(JsonObject row, string text, string salt, string hash, RecordedPayload payload) =>
        (row[text], row[salt], row[hash]) = (payload.Text, Bytea(payload.Salt), Bytea(payload.Commitment));

    private static string? Bytea(byte[]? bytes) => bytes is null ? null : "\\x" + Convert.ToHexStringLower(bytes);

    // As to_jsonb writes it: an offset, and no zeros at the end of the fraction.
    private static string? Time(DateTimeOffset? time) => time?.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFzzz", CultureInfo.InvariantCulture);
}
