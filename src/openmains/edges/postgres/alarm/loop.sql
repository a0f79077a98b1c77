-- SPDX-License-Identifier: Apache-2.0
-- The loop (app/alarm/loop.py): what nobody was told of yet, groups, and what was missed. Role openmains_pipeline.
-- Whoever locks a group and alarms locks the group first and the alarms by their numbers; the loop waits for nobody: what another has
-- locked (SKIP LOCKED) is left to its next turn.

-- name: take_turn
-- Whether no other loop is at work; until the transaction ends.
SELECT pg_try_advisory_xact_lock(1869414403)

-- name: let_go
-- Open alarms of mutes that are over: muted no more, looked at anew, and their time to be shown begins now.
UPDATE alarm a SET told = 0, mute_id = NULL, unmuted_us = :now_us
  FROM (SELECT l.alarm_id FROM alarm_mute u JOIN alarm l ON l.mute_id = u.mute_id
         WHERE NOT u.let_go AND (u.ended_us IS NOT NULL OR u.until_us <= :now_us) AND l.cleared_us IS NULL AND l.told = 1
         ORDER BY l.alarm_id FOR UPDATE OF l SKIP LOCKED) d
 WHERE a.alarm_id = d.alarm_id

-- name: end_mutes
-- Those that are over and keep no open alarm quiet any more.
UPDATE alarm_mute u SET let_go = true
 WHERE NOT u.let_go AND (u.ended_us IS NOT NULL OR u.until_us <= :now_us)
   AND NOT EXISTS (SELECT FROM alarm a WHERE a.mute_id = u.mute_id AND a.cleared_us IS NULL)

-- name: untold
-- Alarms that nobody was told of, oldest first, with the way down to their area.
SELECT l.alarm_id, l.tenant_id, l.meter_id, l.event, l.quantity, l.severity, l.received_us, coalesce(a.path, '') AS path, s.cell
  FROM alarm l LEFT JOIN meter m ON m.meter_id = l.meter_id LEFT JOIN area a ON a.area_id = coalesce(m.area_id, l.area_id)
       LEFT JOIN meter_state s ON s.meter_id = l.meter_id
 WHERE l.told = 0 ORDER BY l.alarm_id LIMIT :most FOR UPDATE OF l SKIP LOCKED

-- name: standing_mutes
-- That hold now.
SELECT mute_id, tenant_id, area_id, meter_id, event, from_us, until_us FROM alarm_mute
 WHERE NOT let_go AND tenant_id = ANY (:tenant_ids::int[]) AND until_us > :now_us

-- name: open_groups
-- Groups of these kinds that are not over.
SELECT g.group_id, g.tenant_id, g.event, g.quantity, g.severity, g.area_id, g.cell, g.last_us
  FROM alarm_group g
       JOIN unnest(:tenant_ids::int[], :events::text[], :quantities::text[], :severities::text[]) AS k(tenant_id, event, quantity, severity)
       ON g.tenant_id = k.tenant_id AND g.event = k.event AND g.quantity = k.quantity AND g.severity = k.severity
 WHERE g.cleared_us IS NULL ORDER BY g.group_id

-- name: told_alone
-- Open ones of these kinds that came lately and stand in no group.
SELECT l.alarm_id, l.tenant_id, l.event, l.quantity, l.severity, l.received_us, coalesce(a.path, '') AS path, s.cell
  FROM unnest(:tenant_ids::int[], :events::text[], :quantities::text[], :severities::text[]) AS k(tenant_id, event, quantity, severity)
       JOIN alarm l ON l.tenant_id = k.tenant_id AND l.event = k.event AND l.quantity = k.quantity AND l.severity = k.severity
       LEFT JOIN meter m ON m.meter_id = l.meter_id LEFT JOIN area a ON a.area_id = coalesce(m.area_id, l.area_id)
       LEFT JOIN meter_state s ON s.meter_id = l.meter_id
 WHERE l.received_us >= :since_us AND l.told = 1 AND l.group_id IS NULL AND l.mute_id IS NULL AND l.cleared_us IS NULL
 ORDER BY l.alarm_id FOR UPDATE OF l SKIP LOCKED

-- name: place_sizes
-- Meters in each place with what is below it: of its first 5,000 areas, for from 40,000 meters on it is all the same (domain/alarm/storm.py).
SELECT t.tenant_id, t.area_id, coalesce(c.meters, 0)::bigint AS meters
  FROM unnest(:area_ids::int[]) AS k(area_id) JOIN area t ON t.area_id = k.area_id
       CROSS JOIN LATERAL (SELECT sum(s.meters) AS meters FROM (
         SELECT y.meters FROM area b JOIN area_tally y ON y.area_id = b.area_id
          WHERE b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end AND y.product_id IS NOT NULL LIMIT 5000) s) c

-- name: utility_sizes
-- Meters of whole utilities, counted as far.
SELECT k.tenant_id, coalesce(c.meters, 0)::bigint AS meters
  FROM unnest(:tenant_ids::int[]) AS k(tenant_id)
       CROSS JOIN LATERAL (SELECT sum(s.meters) AS meters FROM (
         SELECT y.meters FROM area b JOIN area_tally y ON y.area_id = b.area_id
          WHERE b.tenant_id = k.tenant_id AND y.product_id IS NOT NULL LIMIT 5000) s) c

