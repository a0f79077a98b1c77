-- SPDX-License-Identifier: Apache-2.0
-- The loop (app/alarm/loop.py): what nobody was told of yet, groups, and what was missed. Role openmains_pipeline.

-- name: take_turn
-- Whether no other loop is at work; until the transaction ends.
SELECT pg_try_advisory_xact_lock(1869414403)

-- name: let_go
-- Mutes that are over: their open alarms are looked at anew; how many mutes.
WITH over AS (
  UPDATE alarm_mute SET let_go = true WHERE NOT let_go AND (ended_us IS NOT NULL OR until_us <= :now_us) RETURNING mute_id),
again AS (
  UPDATE alarm a SET told = 0 FROM over o WHERE a.mute_id = o.mute_id AND a.cleared_us IS NULL AND a.told = 1)
SELECT count(*) FROM over

-- name: untold
-- Alarms that nobody was told of, oldest first, with the way down to their area.
SELECT l.alarm_id, l.tenant_id, l.meter_id, l.event, l.quantity, l.severity, l.received_us, coalesce(a.path, '') AS path, s.cell
  FROM alarm l LEFT JOIN meter m ON m.meter_id = l.meter_id LEFT JOIN area a ON a.area_id = m.area_id
       LEFT JOIN meter_state s ON s.meter_id = l.meter_id
 WHERE l.told = 0 ORDER BY l.alarm_id LIMIT :most FOR UPDATE OF l

-- name: standing_mutes
-- That hold now.
SELECT mute_id, tenant_id, area_id, meter_id, event, from_us, until_us FROM alarm_mute
 WHERE NOT let_go AND tenant_id = ANY (:tenant_ids::int[]) AND until_us > :now_us

-- name: open_groups
-- Groups of these kinds that are not over.
SELECT g.group_id, g.tenant_id, g.event, g.quantity, g.area_id, g.cell, g.last_us
  FROM alarm_group g JOIN unnest(:tenant_ids::int[], :events::text[], :quantities::text[]) AS k(tenant_id, event, quantity)
       ON g.tenant_id = k.tenant_id AND g.event = k.event AND g.quantity = k.quantity
 WHERE g.cleared_us IS NULL ORDER BY g.group_id

-- name: told_alone
-- Open ones of these kinds that came lately and stand in no group.
SELECT l.alarm_id, l.tenant_id, l.event, l.quantity, l.severity, l.received_us, coalesce(a.path, '') AS path, s.cell
  FROM unnest(:tenant_ids::int[], :events::text[], :quantities::text[]) AS k(tenant_id, event, quantity)
       JOIN alarm l ON l.tenant_id = k.tenant_id AND l.event = k.event AND l.quantity = k.quantity
       LEFT JOIN meter m ON m.meter_id = l.meter_id LEFT JOIN area a ON a.area_id = m.area_id
       LEFT JOIN meter_state s ON s.meter_id = l.meter_id
 WHERE l.received_us >= :since_us AND l.told = 1 AND l.group_id IS NULL AND l.mute_id IS NULL AND l.cleared_us IS NULL

-- name: place_sizes
-- Meters in each place with what is below it.
SELECT t.tenant_id, t.area_id, coalesce(sum(y.meters), 0)::bigint AS meters
  FROM unnest(:area_ids::int[]) AS k(area_id) JOIN area t ON t.area_id = k.area_id
       JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
       LEFT JOIN area_tally y ON y.area_id = b.area_id
 GROUP BY 1, 2

-- name: utility_sizes
-- Meters of whole utilities.
SELECT tenant_id, sum(meters)::bigint AS meters FROM area_tally WHERE tenant_id = ANY (:tenant_ids::int[]) GROUP BY 1

-- name: begin_group
-- With its first members.
INSERT INTO alarm_group (tenant_id, event, quantity, severity, area_id, cell, received_us, last_us, members)
VALUES (:tenant_id, :event, :quantity, :severity, :area_id, :cell, :received_us, :last_us, :members) RETURNING group_id

-- name: grow_group
-- Members join.
UPDATE alarm_group SET members = members + :members, version = version + 1, last_us = :last_us WHERE group_id = :group_id RETURNING version

-- name: join_group
-- Their alarms.
UPDATE alarm SET told = 1, group_id = :group_id, group_version = :version WHERE alarm_id = ANY (:alarm_ids::bigint[])

