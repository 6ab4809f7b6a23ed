-- Several steps of a trace may be under way at once: its head (0001) keeps all that are announced. The first stays in its three columns, so that a plan without
-- branches writes what it always wrote; the others are the text [[plan index, attempt, "time"], …], which nobody but the recorder reads.

ALTER TABLE runproof.trace_heads ADD COLUMN intents_beside text;
ALTER TABLE runproof.trace_heads ADD CONSTRAINT trace_heads_intents_beside CHECK (
  intents_beside IS NULL OR intent_plan_index IS NOT NULL AND octet_length(intents_beside) <= 32768);

-- As in 0003, with one more argument each; a function cannot be given one in its place.
DROP FUNCTION runproof.record_openings, runproof.record_steps, runproof.take_over;

CREATE FUNCTION runproof.record_openings(
  p_trace_id text[], p_tenant_id text[], p_run_id text[], p_correlation_id text[], p_agent_id text[], p_origin_system_id text[], p_planner text[],
  p_seed bigint[], p_frozen_timestamp timestamptz[], p_is_synthetic boolean[], p_synthetic_scenario_id text[], p_schema_version text[],
  p_started_at timestamptz[], p_goal text[], p_goal_salt bytea[], p_goal_hash bytea[], p_plan text[], p_plan_salt bytea[], p_plan_hash bytea[],
  p_context text[], p_context_salt bytea[], p_context_hash bytea[], p_link bytea[],
  p_intent_plan_index integer[], p_intent_attempt integer[], p_intent_at timestamptz[],
  p_intents_beside text[])
  RETURNS TABLE (entry integer, outcome text, existing bytea)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  opened integer;
BEGIN
  PERFORM runproof.require_durable_commit();
  INSERT INTO public.aos_traces (trace_id, tenant_id, run_id, correlation_id, agent_id, origin_system_id, planner, seed, frozen_timestamp, is_synthetic,
      synthetic_scenario_id, schema_version, status, started_at, goal, goal_salt, goal_hash, plan, plan_salt, plan_hash, context, context_salt,
      context_hash, link)
    SELECT p_trace_id[n], p_tenant_id[n], p_run_id[n], p_correlation_id[n], p_agent_id[n], p_origin_system_id[n], p_planner[n], p_seed[n],
      p_frozen_timestamp[n], p_is_synthetic[n], p_synthetic_scenario_id[n], p_schema_version[n], 'running', p_started_at[n], p_goal[n],
      p_goal_salt[n], p_goal_hash[n], p_plan[n], p_plan_salt[n], p_plan_hash[n], p_context[n], p_context_salt[n], p_context_hash[n], p_link[n]
    FROM generate_series(1, cardinality(p_trace_id)) n
    ON CONFLICT (trace_id, tenant_id) DO NOTHING;
  GET DIAGNOSTICS opened = ROW_COUNT;

  -- The heads were made by the trigger; a trace that was there already moved on, or stands at the same link and gets the same intents.
  UPDATE runproof.trace_heads h
    SET intent_plan_index = p_intent_plan_index[n], intent_attempt = p_intent_attempt[n], intent_at = p_intent_at[n],
      intents_beside = p_intents_beside[n]
    FROM generate_series(1, cardinality(p_trace_id)) n
    WHERE p_intent_at[n] IS NOT NULL AND h.trace_id = p_trace_id[n] AND h.tenant_id = p_tenant_id[n] AND h.next_index = 0 AND h.last_link = p_link[n]
      AND h.writer_epoch = 1;

  IF opened = cardinality(p_trace_id) THEN
    RETURN;
  END IF;
  -- What was just opened holds its own link too: it comes back as already_there, which to its caller is the same.
  RETURN QUERY
    SELECT n, CASE WHEN t.link = p_link[n] THEN 'already_there' WHEN t.link IS NULL THEN 'changed' ELSE 'conflict' END, t.link
    FROM generate_series(1, cardinality(p_trace_id)) n
    LEFT JOIN public.aos_traces t ON t.trace_id = p_trace_id[n] AND t.tenant_id = p_tenant_id[n];
END $$;

