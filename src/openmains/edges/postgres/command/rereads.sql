-- SPDX-License-Identifier: Apache-2.0
-- Gaps and their re-reads, as role openmains_pipeline for all tenants.

-- name: unscanned
-- Pieces of the collection report that were kept and not gone through, oldest first.
SELECT d.day, d.mode FROM collection_due d
 WHERE d.tenant_id = :tenant_id AND d.day >= :first
   AND NOT EXISTS (SELECT FROM reread_scan s WHERE (s.tenant_id, s.day, s.mode) = (d.tenant_id, d.day, d.mode))
 ORDER BY d.day, d.mode

-- name: add_gaps
-- Days of meters that are not well, each once; how many are new.
WITH made AS (
  INSERT INTO reread_gap (meter_id, day, tenant_id, mode, due_s, changed_s)
  SELECT m.meter_id, :day, :tenant_id, :mode, :due_s, :now_s
    FROM meter m WHERE m.meter_id = ANY (:meters::bigint[]) AND m.tenant_id = :tenant_id
  ON CONFLICT DO NOTHING RETURNING 1)
SELECT count(*) FROM made

-- name: scanned
-- A piece is gone through.
INSERT INTO reread_scan (tenant_id, day, mode, scanned_s) VALUES (:tenant_id, :day, :mode, :now_s) ON CONFLICT DO NOTHING

-- name: meters
-- Meters with open gaps that spoke since somebody looked, or that nobody looked at for long. ``read_s``: of a person's newest reading
-- that was booked; kept and believed: bits of rules that tell which was.
WITH chosen AS (
  SELECT g.meter_id FROM reread_gap g JOIN meter_state s USING (meter_id)
   WHERE g.state IN ('waiting', 'wanted', 'asked', 'visit') AND g.meter_id > :after
     AND (coalesce(s.last_seen_us, 0) > g.looked_us OR g.look_s <= :now_s)
   GROUP BY g.meter_id ORDER BY g.meter_id LIMIT :most)
SELECT m.meter_id, m.tenant_id, m.area_id, m.product_id, p.driver, command_channel(CASE WHEN m.imei IS NULL THEN m.meter_id END, p.settings) AS channel,
       m.report_mode AS own_mode, p.report_mode AS product_mode, m.removed_on IS NOT NULL AS is_removed,
       EXISTS (SELECT FROM terminal t
                WHERE t.meter_id = m.meter_id AND t.imei = m.imei AND t.state IN ('quarantine', 'blocked')) AS is_held_back,
       coalesce(s.last_seen_us, 0) / 1000000 AS last_seen_s, coalesce(s.measured_at, s.grid_at, 0) AS known_s,
       (SELECT count(*) FROM reread_ask a WHERE a.meter_id = m.meter_id AND a.asked_s >= :month_s) AS asked_this_month,
       coalesce(s.cell, 0) AS cell,
       coalesce((w.reported ->> 'freeze_period')::int, p.interval_s) AS freeze_s,
       coalesce((SELECT max(r.at_s) FROM manual_reading r WHERE r.meter_id = m.meter_id AND r.version IS NOT NULL
                    AND (r.flags & :kept::bigint = 0 OR r.flags & :believed::bigint <> 0)), 0) AS read_s
  FROM chosen JOIN meter m USING (meter_id) JOIN meter_state s USING (meter_id) JOIN product p ON p.product_id = m.product_id
  LEFT JOIN meter_shadow w ON w.meter_id = m.meter_id
 ORDER BY m.meter_id

-- name: gaps
-- Open gaps of these meters and the ends of their commands.
SELECT g.meter_id, g.day, g.due_s, g.state, g.tries, g.command_id, g.visit, g.changed_s, c.ended_us / 1000000 AS command_ended_s, t.zone
  FROM reread_gap g JOIN tenant t USING (tenant_id) LEFT JOIN command c USING (command_id)
 WHERE g.meter_id = ANY (:meter_ids::bigint[]) AND g.state IN ('waiting', 'wanted', 'asked', 'visit')
 ORDER BY g.meter_id, g.day

-- name: cells
-- Re-reads given since, by cell.
SELECT cell, count(*) AS given FROM reread_ask WHERE asked_s > :since_s GROUP BY cell

-- name: draft
-- Their commands, each key once.
WITH made AS (
  INSERT INTO command (tenant_id, meter_id, kind, params, lane, priority, channel, unique_key, content, not_after, created_us)
  SELECT u.tenant_id, u.meter_id, :kind, u.params::jsonb, :lane, :priority, u.channel, u.unique_key, u.content, u.not_after,
         :now_us
    FROM unnest(:tenant_ids::int[], :meter_ids::bigint[], :params::text[], :channels::text[], :unique_keys::text[],
                :contents::bytea[], :ends::bigint[])
      AS u(tenant_id, meter_id, params, channel, unique_key, content, not_after)
  ON CONFLICT (tenant_id, unique_key) DO NOTHING RETURNING command_id, tenant_id, unique_key),
noted AS (
  INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor)
  SELECT tenant_id, command_id, :now_us, 'draft', 'drafted', 'reread' FROM made)
SELECT command_id, unique_key FROM made

-- name: note_asks
-- What battery and cell were asked for.
INSERT INTO reread_ask (command_id, tenant_id, meter_id, cell, asked_s, days)
SELECT u.command_id, u.tenant_id, u.meter_id, u.cell, :now_s, u.days
  FROM unnest(:command_ids::bigint[], :tenant_ids::int[], :meter_ids::bigint[], :cells::bigint[], :days::int[])
    AS u(command_id, tenant_id, meter_id, cell, days)

-- name: lock
-- These meters' gaps, in one order everywhere.
SELECT 1 FROM reread_gap WHERE meter_id = ANY (:meter_ids::bigint[]) ORDER BY meter_id, day FOR UPDATE

-- name: move
-- Gaps move on from the state they were seen in; a command that was lost counts as a try.
UPDATE reread_gap g
   SET state = u.state, changed_s = :now_s, filled_by = u.by, visit = u.why, command_id = coalesce(u.command_id, g.command_id),
       tries = g.tries + u.lost
  FROM unnest(:meter_ids::bigint[], :days::date[], :befores::text[], :states::text[], :bys::text[], :whys::text[],
              :command_ids::bigint[], :losses::int[])
    AS u(meter_id, day, before, state, by, why, command_id, lost)
 WHERE g.meter_id = u.meter_id AND g.day = u.day AND g.state = u.before

-- name: looked
-- They are looked at again when they speak, or after a while: what waits for a limit or for a command's end sooner.
UPDATE reread_gap g
   SET looked_us = greatest(g.looked_us, u.seen_s * 1000000 + 999999),
       look_s = :now_s + CASE g.state WHEN 'asked' THEN 240 WHEN 'wanted' THEN 600 ELSE 3600 END
  FROM unnest(:meter_ids::bigint[], :seen::bigint[]) AS u(meter_id, seen_s)
 WHERE g.meter_id = u.meter_id AND g.state IN ('waiting', 'wanted', 'asked', 'visit')
