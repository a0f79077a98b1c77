-- SPDX-License-Identifier: Apache-2.0
-- A million bills a minute (ADR 0040): what the ledger and the bills ask of every row is asked once of each statement's rows, and at commit
-- of each range of entries that a transaction wrote. The laws are those of migrations 0046 and 0051, for every writer, and none is lost:
-- an entry's foreign keys were never more than what is asked here, for nobody can remove what they lead to.

-- Nothing may be removed that an entry or a bill leads to; the foreign keys that said so asked it of every row.
CREATE FUNCTION keeps_books() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM ledger_entry WHERE tenant_id = OLD.tenant_id) OR EXISTS (SELECT FROM bill WHERE tenant_id = OLD.tenant_id) THEN
    RAISE EXCEPTION 'tenant % has books', OLD.tenant_id USING ERRCODE = 'foreign_key_violation';
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keeps_books BEFORE DELETE OR UPDATE OF tenant_id ON tenant FOR EACH ROW EXECUTE FUNCTION keeps_books();
CREATE TRIGGER keeps_books BEFORE DELETE OR UPDATE OF tenant_id, tariff_id ON tariff FOR EACH ROW EXECUTE FUNCTION keeps_books();
ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_tenant_id_fkey;
ALTER TABLE ledger_line DROP CONSTRAINT ledger_line_entry_id_fkey;
ALTER TABLE bill DROP CONSTRAINT bill_tenant_id_fkey, DROP CONSTRAINT bill_run_id_fkey, DROP CONSTRAINT bill_correction_id_fkey,
                 DROP CONSTRAINT bill_tariff_id_fkey, DROP CONSTRAINT bill_entry_id_fkey;
-- Taken back once: hardly any entry is one that takes back, and the others need no row of an index for that.
ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_reverses_key;
CREATE UNIQUE INDEX ledger_entry_reverses_key ON ledger_entry (reverses) WHERE reverses IS NOT NULL;

-- What a bill keeps is read whole or not at all: as text it is half as long, and written at a third of the price.
ALTER TABLE bill ALTER COLUMN inputs TYPE json, ALTER COLUMN lines TYPE json, ALTER COLUMN counted TYPE json;

-- Ranges of entries that this transaction wrote, looked at when it commits.
DROP TRIGGER balanced ON ledger_open;
DROP TRIGGER balanced ON ledger_entry;
DROP FUNCTION ledger_balanced();
ALTER TABLE ledger_open RENAME COLUMN entry_id TO first_entry;
ALTER TABLE ledger_open ADD COLUMN last_entry bigint NOT NULL;

-- Plans of these functions are kept by a connection for hours while tables grow from nothing: never one that reads a table whole, or a range
-- once for each row of another.
-- The look is the owner's: whoever speaks for another tenant by then hides nothing from it.
CREATE FUNCTION ledger_range_ends() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  SET enable_seqscan TO off SET enable_nestloop TO off AS $$
DECLARE
  v_xact text := ledger_xact();
  v_wrong record;
BEGIN
  SELECT e.entry_id, coalesce(sum(l.fen), 0) AS fen, count(l.entry_id) AS lines INTO v_wrong
    FROM ledger_entry e
    LEFT JOIN ledger_line l ON l.entry_id = e.entry_id AND l.entry_id BETWEEN NEW.first_entry AND NEW.last_entry
   WHERE e.entry_id BETWEEN NEW.first_entry AND NEW.last_entry AND e.xact = v_xact
   GROUP BY e.entry_id HAVING coalesce(sum(l.fen), 0) <> 0 OR count(l.entry_id) < 2 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'entry % is not balanced: % fen in % lines', v_wrong.entry_id, v_wrong.fen, v_wrong.lines
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_balanced';
  END IF;
  DELETE FROM ledger_open WHERE first_entry = NEW.first_entry AND last_entry = NEW.last_entry;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_open DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION ledger_range_ends();
DROP FUNCTION ledger_open_ends();

-- Entries: of a tenant that is there, on an open day, written by this very transaction.
DROP TRIGGER opens ON ledger_entry;
DROP FUNCTION ledger_entry_opens();
ALTER TABLE ledger_entry ALTER COLUMN xact SET DEFAULT ledger_xact();
CREATE FUNCTION ledger_entries_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_xact text := ledger_xact();
  v record;
