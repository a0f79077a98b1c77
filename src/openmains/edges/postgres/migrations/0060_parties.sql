-- SPDX-License-Identifier: Apache-2.0
-- Customers, and accounts (户号) that bind premises, a medium and a holder over time (ADR 0025, R8). What was is never rewritten: acts and
-- spans of holders are added, a running span is ended once. What the program asks (domain/party) is asked here again, for every writer.
ALTER TABLE customer
  ADD COLUMN kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'organisation')),
  ADD COLUMN customer_class text NOT NULL DEFAULT 'resident'   -- as a tariff's
    CHECK (customer_class IN ('resident', 'combined', 'non_resident', 'special')),
  ADD COLUMN note text NOT NULL DEFAULT '',
  ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN revision bigint NOT NULL DEFAULT 1;               -- for If-Match

-- Persons to speak with, several of a customer. Their phones are in personal.
CREATE TABLE contact (
  contact_id  bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  customer_id bigint NOT NULL REFERENCES customer ON DELETE CASCADE,
  name        text NOT NULL,
  relation    text NOT NULL DEFAULT '',         -- owner, tenant, caretaker, bookkeeper: in the utility's own words
  created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX contact_customer ON contact (customer_id, contact_id);

-- Keys of a utility for personal data, under the master key as tenant_key (ADR 0010), but apart: the API opens and seals with them, and has no
-- right to keys of devices. 'personal' seals, 'personal_index' is the key of the blind index.
CREATE TABLE personal_key (
  tenant_id  int NOT NULL REFERENCES tenant,
  key_id     int NOT NULL,
  purpose    text NOT NULL CHECK (purpose IN ('personal', 'personal_index')),
  master     text NOT NULL,
  nonce      bytea NOT NULL,
  wrapped    bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, key_id)
);

-- What nobody may read from the disk: sealed under the tenant's key for personal data and bound to its row; found whole by blind, a keyed
-- hash of the normalised value.
CREATE TABLE personal (
  tenant_id   int NOT NULL REFERENCES tenant,
  customer_id bigint NOT NULL REFERENCES customer ON DELETE CASCADE,
  contact_id  bigint REFERENCES contact ON DELETE CASCADE,     -- null: the customer's own
  field       text NOT NULL CHECK (field IN ('identity_number', 'phone', 'bank_account')),
  key_id      int NOT NULL,
  nonce       bytea NOT NULL CHECK (length(nonce) = 12),
  sealed      bytea NOT NULL,
  blind       bytea NOT NULL CHECK (length(blind) = 32),
  UNIQUE NULLS NOT DISTINCT (customer_id, contact_id, field),
  FOREIGN KEY (tenant_id, key_id) REFERENCES personal_key
);
CREATE INDEX personal_blind ON personal (tenant_id, field, blind);
CREATE INDEX personal_contact ON personal (contact_id) WHERE contact_id IS NOT NULL;

-- One premises and one medium for ever.
CREATE TABLE account (
  account_id  bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  number      text NOT NULL CHECK (number <> ''),
  premises_id bigint NOT NULL REFERENCES premises,
  medium      text NOT NULL CHECK (medium IN ('gas', 'water')),
  opened_at   timestamptz NOT NULL,
  closed_at   timestamptz,
  revision    bigint NOT NULL DEFAULT 1,        -- rises with each act
  UNIQUE (tenant_id, number),
  CHECK (closed_at >= opened_at)
);
CREATE INDEX account_premises ON account (premises_id, account_id);
CREATE INDEX account_number_begins ON account (tenant_id, lower(number) text_pattern_ops);

-- Who holds an account: no two at a time. Two ranges, so that no extension is needed.
CREATE TABLE account_holder (
  account_id  bigint NOT NULL REFERENCES account,
  tenant_id   int NOT NULL,
  customer_id bigint NOT NULL REFERENCES customer,
  during      tstzrange NOT NULL,
  CHECK (NOT isempty(during) AND NOT lower_inf(during) AND lower_inc(during) AND NOT upper_inc(during)),
  CONSTRAINT account_holder_alone EXCLUDE USING gist (int8range(account_id, account_id, '[]') WITH &&, during WITH &&)
);
CREATE UNIQUE INDEX account_holder_now ON account_holder (account_id) WHERE upper_inf(during);
-- What is asked under row-level security: ranges are not leakproof, so that their index may not be used there.
CREATE INDEX account_holder_account ON account_holder (account_id);
CREATE INDEX account_holder_customer ON account_holder (customer_id, account_id);

