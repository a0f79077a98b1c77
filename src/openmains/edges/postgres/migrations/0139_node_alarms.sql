-- SPDX-License-Identifier: Apache-2.0
-- An alarm is about a meter, or about a node of the network: a gateway, or a relay of one (ADR 0069). All that follows an alarm – its life, groups,
-- mutes, notices, orders – goes by the alarm, so a node's takes the same way. Nothing of the alarms of meters changes.

ALTER TABLE alarm
  ALTER COLUMN meter_id DROP NOT NULL,
  ADD COLUMN concentrator_id bigint,                    -- of a node; no reference, for an alarm outlives its gateway as it outlives its meter
  ADD COLUMN relay           smallint NOT NULL DEFAULT 0, -- 0: the gateway itself
  ADD COLUMN node            text NOT NULL DEFAULT '',  -- as people read it: the gateway's number, with the relay's behind it
  ADD COLUMN area_id         int,                       -- of a node: the smallest area that held all its meters then; of a meter its own area counts
  ADD CONSTRAINT alarm_subject CHECK (num_nonnulls(meter_id, concentrator_id) = 1) NOT VALID; -- of what is there every row has a meter
CREATE UNIQUE INDEX alarm_open_node ON alarm (concentrator_id, relay, event) WHERE concentrator_id IS NOT NULL AND cleared_us IS NULL;
CREATE INDEX alarm_of_nodes ON alarm (tenant_id, alarm_id DESC) WHERE concentrator_id IS NOT NULL;
CREATE INDEX alarm_node_hushed ON alarm (cleared_us) WHERE concentrator_id IS NOT NULL AND cleared_by IS NOT NULL;

-- What is looked at every two seconds: only what is not well.
CREATE INDEX concentrator_state_away ON concentrator_state (concentrator_id) WHERE NOT is_connected AND kind = 4;
CREATE INDEX network_node_lost ON network_node (concentrator_id) WHERE is_failed AND relay > 0 AND meter = '';
CREATE INDEX network_event_double ON network_event (received_us) WHERE event = 'duplicate_gateway';

-- The smallest area that holds all meters behind a gateway; null where none does, or there is none.
CREATE FUNCTION node_area(p_concentrator bigint) RETURNS int LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT a.area_id
    FROM (SELECT min(b.path COLLATE "C") AS low, max(b.path COLLATE "C") AS high, min(m.tenant_id) AS tenant_id
            FROM concentrator_meter c JOIN meter m USING (meter_id) JOIN area b ON b.area_id = m.area_id
           WHERE c.concentrator_id = p_concentrator AND m.removed_on IS NULL) x
         JOIN generate_series(1, length(x.low) / 8) AS level ON left(x.low, level * 8) = left(x.high, level * 8)
         JOIN area a ON a.tenant_id = x.tenant_id AND a.path = left(x.low, level * 8)
   ORDER BY level DESC LIMIT 1
$$;
-- What people call a gateway or a relay, and where they say it stands.
CREATE FUNCTION node_name(p_concentrator bigint, p_relay int) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT concat_ws(' ', nullif(c.name, ''), nullif(p.name, ''), nullif(p.place, ''))
    FROM concentrator c LEFT JOIN network_place p ON p.concentrator_id = c.concentrator_id AND p.relay = p_relay
   WHERE c.concentrator_id = p_concentrator
$$;
REVOKE ALL ON FUNCTION node_area(bigint), node_name(bigint, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION node_area(bigint), node_name(bigint, int) TO openmains_pipeline;
GRANT SELECT ON network_place TO openmains_pipeline;

-- Who is limited sees a node's alarm as the network page shows the node: not a maker's people, and only where a meter behind it is seen.
ALTER POLICY within_reach ON alarm USING (EXISTS (SELECT FROM meter m WHERE m.meter_id = alarm.meter_id)
  OR (concentrator_id IS NOT NULL AND EXISTS (SELECT FROM concentrator c WHERE c.concentrator_id = alarm.concentrator_id)));

-- Subscriptions are told of it like of a meter's, with the node in place of the meter.
ALTER TABLE outbox_event ALTER COLUMN meter_id DROP NOT NULL;
ALTER POLICY within_reach ON outbox_event USING (EXISTS (SELECT FROM meter m WHERE m.meter_id = outbox_event.meter_id)
  OR (meter_id IS NULL AND EXISTS (SELECT FROM alarm l WHERE l.alarm_id = outbox_event.subject_id)));
CREATE OR REPLACE FUNCTION alarm_data(a alarm) RETURNS jsonb LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT jsonb_build_object('event', a.event, 'severity', a.severity, 'raised_at', a.raised_at, 'received_us', a.received_us,
    'shown_us', a.shown_us, 'occurrences', a.occurrences, 'quantity', a.quantity, 'value', a.value, 'bound', a.bound,
    'unit', a.unit, 'exponent', a.exponent, 'cleared_us', a.cleared_us, 'acknowledged_by', a.acknowledged_by, 'state', a.state, 'group_id', a.group_id)
  || CASE WHEN a.meter_id IS NULL
       THEN jsonb_build_object('node', a.node, 'concentrator_id', a.concentrator_id, 'relay', a.relay, 'area_id', a.area_id) ELSE '{}' END
$$;
