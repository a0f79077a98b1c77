-- SPDX-License-Identifier: Apache-2.0
-- Alarms as people list and handle them; the pipeline raises and clears them (ingest/queries.sql).

-- name: alarms_of_meters
-- Of a tenant; a filter that is null takes all; states and the order follow (tables.py). Those of meters and those of nodes are each asked for by
-- an index of their own, so that a filter by place begins at the meters there.
SELECT l.alarm_id, l.meter_id, m.number AS number, m.area_id AS area_id, l.concentrator_id, l.relay, l.event, l.severity, l.raised_at, l.received_us, l.shown_us,
       l.occurrences, l.last_us, l.cleared_us, l.acknowledged_by, l.acknowledged_at,
       l.quantity, l.value, l.bound, l.unit, l.exponent, l.state, l.seen_us, l.seen_by, l.missed, l.dispatched_us, l.dispatched_by,
       l.dispatched_to, l.cleared_by, l.group_id, u.until_us AS muted_until_us, rule_of(l.tenant_id, l.event, l.quantity) AS rule
  FROM alarm l JOIN meter m USING (meter_id) LEFT JOIN alarm_mute u ON u.mute_id = l.mute_id AND NOT u.let_go
 WHERE l.tenant_id = :tenant_id
   AND (:severity::text IS NULL OR l.severity = :severity) AND (:event::text IS NULL OR l.event = :event)
   AND (:group_id::bigint IS NULL OR l.group_id = :group_id) AND (NOT :alone::boolean OR (l.group_id IS NULL AND u.mute_id IS NULL))
   AND (:meter_id::bigint IS NULL OR l.meter_id = :meter_id) AND (:area_id::int IS NULL OR m.area_id IN
        (SELECT b.area_id FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
           WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id))

-- name: alarms_of_nodes
-- The same of concentrators and relays.
SELECT l.alarm_id, l.meter_id, l.node AS number, l.area_id AS area_id, l.concentrator_id, l.relay, l.event, l.severity, l.raised_at, l.received_us, l.shown_us,
       l.occurrences, l.last_us, l.cleared_us, l.acknowledged_by, l.acknowledged_at,
       l.quantity, l.value, l.bound, l.unit, l.exponent, l.state, l.seen_us, l.seen_by, l.missed, l.dispatched_us, l.dispatched_by,
       l.dispatched_to, l.cleared_by, l.group_id, u.until_us AS muted_until_us, rule_of(l.tenant_id, l.event, l.quantity) AS rule
  FROM alarm l LEFT JOIN alarm_mute u ON u.mute_id = l.mute_id AND NOT u.let_go
 WHERE l.tenant_id = :tenant_id AND l.concentrator_id IS NOT NULL
   AND (:severity::text IS NULL OR l.severity = :severity) AND (:event::text IS NULL OR l.event = :event)
   AND (:group_id::bigint IS NULL OR l.group_id = :group_id) AND (NOT :alone::boolean OR (l.group_id IS NULL AND u.mute_id IS NULL))
   AND (:area_id::int IS NULL OR l.area_id IN
        (SELECT b.area_id FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
           WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id))

