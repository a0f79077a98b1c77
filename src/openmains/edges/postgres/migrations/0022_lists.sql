-- SPDX-License-Identifier: Apache-2.0
-- What lists and acts of people need: a reason in the trail, counts of open alarms, and a search that combines.

-- Why a person did what others must live with. Lines of before have none.
ALTER TABLE audit ADD COLUMN reason text NOT NULL DEFAULT '';

-- Open alarms are counted exactly, whatever their number: without those that are over.
CREATE INDEX alarm_standing ON alarm (tenant_id) WHERE cleared_us IS NULL;

-- The account number of the customer is searched too. Texts that lack it are written anew by the worker, few at a time.
ALTER TABLE meter_search ADD COLUMN edition smallint NOT NULL DEFAULT 1;
ALTER TABLE meter_search ALTER COLUMN edition SET DEFAULT 2;
CREATE INDEX meter_search_outdated ON meter_search (meter_id) WHERE edition < 2;

-- Beginnings of a number, a name and an account number, in whatever case they were written; those of 0003 told capitals apart.
CREATE INDEX meter_number_begins ON meter (tenant_id, lower(number) text_pattern_ops);
CREATE INDEX customer_name_begins ON customer (tenant_id, lower(name) text_pattern_ops);
CREATE INDEX customer_code_begins ON customer (tenant_id, lower(code) text_pattern_ops);
DROP INDEX meter_number_prefix, customer_name_prefix;

-- Search within the filters of a list, whose conditions are those of edges/postgres/fleet/meters.py. Null: no filter, and then
-- neither table is read. p_silent_us: by report mode, the instant since which a meter must have been seen not to be silent. Owner's rights as search_meters() of 0003, for the same reason.
CREATE FUNCTION find_meters(p_grams int[], p_terms text[], p_line text, p_exact boolean, p_after bigint, p_limit int,
                            p_areas int[], p_product int, p_status text, p_silent_us jsonb)
  RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_tenant int := nullif(current_setting('openmains.tenant', true), '')::int;
BEGIN
  RETURN QUERY
    SELECT f.meter_id FROM meter_search f LEFT JOIN meter m ON m.meter_id = f.meter_id
           LEFT JOIN meter_state s ON s.meter_id = f.meter_id
     WHERE f.tenant_id = v_tenant AND f.meter_id > p_after
       AND (cardinality(p_grams) = 0 OR f.grams @> p_grams)
       AND CASE WHEN p_exact THEN f.text LIKE p_line ELSE f.text LIKE ALL (p_terms) AND f.text NOT LIKE p_line END
       AND (p_areas IS NULL OR m.area_id = ANY (p_areas)) AND (p_product IS NULL OR m.product_id = p_product)
       AND (p_status IS NULL OR CASE p_status
             WHEN 'active' THEN m.removed_on IS NULL
             WHEN 'removed' THEN m.removed_on IS NOT NULL
             WHEN 'never_seen' THEN m.removed_on IS NULL AND s.last_seen_us IS NULL
             WHEN 'silent' THEN m.removed_on IS NULL AND s.last_seen_us < (p_silent_us ->> coalesce(m.report_mode,
                  (SELECT p.report_mode FROM product p WHERE p.product_id = m.product_id)))::bigint
             WHEN 'alarm' THEN s.event_mask <> 0 END)
     ORDER BY f.meter_id LIMIT p_limit;
END $$;

-- Where all terms are too short for a gram: a number, an account or a name begins with one of them, and the rest occurs too.
CREATE FUNCTION find_meters_by_prefix(p_prefixes text[], p_terms text[], p_after bigint, p_limit int,
                                      p_areas int[], p_product int, p_status text, p_silent_us jsonb)
  RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_tenant int := nullif(current_setting('openmains.tenant', true), '')::int;
  v_prefix text;
BEGIN
  FOREACH v_prefix IN ARRAY p_prefixes LOOP
    IF p_terms IS NULL THEN -- one word and no filter: the first of each index will do, a digit begins a million numbers
      RETURN QUERY
        (SELECT m.meter_id FROM meter m WHERE m.tenant_id = v_tenant AND lower(m.number) LIKE v_prefix
          ORDER BY lower(m.number) USING ~<~ LIMIT p_limit)
        UNION
        (SELECT m.meter_id FROM customer c JOIN meter m USING (customer_id)
          WHERE c.tenant_id = v_tenant AND lower(c.name) LIKE v_prefix LIMIT p_limit)
        UNION
        (SELECT m.meter_id FROM customer c JOIN meter m USING (customer_id)
          WHERE c.tenant_id = v_tenant AND lower(c.code) LIKE v_prefix ORDER BY lower(c.code) USING ~<~ LIMIT p_limit)
        LIMIT p_limit;
      CONTINUE;
    END IF;
    RETURN QUERY
      SELECT u.meter_id FROM (
        SELECT m.meter_id FROM meter m WHERE m.tenant_id = v_tenant AND lower(m.number) LIKE v_prefix
        UNION
        SELECT m.meter_id FROM customer c JOIN meter m USING (customer_id)
         WHERE c.tenant_id = v_tenant AND lower(c.name) LIKE v_prefix
        UNION
        SELECT m.meter_id FROM customer c JOIN meter m USING (customer_id)
         WHERE c.tenant_id = v_tenant AND lower(c.code) LIKE v_prefix) u
        JOIN meter_search f ON f.meter_id = u.meter_id LEFT JOIN meter m ON m.meter_id = u.meter_id
        LEFT JOIN meter_state s ON s.meter_id = u.meter_id
       WHERE f.tenant_id = v_tenant AND u.meter_id > p_after AND f.text LIKE ALL (p_terms)
         AND (p_areas IS NULL OR m.area_id = ANY (p_areas)) AND (p_product IS NULL OR m.product_id = p_product)
         AND (p_status IS NULL OR CASE p_status
               WHEN 'active' THEN m.removed_on IS NULL
               WHEN 'removed' THEN m.removed_on IS NOT NULL
               WHEN 'never_seen' THEN m.removed_on IS NULL AND s.last_seen_us IS NULL
               WHEN 'silent' THEN m.removed_on IS NULL AND s.last_seen_us < (p_silent_us ->> coalesce(m.report_mode,
                  (SELECT p.report_mode FROM product p WHERE p.product_id = m.product_id)))::bigint
               WHEN 'alarm' THEN s.event_mask <> 0 END)
       ORDER BY u.meter_id LIMIT p_limit;
  END LOOP;
END $$;

DROP FUNCTION search_meters(int[], text[], text, boolean, bigint, int);
DROP FUNCTION search_meters_by_prefix(text, int);
REVOKE ALL ON FUNCTION find_meters(int[], text[], text, boolean, bigint, int, int[], int, text, jsonb),
  find_meters_by_prefix(text[], text[], bigint, int, int[], int, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_meters(int[], text[], text, boolean, bigint, int, int[], int, text, jsonb),
  find_meters_by_prefix(text[], text[], bigint, int, int[], int, text, jsonb) TO openmains_api, openmains_pipeline;
