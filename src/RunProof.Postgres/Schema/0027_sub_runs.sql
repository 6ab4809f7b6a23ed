-- Sub-runs (src/PLANS.md): runs that a step of another run asks for and waits for, in no process. The child's end puts its parent in line again, in the child's own
-- ending transaction; the parent's end, and whoever wants the parent cancelled, ends its children.
--
-- runs.parent_run_id, parent_trace_id        the run that waits, and the attempt of it
-- runs.parent_plan_index, parent_plan_step   the step that asked
-- runs.parent_attempt                        attempts of that step before this one: each has a child of its own
-- runs.parent_deadline                       when that step waits no longer
-- runs.depth                                 runs above it: 0 for one that no run asked for
--
-- None of these ever changes: guard_run_update (0013) permits what it names, and nothing else. Who was whose child is in the evidence: the child's header names its
-- parent, the parent's step the child's root hash.

ALTER TABLE public.runs
  ADD COLUMN parent_run_id     text COLLATE "C",
  ADD COLUMN parent_trace_id   text COLLATE "C",
  ADD COLUMN parent_plan_index integer,
  ADD COLUMN parent_plan_step  text COLLATE "C",
  ADD COLUMN parent_attempt    integer,
  ADD COLUMN parent_deadline   timestamptz,
  ADD COLUMN depth             smallint NOT NULL DEFAULT 0,
  ADD CONSTRAINT runs_parent_whole CHECK (num_nulls(parent_run_id, parent_trace_id, parent_plan_index, parent_plan_step, parent_attempt, parent_deadline) IN (0, 6)),
  ADD CONSTRAINT runs_parent_range CHECK (parent_plan_index >= 0 AND parent_attempt >= 0 AND isfinite(parent_deadline)),
  ADD CONSTRAINT runs_depth_range CHECK (depth BETWEEN 0 AND 8 AND (depth > 0) = (parent_run_id IS NOT NULL));

CREATE INDEX runs_of_parent ON public.runs (tenant_id, parent_run_id, created_at, id) WHERE parent_run_id IS NOT NULL;

-- Beginning ---------------------------------------------------------------------------------------------------------------------------------

-- A child is made by the worker that has its parent (runproof.parent_worker, of this transaction), for the attempt that is under way, while nobody wants the parent
-- cancelled. The parent's row stays locked until the child is stored: whoever cancels the parent sees the child, or keeps it from being made. The depth is counted here,
-- from the parent's own.
CREATE FUNCTION runproof.begin_sub_run() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  parent public.runs;
BEGIN
  SELECT * INTO parent FROM public.runs r WHERE r.id = NEW.parent_run_id AND r.tenant_id = NEW.tenant_id FOR UPDATE;
  IF NOT FOUND OR parent.status <> 'running' OR parent.worker IS DISTINCT FROM current_setting('runproof.parent_worker', true)
      OR runproof.trace_of(parent.id, parent.attempts) <> NEW.parent_trace_id OR parent.cancel_requested_at IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RS001', MESSAGE = format('run %s is not under way in this process, or is to be cancelled: it gets no sub-run', NEW.parent_run_id);
  END IF;
  NEW.depth := least(parent.depth + 1, 9);
  IF NEW.depth > 8 THEN
    RAISE EXCEPTION USING ERRCODE = 'RS002', MESSAGE = format('run %s has 8 runs above it: it may have no sub-run', NEW.parent_run_id);
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER begin_sub_run BEFORE INSERT ON public.runs FOR EACH ROW WHEN (NEW.parent_run_id IS NOT NULL) EXECUTE FUNCTION runproof.begin_sub_run();

-- Waiting -----------------------------------------------------------------------------------------------------------------------------------

-- As wait_run (0019), for people, for sub-runs, or for both. Where a sub-run has ended by now the run does not wait. The run's row is locked: a sub-run that ends at this
-- moment is seen here, or finds the run waiting.
CREATE FUNCTION runproof.wait_for_sub_runs(
    p_tenant text, p_run text, p_worker text, p_approvals text[], p_sub_runs text[], p_now timestamptz, p_until timestamptz) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT runproof.wait_run(p_tenant, p_run, p_worker, p_approvals, p_now, p_until) THEN
    RETURN false;
  END IF;
  IF EXISTS (
    SELECT FROM unnest(p_sub_runs) w LEFT JOIN public.runs c ON c.tenant_id = p_tenant AND c.id = w AND c.parent_run_id = p_run
      WHERE c.id IS NULL OR c.completed_at IS NOT NULL) THEN
    PERFORM runproof.wake_run(p_tenant, p_run, p_now);
  END IF;
  RETURN true;
