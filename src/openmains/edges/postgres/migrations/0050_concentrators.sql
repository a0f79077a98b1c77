-- SPDX-License-Identifier: Apache-2.0
-- Concentrators and DTUs (R3.2, R5.7): who may connect over TCP, and for which meters each may speak.

CREATE TABLE concentrator (
  concentrator_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  number     text NOT NULL UNIQUE CHECK (number ~ '^[0-9]{16}$'), -- what it registers by: of one utility only
  name       text NOT NULL DEFAULT '',
  poll_s     int NOT NULL CHECK (poll_s BETWEEN 10 AND 2678400),  -- how often the platform asks the meters of its line
  changed_in xid8 NOT NULL DEFAULT pg_current_xact_id()           -- edges follow it
);
CREATE INDEX concentrator_changed ON concentrator (changed_in);
CREATE INDEX concentrator_tenant ON concentrator (tenant_id);
-- A meter is behind one concentrator: of two, one would speak for it that has no right to.
CREATE TABLE concentrator_meter (
  meter_id        bigint PRIMARY KEY REFERENCES meter ON DELETE CASCADE,
  concentrator_id bigint NOT NULL REFERENCES concentrator ON DELETE CASCADE,
  tenant_id       int NOT NULL
);
CREATE INDEX concentrator_meter_behind ON concentrator_meter (concentrator_id);
DO $$
DECLARE
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  ALTER TABLE concentrator ENABLE ROW LEVEL SECURITY;
  ALTER TABLE concentrator FORCE ROW LEVEL SECURITY;
  ALTER TABLE concentrator_meter ENABLE ROW LEVEL SECURITY;
  ALTER TABLE concentrator_meter FORCE ROW LEVEL SECURITY;
  CREATE POLICY all_tenants ON concentrator TO openmains_pipeline USING (true);
  CREATE POLICY all_tenants ON concentrator_meter TO openmains_pipeline USING (true);
  EXECUTE format('CREATE POLICY owner_all ON concentrator TO %I USING (true) WITH CHECK (true)', current_user);
  EXECUTE format('CREATE POLICY owner_all ON concentrator_meter TO %I USING (true) WITH CHECK (true)', current_user);
  EXECUTE format('CREATE POLICY tenant_only ON concentrator TO openmains_api USING (%s)', mine);
  EXECUTE format('CREATE POLICY tenant_only ON concentrator_meter TO openmains_api USING (%s)', mine);
END $$;
GRANT SELECT ON concentrator, concentrator_meter TO openmains_api;
GRANT SELECT ON concentrator, concentrator_meter TO openmains_pipeline;
