using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace RunProof.Mcp;

/// <summary>A server that is a program, started with an environment of its own and stopped with all that it started.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private const int KeptOfErrors = 2_048;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    // A program finds nothing without these; on Windows it does not even start.
    private static readonly string[] Inherited = OperatingSystem.IsWindows() ? ["PATH", "SystemRoot", "TEMP", "USERPROFILE"] : ["PATH", "HOME"];

    private readonly Process _process;
    private readonly byte[] _errors = new byte[KeptOfErrors];
    private readonly Task _draining;
    private int _errorBytes;
    private string? _ended;

    private ServerProcess(Process process, int maxMessageBytes, Action<MessageTooLargeException> exceeded)
    {
        _process = process;
        Output = new BoundedStream(process.StandardOutput.BaseStream, maxMessageBytes, MessageEnd.Line, exceeded);
        _draining = DrainAsync(process.StandardError.BaseStream);
    }

    /// <summary>What the server reads.</summary>
    internal Stream Input => _process.StandardInput.BaseStream;

    /// <summary>What it says.</summary>
    internal Stream Output { get; }

    /// <summary>How it ended; null while it runs.</summary>
    internal string? Ended
    {
        get
        {
            try
            {
                return _ended ??= _process.HasExited ? string.Create(CultureInfo.InvariantCulture, $"it ended with exit code {_process.ExitCode}") : null;
            }
            catch (InvalidOperationException)
            {
                // It was disposed of meanwhile, by who keeps it running.
                return "it ended";
            }
        }
    }

    /// <summary>The end of what it wrote to its standard error.</summary>
    internal string ErrorTail
    {
        get
        {
            lock (_errors)
                return Encoding.UTF8.GetString(_errors, 0, _errorBytes).Trim();
        }
    }

    /// <summary>Starts the program.</summary>
    /// <exception cref="McpStartException">It cannot be started.</exception>
    internal static ServerProcess Start(McpServerOptions options, Action<MessageTooLargeException> exceeded)
    {
        var start = new ProcessStartInfo(options.Command!)
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = options.WorkingDirectory ?? "",
        };
        foreach (var argument in options.Args)
            start.ArgumentList.Add(argument);
        start.Environment.Clear();
        foreach (var name in Inherited)
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
                start.Environment[name] = value;
        }

        foreach (var (name, value) in options.Env)
            start.Environment[name] = value;
        try
        {
            return new ServerProcess(Process.Start(start)!, options.MaxMessageBytes, exceeded);
        }
        catch (Exception refused) when (refused is Win32Exception or InvalidOperationException or IOException)
        {
            throw new McpStartException($"\"{options.Command}\" cannot be started: {refused.Message}", refused);
        }
    }

    /// <summary>Asks it to end by closing its input; after two seconds it is killed, with everything that it started.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It is gone already.
        }

        using (var patience = new CancellationTokenSource(Grace))
            await _process.WaitForExitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_process.HasExited)
        {
            try
            {
                _process.Kill(entireProcessTree: true);
            }
            catch (Exception gone) when (gone is InvalidOperationException or Win32Exception or AggregateException)
            {
                // It ended by itself meanwhile.
            }

            using var death = new CancellationTokenSource(Grace);
            await _process.WaitForExitAsync(death.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _ = Ended;
        await Output.DisposeAsync();
        await _process.StandardError.BaseStream.DisposeAsync();
        await _draining.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _process.Dispose();
    }

    // Read to the end whatever it is: a server that writes to a full pipe stands still. The last bytes are kept.
    private async Task DrainAsync(Stream errors)
    {
        var buffer = new byte[4_096];
        try
        {
            for (int read; (read = await errors.ReadAsync(buffer)) > 0;)
                Keep(buffer.AsSpan(0, read));
        }
        catch (Exception closed) when (closed is IOException or ObjectDisposedException)
        {
            // The process is gone.
        }
    }

    private void Keep(ReadOnlySpan<byte> read)
    {
        lock (_errors)
        {
            if (read.Length > KeptOfErrors)
                read = read[^KeptOfErrors..];
            var stay = Math.Min(_errorBytes, KeptOfErrors - read.Length);
            _errors.AsSpan(_errorBytes - stay, stay).CopyTo(_errors);
            read.CopyTo(_errors.AsSpan(stay));
            _errorBytes = stay + read.Length;
        }
    }
}

/// <summary>A server cannot be started or reached.</summary>
internal sealed class McpStartException(string message, Exception? inner = null) : Exception(message, inner);
