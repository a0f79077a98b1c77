-- SPDX-License-Identifier: Apache-2.0
-- Meters that came by a door that knows no accounts are hung thousands at a time (ADR 0025, item 10). hang_meters() of 0063 took a millisecond
-- for each of them: a registry of a million meters was in after minutes, and its premises and accounts after more than half an hour.
--
-- Two ways to the same rows (tests/edges/postgres/fleet/test_hanging.py compares them). Plain meters are hung by six statements for all of
-- them; every other one by the loop of 0063, a meter at a time. A meter is plain when nothing that happens to another of its batch
-- can change what becomes of it, and nothing stands in its way:
--   * the account number (and code of premises) it wants is free, wanted by no other meter of the batch, and none that free_code() could give out;
--   * at known premises no account of its customer is there to be joined; and of those of the batch that look for one address, or make
--     premises of that address, either all are plain or none is;
--   * its product is a meter, its customer of its own utility: what the table refuses is left to the loop, and refused there.

-- A plain meter, and what becomes of it.
CREATE TYPE hanging AS (
  meter_id    bigint,
  tenant_id   int,
  area_id     int,
  base        text,                             -- number of its account, code of new premises
  address     text,                             -- of new premises
  customer_id bigint,
  medium      text,
  role        text,
  since       timestamptz,
  makes       boolean,                          -- new premises; else those at premises_id, or those that maker_id makes
  maker_id    bigint,
  premises_id bigint,
  account_id  bigint
);

-- Each look into a large table is LATERAL … LIMIT 1, a look into an index for each meter: no plan of a moment when the tables were small reads them
-- whole later. Installations of a meter are looked for by the index of their exclusion, the only one that has all of them.
CREATE FUNCTION plain_meters(p_meters bigint[]) RETURNS hanging[] LANGUAGE plpgsql SET search_path = public, pg_temp
  SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_bases text[];
  v_found hanging[];
BEGIN
  v_bases := ARRAY(
    SELECT coalesce(c.code, 'M-' || m.number)
      FROM meter m LEFT JOIN LATERAL (SELECT k.code FROM customer k WHERE k.customer_id = m.customer_id LIMIT 1) c ON true
     WHERE m.meter_id = ANY (p_meters));
  WITH wanted AS MATERIALIZED (
    SELECT m.meter_id, m.tenant_id, m.area_id, m.address AS looked_for, m.customer_id, m.role, p.medium,
           coalesce(c.code, 'M-' || m.number) AS base, coalesce(nullif(m.address, ''), nullif(c.address, ''), m.number) AS address,
           least(now(), m.installed_on::timestamp AT TIME ZONE t.zone) AS since,
           p.kind = 'meter' AND (m.customer_id IS NULL OR c.tenant_id = m.tenant_id) AS fits
      FROM meter m JOIN product p USING (product_id) JOIN tenant t ON t.tenant_id = m.tenant_id
      LEFT JOIN LATERAL (SELECT k.code, k.address, k.tenant_id FROM customer k WHERE k.customer_id = m.customer_id LIMIT 1) c ON true
      LEFT JOIN LATERAL (SELECT true AS is_there FROM installation i
                          WHERE point(i.meter_id, i.meter_id) ~= point(m.meter_id, m.meter_id) LIMIT 1) hung ON true
     WHERE m.meter_id = ANY (p_meters) AND m.removed_on IS NULL AND hung.is_there IS NULL),
  looked AS MATERIALIZED (
    SELECT w.*, known.premises_id,
           w.fits AND numbered.is_there IS NULL AND coded.is_there IS NULL AND joined.is_there IS NULL
           AND count(*) OVER (PARTITION BY w.tenant_id, w.base) = 1
           AND (substring(w.base FROM '^(.*)-[0-9]+$') = ANY (v_bases)) IS NOT TRUE AS is_plain
      FROM wanted w
      LEFT JOIN LATERAL (SELECT s.premises_id FROM premises s
                          WHERE s.tenant_id = w.tenant_id AND s.area_id = w.area_id AND w.looked_for <> '' AND md5(s.address) = md5(w.looked_for)
                            AND s.address = w.looked_for ORDER BY s.premises_id LIMIT 1) known ON true
      LEFT JOIN LATERAL (SELECT true AS is_there FROM account a WHERE a.tenant_id = w.tenant_id AND a.number = w.base LIMIT 1) numbered ON true
      LEFT JOIN LATERAL (SELECT true AS is_there FROM premises s
                          WHERE known.premises_id IS NULL AND s.tenant_id = w.tenant_id AND s.code = w.base LIMIT 1) coded ON true
      LEFT JOIN LATERAL (SELECT true AS is_there FROM account a JOIN account_holder h USING (account_id)
                          WHERE a.premises_id = known.premises_id AND h.customer_id = w.customer_id LIMIT 1) joined ON true),
  grouped AS (
    SELECT k.*, k.premises_id IS NULL AND (k.looked_for = '' OR k.meter_id = min(k.meter_id) OVER same_address) AS makes,
           min(k.meter_id) OVER same_address AS maker_id, bool_and(k.is_plain) OVER same_address AS all_plain
      FROM looked k WINDOW same_address AS (PARTITION BY k.tenant_id, k.area_id, k.premises_id IS NULL, k.address))
  SELECT array_agg(ROW(g.meter_id, g.tenant_id, g.area_id, g.base, g.address, g.customer_id, g.medium, g.role, g.since, g.makes, g.maker_id,
                       g.premises_id, NULL)::hanging ORDER BY g.meter_id)
    INTO v_found FROM grouped g WHERE g.is_plain AND (g.all_plain OR g.premises_id IS NOT NULL);
  RETURN coalesce(v_found, '{}');
