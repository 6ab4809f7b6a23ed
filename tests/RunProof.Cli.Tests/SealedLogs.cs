using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Testing;

namespace RunProof.Cli.Tests;

/// <summary>A database in which tenants record and their logs are sealed with a key in a file, by the very parts that the services have.</summary>
internal sealed class SealedLogs : IAsyncDisposable
{
    private readonly TestFolder _folder = new();
    private readonly NpgsqlDataSource _runner;
    private readonly NpgsqlDataSource _verifier;

    private SealedLogs(TestDatabase database)
    {
        Database = database;
        (_runner, _verifier) = (NpgsqlDataSource.Create(database.RunnerConnectionString), NpgsqlDataSource.Create(database.VerifierConnectionString));
        Reader = new PostgresLogReader(_verifier);
        Signer = SigningKeyFile.OpenOrCreate(KeyFile, SealingFaults.Options.Name, out _);
    }

    internal TestDatabase Database { get; }

    internal ILogReader Reader { get; }

    internal SigningKeyFile Signer { get; }

    internal string KeyFile => Path.Combine(_folder.Root, "keys", SigningKeyFile.FileName);

    internal static async Task<SealedLogs> CreateAsync(PostgresFixture postgres) => new(await postgres.CreateMigratedDatabaseAsync());

    /// <summary>Records runs of a tenant and seals its log; without seal the last of them stays open.</summary>
    internal async Task RecordAsync(string tenant, int first, int count, bool seals = true)
    {
        await using var recorder = new Recorder(new PostgresRecordingStore(_runner), new Redactor(), new RandomSaltSource(), TimeProvider.System, new RecorderOptions(), NullLogger<Recorder>.Instance);
        for (var number = first; number < first + count; number++)
        {
            var session = await recorder.OpenAsync(
                new TraceOpening
                {
                    TenantId = TenantId.Parse(tenant),
                    TraceId = TraceId.Parse($"trace_{number}"),
                    RunId = RunId.Parse($"{number}"),
                    CorrelationId = CorrelationId.Parse("c"),
                    OriginSystemId = "tests",
                    Planner = "given",
                    Seed = new SafeInteger(1),
                    StartedAt = DateTimeOffset.UnixEpoch.AddSeconds(number),
                    Goal = CanonicalJson.Parse("\"a goal\""u8),
                    Plan = CanonicalJson.Parse("[]"u8),
                },
                default);
            if (seals || number < first + count - 1)
                await session.SealAsync(new TraceClosing { Status = SealStatus.Completed, CompletedAt = DateTimeOffset.UnixEpoch.AddSeconds(number + 1) }, default);
        }

        await SealAsync(tenant);
    }

    internal async Task<(int Entered, int Quarantined)> SealAsync(string tenant)
    {
        var sealer = new LogSealer(
            new PostgresLogStore(_verifier), new PostgresEvidenceStore(_verifier), Signer, null, SealingFaults.Options, TimeProvider.System, new SealingMetrics(TimeProvider.System), NullLogger<LogSealer>.Instance);
        return await SealingFaults.DrainAsync(sealer, TenantId.Parse(tenant));
    }

    /// <summary>What a superuser does who switches all triggers off.</summary>
    internal async Task ForceAsync(string sql)
    {
        await using var admin = NpgsqlDataSource.Create(Database.AdminConnectionString);
        await using var connection = await admin.OpenConnectionAsync();
        await using var batch = new NpgsqlBatch(connection);
        string[] tables = ["aos_traces", "runproof.logs", "runproof.log_entries", "runproof.log_tiles", "runproof.log_queue"];
        foreach (var table in tables)
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"ALTER TABLE {table} DISABLE TRIGGER ALL"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(sql));
        foreach (var table in tables)
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"ALTER TABLE {table} ENABLE TRIGGER ALL"));
        await batch.ExecuteNonQueryAsync();
    }

    internal Task<CliResult> RunAsync(params string[] args) => CliInside.RunAsync(args, environment: new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        ["ConnectionStrings__runproofdb"] = Database.VerifierConnectionString, ["RUNPROOF_SIGNING_KEY_FILE"] = KeyFile,
    });

    public async ValueTask DisposeAsync()
    {
        await _runner.DisposeAsync();
        await _verifier.DisposeAsync();
        _folder.Dispose();
    }
}
