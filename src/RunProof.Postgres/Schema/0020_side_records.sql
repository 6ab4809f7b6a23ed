-- Side records (src/SIDE-RECORDS.md): what follows from evidence and is asked for by itself. They are written by the transaction that writes what they follow from:
-- by triggers on steps, seals and the end of runs, so that no writer can forget them and none of them is there without it.
--
--   policy_evaluations   a row for every step whose decision a rule made or that was not plainly allowed, and one for every sealed trace, with the number of steps by decision
--   llm_run_records      a row for every step that called a model
--   incidents            a row for every trace that was not sealed as completed, and for every run that ended without success and without such a trace
--   governance_records   how a trace (or a run without one) ended, where it was not completed or a policy had a say in it
--   integrity_evidence   a row for every sealed trace: which of its parts and side records were there at that moment
--
-- Every column follows from a hashed column of the trace, so a verifier works it out again and compares: a row that somebody changed, took away or made up is found.
-- For the same reason there is no text in them that a skill or a caller wrote: what is erased from evidence (0004) is not kept here. They are never changed and never
-- deleted, and stay where they are when their trace moves to the archive.

CREATE TABLE public.policy_evaluations (
  tenant_id      text COLLATE "C" NOT NULL,
  run_id         text COLLATE "C" NOT NULL,
  trace_id       text COLLATE "C" NOT NULL,
  step_index     integer,
  step_link      bytea,
  decision       text,
  policy_id      text COLLATE "C",
  policy_version text COLLATE "C",
  policy_digest  text COLLATE "C",
  rule_id        text COLLATE "C",
  blocked        boolean,
  decisions      jsonb,
  evaluated_at   timestamptz NOT NULL,
  CONSTRAINT policy_evaluations_key UNIQUE NULLS NOT DISTINCT (run_id, tenant_id, trace_id, step_index),
  CONSTRAINT policy_evaluations_of_a_step_or_a_trace CHECK (
    (step_index IS NULL) = (step_link IS NULL) AND (step_index IS NULL) = (decision IS NULL) AND (step_index IS NULL) = (blocked IS NULL)
    AND (step_index IS NULL) = (decisions IS NOT NULL))
);

CREATE TABLE public.llm_run_records (
  tenant_id        text COLLATE "C" NOT NULL,
  run_id           text COLLATE "C" NOT NULL,
  trace_id         text COLLATE "C" NOT NULL,
  step_index       integer NOT NULL,
  step_link        bytea NOT NULL,
  provider         text,
  model            text,
  prompt_hash      bytea NOT NULL,
  response_hash    bytea,
  input_tokens     bigint,
  cached_tokens    bigint,
  output_tokens    bigint,
  reasoning_tokens bigint,
  price_version    text,
  cost_cents       numeric,
  execution_status text NOT NULL,
  started_at       timestamptz NOT NULL,
  duration_ms      double precision NOT NULL,
  CONSTRAINT llm_run_records_pkey PRIMARY KEY (run_id, tenant_id, trace_id, step_index)
);

