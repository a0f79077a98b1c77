-- SPDX-License-Identifier: Apache-2.0
-- Phones leave the clear (ADR 0025): the import of a registry writes none into customer, search texts have none, and the worker seals those
-- that are there, which only it can: the key is not in the database. Customers have search texts of their own.
ALTER TABLE meter_search ALTER COLUMN edition SET DEFAULT 3; -- texts of before are written anew by the worker, few at a time
DROP INDEX meter_search_outdated;
CREATE INDEX meter_search_outdated ON meter_search (meter_id) WHERE edition < 3;

-- Of the blind index there is one key for ever: with two, a value would be found under one of them only.
CREATE UNIQUE INDEX personal_key_index ON personal_key (tenant_id) WHERE purpose = 'personal_index';

-- False: the worker has yet to write the search text, and to seal a phone that stands in clear.
ALTER TABLE customer ADD COLUMN is_indexed boolean NOT NULL DEFAULT false;
CREATE INDEX customer_to_index ON customer (customer_id) WHERE NOT is_indexed;
CREATE TABLE customer_search (
  customer_id bigint PRIMARY KEY REFERENCES customer ON DELETE CASCADE,
  tenant_id   int NOT NULL,
  text        text NOT NULL,                    -- code, name, address, contacts' names, account numbers: as meter_search
  grams       int[] NOT NULL
);
CREATE INDEX customer_search_grams ON customer_search USING gin (grams) WITH (fastupdate = on);

-- Owner's rights as find_meters() of 0022, for the same reason; the tenant comes from the transaction's setting.
CREATE FUNCTION find_customers(p_grams int[], p_terms text[], p_after bigint, p_limit int)
  RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_tenant int := nullif(current_setting('openmains.tenant', true), '')::int;
BEGIN
  RETURN QUERY SELECT f.customer_id FROM customer_search f
    WHERE f.tenant_id = v_tenant AND f.grams @> p_grams AND f.text LIKE ALL (p_terms) AND f.customer_id > p_after
    ORDER BY f.customer_id LIMIT p_limit;
