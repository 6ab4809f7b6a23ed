-- A commit of a log in one round trip, at the same price whatever the log's size and whatever the planner believes of it.
--
-- Each log is another number of rows under the same tenant_id, and statistics are always behind what is filled and emptied all the time. Asked for a trace's
-- rows, a planner that takes a tenant for small reads all of the tenant's by an index that merely begins with tenant_id. So what is found by its trace has a
-- key that begins with the trace, as evidence has (0001), and who looks by trace says tenant_id IS NOT DISTINCT FROM, which means = and is looked up in no
-- index, whereas the planner estimates it as what it is. Look-ups by position and by time say tenant_id = and take the keys that begin with it.

ALTER TABLE runproof.log_queue DROP CONSTRAINT log_queue_pkey, ADD CONSTRAINT log_queue_pkey PRIMARY KEY (trace_id, tenant_id, kind);
ALTER TABLE runproof.log_entries DROP CONSTRAINT log_entries_trace_key, ADD CONSTRAINT log_entries_trace_key UNIQUE (trace_id, tenant_id, kind);

DO $$
DECLARE
  guarded regclass;
BEGIN
  FOREACH guarded IN ARRAY ARRAY['runproof.log_queue', 'runproof.log_entries']::regclass[] LOOP
    EXECUTE format('ALTER POLICY tenant_isolation ON %s USING (tenant_id IS NOT DISTINCT FROM current_setting(''runproof.tenant_id'', true))', guarded);
  END LOOP;
END $$;

-- The next two as before (0008). A function keeps its first plan for as long as its session lives, so it must be the one that is right for large logs: lateral
-- with a limit can only be one look-up a row.
CREATE OR REPLACE FUNCTION runproof.guard_queue_delete() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_material = off AS $$
DECLARE
  wrong record;
BEGIN
  SELECT g.tenant_id, g.trace_id, g.kind INTO wrong FROM gone g
    LEFT JOIN LATERAL (
      SELECT true AS is_there FROM runproof.log_entries e WHERE e.trace_id = g.trace_id AND e.kind = g.kind AND e.tenant_id IS NOT DISTINCT FROM g.tenant_id LIMIT 1) e ON true
    LEFT JOIN LATERAL (
      SELECT true AS is_there FROM runproof.log_quarantine q
        WHERE e.is_there IS NULL AND q.tenant_id = g.tenant_id AND q.trace_id = g.trace_id AND q.kind = g.kind LIMIT 1) q ON true
    WHERE e.is_there IS NULL AND q.is_there IS NULL
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'S6001', MESSAGE = format(
      'S6_IMMUTABILITY_VIOLATION: trace %s of tenant %s awaits inclusion (%s): it is neither in the log nor in quarantine', wrong.trace_id, wrong.tenant_id, wrong.kind);
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION runproof.guard_entries_added() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_material = off AS $$
DECLARE
  wrong record;
BEGIN
  SELECT g.* INTO wrong
    FROM (SELECT a.tenant_id, min(a.position) AS first, max(a.position) AS last, count(*) AS entries FROM added a GROUP BY a.tenant_id) g
    LEFT JOIN LATERAL (SELECT true AS is_there FROM runproof.log_entries e WHERE e.tenant_id = g.tenant_id AND e.position = g.first - 1 LIMIT 1) before ON true
    LEFT JOIN LATERAL (SELECT true AS is_there FROM runproof.logs l WHERE l.tenant_id = g.tenant_id AND l.size = g.last + 1 LIMIT 1) head ON true
    WHERE g.entries <> g.last - g.first + 1 OR g.first > 0 AND before.is_there IS NULL OR head.is_there IS NULL
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'S6004', MESSAGE = format(
      'S6_IMMUTABILITY_VIOLATION: entries %s to %s (%s rows) of the log of tenant %s do not continue it up to its size', wrong.first, wrong.last, wrong.entries, wrong.tenant_id);
  END IF;
  RETURN NULL;
END $$;

-- A commit is sent whole, so its statements must say themselves what they have to find; where one does not, nothing of the commit happens.
-- S6100: another sealer was first. S6101: a tile is not as wide as the log's size says.
CREATE FUNCTION runproof.must_affect(p_rows bigint, p_expected bigint, p_state text, p_message text)
  RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_rows <> p_expected THEN
    RAISE EXCEPTION USING ERRCODE = p_state, MESSAGE = format('%s (%s of %s)', p_message, p_rows, p_expected);
  END IF;
END $$;

REVOKE ALL ON FUNCTION runproof.must_affect FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.must_affect TO runproof_verifier;

-- What enters next: the first traces by time, with all that is queued of each, which is two rows at most. A seal comes after its opening even where the clock
-- was set back between them. A function, since only so can it be said that the queue is read in the order of its index and not sorted whole.
CREATE FUNCTION runproof.queue_to_seal(p_tenant text, p_traces integer)
  RETURNS TABLE (trace_id text, kind text, queued_at timestamptz, is_opened boolean, is_entered boolean)
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_material = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  WITH first AS (
    SELECT f.trace_id
      FROM (SELECT q.trace_id, q.queued_at FROM runproof.log_queue q WHERE q.tenant_id = p_tenant ORDER BY q.queued_at, q.trace_id, q.kind LIMIT 2 * p_traces) f
      GROUP BY f.trace_id ORDER BY min(f.queued_at), f.trace_id LIMIT p_traces)
  SELECT q.trace_id, q.kind, q.queued_at, coalesce(e.is_opened, false), coalesce(e.is_entered, false)
    FROM first f
      CROSS JOIN LATERAL (SELECT l.trace_id, l.kind, l.queued_at FROM runproof.log_queue l WHERE l.trace_id = f.trace_id AND l.tenant_id IS NOT DISTINCT FROM p_tenant LIMIT 2) q
      CROSS JOIN LATERAL (
        SELECT bool_or(l.kind = 'opened') AS is_opened, bool_or(l.kind = q.kind) AS is_entered
          FROM runproof.log_entries l WHERE l.trace_id = f.trace_id AND l.tenant_id IS NOT DISTINCT FROM p_tenant) e
    ORDER BY greatest(q.queued_at, max(q.queued_at) FILTER (WHERE q.kind = 'opened') OVER (PARTITION BY q.trace_id)), q.trace_id, q.kind
$$;

REVOKE ALL ON FUNCTION runproof.queue_to_seal FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runproof.queue_to_seal TO runproof_verifier;

-- As before (0008), but it counts no further than 10,000: it is asked before every round, also while a million entries wait.
CREATE OR REPLACE FUNCTION runproof.tenants_to_seal(p_limit integer)
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
  SELECT d.tenant_id, (SELECT count(*) FROM (SELECT FROM runproof.log_queue q WHERE q.tenant_id = d.tenant_id LIMIT 10000) c), d.queued_at,
      EXISTS (SELECT FROM runproof.logs l WHERE l.tenant_id = d.tenant_id AND l.checkpoint IS NOT NULL AND (l.published IS NULL OR NOT starts_with(l.published, l.checkpoint)))
    FROM (SELECT d.tenant_id, d.queued_at FROM due d ORDER BY d.queued_at NULLS LAST, d.tenant_id LIMIT p_limit) d
    ORDER BY d.queued_at NULLS LAST, d.tenant_id
$$;
