using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using static System.FormattableString;

namespace RunProof.Cli;

/// <summary>Calls one of the services. Every refusal and every failure becomes a <see cref="CommandException"/> with a remedy.</summary>
/// <param name="service">What it is called to a person: <c>runner</c>.</param>
/// <param name="address">Where it listens.</param>
/// <param name="apiKey">The bearer's key; null where a call needs none.</param>
/// <param name="http">Sends.</param>
internal sealed class ApiClient(string service, Uri address, string? apiKey, HttpClient http)
{
    /// <summary>How long a call may take that waits for nothing on the server.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);

    /// <summary>What it is called to a person.</summary>
    internal string Service => service;

    /// <summary>Where it listens.</summary>
    internal Uri Address => address;

    /// <summary>GET.</summary>
    /// <param name="path">Relative to the address.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="wait">How long the server was asked to wait before it answers.</param>
    /// <exception cref="CommandException">It was refused or could not be sent.</exception>
    internal Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken, TimeSpan wait = default) =>
        SendAsync(HttpMethod.Get, path, null, wait, cancellationToken);

    /// <summary>POST.</summary>
    /// <param name="path">Relative to the address.</param>
    /// <param name="body">A JSON document.</param>
    /// <param name="cancellationToken">Gives up; the server may have done it all the same.</param>
    /// <param name="wait">How long the server was asked to wait before it answers.</param>
    /// <exception cref="CommandException">It was refused or could not be sent.</exception>
    internal Task<JsonElement> PostAsync(string path, JsonNode body, CancellationToken cancellationToken, TimeSpan wait = default) =>
        SendAsync(HttpMethod.Post, path, new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"), wait, cancellationToken);

    /// <summary>DELETE.</summary>
    /// <param name="path">Relative to the address.</param>
    /// <param name="cancellationToken">Gives up; the server may have done it all the same.</param>
    /// <exception cref="CommandException">It was refused or could not be sent.</exception>
    internal Task<JsonElement> DeleteAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Delete, path, null, default, cancellationToken);

    /// <summary>DELETE; what it answers is not read.</summary>
    /// <param name="path">Relative to the address.</param>
    /// <param name="cancellationToken">Gives up; the server may have done it all the same.</param>
    /// <exception cref="CommandException">It was refused or could not be sent.</exception>
    internal async Task RemoveAsync(string path, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Delete, path, "application/json");
        using var response = await ReachAsync(request, Patience, HttpCompletionOption.ResponseContentRead, cancellationToken);
        if (!response.IsSuccessStatusCode)
            throw Refusal(response, await response.Content.ReadAsByteArrayAsync(cancellationToken));
    }

    /// <summary>Opens a stream of server-sent events; dispose it.</summary>
    /// <param name="path">Relative to the address.</param>
    /// <param name="lastId">The id of the last event that arrived, or null.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="CommandException">It was refused or could not be sent.</exception>
    internal async Task<HttpResponseMessage> OpenEventsAsync(string path, string? lastId, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Get, path, "text/event-stream");
        if (lastId is not null)
            request.Headers.Add("Last-Event-ID", lastId);
        var response = await ReachAsync(request, Patience, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NoContent || (response.StatusCode == HttpStatusCode.OK && response.Content.Headers.ContentType?.MediaType == "text/event-stream"))
            return response;
        using (response)
            throw response.IsSuccessStatusCode ? NotOurs("its answer is no event stream") : Refusal(response, await response.Content.ReadAsByteArrayAsync(cancellationToken));
    }

    /// <summary>Reads the data of an event.</summary>
    /// <param name="data">Its text.</param>
    /// <exception cref="CommandException">It is not JSON.</exception>
    internal JsonElement ParseEvent(string data) => Parse(Encoding.UTF8.GetBytes(data)) ?? throw NotOurs("an event of it is not JSON");

    /// <summary>PUT.</summary>
    /// <param name="path">Relative to the address.</param>
    /// <param name="body">A document.</param>
    /// <param name="mediaType">What kind of.</param>
    /// <param name="cancellationToken">Gives up; the server may have done it all the same.</param>
    /// <exception cref="CommandException">It was refused or could not be sent.</exception>
    internal Task<JsonElement> PutAsync(string path, byte[] body, string mediaType, CancellationToken cancellationToken)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        return SendAsync(HttpMethod.Put, path, content, default, cancellationToken);
    }

    /// <summary>Reads a document as a view of it; members that the view has not are ignored.</summary>
    /// <typeparam name="T">The view.</typeparam>
    /// <param name="document">The document.</param>
    /// <param name="type">The view's metadata.</param>
    /// <exception cref="CommandException">A member is missing or of another type.</exception>
    internal T View<T>(JsonElement document, JsonTypeInfo<T> type)
    {
        try
        {
            return document.Deserialize(type) ?? throw new JsonException("null");
        }
        catch (JsonException problem)
        {
            throw NotOurs($"its answer is not what this version expects ({problem.Message})");
        }
    }

    /// <summary>The items of a listing.</summary>
    /// <param name="document">The listing.</param>
    /// <exception cref="CommandException">It is none.</exception>
    internal JsonElement.ArrayEnumerator Items(JsonElement document) =>
        document.ValueKind == JsonValueKind.Object && document.TryGetProperty("items", out var items) && items.ValueKind == JsonValueKind.Array
            ? items.EnumerateArray()
            : throw NotOurs("its answer is not a listing");

    /// <summary>Sends a request whose answer need not be JSON: health.</summary>
    /// <param name="path">Relative to the address.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="CommandException">It could not be sent.</exception>
    internal async Task<(HttpStatusCode Status, string Body, DateTimeOffset? Date)> ProbeAsync(string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, path));
        using var response = await ReachAsync(request, TimeSpan.FromSeconds(10), HttpCompletionOption.ResponseContentRead, cancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken), response.Headers.Date);
    }

    private async Task<JsonElement> SendAsync(HttpMethod method, string path, HttpContent? body, TimeSpan wait, CancellationToken cancellationToken)
    {
        using var request = Request(method, path, "application/json");
        request.Content = body;
        using var response = await ReachAsync(request, Patience + wait, HttpCompletionOption.ResponseContentRead, cancellationToken);
        var content = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        if (!response.IsSuccessStatusCode)
            throw Refusal(response, content);
        return Parse(content) ?? throw NotOurs("its answer is not JSON");
    }

    private HttpRequestMessage Request(HttpMethod method, string path, string accept)
    {
        var request = new HttpRequestMessage(method, new Uri(address, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", RequireKey());
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(accept));
        return request;
    }

    private string RequireKey() => apiKey is { Length: > 0 } && !apiKey.AsSpan().ContainsAnyExceptInRange('!', '~')
        ? apiKey
        : throw new CommandException(
            ExitCode.NotAuthorized,
            "no_api_key",
            apiKey is null ? "no API key" : "the API key holds characters that no key has",
            "set RUNPROOF_API_KEY or give --api-key; runproof keys create makes a key");

    private async Task<HttpResponseMessage> ReachAsync(HttpRequestMessage request, TimeSpan patience, HttpCompletionOption until, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        try
        {
            return await http.SendAsync(request, until, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unreachable(Invariant($"no answer within {patience.TotalSeconds:0} s"));
        }
        catch (HttpRequestException problem)
        {
            throw Unreachable(problem.InnerException?.Message ?? problem.Message);
        }
    }

    private CommandException Unreachable(string why) => new(
        ExitCode.Error,
        "unreachable",
        $"cannot reach the {service} at {address.GetLeftPart(UriPartial.Authority)}: {why}",
        $"is it running, and is that its address (--{service}-url)? dotnet run --project AppHost starts everything; runproof doctor says what is missing");

    private CommandException Refusal(HttpResponseMessage response, byte[] content)
    {
        var isProblem = response.Content.Headers.ContentType?.MediaType == "application/problem+json";
        var problem = isProblem && Parse(content) is { ValueKind: JsonValueKind.Object } document ? View(document, WireContext.Default.ProblemView) : null;
        var status = (int)response.StatusCode;
        if (problem is null && status == 404)
            return NotOurs("it answered 404 and not as RunProof does");
        var message = problem is null ? Invariant($"the {service} answered {status}") : Explain(problem, status);
        var code = problem?.Type?.Split('/')[^1].Replace('-', '_') ?? Invariant($"http_{status}");
        var (exit, remedy) = Meaning(status, code);
        return new CommandException(exit, code, message, remedy, status);
    }

    private (int ExitCode, string? Remedy) Meaning(int status, string code) => status switch
    {
        409 when code == "not_verified" => (ExitCode.Failed, "runproof run prove says everything that does not hold"),
        409 when code == "not_proven_yet" => (ExitCode.Unsupported, "try again in a moment; runproof run prove says what is awaited"),
        401 => (ExitCode.NotAuthorized, "give a key that is not revoked: RUNPROOF_API_KEY or --api-key; runproof keys list shows them"),
        403 => (ExitCode.NotAuthorized, "this needs a key of another scope: runproof keys create --scope runner; for policies, budgets and the kill switch --scope governor; for approvals --scope approver"),
        404 => (ExitCode.NotFound, null),
        400 or 413 or 422 => (ExitCode.Usage, null),
        >= 500 => (ExitCode.Error, $"runproof doctor says what is missing; the {service}'s log says why"),
        _ => (ExitCode.Error, null),
    };

    // The detail of malformed input repeats the places; the title does not.
    private static string Explain(ProblemView problem, int status)
    {
        var text = problem.Detail ?? problem.Title ?? Invariant($"refused with {status}");
        if (problem.Errors is not { ValueKind: JsonValueKind.Object } errors)
            return text;
        text = problem.Title ?? text;
        var places = errors.EnumerateObject().Select(place => $"{place.Name}: {Messages(place.Value)}");
        return string.Join("; ", places.Prepend(text.TrimEnd('.')));
    }

    private static string Messages(JsonElement messages) => messages.ValueKind == JsonValueKind.Array
        ? string.Join(", ", messages.EnumerateArray().Select(message => message.ToString()))
        : messages.ToString();

    /// <summary>Whoever answers there is no RunProof service.</summary>
    /// <param name="what">How that shows.</param>
    internal CommandException NotOurs(string what) => new(
        ExitCode.Error,
        "not_runproof",
        $"{address.GetLeftPart(UriPartial.Authority)} does not look like a RunProof {service}: {what}",
        $"check --{service}-url (RUNPROOF_{service.ToUpperInvariant()}_URL)");

    private static JsonElement? Parse(byte[] content)
    {
        try
        {
            using var document = JsonDocument.Parse(content);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