-- name: alarm_counts
-- All open ones that the filters take, counted by grade, by age and by how soon they could be seen. Reads the open alarms only.
SELECT count(*) AS open, count(*) FILTER (WHERE l.acknowledged_at IS NULL) AS unacknowledged,
       count(*) FILTER (WHERE l.severity = 'critical') AS critical, count(*) FILTER (WHERE l.severity = 'major') AS major,
       count(*) FILTER (WHERE l.severity = 'minor') AS minor, count(*) FILTER (WHERE l.severity = 'info') AS info,
       count(*) FILTER (WHERE a.s < 3600) AS hour, count(*) FILTER (WHERE a.s >= 3600 AND a.s < 86400) AS day,
       count(*) FILTER (WHERE a.s >= 86400 AND a.s < 604800) AS week, count(*) FILTER (WHERE a.s >= 604800) AS older,
       count(*) FILTER (WHERE a.delay_ms <= :target_ms::bigint) AS in_time, coalesce(max(a.delay_ms), 0) AS worst_delay_ms
  FROM alarm l LEFT JOIN meter m USING (meter_id)
       CROSS JOIN LATERAL (SELECT (:now_us::bigint - l.received_us) / 1000000 AS s,
                                  greatest(0, (l.shown_us - l.received_us) / 1000) AS delay_ms) a
 WHERE l.tenant_id = :tenant_id AND l.cleared_us IS NULL
   AND (:severity::text IS NULL OR l.severity = :severity) AND (:event::text IS NULL OR l.event = :event)
   AND (:meter_id::bigint IS NULL OR l.meter_id = :meter_id) AND (:area_id::int IS NULL OR coalesce(m.area_id, l.area_id) IN
        (SELECT b.area_id FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
           WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id))

-- name: alarm
-- One of them.
SELECT l.alarm_id, l.meter_id, coalesce(m.number, l.node) AS number, coalesce(m.area_id, l.area_id) AS area_id, l.concentrator_id, l.relay, l.event, l.severity, l.raised_at, l.received_us, l.shown_us,
       l.occurrences, l.last_us, l.cleared_us, l.acknowledged_by, l.acknowledged_at,
       l.quantity, l.value, l.bound, l.unit, l.exponent, l.state, l.seen_us, l.seen_by, l.missed, l.dispatched_us, l.dispatched_by,
       l.dispatched_to, l.cleared_by, l.group_id, u.until_us AS muted_until_us, rule_of(l.tenant_id, l.event, l.quantity) AS rule
  FROM alarm l LEFT JOIN meter m USING (meter_id) LEFT JOIN alarm_mute u ON u.mute_id = l.mute_id AND NOT u.let_go
 WHERE l.tenant_id = :tenant_id AND l.alarm_id = :alarm_id

-- name: lock_group_of
-- The group of an alarm, which is locked before its members are.
SELECT group_id FROM alarm_group
 WHERE tenant_id = :tenant_id AND group_id = (SELECT group_id FROM alarm WHERE tenant_id = :tenant_id AND alarm_id = :alarm_id) FOR UPDATE

-- name: lock_group
-- One group, before it is read with its members.
SELECT group_id FROM alarm_group WHERE tenant_id = :tenant_id AND group_id = :group_id FOR UPDATE

-- name: lock_members
-- Of a group, in the order in which a batch of the pipeline locks them too.
SELECT alarm_id FROM alarm WHERE tenant_id = :tenant_id AND group_id = :group_id ORDER BY alarm_id FOR UPDATE

-- name: group
-- One group, with how many of its members are open, how many somebody was shown, and how many wait for somebody to look after them.
SELECT g.group_id, g.event, g.quantity, g.severity, g.area_id, g.cell, g.state, g.received_us, g.last_us, g.members, g.version, g.seen_us,
       g.seen_by, g.acknowledged_at, g.acknowledged_by, g.dispatched_us, g.dispatched_by, g.dispatched_to, g.cleared_us, g.missed,
       rule_of(g.tenant_id, g.event, g.quantity) AS rule, c.open, c.seen, c.waiting
  FROM alarm_group g CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE a.cleared_us IS NULL) AS open, count(*) FILTER (WHERE a.seen_us IS NOT NULL) AS seen,
              count(*) FILTER (WHERE a.cleared_us IS NULL AND a.acknowledged_at IS NULL AND a.dispatched_us IS NULL) AS waiting
         FROM alarm a WHERE a.tenant_id = g.tenant_id AND a.group_id = g.group_id) c
 WHERE g.tenant_id = :tenant_id AND g.group_id = :group_id

