using System.Net;
using System.Net.Sockets;
using System.Text;

namespace RunProof.Models.Tests;

/// <summary>Answers every connection with the same bytes and, where it is told to, with a drop every 50 ms for ever; else it closes.</summary>
internal sealed class RawServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    internal RawServer(string answer, string? drop)
    {
        _listener.Start();
        _serving = ServeAsync(Encoding.ASCII.GetBytes(answer), drop is null ? null : Encoding.ASCII.GetBytes(drop));
    }

    internal string Endpoint => $"http://{_listener.LocalEndpoint}/v1";

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving;
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task ServeAsync(byte[] answer, byte[]? drop)
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptSocketAsync(_stop.Token);
                await AnswerAsync(client, answer, drop);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task AnswerAsync(Socket client, byte[] answer, byte[]? drop)
    {
        try
        {
            await ReadRequestAsync(client);
            await client.SendAsync(answer, _stop.Token);
            while (drop is not null)
            {
                await client.SendAsync(drop, _stop.Token);
                await Task.Delay(50, _stop.Token);
            }

            client.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The client has had enough.
        }
    }

    // All of it: a connection that is closed with bytes unread is reset, and the answer with it.
    private async Task ReadRequestAsync(Socket client)
    {
        var read = new List<byte>();
        var buffer = new byte[4_096];
        while (true)
        {
            read.AddRange(buffer[..await client.ReceiveAsync(buffer, _stop.Token)]);
            var text = Encoding.ASCII.GetString([.. read]);
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            var length = text.IndexOf("Content-Length: ", StringComparison.OrdinalIgnoreCase);
            if (end > 0 && length > 0 && read.Count >= end + 4 + int.Parse(text[(length + 16)..text.IndexOf("\r\n", length, StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture))
                return;
        }
    }
}
