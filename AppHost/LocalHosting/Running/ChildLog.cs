using System.Diagnostics;

namespace RunProof.AppHost;

/// <summary>What a child writes: all of it into a file, what is grave on the screen, its last lines for a message about its end.</summary>
internal sealed class ChildLog : IDisposable
{
    private const int TailLines = 12;
    private readonly Lock gate = new();
    private readonly Queue<string> tail = new();
    private readonly Queue<string> output = new();
    private readonly StreamWriter file;
    private readonly string name;
    private readonly Screen screen;
    private readonly bool all;
    private bool grave;
    private Task pumps = Task.CompletedTask;

    public ChildLog(string folder, string name, Screen screen, bool all)
    {
        this.name = name;
        this.screen = screen;
        this.all = all;
        Directory.CreateDirectory(folder);
        FilePath = Path.Combine(folder, name + ".log");
        if (File.Exists(FilePath))
            File.Move(FilePath, FilePath + ".1", overwrite: true);
        file = new StreamWriter(FilePath) { AutoFlush = true };
    }

    public string FilePath { get; }

    /// <summary>The last lines of both streams.</summary>
    public string Tail
    {
        get
        {
            lock (gate)
                return string.Join('\n', tail);
        }
    }

    /// <summary>The last lines of standard output.</summary>
    public string[] LastOutput
    {
        get
        {
            lock (gate)
                return [.. output];
        }
    }

    public void Follow(Process process) => pumps = Task.WhenAll(PumpAsync(process.StandardOutput, isError: false), PumpAsync(process.StandardError, isError: true));

    /// <summary>Waits until everything that an ended child wrote is here.</summary>
    public Task DrainAsync() => Task.WhenAny(pumps, Task.Delay(TimeSpan.FromSeconds(2)));

    public void Dispose()
    {
        lock (gate)
            file.Dispose();
    }

    private async Task PumpAsync(StreamReader reader, bool isError)
    {
        try
        {
            while (await reader.ReadLineAsync() is { } line)
                Take(line, isError);
        }
        catch (Exception closed) when (closed is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The child was disposed of.
        }
    }

    private void Take(string line, bool isError)
    {
        bool show;
        lock (gate)
        {
            Keep(tail, line);
            if (!isError)
                Keep(output, line);
            if (file.BaseStream.CanWrite)
                file.WriteLine(line);
            show = all || isError || IsGrave(line);
        }
        if (show && line.Length > 0)
            screen.Log(name, line);
    }

    private static void Keep(Queue<string> lines, string line)
    {
        lines.Enqueue(line);
        if (lines.Count > TailLines)
            lines.Dequeue();
    }

    // The simple console formatter: "warn: Category[0]", then indented lines that belong to it.
    private bool IsGrave(string line)
    {
        if (line.StartsWith(' '))
            return grave;
        grave = line.StartsWith("warn: ", StringComparison.Ordinal) || line.StartsWith("fail: ", StringComparison.Ordinal)
            || line.StartsWith("crit: ", StringComparison.Ordinal);
        return grave;
    }
}
