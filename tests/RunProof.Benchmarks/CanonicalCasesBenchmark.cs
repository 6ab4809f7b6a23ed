using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using RunProof.Format;

namespace RunProof.Benchmarks;

/// <summary>Records that are made of one thing each, which is where a canonical form could cost: doubles, escapes, text beyond ASCII, maps, times and decimals.</summary>
[MemoryDiagnoser]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class CanonicalCasesBenchmark
{
    private readonly ArrayBufferWriter<byte> _buffer = new(16_384);
    private Utf8JsonWriter _writer = null!;

    [GlobalSetup]
    public void Setup() => _writer = new Utf8JsonWriter(_buffer, new JsonWriterOptions { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    [Benchmark(Baseline = true, Description = "System.Text.Json"), BenchmarkCategory("16 short doubles")]
    public int PeerShortDoubles() => Peer(CanonicalCases.ShortDoubles, CasesJsonContext.Default.NumberCase);

    [Benchmark(Description = "RunProof"), BenchmarkCategory("16 short doubles")]
    public int ShortDoubles() => Ours(CanonicalCases.ShortDoubles);

    [Benchmark(Baseline = true, Description = "System.Text.Json"), BenchmarkCategory("16 long doubles")]
    public int PeerLongDoubles() => Peer(CanonicalCases.LongDoubles, CasesJsonContext.Default.NumberCase);

    [Benchmark(Description = "RunProof"), BenchmarkCategory("16 long doubles")]
    public int LongDoubles() => Ours(CanonicalCases.LongDoubles);

    [Benchmark(Baseline = true, Description = "System.Text.Json"), BenchmarkCategory("escapes")]
    public int PeerEscapes() => Peer(CanonicalCases.Escapes, CasesJsonContext.Default.TextCase);

    [Benchmark(Description = "RunProof"), BenchmarkCategory("escapes")]
    public int Escapes() => Ours(CanonicalCases.Escapes);

    [Benchmark(Baseline = true, Description = "System.Text.Json"), BenchmarkCategory("beyond ASCII")]
    public int PeerBeyondAscii() => Peer(CanonicalCases.BeyondAscii, CasesJsonContext.Default.TextCase);

    [Benchmark(Description = "RunProof"), BenchmarkCategory("beyond ASCII")]
    public int BeyondAscii() => Ours(CanonicalCases.BeyondAscii);

    [Benchmark(Baseline = true, Description = "System.Text.Json"), BenchmarkCategory("map of 12")]
    public int PeerMap() => Peer(CanonicalCases.Map, CasesJsonContext.Default.MapCase);

    [Benchmark(Description = "RunProof, sorted"), BenchmarkCategory("map of 12")]
    public int Map() => Ours(CanonicalCases.Map);

    [Benchmark(Baseline = true, Description = "System.Text.Json"), BenchmarkCategory("decimals, times, GUIDs")]
    public int PeerValues() => Peer(CanonicalCases.Values, CasesJsonContext.Default.ValueCase);

    [Benchmark(Description = "RunProof"), BenchmarkCategory("decimals, times, GUIDs")]
    public int Values() => Ours(CanonicalCases.Values);

    private int Ours<T>(T value)
        where T : ICanonical<T>
    {
        _buffer.ResetWrittenCount();
        CanonicalBytes.Write(_buffer, value);
        return _buffer.WrittenCount;
    }

    private int Peer<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        _buffer.ResetWrittenCount();
        _writer.Reset();
        JsonSerializer.Serialize(_writer, value, type);
        _writer.Flush();
        return _buffer.WrittenCount;
    }
}

/// <summary>The values that are measured, here and beside the npm package.</summary>
internal static class CanonicalCases
{
    public static readonly NumberCase ShortDoubles = new([.. Enumerable.Range(0, 16).Select(static i => (i * 137.25) - 512.5 + (i / 1000.0))]);

    public static readonly NumberCase LongDoubles = new([.. Enumerable.Range(1, 16).Select(static i => Math.Sqrt(i * 3.7) * Math.Pow(10, i - 8))]);

    public static readonly TextCase Escapes = new("a \"quoted\" line\n\tC:\\temp\\file.txt\r\n", string.Concat(Enumerable.Repeat("key=\"value\"\\\n", 20)), "\u0001\u0002\u001f\b\f");

    public static readonly TextCase BeyondAscii = new("Grüße aus Köln, daß es für alle reicht", string.Concat(Enumerable.Repeat("日本語の文章です。", 16)), "Ναι 😀 да 🎉 नमस्ते");

    public static readonly MapCase Map = new(new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["user-agent"] = "runproof/0.1", ["accept"] = "application/json", ["content-type"] = "application/json; charset=utf-8", ["x-request-id"] = "0197f0a2",
        ["date"] = "Tue, 10 Feb 2026 12:43:41 GMT", ["server"] = "kestrel", ["cache-control"] = "no-store", ["etag"] = "W/5b6c", ["vary"] = "accept",
        ["connection"] = "keep-alive", ["age"] = "12", ["via"] = "1.1 proxy",
    });

    public static readonly ValueCase Values = new(
        [0.25m, 1234.50m, -0.000001m, 79228162514264337593543950335m, 100m],
        [.. Enumerable.Range(0, 5).Select(static i => new DateTimeOffset(2026, 2, 10, 12, 43, 41, TimeSpan.Zero).AddTicks(i * 5_494_300_000L))],
        [.. Enumerable.Range(0, 5).Select(static i => new Guid(i, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11]))]);
}

/// <summary>Numbers and nothing else.</summary>
[Canonical]
public sealed partial record NumberCase(IReadOnlyList<double> Numbers);

/// <summary>Text and nothing else.</summary>
[Canonical]
public sealed partial record TextCase(string First, string Second, string Third);

/// <summary>A map and nothing else.</summary>
[Canonical]
public sealed partial record MapCase(Dictionary<string, string> Headers);

/// <summary>What JSON has no form of its own for.</summary>
[Canonical]
public sealed partial record ValueCase(IReadOnlyList<decimal> Amounts, IReadOnlyList<DateTimeOffset> Times, IReadOnlyList<Guid> Ids);

/// <summary>The same records for System.Text.Json, compiled ahead as well.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, GenerationMode = JsonSourceGenerationMode.Default)]
[JsonSerializable(typeof(NumberCase))]
[JsonSerializable(typeof(TextCase))]
[JsonSerializable(typeof(MapCase))]
[JsonSerializable(typeof(ValueCase))]
internal sealed partial class CasesJsonContext : JsonSerializerContext;