-- What became of an account, in order: opened first, nothing after it is closed. A split or a merge is written with both accounts.
CREATE TABLE account_act (
  act_id      bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  account_id  bigint NOT NULL REFERENCES account,
  kind        text NOT NULL CHECK (kind IN ('open', 'move_in', 'move_out', 'transfer', 'split', 'merge', 'close')),
  at          timestamptz NOT NULL,             -- when it took effect
  customer_id bigint REFERENCES customer,       -- who came (move_in, transfer) or went (move_out)
  former_id   bigint REFERENCES customer,       -- who went (transfer)
  other_id    bigint REFERENCES account,        -- split off, or merged into this one; of those: the account it came from or went into
  key         text NOT NULL CHECK (key <> ''),  -- the caller's: the same act again is the same act
  reason      text NOT NULL DEFAULT '',
  made_by     bigint,                           -- null: the platform, as at a migration
  made_at     timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, key, account_id, kind),
  CHECK ((kind IN ('move_in', 'move_out', 'transfer')) = (customer_id IS NOT NULL)),
  CHECK ((kind = 'transfer') = (former_id IS NOT NULL)),
  CHECK (kind NOT IN ('split', 'merge') OR other_id IS NOT NULL)
);
CREATE INDEX account_act_account ON account_act (account_id, at, act_id);
CREATE UNIQUE INDEX account_act_open ON account_act (account_id) WHERE kind = 'open';
CREATE UNIQUE INDEX account_act_close ON account_act (account_id) WHERE kind = 'close';

CREATE FUNCTION refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of % is refused: the past of an account is never changed', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
-- Acts come in the order in which they took effect.
CREATE FUNCTION account_act_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM 1 FROM account WHERE account_id = NEW.account_id AND tenant_id = NEW.tenant_id FOR UPDATE;
  IF NOT FOUND THEN
    RAISE foreign_key_violation USING MESSAGE = 'the account is not of this tenant', CONSTRAINT = 'account_act_tenant';
  END IF;
  IF EXISTS (SELECT FROM account_act WHERE account_id = NEW.account_id AND (at > NEW.at OR kind = 'close'))
     OR (NEW.kind = 'open') = EXISTS (SELECT FROM account_act WHERE account_id = NEW.account_id) THEN
    RAISE check_violation USING MESSAGE = 'an act out of order', CONSTRAINT = 'account_act_order';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER follows BEFORE INSERT ON account_act FOR EACH ROW EXECUTE FUNCTION account_act_follows();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON account_act FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();

-- A span of a holder begins while the account is open, and is ended once.
CREATE FUNCTION account_holder_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (NOT upper_inf(OLD.during) OR lower(OLD.during) <> lower(NEW.during)
      OR (OLD.account_id, OLD.tenant_id, OLD.customer_id) IS DISTINCT FROM (NEW.account_id, NEW.tenant_id, NEW.customer_id)) THEN
    RAISE check_violation USING MESSAGE = 'the past of an account is never changed', CONSTRAINT = 'account_holder_stays';
  END IF;
  IF TG_OP = 'INSERT' AND NOT EXISTS (SELECT FROM account a JOIN customer c ON c.customer_id = NEW.customer_id AND c.tenant_id = a.tenant_id
      WHERE a.account_id = NEW.account_id AND a.tenant_id = NEW.tenant_id AND a.opened_at <= lower(NEW.during)
        AND (a.closed_at IS NULL OR upper(NEW.during) <= a.closed_at)) THEN
    RAISE check_violation USING MESSAGE = 'a holder outside of the life of the account', CONSTRAINT = 'account_holder_life';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER fits BEFORE INSERT OR UPDATE ON account_holder FOR EACH ROW EXECUTE FUNCTION account_holder_fits();
CREATE TRIGGER stays BEFORE DELETE ON account_holder FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();

-- Of an account nothing changes but its end, once, and nobody holds it then.
CREATE FUNCTION account_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF (to_jsonb(OLD) - '{closed_at,revision}'::text[]) IS DISTINCT FROM (to_jsonb(NEW) - '{closed_at,revision}'::text[])
     OR (OLD.closed_at IS NOT NULL AND NEW.closed_at IS DISTINCT FROM OLD.closed_at) THEN
    RAISE check_violation USING MESSAGE = 'an account is never rewritten', CONSTRAINT = 'account_stays';
  END IF;
  IF NEW.closed_at IS NOT NULL AND EXISTS (SELECT FROM account_holder
      WHERE account_id = NEW.account_id AND (upper_inf(during) OR upper(during) > NEW.closed_at)) THEN
    RAISE check_violation USING MESSAGE = 'an account that is held cannot be closed', CONSTRAINT = 'account_held';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON account FOR EACH ROW EXECUTE FUNCTION account_stays();
CREATE TRIGGER stays_there BEFORE DELETE ON account FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();

-- At commit: an account has its first act, and premises of its own utility.
CREATE FUNCTION account_has_history() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM account_act WHERE account_id = NEW.account_id AND kind = 'open' AND at = NEW.opened_at)
     OR NOT EXISTS (SELECT FROM premises WHERE premises_id = NEW.premises_id AND tenant_id = NEW.tenant_id) THEN
    RAISE check_violation USING MESSAGE = 'an account without history, or at premises of nobody', CONSTRAINT = 'account_history';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER has_history AFTER INSERT ON account DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION account_has_history();

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['contact', 'personal_key', 'personal', 'account', 'account_holder', 'account_act'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api, openmains_pipeline', t); -- imports run in the worker
  END LOOP;
END $$;
GRANT UPDATE (master, nonce, wrapped) ON personal_key TO openmains_pipeline; -- another master key
GRANT UPDATE, DELETE ON contact, personal TO openmains_api, openmains_pipeline;
GRANT UPDATE (during) ON account_holder TO openmains_api, openmains_pipeline;
GRANT UPDATE (closed_at, revision) ON account TO openmains_api, openmains_pipeline;
