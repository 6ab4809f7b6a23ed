using System.Net;
using System.Text;
using RunProof.Format;

namespace RunProof.Witness;

/// <summary>
/// A witness over HTTP (C2SP tlog-witness): <c>POST add-checkpoint</c>, <c>GET &lt;hex&gt;/checkpoint</c>, and the proofs of forks under <c>forks/</c>.
/// Over the base class library's own listener, so that whoever runs it needs no web framework; TLS is a proxy's in front of it.
/// </summary>
public sealed class WitnessServer : IDisposable
{
    /// <summary>Bytes that a request's body may have.</summary>
    public const int MaxBody = SignedNote.MaxLength;

    /// <summary>Requests that are worked on at once; further ones wait.</summary>
    public const int MaxConcurrency = 32;

    /// <summary>The time that a request's body may take to arrive, and that an answer may take to be read.</summary>
    public static readonly TimeSpan BodyTimeout = TimeSpan.FromSeconds(15);

    private readonly HttpListener _listener = new() { IgnoreWriteExceptions = true };
    private readonly LogWitness _witness;
    private readonly WitnessFolder _folder;
    private readonly TimeProvider _clock;
    private readonly Action<string> _tell;
    private readonly string _prefix;
    private readonly SemaphoreSlim _places = new(MaxConcurrency);

