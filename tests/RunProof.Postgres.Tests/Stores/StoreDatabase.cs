using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;

namespace RunProof.Postgres.Tests;

/// <summary>A migrated database with tenants t1 and t2, an agent in each, and the stores as the services hold them: each on its own login.</summary>
public sealed class StoreDatabase(PostgresFixture postgres) : IAsyncLifetime
{
    internal static readonly TenantId T1 = TenantId.Parse("t1");
    internal static readonly TenantId T2 = TenantId.Parse("t2");
    internal static readonly AgentId Agent1 = AgentId.Parse("agent-1");
    internal static readonly DateTimeOffset Noon = new(2026, 2, 10, 12, 0, 0, TimeSpan.Zero);

    private int _runs;

    public TestDatabase Database { get; private set; } = null!;

    public NpgsqlDataSource Admin { get; private set; } = null!;

    public NpgsqlDataSource Runner { get; private set; } = null!;

    public NpgsqlDataSource Verifier { get; private set; } = null!;

    public IRunStore Runs => new PostgresRunStore(Runner);

    public IAgentStore Agents => new PostgresAgentStore(Runner);

    public IEvidenceStore Evidence => new PostgresEvidenceStore(Verifier);

    public async ValueTask InitializeAsync()
    {
        Database = await postgres.CreateMigratedDatabaseAsync();
        Admin = NpgsqlDataSource.Create(Database.AdminConnectionString);
        Runner = NpgsqlDataSource.Create(Database.RunnerConnectionString);
        Verifier = NpgsqlDataSource.Create(Database.VerifierConnectionString);
        await ExecuteAsync("INSERT INTO runproof.tenants (tenant_id) VALUES ('t1'), ('t2')");
        foreach (var tenant in new[] { T1, T2 })
            Assert.True(await Agents.CreateAsync(new Agent(tenant, Agent1, "Agent", null, Noon), default));
    }

    public async ValueTask DisposeAsync()
    {
        await Verifier.DisposeAsync();
        await Runner.DisposeAsync();
        await Admin.DisposeAsync();
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Admin.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>A run that was never stored, with every member set.</summary>
    internal Run NewRun(TenantId tenant, string? id = null, string? key = null, int request = 1) => new()
    {
        TenantId = tenant,
        Id = RunId.Parse(id ?? $"run-{Interlocked.Increment(ref _runs)}"),
        AgentId = Agent1,
        Goal = "a goal with a \u2603 and a \"quote\"",
        OriginSystemId = "tests",
        CorrelationId = CorrelationId.Parse("corr-1"),
        Planner = "given",
        PlanJson = """[{"skill":"echo"}]""",
        PlanRedacted = true,
        IdempotencyKey = key,
        RequestHash = Digest.Of([(byte)request]),
        Status = RunStatus.Queued,
        Seed = new SafeInteger(-9007199254740991),
        FrozenTimestamp = Noon.AddDays(-1),
        IsSynthetic = true,
        SyntheticScenarioId = "scenario-1",
        TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        CreatedAt = Noon,
        CreatedBy = "key_1",
        Worker = "worker-1",
        LeaseUntil = Noon.AddMinutes(1),
    };
}
