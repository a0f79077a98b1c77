-- SPDX-License-Identifier: Apache-2.0
-- Alarms as people list and handle them; the pipeline raises and clears them (ingest/queries.sql).

-- name: alarms
-- Of a tenant, newest first; a filter that is null takes all.
SELECT l.alarm_id, l.meter_id, m.number, m.area_id, l.event, l.severity, l.raised_at, l.received_us, l.shown_us,
       l.occurrences, l.last_us, l.cleared_us, l.acknowledged_by, l.acknowledged_at,
       l.quantity, l.value, l.bound, l.unit, l.exponent
  FROM alarm l JOIN meter m USING (meter_id)
 WHERE l.tenant_id = :tenant_id AND (:after::bigint IS NULL OR l.alarm_id < :after)
   AND (:is_cleared::boolean IS NULL OR (l.cleared_us IS NOT NULL) = :is_cleared)
   AND (:is_acknowledged::boolean IS NULL OR (l.acknowledged_at IS NOT NULL) = :is_acknowledged)
   AND (:severity::text IS NULL OR l.severity = :severity) AND (:event::text IS NULL OR l.event = :event)
   AND (:meter_id::bigint IS NULL OR l.meter_id = :meter_id) AND (:area_id::int IS NULL OR m.area_id IN
        (SELECT b.area_id FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
           WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id))
 ORDER BY l.alarm_id DESC LIMIT :most

-- name: alarm_counts
-- All open ones that the filters take, counted by grade, by age and by how soon they could be seen. Reads the open alarms only.
SELECT count(*) AS open, count(*) FILTER (WHERE l.acknowledged_at IS NULL) AS unacknowledged,
       count(*) FILTER (WHERE l.severity = 'critical') AS critical, count(*) FILTER (WHERE l.severity = 'major') AS major,
       count(*) FILTER (WHERE l.severity = 'minor') AS minor, count(*) FILTER (WHERE l.severity = 'info') AS info,
       count(*) FILTER (WHERE a.s < 3600) AS hour, count(*) FILTER (WHERE a.s >= 3600 AND a.s < 86400) AS day,
       count(*) FILTER (WHERE a.s >= 86400 AND a.s < 604800) AS week, count(*) FILTER (WHERE a.s >= 604800) AS older,
       count(*) FILTER (WHERE a.delay_ms <= :target_ms::bigint) AS in_time, coalesce(max(a.delay_ms), 0) AS worst_delay_ms
  FROM alarm l JOIN meter m USING (meter_id)
       CROSS JOIN LATERAL (SELECT (:now_us::bigint - l.received_us) / 1000000 AS s,
                                  greatest(0, (l.shown_us - l.received_us) / 1000) AS delay_ms) a
 WHERE l.tenant_id = :tenant_id AND l.cleared_us IS NULL
   AND (:severity::text IS NULL OR l.severity = :severity) AND (:event::text IS NULL OR l.event = :event)
   AND (:meter_id::bigint IS NULL OR l.meter_id = :meter_id) AND (:area_id::int IS NULL OR m.area_id IN
        (SELECT b.area_id FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
           WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id))

-- name: lock_alarm
-- One of them, until the transaction ends.
SELECT l.alarm_id, l.meter_id, m.number, m.area_id, l.event, l.severity, l.raised_at, l.received_us, l.shown_us,
       l.occurrences, l.last_us, l.cleared_us, l.acknowledged_by, l.acknowledged_at,
       l.quantity, l.value, l.bound, l.unit, l.exponent
  FROM alarm l JOIN meter m USING (meter_id)
 WHERE l.tenant_id = :tenant_id AND l.alarm_id = :alarm_id
   FOR UPDATE OF l

-- name: acknowledge_alarm
-- Somebody has seen it.
UPDATE alarm SET acknowledged_by = :user_id, acknowledged_at = now()
 WHERE tenant_id = :tenant_id AND alarm_id = :alarm_id

-- name: clear_alarm
-- A person says it is over.
UPDATE alarm SET cleared_us = :now_us WHERE tenant_id = :tenant_id AND alarm_id = :alarm_id

-- name: limits_of_product
-- Limits of quantities of all devices of a product.
SELECT quantity, low, high, hysteresis, severity FROM quantity_limit
 WHERE tenant_id = :tenant_id AND product_id = :product_id ORDER BY limit_id

