-- What may happen to evidence: what is written here, and nothing else.
--
-- Row triggers rebuild the one row that is permitted from the old row and compare whole row images (*= and *<> compare bytes, not values):
-- a column that is added later is protected without being named. Every trigger is ENABLE ALWAYS, so that session_replication_role does not skip it.
--
-- SQLSTATE   refuses
--   S6000    an update
--   S6001    a delete
--   S6002    TRUNCATE
--   S6003    a step of a trace that is not open
--   S6004    a step that leaves a gap or repeats an index
--   S6005    a seal whose chain_length is not the number of steps
--   S6006    archiving what is not sealed, not whole or not the same row
--   S6007    a run's change of status or identity
--   S6008    erasing what is not there or not sealed
--   S6009    a trace that does not begin at the beginning, a step without its payload

-- Opening ---------------------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION runproof.open_traces() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wrong record;
BEGIN
  SELECT o.tenant_id, o.trace_id INTO wrong FROM opened o
    WHERE o.status <> 'running' OR o.archived_at IS NOT NULL OR o.goal IS NULL OR o.plan IS NULL OR (o.context IS NULL) <> (o.context_hash IS NULL)
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'S6009', MESSAGE = format(
      'S6_IMMUTABILITY_VIOLATION: trace %s of tenant %s must begin running, not archived, with its payloads', wrong.trace_id, wrong.tenant_id);
  END IF;
  SELECT o.tenant_id, o.trace_id INTO wrong FROM opened o
    JOIN public.aos_traces_archive a ON a.trace_id = o.trace_id AND a.tenant_id = o.tenant_id
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'S6009', MESSAGE = format(
      'S6_IMMUTABILITY_VIOLATION: trace %s of tenant %s is in the archive already', wrong.trace_id, wrong.tenant_id);
  END IF;
  INSERT INTO runproof.trace_heads (trace_id, tenant_id, next_index, last_link)
    SELECT o.trace_id, o.tenant_id, 0, o.link FROM opened o;
  RETURN NULL;
END $$;

CREATE TRIGGER open_traces AFTER INSERT ON public.aos_traces
  REFERENCING NEW TABLE AS opened FOR EACH STATEMENT EXECUTE FUNCTION runproof.open_traces();

-- Appending -------------------------------------------------------------------------------------------------------------------------------

-- Once for each statement, however many traces it appends to: locks their heads in key order (so that two batches never wait for each other in a
-- circle), moves each head over its new steps, and refuses the statement where a head is missing or the steps do not follow it without a gap.
CREATE FUNCTION runproof.append_steps() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  wrong record;
  traces integer;
  moved integer;
