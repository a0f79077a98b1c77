-- SPDX-License-Identifier: Apache-2.0
-- Bill runs and bills (R9.1, R9.2, ADR 0032). A bill is written once; a corrected one is another version, and the first is reversed in the
-- ledger. What is not billed, for doubt, is a row too.
CREATE TABLE bill_run (
  run_id        bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id     int NOT NULL REFERENCES tenant,
  month         int NOT NULL,                    -- its first day
  end_day       int NOT NULL,                    -- the day after its last
  book_day      int NOT NULL,                    -- the entries' day
  due_day       int NOT NULL,                    -- the last day on which no late fee arises
  state         text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'stopped')),
  after_account bigint NOT NULL DEFAULT 0,       -- all accounts up to this one are done with
  accounts      int NOT NULL DEFAULT 0,
  bills         int NOT NULL DEFAULT 0,
  refused       int NOT NULL DEFAULT 0,
  billed_before int NOT NULL DEFAULT 0,
  total_fen     bigint NOT NULL DEFAULT 0,
  settled_fen   bigint NOT NULL DEFAULT 0,       -- of it paid out of credit at once
  asked_by      bigint NOT NULL,
  asked_us      bigint NOT NULL,
  ended_us      bigint,
  CHECK (book_day >= 0 AND end_day > month AND due_day >= book_day)
);
CREATE UNIQUE INDEX bill_run_one ON bill_run (tenant_id) WHERE state = 'running'; -- one after the other: bills follow each other
CREATE INDEX bill_run_newest ON bill_run (tenant_id, run_id DESC);

CREATE TABLE bill_correction (
  correction_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id     int NOT NULL REFERENCES tenant,
  account_id    bigint NOT NULL,
  month         int NOT NULL,                    -- from this month on
  reason        text NOT NULL,
  state         text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'rejected')),
  author_id     bigint NOT NULL,
  made_us       bigint NOT NULL,
  decided_by    bigint,
  decided_us    bigint,
  decision      text NOT NULL DEFAULT '',
  CHECK (state = 'pending' OR decided_by IS NOT NULL),
  CHECK (state <> 'approved' OR decided_by <> author_id)
);
CREATE INDEX bill_correction_newest ON bill_correction (tenant_id, correction_id DESC);
CREATE UNIQUE INDEX bill_correction_one ON bill_correction (tenant_id, account_id) WHERE state = 'pending';

CREATE TABLE bill (
  bill_id        bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id      int NOT NULL REFERENCES tenant,
  account_id     bigint NOT NULL,                -- no foreign key until accounts are there (ADR 0027)
  month          int NOT NULL,
  version        smallint NOT NULL CHECK (version >= 1),
  run_id         bigint REFERENCES bill_run,
  correction_id  bigint REFERENCES bill_correction,
  first_day      int NOT NULL,
  end_day        int NOT NULL,
  tariff_id      int NOT NULL REFERENCES tariff,
  meter_id       bigint NOT NULL,                -- the last one of the period
  volume_ml      bigint NOT NULL,
  total_fen      bigint NOT NULL CHECK (total_fen >= 0),
  estimated_days smallint NOT NULL,              -- days with a value that is estimated
  by_days        boolean NOT NULL,
  due_day        int NOT NULL,
  fee_ppm        int NOT NULL DEFAULT 0,         -- the late fee as the plan says it on the bill's last day
  fee_grace      smallint NOT NULL DEFAULT 0,
  fee_cap_ppm    int NOT NULL DEFAULT 0,
  inputs         jsonb NOT NULL,                 -- all that its sum follows from: app/billing/rows.py
  lines          jsonb NOT NULL,
  counted        jsonb NOT NULL,                 -- what is counted after it
  entry_id       bigint REFERENCES ledger_entry, -- null: a bill of 0 fen
  made_us        bigint NOT NULL,
  UNIQUE (tenant_id, account_id, month, version),
  CHECK ((run_id IS NULL) <> (correction_id IS NULL)),
  CHECK ((total_fen = 0) = (entry_id IS NULL)),
  CHECK (end_day > first_day)
);
CREATE INDEX bill_of_run ON bill (run_id, bill_id);

-- Accounts of a run that have no bill, and why: shown to a person.
CREATE TABLE bill_refusal (
  run_id     bigint NOT NULL REFERENCES bill_run,
  account_id bigint NOT NULL,
  tenant_id  int NOT NULL,
  code       text NOT NULL,
  meter_id   bigint,
  day        int NOT NULL,
  days       int NOT NULL,
  PRIMARY KEY (run_id, account_id)
);

-- What paid which bill: an entry of the ledger each, of one bill. Taken back where that entry is reversed.
CREATE TABLE bill_settlement (
  entry_id   bigint PRIMARY KEY REFERENCES ledger_entry,
  tenant_id  int NOT NULL,
  bill_id    bigint NOT NULL REFERENCES bill,
  account_id bigint NOT NULL,
  of_fee     boolean NOT NULL,
  day        int NOT NULL,
  fen        bigint NOT NULL CHECK (fen > 0)
);
CREATE INDEX bill_settlement_bill ON bill_settlement (bill_id);

