using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RunProof.EmbeddedPostgres;
using RunProof.Postgres;
using Xunit;

namespace RunProof.Testing;

/// <summary>
/// One PostgreSQL server for a test process, started when the first database is asked for. Declare it with
/// <c>[assembly: AssemblyFixture(typeof(PostgresFixture))]</c> and take it through a test class's constructor.
/// The variable <c>RUNPROOF_TEST_DATABASE</c>, a superuser's connection string, names a server to use instead.
/// </summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    /// <summary>The variable that names a server to use instead of a private one.</summary>
    public const string Variable = "RUNPROOF_TEST_DATABASE";

    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly List<string> created = [];
    private readonly string prefix = $"runproof_test_{Guid.NewGuid():N}"[..24];
    private readonly string folder = Path.Combine(Path.GetTempPath(), $"runproof-test-{Guid.NewGuid():N}"[..24]);
    private EmbeddedPostgresServer? server;
    private string? admin;
    private string? migratedTemplate;
    private int count;

    /// <summary>The private server, or null where <see cref="Variable"/> names one. Starts it.</summary>
    public async Task<EmbeddedPostgresServer?> GetServerAsync()
    {
        await GetAdminConnectionStringAsync();
        return server;
    }

    /// <summary>A superuser's connection string to the database <c>postgres</c>. Starts the server.</summary>
    public async Task<string> GetAdminConnectionStringAsync()
    {
        await gate.WaitAsync();
        try
        {
            return admin ??= await StartAsync();
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Makes an empty database. It is dropped at the end of the process.</summary>
    public Task<TestDatabase> CreateDatabaseAsync() => CreateAsync(template: null);

    /// <summary>Makes a database with RunProof's schema and the service roles (password <see cref="TestDatabase.RolePassword"/>), as the migrator leaves it.</summary>
    public async Task<TestDatabase> CreateMigratedDatabaseAsync()
    {
        await GetAdminConnectionStringAsync();
        await gate.WaitAsync();
        try
        {
            migratedTemplate ??= await MigrateTemplateAsync();
        }
        finally
        {
            gate.Release();
        }
        return await CreateAsync(migratedTemplate);
    }

    /// <inheritdoc/>
    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (admin is not null && server is null)
            await DropAllAsync();
        NpgsqlConnection.ClearAllPools();
        if (server is not null)
            await server.DisposeAsync();
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        gate.Dispose();
    }

    private async Task<string> StartAsync()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
            return named;
        server = await EmbeddedPostgresServer.StartAsync(new EmbeddedPostgresOptions
        {
            Folder = folder,
            Settings = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["max_connections"] = "200",
                // The cluster is thrown away: nothing is left to survive a power cut. A killed server still recovers.
                ["fsync"] = "off",
                ["full_page_writes"] = "off",
            },
        });
        return server.ConnectionString("postgres");
    }

    private async Task<TestDatabase> CreateAsync(string? template)
    {
        var connection = await GetAdminConnectionStringAsync();
        var name = $"{prefix}_{Interlocked.Increment(ref count)}";
        await ExecuteAsync(connection, $"CREATE DATABASE {name} {(template is null ? "TEMPLATE template0" : $"TEMPLATE {template}")}");
        lock (created)
            created.Add(name);
        return Describe(connection, name);
    }

    private static TestDatabase Describe(string connection, string name) => new(name, new NpgsqlConnectionStringBuilder(connection)
    {
        Database = name,
        MaxAutoPrepare = 0,
        NoResetOnClose = true,
        MaxPoolSize = 40,
        IncludeErrorDetail = true,
        // Many classes at once on few cores: a connection that is long in the making is no fault of what is tested.
        Timeout = 60,
    }.ConnectionString);

    private async Task<string> MigrateTemplateAsync()
    {
        var name = $"{prefix}_template";
        await ExecuteAsync(admin!, $"CREATE DATABASE {name} TEMPLATE template0");
        lock (created)
            created.Add(name);
        // Unpooled: a template must have no connections when it is copied.
        var connection = new NpgsqlConnectionStringBuilder(Describe(admin!, name).AdminConnectionString) { Pooling = false }.ConnectionString;
        var passwords = new RolePasswords(TestDatabase.RolePassword, TestDatabase.RolePassword, TestDatabase.RolePassword);
        await SchemaMigrator.MigrateAsync(connection, passwords, NullLogger.Instance, CancellationToken.None);
        return name;
    }

    private async Task DropAllAsync()
    {
        NpgsqlConnection.ClearAllPools();
        foreach (var name in Enumerable.Reverse(created))
            await ExecuteAsync(admin!, $"DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    }

    private static async Task ExecuteAsync(string connection, string sql)
    {
        await using var open = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connection) { Pooling = false }.ConnectionString);
        await open.OpenAsync();
        await using var command = new NpgsqlCommand(sql, open);
        await command.ExecuteNonQueryAsync();
    }
}
