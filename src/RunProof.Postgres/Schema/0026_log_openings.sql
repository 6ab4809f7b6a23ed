-- Runs that wait until the opening of their trace is in the tenant's log before anything of them begins (proof-format.md section 4). From then on a run cannot be wiped
-- out unseen: whoever saw the checkpoint that covers the opening misses the rest.

ALTER TABLE public.runs ADD COLUMN await_log_opening boolean NOT NULL DEFAULT false;

-- Of many traces the openings that entered their log, with what is published of it, and those that were not let in: one question for all runs that wait in a process.
-- Whether the published checkpoint covers a position its reader sees from the checkpoint.
CREATE FUNCTION runproof.openings_of(p_tenants text[], p_traces text[])
  RETURNS TABLE (tenant_id text, trace_id text, "position" bigint, entry text, published text, refused text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_material = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  SELECT w.tenant_id, w.trace_id, e.position, e.entry, l.published, q.message
    FROM unnest(p_tenants, p_traces) AS w (tenant_id, trace_id)
    LEFT JOIN LATERAL (SELECT i.position, i.entry FROM runproof.log_entries i
      WHERE i.trace_id = w.trace_id AND i.kind = 'opened' AND i.tenant_id IS NOT DISTINCT FROM w.tenant_id LIMIT 1) e ON true
    LEFT JOIN LATERAL (SELECT h.published FROM runproof.logs h WHERE e.position IS NOT NULL AND h.tenant_id = w.tenant_id LIMIT 1) l ON true
    LEFT JOIN LATERAL (SELECT m.message FROM runproof.log_quarantine m
      WHERE e.position IS NULL AND m.tenant_id = w.tenant_id AND m.trace_id = w.trace_id AND m.kind = 'opened' LIMIT 1) q ON true
    WHERE e.position IS NOT NULL OR q.message IS NOT NULL
$$;

REVOKE ALL ON FUNCTION runproof.openings_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.openings_of TO runproof_runner;

-- Hashes of entries and of subtrees, which say nothing of what was recorded: a path to the checkpoint is made of them.
GRANT SELECT ON runproof.log_tiles TO runproof_runner;
