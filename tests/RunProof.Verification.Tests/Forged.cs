using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using RunProof.Format;

namespace RunProof.Verification.Tests;

/// <summary>What a careful forger computes, by plain SHA-256 over text written out here: independent of the serializer under test.</summary>
internal static class Forged
{
    /// <summary>A fortieth-and-first step that continues from the last link of forty-steps.</summary>
    internal static RecordedStep Append(RecordedStep last)
    {
        var input = Convert.ToHexStringLower(last.Input.Commitment!);
        var canonical = "{\"context_hash\":null,\"cost_cents\":\"0\",\"duration_ms\":1.5,\"idempotency_key\":null,\"input_hash\":\"" + input
            + "\",\"level\":\"INFO\",\"outcome_category\":\"SUCCESS\",\"outcome_code\":null,\"output_hash\":null,\"replay_behavior\":\"execute\",\"retry_count\":0,"
            + "\"rng_state_before\":null,\"schema\":null,\"skill_id\":\"echo\",\"skill_name\":\"echo\",\"skill_version\":null,\"source\":\"engine\",\"status\":\"succeeded\","
            + "\"step_index\":40,\"timestamp\":\"2026-02-10T12:43:42.000000Z\"}";
        var none = new RecordedPayload(null, null, null, Loaded: true);
        return new RecordedStep
        {
            StepIndex = 40,
            SkillId = "echo",
            SkillName = "echo",
            SkillVersion = null,
            Schema = null,
            Status = "succeeded",
            Level = "INFO",
            OutcomeCategory = "SUCCESS",
            OutcomeCode = null,
            CostCents = "0.00",
            DurationMs = 1.5,
            RetryCount = 0,
            IdempotencyKey = null,
            ReplayBehavior = "execute",
            RngStateBefore = null,
            Source = "engine",
            Timestamp = new DateTimeOffset(2026, 2, 10, 12, 43, 42, TimeSpan.Zero),
            Input = last.Input,
            Output = none,
            Context = none,
            Link = SHA256.HashData([.. "runproof/v1/step\n"u8, .. last.Link!, .. Encoding.UTF8.GetBytes(canonical)]),
        };
    }
}
