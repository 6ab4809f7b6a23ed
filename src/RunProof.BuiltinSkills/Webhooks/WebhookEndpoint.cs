using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace RunProof.BuiltinSkills;

/// <summary>Where <c>webhook_send</c> may send to. A plan knows its name; address and secret stay with the operator and are in no evidence.</summary>
public sealed record WebhookEndpoint
{
    /// <summary>An absolute http or https URL. It may be private: the operator wrote it.</summary>
    public required string Url { get; init; }

    /// <summary>Secrets as Standard Webhooks spells them, <c>whsec_</c> and base64 of 24 to 64 bytes. Several while they are changed: each signs. At least one.</summary>
    public required IReadOnlyList<string> Secrets { get; init; }

    /// <summary>The tenants that may send to it, by id; <c>*</c> for all. At least one.</summary>
    public required IReadOnlyList<string> Tenants { get; init; }
}

/// <summary>The endpoints by name, and the connections to them.</summary>
public sealed class WebhookEndpoints : IDisposable
{
    private const string Prefix = "whsec_";

    private readonly ImmutableSortedDictionary<string, Known> _endpoints;

    /// <summary>Takes the endpoints; nothing is connected to yet.</summary>
    /// <param name="endpoints">The endpoints by name.</param>
    /// <param name="resolver">Where addresses come from.</param>
    /// <exception cref="ArgumentException">One cannot be meant; it is named, its secret is not.</exception>
    public WebhookEndpoints(IReadOnlyDictionary<string, WebhookEndpoint> endpoints, INameResolver resolver)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        _endpoints = endpoints.ToImmutableSortedDictionary(pair => pair.Key, pair => Known.Of(pair.Key, pair.Value), StringComparer.Ordinal);
        var allow = _endpoints.Values.Select(known => string.Create(CultureInfo.InvariantCulture, $"{known.Url.Host}:{known.Url.Port}"));
        Transport = new HttpTransport(new HttpCallOptions { Allow = [.. allow] }, resolver);
    }

    internal HttpTransport Transport { get; }

    /// <inheritdoc/>
    public void Dispose() => Transport.Dispose();

    /// <summary>The endpoint of a name, where the tenant may send to it; one that it may not is none.</summary>
    internal Known? Find(string name, Format.TenantId tenant) =>
        _endpoints.TryGetValue(name, out var known) && (known.Tenants.Contains("*") || known.Tenants.Contains(tenant.Value)) ? known : null;

    /// <summary>An endpoint that was checked.</summary>
    internal sealed record Known(Uri Url, ImmutableArray<byte[]> Secrets, ImmutableHashSet<string> Tenants)
    {
        internal static Known Of(string name, WebhookEndpoint endpoint)
        {
            if (!Uri.TryCreate(endpoint.Url, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.UserInfo.Length > 0)
                throw new ArgumentException($"the webhook \"{name}\" needs an http or https URL without user information");
            if (endpoint.Secrets.Count == 0)
                throw new ArgumentException($"the webhook \"{name}\" needs a secret: {Prefix} and base64 of 24 to 64 bytes");
            if (endpoint.Tenants.Count == 0)
                throw new ArgumentException($"the webhook \"{name}\" needs the tenants that may send to it (* for all)");
            return new Known(url, [.. endpoint.Secrets.Select(secret => Decode(name, secret))], [.. endpoint.Tenants]);
        }

        /// <summary>The signatures of a message, as its header has them (Standard Webhooks: HMAC-SHA256 over id, time and body).</summary>
        internal string Sign(string id, long timestamp, ReadOnlySpan<byte> body)
        {
            byte[] signed = [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.")), .. body];
            return string.Join(' ', Secrets.Select(secret => "v1," + Convert.ToBase64String(HMACSHA256.HashData(secret, signed))));
        }

        private static byte[] Decode(string name, string secret)
        {
            var bytes = new byte[96];
            if (!secret.StartsWith(Prefix, StringComparison.Ordinal) || !Convert.TryFromBase64String(secret[Prefix.Length..], bytes, out var length) || length is < 24 or > 64)
                throw new ArgumentException($"a secret of the webhook \"{name}\" is none: {Prefix} and base64 of 24 to 64 bytes");
            return bytes[..length];
        }
    }
}
