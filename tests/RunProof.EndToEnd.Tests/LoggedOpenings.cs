using System.Text.Json;
using Npgsql;

namespace RunProof.EndToEnd.Tests;

/// <summary>Runs that wait until the opening of their trace is in the tenant's log, with processes over HTTP: what holds them, what they prove, and what is left of one that is wiped out.</summary>
public sealed class LoggedOpenings(SystemFixture fixture) : IClassFixture<SystemFixture>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private RunningSystem System => fixture.System;

    [Fact]
    public async Task The_first_step_proves_that_the_opening_was_in_the_log_online_and_offline_and_a_change_of_it_is_found()
    {
        // 1. The run, the header that asks for it, the first step that has the proof.
        var run = await System.CreateRunAsync(Request(wait: 60), Cancel);
        var id = run.GetProperty("run_id").GetString()!;
        Assert.Equal(("succeeded", true), (run.GetProperty("status").GetString(), run.GetProperty("await_log_opening").GetBoolean()));
        var row = Assert.Single(await System.QueryAsync("SELECT context::json ->> 'await_log_opening' FROM aos_traces WHERE run_id = $1", Cancel, id));
        Assert.Equal("true", row[0]);
        var steps = await System.QueryAsync("SELECT step_index, context::json ->> 'log_opening' FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 ORDER BY 1", Cancel, id);
        Assert.StartsWith("c2sp.org/tlog-proof@v1\nindex ", (string)steps[0][1]!, StringComparison.Ordinal);
        Assert.Equal(DBNull.Value, steps[1][1]);

        // 2. Online.
        var proof = await System.ProveAsync(id, Cancel);
        Assert.Equal("VERIFIED", proof.GetProperty("verification_status").GetString());
        var (status, detail) = Check(proof);
        Assert.Equal("passed", status);
        Assert.Contains("the first step was recorded after runproof.local/dev had signed a tree of", detail, StringComparison.Ordinal);

        // 3. Offline, with the log's key alone; and without it, when the check is not done.
        var folder = Directory.CreateTempSubdirectory("openings-");
        try
        {
            var file = Path.Combine(folder.FullName, "bundle.json");
            Assert.Equal(0, (await System.CommandLineAsync(Cancel, "run", "export", id, "--output", file)).ExitCode);
            var (verified, output) = await System.CommandLineAsync(Cancel, "verify", file, "--key", await System.VerifierKeyAsync(Cancel), "--json");
            Assert.Equal(0, verified);
            Assert.Contains("OPENING_AWAITED", output, StringComparison.Ordinal);
            var report = JsonElement.Parse(output);
            Assert.Equal("passed", Check(report).Status);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        // 4. Changed.
        await System.TamperAsync($"UPDATE aos_trace_steps SET context = replace(context, 'index ', 'index 1') WHERE trace_id = 'trace_{id}' AND step_index = 0", Cancel);
        Assert.Equal("FAILED", (await System.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
    }

    [Fact]
    public async Task A_log_that_stands_still_holds_the_run_over_a_kill_and_it_goes_on_when_the_log_does()
    {
        string id;
        await using (var still = await StandStillAsync())
        {
            // 1. One run waits, another that does not ask for it passes it.
            id = (await System.CreateRunAsync(Request(), Cancel)).GetProperty("run_id").GetString()!;
            await UntilAsync("SELECT 1 FROM aos_traces WHERE run_id = $1", id);
            var other = await System.CreateRunAsync(Request(awaits: false, wait: 60), Cancel);
            Assert.Equal("succeeded", other.GetProperty("status").GetString());
            await AssertNothingBeganAsync(id);

            // 2. Its process dies, the next one waits too.
            await System.KillRunnerAsync();
            await System.StartRunnerAsync(Cancel);
            await UntilAsync("SELECT 1 FROM runs r JOIN runproof.trace_heads h ON h.trace_id = 'trace_' || r.id WHERE r.id = $1 AND r.status = 'running' AND h.writer_epoch > 1", id);
            Assert.Equal("succeeded", (await System.CreateRunAsync(Request(awaits: false, wait: 60), Cancel)).GetProperty("status").GetString());
            await AssertNothingBeganAsync(id);
        }

        // 3. The log goes on, and so does the run: in the same attempt, each step once.
        var run = await System.GetRunAsync(id, 60, Cancel);
        Assert.Equal(("succeeded", 1), (run.GetProperty("status").GetString(), run.GetProperty("attempts").GetInt32()));
        var steps = await System.QueryAsync("SELECT status, context::json ->> 'resumed', context::json ->> 'log_opening' IS NOT NULL FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 ORDER BY step_index", Cancel, id);
        Assert.Equal([["succeeded", DBNull.Value, true], ["succeeded", DBNull.Value, false]], steps);
        var proof = await System.ProveAsync(id, Cancel);
        Assert.Equal(("VERIFIED", "passed"), (proof.GetProperty("verification_status").GetString(), Check(proof).Status));
    }

    [Fact]
    public async Task A_run_that_waits_for_a_log_that_stands_still_is_cancelled_and_one_under_a_kill_switch_ends()
    {
        var governor = await RestrainedRuns.GovernorAsync(System);
        string cancelled, killed;
        await using (var still = await StandStillAsync())
        {
            cancelled = (await System.CreateRunAsync(Request(), Cancel)).GetProperty("run_id").GetString()!;
            killed = (await System.CreateRunAsync(Request(), Cancel)).GetProperty("run_id").GetString()!;
            await UntilAsync("SELECT 1 FROM aos_traces WHERE run_id = $1", cancelled);
            await UntilAsync("SELECT 1 FROM aos_traces WHERE run_id = $1", killed);

            Assert.Equal(0, (await System.CommandLineAsync(Cancel, "run", "cancel", cancelled)).ExitCode);
            Assert.Equal("cancelled", (await System.GetRunAsync(cancelled, 60, Cancel)).GetProperty("status").GetString());
            Assert.Equal(0, (await System.CommandLineAsync(Cancel, "kill", "on", "--skill", "echo", "--reason", "test", "--api-key", governor)).ExitCode);
            try
            {
                var run = await System.GetRunAsync(killed, 60, Cancel);
                Assert.Equal(("aborted", "kill_switch"), (run.GetProperty("status").GetString(), run.GetProperty("error").GetProperty("code").GetString()));
            }
            finally
            {
                Assert.Equal(0, (await System.CommandLineAsync(Cancel, "kill", "off", "--skill", "echo", "--api-key", governor)).ExitCode);
            }
        }

        foreach (var id in (string[])[cancelled, killed])
        {
            Assert.Empty(await System.QueryAsync("SELECT 1 FROM aos_trace_steps WHERE trace_id = 'trace_' || $1", Cancel, id));
            Assert.Equal("VERIFIED", (await System.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
        }
    }

    [Fact]
    public async Task A_run_that_waited_cannot_be_wiped_out_unseen_once_anything_of_it_began()
    {
        // Everything of it is deleted, as it can be before anything entered the log; but its first step began after that.
        var id = (await System.CreateRunAsync(Request(wait: 60), Cancel)).GetProperty("run_id").GetString()!;
        await System.TamperAsync(
            $"""
            ALTER TABLE runs DISABLE TRIGGER ALL; ALTER TABLE runproof.log_queue DISABLE TRIGGER ALL; ALTER TABLE runproof.trace_heads DISABLE TRIGGER ALL;
            DELETE FROM aos_trace_steps WHERE trace_id = 'trace_{id}'; DELETE FROM aos_traces WHERE run_id = '{id}'; DELETE FROM runproof.trace_heads WHERE trace_id = 'trace_{id}';
            DELETE FROM runproof.log_queue WHERE trace_id = 'trace_{id}'; DELETE FROM runs WHERE id = '{id}';
            ALTER TABLE runs ENABLE TRIGGER ALL; ALTER TABLE runproof.log_queue ENABLE TRIGGER ALL; ALTER TABLE runproof.trace_heads ENABLE TRIGGER ALL
            """,
            Cancel);

        var proof = await System.ProveAsync(id, Cancel);

        Assert.Equal(("FAILED", "TRACE_MISSING"), (proof.GetProperty("verification_status").GetString(), proof.GetProperty("findings")[0].GetProperty("code").GetString()));
    }

    private static object Request(bool awaits = true, int wait = 0)
    {
        var plan = new[] { new { skill = "echo", @params = new { message = "one" } }, new { skill = "echo", @params = new { message = "two" } } };
        return new { agent_id = "demo-agent", goal = "wait for the log", origin_system_id = "e2e", plan, await_log_opening = awaits, wait };
    }

    private static (string? Status, string Detail) Check(JsonElement proof)
    {
        var check = proof.GetProperty("checks").EnumerateArray().Single(one => one.GetProperty("name").GetString() == "OPENING_AWAITED");
        return (check.GetProperty("status").GetString(), check.GetProperty("detail").GetString()!);
    }

    private async Task AssertNothingBeganAsync(string id)
    {
        Assert.Empty(await System.QueryAsync("SELECT 1 FROM aos_trace_steps WHERE trace_id = 'trace_' || $1", Cancel, id));
        Assert.Equal("running", (await System.GetRunAsync(id, 0, Cancel)).GetProperty("status").GetString());
    }

    // No entry can be written while this holds: what the sealer does waits.
    private async Task<NpgsqlConnection> StandStillAsync()
    {
        // Not of a pool, which would keep the lock with the connection.
        var connection = new NpgsqlConnection(System.Owner + ";Pooling=false");
        await connection.OpenAsync(Cancel);
        await using var command = new NpgsqlCommand("BEGIN; LOCK TABLE runproof.log_entries IN SHARE ROW EXCLUSIVE MODE", connection);
        await command.ExecuteNonQueryAsync(Cancel);
        return connection;
    }

    private async Task UntilAsync(string sql, string id)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(90));
        while ((await System.QueryAsync(sql, limit.Token, id)).Count == 0)
            await Task.Delay(50, limit.Token);
    }
}
