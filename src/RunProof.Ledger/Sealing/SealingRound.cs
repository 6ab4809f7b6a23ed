namespace RunProof.Ledger;

/// <summary>What one call of <see cref="LogSealer.SealAsync"/> did.</summary>
/// <param name="Entered">Entries that entered the log.</param>
/// <param name="Quarantined">Entries that did not verify.</param>
/// <param name="Overtaken">Whether another sealer came first, so that nothing was done.</param>
/// <param name="IsPublished">Whether the head is published; false where witnesses are to be asked first: <see cref="LogSealer.PublishAsync"/>.</param>
/// <param name="MayContinue">Whether more was waiting than one commit takes.</param>
public sealed record SealingRound(int Entered, int Quarantined, bool Overtaken, bool IsPublished, bool MayContinue);
