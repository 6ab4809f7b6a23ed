using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// Where a sealer keeps tenants' logs. All that a commit writes it writes in one transaction, whose first act is to swap the checkpoint: there is no state in
/// between, and nothing to repair after a crash.
/// </summary>
/// <remarks>
/// Every method may throw <see cref="LogStoreException"/>. After a throw of <see cref="CommitAsync"/> or <see cref="PublishAsync"/> the caller does not know
/// whether it was done: it reads again, and finds either the old head with the queue as it was, or the new head with the queue shorter.
/// </remarks>
public interface ILogStore
{
    /// <summary>Tenants whose log has something to do: entries that await inclusion, longest waiting first; then heads that were committed and not published.</summary>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The tenants.</returns>
    Task<IReadOnlyList<LogWork>> FindWorkAsync(int limit, CancellationToken cancellationToken);

    /// <summary>The tenants that have a log.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>All of them, by name.</returns>
    Task<IReadOnlyList<TenantId>> ListLogsAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Reads a log's head, then what awaits inclusion, in this order: what another sealer enters in between is missing from the queue or makes the commit
    /// fail, and is never entered twice.
    /// </summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="traces">At most so many traces; all that is queued of each.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The head, and the queue in the order of entering: by time, a trace's opening before its seal.</returns>
    Task<(LogHead Head, IReadOnlyList<QueuedEntry> Queue)> ReadAsync(TenantId tenant, int traces, CancellationToken cancellationToken);

    /// <summary>
    /// Takes the log one step further, or does nothing: durable when this returns true. Swaps the checkpoint if it is still the one that the commit was built
    /// on, writes entries, tiles and quarantine, and takes their rows from the queue, in one transaction. The published note becomes the new
    /// checkpoint too where the commit says that no witness is awaited.
    /// </summary>
    /// <param name="commit">The step.</param>
    /// <param name="cancellationToken">Gives up; whether it was done is then unknown.</param>
    /// <exception cref="LogHaltedException">The log would begin with a key that was retired.</exception>
    /// <returns>Whether it was done; false where another sealer came first: read again.</returns>
    Task<bool> CommitAsync(LogCommit commit, CancellationToken cancellationToken);

    /// <summary>
    /// Publishes a note for a committed checkpoint: the head's, or of a smaller tree where the head has moved on since. What is published never shrinks.
    /// Idempotent.
    /// </summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="checkpoint">A checkpoint that was read as the head's.</param>
    /// <param name="published">The same with signature lines of witnesses behind it, or itself.</param>
    /// <param name="cancellationToken">Gives up; whether it was done is then unknown.</param>
    /// <exception cref="FormatException">It is no checkpoint.</exception>
    /// <returns>Whether it was published; false where a larger tree is published already, or the head is another of that size.</returns>
    Task<bool> PublishAsync(TenantId tenant, string checkpoint, string published, CancellationToken cancellationToken);

    /// <summary>
    /// Retires a public key for good, under whatever log's name: durable when this returns, and idempotent. From then on <see cref="CommitAsync"/> refuses to begin
    /// a log with it (<see cref="LogHaltedException"/>), and <see cref="ListLogsAsync"/> lists every log that began with it. Logs that it signs already go on.
    /// </summary>
    /// <param name="key">The key, under any name.</param>
    /// <param name="cancellationToken">Gives up; whether it was done is then unknown.</param>
    /// <returns>Nothing.</returns>
    Task RetireAsync(NoteKey key, CancellationToken cancellationToken);

    /// <summary>How far all logs are behind.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The lag over all tenants.</returns>
    Task<LogLag> ReadLagAsync(CancellationToken cancellationToken);
}

/// <summary>The store of logs failed.</summary>
/// <param name="isTransient">Whether the same call may succeed later, unchanged: a connection that broke, a server that goes down, a deadlock.</param>
/// <param name="message">What the store said; no secret.</param>
/// <param name="inner">The driver's exception.</param>
public sealed class LogStoreException(bool isTransient, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether the same call may succeed later, unchanged.</summary>
    public bool IsTransient { get; } = isTransient;
}
