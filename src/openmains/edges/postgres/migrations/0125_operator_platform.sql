-- SPDX-License-Identifier: Apache-2.0
-- Operators' platforms (R3.5, ADR 0064): connections with sealed keys, devices and commands as they stand there, and the spool of what was
-- pushed: a push is acknowledged when it is a row here, and becomes a message of the meter after that.

CREATE TABLE operator_platform (
  platform_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  kind        text NOT NULL CHECK (kind IN ('ctwing', 'iotda', 'onenet', 'onenet_studio')),
  name        text NOT NULL CHECK (name <> ''),
  settings    jsonb NOT NULL,                     -- nothing secret
  secrets     text[] NOT NULL DEFAULT '{}',       -- names of what is sealed
  key_id      bigint,
  nonce       bytea,
  sealed      bytea,
  creates     boolean NOT NULL,                   -- meters of its products are made known there by us
  is_on       boolean NOT NULL DEFAULT true,
  changed_us  bigint NOT NULL,
  changed_by  bigint NOT NULL,
  heard_us    bigint NOT NULL DEFAULT 0,          -- newest push that was taken; to ten seconds
  alive_us    bigint NOT NULL DEFAULT 0,          -- an edge worked for it then; to a minute
  gap_us      bigint,                             -- since then pushes may be missing; null: none are
  gap_meter   bigint NOT NULL DEFAULT 0,          -- of the meters up to this one the platform was asked
  checked_us  bigint NOT NULL DEFAULT 0,          -- a gap was last filled
  UNIQUE (tenant_id, name),
  CHECK ((key_id IS NULL) = (sealed IS NULL) AND (key_id IS NULL) = (nonce IS NULL))
);

-- Meters of a product come through one platform.
CREATE TABLE operator_platform_product (
  product_id  int PRIMARY KEY REFERENCES product,
  tenant_id   int NOT NULL REFERENCES tenant,
  platform_id bigint NOT NULL REFERENCES operator_platform ON DELETE CASCADE
);
CREATE INDEX operator_platform_product_of ON operator_platform_product (platform_id);

CREATE TABLE operator_device (
  meter_id    bigint PRIMARY KEY REFERENCES meter ON DELETE CASCADE,
  tenant_id   int NOT NULL REFERENCES tenant,
  platform_id bigint NOT NULL REFERENCES operator_platform ON DELETE CASCADE,
  imei        bigint NOT NULL,                    -- of the module that it is known by there; with another one it is none of the meter's
  device_id   text NOT NULL DEFAULT '',           -- the platform's name of it; '': it has none yet
  fault       text NOT NULL DEFAULT '',           -- why it has none, in the platform's words
  due_us      bigint NOT NULL DEFAULT 0,          -- not tried again before
  is_online   boolean,                            -- null: never said
  online_us   bigint NOT NULL DEFAULT 0
);
CREATE INDEX operator_device_of ON operator_device (platform_id, meter_id);
CREATE INDEX operator_device_name ON operator_device (platform_id, device_id) WHERE device_id <> '';

CREATE TABLE operator_push (
  push_id     bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  platform_id bigint NOT NULL REFERENCES operator_platform ON DELETE CASCADE,
  mark        bytea NOT NULL CHECK (length(mark) = 16), -- of what it says: twice the same is once
  received_us bigint NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('up', 'online', 'offline', 'command', 'other', 'fault')),
  device_id   text NOT NULL DEFAULT '',
  imei        bigint,
  at_ms       bigint NOT NULL DEFAULT 0,
  payload     bytea NOT NULL DEFAULT '',
  item        text NOT NULL DEFAULT '',
  state       text NOT NULL DEFAULT '',
  fault       text NOT NULL DEFAULT '',           -- of one that cannot be used: a code
  done_us     bigint,                             -- null: nothing has become of it yet
  UNIQUE (platform_id, mark)
);
CREATE INDEX operator_push_waiting ON operator_push (push_id) WHERE done_us IS NULL;
CREATE INDEX operator_push_done ON operator_push (done_us) WHERE done_us IS NOT NULL;

-- Pushes that were refused, counted by day and why, so that a flood of them is a few rows.
CREATE TABLE operator_fault (
  platform_id bigint NOT NULL REFERENCES operator_platform ON DELETE CASCADE,
  day         int NOT NULL,
  fault       text NOT NULL,
  tenant_id   int NOT NULL REFERENCES tenant,
  count       bigint NOT NULL,
  last_us     bigint NOT NULL,
  address     text NOT NULL,
  PRIMARY KEY (platform_id, day, fault)
);

-- Each time that a command was given to a platform.
CREATE TABLE operator_command (
  try_id      bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  platform_id bigint NOT NULL REFERENCES operator_platform ON DELETE CASCADE,
  command_id  bigint NOT NULL REFERENCES command ON DELETE CASCADE,
  meter_id    bigint NOT NULL,
  product_id  int NOT NULL,
  device_id   text NOT NULL,
  imei        bigint NOT NULL,
  item        text NOT NULL DEFAULT '',           -- the platform's name of it
  state       text NOT NULL CHECK (state IN ('asked', 'saved', 'sent', 'delivered', 'done', 'failed', 'expired', 'cancelled')),
  sent_us     bigint NOT NULL,
  state_us    bigint NOT NULL,
  due_us      bigint,                             -- when the platform is asked how it stands; null: it has ended there
  asked       int NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX operator_command_item ON operator_command (platform_id, item) WHERE item <> '';
CREATE UNIQUE INDEX operator_command_open ON operator_command (command_id) WHERE due_us IS NOT NULL; -- once at a time
CREATE INDEX operator_command_due ON operator_command (due_us) WHERE due_us IS NOT NULL;
CREATE INDEX operator_command_command ON operator_command (command_id);

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['operator_platform', 'operator_platform_product', 'operator_device', 'operator_push', 'operator_fault',
                           'operator_command'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
  END LOOP;
END $$;
GRANT SELECT, INSERT, DELETE ON operator_platform, operator_platform_product TO openmains_api;
GRANT UPDATE (name, settings, secrets, key_id, nonce, sealed, creates, is_on, changed_us, changed_by, heard_us, gap_us, gap_meter)
  ON operator_platform TO openmains_api;
GRANT SELECT ON operator_device, operator_command TO openmains_api;
GRANT SELECT, INSERT ON operator_push TO openmains_api;
GRANT SELECT, INSERT ON operator_fault TO openmains_api;
GRANT UPDATE (count, last_us, address) ON operator_fault TO openmains_api;
GRANT SELECT ON operator_platform, operator_platform_product TO openmains_pipeline;
GRANT UPDATE (alive_us, gap_us, gap_meter, checked_us) ON operator_platform TO openmains_pipeline;
GRANT SELECT, INSERT, UPDATE, DELETE ON operator_device, operator_push, operator_command TO openmains_pipeline;
