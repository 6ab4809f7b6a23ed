using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;
using static RunProof.Postgres.Tests.RecordingDesk;

namespace RunProof.Postgres.Tests;

/// <summary>What is recorded is what was hashed, column by column.</summary>
public sealed class RecordedRowsTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_trace_is_opened_appended_to_and_sealed()
    {
        await using var desk = await SetUpAsync(postgres);
        var session = await desk.OpenAsync();
        Assert.Equal(1L, await desk.AskAsync<long>("SELECT count(*) FROM runproof.trace_heads"));
        var first = await session.AppendAsync(Step(), new StepIntent(1, 0, Start.AddSeconds(1)), CancellationToken.None);
        Assert.Equal(1, await desk.AskAsync<int>("SELECT intent_plan_index FROM runproof.trace_heads"));
        var second = await session.AppendAsync(Step(1), null, CancellationToken.None);
        var root = await session.SealAsync(Closing(SealStatus.Failed), CancellationToken.None);

        Assert.Equal(0L, await desk.AskAsync<long>("SELECT count(*) FROM runproof.trace_heads"));
        Assert.Equal(root.ToArray(), await desk.AskAsync<byte[]>("SELECT root_hash FROM aos_traces WHERE status = 'failed' AND chain_length = 2"));
        Assert.Equal(first.ToArray(), await desk.AskAsync<byte[]>("SELECT link FROM aos_trace_steps WHERE step_index = 0"));
        Assert.Equal(second.ToArray(), await desk.AskAsync<byte[]>("SELECT link FROM aos_trace_steps WHERE step_index = 1"));
    }

    [Fact]
    public async Task Every_hashed_value_is_in_its_column()
    {
        await using var desk = await SetUpAsync(postgres);
        var session = await desk.OpenAsync();
        await session.AppendAsync(Step(), null, CancellationToken.None);
        await session.SealAsync(Closing(), CancellationToken.None);

        await using var command = desk.Admin.CreateCommand("SELECT to_jsonb(t) #>> '{}', to_jsonb(s) #>> '{}' FROM aos_traces t JOIN aos_trace_steps s USING (trace_id, tenant_id)");
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        var (trace, step) = (Members(reader.GetString(0)), Members(reader.GetString(1)));

        var expected = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["trace_id"] = "trace_run-1", ["tenant_id"] = "acme", ["run_id"] = "run-1", ["correlation_id"] = "corr-1", ["agent_id"] = "agent-7",
            ["origin_system_id"] = "tests", ["planner"] = "given", ["seed"] = "-42", ["is_synthetic"] = "true", ["synthetic_scenario_id"] = "scenario",
            ["schema_version"] = "runproof/v1", ["status"] = "completed", ["archived_at"] = "null", ["chain_length"] = "1", ["goal"] = "\"grüße an 😀\"",
            ["plan"] = "[{\"skill\":\"echo\"}]", ["context"] = "{\"worker\":\"w1\"}", ["metadata"] = "{\"steps\":1}",
        };
        Assert.All(expected, column => Assert.Equal(column.Value, trace[column.Key]));

        var columns = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["step_index"] = "0", ["skill_id"] = "echo", ["skill_name"] = "Echo", ["skill_version"] = "1", ["status"] = "failed", ["level"] = "ERROR",
            ["outcome_category"] = "FAILURE", ["outcome_code"] = "http_500", ["cost_cents"] = "0.25", ["duration_ms"] = "0.30000000000000004", ["retry_count"] = "2",
            ["idempotency_key"] = "run-1:0", ["replay_behavior"] = "check", ["rng_state_before"] = "state", ["source"] = "mcp",
            ["params"] = """{"n":0,"nul":"\u0000"}""", ["outcome_data"] = "null", ["context"] = """{"attempt":1,"policy":{"decision":"allowed","reason":"no policy is in force"}}""",
            ["skill_schema"] = "\\x" + Digest.Of("schema"u8),
        };
        Assert.All(columns, column => Assert.Equal(column.Value, step[column.Key]));

        // Columns whose spelling depends on the session, and those that only have to be there.
        Assert.Equal(Start.UtcDateTime, await desk.AskAsync<DateTime>("SELECT started_at FROM aos_traces"));
        Assert.Equal(Start.AddYears(-1).UtcDateTime, await desk.AskAsync<DateTime>("SELECT frozen_timestamp FROM aos_traces"));
        Assert.Equal(Start.AddSeconds(9).UtcDateTime, await desk.AskAsync<DateTime>("SELECT completed_at FROM aos_traces"));
        Assert.Equal(Start.UtcDateTime, await desk.AskAsync<DateTime>("SELECT timestamp FROM aos_trace_steps"));
        string[] covered = ["started_at", "frozen_timestamp", "completed_at", "goal_salt", "goal_hash", "plan_salt", "plan_hash", "context_salt", "context_hash",
            "metadata_salt", "metadata_hash", "link", "steps_root", "root_hash"];
        Assert.Empty(trace.Keys.Except(expected.Keys).Except(covered));
        string[] coveredOfStep = ["trace_id", "tenant_id", "timestamp", "params_salt", "input_hash", "outcome_salt", "output_hash", "context_salt", "context_hash", "link"];
        Assert.Empty(step.Keys.Except(columns.Keys).Except(coveredOfStep));
    }

    [Theory]
    [InlineData("goal", "aos_traces", "goal_salt", "goal_hash")]
    [InlineData("plan", "aos_traces", "plan_salt", "plan_hash")]
    [InlineData("context", "aos_traces", "context_salt", "context_hash")]
    [InlineData("metadata", "aos_traces", "metadata_salt", "metadata_hash")]
    [InlineData("params", "aos_trace_steps", "params_salt", "input_hash")]
    [InlineData("outcome_data", "aos_trace_steps", "outcome_salt", "output_hash")]
    [InlineData("context", "aos_trace_steps", "context_salt", "context_hash")]
    public async Task The_server_itself_finds_every_payload_true_to_its_commitment(string text, string table, string salt, string hash)
    {
        await using var desk = await SetUpAsync(postgres);
        var session = await desk.OpenAsync();
        await session.AppendAsync(Step(), null, CancellationToken.None);
        await session.SealAsync(Closing(), CancellationToken.None);
        Assert.True(await desk.AskAsync<bool>(
            $@"SELECT bool_and(sha256(convert_to(E'runproof/v1/payload\n', 'UTF8') || {salt} || convert_to({text}, 'UTF8')) = {hash}) FROM {table}"));
    }

    [Fact]
    public async Task Amounts_keep_every_digit_and_no_trailing_zero()
    {
        await using var desk = await SetUpAsync(postgres);
        var session = await desk.OpenAsync();
        decimal[] costs = [0m, 0.00m, 1.50m, 0.0000000000000000000000000001m, 79228162514264337593543950335m];
        foreach (var (n, cost) in costs.Index())
            await session.AppendAsync(Step(n) with { CostCents = cost }, null, CancellationToken.None);
        Assert.Equal("0 0 1.5 0.0000000000000000000000000001 79228162514264337593543950335",
            await desk.AskAsync<string>("SELECT string_agg(cost_cents::text, ' ' ORDER BY step_index) FROM aos_trace_steps"));
    }

    [Fact]
    public async Task A_commit_waits_for_the_disk_even_where_the_role_was_set_not_to()
    {
        await using var desk = await SetUpAsync(postgres);
        await using var connection = await desk.Runner.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await Execute(connection, "SET LOCAL synchronous_commit = off");
        await Execute(connection, "SELECT * FROM runproof.take_over('nowhere', 'acme')");
        await using var command = new NpgsqlCommand("SHOW synchronous_commit", connection);
        Assert.Equal("on", await command.ExecuteScalarAsync());
    }

    private static async Task Execute(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static Dictionary<string, string?> Members(string json)
    {
        using var document = System.Text.Json.JsonDocument.Parse(json);
        return document.RootElement.EnumerateObject().ToDictionary(
            member => member.Name,
            member => member.Value.ValueKind is System.Text.Json.JsonValueKind.String ? member.Value.GetString() : member.Value.GetRawText(),
            StringComparer.Ordinal);
    }
}
