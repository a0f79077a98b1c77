-- SPDX-License-Identifier: Apache-2.0
-- The ledger (R9.2, ADR 0027): double entry, append-only. Entries and lines are never updated or removed: no grant says so, and a trigger
-- refuses it to whoever has one. What the program asks (domain/ledger/entries.py) is asked here again, for every writer.
CREATE TABLE ledger_entry (
  entry_id  bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id int NOT NULL REFERENCES tenant,
  key       text NOT NULL CHECK (key <> ''),
  day       int NOT NULL,
  kind      text NOT NULL CHECK (kind IN ('payment', 'bill', 'settlement', 'late_fee', 'reversal', 'refund', 'write_off', 'adjustment')),
  memo      text NOT NULL DEFAULT '',
  reverses  bigint REFERENCES ledger_entry,
  made_by   bigint NOT NULL,
  agreed_by bigint,                                -- the second person, where the act asks for one
  made_us   bigint NOT NULL,
  xact      text NOT NULL DEFAULT '',              -- transaction that wrote it, here and at that instant: no line is added later
  UNIQUE (tenant_id, key),
  UNIQUE (reverses),                               -- taken back once
  CHECK ((kind = 'reversal') = (reverses IS NOT NULL)),
  CHECK (kind NOT IN ('reversal', 'refund', 'write_off', 'adjustment') OR agreed_by <> made_by)
);
CREATE INDEX ledger_entry_day ON ledger_entry (tenant_id, day, entry_id);

CREATE TABLE ledger_line (
  entry_id   bigint NOT NULL REFERENCES ledger_entry,
  place      smallint NOT NULL,
  tenant_id  int NOT NULL,
  day        int NOT NULL,                         -- the entry's
  account    text NOT NULL CHECK (account IN ('cash', 'clearing', 'receivable', 'credit', 'revenue', 'late_fee', 'adjustment', 'write_off')),
  account_id bigint,                               -- the customer's account: no foreign key until accounts are there (ADR 0027)
  detail     text NOT NULL DEFAULT '',
  fen        bigint NOT NULL CHECK (fen <> 0 AND abs(fen) <= 1000000000000000),
  PRIMARY KEY (entry_id, place),
  CHECK ((account IN ('receivable', 'credit')) = (account_id IS NOT NULL)),
  CHECK ((account IN ('cash', 'clearing', 'revenue')) = (detail <> ''))
);
CREATE INDEX ledger_line_account ON ledger_line (tenant_id, account_id, account, entry_id) WHERE account_id IS NOT NULL;
CREATE INDEX ledger_line_day ON ledger_line (tenant_id, day, account);

-- Months that are closed: no entry of such a month or an earlier one comes any more.
CREATE TABLE ledger_month (
  tenant_id int NOT NULL REFERENCES tenant,
  last_day  int NOT NULL,                          -- its last day
  closed_by bigint NOT NULL,
  closed_us bigint NOT NULL,
  reason    text NOT NULL,
  PRIMARY KEY (tenant_id, last_day)
);

-- What one person asks for and another agrees to: reversal, refund, write-off, adjustment.
CREATE TABLE ledger_act (
  act_id     bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  key        text NOT NULL CHECK (key <> ''),
  kind       text NOT NULL CHECK (kind IN ('reversal', 'refund', 'write_off', 'adjustment')),
  account_id bigint,
  fen        bigint,
  channel    text NOT NULL DEFAULT '',
  reverses   bigint REFERENCES ledger_entry,
  reason     text NOT NULL,
  state      text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'rejected')),
  author_id  bigint NOT NULL,
  made_us    bigint NOT NULL,
  decided_by bigint,
  decided_us bigint,
  decision   text NOT NULL DEFAULT '',
  entry_id   bigint REFERENCES ledger_entry,
  UNIQUE (tenant_id, key),
  CHECK ((kind = 'reversal') = (reverses IS NOT NULL)),
  CHECK ((kind = 'reversal') = (fen IS NULL AND account_id IS NULL)),
  CHECK (state <> 'approved' OR (decided_by <> author_id AND entry_id IS NOT NULL))
);
CREATE INDEX ledger_act_newest ON ledger_act (tenant_id, act_id DESC);

-- This transaction; its number alone would come again in a database that was restored.
CREATE FUNCTION ledger_xact() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT pg_current_xact_id()::text || '@' || extract(epoch FROM transaction_timestamp())::text
$$;
CREATE FUNCTION ledger_entry_opens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(47, NEW.tenant_id); -- who closes a month waits for those who book, and they for it
  IF EXISTS (SELECT FROM ledger_month WHERE tenant_id = NEW.tenant_id AND last_day >= NEW.day) THEN
    RAISE EXCEPTION 'day % is in a closed month', NEW.day USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_month_closed';
  END IF;
  NEW.xact := ledger_xact();
  RETURN NEW;
END $$;
CREATE TRIGGER opens BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_entry_opens();

CREATE FUNCTION ledger_line_fits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM ledger_entry e WHERE e.entry_id = NEW.entry_id AND e.tenant_id = NEW.tenant_id AND e.day = NEW.day
                    AND e.xact = ledger_xact()) THEN
    RAISE EXCEPTION 'entry % takes no more lines', NEW.entry_id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER fits BEFORE INSERT ON ledger_line FOR EACH ROW EXECUTE FUNCTION ledger_line_fits();

CREATE FUNCTION ledger_month_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(47, NEW.tenant_id);
  IF EXISTS (SELECT FROM ledger_month WHERE tenant_id = NEW.tenant_id AND last_day >= NEW.last_day) THEN
    RAISE EXCEPTION 'a later month is closed' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER follows BEFORE INSERT ON ledger_month FOR EACH ROW EXECUTE FUNCTION ledger_month_follows();

-- At commit: every entry has two lines at the least, which add up to 0.
CREATE FUNCTION ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_sum numeric;
  v_lines int;
BEGIN
  SELECT coalesce(sum(fen), 0), count(*) INTO v_sum, v_lines FROM ledger_line WHERE entry_id = NEW.entry_id;
  IF v_sum <> 0 OR v_lines < 2 THEN
    RAISE EXCEPTION 'entry % is not balanced: % fen in % lines', NEW.entry_id, v_sum, v_lines
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_balanced';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_entry DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION ledger_balanced();
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_line DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION ledger_balanced();

CREATE FUNCTION ledger_act_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'pending' OR (to_jsonb(OLD) - '{state,decided_by,decided_us,decision,entry_id}'::text[])
     IS DISTINCT FROM (to_jsonb(NEW) - '{state,decided_by,decided_us,decision,entry_id}'::text[]) THEN
    RAISE EXCEPTION 'act % is never changed', OLD.act_id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON ledger_act FOR EACH ROW EXECUTE FUNCTION ledger_act_moves();

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['ledger_entry', 'ledger_line', 'ledger_month', 'ledger_act'] LOOP
    EXECUTE format('CREATE TRIGGER stays_whole BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
    IF t = 'ledger_act' THEN
      EXECUTE format('CREATE TRIGGER stays_there BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
    ELSE
      EXECUTE format('CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
    END IF;
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_all ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api', t);
  END LOOP;
END $$;
GRANT UPDATE (state, decided_by, decided_us, decision, entry_id) ON ledger_act TO openmains_api;
