-- SPDX-License-Identifier: Apache-2.0
-- Concentrators in the book: people register and change them by the API, edges say how they stand, and commands go down behind them.

GRANT INSERT, UPDATE, DELETE ON concentrator, concentrator_meter TO openmains_api;
GRANT INSERT, UPDATE, DELETE ON concentrator, concentrator_meter TO openmains_pipeline; -- imports run in the worker

-- How a concentrator stands, as its edge last said. Of a node that died without a word the row is put right when it starts again.
CREATE TABLE concentrator_state (
  concentrator_id bigint PRIMARY KEY REFERENCES concentrator ON DELETE CASCADE,
  tenant_id    int NOT NULL,
  node         int NOT NULL,
  is_connected boolean NOT NULL,
  is_proven    boolean NOT NULL,            -- by a certificate of its own
  host         text NOT NULL,
  kind         smallint NOT NULL,           -- as it registered: 1 meter, 2 concentrator, 3 DTU
  wakes        smallint NOT NULL,           -- 0 always on, 1 day, 2 ten days, 3 month
  firmware     bigint NOT NULL,
  signal_dbm   int,                         -- of its newest heartbeat
  clock_off_s  int,                         -- its clock minus ours then
  connected_us bigint NOT NULL,
  heard_us     bigint NOT NULL,
  ended_us     bigint,
  ending       text NOT NULL DEFAULT '',    -- why the connection ended
  frames       jsonb NOT NULL DEFAULT '[]'  -- the newest, oldest first
);
CREATE INDEX concentrator_state_node ON concentrator_state (node) WHERE is_connected;
DO $$
DECLARE
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['concentrator', 'concentrator_meter'] LOOP
    EXECUTE format('DROP POLICY tenant_only ON %I', t);
    EXECUTE format('DROP POLICY all_tenants ON %I', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
  END LOOP;
  ALTER TABLE concentrator_state ENABLE ROW LEVEL SECURITY;
  ALTER TABLE concentrator_state FORCE ROW LEVEL SECURITY;
  CREATE POLICY all_tenants ON concentrator_state TO openmains_pipeline USING (true) WITH CHECK (true);
  EXECUTE format('CREATE POLICY owner_all ON concentrator_state TO %I USING (true) WITH CHECK (true)', current_user);
  EXECUTE format('CREATE POLICY tenant_only ON concentrator_state TO openmains_api USING (%s)', mine);
END $$;
GRANT SELECT ON concentrator_state TO openmains_api;
GRANT SELECT, INSERT, UPDATE ON concentrator_state TO openmains_pipeline;

-- How a command reaches a meter: behind a concentrator by it, else as the product says.
CREATE FUNCTION command_channel(of_meter bigint, settings jsonb) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN EXISTS (SELECT FROM concentrator_meter b WHERE b.meter_id = of_meter) THEN 'gateway'
              ELSE coalesce(settings ->> 'channel', 'direct') END
$$;
GRANT EXECUTE ON FUNCTION command_channel TO openmains_api, openmains_pipeline;
