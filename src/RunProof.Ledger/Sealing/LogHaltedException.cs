namespace RunProof.Ledger;

/// <summary>
/// A log cannot be continued: its head is not one that this service's key signed, or does not fit what it says. Nothing is written; retrying helps only after
/// somebody looked. Other tenants' logs go on.
/// </summary>
/// <param name="message">What does not fit, and what to do.</param>
public sealed class LogHaltedException(string message) : Exception(message);
