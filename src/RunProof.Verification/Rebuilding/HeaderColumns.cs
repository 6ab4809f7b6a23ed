using RunProof.Format;

namespace RunProof.Verification;

/// <summary>The header, from the columns of its trace.</summary>
internal static class HeaderColumns
{
    /// <returns>The header; null where a column is no value of the format, which is then among the findings.</returns>
    internal static TraceHeader? Rebuild(RecordedTrace trace, List<Judged> findings)
    {
        var columns = new ColumnReader(Place.Header, EvidenceCheck.Header, findings);
        var header = new TraceHeader
        {
            AgentId = columns.OptionalIdentity<AgentId>("agent_id", trace.AgentId),
            ContextHash = columns.OptionalDigest("context_hash", trace.Context.Commitment),
            CorrelationId = columns.Identity<CorrelationId>("correlation_id", trace.CorrelationId),
            Format = columns.Text("schema_version", trace.SchemaVersion),
            FrozenTimestamp = columns.OptionalTime("frozen_timestamp", trace.FrozenTimestamp),
            GoalHash = columns.Digest("goal_hash", trace.Goal.Commitment),
            IsSynthetic = columns.Boolean("is_synthetic", trace.IsSynthetic),
            OriginSystemId = columns.Text("origin_system_id", trace.OriginSystemId),
            PlanHash = columns.Digest("plan_hash", trace.Plan.Commitment),
            Planner = columns.Text("planner", trace.Planner),
            RunId = columns.Identity<RunId>("run_id", trace.RunId),
            Seed = columns.SafeInteger("seed", trace.Seed),
            StartedAt = columns.Time("started_at", trace.StartedAt),
            SyntheticScenarioId = columns.OptionalText("synthetic_scenario_id", trace.SyntheticScenarioId),
            TenantId = columns.Identity<TenantId>("tenant_id", trace.TenantId),
            TraceId = columns.Identity<TraceId>("trace_id", trace.TraceId),
        };
        if (header.Format != TraceHeader.CurrentFormat && trace.SchemaVersion is not null)
            columns.RefuseWord("schema_version", trace.SchemaVersion);
        return columns.IsWhole ? header : null;
    }
}
