-- SPDX-License-Identifier: Apache-2.0
-- What follows from arrears (ADR 0047): rules by class, days off as data, accounts that a person holds back, and each step: a warning, or a
-- closing or reopening that is proposed to a person. Steps are written once; only the state of a proposal moves on.
CREATE TABLE arrears_rule (
  tenant_id          int NOT NULL REFERENCES tenant,
  customer_class     text NOT NULL CHECK (customer_class IN ('resident', 'combined', 'non_resident', 'special')),
  warn_days          int[] NOT NULL,
  close_days         int,                        -- null: never
  grace_days         int NOT NULL CHECK (grace_days > 0),
  least_fen          bigint NOT NULL CHECK (least_fen > 0),
  most_closings      int NOT NULL CHECK (most_closings >= 0),
  is_on              boolean NOT NULL DEFAULT false,
  revision           int NOT NULL DEFAULT 1,     -- rises with each change
  simulated_revision int NOT NULL DEFAULT 0,     -- of the rule whose consequences were looked at last
  changed_by         bigint NOT NULL,
  changed_us         bigint NOT NULL,
  PRIMARY KEY (tenant_id, customer_class),
  CHECK (close_days IS NULL OR cardinality(warn_days) > 0),  -- nobody is closed who was not warned
  CHECK (NOT is_on OR simulated_revision = revision)         -- and nothing is switched on that nobody looked at
);

-- Years that were entered, and their days that are not as the week says. A year that is not here is not known.
CREATE TABLE calendar_year (
  tenant_id  int NOT NULL REFERENCES tenant,
  year       int NOT NULL CHECK (year BETWEEN 2000 AND 2200),
  days       jsonb NOT NULL DEFAULT '[]',        -- [[day, is off, name], ...]
  changed_by bigint NOT NULL,
  changed_us bigint NOT NULL,
  PRIMARY KEY (tenant_id, year)
);

-- Until when a person holds an account back: it disputes a bill, or promised to pay.
CREATE TABLE arrears_hold (
  account_id bigint NOT NULL,
  tenant_id  int NOT NULL REFERENCES tenant,
  until_day  int NOT NULL,
  reason     text NOT NULL CHECK (reason <> ''),
  made_by    bigint NOT NULL,
  made_us    bigint NOT NULL,
  PRIMARY KEY (tenant_id, account_id)
);

CREATE TABLE arrears_step (
  step_id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  account_id bigint NOT NULL,
  oldest_due int NOT NULL,                       -- due day of the oldest bill: which debt it is
  kind       text NOT NULL CHECK (kind IN ('warning', 'closing', 'reopening')),
  number     smallint NOT NULL CHECK (number > 0),
  day        int NOT NULL,
  owed_fen   bigint NOT NULL CHECK (owed_fen >= 0),
  meter_id   bigint REFERENCES meter ON DELETE CASCADE,
  closing_id bigint REFERENCES arrears_step,     -- of a reopening
  state      text NOT NULL CHECK (state IN ('told', 'open', 'given', 'declined', 'over')),
  command_id bigint,
  reason     text NOT NULL DEFAULT '',
  decided_by bigint,
  decided_us bigint,
  made_us    bigint NOT NULL,
  UNIQUE (tenant_id, account_id, oldest_due, kind, number),  -- a step is made once
  CHECK ((kind = 'warning') = (state = 'told')),
  CHECK ((kind = 'warning') = (meter_id IS NULL)),
  CHECK ((kind = 'reopening') = (closing_id IS NOT NULL)),
  CHECK (command_id IS NULL OR state = 'given')
);
CREATE INDEX arrears_step_newest ON arrears_step (tenant_id, step_id DESC);
CREATE INDEX arrears_step_open ON arrears_step (tenant_id, step_id) WHERE state IN ('open', 'given');
CREATE UNIQUE INDEX arrears_step_reopening ON arrears_step (closing_id) WHERE closing_id IS NOT NULL;

CREATE FUNCTION arrears_step_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF (to_jsonb(OLD) - '{state,command_id,reason,decided_by,decided_us}'::text[])
     IS DISTINCT FROM (to_jsonb(NEW) - '{state,command_id,reason,decided_by,decided_us}'::text[])
     OR (OLD.command_id IS NOT NULL AND NEW.command_id IS DISTINCT FROM OLD.command_id) THEN
    RAISE check_violation USING MESSAGE = 'a step is never rewritten', CONSTRAINT = 'arrears_step_stays';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON arrears_step FOR EACH ROW EXECUTE FUNCTION arrears_step_stays();

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['arrears_rule', 'calendar_year', 'arrears_hold', 'arrears_step'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api', t);
    EXECUTE format('GRANT SELECT ON %I TO openmains_pipeline', t);
  END LOOP;
END $$;
GRANT UPDATE ON arrears_rule, calendar_year TO openmains_api;
GRANT UPDATE, DELETE ON arrears_hold TO openmains_api;
GRANT UPDATE (state, command_id, reason, decided_by, decided_us) ON arrears_step TO openmains_api;
