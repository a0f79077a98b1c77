-- SPDX-License-Identifier: Apache-2.0
-- What a radio cell carries, by network and coverage class (domain/network/capacity.py has the default and its source).
CREATE TABLE cell_capacity (
  tenant_id   int NOT NULL REFERENCES tenant,
  network     text NOT NULL CHECK (network ~ '^([0-9]{5,6})?$'), -- MCC and MNC; '': every network without a line of its own
  ce0_per_min int NOT NULL CHECK (ce0_per_min BETWEEN 1 AND 100000), -- reports a minute if all were of this class
  ce1_per_min int NOT NULL CHECK (ce1_per_min BETWEEN 1 AND 100000),
  ce2_per_min int NOT NULL CHECK (ce2_per_min BETWEEN 1 AND 100000),
  PRIMARY KEY (tenant_id, network)
);
DO $$
DECLARE
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  ALTER TABLE cell_capacity ENABLE ROW LEVEL SECURITY;
  ALTER TABLE cell_capacity FORCE ROW LEVEL SECURITY;
  CREATE POLICY all_tenants ON cell_capacity TO openmains_pipeline USING (true) WITH CHECK (true);
  EXECUTE format('CREATE POLICY owner_all ON cell_capacity TO %I USING (true) WITH CHECK (true)', current_user);
  EXECUTE format('CREATE POLICY tenant_all ON cell_capacity TO openmains_api USING (%s) WITH CHECK (%s)', mine, mine);
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON cell_capacity TO openmains_api;
GRANT SELECT ON cell_capacity TO openmains_pipeline;