BEGIN
  -- The recording functions (0003) move the heads first, one step a trace. A head that stands just behind a row of this statement, at that row's own
  -- link, can only have been moved for it: a row that was there before would have the same key.
  IF NOT EXISTS (SELECT FROM appended a
      LEFT JOIN runproof.trace_heads h ON h.trace_id = a.trace_id AND h.tenant_id = a.tenant_id AND h.next_index = a.step_index + 1 AND h.last_link = a.link
      WHERE h.trace_id IS NULL OR a.params IS NULL
        OR (a.outcome_data IS NULL) <> (a.output_hash IS NULL) OR (a.context IS NULL) <> (a.context_hash IS NULL)) THEN
    RETURN NULL;
  END IF;

  PERFORM 1 FROM runproof.trace_heads h
    JOIN (SELECT DISTINCT a.trace_id, a.tenant_id FROM appended a) t ON h.trace_id = t.trace_id AND h.tenant_id = t.tenant_id
    ORDER BY h.trace_id, h.tenant_id FOR UPDATE OF h;
  GET DIAGNOSTICS traces = ROW_COUNT;

  UPDATE runproof.trace_heads h SET next_index = s.last + 1, last_link = s.link
    FROM (SELECT DISTINCT ON (a.trace_id, a.tenant_id) a.trace_id, a.tenant_id, a.step_index AS last, a.link,
            min(a.step_index) OVER w AS first, count(*) OVER w AS steps
            FROM appended a WINDOW w AS (PARTITION BY a.trace_id, a.tenant_id)
            ORDER BY a.trace_id, a.tenant_id, a.step_index DESC) s
    WHERE h.trace_id = s.trace_id AND h.tenant_id = s.tenant_id AND h.next_index = s.first AND s.steps = s.last - s.first + 1;
  GET DIAGNOSTICS moved = ROW_COUNT;

  IF moved = traces AND traces = (SELECT count(*) FROM (SELECT DISTINCT a.trace_id, a.tenant_id FROM appended a) t)
    AND NOT EXISTS (SELECT FROM appended a
      WHERE a.params IS NULL OR (a.outcome_data IS NULL) <> (a.output_hash IS NULL) OR (a.context IS NULL) <> (a.context_hash IS NULL)) THEN
    RETURN NULL;
  END IF;

  -- The statement is refused; what follows only finds the words for it.
  SELECT a.tenant_id, a.trace_id INTO wrong FROM appended a
    WHERE NOT EXISTS (SELECT FROM runproof.trace_heads h WHERE h.trace_id = a.trace_id AND h.tenant_id = a.tenant_id)
    ORDER BY a.trace_id, a.tenant_id LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'S6003', MESSAGE = format(
      'S6_IMMUTABILITY_VIOLATION: trace %s of tenant %s is not open: no step can be added', wrong.trace_id, wrong.tenant_id);
  END IF;
  SELECT a.tenant_id, a.trace_id, a.step_index INTO wrong FROM appended a
    WHERE a.params IS NULL OR (a.outcome_data IS NULL) <> (a.output_hash IS NULL) OR (a.context IS NULL) <> (a.context_hash IS NULL)
    ORDER BY a.trace_id, a.tenant_id, a.step_index LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'S6009', MESSAGE = format(
      'S6_IMMUTABILITY_VIOLATION: step %s of trace %s of tenant %s must come with its payloads', wrong.step_index, wrong.trace_id, wrong.tenant_id);
  END IF;
  SELECT s.*, h.next_index INTO wrong
    FROM (SELECT a.trace_id, a.tenant_id, min(a.step_index) AS first, max(a.step_index) AS last, count(*) AS steps
            FROM appended a GROUP BY a.trace_id, a.tenant_id) s
    JOIN runproof.trace_heads h ON h.trace_id = s.trace_id AND h.tenant_id = s.tenant_id
    WHERE h.next_index <> s.last + 1 OR s.steps <> s.last - s.first + 1
    ORDER BY s.trace_id, s.tenant_id LIMIT 1;
  RAISE EXCEPTION USING ERRCODE = 'S6004', MESSAGE = format(
    'S6_IMMUTABILITY_VIOLATION: trace %s of tenant %s continues at step %s: steps %s to %s (%s rows) do not follow it without a gap',
    wrong.trace_id, wrong.tenant_id, wrong.next_index, wrong.first, wrong.last, wrong.steps);
END $$;

CREATE TRIGGER append_steps AFTER INSERT ON public.aos_trace_steps
  REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION runproof.append_steps();

-- Changing --------------------------------------------------------------------------------------------------------------------------------

-- Whether the erasure of a payload is on record.
CREATE FUNCTION runproof.erasure_recorded(p_tenant text, p_trace text, p_step integer, p_payload text) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM runproof.payload_erasures e
    WHERE e.trace_id = p_trace AND e.tenant_id = p_tenant AND e.step_index IS NOT DISTINCT FROM p_step AND e.payload = p_payload)
$$;