-- name: groups
-- Of a tenant, newest first; a filter that is null takes all. Their members are counted for one of them only. One that somebody looks after
-- is unacknowledged again while members that joined since wait: acknowledged is what nothing waits in.
SELECT g.group_id, g.event, g.quantity, g.severity, g.area_id, g.cell, g.state, g.received_us, g.last_us, g.members, g.version, g.seen_us,
       g.seen_by, g.acknowledged_at, g.acknowledged_by, g.dispatched_us, g.dispatched_by, g.dispatched_to, g.cleared_us, g.missed,
       rule_of(g.tenant_id, g.event, g.quantity) AS rule
  FROM alarm_group g
 WHERE g.tenant_id = :tenant_id AND (:after::bigint IS NULL OR g.group_id < :after)
   AND (:is_cleared::boolean IS NULL OR (g.cleared_us IS NOT NULL) = :is_cleared)
   AND (:is_acknowledged::boolean IS NULL OR (g.acknowledged_at IS NOT NULL AND NOT EXISTS (SELECT FROM alarm a
          WHERE a.group_id = g.group_id AND a.cleared_us IS NULL AND a.acknowledged_at IS NULL AND a.dispatched_us IS NULL)) = :is_acknowledged)
   AND (:event::text IS NULL OR g.event = :event)
 ORDER BY g.group_id DESC LIMIT :most

-- name: group_places
-- Members by area, with the middle of its premises where their coordinates are known.
SELECT x.area_id, count(*) AS members, (SELECT avg(p.lat_e7) / 1e7 FROM premises p WHERE p.area_id = x.area_id)::float8 AS latitude,
       (SELECT avg(p.lon_e7) / 1e7 FROM premises p WHERE p.area_id = x.area_id)::float8 AS longitude
  FROM (SELECT coalesce(m.area_id, a.area_id) AS area_id FROM alarm a LEFT JOIN meter m ON m.meter_id = a.meter_id
         WHERE a.tenant_id = :tenant_id AND a.group_id = :group_id) x
 WHERE x.area_id IS NOT NULL GROUP BY x.area_id ORDER BY members DESC, x.area_id

-- name: acknowledge
-- An alarm, or the members of a group, in one of these states; who acknowledges has seen it.
UPDATE alarm SET acknowledged_by = :user_id, acknowledged_at = to_timestamp(:now_us::bigint / 1e6),
       seen_us = coalesce(seen_us, :now_us), seen_by = coalesce(seen_by, :user_id)
 WHERE tenant_id = :tenant_id AND (alarm_id = :alarm_id OR group_id = :group_id) AND state = ANY (:states::text[])

-- name: dispatch
-- Somebody is on the way: whoever says so looks after it and has seen it; the platform (no user) has not.
UPDATE alarm SET dispatched_us = :now_us, dispatched_by = :user_id, dispatched_to = :to,
       acknowledged_by = coalesce(acknowledged_by, :user_id),
       acknowledged_at = coalesce(acknowledged_at, CASE WHEN :user_id::bigint IS NOT NULL THEN to_timestamp(:now_us::bigint / 1e6) END),
       seen_us = coalesce(seen_us, CASE WHEN :user_id::bigint IS NOT NULL THEN :now_us::bigint END), seen_by = coalesce(seen_by, :user_id)
 WHERE tenant_id = :tenant_id AND (alarm_id = :alarm_id OR group_id = :group_id) AND state = ANY (:states::text[])

-- name: recall
-- Nobody is on the way any more; whoever says so has seen it and looks after it.
UPDATE alarm SET dispatched_us = NULL, dispatched_by = NULL, dispatched_to = '',
       acknowledged_by = coalesce(acknowledged_by, :user_id), acknowledged_at = coalesce(acknowledged_at, to_timestamp(:now_us::bigint / 1e6)),
       seen_us = coalesce(seen_us, :now_us), seen_by = coalesce(seen_by, :user_id)
 WHERE tenant_id = :tenant_id AND (alarm_id = :alarm_id OR group_id = :group_id) AND state = ANY (:states::text[])

