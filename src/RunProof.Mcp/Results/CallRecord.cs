namespace RunProof.Mcp;

/// <summary>What becomes of one call, beside its answer.</summary>
/// <param name="mask">Takes secrets out.</param>
internal sealed class CallRecord(SecretMask mask)
{
    /// <summary>Whether the server was asked at all.</summary>
    internal bool WasSent { get; set; }

    /// <summary>How long it waited for a place among the calls that the server is given at once, milliseconds; null where one was free.</summary>
    internal long? QueuedMs { get; set; }

    /// <summary>Whether a secret was taken out of the answer.</summary>
    internal bool IsMasked { get; set; }

    /// <summary>How far the server said that it was.</summary>
    internal CallProgress Progress { get; } = new(mask);
}
