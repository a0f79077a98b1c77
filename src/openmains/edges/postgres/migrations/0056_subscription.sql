-- SPDX-License-Identifier: Apache-2.0
-- Subscriptions of other systems (R14.7, ADR 0034): each has its place in the order of what happened, and goes on only when its receiver
-- has taken what stands there, or was tried for so long that it became a dead letter.
-- What happened to alarms, commands and valves, written with the change itself whatever door it came by. ``seq`` is given afterwards by one
-- worker to what is committed: who reads up to a number has missed nothing below it.
CREATE TABLE outbox_event (
  event_id   bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL,
  kind       text NOT NULL CHECK (kind IN ('alarm', 'command', 'valve')),
  change     text NOT NULL,                      -- raised, reopened, acknowledged, cleared; a command's last state; open, closed, fault
  meter_id   bigint NOT NULL,
  subject_id bigint NOT NULL,                    -- alarm, command or meter
  data       jsonb NOT NULL,
  made_us    bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
  seq        bigint
);
CREATE INDEX outbox_event_new ON outbox_event (event_id) WHERE seq IS NULL;
CREATE UNIQUE INDEX outbox_event_seq ON outbox_event (seq) WHERE seq IS NOT NULL;
CREATE INDEX outbox_event_turn ON outbox_event (tenant_id, seq) WHERE seq IS NOT NULL;
CREATE TABLE outbox_place (
  name text PRIMARY KEY CHECK (name = 'numbered'),
  seq  bigint NOT NULL DEFAULT 0
);
INSERT INTO outbox_place (name) VALUES ('numbered');

CREATE FUNCTION alarm_data(a alarm) RETURNS jsonb LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT jsonb_build_object('event', a.event, 'severity', a.severity, 'raised_at', a.raised_at, 'received_us', a.received_us,
    'shown_us', a.shown_us, 'occurrences', a.occurrences, 'quantity', a.quantity, 'value', a.value, 'bound', a.bound,
    'unit', a.unit, 'exponent', a.exponent, 'cleared_us', a.cleared_us, 'acknowledged_by', a.acknowledged_by, 'state', a.state, 'group_id', a.group_id)
$$;
CREATE FUNCTION tell_alarms_raised() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO outbox_event (tenant_id, kind, change, meter_id, subject_id, data)
  SELECT n.tenant_id, 'alarm', 'raised', n.meter_id, n.alarm_id, alarm_data(n) FROM fresh n WHERE n.cleared_us IS NULL ORDER BY n.alarm_id;
  RETURN NULL;
END $$;
CREATE FUNCTION tell_alarms_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO outbox_event (tenant_id, kind, change, meter_id, subject_id, data)
  SELECT n.tenant_id, 'alarm',
         CASE WHEN n.cleared_us IS NOT NULL AND o.cleared_us IS NULL THEN 'cleared'
              WHEN n.cleared_us IS NULL AND o.cleared_us IS NOT NULL THEN 'reopened' ELSE 'acknowledged' END,
         n.meter_id, n.alarm_id, alarm_data(n)
    FROM fresh n JOIN stale o USING (alarm_id)
   WHERE (n.cleared_us IS NULL) <> (o.cleared_us IS NULL) OR (n.acknowledged_at IS NOT NULL AND o.acknowledged_at IS NULL)
   ORDER BY n.alarm_id;
  RETURN NULL;
END $$;
CREATE TRIGGER tells_raised AFTER INSERT ON alarm REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION tell_alarms_raised();
CREATE TRIGGER tells_changed AFTER UPDATE ON alarm REFERENCING NEW TABLE AS fresh OLD TABLE AS stale
  FOR EACH STATEMENT EXECUTE FUNCTION tell_alarms_changed();

CREATE FUNCTION tell_command_ended() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO outbox_event (tenant_id, kind, change, meter_id, subject_id, data)
  VALUES (NEW.tenant_id, 'command', NEW.state, NEW.meter_id, NEW.command_id, jsonb_build_object('kind', NEW.kind, 'state', NEW.state,
    'reason', NEW.reason, 'result', NEW.result, 'unique_key', NEW.unique_key, 'ended_us', NEW.ended_us));
  RETURN NULL;