END $$;
REVOKE ALL ON FUNCTION find_customers(int[], text[], bigint, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_customers(int[], text[], bigint, int) TO openmains_api, openmains_pipeline;

DO $$
DECLARE
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  ALTER TABLE customer_search ENABLE ROW LEVEL SECURITY;
  ALTER TABLE customer_search FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY tenant_only ON customer_search TO openmains_api USING (%s) WITH CHECK (%s)', mine, mine);
  CREATE POLICY all_tenants ON customer_search TO openmains_pipeline USING (true) WITH CHECK (true);
  EXECUTE format('CREATE POLICY owner_all ON customer_search TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON customer_search TO openmains_api, openmains_pipeline;

-- import_rows() of 0017 without the phone, which the worker seals beside it.
DO $do$
DECLARE
  v_rights text := CASE WHEN (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
    THEN 'SECURITY DEFINER' ELSE 'SECURITY INVOKER' END
    || CASE WHEN has_parameter_privilege('session_replication_role', 'SET') THEN ' SET session_replication_role = replica' ELSE '' END;
BEGIN
  EXECUTE 'CREATE OR REPLACE FUNCTION import_rows(p_tenant int) RETURNS TABLE (meter_id bigint, change "char")
  LANGUAGE plpgsql ' || v_rights || ' SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $body$
#variable_conflict use_column
DECLARE
  v_today date := (SELECT (now() AT TIME ZONE t.zone)::date FROM tenant t WHERE t.tenant_id = p_tenant);
BEGIN
  -- Customers: one row a code; an empty cell keeps what is stored.
  INSERT INTO customer AS c (tenant_id, code, name, address, is_protected)
    SELECT DISTINCT ON (r.customer_code) p_tenant, r.customer_code, coalesce(r.customer_name, r.customer_code),
           coalesce(r.customer_address, r.address, ''''), coalesce(r.is_protected, false)
      FROM pg_temp.import_row r LEFT JOIN customer k ON k.tenant_id = p_tenant AND k.code = r.customer_code
     WHERE r.customer_code IS NOT NULL AND k.customer_id IS NULL ORDER BY r.customer_code, r.line;
  UPDATE customer c SET name = n.name, address = n.address, is_protected = n.is_protected, is_indexed = false
    FROM (SELECT DISTINCT ON (k.customer_id) k.customer_id, coalesce(r.customer_name, k.name) AS name,
                 coalesce(r.customer_address, k.address) AS address,
                 coalesce(r.is_protected, k.is_protected) AS is_protected
            FROM pg_temp.import_row r JOIN customer k ON k.tenant_id = p_tenant AND k.code = r.customer_code
           WHERE (k.name, k.address, k.is_protected) IS DISTINCT FROM (coalesce(r.customer_name, k.name),
                 coalesce(r.customer_address, k.address), coalesce(r.is_protected, k.is_protected))
           ORDER BY k.customer_id, r.line) n
   WHERE c.customer_id = n.customer_id;

  -- The ids of every row once: the other statements need not look them up again.
  INSERT INTO pg_temp.import_key (line, meter_id, product_id, area_id, customer_id, known)
    SELECT r.line, coalesce(m.meter_id, nextval(''meter_meter_id_seq'')), p.product_id, a.area_id, c.customer_id,
           m.meter_id IS NOT NULL
      FROM pg_temp.import_row r
      LEFT JOIN meter m ON m.tenant_id = p_tenant AND m.number = r.number
      LEFT JOIN product p ON p.tenant_id = p_tenant AND p.code = r.product
      LEFT JOIN area a ON a.tenant_id = p_tenant AND a.code = r.area
      LEFT JOIN customer c ON c.tenant_id = p_tenant AND c.code = r.customer_code;
  IF EXISTS (SELECT 1 FROM pg_temp.import_key k WHERE k.product_id IS NULL OR k.area_id IS NULL) THEN
    RAISE foreign_key_violation USING MESSAGE = ''import row refers to a product or an area of nobody'';
  END IF;
  -- What is referred to stays until the import ends.
  PERFORM 1 FROM tenant t WHERE t.tenant_id = p_tenant FOR KEY SHARE;
  PERFORM 1 FROM product p WHERE p.product_id IN (SELECT k.product_id FROM pg_temp.import_key k) FOR KEY SHARE;
  PERFORM 1 FROM area a WHERE a.area_id IN (SELECT k.area_id FROM pg_temp.import_key k) FOR KEY SHARE;
  PERFORM 1 FROM customer c JOIN pg_temp.import_key k ON c.customer_id = k.customer_id
    WHERE c.xmin <> pg_current_xact_id()::xid FOR KEY SHARE OF c;

  -- Meters that exist: changed only where a given cell differs.
  RETURN QUERY
  WITH changed AS (
    UPDATE meter m SET bar_code = coalesce(r.bar_code, m.bar_code), imei = coalesce(r.imei, m.imei),
        imsi = coalesce(r.imsi, m.imsi), iccid = coalesce(r.iccid, m.iccid), product_id = k.product_id,
        area_id = k.area_id, customer_id = coalesce(k.customer_id, m.customer_id), address = coalesce(r.address, m.address),
        place = coalesce(r.place, m.place), dn = coalesce(r.dn, m.dn), qmax_l_h = coalesce(r.qmax_l_h, m.qmax_l_h),
        installed_on = r.installed_on, expected_from = coalesce(r.expected_from, m.expected_from), revision = m.revision + 1
      FROM pg_temp.import_key k JOIN pg_temp.import_row r ON r.line = k.line
     WHERE m.meter_id = k.meter_id AND k.known
       AND (m.bar_code, m.imei, m.imsi, m.iccid, m.product_id, m.area_id, m.customer_id, m.address, m.place, m.dn,
            m.qmax_l_h, m.installed_on, m.expected_from)
         IS DISTINCT FROM
           (coalesce(r.bar_code, m.bar_code), coalesce(r.imei, m.imei), coalesce(r.imsi, m.imsi), coalesce(r.iccid, m.iccid),
            k.product_id, k.area_id, coalesce(k.customer_id, m.customer_id), coalesce(r.address, m.address),
            coalesce(r.place, m.place), coalesce(r.dn, m.dn), coalesce(r.qmax_l_h, m.qmax_l_h), r.installed_on,
            coalesce(r.expected_from, m.expected_from))
    RETURNING m.meter_id),
  told AS (INSERT INTO identity_change (tenant_id, meter_id) SELECT p_tenant, x.meter_id FROM changed x)
  SELECT x.meter_id, ''u''::"char" FROM changed x;

  -- New meters.
  INSERT INTO meter (meter_id, tenant_id, number, bar_code, imei, imsi, iccid, product_id, area_id, customer_id, address,
                     place, dn, qmax_l_h, installed_on, expected_from) OVERRIDING SYSTEM VALUE
    SELECT k.meter_id, p_tenant, r.number, coalesce(r.bar_code, ''''), r.imei, coalesce(r.imsi, ''''), coalesce(r.iccid, ''''),
           k.product_id, k.area_id, k.customer_id, coalesce(r.address, ''''), coalesce(r.place, ''room''), coalesce(r.dn, 0),
           coalesce(r.qmax_l_h, 0), r.installed_on, coalesce(r.expected_from, v_today)
      FROM pg_temp.import_row r JOIN pg_temp.import_key k ON k.line = r.line WHERE NOT k.known;
  INSERT INTO meter_state (meter_id, tenant_id) SELECT k.meter_id, p_tenant FROM pg_temp.import_key k WHERE NOT k.known;
  INSERT INTO meter_search (meter_id, tenant_id, text, grams)
    SELECT k.meter_id, p_tenant, r.search_text, r.grams
      FROM pg_temp.import_row r JOIN pg_temp.import_key k ON k.line = r.line WHERE NOT k.known;
  INSERT INTO identity_change (tenant_id, meter_id) SELECT p_tenant, k.meter_id FROM pg_temp.import_key k WHERE NOT k.known;
  RETURN QUERY SELECT k.meter_id, ''i''::"char" FROM pg_temp.import_key k WHERE NOT k.known ORDER BY k.line;
END $body$';
END $do$;
