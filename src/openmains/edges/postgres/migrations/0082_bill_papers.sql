-- SPDX-License-Identifier: Apache-2.0
-- What stands on a printed bill besides the bill itself (ADR 0047), and an index that the links of a bill run lacked.

-- Whose bills they are: one row a utility, without one only its name is printed.
CREATE TABLE bill_letterhead (
  tenant_id  int PRIMARY KEY REFERENCES tenant,
  address    text NOT NULL DEFAULT '',
  phone      text NOT NULL DEFAULT '',
  pay_link   text NOT NULL DEFAULT '' CHECK (pay_link = '' OR pay_link LIKE 'https://%{code}%'),
  note_zh    text NOT NULL DEFAULT '',
  note_en    text NOT NULL DEFAULT '',
  tax_number text NOT NULL DEFAULT '',
  bank       text NOT NULL DEFAULT '',
  changed_by bigint,
  changed_us bigint NOT NULL
);
ALTER TABLE bill_letterhead ENABLE ROW LEVEL SECURITY;
ALTER TABLE bill_letterhead FORCE ROW LEVEL SECURITY;
DO $$
DECLARE
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  EXECUTE format('CREATE POLICY tenant_only ON bill_letterhead TO openmains_api USING (%s) WITH CHECK (%s)', mine, mine);
  EXECUTE format('CREATE POLICY owner_all ON bill_letterhead TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
GRANT SELECT, INSERT, UPDATE ON bill_letterhead TO openmains_api;

-- A run asks for the installations of the next accounts of one utility, under row-level security: its page is one range of this index.
CREATE INDEX installation_tenant_account ON installation (tenant_id, account_id);
