-- SPDX-License-Identifier: Apache-2.0
-- Safety closings (R4.8, docs/commands.md): a kind with a lane of its own, and what stands at a meter until two persons have said
-- that the site was inspected. That a utility or a product forbids ordinary remote closing. What the signer reads for it.

ALTER TABLE command DROP CONSTRAINT command_kind, DROP CONSTRAINT command_lane;
ALTER TABLE command ADD CONSTRAINT command_kind CHECK (kind IN ('read_now', 'read_intervals', 'read_status', 'log_pull',
  'valve_close', 'valve_open', 'safety_close', 'set_parameters', 'set_signed_parameters', 'read_parameters', 'set_price', 'top_up',
  'set_clock', 'set_platform', 'restart', 'factory_reset')) NOT VALID;
ALTER TABLE command ADD CONSTRAINT command_lane CHECK (lane = CASE
  WHEN kind = 'safety_close' THEN 4
  WHEN kind IN ('valve_close', 'valve_open', 'top_up', 'set_price', 'set_platform', 'factory_reset', 'set_signed_parameters') THEN 1
  WHEN kind IN ('set_parameters', 'set_clock', 'restart') THEN 2 ELSE 3 END) NOT VALID;
CREATE INDEX command_waiting_safety ON command_waiting (due_at) WHERE lane = 4;

CREATE TABLE meter_safety (
  safety_id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id    int NOT NULL,
  meter_id     bigint NOT NULL REFERENCES meter ON DELETE CASCADE,
  command_id   bigint REFERENCES command ON DELETE SET NULL,
  reason       text NOT NULL,                   -- number, as in the frame
  evidence     text NOT NULL,
  work_order   text NOT NULL DEFAULT '',
  ordered_us   bigint NOT NULL,                 -- allowed by the signer
  closed_us    bigint,                          -- the meter said so
  failed_us    bigint,                          -- it did not, or nobody knows
  opened_us    bigint,                          -- the meter said that its valve is open, though the closing stands
  -- from here on the act 'site inspected', written by the API; the signer's ledger decides whether anything may be opened
  lifted_us    bigint,
  inspected_by text NOT NULL DEFAULT '',        -- login at the signer
  agreed_by    text NOT NULL DEFAULT '',        -- of the second person
  lift_note    text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX meter_safety_standing ON meter_safety (meter_id) WHERE lifted_us IS NULL;
CREATE INDEX meter_safety_newest ON meter_safety (tenant_id, safety_id DESC);
CREATE INDEX meter_safety_command ON meter_safety (command_id);

ALTER TABLE command_policy ADD COLUMN remote_closing boolean NOT NULL DEFAULT true;
-- The signer reads it as a truth value, as it does 'prepaid' (migration 0008).
ALTER TABLE product ADD CONSTRAINT product_remote_closing CHECK (jsonb_typeof(settings -> 'remote_closing') = 'boolean') NOT VALID;

DO $$
DECLARE
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  ALTER TABLE meter_safety ENABLE ROW LEVEL SECURITY;
  ALTER TABLE meter_safety FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY tenant_reads ON meter_safety FOR SELECT TO openmains_api USING (%s)', mine);
  EXECUTE format('CREATE POLICY tenant_lifts ON meter_safety FOR UPDATE TO openmains_api USING (%s AND lifted_us IS NULL)'
    ' WITH CHECK (%s)', mine, mine);
  CREATE POLICY all_tenants ON meter_safety TO openmains_pipeline USING (true) WITH CHECK (true);
  EXECUTE format('CREATE POLICY owner_all ON meter_safety TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
GRANT SELECT ON meter_safety TO openmains_api;
GRANT UPDATE (lifted_us, inspected_by, agreed_by, lift_note) ON meter_safety TO openmains_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON meter_safety TO openmains_pipeline;

-- Which meter has itself reported a danger makes one person enough. So who only serves people may not make up an alarm, nor
-- change what one is about.
REVOKE INSERT, UPDATE, DELETE ON alarm FROM openmains_api;
GRANT UPDATE (acknowledged_by, acknowledged_at, cleared_us) ON alarm TO openmains_api;
CREATE POLICY signer_reads ON alarm FOR SELECT TO openmains_signer USING (true);
GRANT SELECT (tenant_id, meter_id, event, received_us, last_us, cleared_us) ON alarm TO openmains_signer;

-- A meter that is closed for safety and says that its valve is open: the condition is looked at on each report, the function
-- runs where a valve has moved. Somebody turned the key on the spot, or the valve does not hold.
CREATE FUNCTION meter_safety_opened() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  now_us bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
BEGIN
  UPDATE meter_safety SET opened_us = now_us
   WHERE meter_id = NEW.meter_id AND lifted_us IS NULL AND closed_us IS NOT NULL AND opened_us IS NULL;
  IF FOUND THEN
    INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us)
    VALUES (NEW.tenant_id, NEW.meter_id, 'safety_opened', 'critical', now_us / 1000000, now_us, now_us, now_us)
    ON CONFLICT (meter_id, event) WHERE cleared_us IS NULL
    DO UPDATE SET occurrences = alarm.occurrences + 1, last_us = excluded.last_us;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER meter_safety_opened AFTER UPDATE OF valve ON meter_state FOR EACH ROW
  WHEN (NEW.valve = 0 AND OLD.valve IS DISTINCT FROM 0) EXECUTE FUNCTION meter_safety_opened();
