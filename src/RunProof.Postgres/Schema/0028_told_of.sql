-- What a run cost and used, told with the run: added up where steps are recorded, so that a list of runs reads no step.

-- A row for each trace of which a step cost anything or used tokens; most traces have none. What is here follows from evidence and is not proven: whoever must know adds
-- the steps up.
CREATE TABLE runproof.trace_use (
  trace_id   text COLLATE "C" NOT NULL,
  tenant_id  text COLLATE "C" NOT NULL,
  cost_cents numeric NOT NULL,
  tokens     numeric NOT NULL,
  CONSTRAINT trace_use_pkey PRIMARY KEY (trace_id, tenant_id),
  CONSTRAINT trace_use_range CHECK (cost_cents >= 0 AND tokens >= 0)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- One row a trace, always in the same order, so that no two batches wait for each other in a circle. Only a context that has the member is looked into.
CREATE FUNCTION runproof.add_up_use() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO runproof.trace_use AS u (trace_id, tenant_id, cost_cents, tokens)
    SELECT s.trace_id, s.tenant_id, sum(s.cost_cents), sum(s.tokens)
      FROM (SELECT a.trace_id, a.tenant_id, a.cost_cents, CASE WHEN position('"tokens":' IN a.context) > 0 THEN runproof.tokens_of(a.context) ELSE 0 END AS tokens
              FROM used a WHERE a.cost_cents > 0 OR position('"tokens":' IN a.context) > 0) s
      WHERE s.cost_cents > 0 OR s.tokens > 0
      GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (trace_id, tenant_id) DO UPDATE SET cost_cents = u.cost_cents + excluded.cost_cents, tokens = u.tokens + excluded.tokens;
  RETURN NULL;
END $$;

CREATE TRIGGER use_added_up AFTER INSERT ON public.aos_trace_steps
  REFERENCING NEW TABLE AS used FOR EACH STATEMENT EXECUTE FUNCTION runproof.add_up_use();
ALTER TABLE public.aos_trace_steps ENABLE ALWAYS TRIGGER use_added_up;

-- What was recorded before.
INSERT INTO runproof.trace_use (trace_id, tenant_id, cost_cents, tokens)
  SELECT s.trace_id, s.tenant_id, sum(s.cost_cents), sum(s.tokens)
    FROM (SELECT a.trace_id, a.tenant_id, a.cost_cents, CASE WHEN position('"tokens":' IN a.context) > 0 THEN runproof.tokens_of(a.context) ELSE 0 END AS tokens
            FROM (SELECT l.trace_id, l.tenant_id, l.cost_cents, l.context FROM public.aos_trace_steps l
                  UNION ALL SELECT l.trace_id, l.tenant_id, l.cost_cents, l.context FROM public.aos_trace_steps_archive l) a
            WHERE a.cost_cents > 0 OR position('"tokens":' IN a.context) > 0) s
    WHERE s.cost_cents > 0 OR s.tokens > 0
    GROUP BY 1, 2;

-- How much is recorded of a run and what it took, over all its attempts: {traces, steps in them, cents exactly, tokens}.
CREATE FUNCTION runproof.told_of(p_tenant text, p_run text) RETURNS text[]
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  SELECT ARRAY[count(*)::text, coalesce(sum(coalesce(t.chain_length, h.next_index)), 0)::text, trim_scale(coalesce(sum(u.cost_cents), 0))::text,
      trunc(least(coalesce(sum(u.tokens), 0), 9007199254740991))::text]
    FROM (
      SELECT l.trace_id, l.chain_length FROM public.aos_traces l WHERE l.run_id = p_run AND l.tenant_id = p_tenant
      UNION ALL
      SELECT a.trace_id, a.chain_length FROM public.aos_traces_archive a WHERE a.run_id = p_run AND a.tenant_id = p_tenant) t
    LEFT JOIN runproof.trace_heads h ON h.trace_id = t.trace_id AND h.tenant_id = p_tenant
    LEFT JOIN runproof.trace_use u ON u.trace_id = t.trace_id AND u.tenant_id = p_tenant
$$;

REVOKE ALL ON runproof.trace_use FROM PUBLIC;
REVOKE ALL ON FUNCTION runproof.add_up_use, runproof.told_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.told_of TO runproof_runner, runproof_verifier;
ALTER TABLE runproof.trace_use ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON runproof.trace_use TO runproof_runner, runproof_verifier, runproof_auditor
  USING (tenant_id = current_setting('runproof.tenant_id', true)) WITH CHECK (tenant_id = current_setting('runproof.tenant_id', true));
