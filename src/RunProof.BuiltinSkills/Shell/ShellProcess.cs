using System.Buffers;
using System.ComponentModel;
using System.Diagnostics;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>One program while it runs: without a shell, without the runner's environment, and with an end.</summary>
internal sealed class ShellProcess : IDisposable
{
    private static readonly TimeSpan AfterTheEnd = TimeSpan.FromSeconds(1);

    private readonly Process _process;

    private ShellProcess(Process process) => _process = process;

    /// <summary>What a program wrote and how it ended; <see cref="ExitCode"/> is null where it was stopped.</summary>
    internal sealed record Ended(int? ExitCode, byte[] Output, byte[] Error, bool TooMuch);

    /// <summary>Starts it.</summary>
    /// <exception cref="SkillException"><c>not_started</c>.</exception>
    internal static ShellProcess Start(ShellExecutable executable, IEnumerable<string> arguments, string folder)
    {
        var start = new ProcessStartInfo(executable.Path)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        foreach (var argument in executable.Arguments.Concat(arguments))
            start.ArgumentList.Add(argument);
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/local/bin:/usr/bin:/bin";
        start.Environment["LANG"] = "C.UTF-8";
        start.Environment["HOME"] = folder;
        foreach (var (name, value) in executable.Environment)
            start.Environment[name] = value;
        try
        {
            return new ShellProcess(Process.Start(start)!);
        }
        catch (Exception e) when (e is Win32Exception or IOException or UnauthorizedAccessException)
        {
            throw new SkillException(new SkillFailure("not_started", $"the program cannot be started: {e.GetType().Name}"), e);
        }
    }

    /// <summary>Gives it its input and takes its output until it ends, writes too much, or the token says stop; then everything that it started is killed.</summary>
    internal async Task<Ended> RunAsync(ReadOnlyMemory<byte> input, int maxBytes, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var output = ReadAsync(_process.StandardOutput.BaseStream, maxBytes, stop);
        var error = ReadAsync(_process.StandardError.BaseStream, maxBytes, stop);
        var written = WriteAsync(_process.StandardInput.BaseStream, input, stop.Token);
        int? exit = null;
        try
        {
            await _process.WaitForExitAsync(stop.Token).ConfigureAwait(false);
            exit = _process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            Kill();
        }

        // What it left behind may hold its pipes open for ever: nobody waits for that.
        stop.CancelAfter(AfterTheEnd);
        await Task.WhenAll(output, error, written).ConfigureAwait(false);
        var (first, second) = (await output.ConfigureAwait(false), await error.ConfigureAwait(false));
        cancellationToken.ThrowIfCancellationRequested();
        return new Ended(exit, first.Bytes, second.Bytes, first.TooMuch || second.TooMuch);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has ended already.
        }
    }

    private static async Task<(byte[] Bytes, bool TooMuch)> ReadAsync(Stream stream, int maxBytes, CancellationTokenSource stop)
    {
        var bytes = new ArrayBufferWriter<byte>();
        try
        {
            while (true)
            {
                var read = await stream.ReadAsync(bytes.GetMemory(4096), stop.Token).ConfigureAwait(false);
                if (read == 0)
                    return (bytes.WrittenSpan.ToArray(), false);
                var room = maxBytes - bytes.WrittenCount;
                bytes.Advance(Math.Min(read, room));
                if (read <= room)
                    continue;
                await stop.CancelAsync().ConfigureAwait(false);
                return (bytes.WrittenSpan.ToArray(), true);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return (bytes.WrittenSpan.ToArray(), false);
        }
    }

    private static async Task WriteAsync(Stream stream, ReadOnlyMemory<byte> input, CancellationToken cancellationToken)
    {
        try
        {
            await using (stream.ConfigureAwait(false))
                await stream.WriteAsync(input, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // A program need not read what it is given.
        }
    }
}
