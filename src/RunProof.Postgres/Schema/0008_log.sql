-- The tenants' logs (proof-format.md section 4): what awaits inclusion, the head, the entries, the tiles that are derived from them, and what was not let in.
--
-- log_queue is filled by the very transaction that opens or seals a trace, and a row leaves it only for log_entries or log_quarantine. One commit of a log is
-- one transaction: it swaps logs.checkpoint for the next one, writes entries and tiles, and takes their rows from the queue. No private key is ever here.
-- New refusals use the states of 0002: S6000 an update, S6001 a delete, S6002 TRUNCATE, S6004 a gap.

-- What awaits inclusion. Short-lived rows: vacuumed by number, not by share.
CREATE TABLE runproof.log_queue (
  tenant_id text COLLATE "C" NOT NULL,
  trace_id  text COLLATE "C" NOT NULL,
  kind      text COLLATE "C" NOT NULL,
  queued_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT log_queue_pkey PRIMARY KEY (tenant_id, trace_id, kind),
  CONSTRAINT log_queue_kind_word CHECK (kind IN ('opened', 'sealed'))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE INDEX log_queue_order ON runproof.log_queue (tenant_id, queued_at, trace_id, kind);

-- The head of each log. edge: the hashes of the complete subtrees that make up the tree, the largest first, 32 bytes each; one for each bit of size that is set.
-- checkpoint: the last signed note, the value that a commit swaps. published: what is served; checkpoint with cosignatures behind it, or an older one while
-- witnesses are awaited.
CREATE TABLE runproof.logs (
  tenant_id  text COLLATE "C" CONSTRAINT logs_pkey PRIMARY KEY,
  origin     text COLLATE "C" NOT NULL,
  size       bigint NOT NULL,
  edge       bytea NOT NULL,
  checkpoint text COLLATE "C",
  published  text COLLATE "C",
  is_public  boolean NOT NULL DEFAULT false,
  updated_at timestamptz NOT NULL,
  CONSTRAINT logs_tenant_id_form CHECK (char_length(tenant_id) BETWEEN 1 AND 64 AND tenant_id !~ '[^A-Za-z0-9._-]'),
  CONSTRAINT logs_size_range CHECK (size >= 0),
  CONSTRAINT logs_edge_whole CHECK (octet_length(edge) = 32 * length(replace(size::bit(64)::text, '0', ''))),
  CONSTRAINT logs_checkpoint_whole CHECK ((checkpoint IS NULL) = (size = 0) AND (checkpoint IS NOT NULL OR published IS NULL))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE INDEX logs_unpublished ON runproof.logs (tenant_id) WHERE checkpoint IS NOT NULL AND (published IS NULL OR NOT starts_with(published, checkpoint));

-- The entries. A rotated entry hands the log over to another key and is of no trace.
CREATE TABLE runproof.log_entries (
  tenant_id text COLLATE "C" NOT NULL,
  position  bigint NOT NULL,
  kind      text COLLATE "C" NOT NULL,
  trace_id  text COLLATE "C",
  run_id    text COLLATE "C",
  entry     text COLLATE "C" NOT NULL,
  CONSTRAINT log_entries_pkey PRIMARY KEY (tenant_id, position),
  CONSTRAINT log_entries_trace_key UNIQUE (tenant_id, trace_id, kind),
  CONSTRAINT log_entries_position_range CHECK (position >= 0),
  CONSTRAINT log_entries_kind_word CHECK (kind IN ('opened', 'sealed', 'rotated')),
  CONSTRAINT log_entries_of_a_trace CHECK ((trace_id IS NULL) = (kind = 'rotated') AND (run_id IS NULL) = (kind = 'rotated')),
  CONSTRAINT log_entries_entry_length CHECK (octet_length(entry) BETWEEN 1 AND 65535)
);

-- Hash tiles, 256 hashes of complete subtrees of 256^level entries. The last one of a level grows by appending; a partial tile of width W is its first 32·W bytes.
CREATE TABLE runproof.log_tiles (
  tenant_id  text COLLATE "C" NOT NULL,
  level      integer NOT NULL,
  tile_index bigint NOT NULL,
  bytes      bytea NOT NULL,
  CONSTRAINT log_tiles_pkey PRIMARY KEY (tenant_id, level, tile_index),
  CONSTRAINT log_tiles_level_range CHECK (level BETWEEN 0 AND 7),
  CONSTRAINT log_tiles_index_range CHECK (tile_index >= 0),
  CONSTRAINT log_tiles_bytes_length CHECK (octet_length(bytes) BETWEEN 32 AND 8192 AND octet_length(bytes) % 32 = 0)
);

ALTER TABLE runproof.log_tiles ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- What did not verify when its turn came: it is not in the log, and this is why.
CREATE TABLE runproof.log_quarantine (
  tenant_id      text COLLATE "C" NOT NULL,
  trace_id       text COLLATE "C" NOT NULL,
  kind           text COLLATE "C" NOT NULL,
  code           text NOT NULL,
  place          text NOT NULL,
  message        text NOT NULL,
  quarantined_at timestamptz NOT NULL,
  CONSTRAINT log_quarantine_pkey PRIMARY KEY (tenant_id, trace_id, kind),
  CONSTRAINT log_quarantine_kind_word CHECK (kind IN ('opened', 'sealed'))
);

-- The public keys of a log, and the sizes of the trees that they sign: from_size to until_size, both included; null for the key in use.
CREATE TABLE runproof.log_keys (
  tenant_id  text COLLATE "C" NOT NULL,
  vkey       text COLLATE "C" NOT NULL,
  from_size  bigint NOT NULL,
  until_size bigint,
  added_at   timestamptz NOT NULL,
  CONSTRAINT log_keys_pkey PRIMARY KEY (tenant_id, vkey),
  CONSTRAINT log_keys_sizes CHECK (from_size >= 1 AND until_size >= from_size)
);

-- Queueing --------------------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION runproof.queue_opened() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO runproof.log_queue (tenant_id, trace_id, kind) SELECT o.tenant_id, o.trace_id, 'opened' FROM opened o ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

-- Only what was running and is no longer: a trace that is marked as archived, or that loses a payload, was sealed before.
CREATE FUNCTION runproof.queue_sealed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO runproof.log_queue (tenant_id, trace_id, kind)
    SELECT n.tenant_id, n.trace_id, 'sealed' FROM after_it n
      JOIN before_it o ON o.trace_id = n.trace_id AND o.tenant_id = n.tenant_id
      WHERE o.status = 'running' AND n.status <> 'running'
    ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

CREATE TRIGGER queue_opened AFTER INSERT ON public.aos_traces
  REFERENCING NEW TABLE AS opened FOR EACH STATEMENT EXECUTE FUNCTION runproof.queue_opened();
CREATE TRIGGER queue_sealed AFTER UPDATE ON public.aos_traces
  REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION runproof.queue_sealed();
ALTER TABLE public.aos_traces ENABLE ALWAYS TRIGGER queue_opened;
ALTER TABLE public.aos_traces ENABLE ALWAYS TRIGGER queue_sealed;

-- What was recorded before there were logs enters them now, in the order in which it happened.
INSERT INTO runproof.log_queue (tenant_id, trace_id, kind, queued_at)
  SELECT t.tenant_id, t.trace_id, 'opened', t.started_at FROM (SELECT * FROM public.aos_traces UNION ALL SELECT * FROM public.aos_traces_archive) t
  UNION ALL
  SELECT t.tenant_id, t.trace_id, 'sealed', t.completed_at FROM (SELECT * FROM public.aos_traces UNION ALL SELECT * FROM public.aos_traces_archive) t
    WHERE t.status <> 'running'
  ON CONFLICT DO NOTHING;

-- Guarding --------------------------------------------------------------------------------------------------------------------------------

-- A row leaves the queue for the log or for quarantine: nothing is forgotten.
CREATE FUNCTION runproof.guard_queue_delete() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wrong record;
BEGIN
  SELECT g.tenant_id, g.trace_id, g.kind INTO wrong FROM gone g
    WHERE NOT EXISTS (SELECT FROM runproof.log_entries e WHERE e.tenant_id = g.tenant_id AND e.trace_id = g.trace_id AND e.kind = g.kind)
      AND NOT EXISTS (SELECT FROM runproof.log_quarantine q WHERE q.tenant_id = g.tenant_id AND q.trace_id = g.trace_id AND q.kind = g.kind)
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'S6001', MESSAGE = format(
      'S6_IMMUTABILITY_VIOLATION: trace %s of tenant %s awaits inclusion (%s): it is neither in the log nor in quarantine', wrong.trace_id, wrong.tenant_id, wrong.kind);
  END IF;
  RETURN NULL;
END $$;

-- A log only grows, and is never renamed.
CREATE FUNCTION runproof.guard_log_update() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.tenant_id = OLD.tenant_id AND NEW.origin = OLD.origin
    AND (NEW.size > OLD.size AND NEW.checkpoint IS NOT NULL
      OR NEW.size = OLD.size AND NEW.edge = OLD.edge AND NEW.checkpoint IS NOT DISTINCT FROM OLD.checkpoint) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6000', MESSAGE = format(
    'S6_IMMUTABILITY_VIOLATION: the log of tenant %s (%s entries) can only grow: it keeps its origin, and every size has one checkpoint', OLD.tenant_id, OLD.size);
END $$;

-- Entries follow one another without a gap, and end where the head says.
CREATE FUNCTION runproof.guard_entries_added() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wrong record;
BEGIN
  SELECT g.* INTO wrong
    FROM (SELECT a.tenant_id, min(a.position) AS first, max(a.position) AS last, count(*) AS entries FROM added a GROUP BY a.tenant_id) g
    WHERE g.entries <> g.last - g.first + 1
      OR g.first > 0 AND NOT EXISTS (SELECT FROM runproof.log_entries e WHERE e.tenant_id = g.tenant_id AND e.position = g.first - 1)
      OR NOT EXISTS (SELECT FROM runproof.logs l WHERE l.tenant_id = g.tenant_id AND l.size = g.last + 1)
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'S6004', MESSAGE = format(
      'S6_IMMUTABILITY_VIOLATION: entries %s to %s (%s rows) of the log of tenant %s do not continue it up to its size', wrong.first, wrong.last, wrong.entries, wrong.tenant_id);
  END IF;
  RETURN NULL;
END $$;

-- A tile may get further hashes behind those it has, up to 256.
CREATE FUNCTION runproof.guard_tile_update() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.tenant_id = OLD.tenant_id AND NEW.level = OLD.level AND NEW.tile_index = OLD.tile_index
    AND octet_length(NEW.bytes) > octet_length(OLD.bytes) AND substr(NEW.bytes, 1, octet_length(OLD.bytes)) = OLD.bytes THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6000', MESSAGE = format(
    'S6_IMMUTABILITY_VIOLATION: tile %s of level %s of the log of tenant %s can only get further hashes', OLD.tile_index, OLD.level, OLD.tenant_id);
