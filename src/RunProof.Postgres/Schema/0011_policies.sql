-- Policies (src/POLICIES.md): versions, which never change, and the changes that put one in force or take it out. Both only grow: what was in force at any time
-- can be told, and the number of the last change of a tenant is the stamp by which runners see that something changed.

ALTER TABLE runproof.api_keys DROP CONSTRAINT api_keys_scope_word;
ALTER TABLE runproof.api_keys ADD CONSTRAINT api_keys_scope_word CHECK (scope IN ('runner', 'auditor', 'governor'));

CREATE TABLE runproof.policies (
  tenant_id  text COLLATE "C" NOT NULL,
  name       text COLLATE "C" NOT NULL,
  version    text COLLATE "C" NOT NULL,
  document   text NOT NULL,
  digest     bytea NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  CONSTRAINT policies_pkey PRIMARY KEY (tenant_id, name, version),
  CONSTRAINT policies_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES runproof.tenants (tenant_id),
  CONSTRAINT policies_name_form CHECK (char_length(name) BETWEEN 1 AND 64 AND name !~ '[^a-z0-9._-]'),
  CONSTRAINT policies_version_form CHECK (char_length(version) BETWEEN 1 AND 64 AND version !~ '[^A-Za-z0-9._+-]'),
  CONSTRAINT policies_document_size CHECK (octet_length(document) BETWEEN 1 AND 262144),
  CONSTRAINT policies_digest_size CHECK (octet_length(digest) = 32),
  CONSTRAINT policies_created_by_size CHECK (char_length(created_by) BETWEEN 1 AND 128)
);

-- version: what is in force under the name from then on; null: nothing.
CREATE TABLE runproof.policy_changes (
  tenant_id text COLLATE "C" NOT NULL,
  change    bigint NOT NULL,
  name      text COLLATE "C" NOT NULL,
  version   text COLLATE "C",
  at        timestamptz NOT NULL,
  by        text NOT NULL,
  CONSTRAINT policy_changes_pkey PRIMARY KEY (tenant_id, change),
  CONSTRAINT policy_changes_version_fkey FOREIGN KEY (tenant_id, name, version) REFERENCES runproof.policies (tenant_id, name, version),
  CONSTRAINT policy_changes_change_range CHECK (change > 0),
  CONSTRAINT policy_changes_by_size CHECK (char_length(by) BETWEEN 1 AND 128)
);

CREATE INDEX policy_changes_latest ON runproof.policy_changes (tenant_id, name, change DESC);

-- Stores a version where it is new, and puts it in force where it is not. One change of a tenant's policies at a time.
CREATE FUNCTION runproof.apply_policy(
    p_tenant text, p_name text, p_version text, p_document text, p_digest bytea, p_at timestamptz, p_by text) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_digest bytea;
  v_active text;
BEGIN
  PERFORM FROM runproof.tenants t WHERE t.tenant_id = p_tenant FOR NO KEY UPDATE;
  SELECT p.digest INTO v_digest FROM runproof.policies p WHERE p.tenant_id = p_tenant AND p.name = p_name AND p.version = p_version;
  IF v_digest <> p_digest THEN
    RETURN 'version_taken';
  END IF;
  IF v_digest IS NULL THEN
    INSERT INTO runproof.policies (tenant_id, name, version, document, digest, created_at, created_by)
      VALUES (p_tenant, p_name, p_version, p_document, p_digest, p_at, p_by);
  END IF;
  SELECT c.version INTO v_active FROM runproof.policy_changes c WHERE c.tenant_id = p_tenant AND c.name = p_name ORDER BY c.change DESC LIMIT 1;
  IF v_active = p_version THEN
    RETURN 'unchanged';
  END IF;
  PERFORM runproof.change_policy(p_tenant, p_name, p_version, p_at, p_by);
  RETURN 'applied';
END $$;

CREATE FUNCTION runproof.retire_policy(p_tenant text, p_name text, p_at timestamptz, p_by text) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_active text;
BEGIN
  PERFORM FROM runproof.tenants t WHERE t.tenant_id = p_tenant FOR NO KEY UPDATE;
  SELECT c.version INTO v_active FROM runproof.policy_changes c WHERE c.tenant_id = p_tenant AND c.name = p_name ORDER BY c.change DESC LIMIT 1;
  IF v_active IS NULL THEN
    RETURN false;
  END IF;
  PERFORM runproof.change_policy(p_tenant, p_name, NULL, p_at, p_by);
  RETURN true;
END $$;

-- The tenant's row is locked by who calls it: the next number is nobody else's.
CREATE FUNCTION runproof.change_policy(p_tenant text, p_name text, p_version text, p_at timestamptz, p_by text) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO runproof.policy_changes (tenant_id, change, name, version, at, by)
    SELECT p_tenant, coalesce(max(c.change), 0) + 1, p_name, p_version, p_at, p_by FROM runproof.policy_changes c WHERE c.tenant_id = p_tenant
$$;

-- What the run that a worker has claimed has cost so far, by its evidence: limits count on from it in another process.
CREATE FUNCTION runproof.run_cost(p_tenant text, p_run text, p_worker text) RETURNS numeric
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(sum(s.cost_cents), 0)
    FROM public.runs r
    JOIN public.aos_traces t ON t.tenant_id = r.tenant_id AND t.run_id = r.id
    JOIN public.aos_trace_steps s ON s.trace_id = t.trace_id AND s.tenant_id = t.tenant_id
    WHERE r.id = p_run AND r.tenant_id = p_tenant AND r.worker = p_worker AND r.status IN ('queued', 'running')
$$;

REVOKE ALL ON runproof.policies, runproof.policy_changes FROM PUBLIC;
REVOKE ALL ON FUNCTION runproof.apply_policy, runproof.retire_policy, runproof.change_policy, runproof.run_cost FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.apply_policy, runproof.retire_policy, runproof.run_cost TO runproof_runner;
GRANT SELECT ON runproof.policies, runproof.policy_changes TO runproof_runner, runproof_verifier, runproof_auditor;

DO $$
DECLARE
  guarded regclass;
BEGIN
  FOREACH guarded IN ARRAY ARRAY['runproof.policies', 'runproof.policy_changes']::regclass[] LOOP
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
