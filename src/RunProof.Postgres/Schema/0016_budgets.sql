-- Budgets and kill switches (src/POLICIES.md): what may be used, what was, and what is stopped. In the database, so in force for all runners at once.
--
-- What is used is counted where it becomes so, each thing once:
--   cost, tokens   in the transaction that records the step (a trigger over its rows): a step that is appended again is no new row
--   steps          when the gate lets an attempt through (take_budgets), in one statement with the check: never one too many, however many runners ask
--   runs           in the transaction that creates the run, which fails where it is one too many
-- A budget of scope run is added up by the process that has the run, from its evidence (run_use): nothing is counted here.

-- Versions, which never change, and the changes that put one in force or take it out. The number of a tenant's last change is part of the stamp by which runners
-- see that something changed.
CREATE TABLE runproof.budgets (
  tenant_id   text COLLATE "C" NOT NULL,
  id          text COLLATE "C" NOT NULL,
  version     integer NOT NULL,
  scope       text NOT NULL,
  period      text NOT NULL,
  zone        text NOT NULL,
  agent_id    text COLLATE "C",
  cost_cents  numeric,
  tokens      bigint,
  steps       bigint,
  runs        bigint,
  duration_ms bigint,
  on_exceeded text NOT NULL,
  digest      bytea NOT NULL,
  created_at  timestamptz NOT NULL,
  created_by  text NOT NULL,
  CONSTRAINT budgets_pkey PRIMARY KEY (tenant_id, id, version),
  CONSTRAINT budgets_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES runproof.tenants (tenant_id),
  CONSTRAINT budgets_agent_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents (tenant_id, id),
  CONSTRAINT budgets_id_form CHECK (char_length(id) BETWEEN 1 AND 64 AND id !~ '[^a-z0-9._-]' AND id <> 'run'),
  CONSTRAINT budgets_version_range CHECK (version >= 1),
  CONSTRAINT budgets_scope_word CHECK (scope IN ('run', 'agent', 'tenant')),
  CONSTRAINT budgets_period_word CHECK (period IN ('run', 'day', 'month', 'total') AND (period = 'run') = (scope = 'run')),
  CONSTRAINT budgets_agent_of_scope CHECK (agent_id IS NULL OR scope <> 'tenant'),
  CONSTRAINT budgets_zone_length CHECK (char_length(zone) BETWEEN 1 AND 64),
  CONSTRAINT budgets_cost_range CHECK (cost_cents BETWEEN 0 AND 79228162514264337593543950335 AND scale(cost_cents) <= 28),
  CONSTRAINT budgets_limits_range CHECK (
    tokens BETWEEN 0 AND 9007199254740991 AND steps BETWEEN 0 AND 9007199254740991 AND runs BETWEEN 0 AND 9007199254740991
    AND duration_ms BETWEEN 0 AND 9007199254740991),
  CONSTRAINT budgets_limit_given CHECK (num_nonnulls(cost_cents, tokens, steps, runs, duration_ms) > 0),
  CONSTRAINT budgets_limits_of_scope CHECK ((runs IS NULL OR scope <> 'run') AND (duration_ms IS NULL OR scope = 'run')),
  CONSTRAINT budgets_on_exceeded_word CHECK (on_exceeded IN ('halt', 'continue', 'require_approval')),
  CONSTRAINT budgets_digest_size CHECK (octet_length(digest) = 32),
  CONSTRAINT budgets_created_by_size CHECK (char_length(created_by) BETWEEN 1 AND 128)
);

-- version: what is in force under the id from then on; null: nothing.
CREATE TABLE runproof.budget_changes (
  tenant_id text COLLATE "C" NOT NULL,
  change    bigint NOT NULL,
  id        text COLLATE "C" NOT NULL,
  version   integer,
  at        timestamptz NOT NULL,
  by        text NOT NULL,
  CONSTRAINT budget_changes_pkey PRIMARY KEY (tenant_id, change),
  CONSTRAINT budget_changes_version_fkey FOREIGN KEY (tenant_id, id, version) REFERENCES runproof.budgets (tenant_id, id, version),
  CONSTRAINT budget_changes_change_range CHECK (change > 0),
  CONSTRAINT budget_changes_by_size CHECK (char_length(by) BETWEEN 1 AND 128)
);