-- trace_id is null where the run ended without a trace that says so; then the row follows from the run's own and not from evidence.
CREATE TABLE public.incidents (
  id                    text COLLATE "C" NOT NULL,
  tenant_id             text COLLATE "C" NOT NULL,
  source_run_id         text COLLATE "C" NOT NULL,
  trace_id              text COLLATE "C",
  step_index            integer,
  step_link             bytea,
  title                 text NOT NULL,
  outcome               text NOT NULL,
  trigger_type          text NOT NULL,
  severity              text NOT NULL,
  category              text NOT NULL,
  error_code            text,
  affected_agent_id     text COLLATE "C",
  is_synthetic          boolean NOT NULL,
  synthetic_scenario_id text,
  occurred_at           timestamptz NOT NULL,
  CONSTRAINT incidents_pkey PRIMARY KEY (source_run_id, tenant_id, id),
  CONSTRAINT incidents_outcome_word CHECK (outcome IN ('FAILURE', 'BLOCKED', 'ABORTED', 'CANCELLED')),
  CONSTRAINT incidents_severity_word CHECK (severity IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
  CONSTRAINT incidents_step_whole CHECK ((step_index IS NULL) = (step_link IS NULL) AND (trace_id IS NOT NULL OR step_index IS NULL))
);

CREATE INDEX incidents_listing ON public.incidents (tenant_id, occurred_at DESC, id DESC);

CREATE TABLE public.governance_records (
  id                 text COLLATE "C" NOT NULL,
  tenant_id          text COLLATE "C" NOT NULL,
  run_id             text COLLATE "C" NOT NULL,
  trace_id           text COLLATE "C",
  outcome            text NOT NULL,
  termination_reason text NOT NULL,
  stopped_at_step    integer,
  policy_decisions   integer NOT NULL,
  policy_id          text COLLATE "C",
  policy_version     text COLLATE "C",
  policy_digest      text COLLATE "C",
  rule_id            text COLLATE "C",
  incident           text COLLATE "C",
  completed_at       timestamptz NOT NULL,
  CONSTRAINT governance_records_pkey PRIMARY KEY (run_id, tenant_id, id),
  CONSTRAINT governance_records_outcome_word CHECK (outcome IN ('SUCCESS', 'FAILURE', 'BLOCKED', 'ABORTED', 'CANCELLED')),
  CONSTRAINT governance_records_incident_of_no_success CHECK ((incident IS NULL) = (outcome = 'SUCCESS'))
);

CREATE TABLE public.integrity_evidence (
  tenant_id           text COLLATE "C" NOT NULL,
  run_id              text COLLATE "C" NOT NULL,
  trace_id            text COLLATE "C" NOT NULL,
  expected_artifacts  jsonb NOT NULL,
  observed_artifacts  jsonb NOT NULL,
  missing_artifacts   text[] NOT NULL,
  integrity_score     text NOT NULL,
  integrity_status    text NOT NULL,
  verification_method text NOT NULL,
  observed_at         timestamptz NOT NULL,
  CONSTRAINT integrity_evidence_pkey PRIMARY KEY (run_id, tenant_id, trace_id),
  CONSTRAINT integrity_evidence_status_follows CHECK ((integrity_status = 'COMPLETE') = (missing_artifacts = '{}') AND integrity_status IN ('COMPLETE', 'INCOMPLETE'))
);

-- What words mean --------------------------------------------------------------------------------------------------------------------------

-- JSON of evidence, or null where it is none that can be looked into: a step is never lost over its side record. (jsonb holds no NUL, and no word of ours has one.)
CREATE FUNCTION runproof.looked_into(p_text text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN replace(p_text, '\u0000', '\ufffd')::jsonb;
EXCEPTION
  WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN RETURN NULL;
END $$;

-- A count in JSON, or null where it is none.
CREATE FUNCTION runproof.count_of(p_value text) RETURNS bigint LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN p_value ~ '^[0-9]{1,18}$' THEN p_value::bigint END
$$;

-- The class of an end by its code: AOS's words where it had one, and its severities. src/SIDE-RECORDS.md has the map in words, and RunProof.Ledger once more: what a
-- verifier expects is not asked of the database.
CREATE FUNCTION runproof.incident_class(p_code text) RETURNS TABLE (trigger_type text, severity text, category text, termination_reason text)
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.* FROM (SELECT CASE
      WHEN p_code IS NULL THEN 'UNKNOWN'
      WHEN p_code = 'cancelled' THEN 'CANCELLED'
      WHEN p_code IN ('stopped', 'killed', 'kill_switch') THEN 'MANUAL_STOP'
      WHEN p_code IN ('worker_lost', 'interrupted') THEN 'AGENT_CRASH'
      WHEN p_code IN ('engine_error', 'fenced') OR starts_with(p_code, 'evidence_') THEN 'EVIDENCE_FAILURE'
      WHEN p_code IN ('policy_denied', 'approval_required', 'approval_rejected', 'approval_expired') THEN 'POLICY_BLOCK'
      WHEN p_code IN ('policy_unavailable', 'budget_unavailable') THEN 'GOVERNANCE_UNAVAILABLE'
      WHEN p_code = 'budget_exceeded' THEN 'BUDGET_EXCEEDED'
      WHEN p_code IN ('rate_limited', 'http_429') THEN 'RATE_LIMIT_EXCEEDED'
      WHEN p_code IN ('timeout', 'http_408', 'http_504') THEN 'EXECUTION_TIMEOUT'
      WHEN p_code IN ('output_too_large', 'response_too_large') THEN 'RESOURCE_EXHAUSTION'
      ELSE 'STEP_FAILURE'
    END AS word) w
  JOIN (VALUES
    ('UNKNOWN', 'MEDIUM', 'EXECUTION_FAILURE', 'system_failure'),
    ('CANCELLED', 'LOW', 'MANUAL', 'user_abort'),
    ('MANUAL_STOP', 'LOW', 'MANUAL', 'user_abort'),
    ('AGENT_CRASH', 'CRITICAL', 'EXECUTION_FAILURE', 'system_failure'),
    ('EVIDENCE_FAILURE', 'CRITICAL', 'EVIDENCE', 'system_failure'),
    ('POLICY_BLOCK', 'MEDIUM', 'POLICY', 'policy_block'),
    ('GOVERNANCE_UNAVAILABLE', 'HIGH', 'POLICY', 'policy_block'),
    ('BUDGET_EXCEEDED', 'MEDIUM', 'BUDGET_EXCEEDED', 'budget_exceeded'),
    ('RATE_LIMIT_EXCEEDED', 'MEDIUM', 'RATE_LIMIT', 'rate_limited'),
    ('EXECUTION_TIMEOUT', 'HIGH', 'EXECUTION_FAILURE', 'timeout'),
    ('RESOURCE_EXHAUSTION', 'MEDIUM', 'RESOURCE_EXHAUSTION', 'step_failure'),
    ('STEP_FAILURE', 'HIGH', 'EXECUTION_FAILURE', 'step_failure')) c (word, severity, category, reason) ON c.word = w.word
$$;

CREATE FUNCTION runproof.incident_title(p_outcome text, p_step integer, p_code text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'run ' || CASE p_outcome WHEN 'FAILURE' THEN 'failed' ELSE lower(p_outcome) END || coalesce(' at step ' || p_step, '') || coalesce(': ' || p_code, '')
$$;

-- Steps --------------------------------------------------------------------------------------------------------------------------------------

-- The recorder writes a decision as {"decision":"allowed","reason":"no …"} where no rule decided. A step that has just that, and no model's usage, costs one look at
-- its context and nothing else. Canonical JSON has one spelling, and a quote within a text has a backslash before it: so a look for the text will do here; whoever hid
-- a decision from it, deep in another object, is found by the verifier, which reads the JSON.
CREATE FUNCTION runproof.side_records_of_steps() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM appended a
      WHERE strpos(a.context, '"policy":{"decision":"allowed","reason":"no ') = 0 OR strpos(a.context, '"usage":{"cached_tokens":') > 0) THEN
    RETURN NULL;
  END IF;

  INSERT INTO public.policy_evaluations
      (tenant_id, run_id, trace_id, step_index, step_link, decision, policy_id, policy_version, policy_digest, rule_id, blocked, evaluated_at)
    SELECT a.tenant_id, t.run_id, a.trace_id, a.step_index, a.link, p.said ->> 'decision', p.said ->> 'policy', p.said ->> 'version', p.said ->> 'digest',
      p.said ->> 'rule', a.status = 'blocked', a."timestamp"
    FROM appended a
    JOIN public.aos_traces t ON t.trace_id = a.trace_id AND t.tenant_id = a.tenant_id
    CROSS JOIN LATERAL (SELECT runproof.looked_into(a.context) -> 'policy') p (said)
    WHERE strpos(a.context, '"policy":{"decision":"allowed","reason":"no ') = 0
      AND p.said ->> 'decision' <> 'not_governed' AND (p.said ->> 'decision' <> 'allowed' OR p.said ->> 'policy' IS NOT NULL)
    ON CONFLICT DO NOTHING;

  INSERT INTO public.llm_run_records (tenant_id, run_id, trace_id, step_index, step_link, provider, model, prompt_hash, response_hash, input_tokens, cached_tokens,
      output_tokens, reasoning_tokens, price_version, cost_cents, execution_status, started_at, duration_ms)
    SELECT a.tenant_id, t.run_id, a.trace_id, a.step_index, a.link, u.said ->> 'provider', u.said ->> 'model', a.input_hash, a.output_hash,
      runproof.count_of(u.said ->> 'input_tokens'), runproof.count_of(u.said ->> 'cached_tokens'), runproof.count_of(u.said ->> 'output_tokens'),
      runproof.count_of(u.said ->> 'reasoning_tokens'), u.said ->> 'price_version',
      CASE WHEN u.said ->> 'cost_cents' ~ '^[0-9]{1,29}(\.[0-9]{1,28})?$' THEN (u.said ->> 'cost_cents')::numeric END, a.status, a."timestamp", a.duration_ms
    FROM appended a
    JOIN public.aos_traces t ON t.trace_id = a.trace_id AND t.tenant_id = a.tenant_id
    CROSS JOIN LATERAL (SELECT runproof.looked_into(a.context) -> 'usage') u (said)
    WHERE strpos(a.context, '"usage":{"cached_tokens":') > 0 AND u.said IS NOT NULL
    ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

CREATE TRIGGER side_records AFTER INSERT ON public.aos_trace_steps
  REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION runproof.side_records_of_steps();

-- Seals --------------------------------------------------------------------------------------------------------------------------------------

-- Most traces were completed, no rule decided anything in them and no model was called: they get their two rows by one lean statement. For the others another one
-- counts and writes all that there is to say; rows are counted as it found them, and what it adds is added to that.
CREATE FUNCTION runproof.side_records_of_seals() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  seals bigint;
  plain_ones bigint;
BEGIN
  WITH sealed AS MATERIALIZED (
    SELECT n.tenant_id, n.trace_id, n.run_id, n.completed_at, n.chain_length, n.status = 'completed' AND f.steps = n.chain_length AND f.usual = n.chain_length AS is_plain
      FROM after_it n
      JOIN before_it o ON o.trace_id = n.trace_id AND o.tenant_id = n.tenant_id AND o.status = 'running'
      CROSS JOIN LATERAL (
        SELECT count(*) AS steps,
            count(*) FILTER (WHERE strpos(s.context, '"policy":{"decision":"allowed","reason":"no ') > 0 AND strpos(s.context, '"usage":{"cached_tokens":') = 0) AS usual
          FROM public.aos_trace_steps s WHERE s.trace_id = n.trace_id AND s.tenant_id = n.tenant_id) f
      WHERE n.status <> 'running'),
  summed AS (
    INSERT INTO public.policy_evaluations (tenant_id, run_id, trace_id, decisions, evaluated_at)
      SELECT s.tenant_id, s.run_id, s.trace_id, (CASE s.chain_length WHEN 0 THEN '{}' ELSE '{"allowed":' || s.chain_length || '}' END)::jsonb, s.completed_at
        FROM sealed s WHERE s.is_plain
      ON CONFLICT DO NOTHING),
  counted AS (
    INSERT INTO public.integrity_evidence
        (tenant_id, run_id, trace_id, expected_artifacts, observed_artifacts, missing_artifacts, integrity_score, integrity_status, verification_method, observed_at)
      SELECT s.tenant_id, s.run_id, s.trace_id, a.artifacts, a.artifacts, '{}', a.number || '/' || a.number, 'COMPLETE', 'counted_at_seal', s.completed_at
        FROM sealed s
        CROSS JOIN LATERAL (SELECT 3 + 2 * s.chain_length, ('{"decisions":' || s.chain_length || ',"governance_records":0,"header":1,"incidents":0,"llm_run_records":0,'
          || '"policy_evaluations":1,"seal":1,"steps":' || s.chain_length || '}')::jsonb) a (number, artifacts)
        WHERE s.is_plain
      ON CONFLICT DO NOTHING)
  SELECT count(*), count(*) FILTER (WHERE s.is_plain) INTO seals, plain_ones FROM sealed s;
  IF plain_ones = seals THEN
    RETURN NULL;
  END IF;

  WITH sealed AS MATERIALIZED (
    SELECT n.tenant_id, n.trace_id, n.run_id, n.agent_id, n.is_synthetic, n.synthetic_scenario_id, n.status, n.completed_at, n.chain_length,
        CASE WHEN n.status <> 'completed' THEN runproof.looked_into(n.metadata) -> 'error' ->> 'code' END AS said_code,
        f.steps, f.decided, f.by_rule, f.models, coalesce(f.decisions, '{}') AS decisions, e.evaluations, m.records
      FROM after_it n
      JOIN before_it o ON o.trace_id = n.trace_id AND o.tenant_id = n.tenant_id AND o.status = 'running'
      CROSS JOIN LATERAL (
        SELECT coalesce(sum(w.steps), 0)::integer AS steps, coalesce(sum(w.steps) FILTER (WHERE w.word <> ''), 0)::integer AS decided,
            coalesce(sum(w.ruled), 0)::integer AS by_rule, coalesce(sum(w.models), 0)::integer AS models,
            jsonb_object_agg(w.word, w.steps) FILTER (WHERE w.word <> '') AS decisions
          FROM (
            SELECT d.word, count(*) AS steps, count(*) FILTER (WHERE strpos(s.context, '"usage":{"cached_tokens":') > 0) AS models,
                count(*) FILTER (WHERE d.word NOT IN ('', 'allowed', 'not_governed') OR strpos(s.context, '"policy":{"decision":"allowed","digest":') > 0) AS ruled
              FROM public.aos_trace_steps s
              CROSS JOIN LATERAL (SELECT coalesce(split_part(split_part(s.context, '"policy":{"decision":"', 2), '"', 1), '')) d (word)
              WHERE s.trace_id = n.trace_id AND s.tenant_id = n.tenant_id
              GROUP BY d.word) w) f
      CROSS JOIN LATERAL (SELECT count(*)::integer FROM public.policy_evaluations p
        WHERE p.run_id = n.run_id AND p.tenant_id = n.tenant_id AND p.trace_id = n.trace_id AND p.step_index IS NOT NULL) e (evaluations)
      CROSS JOIN LATERAL (SELECT count(*)::integer FROM public.llm_run_records r
        WHERE r.run_id = n.run_id AND r.tenant_id = n.tenant_id AND r.trace_id = n.trace_id) m (records)
      WHERE n.status <> 'running' AND NOT EXISTS (SELECT FROM public.integrity_evidence i WHERE i.run_id = n.run_id AND i.tenant_id = n.tenant_id AND i.trace_id = n.trace_id)),
  ended AS MATERIALIZED (
    SELECT s.*, x.step_index AS stopped_at, x.link AS stopped_link, coalesce(s.said_code, x.outcome_code) AS code,
        CASE WHEN s.status = 'completed' THEN 'SUCCESS' WHEN coalesce(s.said_code, x.outcome_code) = 'cancelled' THEN 'CANCELLED' WHEN x.status = 'blocked' THEN 'BLOCKED'
          WHEN s.status = 'aborted' THEN 'ABORTED' ELSE 'FAILURE' END AS outcome
      FROM sealed s
      -- The step that ended it: the last one that failed with the seal's code, or else the trace's last where that failed.
      LEFT JOIN LATERAL (
        SELECT p.step_index, p.link, p.status, p.outcome_code FROM public.aos_trace_steps p
          WHERE p.trace_id = s.trace_id AND p.tenant_id = s.tenant_id AND p.level = 'ERROR' AND (p.outcome_code = s.said_code OR p.step_index = s.chain_length - 1)
          ORDER BY (p.outcome_code = s.said_code) IS TRUE DESC, p.step_index DESC LIMIT 1) x ON s.status <> 'completed'),
  summed AS (
    INSERT INTO public.policy_evaluations (tenant_id, run_id, trace_id, decisions, evaluated_at)
      SELECT e.tenant_id, e.run_id, e.trace_id, e.decisions, e.completed_at FROM ended e
      ON CONFLICT DO NOTHING RETURNING tenant_id, trace_id),
  noted AS (
    INSERT INTO public.incidents (id, tenant_id, source_run_id, trace_id, step_index, step_link, title, outcome, trigger_type, severity, category, error_code,
        affected_agent_id, is_synthetic, synthetic_scenario_id, occurred_at)
      SELECT 'inc_' || e.trace_id, e.tenant_id, e.run_id, e.trace_id, e.stopped_at, e.stopped_link, runproof.incident_title(e.outcome, e.stopped_at, e.code), e.outcome,
          c.trigger_type, c.severity, c.category, e.code, e.agent_id, e.is_synthetic, e.synthetic_scenario_id, e.completed_at
        FROM ended e CROSS JOIN LATERAL runproof.incident_class(e.code) c WHERE e.status <> 'completed'
      ON CONFLICT DO NOTHING RETURNING tenant_id, trace_id),
  governed AS (
    INSERT INTO public.governance_records
        (id, tenant_id, run_id, trace_id, outcome, termination_reason, stopped_at_step, policy_decisions, policy_id, policy_version, policy_digest, rule_id, incident, completed_at)
      SELECT 'gov_' || e.trace_id, e.tenant_id, e.run_id, e.trace_id, e.outcome, CASE WHEN e.status = 'completed' THEN 'completed' ELSE c.termination_reason END,
          e.stopped_at, e.by_rule, p.policy_id, p.policy_version, p.policy_digest, p.rule_id, CASE WHEN e.status <> 'completed' THEN 'inc_' || e.trace_id END, e.completed_at
        FROM ended e
        CROSS JOIN LATERAL runproof.incident_class(e.code) c
        LEFT JOIN public.policy_evaluations p ON p.run_id = e.run_id AND p.tenant_id = e.tenant_id AND p.trace_id = e.trace_id AND p.step_index = e.stopped_at
        WHERE e.status <> 'completed' OR e.by_rule > 0
      ON CONFLICT DO NOTHING RETURNING tenant_id, trace_id),
  counted AS (
    SELECT e.tenant_id, e.run_id, e.trace_id, e.completed_at, a.*
      FROM ended e
      CROSS JOIN LATERAL (VALUES
        ('decisions', e.chain_length, e.decided),
        ('governance_records', (e.status <> 'completed' OR e.by_rule > 0)::integer, (EXISTS (SELECT FROM governed g WHERE g.trace_id = e.trace_id AND g.tenant_id = e.tenant_id))::integer),
        ('header', 1, 1),
        ('incidents', (e.status <> 'completed')::integer, (EXISTS (SELECT FROM noted i WHERE i.trace_id = e.trace_id AND i.tenant_id = e.tenant_id))::integer),
        ('llm_run_records', e.models, e.records),
        ('policy_evaluations', e.by_rule + 1, e.evaluations + (EXISTS (SELECT FROM summed u WHERE u.trace_id = e.trace_id AND u.tenant_id = e.tenant_id))::integer),
        ('seal', 1, 1),
        ('steps', e.chain_length, e.steps)) a (artifact, expected, observed))
  INSERT INTO public.integrity_evidence
      (tenant_id, run_id, trace_id, expected_artifacts, observed_artifacts, missing_artifacts, integrity_score, integrity_status, verification_method, observed_at)
    SELECT c.tenant_id, c.run_id, c.trace_id, jsonb_object_agg(c.artifact, c.expected), jsonb_object_agg(c.artifact, c.observed),
        coalesce(array_agg(c.artifact ORDER BY c.artifact) FILTER (WHERE c.observed < c.expected), '{}'), sum(least(c.observed, c.expected)) || '/' || sum(c.expected),
        CASE WHEN bool_and(c.observed >= c.expected) THEN 'COMPLETE' ELSE 'INCOMPLETE' END, 'counted_at_seal', c.completed_at
      FROM counted c GROUP BY c.tenant_id, c.run_id, c.trace_id, c.completed_at
    ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

CREATE TRIGGER side_records AFTER UPDATE ON public.aos_traces
  REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION runproof.side_records_of_seals();

-- Runs ---------------------------------------------------------------------------------------------------------------------------------------

-- A run that ends without success and without a trace that says so: refused or cancelled before it began, or its evidence could not be written. (By row: such an end
-- is rare, and the condition below costs nothing where it does not hold; a transition table would be filled by every renewal of a lease.)
CREATE FUNCTION runproof.side_records_of_run_end() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  number bigint;
  said text := CASE NEW.status WHEN 'cancelled' THEN 'CANCELLED' WHEN 'aborted' THEN 'ABORTED' ELSE 'FAILURE' END;
BEGIN
  IF EXISTS (SELECT FROM public.incidents i
      WHERE i.source_run_id = NEW.id AND i.tenant_id = NEW.tenant_id AND i.trace_id = runproof.trace_of(NEW.id, NEW.attempts) AND NEW.attempts > 0) THEN
    RETURN NULL;
  END IF;
  SELECT count(*) + 1 INTO number FROM public.incidents i WHERE i.source_run_id = NEW.id AND i.tenant_id = NEW.tenant_id AND i.trace_id IS NULL;
  INSERT INTO public.incidents (id, tenant_id, source_run_id, title, outcome, trigger_type, severity, category, error_code, affected_agent_id, is_synthetic,
      synthetic_scenario_id, occurred_at)
    SELECT 'inc_run_' || NEW.id || '.' || number, NEW.tenant_id, NEW.id, runproof.incident_title(said, NULL, NEW.error_code), said, c.trigger_type, c.severity, c.category,
      NEW.error_code, NEW.agent_id, NEW.is_synthetic, NEW.synthetic_scenario_id, NEW.completed_at
    FROM runproof.incident_class(NEW.error_code) c;
  INSERT INTO public.governance_records (id, tenant_id, run_id, outcome, termination_reason, policy_decisions, incident, completed_at)
    SELECT 'gov_run_' || NEW.id || '.' || number, NEW.tenant_id, NEW.id, said, c.termination_reason, 0, 'inc_run_' || NEW.id || '.' || number, NEW.completed_at
    FROM runproof.incident_class(NEW.error_code) c;
  RETURN NULL;
END $$;

CREATE TRIGGER side_records AFTER UPDATE OF status ON public.runs FOR EACH ROW
  WHEN (NEW.status IN ('failed', 'aborted', 'cancelled') AND OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION runproof.side_records_of_run_end();

-- Who may ------------------------------------------------------------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION runproof.looked_into, runproof.count_of, runproof.incident_class, runproof.incident_title, runproof.side_records_of_steps,
  runproof.side_records_of_seals, runproof.side_records_of_run_end FROM PUBLIC;

DO $$
DECLARE
  guarded regclass;
BEGIN
  FOREACH guarded IN ARRAY ARRAY['public.aos_traces', 'public.aos_trace_steps', 'public.runs']::regclass[] LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER side_records', guarded);
  END LOOP;
  FOREACH guarded IN ARRAY ARRAY['public.policy_evaluations', 'public.llm_run_records', 'public.incidents', 'public.governance_records', 'public.integrity_evidence']::regclass[] LOOP
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', guarded);
    EXECUTE format('GRANT SELECT ON %s TO runproof_verifier, runproof_auditor', guarded);
    EXECUTE format('CREATE TRIGGER guard_update BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION runproof.refuse()', guarded);
    EXECUTE format('CREATE TRIGGER guard_delete BEFORE DELETE ON %s FOR EACH ROW EXECUTE FUNCTION runproof.refuse()', guarded);
    EXECUTE format('CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION runproof.refuse()', guarded);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER guard_update', guarded);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER guard_delete', guarded);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER guard_truncate', guarded);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
    EXECUTE format('CREATE POLICY tenant_isolation ON %s TO runproof_runner, runproof_verifier, runproof_auditor '
      'USING (tenant_id = current_setting(''runproof.tenant_id'', true))', guarded);
  END LOOP;
END $$;
