using System.Net;
using System.Net.Sockets;

namespace RunProof.BuiltinSkills;

/// <summary>
/// The connections of <c>http_call</c>. Every new one resolves its host's name, checks each address and connects to an address that was checked:
/// no name can change between the check and the use. One a process; it keeps connections open for two minutes.
/// </summary>
public sealed class HttpTransport : IDisposable
{
    private readonly AddressPolicy _policy;
    private readonly INameResolver _resolver;
    private readonly HttpMessageInvoker _invoker;

    /// <summary>Makes the transport; it connects to nothing yet.</summary>
    /// <param name="options">What the operator decides.</param>
    /// <param name="resolver">Where addresses come from.</param>
    /// <exception cref="ArgumentException">An entry of <see cref="HttpCallOptions.Allow"/> is ill-formed.</exception>
    public HttpTransport(HttpCallOptions options, INameResolver resolver)
    {
        ArgumentNullException.ThrowIfNull(options);
        _policy = new AddressPolicy(options.Allow);
        _resolver = resolver;
        _invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            // Redirects are followed by hand, so that each is judged; proxies and cookies of the machine are none of a step's business.
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.All,
            ConnectTimeout = options.ConnectTimeout,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            MaxResponseHeadersLength = 64,
            ConnectCallback = ConnectAsync,
        });
    }

    /// <inheritdoc/>
    public void Dispose() => _invoker.Dispose();

    /// <summary>Sends one request and gives the response as soon as its headers are there. No redirect is followed.</summary>
    internal Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => _invoker.SendAsync(request, cancellationToken);

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = await ResolveAsync(host, cancellationToken).ConfigureAwait(false);
        var allowed = addresses.Where(address => _policy.Allows(host, port, address)).ToList();
        if (allowed.Count == 0)
            throw new HttpCallException("address_blocked", $"{host} is not on the public internet, and the operator has not allowed it");
        SocketException? last = null;
        foreach (var address in allowed)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, port), cancellationToken).ConfigureAwait(false);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException e)
            {
                last = e;
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw new HttpCallException("connect_failed", $"{host} does not accept a connection: {last!.SocketErrorCode}", retryable: true, last);
    }

    private async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(host, out var address))
            return [address];
        try
        {
            var addresses = await _resolver.ResolveAsync(host, cancellationToken).ConfigureAwait(false);
            return addresses.Length > 0 ? addresses : throw new SocketException((int)SocketError.NoData);
        }
        catch (SocketException e)
        {
            throw new HttpCallException("name_not_resolved", $"{host} has no address: {e.SocketErrorCode}", retryable: true, e);
        }
    }
}

/// <summary>A call that came to nothing, and why.</summary>
internal sealed class HttpCallException(string code, string message, bool retryable = false, Exception? inner = null) : Exception(message, inner)
{
    internal Skills.SkillFailure Failure { get; } = new(code, message, retryable);
}
