-- What a runner may read of a trace's own context: of a run under way that the worker has claimed. It holds what the trace pinned of skills that may change
-- (the lists of tools of other people's servers), and who goes on with the run must hold to it.
CREATE FUNCTION runproof.trace_context(p_tenant text, p_run text, p_worker text) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.context
    FROM public.runs r
    JOIN public.aos_traces t ON t.trace_id = runproof.trace_of(r.id, r.attempts) AND t.tenant_id = r.tenant_id AND t.run_id = r.id
    WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status IN ('queued', 'running')
$$;

REVOKE ALL ON FUNCTION runproof.trace_context FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.trace_context TO runproof_runner;
