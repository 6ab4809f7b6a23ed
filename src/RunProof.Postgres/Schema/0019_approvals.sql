-- Approvals (src/POLICIES.md): a step that a person must decide of waits durably, in no process; the person's decision puts its run in line again.
--
-- runs.status    waiting: every step that could go on needs a person; let go of by its process. In run_queue for the moment at which the first approval runs out
-- approvals      one for a step of an attempt's trace: what was asked. It moves from pending to one end, and from approved to used; nothing else of it ever changes
-- approval_decisions    who decided what, when, why, having seen what: only grows
--
-- action_digest covers the exact action, unredacted, with a salt that no service can read but the worker that has the run: a short secret in the action cannot be
-- found by trying. shown_digest covers the very text that people are shown, action_digest in it.

ALTER TABLE runproof.api_keys DROP CONSTRAINT api_keys_scope_word;
ALTER TABLE runproof.api_keys ADD CONSTRAINT api_keys_scope_word CHECK (scope IN ('runner', 'auditor', 'governor', 'approver'));

-- created_by     the id of the key by which the run was asked for
-- asks_approval  a step of it has asked for a person
ALTER TABLE public.runs
  ADD COLUMN created_by    text COLLATE "C",
  ADD COLUMN asks_approval boolean NOT NULL DEFAULT false,
  DROP CONSTRAINT runs_status_word,
  DROP CONSTRAINT runs_times_follow_status,
  ADD CONSTRAINT runs_status_word CHECK (status IN ('queued', 'running', 'paused', 'waiting', 'succeeded', 'failed', 'aborted', 'cancelled')),
  ADD CONSTRAINT runs_times_follow_status CHECK (
    CASE
      WHEN status IN ('queued', 'paused') THEN completed_at IS NULL
      WHEN status IN ('running', 'waiting') THEN started_at IS NOT NULL AND completed_at IS NULL
      ELSE completed_at IS NOT NULL
    END),
  ADD CONSTRAINT runs_waiting_between_steps CHECK (status <> 'waiting' OR attempt_open AND between_steps AND worker IS NULL),
  ADD CONSTRAINT runs_created_by_length CHECK (char_length(created_by) BETWEEN 1 AND 128);

-- No foreign key to runs, as in run_queue: no run is ever deleted.
CREATE TABLE runproof.approvals (
  tenant_id     text COLLATE "C" NOT NULL,
  approval_id   text COLLATE "C" NOT NULL,
  run_id        text COLLATE "C" NOT NULL,
  trace_id      text COLLATE "C" NOT NULL,
  plan_index    integer NOT NULL,
  step_id       text COLLATE "C" NOT NULL,
  attempt       integer NOT NULL,
  skill         text NOT NULL,
  policy        text,
  rule          text,
  because       text NOT NULL,
  action_shown  text,
  action_salt   bytea,
  action_digest bytea NOT NULL,
  shown_digest  bytea NOT NULL,
  approvers     text[] COLLATE "C",
  needed        smallint NOT NULL,
  requested_at  timestamptz NOT NULL,
  valid_until   timestamptz NOT NULL,
  status        text COLLATE "C" NOT NULL DEFAULT 'pending',
  decided_at    timestamptz,
  used_at       timestamptz,
  used_attempt  integer,
  CONSTRAINT approvals_pkey PRIMARY KEY (tenant_id, approval_id),
  CONSTRAINT approvals_one_a_step UNIQUE (tenant_id, trace_id, plan_index),
  CONSTRAINT approvals_id_form CHECK (char_length(approval_id) BETWEEN 1 AND 128 AND approval_id !~ '[^!-~]'),
  CONSTRAINT approvals_place_range CHECK (plan_index >= 0 AND attempt >= 0),
  CONSTRAINT approvals_digest_sizes CHECK (octet_length(action_digest) = 32 AND octet_length(shown_digest) = 32 AND octet_length(action_salt) = 16),
  CONSTRAINT approvals_because_length CHECK (char_length(because) <= 2000),
  CONSTRAINT approvals_shown_size CHECK (octet_length(action_shown) BETWEEN 2 AND 4194304),
  CONSTRAINT approvals_shown_whole CHECK ((action_shown IS NULL) = (action_salt IS NULL)),
  CONSTRAINT approvals_needed_range CHECK (needed BETWEEN 1 AND 20 AND cardinality(approvers) BETWEEN 1 AND 100),
  CONSTRAINT approvals_validity CHECK (valid_until > requested_at AND isfinite(requested_at) AND isfinite(valid_until)),
  CONSTRAINT approvals_status_word CHECK (status IN ('pending', 'approved', 'rejected', 'expired', 'withdrawn')),
  CONSTRAINT approvals_decided_at_end CHECK ((status = 'pending') = (decided_at IS NULL)),
  CONSTRAINT approvals_used_once_approved CHECK ((used_at IS NULL) = (used_attempt IS NULL) AND (used_at IS NULL OR status = 'approved'))
);

