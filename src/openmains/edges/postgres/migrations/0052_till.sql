-- SPDX-License-Identifier: Apache-2.0
-- The counter (R9.3): shifts of a clerk's till, receipts for what was taken, and the taking back of a payment by two persons.
CREATE TABLE till_shift (
  shift_id     bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL REFERENCES tenant,
  clerk_id     bigint NOT NULL,
  float_fen    bigint NOT NULL CHECK (float_fen >= 0), -- in the till when it was opened
  opened_us    bigint NOT NULL,
  expected_fen bigint,                                 -- as it is closed: float, and cash in less cash out
  counted_fen  bigint CHECK (counted_fen >= 0),
  note         text NOT NULL DEFAULT '',               -- why they differ
  closed_us    bigint,
  CHECK ((closed_us IS NULL) = (counted_fen IS NULL) AND (closed_us IS NULL) = (expected_fen IS NULL)),
  CHECK (closed_us IS NULL OR counted_fen = expected_fen OR note <> '')
);
CREATE UNIQUE INDEX till_shift_open ON till_shift (tenant_id, clerk_id) WHERE closed_us IS NULL;
CREATE INDEX till_shift_newest ON till_shift (tenant_id, shift_id DESC);

CREATE TABLE receipt (
  receipt_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  shift_id   bigint REFERENCES till_shift,             -- null: not taken at a counter
  account_id bigint NOT NULL,
  channel    text NOT NULL CHECK (channel IN ('cash', 'bank', 'wechat', 'alipay', 'third_party')),
  key        text NOT NULL CHECK (key <> ''),          -- the channel's number: once
  fen        bigint NOT NULL CHECK (fen > 0),
  day        int NOT NULL,
  entry_id   bigint NOT NULL UNIQUE REFERENCES ledger_entry,
  paid       jsonb NOT NULL,                           -- [bill, month, of fee, fen] each
  credit_fen bigint NOT NULL,                          -- paid ahead after it
  owed_fen   bigint NOT NULL,                          -- owed after it
  taken_by   bigint NOT NULL,
  taken_us   bigint NOT NULL,
  UNIQUE (tenant_id, channel, key),
  CHECK (channel <> 'cash' OR shift_id IS NOT NULL)
);
CREATE INDEX receipt_newest ON receipt (tenant_id, receipt_id DESC);
CREATE INDEX receipt_account ON receipt (tenant_id, account_id, receipt_id DESC);
CREATE INDEX receipt_shift ON receipt (shift_id) WHERE shift_id IS NOT NULL;

CREATE TABLE payment_return (
  return_id  bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  receipt_id bigint NOT NULL REFERENCES receipt,
  shift_id   bigint REFERENCES till_shift,             -- out of whose till cash is given back
  reason     text NOT NULL,
  state      text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'rejected')),
  author_id  bigint NOT NULL,
  made_us    bigint NOT NULL,
  decided_by bigint,
  decided_us bigint,
  decision   text NOT NULL DEFAULT '',
  entry_id   bigint REFERENCES ledger_entry,
  CHECK (state = 'pending' OR decided_by IS NOT NULL),
  CHECK (state <> 'approved' OR (decided_by <> author_id AND entry_id IS NOT NULL))
);
CREATE UNIQUE INDEX payment_return_once ON payment_return (receipt_id) WHERE state <> 'rejected';
CREATE INDEX payment_return_newest ON payment_return (tenant_id, return_id DESC);
CREATE INDEX payment_return_shift ON payment_return (shift_id) WHERE shift_id IS NOT NULL;

CREATE FUNCTION till_shift_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.closed_us IS NOT NULL OR (OLD.clerk_id, OLD.float_fen, OLD.opened_us) IS DISTINCT FROM (NEW.clerk_id, NEW.float_fen, NEW.opened_us) THEN
    RAISE EXCEPTION 'shift % is never changed', OLD.shift_id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON till_shift FOR EACH ROW EXECUTE FUNCTION till_shift_moves();
CREATE FUNCTION payment_return_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'pending' OR (to_jsonb(OLD) - '{state,decided_by,decided_us,decision,entry_id}'::text[])
     IS DISTINCT FROM (to_jsonb(NEW) - '{state,decided_by,decided_us,decision,entry_id}'::text[]) THEN
    RAISE EXCEPTION 'return % is never changed', OLD.return_id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON payment_return FOR EACH ROW EXECUTE FUNCTION payment_return_moves();
CREATE TRIGGER stays BEFORE UPDATE ON receipt FOR EACH ROW EXECUTE FUNCTION refuse_change();

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['till_shift', 'receipt', 'payment_return'] LOOP
    EXECUTE format('CREATE TRIGGER stays_whole BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
    EXECUTE format('CREATE TRIGGER stays_there BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_all ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api', t);
  END LOOP;
END $$;
GRANT UPDATE (expected_fen, counted_fen, note, closed_us) ON till_shift TO openmains_api;
GRANT UPDATE (state, decided_by, decided_us, decision, entry_id) ON payment_return TO openmains_api;
