using Microsoft.Extensions.Configuration;

namespace RunProof.ServiceDefaults;

/// <summary>
/// In place of Microsoft.Extensions.ServiceDiscovery: reads the addresses that an AppHost injects as <c>services__NAME__http__0</c>.
/// </summary>
public static class ServiceAddresses
{
    /// <summary>The address of a service by its resource name.</summary>
    /// <param name="configuration">Configuration that holds the environment's variables.</param>
    /// <param name="service">The resource's name, e.g. <c>runner</c>.</param>
    /// <returns>Its https address where there is one, else its http address; null where neither is injected or what is there is no absolute URL.</returns>
    public static Uri? Find(IConfiguration configuration, string service) =>
        Find(configuration, service, "https") ?? Find(configuration, service, "http");

    /// <summary>The address of a service by its resource name and the scheme or name of its endpoint.</summary>
    /// <param name="configuration">Configuration that holds the environment's variables.</param>
    /// <param name="service">The resource's name.</param>
    /// <param name="endpoint"><c>http</c>, <c>https</c>, or the endpoint's own name.</param>
    /// <returns>Its first address; null where none is injected or what is there is no absolute URL.</returns>
    public static Uri? Find(IConfiguration configuration, string service, string endpoint) =>
        Uri.TryCreate(configuration[$"services:{service}:{endpoint}:0"], UriKind.Absolute, out var address) ? address : null;

    /// <summary>Replaces a resource's name as host by its address: <c>http://runner/api</c>, <c>https+http://runner/api</c>.</summary>
    /// <param name="configuration">Configuration that holds the environment's variables.</param>
    /// <param name="url">Any absolute URL.</param>
    /// <returns>The URL at the service's address; the same URL where its host is no known service.</returns>
    public static Uri Resolve(IConfiguration configuration, Uri url)
    {
        if (!url.IsAbsoluteUri || !url.IsDefaultPort && url.Port > 0)
            return url;
        var address = url.Scheme.Split('+').Select(scheme => Find(configuration, url.Host, scheme)).FirstOrDefault(found => found is not null);
        return address is null ? url : new Uri(address, url.PathAndQuery);
    }
}
