namespace RunProof.Ledger;

/// <summary>
/// A log cannot be continued: its head is not one that this service's key signed, or does not fit what it says. Nothing is written; retrying helps only after
/// somebody looked. Other tenants' logs go on.
/// </summary>
/// <param name="message">What does not fit, and what to do.</param>
/// <param name="isKeyRetired">Whether nothing is wrong but the key: it was handed over to another, which is to take its place in the key file.</param>
public sealed class LogHaltedException(string message, bool isKeyRetired = false) : Exception(message)
{
    /// <summary>Whether nothing is wrong but the key: it was handed over to another.</summary>
    public bool IsKeyRetired { get; } = isKeyRetired;
}
