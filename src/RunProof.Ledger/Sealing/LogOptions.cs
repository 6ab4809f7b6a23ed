using System.Globalization;

namespace RunProof.Ledger;

/// <summary>What happens to a checkpoint that too few witnesses have cosigned.</summary>
public enum MissingQuorum
{
    /// <summary>The one before stays published until the quorum is met.</summary>
    Withhold,

    /// <summary>It is published with the cosignatures that there are; whoever reads it sees who is missing.</summary>
    Mark,
}

/// <summary>How logs are kept. Section <c>RunProof:Log</c>.</summary>
public sealed record LogOptions
{
    /// <summary>Characters that the name may have: with a slash and a tenant of 64 it is a key's name, of 255 at most.</summary>
    public const int MaxName = 190;

    /// <summary>The logs' name, a URL without scheme: a tenant's log is <c>NAME/TENANT</c>. Default <c>runproof.local</c>. A log that has begun keeps its name.</summary>
    public string Name { get; init; } = "runproof.local";

    /// <summary>How long a sealer that found nothing waits before it looks again. Default 200 ms; from 10 ms to 1 minute.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Traces whose entries share one commit, at most. Default 256; from 1 to 10,000.</summary>
    public int BatchSize { get; init; } = 256;

    /// <summary>Into how many parts a commit's traces are divided, to be read and recomputed side by side, each on a connection of its own; no part is less than
    /// 32 traces. Default: a part for each processor, at most 4; from 1 to 64.</summary>
    public int Examiners { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 4);

    /// <summary>The folder of the key file <c>log-signing.key</c>. Default <c>keys</c> in the data folder. Ignored where the variable <c>RUNPROOF_SIGNING_KEY_FILE</c> names a file.</summary>
    public string? KeyFolder { get; init; }

    /// <summary>How old the oldest entry that awaits inclusion may be before the service says that it is degraded. Default 60 s.</summary>
    public TimeSpan MaxLag { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The policy file (C2SP tlog-policy) whose witnesses are asked before a checkpoint is published. Default: none, nobody is asked.</summary>
    public string? WitnessPolicyFile { get; init; }

    /// <summary>How long all witnesses together may take over one checkpoint. Default 2 s. Ignored without a policy.</summary>
    public TimeSpan WitnessTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>What happens where their quorum is not met in time. Default: withhold. Ignored without a policy.</summary>
    public MissingQuorum OnMissingQuorum { get; init; }

    /// <summary>The origin of a tenant's log.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <returns>The origin, which is the key's name too.</returns>
    public string OriginOf(Format.TenantId tenant) => Name + "/" + tenant.Value;

    /// <summary>Holds the options against their limits.</summary>
    /// <exception cref="ArgumentException">One is beyond them; the message names it.</exception>
    public void Validate()
    {
        if (Name.Length is 0 or > MaxName || Name.AsSpan().ContainsAnyExceptInRange('!', '~') || Name.Contains('+', StringComparison.Ordinal) || Name.EndsWith('/') || Name.Contains("://", StringComparison.Ordinal))
            throw new ArgumentException($"\"{Name}\" is no name of logs: a URL without scheme, 1 to {MaxName} printable ASCII characters without space or +");
        if (Interval < TimeSpan.FromMilliseconds(10) || Interval > TimeSpan.FromMinutes(1))
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"the interval is from 10 ms to 1 minute, not {Interval}"));
        if (BatchSize is < 1 or > 10_000)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"the batch size is from 1 to 10000 traces, not {BatchSize}"));
        if (Examiners is < 1 or > 64)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"the examiners are from 1 to 64, not {Examiners}"));
        if (MaxLag <= TimeSpan.Zero || WitnessTimeout <= TimeSpan.Zero)
            throw new ArgumentException("the lag that is allowed and the witnesses' time are above zero");
    }
}
