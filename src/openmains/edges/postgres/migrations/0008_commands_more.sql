-- SPDX-License-Identifier: Apache-2.0
-- Rules that a utility sets for its commands; default configurations; what a taken-over API could have written into a draft.

CREATE TABLE command_policy (
  tenant_id       int PRIMARY KEY REFERENCES tenant,
  daily_share_ppm int NOT NULL DEFAULT 20000 CHECK (daily_share_ppm BETWEEN 0 AND 1000000), -- of its meters, R4.3
  office_from     int NOT NULL DEFAULT 480,     -- minutes of the day; the signer takes them within 06:00-22:00 only
  office_to       int NOT NULL DEFAULT 1080,
  office_days     int[] NOT NULL DEFAULT '{0,1,2,3,4}', -- 0: Monday
  CHECK (office_from >= 360 AND office_to <= 1320 AND office_from < office_to)
);

-- Meters that spoke for the first time and whose product has a default configuration; emptied by the worker (R3.4).
CREATE TABLE command_onboarding (
  meter_id  bigint PRIMARY KEY REFERENCES meter ON DELETE CASCADE,
  tenant_id int NOT NULL
);

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['command_policy','command_onboarding'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO openmains_pipeline', t);
  END LOOP;
  EXECUTE format('CREATE POLICY tenant_all ON command_policy TO openmains_api USING (%s) WITH CHECK (%s)', mine, mine);
END $$;
GRANT SELECT, INSERT, UPDATE ON command_policy TO openmains_api;
CREATE POLICY signer_reads ON command_policy FOR SELECT TO openmains_signer USING (true);
GRANT SELECT ON command_policy TO openmains_signer;

-- Once in a meter's life: the condition is looked at on each report, the function runs with the first.
CREATE FUNCTION meter_first_seen() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO command_onboarding (meter_id, tenant_id)
  SELECT m.meter_id, m.tenant_id FROM meter m JOIN product p USING (product_id)
   WHERE m.meter_id = NEW.meter_id AND jsonb_typeof(p.settings -> 'defaults') = 'object'
     AND p.settings -> 'defaults' <> '{}'::jsonb
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION meter_first_seen() FROM PUBLIC;
CREATE TRIGGER meter_first_seen AFTER UPDATE OF last_seen_us ON meter_state FOR EACH ROW
  WHEN (OLD.last_seen_us IS NULL AND NEW.last_seen_us IS NOT NULL) EXECUTE FUNCTION meter_first_seen();

-- Logs that were pulled and came with gaps are looked for by when they ended.
CREATE INDEX command_log_ended ON command (ended_us) WHERE kind = 'log_pull' AND state = 'confirmed';

-- The API's role writes drafts: a kind nobody knows, or parameters that are no object, would hold up everybody's commands.
-- In another lane a command could overtake those it must follow, or be given up though it has an effect.
ALTER TABLE command ADD CONSTRAINT command_kind CHECK (kind IN ('read_now', 'read_intervals', 'read_status', 'log_pull',
  'valve_close', 'valve_open', 'set_parameters', 'read_parameters', 'set_price', 'top_up', 'set_clock', 'set_platform', 'restart',
  'factory_reset')) NOT VALID;
ALTER TABLE command ADD CONSTRAINT command_params CHECK (jsonb_typeof(params) = 'object') NOT VALID;
ALTER TABLE command ADD CONSTRAINT command_channel CHECK (channel IN ('direct', 'gateway', 'operator')) NOT VALID;
ALTER TABLE command ADD CONSTRAINT command_lane CHECK (lane = CASE
  WHEN kind IN ('valve_close', 'valve_open', 'top_up', 'set_price', 'set_platform', 'factory_reset') THEN 1
  WHEN kind IN ('set_parameters', 'set_clock', 'restart') THEN 2 ELSE 3 END) NOT VALID;

-- The signer reads it as a truth value: rubbish there would keep it from reading anything of the utility.
ALTER TABLE product ADD CONSTRAINT product_prepaid CHECK (jsonb_typeof(settings -> 'prepaid') = 'boolean') NOT VALID;
