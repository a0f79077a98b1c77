-- SPDX-License-Identifier: Apache-2.0
-- Import and search of the registry. Three functions run with the owner's rights, each for one reason named beside it.

-- Queries too short for an n-gram (one Chinese character, one to three letters or digits) are prefixes of a number or a name.
CREATE INDEX meter_number_prefix ON meter (tenant_id, number text_pattern_ops);
CREATE INDEX customer_name_prefix ON customer (tenant_id, name text_pattern_ops);

-- The planner must know which grams are in every address: it then walks the primary key instead of the GIN index.
ALTER TABLE meter_search ALTER COLUMN grams SET STATISTICS 1000;

-- Owner's rights because '@>' is not leakproof: under row-level security it may not be used on an index. The tenant comes
-- from the transaction's setting, never from the caller, so the isolation is the same.
CREATE FUNCTION search_meters(p_grams int[], p_terms text[], p_line text, p_exact boolean, p_after bigint, p_limit int)
  RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_tenant int := nullif(current_setting('openmains.tenant', true), '')::int;
BEGIN
  IF p_exact THEN
    RETURN QUERY SELECT s.meter_id FROM meter_search s
      WHERE s.tenant_id = v_tenant AND s.grams @> p_grams AND s.text LIKE p_line AND s.meter_id > p_after
      ORDER BY s.meter_id LIMIT p_limit;
  ELSE
    RETURN QUERY SELECT s.meter_id FROM meter_search s
      WHERE s.tenant_id = v_tenant AND s.grams @> p_grams AND s.text LIKE ALL (p_terms) AND s.text NOT LIKE p_line
        AND s.meter_id > p_after
      ORDER BY s.meter_id LIMIT p_limit;
  END IF;
END $$;

CREATE FUNCTION search_meters_by_prefix(p_prefix text, p_limit int)
  RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_tenant int := nullif(current_setting('openmains.tenant', true), '')::int;
BEGIN
  RETURN QUERY
    (SELECT m.meter_id FROM meter m WHERE m.tenant_id = v_tenant AND m.number LIKE p_prefix
      ORDER BY m.number USING ~<~ LIMIT p_limit)
    UNION
    (SELECT m.meter_id FROM customer c JOIN meter m USING (customer_id)
      WHERE c.tenant_id = v_tenant AND c.name LIKE p_prefix LIMIT p_limit)
    LIMIT p_limit;
END $$;

-- Owner's rights because only the owner of an index may empty its pending list, and searches read that list from end to end.
CREATE FUNCTION settle_search_index() RETURNS bigint LANGUAGE sql SECURITY DEFINER
  SET search_path = public, pg_temp AS $$ SELECT gin_clean_pending_list('meter_search_grams') $$;

