using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Verification.Tests;

/// <summary>Check OPENING_AWAITED alone: a published trace is given contexts that say that it waited for the log, so its chain does not hold here. The end-to-end tests have whole ones.</summary>
public sealed class LoggedOpenings
{
    private const string Asks = """{"await_log_opening":true}""";

    private static readonly Evidence Forty = Evidence.Bundle("forty-steps");

    [Fact]
    public void Where_no_run_waited_there_is_no_such_check() => Assert.DoesNotContain(Forty.Verify().Checks, check => check.Name == "OPENING_AWAITED");

    [Fact]
    public void A_first_step_with_the_proof_of_another_opening_fails()
    {
        // The context of the trace is part of the header, so the proof that is made for one header is of no other.
        var (check, findings) = Judge(Asks, Proof(Opening("{}")));
        Assert.Equal(CheckStatus.Failed, check!.Status);
        Assert.Equal((FindingCodes.OpeningNotProven, "steps[0].context"), (findings[0].Code, findings[0].Place));
        Assert.Contains("its path does not lead from it to the root", findings[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_first_step_with_the_proof_but_no_key_at_hand_is_not_judged_to_its_end()
    {
        var (check, findings) = Judge(Asks, Proof(Opening(Asks)));
        Assert.Equal((CheckStatus.NotDone, "the first step proves that the opening was in a tree of the log before; the key that signed that tree is not at hand"), (check!.Status, check.Detail));
        Assert.Empty(findings);
    }

    [Fact]
    public void A_first_step_without_the_proof_fails()
    {
        var (check, findings) = Judge(Asks, """{"plan_step":"a"}""");
        Assert.Equal(CheckStatus.Failed, check!.Status);
        Assert.Equal("step 0: context proves nothing of the log, though the run waits for its opening to be in it", Assert.Single(findings).Message);
    }

    [Theory]
    [InlineData("""{"log_opening":7}""")]
    [InlineData("""{"log_opening":"no proof"}""")]
    [InlineData("""["log_opening":""")]
    public void A_first_step_with_something_else_in_its_place_fails(string context) => Assert.Equal(CheckStatus.Failed, Judge(Asks, context).Check!.Status);

    [Fact]
    public void A_proof_from_another_tenant_s_log_fails() =>
        Assert.Contains("from another tenant's log, runproof.local/other", Assert.Single(Judge(Asks, Proof(Opening(Asks), "runproof.local/other")).Findings).Message, StringComparison.Ordinal);

    [Fact]
    public void A_first_step_that_a_crash_interrupted_is_not_judged_and_that_is_said()
    {
        var (check, findings) = Of(With(Asks, """{"plan_step":"a"}""", "interrupted"));
        Assert.Equal((CheckStatus.NotDone, "the first step was interrupted by a crash, which hid the proof too"), (check!.Status, check.Detail));
        Assert.Empty(findings);
    }

    [Fact]
    public void A_first_step_whose_context_is_withheld_is_not_judged_and_that_is_said()
    {
        var evidence = With(Asks, "{}", "succeeded");
        var (check, findings) = Of(evidence.With(0, step => step with { Context = step.Context with { Salt = null, Text = null } }));
        Assert.Equal((CheckStatus.NotDone, "the first step's context, which has the proof, is withheld or erased"), (check!.Status, check.Detail));
        Assert.Empty(findings);
    }

    private static (Check? Check, IReadOnlyList<Finding> Findings) Judge(string header, string step) => Of(With(header, step, "succeeded"));

    private static (Check? Check, IReadOnlyList<Finding> Findings) Of(Evidence evidence)
    {
        var report = evidence.Verify();
        return (report.Checks.SingleOrDefault(check => check.Name == "OPENING_AWAITED"), [.. report.Findings.Where(finding => finding.Code is FindingCodes.OpeningNotProven)]);
    }

    private static Evidence With(string header, string step, string status) => Forty.With(trace => trace with { Context = Payload(header) })
        .With(0, recorded => recorded with { Context = Payload(step), Status = status, Level = status == "succeeded" ? "INFO" : "ERROR" });

    // A tree of two entries: the second is the opening, recomputed from the columns of the trace as a stranger would.
    private static string Opening(string context)
    {
        var trace = With(context, "{}", "succeeded").Trace;
        var salted = Payload(context);
        var hash = "\"" + Convert.ToHexStringLower(salted.Commitment!) + "\"";
        static string Text(string? text) => text is null ? "null" : JsonSerializer.Serialize(text);
        static string Time(DateTimeOffset? time) => time is { } given ? "\"" + given.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", System.Globalization.CultureInfo.InvariantCulture) + "\"" : "null";
        var header = $$"""{"agent_id":{{Text(trace.AgentId)}},"context_hash":{{hash}},"correlation_id":{{Text(trace.CorrelationId)}},"format":"runproof/v1","frozen_timestamp":{{Time(trace.FrozenTimestamp)}},"goal_hash":"{{Convert.ToHexStringLower(trace.Goal.Commitment!)}}","is_synthetic":{{(trace.IsSynthetic is true ? "true" : "false")}},"origin_system_id":{{Text(trace.OriginSystemId)}},"plan_hash":"{{Convert.ToHexStringLower(trace.Plan.Commitment!)}}","planner":{{Text(trace.Planner)}},"run_id":{{Text(trace.RunId)}},"seed":{{trace.Seed}},"started_at":{{Time(trace.StartedAt)}},"synthetic_scenario_id":{{Text(trace.SyntheticScenarioId)}},"tenant_id":{{Text(trace.TenantId)}},"trace_id":{{Text(trace.TraceId)}}}""";
        var link = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("runproof/v1/header\n" + header)));
        return $$"""{"format":"runproof/v1","kind":"opened","link":"{{link}}","run_id":{{Text(trace.RunId)}},"started_at":{{Time(trace.StartedAt)}},"tenant_id":{{Text(trace.TenantId)}},"trace_id":{{Text(trace.TraceId)}}}""";
    }

    private static string Proof(string entry, string? origin = null)
    {
        var first = SHA256.HashData([0, .. "another"u8]);
        var leaf = SHA256.HashData([0, .. Encoding.UTF8.GetBytes(entry)]);
        var root = SHA256.HashData([1, .. first, .. leaf]);
        origin ??= "runproof.local/" + Forty.Trace.TenantId;
        var signature = Convert.ToBase64String([1, 2, 3, 4, .. new byte[64]]);
        var proof = $"c2sp.org/tlog-proof@v1\nindex 1\n{Convert.ToBase64String(first)}\n\n{origin}\n2\n{Convert.ToBase64String(root)}\n\n— {origin} {signature}\n";
        return "{\"log_opening\":" + JsonSerializer.Serialize(proof, new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "}";
    }

    private static RecordedPayload Payload(string text)
    {
        var salt = new byte[16];
        return new RecordedPayload(SHA256.HashData([.. "runproof/v1/payload\n"u8, .. salt, .. Encoding.UTF8.GetBytes(text)]), salt, text, Loaded: true);
    }
}