-- name: clear
-- A person says it is over.
UPDATE alarm SET cleared_us = :now_us, cleared_by = :user_id, seen_us = coalesce(seen_us, :now_us), seen_by = coalesce(seen_by, :user_id)
 WHERE tenant_id = :tenant_id AND (alarm_id = :alarm_id OR group_id = :group_id) AND state = ANY (:states::text[])

-- name: reopen
-- A person says that it was not.
UPDATE alarm SET cleared_us = NULL, cleared_by = NULL, reopened_us = :now_us, acknowledged_by = NULL, acknowledged_at = NULL,
       dispatched_us = NULL, dispatched_by = NULL, dispatched_to = '', told = CASE told WHEN 2 THEN 1 ELSE told END,
       mute_id = (SELECT u.mute_id FROM alarm_mute u WHERE u.tenant_id = :tenant_id AND u.mute_id = alarm.mute_id AND NOT u.let_go)
 WHERE tenant_id = :tenant_id AND alarm_id = :alarm_id AND state = ANY (:states::text[])

-- name: acknowledge_group
-- The group itself.
UPDATE alarm_group SET acknowledged_by = :user_id, acknowledged_at = to_timestamp(:now_us::bigint / 1e6),
       seen_us = coalesce(seen_us, :now_us), seen_by = coalesce(seen_by, :user_id)
 WHERE tenant_id = :tenant_id AND group_id = :group_id

-- name: dispatch_group
-- The same: somebody is on the way.
UPDATE alarm_group SET dispatched_us = :now_us, dispatched_by = :user_id, dispatched_to = :to,
       acknowledged_by = coalesce(acknowledged_by, :user_id),
       acknowledged_at = coalesce(acknowledged_at, CASE WHEN :user_id::bigint IS NOT NULL THEN to_timestamp(:now_us::bigint / 1e6) END),
       seen_us = coalesce(seen_us, CASE WHEN :user_id::bigint IS NOT NULL THEN :now_us::bigint END), seen_by = coalesce(seen_by, :user_id)
 WHERE tenant_id = :tenant_id AND group_id = :group_id

-- name: recall_group
-- The same: nobody is any more.
UPDATE alarm_group SET dispatched_us = NULL, dispatched_by = NULL, dispatched_to = '',
       acknowledged_by = coalesce(acknowledged_by, :user_id), acknowledged_at = coalesce(acknowledged_at, to_timestamp(:now_us::bigint / 1e6)),
       seen_us = coalesce(seen_us, :now_us), seen_by = coalesce(seen_by, :user_id)
 WHERE tenant_id = :tenant_id AND group_id = :group_id

-- name: clear_group
-- The same: over.
UPDATE alarm_group SET cleared_us = :now_us, seen_us = coalesce(seen_us, :now_us), seen_by = coalesce(seen_by, :user_id)
 WHERE tenant_id = :tenant_id AND group_id = :group_id

-- name: reopen_group
-- One of its members is open again, so it is too.
UPDATE alarm_group SET cleared_us = NULL, reopened_us = :now_us, acknowledged_by = NULL, acknowledged_at = NULL,
       dispatched_us = NULL, dispatched_by = NULL, dispatched_to = ''
 WHERE tenant_id = :tenant_id AND group_id = (SELECT group_id FROM alarm WHERE tenant_id = :tenant_id AND alarm_id = :alarm_id)
   AND cleared_us IS NOT NULL

-- name: has_open
-- Whether another alarm about the same is open at the meter or node.
SELECT EXISTS (SELECT FROM alarm WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND event = :event AND quantity = :quantity
                  AND cleared_us IS NULL)
    OR EXISTS (SELECT FROM alarm WHERE tenant_id = :tenant_id AND concentrator_id = :concentrator_id AND relay = :relay AND event = :event
                  AND cleared_us IS NULL)