-- A trace may be closed once, marked as archived once, and lose a payload whose erasure is on record. One of these at a time.
CREATE FUNCTION runproof.guard_trace_update() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  permitted record := OLD;
BEGIN
  IF OLD.status = 'running' AND NEW.status <> 'running' AND TG_TABLE_NAME = 'aos_traces' THEN
    permitted.status := NEW.status;
    permitted.completed_at := NEW.completed_at;
    permitted.chain_length := NEW.chain_length;
    permitted.steps_root := NEW.steps_root;
    permitted.root_hash := NEW.root_hash;
    permitted.metadata := NEW.metadata;
    permitted.metadata_salt := NEW.metadata_salt;
    permitted.metadata_hash := NEW.metadata_hash;
    IF permitted *= NEW AND (NEW.metadata IS NULL) = (NEW.metadata_hash IS NULL) THEN
      -- Waits for an append that is under way, then sees how far it came.
      DELETE FROM runproof.trace_heads h WHERE h.trace_id = OLD.trace_id AND h.tenant_id = OLD.tenant_id AND h.next_index = NEW.chain_length;
      IF FOUND THEN
        RETURN NEW;
      END IF;
      RAISE EXCEPTION USING ERRCODE = 'S6005', MESSAGE = format(
        'S6_IMMUTABILITY_VIOLATION: trace %s of tenant %s cannot be sealed with chain_length %s: it has %s steps', OLD.trace_id, OLD.tenant_id,
        coalesce(NEW.chain_length::text, 'null'),
        coalesce((SELECT h.next_index FROM runproof.trace_heads h WHERE h.trace_id = OLD.trace_id AND h.tenant_id = OLD.tenant_id)::text, 'no head and unknown'));
    END IF;
  ELSIF OLD.archived_at IS NULL AND NEW.archived_at IS NOT NULL AND OLD.status <> 'running' THEN
    permitted.archived_at := NEW.archived_at;
    IF permitted *= NEW THEN
      RETURN NEW;
    END IF;
  ELSE
    IF NEW.goal IS NULL AND runproof.erasure_recorded(OLD.tenant_id, OLD.trace_id, NULL, 'goal') THEN
      permitted.goal := NULL; permitted.goal_salt := NULL;
    END IF;
    IF NEW.plan IS NULL AND runproof.erasure_recorded(OLD.tenant_id, OLD.trace_id, NULL, 'plan') THEN
      permitted.plan := NULL; permitted.plan_salt := NULL;
    END IF;
    IF NEW.context IS NULL AND runproof.erasure_recorded(OLD.tenant_id, OLD.trace_id, NULL, 'context') THEN
      permitted.context := NULL; permitted.context_salt := NULL;
    END IF;
    IF NEW.metadata IS NULL AND runproof.erasure_recorded(OLD.tenant_id, OLD.trace_id, NULL, 'metadata') THEN
      permitted.metadata := NULL; permitted.metadata_salt := NULL;
    END IF;
    IF permitted *= NEW AND permitted *<> OLD THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6000', MESSAGE = format(
    'S6_IMMUTABILITY_VIOLATION: trace %s of tenant %s (%s) in %s can only be closed once, archived once, or lose a payload whose erasure is on record',
    OLD.trace_id, OLD.tenant_id, OLD.status, TG_TABLE_NAME);
END $$;

-- A step may lose a payload whose erasure is on record.
CREATE FUNCTION runproof.guard_step_update() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  permitted record := OLD;
BEGIN
  IF NEW.params IS NULL AND runproof.erasure_recorded(OLD.tenant_id, OLD.trace_id, OLD.step_index, 'params') THEN
    permitted.params := NULL; permitted.params_salt := NULL;
  END IF;
  IF NEW.outcome_data IS NULL AND runproof.erasure_recorded(OLD.tenant_id, OLD.trace_id, OLD.step_index, 'outcome_data') THEN
    permitted.outcome_data := NULL; permitted.outcome_salt := NULL;
  END IF;
  IF NEW.context IS NULL AND runproof.erasure_recorded(OLD.tenant_id, OLD.trace_id, OLD.step_index, 'context') THEN
    permitted.context := NULL; permitted.context_salt := NULL;
  END IF;
  IF permitted *= NEW AND permitted *<> OLD THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6000', MESSAGE = format(
    'S6_IMMUTABILITY_VIOLATION: step %s of trace %s of tenant %s in %s can only lose a payload whose erasure is on record',
    OLD.step_index, OLD.trace_id, OLD.tenant_id, TG_TABLE_NAME);
END $$;

CREATE TRIGGER guard_update BEFORE UPDATE ON public.aos_traces FOR EACH ROW EXECUTE FUNCTION runproof.guard_trace_update();
CREATE TRIGGER guard_update BEFORE UPDATE ON public.aos_traces_archive FOR EACH ROW EXECUTE FUNCTION runproof.guard_trace_update();
CREATE TRIGGER guard_update BEFORE UPDATE ON public.aos_trace_steps FOR EACH ROW EXECUTE FUNCTION runproof.guard_step_update();
CREATE TRIGGER guard_update BEFORE UPDATE ON public.aos_trace_steps_archive FOR EACH ROW EXECUTE FUNCTION runproof.guard_step_update();

-- Moving to the archive -------------------------------------------------------------------------------------------------------------------

