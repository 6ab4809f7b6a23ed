using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace RunProof.EmbeddedPostgres;

/// <summary>What the server writes: into a file, its last lines into error messages, and what is grave to the logger.</summary>
internal sealed class ServerLog : IDisposable
{
    private const int TailLines = 30;
    private const long RotateAt = 8 << 20;
    private readonly Lock gate = new();
    private readonly Queue<string> tail = new();
    private readonly StreamWriter file;
    private readonly ILogger logger;
    private Task pumps = Task.CompletedTask;

    public ServerLog(string path, ILogger logger)
    {
        this.logger = logger;
        if (new FileInfo(path) is { Exists: true, Length: > RotateAt })
            File.Move(path, path + ".1", overwrite: true);
        file = new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
    }

    /// <summary>Whether the end of connections is expected and no longer worth a warning.</summary>
    public bool Quiet { get; set; }

    /// <summary>The last lines.</summary>
    public string Tail
    {
        get
        {
            lock (gate)
                return string.Join('\n', tail);
        }
    }

    /// <summary>Reads both streams until they end.</summary>
    public void Follow(Process process)
    {
        lock (gate)
            tail.Clear();
        pumps = Task.WhenAll(PumpAsync(process.StandardOutput), PumpAsync(process.StandardError));
    }

    /// <summary>Waits until everything that a server which has ended wrote is here.</summary>
    public Task DrainAsync() => Task.WhenAny(pumps, Task.Delay(TimeSpan.FromSeconds(2)));

    public void Dispose()
    {
        lock (gate)
            file.Dispose();
    }

    private async Task PumpAsync(StreamReader reader)
    {
        try
        {
            while (await reader.ReadLineAsync() is { } line)
                Take(line);
        }
        catch (Exception closed) when (closed is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The process was disposed of.
        }
    }

    private void Take(string line)
    {
        lock (gate)
        {
            tail.Enqueue(line);
            if (tail.Count > TailLines)
                tail.Dequeue();
            if (file.BaseStream.CanWrite)
                file.WriteLine(line);
        }
        var grave = !Quiet && (line.Contains("FATAL:", StringComparison.Ordinal) || line.Contains("PANIC:", StringComparison.Ordinal));
        logger.Log(grave ? LogLevel.Warning : LogLevel.Debug, "postgres: {Line}", line);
    }
}
