using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using RunProof.Format;
using RunProof.Testing;

namespace RunProof.Ledger.Tests;

/// <summary>A recorder over the store in memory, and records to hand to it.</summary>
internal sealed class RecorderBench : IAsyncDisposable
{
    internal static readonly DateTimeOffset Start = new(2026, 2, 10, 12, 43, 41, 549, 430, TimeSpan.Zero);

    internal RecorderBench(RecorderOptions? options = null, IRedactor? redactor = null) =>
        Recorder = new Recorder(Store, redactor ?? new NoRedaction(), Salts, Clock, options ?? new RecorderOptions(), NullLogger<Recorder>.Instance);

    internal InMemoryRecordingStore Store { get; } = new();

    internal CountingSalts Salts { get; } = new();

    internal HurriedClock Clock { get; } = new();

    internal Recorder Recorder { get; }

    public ValueTask DisposeAsync() => Recorder.DisposeAsync();

    internal static CanonicalJson Json(string canonical) => CanonicalJson.FromCanonicalBytes(Encoding.UTF8.GetBytes(canonical));

    internal static TenantId Tenant(string id = "acme") => TenantId.Parse(id);

    internal static TraceId Trace(string run = "run-1") => TraceId.Of(RunId.Parse(run));

    internal static TraceOpening Opening(string run = "run-1", string tenant = "acme") => new()
    {
        TenantId = Tenant(tenant),
        TraceId = Trace(run),
        RunId = RunId.Parse(run),
        AgentId = AgentId.Parse("agent-7"),
        CorrelationId = CorrelationId.Parse("corr-1"),
        OriginSystemId = "tests",
        Planner = "given",
        Seed = new SafeInteger(42),
        StartedAt = Start,
        Goal = Json("\"say hello\""),
        Plan = Json("[{\"skill\":\"echo\"}]"),
        Context = Json("{\"worker\":\"w1\"}"),
        FirstSteps = new StepIntent(0, 0, Start),
    };

    internal static StepRecording Step(int n = 0) => new()
    {
        SkillId = "echo",
        SkillName = "echo",
        SkillVersion = "1",
        Status = StepStatus.Succeeded,
        Decision = Decisions.Allowed,
        OutcomeCategory = "SUCCESS",
        CostCents = 1.50m,
        DurationMs = 12.5,
        IdempotencyKey = $"run-1:{n}",
        Timestamp = Start.AddSeconds(n),
        Parameters = Json($$"""{"n":{{n}}}"""),
        Outcome = Json($$"""{"message":"hello {{n}}"}"""),
        Context = Json("""{"attempt":1,"worker":"w1"}"""),
    };

    internal static TraceClosing Closing(SealStatus status = SealStatus.Completed) => new()
    {
        Status = status, CompletedAt = Start.AddSeconds(9), Metadata = Json("""{"steps":1}"""),
    };

    internal async Task<ITraceSession> OpenAsync(string run = "run-1", string tenant = "acme") =>
        await Recorder.OpenAsync(Opening(run, tenant), CancellationToken.None);

    internal InMemoryRecordingStore.Stored Stored(string run = "run-1", string tenant = "acme") => Store[Tenant(tenant), Trace(run)];
}

internal static class SessionCalls
{
    internal static Task<Digest> Append(this ITraceSession session, StepRecording step, StepIntent? next = null, CancellationToken cancellationToken = default) =>
        session.AppendAsync(step, next, cancellationToken).AsTask();

    internal static Task<Digest> Seal(this ITraceSession session, TraceClosing closing, CancellationToken cancellationToken = default) =>
        session.SealAsync(closing, cancellationToken).AsTask();

    internal static async Task<RecordingException> Fails(this Task call, RecordingFailure failure)
    {
        var exception = await Assert.ThrowsAsync<RecordingException>(() => call);
        Assert.Equal(failure, exception.Failure);
        return exception;
    }
}
