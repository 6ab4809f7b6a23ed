-- The queue of runs, and what may be asked of a run under way.
--
-- A run that waits for a process is a row of run_queue; a run that a process has is under that process's lease (runs.worker, runs.lease_until), renewed while it
-- lives. Claiming takes a run from either: from the queue, or from a process whose lease has run out. A run is created under its maker's lease where that one has a
-- free place, so that it starts without a claim. What fences a process off is its traces' heads: to claim a run that another had begun moves the writer's epoch
-- of its open trace in the same transaction, and from then on nothing of that process is appended any more (record_steps, 0003).
--
-- runs.status    queued: waits, or is about to start · running · paused: until somebody resumes it · succeeded, failed, aborted, cancelled: ended
-- attempt_open   an attempt has begun and its trace may be open: whoever claims the run goes on with it. An attempt has a trace of its own
-- between_steps  whoever had the run let go of it between two steps: what its trace announces has not begun

ALTER TABLE public.runs
  ADD COLUMN priority            smallint NOT NULL DEFAULT 0,
  ADD COLUMN not_before          timestamptz,
  ADD COLUMN max_attempts        integer NOT NULL DEFAULT 1,
  ADD COLUMN attempt_open        boolean NOT NULL DEFAULT false,
  ADD COLUMN between_steps       boolean NOT NULL DEFAULT false,
  ADD COLUMN pause_requested_at  timestamptz,
  ADD COLUMN cancel_requested_at timestamptz,
  ADD COLUMN cancel_requested_by text COLLATE "C",
  ADD COLUMN cancel_reason       text,
  DROP CONSTRAINT runs_status_word,
  DROP CONSTRAINT runs_times_follow_status,
  ADD CONSTRAINT runs_status_word CHECK (status IN ('queued', 'running', 'paused', 'succeeded', 'failed', 'aborted', 'cancelled')),
  ADD CONSTRAINT runs_times_follow_status CHECK (
    CASE
      WHEN status IN ('queued', 'paused') THEN completed_at IS NULL
      WHEN status = 'running' THEN started_at IS NOT NULL AND completed_at IS NULL
      ELSE completed_at IS NOT NULL
    END),
  ADD CONSTRAINT runs_max_attempts_range CHECK (max_attempts BETWEEN 1 AND 100 AND attempts <= max_attempts),
  ADD CONSTRAINT runs_attempt_open_under_way CHECK (NOT attempt_open OR attempts >= 1 AND completed_at IS NULL),
  ADD CONSTRAINT runs_between_steps_of_an_attempt CHECK (NOT between_steps OR attempt_open),
  ADD CONSTRAINT runs_cancel_whole CHECK ((cancel_requested_at IS NULL) = (cancel_requested_by IS NULL) AND (cancel_reason IS NULL OR cancel_requested_by IS NOT NULL)),
  ADD CONSTRAINT runs_cancel_lengths CHECK (char_length(cancel_requested_by) BETWEEN 1 AND 200 AND char_length(cancel_reason) BETWEEN 1 AND 2000);

