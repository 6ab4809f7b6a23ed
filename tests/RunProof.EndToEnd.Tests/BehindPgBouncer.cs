using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using RunProof.Testing;

namespace RunProof.EndToEnd.Tests;

/// <summary>The same path through a pooler in transaction mode, where no session outlives a transaction.</summary>
public sealed class BehindPgBouncer(PostgresFixture postgres)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_whole_path_passes_behind_PgBouncer_in_transaction_mode()
    {
        Assert.SkipUnless(Installed() is not null, "PgBouncer is not installed (Debian: apt-get install pgbouncer); .ci/run installs it");
        var database = await postgres.CreateDatabaseAsync();
        await using var pooler = await Pooler.StartAsync(Installed()!, new NpgsqlConnectionStringBuilder(database.AdminConnectionString), Cancel);
        await using var system = await RunningSystem.StartAsync(pooler.ConnectionString, database.AdminConnectionString, Cancel);

        var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "behind a pooler", origin_system_id = "e2e", wait = 60 }, Cancel);
        Assert.Equal("succeeded", run.GetProperty("status").GetString());
        var proof = await system.ProveAsync(run.GetProperty("run_id").GetString()!, Cancel);
        Assert.Equal("VERIFIED", proof.GetProperty("verification_status").GetString());

        var (exit, output) = await system.CommandLineAsync(Cancel, "validate");
        Assert.True(exit == 0, output);
        var log = await pooler.LogAsync(Cancel);
        Assert.Contains("user=runproof_runner_login", log, StringComparison.Ordinal);
        Assert.Contains("user=runproof_verifier_login", log, StringComparison.Ordinal);
    }

    private static string? Installed() =>
        new[] { "/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer" }.FirstOrDefault(File.Exists);

    private sealed class Pooler : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly string _folder;
        private readonly int _port;

        private Pooler(Process process, string folder, int port, string connectionString) =>
            (_process, _folder, _port, ConnectionString) = (process, folder, port, connectionString);

        internal string ConnectionString { get; }

        internal static async Task<Pooler> StartAsync(string program, NpgsqlConnectionStringBuilder server, CancellationToken cancellationToken)
        {
            // 6432 is what the older system used; a machine that has a pooler there already lends another port.
            var port = LocalPort.IsFree(6432) ? 6432 : LocalPort.Free();
            var folder = Directory.CreateTempSubdirectory("runproof-pgbouncer-").FullName;
            await File.WriteAllTextAsync(Path.Combine(folder, "users.txt"), Users(server), cancellationToken);
            await File.WriteAllTextAsync(Path.Combine(folder, "pgbouncer.ini"), Configuration(server, port, folder), cancellationToken);
            var start = new ProcessStartInfo(program) { RedirectStandardError = true, RedirectStandardOutput = true };
            start.ArgumentList.Add(Path.Combine(folder, "pgbouncer.ini"));
            if (Environment.UserName == "root")
            {
                // PgBouncer, like PostgreSQL, refuses to run as root.
                await OwnAsync(folder, cancellationToken);
                start.UserName = "nobody";
            }

            var process = Process.Start(start)!;
            var client = new NpgsqlConnectionStringBuilder(server.ConnectionString) { Host = "127.0.0.1", Port = port, NoResetOnClose = true, MaxAutoPrepare = 0 };
            var pooler = new Pooler(process, folder, port, client.ConnectionString);
            await pooler.ReadyAsync(cancellationToken);
            return pooler;
        }

        /// <summary>What it logged: each login with its user.</summary>
        internal Task<string> LogAsync(CancellationToken cancellationToken) => File.ReadAllTextAsync(Path.Combine(_folder, "pgbouncer.log"), cancellationToken);

        public async ValueTask DisposeAsync()
        {
            NpgsqlConnection.ClearAllPools();
            if (!_process.HasExited)
            {
                _process.Kill();
                await _process.WaitForExitAsync();
            }

            _process.Dispose();
            Directory.Delete(_folder, recursive: true);
        }

        private static string Users(NpgsqlConnectionStringBuilder server) =>
            $"\"{server.Username}\" \"{server.Password}\"\n\"runproof_runner_login\" \"{TestDatabase.RolePassword}\"\n\"runproof_verifier_login\" \"{TestDatabase.RolePassword}\"\n";

        private static string Configuration(NpgsqlConnectionStringBuilder server, int port, string folder) =>
            $"""
            [databases]
            * = host={server.Host} port={server.Port.ToString(CultureInfo.InvariantCulture)}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port.ToString(CultureInfo.InvariantCulture)}
            unix_socket_dir =
            auth_type = scram-sha-256
            auth_file = {folder}/users.txt
            admin_users = {server.Username}
            pool_mode = transaction
            max_client_conn = 200
            default_pool_size = 10
            logfile = {folder}/pgbouncer.log
            ignore_startup_parameters = extra_float_digits
            """;

        private static async Task OwnAsync(string folder, CancellationToken cancellationToken)
        {
            using var chown = Process.Start("chown", ["-R", "nobody", folder])!;
            await chown.WaitForExitAsync(cancellationToken);
        }

        private async Task ReadyAsync(CancellationToken cancellationToken)
        {
            for (var attempt = 0; attempt < 100; attempt++)
            {
                Assert.False(_process.HasExited, "PgBouncer did not start: " + (_process.HasExited ? await _process.StandardError.ReadToEndAsync(cancellationToken) : ""));
                if (!LocalPort.IsFree(_port))
                    return;
                await Task.Delay(50, cancellationToken);
            }

            Assert.Fail($"PgBouncer did not listen on {_port}");
        }
    }
}
