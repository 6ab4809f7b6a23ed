using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace RunProof.BuiltinSkills.Tests;

/// <summary>A server on the loopback address that answers each request with the very bytes a test gives it.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<string, byte[]> _answer;
    private readonly Task _loop;

    /// <param name="answer">From a request's text (headers and body) to the bytes of the response; empty bytes close the connection, null leaves it hanging.</param>
    internal ScriptedServer(Func<string, byte[]> answer)
    {
        _answer = answer;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _loop = AcceptAsync();
    }

    internal int Port { get; }

    internal ConcurrentQueue<string> Requests { get; } = [];

    internal string Url(string path = "/") => $"http://127.0.0.1:{Port}{path}";

    internal static byte[] Response(string status, string body = "", params string[] headers) => Response(status, Encoding.UTF8.GetBytes(body), headers);

    internal static byte[] Response(string status, byte[] body, params string[] headers) =>
        [.. Encoding.Latin1.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n{string.Concat(headers.Select(h => h + "\r\n"))}\r\n"), .. body];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _loop;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var open = new List<Task>();
        try
        {
            while (true)
                open.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                var request = await ReadRequestAsync(stream);
                Requests.Enqueue(request);
                if (_answer(request) is { } answer)
                    await stream.WriteAsync(answer, _stop.Token);
                else
                    await Task.Delay(Timeout.Infinite, _stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
            {
                // The client cut it off, or the test is over.
            }
        }
    }

    private async Task<string> ReadRequestAsync(NetworkStream stream)
    {
        var received = new List<byte>();
        var buffer = new byte[4096];
        while (true)
        {
            var text = Encoding.Latin1.GetString([.. received]);
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end >= 0 && received.Count >= end + 4 + ContentLength(text))
                return text;
            var read = await stream.ReadAsync(buffer, _stop.Token);
            if (read == 0)
                return text;
            received.AddRange(buffer[..read]);
        }
    }

    private static int ContentLength(string request)
    {
        var line = request.Split("\r\n").FirstOrDefault(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
        return line is null ? 0 : int.Parse(line.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}

/// <summary>Names that a test gives addresses to; each question takes the next answer.</summary>
internal sealed class ScriptedResolver(params (string Host, string[] Addresses)[] answers) : INameResolver
{
    private int _asked;

    internal int Asked => _asked;

    public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        var asked = Interlocked.Increment(ref _asked) - 1;
        var mine = answers.Where(a => a.Host == host).ToArray();
        return mine.Length == 0
            ? Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound))
            : Task.FromResult(mine[Math.Min(asked, mine.Length - 1)].Addresses.Select(IPAddress.Parse).ToArray());
    }
}
