using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>Writes the end of a run, and wakes who waits for it.</summary>
internal sealed class RunFinisher(IRunStore runs, IRedactor redactor, Persistence persistence, RunCompletions completions, IRunSignals signals, ExecutionOptions options, TimeProvider clock)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    /// <summary>Stores how a run ended, or puts it in line for its next attempt. Its message is redacted here: it may quote what a skill received.</summary>
    /// <exception cref="OperationCanceledException">Given up; the claim runs out, and the next process finds what the trace says.</exception>
    /// <returns>False where another process has the run.</returns>
    public async Task<bool> FinishAsync(Run run, RunOutcome outcome, CancellationToken giveUp)
    {
        var (status, code, message) = (outcome.Status, outcome.ErrorCode, outcome.ErrorMessage);
        if (MayTryAgain(run, outcome) && await NextAttemptAsync(run, giveUp))
        {
            completions.End(run.TenantId, run.Id);
            signals.Tell(RunSignal.Waiting);
            return true;
        }

        var completedAt = WireTime.Truncate(clock.GetUtcNow());
        double? duration = run.StartedAt is { } startedAt ? Math.Round((completedAt - startedAt).TotalMilliseconds, 3) : null;
        var end = new RunEnd(status, completedAt, duration is < 0 ? 0 : duration, run.Attempts, code, Redacted(message));
        var finished = await persistence.UntilDoneAsync(
            async token => await runs.FinishAsync(run.TenantId, run.Id, options.Worker, end, token), giveUp);
        if (finished)
            ExecutionTelemetry.RunFinished(status);
        completions.End(run.TenantId, run.Id);
        signals.Tell(RunSignal.Ended);
        // The run that waited for it is in line.
        if (run.Parent is not null)
            signals.Tell(RunSignal.Waiting);
        return finished;
    }

    // What nobody stopped, and another process could do better.
    private static bool MayTryAgain(Run run, RunOutcome outcome) =>
        run.Status is RunStatus.Running && run.Attempts < run.MaxAttempts && !run.PlanRedacted
        && (outcome is { Status: RunStatus.Failed, ErrorCode: not "budget_exceeded" } || outcome is { Status: RunStatus.Aborted, ErrorCode: "worker_lost" });

    private ValueTask<bool> NextAttemptAsync(Run run, CancellationToken giveUp)
    {
        var pause = options.AttemptPause * Math.Pow(2, Math.Min(run.Attempts - 1, 10));
        var availableAt = WireTime.Truncate(clock.GetUtcNow() + (pause < LongestPause ? pause : LongestPause));
        return persistence.UntilDoneAsync(
            async token => await runs.NextAttemptAsync(run.TenantId, run.Id, options.Worker, availableAt, token), giveUp);
    }

    private string? Redacted(string? message)
    {
        if (message is null)
            return null;
        // PostgreSQL's text holds no NUL.
        var text = EvidenceText.Message(message).Replace('\0', '\uFFFD');
        var redacted = redactor.Redact(EvidenceContext.OfText(text));
        if (redacted.Removals.Count == 0)
            return text;
        using var document = redacted.Payload.ToDocument();
        return document.RootElement.GetString();
    }
}
