-- SPDX-License-Identifier: Apache-2.0
-- Meters that deduct by themselves, worked out again (R1.10, R9, ADR 0063): by day and version what a balance should have been, and what
-- explains it where it is another. A version is written once; nothing here is booked.

CREATE TABLE mirrored_meter (
  tenant_id  int NOT NULL REFERENCES tenant,
  meter_id   bigint NOT NULL,
  is_due     boolean NOT NULL DEFAULT true,      -- a day of its changed
  is_whole   boolean NOT NULL DEFAULT true,      -- all days are looked over that may still change, not the last ones only
  looked_day int NOT NULL DEFAULT -1,            -- the day on which it was due last, whatever changed
  until_s    bigint,                             -- the last report that counts, by the meter's clock
  why        text NOT NULL DEFAULT '',           -- the doubt of the newest day, or what keeps all
  PRIMARY KEY (tenant_id, meter_id)
);
CREATE INDEX mirrored_meter_due ON mirrored_meter (tenant_id, meter_id) WHERE is_due;
CREATE INDEX mirrored_meter_looked ON mirrored_meter (tenant_id, looked_day);
CREATE INDEX mirrored_meter_doubt ON mirrored_meter (tenant_id, meter_id) WHERE why <> '';

CREATE TABLE mirrored_day (
  mirrored_id   bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id     int NOT NULL,
  meter_id      bigint NOT NULL,
  account_id    bigint,                          -- at which it hung
  day           int NOT NULL,
  version       smallint NOT NULL CHECK (version >= 1),
  kind          smallint NOT NULL CHECK (kind IN (0, 1)), -- of the balance: fen, litres
  from_s        bigint NOT NULL,                 -- by the meter's clock
  from_us       bigint NOT NULL,                 -- when it was received
  from_l        bigint NOT NULL,
  before        bigint NOT NULL,
  until_s       bigint NOT NULL,
  until_us      bigint NOT NULL,
  until_l       bigint NOT NULL,
  after         bigint NOT NULL,
  credited      bigint NOT NULL,                 -- top-ups that count
  expected      bigint,                          -- null: in doubt
  difference    bigint,
  causes        text[] NOT NULL,                 -- all that any explanation names
  found         json NOT NULL,                   -- [[[cause, what], ...], ...]: explanations of the same size
  doubt         text NOT NULL,
  price_version int,
  step_l        int NOT NULL,
  rounding      text NOT NULL CHECK (rounding IN ('exact', 'up', 'down', 'half_up')),
  cited         json NOT NULL,                   -- the inputs
  made_us       bigint NOT NULL,
  UNIQUE (tenant_id, meter_id, day, version),
  CHECK ((expected IS NULL) = (difference IS NULL)),
  CHECK (difference = after - expected),
  CHECK (difference IS NOT NULL OR (causes = '{}' AND doubt <> '')),
  CHECK (causes <@ ARRAY['rounding', 'price_version', 'lost_top_up', 'top_up_twice', 'unconfirmed_top_up', 'meter_fault'])
);
CREATE INDEX mirrored_day_found ON mirrored_day (tenant_id, mirrored_id DESC) WHERE causes <> '{}';
CREATE INDEX mirrored_day_account ON mirrored_day (tenant_id, account_id, day) WHERE causes <> '{}';

-- What a person made of a difference. Of a version: the next one is to be looked at anew.
CREATE TABLE mirror_review (
  mirrored_id bigint PRIMARY KEY REFERENCES mirrored_day,
  tenant_id   int NOT NULL,
  meter_id    bigint NOT NULL,
  verdict     text NOT NULL CHECK (verdict IN ('accepted', 'settled', 'meter')),
  reason      text NOT NULL CHECK (reason <> ''),
  made_by     bigint NOT NULL,
  made_us     bigint NOT NULL
);

-- By shard of the stream up to where changed days were looked for.
CREATE TABLE mirrored_place (
  tenant_id int NOT NULL REFERENCES tenant,
  shard     int NOT NULL,
  position  bigint NOT NULL,
  PRIMARY KEY (tenant_id, shard)
);

CREATE FUNCTION mirrored_days_follow() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan TO off AS $$
DECLARE
  v_wrong record;
BEGIN
  SELECT n.meter_id, n.day, n.version INTO v_wrong FROM fresh n
   WHERE (SELECT count(*) FROM mirrored_day d WHERE d.tenant_id = n.tenant_id AND d.meter_id = n.meter_id AND d.day = n.day
             AND d.version < n.version) <> n.version - 1
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'version % of day % of meter % does not follow', v_wrong.version, v_wrong.day, v_wrong.meter_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'mirrored_days_follow';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER follow AFTER INSERT ON mirrored_day REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION mirrored_days_follow();

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['mirrored_meter', 'mirrored_day', 'mirror_review', 'mirrored_place'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api', t);
    IF t = 'mirrored_place' THEN -- of no meter: the worker's own
      EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    ELSE
      EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api, openmains_limited USING (%s) WITH CHECK (%s)', t, mine, mine);
      EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_limited', t);
      EXECUTE format('CREATE POLICY within_reach ON %I AS RESTRICTIVE TO openmains_limited
                      USING (EXISTS (SELECT FROM meter m WHERE m.meter_id = %I.meter_id))', t, t);
    END IF;
  END LOOP;
  FOREACH t IN ARRAY ARRAY['mirrored_day', 'mirror_review'] LOOP
    EXECUTE format('CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
    EXECUTE format('CREATE TRIGGER stays_whole BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
  END LOOP;
END $$;
-- What waits for a utility's people is counted by the pipeline's role (system/queries.sql).
CREATE POLICY all_tenants ON mirrored_meter FOR SELECT TO openmains_pipeline USING (true);
CREATE POLICY all_tenants ON mirrored_day FOR SELECT TO openmains_pipeline USING (true);
CREATE POLICY all_tenants ON mirror_review FOR SELECT TO openmains_pipeline USING (true);
GRANT SELECT ON mirrored_meter, mirrored_day, mirror_review TO openmains_pipeline;
GRANT UPDATE ON mirrored_meter TO openmains_api;
GRANT UPDATE (position) ON mirrored_place TO openmains_api;
