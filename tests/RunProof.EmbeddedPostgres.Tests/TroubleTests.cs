using System.Net;
using System.Net.Sockets;

namespace RunProof.EmbeddedPostgres.Tests;

/// <summary>What is found when a start is not the first, or not alone.</summary>
public sealed class TroubleTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(int.MaxValue - 1, "a process that is no more")]
    [InlineData(0, "a process that is no PostgreSQL")]
    public async Task A_stale_lock_of_a_server_that_is_gone_is_no_obstacle(int process, string of)
    {
        using var scratch = new Scratch();
        await using (await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct))
        {
        }
        var data = Path.Combine(scratch.Options.Folder, "data");
        var id = process == 0 ? Environment.ProcessId : process;
        await File.WriteAllTextAsync(Path.Combine(data, "postmaster.pid"), $"{id}\n{data}\n1\n5432\n\n127.0.0.1\n1 1\nready\n", Ct);
        await using var server = await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct);
        Assert.True(await Scratch.AskAsync(server.ConnectionString("postgres"), "SELECT 1") is 1, of);
    }

    [Fact]
    public async Task A_second_holder_of_a_folder_is_refused_and_told_who_has_it()
    {
        using var scratch = new Scratch();
        await using var server = await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct);
        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct));
        Assert.Equal(EmbeddedPostgresFailure.DataFolderInUse, refused.Failure);
        Assert.Contains($"(process {Environment.ProcessId})", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"on port {server.Port}", refused.Message, StringComparison.Ordinal);
        Assert.True(refused.IsTransient);
        Assert.Equal(1, await Scratch.AskAsync(server.ConnectionString("postgres"), "SELECT 1"));
    }

    [Fact]
    public async Task A_server_whose_holder_died_is_stopped_and_its_data_taken_over()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals.");
        using var scratch = new Scratch();
        string bin;
        await using (var first = await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct))
        {
            bin = first.BinFolder;
            await Scratch.AskAsync(first.ConnectionString("postgres"), "CREATE TABLE kept AS SELECT 42 AS answer");
        }
        var data = Path.Combine(scratch.Options.Folder, "data");
        var start = Tool.Describe(PostgresBinaries.Executable(bin, "postgres"),
            ["-D", data, "-p", $"{ServerProbe.FreePort()}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="], UnixUser.ForServer(wanted: null), data);
        using var left = System.Diagnostics.Process.Start(start)!;
        while (PostmasterFile.Read(data) is not { Status: "ready" })
            await Task.Delay(10, Ct);
        await using var server = await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct);
        Assert.True(left.WaitForExit(TimeSpan.FromMinutes(1)));
        Assert.Equal(42, await Scratch.AskAsync(server.ConnectionString("postgres"), "SELECT answer FROM kept"));
    }

    [Fact]
    public async Task Data_of_another_major_version_is_left_alone()
    {
        using var scratch = new Scratch();
        var data = Directory.CreateDirectory(Path.Combine(scratch.Options.Folder, "data")).FullName;
        await File.WriteAllTextAsync(Path.Combine(data, "PG_VERSION"), "13\n", Ct);
        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct));
        Assert.Equal(EmbeddedPostgresFailure.OtherMajorVersion, refused.Failure);
        Assert.Contains("made by PostgreSQL 13", refused.Message, StringComparison.Ordinal);
        Assert.Equal(["PG_VERSION"], Directory.GetFileSystemEntries(data).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_folder_that_holds_something_else_is_left_alone()
    {
        using var scratch = new Scratch();
        var data = Directory.CreateDirectory(Path.Combine(scratch.Options.Folder, "data")).FullName;
        await File.WriteAllTextAsync(Path.Combine(data, "diary.txt"), "Dear diary", Ct);
        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct));
        Assert.Equal(EmbeddedPostgresFailure.DataFolderUnusable, refused.Failure);
        Assert.True(File.Exists(Path.Combine(data, "diary.txt")));
    }

    [Fact]
    public async Task As_root_a_folder_below_a_closed_one_is_refused_by_name()
    {
        Assert.SkipUnless(Unix.IsRoot, "Only root gives its rights up.");
        if (OperatingSystem.IsWindows())
            return;
        using var scratch = new Scratch();
        var closed = Directory.CreateDirectory(Path.Combine(scratch.Path, "closed"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;
        var options = scratch.Options with { Folder = Path.Combine(closed, "cluster") };
        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => EmbeddedPostgresServer.StartAsync(options, ct: Ct));
        Assert.Equal(EmbeddedPostgresFailure.DataFolderUnusable, refused.Failure);
        Assert.Contains($"'{closed}' is closed to others", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        using var scratch = new Scratch();
        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => EmbeddedPostgresServer.StartAsync(scratch.Options with { Port = port }, ct: Ct));
        Assert.Equal(EmbeddedPostgresFailure.PortInUse, refused.Failure);
        Assert.Contains($"Port {port}", refused.Message, StringComparison.Ordinal);
        taken.Stop();
        await using var server = await EmbeddedPostgresServer.StartAsync(scratch.Options with { Port = port }, ct: Ct);
        Assert.Equal(port, server.Port);
    }

    [Fact]
    public async Task A_server_that_does_not_start_tells_its_last_words_and_frees_the_folder()
    {
        using var scratch = new Scratch();
        var settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["shared_buffers"] = "a lot" };
        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => EmbeddedPostgresServer.StartAsync(scratch.Options with { Settings = settings }, ct: Ct));
        Assert.Equal(EmbeddedPostgresFailure.StartFailed, refused.Failure);
        Assert.Contains("invalid value for parameter \"shared_buffers\"", refused.Message, StringComparison.Ordinal);
        await using var server = await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct);
        Assert.Equal(1, await Scratch.AskAsync(server.ConnectionString("postgres"), "SELECT 1"));
    }

    [Fact]
    public async Task A_start_that_is_given_up_leaves_nothing_running()
    {
        using var scratch = new Scratch();
        await using (await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct))
        {
        }
        using var giveUp = new CancellationTokenSource();
        var logger = new CancelOn("starting", giveUp);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => EmbeddedPostgresServer.StartAsync(scratch.Options, logger, giveUp.Token));
        Assert.False(File.Exists(Path.Combine(scratch.Options.Folder, "data", "postmaster.pid")));
        await using var server = await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct);
        Assert.Equal(1, await Scratch.AskAsync(server.ConnectionString("postgres"), "SELECT 1"));
    }

    private sealed class CancelOn(string text, CancellationTokenSource source) : Microsoft.Extensions.Logging.ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(Microsoft.Extensions.Logging.LogLevel logLevel) => true;

        public void Log<TState>(Microsoft.Extensions.Logging.LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).Contains(text, StringComparison.Ordinal))
                source.Cancel();
        }
    }
}
