using System.Diagnostics;
using Npgsql;
using RunProof.Testing;

namespace RunProof.EmbeddedPostgres.Tests;

public sealed class FixtureTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Databases_of_two_tests_do_not_see_each_other()
    {
        var one = await postgres.CreateDatabaseAsync();
        var two = await postgres.CreateDatabaseAsync();
        Assert.NotEqual(one.Name, two.Name);
        await Scratch.AskAsync(one.AdminConnectionString, "CREATE TABLE mine (n int)");
        Assert.Null(await Scratch.AskAsync(two.AdminConnectionString, "SELECT to_regclass('mine')::text") as string);
        Assert.Equal(one.Name, await Scratch.AskAsync(one.AdminConnectionString, "SELECT current_database()::text"));
    }

    [Fact]
    public async Task A_migrated_database_has_the_schema_and_the_logins_of_the_services()
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        Assert.Equal("aos_traces", await Scratch.AskAsync(database.AdminConnectionString, "SELECT to_regclass('public.aos_traces')::text"));
        Assert.Equal("runproof_runner_login", await Scratch.AskAsync(database.RunnerConnectionString, "SELECT current_user::text"));
        Assert.Equal("runproof_verifier_login", await Scratch.AskAsync(database.VerifierConnectionString, "SELECT current_user::text"));
        Assert.Equal("runproof_auditor_login", await Scratch.AskAsync(database.AuditorConnectionString, "SELECT current_user::text"));
        var again = await postgres.CreateMigratedDatabaseAsync();
        Assert.NotEqual(database.Name, again.Name);
        await Assert.ThrowsAsync<PostgresException>(() => Scratch.AskAsync(database.AuditorConnectionString, "DELETE FROM aos_traces"));
    }

    [Fact]
    public void A_clock_that_stands_moves_only_when_it_is_moved_and_fires_in_order()
    {
        var clock = new ManualTimeProvider();
        var start = clock.GetUtcNow();
        var fired = new List<(string, TimeSpan)>();
        using var late = clock.CreateTimer(_ => fired.Add(("late", clock.GetUtcNow() - start)), null, TimeSpan.FromSeconds(3), Timeout.InfiniteTimeSpan);
        using var often = clock.CreateTimer(_ => fired.Add(("often", clock.GetUtcNow() - start)), null, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2));
        Assert.Equal(start, clock.GetUtcNow());
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal([("often", TimeSpan.FromSeconds(2)), ("late", TimeSpan.FromSeconds(3)), ("often", TimeSpan.FromSeconds(4))], fired);
        Assert.Equal(TimeSpan.FromSeconds(5), clock.GetElapsedTime(0));
    }

    [Fact]
    public async Task A_delay_on_the_clock_that_stands_ends_when_the_clock_is_moved()
    {
        var clock = new ManualTimeProvider();
        var real = Stopwatch.StartNew();
        var delay = Task.Delay(TimeSpan.FromHours(1), clock);
        await clock.WaitForTimersAsync();
        Assert.False(delay.IsCompleted);
        clock.Advance(TimeSpan.FromHours(1));
        await delay;
        Assert.True(real.Elapsed < TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void Counted_salts_are_the_count()
    {
        var source = new CountingSaltSource();
        var salt = new byte[16];
        source.Fill(salt);
        source.Fill(salt);
        Assert.Equal("00000000000000000000000000000002", Convert.ToHexStringLower(salt));
        Assert.Equal(2, source.Count);
    }
}
