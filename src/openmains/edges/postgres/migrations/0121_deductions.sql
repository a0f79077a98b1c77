-- SPDX-License-Identifier: Apache-2.0
-- Charging at the server (R9, R1.10–R1.12, ADR 0062): accounts whose balance falls with each day that is read, the deductions by day and
-- version, and what bills gave back of them. A deduction is written once; a corrected day is its next version, which books the difference.

-- What is deducted and not billed yet: no longer the customer's credit, and no revenue before the bill.
ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_kind_check,
  ADD CONSTRAINT ledger_entry_kind_check CHECK (kind IN ('payment', 'bill', 'settlement', 'late_fee', 'reversal', 'refund', 'write_off', 'adjustment',
                                                         'deduction', 'release'));
ALTER TABLE ledger_line DROP CONSTRAINT ledger_line_account_check, DROP CONSTRAINT ledger_line_check;
ALTER TABLE ledger_line
  ADD CONSTRAINT ledger_line_account_check CHECK (account IN ('cash', 'clearing', 'receivable', 'credit', 'metered', 'deducted', 'revenue',
                                                              'late_fee', 'adjustment', 'write_off')),
  ADD CONSTRAINT ledger_line_check CHECK ((account IN ('receivable', 'credit', 'metered', 'deducted')) = (account_id IS NOT NULL));

CREATE TABLE server_account (
  tenant_id  int NOT NULL REFERENCES tenant,
  account_id bigint NOT NULL,
  since_day  int NOT NULL,                       -- the first day that is deducted
  until_day  int,                                -- the first one that is not any more; null: it goes on
  warn_fen   bigint NOT NULL CHECK (warn_fen BETWEEN -100000000000 AND 100000000000),
  limit_fen  bigint NOT NULL CHECK (limit_fen BETWEEN 0 AND 100000000000),
  stage      text NOT NULL DEFAULT 'enough' CHECK (stage IN ('enough', 'low', 'below')),
  below_day  int,                                -- the day on which it fell below the limit
  crossing   int NOT NULL DEFAULT 0,             -- how often it left 'enough'
  told       text NOT NULL DEFAULT 'enough' CHECK (told IN ('enough', 'low', 'below')), -- the worst stage the customer was warned of, of this crossing
  seen_entry bigint NOT NULL DEFAULT 0,          -- the newest entry of the account when its balance was looked at last
  is_due     boolean NOT NULL DEFAULT true,      -- a day of its meters changed
  looked_day int NOT NULL DEFAULT -1,            -- the day on which it was due last, whatever changed
  open_day   int NOT NULL,                       -- the first day that is not deducted
  why        text NOT NULL DEFAULT '',           -- the doubt that keeps it
  tariff_id  int,                                -- of the last day
  meter_id   bigint,
  changed_by bigint NOT NULL,
  changed_us bigint NOT NULL,
  PRIMARY KEY (tenant_id, account_id),
  CHECK (warn_fen >= -limit_fen),                -- who is warned at all is warned before the debt
  CHECK ((stage = 'below') = (below_day IS NOT NULL))
);
CREATE INDEX server_account_due ON server_account (tenant_id, account_id) WHERE is_due;
CREATE INDEX server_account_looked ON server_account (tenant_id, looked_day);
CREATE INDEX server_account_low ON server_account (tenant_id, account_id) WHERE stage <> 'enough';
CREATE INDEX server_account_doubt ON server_account (tenant_id, account_id) WHERE why <> '';

CREATE TABLE deduction (
  deduction_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL,
  account_id   bigint NOT NULL,
  day          int NOT NULL,
  version      smallint NOT NULL CHECK (version >= 1),
  fen          bigint NOT NULL,                  -- the difference that this version books
  day_fen      bigint NOT NULL,                  -- of the day in all, after it
  volume_ml    bigint NOT NULL,
  is_estimated boolean NOT NULL,
  cited        json NOT NULL,                    -- [[meter, version of its day], ...]
  entry_id     bigint,                           -- null: of 0 fen
  made_us      bigint NOT NULL,
  UNIQUE (tenant_id, account_id, day, version),
  CHECK ((fen = 0) = (entry_id IS NULL)),
  CHECK (version > 1 OR fen = day_fen)
);

CREATE TABLE deduction_release (
  tenant_id  int NOT NULL,
  account_id bigint NOT NULL,
  end_day    int NOT NULL,                       -- a bill took the place of all days before it
  fen        bigint NOT NULL,
  entry_id   bigint,
  made_us    bigint NOT NULL,
  PRIMARY KEY (tenant_id, account_id, end_day),
  CHECK ((fen = 0) = (entry_id IS NULL))
);

-- By shard of the stream up to where changed days were looked for.
CREATE TABLE deduction_place (
  tenant_id int NOT NULL REFERENCES tenant,
  shard     int NOT NULL,
  position  bigint NOT NULL,
  PRIMARY KEY (tenant_id, shard)
);

-- Versions follow each other, each books the difference and no more, its entry takes exactly that from this account, and no day is
-- deducted that a bill took the place of.
CREATE FUNCTION deductions_fit() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan TO off AS $$
DECLARE
  v_wrong record;
