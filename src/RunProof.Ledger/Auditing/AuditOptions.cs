using System.Globalization;
using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Ledger;

/// <summary>What an audit of the database is asked for.</summary>
public sealed record AuditOptions
{
    /// <summary>Whether salts and texts are held against their commitments. Default: true.</summary>
    public bool Payloads { get; init; } = true;

    /// <summary>The position to begin at: entries before it are not read. Default: 0.</summary>
    public long From { get; init; }

    /// <summary>Parts of the log that are recomputed at once, each on a core and a connection of its own. Default 1; from 1 to 64.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Entries that a worker takes at once. Default 2048; from 1 to 1,048,576.</summary>
    public int Range { get; init; } = 2048;

    /// <summary>How far clocks of honest machines may be apart, and a trace's opening may come after its start. Default: 10 minutes.</summary>
    public TimeSpan ClockTolerance { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The log's keys, from elsewhere than the log; none where none was given: then the key of the last audit, or what the database names, is not independent.</summary>
    public IReadOnlyList<INoteVerifier> Keys { get; init; } = [];

    /// <summary>The witnesses that must have cosigned what is published; null where none is asked for.</summary>
    public IWitnessQuorum? Quorum { get; init; }

    /// <summary>Makes a verifier of a public key; null where the key is no good.</summary>
    public required Func<NoteKey, INoteVerifier?> VerifierOf { get; init; }

    /// <summary>Findings that are kept; all are counted. Default <see cref="AuditFindings.MostKept"/>.</summary>
    public int MaxFindings { get; init; } = AuditFindings.MostKept;

    /// <summary>How often progress is handed out to be kept. Default: 5 s.</summary>
    public TimeSpan SaveEvery { get; init; } = TimeSpan.FromSeconds(5);

    internal string Kind => Payloads ? "database" : "database without payloads";

    internal void Validate()
    {
        if (Workers is < 1 or > 64 || Range is < 1 or > 1 << 20 || From < 0 || MaxFindings < 1 || ClockTolerance < TimeSpan.Zero)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"beyond its limits: workers {Workers} (1 to 64), range {Range} (1 to {1 << 20}), from {From}, findings {MaxFindings} or tolerance {ClockTolerance}"));
    }
}
