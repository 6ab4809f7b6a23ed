-- What an operator does to logs: retires a key, and puts back into the queue what was in quarantine.
-- Beside the states of 0002: S6010 refuses a log that would begin with a retired key.

-- Keys that were handed over to others, of whatever log: what follows the second + of a verifier key line, which is the same under every log's name. A log
-- of the old key's is handed over one by one; none begins with it any more from the moment that it stands here.
CREATE TABLE runproof.retired_keys (
  public_key text COLLATE "C" CONSTRAINT retired_keys_pkey PRIMARY KEY,
  retired_at timestamptz NOT NULL DEFAULT now(),
  retired_by text NOT NULL DEFAULT session_user,
  CONSTRAINT retired_keys_public_key_length CHECK (char_length(public_key) BETWEEN 4 AND 1024)
);

-- What left quarantine for the queue, with the reason for which it was there.
CREATE TABLE runproof.log_requeued (
  tenant_id      text COLLATE "C" NOT NULL,
  trace_id       text COLLATE "C" NOT NULL,
  kind           text COLLATE "C" NOT NULL,
  code           text NOT NULL,
  place          text NOT NULL,
  message        text NOT NULL,
  quarantined_at timestamptz NOT NULL,
  requeued_at    timestamptz NOT NULL DEFAULT now(),
  requeued_by    text NOT NULL DEFAULT session_user,
  CONSTRAINT log_requeued_pkey PRIMARY KEY (tenant_id, trace_id, kind, quarantined_at)
);

-- Retiring ---------------------------------------------------------------------------------------------------------------------------------

-- Waits for logs that are beginning with the key at this moment: whoever lists the logs afterwards sees every one that ever will be the key's.
CREATE FUNCTION runproof.retire_log_key(p_public_key text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('runproof.retired_keys ' || p_public_key, 0));
  INSERT INTO runproof.retired_keys (public_key) VALUES (p_public_key) ON CONFLICT DO NOTHING;
END $$;

-- Reads across tenants, so it runs as the owner. Each statement of it has eyes of its own: what was retired before the lock was given is seen.
CREATE FUNCTION runproof.guard_key_made() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made text := regexp_replace(NEW.vkey, '^[^+]*[+][^+]*[+]', '');
BEGIN
  IF NEW.until_size IS NULL THEN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('runproof.retired_keys ' || made, 0));
    IF EXISTS (SELECT FROM runproof.retired_keys r WHERE r.public_key = made) THEN
      RAISE EXCEPTION USING ERRCODE = 'S6010', MESSAGE = format(
        'S6_IMMUTABILITY_VIOLATION: key %s was retired: the log of tenant %s does not begin with it', NEW.vkey, NEW.tenant_id);
    END IF;
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER guard_made BEFORE INSERT ON runproof.log_keys FOR EACH ROW EXECUTE FUNCTION runproof.guard_key_made();

-- Queueing again ---------------------------------------------------------------------------------------------------------------------------

-- A row leaves quarantine for the queue, and why it was there is kept: nothing is forgotten.
CREATE FUNCTION runproof.guard_quarantine_delete() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wrong record;
BEGIN
  SELECT g.tenant_id, g.trace_id, g.kind INTO wrong FROM gone g
    WHERE NOT EXISTS (SELECT FROM runproof.log_queue q WHERE q.tenant_id = g.tenant_id AND q.trace_id = g.trace_id AND q.kind = g.kind)
      OR NOT EXISTS (SELECT FROM runproof.log_requeued r
        WHERE r.tenant_id = g.tenant_id AND r.trace_id = g.trace_id AND r.kind = g.kind AND r.quarantined_at = g.quarantined_at AND r.code = g.code AND r.place = g.place AND r.message = g.message)
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'S6001', MESSAGE = format(
      'S6_IMMUTABILITY_VIOLATION: trace %s of tenant %s is in quarantine (%s): it leaves that for the queue alone', wrong.trace_id, wrong.tenant_id, wrong.kind);
  END IF;
  RETURN NULL;
END $$;

DROP TRIGGER guard_delete ON runproof.log_quarantine;
CREATE TRIGGER guard_delete AFTER DELETE ON runproof.log_quarantine
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION runproof.guard_quarantine_delete();

