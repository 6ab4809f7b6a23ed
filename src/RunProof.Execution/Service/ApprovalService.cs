using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>Tells people what they are asked, and takes their decisions in.</summary>
/// <param name="approvals">The store.</param>
/// <param name="redactor">Takes secrets out of reasons: they go into evidence.</param>
/// <param name="signals">Tells that a run waits for a worker again.</param>
/// <param name="clock">The time.</param>
public sealed class ApprovalService(IApprovalStore approvals, IRedactor redactor, IRunSignals signals, TimeProvider clock)
{
    /// <summary>Reads an approval.</summary>
    /// <returns>Null where the tenant has none of this id.</returns>
    public Task<StoredApproval?> FindAsync(TenantId tenant, string approval, CancellationToken cancellationToken) => approvals.FindAsync(tenant, approval, cancellationToken);

    /// <summary>Lists a tenant's approvals.</summary>
    /// <returns>The newest first.</returns>
    public Task<IReadOnlyList<StoredApproval>> ListAsync(TenantId tenant, ApprovalFilter filter, CancellationToken cancellationToken) =>
        approvals.ListAsync(tenant, filter, cancellationToken);

    /// <summary>Takes a decision in. The run that waited for it goes on, in whichever process has a place.</summary>
    /// <param name="vote">The decision; its reason is redacted here, and its time is set.</param>
    /// <param name="cancellationToken">Gives up; it may be decided all the same, and the same decision again says so.</param>
    /// <returns>What came of it.</returns>
    public async Task<ApprovalAnswer> DecideAsync(ApprovalVote vote, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(vote);
        var answer = await approvals.DecideAsync(
            vote with { Reason = Redacted(vote.Reason), At = WireTime.Truncate(clock.GetUtcNow()) }, cancellationToken);
        signals.Tell(RunSignal.Waiting);
        return answer;
    }

    private string? Redacted(string? text)
    {
        if (text is null)
            return null;
        using var document = redactor.Redact(EvidenceContext.OfText(EvidenceText.Message(text).Replace('\0', '\uFFFD'))).Payload.ToDocument();
        return document.RootElement.GetString();
    }
}
