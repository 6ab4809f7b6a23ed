using RunProof.Ledger;
using RunProof.Format;

namespace RunProof.Execution.Tests;

/// <summary>Every write of evidence, lost and persisted-but-reported-failed, for a moment and for long. What happened is never lost, and never said to be what it was not.</summary>
public sealed class EvidenceFaultTests
{
    private readonly FakeSkill _skill = new("work", (_, _, _) => new(FakeSkill.Gives("""{"n":7}""")));
    private readonly House _house;

    public EvidenceFaultTests() => _house = new House(_skill);

    [Theory]
    [InlineData("open", Fault.Lost)]
    [InlineData("open", Fault.PersistedButFailed)]
    [InlineData("append 0", Fault.Lost)]
    [InlineData("append 0", Fault.PersistedButFailed)]
    [InlineData("append 1", Fault.Lost)]
    [InlineData("append 1", Fault.PersistedButFailed)]
    [InlineData("seal", Fault.Lost)]
    [InlineData("seal", Fault.PersistedButFailed)]
    public async Task A_moment_without_a_store_does_not_hurt_a_run(string write, Fault fault)
    {
        _house.Options = _house.Options with { EvidenceRetries = 2 };
        _house.Recorder.Fail(write, fault, times: 2);

        var outcome = await ExecuteAsync();

        Assert.Equal(new RunOutcome(RunStatus.Succeeded, null, null), outcome);
        Assert.Equal([StepStatus.Succeeded, StepStatus.Succeeded], _house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.Equal(SealStatus.Completed, _house.Recorder.Only.Closing!.Status);
        Assert.Equal(2, _skill.Calls.Count);
    }

    [Theory]
    [InlineData(Fault.Lost)]
    [InlineData(Fault.PersistedButFailed)]
    public async Task Without_an_open_trace_nothing_is_executed_and_the_run_fails(Fault fault)
    {
        _house.Recorder.Fail("open", fault);

        var outcome = await ExecuteAsync();

        Assert.Equal((RunStatus.Failed, "evidence_unavailable"), (outcome.Status, outcome.ErrorCode));
        Assert.Empty(_skill.Calls);
        await SettleAsync(outcome);
        if (fault is Fault.Lost)
        {
            Assert.Empty(_house.Recorder.Traces);
        }
        else
        {
            // The step that was announced never began: nothing is recorded of it.
            Assert.Empty(_house.Recorder.Only.Steps);
            Assert.Equal(SealStatus.Failed, _house.Recorder.Only.Closing!.Status);
        }
    }

    [Theory]
    [InlineData(Fault.Lost)]
    [InlineData(Fault.PersistedButFailed)]
    public async Task A_step_that_could_not_be_recorded_is_the_last_and_is_recorded_later_as_it_was(Fault fault)
    {
        _house.Recorder.Fail("append 0", fault);

        var outcome = await ExecuteAsync();

        Assert.Equal((RunStatus.Failed, "evidence_unavailable"), (outcome.Status, outcome.ErrorCode));
        Assert.Single(_skill.Calls);
        await SettleAsync(outcome);
        var step = Assert.Single(_house.Recorder.Only.Steps);
        Assert.Equal((StepStatus.Succeeded, """{"n":7}"""), (step.Status, step.Outcome!.ToString()));
        var closing = _house.Recorder.Only.Closing!;
        Assert.Equal(SealStatus.Failed, closing.Status);
        Assert.Contains("\"error\":{\"code\":\"evidence_unavailable\"", closing.Metadata!.ToString());
        Assert.Contains("\"steps\":1", closing.Metadata!.ToString());
    }

    [Theory]
    [InlineData(Fault.Lost)]
    [InlineData(Fault.PersistedButFailed)]
    public async Task A_run_whose_seal_could_not_be_written_ends_as_it_went_once_it_is(Fault fault)
    {
        _house.Recorder.Fail("seal", fault);

        var outcome = await ExecuteAsync();

        Assert.Equal(RunStatus.Succeeded, outcome.Status);
        Assert.NotNull(outcome.Unsettled);
        await SettleAsync(outcome);
        Assert.Equal(SealStatus.Completed, _house.Recorder.Only.Closing!.Status);
        Assert.Equal(2, _house.Recorder.Only.Steps.Count);
    }

    [Fact]
    public async Task A_step_whose_evidence_the_store_refuses_is_marked_and_the_run_fails()
    {
        _house.Recorder.Fail("append 1", Fault.Refused, times: 2);

        var outcome = await ExecuteAsync();

        Assert.Equal((RunStatus.Failed, "evidence_refused"), (outcome.Status, outcome.ErrorCode));
        await _house.Evidence.SettleAsync(_house.Planned("""{"skill":"work"}""").Run, outcome.Unsettled!, default);
        Assert.Equal([StepStatus.Succeeded, StepStatus.Interrupted], _house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.Equal("evidence_refused", _house.Recorder.Only.Steps[1].OutcomeCode);
        Assert.Equal(SealStatus.Failed, _house.Recorder.Only.Closing!.Status);
    }

    [Theory]
    [InlineData("append 0")]
    [InlineData("seal")]
    public async Task A_writer_that_was_fenced_off_writes_no_more(string write)
    {
        _house.Recorder.Fail(write, Fault.Fenced);

        var outcome = await ExecuteAsync();

        Assert.Equal((RunStatus.Failed, "fenced"), (outcome.Status, outcome.ErrorCode));
        Assert.Null(outcome.Unsettled);
        Assert.Equal(write, _house.Recorder.Writes[^1]);
    }

    [Fact]
    public async Task Settling_is_tried_again_until_the_store_is_back()
    {
        _house.Recorder.Fail("*", Fault.Lost);
        var outcome = await ExecuteAsync();

        await Assert.ThrowsAsync<RecordingException>(() => _house.Evidence.SettleAsync(_house.Planned("""{"skill":"work"}""").Run, outcome.Unsettled!, default));
    }

    private Task<RunOutcome> ExecuteAsync() => _house.ExecuteAsync("""{"skill":"work"}""", """{"skill":"work"}""");

    private async Task SettleAsync(RunOutcome outcome)
    {
        _house.Recorder.Heal();
        await _house.Evidence.SettleAsync(_house.Planned("""{"skill":"work"}""").Run, outcome.Unsettled!, default);
    }
}
