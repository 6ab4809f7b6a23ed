-- A step is never lost over what is counted of it. A context is canonical JSON of anyone's words: it may hold a NUL (as \u0000), at which a cast to json and a look into
-- it fails, and a member "tokens" of a step from outside may be anything. 0016 and 0019 cast; here they look as side records do (0020).

-- The tokens that a step's context tells; 0 where it tells none that is a number.
CREATE FUNCTION runproof.tokens_of(p_context text) RETURNS numeric LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN jsonb_typeof(c.tokens) = 'number' THEN greatest(c.tokens::numeric, 0) ELSE 0 END FROM (SELECT runproof.looked_into(p_context) -> 'tokens' AS tokens) c
$$;

REVOKE ALL ON FUNCTION runproof.tokens_of FROM PUBLIC;

CREATE OR REPLACE FUNCTION runproof.count_steps() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM runproof.budgets_in_force) THEN
    RETURN NULL;
  END IF;
  INSERT INTO runproof.budget_usage AS u (tenant_id, budget_id, subject, period_start, cost_cents, tokens)
    SELECT s.tenant_id, b.id, CASE b.scope WHEN 'agent' THEN t.agent_id ELSE '' END, runproof.period_start(b.period, b.zone, s."timestamp"),
        sum(s.cost_cents), sum(s.tokens)
      FROM (SELECT a.tenant_id, a.trace_id, a."timestamp", a.cost_cents,
              CASE WHEN position('"tokens":' IN a.context) > 0 THEN runproof.tokens_of(a.context) ELSE 0 END AS tokens
              FROM counted a
              WHERE (a.cost_cents > 0 OR position('"tokens":' IN a.context) > 0)
                AND EXISTS (SELECT FROM runproof.budgets_in_force f WHERE f.tenant_id = a.tenant_id)) s
      JOIN public.aos_traces t ON t.trace_id = s.trace_id AND t.tenant_id = s.tenant_id
      JOIN runproof.budgets_in_force f ON f.tenant_id = s.tenant_id
      JOIN runproof.budgets b ON b.tenant_id = f.tenant_id AND b.id = f.id AND b.version = f.version
        AND (b.scope = 'tenant' OR b.scope = 'agent' AND coalesce(b.agent_id, t.agent_id) = t.agent_id)
      WHERE s.cost_cents > 0 OR s.tokens > 0
      GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (tenant_id, budget_id, subject, period_start)
      DO UPDATE SET cost_cents = u.cost_cents + excluded.cost_cents, tokens = u.tokens + excluded.tokens;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION runproof.run_use(p_tenant text, p_run text, p_worker text) RETURNS TABLE (cost_cents numeric, tokens numeric, steps bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(sum(s.cost_cents), 0),
      coalesce(sum(CASE WHEN position('"tokens":' IN s.context) > 0 THEN runproof.tokens_of(s.context) ELSE 0 END), 0),
      count(*) FILTER (WHERE s.status <> 'blocked')
    FROM public.runs r
    JOIN public.aos_traces t ON t.tenant_id = r.tenant_id AND t.run_id = r.id
    JOIN public.aos_trace_steps s ON s.trace_id = t.trace_id AND s.tenant_id = t.tenant_id
    WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status IN ('queued', 'running')
$$;

CREATE OR REPLACE FUNCTION runproof.erase_approval() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE runproof.approvals a SET action_shown = NULL, action_salt = NULL
    WHERE a.tenant_id = NEW.tenant_id AND a.trace_id = NEW.trace_id AND a.status <> 'pending' AND a.action_shown IS NOT NULL
      AND (NEW.step_index IS NULL AND NEW.payload IN ('goal', 'plan')
        OR NEW.payload = 'params' AND a.plan_index = (
          SELECT (runproof.looked_into(s.context) ->> 'plan_index')::integer FROM (
            SELECT c.context FROM public.aos_trace_steps c WHERE c.trace_id = NEW.trace_id AND c.tenant_id = NEW.tenant_id AND c.step_index = NEW.step_index
            UNION ALL
            SELECT c.context FROM public.aos_trace_steps_archive c WHERE c.trace_id = NEW.trace_id AND c.tenant_id = NEW.tenant_id AND c.step_index = NEW.step_index) s
          LIMIT 1));
  RETURN NULL;
END $$;
