-- As 0023. A step that was skipped did nothing: like one that a policy refused it counts towards no limit of steps.
CREATE OR REPLACE FUNCTION runproof.run_use(p_tenant text, p_run text, p_worker text) RETURNS TABLE (cost_cents numeric, tokens numeric, steps bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(sum(s.cost_cents), 0),
      coalesce(sum(CASE WHEN position('"tokens":' IN s.context) > 0 THEN runproof.tokens_of(s.context) ELSE 0 END), 0),
      count(*) FILTER (WHERE s.status NOT IN ('blocked', 'skipped'))
    FROM public.runs r
    JOIN public.aos_traces t ON t.tenant_id = r.tenant_id AND t.run_id = r.id
    JOIN public.aos_trace_steps s ON s.trace_id = t.trace_id AND s.tenant_id = t.tenant_id
    WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status IN ('queued', 'running')
$$;
