-- SPDX-License-Identifier: Apache-2.0
-- The life of a meter (R8.1, R8.2, R8.5, R8.7; ADR 0025, 0031): where it stands, what it is, until when it may be used. States and acts are
-- those of domain/fleet/meter_life.py. A meter that does not hang has a removed_on, whatever door took it off: it is then counted, expected
-- and let in nowhere.
ALTER TABLE meter
  ADD COLUMN life text NOT NULL DEFAULT 'in_use'
    CHECK (life IN ('stock', 'issued', 'installed', 'in_use', 'removed', 'repair', 'scrap')),
  ADD COLUMN life_at timestamptz,                  -- when its last act took effect; null: before the registry kept lives
  ADD COLUMN role text NOT NULL DEFAULT 'household' CHECK (role IN ('household', 'master', 'additional', 'check')),
  ADD COLUMN parent_id bigint REFERENCES meter,    -- the master above it, or the meter that a check meter checks
  ADD COLUMN q3_l_h bigint NOT NULL DEFAULT 0 CHECK (q3_l_h >= 0),          -- 0: not known
  ADD COLUMN gas_kind text NOT NULL DEFAULT '' CHECK (gas_kind IN ('', 'natural', 'town', 'lpg')),
  ADD COLUMN verified_on date,                     -- 检定
  ADD COLUMN lifetime_months int CHECK (lifetime_months BETWEEN 1 AND 600), -- its own; null: by lifetime_rule
  ADD COLUMN pulse_ml bigint CHECK (pulse_ml > 0), -- of a retrofit device: what one pulse counts
  ADD COLUMN start_ml bigint CHECK (start_ml >= 0), -- and the wheels of the meter below it when it was fixed
  -- The bar code of another meter stood here before bar codes were unique: shown to a person, never made again.
  ADD COLUMN bar_code_doubled boolean NOT NULL DEFAULT false,
  ADD CHECK ((pulse_ml IS NULL) = (start_ml IS NULL)),
  ADD CHECK (parent_id <> meter_id);
ALTER TABLE meter NO FORCE ROW LEVEL SECURITY; -- for the owner, who sees no tenant's rows otherwise
UPDATE meter SET life = 'removed' WHERE removed_on IS NOT NULL;
UPDATE meter m SET bar_code_doubled = true
  FROM (SELECT meter_id, row_number() OVER (PARTITION BY tenant_id, bar_code ORDER BY meter_id) AS place FROM meter WHERE bar_code <> '') d
 WHERE d.meter_id = m.meter_id AND d.place > 1;
ALTER TABLE meter FORCE ROW LEVEL SECURITY;
ALTER TABLE meter ADD CONSTRAINT meter_life_hangs CHECK ((life IN ('installed', 'in_use')) = (removed_on IS NULL));
CREATE UNIQUE INDEX meter_bar_code_for_life ON meter (tenant_id, bar_code) WHERE bar_code <> '' AND NOT bar_code_doubled;
CREATE INDEX meter_parent ON meter (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX meter_not_hanging ON meter (tenant_id, life, meter_id) WHERE removed_on IS NOT NULL;

-- Doors that know no lives: who takes a meter off by its date takes it off here too.
CREATE FUNCTION keep_life() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  NEW.life := CASE WHEN NEW.removed_on IS NULL THEN 'in_use' ELSE 'removed' END;
  NEW.life_at := now();
  RETURN NEW;
END $$;
CREATE TRIGGER meter_born BEFORE INSERT ON meter FOR EACH ROW
  WHEN (NEW.removed_on IS NOT NULL AND NEW.life = 'in_use') EXECUTE FUNCTION keep_life();
CREATE TRIGGER meter_lives BEFORE UPDATE OF removed_on ON meter FOR EACH ROW
  WHEN ((OLD.removed_on IS NULL) <> (NEW.removed_on IS NULL) AND OLD.life = NEW.life) EXECUTE FUNCTION keep_life();
-- A bar code that is corrected is one's own again, and has to be.
CREATE FUNCTION bar_code_is_own() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.bar_code_doubled := false;
  RETURN NEW;
END $$;
CREATE TRIGGER meter_bar_code_changed BEFORE UPDATE OF bar_code ON meter FOR EACH ROW
  WHEN (OLD.bar_code_doubled AND OLD.bar_code <> NEW.bar_code) EXECUTE FUNCTION bar_code_is_own();
ALTER TABLE meter ENABLE ALWAYS TRIGGER meter_bar_code_changed; -- also where an import writes without the other triggers (0003)

-- Every act of a life, in order; an exchange has a row at each of its meters. The same key again is the same act.
CREATE TABLE meter_act (
  act_id          bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id       int NOT NULL REFERENCES tenant,
  key             text NOT NULL CHECK (key <> ''),
  kind            text NOT NULL CHECK (kind IN ('receive', 'issue', 'bring_back', 'install', 'accept', 'move', 'remove', 'repair', 'restock', 'scrap')),
  meter_id        bigint NOT NULL REFERENCES meter,
  other_id        bigint REFERENCES meter,         -- the other one of an exchange
  account_id      bigint,
  at              timestamptz NOT NULL,            -- when it took effect
  life            text NOT NULL,                   -- after it
  person          text NOT NULL DEFAULT '',        -- who took or fixed the meter: often no user of the platform
  contractor      text NOT NULL DEFAULT '',
  reason          text NOT NULL DEFAULT '',
  asked           text NOT NULL DEFAULT '',        -- fingerprint of the request, by which a repeat is known
  made_by         bigint,
  made_at         timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, key, meter_id)
);
CREATE INDEX meter_act_meter ON meter_act (meter_id, act_id DESC);
CREATE FUNCTION meter_act_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what was done to a meter is never changed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON meter_act FOR EACH ROW EXECUTE FUNCTION meter_act_stays();

