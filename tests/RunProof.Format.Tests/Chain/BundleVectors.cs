using System.Globalization;
using System.Text;
using System.Text.Json;

namespace RunProof.Format.Tests;

/// <summary>The bundles of an independent implementation: our records of the same data have the same links, roots and commitments.</summary>
public sealed class BundleVectors
{
    public static TheoryData<string> Bundles =>
        [.. Directory.GetFiles(Vectors.PathOf("runproof", "bundles"), "*.json").Select(path => Path.GetFileNameWithoutExtension(path)!).Order(StringComparer.Ordinal)];

    [Fact]
    public void There_are_sixteen_bundles() => Assert.Equal(16, Bundles.Count);

    [Theory]
    [MemberData(nameof(Bundles))]
    public void The_chain_has_the_given_links_and_roots(string name)
    {
        var bundle = Vectors.Json("runproof", "bundles", name + ".json");
        var links = bundle.GetProperty("links").EnumerateArray().Select(link => link.GetString()).ToArray();
        var hasher = new ChainHasher();
        var tree = new MerkleTree();

        var link = hasher.Link(Header(bundle.GetProperty("header")));
        Assert.Equal(links[0], link.ToString());
        var i = 0;
        foreach (var step in bundle.GetProperty("steps").EnumerateArray())
        {
            link = hasher.Link(link, Step(step));
            tree.Append(link);
            Assert.Equal(links[++i], link.ToString());
        }

        var seal = Seal(bundle.GetProperty("seal"));
        Assert.Equal(links.Length - 1, i);
        Assert.Equal(seal.StepsRoot, tree.Root());
        Assert.Equal(bundle.GetProperty("root_hash").GetString(), hasher.Root(link, seal).ToString());
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public void The_records_have_the_bytes_of_the_JSON_they_were_read_from(string name)
    {
        var bundle = Vectors.Json("runproof", "bundles", name + ".json");

        Assert.Equal(SlowCanonicalizer.Canonicalize(bundle.GetProperty("header")), CanonicalJson.Of(Header(bundle.GetProperty("header"))).ToString());
        Assert.Equal(SlowCanonicalizer.Canonicalize(bundle.GetProperty("seal")), CanonicalJson.Of(Seal(bundle.GetProperty("seal"))).ToString());
        foreach (var step in bundle.GetProperty("steps").EnumerateArray())
            Assert.Equal(SlowCanonicalizer.Canonicalize(step), CanonicalJson.Of(Step(step)).ToString());
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public void Revealed_payloads_have_their_commitments(string name)
    {
        foreach (var payload in Vectors.Json("runproof", "bundles", name + ".json").GetProperty("payloads").EnumerateObject())
        {
            var commitment = Commitment.To(payload.Value.GetProperty("salt").GetBytesFromBase64(), Encoding.UTF8.GetBytes(payload.Value.GetProperty("text").GetString()!));
            Assert.Equal(payload.Name, commitment.ToString());
        }
    }

    [Fact]
    public void A_commitment_to_a_large_payload_is_the_same_hash()
    {
        var salt = Enumerable.Range(0, 16).Select(i => (byte)i).ToArray();
        foreach (var length in new[] { 0, 1, 4059, 4060, 4061, 100_000 })
        {
            var payload = new byte[length];
            var expected = System.Security.Cryptography.SHA256.HashData([.. "runproof/v1/payload\n"u8, .. salt, .. payload]);
            Assert.Equal(Convert.ToHexStringLower(expected), Commitment.To(salt, payload).ToString());
        }
    }

    internal static TraceHeader Header(JsonElement json) => new()
    {
        AgentId = json.GetProperty("agent_id").GetString() is { } agent ? AgentId.Parse(agent) : null,
        ContextHash = Hash(json, "context_hash"),
        CorrelationId = CorrelationId.Parse(json.GetProperty("correlation_id").GetString()!),
        Format = json.GetProperty("format").GetString()!,
        FrozenTimestamp = json.GetProperty("frozen_timestamp").ValueKind == JsonValueKind.Null ? null : Time(json, "frozen_timestamp"),
        GoalHash = Hash(json, "goal_hash")!.Value,
        IsSynthetic = json.GetProperty("is_synthetic").GetBoolean(),
        OriginSystemId = json.GetProperty("origin_system_id").GetString()!,
        PlanHash = Hash(json, "plan_hash")!.Value,
        Planner = json.GetProperty("planner").GetString()!,
        RunId = RunId.Parse(json.GetProperty("run_id").GetString()!),
        Seed = new SafeInteger(json.GetProperty("seed").GetInt64()),
        StartedAt = Time(json, "started_at"),
        SyntheticScenarioId = json.GetProperty("synthetic_scenario_id").GetString(),
        TenantId = TenantId.Parse(json.GetProperty("tenant_id").GetString()!),
        TraceId = TraceId.Parse(json.GetProperty("trace_id").GetString()!),
    };

    internal static TraceStep Step(JsonElement json)
    {
        Assert.True(Wire.TryParse(json.GetProperty("level").GetString(), out StepLevel level));
        Assert.True(Wire.TryParse(json.GetProperty("status").GetString(), out StepStatus status));
        Assert.True(Wire.TryParse(json.GetProperty("source").GetString(), out StepSource source));
        Assert.True(Wire.TryParse(json.GetProperty("replay_behavior").GetString(), out ReplayBehavior replay));
        Assert.Equal(level, Wire.LevelOf(status));
        return new TraceStep
        {
            ContextHash = Hash(json, "context_hash"),
            CostCents = decimal.Parse(json.GetProperty("cost_cents").GetString()!, CultureInfo.InvariantCulture),
            DurationMs = json.GetProperty("duration_ms").GetDouble(),
            IdempotencyKey = json.GetProperty("idempotency_key").GetString(),
            InputHash = Hash(json, "input_hash")!.Value,
            Level = level,
            OutcomeCategory = json.GetProperty("outcome_category").GetString()!,
            OutcomeCode = json.GetProperty("outcome_code").GetString(),
            OutputHash = Hash(json, "output_hash"),
            ReplayBehavior = replay,
            RetryCount = json.GetProperty("retry_count").GetInt32(),
            RngStateBefore = json.GetProperty("rng_state_before").GetString(),
            Schema = Hash(json, "schema"),
            SkillId = json.GetProperty("skill_id").GetString()!,
            SkillName = json.GetProperty("skill_name").GetString()!,
            SkillVersion = json.GetProperty("skill_version").GetString(),
            Source = source,
            Status = status,
            StepIndex = json.GetProperty("step_index").GetInt32(),
            Timestamp = Time(json, "timestamp"),
        };
    }

    private static TraceSeal Seal(JsonElement json)
    {
        Assert.True(Wire.TryParse(json.GetProperty("status").GetString(), out SealStatus status));
        return new TraceSeal
        {
            ChainLength = json.GetProperty("chain_length").GetInt32(),
            CompletedAt = Time(json, "completed_at"),
            MetadataHash = Hash(json, "metadata_hash"),
            Status = status,
            StepsRoot = Hash(json, "steps_root")!.Value,
        };
    }

    private static Digest? Hash(JsonElement json, string name) => json.GetProperty(name).GetString() is { } hex ? Digest.Parse(hex) : null;

    private static DateTimeOffset Time(JsonElement json, string name)
    {
        Assert.True(WireTime.TryParse(json.GetProperty(name).GetString(), out var time));
        return time;
    }
}
