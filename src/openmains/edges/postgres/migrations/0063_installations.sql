-- SPDX-License-Identifier: Apache-2.0
-- Which meter hangs at which account, from when until when, between which registers (R8.2; ADR 0025, 0031). The rules are those of
-- domain/fleet/hanging.py, asked here again for every writer and for two at once. Registers count the unit of the meter's driver.
CREATE TABLE installation (
  installation_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id       int NOT NULL REFERENCES tenant,
  meter_id        bigint NOT NULL REFERENCES meter,
  account_id      bigint NOT NULL REFERENCES account,
  role            text NOT NULL CHECK (role IN ('household', 'master', 'additional', 'check')),
  during          tstzrange NOT NULL,
  opening         bigint CHECK (opening >= 0),
  opening_by      text NOT NULL CHECK (opening_by IN ('read', 'photographed', 'estimated', 'unknown')),
  closing         bigint CHECK (closing >= 0),
  closing_by      text CHECK (closing_by IN ('read', 'photographed', 'estimated', 'unknown')),
  person          text NOT NULL DEFAULT '',        -- who fixed it
  contractor      text NOT NULL DEFAULT '',
  entered_by      bigint,                          -- user who entered it; null: the platform, of what hung before it kept installations
  accepted_by     bigint,                          -- another user
  accepted_at     timestamptz,
  exchanged_for   bigint REFERENCES meter,         -- the meter that took its place
  CHECK (NOT isempty(during) AND NOT lower_inf(during) AND lower_inc(during) AND NOT upper_inc(during)),
  CHECK ((opening IS NULL) = (opening_by = 'unknown')),
  CHECK ((closing_by IS NULL) = upper_inf(during)),
  CHECK ((closing IS NULL) = (closing_by IS NULL OR closing_by = 'unknown')),
  CHECK (accepted_by <> entered_by),
  CHECK ((accepted_by IS NULL) = (accepted_at IS NULL)),
  -- Two ranges each, so that no extension is needed.
  CONSTRAINT installation_one_place EXCLUDE USING gist (int8range(meter_id, meter_id, '[]') WITH &&, during WITH &&),
  CONSTRAINT installation_one_main EXCLUDE USING gist (int8range(account_id, account_id, '[]') WITH &&, during WITH &&)
    WHERE (role IN ('household', 'master'))
);
CREATE UNIQUE INDEX installation_now ON installation (meter_id) WHERE upper_inf(during);
CREATE INDEX installation_account ON installation (account_id, installation_id);
CREATE INDEX installation_to_accept ON installation (tenant_id, installation_id)
  WHERE upper_inf(during) AND accepted_by IS NULL AND entered_by IS NOT NULL;

CREATE FUNCTION installation_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF (to_jsonb(OLD) - '{during,closing,closing_by,accepted_by,accepted_at,exchanged_for}'::text[])
       IS DISTINCT FROM (to_jsonb(NEW) - '{during,closing,closing_by,accepted_by,accepted_at,exchanged_for}'::text[])
       OR lower(OLD.during) <> lower(NEW.during)
       OR (NOT upper_inf(OLD.during) AND to_jsonb(OLD) IS DISTINCT FROM to_jsonb(NEW))
       OR (OLD.accepted_by IS NOT NULL AND OLD.accepted_by IS DISTINCT FROM NEW.accepted_by) THEN
      RAISE check_violation USING MESSAGE = 'an installation is ended once and never rewritten', CONSTRAINT = 'installation_stays';
    END IF;
    RETURN NEW;
  END IF;
  IF NOT EXISTS (SELECT FROM account a JOIN meter m ON m.meter_id = NEW.meter_id AND m.tenant_id = a.tenant_id
                   JOIN product p ON p.product_id = m.product_id AND p.medium = a.medium AND p.kind = 'meter'
                  WHERE a.account_id = NEW.account_id AND a.tenant_id = NEW.tenant_id AND date_trunc('second', a.opened_at) <= lower(NEW.during)
                    AND (a.closed_at IS NULL OR upper(NEW.during) <= a.closed_at)) THEN
    RAISE check_violation USING MESSAGE = 'the meter does not fit the account', CONSTRAINT = 'installation_fits';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER fits BEFORE INSERT OR UPDATE ON installation FOR EACH ROW EXECUTE FUNCTION installation_fits();
