-- SPDX-License-Identifier: Apache-2.0
-- The tree of areas at any depth and size, and premises in it (ADR 0025). An area keeps its id wherever it moves, so rights, quotas,
-- reports and rows of ClickHouse that name it go with it.

-- What areas are called: company, district, estate, building, unit, or what else the utility says.
CREATE TABLE area_kind (
  area_kind_id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL REFERENCES tenant,
  code         text NOT NULL,
  name         text NOT NULL,
  name_en      text NOT NULL DEFAULT '',
  rank         int NOT NULL DEFAULT 0,          -- order in lists, from the top of the tree down
  UNIQUE (tenant_id, code)
);
-- Those every utility begins with; it renames them or adds its own.
CREATE FUNCTION seed_area_kinds(p_tenant int) RETURNS void LANGUAGE sql SET search_path = public, pg_temp AS $$
  INSERT INTO area_kind (tenant_id, code, name, name_en, rank)
  SELECT p_tenant, k.code, k.name, k.name_en, k.rank
    FROM (VALUES ('company', '公司', 'Company', 10), ('district', '片区', 'District', 20), ('estate', '小区', 'Estate', 30),
                 ('building', '楼栋', 'Building', 40), ('unit', '单元', 'Unit', 50)) AS k (code, name, name_en, rank)
  ON CONFLICT DO NOTHING
$$;
SELECT seed_area_kinds(tenant_id) FROM tenant;

-- The way from the root down to the area itself, eight hexadecimal digits each: what lies below an area is one range of an index,
-- whose comparison is leakproof, so that row-level security lets it be used.
ALTER TABLE area
  ADD COLUMN area_kind_id int REFERENCES area_kind,
  ADD COLUMN path text COLLATE "C",
  -- Behind everything below it: a column, because a bound that is computed in the query is not leakproof and no bound of the index.
  ADD COLUMN path_end text COLLATE "C" GENERATED ALWAYS AS (path || 'g') STORED,
  -- Code and name as a search compares them: lower case, half width, no white space (normalise of app/fleet/search.py).
  ADD COLUMN words text GENERATED ALWAYS AS (regexp_replace(lower(normalize(code, NFKC)), '\s', '', 'g') || E'\n'
    || regexp_replace(lower(normalize(name, NFKC)), '\s', '', 'g')) STORED;
WITH RECURSIVE way AS (
  SELECT area_id, lpad(to_hex(area_id), 8, '0') AS path FROM area WHERE parent_id IS NULL
  UNION ALL
  SELECT a.area_id, w.path || lpad(to_hex(a.area_id), 8, '0') FROM area a JOIN way w ON a.parent_id = w.area_id)
UPDATE area a SET path = w.path FROM way w WHERE w.area_id = a.area_id;
ALTER TABLE area ALTER COLUMN path SET NOT NULL, ADD CHECK (length(path) <= 64 * 8);
CREATE UNIQUE INDEX area_path ON area (tenant_id, path);
CREATE INDEX area_parent ON area (parent_id) WHERE parent_id IS NOT NULL;

-- The path is made here and nowhere else, whatever door an area comes by; so is the refusal of a loop. An area that comes while another
-- moves waits: it would be left under the old path otherwise. Messages name what is wrong; the use cases ask before, in people's words.
CREATE FUNCTION place_area() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  v_above text := '';
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM pg_advisory_xact_lock_shared(1869414402, NEW.tenant_id);
  ELSE
    PERFORM pg_advisory_xact_lock(1869414402, NEW.tenant_id);
  END IF;
  IF NEW.parent_id IS NOT NULL THEN
    SELECT path INTO v_above FROM area WHERE area_id = NEW.parent_id AND tenant_id = NEW.tenant_id;
    IF NOT FOUND THEN
      RAISE foreign_key_violation USING MESSAGE = 'the area above is not of this tenant', CONSTRAINT = 'area_parent_tenant';
    END IF;
  END IF;
  IF TG_OP = 'UPDATE' AND starts_with(v_above, (SELECT path FROM area WHERE area_id = NEW.area_id)) THEN
    RAISE check_violation USING MESSAGE = 'an area cannot lie below itself', CONSTRAINT = 'area_no_loop';
  END IF;
  NEW.path := v_above || lpad(to_hex(NEW.area_id), 8, '0');
  RETURN NEW;
END $$;
CREATE FUNCTION carry_areas() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE area SET path = NEW.path || substr(path, length(OLD.path) + 1)
   WHERE tenant_id = NEW.tenant_id AND path > OLD.path AND path < OLD.path || 'g';
  RETURN NULL;
END $$;
CREATE TRIGGER area_placed BEFORE INSERT ON area FOR EACH ROW EXECUTE FUNCTION place_area();
CREATE TRIGGER area_moved BEFORE UPDATE OF parent_id ON area FOR EACH ROW
  WHEN (OLD.parent_id IS DISTINCT FROM NEW.parent_id) EXECUTE FUNCTION place_area();
