using System.Net.Sockets;
using System.Text.Json;
using RunProof.Ledger;
using RunProof.Testing;

namespace RunProof.Cli.Tests;

/// <summary><c>validate</c> over a real database and services that are always content.</summary>
public sealed class ValidationTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Evidence_that_holds_passes_and_the_report_has_every_chapter()
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        var path = Path.Combine(Path.GetTempPath(), $"runproof-{Guid.NewGuid():N}", "report.md");
        var result = await CliProcess.RunAsync(["validate"], new(scene.Environment) { ["RUNPROOF_REPORT"] = path });
        var report = await File.ReadAllTextAsync(path);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        Assert.EndsWith($"VERDICT PASS\nREPORT {path}\n", result.Output, StringComparison.Ordinal);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(
            ["## 0. Context", "## 1. Preconditions", "## 2. Static checks", "## 3. A real run", "## 4. The proof", "## 5. Fixes applied", "## 6. Side records and warnings", "## 7. Acceptance criteria", "## Verdict"],
            report.Split('\n').Where(line => line.StartsWith("## ", StringComparison.Ordinal)));
        Assert.Contains("SELECT trace_id, run_id, status, started_at, completed_at FROM aos_traces WHERE run_id = '", report, StringComparison.Ordinal);
        Assert.Contains("SELECT step_index, skill_name, status, duration_ms, cost_cents, source, level FROM aos_trace_steps WHERE trace_id = 'trace_", report, StringComparison.Ordinal);
        Assert.Contains("Responsive is better than fast.", report, StringComparison.Ordinal);
        Assert.DoesNotContain("**NO**", report, StringComparison.Ordinal);
        Assert.DoesNotContain(TestDatabase.RolePassword, report, StringComparison.Ordinal);
        Assert.DoesNotContain(FakeService.Key, report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_json_it_is_one_document()
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        var result = await CliProcess.RunAsync(["validate", "--json", "--tenant", "dev"], scene.Environment);
        Assert.Equal(0, result.ExitCode);
        var report = JsonDocument.Parse(result.Output).RootElement;
        Assert.Equal("PASS", report.GetProperty("verdict").GetString());
        Assert.All(report.GetProperty("criteria").EnumerateArray(), criterion => Assert.True(criterion.GetProperty("holds").GetBoolean()));
        Assert.All(report.GetProperty("negative_checks").EnumerateArray(), check => Assert.Equal("FAILED", check.GetProperty("verdict").GetString()));
        Assert.True(report.GetProperty("negative_checks").GetArrayLength() > 100);
    }

    public static TheoryData<string, string> Changes => new()
    {
        { "the outcome of the step", "UPDATE aos_trace_steps SET outcome_data = replace(outcome_data, 'better', 'worse') WHERE skill_name = 'http_call'" },
        { "its duration", "UPDATE aos_trace_steps SET duration_ms = 1 WHERE skill_name = 'http_call'" },
        { "its cost", "UPDATE aos_trace_steps SET cost_cents = 0.26 WHERE skill_name = 'http_call'" },
        { "the goal", "UPDATE aos_traces SET goal = '\"another\"' WHERE planner = 'stub'" },
        { "the agent", "UPDATE aos_traces SET agent_id = 'another' WHERE planner = 'stub'" },
        { "the root hash", "UPDATE aos_traces SET root_hash = sha256('x') WHERE planner = 'stub'" },
        { "a step of the second run is gone", "DELETE FROM aos_trace_steps WHERE skill_name = 'echo' AND step_index = 1" },
        { "all steps are gone", "DELETE FROM aos_trace_steps" },
        { "the trace is gone", "DELETE FROM aos_trace_steps; DELETE FROM aos_traces" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_verifier_that_says_VERIFIED_of_changed_evidence_is_found_out(string what, string sql)
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        await scene.TamperAsync(sql);
        var report = await scene.ValidateAsync(new VerificationJudge());
        Assert.False(report.Passes, what);
        Assert.Contains(report.Criteria, criterion => !criterion.Holds && criterion.Text.Contains("verified here from the database", StringComparison.Ordinal));
        Assert.Contains(report.Criteria, criterion => criterion.Holds && criterion.Text.Contains("HASH_CHAIN and VERIFIED", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_verification_that_is_always_content_is_found_out()
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        var report = await scene.ValidateAsync(new TamperingTests.ContentJudge());
        Assert.False(report.Passes);
        Assert.All(report.NegativeChecks, check => Assert.False(check.Holds));
        Assert.Contains(report.Criteria, criterion => !criterion.Holds && criterion.Text.StartsWith("each changed copy", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_database_that_lets_evidence_be_changed_is_found_out_and_left_as_it_was()
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        await DatabaseCommandTests.ExecuteAsync(scene.Database.AdminConnectionString, "ALTER TABLE aos_traces DISABLE TRIGGER ALL; ALTER TABLE aos_trace_steps DISABLE TRIGGER ALL");
        var report = await scene.ValidateAsync(new VerificationJudge(), scene.Database.AdminConnectionString);
        var criterion = Assert.Single(report.Criteria, criterion => !criterion.Holds);
        Assert.Contains("refuses to change", criterion.Text, StringComparison.Ordinal);
        Assert.Contains("a step's outcome rewritten", criterion.Observed, StringComparison.Ordinal);
        var again = await scene.ValidateAsync(new VerificationJudge());
        Assert.True(again.Passes, string.Join("\n", again.Criteria.Where(c => !c.Holds)));
    }

    [Fact]
    public async Task As_a_superuser_too_the_database_refuses()
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        var report = await scene.ValidateAsync(new VerificationJudge(), scene.Database.AdminConnectionString);
        Assert.True(report.Passes, string.Join("\n", report.Criteria.Where(criterion => !criterion.Holds)));
    }

    [Fact]
    public async Task The_run_must_be_in_this_very_database()
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        var other = await postgres.CreateMigratedDatabaseAsync();
        var report = await scene.ValidateAsync(new VerificationJudge(), other.AuditorConnectionString);
        Assert.False(report.Passes);
        Assert.Contains(report.Criteria, criterion => !criterion.Holds && criterion.Text.Contains("in this very database", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Services_that_do_not_answer_fail_it_and_the_report_is_written_all_the_same()
    {
        using var reserved = new TcpListener(System.Net.IPAddress.Loopback, 0);
        reserved.Start();
        var url = $"http://{reserved.LocalEndpoint}";
        reserved.Stop();
        var database = await postgres.CreateMigratedDatabaseAsync();
        var path = Path.Combine(Path.GetTempPath(), $"runproof-{Guid.NewGuid():N}.md");
        var result = await CliProcess.RunAsync(
            ["validate", "--report", path, "--runner-url", url, "--verifier-url", url, "--api-key", FakeService.Key, "--database", database.AuditorConnectionString], []);
        var report = await File.ReadAllTextAsync(path);
        File.Delete(path);
        Assert.Equal(10, result.ExitCode);
        Assert.EndsWith($"VERDICT FAIL\nREPORT {path}\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("cannot reach the runner", report, StringComparison.Ordinal);
        Assert.Contains("not looked at: there is no run", report, StringComparison.Ordinal);
        Assert.Contains("**Verdict: FAIL**", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_does_not_answer_fails_it()
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        var report = await scene.ValidateAsync(new VerificationJudge(), "Host=127.0.0.1;Port=1;Username=u;Timeout=3");
        Assert.False(report.Passes);
        Assert.Contains(report.Criteria, criterion => !criterion.Holds && criterion.Text.StartsWith("PostgreSQL 15", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_key_of_another_tenant_than_the_one_named_fails_it()
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        var result = await CliProcess.RunAsync(["validate", "--tenant", "another"], scene.Environment);
        Assert.Equal(10, result.ExitCode);
        Assert.EndsWith("VERDICT FAIL\nREPORT -\n", result.Output, StringComparison.Ordinal);
    }

    /// <summary>The older system passed two validations whose run stood at <c>retry</c> over a failed step.</summary>
    [Theory]
    [InlineData("failed")]
    [InlineData("aborted")]
    public async Task A_run_that_did_not_succeed_is_no_pass_however_well_its_evidence_holds(string status)
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        var honest = scene.Services.Otherwise;
        scene.Services.Otherwise = context =>
        {
            var reply = honest(context);
            return reply with { Body = reply.Body.Replace("\"status\":\"succeeded\"", $"\"status\":\"{status}\"", StringComparison.Ordinal) };
        };
        var report = await scene.ValidateAsync(new VerificationJudge());
        Assert.False(report.Passes);
        Assert.Equal(
            ["a run created through the API succeeded", "a run of three given steps succeeded", "a run that calls a model succeeded"],
            report.Criteria.Where(criterion => !criterion.Holds).Select(criterion => criterion.Text));
    }

    [Fact]
    public async Task Steps_that_the_database_does_not_count_fail_the_count_whatever_the_proof_says()
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        await scene.TamperAsync("DELETE FROM aos_trace_steps");
        var report = await scene.ValidateAsync(new VerificationJudge());
        var count = Assert.Single(report.Criteria, criterion => criterion.Text.StartsWith("aos_trace_steps has at least one row", StringComparison.Ordinal));
        Assert.Equal((false, "0 row(s); the proof counts 1"), (count.Holds, count.Observed));
    }

    [Fact]
    public async Task A_query_for_evidence_that_is_refused_is_told_and_no_pass()
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        await DatabaseCommandTests.ExecuteAsync(scene.Database.AdminConnectionString, "REVOKE SELECT ON aos_trace_steps FROM runproof_auditor");
        var report = await scene.ValidateAsync(new VerificationJudge());
        Assert.False(report.Passes);
        Assert.Contains(report.Criteria, criterion => !criterion.Holds
            && criterion.Text.StartsWith("aos_trace_steps has", StringComparison.Ordinal) && criterion.Observed.Contains("permission denied", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_five_side_records_are_shown_with_their_rows_and_none_is_a_warning()
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        var report = await scene.ValidateAsync(new VerificationJudge());
        Assert.True(report.Passes, string.Join("\n", report.Criteria.Where(criterion => !criterion.Holds)));
        Assert.All(SideRecordTables.All, table => Assert.Contains(report.Criteria, criterion => criterion.Holds && criterion.Text.StartsWith(table + ":", StringComparison.Ordinal)));
        Assert.DoesNotContain(report.Warnings, warning => SideRecordTables.All.Any(table => warning.StartsWith(table, StringComparison.Ordinal)));
        var shown = report.Chapters.Single(chapter => chapter.Number == 6).Blocks.OfType<TableBlock>().ToArray();
        foreach (var table in SideRecordTables.All)
            Assert.NotEmpty(Assert.Single(shown, block => block.Heading.StartsWith(table + " ", StringComparison.Ordinal)).Rows);
        var text = ReportMarkdown.Write(report);
        foreach (var word in (string[])["run blocked at step 1: budget_exceeded", "BUDGET_EXCEEDED", "demo-1", "0.0016", "deny-all"])
            Assert.Contains(word, text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("governance_records")]
    [InlineData("incidents")]
    [InlineData("integrity_evidence")]
    [InlineData("llm_run_records")]
    [InlineData("policy_evaluations")]
    public async Task A_side_record_that_is_gone_fails_it_by_name_whatever_the_verifier_says(string table)
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        await DatabaseCommandTests.ExecuteAsync(scene.Database.AdminConnectionString, $"ALTER TABLE {table} DISABLE TRIGGER ALL; DELETE FROM {table}; ALTER TABLE {table} ENABLE TRIGGER ALL");
        var report = await scene.ValidateAsync(new VerificationJudge());
        var criterion = Assert.Single(report.Criteria, criterion => !criterion.Holds);
        Assert.StartsWith(table + ":", criterion.Text, StringComparison.Ordinal);
        Assert.Contains("is missing, though the evidence calls for it", criterion.Observed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_verifier_that_counts_other_side_records_than_there_are_fails_it()
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        var honest = scene.Services.Otherwise;
        scene.Services.Otherwise = context =>
        {
            var reply = honest(context);
            return context.Request.Path.Value!.EndsWith("/evidence", StringComparison.Ordinal) ? reply with { Body = reply.Body.Replace("\"equal\":1", "\"equal\":0", StringComparison.Ordinal) } : reply;
        };
        Assert.False((await scene.ValidateAsync(new VerificationJudge())).Passes);
    }

    [Fact]
    public async Task A_runner_without_the_demo_model_leaves_a_warning_that_says_so()
    {
        await using var scene = await ValidationScene.CreateAsync(postgres);
        var honest = scene.Services.Otherwise;
        scene.Services.Otherwise = context =>
        {
            var reply = honest(context);
            return context.Items["body"] is string body && body.Contains("llm_invoke", StringComparison.Ordinal)
                ? reply with { Body = reply.Body.Replace("\"error\":null", "\"error\":{\"code\":\"unknown_model\",\"message\":\"x\"}", StringComparison.Ordinal).Replace("succeeded", "failed", StringComparison.Ordinal) }
                : reply;
        };
        var report = await scene.ValidateAsync(new VerificationJudge());
        Assert.True(report.Passes, string.Join("\n", report.Criteria.Where(criterion => !criterion.Holds)));
        Assert.Contains(report.Warnings, warning => warning.StartsWith("llm_run_records: not shown", StringComparison.Ordinal));
    }
}
