-- SPDX-License-Identifier: Apache-2.0
-- Entries come in the order of their numbers. An index that runs against it grows at its front, where each full page is split in halves; the same
-- index forwards grows at its end, is half as large, and is read backwards for the newest first.
DROP INDEX ledger_entry_newest;
DROP INDEX ledger_entry_kind;
CREATE INDEX ledger_entry_newest ON ledger_entry (tenant_id, entry_id);
CREATE INDEX ledger_entry_kind ON ledger_entry (tenant_id, kind, entry_id);

-- Whose the books are is asked once of a statement and not of each of its rows.
ALTER POLICY tenant_all ON ledger_entry USING (tenant_id = (SELECT nullif(current_setting('openmains.tenant', true), ''))::int)
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('openmains.tenant', true), ''))::int);
ALTER POLICY tenant_all ON ledger_line USING (tenant_id = (SELECT nullif(current_setting('openmains.tenant', true), ''))::int)
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('openmains.tenant', true), ''))::int);
ALTER POLICY tenant_all ON bill USING (tenant_id = (SELECT nullif(current_setting('openmains.tenant', true), ''))::int)
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('openmains.tenant', true), ''))::int);
