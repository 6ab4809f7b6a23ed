-- Reservations (src/POLICIES.md): what steps under way may use still of budgets that runs share. A step that says what it may use at most is let through only where that fits
-- beside what is used and what others have reserved; so what is under way at once, in however many processes, cannot use more than there is.
--
-- A reservation is made by the statement that lets the attempt through (take_budgets), under the same locks as the check, and is gone
--   in the transaction that records the attempt's step (count_steps, which counts there what it really used)
--   with its run's lease: it counts only while its run is that worker's, and is deleted when the run passes on, waits or ends
--   where the attempt waits for a person (forgo_budgets): it is asked for again
-- Each of these may happen twice. One that comes too late, of a process that lost its run, counts for nothing and is deleted with the run's end.

-- By what the recorded step will say of itself: trace, idempotency key, retry count. No foreign keys: rows live as long as a step.
CREATE TABLE runproof.budget_reservations (
  tenant_id   text COLLATE "C" NOT NULL,
  trace_id    text COLLATE "C" NOT NULL,
  step_key    text COLLATE "C" NOT NULL,
  retry_count integer NOT NULL,
  run_id      text COLLATE "C" NOT NULL,
  worker      text COLLATE "C" NOT NULL,
  agent_id    text COLLATE "C",
  cost_cents  numeric NOT NULL,
  tokens      bigint NOT NULL,
  at          timestamptz NOT NULL,
  CONSTRAINT budget_reservations_pkey PRIMARY KEY (tenant_id, trace_id, step_key, retry_count),
  CONSTRAINT budget_reservations_range CHECK (cost_cents >= 0 AND tokens >= 0 AND retry_count >= 0)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- What is reserved of a budget in a period by all but one attempt (none where p_step_key is null).
CREATE FUNCTION runproof.reserved_of(p_tenant text, p_agent text, p_period text, p_zone text, p_start date, p_trace text, p_step_key text, p_retry_count integer)
  RETURNS TABLE (cost_cents numeric, tokens numeric)
  LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(r.cost_cents), 0), coalesce(sum(r.tokens), 0)
    FROM runproof.budget_reservations r
    JOIN public.runs o ON o.id = r.run_id AND o.tenant_id = r.tenant_id AND o.worker = r.worker AND o.status IN ('queued', 'running')
    WHERE r.tenant_id = p_tenant AND (p_agent = '' OR r.agent_id = p_agent) AND runproof.period_start(p_period, p_zone, r.at) = p_start
      AND (r.trace_id, r.step_key, r.retry_count) IS DISTINCT FROM (p_trace, p_step_key, p_retry_count)
$$;

-- As in 0016, and what the attempt may use at most is reserved (p_step_key is null where it reserves nothing). Budgets that limit what is wanted are locked like those that
-- limit steps; a budget refuses where used and reserved leave too little, and says how much is reserved by others.
DROP FUNCTION runproof.take_budgets;

CREATE FUNCTION runproof.take_budgets(p_tenant text, p_agent text, p_at timestamptz, p_attempt bigint,
    p_run text, p_trace text, p_worker text, p_step_key text, p_retry_count integer, p_cost numeric, p_tokens bigint)
  RETURNS TABLE (id text, version integer, scope text, period text, zone text, agent_id text, cost_cents numeric, tokens bigint, steps bigint, runs bigint,
    duration_ms bigint, on_exceeded text, digest bytea, created_at timestamptz, created_by text, what text, used numeric, most numeric, reserved numeric, wanted numeric)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  reserves boolean := p_step_key IS NOT NULL;
  wants_cost numeric := CASE WHEN p_step_key IS NULL THEN 0 ELSE p_cost END;
  wants_tokens numeric := CASE WHEN p_step_key IS NULL THEN 0 ELSE p_tokens END;
  counts_steps boolean;
  locks boolean;
