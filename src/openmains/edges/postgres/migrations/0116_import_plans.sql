-- SPDX-License-Identifier: Apache-2.0
-- import_rows() of 0061, joined by the tenant of each staged row. A tenant given as a constant, of whom the planner's statistics know no row
-- yet (its first import, or one of a small utility among large ones), was taken for one row: the plan compared each row of a chunk with each
-- customer of the tenant, and 25,000 meters were not in after a minute.
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
      FROM pg_temp.import_row r LEFT JOIN customer k ON k.tenant_id = r.tenant_id AND k.code = r.customer_code
     WHERE r.customer_code IS NOT NULL AND k.customer_id IS NULL ORDER BY r.customer_code, r.line;
  UPDATE customer c SET name = n.name, address = n.address, is_protected = n.is_protected, is_indexed = false
    FROM (SELECT DISTINCT ON (k.customer_id) k.customer_id, coalesce(r.customer_name, k.name) AS name,
                 coalesce(r.customer_address, k.address) AS address,
                 coalesce(r.is_protected, k.is_protected) AS is_protected
            FROM pg_temp.import_row r JOIN customer k ON k.tenant_id = r.tenant_id AND k.code = r.customer_code
           WHERE (k.name, k.address, k.is_protected) IS DISTINCT FROM (coalesce(r.customer_name, k.name),
                 coalesce(r.customer_address, k.address), coalesce(r.is_protected, k.is_protected))
           ORDER BY k.customer_id, r.line) n
   WHERE c.customer_id = n.customer_id;

  -- The ids of every row once: the other statements need not look them up again.
  INSERT INTO pg_temp.import_key (line, meter_id, product_id, area_id, customer_id, known)
    SELECT r.line, coalesce(m.meter_id, nextval(''meter_meter_id_seq'')), p.product_id, a.area_id, c.customer_id,
           m.meter_id IS NOT NULL
      FROM pg_temp.import_row r
      LEFT JOIN meter m ON m.tenant_id = r.tenant_id AND m.number = r.number
      LEFT JOIN product p ON p.tenant_id = r.tenant_id AND p.code = r.product
      LEFT JOIN area a ON a.tenant_id = r.tenant_id AND a.code = r.area
      LEFT JOIN customer c ON c.tenant_id = r.tenant_id AND c.code = r.customer_code;
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
