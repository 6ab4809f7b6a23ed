using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;

namespace RunProof.Postgres.Tests;

/// <summary>A recorder and, on the verifier's login, a log: each side as its own role, on a database of its own.</summary>
internal sealed class LogDesk : ILogBench, IAsyncDisposable
{
    private LogDesk(RecordingDesk recording, NpgsqlDataSource verifier)
    {
        (Recording, Verifier) = (recording, verifier);
        Store = new PostgresLogStore(verifier);
        Reader = new PostgresLogReader(verifier);
        Evidence = new PostgresEvidenceStore(verifier);
    }

    public TenantId Tenant => RecordingDesk.Tenant();

    public ILogStore Store { get; }

    public ILogReader Reader { get; }

    public IEvidenceStore Evidence { get; }

    internal RecordingDesk Recording { get; }

    internal NpgsqlDataSource Verifier { get; }

    public Task RecordAsync(int first, int count) => RecordAsync(first, count, steps: 1);

    public Task TamperAsync(int trace) => ForceAsync($"UPDATE aos_traces SET correlation_id = 'changed' WHERE trace_id = '{ILogBench.TraceOf(trace)}'", "aos_traces");

    public async ValueTask DisposeAsync()
    {
        await Verifier.DisposeAsync();
        await Recording.DisposeAsync();
    }

    internal static async Task<LogDesk> SetUpAsync(PostgresFixture postgres)
    {
        var recording = await RecordingDesk.SetUpAsync(postgres);
        return new LogDesk(recording, NpgsqlDataSource.Create(recording.VerifierConnectionString));
    }

    internal async Task RecordAsync(int first, int count, int steps, string tenant = "acme")
    {
        await Task.WhenAll(Enumerable.Range(first, count).Select(async number =>
        {
            var session = await Recording.OpenAsync(ILogBench.TraceOf(number)["trace_".Length..], tenant);
            for (var n = 0; n < steps; n++)
                await session.AppendAsync(RecordingDesk.Step(n), null, CancellationToken.None);
            await session.SealAsync(RecordingDesk.Closing(), CancellationToken.None);
        }));
    }

    /// <summary>What a superuser does who switches a table's triggers off.</summary>
    internal async Task ForceAsync(string sql, string table)
    {
        await using var command = Recording.Admin.CreateCommand(
            $"""
            ALTER TABLE {table} DISABLE TRIGGER USER;
            {sql};
            DO $$ DECLARE name name; BEGIN
              FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = '{table}'::regclass AND NOT tgisinternal LOOP EXECUTE format('ALTER TABLE {table} ENABLE ALWAYS TRIGGER %I', name); END LOOP;
            END $$
            """);
        await command.ExecuteNonQueryAsync();
    }
}
