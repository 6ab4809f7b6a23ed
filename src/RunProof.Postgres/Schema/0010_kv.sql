-- What a tenant's runs remember from one to the next: kv_get and kv_set. No evidence: the steps that read and wrote it are.

CREATE TABLE runproof.kv (
  tenant_id  text COLLATE "C" NOT NULL CONSTRAINT kv_tenant_fkey REFERENCES runproof.tenants (tenant_id),
  key        text COLLATE "C" NOT NULL,
  -- Null: removed, or about to be made. The row stays, so that its versions never begin again.
  value      text,
  version    bigint NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  -- The last changes by the keys that their callers gave them, the newest last: a repetition is known by them and changes nothing.
  recent     text[] NOT NULL,
  CONSTRAINT kv_pkey PRIMARY KEY (tenant_id, key),
  CONSTRAINT kv_key_length CHECK (char_length(key) BETWEEN 1 AND 512),
  CONSTRAINT kv_value_length CHECK (octet_length(value) <= 1048576),
  CONSTRAINT kv_version_rises CHECK (version >= 0)
);

ALTER TABLE runproof.kv ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON runproof.kv TO runproof_runner, runproof_verifier, runproof_auditor
  USING (tenant_id = current_setting('runproof.tenant_id', true)) WITH CHECK (tenant_id = current_setting('runproof.tenant_id', true));

-- Nobody but the owner reads the table: the runner comes through these two, one key of one tenant at a time.
CREATE FUNCTION runproof.kv_get(p_tenant_id text, p_key text) RETURNS TABLE (value text, version bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.value, k.version FROM runproof.kv k WHERE k.tenant_id = p_tenant_id AND k.key = p_key
$$;

-- Changes a key, where it is at the expected version (null: at any; 0: never written). Returns whether it is changed, by this call or by an earlier one of the
-- same name, and the version that this change made, or the one that stands.
CREATE FUNCTION runproof.kv_set(p_tenant_id text, p_key text, p_value text, p_expected bigint, p_change text) RETURNS TABLE (changed boolean, version bigint)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  standing runproof.kv;
  earlier integer;
BEGIN
  -- A row to lock, also where there is none yet: of two that make a key one waits for the other.
  INSERT INTO runproof.kv (tenant_id, key, value, version, recent) VALUES (p_tenant_id, p_key, NULL, 0, '{}') ON CONFLICT DO NOTHING;
  SELECT k.* INTO STRICT standing FROM runproof.kv k WHERE k.tenant_id = p_tenant_id AND k.key = p_key FOR UPDATE;
  earlier := array_position(standing.recent, p_change);
  IF earlier IS NOT NULL THEN
    RETURN QUERY SELECT true, standing.version - cardinality(standing.recent) + earlier;
  ELSIF p_expected <> standing.version THEN
    RETURN QUERY SELECT false, standing.version;
  ELSE
    UPDATE runproof.kv k SET value = p_value, version = standing.version + 1, changed_at = now(),
        recent = standing.recent[greatest(1, cardinality(standing.recent) - 30):] || p_change
      WHERE k.tenant_id = p_tenant_id AND k.key = p_key;
    RETURN QUERY SELECT true, standing.version + 1;
  END IF;
END $$;

REVOKE ALL ON runproof.kv FROM PUBLIC;
REVOKE ALL ON FUNCTION runproof.kv_get, runproof.kv_set FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.kv_get, runproof.kv_set TO runproof_runner;
