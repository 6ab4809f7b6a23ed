using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution.Tests;

/// <summary>A store without evidence: whatever a run names as its origin is not there.</summary>
internal sealed class NoOrigins : IReplayStore
{
    public Task<RecordedOrigin?> ReadAsync(TenantId tenant, RunId run, string worker, long maxCharacters, CancellationToken cancellationToken) => Task.FromResult<RecordedOrigin?>(null);
}