-- A row enters the archive only as the image of the row it is a copy of. So an archive row cannot be made up, and cannot be used to unlock a delete.
CREATE FUNCTION runproof.guard_archive_insert() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_TABLE_NAME = 'aos_traces_archive' THEN
    PERFORM 1 FROM public.aos_traces t
      WHERE t.trace_id = NEW.trace_id AND t.tenant_id = NEW.tenant_id AND t.status <> 'running' AND t.archived_at IS NOT NULL AND t *= NEW;
  ELSE
    PERFORM 1 FROM public.aos_trace_steps s
      WHERE s.trace_id = NEW.trace_id AND s.tenant_id = NEW.tenant_id AND s.step_index = NEW.step_index AND s *= NEW;
  END IF;
  IF FOUND THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6006', MESSAGE = format(
    'S6_IMMUTABILITY_VIOLATION: a row of trace %s of tenant %s for %s is not the same as one of a sealed trace marked as archived', NEW.trace_id, NEW.tenant_id, TG_TABLE_NAME);
END $$;

CREATE FUNCTION runproof.guard_trace_delete() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM public.aos_traces_archive a WHERE a.trace_id = OLD.trace_id AND a.tenant_id = OLD.tenant_id AND a *= OLD)
    AND NOT EXISTS (SELECT FROM public.aos_trace_steps s WHERE s.trace_id = OLD.trace_id AND s.tenant_id = OLD.tenant_id) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6001', MESSAGE = format(
    'S6_IMMUTABILITY_VIOLATION: trace %s of tenant %s cannot be deleted: it is not in the archive whole', OLD.trace_id, OLD.tenant_id);
END $$;

CREATE FUNCTION runproof.guard_step_delete() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM public.aos_trace_steps_archive a
      WHERE a.trace_id = OLD.trace_id AND a.tenant_id = OLD.tenant_id AND a.step_index = OLD.step_index AND a *= OLD) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6001', MESSAGE = format(
    'S6_IMMUTABILITY_VIOLATION: step %s of trace %s of tenant %s cannot be deleted: it is not in the archive', OLD.step_index, OLD.trace_id, OLD.tenant_id);
END $$;

-- At the end of the transaction that put a trace into the archive, all of it must be there and nothing of it anywhere else.
CREATE FUNCTION runproof.check_archived_whole() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM public.aos_traces t WHERE t.trace_id = NEW.trace_id AND t.tenant_id = NEW.tenant_id)
    OR EXISTS (SELECT FROM public.aos_trace_steps s WHERE s.trace_id = NEW.trace_id AND s.tenant_id = NEW.tenant_id)
    OR NEW.chain_length <> (SELECT count(*) FROM public.aos_trace_steps_archive s WHERE s.trace_id = NEW.trace_id AND s.tenant_id = NEW.tenant_id) THEN
    RAISE EXCEPTION USING ERRCODE = 'S6006', MESSAGE = format(
      'S6_IMMUTABILITY_VIOLATION: trace %s of tenant %s must move to the archive whole, in one transaction', NEW.trace_id, NEW.tenant_id);
  END IF;
  RETURN NULL;
END $$;

-- What enters no list above: refused.
CREATE FUNCTION runproof.refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = CASE TG_OP WHEN 'TRUNCATE' THEN 'S6002' WHEN 'DELETE' THEN 'S6001' ELSE 'S6000' END,
    MESSAGE = format('S6_IMMUTABILITY_VIOLATION: %s of %s.%s is never allowed', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME);
END $$;

CREATE TRIGGER guard_insert BEFORE INSERT ON public.aos_traces_archive FOR EACH ROW EXECUTE FUNCTION runproof.guard_archive_insert();
CREATE TRIGGER guard_insert BEFORE INSERT ON public.aos_trace_steps_archive FOR EACH ROW EXECUTE FUNCTION runproof.guard_archive_insert();
CREATE TRIGGER guard_delete BEFORE DELETE ON public.aos_traces FOR EACH ROW EXECUTE FUNCTION runproof.guard_trace_delete();
CREATE TRIGGER guard_delete BEFORE DELETE ON public.aos_trace_steps FOR EACH ROW EXECUTE FUNCTION runproof.guard_step_delete();
CREATE TRIGGER guard_delete BEFORE DELETE ON public.aos_traces_archive FOR EACH ROW EXECUTE FUNCTION runproof.refuse();
CREATE TRIGGER guard_delete BEFORE DELETE ON public.aos_trace_steps_archive FOR EACH ROW EXECUTE FUNCTION runproof.refuse();
CREATE CONSTRAINT TRIGGER check_whole AFTER INSERT ON public.aos_traces_archive
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION runproof.check_archived_whole();