CREATE FUNCTION installation_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'an installation is never removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER stays BEFORE DELETE ON installation FOR EACH ROW EXECUTE FUNCTION installation_stays();

-- An account is closed when nothing hangs at it any more.
CREATE FUNCTION account_is_empty() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM installation i WHERE i.account_id = NEW.account_id AND (upper_inf(i.during) OR upper(i.during) > NEW.closed_at)) THEN
    RAISE check_violation USING MESSAGE = 'a meter hangs at the account', CONSTRAINT = 'account_has_meter';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER is_empty BEFORE UPDATE OF closed_at ON account FOR EACH ROW
  WHEN (NEW.closed_at IS NOT NULL AND OLD.closed_at IS NULL) EXECUTE FUNCTION account_is_empty();

-- A meter that is taken off by a door that knows no installations: it hung until that day ended, or until now, and nobody read it.
CREATE FUNCTION end_installation() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE installation i
     SET during = tstzrange(lower(i.during), greatest(lower(i.during) + interval '1 second',
                    least(now(), (NEW.removed_on + 1)::timestamp AT TIME ZONE t.zone))),
         closing_by = 'unknown'
    FROM tenant t WHERE t.tenant_id = NEW.tenant_id AND i.meter_id = NEW.meter_id AND upper_inf(i.during);
  RETURN NULL;
END $$;
CREATE TRIGGER meter_taken_down AFTER UPDATE OF removed_on ON meter FOR EACH ROW
  WHEN (OLD.removed_on IS NULL AND NEW.removed_on IS NOT NULL) EXECUTE FUNCTION end_installation();

-- meter.customer_id is a copy of who holds the account it hangs at, for the queries that have it; written here and by the acts only.
CREATE FUNCTION follow_holder() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  WITH changed AS (
    UPDATE meter m SET customer_id = h.customer_id, revision = m.revision + 1
      FROM installation i LEFT JOIN account_holder h ON h.account_id = i.account_id AND upper_inf(h.during)
     WHERE i.account_id = NEW.account_id AND upper_inf(i.during) AND m.meter_id = i.meter_id
       AND m.customer_id IS DISTINCT FROM h.customer_id
    RETURNING m.meter_id)
  UPDATE meter_search s SET edition = 0 FROM changed c WHERE s.meter_id = c.meter_id; -- made anew by the worker
  RETURN NULL;
END $$;
CREATE TRIGGER followed AFTER INSERT OR UPDATE ON account_holder FOR EACH ROW EXECUTE FUNCTION follow_holder();

-- Meters that came by a door that knows no accounts, and all that were there before: the worker hangs them.
CREATE TABLE meter_to_hang (
  meter_id  bigint PRIMARY KEY REFERENCES meter ON DELETE CASCADE,
  tenant_id int NOT NULL
);
ALTER TABLE meter NO FORCE ROW LEVEL SECURITY; -- for the owner, who sees no tenant's rows otherwise
INSERT INTO meter_to_hang (meter_id, tenant_id)
SELECT m.meter_id, m.tenant_id FROM meter m JOIN product p USING (product_id) WHERE m.removed_on IS NULL AND p.kind = 'meter';
ALTER TABLE meter FORCE ROW LEVEL SECURITY;
CREATE FUNCTION note_meters_to_hang() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO meter_to_hang (meter_id, tenant_id)
  SELECT n.meter_id, n.tenant_id FROM new_meters n JOIN product p USING (product_id) WHERE n.removed_on IS NULL AND p.kind = 'meter';
  RETURN NULL;
END $$;
CREATE TRIGGER meter_to_be_hung AFTER INSERT ON meter REFERENCING NEW TABLE AS new_meters
  FOR EACH STATEMENT EXECUTE FUNCTION note_meters_to_hang();
ALTER TABLE meter ENABLE ALWAYS TRIGGER meter_to_be_hung; -- also where an import writes without the other triggers (0003)

-- What a meter's address is looked up by: an area of a million meters is never read through for one of them.
CREATE INDEX premises_address ON premises (area_id, md5(address), premises_id);

-- A code that no premises (or account) of the tenant has: the base itself, else with -2, -3 … Of thousands that are taken only some are looked
-- at: the step is doubled until one is free, and halved again between the last that was taken and that one.
CREATE FUNCTION is_code_taken(p_tenant int, p_code text, p_premises boolean) RETURNS boolean LANGUAGE plpgsql STABLE
  SET search_path = public, pg_temp AS $$