END $$;

-- A sub-run has ended: its parent goes on, where it waits. The parent is locked first, without asking how it stands: one that is just beginning to wait is waited for.
-- Its place in line before that, as claim_runs does it: so no two wait for each other.
CREATE FUNCTION runproof.end_sub_run() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM runproof.run_queue q WHERE q.tenant_id = NEW.tenant_id AND q.run_id = NEW.parent_run_id FOR UPDATE;
  PERFORM FROM public.runs r WHERE r.id = NEW.parent_run_id AND r.tenant_id = NEW.tenant_id FOR UPDATE;
  PERFORM runproof.wake_run(NEW.tenant_id, NEW.parent_run_id, NEW.completed_at);
  RETURN NULL;
END $$;

CREATE TRIGGER end_sub_run AFTER UPDATE ON public.runs FOR EACH ROW
  WHEN (NEW.parent_run_id IS NOT NULL AND OLD.completed_at IS NULL AND NEW.completed_at IS NOT NULL) EXECUTE FUNCTION runproof.end_sub_run();

-- Ending ------------------------------------------------------------------------------------------------------------------------------------

-- A run is to be cancelled, or an attempt of it is over: nobody waits for its sub-runs any more. Those that have not ended are cancelled, and theirs with them.
CREATE FUNCTION runproof.cancel_sub_runs() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  child text;
BEGIN
  PERFORM FROM runproof.run_queue q WHERE q.tenant_id = NEW.tenant_id AND q.run_id IN (
    SELECT r.id FROM public.runs r WHERE r.tenant_id = NEW.tenant_id AND r.parent_run_id = NEW.id AND r.completed_at IS NULL) ORDER BY q.run_id FOR UPDATE;
  FOR child IN
    SELECT r.id FROM public.runs r WHERE r.tenant_id = NEW.tenant_id AND r.parent_run_id = NEW.id AND r.completed_at IS NULL ORDER BY r.id
  LOOP
    PERFORM runproof.cancel_run(NEW.tenant_id, child, 'run ' || NEW.id,
      CASE WHEN NEW.cancel_requested_at IS NULL THEN 'the run that asked for it has ended'
        ELSE 'the run that asked for it was cancelled by ' || NEW.cancel_requested_by END,
      coalesce(NEW.completed_at, NEW.cancel_requested_at, clock_timestamp()));
  END LOOP;
  RETURN NULL;
END $$;

CREATE TRIGGER cancel_sub_runs AFTER UPDATE ON public.runs FOR EACH ROW
  WHEN (OLD.attempt_open AND (NOT NEW.attempt_open OR OLD.cancel_requested_at IS NULL AND NEW.cancel_requested_at IS NOT NULL))
  EXECUTE FUNCTION runproof.cancel_sub_runs();

ALTER TABLE public.runs ENABLE ALWAYS TRIGGER begin_sub_run;
ALTER TABLE public.runs ENABLE ALWAYS TRIGGER end_sub_run;
ALTER TABLE public.runs ENABLE ALWAYS TRIGGER cancel_sub_runs;

-- What a person asks of a run is asked of its sub-runs --------------------------------------------------------------------------------------

-- All runs beneath a run that have not ended, locked, the deepest first: in the order in which a run that ends locks those above it. Before that the places in line of
-- all, the run's own among them.
CREATE FUNCTION runproof.lock_sub_runs(p_tenant text, p_run text) RETURNS text[]
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  beneath text[];
BEGIN
  WITH RECURSIVE tree AS (
    SELECT r.id FROM public.runs r WHERE r.tenant_id = p_tenant AND r.parent_run_id = p_run AND r.completed_at IS NULL
    UNION ALL
    SELECT r.id FROM tree t JOIN public.runs r ON r.tenant_id = p_tenant AND r.parent_run_id = t.id AND r.completed_at IS NULL)
  SELECT array_agg(t.id) INTO beneath FROM tree t;
  IF beneath IS NOT NULL THEN
    PERFORM FROM runproof.run_queue q WHERE q.tenant_id = p_tenant AND q.run_id = ANY (beneath || p_run) ORDER BY q.run_id FOR UPDATE;
    PERFORM FROM public.runs r WHERE r.tenant_id = p_tenant AND r.id = ANY (beneath) ORDER BY r.depth DESC, r.id FOR UPDATE;
  END IF;
  RETURN coalesce(beneath, '{}');
