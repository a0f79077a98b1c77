-- SPDX-License-Identifier: Apache-2.0
-- What gateways say of their networks, written by the edge that hears them. Role openmains_pipeline.

-- name: lock_heads
-- Before anything is written of these gateways: of two edges that heard the same, the second counts from what the first has written.
SELECT concentrator_id FROM concentrator WHERE number = ANY (:numbers::text[]) ORDER BY concentrator_id FOR NO KEY UPDATE

-- name: put_gateways
-- How gateways are, and their row of the day.
WITH said AS (
  SELECT c.concentrator_id, c.tenant_id, u.*
    FROM unnest(:numbers::text[], :reported_us::bigint[], :days::int[], :runs::text[], :powers::text[], :clocks::text[], :offs::bigint[],
                :versions::text[], :networks::int[], :slots_used::bigint[], :slots::bigint[], :waiting::bigint[], :dropped::bigint[],
                :commands::bigint[], :relays::text[], :counters::text[], :parameters::text[])
         AS u(number, reported_us, day, run, power, clock, off, version, network, slots_used, slots, waiting, dropped, commands, relays, counters,
              parameters)
    JOIN concentrator c USING (number)),
 days AS (
  INSERT INTO network_day AS d (concentrator_id, relay, meter, day, tenant_id, clock_off_ms, slots_used, slots, waiting)
  SELECT concentrator_id, 0, '', day, tenant_id, off, slots_used, slots, waiting FROM said ORDER BY concentrator_id
  ON CONFLICT (concentrator_id, relay, meter, day) DO UPDATE
     SET clock_off_ms = excluded.clock_off_ms, slots_used = excluded.slots_used, slots = excluded.slots,
         waiting = greatest(d.waiting, excluded.waiting))
INSERT INTO network_gateway AS g (concentrator_id, tenant_id, reported_us, run, power, clock, clock_off_ms, version, network, slots_used, slots,
                                  waiting, dropped, commands, relays, counters, parameters)
SELECT concentrator_id, tenant_id, reported_us, run, power, clock, off, version, network, slots_used, slots, waiting, dropped, commands,
       relays::int[], counters::jsonb, parameters::jsonb
  FROM said ORDER BY concentrator_id
ON CONFLICT (concentrator_id) DO UPDATE
   SET tenant_id = excluded.tenant_id, reported_us = excluded.reported_us, run = excluded.run, power = excluded.power, clock = excluded.clock,
       clock_off_ms = excluded.clock_off_ms, version = excluded.version, network = excluded.network, slots_used = excluded.slots_used,
       slots = excluded.slots, waiting = excluded.waiting, dropped = excluded.dropped, commands = excluded.commands,
       relays = excluded.relays, counters = excluded.counters, parameters = excluded.parameters
 WHERE g.reported_us <= excluded.reported_us

-- name: put_nodes
-- How relays and meters are. What is new since the row that is there – all of it, where the gateway's program began anew – goes into the row
-- of the day, so that words said twice count once, whoever writes them: counters of a run only rise, and of a run that is over nothing counts
-- any more. After lock_heads.
WITH said AS (
  SELECT c.concentrator_id, c.tenant_id, u.*
    FROM unnest(:numbers::text[], :relays::int[], :meters::text[], :meter_ids::bigint[], :reported_us::bigint[], :days::int[], :runs::text[],
                :vias::int[], :logicals::int[], :channels::int[], :slices::int[], :active::boolean[], :failed::boolean[],
                :heard_us::bigint[], :messages::bigint[], :repeats::bigint[], :heard::bigint[], :missed::bigint[], :late::bigint[],
                :offs::bigint[])
         AS u(number, relay, meter, meter_id, reported_us, day, run, via, logical, channel, slice, is_active, is_failed, heard_us, messages,
              repeats, heard, missed, late_ms, clock_off_ms)
    JOIN concentrator c USING (number)),
 known AS (
  SELECT n.* FROM network_node n
   WHERE (n.concentrator_id, n.relay, n.meter) IN (SELECT s.concentrator_id, s.relay, s.meter FROM said s)),
 days AS (
  INSERT INTO network_day AS d (concentrator_id, relay, meter, day, tenant_id, meter_id, messages, repeats, heard, missed, late_ms,
                                clock_off_ms, battery_mv)
  SELECT s.concentrator_id, s.relay, s.meter, s.day, s.tenant_id, s.meter_id,
         greatest(s.messages - coalesce(k.messages, 0), 0), greatest(s.repeats - coalesce(k.repeats, 0), 0),
         greatest(s.heard - coalesce(k.heard, 0), 0), greatest(s.missed - coalesce(k.missed, 0), 0), s.late_ms, s.clock_off_ms,
         (SELECT t.battery_mv FROM meter_state t WHERE t.meter_id = s.meter_id)
    FROM said s LEFT JOIN known k ON (k.concentrator_id, k.relay, k.meter, k.run) = (s.concentrator_id, s.relay, s.meter, s.run)
   WHERE k.run IS NOT NULL OR NOT EXISTS (
           SELECT FROM known o WHERE (o.concentrator_id, o.relay, o.meter) = (s.concentrator_id, s.relay, s.meter) AND o.reported_us > s.reported_us)
   ORDER BY s.concentrator_id, s.relay, s.meter
  ON CONFLICT (concentrator_id, relay, meter, day) DO UPDATE
     SET meter_id = excluded.meter_id, messages = d.messages + excluded.messages, repeats = d.repeats + excluded.repeats,
         heard = d.heard + excluded.heard, missed = d.missed + excluded.missed, late_ms = coalesce(excluded.late_ms, d.late_ms),
         clock_off_ms = coalesce(excluded.clock_off_ms, d.clock_off_ms), battery_mv = coalesce(excluded.battery_mv, d.battery_mv))
