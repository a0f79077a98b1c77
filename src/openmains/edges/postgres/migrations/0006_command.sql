-- SPDX-License-Identifier: Apache-2.0
-- Commands (docs/commands.md). Who may do what is in the rights below: the API writes drafts and calls off what was never
-- sent; every other step of a command's life belongs to the pipeline's role; nothing here can make a signature.
-- The signer reads the few registry columns its rules need, as a role of its own, and writes nothing.

ALTER TABLE customer ADD COLUMN is_critical boolean NOT NULL DEFAULT false; -- closing always needs a second person

CREATE TABLE command_batch (
  batch_id     bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL REFERENCES tenant,
  name         text NOT NULL,
  kind         text NOT NULL,
  params       jsonb NOT NULL DEFAULT '{}',     -- {} where each meter has its own
  unique_key   text NOT NULL,
  state        text NOT NULL DEFAULT 'drafted',
  validity_s   int NOT NULL,
  groups       int[] NOT NULL DEFAULT '{1,10,100}',
  hold_s       int NOT NULL DEFAULT 3600,
  failure_limit_ppm int NOT NULL DEFAULT 20000,
  inverse_of   bigint REFERENCES command_batch,
  total        int NOT NULL DEFAULT 0,
  released     int NOT NULL DEFAULT 0,
  group_from   int NOT NULL DEFAULT 0,          -- place of the first meter of the group released last
  judge_from   int NOT NULL DEFAULT 0,          -- failures before this place were accepted by a person (resume)
  reason       text NOT NULL DEFAULT '',
  created_by   bigint,
  created_at   timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, unique_key)
);
CREATE INDEX command_batch_newest ON command_batch (tenant_id, batch_id DESC);
CREATE INDEX command_batch_running ON command_batch (batch_id) WHERE state = 'running';

CREATE TABLE command (
  command_id   bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL REFERENCES tenant,
  meter_id     bigint NOT NULL REFERENCES meter ON DELETE CASCADE,
  kind         text NOT NULL,
  params       jsonb NOT NULL DEFAULT '{}',
  lane         smallint NOT NULL,
  priority     smallint NOT NULL,
  slot         text NOT NULL DEFAULT '',        -- what a setting sets: a newer one replaces an unsent older one
  channel      text NOT NULL DEFAULT 'direct',
  unique_key   text NOT NULL,
  content      bytea NOT NULL,                  -- SHA-256 of meter, kind and parameters: the key again must mean the same
  not_after    bigint NOT NULL,                 -- s
  batch_id     bigint REFERENCES command_batch,
  place        int,                             -- within the batch
  created_by   bigint,
  created_us   bigint NOT NULL,
  -- from here on written by the pipeline's role only (state also by the API's, to 'cancelled')
  state        text NOT NULL DEFAULT 'drafted',
  reason       text NOT NULL DEFAULT '',
  serial       int,                             -- within the meter, in the order of approval; goes into the frame
  counter      bigint,                          -- the signer's
  frame        bytea,                           -- made once: every repeat is the same bytes
  attempts     int NOT NULL DEFAULT 0,
  sent_us      bigint,
  delivered_us bigint,
  ended_us     bigint,
  result       smallint,
  answer       jsonb,                           -- points the meter read back
  UNIQUE (tenant_id, unique_key),
  UNIQUE (meter_id, serial)
);
CREATE INDEX command_newest ON command (tenant_id, command_id DESC);
CREATE INDEX command_of_meter ON command (meter_id, command_id DESC);
CREATE INDEX command_of_batch ON command (batch_id, place) WHERE batch_id IS NOT NULL;
CREATE INDEX command_intake ON command (command_id) WHERE state IN ('drafted', 'quarantined', 'approved');
CREATE INDEX command_open ON command (tenant_id, command_id DESC)
  WHERE state NOT IN ('confirmed', 'failed', 'expired', 'cancelled');

-- Hot: only commands whose frame may go out, so that 'who of this batch's meters waits' touches few, narrow pages.
-- Lock order everywhere: command before command_waiting.
CREATE TABLE command_waiting (
  command_id bigint PRIMARY KEY REFERENCES command ON DELETE CASCADE,
  tenant_id  int NOT NULL,
  meter_id   bigint NOT NULL,
  serial     int NOT NULL,
  attempts   int NOT NULL DEFAULT 0,
  lane       smallint NOT NULL,
  priority   smallint NOT NULL,
  due_at     bigint NOT NULL DEFAULT 0,         -- s; not before
  not_after  bigint NOT NULL,
  kind       text NOT NULL,
  state      text NOT NULL CHECK (state IN ('queued', 'sent', 'delivered', 'asking')),
  channel    text NOT NULL DEFAULT 'direct'
) WITH (fillfactor = 70);
CREATE INDEX command_waiting_meter ON command_waiting (meter_id);
CREATE INDEX command_waiting_end ON command_waiting (not_after);
-- only readings (lane 3) are given up by attempts
CREATE INDEX command_waiting_tried ON command_waiting (due_at) WHERE lane = 3 AND attempts > 0;
-- always reachable meters are not woken by an uplink: their commands are looked for by time
CREATE INDEX command_waiting_due ON command_waiting (due_at) WHERE channel <> 'direct';