CREATE INDEX approvals_listing ON runproof.approvals (tenant_id, requested_at DESC, approval_id DESC);
CREATE INDEX approvals_of_run ON runproof.approvals (tenant_id, run_id);
CREATE INDEX approvals_pending ON runproof.approvals (tenant_id, requested_at DESC, approval_id DESC) WHERE status = 'pending';

CREATE TABLE runproof.approval_decisions (
  tenant_id     text COLLATE "C" NOT NULL,
  approval_id   text COLLATE "C" NOT NULL,
  number        smallint NOT NULL,
  decision      text COLLATE "C" NOT NULL,
  by_key        text COLLATE "C" NOT NULL,
  by_name       text NOT NULL,
  at            timestamptz NOT NULL,
  reason        text,
  action_digest bytea NOT NULL,
  shown_digest  bytea NOT NULL,
  CONSTRAINT approval_decisions_pkey PRIMARY KEY (tenant_id, approval_id, number),
  CONSTRAINT approval_decisions_once UNIQUE (tenant_id, approval_id, by_name),
  CONSTRAINT approval_decisions_approval_fkey FOREIGN KEY (tenant_id, approval_id) REFERENCES runproof.approvals (tenant_id, approval_id),
  CONSTRAINT approval_decisions_number_range CHECK (number >= 1),
  CONSTRAINT approval_decisions_word CHECK (decision IN ('approved', 'rejected')),
  CONSTRAINT approval_decisions_lengths CHECK (char_length(by_key) BETWEEN 1 AND 128 AND char_length(by_name) BETWEEN 1 AND 200 AND char_length(reason) BETWEEN 1 AND 2000),
  CONSTRAINT approval_decisions_digest_sizes CHECK (octet_length(action_digest) = 32 AND octet_length(shown_digest) = 32)
);

-- What may change ---------------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION runproof.guard_approval_update() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  permitted record := OLD;
BEGIN
  IF OLD.status = 'pending' AND NEW.status <> 'pending' THEN
    permitted.status := NEW.status;
    permitted.decided_at := NEW.decided_at;
  ELSIF OLD.status = 'approved' AND NEW.used_attempt > coalesce(OLD.used_attempt, -1) THEN
    permitted.used_at := coalesce(OLD.used_at, NEW.used_at);
    permitted.used_attempt := NEW.used_attempt;
  ELSIF OLD.status <> 'pending' AND NEW.action_shown IS NULL THEN
    -- Erased with the parameters of its step.
    permitted.action_shown := NULL;
    permitted.action_salt := NULL;
  END IF;
  IF permitted *= NEW THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6000', MESSAGE = format(
    'S6_IMMUTABILITY_VIOLATION: approval %s can only be decided once, then be used; what was asked never changes', OLD.approval_id);
END $$;

CREATE FUNCTION runproof.guard_approval_insert() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.status = 'pending' AND NEW.action_shown IS NOT NULL AND NEW.used_at IS NULL THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6000', MESSAGE = format('S6_IMMUTABILITY_VIOLATION: approval %s must begin pending, with what is shown', NEW.approval_id);
END $$;

CREATE TRIGGER guard_insert BEFORE INSERT ON runproof.approvals FOR EACH ROW EXECUTE FUNCTION runproof.guard_approval_insert();
CREATE TRIGGER guard_update BEFORE UPDATE ON runproof.approvals FOR EACH ROW EXECUTE FUNCTION runproof.guard_approval_update();
CREATE TRIGGER guard_update BEFORE UPDATE ON runproof.approval_decisions FOR EACH ROW EXECUTE FUNCTION runproof.refuse();
ALTER TABLE runproof.approvals ENABLE ALWAYS TRIGGER guard_insert;

