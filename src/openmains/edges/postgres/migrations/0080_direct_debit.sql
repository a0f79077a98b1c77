-- SPDX-License-Identifier: Apache-2.0
-- Direct debit by bank files (R9.2, ADR 0053): authorisations with sealed bank data, files that are never changed, what the bank answered.
CREATE TABLE debit_authorisation (
  authorisation_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  account_id bigint NOT NULL,
  contract   text NOT NULL CHECK (contract <> ''),     -- its number at the bank
  bank       text NOT NULL CHECK (bank <> ''),
  tail       text NOT NULL CHECK (length(tail) <= 4),  -- last digits of the bank account; all of it is sealed
  signed_day int NOT NULL,
  key_id     bigint NOT NULL,
  nonce      bytea NOT NULL,
  sealed     bytea NOT NULL,
  made_by    bigint NOT NULL,
  made_us    bigint NOT NULL,
  ended_by   bigint,
  ended_us   bigint,
  end_reason text NOT NULL DEFAULT '',
  UNIQUE (tenant_id, contract),
  CHECK ((ended_us IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX debit_authorisation_now ON debit_authorisation (tenant_id, account_id) WHERE ended_us IS NULL;
CREATE INDEX debit_authorisation_newest ON debit_authorisation (tenant_id, authorisation_id DESC);
CREATE INDEX debit_authorisation_account ON debit_authorisation (tenant_id, account_id, authorisation_id DESC);

CREATE TABLE debit_file (
  file_id     bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  key         text NOT NULL CHECK (key <> ''),         -- of whoever asked for it: once
  layout      text NOT NULL CHECK (layout <> ''),
  collect_day int NOT NULL,
  lines       int NOT NULL CHECK (lines > 0),
  fen         bigint NOT NULL CHECK (fen > 0),
  state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'voided')),
  answered    int NOT NULL DEFAULT 0,
  paid        int NOT NULL DEFAULT 0,
  paid_fen    bigint NOT NULL DEFAULT 0,
  declined    int NOT NULL DEFAULT 0,
  returned    int NOT NULL DEFAULT 0,
  made_by     bigint NOT NULL,
  made_us     bigint NOT NULL,
  voided_by   bigint,
  voided_us   bigint,
  void_reason text NOT NULL DEFAULT '',
  UNIQUE (tenant_id, key),
  CHECK (answered BETWEEN 0 AND lines AND (state = 'done') = (answered = lines)),
  CHECK ((state = 'voided') = (voided_us IS NOT NULL)),
  CHECK (state <> 'voided' OR (answered = 0 AND voided_by <> made_by AND void_reason <> '')) -- by another person, before any answer
);
CREATE INDEX debit_file_newest ON debit_file (tenant_id, file_id DESC);

CREATE TABLE debit_item (
  file_id     bigint NOT NULL REFERENCES debit_file,
  place       int NOT NULL CHECK (place > 0),
  tenant_id   int NOT NULL,
  authorisation_id bigint NOT NULL REFERENCES debit_authorisation,
  account_id  bigint NOT NULL,
  fen         bigint NOT NULL CHECK (fen > 0),
  state       text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'paid', 'declined', 'returned', 'voided')),
  result      text NOT NULL DEFAULT '',                -- the bank's code
  transaction text NOT NULL DEFAULT '',                -- the bank's number
  day         int,                                     -- the bank's day
  receipt_id  bigint UNIQUE REFERENCES receipt,
  return_id   bigint REFERENCES payment_return,
  PRIMARY KEY (file_id, place),
  CHECK ((state IN ('paid', 'returned')) = (receipt_id IS NOT NULL)),
  CHECK (receipt_id IS NULL OR transaction <> '')
);
CREATE UNIQUE INDEX debit_item_waits ON debit_item (tenant_id, account_id) WHERE state = 'asked'; -- nothing is collected twice
CREATE INDEX debit_item_return ON debit_item (return_id) WHERE return_id IS NOT NULL;

CREATE TABLE debit_answer (
  answer_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id int NOT NULL REFERENCES tenant,
  file_id   bigint NOT NULL REFERENCES debit_file,
  file_name text NOT NULL,
  sha256    text NOT NULL,
  lines     int NOT NULL,
  fen       bigint NOT NULL,
  paid      int NOT NULL,
  paid_fen  bigint NOT NULL,
  declined  int NOT NULL,
  returned  int NOT NULL,
  repeated  int NOT NULL,
  read_by   bigint NOT NULL,
  read_us   bigint NOT NULL,
  UNIQUE (file_id, sha256)                             -- the same file again is the same answer
);

-- What was asked for stays; the bank's word moves an item as domain/payment/debit.py says.
CREATE FUNCTION debit_item_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.file_id, OLD.place, OLD.tenant_id, OLD.authorisation_id, OLD.account_id, OLD.fen)
     IS DISTINCT FROM (NEW.file_id, NEW.place, NEW.tenant_id, NEW.authorisation_id, NEW.account_id, NEW.fen)
     OR (OLD.receipt_id IS NOT NULL AND (OLD.receipt_id, OLD.transaction) IS DISTINCT FROM (NEW.receipt_id, NEW.transaction))
     OR (OLD.state, NEW.state) NOT IN (('asked', 'paid'), ('asked', 'declined'), ('asked', 'voided'), ('paid', 'returned')) THEN
    RAISE EXCEPTION 'item % of debit file % is never changed so', OLD.place, OLD.file_id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON debit_item FOR EACH ROW EXECUTE FUNCTION debit_item_moves();
CREATE FUNCTION debit_file_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'voided' OR (to_jsonb(OLD) - '{state,answered,paid,paid_fen,declined,returned,voided_by,voided_us,void_reason}'::text[])
     IS DISTINCT FROM (to_jsonb(NEW) - '{state,answered,paid,paid_fen,declined,returned,voided_by,voided_us,void_reason}'::text[]) THEN
    RAISE EXCEPTION 'debit file % is never changed so', OLD.file_id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON debit_file FOR EACH ROW EXECUTE FUNCTION debit_file_moves();
CREATE TRIGGER stays BEFORE UPDATE ON debit_answer FOR EACH ROW EXECUTE FUNCTION refuse_change();

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['debit_authorisation', 'debit_file', 'debit_item', 'debit_answer'] LOOP
    EXECUTE format('CREATE TRIGGER stays_there BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_all ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api', t);
  END LOOP;
END $$;
GRANT UPDATE (ended_by, ended_us, end_reason) ON debit_authorisation TO openmains_api;
GRANT UPDATE (state, answered, paid, paid_fen, declined, returned, voided_by, voided_us, void_reason) ON debit_file TO openmains_api;
GRANT UPDATE (state, result, transaction, day, receipt_id, return_id) ON debit_item TO openmains_api;
