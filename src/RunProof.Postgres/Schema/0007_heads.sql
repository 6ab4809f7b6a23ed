-- A head (0001) is what a step may be appended behind. One that is put beside a sealed trace, or taken from another, would let its owner add steps after
-- the seal: so a head is made for an open trace at its beginning and stays with it. Appends move no key and are not asked.

CREATE FUNCTION runproof.guard_heads_made() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  wrong record;
BEGIN
  SELECT m.tenant_id, m.trace_id INTO wrong FROM made m
    LEFT JOIN public.aos_traces t ON t.trace_id = m.trace_id AND t.tenant_id = m.tenant_id
    WHERE t.status IS DISTINCT FROM 'running' OR m.next_index <> 0 OR m.last_link <> t.link
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'S6003', MESSAGE = format(
      'S6_IMMUTABILITY_VIOLATION: trace %s of tenant %s is not one that opens now: it gets no head', wrong.trace_id, wrong.tenant_id);
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER guard_made AFTER INSERT ON runproof.trace_heads
  REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION runproof.guard_heads_made();
CREATE TRIGGER guard_key BEFORE UPDATE OF trace_id, tenant_id ON runproof.trace_heads FOR EACH ROW EXECUTE FUNCTION runproof.refuse();

ALTER TABLE runproof.trace_heads ENABLE ALWAYS TRIGGER guard_made;
ALTER TABLE runproof.trace_heads ENABLE ALWAYS TRIGGER guard_key;

REVOKE ALL ON FUNCTION runproof.guard_heads_made FROM PUBLIC;
