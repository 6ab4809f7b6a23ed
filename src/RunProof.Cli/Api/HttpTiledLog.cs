using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Tiles;

namespace RunProof.Cli;

/// <summary>
/// A log over HTTP (C2SP tlog-tiles), served by whoever: answers are bounded in bytes and time, a redirect is followed on the same host alone, and what may pass is asked
/// for again. The API key goes to the host that was named and to no other.
/// </summary>
internal sealed class HttpTiledLog(Uri prefix, string? apiKey, HttpClient http, TimeProvider clock) : ITiledLog
{
    /// <summary>How long an answer may take, its body included.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const int MaxRedirects = 3;
    private const int MaxBundle = TileAddress.FullWidth * (EntryBundle.MaxEntryLength + 2);
    private const int MaxKeys = 1 << 20;

    private static readonly TimeSpan[] Pauses = [TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3)];

    /// <summary>A log at a URL.</summary>
    /// <exception cref="CommandException">It is no URL of a log.</exception>
    internal static HttpTiledLog Open(string url, string? tenant, Invocation invocation)
    {
        if (!Uri.TryCreate(url.EndsWith('/') ? url : url + "/", UriKind.Absolute, out var prefix) || prefix.Scheme is not ("http" or "https") || prefix.Query.Length > 0 || prefix.Fragment.Length > 0 || prefix.UserInfo.Length > 0)
            throw CommandException.Usage($"--url {url} is not the URL of a log", "its prefix, under which checkpoint and tile/… are: https://log.example/log/acme/; or a RunProof service's with --tenant");
        if (tenant is not null)
            prefix = new Uri(prefix, $"log/{Tenants.Parse(tenant)}/");
        var key = invocation.Get(GlobalOptions.ApiKey) ?? invocation.World.Variable("RUNPROOF_API_KEY");
        if (key is not null && (key.Length == 0 || key.AsSpan().ContainsAnyExceptInRange('!', '~')))
            throw new CommandException(ExitCode.NotAuthorized, "no_api_key", "the API key holds characters that no key has");
        var http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseProxy = !prefix.IsLoopback, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(10), AutomaticDecompression = DecompressionMethods.GZip, MaxResponseHeadersLength = 32,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        return new HttpTiledLog(prefix, key, http, invocation.World.Clock);
    }

    /// <summary>Under what the log is served.</summary>
    internal Uri Prefix => prefix;

    public Task<TiledAnswer> ReadCheckpointAsync(CancellationToken cancellationToken) => ReadAsync(new Uri(prefix, "checkpoint"), SignedNote.MaxLength, cancellationToken);

    public Task<TiledAnswer> ReadTileAsync(TileAddress tile, CancellationToken cancellationToken) =>
        ReadAsync(new Uri(prefix, tile.Path), tile.Kind is TileKind.Entries ? MaxBundle : TileAddress.FullWidth * Digest.Length, cancellationToken);

    public async Task<IReadOnlyList<string>> ReadKeysAsync(string origin, CancellationToken cancellationToken)
    {
        var answer = await ReadAsync(new Uri(prefix, "/.well-known/runproof"), MaxKeys, cancellationToken);
        if (answer.Problem is not null)
            return [];
        try
        {
            using var document = JsonDocument.Parse(answer.Bytes, new JsonDocumentOptions { MaxDepth = 16 });
            return [.. document.RootElement.GetProperty("logs").EnumerateArray()
                .Where(log => log.GetProperty("origin").GetString() == origin)
                .SelectMany(static log => log.GetProperty("keys").EnumerateArray())
                .Select(static key => key.GetProperty("verifier_key").GetString() ?? "")];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            // Another kind of log, which does not say.
            return [];
        }
    }

    private async Task<TiledAnswer> ReadAsync(Uri address, int limit, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var (answer, trouble) = await TryAsync(address, limit, cancellationToken);
            if (trouble is null)
                return answer;
            if (attempt == Pauses.Length)
                throw new TiledLogException($"{address}: {trouble}");
            await Task.Delay(Pauses[attempt], clock, cancellationToken);
        }
    }

    private async Task<(TiledAnswer Answer, string? Trouble)> TryAsync(Uri address, int limit, CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(Patience, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, time.Token);
        try
        {
            return await FollowAsync(address, limit, both.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (default, string.Create(CultureInfo.InvariantCulture, $"no whole answer within {Patience.TotalSeconds:0} s"));
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return (default, e.InnerException?.Message ?? e.Message);
        }
        catch (InvalidDataException e)
        {
            return (TiledAnswer.Wrong("is not the gzip it says it is: " + e.Message), null);
        }
    }

    private async Task<(TiledAnswer Answer, string? Trouble)> FollowAsync(Uri address, int limit, CancellationToken cancellationToken)
    {
        for (var redirects = 0; ; redirects++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            if (apiKey is not null)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            var status = (int)response.StatusCode;
            if (status is 301 or 302 or 303 or 307 or 308 && response.Headers.Location is { } location)
            {
                var target = new Uri(address, location);
                if (target.Scheme != prefix.Scheme || target.Authority != prefix.Authority)
                    return (TiledAnswer.Wrong(string.Create(CultureInfo.InvariantCulture, $"is not served: {status} leads to another host, {target.GetLeftPart(UriPartial.Authority)}, which was not asked")), null);
                if (redirects == MaxRedirects)
                    return (TiledAnswer.Wrong("is not served: one redirect leads to the next"), null);
                address = target;
                continue;
            }

            if (status is 401 or 403)
                throw new CommandException(ExitCode.NotAuthorized, "unauthorized", string.Create(CultureInfo.InvariantCulture, $"{address} is not for this key ({status})"), "the log's auditors have a key: RUNPROOF_API_KEY or --api-key", status);
            if (status is 429 or 408 or >= 500)
                return (default, string.Create(CultureInfo.InvariantCulture, $"it answers {status}"));
            return status == 200 ? (await ReadBodyAsync(response.Content, limit, cancellationToken), null) : (TiledAnswer.Wrong(string.Create(CultureInfo.InvariantCulture, $"is not served ({status})")), null);
        }
    }

    private static async Task<TiledAnswer> ReadBodyAsync(HttpContent content, int limit, CancellationToken cancellationToken)
    {
        var tooLong = TiledAnswer.Wrong(string.Create(CultureInfo.InvariantCulture, $"is longer than the {limit} bytes that any has"));
        if (content.Headers.ContentLength > limit)
            return tooLong;
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var body = new MemoryStream((int)(content.Headers.ContentLength ?? 0));
        var buffer = new byte[16384];
        for (int count; (count = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            if (body.Length + count > limit)
                return tooLong;
            await body.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }

        return new TiledAnswer(body.GetBuffer().AsMemory(0, (int)body.Length), null);
    }
}
