-- SPDX-License-Identifier: Apache-2.0
-- Network management (R5.5, ADR 0068): how gateways, their relays and meters are, what happened, and a row a day of each. A node is named by its
-- gateway with a relay's number, or with a meter's; with neither (0, '') it is the gateway itself.

CREATE TABLE network_gateway (
  concentrator_id bigint PRIMARY KEY REFERENCES concentrator ON DELETE CASCADE,
  tenant_id    int NOT NULL,
  reported_us      bigint NOT NULL,
  run          text NOT NULL,
  power        text NOT NULL,
  clock        text NOT NULL,               -- whose time it goes by
  clock_off_ms bigint,                      -- its clock minus the platform's
  version      text NOT NULL,
  network      int NOT NULL,
  slots_used   bigint NOT NULL,
  slots        bigint NOT NULL,
  waiting      bigint NOT NULL,             -- items that the platform does not have yet
  dropped      bigint NOT NULL,
  commands     bigint NOT NULL,
  relays       int[] NOT NULL,              -- that it is configured for
  counters     jsonb NOT NULL
);
CREATE TABLE network_node (
  concentrator_id bigint NOT NULL REFERENCES concentrator ON DELETE CASCADE,
  relay        int NOT NULL,
  meter        text NOT NULL,
  tenant_id    int NOT NULL,
  meter_id     bigint,                      -- of a meter that is in the book behind this gateway
  via          int NOT NULL DEFAULT 0,
  logical      int,
  channel      int,
  slice        int,
  is_active    boolean,
  is_failed    boolean NOT NULL,            -- a relay that does not answer, a meter that is silent
  joined_us    bigint NOT NULL,
  heard_us     bigint,
  reported_us      bigint NOT NULL,
  run          text NOT NULL DEFAULT '',
  messages     bigint NOT NULL DEFAULT 0,   -- of this run, as all that follow; of a relay heard and missed are probes
  repeats      bigint NOT NULL DEFAULT 0,
  heard        bigint NOT NULL DEFAULT 0,
  missed       bigint NOT NULL DEFAULT 0,
  late_ms      bigint,
  clock_off_ms bigint,
  PRIMARY KEY (concentrator_id, relay, meter)
) WITH (fillfactor = 70);
CREATE INDEX network_node_meter ON network_node (meter_id) WHERE meter_id IS NOT NULL;
CREATE TABLE network_day (
  concentrator_id bigint NOT NULL REFERENCES concentrator ON DELETE CASCADE,
  relay        int NOT NULL,
  meter        text NOT NULL,
  day          int NOT NULL,                -- in the utility's zone
  tenant_id    int NOT NULL,
  meter_id     bigint,
  messages     bigint NOT NULL DEFAULT 0,
  repeats      bigint NOT NULL DEFAULT 0,
  heard        bigint NOT NULL DEFAULT 0,
  missed       bigint NOT NULL DEFAULT 0,
  late_ms      bigint,                      -- the newest of the day, as all that follow
  clock_off_ms bigint,
  battery_mv   bigint,
  slots_used   bigint,
  slots        bigint,
  waiting      bigint,
  PRIMARY KEY (concentrator_id, relay, meter, day)
) WITH (fillfactor = 70);
CREATE INDEX network_day_old ON network_day (day);
CREATE TABLE network_event (
  event_id     bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  concentrator_id bigint NOT NULL REFERENCES concentrator ON DELETE CASCADE,
  tenant_id    int NOT NULL,
  store        text NOT NULL,               -- the item's name at its gateway: said twice it is one line
  item         bigint NOT NULL,
  at_us        bigint NOT NULL,             -- 0: the gateway had no time
  received_us  bigint NOT NULL,
  event        text NOT NULL,
  relay        int NOT NULL,
  meter        text NOT NULL,
  meter_id     bigint,
  detail       text NOT NULL,
  UNIQUE (concentrator_id, store, item, event)
);
CREATE INDEX network_event_newest ON network_event (tenant_id, event_id DESC);
CREATE INDEX network_event_of ON network_event (concentrator_id, event_id DESC);
CREATE INDEX network_event_old ON network_event (received_us);
-- What people call a gateway or a relay, and where it stands.
CREATE TABLE network_place (
  concentrator_id bigint NOT NULL REFERENCES concentrator ON DELETE CASCADE,
  relay        int NOT NULL CHECK (relay BETWEEN 0 AND 255),
  tenant_id    int NOT NULL,
  name         text NOT NULL,
  place        text NOT NULL,
  lat_e7       int CHECK (lat_e7 BETWEEN -900000000 AND 900000000),   -- WGS-84, 10^-7 degrees
  lon_e7       int CHECK (lon_e7 BETWEEN -1800000000 AND 1800000000),
  PRIMARY KEY (concentrator_id, relay),
  CHECK ((lat_e7 IS NULL) = (lon_e7 IS NULL))
);

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
  -- As concentrators (0110): not a maker's people, and only where a meter behind is seen; of a meter, if it is seen itself.
  seen text := '(SELECT reach_products()) = ''{}'' AND EXISTS (SELECT FROM concentrator c WHERE c.concentrator_id = %I.concentrator_id)';
  one  text := ' AND (meter = '''' OR EXISTS (SELECT FROM meter m WHERE m.meter_id = %I.meter_id))';
BEGIN
  FOREACH t IN ARRAY ARRAY['network_gateway', 'network_node', 'network_day', 'network_event', 'network_place'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api, openmains_limited USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT ON %I TO openmains_api, openmains_limited', t);
    EXECUTE format('CREATE POLICY within_reach ON %I AS RESTRICTIVE TO openmains_limited USING (%s)', t,
                   CASE WHEN t IN ('network_gateway', 'network_place') THEN format(seen, t) ELSE format(seen || one, t, t) END);
  END LOOP;
END $$;
GRANT INSERT, UPDATE ON network_place TO openmains_api, openmains_limited;
GRANT SELECT, INSERT, UPDATE ON network_gateway, network_node TO openmains_pipeline;
GRANT SELECT, INSERT, UPDATE, DELETE ON network_day TO openmains_pipeline;
GRANT SELECT, INSERT, DELETE ON network_event TO openmains_pipeline;