-- name: quiet
-- Muted: stored, told to nobody.
UPDATE alarm a SET told = 1, mute_id = u.mute_id
  FROM unnest(:alarm_ids::bigint[], :mute_ids::bigint[]) AS u(alarm_id, mute_id) WHERE a.alarm_id = u.alarm_id

-- name: told
-- That stand alone.
UPDATE alarm SET told = 1 WHERE alarm_id = ANY (:alarm_ids::bigint[])

-- name: ended
-- Told ones that are over; from now on that is told too.
UPDATE alarm a SET told = 2
  FROM (SELECT alarm_id FROM alarm WHERE told = 1 AND cleared_us IS NOT NULL ORDER BY alarm_id LIMIT :most FOR UPDATE) d
       JOIN alarm k USING (alarm_id) LEFT JOIN alarm_mute u ON u.mute_id = k.mute_id AND NOT u.let_go
 WHERE a.alarm_id = d.alarm_id
RETURNING a.alarm_id, a.tenant_id, a.group_id, (u.mute_id IS NOT NULL OR a.cleared_by IS NOT NULL) AS is_quiet, a.cleared_us AS at_us

-- name: close_groups
-- Those of these without an open member.
UPDATE alarm_group g SET cleared_us = (SELECT max(a.cleared_us) FROM alarm a WHERE a.group_id = g.group_id)
 WHERE g.group_id = ANY (:group_ids::bigint[]) AND g.cleared_us IS NULL
   AND NOT EXISTS (SELECT FROM alarm a WHERE a.group_id = g.group_id AND a.cleared_us IS NULL)
RETURNING g.group_id, g.tenant_id, g.cleared_us

-- name: miss
-- Nobody was shown these in time.
UPDATE alarm a SET missed = true
  FROM (SELECT alarm_id FROM alarm WHERE seen_us IS NULL AND NOT missed AND told IN (1, 2) AND mute_id IS NULL AND received_us < :before_us
         ORDER BY received_us LIMIT :most FOR UPDATE) d
 WHERE a.alarm_id = d.alarm_id RETURNING a.alarm_id, a.tenant_id, a.group_id

-- name: miss_groups
-- Groups some of whose members were missed, each once.
UPDATE alarm_group SET missed = true WHERE group_id = ANY (:group_ids::bigint[]) AND NOT missed RETURNING group_id, tenant_id

-- name: say
-- News; each once, for it stands in the transaction of what it tells.
INSERT INTO alarm_event (tenant_id, news, alarm_id, group_id, at_us)
SELECT * FROM unnest(:tenant_ids::int[], :news::text[], :alarm_ids::bigint[], :group_ids::bigint[], :at_us::bigint[])
RETURNING event_id

-- name: events_by_id
-- As others read them.
SELECT e.event_id, e.tenant_id, e.news, e.alarm_id, e.group_id, e.at_us, e.user_id, e.reason,
       coalesce(l.event, g.event) AS event, coalesce(l.severity, g.severity) AS severity, coalesce(l.state, g.state) AS state,
       l.meter_id, m.number, CASE WHEN e.group_id IS NULL THEN m.area_id ELSE g.area_id END AS area_id, g.cell,
       coalesce(l.received_us, g.received_us) AS received_us, coalesce(g.members, 1) AS members, coalesce(g.version, 1) AS version,
       coalesce(l.quantity, g.quantity) AS quantity, l.value, l.bound, l.unit, l.exponent
  FROM alarm_event e LEFT JOIN alarm l ON l.alarm_id = e.alarm_id LEFT JOIN alarm_group g ON g.group_id = e.group_id
       LEFT JOIN meter m ON m.meter_id = l.meter_id
 WHERE e.event_id = ANY (:event_ids::bigint[]) ORDER BY e.event_id

-- name: grown
-- Groups as they stand, in the shape of their news.
SELECT 0::bigint AS event_id, g.tenant_id, 'grouped' AS news, NULL::bigint AS alarm_id, g.group_id, g.last_us AS at_us, NULL::bigint AS user_id,
       '' AS reason, g.event, g.severity, g.state, NULL::bigint AS meter_id, NULL::text AS number, g.area_id, g.cell, g.received_us,
       g.members, g.version, g.quantity, NULL::bigint AS value, NULL::bigint AS bound, NULL::text AS unit, NULL::smallint AS exponent
  FROM alarm_group g WHERE g.group_id = ANY (:group_ids::bigint[]) ORDER BY g.group_id
