// TEMPORARY: written by a script until RunProof.Generators emits the same; delete when the generator lands.
using System.Text.Json;
namespace RunProof.Format;
public sealed partial record TraceHeader : ICanonical<TraceHeader> {
 public static string CanonicalFingerprint => "temporary";
 public static string CanonicalSchema => "temporary";
 public static string JsonSchema => "{}";
 public static TraceHeader BindJson(JsonElement json, string place) => throw new JsonBindingException(place, "temporary");
 public static void WriteCanonical(ref CanonicalWriter writer, TraceHeader value) {
  writer.WriteRaw("{\"agent_id\":"u8);
  if (value.AgentId is { } vAgentId) { vAgentId.WriteCanonical(ref writer); } else writer.WriteNull();
  writer.WriteRaw(",\"context_hash\":"u8);
  if (value.ContextHash is { } vContextHash) { vContextHash.WriteCanonical(ref writer); } else writer.WriteNull();
  writer.WriteRaw(",\"correlation_id\":"u8);
  { value.CorrelationId.WriteCanonical(ref writer); }
  writer.WriteRaw(",\"format\":"u8);
  { writer.WriteString(value.Format); }
  writer.WriteRaw(",\"frozen_timestamp\":"u8);
  if (value.FrozenTimestamp is { } vFrozenTimestamp) { writer.WriteTime(vFrozenTimestamp); } else writer.WriteNull();
  writer.WriteRaw(",\"goal_hash\":"u8);
  { value.GoalHash.WriteCanonical(ref writer); }
  writer.WriteRaw(",\"is_synthetic\":"u8);
  { writer.WriteBoolean(value.IsSynthetic); }
  writer.WriteRaw(",\"origin_system_id\":"u8);
  { writer.WriteString(value.OriginSystemId); }
  writer.WriteRaw(",\"plan_hash\":"u8);
  { value.PlanHash.WriteCanonical(ref writer); }
  writer.WriteRaw(",\"planner\":"u8);
  { writer.WriteString(value.Planner); }
  writer.WriteRaw(",\"run_id\":"u8);
  { value.RunId.WriteCanonical(ref writer); }
  writer.WriteRaw(",\"seed\":"u8);
  { value.Seed.WriteCanonical(ref writer); }
  writer.WriteRaw(",\"started_at\":"u8);
  { writer.WriteTime(value.StartedAt); }
  writer.WriteRaw(",\"synthetic_scenario_id\":"u8);
  if (value.SyntheticScenarioId is { } vSyntheticScenarioId) { writer.WriteString(vSyntheticScenarioId); } else writer.WriteNull();
  writer.WriteRaw(",\"tenant_id\":"u8);
  { value.TenantId.WriteCanonical(ref writer); }
  writer.WriteRaw(",\"trace_id\":"u8);
  { value.TraceId.WriteCanonical(ref writer); }
  writer.WriteRaw("}"u8);
 }
}
public sealed partial record TraceStep : ICanonical<TraceStep> {
 public static string CanonicalFingerprint => "temporary";
 public static string CanonicalSchema => "temporary";
 public static string JsonSchema => "{}";
 public static TraceStep BindJson(JsonElement json, string place) => throw new JsonBindingException(place, "temporary");
 public static void WriteCanonical(ref CanonicalWriter writer, TraceStep value) {
  writer.WriteRaw("{\"context_hash\":"u8);
  if (value.ContextHash is { } vContextHash) { vContextHash.WriteCanonical(ref writer); } else writer.WriteNull();
  writer.WriteRaw(",\"cost_cents\":"u8);
  { writer.WriteDecimalString(value.CostCents); }
  writer.WriteRaw(",\"duration_ms\":"u8);
  { writer.WriteDouble(value.DurationMs); }
  writer.WriteRaw(",\"idempotency_key\":"u8);
  if (value.IdempotencyKey is { } vIdempotencyKey) { writer.WriteString(vIdempotencyKey); } else writer.WriteNull();
  writer.WriteRaw(",\"input_hash\":"u8);
  { value.InputHash.WriteCanonical(ref writer); }
  writer.WriteRaw(",\"level\":"u8);
  { writer.WriteString(Wire.Name(value.Level)); }
  writer.WriteRaw(",\"outcome_category\":"u8);
  { writer.WriteString(value.OutcomeCategory); }
  writer.WriteRaw(",\"outcome_code\":"u8);
  if (value.OutcomeCode is { } vOutcomeCode) { writer.WriteString(vOutcomeCode); } else writer.WriteNull();
  writer.WriteRaw(",\"output_hash\":"u8);
  if (value.OutputHash is { } vOutputHash) { vOutputHash.WriteCanonical(ref writer); } else writer.WriteNull();
  writer.WriteRaw(",\"replay_behavior\":"u8);
  { writer.WriteString(Wire.Name(value.ReplayBehavior)); }
  writer.WriteRaw(",\"retry_count\":"u8);
  { writer.WriteInt32(value.RetryCount); }
  writer.WriteRaw(",\"rng_state_before\":"u8);
  if (value.RngStateBefore is { } vRngStateBefore) { writer.WriteString(vRngStateBefore); } else writer.WriteNull();
  writer.WriteRaw(",\"schema\":"u8);
  if (value.Schema is { } vSchema) { vSchema.WriteCanonical(ref writer); } else writer.WriteNull();
  writer.WriteRaw(",\"skill_id\":"u8);
  { writer.WriteString(value.SkillId); }
  writer.WriteRaw(",\"skill_name\":"u8);
  { writer.WriteString(value.SkillName); }
  writer.WriteRaw(",\"skill_version\":"u8);
  if (value.SkillVersion is { } vSkillVersion) { writer.WriteString(vSkillVersion); } else writer.WriteNull();
  writer.WriteRaw(",\"source\":"u8);
  { writer.WriteString(Wire.Name(value.Source)); }
  writer.WriteRaw(",\"status\":"u8);
  { writer.WriteString(Wire.Name(value.Status)); }
  writer.WriteRaw(",\"step_index\":"u8);
  { writer.WriteInt32(value.StepIndex); }
  writer.WriteRaw(",\"timestamp\":"u8);
  { writer.WriteTime(value.Timestamp); }
  writer.WriteRaw("}"u8);
 }
}
public sealed partial record TraceSeal : ICanonical<TraceSeal> {
 public static string CanonicalFingerprint => "temporary";
 public static string CanonicalSchema => "temporary";
 public static string JsonSchema => "{}";
 public static TraceSeal BindJson(JsonElement json, string place) => throw new JsonBindingException(place, "temporary");
 public static void WriteCanonical(ref CanonicalWriter writer, TraceSeal value) {
  writer.WriteRaw("{\"chain_length\":"u8);
  { writer.WriteInt32(value.ChainLength); }
  writer.WriteRaw(",\"completed_at\":"u8);
  { writer.WriteTime(value.CompletedAt); }
  writer.WriteRaw(",\"metadata_hash\":"u8);
  if (value.MetadataHash is { } vMetadataHash) { vMetadataHash.WriteCanonical(ref writer); } else writer.WriteNull();
  writer.WriteRaw(",\"status\":"u8);
  { writer.WriteString(Wire.Name(value.Status)); }
  writer.WriteRaw(",\"steps_root\":"u8);
  { value.StepsRoot.WriteCanonical(ref writer); }
  writer.WriteRaw("}"u8);
 }
}
