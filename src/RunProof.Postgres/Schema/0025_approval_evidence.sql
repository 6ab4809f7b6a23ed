-- Approvals beside their evidence (src/POLICIES.md, "Held against the evidence"): a step says all of the approval that it had, so that a verifier can hold each column of
-- runproof.approvals and of its decisions against the chain. A person's words can be erased with the context that holds them.

-- What a worker is told of an approval, and a step says of it: also when it came to its end, and at which attempt it was asked for.
ALTER TYPE runproof.approval_state ADD ATTRIBUTE decided_at timestamptz, ADD ATTRIBUTE attempt integer;

CREATE OR REPLACE FUNCTION runproof.approval_states(p_tenant text, p_trace text, p_plan_index integer) RETURNS SETOF runproof.approval_state
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.approval_id, a.plan_index, a.status, a.because, a.action_salt, a.action_digest, a.shown_digest, a.requested_at, a.valid_until, a.used_attempt,
      d.by_keys, d.by_names, d.decisions, d.ats, d.reasons, d.seen, a.decided_at, a.attempt
    FROM runproof.approvals a
    CROSS JOIN LATERAL (
      SELECT array_agg(d.by_key ORDER BY d.number) AS by_keys, array_agg(d.by_name ORDER BY d.number) AS by_names, array_agg(d.decision ORDER BY d.number) AS decisions,
          array_agg(d.at ORDER BY d.number) AS ats, array_agg(d.reason ORDER BY d.number) AS reasons, array_agg(d.shown_digest ORDER BY d.number) AS seen
        FROM runproof.approval_decisions d WHERE d.tenant_id = a.tenant_id AND d.approval_id = a.approval_id) d
    WHERE a.tenant_id = p_tenant AND a.trace_id = p_trace AND (p_plan_index IS NULL OR a.plan_index = p_plan_index)
$$;

-- As 0019, and says since when it has been used: the step says so too.
DROP FUNCTION runproof.use_approval(text, text, text, text, integer, timestamptz);
CREATE FUNCTION runproof.use_approval(p_tenant text, p_run text, p_worker text, p_id text, p_attempt integer, p_now timestamptz, OUT p_answer text, OUT p_since timestamptz)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_approval runproof.approvals;
BEGIN
  PERFORM runproof.require_durable_commit();
  PERFORM FROM public.runs r WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    p_answer := 'not_ours';
    RETURN;
  END IF;
  SELECT * INTO found_approval FROM runproof.approvals a WHERE a.tenant_id = p_tenant AND a.approval_id = p_id AND a.run_id = p_run FOR UPDATE;
  p_answer := CASE
    WHEN found_approval.approval_id IS NULL THEN 'not_ours'
    WHEN found_approval.status <> 'approved' THEN found_approval.status
    WHEN found_approval.valid_until <= p_now THEN 'expired'
    ELSE 'used'
  END;
  IF p_answer = 'used' THEN
    UPDATE runproof.approvals a SET used_at = coalesce(a.used_at, p_now), used_attempt = p_attempt
      WHERE a.tenant_id = p_tenant AND a.approval_id = p_id AND coalesce(a.used_attempt, -1) < p_attempt;
    p_since := coalesce(found_approval.used_at, p_now);
  END IF;
END $$;

-- The verifier may not read the salt: with it a short secret could be found from the digest. It may ask whether salt and digest are those of what is shown, which is the
-- exact action where nothing in it was redacted: holds, differs, or erased. Canonical JSON has one spelling, so the action is put together from the text that is there.
CREATE FUNCTION runproof.approval_action(p_tenant text, p_id text) RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  asked runproof.approvals;
  shown json;
  policy json;
BEGIN
  SELECT * INTO asked FROM runproof.approvals a
    WHERE a.tenant_id = p_tenant AND a.approval_id = p_id AND p_tenant = current_setting('runproof.tenant_id', true) LIMIT 1;
  IF asked.action_salt IS NULL OR asked.action_shown IS NULL THEN
    RETURN CASE WHEN asked.action_salt IS NULL THEN 'erased' ELSE 'differs' END;
  END IF;
  shown := asked.action_shown::json;
  policy := shown -> 'policy';
  RETURN CASE WHEN asked.action_digest = sha256(convert_to(E'runproof/v1/action\n', 'UTF8') || asked.action_salt || convert_to(
      '{"idempotency_key":' || (shown -> 'idempotency_key') || ',"params":' || (shown -> 'params') || ',"plan_index":' || (shown -> 'plan_index') || ',"policy":'
        || CASE WHEN policy::text = 'null' THEN 'null' ELSE '{"digest":' || (policy -> 'digest') || ',"policy":' || (policy -> 'policy') || ',"rule":' || (policy -> 'rule')
          || ',"version":' || (policy -> 'version') || '}' END
        || ',"run_id":' || (shown -> 'run_id') || ',"schema":' || (shown -> 'schema') || ',"skill":' || (shown -> 'skill') || ',"skill_version":' || (shown -> 'skill_version')
        || ',"tenant_id":' || to_json(p_tenant) || ',"trace_id":' || (shown -> 'trace_id') || '}', 'UTF8')) THEN 'holds' ELSE 'differs' END;