-- Late fees that were booked on a bill, each what came to those before.
CREATE TABLE bill_fee (
  entry_id   bigint PRIMARY KEY REFERENCES ledger_entry,
  tenant_id  int NOT NULL,
  bill_id    bigint NOT NULL REFERENCES bill,
  account_id bigint NOT NULL,
  day        int NOT NULL,
  fen        bigint NOT NULL CHECK (fen > 0)
);
CREATE INDEX bill_fee_bill ON bill_fee (bill_id);

CREATE INDEX tariff_member_account ON tariff_member (tenant_id, account_id); -- a run walks accounts in order

CREATE FUNCTION bill_run_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.state = 'done' AND NEW IS DISTINCT FROM OLD) OR NEW.after_account < OLD.after_account
     OR (NEW.month, NEW.end_day, NEW.book_day, NEW.due_day) IS DISTINCT FROM (OLD.month, OLD.end_day, OLD.book_day, OLD.due_day) THEN
    RAISE EXCEPTION 'run % is never changed', OLD.run_id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON bill_run FOR EACH ROW EXECUTE FUNCTION bill_run_moves();
CREATE FUNCTION bill_correction_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'pending' OR (to_jsonb(OLD) - '{state,decided_by,decided_us,decision}'::text[])
     IS DISTINCT FROM (to_jsonb(NEW) - '{state,decided_by,decided_us,decision}'::text[]) THEN
    RAISE EXCEPTION 'correction % is never changed', OLD.correction_id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON bill_correction FOR EACH ROW EXECUTE FUNCTION bill_correction_moves();

-- The ledger takes a run's entries by thousands: its laws (migration 0046) are the same, asked of statements where they were of rows.
-- Lines that come in one statement are summed there; only an entry they leave unbalanced is looked at again, at commit.
CREATE TABLE ledger_open (
  entry_id  bigint NOT NULL,
  tenant_id int NOT NULL
);
DROP TRIGGER fits ON ledger_line;
DROP TRIGGER balanced ON ledger_line;
CREATE FUNCTION ledger_lines_fit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_entry bigint;
BEGIN
  SELECT n.entry_id INTO v_entry FROM fresh n LEFT JOIN ledger_entry e ON e.entry_id = n.entry_id AND e.tenant_id = n.tenant_id
         AND e.day = n.day AND e.xact = ledger_xact()
   WHERE e.entry_id IS NULL LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'entry % takes no more lines', v_entry USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  INSERT INTO ledger_open (entry_id, tenant_id)
  SELECT entry_id, min(tenant_id) FROM fresh GROUP BY entry_id HAVING sum(fen) <> 0 OR count(*) < 2;
  RETURN NULL;
END $$;
CREATE TRIGGER fits AFTER INSERT ON ledger_line REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_lines_fit();
CREATE FUNCTION ledger_open_ends() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_sum numeric;
  v_lines int;
BEGIN
  SELECT coalesce(sum(fen), 0), count(*) INTO v_sum, v_lines FROM ledger_line WHERE entry_id = NEW.entry_id;
  IF v_sum <> 0 OR v_lines < 2 THEN
    RAISE EXCEPTION 'entry % is not balanced: % fen in % lines', NEW.entry_id, v_sum, v_lines
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_balanced';
  END IF;
  DELETE FROM ledger_open WHERE entry_id = NEW.entry_id;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_open DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION ledger_open_ends();

-- A check is passed by NULL: without a second person an act of two was taken.
ALTER TABLE ledger_entry ADD CONSTRAINT ledger_entry_second CHECK
  (kind NOT IN ('reversal', 'refund', 'write_off', 'adjustment') OR agreed_by IS NOT NULL);

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['bill_run', 'bill_correction', 'bill', 'bill_refusal', 'bill_settlement', 'bill_fee', 'ledger_open'] LOOP
    IF t IN ('bill', 'bill_refusal', 'bill_settlement', 'bill_fee') THEN
      EXECUTE format('CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
    ELSIF t <> 'ledger_open' THEN
      EXECUTE format('CREATE TRIGGER stays_there BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
    END IF;
    IF t <> 'ledger_open' THEN
      EXECUTE format('CREATE TRIGGER stays_whole BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
    END IF;
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_all ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api', t);
  END LOOP;
END $$;
GRANT UPDATE (state, after_account, accounts, bills, refused, billed_before, total_fen, settled_fen, ended_us) ON bill_run TO openmains_api;
GRANT UPDATE (state, decided_by, decided_us, decision) ON bill_correction TO openmains_api;
GRANT DELETE ON ledger_open TO openmains_api;
