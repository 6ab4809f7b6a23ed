-- Four eyes (src/POLICIES.md): whoever had a hand in a run's being asked for does not approve what it does. runs.created_by is the key by which it was asked for; here
-- are the keys of the others.
--
-- run_makers    who defined and who last changed the schedule that a run is of, at the time when it was made; who gave it another attempt; of a sub-run its parent's

CREATE TABLE runproof.run_makers (
  tenant_id text COLLATE "C" NOT NULL,
  run_id    text COLLATE "C" NOT NULL,
  key_id    text COLLATE "C" NOT NULL,
  CONSTRAINT run_makers_pkey PRIMARY KEY (tenant_id, run_id, key_id),
  CONSTRAINT run_makers_key_length CHECK (char_length(key_id) BETWEEN 1 AND 128)
);

CREATE TRIGGER guard_update BEFORE UPDATE ON runproof.run_makers FOR EACH ROW EXECUTE FUNCTION runproof.refuse();
CREATE TRIGGER guard_delete BEFORE DELETE ON runproof.run_makers FOR EACH ROW EXECUTE FUNCTION runproof.refuse();
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON runproof.run_makers FOR EACH STATEMENT EXECUTE FUNCTION runproof.refuse();
ALTER TABLE runproof.run_makers ENABLE ALWAYS TRIGGER guard_update;
ALTER TABLE runproof.run_makers ENABLE ALWAYS TRIGGER guard_delete;
ALTER TABLE runproof.run_makers ENABLE ALWAYS TRIGGER guard_truncate;
ALTER TABLE runproof.run_makers ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON runproof.run_makers TO runproof_runner, runproof_verifier, runproof_auditor
  USING (tenant_id = current_setting('runproof.tenant_id', true));
REVOKE ALL ON runproof.run_makers FROM PUBLIC;

-- A run of a schedule, by the key that only a schedule's may have (RunProof.Runner: ScheduledRun); and a sub-run, which is its parent's makers'. In the transaction that
-- stores the run.
CREATE FUNCTION runproof.note_makers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO runproof.run_makers (tenant_id, run_id, key_id)
    SELECT NEW.tenant_id, NEW.id, m.key FROM runproof.schedules s CROSS JOIN LATERAL (VALUES (s.created_by), (s.updated_by)) m (key)
      WHERE s.tenant_id = NEW.tenant_id AND s.name = split_part(NEW.idempotency_key, ':', 2) AND starts_with(NEW.idempotency_key, 'schedule:')
    UNION
    SELECT NEW.tenant_id, NEW.id, m.key_id FROM runproof.run_makers m WHERE m.tenant_id = NEW.tenant_id AND m.run_id = NEW.parent_run_id
    ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

CREATE TRIGGER note_makers AFTER INSERT ON public.runs FOR EACH ROW WHEN (starts_with(NEW.idempotency_key, 'schedule:') OR NEW.parent_run_id IS NOT NULL)
  EXECUTE FUNCTION runproof.note_makers();
ALTER TABLE public.runs ENABLE ALWAYS TRIGGER note_makers;

-- As 0019, and notes who asks.
DROP FUNCTION runproof.retry_run(text, text, timestamptz);
CREATE FUNCTION runproof.retry_run(p_tenant text, p_run text, p_by text, p_now timestamptz) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_run public.runs;
BEGIN
  PERFORM runproof.require_durable_commit();
  SELECT * INTO found_run FROM public.runs r WHERE r.id = p_run AND r.tenant_id = p_tenant FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'not_found';
  ELSIF found_run.status IN ('queued', 'running', 'paused', 'waiting') THEN
    RETURN 'asked';
  ELSIF found_run.status = 'succeeded' THEN
    RETURN 'succeeded';
  ELSIF found_run.plan_redacted OR found_run.plan_json = '[]' THEN
    RETURN 'not_kept';
  ELSIF found_run.attempts >= 100 THEN
    RETURN 'too_many';
  END IF;
  UPDATE public.runs r SET status = 'queued', max_attempts = greatest(r.max_attempts, r.attempts + 1), worker = NULL, lease_until = NULL, attempt_open = false,
      between_steps = false, started_at = NULL, completed_at = NULL, duration_ms = NULL, error_code = NULL, error_message = NULL, pause_requested_at = NULL,
      cancel_requested_at = NULL, cancel_requested_by = NULL, cancel_reason = NULL
    WHERE r.id = p_run AND r.tenant_id = p_tenant;
  INSERT INTO runproof.run_makers (tenant_id, run_id, key_id) SELECT p_tenant, p_run, p_by WHERE p_by IS NOT NULL ON CONFLICT DO NOTHING;
  INSERT INTO runproof.run_queue (tenant_id, run_id, priority, available_at) VALUES (p_tenant, p_run, found_run.priority, p_now) ON CONFLICT DO NOTHING;
  RETURN 'done';
