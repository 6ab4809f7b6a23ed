using RunProof.Tiles;

namespace RunProof.Ledger;

/// <summary>
/// A log as anybody reads it (C2SP tlog-tiles), from wherever it is served. What comes may have been made to mislead: its length is bounded by whoever implements
/// this, and everything else is for the reader to check.
/// </summary>
/// <remarks>
/// Answers that are wrong are answers (<see cref="TiledAnswer.Problem"/>); that there is no answer, after trying again, is a <see cref="TiledLogException"/>. Calls may overlap.
/// </remarks>
public interface ITiledLog
{
    /// <summary>The log's head.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A signed note, as far as it is known.</returns>
    Task<TiledAnswer> ReadCheckpointAsync(CancellationToken cancellationToken);

    /// <summary>A hash tile or an entry bundle, at exactly that width.</summary>
    /// <param name="tile">Its address.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Its bytes.</returns>
    Task<TiledAnswer> ReadTileAsync(TileAddress tile, CancellationToken cancellationToken);

    /// <summary>What the log itself says its keys are: no more than a hint.</summary>
    /// <param name="origin">The log's origin.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Verifier key lines; none where it does not say.</returns>
    Task<IReadOnlyList<string>> ReadKeysAsync(string origin, CancellationToken cancellationToken);
}

/// <summary>What a log answered.</summary>
/// <param name="Bytes">The answer; empty where there is a problem.</param>
/// <param name="Problem">Why it is none, as the end of a sentence that begins with its name: <c>is not served (404)</c>. Null where it is one.</param>
public readonly record struct TiledAnswer(ReadOnlyMemory<byte> Bytes, string? Problem)
{
    /// <summary>An answer that is none.</summary>
    /// <param name="problem">Why.</param>
    /// <returns>The answer.</returns>
    public static TiledAnswer Wrong(string problem) => new(default, problem);
}

/// <summary>The log does not answer: the network, or whoever serves it.</summary>
/// <param name="message">What was asked, and what happened.</param>
/// <param name="inner">The cause.</param>
public sealed class TiledLogException(string message, Exception? inner = null) : Exception(message, inner);
