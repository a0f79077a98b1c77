-- SPDX-License-Identifier: Apache-2.0
-- Collection tasks by level (R4.7), and what becomes of days that were due and are not well (R6.3, ADR 0024).

-- What is wanted of whom, from one day to another (domain/readings/tasks.py); NULL in a part: as the level above has it.
CREATE TABLE collection_task (
  task_id      bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL REFERENCES tenant,
  level        text NOT NULL CHECK (level IN ('company', 'area', 'product', 'meter')),
  area_id      int REFERENCES area,
  product_id   int REFERENCES product,
  meter_id     bigint REFERENCES meter ON DELETE CASCADE,
  first_day    date NOT NULL,
  last_day     date,
  frequency    text CHECK (frequency IN ('day', 'twice_a_day', 'dense', 'week', 'ten_days', 'month')),
  need         text CHECK (need IN ('slots', 'total')),
  remedy       text CHECK (remedy IN ('automatic', 'history', 'never')),
  rereads_a_month smallint CHECK (rereads_a_month BETWEEN 0 AND 60),
  quantities   text[],
  made_by      bigint NOT NULL,
  made_at      timestamptz NOT NULL DEFAULT now(),
  CHECK ((level = 'area') = (area_id IS NOT NULL) AND (level = 'product') = (product_id IS NOT NULL)
         AND (level = 'meter') = (meter_id IS NOT NULL)),
  CHECK (last_day >= first_day),
  CHECK (num_nonnulls(frequency, need, remedy, rereads_a_month, quantities) > 0)
);
-- One that has no end for each target; those that ended are kept: what was due then stays as it was.
CREATE UNIQUE INDEX collection_task_target ON collection_task
  (tenant_id, level, coalesce(area_id, 0), coalesce(product_id, 0), coalesce(meter_id, 0)) WHERE last_day IS NULL;
CREATE INDEX collection_task_tenant ON collection_task (tenant_id, task_id);
CREATE INDEX collection_task_meter ON collection_task (meter_id) WHERE meter_id IS NOT NULL;

-- The mode that tasks want of a meter today; NULL where none says one. As mode_on of domain/readings/tasks.py.
CREATE FUNCTION task_mode(p_tenant int, p_meter bigint, p_area int, p_product int) RETURNS text LANGUAGE plpgsql STABLE
  SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM collection_task k WHERE k.tenant_id = p_tenant AND k.frequency IS NOT NULL) THEN
    RETURN NULL;
  END IF;
  RETURN (
    WITH RECURSIVE up(area_id, parent_id, far) AS (
        SELECT a.area_id, a.parent_id, 0 FROM area a WHERE a.area_id = p_area
        UNION ALL SELECT a.area_id, a.parent_id, up.far + 1 FROM area a JOIN up ON a.area_id = up.parent_id WHERE up.far < 64),
      today(day) AS (SELECT (now() AT TIME ZONE t.zone)::date FROM tenant t WHERE t.tenant_id = p_tenant)
    SELECT CASE WHEN k.frequency IN ('twice_a_day', 'dense') THEN 'day' ELSE k.frequency END
      FROM collection_task k CROSS JOIN today LEFT JOIN up ON up.area_id = k.area_id
     WHERE k.tenant_id = p_tenant AND k.frequency IS NOT NULL AND k.first_day <= today.day
       AND (k.last_day IS NULL OR today.day <= k.last_day)
       AND (k.level = 'company' OR up.area_id IS NOT NULL OR k.product_id = p_product OR k.meter_id = p_meter)
     ORDER BY array_position(ARRAY['meter', 'product', 'area', 'company'], k.level), up.far, k.first_day DESC, k.task_id DESC
     LIMIT 1);
END $$;