END $$;

-- A key may be retired once.
CREATE FUNCTION runproof.guard_key_update() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  permitted record := OLD;
BEGIN
  permitted.until_size := NEW.until_size;
  IF OLD.until_size IS NULL AND NEW.until_size IS NOT NULL AND permitted *= NEW THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6000', MESSAGE = format(
    'S6_IMMUTABILITY_VIOLATION: key %s of the log of tenant %s can only be retired, once', OLD.vkey, OLD.tenant_id);
END $$;

CREATE TRIGGER guard_delete AFTER DELETE ON runproof.log_queue
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION runproof.guard_queue_delete();
CREATE TRIGGER guard_update BEFORE UPDATE ON runproof.log_queue FOR EACH ROW EXECUTE FUNCTION runproof.refuse();
CREATE TRIGGER guard_update BEFORE UPDATE ON runproof.logs FOR EACH ROW EXECUTE FUNCTION runproof.guard_log_update();
CREATE TRIGGER guard_added AFTER INSERT ON runproof.log_entries
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION runproof.guard_entries_added();
CREATE TRIGGER guard_update BEFORE UPDATE ON runproof.log_entries FOR EACH ROW EXECUTE FUNCTION runproof.refuse();
CREATE TRIGGER guard_update BEFORE UPDATE ON runproof.log_tiles FOR EACH ROW EXECUTE FUNCTION runproof.guard_tile_update();
CREATE TRIGGER guard_update BEFORE UPDATE ON runproof.log_keys FOR EACH ROW EXECUTE FUNCTION runproof.guard_key_update();

