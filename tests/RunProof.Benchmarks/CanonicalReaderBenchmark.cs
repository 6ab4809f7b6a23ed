using System.Text.Json;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using RunProof.Format;

namespace RunProof.Benchmarks;

/// <summary>
/// Reading by the generated strict reader, against System.Text.Json's source-generated reader of the same record, each from its own bytes. Ours also refuses every byte that
/// is not the one that was written; theirs takes members in any order and any layout.
/// </summary>
[MemoryDiagnoser]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class CanonicalReaderBenchmark
{
    private static readonly ToolCall Call = ToolCall.Sample();
    private static readonly TraceStep Step = CanonicalSerializerBenchmark.SampleStep();

    private readonly byte[] _canonicalCall = CanonicalBytes.Of(Call);
    private readonly byte[] _canonicalStep = CanonicalBytes.Of(Step);
    private readonly byte[] _call = JsonSerializer.SerializeToUtf8Bytes(Call, BenchmarkJsonContext.Default.ToolCall);
    private readonly byte[] _step = JsonSerializer.SerializeToUtf8Bytes(Step, BenchmarkJsonContext.Default.TraceStep);

    [Benchmark(Baseline = true, Description = "System.Text.Json")]
    [BenchmarkCategory("1.1 KB record")]
    public ToolCall? SystemTextJsonRecord() => JsonSerializer.Deserialize(_call, BenchmarkJsonContext.Default.ToolCall);

    [Benchmark(Description = "RunProof")]
    [BenchmarkCategory("1.1 KB record")]
    public ToolCall CanonicalRecord() => CanonicalBytes.Read<ToolCall>(_canonicalCall);

    [Benchmark(Baseline = true, Description = "System.Text.Json")]
    [BenchmarkCategory("step")]
    public TraceStep? SystemTextJsonStep() => JsonSerializer.Deserialize(_step, BenchmarkJsonContext.Default.TraceStep);

    [Benchmark(Description = "RunProof")]
    [BenchmarkCategory("step")]
    public TraceStep CanonicalStep() => CanonicalBytes.Read<TraceStep>(_canonicalStep);
}