-- As 0013, with what waits for a person.
CREATE OR REPLACE FUNCTION runproof.guard_run_update() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  permitted record := OLD;
BEGIN
  IF OLD.status IN ('queued', 'running', 'paused', 'waiting') THEN
    permitted.asks_approval := OLD.asks_approval OR NEW.asks_approval;
    IF NEW.status = OLD.status OR OLD.status = 'queued' OR NEW.status NOT IN ('queued', 'running', 'paused', 'waiting')
      OR OLD.status IN ('paused', 'waiting') AND NEW.status IN ('queued', 'paused')
      OR OLD.status = 'running' AND NEW.worker IS NULL AND NEW.between_steps THEN
      permitted.status := NEW.status;
      permitted.attempts := greatest(OLD.attempts, NEW.attempts);
      permitted.worker := NEW.worker;
      permitted.lease_until := NEW.lease_until;
      permitted.started_at := coalesce(OLD.started_at, NEW.started_at);
      permitted.attempt_open := NEW.attempt_open;
      permitted.between_steps := NEW.between_steps;
      permitted.pause_requested_at := NEW.pause_requested_at;
      permitted.cancel_requested_at := coalesce(OLD.cancel_requested_at, NEW.cancel_requested_at);
      permitted.cancel_requested_by := coalesce(OLD.cancel_requested_by, NEW.cancel_requested_by);
      permitted.cancel_reason := CASE WHEN OLD.cancel_requested_at IS NULL THEN NEW.cancel_reason ELSE OLD.cancel_reason END;
      IF NEW.status NOT IN ('queued', 'running', 'paused', 'waiting') THEN
        permitted.completed_at := NEW.completed_at;
        permitted.duration_ms := NEW.duration_ms;
        permitted.error_code := NEW.error_code;
        permitted.error_message := NEW.error_message;
      END IF;
    ELSIF OLD.status = 'running' AND NEW.status = 'queued' AND OLD.attempts < OLD.max_attempts AND NEW.worker IS NULL AND NOT NEW.attempt_open THEN
      -- The attempt is over and another is left.
      permitted.status := NEW.status;
      permitted.worker := NULL;
      permitted.lease_until := NULL;
      permitted.attempt_open := false;
      permitted.between_steps := false;
      permitted.started_at := NULL;
    END IF;
  ELSIF OLD.status IN ('failed', 'aborted', 'cancelled') AND NEW.status = 'queued' AND NEW.attempts < NEW.max_attempts AND NEW.worker IS NULL THEN
    permitted.status := NEW.status;
    permitted.max_attempts := greatest(OLD.max_attempts, NEW.max_attempts);
    permitted.worker := NULL;
    permitted.lease_until := NULL;
    permitted.attempt_open := false;
    permitted.between_steps := false;
    permitted.started_at := NULL;
    permitted.completed_at := NULL;
    permitted.duration_ms := NULL;
    permitted.error_code := NULL;
    permitted.error_message := NULL;
    permitted.pause_requested_at := NULL;
    permitted.cancel_requested_at := NULL;
    permitted.cancel_requested_by := NULL;
    permitted.cancel_reason := NULL;
  ELSE
    -- What was erased from an ended run's trace is erased from the run too. (Conditions one within the other: the runner may not call the function in them.)
    IF NEW.goal = '[erased]' AND OLD.goal <> '[erased]' THEN
      IF runproof.run_erasure_recorded(OLD.tenant_id, OLD.id, 'goal') THEN
        permitted.goal := NEW.goal;
      END IF;
    END IF;
    IF NEW.plan_json = '[]' AND OLD.plan_json <> '[]' THEN
      IF runproof.run_erasure_recorded(OLD.tenant_id, OLD.id, 'plan') THEN
        permitted.plan_json := NEW.plan_json;
      END IF;
    END IF;
  END IF;
  IF permitted *= NEW THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6007', MESSAGE = format(
    'S6_IMMUTABILITY_VIOLATION: run %s (%s) can only move from queued to running to an end, be paused between steps, wait for a person, or begin another attempt; its identity, goal and plan never change',
    OLD.id, OLD.status);
END $$;

-- Asking ------------------------------------------------------------------------------------------------------------------------------------

-- An approval as it stands, with its decisions so far, the first one first.
CREATE TYPE runproof.approval_state AS (
  approval_id text, plan_index integer, status text, because text, action_salt bytea, action_digest bytea, shown_digest bytea, requested_at timestamptz, valid_until timestamptz,
  used_attempt integer, by_keys text[], by_names text[], decisions text[], ats timestamptz[], reasons text[], seen bytea[]);

