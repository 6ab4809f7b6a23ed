-- A worker renews its leases on many runs at once, and a sub-run that ends locks its own row and then its parent's (0027). Both lock the deepest first, so that neither
-- waits for a row of the other while it holds one that the other waits for.
CREATE OR REPLACE FUNCTION runproof.renew_claims(p_worker text, p_lease_until timestamptz)
  RETURNS TABLE (tenant_id text, run_id text, pause boolean, cancel_by text, cancel_reason text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH held AS MATERIALIZED (
    SELECT r.tenant_id, r.id FROM public.runs r WHERE r.status IN ('queued', 'running') AND r.worker = p_worker ORDER BY r.depth DESC, r.tenant_id, r.id FOR UPDATE),
  renewed AS (
    UPDATE public.runs r SET lease_until = p_lease_until FROM held h
      WHERE r.tenant_id = h.tenant_id AND r.id = h.id AND r.status IN ('queued', 'running') AND r.worker = p_worker
      RETURNING r.tenant_id, r.id, r.pause_requested_at, r.cancel_requested_by, r.cancel_reason)
  SELECT r.tenant_id, r.id, r.pause_requested_at IS NOT NULL, r.cancel_requested_by, r.cancel_reason FROM renewed r
    WHERE r.pause_requested_at IS NOT NULL OR r.cancel_requested_by IS NOT NULL
$$;
