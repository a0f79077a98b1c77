-- SPDX-License-Identifier: Apache-2.0
-- Tags that an import of meters put on meters that were there before, or took off them, so that it can be taken back (ADR 0052, 0056). Kept for 30
-- days. No foreign keys: a tag or a meter that is gone by then is passed over.
CREATE TABLE import_tag (
  job_id    bigint NOT NULL,
  tenant_id int NOT NULL,
  meter_id  bigint NOT NULL,
  tag_id    int NOT NULL,
  is_put    boolean NOT NULL,                    -- false: the import took it off
  PRIMARY KEY (job_id, meter_id, tag_id)
);
ALTER TABLE import_tag ENABLE ROW LEVEL SECURITY;
ALTER TABLE import_tag FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON import_tag TO openmains_api
  USING (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int)
  WITH CHECK (tenant_id = nullif(current_setting('openmains.tenant', true), '')::int);
CREATE POLICY all_tenants ON import_tag TO openmains_pipeline USING (true) WITH CHECK (true);
DO $$
BEGIN
  EXECUTE format('CREATE POLICY owner_all ON import_tag TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
GRANT SELECT (job_id, tenant_id) ON import_tag TO openmains_api; -- whether anything is left to undo
GRANT SELECT, INSERT, DELETE ON import_tag TO openmains_pipeline;
