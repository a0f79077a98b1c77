-- SPDX-License-Identifier: Apache-2.0
-- A wide reach is a few ranges of paths, and no set of areas (ADR 0072). Of 200,000 areas the set of 0110 took a fifth of a second, and each table
-- of a query made its own. Now an area is compared with the places' paths itself; what names an area looks its one row up, or, where few
-- areas are within, asks their set as before. Nothing else is seen, and nothing less: the same areas, found in another way.

-- The paths of the places, in their order; a place below another one says nothing of its own. What lies within begins with the last of these
-- that is not behind it: width_bucket() finds which, and number 0, before the first, is none.
CREATE FUNCTION reach_paths() RETURNS text[] LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(t.path ORDER BY t.path), '{}') FROM area t
   WHERE t.tenant_id = nullif(current_setting('openmains.tenant', true), '')::int AND t.area_id = ANY (reach_places())
     AND NOT EXISTS (SELECT FROM area u WHERE u.tenant_id = t.tenant_id AND u.area_id = ANY (reach_places())
                                          AND t.path > u.path AND t.path < u.path_end)
$$;
-- Whether a set of the areas within would cost more than looking up those that a page of rows names.
CREATE FUNCTION reach_is_wide() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT count(*) > 1000 FROM (
    SELECT FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
     WHERE t.tenant_id = nullif(current_setting('openmains.tenant', true), '')::int AND t.area_id = ANY (reach_places()) LIMIT 1001) within
$$;
-- Read with the owner's rights, past the policies of area; it tells no more than that an area is within.
CREATE VIEW area_within AS
  SELECT a.area_id FROM area a
   WHERE a.tenant_id = (SELECT nullif(current_setting('openmains.tenant', true), '')::int)
     AND starts_with(a.path, (SELECT reach_paths())[width_bucket(a.path, (SELECT reach_paths()) COLLATE "C")]);
REVOKE ALL ON FUNCTION reach_paths(), reach_is_wide() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reach_paths(), reach_is_wide() TO openmains_api, openmains_limited;
GRANT SELECT ON area_within TO openmains_limited;

-- Every policy that asked the set, as it stands.
DO $$
DECLARE
  v_row record;
  v_rule text;
BEGIN
  FOR v_row IN SELECT tablename, qual FROM pg_policies
                WHERE schemaname = 'public' AND policyname = 'within_reach' AND qual LIKE '%areas_in_reach()%' LOOP
    IF v_row.tablename = 'area' THEN
      v_rule := regexp_replace(v_row.qual, '\marea_id IN \( SELECT areas_in_reach\(\) AS areas_in_reach\)',
        'starts_with(path, (SELECT reach_paths())[width_bucket(path, (SELECT reach_paths()) COLLATE "C")])');
    ELSE -- (OFFSET 0: a row each, and never a set)
      v_rule := regexp_replace(v_row.qual, '\m(\w+) IN \( SELECT areas_in_reach\(\) AS areas_in_reach\)', format(
        'CASE WHEN (SELECT reach_is_wide()) THEN EXISTS (SELECT FROM area_within w WHERE w.area_id = %I.\1 OFFSET 0)
              ELSE \1 IN (SELECT areas_in_reach()) END', v_row.tablename), 'g');
    END IF;
    IF v_rule LIKE '%areas_in_reach()%' <> (v_row.tablename <> 'area') OR v_rule = v_row.qual THEN
      RAISE EXCEPTION 'the policy of % is not as 0110 wrote it: %', v_row.tablename, v_row.qual;
    END IF;
    EXECUTE format('ALTER POLICY within_reach ON %I USING (%s)', v_row.tablename, v_rule);
  END LOOP;
END $$;