    /// <summary>A server; it does not listen yet.</summary>
    /// <param name="witness">The witness.</param>
    /// <param name="folder">What it remembers, for monitors to read.</param>
    /// <param name="prefix">Where it listens: <c>http://127.0.0.1:8787/</c>; a star for the host is every name and address.</param>
    /// <param name="clock">For the time that a body may take.</param>
    /// <param name="tell">Takes a line for the operator: what was answered, and what failed.</param>
    /// <exception cref="ArgumentException">The prefix is none.</exception>
    public WitnessServer(LogWitness witness, WitnessFolder folder, string prefix, TimeProvider clock, Action<string> tell)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        (_witness, _folder, _clock, _tell) = (witness, folder, clock, tell);
        var whole = prefix.EndsWith('/') ? prefix : prefix + "/";
        _listener.Prefixes.Add(whole);
        _prefix = "/" + string.Join('/', whole.Split('/')[3..]);
    }

    /// <summary>Listens until it is cancelled, then finishes what it has begun.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="HttpListenerException">The address is taken, or not allowed.</exception>
    /// <returns>A task that ends with the server.</returns>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _listener.Start();
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var stop = cancellationToken.Register(stopped.SetResult).ConfigureAwait(false);
        var open = new List<Task>();
        while (!cancellationToken.IsCancellationRequested)
        {
            await _places.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            var next = _listener.GetContextAsync();
            if (await Task.WhenAny(next, stopped.Task).ConfigureAwait(false) != next)
            {
                // Stopping the listener ends this wait in an exception that nobody asks for.
                _ = next.ContinueWith(static ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
                break;
            }

            open.RemoveAll(static task => task.IsCompleted);
            open.Add(ServeAsync(await next.ConfigureAwait(false)));
        }

        // Stopping cuts every connection: first what was begun.
        await Task.WhenAll(open).ConfigureAwait(false);
        _listener.Stop();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ((IDisposable)_listener).Dispose();
        _places.Dispose();
    }

    private async Task ServeAsync(HttpListenerContext context)
    {
        try
        {
            var answer = await AnswerAsync(context.Request).ConfigureAwait(false);
            var body = answer.Body;
            context.Response.StatusCode = answer.Status;
            context.Response.ContentType = answer.ContentType;
            context.Response.Headers["Cache-Control"] = "no-store";
            context.Response.ContentLength64 = body.Length;
            if (context.Request.HttpMethod != "HEAD")
                await context.Response.OutputStream.WriteAsync(body).AsTask().WaitAsync(BodyTimeout, _clock).ConfigureAwait(false);
            context.Response.Close();
        }
        catch (Exception e) when (e is TimeoutException or IOException or HttpListenerException or ObjectDisposedException or InvalidOperationException)
        {
            // Whoever asked is gone. What was stored stays stored.
            _tell($"a caller went away: {e.Message}");
            context.Response.Abort();
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>Whatever fails within is a 500 without details: nothing was answered that is not stored.</summary>
    private async Task<(int Status, byte[] Body, string ContentType)> AnswerAsync(HttpListenerRequest request)
    {
        try
        {
            return await RouteAsync(request).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            _tell($"a request failed: {e.Message}");
            return Text(500, "the witness could not do it, and has cosigned nothing\n");
        }
        catch (OperationCanceledException)
        {
            return Text(408, "the body did not arrive in time\n");
        }
    }

    private async Task<(int Status, byte[] Body, string ContentType)> RouteAsync(HttpListenerRequest request)
    {
        var whole = request.Url?.AbsolutePath ?? "";
        if (!whole.StartsWith(_prefix, StringComparison.Ordinal))
            return Text(404, "not found\n");
        var path = whole[_prefix.Length..];
        var isRead = request.HttpMethod is "GET" or "HEAD";
        if (path == "add-checkpoint")
            return request.HttpMethod == "POST" ? await AddAsync(request).ConfigureAwait(false) : Text(405, "POST it\n");
        if (!isRead)
            return Text(404, "not found\n");
        if (path.EndsWith("/checkpoint", StringComparison.Ordinal))
            return _folder.ReadNote(path[..^"/checkpoint".Length]) is { } note ? (200, note, "text/plain; charset=utf-8") : Text(404, "never cosigned\n");
        if (path == "forks/")
            return Text(200, string.Concat(Directory.EnumerateFiles(_folder.Forks, "*.json").Select(static file => Path.GetFileName(file) + "\n").Order(StringComparer.Ordinal)));
        return path.StartsWith("forks/", StringComparison.Ordinal) && IsForkName(path["forks/".Length..]) && File.Exists(Path.Combine(_folder.Forks, path["forks/".Length..]))
            ? (200, await File.ReadAllBytesAsync(Path.Combine(_folder.Forks, path["forks/".Length..])).ConfigureAwait(false), "application/json")
            : Text(404, "not found\n");
    }

    private async Task<(int Status, byte[] Body, string ContentType)> AddAsync(HttpListenerRequest request)
    {
        if (request.ContentLength64 > MaxBody)
            return Text(413, "the body is too large\n");
        using var limit = new CancellationTokenSource(BodyTimeout, _clock);
        using var body = new MemoryStream();
        var buffer = new byte[16384];
        for (int count; (count = await request.InputStream.ReadAsync(buffer, limit.Token).AsTask().WaitAsync(limit.Token).ConfigureAwait(false)) > 0;)
        {
            if (body.Length + count > MaxBody)
                return Text(413, "the body is too large\n");
            await body.WriteAsync(buffer.AsMemory(0, count), limit.Token).ConfigureAwait(false);
        }

        var answer = await _witness.AddCheckpointAsync(body.ToArray(), CancellationToken.None).ConfigureAwait(false);
        _tell($"add-checkpoint: {answer.Status.ToString(System.Globalization.CultureInfo.InvariantCulture)}{(answer.Status is 200 or 409 ? "" : " " + answer.Body.TrimEnd('\n'))}");
        return (answer.Status, Encoding.UTF8.GetBytes(answer.Body), answer.ContentType);
    }

    private static bool IsForkName(string name) => name.EndsWith(".json", StringComparison.Ordinal) && name[..^".json".Length].All(static c => char.IsAsciiHexDigitLower(c) || c == '-');

    private static (int Status, byte[] Body, string ContentType) Text(int status, string text) => (status, Encoding.UTF8.GetBytes(text), "text/plain; charset=utf-8");
}
