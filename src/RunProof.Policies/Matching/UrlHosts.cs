using System.Text.Json;

namespace RunProof.Policies;

/// <summary>The hosts that parameters name: of every text, at any depth, that is a URL with a host. Read by the parser that the skills use.</summary>
internal static class UrlHosts
{
    /// <exception cref="InvalidDataException">A value cannot be looked into.</exception>
    internal static IReadOnlyList<string> Of(JsonElement parameters)
    {
        var hosts = new List<string>();
        Collect(parameters, hosts);
        return hosts;
    }

    private static void Collect(JsonElement value, List<string> hosts)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String when HostOf(value.GetString()!) is { } host:
                hosts.Add(host);
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                    Collect(item, hosts);
                break;
            case JsonValueKind.Object when value.TryGetProperty("$json", out _) && Ledger.PlacePattern.KeptAsText(value) is { } inner:
                Collect(inner, hosts);
                break;
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                    Collect(member.Value, hosts);
                break;
        }
    }

    // Lower case, international names in their ASCII form, addresses in their usual one, without the dot of a fully qualified name.
    private static string? HostOf(string text) =>
        text.Contains(':', StringComparison.Ordinal) && Uri.TryCreate(text, UriKind.Absolute, out var url) && url.IdnHost.Length > 0
            ? url.IdnHost.ToLowerInvariant().TrimEnd('.')
            : null;
}
