-- SPDX-License-Identifier: Apache-2.0
-- The network for people. Role openmains_api.

-- name: heads
-- Gateways, concentrators and DTUs with how they stand and where.
SELECT c.concentrator_id, c.number, coalesce(nullif(c.name, ''), p.name, '') AS name, s.kind AS book_kind, s.is_connected,
       coalesce(g.power = 'battery' OR abs(g.clock_off_ms) >= :off_ms, abs(s.clock_off_s) * 1000 >= :off_ms, false) AS is_warned,
       p.lat_e7, p.lon_e7
  FROM concentrator c
  LEFT JOIN concentrator_state s USING (concentrator_id)
  LEFT JOIN network_gateway g USING (concentrator_id)
  LEFT JOIN network_place p ON p.concentrator_id = c.concentrator_id AND p.relay = 0
 WHERE c.tenant_id = :tenant_id
 ORDER BY c.number

-- name: relays
-- Relays that gateways are configured for.
SELECT n.concentrator_id, n.relay AS number, coalesce(p.name, '') AS name, n.is_failed, p.lat_e7, p.lon_e7
  FROM network_node n
  JOIN network_gateway g ON g.concentrator_id = n.concentrator_id AND n.relay = ANY (g.relays)
  LEFT JOIN network_place p ON p.concentrator_id = n.concentrator_id AND p.relay = n.relay
 WHERE n.tenant_id = :tenant_id AND n.relay > 0
 ORDER BY n.concentrator_id, n.relay

-- name: meters
-- Meters in use behind gateways and concentrators, and those that joined and are not in the book there; where they are as the premises of
-- their account say. Silent is a meter of a gateway by the gateway's word, another one after :silent_us.
SELECT b.concentrator_id AS head_id, false AS at_platform, m.meter_id, m.number, coalesce(n.via, 0) AS via,
       coalesce(n.is_failed, st.last_seen_us < :silent_us) AS is_failed, n.clock_off_ms,
       CASE WHEN :placed::boolean THEN r.lat_e7 END AS lat_e7, CASE WHEN :placed::boolean THEN r.lon_e7 END AS lon_e7
  FROM concentrator_meter b JOIN meter m USING (meter_id)
  LEFT JOIN network_node n ON n.meter_id = b.meter_id AND n.concentrator_id = b.concentrator_id
  LEFT JOIN meter_state st ON st.meter_id = m.meter_id
  LEFT JOIN installation i ON i.meter_id = m.meter_id AND upper_inf(i.during)
  LEFT JOIN account x ON x.account_id = i.account_id LEFT JOIN premises r ON r.premises_id = x.premises_id
 WHERE b.tenant_id = :tenant_id AND m.removed_on IS NULL
UNION ALL
SELECT n.concentrator_id, false, 0, n.meter, n.via, n.is_failed, n.clock_off_ms, NULL, NULL
  FROM network_node n
 WHERE n.tenant_id = :tenant_id AND n.meter <> '' AND n.meter_id IS NULL
 ORDER BY 1, 5, 4
 LIMIT :most

-- name: platforms
-- Operators' platforms; none is well where pushes are missing.
SELECT platform_id, name, CASE WHEN heard_us > 0 THEN is_on AND gap_us IS NULL END AS is_well
  FROM operator_platform WHERE tenant_id = :tenant_id ORDER BY platform_id

-- name: platform_meters
-- Meters that are devices at a platform. Silent by the platform's word, or after :silent_us.
SELECT d.platform_id AS head_id, true AS at_platform, m.meter_id, m.number, 0 AS via,
       coalesce(NOT d.is_online AND st.last_seen_us < :silent_us, st.last_seen_us < :silent_us) AS is_failed, NULL::bigint AS clock_off_ms,
       NULL::int AS lat_e7, NULL::int AS lon_e7
  FROM operator_device d JOIN meter m USING (meter_id) LEFT JOIN meter_state st USING (meter_id)
 WHERE d.tenant_id = :tenant_id AND m.removed_on IS NULL
 ORDER BY d.platform_id, m.number
 LIMIT :most

-- name: behind_all
-- How many meters there are.
SELECT (SELECT count(*) FROM concentrator_meter b JOIN meter m USING (meter_id) WHERE b.tenant_id = :tenant_id AND m.removed_on IS NULL)
     + (SELECT count(*) FROM network_node n WHERE n.tenant_id = :tenant_id AND n.meter <> '' AND n.meter_id IS NULL)

