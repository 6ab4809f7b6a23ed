using System.Diagnostics;

namespace RunProof.Benchmarks;

/// <summary>The verifier service as a process of its own.</summary>
internal sealed class VerifierProcess : IAsyncDisposable
{
    private readonly ServiceProcess _service;

    private VerifierProcess(ServiceProcess service) => _service = service;

    internal static async Task<VerifierProcess> StartAsync(string connectionString, string keyFile, string logName) =>
        new(await ServiceProcess.StartAsync("RunProof.Verifier.dll", connectionString, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["RUNPROOF_SIGNING_KEY_FILE"] = keyFile, ["RunProof__Log__Name"] = logName,
        }));

    /// <summary>Asks, and reads the whole answer, which must be a good one.</summary>
    /// <returns>Milliseconds, and bytes of the answer.</returns>
    internal async Task<(double Milliseconds, int Bytes)> TimeAsync(string path, string key)
    {
        var began = Stopwatch.GetTimestamp();
        var body = await GetAsync(path, key);
        return (Stopwatch.GetElapsedTime(began).TotalMilliseconds, body.Length);
    }

    internal Task<byte[]> GetAsync(string path, string key) => _service.GetAsync(path, key);

    public ValueTask DisposeAsync() => _service.DisposeAsync();
}
