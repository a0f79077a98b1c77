-- SPDX-License-Identifier: Apache-2.0
-- Rules are tried before they are switched on, keep what stands over versions that ask the same, are looked at when silence is due, and make
-- work orders (R7.2, ADR 0051).

-- What a trial on the last days found, by what was tried: what decides when a rule fires, and for whom, hashed by app/rule/model.py.
CREATE TABLE rule_trial (
  tenant_id int NOT NULL REFERENCES tenant,
  judges    text NOT NULL CHECK (judges <> ''),
  tried_us  bigint NOT NULL,
  tried_by  bigint NOT NULL,
  days      int NOT NULL,
  looked_at int NOT NULL,
  is_whole  boolean NOT NULL,
  fired     int NOT NULL,
  meters    int NOT NULL,
  untold    text[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, judges)
);

-- The first version of the rule that asks the same of the same product: what stands belongs to it, so that a version that changes only
-- severity, place or action ends nothing.
ALTER TABLE rule_version ADD COLUMN line int;
UPDATE rule_version SET line = version;
ALTER TABLE rule_version ALTER COLUMN line SET NOT NULL;
-- The version whose beginning the clock has worked: from then on it looks at a meter when its silence is due.
ALTER TABLE rule ADD COLUMN watched_version int NOT NULL DEFAULT 0;

-- When each meter is to be looked at for silence; its newest message moves nothing here, so that it costs the ingest nothing.
CREATE TABLE rule_watch (
  meter_id  bigint PRIMARY KEY REFERENCES meter ON DELETE CASCADE,
  tenant_id int NOT NULL,
  look_us   bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX rule_watch_look ON rule_watch (look_us);

-- A meter that comes while silence is asked about is looked at.
CREATE FUNCTION watch_new_meters() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO rule_watch (meter_id, tenant_id, look_us)
  SELECT n.meter_id, n.tenant_id, 0 FROM fresh n
   WHERE n.tenant_id IN (SELECT r.tenant_id FROM rule r WHERE r.is_on AND r.watched_version > 0)
  ON CONFLICT (meter_id) DO NOTHING;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION watch_new_meters() FROM PUBLIC;
CREATE TRIGGER watches AFTER INSERT ON meter_state REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION watch_new_meters();

-- A work order that a rule asks for; one an alarm. The worker makes it, with clock and person, unless the alarm is over before.
CREATE TABLE rule_order (
  alarm_id  bigint PRIMARY KEY,
  tenant_id int NOT NULL REFERENCES tenant,
  rule_id   int NOT NULL REFERENCES rule,
  kind      text NOT NULL,
  made_us   bigint NOT NULL,
  state     text NOT NULL DEFAULT 'wanted' CHECK (state IN ('wanted', 'made', 'over', 'refused')),
  order_id  bigint,
  said      text NOT NULL DEFAULT ''
);
CREATE INDEX rule_order_wanted ON rule_order (tenant_id, alarm_id) WHERE state = 'wanted';

-- As propose_by_rules of 0064, and the orders beside the commands.
CREATE OR REPLACE FUNCTION propose_by_rules() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM fresh WHERE event = 'rule_fired' AND cleared_us IS NULL) THEN
    INSERT INTO rule_proposal (tenant_id, rule_id, version, alarm_id, meter_id, kind, params, made_us)
    SELECT n.tenant_id, r.rule_id, v.version, n.alarm_id, n.meter_id, v.draft #>> '{command,kind}', v.draft #> '{command,params}', n.shown_us
      FROM fresh n JOIN rule r ON r.tenant_id = n.tenant_id AND n.quantity = 'rule.' || r.rule_id
           JOIN LATERAL (SELECT w.version, w.draft FROM rule_version w WHERE w.rule_id = r.rule_id AND w.effective_us <= n.shown_us
                          ORDER BY w.effective_us DESC, w.version DESC LIMIT 1) v ON true
     WHERE n.event = 'rule_fired' AND n.cleared_us IS NULL AND jsonb_typeof(v.draft -> 'command') = 'object'
    ON CONFLICT (alarm_id) DO NOTHING;
    INSERT INTO rule_order (alarm_id, tenant_id, rule_id, kind, made_us)
    SELECT n.alarm_id, n.tenant_id, r.rule_id, v.draft ->> 'work_order', n.shown_us
      FROM fresh n JOIN rule r ON r.tenant_id = n.tenant_id AND n.quantity = 'rule.' || r.rule_id
           JOIN LATERAL (SELECT w.draft FROM rule_version w WHERE w.rule_id = r.rule_id AND w.effective_us <= n.shown_us
                          ORDER BY w.effective_us DESC, w.version DESC LIMIT 1) v ON true
     WHERE n.event = 'rule_fired' AND n.cleared_us IS NULL AND jsonb_typeof(v.draft -> 'work_order') = 'string'
    ON CONFLICT (alarm_id) DO NOTHING;
  END IF;
  RETURN NULL;
END $$;

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['rule_trial', 'rule_watch', 'rule_order'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
  END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON rule_trial TO openmains_api;
GRANT SELECT ON rule_order TO openmains_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON rule_watch TO openmains_pipeline;
GRANT UPDATE (state, order_id, said) ON rule_order TO openmains_api, openmains_pipeline;
GRANT SELECT ON rule_order TO openmains_pipeline;
GRANT UPDATE (watched_version) ON rule TO openmains_pipeline;
