using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Ledger;

/// <summary>Which served hash tiles are held against the entries.</summary>
public enum TileChecks
{
    /// <summary>Every one.</summary>
    All,

    /// <summary>Of the lowest level one in sixteen and the last, of the others every one.</summary>
    Sample,

    /// <summary>None.</summary>
    None,
}

/// <summary>What an audit from outside is asked for.</summary>
public sealed record OutsideOptions
{
    /// <summary>The position to begin at: entries before it are not read. Null for the beginning, or where an audit was broken off.</summary>
    public long? From { get; init; }

    /// <summary>The log's keys, from elsewhere than the log; none where none was given.</summary>
    public IReadOnlyList<INoteVerifier> Keys { get; init; } = [];

    /// <summary>The witnesses that must have cosigned the checkpoint; null where none is asked for.</summary>
    public IWitnessQuorum? Quorum { get; init; }

    /// <summary>Makes a verifier of a public key; null where the key is no good.</summary>
    public required Func<NoteKey, INoteVerifier?> VerifierOf { get; init; }

    /// <summary>Which served hash tiles are checked. Default: all.</summary>
    public TileChecks HashTiles { get; init; }

    /// <summary>Bundles that are fetched ahead, each of at most 16.8 MB. Default 8.</summary>
    public int InFlight { get; init; } = 8;

    /// <summary>How far clocks of honest machines may be apart. Default: 10 minutes.</summary>
    public TimeSpan ClockTolerance { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Findings that are kept; all are counted. Default <see cref="AuditFindings.MostKept"/>.</summary>
    public int MaxFindings { get; init; } = AuditFindings.MostKept;

    /// <summary>Traces among which a second opening or seal is sought, 16 bytes each in a table that is at most three quarters full. Default four million.</summary>
    public int MaxRemembered { get; init; } = 4_000_000;

    /// <summary>Traces that are open at one time, and whose seal is awaited. Default a million.</summary>
    public int MaxOpen { get; init; } = 1_000_000;

    /// <summary>How often progress is handed out to be kept. Default: 5 s.</summary>
    public TimeSpan SaveEvery { get; init; } = TimeSpan.FromSeconds(5);

    internal string Kind => "tiles, hashes " + HashTiles switch { TileChecks.All => "all", TileChecks.Sample => "sampled", _ => "not checked" };
}
