using System.Text.Json;

namespace RunProof.Cli;

/// <summary>What a service says of itself at <c>/health</c>.</summary>
/// <param name="Status">Its status word.</param>
/// <param name="Checks">Its checks.</param>
/// <param name="ServerDate">Its clock, from the answer's Date header; whole seconds.</param>
internal sealed record ServiceHealth(string Status, IReadOnlyList<ServiceCheck> Checks, DateTimeOffset? ServerDate)
{
    internal bool IsHealthy => Status == "Healthy";

    /// <summary>Whether it makes this check, and it came out well.</summary>
    internal bool Has(string name) => Checks.Any(check => check.Name == name && check.Status == "Healthy");

    /// <summary>Asks.</summary>
    /// <param name="service">The service.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="CommandException">It does not answer, or not as RunProof does.</exception>
    internal static async Task<ServiceHealth> ReadAsync(ApiClient service, CancellationToken cancellationToken)
    {
        var (code, body, date) = await service.ProbeAsync("health", cancellationToken);
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            var checks = root.GetProperty("checks").EnumerateArray().Select(ReadCheck).ToArray();
            return new ServiceHealth(root.GetProperty("status").GetString() ?? "none", checks, date);
        }
        catch (Exception problem) when (problem is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw service.NotOurs(FormattableString.Invariant($"/health answered {(int)code} and no health report"));
        }
    }

    private static ServiceCheck ReadCheck(JsonElement check) => new(
        check.GetProperty("name").GetString() ?? "",
        check.GetProperty("status").GetString() ?? "",
        check.TryGetProperty("description", out var description) ? description.GetString() : null);
}

/// <summary>One of its checks.</summary>
internal sealed record ServiceCheck(string Name, string Status, string? Description);
