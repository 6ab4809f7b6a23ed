-- The tables. What may happen to their rows is 0002, archiving and erasure 0004, who may see what 0005.
--
-- Conventions
--   * Evidence columns carry the names of the older AOS format where it had one; every column of a trace or a step is covered by a hash,
--     except archived_at, which says where the row is and not what happened.
--   * tenant_id is in every key. It is not always first: AOS's evidence queries name a run or a trace and no tenant, and trace ids rise with
--     time, so that (trace_id, tenant_id, …) serves both kinds of query from one index whose inserts all go to its right edge.
--   * Ids are COLLATE "C": they are ASCII, and their order must not depend on the server's locale.
--   * Payloads are text, never json: the commitment is to the very bytes. EXTERNAL and toast_tuple_target keep rows of common size in one piece
--     and spend nothing on compression.
--   * Times stay a day off both ends of what the wire can spell, so that an infinity written by a hostile hand cannot be read as a real time.
--
-- Columns of AOS that are not here, and why: see src/decisions/2026-11-22-aos-columns.md. In one line each:
--   aos_traces.id, aos_trace_steps.id        a second name for the row; trace_id and step_index are the names
--   aos_traces.plan_id                       no writer; plan_hash names the plan
--   aos_traces.trace                         a second copy of the steps that could disagree with them
--   aos_traces.checksum                      no writer; root_hash is the checksum
--   aos_traces.created_at, stored_by         when and by whom the row was stored: not evidence, and nothing could show a change to them
--   aos_traces.incident_id, violation_*      written after the fact, against the immutability of the row; belong to tables of their own
--   aos_traces.replay_*, trace_completeness_status    metadata of a replay belong to the replay's own trace (source = 'replay')
--   aos_trace_steps.is_synthetic, synthetic_scenario_id, archived_at    copies of the trace's
--   runs.*                                   of 52 columns those that something writes and reads stay

CREATE TABLE runproof.tenants (
  tenant_id  text COLLATE "C" CONSTRAINT tenants_pkey PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT tenants_tenant_id_form CHECK (char_length(tenant_id) BETWEEN 1 AND 64 AND tenant_id !~ '[^A-Za-z0-9._-]')
);

-- A bearer's tenant is found by its key, so the key's constraints cannot hold the tenant: on a sharded server this is a reference table.
CREATE TABLE runproof.api_keys (
  id          text COLLATE "C" CONSTRAINT api_keys_pkey PRIMARY KEY,
  tenant_id   text COLLATE "C" NOT NULL CONSTRAINT api_keys_tenant_fkey REFERENCES runproof.tenants (tenant_id),
  secret_hash bytea NOT NULL CONSTRAINT api_keys_secret_hash_key UNIQUE,
  name        text NOT NULL,
  scope       text NOT NULL,
  created_at  timestamptz NOT NULL,
  revoked_at  timestamptz,
  CONSTRAINT api_keys_id_form CHECK (char_length(id) BETWEEN 1 AND 128 AND id !~ '[^!-~]'),
  CONSTRAINT api_keys_secret_hash_length CHECK (octet_length(secret_hash) = 32),
  CONSTRAINT api_keys_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
  CONSTRAINT api_keys_scope_word CHECK (scope IN ('runner', 'auditor'))
);

CREATE TABLE public.agents (
  id          text COLLATE "C" NOT NULL,
  tenant_id   text COLLATE "C" NOT NULL CONSTRAINT agents_tenant_fkey REFERENCES runproof.tenants (tenant_id),
  name        text NOT NULL,
  description text,
  created_at  timestamptz NOT NULL,
  CONSTRAINT agents_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT agents_id_form CHECK (char_length(id) BETWEEN 1 AND 128 AND id !~ '[^!-~]'),
  CONSTRAINT agents_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
  CONSTRAINT agents_description_length CHECK (char_length(description) <= 4000)
);

