using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>Something that happened to a run, as who watches is told of it.</summary>
/// <param name="Place">How far the watch is told of the run after this; null for what moves nothing.</param>
public abstract record RunEvent(RunPlace? Place)
{
    /// <summary>The run's status is another. Of changes that come faster than they are looked for the last is told.</summary>
    /// <param name="Place">The place after it.</param>
    /// <param name="Attempt">The attempt that it is about; 0 where none has begun.</param>
    /// <param name="Status">The status, a word.</param>
    public sealed record Moved(RunPlace Place, int Attempt, string Status) : RunEvent(Place);

    /// <summary>A step is recorded.</summary>
    /// <param name="Place">The place after it.</param>
    /// <param name="Attempt">The run's attempt.</param>
    /// <param name="Step">The step.</param>
    public sealed record Stepped(RunPlace Place, int Attempt, WatchedStep Step) : RunEvent(Place);

    /// <summary>An attempt's trace is sealed.</summary>
    /// <param name="Place">The place after it.</param>
    /// <param name="Attempt">The run's attempt.</param>
    /// <param name="Status">How: completed, failed or aborted.</param>
    /// <param name="ChainLength">Its steps.</param>
    /// <param name="RootHash">Its root hash.</param>
    public sealed record Sealed(RunPlace Place, int Attempt, string Status, int ChainLength, Digest RootHash) : RunEvent(Place);

    /// <summary>The run has ended; nothing follows.</summary>
    /// <param name="Place">The place after it.</param>
    public sealed record Ended(RunPlace Place) : RunEvent(Place);

    /// <summary>Nothing happened for a while, and the watch goes on.</summary>
    public sealed record Quiet() : RunEvent(default(RunPlace));
}
