using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>What a step would come to.</summary>
/// <param name="Decision">The decision. It is no leave to execute: it was asked for in no run.</param>
public sealed record CheckedAction(StepDecision Decision);

/// <summary>What actions would come to, without executing or recording anything.</summary>
/// <param name="Policies">The policies that were asked, by name with their digests.</param>
/// <param name="Actions">The actions, in their order.</param>
public sealed record PolicyCheck(CanonicalJson Policies, IReadOnlyList<CheckedAction> Actions);