-- Queues what is in quarantine, of one trace or of all: it is examined again, and enters the log or comes back.
CREATE FUNCTION runproof.requeue(p_tenant text, p_trace text)
  RETURNS TABLE (trace_id text, kind text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF p_tenant IS DISTINCT FROM current_setting('runproof.tenant_id', true) THEN
    RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('the transaction does not name tenant %s', p_tenant);
  END IF;
  RETURN QUERY
    WITH held AS MATERIALIZED (
      SELECT q.* FROM runproof.log_quarantine q WHERE q.tenant_id = p_tenant AND (p_trace IS NULL OR q.trace_id = p_trace) FOR UPDATE),
    noted AS (
      INSERT INTO runproof.log_requeued (tenant_id, trace_id, kind, code, place, message, quarantined_at)
        SELECT h.tenant_id, h.trace_id, h.kind, h.code, h.place, h.message, h.quarantined_at FROM held h),
    queued AS (
      INSERT INTO runproof.log_queue (tenant_id, trace_id, kind) SELECT h.tenant_id, h.trace_id, h.kind FROM held h ON CONFLICT DO NOTHING)
    SELECT h.trace_id, h.kind FROM held h ORDER BY h.trace_id, h.kind;
  -- In a statement of its own, whose trigger sees what the one before wrote.
  DELETE FROM runproof.log_quarantine q USING runproof.log_requeued r
    WHERE q.tenant_id = p_tenant AND (p_trace IS NULL OR q.trace_id = p_trace)
      AND r.tenant_id = q.tenant_id AND r.trace_id = q.trace_id AND r.kind = q.kind AND r.quarantined_at = q.quarantined_at;
END $$;

-- Tenants of which anything is in quarantine; some of them may have no log yet.
CREATE FUNCTION runproof.tenants_in_quarantine()
  RETURNS TABLE (tenant_id text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT q.tenant_id FROM runproof.log_quarantine q ORDER BY q.tenant_id
$$;

-- Guards, and rights -----------------------------------------------------------------------------------------------------------------------

DO $$
DECLARE
  guarded regclass;
  name name;
BEGIN
  FOREACH guarded IN ARRAY ARRAY['runproof.retired_keys', 'runproof.log_requeued']::regclass[] LOOP
    EXECUTE format('CREATE TRIGGER guard_update BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION runproof.refuse()', guarded);
    EXECUTE format('CREATE TRIGGER guard_delete BEFORE DELETE ON %s FOR EACH ROW EXECUTE FUNCTION runproof.refuse()', guarded);
    EXECUTE format('CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION runproof.refuse()', guarded);
  END LOOP;
  FOREACH guarded IN ARRAY ARRAY['runproof.retired_keys', 'runproof.log_requeued', 'runproof.log_keys', 'runproof.log_quarantine']::regclass[] LOOP
    FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = guarded AND NOT tgisinternal LOOP
      EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', guarded, name);
    END LOOP;
  END LOOP;
END $$;

ALTER TABLE runproof.log_requeued ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON runproof.log_requeued TO runproof_runner, runproof_verifier, runproof_auditor
  USING (tenant_id = current_setting('runproof.tenant_id', true)) WITH CHECK (tenant_id = current_setting('runproof.tenant_id', true));

REVOKE ALL ON runproof.retired_keys, runproof.log_requeued FROM PUBLIC;
REVOKE ALL ON FUNCTION runproof.retire_log_key, runproof.guard_key_made, runproof.guard_quarantine_delete, runproof.requeue, runproof.tenants_in_quarantine FROM PUBLIC;
GRANT SELECT ON runproof.retired_keys, runproof.log_requeued TO runproof_verifier, runproof_auditor;
GRANT EXECUTE ON FUNCTION runproof.retire_log_key, runproof.requeue TO runproof_verifier;
-- An auditor may read any tenant that it names; here are their names.
GRANT EXECUTE ON FUNCTION runproof.all_logs TO runproof_auditor;
GRANT EXECUTE ON FUNCTION runproof.tenants_in_quarantine TO runproof_verifier, runproof_auditor;
