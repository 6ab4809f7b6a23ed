using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>The gate of a run whose steps may be under way at once: its calls take turns, as <see cref="IRunGate"/> wants them.</summary>
internal sealed class GateTurns(IRunGate gate) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <inheritdoc cref="IRunGate.Policies"/>
    public CanonicalJson? Policies => gate.Policies;

    /// <inheritdoc cref="IRunGate.DecideAsync"/>
    public async ValueTask<StepDecision> DecideAsync(StepAction action, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return await gate.DecideAsync(action, cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc cref="IRunGate.Watch"/>
    public IStepWatch? Watch(StepAction action) => gate.Watch(action);

    /// <inheritdoc cref="IRunGate.Answered"/>
    public async ValueTask<StepDecision> AnsweredAsync(StepDecision decision, StepApproval approval, bool isAnswer)
    {
        await _turn.WaitAsync();
        try
        {
            return gate.Answered(decision, approval, isAnswer);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc cref="IRunGate.Undecided"/>
    public async ValueTask<StepDecision> UndecidedAsync(StepAction action, string reason)
    {
        await _turn.WaitAsync();
        try
        {
            return gate.Undecided(action, reason);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc cref="IRunGate.ForgoAsync"/>
    public async ValueTask ForgoAsync(StepAction action)
    {
        await _turn.WaitAsync();
        try
        {
            await gate.ForgoAsync(action);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc cref="IRunGate.Used"/>
    public async ValueTask UsedAsync(decimal costCents, long tokens, AttemptId attempt)
    {
        await _turn.WaitAsync();
        try
        {
            gate.Used(costCents, tokens, attempt);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();
}
