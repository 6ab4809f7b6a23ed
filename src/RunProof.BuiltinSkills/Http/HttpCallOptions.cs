namespace RunProof.BuiltinSkills;

/// <summary>What an operator decides about <c>http_call</c>.</summary>
public sealed record HttpCallOptions
{
    /// <summary>
    /// What may be reached although its address is private: <c>host:port</c> (a name or an address, IPv6 in brackets) or a network in CIDR notation.
    /// Default: nothing.
    /// </summary>
    public IReadOnlyList<string> Allow { get; init; } = [];

    /// <summary>Time for one connection to be made, TLS included. Default 10 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>Where <c>http_call</c> gets addresses from.</summary>
public interface INameResolver
{
    /// <summary>The addresses of a host, in the order to try them.</summary>
    /// <param name="host">A host name, never an address.</param>
    /// <param name="cancellationToken">Cancelled at the step's timeout.</param>
    /// <exception cref="System.Net.Sockets.SocketException">The name cannot be resolved.</exception>
    /// <returns>The addresses.</returns>
    Task<System.Net.IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken);
}

/// <summary>Addresses from the system's resolver.</summary>
public sealed class SystemNameResolver : INameResolver
{
    /// <inheritdoc/>
    public Task<System.Net.IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) => System.Net.Dns.GetHostAddressesAsync(host, cancellationToken);
}
