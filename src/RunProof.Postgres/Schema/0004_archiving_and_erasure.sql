-- The two things that an operator may do to sealed evidence. Both run as the owner and may only be called by the owner: no service archives or erases.

-- Moves a sealed trace with its steps to the archive, in the caller's transaction: every copy is compared with its original, byte by byte, when it enters
-- (guard_archive_insert), every original again with its copy when it leaves (guard_trace_delete, guard_step_delete), and at commit all of it must
-- have moved (check_archived_whole). Its proof still verifies: the evidence reader looks in both places.
-- Returns the number of steps moved.
CREATE FUNCTION runproof.archive_trace(p_tenant text, p_trace text) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_status text;
  moved integer;
BEGIN
  SELECT t.status INTO found_status FROM public.aos_traces t WHERE t.trace_id = p_trace AND t.tenant_id = p_tenant FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('tenant %s has no trace %s to archive', p_tenant, p_trace);
  END IF;
  IF found_status = 'running' THEN
    RAISE EXCEPTION USING ERRCODE = 'S6006', MESSAGE = format(
      'S6_IMMUTABILITY_VIOLATION: trace %s of tenant %s cannot be archived: it is not sealed', p_trace, p_tenant);
  END IF;
  UPDATE public.aos_traces t SET archived_at = now() WHERE t.trace_id = p_trace AND t.tenant_id = p_tenant AND t.archived_at IS NULL;
  INSERT INTO public.aos_traces_archive SELECT * FROM public.aos_traces t WHERE t.trace_id = p_trace AND t.tenant_id = p_tenant;
  INSERT INTO public.aos_trace_steps_archive SELECT * FROM public.aos_trace_steps s WHERE s.trace_id = p_trace AND s.tenant_id = p_tenant;
  GET DIAGNOSTICS moved = ROW_COUNT;
  DELETE FROM public.aos_trace_steps s WHERE s.trace_id = p_trace AND s.tenant_id = p_tenant;
  DELETE FROM public.aos_traces t WHERE t.trace_id = p_trace AND t.tenant_id = p_tenant;
  RETURN moved;
END $$;

-- Erases one payload of a sealed trace, archived or not: text and salt go, the commitment stays, and who asked for it and why goes on record first.
-- p_payload is the payload's column: goal, plan, context or metadata of the trace (p_step null), params, outcome_data or context of a step.
-- Goal and plan go from the ended run as well. Returns false where it was erased before. What remains in backups and in the write-ahead log is the operator's.
CREATE FUNCTION runproof.erase_payload(p_tenant text, p_trace text, p_step integer, p_payload text, p_by text, p_reason text) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  home text;
  salt text := CASE p_payload WHEN 'outcome_data' THEN 'outcome_salt' ELSE p_payload || '_salt' END;
  hash text := CASE p_payload WHEN 'params' THEN 'input_hash' WHEN 'outcome_data' THEN 'output_hash' ELSE p_payload || '_hash' END;
  place text := CASE WHEN p_step IS NULL THEN 'trace_id = $1 AND tenant_id = $2 AND $3 IS NULL' ELSE 'trace_id = $1 AND tenant_id = $2 AND step_index = $3' END;
  commitment bytea;
  present boolean;
  found_run text;
  found_status text;
BEGIN
  IF p_payload IS NULL OR NOT p_payload = ANY (CASE WHEN p_step IS NULL THEN ARRAY['goal', 'plan', 'context', 'metadata'] ELSE ARRAY['params', 'outcome_data', 'context'] END) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format(
      '%s is no payload of a %s', coalesce(quote_literal(p_payload), 'null'), CASE WHEN p_step IS NULL THEN 'trace: goal, plan, context, metadata' ELSE 'step: params, outcome_data, context' END);
  END IF;
  -- Locks the trace, so that it is not archived meanwhile.
  SELECT t.status, t.run_id INTO found_status, found_run FROM public.aos_traces t WHERE t.trace_id = p_trace AND t.tenant_id = p_tenant FOR UPDATE;
  home := '';
  IF NOT FOUND THEN
    SELECT t.status, t.run_id INTO found_status, found_run FROM public.aos_traces_archive t WHERE t.trace_id = p_trace AND t.tenant_id = p_tenant;
    home := '_archive';
  END IF;
  IF found_status IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('tenant %s has no trace %s', p_tenant, p_trace);
  END IF;
  IF found_status = 'running' THEN
    RAISE EXCEPTION USING ERRCODE = 'S6008', MESSAGE = format(
      'S6_IMMUTABILITY_VIOLATION: nothing of trace %s of tenant %s can be erased: it is not sealed', p_trace, p_tenant);
  END IF;
  home := CASE WHEN p_step IS NULL THEN 'public.aos_traces' ELSE 'public.aos_trace_steps' END || home;

  EXECUTE format('SELECT %I, %I IS NOT NULL FROM %s WHERE %s', hash, p_payload, home, place) INTO commitment, present USING p_trace, p_tenant, p_step;
  IF commitment IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'S6008', MESSAGE = format(
      'S6_IMMUTABILITY_VIOLATION: trace %s of tenant %s has no %s%s to erase', p_trace, p_tenant, p_payload, coalesce(format(' of a step %s', p_step), ''));
  END IF;
  IF NOT present THEN
    RETURN false;
  END IF;
  INSERT INTO runproof.payload_erasures (trace_id, tenant_id, step_index, payload, commitment, erased_by, reason)
    VALUES (p_trace, p_tenant, p_step, p_payload, commitment, p_by, p_reason);
  EXECUTE format('UPDATE %s SET %I = NULL, %I = NULL WHERE %s', home, p_payload, salt, place) USING p_trace, p_tenant, p_step;
  IF p_step IS NULL AND p_payload = 'goal' THEN
    UPDATE public.runs r SET goal = '[erased]' WHERE r.id = found_run AND r.tenant_id = p_tenant AND r.status NOT IN ('queued', 'running');
  ELSIF p_step IS NULL AND p_payload = 'plan' THEN
    UPDATE public.runs r SET plan_json = '[]' WHERE r.id = found_run AND r.tenant_id = p_tenant AND r.status NOT IN ('queued', 'running');
  END IF;
  RETURN true;
END $$;
