using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using RunProof.Format;

namespace RunProof.Benchmarks;

/// <summary>
/// Canonical bytes by the generated serializer, against System.Text.Json's source-generated writer on the same record, both into a reused buffer.
/// Ours also sorts names, spells decimals and times out and escapes minimally; it must take no more time, and allocate nothing.
/// </summary>
[MemoryDiagnoser]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class CanonicalSerializerBenchmark
{
    private readonly ArrayBufferWriter<byte> _buffer = new(4096);
    private readonly ToolCall _call = ToolCall.Sample();
    private readonly TraceStep _step = SampleStep();
    private byte[] _outside = [];
    private Utf8JsonWriter _writer = null!;

    [GlobalSetup]
    public void Setup()
    {
        // The encoder that escapes as little as we do: its default one would be slower.
        _writer = new Utf8JsonWriter(_buffer, new JsonWriterOptions { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        _outside = JsonSerializer.SerializeToUtf8Bytes(_call, BenchmarkJsonContext.Default.ToolCall);
    }

    [Benchmark(Baseline = true, Description = "System.Text.Json")]
    [BenchmarkCategory("1.1 KB record")]
    public int SystemTextJsonRecord() => Write(_call, BenchmarkJsonContext.Default.ToolCall);

    [Benchmark(Description = "RunProof")]
    [BenchmarkCategory("1.1 KB record")]
    public int CanonicalRecord()
    {
        _buffer.ResetWrittenCount();
        CanonicalBytes.Write(_buffer, _call);
        return _buffer.WrittenCount;
    }

    [Benchmark(Baseline = true, Description = "System.Text.Json")]
    [BenchmarkCategory("step")]
    public int SystemTextJsonStep() => Write(_step, BenchmarkJsonContext.Default.TraceStep);

    [Benchmark(Description = "RunProof")]
    [BenchmarkCategory("step")]
    public int CanonicalStep()
    {
        _buffer.ResetWrittenCount();
        CanonicalBytes.Write(_buffer, _step);
        return _buffer.WrittenCount;
    }

    [Benchmark(Baseline = true, Description = "JsonDocument.Parse")]
    [BenchmarkCategory("outside JSON")]
    public int ParseOnly()
    {
        using var document = JsonDocument.Parse(_outside);
        return document.RootElement.GetPropertyCount();
    }

    [Benchmark(Description = "CanonicalJson.FromOutside")]
    [BenchmarkCategory("outside JSON")]
    public int FromOutside() => CanonicalJson.FromOutside(_outside, "application/json").Bytes.Length;

    private int Write<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        _buffer.ResetWrittenCount();
        _writer.Reset();
        JsonSerializer.Serialize(_writer, value, type);
        _writer.Flush();
        return _buffer.WrittenCount;
    }

    internal static TraceStep SampleStep() => new()
    {
        ContextHash = Digest.Of([1]),
        CostCents = 0.25m,
        DurationMs = 227.6,
        IdempotencyKey = "89ceeaba-1aa4-42ad-b93e-4bdcd72d75b6:0",
        InputHash = Digest.Of([2]),
        Level = StepLevel.Info,
        OutcomeCategory = "SUCCESS",
        OutcomeCode = null,
        OutputHash = Digest.Of([3]),
        ReplayBehavior = ReplayBehavior.Execute,
        RetryCount = 0,
        RngStateBefore = null,
        Schema = Digest.Of([4]),
        SkillId = "http_call",
        SkillName = "http_call",
        SkillVersion = "1.0.0",
        Source = StepSource.Engine,
        Status = StepStatus.Succeeded,
        StepIndex = 0,
        Timestamp = new DateTimeOffset(2026, 2, 10, 12, 43, 41, TimeSpan.Zero).AddTicks(5494300),
    };
}

/// <summary>A record of the size of a real tool call: what a model was asked, with which numbers and marks.</summary>
[Canonical]
public sealed partial record ToolCall
{
    public required string Tool { get; init; }

    public required string Prompt { get; init; }

    public required string Answer { get; init; }

    public required IReadOnlyList<string> Tags { get; init; }

    public required IReadOnlyList<ToolScore> Scores { get; init; }

    public required decimal CostCents { get; init; }

    public required double Temperature { get; init; }

    public required int InputTokens { get; init; }

    public required int OutputTokens { get; init; }

    public required bool Cached { get; init; }

    public required string? Error { get; init; }

    public required Guid CallId { get; init; }

    public required DateTimeOffset CalledAt { get; init; }

    internal static ToolCall Sample() => new()
    {
        Tool = "search_documents",
        Prompt = "Find every contract that ends before the thirty-first of March and say, for each, who has to be told, by when and in what form; quote the clause.",
        Answer = "Three contracts end before that date.\n1. Supply of paper: written notice of 90 days (\"clause 12.2\").\n2. Cleaning: notice by e-mail, 30 days.\n3. Lease of "
            + "two vans: no notice, ends by itself. The first notice is late already; the second is due on the first of March. I have not looked at frame contracts, because "
            + "none of them names a date; where the date is missing, the general terms apply and the period is three months to the end of a quarter.",
        Tags = ["contracts", "deadlines", "q1", "legal"],
        Scores = [new ToolScore { Document = "2024/118", Score = 0.9731 }, new ToolScore { Document = "2025/007", Score = 0.8412 }, new ToolScore { Document = "2025/031", Score = 0.7 }],
        CostCents = 1.375m,
        Temperature = 0.2,
        InputTokens = 1834,
        OutputTokens = 212,
        Cached = false,
        Error = null,
        CallId = Guid.Parse("0197f0a2-5b6c-7d8e-9f01-23456789abcd"),
        CalledAt = new DateTimeOffset(2026, 2, 10, 12, 43, 41, TimeSpan.Zero).AddTicks(5494300),
    };
}

/// <summary>How well a document fits.</summary>
[Canonical]
public sealed partial record ToolScore
{
    public required string Document { get; init; }

    public required double Score { get; init; }
}

/// <summary>The same records for System.Text.Json, compiled ahead as well.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, GenerationMode = JsonSourceGenerationMode.Default)]
[JsonSerializable(typeof(ToolCall))]
[JsonSerializable(typeof(TraceStep))]
internal sealed partial class BenchmarkJsonContext : JsonSerializerContext;
