-- SPDX-License-Identifier: Apache-2.0
-- First schema. Roles exist before (run/engines creates them): openmains_api obeys row-level security, openmains_pipeline
-- (edge, pipeline, worker) works for all tenants. Neither owns a table. Every table with a tenant_id is isolated below.

-- Tenants and people -------------------------------------------------------------------------------------------------
CREATE TABLE tenant (
  tenant_id   int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  code        text NOT NULL UNIQUE,
  name        text NOT NULL,
  zone        text NOT NULL DEFAULT 'Asia/Shanghai',
  created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE app_user (
  user_id       bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id     int NOT NULL REFERENCES tenant,
  login         text NOT NULL,
  name          text NOT NULL,
  password_hash text NOT NULL,
  role          text NOT NULL CHECK (role IN ('administrator', 'operator', 'viewer')),
  locale        text NOT NULL DEFAULT 'zh' CHECK (locale IN ('zh', 'en')),
  disabled      boolean NOT NULL DEFAULT false,
  must_change   boolean NOT NULL DEFAULT false,
  failed_count  int NOT NULL DEFAULT 0,
  locked_until  timestamptz,
  created_at    timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, login)
);
CREATE TABLE session (
  session_hash bytea PRIMARY KEY,
  user_id      bigint NOT NULL REFERENCES app_user ON DELETE CASCADE,
  tenant_id    int NOT NULL REFERENCES tenant,
  created_at   timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  address      text NOT NULL DEFAULT ''
);
CREATE INDEX session_expiry ON session (expires_at);
CREATE TABLE api_token (
  token_id     bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL REFERENCES tenant,
  user_id      bigint NOT NULL REFERENCES app_user ON DELETE CASCADE,
  name         text NOT NULL,
  token_hash   bytea NOT NULL UNIQUE,
  role         text NOT NULL CHECK (role IN ('administrator', 'operator', 'viewer')),
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz,
  last_used_at timestamptz,
  revoked_at   timestamptz
);
CREATE TABLE audit (
  audit_id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  at          timestamptz NOT NULL DEFAULT now(),
  user_id     bigint,
  actor       text NOT NULL,
  action      text NOT NULL,
  object_type text NOT NULL,
  object_id   text NOT NULL,
  before      jsonb,
  after       jsonb,
  address     text NOT NULL DEFAULT '',
  request_id  text NOT NULL DEFAULT ''
);
CREATE INDEX audit_newest ON audit (tenant_id, audit_id DESC);

