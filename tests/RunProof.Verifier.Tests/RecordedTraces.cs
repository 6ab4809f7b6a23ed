using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Testing;

namespace RunProof.Verifier.Tests;

/// <summary>Traces as a runner records them, under its own role: run <c>n</c> has the trace <c>trace_n</c>, its second attempt <c>trace_n.2</c>.</summary>
internal static class RecordedTraces
{
    internal static async Task RecordAsync(TestDatabase database, string tenant, int count, int from = 0, int steps = 0, bool seal = true, int attempt = 1)
    {
        await using var runner = NpgsqlDataSource.Create(database.RunnerConnectionString);
        await using var recorder = new Recorder(new PostgresRecordingStore(runner), new Redactor(), new RandomSaltSource(), TimeProvider.System, new RecorderOptions(), NullLogger<Recorder>.Instance);
        for (var number = from; number < from + count; number++)
        {
            var session = await recorder.OpenAsync(Opening(tenant, number, attempt), default);
            for (var index = 0; index < steps; index++)
                await session.AppendAsync(Step(index), null, default);
            if (seal)
                await session.SealAsync(new TraceClosing { Status = SealStatus.Completed, CompletedAt = DateTimeOffset.UnixEpoch }, default);
        }
    }

    private static TraceOpening Opening(string tenant, int number, int attempt) => new()
    {
        TenantId = TenantId.Parse(tenant),
        TraceId = TraceId.Of(RunId.Parse($"{number}"), attempt),
        RunId = RunId.Parse($"{number}"),
        CorrelationId = CorrelationId.Parse("c"),
        OriginSystemId = "tests",
        Planner = "given",
        Seed = new SafeInteger(1),
        StartedAt = DateTimeOffset.UnixEpoch,
        Goal = CanonicalJson.Parse("\"a goal\""u8),
        Plan = CanonicalJson.Parse("[]"u8),
    };

    private static StepRecording Step(int index) => new()
    {
        SkillId = "echo",
        SkillName = "echo",
        SkillVersion = "1.0.0",
        Status = StepStatus.Succeeded,
        Decision = Decisions.Allowed,
        OutcomeCategory = "SUCCESS",
        DurationMs = 12.25,
        IdempotencyKey = $"key:{index}",
        Timestamp = DateTimeOffset.UnixEpoch.AddSeconds(index),
        Parameters = CanonicalJson.Parse(Encoding.UTF8.GetBytes($$"""{"text":"step {{index}}"}""")),
        Outcome = CanonicalJson.Parse(Encoding.UTF8.GetBytes($$"""{"text":"done {{index}}"}""")),
    };
}