EXCEPTION
  WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN RETURN 'differs';
END $$;

-- Erasing ----------------------------------------------------------------------------------------------------------------------------------

-- As 0019. The step is found by its idempotency key, so also where its context was erased before. And with the context go the words of those who decided, which stand
-- in it: all contexts that have them must be erased by then.
CREATE OR REPLACE FUNCTION runproof.erase_approval() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  place integer;
BEGIN
  IF NEW.step_index IS NULL THEN
    IF NEW.payload IN ('goal', 'plan') THEN
      UPDATE runproof.approvals a SET action_shown = NULL, action_salt = NULL
        WHERE a.tenant_id = NEW.tenant_id AND a.trace_id = NEW.trace_id AND a.status <> 'pending' AND a.action_shown IS NOT NULL;
    END IF;
    RETURN NULL;
  END IF;
  -- A step's fallback has an approval of its own, behind all places of a plan.
  SELECT substring(s.idempotency_key FROM ':([0-9]{1,9})(?::fallback)?$')::integer + CASE WHEN s.idempotency_key LIKE '%:fallback' THEN 10000 ELSE 0 END INTO place FROM (
      SELECT c.idempotency_key FROM public.aos_trace_steps c WHERE c.trace_id = NEW.trace_id AND c.tenant_id = NEW.tenant_id AND c.step_index = NEW.step_index
      UNION ALL
      SELECT c.idempotency_key FROM public.aos_trace_steps_archive c WHERE c.trace_id = NEW.trace_id AND c.tenant_id = NEW.tenant_id AND c.step_index = NEW.step_index) s
    LIMIT 1;
  IF NEW.payload = 'params' THEN
    UPDATE runproof.approvals a SET action_shown = NULL, action_salt = NULL
      WHERE a.tenant_id = NEW.tenant_id AND a.trace_id = NEW.trace_id AND a.plan_index = place AND a.status <> 'pending' AND a.action_shown IS NOT NULL;
  ELSIF NEW.payload = 'context' THEN
    UPDATE runproof.approval_decisions d SET reason = NULL FROM runproof.approvals a
      WHERE a.tenant_id = NEW.tenant_id AND a.trace_id = NEW.trace_id AND a.plan_index = place AND d.tenant_id = a.tenant_id AND d.approval_id = a.approval_id
        AND d.reason IS NOT NULL
        AND NOT EXISTS (
          SELECT FROM (
            SELECT c.step_index, c.context, c.idempotency_key FROM public.aos_trace_steps c WHERE c.trace_id = NEW.trace_id AND c.tenant_id = NEW.tenant_id
            UNION ALL
            SELECT c.step_index, c.context, c.idempotency_key FROM public.aos_trace_steps_archive c WHERE c.trace_id = NEW.trace_id AND c.tenant_id = NEW.tenant_id) s
          WHERE s.step_index <> NEW.step_index AND strpos(s.context, '"id":' || to_json(a.approval_id)) > 0);
  END IF;
  RETURN NULL;
END $$;

-- A person's words go only with an erasure that is on record; nothing else of a decision ever changes.
CREATE FUNCTION runproof.guard_decision_update() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  permitted record := OLD;
BEGIN
  IF NEW.reason IS NULL AND OLD.reason IS NOT NULL AND EXISTS (
      SELECT FROM runproof.approvals a JOIN runproof.payload_erasures e ON e.tenant_id = a.tenant_id AND e.trace_id = a.trace_id
        WHERE a.tenant_id = OLD.tenant_id AND a.approval_id = OLD.approval_id AND e.payload = 'context' AND e.step_index IS NOT NULL) THEN
    permitted.reason := NULL;
  END IF;
  IF permitted *= NEW THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6000', MESSAGE = format('S6_IMMUTABILITY_VIOLATION: what was decided of approval %s never changes', OLD.approval_id);
END $$;

DROP TRIGGER guard_update ON runproof.approval_decisions;
CREATE TRIGGER guard_update BEFORE UPDATE ON runproof.approval_decisions FOR EACH ROW EXECUTE FUNCTION runproof.guard_decision_update();
ALTER TABLE runproof.approval_decisions ENABLE ALWAYS TRIGGER guard_update;

-- Incidents --------------------------------------------------------------------------------------------------------------------------------

