using Npgsql;
using RunProof.Testing;

namespace RunProof.Postgres.Tests;

public sealed class Contiguity(SeededDatabase database) : IClassFixture<SeededDatabase>
{
    [Fact]
    public async Task Of_many_writers_of_one_index_exactly_one_gets_it()
    {
        await database.ExecuteAsync(Seed.InsertTrace("t1", "raced", "r"));
        for (var index = 0; index < 5; index++)
        {
            var states = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => InsertAsync(Seed.InsertSteps("t1", "raced", index, index))));
            Assert.Equal(1, states.Count(state => state == "00000"));
            Assert.All(states, state => Assert.True(state is "00000" or "23505", state));
        }

        Assert.Equal("5 " + string.Concat(Enumerable.Repeat("24", 32)), await HeadAsync("raced"));
    }

    [Fact]
    public async Task Batches_of_the_same_traces_in_opposite_order_do_not_wait_for_each_other_in_a_circle()
    {
        string[] traces = [.. Enumerable.Range(0, 10).Select(i => $"circle-{i}")];
        foreach (var trace in traces)
            await database.ExecuteAsync(Seed.InsertTrace("t1", trace, "r"));
        for (var round = 0; round < 40; round += 2)
        {
            var first = traces.Select(trace => Seed.Step("t1", trace, round)).ToArray();
            var second = traces.Select(trace => Seed.Step("t1", trace, round + 1)).Reverse().ToArray();
            var states = await Task.WhenAll(InsertAsync(Seed.Insert("aos_trace_steps", first)), InsertAsync(Seed.Insert("aos_trace_steps", second)));
            Assert.Equal("00000", states[0]);
            // Whichever got the heads first: the second batch follows the first, or comes too early and is refused whole.
            Assert.True(states[1] is "00000" or "S6004", states[1]);
            if (states[1] != "00000")
                await database.ExecuteAsync(Seed.Insert("aos_trace_steps", second));
        }
    }

    [Fact]
    public async Task An_append_that_waited_for_the_seal_is_refused()
    {
        await database.ExecuteAsync($"{Seed.InsertTrace("t1", "late", "r")}; {Seed.InsertSteps("t1", "late", 0, 0)}");
        await using var connection = await database.Admin.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var close = new NpgsqlCommand($"UPDATE aos_traces SET {Seed.Close(1)} WHERE trace_id = 'late'", connection))
            await close.ExecuteNonQueryAsync();
        var append = InsertAsync(Seed.InsertSteps("t1", "late", 1, 1));
        await WaitForLockAsync();
        await transaction.CommitAsync();
        Assert.Equal("S6003", await append);
    }

    [Fact]
    public async Task A_seal_that_waited_for_an_append_is_refused()
    {
        await database.ExecuteAsync($"{Seed.InsertTrace("t1", "early", "r")}; {Seed.InsertSteps("t1", "early", 0, 0)}");
        await using var connection = await database.Admin.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var append = new NpgsqlCommand(Seed.InsertSteps("t1", "early", 1, 1), connection))
            await append.ExecuteNonQueryAsync();
        var close = InsertAsync($"UPDATE aos_traces SET {Seed.Close(1)} WHERE trace_id = 'early'");
        await WaitForLockAsync();
        await transaction.CommitAsync();
        Assert.Equal("S6005", await close);
        Assert.Equal("00000", await InsertAsync($"UPDATE aos_traces SET {Seed.Close(2)} WHERE trace_id = 'early'"));
    }

    [Fact]
    public async Task The_head_comes_with_the_trace_moves_with_the_steps_and_goes_with_the_seal()
    {
        await database.ExecuteAsync(Seed.InsertTrace("t1", "whole", "r"));
        Assert.Equal("0 " + string.Concat(Enumerable.Repeat("04", 32)), await HeadAsync("whole"));
        await database.ExecuteAsync(Seed.InsertSteps("t1", "whole", 0, 2));
        Assert.Equal("3 " + string.Concat(Enumerable.Repeat("22", 32)), await HeadAsync("whole"));
        await database.ExecuteAsync($"UPDATE aos_traces SET {Seed.Close(3)} WHERE trace_id = 'whole'");
        Assert.Null(await HeadAsync("whole"));
    }

    [Fact]
    public async Task Copied_rows_obey_as_well()
    {
        await database.ExecuteAsync(Seed.InsertTrace("t1", "copied", "r"));
        await using var connection = await database.Admin.OpenConnectionAsync();
        var failure = await Assert.ThrowsAsync<PostgresException>(async () =>
        {
            await using var copy = await connection.BeginTextImportAsync(
                "COPY aos_trace_steps (trace_id, tenant_id, step_index, skill_id, skill_name, status, level, outcome_category, cost_cents, duration_ms, retry_count, "
                + "replay_behavior, source, timestamp, params, params_salt, input_hash, link) FROM STDIN");
            var digest = "\\\\x" + new string('a', 64);
            await copy.WriteAsync($"copied\tt1\t1\ts\ts\tsucceeded\tINFO\tSUCCESS\t0\t1\t0\texecute\tengine\t2026-01-01 00:00:00+00\t{{}}\t\\\\x{new string('b', 32)}\t{digest}\t{digest}\n");
        });
        Assert.Equal("S6004", failure.SqlState);
    }

    private Task<string?> HeadAsync(string trace) =>
        database.ReadAsync<string>("superuser", null, $"SELECT next_index || ' ' || encode(last_link, 'hex') FROM runproof.trace_heads WHERE trace_id = '{trace}'");

    private async Task<string> InsertAsync(string sql)
    {
        try
        {
            await database.ExecuteAsync(sql);
            return "00000";
        }
        catch (PostgresException e)
        {
            return e.SqlState;
        }
    }

    private async Task WaitForLockAsync()
    {
        while (await database.ReadAsync<long>("superuser", null, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()") == 0)
            await Task.Delay(5);
    }
}