-- name: begin_group
-- With its first members.
INSERT INTO alarm_group (tenant_id, event, quantity, severity, area_id, cell, received_us, last_us, members)
VALUES (:tenant_id, :event, :quantity, :severity, :area_id, :cell, :received_us, :last_us, :members) RETURNING group_id

-- name: grow_group
-- Members join. None where a person has ended it meanwhile, or is about to.
UPDATE alarm_group g SET members = g.members + :members, version = g.version + 1, last_us = :last_us
  FROM (SELECT group_id FROM alarm_group WHERE group_id = :group_id AND cleared_us IS NULL FOR UPDATE SKIP LOCKED) k
 WHERE g.group_id = k.group_id RETURNING g.version

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

-- name: ending_groups
-- Groups of told ones that are over.
SELECT g.group_id FROM alarm_group g
 WHERE g.group_id IN (SELECT a.group_id FROM alarm a WHERE a.told = 1 AND a.cleared_us IS NOT NULL AND a.group_id IS NOT NULL)
 ORDER BY g.group_id FOR UPDATE OF g SKIP LOCKED

-- name: ended
-- Told ones that are over, alone or of these groups; from now on that is told too. Of what is muted to the end nobody knew.
UPDATE alarm a SET told = 2
  FROM (SELECT alarm_id FROM alarm
         WHERE told = 1 AND cleared_us IS NOT NULL AND (group_id IS NULL OR group_id = ANY (:group_ids::bigint[]))
         ORDER BY alarm_id LIMIT :most FOR UPDATE SKIP LOCKED) d
 WHERE a.alarm_id = d.alarm_id
RETURNING a.alarm_id, a.tenant_id, a.group_id, (a.mute_id IS NOT NULL OR a.cleared_by IS NOT NULL) AS is_quiet, a.cleared_us AS at_us

-- name: close_groups
-- Those of these without an open member.
UPDATE alarm_group g SET cleared_us = (SELECT max(a.cleared_us) FROM alarm a WHERE a.group_id = g.group_id)
 WHERE g.group_id = ANY (:group_ids::bigint[]) AND g.cleared_us IS NULL
   AND NOT EXISTS (SELECT FROM alarm a WHERE a.group_id = g.group_id AND a.cleared_us IS NULL)
RETURNING g.group_id, g.tenant_id, g.cleared_us

-- name: missing_groups
-- Groups of those that nobody was shown in time.
SELECT g.group_id FROM alarm_group g
 WHERE g.group_id IN (SELECT a.group_id FROM alarm a
                       WHERE a.seen_us IS NULL AND NOT a.missed AND a.told IN (1, 2) AND a.mute_id IS NULL AND a.group_id IS NOT NULL
                         AND coalesce(a.unmuted_us, a.received_us) < :before_us)
 ORDER BY g.group_id FOR UPDATE OF g SKIP LOCKED

-- name: miss
-- Nobody was shown these in time, which stand alone or in one of these groups.
UPDATE alarm a SET missed = true
  FROM (SELECT alarm_id FROM alarm
         WHERE seen_us IS NULL AND NOT missed AND told IN (1, 2) AND mute_id IS NULL AND coalesce(unmuted_us, received_us) < :before_us
           AND (group_id IS NULL OR group_id = ANY (:group_ids::bigint[]))
         ORDER BY coalesce(unmuted_us, received_us) LIMIT :most FOR UPDATE SKIP LOCKED) d
 WHERE a.alarm_id = d.alarm_id RETURNING a.alarm_id, a.tenant_id, a.group_id

-- name: miss_groups
-- Groups some of whose members were missed, each once.
UPDATE alarm_group SET missed = true WHERE group_id = ANY (:group_ids::bigint[]) AND NOT missed RETURNING group_id, tenant_id

-- name: say
-- News; each once, for it stands in the transaction of what it tells.
INSERT INTO alarm_event (tenant_id, news, alarm_id, group_id, at_us, is_live)
SELECT u.*, true FROM unnest(:tenant_ids::int[], :news::text[], :alarm_ids::bigint[], :group_ids::bigint[], :at_us::bigint[]) AS u
RETURNING event_id

-- name: hear
-- News of persons' acts, which screens have not heard yet.
UPDATE alarm_event e SET is_live = true
  FROM (SELECT event_id FROM alarm_event WHERE NOT is_live ORDER BY event_id LIMIT :most FOR UPDATE SKIP LOCKED) d
 WHERE e.event_id = d.event_id RETURNING e.event_id

-- name: forget_events
-- Of the oldest so many, those made before an instant.
DELETE FROM alarm_event
 WHERE event_id IN (SELECT event_id FROM alarm_event ORDER BY event_id LIMIT :most) AND made_us < :before_us

-- name: grown
-- Groups as they stand, in the shape of their news.
SELECT 0::bigint AS event_id, g.tenant_id, 'grouped' AS news, NULL::bigint AS alarm_id, g.group_id, g.last_us AS at_us, NULL::bigint AS user_id,
       '' AS reason, g.event, g.severity, g.state, NULL::bigint AS meter_id, NULL::text AS number, g.area_id, g.cell, g.received_us,
       g.members, g.version, g.quantity, NULL::bigint AS value, NULL::bigint AS bound, NULL::text AS unit, NULL::smallint AS exponent,
       rule_of(g.tenant_id, g.event, g.quantity) AS rule
  FROM alarm_group g WHERE g.group_id = ANY (:group_ids::bigint[]) ORDER BY g.group_id
