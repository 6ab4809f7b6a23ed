using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>Writes the end of a run, and wakes who waits for it.</summary>
internal sealed class RunFinisher(IRunStore runs, IRedactor redactor, Persistence persistence, RunCompletions completions, ExecutionOptions options, TimeProvider clock)
{
    /// <summary>Stores how a run ended. Its message is redacted here: it may quote what a skill received.</summary>
    /// <exception cref="OperationCanceledException">Given up; the claim runs out, and the next process finds what the trace says.</exception>
    /// <returns>False where another process has the run.</returns>
    public async Task<bool> FinishAsync(Run run, RunStatus status, string? code, string? message, CancellationToken giveUp)
    {
        var completedAt = WireTime.Truncate(clock.GetUtcNow());
        double? duration = run.StartedAt is { } startedAt ? Math.Round((completedAt - startedAt).TotalMilliseconds, 3) : null;
        var end = new RunEnd(status, completedAt, duration is < 0 ? 0 : duration, run.Attempts, code, Redacted(message));
        var finished = await persistence.UntilDoneAsync(
            async token => await runs.FinishAsync(run.TenantId, run.Id, options.Worker, end, token), giveUp);
        if (finished)
            ExecutionTelemetry.RunFinished(status);
        completions.End(run.TenantId, run.Id);
        return finished;
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