CREATE FUNCTION runproof.record_steps(
  p_trace_id text[], p_tenant_id text[], p_epoch bigint[], p_previous bytea[], p_link bytea[],
  p_intent_plan_index integer[], p_intent_attempt integer[], p_intent_at timestamptz[], p_intents_beside text[],
  p_step_index integer[], p_skill_id text[], p_skill_name text[], p_skill_version text[], p_skill_schema bytea[], p_status text[], p_level text[],
  p_outcome_category text[], p_outcome_code text[], p_cost_cents numeric[], p_duration_ms double precision[], p_retry_count integer[],
  p_idempotency_key text[], p_replay_behavior text[], p_rng_state_before text[], p_source text[], p_timestamp timestamptz[],
  p_params text[], p_params_salt bytea[], p_input_hash bytea[], p_outcome_data text[], p_outcome_salt bytea[], p_output_hash bytea[],
  p_context text[], p_context_salt bytea[], p_context_hash bytea[])
  RETURNS TABLE (entry integer, outcome text, existing bytea)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  moved integer[];
BEGIN
  PERFORM runproof.require_durable_commit();

  -- Locks, checks and moves each head in one statement. A head that another transaction holds is waited for and checked as that one leaves it.
  WITH m AS (
    UPDATE runproof.trace_heads h
      SET next_index = h.next_index + 1, last_link = p_link[n],
        intent_plan_index = p_intent_plan_index[n], intent_attempt = p_intent_attempt[n], intent_at = p_intent_at[n],
        intents_beside = p_intents_beside[n]
      FROM generate_series(1, cardinality(p_trace_id)) n
      WHERE h.trace_id = p_trace_id[n] AND h.tenant_id = p_tenant_id[n]
        AND h.writer_epoch = p_epoch[n] AND h.next_index = p_step_index[n] AND h.last_link = p_previous[n]
      RETURNING n)
  SELECT coalesce(array_agg(m.n), '{}') INTO moved FROM m;

  INSERT INTO public.aos_trace_steps (trace_id, tenant_id, step_index, skill_id, skill_name, skill_version, skill_schema, status, level, outcome_category,
      outcome_code, cost_cents, duration_ms, retry_count, idempotency_key, replay_behavior, rng_state_before, source, "timestamp", params, params_salt,
      input_hash, outcome_data, outcome_salt, output_hash, context, context_salt, context_hash, link)
    SELECT p_trace_id[n], p_tenant_id[n], p_step_index[n], p_skill_id[n], p_skill_name[n], p_skill_version[n], p_skill_schema[n], p_status[n], p_level[n],
      p_outcome_category[n], p_outcome_code[n], p_cost_cents[n], p_duration_ms[n], p_retry_count[n], p_idempotency_key[n], p_replay_behavior[n],
      p_rng_state_before[n], p_source[n], p_timestamp[n], p_params[n], p_params_salt[n], p_input_hash[n], p_outcome_data[n], p_outcome_salt[n],
      p_output_hash[n], p_context[n], p_context_salt[n], p_context_hash[n], p_link[n]
    FROM unnest(moved) n;

  IF cardinality(moved) = cardinality(p_trace_id) THEN
    RETURN;
  END IF;

  -- A step that is the trace's last already says what is under way after it, as its writer knows it now.
  UPDATE runproof.trace_heads h
    SET intent_plan_index = p_intent_plan_index[n], intent_attempt = p_intent_attempt[n], intent_at = p_intent_at[n],
      intents_beside = p_intents_beside[n]
    FROM generate_series(1, cardinality(p_trace_id)) n
    WHERE n <> ALL (moved) AND h.trace_id = p_trace_id[n] AND h.tenant_id = p_tenant_id[n]
      AND h.writer_epoch = p_epoch[n] AND h.next_index = p_step_index[n] + 1 AND h.last_link = p_link[n];

  RETURN QUERY
    SELECT n,
      CASE
        WHEN h.trace_id IS NULL AND s.link = p_link[n] THEN 'already_there'
        WHEN h.trace_id IS NULL AND (t.trace_id IS NOT NULL OR a.trace_id IS NOT NULL) THEN 'sealed'
        WHEN h.trace_id IS NULL THEN 'not_found'
        WHEN h.writer_epoch <> p_epoch[n] THEN 'fenced'
        WHEN s.link = p_link[n] THEN 'already_there'
        WHEN s.link IS NOT NULL THEN 'conflict'
        WHEN h.next_index < p_step_index[n] THEN 'gap'
        WHEN h.last_link <> p_previous[n] THEN 'conflict'
        ELSE 'changed'
      END,
      CASE WHEN h.trace_id IS NOT NULL THEN coalesce(s.link, h.last_link) END
    FROM generate_series(1, cardinality(p_trace_id)) n
    LEFT JOIN runproof.trace_heads h ON h.trace_id = p_trace_id[n] AND h.tenant_id = p_tenant_id[n]
    LEFT JOIN public.aos_traces t ON t.trace_id = p_trace_id[n] AND t.tenant_id = p_tenant_id[n]
    LEFT JOIN public.aos_traces_archive a ON a.trace_id = p_trace_id[n] AND a.tenant_id = p_tenant_id[n]
    LEFT JOIN public.aos_trace_steps s ON s.trace_id = p_trace_id[n] AND s.tenant_id = p_tenant_id[n] AND s.step_index = p_step_index[n]
    WHERE n <> ALL (moved);
