using System.Text;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;

namespace RunProof.Benchmarks;

/// <summary>Runs of equal steps whose payloads have a fixed size and do not compress.</summary>
internal sealed class Workload
{
    internal static readonly TenantId Tenant = TenantId.Parse("bench");

    private readonly CanonicalJson[] _parameters;
    private readonly CanonicalJson[] _outcomes;
    private readonly CanonicalJson _context = Json("""{"attempt":1,"plan_index":0,"plan_step":"step_1","worker":"benchmark"}""");
    private readonly CanonicalJson _goal = Json("\"measure durable steps\"");
    private readonly CanonicalJson _plan;
    private readonly RecordOptions _options;

    internal Workload(RecordOptions options)
    {
        _options = options;
        _parameters = Payloads(options.ParamsBytes, "url");
        _outcomes = Payloads(options.OutcomeBytes, "body");
        _plan = Json("[" + string.Join(',', Enumerable.Repeat("""{"params":{"url":"http://localhost/"},"skill":"http_call"}""", options.Steps)) + "]");
    }

    /// <summary>Payload bytes of a step as they are stored: parameters, outcome, context.</summary>
    internal int StepBytes => _options.ParamsBytes + _options.OutcomeBytes + _context.Bytes.Length + Decisions.Allowed.Evidence.Bytes.Length;

    /// <summary>Payload bytes of a run beside its steps.</summary>
    internal int RunBytes => _goal.Bytes.Length + _plan.Bytes.Length;

    internal TraceOpening Opening(RunId run) => new()
    {
        TenantId = Tenant,
        TraceId = TraceId.Of(run),
        RunId = run,
        AgentId = AgentId.Parse("agent-1"),
        CorrelationId = CorrelationId.Parse(run.Value),
        OriginSystemId = "benchmark",
        Planner = "given",
        StartedAt = DateTimeOffset.UtcNow,
        Goal = _goal,
        Plan = _plan,
        FirstSteps = new StepIntent(0, 0, DateTimeOffset.UtcNow),
    };

    internal StepRecording Step(RunId run, int index) => new()
    {
        SkillId = "http_call",
        SkillName = "http_call",
        SkillVersion = "1",
        Schema = Digest.Of("schema"u8),
        Status = StepStatus.Succeeded,
        Decision = Decisions.Allowed,
        OutcomeCategory = "SUCCESS",
        DurationMs = 12.345,
        IdempotencyKey = $"{run}:{index}",
        Timestamp = DateTimeOffset.UtcNow,
        Parameters = _parameters[index % _parameters.Length],
        Outcome = _outcomes[index % _outcomes.Length],
        Context = _context,
    };

    internal StepIntent? After(int index) => index + 1 < _options.Steps ? new StepIntent(index + 1, 0, DateTimeOffset.UtcNow) : null;

    internal static TraceClosing Closing() => new() { Status = SealStatus.Completed, CompletedAt = DateTimeOffset.UtcNow };

    private static CanonicalJson[] Payloads(int bytes, string member)
    {
        var random = new Random(7);
        var noise = new byte[bytes];
        return [.. Enumerable.Range(0, 64).Select(_ =>
        {
            random.NextBytes(noise);
            var frame = $$"""{"{{member}}":""}""".Length;
            return Json($$"""{"{{member}}":"{{Convert.ToBase64String(noise)[..(bytes - frame)]}}"}""");
        })];
    }

    private static CanonicalJson Json(string canonical) => CanonicalJson.FromCanonicalBytes(Encoding.UTF8.GetBytes(canonical));
}