-- A day that was due and was not well (domain/readings/rereads.py has the states).
CREATE TABLE reread_gap (
  meter_id   bigint NOT NULL REFERENCES meter ON DELETE CASCADE,
  day        date NOT NULL,
  tenant_id  int NOT NULL REFERENCES tenant,
  mode       text NOT NULL CHECK (mode IN ('day', 'week', 'ten_days', 'month')),
  due_s      bigint NOT NULL,
  state      text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'wanted', 'asked', 'visit', 'filled', 'closed')),
  tries      smallint NOT NULL DEFAULT 0,
  command_id bigint,
  filled_by  text CHECK (filled_by IN ('meter', 'history', 'reread', 'person')),
  visit      text CHECK (visit IN ('silent', 'cannot_be_asked', 'asked_in_vain', 'too_old', 'not_to_be_asked')),
  changed_s  bigint NOT NULL,
  looked_us  bigint NOT NULL DEFAULT 0, -- when the meter was last heard, as it was when somebody looked
  look_s     bigint NOT NULL DEFAULT 0, -- when somebody looks again though it is not heard
  reason     text NOT NULL DEFAULT '', -- a person's, who closed it or wants it asked once more
  PRIMARY KEY (meter_id, day)
);
CREATE INDEX reread_gap_open ON reread_gap (meter_id) WHERE state IN ('waiting', 'wanted', 'asked', 'visit');
CREATE INDEX reread_gap_visit ON reread_gap (tenant_id, meter_id) WHERE state = 'visit';
CREATE INDEX reread_gap_day ON reread_gap (tenant_id, day);

-- Re-reads that were given: what a meter's battery and a cell's air were asked for.
CREATE TABLE reread_ask (
  command_id bigint PRIMARY KEY,
  tenant_id  int NOT NULL REFERENCES tenant,
  meter_id   bigint NOT NULL REFERENCES meter ON DELETE CASCADE,
  cell       bigint NOT NULL,
  asked_s    bigint NOT NULL,
  days       smallint NOT NULL
);
CREATE INDEX reread_ask_meter ON reread_ask (meter_id, asked_s);
CREATE INDEX reread_ask_time ON reread_ask (asked_s);

-- Pieces of the collection report (0017) whose gaps were written down. What was kept before this migration is not gone through.
CREATE TABLE reread_scan (
  tenant_id int NOT NULL REFERENCES tenant,
  day       date NOT NULL,
  mode      text NOT NULL,
  scanned_s bigint NOT NULL,
  PRIMARY KEY (tenant_id, day, mode)
);
INSERT INTO reread_scan SELECT tenant_id, day, mode, 0 FROM collection_due;

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['collection_task','reread_gap','reread_ask','reread_scan'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_all ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
  END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON collection_task TO openmains_api;
GRANT SELECT ON collection_task TO openmains_pipeline;
GRANT SELECT ON reread_gap, reread_ask, reread_scan TO openmains_api;
GRANT UPDATE (state, changed_s, reason, tries) ON reread_gap TO openmains_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON reread_gap, reread_ask, reread_scan TO openmains_pipeline;
REVOKE ALL ON FUNCTION task_mode(int, bigint, int, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION task_mode(int, bigint, int, int) TO openmains_api, openmains_pipeline;

-- 'Silent' of the search (0032) follows the mode that is in force.
DO $$
DECLARE
  f regprocedure;
  was text := 'coalesce(m.report_mode,
                  (SELECT p.report_mode FROM product p WHERE p.product_id = m.product_id))';
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.proname IN ('find_meters', 'find_meters_by_prefix') LOOP
    IF position(was IN pg_get_functiondef(f)) = 0 THEN
      RAISE EXCEPTION '% is not as migration 0032 left it', f;
    END IF;
    EXECUTE replace(pg_get_functiondef(f), was, 'coalesce(m.report_mode, task_mode(m.tenant_id, m.meter_id, m.area_id, m.product_id),
                  (SELECT p.report_mode FROM product p WHERE p.product_id = m.product_id))');
  END LOOP;
END $$;