INSERT INTO network_node AS n (concentrator_id, relay, meter, tenant_id, meter_id, via, logical, channel, slice, is_active, is_failed,
                               joined_us, heard_us, reported_us, run, messages, repeats, heard, missed, late_ms, clock_off_ms)
SELECT concentrator_id, relay, meter, tenant_id, meter_id, via, logical, channel, slice, is_active, is_failed, reported_us, heard_us, reported_us, run,
       messages, repeats, heard, missed, late_ms, clock_off_ms
  FROM said ORDER BY concentrator_id, relay, meter
ON CONFLICT (concentrator_id, relay, meter) DO UPDATE
   SET tenant_id = excluded.tenant_id, meter_id = excluded.meter_id, via = excluded.via, logical = excluded.logical,
       channel = excluded.channel, slice = excluded.slice, is_active = excluded.is_active, is_failed = excluded.is_failed,
       heard_us = coalesce(excluded.heard_us, n.heard_us), reported_us = excluded.reported_us, run = excluded.run,
       messages = CASE WHEN n.run = excluded.run THEN greatest(n.messages, excluded.messages) ELSE excluded.messages END,
       repeats = CASE WHEN n.run = excluded.run THEN greatest(n.repeats, excluded.repeats) ELSE excluded.repeats END,
       heard = CASE WHEN n.run = excluded.run THEN greatest(n.heard, excluded.heard) ELSE excluded.heard END,
       missed = CASE WHEN n.run = excluded.run THEN greatest(n.missed, excluded.missed) ELSE excluded.missed END,
       late_ms = coalesce(excluded.late_ms, n.late_ms), clock_off_ms = coalesce(excluded.clock_off_ms, n.clock_off_ms)
 WHERE n.run = excluded.run OR n.reported_us <= excluded.reported_us

-- name: put_events
-- Lines of the log; one that is there already is left.
INSERT INTO network_event (concentrator_id, tenant_id, store, item, at_us, received_us, event, relay, meter, meter_id, detail)
SELECT c.concentrator_id, c.tenant_id, u.store, u.item, u.at_us, u.received_us, u.event, u.relay, u.meter, u.meter_id, u.detail
  FROM unnest(:numbers::text[], :stores::text[], :items::bigint[], :at_us::bigint[], :received_us::bigint[], :events::text[],
              :relays::int[], :meters::text[], :meter_ids::bigint[], :details::text[])
       AS u(number, store, item, at_us, received_us, event, relay, meter, meter_id, detail)
  JOIN concentrator c USING (number)
 ORDER BY u.received_us, c.concentrator_id, u.item
ON CONFLICT (concentrator_id, store, item, event) DO NOTHING

-- name: put_failures
-- Nodes that failed or came back, by an event: at once, and not where a newer state said how they are.
INSERT INTO network_node AS n (concentrator_id, relay, meter, tenant_id, meter_id, is_failed, joined_us, reported_us)
SELECT c.concentrator_id, u.relay, u.meter, c.tenant_id, u.meter_id, u.is_failed, u.at_us, u.at_us
  FROM unnest(:numbers::text[], :relays::int[], :meters::text[], :meter_ids::bigint[], :failed::boolean[], :at_us::bigint[])
       AS u(number, relay, meter, meter_id, is_failed, at_us)
  JOIN concentrator c USING (number)
 ORDER BY c.concentrator_id, u.relay, u.meter
ON CONFLICT (concentrator_id, relay, meter) DO UPDATE SET is_failed = excluded.is_failed, reported_us = excluded.reported_us
 WHERE n.reported_us <= excluded.reported_us

-- name: forget_days
-- Days that are older than they are kept.
DELETE FROM network_day WHERE day < :before

-- name: forget_events
-- Lines of the log that are.
DELETE FROM network_event WHERE received_us < :before_us
