-- The steps of an origin, a page at a time: what a replay holds of its origin in memory is bounded, however long that is.
--
-- The same rule as replay_source_steps (0017), which stays for runners of an older build: only the trace that a run under way names as its origin, and only to the worker
-- that has that run. A page ends before the index p_from + p_most, or before the step with which its payloads would be more than p_bytes; its first step is always in it. The sizes are
-- those of the stored texts, which are known without reading them.

CREATE FUNCTION runproof.replay_source_page(p_tenant text, p_run text, p_worker text, p_from integer, p_most integer, p_bytes bigint) RETURNS SETOF public.aos_trace_steps
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH origin AS (
    SELECT r.origin_trace_id AS trace_id, r.tenant_id FROM public.runs r
      WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status IN ('queued', 'running') AND r.origin_trace_id IS NOT NULL),
  sized AS (
    SELECT step_index, sum(bytes) OVER (ORDER BY step_index) AS bytes, row_number() OVER (ORDER BY step_index) AS nth
      FROM (
        SELECT o.step_index, coalesce(octet_length(o.params), 0)::bigint + coalesce(octet_length(o.outcome_data), 0) + coalesce(octet_length(o.context), 0) AS bytes
          FROM origin JOIN public.aos_trace_steps o USING (trace_id, tenant_id) WHERE o.step_index >= p_from AND o.step_index < p_from::bigint + p_most
        UNION ALL
        SELECT o.step_index, coalesce(octet_length(o.params), 0)::bigint + coalesce(octet_length(o.outcome_data), 0) + coalesce(octet_length(o.context), 0)
          FROM origin JOIN public.aos_trace_steps_archive o USING (trace_id, tenant_id) WHERE o.step_index >= p_from AND o.step_index < p_from::bigint + p_most) step),
  page AS (SELECT max(step_index) AS last FROM sized WHERE bytes <= p_bytes OR nth = 1)
  SELECT * FROM (
    SELECT s.* FROM origin, page, public.aos_trace_steps s
      WHERE s.trace_id = origin.trace_id AND s.tenant_id = origin.tenant_id AND s.step_index >= p_from AND s.step_index <= page.last
    UNION ALL
    SELECT s.* FROM origin, page, public.aos_trace_steps_archive s
      WHERE s.trace_id = origin.trace_id AND s.tenant_id = origin.tenant_id AND s.step_index >= p_from AND s.step_index <= page.last) found
    ORDER BY step_index
$$;

REVOKE ALL ON FUNCTION runproof.replay_source_page FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.replay_source_page TO runproof_runner;