END $$;
CREATE TRIGGER tells_ended AFTER UPDATE OF ended_us ON command FOR EACH ROW
  WHEN (OLD.ended_us IS NULL AND NEW.ended_us IS NOT NULL) EXECUTE FUNCTION tell_command_ended();

CREATE FUNCTION tell_valve() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO outbox_event (tenant_id, kind, change, meter_id, subject_id, data)
  VALUES (NEW.tenant_id, 'valve', CASE NEW.valve WHEN 0 THEN 'open' WHEN 1 THEN 'closed' ELSE 'fault' END, NEW.meter_id, NEW.meter_id,
    jsonb_build_object('valve', NEW.valve, 'before', OLD.valve, 'heard_us', NEW.last_seen_us));
  RETURN NULL;
END $$;
CREATE TRIGGER tells_valve AFTER UPDATE OF valve ON meter_state FOR EACH ROW
  WHEN (NEW.valve IS DISTINCT FROM OLD.valve AND NEW.valve IS NOT NULL) EXECUTE FUNCTION tell_valve();

CREATE TABLE subscription (
  subscription_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  name        text NOT NULL CHECK (name <> ''),
  url         text NOT NULL,
  kinds       text[] NOT NULL CHECK (kinds <@ ARRAY['alarm', 'command', 'valve', 'reading'] AND kinds <> '{}'),
  area_id     int REFERENCES area,               -- with what is below; null: all
  is_signed   boolean NOT NULL DEFAULT false,
  key_id      bigint,
  nonce       bytea,
  sealed      bytea,                             -- its secret; the API writes it and cannot read it
  is_on       boolean NOT NULL DEFAULT true,
  is_gone     boolean NOT NULL DEFAULT false,
  changed_us  bigint NOT NULL,
  seq         bigint NOT NULL,                   -- what happened up to here was taken
  readings    jsonb,                             -- the cursor of readings (app/readings/changes.py); null: from now on
  tries       int NOT NULL DEFAULT 0,
  failing_us  bigint,                            -- since when what stands next is refused
  next_us     bigint NOT NULL DEFAULT 0,
  taken       bigint NOT NULL DEFAULT 0,         -- how many in all
  taken_us    bigint,
  reason      text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX subscription_name ON subscription (tenant_id, name) WHERE NOT is_gone;
CREATE INDEX subscription_turn ON subscription (next_us) WHERE is_on AND NOT is_gone;

CREATE TABLE push_dead_letter (
  dead_id         bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id       int NOT NULL REFERENCES tenant,
  subscription_id bigint NOT NULL REFERENCES subscription,
  event_key       text NOT NULL,                 -- the CloudEvent's id
  event_type      text NOT NULL,
  body            bytea NOT NULL,                -- as it was sent
  reason          text NOT NULL,
  tries           int NOT NULL,
  since_us        bigint NOT NULL,
  dead_us         bigint NOT NULL,
  state           text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'again', 'taken')),
  UNIQUE (subscription_id, event_key)
);
CREATE INDEX push_dead_letter_newest ON push_dead_letter (tenant_id, subscription_id, dead_id DESC);
CREATE INDEX push_dead_letter_again ON push_dead_letter (subscription_id, dead_id) WHERE state = 'again';

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['outbox_event', 'subscription', 'push_dead_letter'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_all ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO openmains_pipeline', t);
  END LOOP;
END $$;
GRANT SELECT (subscription_id, tenant_id, name, url, kinds, area_id, is_signed, is_on, is_gone, changed_us, seq, tries, failing_us, next_us, taken,
  taken_us, reason), INSERT, UPDATE ON subscription TO openmains_api;
GRANT SELECT ON push_dead_letter TO openmains_api;
GRANT UPDATE (state) ON push_dead_letter TO openmains_api;
GRANT SELECT, UPDATE ON outbox_place TO openmains_pipeline;
GRANT SELECT ON outbox_place TO openmains_api;
GRANT SELECT, INSERT ON outbox_event TO openmains_api;
