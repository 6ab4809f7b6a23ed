using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RunProof.Format;
using RunProof.Verification.Tests;

namespace RunProof.Verifier.Tests;

/// <summary>What a forger knows of the format, which is public: everything. A trace that was changed gets all of its hashes anew and is whole again.</summary>
internal static class ForgedTrace
{
    /// <summary>Numbers the steps from 0, and recomputes commitments' followers: every link, steps_root, chain_length, root_hash.</summary>
    internal static Evidence Relink(this Evidence changed)
    {
        var hasher = new ChainHasher();
        var link = hasher.Link(Header(changed.Trace));
        var trace = changed.Trace with { HeaderLink = link.ToArray() };
        var (tree, steps) = (new MerkleTree(), new List<RecordedStep>());
        foreach (var step in changed.Steps)
        {
            var numbered = step with { StepIndex = steps.Count };
            link = hasher.Link(link, Step(numbered));
            tree.Append(link);
            steps.Add(numbered with { Link = link.ToArray() });
        }

        if (trace.Status == "running")
            return new Evidence(trace, steps);
        trace = trace with { ChainLength = steps.Count, StepsRoot = tree.Root().ToArray() };
        return new Evidence(trace with { RootHash = hasher.Root(link, Seal(trace)).ToArray() }, steps);
    }

    /// <summary>A payload that nobody recorded, with a salt and a commitment of its own.</summary>
    internal static RecordedPayload Payload(string text)
    {
        var salt = RandomNumberGenerator.GetBytes(Commitment.SaltLength);
        return new RecordedPayload(Commitment.To(salt, Encoding.UTF8.GetBytes(text)).ToArray(), salt, text, Loaded: true);
    }

    /// <summary>The entries that the log would have of this trace.</summary>
    internal static (string Opened, string Sealed) Entries(Evidence forged)
    {
        var (header, trace) = (Header(forged.Trace), forged.Trace);
        return (
            Encoding.UTF8.GetString(CanonicalBytes.Of(OpenedEntry.Of(header, new Digest(trace.HeaderLink!)))),
            Encoding.UTF8.GetString(CanonicalBytes.Of(SealedEntry.Of(header, Seal(trace), new Digest(trace.RootHash!)))));
    }

    private static TraceHeader Header(RecordedTrace trace) => new()
    {
        AgentId = trace.AgentId is { } agent ? AgentId.Parse(agent) : null,
        ContextHash = Hash(trace.Context.Commitment),
        CorrelationId = CorrelationId.Parse(trace.CorrelationId),
        Format = trace.SchemaVersion,
        FrozenTimestamp = trace.FrozenTimestamp,
        GoalHash = new Digest(trace.Goal.Commitment!),
        IsSynthetic = trace.IsSynthetic!.Value,
        OriginSystemId = trace.OriginSystemId,
        PlanHash = new Digest(trace.Plan.Commitment!),
        Planner = trace.Planner,
        RunId = RunId.Parse(trace.RunId),
        Seed = new SafeInteger(trace.Seed!.Value),
        StartedAt = trace.StartedAt,
        SyntheticScenarioId = trace.SyntheticScenarioId,
        TenantId = TenantId.Parse(trace.TenantId),
        TraceId = TraceId.Parse(trace.TraceId),
    };

    private static TraceStep Step(RecordedStep step) => new()
    {
        ContextHash = Hash(step.Context.Commitment),
        CostCents = decimal.Parse(step.CostCents, CultureInfo.InvariantCulture),
        DurationMs = step.DurationMs,
        IdempotencyKey = step.IdempotencyKey,
        InputHash = new Digest(step.Input.Commitment!),
        Level = Wire.TryParse(step.Level, out StepLevel level) ? level : throw new FormatException(step.Level),
        OutcomeCategory = step.OutcomeCategory,
        OutcomeCode = step.OutcomeCode,
        OutputHash = Hash(step.Output.Commitment),
        ReplayBehavior = Wire.TryParse(step.ReplayBehavior, out ReplayBehavior replay) ? replay : throw new FormatException(step.ReplayBehavior),
        RetryCount = step.RetryCount,
        RngStateBefore = step.RngStateBefore,
        Schema = Hash(step.Schema),
        SkillId = step.SkillId,
        SkillName = step.SkillName,
        SkillVersion = step.SkillVersion,
        Source = Wire.TryParse(step.Source, out StepSource source) ? source : throw new FormatException(step.Source),
        Status = Wire.TryParse(step.Status, out StepStatus status) ? status : throw new FormatException(step.Status),
        StepIndex = step.StepIndex,
        Timestamp = step.Timestamp,
    };

    private static TraceSeal Seal(RecordedTrace trace) => new()
    {
        ChainLength = trace.ChainLength!.Value,
        CompletedAt = trace.CompletedAt!.Value,
        MetadataHash = Hash(trace.Metadata.Commitment),
        Status = Wire.TryParse(trace.Status, out SealStatus status) ? status : throw new FormatException(trace.Status),
        StepsRoot = new Digest(trace.StepsRoot!),
    };

    private static Digest? Hash(byte[]? column) => column is null ? null : new Digest(column);
}