CREATE TRIGGER guard_update BEFORE UPDATE ON runproof.payload_erasures FOR EACH ROW EXECUTE FUNCTION runproof.refuse();
CREATE TRIGGER guard_delete BEFORE DELETE ON runproof.payload_erasures FOR EACH ROW EXECUTE FUNCTION runproof.refuse();

-- Runs ------------------------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION runproof.guard_run_insert() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.status = 'queued' AND NEW.attempts = 0 AND NEW.duration_ms IS NULL AND NEW.error_code IS NULL AND NEW.error_message IS NULL THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6007', MESSAGE = format('S6_IMMUTABILITY_VIOLATION: run %s must begin queued, without attempts or outcome', NEW.id);
END $$;

-- queued → running → succeeded | failed | aborted, one way; who it is, what it is for and its plan never change.
CREATE FUNCTION runproof.guard_run_update() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  permitted record := OLD;
BEGIN
  IF OLD.status IN ('queued', 'running') THEN
    IF NEW.status = OLD.status OR OLD.status = 'queued' OR NEW.status <> 'queued' THEN
      permitted.status := NEW.status;
      permitted.attempts := greatest(OLD.attempts, NEW.attempts);
      permitted.worker := NEW.worker;
      permitted.lease_until := NEW.lease_until;
      permitted.started_at := coalesce(OLD.started_at, NEW.started_at);
      IF NEW.status NOT IN ('queued', 'running') THEN
        permitted.completed_at := NEW.completed_at;
        permitted.duration_ms := NEW.duration_ms;
        permitted.error_code := NEW.error_code;
        permitted.error_message := NEW.error_message;
      END IF;
    END IF;
  ELSE
    -- What was erased from an ended run's trace is erased from the run too. (Conditions one within the other: the runner may not call the function in them.)
    IF NEW.goal = '[erased]' AND OLD.goal <> '[erased]' THEN
      IF runproof.run_erasure_recorded(OLD.tenant_id, OLD.id, 'goal') THEN
        permitted.goal := NEW.goal;
      END IF;
    END IF;
    IF NEW.plan_json = '[]' AND OLD.plan_json <> '[]' THEN
      IF runproof.run_erasure_recorded(OLD.tenant_id, OLD.id, 'plan') THEN
        permitted.plan_json := NEW.plan_json;
      END IF;
    END IF;
  END IF;
  IF permitted *= NEW THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'S6007', MESSAGE = format(
    'S6_IMMUTABILITY_VIOLATION: run %s (%s) can only move from queued to running to an end; its identity, goal and plan never change', OLD.id, OLD.status);
END $$;

-- Whether the erasure of a payload of one of a run's traces is on record.
CREATE FUNCTION runproof.run_erasure_recorded(p_tenant text, p_run text, p_payload text) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM (
      SELECT t.trace_id FROM public.aos_traces t WHERE t.run_id = p_run AND t.tenant_id = p_tenant
      UNION ALL SELECT t.trace_id FROM public.aos_traces_archive t WHERE t.run_id = p_run AND t.tenant_id = p_tenant) t
    WHERE runproof.erasure_recorded(p_tenant, t.trace_id, NULL, p_payload))
$$;

CREATE TRIGGER guard_insert BEFORE INSERT ON public.runs FOR EACH ROW EXECUTE FUNCTION runproof.guard_run_insert();
CREATE TRIGGER guard_update BEFORE UPDATE ON public.runs FOR EACH ROW EXECUTE FUNCTION runproof.guard_run_update();
CREATE TRIGGER guard_delete BEFORE DELETE ON public.runs FOR EACH ROW EXECUTE FUNCTION runproof.refuse();

-- All of them -----------------------------------------------------------------------------------------------------------------------------

DO $$
DECLARE
  guarded regclass;
  name name;
BEGIN
  FOREACH guarded IN ARRAY ARRAY['public.aos_traces', 'public.aos_trace_steps', 'public.aos_traces_archive', 'public.aos_trace_steps_archive',
      'public.runs', 'runproof.payload_erasures']::regclass[] LOOP
    EXECUTE format('CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION runproof.refuse()', guarded);
    FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = guarded AND NOT tgisinternal LOOP
      EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', guarded, name);
    END LOOP;
  END LOOP;
END $$;
