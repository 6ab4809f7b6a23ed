using System.Globalization;
using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Tiles;

namespace RunProof.Verification.Tests;

/// <summary>A bundle made with our code of what went into one of the independent implementation's.</summary>
internal sealed class BuiltBundle
{
    private readonly JsonElement _case;
    private readonly Dictionary<Digest, RevealedPayload> _shown = [];

    private BuiltBundle(JsonElement json) => _case = json;

    internal static ProofBundle From(string name)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Evidence.Vectors, "cases", name + ".json")));
        return new BuiltBundle(document.RootElement).Build();
    }

    private ProofBundle Build()
    {
        var header = Header(_case.GetProperty("header"));
        var steps = _case.GetProperty("steps").EnumerateArray().Select(Step).ToList();
        var (hasher, tree) = (new ChainHasher(), new MerkleTree());
        List<Digest> links = [hasher.Link(header)];
        foreach (var step in steps)
        {
            links.Add(hasher.Link(links[^1], step));
            tree.Append(links[^1]);
        }

        var given = _case.GetProperty("seal");
        Assert.True(Wire.TryParse(given.GetProperty("status").GetString()!, out SealStatus status));
        var seal = new TraceSeal
        {
            ChainLength = steps.Count,
            CompletedAt = Time(given, "completed_at")!.Value,
            MetadataHash = given.TryGetProperty("metadata_hash", out _) ? Commit(given, "metadata_hash") : null,
            Status = status,
            StepsRoot = tree.Root(),
        };
        var root = hasher.Root(links[^1], seal);
        return new ProofBundle { Header = header, Steps = steps, Seal = seal, Links = links, Payloads = _shown, RootHash = root, Log = Log(header, seal, root) };
    }

    private BundleLog? Log(TraceHeader header, TraceSeal seal, Digest root)
    {
        if (!_case.TryGetProperty("log", out var given) || given.ValueKind == JsonValueKind.Null)
            return null;
        var (size, index) = (given.GetProperty("tree_size").GetInt64(), given.GetProperty("index").GetInt64());
        var entry = CanonicalJson.Of(SealedEntry.Of(header, seal, root)).ToString();
        var leaves = Enumerable.Range(0, (int)size).Select(i => MerkleTree.LeafHash(Encoding.UTF8.GetBytes(i == index ? entry : string.Create(CultureInfo.InvariantCulture, $"entry {i}")))).ToArray();
        Digest HashOf(TreeNode node) => node.Level == 0 ? leaves[node.Index] : new TreeRange(node.Index << node.Level, (node.Index + 1) << node.Level).Halves(HashOf);
        var signer = NoteSigner.Create($"{given.GetProperty("log_name").GetString()}/{header.TenantId}", NoteAlgorithm.Ed25519, Convert.FromHexString(given.GetProperty("private_key_seed").GetString()!));
        var checkpoint = new Checkpoint(signer.Key.Name, size, new TreeRange(0, size).Hash(HashOf));
        var proof = new TlogProof(index, [.. TreeRange.OfInclusion(index, size).Select(range => range.Hash(HashOf))], new SignedNote(checkpoint.Text, [signer.Sign(checkpoint.Text, default)]));
        return new BundleLog(entry, proof.ToString(), signer.Key.ToString());
    }

    private TraceHeader Header(JsonElement json) => new()
    {
        AgentId = Text(json, "agent_id") is { } agent ? AgentId.Parse(agent) : null,
        ContextHash = Commit(json, "context_hash"),
        CorrelationId = CorrelationId.Parse(Text(json, "correlation_id")!),
        Format = TraceHeader.CurrentFormat,
        FrozenTimestamp = Time(json, "frozen_timestamp"),
        GoalHash = Commit(json, "goal_hash")!.Value,
        IsSynthetic = json.GetProperty("is_synthetic").GetBoolean(),
        OriginSystemId = Text(json, "origin_system_id")!,
        PlanHash = Commit(json, "plan_hash")!.Value,
        Planner = Text(json, "planner")!,
        RunId = RunId.Parse(Text(json, "run_id")!),
        Seed = new SafeInteger(json.GetProperty("seed").GetInt64()),
        StartedAt = Time(json, "started_at")!.Value,
        SyntheticScenarioId = Text(json, "synthetic_scenario_id"),
        TenantId = TenantId.Parse(Text(json, "tenant_id")!),
        TraceId = TraceId.Parse(Text(json, "trace_id")!),
    };

    private TraceStep Step(JsonElement json)
    {
        Assert.True(Wire.TryParse(Text(json, "status")!, out StepStatus status));
        Assert.True(Wire.TryParse(Text(json, "level")!, out StepLevel level));
        Assert.True(Wire.TryParse(Text(json, "replay_behavior")!, out ReplayBehavior replay));
        Assert.True(Wire.TryParse(Text(json, "source")!, out StepSource source));
        return new TraceStep
        {
            ContextHash = Commit(json, "context_hash"),
            CostCents = decimal.Parse(Text(json, "cost_cents")!, CultureInfo.InvariantCulture),
            DurationMs = json.GetProperty("duration_ms").GetDouble(),
            IdempotencyKey = Text(json, "idempotency_key"),
            InputHash = Commit(json, "input_hash")!.Value,
            Level = level,
            OutcomeCategory = Text(json, "outcome_category")!,
            OutcomeCode = Text(json, "outcome_code"),
            OutputHash = Commit(json, "output_hash"),
            ReplayBehavior = replay,
            RetryCount = json.GetProperty("retry_count").GetInt32(),
            RngStateBefore = Text(json, "rng_state_before"),
            Schema = Text(json, "schema") is { } schema ? Digest.Parse(schema) : null,
            SkillId = Text(json, "skill_id")!,
            SkillName = Text(json, "skill_name")!,
            SkillVersion = Text(json, "skill_version"),
            Source = source,
            Status = status,
            StepIndex = json.GetProperty("step_index").GetInt32(),
            Timestamp = Time(json, "timestamp")!.Value,
        };
    }

    private Digest? Commit(JsonElement json, string name)
    {
        if (Text(json, name) is not { } reference)
            return null;
        var payload = _case.GetProperty("payloads").GetProperty(reference);
        var shown = new RevealedPayload(payload.GetProperty("salt").GetBytesFromBase64(), payload.GetProperty("text").GetString()!);
        var commitment = Commitment.To(shown.Salt.Span, Encoding.UTF8.GetBytes(shown.Text));
        if (!payload.TryGetProperty("withheld", out var withheld) || !withheld.GetBoolean())
            _shown[commitment] = shown;
        return commitment;
    }

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();

    private static DateTimeOffset? Time(JsonElement json, string name) =>
        Text(json, name) is { } text ? DateTimeOffset.ParseExact(text, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal) : null;
}

internal static class TreeRangeOfNode
{
    /// <summary>A complete subtree's hash by the definition: its two halves.</summary>
    internal static Digest Halves(this TreeRange range, Func<TreeNode, Digest> hashOf)
    {
        var level = System.Numerics.BitOperations.Log2((ulong)(range.End - range.Start)) - 1;
        var left = range.Start >> level;
        return MerkleTree.NodeHash(hashOf(new TreeNode(level, left)), hashOf(new TreeNode(level, left + 1)));
    }
}