END $$;

CREATE FUNCTION runproof.cancel_with_sub_runs(p_tenant text, p_run text, p_by text, p_reason text, p_now timestamptz) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM runproof.lock_sub_runs(p_tenant, p_run);
  RETURN runproof.cancel_run(p_tenant, p_run, p_by, p_reason, p_now);
END $$;

-- A sub-run whose plan only one process knows goes on.
CREATE FUNCTION runproof.pause_with_sub_runs(p_tenant text, p_run text, p_now timestamptz) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  beneath text[] := runproof.lock_sub_runs(p_tenant, p_run);
  answer text := runproof.pause_run(p_tenant, p_run, p_now);
BEGIN
  IF answer IN ('done', 'asked') THEN
    PERFORM runproof.pause_run(p_tenant, b, p_now) FROM unnest(beneath) b;
  END IF;
  RETURN answer;
END $$;

CREATE FUNCTION runproof.resume_with_sub_runs(p_tenant text, p_run text, p_now timestamptz) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  beneath text[] := runproof.lock_sub_runs(p_tenant, p_run);
  answer text := runproof.resume_run(p_tenant, p_run, p_now);
BEGIN
  IF answer = 'done' THEN
    PERFORM runproof.resume_run(p_tenant, b, p_now) FROM unnest(beneath) b;
  END IF;
  RETURN answer;
END $$;

-- Reading -----------------------------------------------------------------------------------------------------------------------------------

-- What a runner may read of a sub-run's evidence: the seal of its last attempt, while the worker that asks has the run that asked for it.
CREATE FUNCTION runproof.sub_run_seal(p_tenant text, p_run text, p_worker text, p_child text)
  RETURNS TABLE (trace_id text, status text, chain_length bigint, root_hash bytea)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.trace_id, t.status, t.chain_length::bigint, t.root_hash FROM public.runs r
    JOIN public.runs c ON c.tenant_id = r.tenant_id AND c.id = p_child AND c.parent_run_id = r.id
    CROSS JOIN LATERAL (
      SELECT * FROM public.aos_traces o WHERE o.trace_id = runproof.trace_of(c.id, c.attempts) AND o.tenant_id = r.tenant_id
      UNION ALL SELECT * FROM public.aos_traces_archive o WHERE o.trace_id = runproof.trace_of(c.id, c.attempts) AND o.tenant_id = r.tenant_id) t
    WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status IN ('queued', 'running')
$$;

-- And outcomes of steps of it that succeeded: those of the ids that are asked for, or the last one. An outcome that is larger than p_most is left out.
CREATE FUNCTION runproof.sub_run_outcomes(p_tenant text, p_run text, p_worker text, p_child text, p_steps text[], p_most integer)
  RETURNS TABLE (outcome_data text, context text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN octet_length(s.outcome_data) <= p_most THEN s.outcome_data END, s.context FROM public.runs r
    JOIN public.runs c ON c.tenant_id = r.tenant_id AND c.id = p_child AND c.parent_run_id = r.id
    CROSS JOIN LATERAL (
      SELECT * FROM public.aos_trace_steps o WHERE o.trace_id = runproof.trace_of(c.id, c.attempts) AND o.tenant_id = r.tenant_id AND o.status = 'succeeded'
      UNION ALL
      SELECT * FROM public.aos_trace_steps_archive o WHERE o.trace_id = runproof.trace_of(c.id, c.attempts) AND o.tenant_id = r.tenant_id AND o.status = 'succeeded') s
    WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status IN ('queued', 'running')
      AND (p_steps IS NULL OR s.context::json ->> 'plan_step' = ANY (p_steps))
    ORDER BY s.step_index DESC LIMIT CASE WHEN p_steps IS NULL THEN 1 ELSE cardinality(p_steps) END
$$;

-- Who may -----------------------------------------------------------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION runproof.begin_sub_run, runproof.wait_for_sub_runs, runproof.end_sub_run, runproof.cancel_sub_runs, runproof.lock_sub_runs,
  runproof.cancel_with_sub_runs, runproof.pause_with_sub_runs, runproof.resume_with_sub_runs, runproof.sub_run_seal, runproof.sub_run_outcomes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.wait_for_sub_runs, runproof.cancel_with_sub_runs, runproof.pause_with_sub_runs, runproof.resume_with_sub_runs,
  runproof.sub_run_seal, runproof.sub_run_outcomes TO runproof_runner;