BEGIN
  FOR v IN SELECT tenant_id, min(day) AS day, min(entry_id) AS first_entry, max(entry_id) AS last_entry, bool_and(xact = v_xact) AS is_ours
             FROM fresh GROUP BY tenant_id ORDER BY tenant_id LOOP
    PERFORM pg_advisory_xact_lock_shared(47, v.tenant_id); -- who closes a month waits for those who book, and they for it
    IF EXISTS (SELECT FROM ledger_month WHERE tenant_id = v.tenant_id AND last_day >= v.day) THEN
      RAISE EXCEPTION 'day % is in a closed month', v.day USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_month_closed';
    END IF;
    IF NOT v.is_ours THEN
      RAISE EXCEPTION 'an entry says another transaction' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM tenant WHERE tenant_id = v.tenant_id) THEN
      RAISE EXCEPTION 'there is no tenant %', v.tenant_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    INSERT INTO ledger_open (first_entry, last_entry, tenant_id) VALUES (v.first_entry, v.last_entry, v.tenant_id);
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER opens AFTER INSERT ON ledger_entry REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_open();

-- Lines: of entries of this transaction, of the same tenant and day. Their entries are looked at when it commits, whatever was before.
CREATE OR REPLACE FUNCTION ledger_lines_fit() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan TO off SET enable_nestloop TO off AS $$
DECLARE
  v_xact text := ledger_xact();
  v_first bigint;
  v_last bigint;
  v_tenant int;
  v_entry bigint;
BEGIN
  SELECT min(entry_id), max(entry_id), min(tenant_id) INTO v_first, v_last, v_tenant FROM fresh;
  IF v_first IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT n.entry_id INTO v_entry FROM (SELECT DISTINCT entry_id, tenant_id, day FROM fresh) n
    LEFT JOIN (SELECT entry_id, tenant_id, day FROM ledger_entry WHERE entry_id BETWEEN v_first AND v_last AND xact = v_xact) e
         ON e.entry_id = n.entry_id AND e.tenant_id = n.tenant_id AND e.day = n.day
   WHERE e.entry_id IS NULL LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'entry % takes no more lines', v_entry USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  -- A range that still stands there is looked at in any case: its look removes it, and nobody sees another transaction's.
  IF NOT EXISTS (SELECT FROM ledger_open WHERE first_entry <= v_first AND last_entry >= v_last AND tenant_id = v_tenant) THEN
    INSERT INTO ledger_open (first_entry, last_entry, tenant_id) VALUES (v_first, v_last, v_tenant);
  END IF;
  RETURN NULL;
END $$;

-- Bills: all that they lead to is there and the same tenant's, and the entry asks this account for this sum.
CREATE FUNCTION bills_fit() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan TO off SET enable_nestloop TO off AS $$
DECLARE
  v_wrong record;
  v_first bigint;
  v_last bigint;
BEGIN
  SELECT n.tenant_id, n.run_id, n.correction_id, n.tariff_id INTO v_wrong
    FROM (SELECT DISTINCT tenant_id, run_id, correction_id, tariff_id FROM fresh) n
   WHERE NOT EXISTS (SELECT FROM tenant t WHERE t.tenant_id = n.tenant_id)
      OR NOT EXISTS (SELECT FROM tariff t WHERE t.tariff_id = n.tariff_id AND t.tenant_id = n.tenant_id)
      OR (n.run_id IS NOT NULL AND NOT EXISTS (SELECT FROM bill_run r WHERE r.run_id = n.run_id AND r.tenant_id = n.tenant_id))
      OR (n.correction_id IS NOT NULL AND NOT EXISTS (SELECT FROM bill_correction c WHERE c.correction_id = n.correction_id
                                                         AND c.tenant_id = n.tenant_id))
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'a bill of tenant % leads to what is not there: run %, correction %, tariff %',
      v_wrong.tenant_id, v_wrong.run_id, v_wrong.correction_id, v_wrong.tariff_id USING ERRCODE = 'foreign_key_violation';
  END IF;
  SELECT min(entry_id), max(entry_id) INTO v_first, v_last FROM fresh;
  IF v_first IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT n.bill_id, n.entry_id INTO v_wrong FROM fresh n
    LEFT JOIN (SELECT entry_id, tenant_id, account_id, sum(fen) AS fen FROM ledger_line
                WHERE entry_id BETWEEN v_first AND v_last AND account = 'receivable' GROUP BY entry_id, tenant_id, account_id) l
         ON l.entry_id = n.entry_id AND l.tenant_id = n.tenant_id AND l.account_id = n.account_id AND l.fen = n.total_fen
   WHERE n.entry_id IS NOT NULL AND l.entry_id IS NULL LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'entry % does not ask for bill %', v_wrong.entry_id, v_wrong.bill_id USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER fits AFTER INSERT ON bill REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION bills_fit();