CREATE FUNCTION runproof.approval_states(p_tenant text, p_trace text, p_plan_index integer) RETURNS SETOF runproof.approval_state
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.approval_id, a.plan_index, a.status, a.because, a.action_salt, a.action_digest, a.shown_digest, a.requested_at, a.valid_until, a.used_attempt,
      d.by_keys, d.by_names, d.decisions, d.ats, d.reasons, d.seen
    FROM runproof.approvals a
    CROSS JOIN LATERAL (
      SELECT array_agg(d.by_key ORDER BY d.number) AS by_keys, array_agg(d.by_name ORDER BY d.number) AS by_names, array_agg(d.decision ORDER BY d.number) AS decisions,
          array_agg(d.at ORDER BY d.number) AS ats, array_agg(d.reason ORDER BY d.number) AS reasons, array_agg(d.shown_digest ORDER BY d.number) AS seen
        FROM runproof.approval_decisions d WHERE d.tenant_id = a.tenant_id AND d.approval_id = a.approval_id) d
    WHERE a.tenant_id = p_tenant AND a.trace_id = p_trace AND (p_plan_index IS NULL OR a.plan_index = p_plan_index)
$$;

-- The approval of a step of the run that a worker has: made where it is not there, expired where its time is over. No row where the worker does not have the run.
CREATE FUNCTION runproof.ask_approval(
    p_tenant text, p_run text, p_worker text, p_trace text, p_plan_index integer, p_id text, p_step text, p_attempt integer, p_skill text, p_policy text, p_rule text, p_because text,
    p_shown text, p_salt bytea, p_digest bytea, p_shown_digest bytea, p_approvers text[], p_needed integer, p_now timestamptz, p_valid_until timestamptz)
  RETURNS SETOF runproof.approval_state
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM runproof.require_durable_commit();
  PERFORM FROM public.runs r
    WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status = 'running' AND runproof.trace_of(r.id, r.attempts) = p_trace FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  INSERT INTO runproof.approvals (tenant_id, approval_id, run_id, trace_id, plan_index, step_id, attempt, skill, policy, rule, because, action_shown, action_salt, action_digest,
      shown_digest, approvers, needed, requested_at, valid_until)
    VALUES (p_tenant, p_id, p_run, p_trace, p_plan_index, p_step, p_attempt, p_skill, p_policy, p_rule, p_because, p_shown, p_salt, p_digest, p_shown_digest, p_approvers, p_needed,
      p_now, p_valid_until)
    ON CONFLICT (tenant_id, trace_id, plan_index) DO NOTHING;
  IF FOUND THEN
    UPDATE public.runs r SET asks_approval = true WHERE r.id = p_run AND r.tenant_id = p_tenant AND NOT r.asks_approval;
  ELSE
    UPDATE runproof.approvals a SET status = 'expired', decided_at = p_now
      WHERE a.tenant_id = p_tenant AND a.trace_id = p_trace AND a.plan_index = p_plan_index AND a.status = 'pending' AND a.valid_until <= p_now;
  END IF;
  RETURN QUERY SELECT * FROM runproof.approval_states(p_tenant, p_trace, p_plan_index);
END $$;

-- All of the trace that a worker goes on with.
CREATE FUNCTION runproof.approvals_of(p_tenant text, p_run text, p_worker text, p_trace text) RETURNS SETOF runproof.approval_state
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.* FROM public.runs r
    CROSS JOIN LATERAL runproof.approval_states(p_tenant, p_trace, NULL) s
    WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status IN ('queued', 'running') AND runproof.trace_of(r.id, r.attempts) = p_trace
$$;

-- An attempt of an approved step is about to begin: noted before it does, so that whoever goes on after a crash knows whether it had. used, expired,
-- the status of an approval that is not approved, or not_ours.
CREATE FUNCTION runproof.use_approval(p_tenant text, p_run text, p_worker text, p_id text, p_attempt integer, p_now timestamptz) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_approval runproof.approvals;
BEGIN
  PERFORM runproof.require_durable_commit();
  PERFORM FROM public.runs r WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'not_ours';
  END IF;
  SELECT * INTO found_approval FROM runproof.approvals a WHERE a.tenant_id = p_tenant AND a.approval_id = p_id AND a.run_id = p_run FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'not_ours';
  ELSIF found_approval.status <> 'approved' THEN
    RETURN found_approval.status;
  ELSIF found_approval.valid_until <= p_now THEN
    RETURN 'expired';
  END IF;
  UPDATE runproof.approvals a SET used_at = coalesce(a.used_at, p_now), used_attempt = p_attempt
    WHERE a.tenant_id = p_tenant AND a.approval_id = p_id AND coalesce(a.used_attempt, -1) < p_attempt;
  RETURN 'used';
END $$;

