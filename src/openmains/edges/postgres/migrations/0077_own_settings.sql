-- SPDX-License-Identifier: Apache-2.0
-- What a person set for themselves: how numbers are written, rows of a page, columns of lists (Preferences of app/identity/preferences.py).
ALTER TABLE app_user ADD COLUMN preferences jsonb NOT NULL DEFAULT '{}';

-- A list as somebody looks at it, kept under a name: its filters, order and columns, as the console's address has them. Its owner's, or of all
-- who may do what this built-in role may; changed by who made it, and by those who manage people.
CREATE TABLE list_view (
  view_id     bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  owner_id    bigint NOT NULL REFERENCES app_user ON DELETE CASCADE,
  page        text NOT NULL CHECK (page <> ''),
  name        text NOT NULL CHECK (name <> ''),
  shared_with text CHECK (shared_with IN ('administrator', 'operator', 'dispatcher', 'clerk', 'cashier', 'reader', 'installer',
    'government', 'viewer')),  -- null: nobody
  query       jsonb NOT NULL,
  changed_at  timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, owner_id, page, name)
);
CREATE INDEX list_view_owner ON list_view (owner_id);

ALTER TABLE list_view ENABLE ROW LEVEL SECURITY;
ALTER TABLE list_view FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON list_view TO openmains_api
  USING (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int)
  WITH CHECK (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int);
DO $$
BEGIN
  EXECUTE format('CREATE POLICY owner_all ON list_view TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
GRANT SELECT, INSERT, DELETE ON list_view TO openmains_api;
GRANT UPDATE (name, shared_with, query, changed_at) ON list_view TO openmains_api;

-- Headings of other systems' files, and the column of the import of meters that a person said each of them is.
CREATE TABLE import_heading (
  tenant_id   int NOT NULL REFERENCES tenant,
  plain       text NOT NULL CHECK (plain <> ''),   -- as files are compared with it: without case, spaces and marks
  heading     text NOT NULL CHECK (heading <> ''), -- as it was typed
  column_name text NOT NULL CHECK (column_name <> ''),
  PRIMARY KEY (tenant_id, plain)
);
ALTER TABLE import_heading ENABLE ROW LEVEL SECURITY;
ALTER TABLE import_heading FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON import_heading TO openmains_api
  USING (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int)
  WITH CHECK (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int);
CREATE POLICY all_tenants ON import_heading TO openmains_pipeline USING (true); -- imports run in the worker
DO $$
BEGIN
  EXECUTE format('CREATE POLICY owner_all ON import_heading TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON import_heading TO openmains_api;
GRANT SELECT ON import_heading TO openmains_pipeline;
