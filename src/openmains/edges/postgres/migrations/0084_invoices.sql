-- SPDX-License-Identifier: Apache-2.0
-- Invoices of bills (R9.1, ADR 0053): how components stand on them, and what the tax adapter made of each.
CREATE TABLE invoice_tax (
  tenant_id int NOT NULL REFERENCES tenant,
  place     int NOT NULL,
  component text NOT NULL CHECK (component <> ''),
  item      text NOT NULL CHECK (item <> ''),
  tax_code  text NOT NULL CHECK (tax_code ~ '^[0-9]{19}$'),
  rate_bp   int NOT NULL CHECK (rate_bp BETWEEN 0 AND 10000),
  PRIMARY KEY (tenant_id, component)
);

CREATE TABLE invoice (
  invoice_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  bill_id    bigint NOT NULL REFERENCES bill,
  account_id bigint NOT NULL,
  state      text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'issued', 'refused', 'red_asked', 'red_lettered')),
  buyer      text NOT NULL CHECK (buyer <> ''),
  buyer_tax_number text NOT NULL DEFAULT '',
  fen        bigint NOT NULL CHECK (fen > 0),
  tax_fen    bigint NOT NULL CHECK (tax_fen BETWEEN 0 AND fen),
  document   jsonb NOT NULL,
  number     text NOT NULL DEFAULT '',
  fault      text NOT NULL DEFAULT '',
  asked_by   bigint NOT NULL,
  asked_us   bigint NOT NULL,
  issued_us  bigint,
  red_number text NOT NULL DEFAULT '',
  red_reason text NOT NULL DEFAULT '',
  red_by     bigint,
  red_us     bigint,
  CHECK ((state IN ('issued', 'red_asked', 'red_lettered')) = (number <> '')),
  CHECK (red_by IS NULL OR red_by <> asked_by),                       -- another person takes it back
  CHECK (state NOT IN ('red_asked', 'red_lettered') OR (red_by IS NOT NULL AND red_reason <> '')),
  CHECK ((state = 'red_lettered') = (red_number <> ''))
);
CREATE UNIQUE INDEX invoice_stands ON invoice (bill_id) WHERE state NOT IN ('refused', 'red_lettered'); -- never twice for a bill
CREATE UNIQUE INDEX invoice_number ON invoice (tenant_id, number) WHERE number <> '';
CREATE INDEX invoice_newest ON invoice (tenant_id, invoice_id DESC);
CREATE INDEX invoice_bill ON invoice (tenant_id, bill_id, invoice_id DESC);

CREATE FUNCTION invoice_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (to_jsonb(OLD) - '{state,number,fault,issued_us,red_number,red_reason,red_by,red_us}'::text[])
     IS DISTINCT FROM (to_jsonb(NEW) - '{state,number,fault,issued_us,red_number,red_reason,red_by,red_us}'::text[])
     OR (OLD.number <> '' AND OLD.number <> NEW.number)
     OR OLD.state IN ('refused', 'red_lettered')
     OR (OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (('asked', 'issued'), ('asked', 'refused'), ('issued', 'red_asked'),
                                                                    ('red_asked', 'red_lettered'), ('red_asked', 'issued'))) THEN
    RAISE EXCEPTION 'invoice % is never changed so', OLD.invoice_id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON invoice FOR EACH ROW EXECUTE FUNCTION invoice_moves();
CREATE TRIGGER stays_there BEFORE DELETE ON invoice FOR EACH ROW EXECUTE FUNCTION refuse_change();

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['invoice_tax', 'invoice'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_all ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api', t);
  END LOOP;
END $$;
GRANT DELETE ON invoice_tax TO openmains_api;
GRANT UPDATE (state, number, fault, issued_us, red_number, red_reason, red_by, red_us) ON invoice TO openmains_api;
