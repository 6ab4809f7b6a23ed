using System.Net;
using System.Net.Sockets;
using System.Text;
using RunProof.Testing;

namespace RunProof.Mcp.Tests;

/// <summary>A server at an address that misbehaves.</summary>
public sealed class HostileAddresses
{
    [Fact]
    public async Task A_redirect_is_not_followed_so_headers_go_to_the_operators_address_alone()
    {
        using var elsewhere = new Answering((_, response) => response.StatusCode = 200);
        using var server = new Answering((_, response) =>
        {
            response.StatusCode = 307;
            response.Headers["Location"] = elsewhere.Url;
        });
        await using var desk = await StartAsync(server);
        Assert.Equal("it answered HTTP 307", desk.State.Problem);
        Assert.Contains(server.Seen, headers => headers.Contains("Authorization: Bearer t0p-s3cr3t", StringComparison.Ordinal));
        Assert.Empty(elsewhere.Seen);
        Assert.DoesNotContain("t0p-s3cr3t", desk.Logged, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("text/event-stream")]
    public async Task A_body_without_an_end_is_not_read_to_it(string type)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Desk.Cancel);
        var serving = PourAsync(listener, type, over.Token);
        await using (var desk = await StartAsync($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/").WaitAsync(TimeSpan.FromSeconds(60), Desk.Cancel))
            Assert.Equal("it sent a message of more than 65536 bytes", desk.State.Problem);
        await over.CancelAsync();
        Assert.InRange(await serving, 1, 64 << 20);
    }

    [Fact]
    public async Task A_page_of_html_is_no_server()
    {
        using var server = new Answering((_, response) =>
        {
            response.ContentType = "text/html";
            response.OutputStream.Write("<h1>hello</h1>"u8);
        });
        await using var desk = await StartAsync(server);
        Assert.NotNull(desk.State.Problem);
        Assert.Empty(desk.Names);
    }

    [Fact]
    public async Task An_address_where_nobody_is_is_told_of()
    {
        string url;
        using (var server = new Answering((_, _) => { }))
            url = server.Url;
        await using var desk = await Desk.StartAsync(new McpServerOptions { Name = "web", Url = new Uri(url), Tenants = ["*"], StartTimeout = TimeSpan.FromSeconds(5) });
        Assert.Equal("it cannot be reached", desk.State.Problem);
    }

    private static Task<Desk> StartAsync(Answering server) => StartAsync(server.Url);

    private static Task<Desk> StartAsync(string url) => Desk.StartAsync(new McpServerOptions
    {
        Name = "web", Url = new Uri(url), Headers = new Dictionary<string, string> { ["Authorization"] = "Bearer t0p-s3cr3t" }, Secrets = ["t0p-s3cr3t"], Tenants = ["*"],
        StartTimeout = TimeSpan.FromSeconds(15), MaxMessageBytes = 64 << 10,
    });

    // Answers every request with bytes for as long as somebody takes them.
    private static async Task<long> PourAsync(TcpListener listener, string type, CancellationToken over)
    {
        var poured = 0L;
        var head = Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\nConnection: close\r\n\r\ndata: ");
        var chunk = Encoding.ASCII.GetBytes(new string('x', 32_768));
        try
        {
            while (true)
            {
                using var client = await listener.AcceptSocketAsync(over);
                try
                {
                    await client.ReceiveAsync(new byte[4_096], over);
                    await client.SendAsync(head, over);
                    while (true)
                        poured += await client.SendAsync(chunk, over);
                }
                catch (SocketException)
                {
                    // It has had enough.
                }
            }
        }
        catch (OperationCanceledException)
        {
            return poured;
        }
    }

    private sealed class Answering : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly List<string> _seen = [];

        internal Answering(Action<HttpListenerRequest, HttpListenerResponse> answer)
        {
            Url = LocalPort.FreeUrl() + "/";
            _listener.Prefixes.Add(Url);
            _listener.Start();
            _ = AnswerAsync(answer);
        }

        internal string Url { get; }

        internal IReadOnlyList<string> Seen
        {
            get
            {
                lock (_seen)
                    return [.. _seen];
            }
        }

        public void Dispose() => _listener.Close();

        private async Task AnswerAsync(Action<HttpListenerRequest, HttpListenerResponse> answer)
        {
            try
            {
                while (true)
                {
                    var context = await _listener.GetContextAsync();
                    lock (_seen)
                        _seen.Add(string.Join('\n', context.Request.Headers.AllKeys.Select(name => $"{name}: {context.Request.Headers[name]}")));
                    _ = Task.Run(() =>
                    {
                        try
                        {
                            answer(context.Request, context.Response);
                            context.Response.Close();
                        }
                        catch (Exception gone) when (gone is HttpListenerException or IOException or ObjectDisposedException or InvalidOperationException)
                        {
                            // The client has had enough.
                        }
                    });
                }
            }
            catch (Exception closed) when (closed is HttpListenerException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }
}
