using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Benchmarks;

/// <summary>
/// Our canonical bytes beside those of npm's <c>canonicalize</c>, on the same objects: it gets them as JSON, must give the same bytes, and both are timed alike,
/// as the fastest of several batches of calls in a warm process.
/// </summary>
internal static class NpmPeer
{
    private const double BatchSeconds = 0.2;
    private const int Batches = 7;

    public static async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "peers", "canonicalize");
        if (!Directory.Exists(Path.Combine(folder, "node_modules")) && await Node("npm", ["ci", "--no-audit", "--no-fund", "--silent"], folder, cancellationToken) is not 0)
            return 1;
        var cases = Path.Combine(folder, "cases.json");
        await File.WriteAllTextAsync(cases, JsonSerializer.Serialize(All(), PeerJson.Default.ListPeerCase), cancellationToken);
        return await Node("node", ["bench.mjs", cases], folder, cancellationToken);
    }

    private static List<PeerCase> All() =>
    [
        Case("step", CanonicalSerializerBenchmark.SampleStep()),
        Case("1.1 KB record", ToolCall.Sample()),
        Case("16 short doubles", CanonicalCases.ShortDoubles),
        Case("16 long doubles", CanonicalCases.LongDoubles),
        Case("escapes", CanonicalCases.Escapes),
        Case("beyond ASCII", CanonicalCases.BeyondAscii),
        Case("map of 12", CanonicalCases.Map),
        Case("decimals, times, GUIDs", CanonicalCases.Values),
    ];

    private static PeerCase Case<T>(string name, T value)
        where T : ICanonical<T>
    {
        var buffer = new ArrayBufferWriter<byte>(16_384);
        var best = double.MaxValue;
        for (var batch = 0; batch < Batches; batch++)
            best = Math.Min(best, Nanoseconds(buffer, value));
        return new PeerCase(name, Convert.ToBase64String(CanonicalBytes.Of(value)), Math.Round(best, 1));
    }

    private static double Nanoseconds<T>(ArrayBufferWriter<byte> buffer, T value)
        where T : ICanonical<T>
    {
        var (calls, watch) = (0L, Stopwatch.StartNew());
        while (watch.Elapsed.TotalSeconds < BatchSeconds)
        {
            for (var i = 0; i < 100; i++)
            {
                buffer.ResetWrittenCount();
                CanonicalBytes.Write(buffer, value);
            }

            calls += 100;
        }

        return watch.Elapsed.TotalNanoseconds / calls;
    }

    private static async Task<int> Node(string program, string[] arguments, string folder, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder })!;
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode;
    }
}

/// <summary>An object for the peer.</summary>
/// <param name="Name">What it is made of.</param>
/// <param name="Canonical">Its canonical bytes, which are also the JSON that the peer reads it from, in base64.</param>
/// <param name="Nanoseconds">What one call of ours took.</param>
internal sealed record PeerCase(string Name, string Canonical, double Nanoseconds);

[System.Text.Json.Serialization.JsonSourceGenerationOptions(PropertyNamingPolicy = System.Text.Json.Serialization.JsonKnownNamingPolicy.CamelCase)]
[System.Text.Json.Serialization.JsonSerializable(typeof(List<PeerCase>))]
internal sealed partial class PeerJson : System.Text.Json.Serialization.JsonSerializerContext;
