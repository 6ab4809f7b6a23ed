namespace RunProof.Postgres;

/// <summary>Approvals as a verifier reads them: digests in hex, times as evidence spells them, of the salt a word.</summary>
internal static class ApprovalEvidence
{
    /// <summary>$1 the run, $2 the tenant, which stands here too: an owner's connection is under no row-level security; $3 the run's traces.</summary>
    internal const string RunSql =
        """
        SELECT json_build_object(
            'tenant_id', a.tenant_id, 'approval_id', a.approval_id, 'run_id', a.run_id, 'trace_id', a.trace_id, 'plan_index', a.plan_index, 'step_id', a.step_id,
            'attempt', a.attempt, 'skill', a.skill, 'policy', a.policy, 'rule', a.rule, 'because', a.because, 'action_shown', a.action_shown,
            'action_salt', runproof.approval_action(a.tenant_id, a.approval_id), 'action_digest', encode(a.action_digest, 'hex'), 'shown_digest', encode(a.shown_digest, 'hex'),
            'approvers', a.approvers, 'needed', a.needed, 'requested_at', to_char(a.requested_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'valid_until', to_char(a.valid_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'status', a.status,
            'decided_at', to_char(a.decided_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'used_at', to_char(a.used_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'used_attempt', a.used_attempt,
            'decisions', (
              SELECT coalesce(json_agg(json_build_object(
                  'number', d.number, 'decision', d.decision, 'by_key', d.by_key, 'by_name', d.by_name,
                  'at', to_char(d.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'reason', d.reason, 'action_digest', encode(d.action_digest, 'hex'),
                  'shown_digest', encode(d.shown_digest, 'hex')) ORDER BY d.number), '[]')
                FROM runproof.approval_decisions d WHERE d.tenant_id = a.tenant_id AND d.approval_id = a.approval_id))::text
          FROM runproof.approvals a WHERE a.tenant_id = $2 AND (a.run_id = $1 OR a.trace_id = ANY ($3)) ORDER BY a.approval_id
        """;
}