BEGIN
  SELECT n.account_id, n.day, n.version INTO v_wrong FROM fresh n
   WHERE (SELECT count(*) FROM deduction d WHERE d.tenant_id = n.tenant_id AND d.account_id = n.account_id AND d.day = n.day
             AND d.version < n.version) <> n.version - 1
      OR (SELECT sum(d.fen) FROM deduction d WHERE d.tenant_id = n.tenant_id AND d.account_id = n.account_id AND d.day = n.day
             AND d.version <= n.version) <> n.day_fen
      OR EXISTS (SELECT FROM deduction_release r WHERE r.tenant_id = n.tenant_id AND r.account_id = n.account_id AND r.end_day > n.day)
      OR (n.entry_id IS NOT NULL AND NOT EXISTS (
           SELECT FROM ledger_line l JOIN ledger_entry e ON e.entry_id = l.entry_id AND e.kind = 'deduction'
            WHERE l.entry_id = n.entry_id AND l.tenant_id = n.tenant_id AND l.account_id = n.account_id AND l.account = 'deducted' AND l.fen = -n.fen))
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'deduction of account %, day %, version % does not follow', v_wrong.account_id, v_wrong.day, v_wrong.version
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'deductions_fit';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER fit AFTER INSERT ON deduction REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION deductions_fit();

-- What is given back is what was deducted for the days between two releases, whole.
CREATE FUNCTION releases_fit() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan TO off AS $$
DECLARE
  v_wrong record;
BEGIN
  SELECT n.account_id, n.end_day INTO v_wrong FROM fresh n
   WHERE EXISTS (SELECT FROM deduction_release r WHERE r.tenant_id = n.tenant_id AND r.account_id = n.account_id AND r.end_day > n.end_day)
      OR n.fen <> (SELECT coalesce(sum(d.fen), 0) FROM deduction d WHERE d.tenant_id = n.tenant_id AND d.account_id = n.account_id AND d.day < n.end_day
                      AND d.day >= coalesce((SELECT max(r.end_day) FROM deduction_release r WHERE r.tenant_id = n.tenant_id
                                               AND r.account_id = n.account_id AND r.end_day < n.end_day), 0))
      OR (n.entry_id IS NOT NULL AND NOT EXISTS (
           SELECT FROM ledger_line l JOIN ledger_entry e ON e.entry_id = l.entry_id AND e.kind = 'release'
            WHERE l.entry_id = n.entry_id AND l.tenant_id = n.tenant_id AND l.account_id = n.account_id AND l.account = 'deducted' AND l.fen = n.fen))
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'release of account % before day % does not follow', v_wrong.account_id, v_wrong.end_day
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'releases_fit';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER fit AFTER INSERT ON deduction_release REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION releases_fit();

-- What is owed after its due day. Of an account that is charged at the server it is the balance that is below the limit, since the day on
-- which it fell; its bills are paid out of that balance, and are no debt beside it.
CREATE VIEW open_debt WITH (security_invoker = true) AS
SELECT b.tenant_id, b.account_id, b.month, b.due_day, b.tariff_id, b.meter_id, b.total_fen - coalesce(s.paid, 0) AS open_fen, 1 AS bills
  FROM bill b
  LEFT JOIN LATERAL (SELECT sum(x.fen) AS paid FROM bill_settlement x WHERE x.bill_id = b.bill_id AND NOT x.of_fee
                        AND NOT EXISTS (SELECT FROM ledger_entry r WHERE r.reverses = x.entry_id)) s ON true
 WHERE b.total_fen > coalesce(s.paid, 0)
   AND NOT EXISTS (SELECT FROM bill n WHERE n.tenant_id = b.tenant_id AND n.account_id = b.account_id AND n.month = b.month
                      AND n.version > b.version)
   AND NOT EXISTS (SELECT FROM server_account a WHERE a.tenant_id = b.tenant_id AND a.account_id = b.account_id AND a.until_day IS NULL
                      AND a.tariff_id IS NOT NULL)
UNION ALL
SELECT a.tenant_id, a.account_id, a.below_day, a.below_day, a.tariff_id, a.meter_id, l.fen, 0
  FROM server_account a
 CROSS JOIN LATERAL (SELECT coalesce(sum(g.fen), 0) AS fen FROM ledger_line g WHERE g.tenant_id = a.tenant_id AND g.account_id = a.account_id
                        AND g.account IN ('receivable', 'credit')) l
 WHERE a.stage = 'below' AND a.until_day IS NULL AND a.tariff_id IS NOT NULL AND l.fen > a.limit_fen;

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['server_account', 'deduction', 'deduction_release', 'deduction_place'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api', t);
    IF t = 'deduction_place' THEN -- of no customer: the worker's own
      EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    ELSE
      EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api, openmains_limited USING (%s) WITH CHECK (%s)', t, mine, mine);
      EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_limited', t);
      EXECUTE format('CREATE POLICY within_reach ON %I AS RESTRICTIVE TO openmains_limited
                      USING (EXISTS (SELECT FROM account a WHERE a.account_id = %I.account_id))', t, t);
    END IF;
  END LOOP;
  FOREACH t IN ARRAY ARRAY['deduction', 'deduction_release'] LOOP
    EXECUTE format('CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
    EXECUTE format('CREATE TRIGGER stays_whole BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
  END LOOP;
END $$;
GRANT UPDATE ON server_account TO openmains_api, openmains_limited;
GRANT UPDATE (position) ON deduction_place TO openmains_api;
CREATE POLICY all_tenants ON server_account TO openmains_pipeline USING (true) WITH CHECK (false);
GRANT SELECT ON server_account TO openmains_pipeline;
GRANT SELECT ON open_debt TO openmains_api, openmains_limited;
