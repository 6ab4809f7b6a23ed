using System.Net;
using System.Net.NetworkInformation;
using Npgsql;
using RunProof.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace RunProof.EmbeddedPostgres.Tests;

public sealed class ServerLifeTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_folder_becomes_a_durable_server_with_checksums()
    {
        using var scratch = new Scratch();
        await using var server = await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct);
        var settings = await Scratch.AskAsync(server.ConnectionString("postgres"),
            "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN "
            + "('fsync','synchronous_commit','full_page_writes','data_checksums','password_encryption','server_encoding','unix_socket_directories')");
        Assert.Equal("data_checksums=on fsync=on full_page_writes=on password_encryption=scram-sha-256 server_encoding=UTF8 "
            + "synchronous_commit=on unix_socket_directories=", settings);
        Assert.Equal("127.0.0.1", server.Host);
        Assert.Equal("postgres", server.Username);
        Assert.StartsWith(server.Version, (string)(await Scratch.AskAsync(server.ConnectionString("postgres"), "SHOW server_version"))!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_start_finds_the_data_and_the_password_of_the_first()
    {
        using var scratch = new Scratch();
        string password;
        await using (var first = await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct))
        {
            password = first.Password;
            await Scratch.AskAsync(first.ConnectionString("postgres"), "CREATE TABLE kept AS SELECT 42 AS answer");
        }
        await using var second = await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct);
        Assert.Equal(password, second.Password);
        Assert.Equal(42, await Scratch.AskAsync(second.ConnectionString("postgres"), "SELECT answer FROM kept"));
    }

    [Fact]
    public async Task Each_cluster_has_a_password_of_its_own_in_a_file_of_mode_0600()
    {
        using var one = new Scratch();
        using var two = new Scratch();
        await using var first = await EmbeddedPostgresServer.StartAsync(one.Options, ct: Ct);
        await using var second = await EmbeddedPostgresServer.StartAsync(two.Options, ct: Ct);
        Assert.NotEqual(first.Password, second.Password);
        var file = Path.Combine(one.Options.Folder, "password");
        Assert.Equal(first.Password, await File.ReadAllTextAsync(file, Ct));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(one.Options.Folder, "data")));
        }
    }

    [Fact]
    public async Task A_wrong_password_is_refused_and_a_given_one_replaces_the_old()
    {
        using var scratch = new Scratch();
        await using (await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct))
        {
        }
        await using var server = await EmbeddedPostgresServer.StartAsync(scratch.Options with { Password = "it's given; a=b \\" }, ct: Ct);
        Assert.Equal(1, await Scratch.AskAsync(server.ConnectionString("postgres"), "SELECT 1"));
        var wrong = new NpgsqlConnectionStringBuilder(server.ConnectionString("postgres")) { Password = "wrong" }.ConnectionString;
        var refused = await Assert.ThrowsAsync<PostgresException>(() => Scratch.AskAsync(wrong, "SELECT 1"));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
        var none = new NpgsqlConnectionStringBuilder(server.ConnectionString("postgres")) { Password = null }.ConnectionString;
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => Scratch.AskAsync(none, "SELECT 1"));
    }

    [Fact]
    public async Task It_listens_on_loopback_only()
    {
        using var scratch = new Scratch();
        await using var server = await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct);
        var listeners = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Where(end => end.Port == server.Port).ToArray();
        Assert.Equal([new IPEndPoint(IPAddress.Loopback, server.Port)], listeners);
    }

    [Fact]
    public async Task After_disposal_nothing_listens_and_no_process_is_left()
    {
        using var scratch = new Scratch();
        var server = await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct);
        var process = server.ProcessId;
        Assert.True(Unix.Exists(process));
        await server.DisposeAsync();
        await server.DisposeAsync();
        Assert.False(Unix.Exists(process));
        Assert.True(ServerProbe.IsFree(server.Port));
        Assert.False(File.Exists(Path.Combine(scratch.Options.Folder, "data", "postmaster.pid")));
        Assert.Equal(0, await server.Ended);
    }

    [Fact]
    public async Task A_killed_server_is_told_and_its_committed_rows_are_there_after_the_restart()
    {
        using var scratch = new Scratch();
        await using (var first = await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct))
        {
            await Scratch.AskAsync(first.ConnectionString("postgres"), "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n");
            Unix.Signal(first.ProcessId, Unix.SigKill);
            Assert.Equal(137, await first.Ended.WaitAsync(TimeSpan.FromMinutes(1), Ct));
            Assert.True(File.Exists(Path.Combine(scratch.Options.Folder, "data", "postmaster.pid")));
        }
        await using var second = await EmbeddedPostgresServer.StartAsync(scratch.Options, ct: Ct);
        Assert.Equal(1000L, await Scratch.AskAsync(second.ConnectionString("postgres"), "SELECT count(*) FROM kept"));
    }
}
