using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace RunProof.Benchmarks;

/// <summary>A service as a process of its own, from environment variables alone.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly HttpClient _client;

    private ServiceProcess(Process process, Uri address) => (_process, _client) = (process, new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(10) });

    /// <summary>Starts it, and waits until it is ready.</summary>
    /// <param name="assembly">Its file name, beside this one: <c>RunProof.Runner.dll</c>.</param>
    /// <param name="connectionString">Its database.</param>
    /// <param name="settings">Its environment beside that.</param>
    internal static async Task<ServiceProcess> StartAsync(string assembly, string connectionString, IReadOnlyDictionary<string, string> settings)
    {
        var address = $"http://127.0.0.1:{FreePort()}";
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, assembly)]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ConnectionStrings__runproofdb"] = connectionString;
        start.Environment["ASPNETCORE_URLS"] = address;
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        foreach (var (name, value) in settings)
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Tell(assembly, line.Data);
        process.ErrorDataReceived += (_, line) => Tell(assembly, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var service = new ServiceProcess(process, new Uri(address));
        for (var began = Stopwatch.GetTimestamp(); !await service.IsReadyAsync(); await Task.Delay(100))
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(began) > TimeSpan.FromMinutes(2))
                throw new InvalidOperationException($"{assembly} does not become ready");
        }

        return service;
    }

    /// <summary>What it has used of the processors.</summary>
    internal TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Asks, and reads the whole answer, which must be a good one.</summary>
    internal Task<byte[]> GetAsync(string path, string key) => SendAsync(HttpMethod.Get, path, key, null);

    /// <summary>Sends JSON, and reads the whole answer, which must be a good one.</summary>
    internal Task<byte[]> PostAsync(string path, string key, string json) => SendAsync(HttpMethod.Post, path, key, json);

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task<byte[]> SendAsync(HttpMethod method, string path, string key, string? json)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (json is not null)
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        using var answer = await _client.SendAsync(request);
        var body = await answer.Content.ReadAsByteArrayAsync();
        return answer.IsSuccessStatusCode ? body : throw new InvalidOperationException($"{path}: {(int)answer.StatusCode} {Encoding.UTF8.GetString(body)}");
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

    private static void Tell(string assembly, string? line)
    {
        if (!string.IsNullOrEmpty(line))
            Console.Error.WriteLine($"{assembly}: {line}");
    }
}