-- name: show_groups
-- Groups that nobody had been shown.
UPDATE alarm_group g SET seen_us = :now_us, seen_by = :user_id
  FROM (SELECT group_id FROM alarm_group
         WHERE tenant_id = :tenant_id AND group_id = ANY (:group_ids::bigint[]) AND seen_us IS NULL ORDER BY group_id FOR UPDATE) d
 WHERE g.group_id = d.group_id RETURNING g.group_id

-- name: show_alarms
-- Before a person's eyes for the first time: these, and members of groups as they stood at a version.
UPDATE alarm a SET seen_us = :now_us, seen_by = :user_id
  FROM (SELECT l.alarm_id FROM alarm l
         WHERE l.tenant_id = :tenant_id AND l.seen_us IS NULL AND l.alarm_id IN (
               SELECT unnest(:alarm_ids::bigint[])
               UNION SELECT m.alarm_id FROM unnest(:group_ids::bigint[], :versions::int[]) AS u(group_id, version)
                     JOIN alarm m ON m.group_id = u.group_id AND m.group_version <= u.version AND m.seen_us IS NULL)
         ORDER BY l.alarm_id FOR UPDATE) d
 WHERE a.alarm_id = d.alarm_id RETURNING a.alarm_id, a.group_id, a.mute_id IS NOT NULL AS is_muted

-- name: say_one
-- News of a person's act; a quiet one is history only, told to nobody.
INSERT INTO alarm_event (tenant_id, news, alarm_id, group_id, at_us, user_id, reason, noticed_us, is_live)
VALUES (:tenant_id, :news, :alarm_id, :group_id, :now_us, :user_id, :reason, CASE WHEN :is_quiet::boolean THEN :now_us::bigint END, :is_quiet)

-- name: alarm_history
-- Of an alarm with its group, or of a group; oldest first. That it was raised is told by the loop, which a screen that shows it may outrun.
SELECT event_id, news, group_id, at_us, user_id, reason FROM alarm_event
 WHERE tenant_id = :tenant_id AND (alarm_id = :alarm_id OR group_id = :group_id
       OR group_id = (SELECT a.group_id FROM alarm a WHERE a.tenant_id = :tenant_id AND a.alarm_id = :alarm_id))
 ORDER BY news <> 'raised', event_id LIMIT 1000

-- name: alarm_delays
-- How soon somebody was shown what came since an instant, or was muted until then.
SELECT count(*) AS alarms, count(d.ms) AS shown, count(*) FILTER (WHERE a.missed OR d.ms > :target_ms::bigint) AS missed,
       (percentile_cont(0.5) WITHIN GROUP (ORDER BY d.ms))::bigint AS p50_ms,
       (percentile_cont(0.99) WITHIN GROUP (ORDER BY d.ms))::bigint AS p99_ms, max(d.ms) AS worst_ms
  FROM alarm a CROSS JOIN LATERAL (SELECT CASE WHEN a.seen_us IS NOT NULL THEN greatest(0, (a.seen_us - coalesce(a.unmuted_us, a.received_us)) / 1000) END AS ms) d
 WHERE a.tenant_id = :tenant_id AND (a.received_us >= :since_us OR a.unmuted_us >= :since_us) AND a.told <> 3 AND a.mute_id IS NULL

-- name: mutes
-- Of a tenant, newest first, with how many open alarms each keeps quiet; ``standing_us``: only those that hold then.
SELECT u.mute_id, u.area_id, u.meter_id, u.event, u.reason, u.from_us, u.until_us, u.made_by, u.ended_us, u.ended_by,
       (SELECT count(*) FROM alarm a WHERE a.tenant_id = u.tenant_id AND a.mute_id = u.mute_id AND a.cleared_us IS NULL) AS muted
  FROM alarm_mute u
 WHERE u.tenant_id = :tenant_id AND (:after::bigint IS NULL OR u.mute_id < :after)
   AND (:standing_us::bigint IS NULL OR (u.ended_us IS NULL AND u.until_us > :standing_us))
 ORDER BY u.mute_id DESC LIMIT :most