CREATE TRIGGER area_carried AFTER UPDATE OF parent_id ON area FOR EACH ROW
  WHEN (OLD.parent_id IS DISTINCT FROM NEW.parent_id) EXECUTE FUNCTION carry_areas();

-- How many devices hang in each area: rows that are added up, never changed, so that nobody waits for anybody; the worker folds them.
-- meters: in use and counted (R3.7: no monitors); devices: all rows of meter.
CREATE TABLE area_tally (
  tenant_id int NOT NULL,
  area_id   int NOT NULL REFERENCES area ON DELETE CASCADE,
  meters    bigint NOT NULL,
  devices   bigint NOT NULL
);
CREATE INDEX area_tally_area ON area_tally (area_id);
INSERT INTO area_tally (tenant_id, area_id, meters, devices)
SELECT m.tenant_id, m.area_id, count(*) FILTER (WHERE m.removed_on IS NULL AND p.kind = 'meter'), count(*)
  FROM meter m JOIN product p USING (product_id) GROUP BY 1, 2;
CREATE FUNCTION tally_meters() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO area_tally (tenant_id, area_id, meters, devices)
    SELECT n.tenant_id, n.area_id, count(*) FILTER (WHERE n.removed_on IS NULL AND p.kind = 'meter'), count(*)
      FROM new_meters n JOIN product p USING (product_id) GROUP BY 1, 2;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO area_tally (tenant_id, area_id, meters, devices)
    SELECT o.tenant_id, o.area_id, -count(*) FILTER (WHERE o.removed_on IS NULL AND p.kind = 'meter'), -count(*)
      FROM old_meters o JOIN product p USING (product_id) GROUP BY 1, 2;
  ELSE
    INSERT INTO area_tally (tenant_id, area_id, meters, devices)
    SELECT d.tenant_id, d.area_id, sum(d.meters), sum(d.devices)
      FROM (SELECT n.tenant_id, n.area_id, (n.removed_on IS NULL AND p.kind = 'meter')::int AS meters, 1 AS devices
              FROM new_meters n JOIN product p USING (product_id)
            UNION ALL
            SELECT o.tenant_id, o.area_id, -(o.removed_on IS NULL AND p.kind = 'meter')::int, -1
              FROM old_meters o JOIN product p USING (product_id)) d
     GROUP BY 1, 2 HAVING sum(d.meters) <> 0 OR sum(d.devices) <> 0;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER meter_added_up AFTER INSERT ON meter REFERENCING NEW TABLE AS new_meters
  FOR EACH STATEMENT EXECUTE FUNCTION tally_meters();
CREATE TRIGGER meter_changed_up AFTER UPDATE ON meter REFERENCING OLD TABLE AS old_meters NEW TABLE AS new_meters
  FOR EACH STATEMENT EXECUTE FUNCTION tally_meters();
CREATE TRIGGER meter_taken_off AFTER DELETE ON meter REFERENCING OLD TABLE AS old_meters
  FOR EACH STATEMENT EXECUTE FUNCTION tally_meters();
-- Also where an import writes without the other triggers (0003).
ALTER TABLE meter ENABLE ALWAYS TRIGGER meter_added_up;
ALTER TABLE meter ENABLE ALWAYS TRIGGER meter_changed_up;
ALTER TABLE meter ENABLE ALWAYS TRIGGER meter_taken_off;

-- Where water or gas is used: an address in an area. Accounts and meters hang at premises (0041, 0042).
CREATE TABLE premises (
  premises_id  bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL REFERENCES tenant,
  area_id      int NOT NULL REFERENCES area,
  code         text NOT NULL,
  street       text NOT NULL DEFAULT '',
  house_number text NOT NULL DEFAULT '',
  building     text NOT NULL DEFAULT '',
  unit         text NOT NULL DEFAULT '',
  floor        text NOT NULL DEFAULT '',
  room         text NOT NULL DEFAULT '',
  address      text NOT NULL DEFAULT '',       -- as it is written on a letter
  lat_e7       int CHECK (lat_e7 BETWEEN -900000000 AND 900000000),   -- WGS-84, 10^-7 degrees
  lon_e7       int CHECK (lon_e7 BETWEEN -1800000000 AND 1800000000),
  created_at   timestamptz NOT NULL DEFAULT now(),
  revision     bigint NOT NULL DEFAULT 1,      -- for If-Match
  UNIQUE (tenant_id, code),
  CHECK ((lat_e7 IS NULL) = (lon_e7 IS NULL))
);
CREATE INDEX premises_area ON premises (area_id, premises_id);
CREATE INDEX premises_code_begins ON premises (tenant_id, code text_pattern_ops);

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['area_kind','area_tally','premises'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
  END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON area_kind, premises TO openmains_api;
GRANT SELECT, INSERT ON area_tally TO openmains_api;
GRANT SELECT ON area_kind TO openmains_pipeline;
GRANT SELECT, INSERT, UPDATE, DELETE ON premises TO openmains_pipeline; -- imports run in the worker
GRANT SELECT, INSERT, DELETE ON area_tally TO openmains_pipeline;
