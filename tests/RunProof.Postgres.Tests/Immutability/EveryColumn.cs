namespace RunProof.Postgres.Tests;

/// <summary>The columns are asked of the catalogue, so that one that is added later is tried as well.</summary>
public sealed class EveryColumn(SeededDatabase database) : IClassFixture<SeededDatabase>
{
    [Theory]
    [InlineData("aos_traces", "sealed")]
    [InlineData("aos_traces", "open")]
    [InlineData("aos_trace_steps", "sealed")]
    [InlineData("aos_trace_steps", "open")]
    [InlineData("aos_traces_archive", "moved")]
    [InlineData("aos_trace_steps_archive", "moved")]
    public async Task Cannot_be_changed_by_itself(string table, string trace)
    {
        foreach (var (column, change) in await ChangesAsync(table))
        {
            // Marking a sealed trace as archived is the one change of one column that is allowed.
            if (column == "archived_at" && trace == "sealed")
                continue;
            var (state, message) = await database.TryAsync("runproof_owner", $"UPDATE {table} SET {column} = {change} WHERE trace_id = '{trace}' AND tenant_id = 't1'");
            // A status of a running trace that leaves "running" is taken for a seal that lacks the rest.
            var expected = table == "aos_traces" && trace == "open" && column == "status" ? "S6005" : "S6000";
            Assert.Equal((column, expected), (column, state == expected ? state : $"{state} {message}"));
        }
    }

    [Fact]
    public async Task Cannot_be_changed_along_with_the_seal()
    {
        string[] sealing = ["status", "completed_at", "chain_length", "steps_root", "root_hash", "metadata", "metadata_salt", "metadata_hash"];
        foreach (var (column, change) in (await ChangesAsync("aos_traces")).Where(c => !sealing.Contains(c.Column)))
        {
            var (state, _) = await database.TryAsync(
                "runproof_owner", $"UPDATE aos_traces SET {Seed.Close(2)}, {column} = {change} WHERE trace_id = 'open' AND tenant_id = 't1'");
            Assert.Equal((column, "S6000"), (column, state));
        }
    }

    [Fact]
    public async Task Cannot_be_changed_along_with_the_mark_of_archiving()
    {
        foreach (var (column, change) in (await ChangesAsync("aos_traces")).Where(c => c.Column != "archived_at"))
        {
            var (state, _) = await database.TryAsync("runproof_owner", $"UPDATE aos_traces SET archived_at = now(), {column} = {change} WHERE trace_id = 'sealed' AND tenant_id = 't1'");
            Assert.Equal((column, "S6000"), (column, state));
        }
    }

    /// <summary>The older system listed the columns that its trigger compares, and every column that came later could be rewritten.</summary>
    [Theory]
    [InlineData("aos_traces", "trace_id = 'sealed'", "S6000")]
    [InlineData("aos_traces", "trace_id = 'open'", "S6000")]
    [InlineData("aos_trace_steps", "trace_id = 'sealed'", "S6000")]
    [InlineData("aos_trace_steps", "trace_id = 'open'", "S6000")]
    [InlineData("aos_traces_archive", "trace_id = 'moved'", "S6000")]
    [InlineData("aos_trace_steps_archive", "trace_id = 'moved'", "S6000")]
    [InlineData("runproof.payload_erasures", "trace_id = 'erased'", "S6000")]
    [InlineData("runs", "id = 'run-done'", "S6007")]
    [InlineData("runs", "id = 'run-running'", "S6007")]
    public async Task Added_later_is_protected_without_being_named(string table, string row, string expected)
    {
        var added = $"ALTER TABLE {table} ADD COLUMN violation_reason text";
        var (state, message) = await database.TryAsync("runproof_owner", $"UPDATE {table} SET violation_reason = 'none' WHERE {row} AND tenant_id = 't1'", added);
        Assert.Equal((table, expected), (table, state == expected ? state : $"{state} {message}"));
    }

    [Fact]
    public async Task Added_later_cannot_be_written_along_with_the_seal_or_the_mark_of_archiving()
    {
        var added = "ALTER TABLE aos_traces ADD COLUMN violation_reason text";
        foreach (var update in new[]
        {
            $"UPDATE aos_traces SET {Seed.Close(2)}, violation_reason = 'none' WHERE trace_id = 'open' AND tenant_id = 't1'",
            "UPDATE aos_traces SET archived_at = now(), violation_reason = 'none' WHERE trace_id = 'sealed' AND tenant_id = 't1'",
        })
        {
            Assert.Equal((update, "S6000"), (update, (await database.TryAsync("runproof_owner", update, added)).State));
        }
    }

    [Fact]
    public async Task Of_the_runner_s_may_be_updated_only_where_a_run_moves()
    {
        var allowed = await database.ReadAsync<string>("superuser", null,
            """
            SELECT string_agg(column_name, ' ' ORDER BY column_name) FROM information_schema.column_privileges
              WHERE grantee = 'runproof_runner' AND privilege_type = 'UPDATE' AND table_schema = 'public'
            """);
        Assert.Equal("attempt_open attempts between_steps completed_at duration_ms error_code error_message lease_until started_at status worker", allowed);
    }

    private async Task<List<(string Column, string Change)>> ChangesAsync(string table)
    {
        var changes = new List<(string, string)>();
        await using var command = database.Admin.CreateCommand(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1 ORDER BY ordinal_position");
        command.Parameters.Add(new() { Value = table });
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            changes.Add((reader.GetString(0), Change(reader.GetString(0), reader.GetString(1))));
        Assert.True(changes.Count > 25, $"{table} has {changes.Count} columns");
        return changes;
    }

    private static string Change(string column, string type) => type switch
    {
        "text" => $"coalesce({column}, '') || 'x'",
        "bytea" => $"coalesce({column}, '') || '\\x00'",
        "boolean" => $"NOT {column}",
        "integer" or "bigint" or "numeric" or "double precision" => $"coalesce({column}, 0) + 1",
        "timestamp with time zone" => $"coalesce({column}, now()) + interval '1 microsecond'",
        _ => throw new InvalidOperationException($"how is {column} of type {type} changed?"),
    };
}
