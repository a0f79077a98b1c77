-- SPDX-License-Identifier: Apache-2.0
-- What a branch holds is added up of tallies alone, whoever asks (ADR 0072): by product, so that rights limited to media or models have sums too without
-- reading meters one by one, and with premises, of which a utility has as many as meters.
LOCK TABLE meter, premises IN SHARE ROW EXCLUSIVE MODE;
TRUNCATE area_tally;
ALTER TABLE area_tally
  ADD COLUMN product_id int,                    -- of the devices counted; null: premises are counted
  ADD COLUMN premises bigint NOT NULL DEFAULT 0;
INSERT INTO area_tally (tenant_id, area_id, product_id, meters, devices)
SELECT m.tenant_id, m.area_id, m.product_id, count(*) FILTER (WHERE m.removed_on IS NULL AND p.kind = 'meter'), count(*)
  FROM meter m JOIN product p USING (product_id) GROUP BY 1, 2, 3;
INSERT INTO area_tally (tenant_id, area_id, meters, devices, premises)
SELECT tenant_id, area_id, 0, 0, count(*) FROM premises GROUP BY 1, 2;

-- As 0040, by product.
CREATE OR REPLACE FUNCTION tally_meters() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO area_tally (tenant_id, area_id, product_id, meters, devices)
    SELECT n.tenant_id, n.area_id, n.product_id, count(*) FILTER (WHERE n.removed_on IS NULL AND p.kind = 'meter'), count(*)
      FROM new_meters n JOIN product p USING (product_id) GROUP BY 1, 2, 3;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO area_tally (tenant_id, area_id, product_id, meters, devices)
    SELECT o.tenant_id, o.area_id, o.product_id, -count(*) FILTER (WHERE o.removed_on IS NULL AND p.kind = 'meter'), -count(*)
      FROM old_meters o JOIN product p USING (product_id) GROUP BY 1, 2, 3;
  ELSE
    INSERT INTO area_tally (tenant_id, area_id, product_id, meters, devices)
    SELECT d.tenant_id, d.area_id, d.product_id, sum(d.meters), sum(d.devices)
      FROM (SELECT n.tenant_id, n.area_id, n.product_id, (n.removed_on IS NULL AND p.kind = 'meter')::int AS meters, 1 AS devices
              FROM new_meters n JOIN product p USING (product_id)
            UNION ALL
            SELECT o.tenant_id, o.area_id, o.product_id, -(o.removed_on IS NULL AND p.kind = 'meter')::int, -1
              FROM old_meters o JOIN product p USING (product_id)) d
     GROUP BY 1, 2, 3 HAVING sum(d.meters) <> 0 OR sum(d.devices) <> 0;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION tally_premises() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO area_tally (tenant_id, area_id, meters, devices, premises)
    SELECT tenant_id, area_id, 0, 0, count(*) FROM new_premises GROUP BY 1, 2;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO area_tally (tenant_id, area_id, meters, devices, premises)
    SELECT tenant_id, area_id, 0, 0, -count(*) FROM old_premises GROUP BY 1, 2;
  ELSE
    INSERT INTO area_tally (tenant_id, area_id, meters, devices, premises)
    SELECT d.tenant_id, d.area_id, 0, 0, sum(d.one)
      FROM (SELECT tenant_id, area_id, 1 AS one FROM new_premises UNION ALL SELECT tenant_id, area_id, -1 FROM old_premises) d
     GROUP BY 1, 2 HAVING sum(d.one) <> 0;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER premises_added_up AFTER INSERT ON premises REFERENCING NEW TABLE AS new_premises
  FOR EACH STATEMENT EXECUTE FUNCTION tally_premises();
CREATE TRIGGER premises_changed_up AFTER UPDATE ON premises REFERENCING OLD TABLE AS old_premises NEW TABLE AS new_premises
  FOR EACH STATEMENT EXECUTE FUNCTION tally_premises();
CREATE TRIGGER premises_taken_off AFTER DELETE ON premises REFERENCING OLD TABLE AS old_premises
  FOR EACH STATEMENT EXECUTE FUNCTION tally_premises();
