using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace RunProof.EndToEnd.Tests;

/// <summary>A service whose answers wait while its gate is closed: whoever asks is under way for as long as a test wants.</summary>
internal sealed class GateServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly CancellationTokenSource _stop = new();
    private volatile TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _came;

    private GateServer()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _application = builder.Build();
        _application.Run(AnswerAsync);
        _gate.SetResult();
    }

    internal string Url => _application.Urls.Single() + "/";

    /// <summary>Requests that came.</summary>
    internal int Came => Volatile.Read(ref _came);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _application.DisposeAsync();
        _stop.Dispose();
    }

    internal static async Task<GateServer> StartAsync()
    {
        var server = new GateServer();
        await server._application.StartAsync();
        return server;
    }

    internal void Close() => _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    internal void Open() => _gate.TrySetResult();

    /// <summary>Waits until so many came.</summary>
    internal async Task UntilAsync(int requests, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(120));
        while (Came < requests)
            await Task.Delay(50, limit.Token);
    }

    private async Task AnswerAsync(HttpContext http)
    {
        var gate = _gate;
        Interlocked.Increment(ref _came);
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, _stop.Token);
        await gate.Task.WaitAsync(gone.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!gone.IsCancellationRequested)
            await http.Response.WriteAsync("open", gone.Token);
    }
}
