-- SPDX-License-Identifier: Apache-2.0
-- What an import of a registry took longest for: spans of holders and installations, and sealed phones.
--
-- No two holders of an account at a time, no meter at two places, no two main meters at an account: the laws of 0060 and 0063 once more. An exclusion
-- searches its tree for every row, and a row that runs on overlaps all that comes after it: of a meter that an import hangs the three of them were
-- more work than everything else (docs/performance.md). Now each pair of rows is kept apart by the cheapest means that two at once cannot pass:
--   * two that run on: a unique index;
--   * two that have ended: the exclusion, as before, of these alone;
--   * one of each: a trigger asks. Who enters one that runs on holds account and meter as a foreign key does, who enters one that has ended
--     holds them against that, so that the later of two sees the earlier. A span that is ended becomes shorter, and meets nobody new.
-- What is refused is refused under the same names.
ALTER TABLE account_holder DROP CONSTRAINT account_holder_alone,
  ADD CONSTRAINT account_holder_alone EXCLUDE USING gist (point(account_id, account_id) WITH ~=, during WITH &&) WHERE (NOT upper_inf(during));
ALTER TABLE installation DROP CONSTRAINT installation_one_place,
  ADD CONSTRAINT installation_one_place EXCLUDE USING gist (point(meter_id, meter_id) WITH ~=, during WITH &&) WHERE (NOT upper_inf(during));
ALTER TABLE installation DROP CONSTRAINT installation_one_main,
  ADD CONSTRAINT installation_one_main EXCLUDE USING gist (point(account_id, account_id) WITH ~=, during WITH &&)
    WHERE (role IN ('household', 'master') AND NOT upper_inf(during));
-- Those that run on: account_holder_now (0060), installation_now (0063), and main meters.
CREATE UNIQUE INDEX installation_main_now ON installation (account_id) WHERE role IN ('household', 'master') AND upper_inf(during);
-- All of a meter, which the exclusion's index was read for.
CREATE INDEX installation_meter ON installation (meter_id);

-- Owner's rights: a row that whoever enters another may not see stands in its way all the same.
CREATE FUNCTION account_holder_alone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF upper_inf(NEW.during) THEN
    PERFORM FROM account a WHERE a.account_id = NEW.account_id FOR KEY SHARE;
  ELSE
    PERFORM FROM account a WHERE a.account_id = NEW.account_id FOR UPDATE;
  END IF;
  IF EXISTS (SELECT FROM account_holder h WHERE h.account_id = NEW.account_id AND h.during && NEW.during) THEN
    RAISE exclusion_violation USING MESSAGE = 'the account has a holder then', CONSTRAINT = 'account_holder_alone', TABLE = 'account_holder';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER alone BEFORE INSERT ON account_holder FOR EACH ROW EXECUTE FUNCTION account_holder_alone();
CREATE FUNCTION installation_alone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF upper_inf(NEW.during) THEN
    PERFORM FROM account a WHERE a.account_id = NEW.account_id FOR KEY SHARE;
    PERFORM FROM meter m WHERE m.meter_id = NEW.meter_id FOR KEY SHARE;
  ELSE
    PERFORM FROM account a WHERE a.account_id = NEW.account_id FOR UPDATE;
    PERFORM FROM meter m WHERE m.meter_id = NEW.meter_id FOR UPDATE;
  END IF;
  IF EXISTS (SELECT FROM installation i WHERE i.meter_id = NEW.meter_id AND i.during && NEW.during) THEN
    RAISE exclusion_violation USING MESSAGE = 'the meter hangs somewhere then', CONSTRAINT = 'installation_one_place', TABLE = 'installation';
  END IF;
  IF NEW.role IN ('household', 'master') AND EXISTS (
      SELECT FROM installation i WHERE i.account_id = NEW.account_id AND i.role IN ('household', 'master') AND i.during && NEW.during) THEN
    RAISE exclusion_violation USING MESSAGE = 'the account has a main meter then', CONSTRAINT = 'installation_one_main', TABLE = 'installation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER alone BEFORE INSERT ON installation FOR EACH ROW EXECUTE FUNCTION installation_alone();

-- The functions of 0138, which look for a meter's installations by the exclusion's index. hang_together() writes with the triggers off: its accounts are
-- new, and once it holds its meters as a foreign key does, it looks again for one that came to hang meanwhile.
DO $$
DECLARE
  v_said text := 'point(i.meter_id, i.meter_id) ~= point(m.meter_id, m.meter_id)';
  v_next text := 'v_all := ARRAY( -- numbers in the order of the meters';
  v_made text;
BEGIN
  FOR v_made IN SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.proname IN ('plain_meters', 'hang_singly') LOOP
    IF position(v_said IN v_made) = 0 THEN
      RAISE EXCEPTION 'not as migration 0138 left it: %', v_made;
    END IF;
    EXECUTE replace(v_made, v_said, 'i.meter_id = m.meter_id');
  END LOOP;
  v_made := pg_get_functiondef('hang_together(hanging[])'::regprocedure);
  IF position(v_next IN v_made) = 0 THEN
    RAISE EXCEPTION 'not as migration 0138 left it: %', v_made;
  END IF;
  EXECUTE replace(v_made, v_next, 'IF EXISTS (SELECT FROM unnest(v_wanted) AS w (meter_id) JOIN installation i ON i.meter_id = w.meter_id) THEN
    RAISE serialization_failure USING MESSAGE = ''a meter came to hang while others were hung'';
  END IF;

  ' || v_next);
END $$;

-- Sealed phones of an import; one that was there before is replaced where it was another. Four foreign keys were asked for each row, one after the
-- other. What they would find is asked at once: the customers are held until the import ends (import_rows(), 0116), the key here. So it runs as
-- that function does, with session_replication_role = replica where the owner may set that.
DO $do$
DECLARE
  v_rights text := CASE WHEN (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
    THEN 'SECURITY DEFINER' ELSE 'SECURITY INVOKER' END
    || CASE WHEN has_parameter_privilege('session_replication_role', 'SET') THEN ' SET session_replication_role = replica' ELSE '' END;
BEGIN
  EXECUTE 'CREATE FUNCTION put_import_phones(p_tenant int, p_key int, p_customers bigint[], p_nonces bytea[], p_sealed bytea[], p_blinds bytea[])
    RETURNS void LANGUAGE plpgsql ' || v_rights || ' SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $body$
BEGIN
  PERFORM FROM personal_key k WHERE k.tenant_id = p_tenant AND k.key_id = p_key FOR KEY SHARE;
  IF NOT FOUND OR cardinality(p_customers) <> (SELECT count(*) FROM customer c WHERE c.customer_id = ANY (p_customers) AND c.tenant_id = p_tenant) THEN
    RAISE foreign_key_violation USING MESSAGE = ''a phone of nobody, or sealed under no key'';
  END IF;
  INSERT INTO personal AS p (tenant_id, customer_id, field, key_id, nonce, sealed, blind)
    SELECT p_tenant, n.customer_id, ''phone'', p_key, n.nonce, n.sealed, n.blind
      FROM unnest(p_customers, p_nonces, p_sealed, p_blinds) AS n (customer_id, nonce, sealed, blind)
    ON CONFLICT (customer_id, contact_id, field) DO UPDATE
       SET key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed, blind = excluded.blind
     WHERE p.blind <> excluded.blind;
END $body$';
  REVOKE ALL ON FUNCTION put_import_phones(int, int, bigint[], bytea[], bytea[], bytea[]) FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION put_import_phones(int, int, bigint[], bytea[], bytea[], bytea[]) TO openmains_pipeline;
END $do$;
