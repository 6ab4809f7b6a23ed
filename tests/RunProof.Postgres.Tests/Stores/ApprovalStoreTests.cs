using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;
using static RunProof.Postgres.Tests.StoreDatabase;

namespace RunProof.Postgres.Tests;

/// <summary>Approvals in the database: who may make, see and decide them, and what never changes.</summary>
public sealed class ApprovalStoreTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly Digest Action = Digest.Of("action"u8);
    private readonly StoreDatabase _database = new(postgres);

    private PostgresApprovalStore Approvals => new(_database.Runner);

    public async ValueTask InitializeAsync()
    {
        await _database.InitializeAsync();
        await _database.ExecuteAsync(
            """
            INSERT INTO runproof.api_keys (id, tenant_id, secret_hash, name, scope, created_at) VALUES
              ('key_ada', 't1', sha256('a'), 'ada', 'approver', now()), ('key_run', 't1', sha256('r'), 'ops', 'runner', now()), ('key_two', 't2', sha256('t'), 'ada', 'approver', now())
            """);
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task Only_the_worker_that_has_the_run_asks_and_asking_again_finds_what_was_asked()
    {
        var run = await RunningAsync();
        Assert.Null(await Approvals.AskAsync(Request(run), "another", default));

        var asked = (await Approvals.AskAsync(Request(run), "worker-1", default))!;
        var again = (await Approvals.AskAsync(Request(run) with { Id = "apr_other", Salt = new byte[16], ActionDigest = Digest.Of("other"u8) }, "worker-1", default))!;

        Assert.Equal((ApprovalStatus.Pending, Action, asked.Id), (again.Status, again.ActionDigest, again.Id));
        Assert.Equal(Enumerable.Range(1, 16).Select(i => (byte)i), again.Salt!.Value.ToArray());
        Assert.True((await _database.Runs.FindAsync(T1, run.Id, default))!.AsksApproval);
        Assert.Single(await Approvals.ReadAsync(T1, run.Id, TraceId.Of(run.Id), "worker-1", default));
        Assert.Empty(await Approvals.ReadAsync(T1, run.Id, TraceId.Of(run.Id), "another", default));
        Assert.Null(await Approvals.FindAsync(T2, asked.Id, default));
    }

    [Fact]
    public async Task A_decision_puts_the_run_that_waits_in_line_and_one_that_came_before_keeps_it_from_waiting()
    {
        var (run, asked) = await AskedAsync();
        Assert.True(await WaitAsync(run, asked));
        Assert.Equal(RunStatus.Waiting, (await _database.Runs.FindAsync(T1, run.Id, default))!.Status);
        Assert.Empty(await _database.Runs.ClaimAsync("w", Noon.AddMinutes(5), Noon.AddHours(9), 5, null, default));
        Assert.Equal(ApprovalAnswer.Done, await Approvals.DecideAsync(Vote(asked), default));
        Assert.Equal(ApprovalAnswer.Done, await Approvals.DecideAsync(Vote(asked), default));
        Assert.Equal(ApprovalAnswer.Decided, await Approvals.DecideAsync(Vote(asked) with { IsApproval = false }, default));
        var claimed = Assert.Single(await _database.Runs.ClaimAsync("w", Noon.AddMinutes(5), Noon.AddHours(9), 5, null, default));
        Assert.True(claimed is { Status: RunStatus.Queued, IsAttemptOpen: true, IsBetweenSteps: true, AsksApproval: true, CreatedBy: "key_1" });

        var (other, second) = await AskedAsync();
        await Approvals.DecideAsync(Vote(second), default);
        Assert.True(await WaitAsync(other, second));
        Assert.Equal(RunStatus.Queued, (await _database.Runs.FindAsync(T1, other.Id, default))!.Status);
    }

    [Fact]
    public async Task A_run_that_waits_is_claimed_when_its_approval_has_run_out()
    {
        var (run, asked) = await AskedAsync();
        await WaitAsync(run, asked);
        Assert.Equal([run.Id], (await _database.Runs.ClaimAsync("w", Noon.AddHours(1), Noon.AddHours(9), 5, null, default)).Select(one => one.Id));
        await _database.Runs.StartAsync(T1, run.Id, "w", Noon, Noon.AddHours(9), default);
        Assert.Equal(ApprovalStatus.Expired, (await Approvals.AskAsync(Request(run) with { RequestedAt = Noon.AddHours(1), ValidUntil = Noon.AddHours(2) }, "w", default))!.Status);
        Assert.Equal(ApprovalUse.Expired, (await Approvals.UseAsync(T1, run.Id, "w", asked.Id, 0, Noon, default)).Use);
        Assert.Equal(ApprovalAnswer.Expired, await Approvals.DecideAsync(Vote(asked), default));
    }

    [Fact]
    public async Task An_approval_is_used_by_the_run_s_worker_in_time_and_withdrawn_with_the_run()
    {
        var (run, asked) = await AskedAsync();
        await Approvals.DecideAsync(Vote(asked), default);
        Assert.Equal(ApprovalUse.NotOurs, (await Approvals.UseAsync(T1, run.Id, "another", asked.Id, 0, Noon, default)).Use);
        Assert.Equal(ApprovalUse.Expired, (await Approvals.UseAsync(T1, run.Id, "worker-1", asked.Id, 0, Noon.AddHours(2), default)).Use);
        Assert.Equal(ApprovalUse.Used, (await Approvals.UseAsync(T1, run.Id, "worker-1", asked.Id, 0, Noon, default)).Use);
        Assert.Equal(ApprovalUse.Used, (await Approvals.UseAsync(T1, run.Id, "worker-1", asked.Id, 1, Noon, default)).Use);
        Assert.Equal(1, (await Approvals.AskAsync(Request(run), "worker-1", default))!.UsedAttempt);

        var (other, second) = await AskedAsync();
        await _database.Runs.FinishAsync(T1, other.Id, "worker-1", new RunEnd(RunStatus.Failed, Noon, 1, 1, "x", "x"), default);
        Assert.Equal(ApprovalStatus.Withdrawn, (await Approvals.FindAsync(T1, second.Id, default))!.Status);
        Assert.Equal(ApprovalAnswer.Withdrawn, await Approvals.DecideAsync(Vote(second), default));
    }

    [Theory]
    [InlineData("key_run", ApprovalAnswer.NotApprover)]
    [InlineData("key_two", ApprovalAnswer.NotApprover)]
    [InlineData("nobody", ApprovalAnswer.NotApprover)]
    [InlineData("key_ada", ApprovalAnswer.Done)]
    public async Task Who_decides_is_an_approver_of_the_tenant(string key, ApprovalAnswer answer)
    {
        var (_, asked) = await AskedAsync();
        Assert.Equal(ApprovalAnswer.ActionChanged, await Approvals.DecideAsync(Vote(asked) with { ActionDigest = Digest.Of("x"u8) }, default));
        Assert.Equal(ApprovalAnswer.ActionChanged, await Approvals.DecideAsync(Vote(asked) with { ShownDigest = Digest.Of("x"u8) }, default));
        Assert.Equal(answer, await Approvals.DecideAsync(Vote(asked) with { KeyId = key }, default));
        Assert.Equal(ApprovalAnswer.NotFound, await Approvals.DecideAsync(Vote(asked) with { TenantId = T2, KeyId = "key_two" }, default));
    }

    [Theory]
    [InlineData("UPDATE runproof.approvals SET action_digest = sha256('x')", "S6000")]
    [InlineData("UPDATE runproof.approvals SET valid_until = valid_until + interval '1 day'", "S6000")]
    [InlineData("UPDATE runproof.approvals SET status = 'pending', decided_at = NULL", "S6000")]
    [InlineData("UPDATE runproof.approvals SET status = 'rejected'", "S6000")]
    [InlineData("DELETE FROM runproof.approvals", "S6001")]
    [InlineData("TRUNCATE runproof.approvals CASCADE", "S6002")]
    [InlineData("UPDATE runproof.approval_decisions SET by_name = 'eve'", "S6000")]
    [InlineData("DELETE FROM runproof.approval_decisions", "S6001")]
    [InlineData("TRUNCATE runproof.approval_decisions", "S6002")]
    public async Task What_was_asked_and_decided_never_changes_even_for_the_owner(string sql, string state)
    {
        var (_, asked) = await AskedAsync();
        await Approvals.DecideAsync(Vote(asked), default);
        Assert.Equal(state, (await Assert.ThrowsAsync<PostgresException>(() => _database.ExecuteAsync(sql))).SqlState);
    }

    [Theory]
    [InlineData("SELECT action_salt FROM runproof.approvals")]
    [InlineData("SELECT * FROM runproof.approval_states('t1', 'x', NULL)")]
    [InlineData("INSERT INTO runproof.approval_decisions (tenant_id) VALUES ('t1')")]
    public async Task No_service_reads_the_salt_or_writes_a_decision(string sql)
    {
        foreach (var source in (NpgsqlDataSource[])[_database.Runner, _database.Verifier])
        {
            await using var command = source.CreateCommand(sql);
            Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync())).SqlState);
        }
    }

    private static ApprovalVote Vote(ApprovalState asked) => new(T1, asked.Id, true, "key_ada", Action, null, "fine", Noon.AddMinutes(1), false);

    private static ApprovalRequest Request(Run run)
    {
        var shown = CanonicalJson.FromCanonicalBytes("""{"action":"pay"}"""u8.ToArray());
        return new ApprovalRequest
        {
            TenantId = T1, RunId = run.Id, TraceId = TraceId.Of(run.Id), PlanIndex = 0, Id = "apr_" + run.Id.Value, StepId = "buy", Attempt = 0, Skill = "pay", Because = "why",
            Shown = shown, Salt = Enumerable.Range(1, 16).Select(i => (byte)i).ToArray(), ActionDigest = Action,
            ShownDigest = ApprovalSubject.ShownDigest(shown.Bytes.Span), Terms = ApprovalTerms.Usual, RequestedAt = Noon, ValidUntil = Noon.AddHours(1),
        };
    }

    private async Task<Run> RunningAsync()
    {
        var run = _database.NewRun(T1) with { PlanRedacted = false };
        await _database.Runs.CreateAsync(run, default);
        Assert.True(await _database.Runs.StartAsync(T1, run.Id, "worker-1", Noon, Noon.AddMinutes(1), default));
        return run;
    }

    private async Task<(Run Run, ApprovalState Asked)> AskedAsync()
    {
        var run = await RunningAsync();
        return (run, (await Approvals.AskAsync(Request(run), "worker-1", default))!);
    }

    private Task<bool> WaitAsync(Run run, ApprovalState asked) => _database.Runs.ReleaseAsync(
        T1, run.Id, "worker-1", new RunRelease(BetweenSteps: true, Pause: false, Noon.AddHours(1)) { Approvals = [asked.Id], At = Noon.AddMinutes(2) }, default);
}