END $$;

-- The others, as 0063 hung all: one after the other, with every trigger and foreign key.
CREATE FUNCTION hang_singly(p_meters bigint[]) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp
  SET enable_seqscan = off AS $$
DECLARE
  r record;
  v_premises bigint;
  v_account bigint;
  v_number text;
BEGIN
  FOR r IN
    SELECT m.meter_id, m.tenant_id, m.number, m.area_id, m.address, m.customer_id, m.role, p.medium, c.code, c.address AS customer_address,
           coalesce(c.code, 'M-' || m.number) AS base, least(now(), m.installed_on::timestamp AT TIME ZONE t.zone) AS since
      FROM meter m JOIN product p USING (product_id) JOIN tenant t ON t.tenant_id = m.tenant_id
      LEFT JOIN customer c ON c.customer_id = m.customer_id
      LEFT JOIN LATERAL (SELECT true AS is_there FROM installation i
                          WHERE point(i.meter_id, i.meter_id) ~= point(m.meter_id, m.meter_id) LIMIT 1) hung ON true
     WHERE m.meter_id = ANY (p_meters) AND m.removed_on IS NULL AND hung.is_there IS NULL
     ORDER BY m.meter_id
  LOOP
    SELECT premises_id INTO v_premises FROM premises
     WHERE tenant_id = r.tenant_id AND area_id = r.area_id AND r.address <> '' AND md5(address) = md5(r.address) AND address = r.address
     ORDER BY premises_id LIMIT 1;
    IF v_premises IS NULL THEN
      INSERT INTO premises (tenant_id, area_id, code, address)
      VALUES (r.tenant_id, r.area_id, free_code(r.tenant_id, r.base, true), coalesce(nullif(r.address, ''), nullif(r.customer_address, ''), r.number))
      RETURNING premises_id INTO v_premises;
    END IF;
    SELECT a.account_id INTO v_account FROM account a LEFT JOIN account_holder h ON h.account_id = a.account_id AND upper_inf(h.during)
     WHERE a.premises_id = v_premises AND a.tenant_id = r.tenant_id AND a.medium = r.medium AND a.closed_at IS NULL
       AND a.opened_at <= r.since AND h.customer_id = r.customer_id
       AND (r.role NOT IN ('household', 'master') OR NOT EXISTS (
             SELECT FROM installation i
              WHERE i.account_id = a.account_id AND i.role IN ('household', 'master') AND i.during && tstzrange(r.since, NULL)))
     ORDER BY a.account_id LIMIT 1;
    IF v_account IS NULL THEN
      v_number := free_code(r.tenant_id, r.base, false);
      INSERT INTO account (tenant_id, number, premises_id, medium, opened_at)
      VALUES (r.tenant_id, v_number, v_premises, r.medium, r.since) RETURNING account_id INTO v_account;
      INSERT INTO account_act (tenant_id, account_id, kind, at, key) VALUES (r.tenant_id, v_account, 'open', r.since, 'hung:' || r.meter_id);
      IF r.customer_id IS NOT NULL THEN
        INSERT INTO account_act (tenant_id, account_id, kind, at, customer_id, key)
        VALUES (r.tenant_id, v_account, 'move_in', r.since, r.customer_id, 'hung:' || r.meter_id);
        INSERT INTO account_holder (account_id, tenant_id, customer_id, during)
        VALUES (v_account, r.tenant_id, r.customer_id, tstzrange(r.since, NULL));
        IF v_number <> r.code THEN -- the customer is searched for by the account's number too; a number that is the code is in the text already
          UPDATE customer SET is_indexed = false WHERE customer_id = r.customer_id AND is_indexed;
        END IF;
      END IF;
    END IF;
    INSERT INTO installation (tenant_id, meter_id, account_id, role, during, opening_by)
    VALUES (r.tenant_id, r.meter_id, v_account, r.role, tstzrange(r.since, NULL), 'unknown');
  END LOOP;
