using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace RunProof.BuiltinSkills;

/// <summary>Which addresses <c>http_call</c> may connect to: those of the public internet, and what the operator allows.</summary>
public sealed class AddressPolicy
{
    // IANA's special-purpose registries; what is not here is public.
    private static readonly ImmutableArray<IPNetwork> Refused4 =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "168.63.129.16/32", // Azure's platform address: metadata, although it looks public
        }.Select(IPNetwork.Parse),
    ];

    private static readonly ImmutableArray<IPNetwork> Refused6 = [.. new[] { "2001::/23", "2001:db8::/32", "3fff::/20" }.Select(IPNetwork.Parse)];
    private static readonly IPNetwork Global6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork SixToFour = IPNetwork.Parse("2002::/16");
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");

    private readonly ImmutableArray<IPNetwork> _networks;
    private readonly ImmutableHashSet<string> _endpoints;

    /// <summary>Takes the operator's list.</summary>
    /// <param name="allow">Entries as <see cref="HttpCallOptions.Allow"/> describes them.</param>
    /// <exception cref="ArgumentException">An entry is neither.</exception>
    public AddressPolicy(IEnumerable<string> allow)
    {
        var networks = ImmutableArray.CreateBuilder<IPNetwork>();
        var endpoints = ImmutableHashSet.CreateBuilder<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var entry in allow)
        {
            if (IPNetwork.TryParse(entry, out var network))
                networks.Add(network);
            else if (Uri.TryCreate("tcp://" + entry, UriKind.Absolute, out var uri) && uri.Port > 0 && uri is { AbsolutePath: "" or "/", UserInfo: "", Query: "" })
                endpoints.Add(Endpoint(uri.IdnHost, uri.Port));
            else
                throw new ArgumentException($"\"{entry}\" is neither host:port nor a network (10.0.0.0/8): what http_call may reach although it is private", nameof(allow));
        }

        _networks = networks.ToImmutable();
        _endpoints = endpoints.ToImmutable();
    }

    /// <summary>Whether an address may be connected to.</summary>
    /// <param name="host">The host that was asked for.</param>
    /// <param name="port">The port.</param>
    /// <param name="address">One of its addresses.</param>
    /// <returns>Whether it may.</returns>
    public bool Allows(string host, int port, IPAddress address)
    {
        var actual = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return IsPublic(actual) || _networks.Any(network => network.Contains(actual)) || _endpoints.Contains(Endpoint(host.Trim('[', ']'), port));
    }

    /// <summary>Whether an address belongs to the public internet. An IPv6 address that carries an IPv4 one is judged by that.</summary>
    /// <param name="address">The address.</param>
    /// <returns>Whether it does.</returns>
    public static bool IsPublic(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.AddressFamily == AddressFamily.InterNetwork)
            return !Refused4.Any(network => network.Contains(address));
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return false;
        if (address.IsIPv4MappedToIPv6)
            return IsPublic(address.MapToIPv4());
        if (Nat64.Contains(address))
            return IsPublic(Embedded(address, 12));
        if (SixToFour.Contains(address))
            return IsPublic(Embedded(address, 2));
        return address.ScopeId == 0 && Global6.Contains(address) && !Refused6.Any(network => network.Contains(address));
    }

    private static IPAddress Embedded(IPAddress address, int offset)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return new IPAddress(bytes.Slice(offset, 4));
    }

    private static string Endpoint(string host, int port) => string.Create(CultureInfo.InvariantCulture, $"{host.Trim('[', ']')}:{port}");
}