END $$;

-- Makes the caller the trace's only writer, and tells it where the trace stands: the links of its steps, end to end.
CREATE FUNCTION runproof.take_over(p_trace_id text, p_tenant_id text)
  RETURNS TABLE (outcome text, epoch bigint, header_link bytea, step_links bytea, intent_plan_index integer, intent_attempt integer, intent_at timestamptz,
    intents_beside text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  head runproof.trace_heads;
BEGIN
  PERFORM runproof.require_durable_commit();
  UPDATE runproof.trace_heads h SET writer_epoch = h.writer_epoch + 1
    WHERE h.trace_id = p_trace_id AND h.tenant_id = p_tenant_id RETURNING h.* INTO head;
  IF NOT FOUND THEN
    RETURN QUERY SELECT
      CASE
        WHEN EXISTS (SELECT FROM public.aos_traces t WHERE t.trace_id = p_trace_id AND t.tenant_id = p_tenant_id)
          OR EXISTS (SELECT FROM public.aos_traces_archive t WHERE t.trace_id = p_trace_id AND t.tenant_id = p_tenant_id) THEN 'sealed'
        ELSE 'not_found'
      END, NULL::bigint, NULL::bytea, NULL::bytea, NULL::integer, NULL::integer, NULL::timestamptz, NULL::text;
    RETURN;
  END IF;
  RETURN QUERY SELECT 'recorded', head.writer_epoch, t.link,
      (SELECT coalesce(string_agg(s.link, ''::bytea ORDER BY s.step_index), ''::bytea)
        FROM public.aos_trace_steps s WHERE s.trace_id = p_trace_id AND s.tenant_id = p_tenant_id),
      head.intent_plan_index, head.intent_attempt, head.intent_at, head.intents_beside
    FROM public.aos_traces t WHERE t.trace_id = p_trace_id AND t.tenant_id = p_tenant_id;
END $$;

-- What is under way where no step is recorded: a run goes on in another process, or is let go of while something of it is not known.
CREATE FUNCTION runproof.announce(p_trace_id text, p_tenant_id text, p_epoch bigint, p_last bytea,
  p_intent_plan_index integer, p_intent_attempt integer, p_intent_at timestamptz, p_intents_beside text)
  RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  head runproof.trace_heads;
BEGIN
  PERFORM runproof.require_durable_commit();
  UPDATE runproof.trace_heads h
    SET intent_plan_index = p_intent_plan_index, intent_attempt = p_intent_attempt, intent_at = p_intent_at, intents_beside = p_intents_beside
    WHERE h.trace_id = p_trace_id AND h.tenant_id = p_tenant_id AND h.writer_epoch = p_epoch AND h.last_link = p_last;
  IF FOUND THEN
    RETURN 'recorded';
  END IF;
  SELECT h.* INTO head FROM runproof.trace_heads h WHERE h.trace_id = p_trace_id AND h.tenant_id = p_tenant_id;
  IF FOUND THEN
    RETURN CASE WHEN head.writer_epoch <> p_epoch THEN 'fenced' ELSE 'conflict' END;
  END IF;
  RETURN CASE
    WHEN EXISTS (SELECT FROM public.aos_traces t WHERE t.trace_id = p_trace_id AND t.tenant_id = p_tenant_id)
      OR EXISTS (SELECT FROM public.aos_traces_archive t WHERE t.trace_id = p_trace_id AND t.tenant_id = p_tenant_id) THEN 'sealed'
    ELSE 'not_found'
  END;
END $$;

REVOKE ALL ON FUNCTION runproof.record_openings, runproof.record_steps, runproof.take_over, runproof.announce FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.record_openings, runproof.record_steps, runproof.take_over, runproof.announce TO runproof_runner;