-- What waits. Short-lived rows: vacuumed by number, not by share. No foreign key to runs: both are written by one statement, and no run is ever deleted.
CREATE TABLE runproof.run_queue (
  tenant_id    text COLLATE "C" NOT NULL,
  run_id       text COLLATE "C" NOT NULL,
  priority     smallint NOT NULL,
  available_at timestamptz NOT NULL,
  CONSTRAINT run_queue_pkey PRIMARY KEY (tenant_id, run_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE INDEX run_queue_order ON runproof.run_queue (tenant_id, priority DESC, available_at, run_id);

-- How many runs of a tenant may be under way at once. Without a row: as many as there are places.
CREATE TABLE runproof.tenant_limits (
  tenant_id       text COLLATE "C" CONSTRAINT tenant_limits_pkey PRIMARY KEY CONSTRAINT tenant_limits_tenant_fkey REFERENCES runproof.tenants (tenant_id),
  concurrent_runs integer NOT NULL,
  CONSTRAINT tenant_limits_concurrent_runs_range CHECK (concurrent_runs >= 1)
);

CREATE INDEX runs_claimed ON public.runs (tenant_id) WHERE status IN ('queued', 'running') AND worker IS NOT NULL;

-- How a run moves -------------------------------------------------------------------------------------------------------------------------

-- Who a run is, what it is for and its plan never change. Under way it may be claimed, let go of, paused and asked to pause or to end; it leaves "running" only for
-- its end, between two steps, or for its next attempt. An ended run stays as it ended, unless it did not succeed and gets another attempt: then it begins anew.
CREATE OR REPLACE FUNCTION runproof.guard_run_update() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  permitted record := OLD;
BEGIN
  IF OLD.status IN ('queued', 'running', 'paused') THEN
    IF NEW.status = OLD.status OR OLD.status = 'queued' OR NEW.status NOT IN ('queued', 'running', 'paused') OR OLD.status = 'paused' AND NEW.status = 'queued'
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
      IF NEW.status NOT IN ('queued', 'running', 'paused') THEN
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
    'S6_IMMUTABILITY_VIOLATION: run %s (%s) can only move from queued to running to an end, be paused between steps, or begin another attempt; its identity, goal and plan never change',
    OLD.id, OLD.status);
END $$;

CREATE OR REPLACE FUNCTION runproof.guard_run_insert() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.status = 'queued' AND NEW.attempts = 0 AND NEW.duration_ms IS NULL AND NEW.error_code IS NULL AND NEW.error_message IS NULL
    AND NEW.pause_requested_at IS NULL AND NEW.cancel_requested_at IS NULL THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6007', MESSAGE = format('S6_IMMUTABILITY_VIOLATION: run %s must begin queued, without attempts or outcome', NEW.id);
END $$;

-- What is under way while this file is applied goes on under the new rules.
UPDATE public.runs SET attempt_open = true WHERE status = 'running' AND attempts >= 1;
INSERT INTO runproof.run_queue (tenant_id, run_id, priority, available_at)
  SELECT r.tenant_id, r.id, r.priority, r.created_at FROM public.runs r WHERE r.status IN ('queued', 'running') AND r.worker IS NULL;

-- The trace of a run's attempt.
CREATE FUNCTION runproof.trace_of(p_run text, p_attempt integer) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'trace_' || p_run || CASE WHEN p_attempt > 1 THEN '.' || p_attempt ELSE '' END
$$;

-- Claiming --------------------------------------------------------------------------------------------------------------------------------

-- Claims runs, of any tenant, for a worker: first those whose worker's lease has run out, the longest abandoned first; then what waits, tenants in turn (from the one
-- after p_after on, round and round), within a tenant by priority, then by how long it waits. None that another worker is claiming at this moment; none of a tenant
-- beyond its limit. Whoever had begun a claimed run can append nothing to its trace any more.
CREATE FUNCTION runproof.claim_runs(p_worker text, p_now timestamptz, p_lease_until timestamptz, p_limit integer, p_after text) RETURNS SETOF public.runs
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
          UPDATE public.runs r SET worker = p_worker, lease_until = p_lease_until
            FROM gone g WHERE r.id = g.run_id AND r.tenant_id = tenant AND r.status IN ('queued', 'running') AND r.worker IS NULL RETURNING r.*)
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