-- Also where meters are hung thousands at a time (0138).
ALTER TABLE premises ENABLE ALWAYS TRIGGER premises_added_up;
ALTER TABLE premises ENABLE ALWAYS TRIGGER premises_changed_up;
ALTER TABLE premises ENABLE ALWAYS TRIGGER premises_taken_off;
-- Of a product outside the reach nothing is counted (the policy of places is 0110's).
CREATE POLICY within_products ON area_tally AS RESTRICTIVE TO openmains_limited
  USING (product_id IS NULL OR product_id IN (SELECT products_in_reach()));

-- What follows reads with the owner's rights, and must ask for the reach itself: each area, product and premises that it counts lies within. Of paths that
-- begin alike one holds the other, so what of a branch is within a place is again one range.
CREATE FUNCTION branch_ranges(p_area int) RETURNS TABLE (tenant_id int, low text, high text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT t.tenant_id, greatest(t.path, p.path COLLATE "C"), least(t.path_end, (p.path || 'g') COLLATE "C")
    FROM (SELECT a.tenant_id, a.path, a.path_end FROM area a
           WHERE a.tenant_id = nullif(current_setting('openmains.tenant', true), '')::int AND a.area_id = p_area
          UNION ALL
          SELECT nullif(current_setting('openmains.tenant', true), '')::int, '', 'g' WHERE p_area IS NULL) t
    CROSS JOIN unnest(CASE WHEN reach_places() = '{}' THEN ARRAY[''] ELSE reach_paths() END) AS p (path)
   WHERE greatest(t.path, p.path COLLATE "C") < least(t.path_end, (p.path || 'g') COLLATE "C")
$$;
CREATE FUNCTION branch_areas(p_area int) RETURNS int[] LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(b.area_id), '{}') FROM branch_ranges(p_area) r JOIN area b ON b.tenant_id = r.tenant_id AND b.path >= r.low AND b.path < r.high
$$;
-- Of one range; planned for the range it is: a unit's tallies are looked up, a city's are read. Of single devices no tally tells.
CREATE FUNCTION range_sums(p_tenant int, p_low text, p_high text, OUT areas bigint, OUT meters bigint, OUT devices bigint, OUT premises bigint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  SELECT count(*) INTO areas FROM area b WHERE b.tenant_id = p_tenant AND b.path >= p_low AND b.path < p_high;
  SELECT coalesce(sum(x.meters) FILTER (WHERE x.product_id IN (SELECT products_in_reach())), 0),
         coalesce(sum(x.devices) FILTER (WHERE x.product_id IN (SELECT products_in_reach())), 0),
         coalesce(sum(x.premises) FILTER (WHERE reach_products() = '{}'), 0)
    INTO meters, devices, premises
    FROM area b JOIN area_tally x ON x.area_id = b.area_id
   WHERE b.tenant_id = p_tenant AND b.path >= p_low AND b.path < p_high AND reach_meters() = '{}';
END $$;
CREATE FUNCTION branch_sums(p_area int) RETURNS TABLE (areas_below bigint, meters bigint, devices bigint, premises bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT greatest(0, coalesce(sum(s.areas), 0) - 1
           + (SELECT count(*) FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end -- seen by name
               WHERE t.tenant_id = nullif(current_setting('openmains.tenant', true), '')::int AND t.area_id = p_area
                 AND b.area_id = ANY (ARRAY(SELECT areas_above_reach()))
                 AND NOT EXISTS (SELECT FROM branch_ranges(p_area) o WHERE b.path >= o.low AND b.path < o.high)))::bigint,
         coalesce(sum(s.meters), 0)::bigint, coalesce(sum(s.devices), 0)::bigint, coalesce(sum(s.premises), 0)::bigint
    FROM branch_ranges(p_area) r CROSS JOIN LATERAL range_sums(r.tenant_id, r.low, r.high) s
$$;
CREATE FUNCTION branch_meters(p_areas int[]) RETURNS TABLE (area_id int, meters bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT t.area_id, sum(s.meters)::bigint
    FROM unnest(p_areas) AS t (area_id) CROSS JOIN LATERAL branch_ranges(t.area_id) r
    CROSS JOIN LATERAL range_sums(r.tenant_id, r.low, r.high) s GROUP BY 1
$$;
-- How a list of a branch is best read: whether more than so many devices hang in it, and whether it has more than so many areas. Ends where it knows.
CREATE FUNCTION branch_size(p_area int, p_devices bigint, p_areas bigint, OUT is_large boolean, OUT is_wide boolean)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
  SET plan_cache_mode = force_custom_plan SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_devices bigint := p_devices;
  v_areas   bigint := p_areas;
  v_range   record;
  v_more    bigint;
BEGIN
  FOR v_range IN SELECT r.tenant_id, r.low, r.high FROM branch_ranges(p_area) r LOOP
    v_areas := v_areas - (SELECT count(*) FROM (SELECT FROM area b WHERE b.tenant_id = v_range.tenant_id AND b.path >= v_range.low
                                                   AND b.path < v_range.high LIMIT p_areas + 1) counted);
    FOR v_more IN SELECT x.devices FROM area b JOIN area_tally x ON x.area_id = b.area_id
                   WHERE b.tenant_id = v_range.tenant_id AND b.path >= v_range.low AND b.path < v_range.high LOOP
      v_devices := v_devices - v_more;
      EXIT WHEN v_devices < 0;
    END LOOP;
    EXIT WHEN v_devices < 0 AND v_areas < 0;
  END LOOP;
  is_large := v_devices < 0;
  is_wide := v_areas < 0;
END $$;
REVOKE ALL ON FUNCTION branch_ranges(int), range_sums(int, text, text), branch_areas(int), branch_sums(int), branch_meters(int[]),
  branch_size(int, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION branch_areas(int), branch_sums(int), branch_meters(int[]), branch_size(int, bigint, bigint) TO openmains_api, openmains_limited;
