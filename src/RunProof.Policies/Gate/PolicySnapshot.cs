using System.Buffers;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>The policies in force at a moment.</summary>
internal sealed class PolicySnapshot
{
    internal PolicySnapshot(long stamp, IReadOnlyList<PolicyInForce> policies, RestraintsInForce restraints)
    {
        (Stamp, Restraints) = (stamp, restraints);
        RunBudgets = [.. (restraints.Budgets ?? []).Where(budget => budget.Scope is BudgetScope.Run)];
        SharedBudgets = [.. (restraints.Budgets ?? []).Where(budget => budget.Scope is not BudgetScope.Run)];
        Policies = [.. policies.OrderBy(policy => policy.Name, StringComparer.Ordinal)];
        Names = Encode(Policies);
        Usual = new StepDecision(StepDecisionKind.Allowed, Policies.Count == 0 ? "no policy is in force" : "no rule applies", null, DecisionEffects.None);
    }

    internal long Stamp { get; }

    /// <summary>The budgets and kill switches in force, whole.</summary>
    internal RestraintsInForce Restraints { get; }

    /// <summary>The budgets that each run has by itself.</summary>
    internal IReadOnlyList<Budget> RunBudgets { get; }

    /// <summary>The budgets that runs share; empty: steps cost no question.</summary>
    internal IReadOnlyList<Budget> SharedBudgets { get; }

    /// <summary>The kill switch that stops a step; null where none does.</summary>
    internal KillSwitch? KillOf(GovernedRun run, string skill) => Restraints.KillSwitches?.FirstOrDefault(kill => kill.Stops(run.TenantId, run.AgentId, skill));

    /// <summary>In the order of their names.</summary>
    internal IReadOnlyList<PolicyInForce> Policies { get; }

    /// <summary><c>{name: digest}</c>.</summary>
    internal CanonicalJson Names { get; }

    /// <summary>The decision of most steps, made once.</summary>
    internal StepDecision Usual { get; }

    private static CanonicalJson Encode(IReadOnlyList<PolicyInForce> policies)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{"u8);
        for (var i = 0; i < policies.Count; i++)
        {
            if (i > 0)
                writer.WriteRaw(","u8);
            writer.WriteString(policies[i].Name);
            writer.WriteRaw(":"u8);
            policies[i].Document.Digest.WriteCanonical(ref writer);
        }

        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }
}