END $$;

-- Writes plain meters. What triggers ask of each row holds of these by how they are made: an account is new, of its meter's utility and medium, at
-- premises of that utility; its first act opens it, its holder moves in at that instant and is whom the meter's own row names, and its meter
-- hangs there from then on. What the rows refer to is there, and is held as foreign keys hold it, all at once. Nothing but a key, a
-- unique number and an exclusion is left to ask, and those are asked of every row: so it runs with session_replication_role = replica, as
-- import_rows() does (0003), where the owner may set that; elsewhere with the triggers on. Only hang_meters() calls it: it believes what it is given.
CREATE FUNCTION hang_together(p_meters hanging[]) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp
  SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_all hanging[];
  v_wanted bigint[];
BEGIN
  PERFORM FROM tenant t WHERE t.tenant_id = ANY (ARRAY(SELECT DISTINCT h.tenant_id FROM unnest(p_meters) h)) ORDER BY t.tenant_id FOR KEY SHARE;
  PERFORM FROM area a WHERE a.area_id = ANY (ARRAY(SELECT DISTINCT h.area_id FROM unnest(p_meters) h WHERE h.makes)) ORDER BY a.area_id FOR KEY SHARE;
  v_wanted := ARRAY(SELECT DISTINCT h.premises_id FROM unnest(p_meters) h WHERE h.premises_id IS NOT NULL);
  IF cardinality(v_wanted) <> cardinality(ARRAY(
      SELECT s.premises_id FROM premises s WHERE s.premises_id = ANY (v_wanted) ORDER BY s.premises_id FOR KEY SHARE)) THEN
    RAISE serialization_failure USING MESSAGE = 'premises went while meters were hung';
  END IF;
  v_wanted := ARRAY(SELECT h.customer_id FROM unnest(p_meters) h WHERE h.customer_id IS NOT NULL); -- each once: a base is wanted once
  IF cardinality(v_wanted) <> cardinality(ARRAY(
      SELECT c.customer_id FROM customer c WHERE c.customer_id = ANY (v_wanted) ORDER BY c.customer_id FOR KEY SHARE)) THEN
    RAISE serialization_failure USING MESSAGE = 'a customer went while meters were hung';
  END IF;
  v_wanted := ARRAY(SELECT h.meter_id FROM unnest(p_meters) h);
  IF cardinality(v_wanted) <> cardinality(ARRAY(
      SELECT m.meter_id FROM meter m WHERE m.meter_id = ANY (v_wanted) ORDER BY m.meter_id FOR KEY SHARE)) THEN
    RAISE serialization_failure USING MESSAGE = 'a meter went while meters were hung';
  END IF;

  v_all := ARRAY( -- numbers in the order of the meters
    SELECT ROW(h.meter_id, h.tenant_id, h.area_id, h.base, h.address, h.customer_id, h.medium, h.role, h.since, h.makes, h.maker_id,
               CASE WHEN h.makes THEN nextval('premises_premises_id_seq') ELSE h.premises_id END, nextval('account_account_id_seq'))::hanging
      FROM unnest(p_meters) h);
  v_all := ARRAY(
    SELECT ROW(h.meter_id, h.tenant_id, h.area_id, h.base, h.address, h.customer_id, h.medium, h.role, h.since, h.makes, h.maker_id,
               coalesce(h.premises_id, max(h.premises_id) FILTER (WHERE h.meter_id = h.maker_id) OVER (PARTITION BY h.maker_id)), h.account_id)::hanging
      FROM unnest(v_all) h ORDER BY h.meter_id);
  INSERT INTO premises (premises_id, tenant_id, area_id, code, address) OVERRIDING SYSTEM VALUE
    SELECT h.premises_id, h.tenant_id, h.area_id, h.base, h.address FROM unnest(v_all) h WHERE h.makes;
  INSERT INTO account (account_id, tenant_id, number, premises_id, medium, opened_at) OVERRIDING SYSTEM VALUE
    SELECT h.account_id, h.tenant_id, h.base, h.premises_id, h.medium, h.since FROM unnest(v_all) h;
  INSERT INTO account_act (tenant_id, account_id, kind, at, key)
    SELECT h.tenant_id, h.account_id, 'open', h.since, 'hung:' || h.meter_id FROM unnest(v_all) h;
  INSERT INTO account_act (tenant_id, account_id, kind, at, customer_id, key)
    SELECT h.tenant_id, h.account_id, 'move_in', h.since, h.customer_id, 'hung:' || h.meter_id FROM unnest(v_all) h WHERE h.customer_id IS NOT NULL;
  INSERT INTO account_holder (account_id, tenant_id, customer_id, during)
    SELECT h.account_id, h.tenant_id, h.customer_id, tstzrange(h.since, NULL) FROM unnest(v_all) h WHERE h.customer_id IS NOT NULL;
  INSERT INTO installation (tenant_id, meter_id, account_id, role, during, opening_by)
    SELECT h.tenant_id, h.meter_id, h.account_id, h.role, tstzrange(h.since, NULL), 'unknown' FROM unnest(v_all) h;