BEGIN
  RETURN CASE WHEN p_premises THEN EXISTS (SELECT FROM premises WHERE tenant_id = p_tenant AND code = p_code)
              ELSE EXISTS (SELECT FROM account WHERE tenant_id = p_tenant AND number = p_code) END;
END $$;
CREATE FUNCTION free_code(p_tenant int, p_base text, p_premises boolean) RETURNS text LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  v_taken bigint := 1;
  v_free bigint := 2;
  v_middle bigint;
BEGIN
  IF NOT is_code_taken(p_tenant, p_base, p_premises) THEN
    RETURN p_base;
  END IF;
  WHILE is_code_taken(p_tenant, p_base || '-' || v_free, p_premises) LOOP
    v_taken := v_free;
    v_free := v_free * 2;
  END LOOP;
  WHILE v_free - v_taken > 1 LOOP
    v_middle := (v_taken + v_free) / 2;
    IF is_code_taken(p_tenant, p_base || '-' || v_middle, p_premises) THEN
      v_taken := v_middle;
    ELSE
      v_free := v_middle;
    END IF;
  END LOOP;
  RETURN p_base || '-' || v_free;
END $$;

-- Hangs them (ADR 0025, item 10): at premises of their address and area, an account for each of a customer's premises and media, numbered by the
-- customer's code as bills have it, further ones -2, -3; a meter without a customer at an account without a holder, numbered by the meter. One
-- that would be a second main meter of such an account gets an account of its own. Nobody read a register then, and none is made up.
-- Returns how many were hung.
CREATE FUNCTION hang_meters(p_most int) RETURNS int LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  r record;
  v_premises bigint;
  v_account bigint;
  v_done int := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(1869414404);
  FOR r IN
    WITH taken AS (DELETE FROM meter_to_hang WHERE meter_id IN (SELECT meter_id FROM meter_to_hang ORDER BY meter_id LIMIT p_most)
                   RETURNING meter_id)
    SELECT m.meter_id, m.tenant_id, m.number, m.area_id, m.address, m.customer_id, m.role, p.medium, c.code, c.address AS customer_address,
           coalesce(c.code, 'M-' || m.number) AS base, least(now(), m.installed_on::timestamp AT TIME ZONE t.zone) AS since
      FROM taken k JOIN meter m USING (meter_id) JOIN product p USING (product_id) JOIN tenant t ON t.tenant_id = m.tenant_id
      LEFT JOIN customer c ON c.customer_id = m.customer_id
     WHERE m.removed_on IS NULL AND NOT EXISTS (SELECT FROM installation i WHERE i.meter_id = m.meter_id)
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
      INSERT INTO account (tenant_id, number, premises_id, medium, opened_at)
      VALUES (r.tenant_id, free_code(r.tenant_id, r.base, false), v_premises, r.medium, r.since) RETURNING account_id INTO v_account;
      INSERT INTO account_act (tenant_id, account_id, kind, at, key) VALUES (r.tenant_id, v_account, 'open', r.since, 'hung:' || r.meter_id);
      IF r.customer_id IS NOT NULL THEN
        INSERT INTO account_act (tenant_id, account_id, kind, at, customer_id, key)
        VALUES (r.tenant_id, v_account, 'move_in', r.since, r.customer_id, 'hung:' || r.meter_id);
        INSERT INTO account_holder (account_id, tenant_id, customer_id, during)
        VALUES (v_account, r.tenant_id, r.customer_id, tstzrange(r.since, NULL));
      END IF;
    END IF;
    INSERT INTO installation (tenant_id, meter_id, account_id, role, during, opening_by)
    VALUES (r.tenant_id, r.meter_id, v_account, r.role, tstzrange(r.since, NULL), 'unknown');
    v_done := v_done + 1;
  END LOOP;
  RETURN v_done;
END $$;

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['installation', 'meter_to_hang'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api, openmains_pipeline', t);
  END LOOP;
END $$;
GRANT DELETE ON meter_to_hang TO openmains_pipeline;
GRANT UPDATE (during, closing, closing_by, accepted_by, accepted_at, exchanged_for) ON installation TO openmains_api, openmains_pipeline;
