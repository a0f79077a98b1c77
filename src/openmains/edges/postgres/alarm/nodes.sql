-- SPDX-License-Identifier: Apache-2.0
-- Faults of gateways and relays as they stand, and the alarms about them. Role openmains_pipeline.

-- name: node_faults
-- What is wrong now, of all utilities. A gateway whose edge began anew is given time to say a word (:silent_us); a clock counts from
-- :off_ms on.
SELECT 'gateway_silent' AS event, c.concentrator_id, 0 AS relay, c.tenant_id, c.number, s.heard_us AS since_us, 0::bigint AS off_ms
  FROM concentrator_state s JOIN concentrator c USING (concentrator_id)
 WHERE NOT s.is_connected AND s.kind = 4 AND (s.ending = 'silent' OR s.ended_us < :silent_us)
UNION ALL
-- Over TCP (kinds 2 and 3): their edge ends a connection that says nothing; who is always on has :late_us[1] to come back, whoever sleeps is late
-- when its time has passed without a word. Whoever never came is not looked for.
SELECT 'concentrator_silent', c.concentrator_id, 0, c.tenant_id, c.number, s.heard_us, 0
  FROM concentrator_state s JOIN concentrator c USING (concentrator_id)
 WHERE NOT s.is_connected AND s.kind IN (2, 3) AND s.heard_us < (:late_us::bigint[])[1]
   AND CASE WHEN s.wakes = 0 THEN s.ended_us ELSE s.heard_us END < (:late_us::bigint[])[s.wakes + 1]
UNION ALL
SELECT 'relay_lost', c.concentrator_id, n.relay, c.tenant_id, c.number, coalesce(n.heard_us, n.reported_us), 0
  FROM network_node n JOIN network_gateway g USING (concentrator_id) JOIN concentrator c USING (concentrator_id)
 WHERE n.is_failed AND n.relay > 0 AND n.meter = '' AND n.relay = ANY (g.relays)
UNION ALL
SELECT 'gateway_clock_off', c.concentrator_id, 0, c.tenant_id, c.number, g.reported_us, g.clock_off_ms
  FROM network_gateway g JOIN concentrator c USING (concentrator_id) WHERE abs(g.clock_off_ms) >= :off_ms
UNION ALL
SELECT 'gateway_on_battery', c.concentrator_id, 0, c.tenant_id, c.number, g.reported_us, 0
  FROM network_gateway g JOIN concentrator c USING (concentrator_id) WHERE g.power = 'battery'
UNION ALL
SELECT 'gateway_duplicated', c.concentrator_id, 0, c.tenant_id, c.number, min(e.received_us), 0
  FROM network_event e JOIN concentrator c USING (concentrator_id)
 WHERE e.event = 'duplicate_gateway' AND e.received_us >= :double_us
 GROUP BY c.concentrator_id, c.tenant_id, c.number

-- name: open_node_alarms
-- Alarms about nodes that are not over.
SELECT alarm_id, event, tenant_id, concentrator_id, relay FROM alarm WHERE concentrator_id IS NOT NULL AND cleared_us IS NULL

-- name: hushed_nodes
-- What a person said is over since an instant.
SELECT DISTINCT event, tenant_id, concentrator_id, relay FROM alarm
 WHERE concentrator_id IS NOT NULL AND cleared_by IS NOT NULL AND cleared_us >= :since_us

-- name: clear_node_alarms
-- The fault is gone.
UPDATE alarm a SET cleared_us = :now_us, last_us = :now_us
  FROM (SELECT alarm_id FROM alarm WHERE alarm_id = ANY (:alarm_ids::bigint[]) AND cleared_us IS NULL ORDER BY alarm_id FOR UPDATE) d
 WHERE a.alarm_id = d.alarm_id

-- name: raise_node_alarms
-- Each once, whoever looks at the same time. Known to the platform from now on, whenever it began.
INSERT INTO alarm (tenant_id, concentrator_id, relay, node, area_id, event, severity, raised_at, received_us, shown_us, last_us)
SELECT u.tenant_id, u.concentrator_id, u.relay, u.node, node_area(u.concentrator_id), u.event, u.severity, u.since_us / 1000000, :now_us, :now_us, :now_us
  FROM unnest(:tenant_ids::int[], :concentrator_ids::bigint[], :relays::int[], :nodes::text[], :events::text[], :severities::text[], :since_us::bigint[])
       AS u(tenant_id, concentrator_id, relay, node, event, severity, since_us)
ON CONFLICT DO NOTHING
