-- What a runner may read of evidence: how far the trace of one run got, while the run is under way and claimed by the worker that asks. Recovery needs
-- it (the outcomes that the step under way referred to; how a sealed trace ended), and a runner's role can read no evidence otherwise.
CREATE FUNCTION runproof.trace_progress(p_tenant text, p_run text, p_worker text)
  RETURNS TABLE (trace_status text, step_index integer, step_status text, outcome_data text, context text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.status, s.step_index, s.status, s.outcome_data, s.context
    FROM public.runs r
    JOIN public.aos_traces t ON t.trace_id = 'trace_' || r.id AND t.tenant_id = r.tenant_id AND t.run_id = r.id
    LEFT JOIN public.aos_trace_steps s ON s.trace_id = t.trace_id AND s.tenant_id = t.tenant_id
    WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status IN ('queued', 'running')
    ORDER BY s.step_index
$$;

REVOKE ALL ON FUNCTION runproof.trace_progress FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.trace_progress TO runproof_runner;