DO $$
DECLARE
  guarded regclass;
  name name;
BEGIN
  FOREACH guarded IN ARRAY ARRAY['runproof.logs', 'runproof.log_entries', 'runproof.log_tiles', 'runproof.log_quarantine', 'runproof.log_keys']::regclass[] LOOP
    EXECUTE format('CREATE TRIGGER guard_delete BEFORE DELETE ON %s FOR EACH ROW EXECUTE FUNCTION runproof.refuse()', guarded);
  END LOOP;
  FOREACH guarded IN ARRAY ARRAY['runproof.log_queue', 'runproof.logs', 'runproof.log_entries', 'runproof.log_tiles', 'runproof.log_quarantine', 'runproof.log_keys']::regclass[] LOOP
    EXECUTE format('CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION runproof.refuse()', guarded);
    FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = guarded AND NOT tgisinternal LOOP
      EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', guarded, name);
    END LOOP;
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
    EXECUTE format('CREATE POLICY tenant_isolation ON %s TO runproof_runner, runproof_verifier, runproof_auditor '
      'USING (tenant_id = current_setting(''runproof.tenant_id'', true)) WITH CHECK (tenant_id = current_setting(''runproof.tenant_id'', true))', guarded);
  END LOOP;
END $$;

-- Across tenants --------------------------------------------------------------------------------------------------------------------------

