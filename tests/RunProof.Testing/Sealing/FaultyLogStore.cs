using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Testing;

/// <summary>How a write fails.</summary>
public enum WriteFault
{
    /// <summary>Nothing was written, and the writer is told that it failed.</summary>
    Lost,

    /// <summary>All of it was written, and the writer is told that it failed.</summary>
    PersistedButReportedFailed,
}

/// <summary>A store of logs whose next write of a kind fails once. Everything else goes to the store behind it.</summary>
/// <param name="inner">The store behind it.</param>
public sealed class FaultyLogStore(ILogStore inner) : ILogStore
{
    /// <summary>How the next commit fails; null for not at all.</summary>
    public WriteFault? NextCommit { get; set; }

    /// <summary>How the next publication fails; null for not at all.</summary>
    public WriteFault? NextPublication { get; set; }

    /// <inheritdoc/>
    public Task<IReadOnlyList<LogWork>> FindWorkAsync(int limit, CancellationToken cancellationToken) => inner.FindWorkAsync(limit, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<TenantId>> ListLogsAsync(CancellationToken cancellationToken) => inner.ListLogsAsync(cancellationToken);

    /// <inheritdoc/>
    public Task<(LogHead Head, IReadOnlyList<QueuedEntry> Queue)> ReadAsync(TenantId tenant, int traces, CancellationToken cancellationToken) =>
        inner.ReadAsync(tenant, traces, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> CommitAsync(LogCommit commit, CancellationToken cancellationToken)
    {
        var fault = NextCommit;
        NextCommit = null;
        return FailAsync(fault, () => inner.CommitAsync(commit, cancellationToken));
    }

    /// <inheritdoc/>
    public Task<bool> PublishAsync(TenantId tenant, string checkpoint, string published, CancellationToken cancellationToken)
    {
        var fault = NextPublication;
        NextPublication = null;
        return FailAsync(fault, () => inner.PublishAsync(tenant, checkpoint, published, cancellationToken));
    }

    /// <inheritdoc/>
    public Task RetireAsync(NoteKey key, CancellationToken cancellationToken) => inner.RetireAsync(key, cancellationToken);

    /// <inheritdoc/>
    public Task<LogLag> ReadLagAsync(CancellationToken cancellationToken) => inner.ReadLagAsync(cancellationToken);

    private static async Task<bool> FailAsync(WriteFault? fault, Func<Task<bool>> write)
    {
        if (fault is WriteFault.Lost)
            throw new LogStoreException(isTransient: true, "injected: lost");
        var done = await write();
        return fault is null ? done : throw new LogStoreException(isTransient: true, "injected: persisted but reported failed");
    }
}