-- A pending approval that is needed no longer.
CREATE FUNCTION runproof.withdraw_approval(p_tenant text, p_run text, p_worker text, p_id text, p_now timestamptz) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM runproof.require_durable_commit();
  PERFORM FROM public.runs r WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE runproof.approvals a SET status = 'withdrawn', decided_at = p_now
    WHERE a.tenant_id = p_tenant AND a.approval_id = p_id AND a.run_id = p_run AND a.status = 'pending';
  RETURN true;
END $$;

-- What nobody decided before its attempt was over is asked no longer.
CREATE FUNCTION runproof.withdraw_approvals() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE runproof.approvals a SET status = 'withdrawn', decided_at = coalesce(NEW.completed_at, clock_timestamp())
    WHERE a.tenant_id = NEW.tenant_id AND a.run_id = NEW.id AND a.status = 'pending';
  RETURN NULL;
END $$;

CREATE TRIGGER withdraw_approvals AFTER UPDATE ON public.runs FOR EACH ROW
  WHEN (OLD.asks_approval AND OLD.attempt_open AND NOT NEW.attempt_open) EXECUTE FUNCTION runproof.withdraw_approvals();
ALTER TABLE public.runs ENABLE ALWAYS TRIGGER withdraw_approvals;

-- A step's parameters that are erased are erased from what was shown of them, with the salt that would let them be guessed from the digest.
CREATE FUNCTION runproof.erase_approval() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE runproof.approvals a SET action_shown = NULL, action_salt = NULL
    WHERE a.tenant_id = NEW.tenant_id AND a.trace_id = NEW.trace_id AND a.status <> 'pending' AND a.action_shown IS NOT NULL
      AND (NEW.step_index IS NULL AND NEW.payload IN ('goal', 'plan')
        OR NEW.payload = 'params' AND a.plan_index = (
          SELECT (s.context::json ->> 'plan_index')::integer FROM (
            SELECT c.context FROM public.aos_trace_steps c WHERE c.trace_id = NEW.trace_id AND c.tenant_id = NEW.tenant_id AND c.step_index = NEW.step_index
            UNION ALL
            SELECT c.context FROM public.aos_trace_steps_archive c WHERE c.trace_id = NEW.trace_id AND c.tenant_id = NEW.tenant_id AND c.step_index = NEW.step_index) s
          LIMIT 1));
  RETURN NULL;
END $$;

CREATE TRIGGER erase_approval AFTER INSERT ON runproof.payload_erasures FOR EACH ROW EXECUTE FUNCTION runproof.erase_approval();
ALTER TABLE runproof.payload_erasures ENABLE ALWAYS TRIGGER erase_approval;

-- Waiting -----------------------------------------------------------------------------------------------------------------------------------

-- A worker lets go of a run that waits for people, between its steps; until the first of the approvals runs out. Where one of them is decided by now, or
-- somebody wants something of the run, it does not wait. False where the worker no longer has it.
CREATE FUNCTION runproof.wait_run(p_tenant text, p_run text, p_worker text, p_approvals text[], p_now timestamptz, p_until timestamptz) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_run public.runs;
  moves_to text;
BEGIN
  PERFORM runproof.require_durable_commit();
  SELECT * INTO found_run FROM public.runs r WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status = 'running' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  moves_to := CASE
    WHEN found_run.cancel_requested_at IS NOT NULL THEN 'queued'
    WHEN found_run.pause_requested_at IS NOT NULL THEN 'paused'
    WHEN EXISTS (
      SELECT FROM unnest(p_approvals) w LEFT JOIN runproof.approvals a ON a.tenant_id = p_tenant AND a.approval_id = w AND a.run_id = p_run
        WHERE a.status IS DISTINCT FROM 'pending') THEN 'queued'
    ELSE 'waiting'
  END;
  UPDATE public.runs r SET status = moves_to, worker = NULL, lease_until = NULL, between_steps = true,
      pause_requested_at = CASE WHEN moves_to = 'paused' THEN NULL ELSE r.pause_requested_at END
    WHERE r.id = p_run AND r.tenant_id = p_tenant;
  IF moves_to <> 'paused' THEN
    INSERT INTO runproof.run_queue (tenant_id, run_id, priority, available_at)
      VALUES (p_tenant, p_run, found_run.priority, CASE WHEN moves_to = 'waiting' THEN p_until ELSE p_now END) ON CONFLICT DO NOTHING;
  END IF;
  RETURN true;
END $$;

