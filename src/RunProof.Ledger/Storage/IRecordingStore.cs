using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// Writes evidence. The recorder decides what a record says; the store decides whether its place is free.
/// </summary>
/// <remarks>
/// <para><b>Durability.</b> When <see cref="RecordAsync"/> returns, everything it reports as recorded or already there survives a crash of the
/// store. A batch is one transaction: where the call throws, all of it is recorded or nothing is, and the caller cannot know which.</para>
/// <para><b>Order.</b> Within a trace the caller makes the order: it never has two writes of one trace under way. Between traces there is none.</para>
/// <para><b>Idempotence.</b> By content. A write that is there already, link for link, is answered <see cref="RecordingOutcome.AlreadyThere"/>;
/// the same place with another link is <see cref="RecordingOutcome.Conflict"/>, and the store never overwrites. So a write whose outcome is
/// unknown is simply made again.</para>
/// <para><b>Classification.</b> One entry's outcome never affects another's: a batch of a hundred with one conflict records ninety-nine.
/// Only content that the store's own checks refuse throws, for the whole batch; the caller splits it until the culprit stands alone.</para>
/// <para><b>Retry duty.</b> The caller's, bounded, where <see cref="RecordingStoreException.IsTransient"/> is true. The store itself does not retry.</para>
/// </remarks>
public interface IRecordingStore
{
    /// <summary>Records a batch in one transaction.</summary>
    /// <param name="batch">At least one entry, and at most one of any trace.</param>
    /// <param name="cancellationToken">Gives up; the batch may be recorded all the same.</param>
    /// <exception cref="RecordingStoreException">Nothing is known to be recorded: the store could not be reached, or refused some content.</exception>
    /// <returns>What came of each entry, in the batch's order.</returns>
    Task<IReadOnlyList<RecordingResult>> RecordAsync(IReadOnlyList<RecordingEntry> batch, CancellationToken cancellationToken);

    /// <summary>Makes the caller the trace's only writer: from here on every write of an earlier epoch is <see cref="RecordingOutcome.Fenced"/>. Durable.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="trace">The trace.</param>
    /// <param name="cancellationToken">Gives up; the former writer may be fenced off all the same. Taking over again is harmless.</param>
    /// <exception cref="RecordingStoreException">The store could not be reached.</exception>
    /// <returns>The head, or why there is none.</returns>
    Task<TakeOverResult> TakeOverAsync(TenantId tenant, TraceId trace, CancellationToken cancellationToken);

    /// <summary>Replaces what a trace's head announces. Durable; the same again is harmless.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="trace">The trace.</param>
    /// <param name="epoch">The writer's epoch.</param>
    /// <param name="last">The trace's last link.</param>
    /// <param name="intents">What is announced from now on.</param>
    /// <param name="cancellationToken">Gives up; it may be announced all the same.</param>
    /// <exception cref="RecordingStoreException">The store could not be reached.</exception>
    /// <returns>Recorded; Fenced, Conflict, Sealed or NotFound where the caller is not the trace's writer.</returns>
    Task<RecordingResult> AnnounceAsync(TenantId tenant, TraceId trace, long epoch, Digest last, StepIntents intents, CancellationToken cancellationToken);
}

/// <summary>What came of one entry.</summary>
public enum RecordingOutcome
{
    /// <summary>It is recorded.</summary>
    Recorded,

    /// <summary>The very same was there already.</summary>
    AlreadyThere,

    /// <summary>Its place holds other content.</summary>
    Conflict,

    /// <summary>Steps before it are missing.</summary>
    Gap,

    /// <summary>Another writer has taken the trace over.</summary>
    Fenced,

    /// <summary>The trace is sealed.</summary>
    Sealed,

    /// <summary>There is no such trace in this tenant.</summary>
    NotFound,

    /// <summary>Its place changed while it was looked at. The same write again finds out.</summary>
    Changed,
}

/// <summary>What came of one entry.</summary>
/// <param name="Outcome">What.</param>
/// <param name="Found">The link or root hash found in its place, where there is one and it is not the entry's own.</param>
public readonly record struct RecordingResult(RecordingOutcome Outcome, Digest? Found = null);

/// <summary>What came of taking a trace over.</summary>
/// <param name="Outcome"><see cref="RecordingOutcome.Recorded"/>, <see cref="RecordingOutcome.Sealed"/> or <see cref="RecordingOutcome.NotFound"/>.</param>
/// <param name="Head">The head, where it is recorded.</param>
public sealed record TakeOverResult(RecordingOutcome Outcome, TraceHead? Head);

/// <summary>Where an open trace stands.</summary>
/// <param name="Epoch">The writer's epoch: <see cref="FirstEpoch"/> for the one who opened it, and one more each time it is taken over.</param>
/// <param name="HeaderLink">link[0].</param>
/// <param name="StepLinks">link[1] … link[n], in order.</param>
/// <param name="Intents">The steps that were announced and not recorded.</param>
public sealed record TraceHead(long Epoch, Digest HeaderLink, IReadOnlyList<Digest> StepLinks, StepIntents Intents)
{
    /// <summary>The epoch of the writer who opened the trace.</summary>
    public const long FirstEpoch = 1;
}

/// <summary>A store could not record a batch, or answer.</summary>
/// <param name="isTransient">True where the same call may succeed later: the store was not reached, was overloaded, or broke off. False where it
/// refused content.</param>
/// <param name="message">What it said.</param>
/// <param name="inner">Its own exception.</param>
public sealed class RecordingStoreException(bool isTransient, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether the same call may succeed later.</summary>
    public bool IsTransient { get; } = isTransient;
}
