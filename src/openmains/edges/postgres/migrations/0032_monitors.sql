-- SPDX-License-Identifier: Apache-2.0
-- Terminals that are no meters (R3.7): what a product is, limits of quantities, and alarms about them.

-- What the driver's page says of its products, for ever: a device is not turned into the other (domain/fleet/device_kind.py).
ALTER TABLE product ADD COLUMN kind text NOT NULL DEFAULT 'meter'
  CHECK (kind IN ('meter', 'pressure', 'flow', 'level', 'quality', 'pump', 'pipe', 'safety'));
GRANT SELECT (kind) ON product TO openmains_signer; -- quotas count meters

-- Between which bounds a quantity is well: of all devices of a product, or of one device, whose row stands in place of its product's;
-- with neither bound it is not watched at that device. Integers x 10^exponent of the point's unit, volumes in the driver's.
CREATE TABLE quantity_limit (
  limit_id   bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  product_id int REFERENCES product,
  meter_id   bigint REFERENCES meter ON DELETE CASCADE,
  quantity   text NOT NULL,
  low        bigint,
  high       bigint,
  hysteresis bigint NOT NULL DEFAULT 0 CHECK (hysteresis >= 0), -- so far inside again before it is over
  severity   text NOT NULL CHECK (severity IN ('critical', 'major', 'minor', 'info')),
  CHECK ((product_id IS NULL) <> (meter_id IS NULL)),
  CHECK (low IS NOT NULL OR high IS NOT NULL OR meter_id IS NOT NULL),
  CHECK (low <= high),
  UNIQUE (product_id, quantity),
  UNIQUE (meter_id, quantity)
);
-- On which side of its limits a quantity was, and as of which instant: what is older is not judged again.
CREATE TABLE limit_standing (
  meter_id  bigint NOT NULL REFERENCES meter ON DELETE CASCADE,
  quantity  text NOT NULL,
  tenant_id int NOT NULL,
  at_s      bigint NOT NULL,
  side      smallint NOT NULL CHECK (side BETWEEN -1 AND 1),
  PRIMARY KEY (meter_id, quantity)
);
DO $$
DECLARE
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  ALTER TABLE quantity_limit ENABLE ROW LEVEL SECURITY;
  ALTER TABLE quantity_limit FORCE ROW LEVEL SECURITY;
  ALTER TABLE limit_standing ENABLE ROW LEVEL SECURITY;
  ALTER TABLE limit_standing FORCE ROW LEVEL SECURITY;
  CREATE POLICY all_tenants ON quantity_limit TO openmains_pipeline USING (true);
  CREATE POLICY all_tenants ON limit_standing TO openmains_pipeline USING (true) WITH CHECK (true);
  EXECUTE format('CREATE POLICY owner_all ON quantity_limit TO %I USING (true) WITH CHECK (true)', current_user);
  EXECUTE format('CREATE POLICY owner_all ON limit_standing TO %I USING (true) WITH CHECK (true)', current_user);
  EXECUTE format('CREATE POLICY tenant_all ON quantity_limit TO openmains_api USING (%s) WITH CHECK (%s)', mine, mine);
  EXECUTE format('CREATE POLICY tenant_all ON limit_standing TO openmains_api USING (%s)', mine);
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON quantity_limit TO openmains_api;
GRANT SELECT, DELETE ON limit_standing TO openmains_api;
GRANT SELECT ON quantity_limit TO openmains_pipeline;
GRANT SELECT, INSERT, UPDATE, DELETE ON limit_standing TO openmains_pipeline;

-- An alarm about a limit names the quantity, what it was and the bound, in the unit it was said in. One open alarm for each.
ALTER TABLE alarm
  ADD COLUMN quantity text NOT NULL DEFAULT '',
  ADD COLUMN value bigint,
  ADD COLUMN bound bigint,
  ADD COLUMN unit text NOT NULL DEFAULT '',
  ADD COLUMN exponent smallint NOT NULL DEFAULT 0;
DROP INDEX alarm_open;
CREATE UNIQUE INDEX alarm_open ON alarm (meter_id, event, quantity) WHERE cleared_us IS NULL;
DO $$
BEGIN -- meter_safety_opened() of 0019 names the index by its columns
  EXECUTE replace(pg_get_functiondef('meter_safety_opened'::regproc), 'ON CONFLICT (meter_id, event) WHERE',
                  'ON CONFLICT (meter_id, event, quantity) WHERE');
END $$;

-- Search of 0022 within several products: those of a kind of devices.
CREATE FUNCTION find_meters(p_grams int[], p_terms text[], p_line text, p_exact boolean, p_after bigint, p_limit int,
                            p_areas int[], p_products int[], p_status text, p_silent_us jsonb)
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
       AND (p_areas IS NULL OR m.area_id = ANY (p_areas)) AND (p_products IS NULL OR m.product_id = ANY (p_products))
       AND (p_status IS NULL OR CASE p_status
             WHEN 'active' THEN m.removed_on IS NULL
             WHEN 'removed' THEN m.removed_on IS NOT NULL
             WHEN 'never_seen' THEN m.removed_on IS NULL AND s.last_seen_us IS NULL
             WHEN 'silent' THEN m.removed_on IS NULL AND s.last_seen_us < (p_silent_us ->> coalesce(m.report_mode,
                  (SELECT p.report_mode FROM product p WHERE p.product_id = m.product_id)))::bigint
             WHEN 'alarm' THEN s.event_mask <> 0 OR EXISTS (SELECT FROM limit_standing q
                  WHERE q.meter_id = s.meter_id AND q.side <> 0) END)
     ORDER BY f.meter_id LIMIT p_limit;
END $$;

-- Where all terms are too short for a gram: a number, an account or a name begins with one of them, and the rest occurs too.
CREATE FUNCTION find_meters_by_prefix(p_prefixes text[], p_terms text[], p_after bigint, p_limit int,
                                      p_areas int[], p_products int[], p_status text, p_silent_us jsonb)
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
         AND (p_areas IS NULL OR m.area_id = ANY (p_areas)) AND (p_products IS NULL OR m.product_id = ANY (p_products))
         AND (p_status IS NULL OR CASE p_status
               WHEN 'active' THEN m.removed_on IS NULL
               WHEN 'removed' THEN m.removed_on IS NOT NULL
               WHEN 'never_seen' THEN m.removed_on IS NULL AND s.last_seen_us IS NULL
               WHEN 'silent' THEN m.removed_on IS NULL AND s.last_seen_us < (p_silent_us ->> coalesce(m.report_mode,
                  (SELECT p.report_mode FROM product p WHERE p.product_id = m.product_id)))::bigint
               WHEN 'alarm' THEN s.event_mask <> 0 OR EXISTS (SELECT FROM limit_standing q
                  WHERE q.meter_id = s.meter_id AND q.side <> 0) END)
       ORDER BY u.meter_id LIMIT p_limit;
  END LOOP;
END $$;

DROP FUNCTION find_meters(int[], text[], text, boolean, bigint, int, int[], int, text, jsonb),
  find_meters_by_prefix(text[], text[], bigint, int, int[], int, text, jsonb);
REVOKE ALL ON FUNCTION find_meters(int[], text[], text, boolean, bigint, int, int[], int[], text, jsonb),
  find_meters_by_prefix(text[], text[], bigint, int, int[], int[], text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_meters(int[], text[], text, boolean, bigint, int, int[], int[], text, jsonb),
  find_meters_by_prefix(text[], text[], bigint, int, int[], int[], text, jsonb) TO openmains_api, openmains_pipeline;