END $$;

-- Those that wait longest. Who is hung one by one comes first: that may wait for an account that somebody holds, and whoever holds one may wait for a meter
-- (app/fleet/lives), so no plain meter is held before. Returns how many of those that waited wait no more, hung or no longer to be hung.
CREATE OR REPLACE FUNCTION hang_meters(p_most int) RETURNS int LANGUAGE plpgsql SET search_path = public, pg_temp
  SET enable_seqscan = off AS $$
DECLARE
  v_taken bigint[];
  v_plain hanging[];
BEGIN
  PERFORM pg_advisory_xact_lock(1869414404);
  v_taken := ARRAY(SELECT k.meter_id FROM meter_to_hang k ORDER BY k.meter_id LIMIT p_most);
  IF cardinality(v_taken) = 0 THEN
    RETURN 0;
  END IF;
  DELETE FROM meter_to_hang WHERE meter_id = ANY (v_taken);
  v_plain := plain_meters(v_taken);
  PERFORM hang_singly(ARRAY(SELECT x FROM unnest(v_taken) x EXCEPT SELECT h.meter_id FROM unnest(v_plain) h));
  PERFORM hang_together(v_plain);
  RETURN cardinality(v_taken);
END $$;

DO $$
BEGIN
  REVOKE ALL ON FUNCTION plain_meters(bigint[]), hang_singly(bigint[]), hang_together(hanging[]), hang_meters(int) FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION hang_meters(int) TO openmains_pipeline;
  IF (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) THEN
    ALTER FUNCTION hang_meters(int) SECURITY DEFINER;
    IF has_parameter_privilege('session_replication_role', 'SET') THEN
      ALTER FUNCTION hang_together(hanging[]) SET session_replication_role = replica;
    END IF;
  ELSE -- as whoever calls, with every trigger
    GRANT EXECUTE ON FUNCTION plain_meters(bigint[]), hang_singly(bigint[]), hang_together(hanging[]) TO openmains_pipeline;
    GRANT USAGE ON SEQUENCE premises_premises_id_seq, account_account_id_seq TO openmains_pipeline;
  END IF;
END $$;