-- Where things stand after the last change: what counting looks at, for every batch of steps. Empty where nobody has a budget.
CREATE TABLE runproof.budgets_in_force (
  tenant_id text COLLATE "C" NOT NULL,
  id        text COLLATE "C" NOT NULL,
  version   integer NOT NULL,
  CONSTRAINT budgets_in_force_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT budgets_in_force_version_fkey FOREIGN KEY (tenant_id, id, version) REFERENCES runproof.budgets (tenant_id, id, version)
);

-- subject: the agent, or nothing for the tenant. period_start: of the budget's zone; 1970-01-01 for all time. recent: the last attempts counted, the newest last:
-- one that is asked for again is known by them. Rewritten often: half of each page is left free.
CREATE TABLE runproof.budget_usage (
  tenant_id    text COLLATE "C" NOT NULL,
  budget_id    text COLLATE "C" NOT NULL,
  subject      text COLLATE "C" NOT NULL,
  period_start date NOT NULL,
  cost_cents   numeric NOT NULL DEFAULT 0,
  tokens       numeric NOT NULL DEFAULT 0,
  steps        bigint NOT NULL DEFAULT 0,
  runs         bigint NOT NULL DEFAULT 0,
  recent       bigint[] NOT NULL DEFAULT '{}',
  CONSTRAINT budget_usage_pkey PRIMARY KEY (tenant_id, budget_id, subject, period_start),
  CONSTRAINT budget_usage_range CHECK (cost_cents >= 0 AND tokens >= 0 AND steps >= 0 AND runs >= 0)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- The budgets of an agent's steps that are counted here. (Without settings of its own, as the next: a function that has them is not inlined.)
CREATE FUNCTION runproof.shared_budgets(p_tenant text, p_agent text) RETURNS SETOF runproof.budgets
  LANGUAGE sql STABLE AS $$
  SELECT b.* FROM runproof.budgets_in_force f
    JOIN runproof.budgets b ON b.tenant_id = f.tenant_id AND b.id = f.id AND b.version = f.version
    WHERE f.tenant_id = p_tenant AND (b.scope = 'tenant' OR b.scope = 'agent' AND p_agent IS NOT NULL AND coalesce(b.agent_id, p_agent) = p_agent)
$$;

CREATE FUNCTION runproof.period_start(p_period text, p_zone text, p_at timestamptz) RETURNS date
  LANGUAGE sql STABLE AS $$
  SELECT CASE p_period
    WHEN 'day' THEN (p_at AT TIME ZONE p_zone)::date
    WHEN 'month' THEN pg_catalog.date_trunc('month', p_at AT TIME ZONE p_zone)::date
    ELSE DATE '1970-01-01'
  END
$$;

-- Setting ---------------------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION runproof.set_budget(
    p_tenant text, p_id text, p_scope text, p_period text, p_zone text, p_agent text, p_cost numeric, p_tokens bigint, p_steps bigint, p_runs bigint,
    p_duration bigint, p_on_exceeded text, p_digest bytea, p_at timestamptz, p_by text) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  newest runproof.budgets;
  active integer;
BEGIN
  PERFORM runproof.require_durable_commit();
  PERFORM FROM runproof.tenants t WHERE t.tenant_id = p_tenant FOR NO KEY UPDATE;
  BEGIN
    PERFORM p_at AT TIME ZONE p_zone;
  EXCEPTION WHEN invalid_parameter_value THEN
    RETURN 'unknown_zone';
  END;
  SELECT b.* INTO newest FROM runproof.budgets b WHERE b.tenant_id = p_tenant AND b.id = p_id ORDER BY b.version DESC LIMIT 1;
  IF FOUND AND (newest.scope, newest.period, newest.zone) IS DISTINCT FROM (p_scope, p_period, p_zone) OR newest.version IS NOT NULL AND newest.agent_id IS DISTINCT FROM p_agent THEN
    RETURN 'of_other_kind';
  END IF;
  SELECT f.version INTO active FROM runproof.budgets_in_force f WHERE f.tenant_id = p_tenant AND f.id = p_id;
  IF newest.digest = p_digest AND newest.version = active THEN
    RETURN 'unchanged';
  END IF;
  IF newest.digest IS DISTINCT FROM p_digest THEN
    INSERT INTO runproof.budgets (tenant_id, id, version, scope, period, zone, agent_id, cost_cents, tokens, steps, runs, duration_ms, on_exceeded, digest, created_at, created_by)
      VALUES (p_tenant, p_id, coalesce(newest.version, 0) + 1, p_scope, p_period, p_zone, p_agent, p_cost, p_tokens, p_steps, p_runs, p_duration, p_on_exceeded,
        p_digest, p_at, p_by) RETURNING * INTO newest;
  END IF;
  PERFORM runproof.change_budget(p_tenant, p_id, newest.version, p_at, p_by);
  RETURN 'set';
END $$;

CREATE FUNCTION runproof.retire_budget(p_tenant text, p_id text, p_at timestamptz, p_by text) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM runproof.require_durable_commit();
  PERFORM FROM runproof.tenants t WHERE t.tenant_id = p_tenant FOR NO KEY UPDATE;
  IF NOT EXISTS (SELECT FROM runproof.budgets_in_force f WHERE f.tenant_id = p_tenant AND f.id = p_id) THEN
    RETURN false;
  END IF;
  PERFORM runproof.change_budget(p_tenant, p_id, NULL, p_at, p_by);
  RETURN true;
END $$;

-- The tenant's row is locked by who calls it: the next number is nobody else's.
CREATE FUNCTION runproof.change_budget(p_tenant text, p_id text, p_version integer, p_at timestamptz, p_by text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO runproof.budget_changes (tenant_id, change, id, version, at, by)
    SELECT p_tenant, coalesce(max(c.change), 0) + 1, p_id, p_version, p_at, p_by FROM runproof.budget_changes c WHERE c.tenant_id = p_tenant;
  IF p_version IS NULL THEN
    DELETE FROM runproof.budgets_in_force f WHERE f.tenant_id = p_tenant AND f.id = p_id;
  ELSE
    INSERT INTO runproof.budgets_in_force (tenant_id, id, version) VALUES (p_tenant, p_id, p_version)
      ON CONFLICT (tenant_id, id) DO UPDATE SET version = excluded.version;
  END IF;
END $$;

-- Counting --------------------------------------------------------------------------------------------------------------------------------

-- Cost and tokens of the steps of one statement: one row a budget, agent and period, always in the same order, so that no two batches wait for each other in a
-- circle. Tokens are a member of a step's context; only a context that has such a member is parsed (in a text the quotes of its name would be escaped).
CREATE FUNCTION runproof.count_steps() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM runproof.budgets_in_force) THEN
    RETURN NULL;
  END IF;
  INSERT INTO runproof.budget_usage AS u (tenant_id, budget_id, subject, period_start, cost_cents, tokens)
    SELECT s.tenant_id, b.id, CASE b.scope WHEN 'agent' THEN t.agent_id ELSE '' END, runproof.period_start(b.period, b.zone, s."timestamp"),
        sum(s.cost_cents), sum(s.tokens)
      FROM (SELECT a.tenant_id, a.trace_id, a."timestamp", a.cost_cents,
              CASE WHEN position('"tokens":' IN a.context) > 0 THEN coalesce((a.context::json ->> 'tokens')::numeric, 0) ELSE 0 END AS tokens
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

-- After append_steps (triggers fire in the order of their names): what that one refuses is not counted.
CREATE TRIGGER count_steps AFTER INSERT ON public.aos_trace_steps
  REFERENCING NEW TABLE AS counted FOR EACH STATEMENT EXECUTE FUNCTION runproof.count_steps();

-- The runs that one statement creates; it fails where they are too many. The rows stay locked to its end: of two that create the last run one waits and is refused.
CREATE FUNCTION runproof.count_runs() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  beyond record;
BEGIN
  IF NOT EXISTS (SELECT FROM runproof.budgets_in_force) THEN
    RETURN NULL;
  END IF;
  FOR beyond IN
    WITH created AS (
      INSERT INTO runproof.budget_usage AS u (tenant_id, budget_id, subject, period_start, runs)
        SELECT c.tenant_id, b.id, CASE b.scope WHEN 'agent' THEN c.agent_id ELSE '' END, runproof.period_start(b.period, b.zone, c.created_at), count(*)
          FROM counted c CROSS JOIN LATERAL runproof.shared_budgets(c.tenant_id, c.agent_id) b
          WHERE b.runs IS NOT NULL
          GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
        ON CONFLICT (tenant_id, budget_id, subject, period_start) DO UPDATE SET runs = u.runs + excluded.runs
        RETURNING u.tenant_id, u.budget_id, u.runs)
    SELECT w.budget_id, b.version, b.runs FROM created w
      JOIN runproof.budgets_in_force f ON f.tenant_id = w.tenant_id AND f.id = w.budget_id
      JOIN runproof.budgets b ON b.tenant_id = f.tenant_id AND b.id = f.id AND b.version = f.version
      WHERE w.runs > b.runs ORDER BY w.budget_id LIMIT 1
  LOOP
    RAISE EXCEPTION USING ERRCODE = 'RB001', MESSAGE = format('budget %s (version %s) allows %s runs of its period, and they are used', beyond.budget_id, beyond.version, beyond.runs);
  END LOOP;
  RETURN NULL;
END $$;

CREATE TRIGGER count_runs AFTER INSERT ON public.runs
  REFERENCING NEW TABLE AS counted FOR EACH STATEMENT EXECUTE FUNCTION runproof.count_runs();

-- The budgets that are used up, each by the first of its limits that is; none where the attempt may begin: then it is counted against those that limit steps. Only
-- they are locked, in the order of their ids; where there are none, this only reads.
CREATE FUNCTION runproof.take_budgets(p_tenant text, p_agent text, p_at timestamptz, p_attempt bigint)
  RETURNS TABLE (id text, version integer, scope text, period text, zone text, agent_id text, cost_cents numeric, tokens bigint, steps bigint, runs bigint,
    duration_ms bigint, on_exceeded text, digest bytea, created_at timestamptz, created_by text, what text, used numeric, most numeric)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  counts_steps boolean;
BEGIN
  SELECT coalesce(bool_or(b.steps IS NOT NULL), false) INTO counts_steps FROM runproof.shared_budgets(p_tenant, p_agent) b;
  IF counts_steps THEN
    INSERT INTO runproof.budget_usage (tenant_id, budget_id, subject, period_start)
      SELECT p_tenant, b.id, CASE b.scope WHEN 'agent' THEN p_agent ELSE '' END, runproof.period_start(b.period, b.zone, p_at)
        FROM runproof.shared_budgets(p_tenant, p_agent) b WHERE b.steps IS NOT NULL ORDER BY b.id
      ON CONFLICT DO NOTHING;
    PERFORM 1 FROM runproof.shared_budgets(p_tenant, p_agent) b
      JOIN runproof.budget_usage u ON u.tenant_id = p_tenant AND u.budget_id = b.id
        AND u.subject = CASE b.scope WHEN 'agent' THEN p_agent ELSE '' END AND u.period_start = runproof.period_start(b.period, b.zone, p_at)
      WHERE b.steps IS NOT NULL ORDER BY u.budget_id FOR UPDATE OF u;
  END IF;

  -- This statement sees what those before it left when they let go of the rows.
  RETURN QUERY
    SELECT s.id, s.version, s.scope, s.period, s.zone, s.agent_id, s.cost_cents, s.tokens, s.steps, s.runs, s.duration_ms, s.on_exceeded, s.digest, s.created_at,
        s.created_by, l.what, l.used, l.most
      FROM (SELECT b.*, coalesce(u.cost_cents, 0) AS used_cost, coalesce(u.tokens, 0) AS used_tokens,
              coalesce(u.steps, 0) - CASE WHEN p_attempt = ANY (u.recent) THEN 1 ELSE 0 END AS used_steps
              FROM runproof.shared_budgets(p_tenant, p_agent) b
              LEFT JOIN runproof.budget_usage u ON u.tenant_id = p_tenant AND u.budget_id = b.id
                AND u.subject = CASE b.scope WHEN 'agent' THEN p_agent ELSE '' END AND u.period_start = runproof.period_start(b.period, b.zone, p_at)) s
      CROSS JOIN LATERAL (VALUES (1, 'cost_cents', s.used_cost, s.cost_cents), (2, 'tokens', s.used_tokens, s.tokens::numeric),
        (3, 'steps', s.used_steps::numeric, s.steps::numeric)) l (place, what, used, most)
      WHERE l.used >= l.most
        AND NOT EXISTS (SELECT FROM (VALUES (1, s.used_cost, s.cost_cents), (2, s.used_tokens, s.tokens::numeric)) m (place, used, most)
          WHERE m.place < l.place AND m.used >= m.most)
      ORDER BY s.id;
  IF FOUND OR NOT counts_steps THEN
    RETURN;
  END IF;
  UPDATE runproof.budget_usage u SET steps = u.steps + 1, recent = u.recent[greatest(1, cardinality(u.recent) - 62):] || p_attempt
    FROM runproof.shared_budgets(p_tenant, p_agent) b
    WHERE u.tenant_id = p_tenant AND u.budget_id = b.id AND b.steps IS NOT NULL
      AND u.subject = CASE b.scope WHEN 'agent' THEN p_agent ELSE '' END AND u.period_start = runproof.period_start(b.period, b.zone, p_at)
      AND p_attempt <> ALL (u.recent);
END $$;

-- What the run that a worker has claimed has used, over all its attempts, by its evidence.
CREATE FUNCTION runproof.run_use(p_tenant text, p_run text, p_worker text) RETURNS TABLE (cost_cents numeric, tokens numeric, steps bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(sum(s.cost_cents), 0),
      coalesce(sum(CASE WHEN position('"tokens":' IN s.context) > 0 THEN coalesce((s.context::json ->> 'tokens')::numeric, 0) ELSE 0 END), 0),
      count(*) FILTER (WHERE s.status <> 'blocked')
    FROM public.runs r
    JOIN public.aos_traces t ON t.tenant_id = r.tenant_id AND t.run_id = r.id
    JOIN public.aos_trace_steps s ON s.trace_id = t.trace_id AND s.tenant_id = t.tenant_id
    WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status IN ('queued', 'running')
$$;

-- What a run may use, given with it and frozen like its plan: canonical JSON.
ALTER TABLE public.runs ADD COLUMN budget text, ADD CONSTRAINT runs_budget_length CHECK (char_length(budget) BETWEEN 2 AND 500);

-- Kill switches ---------------------------------------------------------------------------------------------------------------------------

-- Each row is on once and off once. tenant_id *: every tenant's, the operator's alone (no tenant has such an id).
CREATE TABLE runproof.kill_switches (
  tenant_id   text COLLATE "C" NOT NULL,
  number      integer NOT NULL,
  scope       text NOT NULL,
  agent_id    text COLLATE "C",
  skill       text COLLATE "C",
  graceful    boolean NOT NULL,
  reason      text NOT NULL,
  set_at      timestamptz NOT NULL,
  set_by      text NOT NULL,
  released_at timestamptz,
  released_by text,
  CONSTRAINT kill_switches_pkey PRIMARY KEY (tenant_id, number),
  CONSTRAINT kill_switches_agent_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents (tenant_id, id),
  CONSTRAINT kill_switches_number_range CHECK (number >= 1),
  CONSTRAINT kill_switches_scope_word CHECK (scope IN ('all', 'tenant', 'agent', 'skill') AND (scope = 'all') = (tenant_id = '*')),
  CONSTRAINT kill_switches_agent_of_scope CHECK ((scope = 'agent') = (agent_id IS NOT NULL)),
  CONSTRAINT kill_switches_skill_of_scope CHECK ((scope = 'skill') = (skill IS NOT NULL) AND char_length(skill) BETWEEN 1 AND 128),
  CONSTRAINT kill_switches_reason_length CHECK (char_length(reason) BETWEEN 1 AND 2000),
  CONSTRAINT kill_switches_by_lengths CHECK (char_length(set_by) BETWEEN 1 AND 128 AND char_length(released_by) BETWEEN 1 AND 128),
  CONSTRAINT kill_switches_release_whole CHECK ((released_at IS NULL) = (released_by IS NULL))
);

CREATE UNIQUE INDEX kill_switches_on ON runproof.kill_switches (tenant_id, scope, coalesce(agent_id, skill, '')) WHERE released_at IS NULL;

CREATE FUNCTION runproof.guard_kill_switch_update() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  permitted record := OLD;
BEGIN
  IF OLD.released_at IS NULL THEN
    permitted.released_at := NEW.released_at;
    permitted.released_by := NEW.released_by;
  END IF;
  IF permitted *= NEW THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6000', MESSAGE = format(
    'S6_IMMUTABILITY_VIOLATION: kill switch %s of tenant %s can only be released, once', OLD.number, OLD.tenant_id);
END $$;

-- Whether a run is stopped before it begins.
CREATE FUNCTION runproof.is_killed(p_tenant text, p_agent text) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM runproof.kill_switches k
    WHERE k.released_at IS NULL AND k.tenant_id IN (p_tenant, '*') AND (k.scope IN ('all', 'tenant') OR k.scope = 'agent' AND k.agent_id = p_agent))
$$;

CREATE FUNCTION runproof.kill(
    p_tenant text, p_scope text, p_agent text, p_skill text, p_graceful boolean, p_reason text, p_at timestamptz, p_by text)
  RETURNS TABLE (number integer, is_new boolean)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  made integer;
BEGIN
  PERFORM runproof.require_durable_commit();
  IF p_scope = 'all' THEN
    LOCK TABLE runproof.kill_switches IN SHARE ROW EXCLUSIVE MODE;
  ELSE
    PERFORM FROM runproof.tenants t WHERE t.tenant_id = p_tenant FOR NO KEY UPDATE;
  END IF;
  SELECT k.number INTO made FROM runproof.kill_switches k
    WHERE k.tenant_id = p_tenant AND k.scope = p_scope AND coalesce(k.agent_id, k.skill, '') = coalesce(p_agent, p_skill, '') AND k.released_at IS NULL;
  IF FOUND THEN
    RETURN QUERY SELECT made, false;
    RETURN;
  END IF;
  INSERT INTO runproof.kill_switches (tenant_id, number, scope, agent_id, skill, graceful, reason, set_at, set_by)
    SELECT p_tenant, coalesce(max(k.number), 0) + 1, p_scope, p_agent, p_skill, p_graceful, p_reason, p_at, p_by
      FROM runproof.kill_switches k WHERE k.tenant_id = p_tenant
    RETURNING number INTO made;

  -- What waits keeps its place in line and is not claimed. What somebody wants cancelled may still be.
  IF p_scope <> 'skill' THEN
    UPDATE runproof.run_queue q SET available_at = 'infinity' FROM public.runs r
      WHERE r.id = q.run_id AND r.tenant_id = q.tenant_id AND (p_scope = 'all' OR q.tenant_id = p_tenant) AND (p_scope <> 'agent' OR r.agent_id = p_agent)
        AND r.cancel_requested_at IS NULL AND q.available_at < 'infinity';
  END IF;
  RETURN QUERY SELECT made, true;
END $$;

-- The number of the switch that is released; null where none was on.
CREATE FUNCTION runproof.release_kill(p_tenant text, p_scope text, p_agent text, p_skill text, p_at timestamptz, p_by text) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  off integer;
BEGIN
  PERFORM runproof.require_durable_commit();
  UPDATE runproof.kill_switches k SET released_at = p_at, released_by = p_by
    WHERE k.tenant_id = p_tenant AND k.scope = p_scope AND coalesce(k.agent_id, k.skill, '') = coalesce(p_agent, p_skill, '') AND k.released_at IS NULL
    RETURNING k.number INTO off;
  IF off IS NOT NULL AND p_scope <> 'skill' THEN
    UPDATE runproof.run_queue q SET available_at = greatest(p_at, coalesce(r.not_before, p_at)) FROM public.runs r
      WHERE r.id = q.run_id AND r.tenant_id = q.tenant_id AND (p_scope = 'all' OR q.tenant_id = p_tenant) AND q.available_at = 'infinity'
        AND NOT runproof.is_killed(r.tenant_id, r.agent_id);
  END IF;
  RETURN off;
END $$;

-- What comes to wait while a switch is on is held like the rest.
CREATE FUNCTION runproof.hold_killed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  of_run record;
BEGIN
  IF EXISTS (SELECT FROM runproof.kill_switches k WHERE k.released_at IS NULL) THEN
    -- A run that this very statement makes is not seen yet; of such the gate refuses the first step.
    SELECT r.agent_id, r.cancel_requested_at INTO of_run FROM public.runs r WHERE r.id = NEW.run_id AND r.tenant_id = NEW.tenant_id;
    IF of_run.cancel_requested_at IS NULL AND runproof.is_killed(NEW.tenant_id, of_run.agent_id) THEN
      NEW.available_at := 'infinity';
    END IF;
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER hold_killed BEFORE INSERT ON runproof.run_queue FOR EACH ROW EXECUTE FUNCTION runproof.hold_killed();

-- The switches that are on, of all tenants: one question for all steps under way in a process.
CREATE FUNCTION runproof.kill_switches_on() RETURNS SETOF runproof.kill_switches
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.* FROM runproof.kill_switches k WHERE k.released_at IS NULL
$$;

-- Who may -----------------------------------------------------------------------------------------------------------------------------------

REVOKE ALL ON runproof.budgets, runproof.budget_changes, runproof.budgets_in_force, runproof.budget_usage, runproof.kill_switches FROM PUBLIC;
REVOKE ALL ON FUNCTION runproof.shared_budgets, runproof.period_start, runproof.set_budget, runproof.retire_budget, runproof.change_budget, runproof.count_steps,
  runproof.count_runs, runproof.take_budgets, runproof.run_use, runproof.guard_kill_switch_update, runproof.is_killed, runproof.kill, runproof.release_kill,
  runproof.hold_killed, runproof.kill_switches_on FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.set_budget, runproof.retire_budget, runproof.take_budgets, runproof.run_use, runproof.kill, runproof.release_kill,
  runproof.kill_switches_on TO runproof_runner;
GRANT SELECT ON runproof.budgets, runproof.budget_changes, runproof.budgets_in_force, runproof.budget_usage, runproof.kill_switches
  TO runproof_runner, runproof_auditor;

DO $$
DECLARE
  guarded regclass;
BEGIN
  FOREACH guarded IN ARRAY ARRAY['runproof.budgets', 'runproof.budget_changes', 'runproof.kill_switches']::regclass[] LOOP
    EXECUTE format('CREATE TRIGGER guard_update BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION %s', guarded,
      CASE guarded::text WHEN 'runproof.kill_switches' THEN 'runproof.guard_kill_switch_update()' ELSE 'runproof.refuse()' END);
    EXECUTE format('CREATE TRIGGER guard_delete BEFORE DELETE ON %s FOR EACH ROW EXECUTE FUNCTION runproof.refuse()', guarded);
    EXECUTE format('CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION runproof.refuse()', guarded);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER guard_update', guarded);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER guard_delete', guarded);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER guard_truncate', guarded);
  END LOOP;
  ALTER TABLE public.aos_trace_steps ENABLE ALWAYS TRIGGER count_steps;
  ALTER TABLE public.runs ENABLE ALWAYS TRIGGER count_runs;
  ALTER TABLE runproof.run_queue ENABLE ALWAYS TRIGGER hold_killed;
  FOREACH guarded IN ARRAY ARRAY['runproof.budgets', 'runproof.budget_changes', 'runproof.budgets_in_force', 'runproof.budget_usage', 'runproof.kill_switches']::regclass[] LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
    EXECUTE format('CREATE POLICY tenant_isolation ON %s TO runproof_runner, runproof_verifier, runproof_auditor '
      'USING (tenant_id = current_setting(''runproof.tenant_id'', true)%s)', guarded,
      CASE guarded::text WHEN 'runproof.kill_switches' THEN ' OR tenant_id = ''*''' ELSE '' END);
  END LOOP;
END $$;