-- Tenants whose log has something to do: entries that await inclusion, those waiting longest first; then heads that are not yet published.
-- Tenants are found by jumping from one to the next in log_queue_order, not by reading the queue.
CREATE FUNCTION runproof.tenants_to_seal(p_limit integer)
  RETURNS TABLE (tenant_id text, queued bigint, oldest timestamptz, unpublished boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE waiting AS (
    (SELECT q.tenant_id, q.queued_at FROM runproof.log_queue q ORDER BY q.tenant_id, q.queued_at LIMIT 1)
    UNION ALL
    SELECT n.tenant_id, n.queued_at FROM waiting w
      CROSS JOIN LATERAL (SELECT q.tenant_id, q.queued_at FROM runproof.log_queue q WHERE q.tenant_id > w.tenant_id ORDER BY q.tenant_id, q.queued_at LIMIT 1) n),
  due AS (
    SELECT w.tenant_id, w.queued_at FROM waiting w
    UNION ALL
    SELECT l.tenant_id, NULL FROM runproof.logs l
      WHERE l.checkpoint IS NOT NULL AND (l.published IS NULL OR NOT starts_with(l.published, l.checkpoint))
        AND NOT EXISTS (SELECT FROM waiting w WHERE w.tenant_id = l.tenant_id))
  SELECT d.tenant_id, (SELECT count(*) FROM runproof.log_queue q WHERE q.tenant_id = d.tenant_id), d.queued_at,
      EXISTS (SELECT FROM runproof.logs l WHERE l.tenant_id = d.tenant_id AND l.checkpoint IS NOT NULL AND (l.published IS NULL OR NOT starts_with(l.published, l.checkpoint)))
    FROM (SELECT d.tenant_id, d.queued_at FROM due d ORDER BY d.queued_at NULLS LAST, d.tenant_id LIMIT p_limit) d
    ORDER BY d.queued_at NULLS LAST, d.tenant_id
$$;

-- How far all logs are behind: entries that await inclusion, seals among them, since when, and how many are in quarantine.
CREATE FUNCTION runproof.log_lag()
  RETURNS TABLE (queued bigint, sealed bigint, oldest timestamptz, quarantined bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT count(*), count(*) FILTER (WHERE q.kind = 'sealed'), min(q.queued_at), (SELECT count(*) FROM runproof.log_quarantine) FROM runproof.log_queue q
$$;

-- The logs that anybody may read.
CREATE FUNCTION runproof.public_logs()
  RETURNS TABLE (tenant_id text, origin text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT l.tenant_id, l.origin FROM runproof.logs l WHERE l.is_public ORDER BY l.tenant_id
$$;

-- All logs: a rotation hands every one of them over.
CREATE FUNCTION runproof.all_logs()
  RETURNS TABLE (tenant_id text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT l.tenant_id FROM runproof.logs l ORDER BY l.tenant_id
$$;

-- Rights ----------------------------------------------------------------------------------------------------------------------------------

REVOKE ALL ON runproof.log_queue, runproof.logs, runproof.log_entries, runproof.log_tiles, runproof.log_quarantine, runproof.log_keys FROM PUBLIC;
REVOKE ALL ON FUNCTION runproof.queue_opened, runproof.queue_sealed, runproof.guard_queue_delete, runproof.guard_log_update, runproof.guard_entries_added,
  runproof.guard_tile_update, runproof.guard_key_update, runproof.tenants_to_seal, runproof.log_lag, runproof.public_logs, runproof.all_logs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.tenants_to_seal, runproof.log_lag, runproof.public_logs, runproof.all_logs TO runproof_verifier;

GRANT SELECT ON runproof.log_queue, runproof.logs, runproof.log_entries, runproof.log_tiles, runproof.log_quarantine, runproof.log_keys
  TO runproof_verifier, runproof_auditor;
GRANT DELETE ON runproof.log_queue TO runproof_verifier;
GRANT INSERT (tenant_id, origin, size, edge, checkpoint, published, updated_at), UPDATE (size, edge, checkpoint, published, updated_at) ON runproof.logs TO runproof_verifier;
GRANT INSERT ON runproof.log_entries TO runproof_verifier;
GRANT INSERT, UPDATE (bytes) ON runproof.log_tiles TO runproof_verifier;
GRANT INSERT, UPDATE (code, place, message, quarantined_at) ON runproof.log_quarantine TO runproof_verifier;
GRANT INSERT, UPDATE (until_size) ON runproof.log_keys TO runproof_verifier;
