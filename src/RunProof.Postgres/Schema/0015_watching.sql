-- Watching: what is new of runs that somebody watches, and how much is recorded of a run.
--
-- The runner reads no evidence. Who watches a run is told that a step is recorded, of which skill, how it ended and when; never what it was called with or gave.

-- What is new of many watched runs, in one question and one snapshot. Of each: its attempt p_attempts and the index p_after from which steps are wanted, at most
-- p_limit of them; p_seen is what was told of its status before, in the words of "seen", or null. A run of which nothing is new has no row; one with n new steps has
-- n rows; one whose status alone is new has one, without a step. The step's name in the plan is null where its context has been erased.
CREATE FUNCTION runproof.watched_of(p_tenants text[], p_runs text[], p_attempts integer[], p_after integer[], p_seen text[], p_limit integer)
  RETURNS TABLE (watch integer, seen text, run_status text, ended boolean, attempts integer, trace_status text, chain_length integer, root_hash bytea,
    step_index integer, plan_step text, skill text, step_status text, retries integer, begun_at timestamptz, duration_ms double precision)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
  SELECT w.n::integer, now_seen.words, r.status, r.completed_at IS NOT NULL, r.attempts, t.status, t.chain_length, t.root_hash,
      s.step_index, substring(s.context FROM '"plan_step":"([a-z0-9_-]{1,64})"'), s.skill_name, s.status, s.retry_count, s."timestamp", s.duration_ms
    FROM unnest(p_tenants, p_runs, p_attempts, p_after, p_seen) WITH ORDINALITY AS w (tenant_id, run_id, attempt, after, seen, n)
    JOIN public.runs r ON r.id = w.run_id AND r.tenant_id = w.tenant_id
    CROSS JOIN LATERAL (SELECT runproof.trace_of(w.run_id, w.attempt) AS trace_id) of
    LEFT JOIN LATERAL (
      SELECT h.status, h.chain_length, h.root_hash FROM public.aos_traces h WHERE h.trace_id = of.trace_id AND h.tenant_id = w.tenant_id
      UNION ALL
      SELECT h.status, h.chain_length, h.root_hash FROM public.aos_traces_archive h WHERE h.trace_id = of.trace_id AND h.tenant_id = w.tenant_id
      LIMIT 1) t ON true
    CROSS JOIN LATERAL (SELECT r.status || ' ' || r.attempts || ' ' || coalesce(t.status, 'none') AS words) now_seen
    LEFT JOIN LATERAL (
      (SELECT l.step_index, l.context, l.skill_name, l.status, l.retry_count, l."timestamp", l.duration_ms FROM public.aos_trace_steps l
        WHERE l.trace_id = of.trace_id AND l.tenant_id = w.tenant_id AND l.step_index >= w.after ORDER BY l.step_index LIMIT p_limit)
      UNION ALL
      (SELECT a.step_index, a.context, a.skill_name, a.status, a.retry_count, a."timestamp", a.duration_ms FROM public.aos_trace_steps_archive a
        WHERE a.trace_id = of.trace_id AND a.tenant_id = w.tenant_id AND a.step_index >= w.after ORDER BY a.step_index LIMIT p_limit)) s ON true
    WHERE s.step_index IS NOT NULL OR w.seen IS DISTINCT FROM now_seen.words
    ORDER BY w.n, s.step_index
$$;

-- How much is recorded of a run, over all its attempts: {traces, steps in them}.
CREATE FUNCTION runproof.recorded_of(p_tenant text, p_run text) RETURNS bigint[]
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  SELECT ARRAY[count(*), coalesce(sum(coalesce(t.chain_length, h.next_index)), 0)::bigint]
    FROM (
      SELECT l.trace_id, l.chain_length FROM public.aos_traces l WHERE l.run_id = p_run AND l.tenant_id = p_tenant
      UNION ALL
      SELECT a.trace_id, a.chain_length FROM public.aos_traces_archive a WHERE a.run_id = p_run AND a.tenant_id = p_tenant) t
    LEFT JOIN runproof.trace_heads h ON h.trace_id = t.trace_id AND h.tenant_id = p_tenant
$$;

REVOKE ALL ON FUNCTION runproof.watched_of, runproof.recorded_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.watched_of, runproof.recorded_of TO runproof_runner;
