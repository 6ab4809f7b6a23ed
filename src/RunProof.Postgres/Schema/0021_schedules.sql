-- Schedules: runs that are asked for by the clock.
--
-- Every runner looks once a second for what is due and claims it, so that one fires it; the claim runs out with its process. What makes a time fire exactly once is
-- the run's idempotency key, "schedule:NAME:TIME": whoever fires a time that was fired before finds that run. A schedule is settled, its next time set, after its
-- runs are stored, and only by whoever has the claim and saw the definition that is there still.

CREATE TABLE runproof.schedules (
  tenant_id      text COLLATE "C" NOT NULL CONSTRAINT schedules_tenant_fkey REFERENCES runproof.tenants (tenant_id),
  name           text COLLATE "C" NOT NULL,
  cron           text NOT NULL,
  time_zone      text NOT NULL,
  request        text NOT NULL,
  enabled        boolean NOT NULL,
  catch_up       text NOT NULL,
  catch_up_limit integer NOT NULL,
  overlap        text NOT NULL,
  next_due       timestamptz,
  look_at        timestamptz,
  waiting        timestamptz[] NOT NULL DEFAULT '{}',
  last_due       timestamptz,
  last_run_id    text COLLATE "C",
  fired          bigint NOT NULL DEFAULT 0,
  skipped        bigint NOT NULL DEFAULT 0,
  error          text,
  revision       bigint NOT NULL DEFAULT 1,
  claimed_by     text,
  claimed_until  timestamptz,
  created_at     timestamptz NOT NULL,
  created_by     text NOT NULL,
  updated_at     timestamptz NOT NULL,
  updated_by     text NOT NULL,
  CONSTRAINT schedules_pkey PRIMARY KEY (tenant_id, name),
  CONSTRAINT schedules_name_form CHECK (char_length(name) BETWEEN 1 AND 64 AND name ~ '^[a-z0-9]' AND name !~ '[^a-z0-9_-]'),
  CONSTRAINT schedules_cron_length CHECK (char_length(cron) BETWEEN 1 AND 200),
  CONSTRAINT schedules_time_zone_length CHECK (char_length(time_zone) BETWEEN 1 AND 64),
  CONSTRAINT schedules_request_length CHECK (octet_length(request) <= 1048576),
  CONSTRAINT schedules_catch_up_word CHECK (catch_up IN ('none', 'last', 'all')),
  CONSTRAINT schedules_catch_up_limit_range CHECK (catch_up_limit BETWEEN 1 AND 100),
  CONSTRAINT schedules_overlap_word CHECK (overlap IN ('skip', 'allow', 'queue')),
  CONSTRAINT schedules_waiting_range CHECK (cardinality(waiting) <= 100),
  CONSTRAINT schedules_claim_whole CHECK ((claimed_by IS NULL) = (claimed_until IS NULL)),
  CONSTRAINT schedules_disabled_waits_for_nothing CHECK (enabled OR look_at IS NULL)
) WITH (fillfactor = 80);

CREATE INDEX schedules_due ON runproof.schedules (look_at) WHERE look_at IS NOT NULL;

-- Claims schedules, of any tenant, that are to be looked at: the longest due first, none that another worker has. under_way: a run of it has not ended, among the last
-- hundred.
CREATE FUNCTION runproof.claim_schedules(p_worker text, p_now timestamptz, p_until timestamptz, p_limit integer)
  RETURNS TABLE (tenant_id text, name text, under_way boolean)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH due AS MATERIALIZED (
    SELECT s.tenant_id, s.name FROM runproof.schedules s
      WHERE s.look_at <= p_now AND (s.claimed_until IS NULL OR s.claimed_until < p_now)
      ORDER BY s.look_at LIMIT p_limit FOR UPDATE SKIP LOCKED),
  claimed AS (
    UPDATE runproof.schedules s SET claimed_by = p_worker, claimed_until = p_until FROM due d WHERE s.tenant_id = d.tenant_id AND s.name = d.name
      RETURNING s.tenant_id, s.name)
  SELECT c.tenant_id, c.name, EXISTS (
      SELECT FROM (
        SELECT r.completed_at FROM public.runs r
          WHERE r.tenant_id = c.tenant_id AND r.idempotency_key >= 'schedule:' || c.name || ':' AND r.idempotency_key < 'schedule:' || c.name || ';'
          ORDER BY r.idempotency_key DESC LIMIT 100) l
        WHERE l.completed_at IS NULL)
    FROM claimed c
$$;

REVOKE ALL ON FUNCTION runproof.claim_schedules FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.claim_schedules TO runproof_runner;
GRANT SELECT, INSERT, UPDATE, DELETE ON runproof.schedules TO runproof_runner;
REVOKE ALL ON runproof.schedules FROM PUBLIC;

ALTER TABLE runproof.schedules ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON runproof.schedules TO runproof_runner, runproof_verifier, runproof_auditor
  USING (tenant_id = current_setting('runproof.tenant_id', true)) WITH CHECK (tenant_id = current_setting('runproof.tenant_id', true));