-- One chunk of an import: pg_temp.import_row, checked before, becomes customers, meters, states, search texts and changes.
-- Foreign keys are checked here once for the whole set (joins and FOR KEY SHARE) instead of seven times for every row by
-- triggers, which took half of the time. So the function, and nothing else, runs with session_replication_role = replica;
-- an owner that may not set it gets the same function with the triggers on.
-- Returns a row a meter that is new (change 'i') or changed ('u'); unchanged ones return nothing.
DO $do$
DECLARE
  v_rights text := CASE WHEN (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
    THEN 'SECURITY DEFINER' ELSE 'SECURITY INVOKER' END
    || CASE WHEN has_parameter_privilege('session_replication_role', 'SET') THEN ' SET session_replication_role = replica' ELSE '' END;
BEGIN
  EXECUTE 'CREATE FUNCTION import_rows(p_tenant int) RETURNS TABLE (meter_id bigint, change "char")
  LANGUAGE plpgsql ' || v_rights || ' SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $body$
#variable_conflict use_column
BEGIN
  -- Customers: one row a code; an empty cell keeps what is stored.
  INSERT INTO customer AS c (tenant_id, code, name, phone, address, is_protected)
    SELECT DISTINCT ON (r.customer_code) p_tenant, r.customer_code, coalesce(r.customer_name, r.customer_code),
           coalesce(r.phone, ''''), coalesce(r.address, ''''), coalesce(r.is_protected, false)
      FROM pg_temp.import_row r LEFT JOIN customer k ON k.tenant_id = p_tenant AND k.code = r.customer_code
     WHERE r.customer_code IS NOT NULL AND k.customer_id IS NULL ORDER BY r.customer_code, r.line;
  UPDATE customer c SET name = n.name, phone = n.phone, address = n.address, is_protected = n.is_protected
    FROM (SELECT DISTINCT ON (k.customer_id) k.customer_id, coalesce(r.customer_name, k.name) AS name,
                 coalesce(r.phone, k.phone) AS phone, coalesce(r.address, k.address) AS address,
                 coalesce(r.is_protected, k.is_protected) AS is_protected
            FROM pg_temp.import_row r JOIN customer k ON k.tenant_id = p_tenant AND k.code = r.customer_code
           WHERE (k.name, k.phone, k.address, k.is_protected) IS DISTINCT FROM (coalesce(r.customer_name, k.name),
                 coalesce(r.phone, k.phone), coalesce(r.address, k.address), coalesce(r.is_protected, k.is_protected))
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
        installed_on = r.installed_on, revision = m.revision + 1
      FROM pg_temp.import_key k JOIN pg_temp.import_row r ON r.line = k.line
     WHERE m.meter_id = k.meter_id AND k.known
       AND (m.bar_code, m.imei, m.imsi, m.iccid, m.product_id, m.area_id, m.customer_id, m.address, m.place, m.dn,
            m.qmax_l_h, m.installed_on)
         IS DISTINCT FROM
           (coalesce(r.bar_code, m.bar_code), coalesce(r.imei, m.imei), coalesce(r.imsi, m.imsi), coalesce(r.iccid, m.iccid),
            k.product_id, k.area_id, coalesce(k.customer_id, m.customer_id), coalesce(r.address, m.address),
            coalesce(r.place, m.place), coalesce(r.dn, m.dn), coalesce(r.qmax_l_h, m.qmax_l_h), r.installed_on)
    RETURNING m.meter_id),
  told AS (INSERT INTO identity_change (tenant_id, meter_id) SELECT p_tenant, x.meter_id FROM changed x)
  SELECT x.meter_id, ''u''::"char" FROM changed x;

  -- New meters.
  INSERT INTO meter (meter_id, tenant_id, number, bar_code, imei, imsi, iccid, product_id, area_id, customer_id, address,
                     place, dn, qmax_l_h, installed_on) OVERRIDING SYSTEM VALUE
    SELECT k.meter_id, p_tenant, r.number, coalesce(r.bar_code, ''''), r.imei, coalesce(r.imsi, ''''), coalesce(r.iccid, ''''),
           k.product_id, k.area_id, k.customer_id, coalesce(r.address, ''''), coalesce(r.place, ''room''), coalesce(r.dn, 0),
           coalesce(r.qmax_l_h, 0), r.installed_on
      FROM pg_temp.import_row r JOIN pg_temp.import_key k ON k.line = r.line WHERE NOT k.known;
  INSERT INTO meter_state (meter_id, tenant_id) SELECT k.meter_id, p_tenant FROM pg_temp.import_key k WHERE NOT k.known;
  INSERT INTO meter_search (meter_id, tenant_id, text, grams)
    SELECT k.meter_id, p_tenant, r.search_text, r.grams
      FROM pg_temp.import_row r JOIN pg_temp.import_key k ON k.line = r.line WHERE NOT k.known;
  INSERT INTO identity_change (tenant_id, meter_id) SELECT p_tenant, k.meter_id FROM pg_temp.import_key k WHERE NOT k.known;
  RETURN QUERY SELECT k.meter_id, ''i''::"char" FROM pg_temp.import_key k WHERE NOT k.known ORDER BY k.line;
END $body$';
END $do$;

REVOKE ALL ON FUNCTION search_meters(int[], text[], text, boolean, bigint, int), search_meters_by_prefix(text, int),
  settle_search_index(), import_rows(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_meters(int[], text[], text, boolean, bigint, int), search_meters_by_prefix(text, int)
  TO openmains_api, openmains_pipeline;
GRANT EXECUTE ON FUNCTION settle_search_index(), import_rows(int) TO openmains_pipeline;
GRANT USAGE ON SEQUENCE meter_meter_id_seq TO openmains_pipeline;
GRANT UPDATE ON product, tenant TO openmains_pipeline; -- FOR KEY SHARE asks for it
DO $$ BEGIN -- an import stages its rows in a temporary table
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO openmains_pipeline', current_database());
END $$;