-- How long meters may be used, or until when they are to be verified anew. The first row that fits counts, in order of place: the utility's
-- to change. Given to begin with: R8.5; verification of large meters as JJG 162 (water) and JJG 577 (gas) have it.
CREATE TABLE lifetime_rule (
  tenant_id    int NOT NULL REFERENCES tenant,
  place        int NOT NULL CHECK (place BETWEEN 1 AND 100),
  medium       text NOT NULL CHECK (medium IN ('gas', 'water')),
  gas_kind     text NOT NULL DEFAULT '' CHECK (gas_kind IN ('', 'natural', 'town', 'lpg')),  -- '': any
  dn_to        int NOT NULL DEFAULT 0 CHECK (dn_to >= 0),          -- 0: any
  qmax_l_h_to  bigint NOT NULL DEFAULT 0 CHECK (qmax_l_h_to >= 0), -- 0: any
  months       int NOT NULL CHECK (months BETWEEN 1 AND 600),
  action       text NOT NULL CHECK (action IN ('replace', 'verify')),
  PRIMARY KEY (tenant_id, place)
);
CREATE FUNCTION seed_lifetime_rules(p_tenant int) RETURNS void LANGUAGE sql SET search_path = public, pg_temp AS $$
  INSERT INTO lifetime_rule (tenant_id, place, medium, gas_kind, dn_to, qmax_l_h_to, months, action)
  SELECT p_tenant, r.* FROM (VALUES
    (10, 'gas', 'natural', 0, 10000, 120, 'replace'), (20, 'gas', 'town', 0, 10000, 72, 'replace'), (30, 'gas', 'lpg', 0, 10000, 72, 'replace'),
    (40, 'gas', '', 0, 0, 36, 'verify'),
    (50, 'water', '', 25, 0, 72, 'replace'), (60, 'water', '', 50, 0, 48, 'replace'), (70, 'water', '', 0, 0, 24, 'verify'))
    AS r (place, medium, gas_kind, dn_to, qmax_l_h_to, months, action)
  ON CONFLICT DO NOTHING
$$;
SELECT seed_lifetime_rules(tenant_id) FROM tenant;

-- What is due of a meter and when; no row where a rule needs what nobody said of it (DN of a water meter, kind of gas, Qmax), or none fits.
CREATE FUNCTION meter_due(p_tenant int, p_medium text, p_gas text, p_dn int, p_qmax bigint, p_own int, p_since date)
RETURNS TABLE (due_on date, action text) LANGUAGE sql STABLE AS $$ -- without settings of its own, so that it is part of the query it stands in
  SELECT (p_since + make_interval(months => coalesce(p_own, r.months)))::date, r.action
    FROM public.lifetime_rule r
   WHERE r.tenant_id = p_tenant AND r.medium = p_medium AND (r.gas_kind = '' OR r.gas_kind = p_gas)
     AND (r.dn_to = 0 OR p_dn BETWEEN 1 AND r.dn_to) AND (r.qmax_l_h_to = 0 OR p_qmax BETWEEN 1 AND r.qmax_l_h_to)
     AND NOT (p_medium = 'water' AND p_dn = 0) AND NOT (p_medium = 'gas' AND (p_gas = '' OR p_qmax = 0))
   ORDER BY r.place LIMIT 1
$$;

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['meter_act', 'lifetime_rule'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api, openmains_pipeline', t);
  END LOOP;
END $$;
GRANT UPDATE, DELETE ON lifetime_rule TO openmains_api;
