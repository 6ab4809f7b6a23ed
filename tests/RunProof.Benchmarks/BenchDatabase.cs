using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RunProof.EmbeddedPostgres;
using RunProof.Postgres;

namespace RunProof.Benchmarks;

/// <summary>A private PostgreSQL with RunProof's schema, fsync and synchronous_commit on, and a login for each service. Gone when it is disposed.</summary>
internal sealed class BenchDatabase : IAsyncDisposable
{
    private const string Password = "bench-password";

    private readonly string _folder;
    private readonly string _connection;

    private BenchDatabase(EmbeddedPostgresServer server, string folder, string connection)
    {
        (Server, _folder, _connection) = (server, folder, connection);
        Admin = NpgsqlDataSource.Create(connection);
        Runner = NpgsqlDataSource.Create(RunnerConnectionString);
        Verifier = NpgsqlDataSource.Create(VerifierConnectionString);
    }

    internal EmbeddedPostgresServer Server { get; }

    internal NpgsqlDataSource Admin { get; }

    internal NpgsqlDataSource Runner { get; }

    internal NpgsqlDataSource Verifier { get; }

    internal string RunnerConnectionString => As("runproof_runner_login");

    internal string VerifierConnectionString => As("runproof_verifier_login");

    internal static async Task<BenchDatabase> StartAsync(string folder, IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var server = await EmbeddedPostgresServer.StartAsync(new EmbeddedPostgresOptions { Folder = folder, Settings = settings }, null, cancellationToken);
        await using (var postgres = NpgsqlDataSource.Create(server.ConnectionString("postgres")))
            await postgres.ExecuteAsync("CREATE DATABASE bench");
        var connection = server.ConnectionString("bench") + ";Max Auto Prepare=0;No Reset On Close=true;Minimum Pool Size=4";
        await SchemaMigrator.MigrateAsync(connection, new RolePasswords(Runner: Password, Verifier: Password), NullLogger.Instance, cancellationToken);
        return new BenchDatabase(server, folder, connection);
    }

    public async ValueTask DisposeAsync()
    {
        await Admin.DisposeAsync();
        await Runner.DisposeAsync();
        await Verifier.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        await Server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private string As(string login) => new NpgsqlConnectionStringBuilder(_connection) { Username = login, Password = Password }.ConnectionString;
}

/// <summary>What every measurement asks of the server and of the machine.</summary>
internal static class Asking
{
    internal static async Task<T> AskAsync<T>(this NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    internal static async Task ExecuteAsync(this NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        command.CommandTimeout = 600;
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Bytes of write-ahead log so far.</summary>
    internal static async Task<double> LsnAsync(this NpgsqlDataSource admin) => (double)await admin.AskAsync<decimal>("SELECT pg_current_wal_lsn() - '0/0'");

    internal static string Load() =>
        File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";

    /// <summary>A percentile of what is sorted.</summary>
    internal static double Percentile(this IReadOnlyList<double> sorted, double p) => sorted.Count == 0 ? double.NaN : sorted[Math.Min((int)(sorted.Count * p), sorted.Count - 1)];
}
