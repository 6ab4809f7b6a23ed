using System.Diagnostics;

namespace RunProof.EmbeddedPostgres;

/// <summary>
/// A long-lived child that ends with its parent, however the parent ends. On Unix a watcher shell holds the read end of a pipe whose write end is only
/// ours: when this process dies, even by SIGKILL, the watcher reads end-of-file and signals the child. The child also gets a session of its own
/// where <c>setsid</c> is there, so that Ctrl-C in a terminal reaches only the parent, which stops things in order.
/// </summary>
internal sealed class GuardedProcess : IDisposable
{
    // $1 the polite signal, $2 the last one, $3 seconds between; the rest is the child's command, which takes this shell's process id.
    // The watcher is orphaned on purpose ((…) &): the child must not find a child of its own that it never started.
    private const string Watch = """
        polite=$1 last=$2 seconds=$3; shift 3
        exec 3<&0 </dev/null
        ( ( trap '' INT TERM HUP QUIT
            if read -r _ <&3; then exit 0; fi
            kill -"$polite" $$ || exit 0
            while [ "$seconds" -gt 0 ] && kill -0 $$; do sleep 1; seconds=$((seconds-1)); done
            kill -0 $$ && kill -"$last" $$ ) >/dev/null 2>&1 & )
        exec 3<&-
        exec "$@"
        """;

    private readonly Process process;
    private int released;

    private GuardedProcess(Process process) => this.process = process;

    /// <summary>The child itself; its id is the id of the program, not of a shell.</summary>
    public Process Process => process;

    /// <summary>Starts it. Output and error are piped: the caller must read them.</summary>
    /// <param name="description">What to start (from <see cref="Tool.Describe"/>).</param>
    /// <param name="polite">The signal that asks it to end, by name, when this process has died.</param>
    /// <param name="last">The signal after <paramref name="seconds"/>.</param>
    /// <param name="seconds">How long it may take to end.</param>
    public static GuardedProcess Start(ProcessStartInfo description, string polite, string last, int seconds)
    {
        if (!OperatingSystem.IsWindows())
            Wrap(description, polite, last, seconds);
        var process = Process.Start(description) ?? throw new InvalidOperationException($"'{description.FileName}' was not started.");
        var guarded = new GuardedProcess(process);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => guarded.Release();
        if (process.HasExited)
            guarded.Release();
        return guarded;
    }

    /// <summary>Asks it to end: a signal on Unix, a kill on Windows.</summary>
    public void Signal(int signal)
    {
        try
        {
            if (process.HasExited)
                return;
            if (OperatingSystem.IsWindows())
                process.Kill(entireProcessTree: true);
            else
                Unix.Signal(process.Id, signal);
        }
        catch (InvalidOperationException)
        {
            // It ended in between.
        }
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>Whether it ended in time.</returns>
    public async Task<bool> WaitAsync(TimeSpan timeout)
    {
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return process.HasExited;
        }
    }

    public void Dispose()
    {
        if (process.HasExited)
            Release();
        process.Dispose();
    }

    /// <summary>Tells the watcher that there is nothing left to end, so that it never signals a process that took over the id.</summary>
    private void Release()
    {
        if (Interlocked.Exchange(ref released, 1) != 0)
            return;
        try
        {
            process.StandardInput.WriteLine("done");
            process.StandardInput.Close();
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The watcher is gone already.
        }
    }

    private static void Wrap(ProcessStartInfo description, string polite, string last, int seconds)
    {
        // A shell drops variables whose names it could not use itself, such as those with a hyphen.
        var unspeakable = description.Environment.Where(variable => !IsShellName(variable.Key)).Select(variable => $"{variable.Key}={variable.Value}").ToArray();
        string[] bridge = unspeakable.Length == 0 ? [] : ["env", .. unspeakable];
        string[] command = [.. bridge, description.FileName, .. description.ArgumentList];
        var setsid = new[] { "/usr/bin/setsid", "/bin/setsid" }.FirstOrDefault(File.Exists);
        description.FileName = setsid ?? "/bin/sh";
        description.ArgumentList.Clear();
        string[] shell = ["-c", Watch, "sh", polite, last, seconds.ToString(System.Globalization.CultureInfo.InvariantCulture)];
        foreach (var argument in (setsid is null ? shell : ["/bin/sh", .. shell]).Concat(command))
            description.ArgumentList.Add(argument);
    }

    private static bool IsShellName(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_');
}