-- Fleet: areas, products, customers, meters -----------------------------------------------------------------------------
CREATE TABLE area (
  area_id   int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id int NOT NULL REFERENCES tenant,
  parent_id int REFERENCES area,
  code      text NOT NULL,
  name      text NOT NULL,
  UNIQUE (tenant_id, code)
);
CREATE TABLE product (
  product_id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  code       text NOT NULL,
  name       text NOT NULL,
  maker      text NOT NULL,
  model      text NOT NULL,
  medium     text NOT NULL CHECK (medium IN ('gas', 'water')),
  driver     text NOT NULL,
  dial       bigint NOT NULL DEFAULT 0,        -- register rolls over at this value (units); 0 = unknown
  interval_s int NOT NULL DEFAULT 1800,
  report_s   int NOT NULL DEFAULT 86400,
  qmax_l_h   bigint NOT NULL DEFAULT 6000,     -- where a meter has none of its own
  settings   jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, code)
);
CREATE TABLE customer (
  customer_id  bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL REFERENCES tenant,
  code         text NOT NULL,
  name         text NOT NULL,
  phone        text NOT NULL DEFAULT '',
  address      text NOT NULL DEFAULT '',
  is_protected boolean NOT NULL DEFAULT false,
  UNIQUE (tenant_id, code)
);
CREATE TABLE meter (
  meter_id     bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL REFERENCES tenant,
  number       text NOT NULL,
  bar_code     text NOT NULL DEFAULT '',
  imei         bigint UNIQUE,
  imsi         text NOT NULL DEFAULT '',
  iccid        text NOT NULL DEFAULT '',
  product_id   int NOT NULL REFERENCES product,
  area_id      int NOT NULL REFERENCES area,
  customer_id  bigint REFERENCES customer,
  address      text NOT NULL DEFAULT '',
  place        text NOT NULL DEFAULT 'room' CHECK (place IN ('room', 'shaft', 'well', 'cellar', 'pit', 'box', 'outdoor')),
  dn           int NOT NULL DEFAULT 0,
  qmax_l_h     bigint NOT NULL DEFAULT 0,      -- 0: the product's
  installed_on date NOT NULL,
  removed_on   date,
  created_at   timestamptz NOT NULL DEFAULT now(),
  revision     bigint NOT NULL DEFAULT 1,      -- for If-Match
  UNIQUE (tenant_id, number)
);
CREATE INDEX meter_area ON meter (tenant_id, area_id);
CREATE INDEX meter_product ON meter (product_id);
CREATE INDEX meter_customer ON meter (customer_id) WHERE customer_id IS NOT NULL;
-- Search text apart from the registry: a GIN index makes updates of its table 20 times slower.
CREATE TABLE meter_search (
  meter_id  bigint PRIMARY KEY REFERENCES meter ON DELETE CASCADE,
  tenant_id int NOT NULL,
  text      text NOT NULL,                     -- number, IMEI, customer, phone, address; lower case, separated by newlines
  grams     int[] NOT NULL                     -- see app/fleet/search.py
);
CREATE INDEX meter_search_grams ON meter_search USING gin (grams) WITH (fastupdate = on);
-- Edges keep the identities of all meters in memory and follow this list.
CREATE TABLE identity_change (
  seq       bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id int NOT NULL,
  meter_id  bigint NOT NULL,
  xid       xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX identity_change_xid ON identity_change (xid);

-- Readings: hot state, exceptions, stream positions ---------------------------------------------------------------------
CREATE TABLE meter_state (
  meter_id        bigint PRIMARY KEY REFERENCES meter ON DELETE CASCADE,
  tenant_id       int NOT NULL,
  version         bigint NOT NULL DEFAULT 0,
  register        bigint,
  register_at     bigint,
  close_day       int,
  closes          bigint[] NOT NULL DEFAULT '{}',
  frame_seq       int,
  frame_hash      bigint,
  candidate       bigint,
  candidate_at    bigint,
  candidate_count int NOT NULL DEFAULT 0,
  habit           bigint NOT NULL DEFAULT 0,
  grid_at         bigint,                      -- newest slot boundary whose register is known
  grid_register   bigint,
  last_seen_us    bigint,
  event_mask      bigint NOT NULL DEFAULT 0,   -- active events, bits of drivers/points.toml
  events_at       bigint NOT NULL DEFAULT 0,   -- device time of the newest message whose events were applied
  status          bigint,
  valve           smallint,
  balance         bigint,
  battery_pct     smallint,
  battery_mv      int,
  rsrp_ddbm       int,                         -- 0.1 dBm
  sinr_ddb        int,                         -- 0.1 dB
  ecl             smallint,
  pci             int,
  cell            bigint,
  earfcn          int
) WITH (fillfactor = 60);
CREATE TABLE reading_exception (
  exception_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL,
  meter_id     bigint NOT NULL,
  version      bigint NOT NULL,
  rule         smallint NOT NULL,
  at           bigint NOT NULL,
  day          int NOT NULL,
  value        bigint NOT NULL,
  expected     bigint,
  found_at     timestamptz NOT NULL DEFAULT now(),
  status       text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'accepted', 'edited', 'estimated')),
  judged_by    bigint,
  judged_at    timestamptz,
  reason       text NOT NULL DEFAULT ''
);
CREATE INDEX reading_exception_meter ON reading_exception (meter_id, at);
CREATE INDEX reading_exception_open ON reading_exception (tenant_id, exception_id DESC) WHERE status = 'open';
CREATE INDEX reading_exception_rule ON reading_exception (tenant_id, rule);
CREATE TABLE pipeline_position (
  shard      int PRIMARY KEY,
  stream     text NOT NULL,
  position   bigint NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE dead_letter (
  dead_letter_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id      int NOT NULL,
  meter_id       bigint NOT NULL,
  product_id     int NOT NULL,
  channel        text NOT NULL,
  path           text NOT NULL,
  received_us    bigint NOT NULL,
  payload        bytea NOT NULL,
  reason         text NOT NULL,
  byte_offset    int NOT NULL DEFAULT 0,
  detail         text NOT NULL DEFAULT '',
  status         text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'replayed', 'dismissed')),
  handled_by     bigint,
  handled_at     timestamptz
);
CREATE INDEX dead_letter_newest ON dead_letter (tenant_id, status, dead_letter_id DESC);

