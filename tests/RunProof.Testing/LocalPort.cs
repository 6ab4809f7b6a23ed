using System.Net;
using System.Net.Sockets;

namespace RunProof.Testing;

/// <summary>
/// Ports for servers that cannot be told to choose one themselves. They are none that the system gives to outgoing connections (from 32768 on Linux, 49152 elsewhere), of
/// which a test run has hundreds: a port of those that was free when looked for is taken an instant later.
/// </summary>
public static class LocalPort
{
    private const int First = 20_000;
    private const int Count = 12_000;
    private static int _next = Random.Shared.Next(Count);

    /// <summary>A port that nobody listens on, and that no other caller of this process is given soon.</summary>
    public static int Free()
    {
        while (true)
        {
            var port = First + ((Interlocked.Increment(ref _next) & int.MaxValue) % Count);
            if (IsFree(port))
                return port;
        }
    }

    /// <summary>An address of such a port, without a slash behind it.</summary>
    public static string FreeUrl() => FormattableString.Invariant($"http://127.0.0.1:{Free()}");

    /// <summary>Whether nobody listens on it.</summary>
    public static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