-- As 0020, and what became of approvals has classes of its own: a person said no; nobody said anything in time; or what was about to be executed is not what people
-- decided of, which somebody must look at: it was changed between asking and executing, in the database or by another version of a policy.
CREATE OR REPLACE FUNCTION runproof.incident_class(p_code text) RETURNS TABLE (trigger_type text, severity text, category text, termination_reason text)
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.* FROM (SELECT CASE
      WHEN p_code IS NULL THEN 'UNKNOWN'
      WHEN p_code = 'cancelled' THEN 'CANCELLED'
      WHEN p_code IN ('stopped', 'killed', 'kill_switch') THEN 'MANUAL_STOP'
      WHEN p_code IN ('worker_lost', 'interrupted') THEN 'AGENT_CRASH'
      WHEN p_code IN ('engine_error', 'fenced') OR starts_with(p_code, 'evidence_') THEN 'EVIDENCE_FAILURE'
      WHEN p_code = 'approval_mismatch' THEN 'APPROVAL_MISMATCH'
      WHEN p_code = 'approval_expired' THEN 'APPROVAL_EXPIRED'
      WHEN p_code = 'approval_rejected' THEN 'APPROVAL_REJECTED'
      WHEN p_code IN ('policy_denied', 'approval_required') THEN 'POLICY_BLOCK'
      WHEN p_code IN ('policy_unavailable', 'budget_unavailable') THEN 'GOVERNANCE_UNAVAILABLE'
      WHEN p_code = 'budget_exceeded' THEN 'BUDGET_EXCEEDED'
      WHEN p_code IN ('rate_limited', 'http_429') THEN 'RATE_LIMIT_EXCEEDED'
      WHEN p_code IN ('timeout', 'http_408', 'http_504') THEN 'EXECUTION_TIMEOUT'
      WHEN p_code IN ('output_too_large', 'response_too_large') THEN 'RESOURCE_EXHAUSTION'
      ELSE 'STEP_FAILURE'
    END AS word) w
  JOIN (VALUES
    ('UNKNOWN', 'MEDIUM', 'EXECUTION_FAILURE', 'system_failure'),
    ('CANCELLED', 'LOW', 'MANUAL', 'user_abort'),
    ('MANUAL_STOP', 'LOW', 'MANUAL', 'user_abort'),
    ('AGENT_CRASH', 'CRITICAL', 'EXECUTION_FAILURE', 'system_failure'),
    ('EVIDENCE_FAILURE', 'CRITICAL', 'EVIDENCE', 'system_failure'),
    ('APPROVAL_MISMATCH', 'HIGH', 'POLICY', 'policy_block'),
    ('APPROVAL_EXPIRED', 'MEDIUM', 'POLICY', 'policy_block'),
    ('APPROVAL_REJECTED', 'LOW', 'POLICY', 'policy_block'),
    ('POLICY_BLOCK', 'MEDIUM', 'POLICY', 'policy_block'),
    ('GOVERNANCE_UNAVAILABLE', 'HIGH', 'POLICY', 'policy_block'),
    ('BUDGET_EXCEEDED', 'MEDIUM', 'BUDGET_EXCEEDED', 'budget_exceeded'),
    ('RATE_LIMIT_EXCEEDED', 'MEDIUM', 'RATE_LIMIT', 'rate_limited'),
    ('EXECUTION_TIMEOUT', 'HIGH', 'EXECUTION_FAILURE', 'timeout'),
    ('RESOURCE_EXHAUSTION', 'MEDIUM', 'RESOURCE_EXHAUSTION', 'step_failure'),
    ('STEP_FAILURE', 'HIGH', 'EXECUTION_FAILURE', 'step_failure')) c (word, severity, category, reason) ON c.word = w.word
$$;

-- What was classified by the former map follows from the same code by this one: a verifier works it out again.
ALTER TABLE public.incidents DISABLE TRIGGER guard_update;
ALTER TABLE public.governance_records DISABLE TRIGGER guard_update;
UPDATE public.governance_records g SET termination_reason = c.termination_reason
  FROM public.incidents i CROSS JOIN LATERAL runproof.incident_class(i.error_code) c
  WHERE i.error_code = 'approval_mismatch' AND g.run_id = i.source_run_id AND g.tenant_id = i.tenant_id AND g.incident = i.id;
UPDATE public.incidents i SET trigger_type = c.trigger_type, severity = c.severity, category = c.category
  FROM (VALUES ('approval_mismatch'), ('approval_expired'), ('approval_rejected')) v (code) CROSS JOIN LATERAL runproof.incident_class(v.code) c
  WHERE i.error_code = v.code;
ALTER TABLE public.incidents ENABLE ALWAYS TRIGGER guard_update;
ALTER TABLE public.governance_records ENABLE ALWAYS TRIGGER guard_update;

-- Who may ----------------------------------------------------------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION runproof.use_approval, runproof.approval_action, runproof.guard_decision_update FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.use_approval TO runproof_runner;
GRANT EXECUTE ON FUNCTION runproof.approval_action TO runproof_verifier, runproof_auditor;
