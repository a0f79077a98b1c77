-- SPDX-License-Identifier: Apache-2.0
-- Tariffs as versioned data (R9.1, ADR 0026). A plan is written once: nothing of it but its state ever changes, and nothing is removed.
CREATE TABLE tariff (
  tariff_id      int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id      int NOT NULL REFERENCES tenant,
  code           text NOT NULL,
  name           text NOT NULL,
  medium         text NOT NULL CHECK (medium IN ('water', 'gas')),
  customer_class text NOT NULL CHECK (customer_class IN ('resident', 'combined', 'non_resident', 'special')),
  created_us     bigint NOT NULL,
  UNIQUE (tenant_id, code)
);

CREATE TABLE tariff_plan (
  plan_id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL,
  tariff_id  int NOT NULL REFERENCES tariff,
  number     int NOT NULL,
  from_day   int NOT NULL,                       -- holds from the start of this day of the utility on
  document   jsonb NOT NULL,                     -- amounts are decimal text: app/tariff/model.py
  reason     text NOT NULL,
  state      text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'approved', 'rejected', 'withdrawn')),
  author_id  bigint NOT NULL,
  made_us    bigint NOT NULL,
  decided_by bigint,
  decided_us bigint,
  decision   text NOT NULL DEFAULT '',
  UNIQUE (tariff_id, number),
  CHECK (state = 'draft' OR decided_by IS NOT NULL),
  CHECK (state <> 'approved' OR decided_by <> author_id)
);
CREATE UNIQUE INDEX tariff_plan_day ON tariff_plan (tariff_id, from_day) WHERE state = 'approved';

-- What a simulation said, each time it was asked.
CREATE TABLE tariff_simulation (
  simulation_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id     int NOT NULL,
  plan_id       bigint NOT NULL REFERENCES tariff_plan,
  found         jsonb NOT NULL,
  asked_by      bigint NOT NULL,
  asked_us      bigint NOT NULL
);
CREATE INDEX tariff_simulation_newest ON tariff_simulation (plan_id, simulation_id DESC);

-- Who pays by which tariff since when: the newest entry of a meter holds. account_id has no foreign key yet: accounts come with their own
-- migration (ADR 0026).
CREATE TABLE tariff_member (
  member_id  bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL,
  tariff_id  int NOT NULL REFERENCES tariff,
  account_id bigint NOT NULL,
  meter_id   bigint NOT NULL REFERENCES meter ON DELETE CASCADE,
  persons    smallint NOT NULL CHECK (persons BETWEEN 0 AND 99),
  households int NOT NULL CHECK (households >= 1),
  began      int NOT NULL,
  from_day   int NOT NULL,
  added_by   bigint NOT NULL,
  added_us   bigint NOT NULL
);
CREATE INDEX tariff_member_meter ON tariff_member (meter_id, from_day DESC, member_id DESC);
CREATE INDEX tariff_member_tariff ON tariff_member (tariff_id, meter_id);

-- Price sets as meters hold them, each under a number of its own in the utility (u16 of set_price).
CREATE TABLE meter_price (
  tenant_id  int NOT NULL REFERENCES tenant,
  number     int NOT NULL CHECK (number BETWEEN 1 AND 65535),
  plan_id    bigint NOT NULL REFERENCES tariff_plan,
  persons    smallint NOT NULL,
  households int NOT NULL,
  rounding   text NOT NULL CHECK (rounding IN ('refused', 'half_up', 'up')),
  tier_from  int[] NOT NULL,
  prices     int[] NOT NULL,
  made_us    bigint NOT NULL,
  PRIMARY KEY (tenant_id, number),
  CHECK (cardinality(tier_from) = cardinality(prices))
);
CREATE UNIQUE INDEX meter_price_content ON meter_price (plan_id, persons, households, rounding, tier_from, prices);

-- What was written stays, whoever writes: rights are one lock, these triggers the other.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of % is refused: its rows are never changed', TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION tariff_plan_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (to_jsonb(OLD) - '{state,decided_by,decided_us,decision}'::text[])
     IS DISTINCT FROM (to_jsonb(NEW) - '{state,decided_by,decided_us,decision}'::text[])
     OR NOT ((OLD.state = 'draft' AND NEW.state IN ('approved', 'rejected')) OR (OLD.state = 'approved' AND NEW.state = 'withdrawn')) THEN
    RAISE EXCEPTION 'plan % is never changed', OLD.plan_id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON tariff_plan FOR EACH ROW EXECUTE FUNCTION tariff_plan_moves();
CREATE TRIGGER stays_there BEFORE DELETE ON tariff_plan FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON tariff_simulation FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays BEFORE UPDATE ON tariff_member FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON meter_price FOR EACH ROW EXECUTE FUNCTION refuse_change();

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['tariff', 'tariff_plan', 'tariff_simulation', 'tariff_member', 'meter_price'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_all ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api', t);
  END LOOP;
END $$;
GRANT UPDATE (state, decided_by, decided_us, decision) ON tariff_plan TO openmains_api;