BEGIN
  SELECT coalesce(bool_or(b.steps IS NOT NULL), false),
      coalesce(bool_or(b.steps IS NOT NULL OR wants_cost > 0 AND b.cost_cents IS NOT NULL OR wants_tokens > 0 AND b.tokens IS NOT NULL), false)
    INTO counts_steps, locks FROM runproof.shared_budgets(p_tenant, p_agent) b;
  IF locks THEN
    INSERT INTO runproof.budget_usage (tenant_id, budget_id, subject, period_start)
      SELECT p_tenant, b.id, CASE b.scope WHEN 'agent' THEN p_agent ELSE '' END, runproof.period_start(b.period, b.zone, p_at)
        FROM runproof.shared_budgets(p_tenant, p_agent) b
        WHERE b.steps IS NOT NULL OR wants_cost > 0 AND b.cost_cents IS NOT NULL OR wants_tokens > 0 AND b.tokens IS NOT NULL ORDER BY b.id
      ON CONFLICT DO NOTHING;
    PERFORM 1 FROM runproof.shared_budgets(p_tenant, p_agent) b
      JOIN runproof.budget_usage u ON u.tenant_id = p_tenant AND u.budget_id = b.id
        AND u.subject = CASE b.scope WHEN 'agent' THEN p_agent ELSE '' END AND u.period_start = runproof.period_start(b.period, b.zone, p_at)
      WHERE b.steps IS NOT NULL OR wants_cost > 0 AND b.cost_cents IS NOT NULL OR wants_tokens > 0 AND b.tokens IS NOT NULL
      ORDER BY u.budget_id FOR UPDATE OF u;
  END IF;

  -- This statement sees what those before it left when they let go of the rows.
  RETURN QUERY
    SELECT DISTINCT ON (s.id) s.id, s.version, s.scope, s.period, s.zone, s.agent_id, s.cost_cents, s.tokens, s.steps, s.runs, s.duration_ms, s.on_exceeded, s.digest,
        s.created_at, s.created_by, l.what, l.used, l.most, l.reserved, l.wanted
      FROM (SELECT b.*, coalesce(u.cost_cents, 0) AS used_cost, coalesce(u.tokens, 0) AS used_tokens,
              coalesce(u.steps, 0) - CASE WHEN p_attempt = ANY (u.recent) THEN 1 ELSE 0 END AS used_steps,
              coalesce(o.cost_cents, 0) AS reserved_cost, coalesce(o.tokens, 0) AS reserved_tokens
              FROM runproof.shared_budgets(p_tenant, p_agent) b
              LEFT JOIN runproof.budget_usage u ON u.tenant_id = p_tenant AND u.budget_id = b.id
                AND u.subject = CASE b.scope WHEN 'agent' THEN p_agent ELSE '' END AND u.period_start = runproof.period_start(b.period, b.zone, p_at)
              LEFT JOIN LATERAL runproof.reserved_of(p_tenant, CASE b.scope WHEN 'agent' THEN p_agent ELSE '' END, b.period, b.zone,
                runproof.period_start(b.period, b.zone, p_at), p_trace, p_step_key, p_retry_count) o ON reserves) s
      CROSS JOIN LATERAL (VALUES (1, 'cost_cents', s.used_cost, s.cost_cents, s.reserved_cost, wants_cost),
        (2, 'tokens', s.used_tokens, s.tokens::numeric, s.reserved_tokens, wants_tokens),
        (3, 'steps', s.used_steps::numeric, s.steps::numeric, 0::numeric, 0::numeric)) l (place, what, used, most, reserved, wanted)
      WHERE l.used >= l.most OR l.wanted > 0 AND l.used + l.reserved + l.wanted > l.most
      ORDER BY s.id, l.place;
  IF FOUND THEN
    RETURN;
  END IF;
  IF reserves THEN
    -- Whoever lost its run must not begin anything of it. (One that loses it in this moment leaves a row that counts for nothing.)
    IF NOT EXISTS (SELECT FROM public.runs o WHERE o.id = p_run AND o.tenant_id = p_tenant AND o.worker = p_worker AND o.status IN ('queued', 'running')) THEN
      RAISE EXCEPTION USING ERRCODE = 'RB002', MESSAGE = format('run %s is not this process''s: nothing is reserved for it', p_run);
    END IF;
    INSERT INTO runproof.budget_reservations (tenant_id, trace_id, step_key, retry_count, run_id, worker, agent_id, cost_cents, tokens, at)
      VALUES (p_tenant, p_trace, p_step_key, p_retry_count, p_run, p_worker, p_agent, p_cost, p_tokens, p_at)
      ON CONFLICT ON CONSTRAINT budget_reservations_pkey
        DO UPDATE SET worker = excluded.worker, agent_id = excluded.agent_id, cost_cents = excluded.cost_cents, tokens = excluded.tokens, at = excluded.at;
  END IF;
  IF counts_steps THEN
    UPDATE runproof.budget_usage u SET steps = u.steps + 1, recent = u.recent[greatest(1, cardinality(u.recent) - 62):] || p_attempt
      FROM runproof.shared_budgets(p_tenant, p_agent) b
      WHERE u.tenant_id = p_tenant AND u.budget_id = b.id AND b.steps IS NOT NULL
        AND u.subject = CASE b.scope WHEN 'agent' THEN p_agent ELSE '' END AND u.period_start = runproof.period_start(b.period, b.zone, p_at)
        AND p_attempt <> ALL (u.recent);
  END IF;
