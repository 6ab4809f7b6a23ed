-- Who may do what. Default: nothing, for anyone but the owner.
--
--   runproof_owner      owns everything; migrates, archives, erases, manages keys. No service logs in as it.
--   runproof_runner     adds agents and runs, moves its runs, records through functions (0003). Cannot read or touch evidence.
--   runproof_verifier   reads evidence of the tenant that its transaction names.
--   runproof_auditor    reads evidence, runs, agents and erasures of the tenant that its transaction names.
--
-- A transaction names its tenant with set_config('runproof.tenant_id', $1, true). Without it the setting is null or empty and no row is seen.
-- What crosses tenants (a bearer's key, a worker's claims) goes through the functions below, which run as the owner.

REVOKE ALL ON ALL TABLES IN SCHEMA runproof FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA runproof FROM PUBLIC;
REVOKE ALL ON public.agents, public.runs, public.aos_traces, public.aos_trace_steps, public.aos_traces_archive, public.aos_trace_steps_archive FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE runproof_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- The bearer of a key, by the SHA-256 of the key's text; no row where there is none or it was revoked.
CREATE FUNCTION runproof.find_api_key(p_secret_hash bytea)
  RETURNS TABLE (tenant_id text, id text, name text, scope text, created_at timestamptz, revoked_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.tenant_id, k.id, k.name, k.scope, k.created_at, k.revoked_at FROM runproof.api_keys k
    WHERE k.secret_hash = p_secret_hash AND k.revoked_at IS NULL
$$;

-- Moves the end of a worker's claims on all its runs. Returns how many it has.
CREATE FUNCTION runproof.renew_runs(p_worker text, p_lease_until timestamptz) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  renewed integer;
BEGIN
  UPDATE public.runs r SET lease_until = p_lease_until WHERE r.status IN ('queued', 'running') AND r.worker = p_worker;
  GET DIAGNOSTICS renewed = ROW_COUNT;
  RETURN renewed;
END $$;

-- Claims runs under way, of any tenant, whose claim has run out: oldest first, none that another worker is claiming at this moment.
CREATE FUNCTION runproof.claim_abandoned_runs(p_worker text, p_now timestamptz, p_lease_until timestamptz, p_limit integer) RETURNS SETOF public.runs
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH abandoned AS MATERIALIZED (
    SELECT r.id, r.tenant_id FROM public.runs r
      WHERE r.status IN ('queued', 'running') AND r.lease_until < p_now
      ORDER BY r.lease_until LIMIT p_limit FOR UPDATE SKIP LOCKED)
  UPDATE public.runs r SET worker = p_worker, lease_until = p_lease_until
    FROM abandoned a WHERE r.id = a.id AND r.tenant_id = a.tenant_id RETURNING r.*
$$;

REVOKE ALL ON FUNCTION runproof.find_api_key, runproof.renew_runs, runproof.claim_abandoned_runs FROM PUBLIC;

GRANT USAGE ON SCHEMA runproof TO runproof_runner, runproof_verifier, runproof_auditor;
GRANT SELECT ON runproof.schema_migrations TO runproof_runner, runproof_verifier, runproof_auditor;
GRANT EXECUTE ON FUNCTION runproof.find_api_key TO runproof_runner, runproof_verifier;
GRANT EXECUTE ON FUNCTION runproof.renew_runs, runproof.claim_abandoned_runs TO runproof_runner;

GRANT SELECT, INSERT ON public.agents, public.runs TO runproof_runner;
GRANT UPDATE (status, attempts, error_code, error_message, started_at, completed_at, duration_ms, worker, lease_until) ON public.runs TO runproof_runner;
GRANT SELECT ON public.aos_traces, public.aos_trace_steps, public.aos_traces_archive, public.aos_trace_steps_archive, runproof.payload_erasures
  TO runproof_verifier, runproof_auditor;
GRANT SELECT ON public.agents, public.runs TO runproof_verifier, runproof_auditor;

DO $$
DECLARE
  guarded regclass;
BEGIN
  FOREACH guarded IN ARRAY ARRAY['public.agents', 'public.runs', 'public.aos_traces', 'public.aos_trace_steps', 'public.aos_traces_archive',
      'public.aos_trace_steps_archive', 'runproof.payload_erasures', 'runproof.tenants', 'runproof.api_keys', 'runproof.trace_heads']::regclass[] LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
    EXECUTE format('CREATE POLICY tenant_isolation ON %s TO runproof_runner, runproof_verifier, runproof_auditor '
      'USING (tenant_id = current_setting(''runproof.tenant_id'', true)) WITH CHECK (tenant_id = current_setting(''runproof.tenant_id'', true))', guarded);
  END LOOP;
END $$;
