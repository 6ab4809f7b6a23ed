using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution.Tests;

/// <summary>A store without evidence: whatever a run names as its origin is not there.</summary>
internal sealed class NoOrigins : IReplayStore
{
    public Task<RecordedTrace?> FindAsync(TenantId tenant, RunId run, string worker, CancellationToken cancellationToken) => Task.FromResult<RecordedTrace?>(null);

    public Task<IReadOnlyList<RecordedStep>> ReadStepsAsync(TenantId tenant, RunId run, string worker, OriginPage page, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<RecordedStep>>([]);
}