-- A run that waits goes on, in whichever process has a place. False where it does not wait.
CREATE FUNCTION runproof.wake_run(p_tenant text, p_run text, p_now timestamptz) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_priority smallint;
BEGIN
  UPDATE public.runs r SET status = 'queued' WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.status = 'waiting' RETURNING r.priority INTO found_priority;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO runproof.run_queue AS q (tenant_id, run_id, priority, available_at) VALUES (p_tenant, p_run, found_priority, p_now)
    -- Where a kill switch holds what waits, it is held still.
    ON CONFLICT (tenant_id, run_id) DO UPDATE SET available_at = least(q.available_at, EXCLUDED.available_at);
  RETURN true;
END $$;

-- Deciding ----------------------------------------------------------------------------------------------------------------------------------

-- A person decides, by the name of the key. Answers done (also where this person had decided so before), counted (more approvals are needed), not_found, not_approver
-- (the key is none, or the rule names others), own_run, action_changed (the digests are not those of what is shown), decided, expired, withdrawn.
-- p_own: whoever asked for the run may decide, and a key of any scope.
CREATE FUNCTION runproof.decide_approval(
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
  ELSIF NOT p_own AND EXISTS (
      SELECT FROM runproof.api_keys k WHERE k.id = found_run.created_by AND k.tenant_id = p_tenant AND (k.id = p_key OR k.name = found_key.name)) THEN
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

-- The queue (0013), with what waits for a person ------------------------------------------------------------------------------------------


CREATE OR REPLACE FUNCTION runproof.claim_runs(p_worker text, p_now timestamptz, p_lease_until timestamptz, p_limit integer, p_after text) RETURNS SETOF public.runs
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  claimed public.runs[] := '{}';
  taken_runs public.runs[];
  tenants text[];
  tenant text;
  places integer := p_limit;
  share integer;
  room integer;
  at_most integer;
BEGIN
  PERFORM runproof.require_durable_commit();
  WITH abandoned AS MATERIALIZED (
    SELECT r.id, r.tenant_id FROM public.runs r
      WHERE r.status IN ('queued', 'running') AND r.lease_until < p_now AND r.worker <> p_worker
      ORDER BY r.lease_until LIMIT places FOR UPDATE SKIP LOCKED),
  taken AS (
    UPDATE public.runs r SET worker = p_worker, lease_until = p_lease_until
      FROM abandoned a WHERE r.id = a.id AND r.tenant_id = a.tenant_id RETURNING r.*)
  SELECT coalesce(array_agg(t::public.runs), '{}') INTO claimed FROM taken t;
  places := places - cardinality(claimed);

  -- Tenants are found by jumping from one to the next in run_queue_order, not by reading the queue.
  IF places > 0 THEN
    WITH RECURSIVE waiting AS (
      (SELECT q.tenant_id FROM runproof.run_queue q ORDER BY q.tenant_id LIMIT 1)
      UNION ALL
      SELECT n.tenant_id FROM waiting w
        CROSS JOIN LATERAL (SELECT q.tenant_id FROM runproof.run_queue q WHERE q.tenant_id > w.tenant_id ORDER BY q.tenant_id LIMIT 1) n)
    SELECT array_agg(w.tenant_id ORDER BY (w.tenant_id <= p_after), w.tenant_id) INTO tenants FROM waiting w;
  END IF;

  WHILE places > 0 AND cardinality(tenants) > 0 LOOP
    share := greatest(1, places / cardinality(tenants));
    FOREACH tenant IN ARRAY tenants LOOP
      EXIT WHEN places = 0;
      -- Claims of one limited tenant go one after another: who counts must see what the one before took.
      room := places;
      SELECT l.concurrent_runs INTO at_most FROM runproof.tenant_limits l WHERE l.tenant_id = tenant;
      IF FOUND THEN
        PERFORM 1 FROM runproof.tenant_limits l WHERE l.tenant_id = tenant FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
          room := at_most - (SELECT count(*) FROM public.runs r WHERE r.tenant_id = tenant AND r.status IN ('queued', 'running') AND r.worker IS NOT NULL);
        ELSE
          room := 0;
        END IF;
      END IF;

      taken_runs := '{}';
      IF room > 0 THEN
        WITH first AS MATERIALIZED (
          SELECT q.run_id FROM runproof.run_queue q
            WHERE q.tenant_id = tenant AND q.available_at <= p_now
            ORDER BY q.priority DESC, q.available_at, q.run_id LIMIT least(share, places, room) FOR UPDATE SKIP LOCKED),
        gone AS (
          DELETE FROM runproof.run_queue q USING first f WHERE q.tenant_id = tenant AND q.run_id = f.run_id RETURNING q.run_id),
        taken AS (
          UPDATE public.runs r SET worker = p_worker, lease_until = p_lease_until, status = CASE WHEN r.status = 'waiting' THEN 'queued' ELSE r.status END
            FROM gone g WHERE r.id = g.run_id AND r.tenant_id = tenant AND r.status IN ('queued', 'running', 'waiting') AND r.worker IS NULL RETURNING r.*)
        SELECT coalesce(array_agg(t::public.runs ORDER BY t.priority DESC, greatest(t.created_at, t.not_before), t.id), '{}') INTO taken_runs FROM taken t;
      END IF;

      IF cardinality(taken_runs) = 0 THEN
        tenants := array_remove(tenants, tenant);
      END IF;
      claimed := claimed || taken_runs;
      places := places - cardinality(taken_runs);
    END LOOP;
  END LOOP;

  UPDATE runproof.trace_heads h SET writer_epoch = h.writer_epoch + 1
    FROM unnest(claimed) c
    WHERE c.attempt_open AND h.trace_id = runproof.trace_of(c.id, c.attempts) AND h.tenant_id = c.tenant_id;
  RETURN QUERY SELECT * FROM unnest(claimed);
END $$;

CREATE OR REPLACE FUNCTION runproof.cancel_run(p_tenant text, p_run text, p_by text, p_reason text, p_now timestamptz) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_run public.runs;
BEGIN
  PERFORM runproof.require_durable_commit();
  SELECT * INTO found_run FROM public.runs r WHERE r.id = p_run AND r.tenant_id = p_tenant FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'not_found';
  ELSIF found_run.status = 'cancelled' THEN
    RETURN 'done';
  ELSIF found_run.status NOT IN ('queued', 'running', 'paused', 'waiting') THEN
    RETURN 'ended';
  ELSIF found_run.cancel_requested_at IS NOT NULL THEN
    RETURN 'asked';
  END IF;
  IF found_run.worker IS NULL AND NOT found_run.attempt_open THEN
    UPDATE public.runs r SET status = 'cancelled', completed_at = p_now, error_code = 'cancelled', pause_requested_at = NULL,
        error_message = 'cancelled by ' || p_by || coalesce(': ' || p_reason, ''), cancel_requested_at = p_now, cancel_requested_by = p_by, cancel_reason = p_reason
      WHERE r.id = p_run AND r.tenant_id = p_tenant;
    DELETE FROM runproof.run_queue q WHERE q.tenant_id = p_tenant AND q.run_id = p_run;
    RETURN 'done';
  END IF;
  UPDATE public.runs r SET cancel_requested_at = p_now, cancel_requested_by = p_by, cancel_reason = p_reason, pause_requested_at = NULL,
      status = CASE WHEN r.status IN ('paused', 'waiting') THEN 'queued' ELSE r.status END
    WHERE r.id = p_run AND r.tenant_id = p_tenant;
  -- Its trace is open and nobody has it: whoever claims it next ends it, at once.
  IF found_run.worker IS NULL THEN
    INSERT INTO runproof.run_queue AS q (tenant_id, run_id, priority, available_at) VALUES (p_tenant, p_run, found_run.priority, p_now)
      ON CONFLICT (tenant_id, run_id) DO UPDATE SET available_at = least(q.available_at, p_now);
  END IF;
  RETURN 'asked';
END $$;

CREATE OR REPLACE FUNCTION runproof.pause_run(p_tenant text, p_run text, p_now timestamptz) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_run public.runs;
BEGIN
  PERFORM runproof.require_durable_commit();
  SELECT * INTO found_run FROM public.runs r WHERE r.id = p_run AND r.tenant_id = p_tenant FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'not_found';
  ELSIF found_run.status = 'paused' THEN
    RETURN 'done';
  ELSIF found_run.status NOT IN ('queued', 'running', 'waiting') THEN
    RETURN 'ended';
  ELSIF found_run.cancel_requested_at IS NOT NULL THEN
    RETURN 'cancelling';
  ELSIF found_run.plan_redacted THEN
    RETURN 'not_kept';
  END IF;
  -- A run that nobody has and whose step may be under way in a process that died is first gone on with, then paused.
  IF found_run.worker IS NULL AND (found_run.between_steps OR NOT found_run.attempt_open) THEN
    UPDATE public.runs r SET status = 'paused', pause_requested_at = NULL WHERE r.id = p_run AND r.tenant_id = p_tenant;
    DELETE FROM runproof.run_queue q WHERE q.tenant_id = p_tenant AND q.run_id = p_run;
    RETURN 'done';
  END IF;
  UPDATE public.runs r SET pause_requested_at = coalesce(r.pause_requested_at, p_now) WHERE r.id = p_run AND r.tenant_id = p_tenant;
  RETURN 'asked';
END $$;

CREATE OR REPLACE FUNCTION runproof.resume_run(p_tenant text, p_run text, p_now timestamptz) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_run public.runs;
BEGIN
  PERFORM runproof.require_durable_commit();
  SELECT * INTO found_run FROM public.runs r WHERE r.id = p_run AND r.tenant_id = p_tenant FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'not_found';
  ELSIF found_run.status NOT IN ('queued', 'running', 'paused', 'waiting') THEN
    RETURN 'ended';
  ELSIF found_run.cancel_requested_at IS NOT NULL THEN
    RETURN 'cancelling';
  END IF;
  IF found_run.status = 'paused' THEN
    UPDATE public.runs r SET status = 'queued' WHERE r.id = p_run AND r.tenant_id = p_tenant;
    INSERT INTO runproof.run_queue (tenant_id, run_id, priority, available_at)
      VALUES (p_tenant, p_run, found_run.priority, greatest(p_now, coalesce(found_run.not_before, p_now))) ON CONFLICT DO NOTHING;
  ELSIF found_run.pause_requested_at IS NOT NULL THEN
    UPDATE public.runs r SET pause_requested_at = NULL WHERE r.id = p_run AND r.tenant_id = p_tenant;
  END IF;
  RETURN 'done';
END $$;

CREATE OR REPLACE FUNCTION runproof.retry_run(p_tenant text, p_run text, p_now timestamptz) RETURNS text
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
  INSERT INTO runproof.run_queue (tenant_id, run_id, priority, available_at) VALUES (p_tenant, p_run, found_run.priority, p_now) ON CONFLICT DO NOTHING;
  RETURN 'done';
END $$;

CREATE OR REPLACE FUNCTION runproof.ended_of(p_tenants text[], p_runs text[]) RETURNS TABLE (tenant_id text, run_id text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.tenant_id, r.id FROM unnest(p_tenants, p_runs) AS w (tenant_id, run_id)
    JOIN public.runs r ON r.id = w.run_id AND r.tenant_id = w.tenant_id
    WHERE r.status NOT IN ('queued', 'running', 'paused', 'waiting')
$$;

-- Who may -----------------------------------------------------------------------------------------------------------------------------------

REVOKE ALL ON runproof.approvals, runproof.approval_decisions FROM PUBLIC;
REVOKE ALL ON FUNCTION runproof.approval_states, runproof.ask_approval, runproof.approvals_of, runproof.use_approval, runproof.withdraw_approval, runproof.withdraw_approvals,
  runproof.erase_approval, runproof.wait_run, runproof.wake_run, runproof.decide_approval FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.ask_approval, runproof.approvals_of, runproof.use_approval, runproof.withdraw_approval, runproof.wait_run, runproof.wake_run,
  runproof.decide_approval TO runproof_runner;
-- Not action_salt: with it a short secret could be found from action_digest.
GRANT SELECT (tenant_id, approval_id, run_id, trace_id, plan_index, step_id, attempt, skill, policy, rule, because, action_shown, action_digest, shown_digest, approvers, needed,
  requested_at, valid_until, status, decided_at, used_at, used_attempt) ON runproof.approvals TO runproof_runner, runproof_verifier, runproof_auditor;
GRANT SELECT ON runproof.approval_decisions TO runproof_runner, runproof_verifier, runproof_auditor;

DO $$
DECLARE
  guarded regclass;
BEGIN
  FOREACH guarded IN ARRAY ARRAY['runproof.approvals', 'runproof.approval_decisions']::regclass[] LOOP
    EXECUTE format('CREATE TRIGGER guard_delete BEFORE DELETE ON %s FOR EACH ROW EXECUTE FUNCTION runproof.refuse()', guarded);
    EXECUTE format('CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION runproof.refuse()', guarded);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER guard_update', guarded);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER guard_delete', guarded);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER guard_truncate', guarded);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
    EXECUTE format('CREATE POLICY tenant_isolation ON %s TO runproof_runner, runproof_verifier, runproof_auditor '
      'USING (tenant_id = current_setting(''runproof.tenant_id'', true))', guarded);
  END LOOP;
END $$;