-- name: limits_of_device
-- A device's own.
SELECT quantity, low, high, hysteresis, severity FROM quantity_limit
 WHERE tenant_id = :tenant_id AND meter_id = :meter_id ORDER BY limit_id

-- name: drop_limits_of_product
-- Before others come in their place.
DELETE FROM quantity_limit WHERE tenant_id = :tenant_id AND product_id = :product_id

-- name: drop_limits_of_device
-- The same of a device.
DELETE FROM quantity_limit WHERE tenant_id = :tenant_id AND meter_id = :meter_id

-- name: add_limits
-- Of a product or of a device.
INSERT INTO quantity_limit (tenant_id, product_id, meter_id, quantity, low, high, hysteresis, severity)
SELECT :tenant_id, :product_id::int, :meter_id::bigint, u.*
  FROM unnest(:quantity::text[], :low::bigint[], :high::bigint[], :hysteresis::bigint[], :severity::text[]) AS u

-- name: end_unwatched
-- Alarms about limits that are no more, of a product's devices or of one device: nothing would end them.
UPDATE alarm a SET cleared_us = :now_us
  FROM meter m
 WHERE a.tenant_id = :tenant_id AND a.cleared_us IS NULL AND a.quantity <> '' AND m.meter_id = a.meter_id
   AND (m.product_id = :product_id OR m.meter_id = :meter_id)
   AND NOT EXISTS (
     SELECT FROM quantity_limit l
      WHERE l.quantity = a.quantity AND (l.low IS NOT NULL OR l.high IS NOT NULL)
        AND (l.meter_id = m.meter_id OR (l.product_id = m.product_id AND NOT EXISTS (
              SELECT FROM quantity_limit o WHERE o.meter_id = m.meter_id AND o.quantity = a.quantity))))

-- name: forget_unwatched
-- Where quantities stood that are watched no more.
DELETE FROM limit_standing s
 USING meter m
 WHERE s.tenant_id = :tenant_id AND m.meter_id = s.meter_id AND (m.product_id = :product_id OR m.meter_id = :meter_id)
   AND NOT EXISTS (
     SELECT FROM quantity_limit l
      WHERE l.quantity = s.quantity AND (l.low IS NOT NULL OR l.high IS NOT NULL)
        AND (l.meter_id = m.meter_id OR (l.product_id = m.product_id AND NOT EXISTS (
              SELECT FROM quantity_limit o WHERE o.meter_id = m.meter_id AND o.quantity = s.quantity))))

-- name: beyond_limits
-- Quantities of these devices that stand outside their limits, by device.
SELECT meter_id, quantity, side FROM limit_standing
 WHERE tenant_id = :tenant_id AND meter_id = ANY (:meter_ids::bigint[]) AND side <> 0 ORDER BY meter_id, quantity

-- name: waiting_events
-- News of alarms and groups that notices have not taken, oldest first, locked until the transaction ends. Role openmains_pipeline. Of a
-- group: meter_id, number and what a limit said are null.
SELECT e.event_id, e.tenant_id, e.news, e.alarm_id, e.group_id, e.at_us, e.user_id, e.reason,
       coalesce(l.event, g.event) AS event, coalesce(l.severity, g.severity) AS severity, coalesce(l.state, g.state) AS state,
       l.meter_id, m.number, CASE WHEN e.group_id IS NULL THEN m.area_id ELSE g.area_id END AS area_id, g.cell,
       coalesce(l.received_us, g.received_us) AS received_us, coalesce(g.members, 1) AS members,
       l.quantity, l.value, l.bound, l.unit, l.exponent
  FROM alarm_event e LEFT JOIN alarm l ON l.alarm_id = e.alarm_id LEFT JOIN alarm_group g ON g.group_id = e.group_id
       LEFT JOIN meter m ON m.meter_id = l.meter_id
 WHERE e.noticed_us IS NULL ORDER BY e.event_id LIMIT :most FOR UPDATE OF e SKIP LOCKED

-- name: take_events
-- Notices have booked what they send of these.
UPDATE alarm_event SET noticed_us = :now_us WHERE event_id = ANY (:event_ids::bigint[])