-- Alarms ----------------------------------------------------------------------------------------------------------------
CREATE TABLE alarm (
  alarm_id        bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id       int NOT NULL,
  meter_id        bigint NOT NULL,
  event           text NOT NULL,               -- name in drivers/points.toml
  severity        text NOT NULL CHECK (severity IN ('critical', 'major', 'minor', 'info')),
  raised_at       bigint NOT NULL,             -- meter's clock, s
  received_us     bigint NOT NULL,             -- edge's clock when the message came
  shown_us        bigint NOT NULL,             -- pipeline's clock when it became visible; delay = shown − received
  occurrences     int NOT NULL DEFAULT 1,
  last_us         bigint NOT NULL,
  cleared_us      bigint,
  acknowledged_by bigint,
  acknowledged_at timestamptz
);
CREATE UNIQUE INDEX alarm_open ON alarm (meter_id, event) WHERE cleared_us IS NULL;
CREATE INDEX alarm_newest ON alarm (tenant_id, alarm_id DESC);

-- Long work -------------------------------------------------------------------------------------------------------------
CREATE TABLE job (
  job_id      bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL,
  kind        text NOT NULL,
  params      jsonb NOT NULL DEFAULT '{}',
  status      text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  done        bigint NOT NULL DEFAULT 0,
  total       bigint NOT NULL DEFAULT 0,
  result      jsonb,
  error       text NOT NULL DEFAULT '',
  file_path   text NOT NULL DEFAULT '',
  unique_key  text,
  created_by  bigint,
  created_at  timestamptz NOT NULL DEFAULT now(),
  started_at  timestamptz,
  finished_at timestamptz,
  heartbeat_at timestamptz,
  UNIQUE (tenant_id, unique_key)
);
CREATE INDEX job_waiting ON job (job_id) WHERE status IN ('queued', 'running');

-- Isolation -------------------------------------------------------------------------------------------------------------
-- The API sets openmains.tenant at the start of each transaction; without it no row is visible.
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['app_user','session','api_token','audit','area','product','customer','meter','meter_search',
    'identity_change','meter_state','reading_exception','dead_letter','alarm','job'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int) WITH CHECK (tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int)', t);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO openmains_api', t);
  END LOOP;
END $$;
ALTER TABLE tenant ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_self ON tenant TO openmains_api USING (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int);
CREATE POLICY tenant_all ON tenant TO openmains_pipeline USING (true);
GRANT SELECT ON tenant TO openmains_api, openmains_pipeline;
-- The trail can be written and read, never changed.
REVOKE UPDATE, DELETE ON audit FROM openmains_api;
-- Positions and state are the pipeline's alone.
GRANT SELECT ON pipeline_position TO openmains_api;
REVOKE UPDATE, DELETE ON meter_state FROM openmains_api;
GRANT SELECT ON meter, product, area, customer, meter_search, app_user, identity_change TO openmains_pipeline;
GRANT SELECT, INSERT, UPDATE, DELETE ON meter_state, reading_exception, pipeline_position, dead_letter, alarm, job, session, api_token TO openmains_pipeline;
GRANT INSERT, UPDATE, DELETE ON meter, meter_search, customer, area TO openmains_pipeline; -- imports run in the worker
GRANT INSERT, DELETE ON identity_change TO openmains_pipeline;
GRANT INSERT ON audit TO openmains_pipeline;

-- Sign-in happens before a tenant is known; these two functions are the only way across tenants for the API.
CREATE FUNCTION find_sign_in(p_tenant text, p_login text)
  RETURNS TABLE (user_id bigint, tenant_id int, name text, password_hash text, role text, locale text, disabled boolean,
                 must_change boolean, failed_count int, locked_until timestamptz, zone text)
  LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
  SELECT u.user_id, u.tenant_id, u.name, u.password_hash, u.role, u.locale, u.disabled, u.must_change, u.failed_count,
         u.locked_until, t.zone
    FROM app_user u JOIN tenant t USING (tenant_id)
   WHERE t.code = p_tenant AND u.login = p_login
$$;
CREATE FUNCTION find_credential(p_hash bytea)
  RETURNS TABLE (user_id bigint, tenant_id int, login text, name text, role text, locale text, zone text, kind text, must_change boolean)
  LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
  SELECT u.user_id, u.tenant_id, u.login, u.name, u.role, u.locale, t.zone, 'session', u.must_change
    FROM session s JOIN app_user u USING (user_id) JOIN tenant t ON t.tenant_id = u.tenant_id
   WHERE s.session_hash = p_hash AND s.expires_at > now() AND NOT u.disabled
  UNION ALL
  SELECT u.user_id, u.tenant_id, u.login, u.name, k.role, u.locale, t.zone, 'token', false
    FROM api_token k JOIN app_user u USING (user_id) JOIN tenant t ON t.tenant_id = u.tenant_id
   WHERE k.token_hash = p_hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND NOT u.disabled
$$;
REVOKE ALL ON FUNCTION find_sign_in(text, text), find_credential(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_sign_in(text, text), find_credential(bytea) TO openmains_api;