END $$;

-- As 0019: the maker of a run is whoever asked for it or had a hand in that; and where nobody knows who asked (unknown_maker), nobody is known to be another.
CREATE OR REPLACE FUNCTION runproof.decide_approval(
    p_tenant text, p_id text, p_decision text, p_key text, p_action_digest bytea, p_shown_digest bytea, p_reason text, p_now timestamptz, p_own boolean) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_run public.runs;
  found_approval runproof.approvals;
  found_key runproof.api_keys;
  before text;
BEGIN
  PERFORM runproof.require_durable_commit();
  -- The run first, as everyone who changes its approvals: two who decide go one after the other.
  SELECT * INTO found_run FROM public.runs r
    WHERE r.tenant_id = p_tenant AND r.id = (SELECT a.run_id FROM runproof.approvals a WHERE a.tenant_id = p_tenant AND a.approval_id = p_id) FOR UPDATE;
  SELECT * INTO found_approval FROM runproof.approvals a WHERE a.tenant_id = p_tenant AND a.approval_id = p_id FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'not_found';
  END IF;
  SELECT * INTO found_key FROM runproof.api_keys k WHERE k.id = p_key AND k.tenant_id = p_tenant AND k.revoked_at IS NULL;
  IF NOT FOUND OR found_key.scope <> 'approver' AND NOT p_own OR NOT found_key.name = ANY (found_approval.approvers) THEN
    RETURN 'not_approver';
  ELSIF NOT p_own AND found_run.created_by IS NULL THEN
    RETURN 'unknown_maker';
  ELSIF NOT p_own AND (found_run.created_by = p_key
      OR EXISTS (SELECT FROM runproof.run_makers m WHERE m.tenant_id = p_tenant AND m.run_id = found_run.id AND m.key_id = p_key)
      OR EXISTS (
        SELECT FROM runproof.api_keys k
          WHERE k.tenant_id = p_tenant AND k.name = found_key.name
            AND (k.id = found_run.created_by
              OR k.id IN (SELECT m.key_id FROM runproof.run_makers m WHERE m.tenant_id = p_tenant AND m.run_id = found_run.id)))) THEN
    RETURN 'own_run';
  END IF;
  SELECT d.decision INTO before FROM runproof.approval_decisions d WHERE d.tenant_id = p_tenant AND d.approval_id = p_id AND d.by_name = found_key.name;
  IF before = p_decision AND found_approval.action_digest = p_action_digest THEN
    RETURN CASE WHEN found_approval.status = 'pending' THEN 'counted' ELSE 'done' END;
  ELSIF found_approval.status <> 'pending' OR before IS NOT NULL THEN
    RETURN CASE WHEN found_approval.status IN ('expired', 'withdrawn') THEN found_approval.status ELSE 'decided' END;
  ELSIF found_approval.valid_until <= p_now THEN
    UPDATE runproof.approvals a SET status = 'expired', decided_at = p_now WHERE a.tenant_id = p_tenant AND a.approval_id = p_id;
    PERFORM runproof.wake_run(p_tenant, found_approval.run_id, p_now);
    RETURN 'expired';
  ELSIF found_approval.action_digest <> p_action_digest OR p_shown_digest <> found_approval.shown_digest
      OR sha256(convert_to(E'runproof/v1/approval\n' || found_approval.action_shown, 'UTF8')) <> found_approval.shown_digest THEN
    RETURN 'action_changed';
  END IF;

  INSERT INTO runproof.approval_decisions (tenant_id, approval_id, number, decision, by_key, by_name, at, reason, action_digest, shown_digest)
    SELECT p_tenant, p_id, count(*) + 1, p_decision, p_key, found_key.name, p_now, p_reason, found_approval.action_digest, found_approval.shown_digest
      FROM runproof.approval_decisions d WHERE d.tenant_id = p_tenant AND d.approval_id = p_id;
  IF p_decision = 'approved'
      AND (SELECT count(*) FROM runproof.approval_decisions d WHERE d.tenant_id = p_tenant AND d.approval_id = p_id) < found_approval.needed THEN
    RETURN 'counted';
  END IF;
  UPDATE runproof.approvals a SET status = p_decision, decided_at = p_now WHERE a.tenant_id = p_tenant AND a.approval_id = p_id;
  PERFORM runproof.wake_run(p_tenant, found_approval.run_id, p_now);
  RETURN 'done';
END $$;

REVOKE ALL ON FUNCTION runproof.note_makers, runproof.retry_run FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.retry_run TO runproof_runner;