-- name: node
-- One node: the gateway itself (relay 0, meter ''), a relay, or a meter.
SELECT c.concentrator_id, c.number AS gateway, c.name AS gateway_name, s.kind AS book_kind, s.is_connected, s.heard_us AS gateway_heard_us,
       s.connected_us, coalesce(p.name, '') AS name, coalesce(p.place, '') AS place, p.lat_e7, p.lon_e7, b.meter_id, n.via, n.is_failed,
       n.logical, n.channel, n.slice, n.is_active, n.joined_us, n.heard_us, coalesce(n.reported_us, g.reported_us) AS reported_us, n.messages, n.repeats,
       n.heard, n.missed, n.late_ms,
       CASE WHEN :relay = 0 AND :meter = '' THEN coalesce(g.clock_off_ms, s.clock_off_s::bigint * 1000) ELSE n.clock_off_ms END AS clock_off_ms,
       st.battery_mv, st.battery_pct, st.last_seen_us, coalesce(g.power, '') AS power, coalesce(g.clock, '') AS clock,
       coalesce(g.version, '') AS version, g.network, g.slots_used, g.slots, g.waiting, g.dropped, g.commands,
       coalesce(g.counters, '{}') AS counters, n.concentrator_id IS NOT NULL AS is_known
  FROM concentrator c
  LEFT JOIN concentrator_state s USING (concentrator_id)
  LEFT JOIN network_gateway g USING (concentrator_id)
  LEFT JOIN network_node n ON n.concentrator_id = c.concentrator_id AND n.relay = :relay AND n.meter = :wire
  LEFT JOIN network_place p ON p.concentrator_id = c.concentrator_id AND p.relay = :relay AND :meter = ''
  LEFT JOIN meter m ON m.tenant_id = c.tenant_id AND m.number = :meter AND m.removed_on IS NULL
  LEFT JOIN concentrator_meter b ON b.meter_id = m.meter_id AND b.concentrator_id = c.concentrator_id
  LEFT JOIN meter_state st ON st.meter_id = b.meter_id
 WHERE c.tenant_id = :tenant_id AND c.concentrator_id = :concentrator_id

-- name: days
-- Of a relay or a meter, oldest first.
SELECT day, heard, missed, messages, repeats, late_ms, clock_off_ms, battery_mv, slots_used, slots, waiting
  FROM network_day
 WHERE tenant_id = :tenant_id AND concentrator_id = :concentrator_id AND relay = :relay AND meter = :meter AND day >= :since_day
 ORDER BY day

-- name: gateway_days
-- Of a gateway: its own, with what its meters' say together.
SELECT day, sum(heard) FILTER (WHERE meter <> '')::bigint AS heard, sum(missed) FILTER (WHERE meter <> '')::bigint AS missed,
       sum(messages)::bigint AS messages, sum(repeats)::bigint AS repeats, avg(late_ms) FILTER (WHERE meter <> '')::bigint AS late_ms,
       max(clock_off_ms) FILTER (WHERE relay = 0 AND meter = '') AS clock_off_ms, NULL::bigint AS battery_mv, max(slots_used) AS slots_used,
       max(slots) AS slots, max(waiting) AS waiting
  FROM network_day
 WHERE tenant_id = :tenant_id AND concentrator_id = :concentrator_id AND day >= :since_day
 GROUP BY day ORDER BY day

-- name: events
-- The log, newest first.
SELECT e.event_id, e.concentrator_id, c.number AS gateway, e.at_us, e.received_us, e.event, e.relay, e.meter, e.meter_id, e.detail
  FROM network_event e JOIN concentrator c USING (concentrator_id)
 WHERE e.tenant_id = :tenant_id AND (:before::bigint IS NULL OR e.event_id < :before)
   AND (:concentrator_id::bigint IS NULL OR e.concentrator_id = :concentrator_id)
   AND (:relay::int IS NULL OR e.relay = :relay) AND (:meter::text IS NULL OR e.meter = :meter)
   AND (NOT :faults::boolean OR e.event = ANY (:fault_events::text[]))
 ORDER BY e.event_id DESC LIMIT :most

-- name: place
-- What it is called and where it is; a row also where nobody said so, none where there is no such gateway or relay.
SELECT coalesce(p.name, '') AS name, coalesce(p.place, '') AS place, p.lat_e7, p.lon_e7
  FROM concentrator c LEFT JOIN network_place p ON p.concentrator_id = c.concentrator_id AND p.relay = :relay
 WHERE c.tenant_id = :tenant_id AND c.concentrator_id = :concentrator_id
   AND (:relay = 0 OR EXISTS (SELECT FROM network_node n WHERE n.concentrator_id = c.concentrator_id AND n.relay = :relay AND n.meter = ''))

-- name: set_place
-- Another one, or the first.
INSERT INTO network_place (concentrator_id, relay, tenant_id, name, place, lat_e7, lon_e7)
VALUES (:concentrator_id, :relay, :tenant_id, :name, :place, :lat_e7, :lon_e7)
ON CONFLICT (concentrator_id, relay) DO UPDATE
   SET name = excluded.name, place = excluded.place, lat_e7 = excluded.lat_e7, lon_e7 = excluded.lon_e7
