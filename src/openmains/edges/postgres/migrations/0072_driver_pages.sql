-- SPDX-License-Identifier: Apache-2.0
-- Driver pages that a utility added to a running system (ADR 0042): each text is a version and is never changed; one version of a page holds.

CREATE TABLE driver_page (
  name           text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9.-]*$'),
  tenant_id      int NOT NULL REFERENCES tenant,
  active_version int,                       -- null: taken away; products of it are not read
  UNIQUE (name, tenant_id)
);
CREATE TABLE driver_page_version (
  name          text NOT NULL,
  version       int NOT NULL CHECK (version >= 1),
  tenant_id     int NOT NULL,
  body          text NOT NULL CHECK (octet_length(body) <= 262144),
  medium        text NOT NULL,
  kind          text NOT NULL,
  grade         text NOT NULL,
  unit_exponent smallint NOT NULL,
  vectors       int NOT NULL,
  made_us       bigint NOT NULL,
  made_by       text NOT NULL,
  reason        text NOT NULL,
  PRIMARY KEY (name, version),
  FOREIGN KEY (name, tenant_id) REFERENCES driver_page (name, tenant_id)
);
ALTER TABLE driver_page ADD CONSTRAINT driver_page_active FOREIGN KEY (name, active_version)
  REFERENCES driver_page_version (name, version) DEFERRABLE INITIALLY DEFERRED;
DO $$
DECLARE
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['driver_page', 'driver_page_version'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I FOR SELECT TO openmains_pipeline USING (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
  END LOOP;
END $$;
GRANT SELECT, INSERT ON driver_page, driver_page_version TO openmains_api;
GRANT UPDATE (active_version) ON driver_page TO openmains_api;
GRANT SELECT ON driver_page, driver_page_version TO openmains_pipeline;