-- name: mute
-- One of them, locked until the transaction ends.
SELECT u.mute_id, u.area_id, u.meter_id, u.event, u.reason, u.from_us, u.until_us, u.made_by, u.ended_us, u.ended_by,
       (SELECT count(*) FROM alarm a WHERE a.tenant_id = u.tenant_id AND a.mute_id = u.mute_id AND a.cleared_us IS NULL) AS muted
  FROM alarm_mute u WHERE u.tenant_id = :tenant_id AND u.mute_id = :mute_id FOR UPDATE OF u

-- name: add_mute
-- With its end.
INSERT INTO alarm_mute (tenant_id, area_id, meter_id, event, reason, from_us, until_us, made_by)
VALUES (:tenant_id, :area_id, :meter_id, :event, :reason, :from_us, :until_us, :user_id) RETURNING mute_id

-- name: end_mute
-- Before its end.
UPDATE alarm_mute SET ended_us = :now_us, ended_by = :user_id WHERE tenant_id = :tenant_id AND mute_id = :mute_id

-- name: mute_reaches
-- Whether there is such an area or meter.
SELECT (:area_id::int IS NULL OR EXISTS (SELECT FROM area WHERE tenant_id = :tenant_id AND area_id = :area_id))
   AND (:meter_id::bigint IS NULL OR EXISTS (SELECT FROM meter WHERE tenant_id = :tenant_id AND meter_id = :meter_id))

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
 WHERE a.tenant_id = :tenant_id AND a.cleared_us IS NULL AND a.event IN ('above_limit', 'below_limit') AND m.meter_id = a.meter_id
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

-- name: begin_taking
-- Once, when notices come to an installation: what was told more than a quarter of an hour before is history and noticed by nobody.
WITH begun AS (
  INSERT INTO platform_choice (name, value) SELECT 'alarm news', 'taken'
   WHERE NOT EXISTS (SELECT FROM platform_choice WHERE name = 'alarm news') AND pg_try_advisory_xact_lock(hashtext('alarm news'))
  ON CONFLICT DO NOTHING RETURNING name)
UPDATE alarm_event SET noticed_us = made_us
 WHERE noticed_us IS NULL AND made_us < (extract(epoch FROM now()) * 1000000)::bigint - 900000000 AND EXISTS (SELECT FROM begun)

-- name: alarm_news
-- News of alarms and groups as others read them; of what is deleted nobody is told. Role openmains_pipeline. Of a group: meter_id, number and
-- what a limit said are null.
SELECT e.event_id, e.tenant_id, e.news, e.alarm_id, e.group_id, e.at_us, e.user_id, e.reason,
       coalesce(l.event, g.event) AS event, coalesce(l.severity, g.severity) AS severity, coalesce(l.state, g.state) AS state,
       l.meter_id, coalesce(m.number, l.node) AS number, CASE WHEN e.group_id IS NULL THEN coalesce(m.area_id, l.area_id) ELSE g.area_id END AS area_id, g.cell,
       coalesce(l.received_us, g.received_us) AS received_us, coalesce(g.members, 1) AS members, coalesce(g.version, 1) AS version,
       coalesce(l.quantity, g.quantity) AS quantity, l.value, l.bound, l.unit, l.exponent,
       rule_of(e.tenant_id, coalesce(l.event, g.event), coalesce(l.quantity, g.quantity)) AS rule
  FROM alarm_event e LEFT JOIN alarm l ON l.alarm_id = e.alarm_id LEFT JOIN alarm_group g ON g.group_id = e.group_id
       LEFT JOIN meter m ON m.meter_id = l.meter_id
 WHERE coalesce(l.alarm_id, g.group_id) IS NOT NULL

-- name: take_events
-- Notices have booked what they send of these.
UPDATE alarm_event SET noticed_us = :now_us WHERE event_id = ANY (:event_ids::bigint[])
