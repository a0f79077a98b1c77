-- SPDX-License-Identifier: Apache-2.0
-- Commands to gateways themselves (R5.5, ADR 0075): the life of a meter's command (domain/command/life.py) with a table of its own, for a gateway
-- has no meter, product, serial or signer.

ALTER TABLE network_gateway ADD COLUMN parameters jsonb NOT NULL DEFAULT '{}'; -- by which it goes, as it said; {} where it never did
CREATE TABLE gateway_command (
  command_id   bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL,
  concentrator_id bigint NOT NULL REFERENCES concentrator ON DELETE CASCADE,
  kind         text NOT NULL CHECK (kind IN ('set_parameters', 'read_parameters')),
  parameters   jsonb NOT NULL,
  unique_key   text NOT NULL,
  state        text NOT NULL CHECK (state IN ('drafted', 'quarantined', 'approved', 'queued', 'sent', 'delivered', 'asking', 'confirmed', 'failed',
                                              'expired', 'cancelled')),
  reason       text NOT NULL DEFAULT '',    -- code of how it ended
  named        text NOT NULL DEFAULT '',    -- the parameter that it is about
  note         text NOT NULL,               -- why it was given
  answer       jsonb,                       -- what the gateway goes by, as it said to this
  attempts     int NOT NULL DEFAULT 0,
  created_by   int NOT NULL,
  given_by     text NOT NULL,
  created_us   bigint NOT NULL,
  not_after    bigint NOT NULL,             -- s
  sent_us      bigint,                      -- first
  tried_us     bigint,                      -- last
  ended_us     bigint,
  UNIQUE (tenant_id, unique_key)
) WITH (fillfactor = 80);
CREATE INDEX gateway_command_newest ON gateway_command (tenant_id, command_id DESC);
CREATE INDEX gateway_command_of ON gateway_command (concentrator_id, command_id DESC);
CREATE INDEX gateway_command_open ON gateway_command (concentrator_id, command_id) WHERE ended_us IS NULL;
CREATE TABLE gateway_command_event (
  event_id     bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL,
  command_id   bigint NOT NULL REFERENCES gateway_command ON DELETE CASCADE,
  at_us        bigint NOT NULL,
  event        text NOT NULL,
  state        text NOT NULL,
  actor        text NOT NULL,               -- login; '' where nobody's
  detail       text NOT NULL
);
CREATE INDEX gateway_command_event_of ON gateway_command_event (command_id, event_id);

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['gateway_command', 'gateway_command_event'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api, openmains_limited USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO openmains_api, openmains_limited, openmains_pipeline', t);
  END LOOP;
END $$;
-- As the network page (0132): not a maker's people, and only where a meter behind is seen.
CREATE POLICY within_reach ON gateway_command AS RESTRICTIVE TO openmains_limited
  USING ((SELECT reach_products()) = '{}' AND EXISTS (SELECT FROM concentrator c WHERE c.concentrator_id = gateway_command.concentrator_id));
CREATE POLICY within_reach ON gateway_command_event AS RESTRICTIVE TO openmains_limited
  USING (EXISTS (SELECT FROM gateway_command g WHERE g.command_id = gateway_command_event.command_id));
GRANT UPDATE (state, reason, ended_us) ON gateway_command TO openmains_api, openmains_limited;
GRANT UPDATE ON gateway_command TO openmains_pipeline;