CREATE TABLE public.runs (
  id                    text COLLATE "C" NOT NULL,
  tenant_id             text COLLATE "C" NOT NULL,
  agent_id              text COLLATE "C" NOT NULL,
  goal                  text NOT NULL,
  origin_system_id      text NOT NULL,
  correlation_id        text COLLATE "C" NOT NULL,
  planner               text NOT NULL,
  plan_json             text NOT NULL,
  plan_redacted         boolean NOT NULL,
  idempotency_key       text COLLATE "C",
  request_hash          bytea,
  status                text NOT NULL,
  attempts              integer NOT NULL DEFAULT 0,
  seed                  bigint NOT NULL,
  frozen_timestamp      timestamptz,
  is_synthetic          boolean NOT NULL,
  synthetic_scenario_id text,
  trace_parent          text,
  error_code            text,
  error_message         text,
  created_at            timestamptz NOT NULL,
  started_at            timestamptz,
  completed_at          timestamptz,
  duration_ms           double precision,
  worker                text,
  lease_until           timestamptz,
  CONSTRAINT runs_pkey PRIMARY KEY (id, tenant_id),
  CONSTRAINT runs_agent_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents (tenant_id, id),
  CONSTRAINT runs_id_form CHECK (char_length(id) BETWEEN 1 AND 128 AND id !~ '[^!-~]'),
  CONSTRAINT runs_correlation_id_form CHECK (char_length(correlation_id) BETWEEN 1 AND 128 AND correlation_id !~ '[^!-~]'),
  CONSTRAINT runs_origin_system_id_length CHECK (char_length(origin_system_id) BETWEEN 1 AND 128),
  CONSTRAINT runs_planner_length CHECK (char_length(planner) BETWEEN 1 AND 64),
  CONSTRAINT runs_idempotency_key_length CHECK (char_length(idempotency_key) BETWEEN 1 AND 256),
  CONSTRAINT runs_request_hash_length CHECK (octet_length(request_hash) = 32),
  CONSTRAINT runs_status_word CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'aborted')),
  CONSTRAINT runs_attempts_range CHECK (attempts >= 0),
  CONSTRAINT runs_seed_range CHECK (seed BETWEEN -9007199254740991 AND 9007199254740991),
  CONSTRAINT runs_scenario_length CHECK (char_length(synthetic_scenario_id) BETWEEN 1 AND 128),
  CONSTRAINT runs_duration_range CHECK (duration_ms >= 0 AND duration_ms < 'Infinity'),
  CONSTRAINT runs_times_follow_status CHECK (
    CASE status
      WHEN 'queued' THEN started_at IS NULL AND completed_at IS NULL
      WHEN 'running' THEN started_at IS NOT NULL AND completed_at IS NULL
      ELSE completed_at IS NOT NULL
    END),
  CONSTRAINT runs_claim_whole CHECK ((worker IS NULL) = (lease_until IS NULL))
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX runs_idempotency_key ON public.runs (tenant_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX runs_listing ON public.runs (tenant_id, created_at DESC, id DESC);
-- Runs under way are few: this is all that renewing and claiming look at.
CREATE INDEX runs_under_way ON public.runs (lease_until) WHERE status IN ('queued', 'running');

CREATE TABLE public.aos_traces (
  trace_id              text COLLATE "C" NOT NULL,
  tenant_id             text COLLATE "C" NOT NULL,
  run_id                text COLLATE "C" NOT NULL,
  correlation_id        text COLLATE "C" NOT NULL,
  agent_id              text COLLATE "C",
  origin_system_id      text NOT NULL,
  planner               text NOT NULL,
  seed                  bigint NOT NULL,
  frozen_timestamp      timestamptz,
  is_synthetic          boolean NOT NULL,
  synthetic_scenario_id text,
  schema_version        text NOT NULL,
  status                text NOT NULL,
  started_at            timestamptz NOT NULL,
  completed_at          timestamptz,
  archived_at           timestamptz,
  goal                  text,
  goal_salt             bytea,
  goal_hash             bytea NOT NULL,
  plan                  text,
  plan_salt             bytea,
  plan_hash             bytea NOT NULL,
  context               text,
  context_salt          bytea,
  context_hash          bytea,
  metadata              text,
  metadata_salt         bytea,
  metadata_hash         bytea,
  link                  bytea NOT NULL,
  chain_length          integer,
  steps_root            bytea,
  root_hash             bytea,
  CONSTRAINT aos_traces_pkey PRIMARY KEY (trace_id, tenant_id),
  CONSTRAINT aos_traces_tenant_id_form CHECK (char_length(tenant_id) BETWEEN 1 AND 64 AND tenant_id !~ '[^A-Za-z0-9._-]'),
  CONSTRAINT aos_traces_trace_id_form CHECK (char_length(trace_id) BETWEEN 1 AND 128 AND trace_id !~ '[^!-~]'),
  CONSTRAINT aos_traces_run_id_form CHECK (char_length(run_id) BETWEEN 1 AND 128 AND run_id !~ '[^!-~]'),
  CONSTRAINT aos_traces_correlation_id_form CHECK (char_length(correlation_id) BETWEEN 1 AND 128 AND correlation_id !~ '[^!-~]'),
  CONSTRAINT aos_traces_agent_id_form CHECK (char_length(agent_id) BETWEEN 1 AND 128 AND agent_id !~ '[^!-~]'),
  CONSTRAINT aos_traces_origin_system_id_length CHECK (char_length(origin_system_id) BETWEEN 1 AND 128),
  CONSTRAINT aos_traces_planner_length CHECK (char_length(planner) BETWEEN 1 AND 64),
  CONSTRAINT aos_traces_seed_range CHECK (seed BETWEEN -9007199254740991 AND 9007199254740991),
  CONSTRAINT aos_traces_frozen_timestamp_range CHECK (frozen_timestamp >= '0001-01-02 00:00:00+00' AND frozen_timestamp < '9999-12-31 00:00:00+00'),
  CONSTRAINT aos_traces_scenario_length CHECK (char_length(synthetic_scenario_id) BETWEEN 1 AND 128),
  CONSTRAINT aos_traces_schema_version_word CHECK (schema_version = 'runproof/v1'),
  CONSTRAINT aos_traces_status_word CHECK (status IN ('running', 'completed', 'failed', 'aborted')),
  CONSTRAINT aos_traces_started_at_range CHECK (started_at >= '0001-01-02 00:00:00+00' AND started_at < '9999-12-31 00:00:00+00'),
  CONSTRAINT aos_traces_completed_at_range CHECK (completed_at >= '0001-01-02 00:00:00+00' AND completed_at < '9999-12-31 00:00:00+00'),
  CONSTRAINT aos_traces_archived_at_range CHECK (archived_at >= '0001-01-02 00:00:00+00' AND archived_at < '9999-12-31 00:00:00+00'),
  CONSTRAINT aos_traces_goal_whole CHECK ((goal IS NULL) = (goal_salt IS NULL)),
  CONSTRAINT aos_traces_plan_whole CHECK ((plan IS NULL) = (plan_salt IS NULL)),
  CONSTRAINT aos_traces_context_whole CHECK ((context IS NULL) = (context_salt IS NULL) AND (context_hash IS NOT NULL OR context IS NULL)),
  CONSTRAINT aos_traces_metadata_whole CHECK ((metadata IS NULL) = (metadata_salt IS NULL) AND (metadata_hash IS NOT NULL OR metadata IS NULL)),
  CONSTRAINT aos_traces_salt_lengths CHECK (
    octet_length(goal_salt) = 16 AND octet_length(plan_salt) = 16 AND octet_length(context_salt) = 16 AND octet_length(metadata_salt) = 16),
  CONSTRAINT aos_traces_digest_lengths CHECK (
    octet_length(link) = 32 AND octet_length(goal_hash) = 32 AND octet_length(plan_hash) = 32 AND octet_length(context_hash) = 32
    AND octet_length(metadata_hash) = 32 AND octet_length(steps_root) = 32 AND octet_length(root_hash) = 32),
  CONSTRAINT aos_traces_chain_length_range CHECK (chain_length >= 0),
  CONSTRAINT aos_traces_seal_whole CHECK (
    CASE WHEN status = 'running'
      THEN completed_at IS NULL AND chain_length IS NULL AND steps_root IS NULL AND root_hash IS NULL AND metadata_hash IS NULL
      ELSE completed_at IS NOT NULL AND chain_length IS NOT NULL AND steps_root IS NOT NULL AND root_hash IS NOT NULL
    END)
) WITH (toast_tuple_target = 8160, fillfactor = 80);

ALTER TABLE public.aos_traces
  ALTER COLUMN goal SET STORAGE EXTERNAL, ALTER COLUMN plan SET STORAGE EXTERNAL,
  ALTER COLUMN context SET STORAGE EXTERNAL, ALTER COLUMN metadata SET STORAGE EXTERNAL;

CREATE INDEX aos_traces_run ON public.aos_traces (run_id, tenant_id);

CREATE TABLE public.aos_trace_steps (
  trace_id         text COLLATE "C" NOT NULL,
  tenant_id        text COLLATE "C" NOT NULL,
  step_index       integer NOT NULL,
  skill_id         text NOT NULL,
  skill_name       text NOT NULL,
  skill_version    text,
  skill_schema     bytea,
  status           text NOT NULL,
  level            text NOT NULL,
  outcome_category text NOT NULL,
  outcome_code     text,
  cost_cents       numeric NOT NULL,
  duration_ms      double precision NOT NULL,
  retry_count      integer NOT NULL,
  idempotency_key  text,
  replay_behavior  text NOT NULL,
  rng_state_before text,
  source           text NOT NULL,
  timestamp        timestamptz NOT NULL,
  params           text,
  params_salt      bytea,
  input_hash       bytea NOT NULL,
  outcome_data     text,
  outcome_salt     bytea,
  output_hash      bytea,
  context          text,
  context_salt     bytea,
  context_hash     bytea,
  link             bytea NOT NULL,
  CONSTRAINT aos_trace_steps_pkey PRIMARY KEY (trace_id, tenant_id, step_index),
  CONSTRAINT aos_trace_steps_trace_fkey FOREIGN KEY (trace_id, tenant_id) REFERENCES public.aos_traces (trace_id, tenant_id),
  CONSTRAINT aos_trace_steps_step_index_range CHECK (step_index >= 0),
  CONSTRAINT aos_trace_steps_skill_length CHECK (char_length(skill_id) BETWEEN 1 AND 128 AND char_length(skill_name) BETWEEN 1 AND 128),
  CONSTRAINT aos_trace_steps_skill_version_length CHECK (char_length(skill_version) BETWEEN 1 AND 64),
  CONSTRAINT aos_trace_steps_status_word CHECK (status IN ('succeeded', 'failed', 'skipped', 'retrying', 'blocked', 'interrupted')),
  CONSTRAINT aos_trace_steps_level_follows_status CHECK (
    level = CASE status WHEN 'succeeded' THEN 'INFO' WHEN 'skipped' THEN 'INFO' WHEN 'retrying' THEN 'WARN' ELSE 'ERROR' END),
  CONSTRAINT aos_trace_steps_outcome_category_length CHECK (char_length(outcome_category) BETWEEN 1 AND 64),
  CONSTRAINT aos_trace_steps_outcome_code_length CHECK (char_length(outcome_code) BETWEEN 1 AND 64),
  -- A NaN is above every number, and a decimal of the format has 28 digits after the point at most.
  CONSTRAINT aos_trace_steps_cost_range CHECK (cost_cents BETWEEN 0 AND 79228162514264337593543950335 AND scale(cost_cents) <= 28),
  CONSTRAINT aos_trace_steps_duration_range CHECK (duration_ms >= 0 AND duration_ms < 'Infinity'),
  CONSTRAINT aos_trace_steps_retry_count_range CHECK (retry_count >= 0),
  CONSTRAINT aos_trace_steps_idempotency_key_length CHECK (char_length(idempotency_key) BETWEEN 1 AND 256),
  CONSTRAINT aos_trace_steps_replay_behavior_word CHECK (replay_behavior IN ('execute', 'skip', 'check')),
  CONSTRAINT aos_trace_steps_rng_state_length CHECK (char_length(rng_state_before) BETWEEN 1 AND 256),
  CONSTRAINT aos_trace_steps_source_word CHECK (source IN ('engine', 'external', 'otlp', 'mcp', 'replay')),
  CONSTRAINT aos_trace_steps_timestamp_range CHECK (timestamp >= '0001-01-02 00:00:00+00' AND timestamp < '9999-12-31 00:00:00+00'),
  CONSTRAINT aos_trace_steps_params_whole CHECK ((params IS NULL) = (params_salt IS NULL)),
  CONSTRAINT aos_trace_steps_outcome_whole CHECK ((outcome_data IS NULL) = (outcome_salt IS NULL) AND (output_hash IS NOT NULL OR outcome_data IS NULL)),
  CONSTRAINT aos_trace_steps_context_whole CHECK ((context IS NULL) = (context_salt IS NULL) AND (context_hash IS NOT NULL OR context IS NULL)),
  CONSTRAINT aos_trace_steps_salt_lengths CHECK (octet_length(params_salt) = 16 AND octet_length(outcome_salt) = 16 AND octet_length(context_salt) = 16),
  CONSTRAINT aos_trace_steps_digest_lengths CHECK (
    octet_length(link) = 32 AND octet_length(input_hash) = 32 AND octet_length(output_hash) = 32 AND octet_length(context_hash) = 32
    AND octet_length(skill_schema) = 32)
) WITH (toast_tuple_target = 8160);

ALTER TABLE public.aos_trace_steps
  ALTER COLUMN params SET STORAGE EXTERNAL, ALTER COLUMN outcome_data SET STORAGE EXTERNAL, ALTER COLUMN context SET STORAGE EXTERNAL;

-- Twins: same columns in the same order, same checks and indexes (a test holds them to it).
CREATE TABLE public.aos_traces_archive (LIKE public.aos_traces INCLUDING ALL) WITH (toast_tuple_target = 8160);
CREATE TABLE public.aos_trace_steps_archive (LIKE public.aos_trace_steps INCLUDING ALL) WITH (toast_tuple_target = 8160);
ALTER TABLE public.aos_trace_steps_archive
  ADD CONSTRAINT aos_trace_steps_archive_trace_fkey FOREIGN KEY (trace_id, tenant_id) REFERENCES public.aos_traces_archive (trace_id, tenant_id);

-- What a running trace's writer stands at. A head is made when its trace opens (0002), moves with every append and goes with the seal,
-- so that its being there is what "open" means. Rewritten at every append: half of each page is left free so that it stays in place.
CREATE TABLE runproof.trace_heads (
  trace_id          text COLLATE "C" NOT NULL,
  tenant_id         text COLLATE "C" NOT NULL,
  next_index        integer NOT NULL,
  last_link         bytea NOT NULL,
  writer_epoch      bigint NOT NULL DEFAULT 1,
  intent_plan_index integer,
  intent_attempt    integer,
  intent_at         timestamptz,
  CONSTRAINT trace_heads_pkey PRIMARY KEY (trace_id, tenant_id),
  CONSTRAINT trace_heads_intent_whole CHECK (
    (intent_plan_index IS NULL) = (intent_attempt IS NULL) AND (intent_plan_index IS NULL) = (intent_at IS NULL))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Who erased which payload, and why. A payload can only be erased once that is on record here (0002).
CREATE TABLE runproof.payload_erasures (
  trace_id      text COLLATE "C" NOT NULL,
  tenant_id     text COLLATE "C" NOT NULL,
  step_index    integer,
  payload       text NOT NULL,
  commitment    bytea NOT NULL,
  erased_at     timestamptz NOT NULL DEFAULT now(),
  erased_by     text NOT NULL,
  reason        text NOT NULL,
  database_user text NOT NULL DEFAULT session_user,
  CONSTRAINT payload_erasures_key UNIQUE NULLS NOT DISTINCT (trace_id, tenant_id, step_index, payload),
  CONSTRAINT payload_erasures_payload_word CHECK (
    payload IN ('context') OR payload IN ('goal', 'plan', 'metadata') AND step_index IS NULL OR payload IN ('params', 'outcome_data') AND step_index IS NOT NULL),
  CONSTRAINT payload_erasures_commitment_length CHECK (octet_length(commitment) = 32),
  CONSTRAINT payload_erasures_erased_by_length CHECK (char_length(erased_by) BETWEEN 1 AND 200),
  CONSTRAINT payload_erasures_reason_length CHECK (char_length(reason) BETWEEN 1 AND 2000)
);
