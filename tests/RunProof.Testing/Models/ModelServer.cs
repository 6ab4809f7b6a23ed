using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace RunProof.Testing;

/// <summary>
/// A service of the chat-completions protocol on a free port of the loopback address. It checks requests as the real service does and refuses them in its words and shape;
/// what it answers, a test says. Any client of the protocol can use it.
/// </summary>
public sealed class ModelServer : IAsyncDisposable
{
    /// <summary>The one key that it takes.</summary>
    public const string ApiKey = "test-4f1c2a9be07d43c8";

    /// <summary>The one model that it has.</summary>
    public const string Model = "test-model";

    private readonly WebApplication _application;
    private readonly Func<ModelRequest, ModelTurn> _answer;
    private readonly CancellationTokenSource _stop = new();
    private int _served;

    private ModelServer(Func<ModelRequest, ModelTurn> answer)
    {
        _answer = answer;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _application = builder.Build();
        _application.Run(ServeAsync);
    }

    /// <summary>What a client is configured with: <c>http://127.0.0.1:…/v1</c>.</summary>
    public string Endpoint => _application.Urls.Single() + "/v1";

    /// <summary>Every request that was valid, in the order of arrival.</summary>
    public ConcurrentQueue<ModelRequest> Requests { get; } = [];

    /// <summary>What was refused, in the service's words.</summary>
    public ConcurrentQueue<string> Refusals { get; } = [];

    /// <summary>Answers with each turn in order; when they are used up, as a service that is down.</summary>
    public static Task<ModelServer> StartAsync(params ModelTurn[] script)
    {
        var left = new ConcurrentQueue<ModelTurn>(script);
        return StartAsync(_ => left.TryDequeue(out var turn) ? turn : ModelTurn.Fails(500, "server_error", "The script is over."));
    }

    /// <summary>Answers as a function says.</summary>
    public static async Task<ModelServer> StartAsync(Func<ModelRequest, ModelTurn> answer)
    {
        var server = new ModelServer(answer);
        await server._application.StartAsync();
        return server;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _application.DisposeAsync();
        _stop.Dispose();
    }

    private async Task ServeAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        var (request, refused) = Admit(http.Request, body.ToArray());
        if (refused is not null)
        {
            Refusals.Enqueue(refused.Message);
            await AnswerAsync(http, refused.Status, refused.ToJson());
            return;
        }

        Requests.Enqueue(request!);
        var turn = _answer(request!);
        if (turn.Delay is { } delay)
        {
            using var gone = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, http.RequestAborted);
            await Task.Delay(delay, gone.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        foreach (var (name, value) in turn.Headers)
            http.Response.Headers[name] = value;
        var number = Interlocked.Increment(ref _served);
        await AnswerAsync(http, turn.Status, turn.Raw ?? ModelAnswer.Write(request!, turn, number));
    }

    private static (ModelRequest? Request, ModelRefusal? Refused) Admit(HttpRequest http, byte[] body)
    {
        if (http.Headers.Authorization.ToString() is var given && given != "Bearer " + ApiKey)
        {
            // As careless as some are: the key comes back.
            return (null, given.Length == 0
                ? new ModelRefusal(401, "You didn't provide an API key.", null, null)
                : new ModelRefusal(401, $"Incorrect API key provided: {given["Bearer ".Length..]}.", null, "invalid_api_key"));
        }

        if (http.Path != "/v1/chat/completions")
            return (null, new ModelRefusal(404, $"Unknown request URL: {http.Method} {http.Path}.", null, "unknown_url"));
        if (!HttpMethods.IsPost(http.Method))
            return (null, new ModelRefusal(405, $"Not allowed to {http.Method} on /v1/chat/completions.", null, "method_not_supported"));
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 512 });
            var root = document.RootElement.Clone();
            return ModelRules.Refuse(root) is { } refused
                ? (null, refused)
                : (new ModelRequest(root, Encoding.UTF8.GetString(body), http.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase)), null);
        }
        catch (JsonException)
        {
            return (null, new ModelRefusal(400, "We could not parse the JSON body of your request.", null, null));
        }
    }

    private static async Task AnswerAsync(HttpContext http, int status, byte[] body)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType ??= "application/json";
        http.Response.Headers["x-request-id"] = "req_test";
        try
        {
            await http.Response.Body.WriteAsync(body);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client cut it off.
        }
    }
}

/// <summary>A request that the service would take.</summary>
/// <param name="Json">Its body.</param>
/// <param name="Text">The same as it came.</param>
/// <param name="Headers">Its headers.</param>
public sealed record ModelRequest(JsonElement Json, string Text, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>The messages.</summary>
    public IReadOnlyList<JsonElement> Messages => [.. Json.GetProperty("messages").EnumerateArray()];

    /// <summary>The names of the tools that are offered.</summary>
    public IReadOnlyList<string> Tools =>
        Json.TryGetProperty("tools", out var tools) ? [.. tools.EnumerateArray().Select(tool => tool.GetProperty("function").GetProperty("name").GetString()!)] : [];

    /// <summary>How often the model has answered in this conversation.</summary>
    public int Turn => Messages.Count(message => message.GetProperty("role").ValueEquals("assistant"));

    /// <summary>The content of the last message.</summary>
    public string Last => Messages[^1].GetProperty("content").GetString() ?? "";
}
