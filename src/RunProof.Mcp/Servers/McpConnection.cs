using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using RunProof.Format;

namespace RunProof.Mcp;

/// <summary>
/// One connection to a server, from handshake to its end. Requests go through the protocol's own client; what is answered is taken as it came, not as the client's types
/// would have it: evidence must not lose members that a library does not know.
/// </summary>
internal sealed class McpConnection : IAsyncDisposable
{
    private const int MaxPages = 200;

    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 512, SkipValidation = true };

    private readonly McpServerOptions _options;
    private readonly ConcurrentDictionary<long, CallProgress> _underWay = new();
    private readonly TaskCompletionSource<string> _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _calls;
    private ServerProcess? _process;
    private HttpClient? _http;
    private HttpClientTransport? _transport;
    private McpClient? _client;

    private McpConnection(McpServerOptions options) => _options = options;

    /// <summary>Who answered.</summary>
    internal ServerIdentity Server { get; private set; } = null!;

    /// <summary>Ends with the reason why the connection is over, once it is.</summary>
    internal Task<string> Over => _broken.Task;

    /// <summary>The end of what a program wrote to its standard error; empty for a server at an address.</summary>
    internal string ErrorTail => _process?.ErrorTail ?? "";

    /// <summary>Starts the server or reaches it, and shakes hands.</summary>
    /// <param name="options">The operator's.</param>
    /// <param name="toolsChanged">Called when the server says that its tools have changed.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="McpStartException">It cannot be started, reached or understood.</exception>
    internal static async Task<McpConnection> OpenAsync(McpServerOptions options, Action toolsChanged, CancellationToken cancellationToken)
    {
        var connection = new McpConnection(options);
        try
        {
            await connection.ShakeHandsAsync(toolsChanged, cancellationToken);
            return connection;
        }
        catch (Exception refused) when (!cancellationToken.IsCancellationRequested)
        {
            await connection.SettleAsync();
            var why = connection.Reason(refused);
            var said = connection.ErrorTail;
            await connection.DisposeAsync();
            throw new McpStartException(why, said.Length == 0 ? refused : new IOException(said, refused));
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lists the tools: all pages, each definition as it came.</summary>
    /// <exception cref="McpListException">The list cannot be worked with.</exception>
    internal async Task<IReadOnlyList<byte[]>> ListAsync(CancellationToken cancellationToken)
    {
        var tools = new List<byte[]>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (string? cursor = null; ;)
        {
            var answer = await RequestAsync(RequestMethods.ToolsList, cursor is null ? new JsonObject() : new JsonObject { ["cursor"] = cursor }, cancellationToken);
            using var page = JsonDocument.Parse(answer, new JsonDocumentOptions { MaxDepth = 512 });
            if (page.RootElement.ValueKind is not JsonValueKind.Object || !page.RootElement.TryGetProperty("tools", out var listed) || listed.ValueKind is not JsonValueKind.Array)
                throw new McpListException("its list of tools is none");
            foreach (var tool in listed.EnumerateArray())
                tools.Add(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(tool).ToArray());
            if (tools.Count > _options.MaxTools)
                throw new McpListException($"it lists more than {_options.MaxTools.ToString(System.Globalization.CultureInfo.InvariantCulture)} tools");
            cursor = page.RootElement.TryGetProperty("nextCursor", out var next) && next.ValueKind is JsonValueKind.String ? next.GetString() : null;
            if (string.IsNullOrEmpty(cursor))
                return tools;
            if (!seen.Add(cursor) || seen.Count > MaxPages)
                throw new McpListException("the pages of its list of tools do not end");
        }
    }

    /// <summary>Calls a tool.</summary>
    /// <param name="tool">Its name.</param>
    /// <param name="arguments">A JSON object.</param>
    /// <param name="idempotencyKey">The same for every attempt of the step: in <c>_meta</c>, for servers that know it.</param>
    /// <param name="progress">Takes what the server says of how far it is.</param>
    /// <param name="cancellationToken">Gives up; the server is told so.</param>
    /// <exception cref="McpProtocolException">The server answered with an error.</exception>
    /// <exception cref="IOException">The connection is over.</exception>
    /// <returns>The result as it came.</returns>
    internal async Task<byte[]> CallAsync(string tool, CanonicalJson arguments, string idempotencyKey, CallProgress progress, CancellationToken cancellationToken)
    {
        var token = Interlocked.Increment(ref _calls);
        _underWay[token] = progress;
        try
        {
            return await RequestAsync(
                RequestMethods.ToolsCall,
                new JsonObject
                {
                    ["name"] = tool,
                    ["arguments"] = JsonNode.Parse(arguments.Bytes.Span, documentOptions: new JsonDocumentOptions { MaxDepth = 512 }),
                    ["_meta"] = new JsonObject { ["progressToken"] = token, ["runproof/idempotency_key"] = idempotencyKey },
                },
                cancellationToken);
        }
        finally
        {
            _underWay.TryRemove(token, out _);
        }
    }

    /// <summary>Ends the connection for a reason of ours.</summary>
    internal void Break(string why) => _broken.TrySetResult(why);

    public async ValueTask DisposeAsync()
    {
        Break("it was stopped");
        if (_client is not null)
            await IgnoreAsync(_client.DisposeAsync());
        if (_transport is not null)
            await IgnoreAsync(_transport.DisposeAsync());
        if (_process is not null)
            await _process.DisposeAsync();
        _http?.Dispose();
    }

    private async Task ShakeHandsAsync(Action toolsChanged, CancellationToken cancellationToken)
    {
        void Exceeded(MessageTooLargeException too) => Break(too.Message);
        _client = await McpClient.CreateAsync(
            new ProgressTap(Transport(Exceeded), Progressed),
            new McpClientOptions
            {
                ClientInfo = new Implementation { Name = "runproof", Version = typeof(McpConnection).Assembly.GetName().Version?.ToString(3) ?? "0" },
                InitializationTimeout = _options.StartTimeout,
                Handlers = new McpClientHandlers
                {
                    NotificationHandlers = [new(NotificationMethods.ToolListChangedNotification, (_, _) => { toolsChanged(); return default; })],
                },
            },
            cancellationToken: cancellationToken);
        _ = WatchAsync(_client.Completion);
        var info = _client.ServerInfo;
        Server = new ServerIdentity(
            Text(info?.Name, 128), Text(info?.Version, 64), Text(_client.NegotiatedProtocolVersion, 64), _client.ServerCapabilities?.Tools?.ListChanged is true && !IsSilent(_client));
    }

    // From that version on, a server tells of changes only those who subscribed: it is asked before each call instead.
    private static bool IsSilent(McpClient client) => string.CompareOrdinal(client.NegotiatedProtocolVersion, "2026-07-28") >= 0;

    private IClientTransport Transport(Action<MessageTooLargeException> exceeded)
    {
        if (_options.Url is null)
        {
            _process = ServerProcess.Start(_options, exceeded);
            return new StreamClientTransport(_process.Input, _process.Output);
        }

        _http = BoundedHttp.Client(_options, exceeded);
        return _transport = new HttpClientTransport(
            new HttpClientTransportOptions
            {
                Endpoint = _options.Url,
                TransportMode = HttpTransportMode.StreamableHttp,
                AdditionalHeaders = new Dictionary<string, string>(_options.Headers, StringComparer.OrdinalIgnoreCase),
                ConnectionTimeout = _options.StartTimeout,
            },
            _http);
    }

    // Of a call that is over, or was never made, nothing is taken.
    private void Progressed(JsonObject said)
    {
        if (said["progressToken"] is JsonValue token && token.TryGetValue<long>(out var call) && _underWay.TryGetValue(call, out var progress))
            progress.Take(said);
    }

    private async Task WatchAsync(Task<ClientCompletionDetails> completion)
    {
        try
        {
            await completion;
        }
        catch (Exception ended) when (ended is not OutOfMemoryException)
        {
            // How it ended is asked for below.
        }

        await SettleAsync();
        Break(Gone());
    }

    // A process that closed its output is about to end: a moment later it has an exit code.
    private async Task SettleAsync()
    {
        for (var i = 0; i < 25 && _process is { Ended: null } && !Over.IsCompleted; i++)
            await Task.Delay(10);
    }

    private async Task<byte[]> RequestAsync(string method, JsonNode parameters, CancellationToken cancellationToken)
    {
        if (Over.IsCompleted)
            throw new IOException(await Over);
        // The client does not always end what waits for an answer when its transport breaks.
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var done = new CancellationTokenSource();
        _ = Over.ContinueWith(_ => over.CancelAsync(), done.Token, TaskContinuationOptions.None, TaskScheduler.Default);
        try
        {
            var answer = await _client!.SendRequestAsync(new JsonRpcRequest { Method = method, Params = parameters }, over.Token);
            return Bytes(answer.Result);
        }
        catch (Exception failed) when (failed is IOException or HttpRequestException or ObjectDisposedException or InvalidOperationException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // The transport's own words may hold an address; the reason that the connection ended is in ours.
            await SettleAsync();
            Break(Over.IsCompleted ? await Over : Reason(failed));
            throw new IOException(await Over, failed);
        }
        finally
        {
            await done.CancelAsync();
        }
    }

    private static byte[] Bytes(JsonNode? result)
    {
        if (result is null)
            return "null"u8.ToArray();
        var buffer = new ArrayBufferWriter<byte>(1_024);
        using (var writer = new Utf8JsonWriter(buffer, Writing))
            result.WriteTo(writer);
        return buffer.WrittenSpan.ToArray();
    }

    private string Reason(Exception failed) => failed switch
    {
        McpStartException start => start.Message,
        _ when Over.IsCompletedSuccessfully => Over.Result,
        _ when _process?.Ended is { } ended => ended,
        HttpRequestException { StatusCode: { } status } => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"it answered HTTP {(int)status}"),
        HttpRequestException => "it cannot be reached",
        TimeoutException or OperationCanceledException => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"it did not answer the handshake in {_options.StartTimeout.TotalSeconds} s"),
        McpException protocol => "it broke the protocol: " + Text(protocol.Message, 200),
        IOException => Gone(),
        _ => "it broke the protocol: " + failed.GetType().Name,
    };

    private string Gone() => _process is null ? "the connection ended" : _process.Ended ?? "it closed its output";

    private static string Text(string? said, int most) => string.IsNullOrWhiteSpace(said) ? "unknown" : BoundedText.Of(said, most);

    private static async Task IgnoreAsync(ValueTask disposing)
    {
        try
        {
            await disposing.AsTask().WaitAsync(TimeSpan.FromSeconds(5));
        }
        catch (Exception refused) when (refused is not OutOfMemoryException)
        {
            // It is over either way.
        }
    }
}
