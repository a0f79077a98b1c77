-- SPDX-License-Identifier: Apache-2.0
-- Questions in bulk that people keep under a name, to be asked again: filter, what is asked, form of the answer. Their own, or shown to
-- all of the utility; changed by who made them, and by administrators.
CREATE TABLE saved_query (
  saved_id   bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  owner_id   bigint NOT NULL REFERENCES app_user ON DELETE CASCADE,
  name       text NOT NULL CHECK (name <> ''),
  is_shared  boolean NOT NULL DEFAULT false,
  question   jsonb NOT NULL,               -- SavedQuestion of app/readings/bulk/saved.py
  changed_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, owner_id, name)
);
CREATE INDEX saved_query_owner ON saved_query (owner_id);
ALTER TABLE saved_query ENABLE ROW LEVEL SECURITY;
ALTER TABLE saved_query FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON saved_query TO openmains_api
  USING (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int)
  WITH CHECK (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int);
DO $$
BEGIN
  EXECUTE format('CREATE POLICY owner_all ON saved_query TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
GRANT SELECT, INSERT, DELETE ON saved_query TO openmains_api;
GRANT UPDATE (name, is_shared, question, changed_at) ON saved_query TO openmains_api;
