using System.Globalization;
using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;

namespace RunProof.Runner.Tests;

/// <summary>An event of a run's stream as it came over the wire.</summary>
internal sealed record Told(string Type, string? Id, JsonElement Data)
{
    /// <summary>What is told, without times.</summary>
    public string Words => Type switch
    {
        "status" => $"{Data.GetProperty("status").GetString()} {Data.GetProperty("attempt").GetInt32().ToString(CultureInfo.InvariantCulture)}",
        "step" => $"step {Data.GetProperty("trace_id").GetString()![(Data.GetProperty("run_id").GetString()!.Length + 6)..]}{Data.GetProperty("index").GetInt32().ToString(CultureInfo.InvariantCulture)} {Data.GetProperty("plan_step").GetString()} {Data.GetProperty("skill").GetString()} {Data.GetProperty("status").GetString()}",
        "sealed" => $"sealed {Data.GetProperty("status").GetString()} {Data.GetProperty("chain_length").GetInt32().ToString(CultureInfo.InvariantCulture)}",
        "end" => $"{Data.GetProperty("status").GetString()}!",
        _ => Type,
    };
}

/// <summary>Reads a run's server-sent events.</summary>
internal static class EventStream
{
    /// <summary>Opens a stream, from an event on.</summary>
    public static async Task<HttpResponseMessage> OpenAsync(this ApiClient client, string run, string? after = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/runs/{run}/events");
        if (after is not null)
            request.Headers.Add("Last-Event-ID", after);
        return await client.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>Events as they come, without heartbeats, until the stream ends or breaks.</summary>
    public static async IAsyncEnumerable<Told> EventsAsync(this ApiClient client, string run, string? after = null)
    {
        using var response = await client.OpenAsync(run, after);
        Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        await using var body = await response.Content.ReadAsStreamAsync();
        await using var items = SseParser.Create(body).EnumerateAsync().GetAsyncEnumerator();
        while (await NextAsync(items))
        {
            if (items.Current.EventType is "heartbeat")
                continue;
            using var data = JsonDocument.Parse(items.Current.Data);
            yield return new Told(items.Current.EventType, items.Current.EventId, data.RootElement.Clone());
        }
    }

    /// <summary>All that a stream tells from an event on.</summary>
    public static async Task<List<Told>> AllEventsAsync(this ApiClient client, string run, string? after = null)
    {
        var told = new List<Told>();
        await foreach (var one in client.EventsAsync(run, after))
            told.Add(one);
        return told;
    }

    private static async Task<bool> NextAsync(IAsyncEnumerator<SseItem<string>> items)
    {
        try
        {
            return await items.MoveNextAsync();
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or HttpIOException)
        {
            return false;
        }
    }
}
