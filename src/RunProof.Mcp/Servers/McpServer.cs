using System.Text.Json;
using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Mcp;

/// <summary>One server, kept running: connected, listed, watched, and started again with growing pauses when it ends.</summary>
internal sealed partial class McpServer(McpServerOptions options, Action changed, TimeProvider clock, ILogger logger)
{
    private const int MostListings = 50;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ListingWindow = TimeSpan.FromSeconds(10);

    // How long a step waits for a server that is being started again.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _places = new(options.CallsAtOnce);
    private readonly TaskCompletionSource _tried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _up = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _wanted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private McpConnection? _connection;
    private Task _listing = Task.CompletedTask;
    private bool _listAgain;
    private long _windowBegan;
    private int _listings;

    internal McpServerOptions Options => options;

    internal SecretMask Mask { get; } = new(options.Secrets);

    /// <summary>The tools as they were listed last, also while the server is away; null where it never answered.</summary>
    internal ToolList? List { get; private set; }

    /// <summary>Why it is not there; null where it is.</summary>
    internal string? Problem { get; private set; } = "it is being started";

    /// <summary>Ends with the first attempt to start it, whatever came of it.</summary>
    internal Task Tried => _tried.Task;

    /// <summary>Keeps it running until it is stopped.</summary>
    internal async Task RunAsync(CancellationToken stop)
    {
        var pause = FirstPause;
        while (!stop.IsCancellationRequested)
        {
            var began = clock.GetTimestamp();
            try
            {
                await ServeAsync(stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                break;
            }
            catch (Exception failed)
            {
                Say(failed is McpStartException or McpListException ? failed.Message : $"{failed.GetType().Name}: {failed.Message}", failed.InnerException?.Message);
            }

            _tried.TrySetResult();
            if (clock.GetElapsedTime(began) >= Settled)
                pause = FirstPause;
            await PauseAsync(pause, stop);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }

        _tried.TrySetResult();
    }

    /// <summary>Whether a skill still is what its run's trace pinned. Waits for a list that is under way, and for a server that is being started again, a few seconds.</summary>
    internal async ValueTask<SkillCheck> CheckAsync(McpSkill skill, CanonicalJson? pins, CancellationToken cancellationToken)
    {
        if (await UpAsync(cancellationToken) is not { } connection)
            return new SkillCheck(Unavailable(), McpEvidence.Of(skill));
        if (options.ListBeforeCall || !connection.Server.SaysChanges)
            ListAgain(connection);
        Task listing;
        lock (_gate)
            listing = _listing;
        await listing.WaitAsync(cancellationToken);
        if (List is not { } now || connection.Over.IsCompleted)
            return new SkillCheck(Unavailable(), McpEvidence.Of(skill));
        if (PinIn(pins) is not { } pin)
            return new SkillCheck(new SkillFailure("tools_not_pinned", $"the trace pinned no tools of MCP server \"{options.Name}\": it was not there when the run began"), McpEvidence.Of(skill, now));
        if (pin == now.Pin.ToString() && skill.List.Digest == now.Digest)
            return new SkillCheck(null, McpEvidence.Of(skill));
        var message = $"MCP server \"{options.Name}\" is not what the run's trace pinned: {Difference(pin, now.Pin.ToString())}";
        return new SkillCheck(new SkillFailure("tools_changed", message), McpEvidence.Of(skill, now, DigestIn(pin)));
    }

    /// <summary>Calls a tool that has passed its check, once there is a place among the calls that the server is given at once.</summary>
    /// <param name="skill">The tool.</param>
    /// <param name="arguments">A JSON object.</param>
    /// <param name="idempotencyKey">The same for every attempt of the step.</param>
    /// <param name="call">Takes what becomes of it.</param>
    /// <param name="cancellationToken">The step is over: also while it waits.</param>
    /// <exception cref="NotCalledException">The server is not there or changed since the check.</exception>
    /// <exception cref="IOException">The connection ended during the call.</exception>
    /// <exception cref="OperationCanceledException">The step, or the time that the operator allows a call, is over.</exception>
    internal async Task<byte[]> CallAsync(McpSkill skill, CanonicalJson arguments, string idempotencyKey, CallRecord call, CancellationToken cancellationToken)
    {
        await TakePlaceAsync(call, cancellationToken);
        try
        {
            if (await UpAsync(cancellationToken) is not { Over.IsCompleted: false } connection || List is not { } now)
                throw new NotCalledException(Unavailable());
            if (now.Digest != skill.List.Digest)
                throw new NotCalledException(new SkillFailure("tools_changed", $"MCP server \"{options.Name}\" changed just before the call: {Difference(skill.List.Pin.ToString(), now.Pin.ToString())}")) { Found = now };
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(options.CallTimeout);
            call.WasSent = true;
            return await connection.CallAsync(skill.Tool.Name, arguments, idempotencyKey, call.Progress, limit.Token);
        }
        finally
        {
            _places.Release();
        }
    }

    private async Task TakePlaceAsync(CallRecord call, CancellationToken cancellationToken)
    {
        var place = _places.WaitAsync(cancellationToken);
        if (place.IsCompletedSuccessfully)
            return;
        var began = clock.GetTimestamp();
        try
        {
            await place;
        }
        finally
        {
            call.QueuedMs = (long)clock.GetElapsedTime(began).TotalMilliseconds;
        }
    }

    // One life of the server: from its start to its end.
    private async Task ServeAsync(CancellationToken stop)
    {
        var early = false;
        McpConnection? served = null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(options.StartTimeout);
        void Changed()
        {
            if (Volatile.Read(ref served) is { } connection)
                ListAgain(connection);
            else
                Volatile.Write(ref early, true);
        }

        await using var opened = await WithinAsync(McpConnection.OpenAsync(options, Changed, limit.Token), stop);
        var list = ToolList.Of(opened.Server, await WithinAsync(opened.ListAsync(limit.Token), stop), options);
        lock (_gate)
        {
            _connection = opened;
            _up.TrySetResult();
        }

        Take(list);
        Problem = null;
        LogUp(logger, options.Name, list.Server.Name, list.Server.Version, list.Tools.Count, list.Digest.ToString());
        Volatile.Write(ref served, opened);
        if (Volatile.Read(ref early))
            ListAgain(opened);
        _tried.TrySetResult();
        try
        {
            var why = await opened.Over.WaitAsync(stop);
            Say(why, opened.ErrorTail);
        }
        finally
        {
            lock (_gate)
                Forget(opened);
        }
    }

    private async Task<T> WithinAsync<T>(Task<T> work, CancellationToken stop)
    {
        try
        {
            return await work;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new McpStartException($"it was not ready in {options.StartTimeout.TotalSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture)} s");
        }
        catch (IOException over)
        {
            throw new McpStartException(over.Message, over.InnerException);
        }
    }

    private void Take(ToolList list)
    {
        if (List is { } before && before.Pin.Equals(list.Pin))
            return;
        if (List is { } former)
            LogChanged(logger, options.Name, former.Digest.ToString(), list.Digest.ToString());
        foreach (var one in list.LeftOut.Take(20))
            LogLeftOut(logger, options.Name, one);
        List = list;
        changed();
    }

    // Changes that come while a list is under way make one more list, not one each.
    private void ListAgain(McpConnection connection)
    {
        lock (_gate)
        {
            _listAgain = true;
            if (_listing.IsCompleted)
                _listing = Task.Run(() => ListWhileChangedAsync(connection));
        }
    }

    private async Task ListWhileChangedAsync(McpConnection connection)
    {
        try
        {
            while (TakeListAgain())
            {
                if (!options.ListBeforeCall && connection.Server.SaysChanges && IsTooOften())
                    throw new McpListException("it says all the time that its tools have changed");
                using var limit = new CancellationTokenSource(options.ListTimeout, clock);
                Take(ToolList.Of(connection.Server, await connection.ListAsync(limit.Token), options));
            }
        }
        catch (Exception failed)
        {
            connection.Break(failed switch
            {
                OperationCanceledException => "it did not list its tools in time",
                McpListException or IOException => failed.Message,
                _ => $"its tools cannot be listed: {failed.GetType().Name}",
            });
        }
    }

    private bool TakeListAgain()
    {
        lock (_gate)
        {
            var again = _listAgain;
            _listAgain = false;
            return again;
        }
    }

    private bool IsTooOften()
    {
        if (clock.GetElapsedTime(_windowBegan) > ListingWindow)
            (_windowBegan, _listings) = (clock.GetTimestamp(), 0);
        return ++_listings > MostListings;
    }

    private async ValueTask<McpConnection?> UpAsync(CancellationToken cancellationToken)
    {
        Task up;
        lock (_gate)
        {
            if (_connection is { Over.IsCompleted: false } there)
                return there;
            Forget(_connection);
            up = _up.Task;
            _wanted.TrySetResult();
        }

        await up.WaitAsync(Patience, clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
            return _connection;
    }

    // Under the gate: who waits from now on waits for the next connection.
    private void Forget(McpConnection? over)
    {
        if (_connection is null || _connection != over)
            return;
        _connection = null;
        _up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    // A step that wants the server ends the pause, once.
    private async Task PauseAsync(TimeSpan pause, CancellationToken stop)
    {
        Task wanted;
        lock (_gate)
        {
            _wanted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            wanted = _wanted.Task;
        }

        await Task.Delay(FirstPause < pause ? FirstPause : pause, clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (pause > FirstPause)
            await wanted.WaitAsync(pause - FirstPause, clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private SkillFailure Unavailable() => new("mcp_unavailable", $"MCP server \"{options.Name}\" is not there: {Problem ?? "the connection ended"}", Retryable: true);

    private string? PinIn(CanonicalJson? pins)
    {
        if (pins is null)
            return null;
        using var document = pins.ToDocument();
        return document.RootElement.ValueKind is JsonValueKind.Object && document.RootElement.TryGetProperty(options.Name, out var pin) ? pin.GetRawText() : null;
    }

    private static string? DigestIn(string pin)
    {
        using var document = JsonDocument.Parse(pin);
        return Word(document.RootElement, "digest");
    }

    private static string Difference(string pin, string now)
    {
        using var before = JsonDocument.Parse(pin);
        using var after = JsonDocument.Parse(now);
        string[] different = [.. new[] { "digest", "name", "protocol", "version" }.Where(member => Word(before.RootElement, member) != Word(after.RootElement, member))];
        var words = different.Select(member => $"{(member == "digest" ? "tools" : member)} {Word(before.RootElement, member)}, now {Word(after.RootElement, member)}");
        return different.Length == 0 ? "its tools changed and changed back" : string.Join("; ", words);
    }

    private static string? Word(JsonElement pin, string member) =>
        pin.ValueKind is JsonValueKind.Object && pin.TryGetProperty(member, out var word) && word.ValueKind is JsonValueKind.String ? word.GetString() : null;

    private void Say(string why, string? said)
    {
        Problem = Mask.Apply(why);
        LogDown(logger, options.Name, Problem, Mask.Apply(said ?? "").ReplaceLineEndings(" | "));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "MCP server {Server} ({Name} {Version}) is there with {Tools} tools, list {Digest}")]
    private static partial void LogUp(ILogger logger, string server, string name, string version, int tools, string digest);

    [LoggerMessage(Level = LogLevel.Error, Message = "MCP server {Server} is not there: {Why}; its steps fail, other skills work. It said: {Said}")]
    private static partial void LogDown(ILogger logger, string server, string why, string said);

    [LoggerMessage(Level = LogLevel.Warning, Message = "MCP server {Server} has other tools: list {Before}, now {Now}. Runs that began before will not call it")]
    private static partial void LogChanged(ILogger logger, string server, string before, string now);

    [LoggerMessage(Level = LogLevel.Warning, Message = "MCP server {Server}: no skill is made of tool {Why}")]
    private static partial void LogLeftOut(ILogger logger, string server, string why);
}

/// <summary>A tool was not called: nothing was done.</summary>
internal sealed class NotCalledException(SkillFailure failure) : Exception(failure.Message)
{
    internal SkillFailure Failure => failure;

    /// <summary>The list of tools that was found in place of the pinned one; null where that is not why.</summary>
    internal ToolList? Found { get; init; }
}
