namespace RunProof.Ledger;

/// <summary>
/// What kind of end a code is: AOS's words where it had one, and its severities (src/SIDE-RECORDS.md). The database has the same map once more, in
/// <c>runproof.incident_class</c>: what must be in a row is not asked of whoever wrote it. A test holds the two together.
/// </summary>
/// <param name="Trigger">The class.</param>
/// <param name="Severity">LOW, MEDIUM, HIGH or CRITICAL.</param>
/// <param name="Category">AOS's category.</param>
/// <param name="Reason">Why a run ended, in the words of AOS's <c>termination_reason</c>.</param>
public sealed record IncidentClass(string Trigger, string Severity, string Category, string Reason)
{
    /// <summary>Classifies.</summary>
    /// <param name="code">The code of a run's or a step's failure; null where none is known.</param>
    /// <returns>The class; a code that has no class of its own is a failed step's.</returns>
    public static IncidentClass Of(string? code) => code switch
    {
        null => new("UNKNOWN", "MEDIUM", "EXECUTION_FAILURE", "system_failure"),
        "cancelled" => new("CANCELLED", "LOW", "MANUAL", "user_abort"),
        "stopped" or "killed" or "kill_switch" => new("MANUAL_STOP", "LOW", "MANUAL", "user_abort"),
        "worker_lost" or "interrupted" => new("AGENT_CRASH", "CRITICAL", "EXECUTION_FAILURE", "system_failure"),
        "engine_error" or "fenced" => Evidence,
        "approval_mismatch" => new("APPROVAL_MISMATCH", "HIGH", "POLICY", "policy_block"),
        "approval_expired" => new("APPROVAL_EXPIRED", "MEDIUM", "POLICY", "policy_block"),
        "approval_rejected" => new("APPROVAL_REJECTED", "LOW", "POLICY", "policy_block"),
        "policy_denied" or "approval_required" => new("POLICY_BLOCK", "MEDIUM", "POLICY", "policy_block"),
        "policy_unavailable" or "budget_unavailable" => new("GOVERNANCE_UNAVAILABLE", "HIGH", "POLICY", "policy_block"),
        "budget_exceeded" => new("BUDGET_EXCEEDED", "MEDIUM", "BUDGET_EXCEEDED", "budget_exceeded"),
        "rate_limited" or "http_429" => new("RATE_LIMIT_EXCEEDED", "MEDIUM", "RATE_LIMIT", "rate_limited"),
        "timeout" or "http_408" or "http_504" => new("EXECUTION_TIMEOUT", "HIGH", "EXECUTION_FAILURE", "timeout"),
        "output_too_large" or "response_too_large" => new("RESOURCE_EXHAUSTION", "MEDIUM", "RESOURCE_EXHAUSTION", "step_failure"),
        _ => code.StartsWith("evidence_", StringComparison.Ordinal) ? Evidence : new("STEP_FAILURE", "HIGH", "EXECUTION_FAILURE", "step_failure"),
    };

    private static IncidentClass Evidence { get; } = new("EVIDENCE_FAILURE", "CRITICAL", "EVIDENCE", "system_failure");
}