-- Moves the end of a worker's leases, and tells which of its runs somebody wants paused or cancelled.
CREATE FUNCTION runproof.renew_claims(p_worker text, p_lease_until timestamptz)
  RETURNS TABLE (tenant_id text, run_id text, pause boolean, cancel_by text, cancel_reason text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH renewed AS (
    UPDATE public.runs r SET lease_until = p_lease_until WHERE r.status IN ('queued', 'running') AND r.worker = p_worker
      RETURNING r.tenant_id, r.id, r.pause_requested_at, r.cancel_requested_by, r.cancel_reason)
  SELECT r.tenant_id, r.id, r.pause_requested_at IS NOT NULL, r.cancel_requested_by, r.cancel_reason FROM renewed r
    WHERE r.pause_requested_at IS NOT NULL OR r.cancel_requested_by IS NOT NULL
$$;

-- The same without renewing: asked when somebody said that something was wanted.
CREATE FUNCTION runproof.wanted_of(p_worker text)
  RETURNS TABLE (tenant_id text, run_id text, pause boolean, cancel_by text, cancel_reason text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.tenant_id, r.id, r.pause_requested_at IS NOT NULL, r.cancel_requested_by, r.cancel_reason FROM public.runs r
    WHERE r.status IN ('queued', 'running') AND r.worker = p_worker AND (r.pause_requested_at IS NOT NULL OR r.cancel_requested_by IS NOT NULL)
$$;

-- A worker lets go of a run. p_between_steps: what its trace announces has not begun. p_pause: because somebody wants it paused; where nobody does any more, or it is
-- to be cancelled, it waits for the next worker instead. False where the worker no longer has it.
CREATE FUNCTION runproof.release_run(p_tenant text, p_run text, p_worker text, p_between_steps boolean, p_pause boolean, p_available_at timestamptz) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_run public.runs;
  to_pause boolean;
BEGIN
  PERFORM runproof.require_durable_commit();
  SELECT * INTO found_run FROM public.runs r WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status IN ('queued', 'running') FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  to_pause := p_pause AND found_run.pause_requested_at IS NOT NULL AND found_run.cancel_requested_at IS NULL;
  UPDATE public.runs r
    SET worker = NULL, lease_until = NULL,
      between_steps = CASE WHEN r.attempt_open THEN p_between_steps OR r.between_steps ELSE false END,
      status = CASE WHEN to_pause THEN 'paused' WHEN r.status = 'running' AND p_between_steps THEN 'queued' ELSE r.status END,
      pause_requested_at = CASE WHEN to_pause THEN NULL ELSE r.pause_requested_at END
    WHERE r.id = p_run AND r.tenant_id = p_tenant;
  IF NOT to_pause THEN
    INSERT INTO runproof.run_queue (tenant_id, run_id, priority, available_at) VALUES (p_tenant, p_run, found_run.priority, p_available_at) ON CONFLICT DO NOTHING;
  END IF;
  RETURN true;
END $$;

-- An attempt is over without success, its trace sealed, and the run has another one. False where it has not, or the worker no longer has the run.
CREATE FUNCTION runproof.next_attempt(p_tenant text, p_run text, p_worker text, p_available_at timestamptz) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_priority smallint;
BEGIN
  PERFORM runproof.require_durable_commit();
  UPDATE public.runs r SET status = 'queued', worker = NULL, lease_until = NULL, attempt_open = false, between_steps = false, started_at = NULL
    WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status = 'running' AND r.attempts < r.max_attempts
      AND r.cancel_requested_at IS NULL AND NOT r.plan_redacted
    RETURNING r.priority INTO found_priority;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO runproof.run_queue (tenant_id, run_id, priority, available_at) VALUES (p_tenant, p_run, found_priority, p_available_at) ON CONFLICT DO NOTHING;
  RETURN true;
END $$;

-- Asking ----------------------------------------------------------------------------------------------------------------------------------

-- Each answers with a word: done (it is so now, or was already), asked (whoever has the run will obey), ended (the run has ended), not_found,
-- not_kept (its plan is only in the memory of the process that has it), or cancelling.

CREATE FUNCTION runproof.cancel_run(p_tenant text, p_run text, p_by text, p_reason text, p_now timestamptz) RETURNS text
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
  ELSIF found_run.status NOT IN ('queued', 'running', 'paused') THEN
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
      status = CASE WHEN r.status = 'paused' THEN 'queued' ELSE r.status END
    WHERE r.id = p_run AND r.tenant_id = p_tenant;
  -- Its trace is open and nobody has it: whoever claims it next ends it, at once.
  IF found_run.worker IS NULL THEN
    INSERT INTO runproof.run_queue AS q (tenant_id, run_id, priority, available_at) VALUES (p_tenant, p_run, found_run.priority, p_now)
      ON CONFLICT (tenant_id, run_id) DO UPDATE SET available_at = least(q.available_at, p_now);
  END IF;
  RETURN 'asked';
END $$;

CREATE FUNCTION runproof.pause_run(p_tenant text, p_run text, p_now timestamptz) RETURNS text
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
  ELSIF found_run.status NOT IN ('queued', 'running') THEN
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

CREATE FUNCTION runproof.resume_run(p_tenant text, p_run text, p_now timestamptz) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_run public.runs;
BEGIN
  PERFORM runproof.require_durable_commit();
  SELECT * INTO found_run FROM public.runs r WHERE r.id = p_run AND r.tenant_id = p_tenant FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'not_found';
  ELSIF found_run.status NOT IN ('queued', 'running', 'paused') THEN
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

-- Another attempt of a run that ended without success: done, asked for already (asked), succeeded, not_kept, too_many, not_found.
CREATE FUNCTION runproof.retry_run(p_tenant text, p_run text, p_now timestamptz) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_run public.runs;
BEGIN
  PERFORM runproof.require_durable_commit();
  SELECT * INTO found_run FROM public.runs r WHERE r.id = p_run AND r.tenant_id = p_tenant FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'not_found';
  ELSIF found_run.status IN ('queued', 'running', 'paused') THEN
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

-- Watching --------------------------------------------------------------------------------------------------------------------------------

-- Of many runs those that have ended: one question for all who wait in a process.
CREATE FUNCTION runproof.ended_of(p_tenants text[], p_runs text[]) RETURNS TABLE (tenant_id text, run_id text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.tenant_id, r.id FROM unnest(p_tenants, p_runs) AS w (tenant_id, run_id)
    JOIN public.runs r ON r.id = w.run_id AND r.tenant_id = w.tenant_id
    WHERE r.status NOT IN ('queued', 'running', 'paused')
$$;

-- How far the trace of a run's attempt got (0006), whichever attempt it is.
CREATE OR REPLACE FUNCTION runproof.trace_progress(p_tenant text, p_run text, p_worker text)
  RETURNS TABLE (trace_status text, step_index integer, step_status text, outcome_data text, context text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.status, s.step_index, s.status, s.outcome_data, s.context
    FROM public.runs r
    JOIN public.aos_traces t ON t.trace_id = runproof.trace_of(r.id, r.attempts) AND t.tenant_id = r.tenant_id AND t.run_id = r.id
    LEFT JOIN public.aos_trace_steps s ON s.trace_id = t.trace_id AND s.tenant_id = t.tenant_id
    WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status IN ('queued', 'running')
    ORDER BY s.step_index
$$;

-- Who may -----------------------------------------------------------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION runproof.trace_of, runproof.claim_runs, runproof.renew_claims, runproof.wanted_of, runproof.release_run, runproof.next_attempt, runproof.cancel_run,
  runproof.pause_run, runproof.resume_run, runproof.retry_run, runproof.ended_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.claim_runs, runproof.renew_claims, runproof.wanted_of, runproof.release_run, runproof.next_attempt, runproof.cancel_run,
  runproof.pause_run, runproof.resume_run, runproof.retry_run, runproof.ended_of TO runproof_runner;

GRANT INSERT ON runproof.run_queue TO runproof_runner;
GRANT SELECT ON runproof.tenant_limits TO runproof_runner;
GRANT UPDATE (attempt_open, between_steps) ON public.runs TO runproof_runner;

ALTER TABLE runproof.run_queue ENABLE ROW LEVEL SECURITY;
ALTER TABLE runproof.tenant_limits ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON runproof.run_queue TO runproof_runner, runproof_verifier, runproof_auditor
  USING (tenant_id = current_setting('runproof.tenant_id', true)) WITH CHECK (tenant_id = current_setting('runproof.tenant_id', true));
CREATE POLICY tenant_isolation ON runproof.tenant_limits TO runproof_runner, runproof_verifier, runproof_auditor
  USING (tenant_id = current_setting('runproof.tenant_id', true)) WITH CHECK (tenant_id = current_setting('runproof.tenant_id', true));

-- What these did, the functions above do.
DROP FUNCTION runproof.renew_runs, runproof.claim_abandoned_runs;
