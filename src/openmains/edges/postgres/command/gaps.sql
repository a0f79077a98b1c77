-- SPDX-License-Identifier: Apache-2.0
-- Gaps of one tenant for its pages, as role openmains_api.

-- name: effect
-- By day what was due and there when it was due, and what came of the rest.
WITH due AS (
  SELECT day, sum(meters) FILTER (WHERE status <> 'not_due') AS expected,
         coalesce(sum(meters) FILTER (WHERE status IN ('on_time', 'late')), 0) AS received
    FROM collection_due_count WHERE tenant_id = :tenant_id AND day BETWEEN :first AND :last GROUP BY day),
 came AS (
  SELECT day, count(*) FILTER (WHERE filled_by = 'meter') AS filled_by_meter,
         count(*) FILTER (WHERE filled_by = 'history') AS filled_by_history,
         count(*) FILTER (WHERE filled_by = 'reread') AS filled_by_reread,
         count(*) FILTER (WHERE filled_by = 'person' AND state = 'filled') AS filled_by_person,
         count(*) FILTER (WHERE state IN ('waiting', 'wanted', 'asked')) AS open,
         count(*) FILTER (WHERE state = 'visit') AS visits
    FROM reread_gap WHERE tenant_id = :tenant_id AND day BETWEEN :first AND :last GROUP BY day)
SELECT d.day, d.expected::bigint, d.received::bigint, coalesce(c.filled_by_meter, 0) AS filled_by_meter,
       coalesce(c.filled_by_history, 0) AS filled_by_history, coalesce(c.filled_by_reread, 0) AS filled_by_reread,
       coalesce(c.filled_by_person, 0) AS filled_by_person, coalesce(c.open, 0) AS open, coalesce(c.visits, 0) AS visits
  FROM due d LEFT JOIN came c USING (day) WHERE d.expected > 0 ORDER BY d.day DESC

-- name: asks
-- Re-reads given since, and of how many meters.
SELECT count(*) AS asks, count(DISTINCT meter_id) AS meters FROM reread_ask WHERE tenant_id = :tenant_id AND asked_s > :since_s

-- name: visits
-- Meters that somebody has to go to, of an area with those below it.
WITH RECURSIVE part AS (
  SELECT area_id FROM area WHERE tenant_id = :tenant_id AND (:area_id::int IS NULL OR area_id = :area_id)
  UNION SELECT a.area_id FROM area a JOIN part ON a.parent_id = part.area_id WHERE a.tenant_id = :tenant_id),
 wanted AS (
  SELECT g.meter_id, count(*) AS days, min(g.day) AS first_day, max(g.day) AS last_day, min(g.changed_s) AS since_s,
         (array_agg(g.visit ORDER BY g.day DESC))[1] AS why
    FROM reread_gap g JOIN meter m USING (meter_id)
   WHERE g.tenant_id = :tenant_id AND g.state = 'visit' AND (:after::bigint IS NULL OR g.meter_id > :after)
     AND m.area_id IN (SELECT area_id FROM part)
   GROUP BY g.meter_id ORDER BY g.meter_id LIMIT :most)
SELECT w.meter_id, m.number, a.code AS area_code, a.name AS area_name, m.address, coalesce(c.name, '') AS customer_name, w.why,
       w.days, w.first_day, w.last_day, s.last_seen_us / 1000000 AS last_seen_s, w.since_s
  FROM wanted w JOIN meter m USING (meter_id) JOIN area a USING (area_id) LEFT JOIN customer c USING (customer_id)
  LEFT JOIN meter_state s ON s.meter_id = m.meter_id
 ORDER BY w.meter_id

-- name: gaps
-- Of one meter, newest first.
SELECT day, state, tries, command_id, filled_by, visit, changed_s, reason FROM reread_gap
 WHERE tenant_id = :tenant_id AND meter_id = :meter_id ORDER BY day DESC LIMIT :most

-- name: settle
-- A person's word on the days of a meter that wait for a visit; how many.
WITH told AS (
  UPDATE reread_gap SET state = :state, changed_s = :now_s, reason = :reason, tries = CASE WHEN :state = 'wanted' THEN 0 ELSE tries END
   WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND state = 'visit' RETURNING 1)
SELECT count(*) FROM told
