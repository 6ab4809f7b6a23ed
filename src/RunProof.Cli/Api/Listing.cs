using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RunProof.Cli;

/// <summary>A listing of the API, page by page or whole.</summary>
internal static class Listing
{
    /// <summary>Reads one page, or all.</summary>
    /// <param name="client">The service.</param>
    /// <param name="path">The listing.</param>
    /// <param name="query">Its parameters; those without a value are left out.</param>
    /// <param name="cursor">The parameter that says where a page begins.</param>
    /// <param name="all">Whether to follow the pages to the end.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The items, and where the next page begins.</returns>
    internal static async Task<(JsonArray Items, string? Next)> ReadAsync(
        ApiClient client, string path, IEnumerable<(string Name, string? Value)> query, (string Name, string? Value) cursor, bool all, CancellationToken cancellationToken)
    {
        var items = new JsonArray();
        var next = cursor.Value;
        do
        {
            var page = await client.GetAsync(path + Query([.. query, (cursor.Name, next)]), cancellationToken);
            foreach (var item in client.Items(page))
                items.Add(JsonNode.Parse(item.GetRawText()));
            var reached = page.TryGetProperty("next", out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
            // A server that names the same page again would be followed for ever.
            next = reached == next ? null : reached;
        }
        while (all && next is not null);
        return (items, next);
    }

    /// <summary>A query string.</summary>
    /// <param name="parameters">Names and values; those without a value are left out.</param>
    internal static string Query(params IEnumerable<(string Name, string? Value)> parameters)
    {
        var parts = parameters.Where(parameter => parameter.Value is not null).Select(parameter => $"{parameter.Name}={Uri.EscapeDataString(parameter.Value!)}");
        var query = string.Join('&', parts);
        return query.Length == 0 ? "" : "?" + query;
    }

    /// <summary>A number as a parameter.</summary>
    /// <param name="value">The number.</param>
    internal static string? Text(int? value) => value?.ToString(CultureInfo.InvariantCulture);
}