CREATE TABLE command_event (
  event_id   bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL,
  command_id bigint NOT NULL REFERENCES command ON DELETE CASCADE,
  at_us      bigint NOT NULL,
  event      text NOT NULL,
  state      text NOT NULL,                     -- after it
  actor      text NOT NULL DEFAULT '',          -- login, 'signer', 'meter', 'link', 'time'
  detail     text NOT NULL DEFAULT ''
);
CREATE INDEX command_event_of ON command_event (command_id, event_id);

CREATE TABLE command_batch_meter (
  batch_id   bigint NOT NULL REFERENCES command_batch ON DELETE CASCADE,
  place      int NOT NULL,
  tenant_id  int NOT NULL,
  meter_id   bigint NOT NULL REFERENCES meter ON DELETE CASCADE,
  params     jsonb,                             -- its own; NULL: the batch's
  before     jsonb,                             -- what was known to be set when the command was made: for the inverse
  PRIMARY KEY (batch_id, place),
  UNIQUE (batch_id, meter_id)
);

-- What a meter should be set to and what it said it is set to; the difference is shown.
CREATE TABLE meter_shadow (
  meter_id    bigint PRIMARY KEY REFERENCES meter ON DELETE CASCADE,
  tenant_id   int NOT NULL,
  last_serial int NOT NULL DEFAULT 0,
  desired     jsonb NOT NULL DEFAULT '{}',
  reported    jsonb NOT NULL DEFAULT '{}',
  desired_us  bigint,
  reported_us bigint
);
-- Times of a kind that a tenant or one of its products sets for itself, and shares of batches.
CREATE TABLE command_setting (
  tenant_id  int NOT NULL REFERENCES tenant,
  product_id int NOT NULL DEFAULT 0,            -- 0: the tenant
  kind       text NOT NULL,
  validity_s int,
  attempts   int,
  pause_s    int,
  PRIMARY KEY (tenant_id, product_id, kind)
);

-- Isolation and rights -----------------------------------------------------------------------------------------------
DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['command','command_waiting','command_event','command_batch','command_batch_meter','meter_shadow',
    'command_setting'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_reads ON %I FOR SELECT TO openmains_api USING (%s)', t, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT ON %I TO openmains_api', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO openmains_pipeline', t);
  END LOOP;
  EXECUTE format('CREATE POLICY tenant_drafts ON command FOR INSERT TO openmains_api WITH CHECK (%s AND state = ''drafted'')', mine);
  EXECUTE format('CREATE POLICY tenant_cancels ON command FOR UPDATE TO openmains_api USING (%s AND state IN'
    ' (''drafted'', ''quarantined'', ''approved'', ''queued'')) WITH CHECK (%s AND state = ''cancelled'')', mine, mine);
  EXECUTE format('CREATE POLICY tenant_notes ON command_event FOR INSERT TO openmains_api WITH CHECK (%s AND event IN'
    ' (''draft'', ''cancel''))', mine);
  FOREACH t IN ARRAY ARRAY['command_batch','command_batch_meter','command_setting'] LOOP
    EXECUTE format('CREATE POLICY tenant_adds ON %I FOR INSERT TO openmains_api WITH CHECK (%s)', t, mine);
    EXECUTE format('CREATE POLICY tenant_changes ON %I FOR UPDATE TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY tenant_removes ON %I FOR DELETE TO openmains_api USING (%s)', t, mine);
  END LOOP;
END $$;
GRANT INSERT (tenant_id, meter_id, kind, params, lane, priority, slot, channel, unique_key, content, not_after, batch_id, place,
  created_by, created_us) ON command TO openmains_api;
GRANT UPDATE (state, reason, ended_us) ON command TO openmains_api;
GRANT INSERT (tenant_id, command_id, at_us, event, state, actor, detail) ON command_event TO openmains_api;
GRANT INSERT, UPDATE ON command_batch TO openmains_api;
GRANT INSERT ON command_batch_meter TO openmains_api;
GRANT INSERT, UPDATE, DELETE ON command_setting TO openmains_api;

-- What has ended, by whatever hand, waits no more. Owner's rights: the API may not touch the hot table itself.
CREATE FUNCTION command_ended() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  DELETE FROM command_waiting w WHERE w.command_id = NEW.command_id;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION command_ended() FROM PUBLIC;
CREATE TRIGGER command_ended AFTER UPDATE OF state ON command FOR EACH ROW
  WHEN (NEW.state IN ('confirmed', 'failed', 'expired', 'cancelled') AND OLD.state IS DISTINCT FROM NEW.state)
  EXECUTE FUNCTION command_ended();

-- The signer's eyes.
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['tenant','area','product','customer','meter','meter_state'] LOOP
    EXECUTE format('CREATE POLICY signer_reads ON %I FOR SELECT TO openmains_signer USING (true)', t);
  END LOOP;
END $$;
GRANT SELECT (tenant_id, zone) ON tenant TO openmains_signer;
GRANT SELECT (area_id, tenant_id) ON area TO openmains_signer;
GRANT SELECT (product_id, tenant_id, driver, settings) ON product TO openmains_signer;
GRANT SELECT (customer_id, tenant_id, is_protected, is_critical) ON customer TO openmains_signer;
GRANT SELECT (meter_id, tenant_id, area_id, product_id, customer_id, removed_on) ON meter TO openmains_signer;
GRANT SELECT (meter_id, tenant_id, balance) ON meter_state TO openmains_signer;
