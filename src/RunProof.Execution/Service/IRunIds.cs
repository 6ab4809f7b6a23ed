using RunProof.Format;

namespace RunProof.Execution;

/// <summary>Where run ids come from.</summary>
public interface IRunIds
{
    /// <summary>A new id, never given before.</summary>
    /// <returns>The id.</returns>
    RunId Next();
}

/// <summary>Lower-case UUIDv7: sortable by the time they were made.</summary>
/// <param name="clock">The time.</param>
public sealed class UuidRunIds(TimeProvider clock) : IRunIds
{
    /// <inheritdoc/>
    public RunId Next() => RunId.Parse(Guid.CreateVersion7(clock.GetUtcNow()).ToString("D"));
}
