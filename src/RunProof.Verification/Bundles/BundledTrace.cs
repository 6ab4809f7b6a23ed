using RunProof.Format;

namespace RunProof.Verification;

/// <summary>A bundle's records as a store would have recorded them, so that one judge serves both.</summary>
internal static class BundledTrace
{
    internal static RecordedTrace Header(ProofBundle bundle)
    {
        var (header, seal) = (bundle.Header, bundle.Seal);
        return new RecordedTrace
        {
            TenantId = header.TenantId.Value,
            TraceId = header.TraceId.Value,
            RunId = header.RunId.Value,
            CorrelationId = header.CorrelationId.Value,
            AgentId = header.AgentId?.Value,
            OriginSystemId = header.OriginSystemId,
            Planner = header.Planner,
            Seed = header.Seed.Value,
            FrozenTimestamp = header.FrozenTimestamp,
            IsSynthetic = header.IsSynthetic,
            SyntheticScenarioId = header.SyntheticScenarioId,
            SchemaVersion = header.Format,
            StartedAt = header.StartedAt,
            Status = Wire.Name(seal.Status),
            CompletedAt = seal.CompletedAt,
            ArchivedAt = null,
            Goal = Payload(bundle, header.GoalHash),
            Plan = Payload(bundle, header.PlanHash),
            Context = Payload(bundle, header.ContextHash),
            Metadata = Payload(bundle, seal.MetadataHash),
            HeaderLink = Link(bundle, 0),
            ChainLength = seal.ChainLength,
            StepsRoot = seal.StepsRoot.ToArray(),
            RootHash = bundle.RootHash.ToArray(),
        };
    }

    internal static IEnumerable<RecordedStep> Steps(ProofBundle bundle) => bundle.Steps.Select((step, i) => new RecordedStep
    {
        StepIndex = step.StepIndex,
        SkillId = step.SkillId,
        SkillName = step.SkillName,
        SkillVersion = step.SkillVersion,
        Schema = step.Schema?.ToArray(),
        Status = Wire.Name(step.Status),
        Level = Wire.Name(step.Level),
        OutcomeCategory = step.OutcomeCategory,
        OutcomeCode = step.OutcomeCode,
        CostCents = step.CostCents.ToString(System.Globalization.CultureInfo.InvariantCulture),
        DurationMs = step.DurationMs,
        RetryCount = step.RetryCount,
        IdempotencyKey = step.IdempotencyKey,
        ReplayBehavior = Wire.Name(step.ReplayBehavior),
        RngStateBefore = step.RngStateBefore,
        Source = Wire.Name(step.Source),
        Timestamp = step.Timestamp,
        Input = Payload(bundle, step.InputHash),
        Output = Payload(bundle, step.OutputHash),
        Context = Payload(bundle, step.ContextHash),
        Link = Link(bundle, i + 1),
    });

    /// <summary>Everything that the records are committed to.</summary>
    internal static HashSet<Digest> Commitments(ProofBundle bundle) =>
    [
        .. new[] { bundle.Header.GoalHash, bundle.Header.PlanHash, bundle.Header.ContextHash, bundle.Seal.MetadataHash }
            .Concat(bundle.Steps.SelectMany(static step => new[] { step.InputHash, step.OutputHash, step.ContextHash }))
            .OfType<Digest>(),
    ];

    private static RecordedPayload Payload(ProofBundle bundle, Digest? commitment)
    {
        if (commitment is not { } digest)
            return new RecordedPayload(null, null, null, Loaded: true);
        return bundle.Payloads.TryGetValue(digest, out var shown)
            ? new RecordedPayload(digest.ToArray(), shown.Salt.ToArray(), shown.Text, Loaded: true)
            : new RecordedPayload(digest.ToArray(), null, null, Loaded: true);
    }

    private static byte[]? Link(ProofBundle bundle, int index) => index < bundle.Links.Count ? bundle.Links[index].ToArray() : null;
}
