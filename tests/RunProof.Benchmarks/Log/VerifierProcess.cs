using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace RunProof.Benchmarks;

/// <summary>The verifier service as a process of its own, from environment variables alone.</summary>
internal sealed class VerifierProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly HttpClient _client;

    private VerifierProcess(Process process, Uri address) => (_process, _client) = (process, new HttpClient { BaseAddress = address });

    internal static async Task<VerifierProcess> StartAsync(string connectionString, string keyFile, string logName)
    {
        var address = $"http://127.0.0.1:{FreePort()}";
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "RunProof.Verifier.dll")]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ConnectionStrings__runproofdb"] = connectionString;
        start.Environment["ASPNETCORE_URLS"] = address;
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        start.Environment["RUNPROOF_SIGNING_KEY_FILE"] = keyFile;
        start.Environment["RunProof__Log__Name"] = logName;
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Tell(line.Data);
        process.ErrorDataReceived += (_, line) => Tell(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var verifier = new VerifierProcess(process, new Uri(address));
        for (var began = Stopwatch.GetTimestamp(); !await verifier.IsReadyAsync(); await Task.Delay(100))
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(began) > TimeSpan.FromMinutes(2))
                throw new InvalidOperationException("the verifier does not become ready");
        }

        return verifier;
    }

    /// <summary>Asks, and reads the whole answer, which must be a good one.</summary>
    /// <returns>Milliseconds, and bytes of the answer.</returns>
    internal async Task<(double Milliseconds, int Bytes)> TimeAsync(string path, string key)
    {
        var began = Stopwatch.GetTimestamp();
        var body = await GetAsync(path, key);
        return (Stopwatch.GetElapsedTime(began).TotalMilliseconds, body.Length);
    }

    internal async Task<byte[]> GetAsync(string path, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var answer = await _client.SendAsync(request);
        var body = await answer.Content.ReadAsByteArrayAsync();
        return answer.IsSuccessStatusCode ? body : throw new InvalidOperationException($"{path}: {(int)answer.StatusCode} {System.Text.Encoding.UTF8.GetString(body)}");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            using var answer = await _client.GetAsync(new Uri("/health", UriKind.Relative));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static void Tell(string? line)
    {
        if (!string.IsNullOrEmpty(line))
            Console.Error.WriteLine("verifier: " + line);
    }
}
