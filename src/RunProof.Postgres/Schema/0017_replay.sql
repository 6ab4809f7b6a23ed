-- Runs that come from another run: replays, which execute its plan again and are compared with it, and forks, which go on from a step of it.
--
-- runs.origin_run_id, origin_trace_id   the trace that the run comes from, sealed before the run was made
-- runs.origin_from                      the planned step that it begins with, by its place in the plan
-- runs.replay_mode                      check or dry; null for a fork
--
-- None of these ever changes: guard_run_update (0013) permits what it names, and nothing else. What the run's trace says of its origin is in its header's context, and
-- that is the evidence; these columns only say what the process that executes the run is to read.

ALTER TABLE public.runs
  ADD COLUMN origin_run_id   text COLLATE "C",
  ADD COLUMN origin_trace_id text COLLATE "C",
  ADD COLUMN origin_from     integer,
  ADD COLUMN replay_mode     text COLLATE "C",
  ADD CONSTRAINT runs_origin_whole CHECK ((origin_run_id IS NULL) = (origin_trace_id IS NULL) AND (origin_run_id IS NULL) = (origin_from IS NULL)),
  ADD CONSTRAINT runs_origin_from_range CHECK (origin_from >= 0),
  ADD CONSTRAINT runs_replay_mode_word CHECK (replay_mode IN ('check', 'dry')),
  ADD CONSTRAINT runs_replay_of_an_origin CHECK (replay_mode IS NULL OR origin_run_id IS NOT NULL);

-- What a runner may read of evidence for a replay or a fork: the trace, and its steps, that a run under way names as its origin, while the worker that asks has that
-- run. Both are of one tenant; a runner's role can read no evidence otherwise.
CREATE FUNCTION runproof.replay_source(p_tenant text, p_run text, p_worker text) RETURNS SETOF public.aos_traces
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.* FROM public.runs r
    CROSS JOIN LATERAL (
      SELECT * FROM public.aos_traces o WHERE o.trace_id = r.origin_trace_id AND o.tenant_id = r.tenant_id
      UNION ALL SELECT * FROM public.aos_traces_archive o WHERE o.trace_id = r.origin_trace_id AND o.tenant_id = r.tenant_id) t
    WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status IN ('queued', 'running')
$$;

CREATE FUNCTION runproof.replay_source_steps(p_tenant text, p_run text, p_worker text) RETURNS SETOF public.aos_trace_steps
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.* FROM public.runs r
    CROSS JOIN LATERAL (
      SELECT * FROM public.aos_trace_steps o WHERE o.trace_id = r.origin_trace_id AND o.tenant_id = r.tenant_id
      UNION ALL SELECT * FROM public.aos_trace_steps_archive o WHERE o.trace_id = r.origin_trace_id AND o.tenant_id = r.tenant_id) s
    WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status IN ('queued', 'running')
    ORDER BY s.step_index
$$;

REVOKE ALL ON FUNCTION runproof.replay_source, runproof.replay_source_steps FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.replay_source, runproof.replay_source_steps TO runproof_runner;