END $$;

CREATE FUNCTION runproof.forgo_budgets(p_tenant text, p_trace text, p_step_key text, p_retry_count integer) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM runproof.budget_reservations r
    WHERE r.tenant_id = p_tenant AND r.trace_id = p_trace AND r.step_key = p_step_key AND r.retry_count = p_retry_count
$$;

-- As in 0023, and what was reserved for the steps is so no longer. Rows of usage are locked before those of reservations, as in take_budgets. What is left of a time with
-- budgets is deleted without them, too.
CREATE OR REPLACE FUNCTION runproof.count_steps() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM runproof.budgets_in_force) AND NOT EXISTS (SELECT FROM runproof.budget_reservations) THEN
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
  IF EXISTS (SELECT FROM runproof.budget_reservations) THEN
    DELETE FROM runproof.budget_reservations r USING counted c
      WHERE r.tenant_id = c.tenant_id AND r.trace_id = c.trace_id AND r.step_key = c.idempotency_key AND r.retry_count = c.retry_count;
  END IF;
  RETURN NULL;
END $$;

-- A run that leaves its worker, or ends, has nothing under way there any more.
CREATE FUNCTION runproof.release_budgets() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM runproof.budget_reservations r WHERE r.tenant_id = OLD.tenant_id AND r.trace_id = runproof.trace_of(OLD.id, OLD.attempts);
  RETURN NULL;
END $$;

CREATE TRIGGER release_budgets AFTER UPDATE OF worker, status ON public.runs FOR EACH ROW
  WHEN (OLD.worker IS NOT NULL AND OLD.attempts > 0 AND (NEW.worker IS DISTINCT FROM OLD.worker OR NEW.completed_at IS NOT NULL))
  EXECUTE FUNCTION runproof.release_budgets();
ALTER TABLE public.runs ENABLE ALWAYS TRIGGER release_budgets;

REVOKE ALL ON runproof.budget_reservations FROM PUBLIC;
REVOKE ALL ON FUNCTION runproof.reserved_of, runproof.take_budgets, runproof.forgo_budgets, runproof.release_budgets FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.take_budgets, runproof.forgo_budgets TO runproof_runner;
GRANT EXECUTE ON FUNCTION runproof.reserved_of, runproof.period_start TO runproof_runner;
GRANT SELECT ON runproof.budget_reservations TO runproof_runner, runproof_auditor;
ALTER TABLE runproof.budget_reservations ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON runproof.budget_reservations TO runproof_runner, runproof_verifier, runproof_auditor
  USING (tenant_id = current_setting('runproof.tenant_id', true));
