using System.Net;

namespace RunProof.AppHost;

/// <summary>Waits until a service says that it is healthy.</summary>
internal sealed class HealthGate(TimeSpan timeout) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private readonly HttpClient client = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(10) };

    /// <summary>Asks until the answer is 200, the child ends, or the time is over.</summary>
    /// <returns>Null when healthy, else why not.</returns>
    public async Task<string?> WaitAsync(string url, Task<int> ended, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(timeout);
        var last = "no answer";
        while (true)
        {
            try
            {
                using var answer = await client.GetAsync(url, limit.Token);
                if (answer.StatusCode == HttpStatusCode.OK)
                    return null;
                var body = await answer.Content.ReadAsStringAsync(limit.Token);
                last = $"{(int)answer.StatusCode} {(body.Length > 400 ? body[..400] : body)}";
            }
            catch (HttpRequestException refused)
            {
                last = refused.Message;
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                if (limit.IsCancellationRequested)
                    return $"not healthy after {timeout.TotalSeconds:0} s: {url} says {last}";
            }
            if (ended.IsCompleted)
                return $"ended with exit code {await ended} before it was healthy";
            await Task.WhenAny(ended, Task.Delay(Pause, CancellationToken.None));
            ct.ThrowIfCancellationRequested();
            if (limit.IsCancellationRequested)
                return $"not healthy after {timeout.TotalSeconds:0} s: {url} says {last}";
        }
    }

    public void Dispose() => client.Dispose();
}
