-- SPDX-License-Identifier: Apache-2.0
-- Concentrators and the meters behind them: for edges and the worker (openmains_pipeline), the machine's command, and people (openmains_api).

-- name: concentrators
-- Concentrators – these, or all – with the meters in use that each may speak for, for an edge.
SELECT c.number, c.tenant_id, c.poll_s, m.number AS meter_number, m.meter_id, m.product_id, m.imei
  FROM concentrator c
  LEFT JOIN concentrator_meter b USING (concentrator_id)
  LEFT JOIN meter m ON m.meter_id = b.meter_id AND m.removed_on IS NULL
 WHERE :numbers::text[] IS NULL OR c.number = ANY (:numbers)
 ORDER BY c.number, m.meter_id

-- name: concentrators_changed
-- Concentrators that changed in these transactions, or a meter behind which did.
SELECT number FROM concentrator WHERE changed_in >= :since::text::xid8
UNION
SELECT c.number FROM identity_change i JOIN concentrator_meter b USING (meter_id) JOIN concentrator c USING (concentrator_id)
 WHERE i.xid >= :since::text::xid8 AND i.xid < :before::text::xid8

-- name: concentrators_count
-- How many there are: one that was taken away leaves no row that says so.
SELECT count(*) FROM concentrator

-- name: concentrator_numbers
-- All of them, to see which was taken away.
SELECT number FROM concentrator

-- name: put_concentrator
-- A new one, or another name and pace for one of the utility; no row: the number is another utility's.
INSERT INTO concentrator (tenant_id, number, name, poll_s) VALUES (:tenant_id, :number, :name, :poll_s)
ON CONFLICT (number) DO UPDATE SET name = excluded.name, poll_s = excluded.poll_s, changed_in = pg_current_xact_id()
 WHERE concentrator.tenant_id = excluded.tenant_id
RETURNING concentrator_id

-- name: hold_behind
-- Who changes what is behind a utility's concentrators does so one after the other, until the transaction ends: files name them, and their
-- meters, in any order.
SELECT pg_advisory_xact_lock(57, :tenant_id)

-- name: put_behind
-- The utility's meters with these numbers go behind a concentrator; not those that are behind another one.
INSERT INTO concentrator_meter (meter_id, concentrator_id, tenant_id)
SELECT m.meter_id, :concentrator_id, m.tenant_id
  FROM meter m WHERE m.tenant_id = :tenant_id AND m.number = ANY (:numbers::text[]) AND m.removed_on IS NULL
ON CONFLICT (meter_id) DO NOTHING

-- name: all_behind
-- Numbers of the meters in use behind a concentrator.
SELECT m.number FROM concentrator c JOIN concentrator_meter b USING (concentrator_id) JOIN meter m USING (meter_id)
 WHERE c.tenant_id = :tenant_id AND c.number = :number AND m.removed_on IS NULL ORDER BY m.number

-- name: change_concentrator
-- Edges read it anew; no row: the utility has none with this number.
UPDATE concentrator SET changed_in = pg_current_xact_id() WHERE tenant_id = :tenant_id AND number = :number RETURNING concentrator_id

-- name: take_from_behind
-- These meters are behind no concentrator any more; the numbers of those that were.
DELETE FROM concentrator_meter b USING meter m
 WHERE b.meter_id = m.meter_id AND b.concentrator_id = :concentrator_id AND m.number = ANY (:numbers::text[])
RETURNING m.number

-- name: remove_concentrator
-- With what says which meters are behind it.
DELETE FROM concentrator WHERE tenant_id = :tenant_id AND number = :number

-- name: note_concentrator
-- In the trail: what is done on the command line.
INSERT INTO audit (tenant_id, actor, action, object_type, object_id, after)
VALUES (:tenant_id, 'command line', :action, :object_type, :object_id, :after::text::jsonb)

-- name: numbers_behind
-- Which of these numbers are meters behind this concentrator.
SELECT m.number FROM concentrator_meter b JOIN meter m USING (meter_id)
 WHERE b.concentrator_id = :concentrator_id AND m.number = ANY (:numbers::text[])

-- name: standing_begin
-- A node begins: nobody is connected to it yet, and is given time from now on until its silence counts (alarm/nodes.sql).
UPDATE concentrator_state SET is_connected = false, ended_us = :now_us, ending = 'node_ended'
 WHERE node = :node AND is_connected

-- name: standing_put
-- How concentrators stand. A connection's first word (:begun: numbers) is taken from any node, what follows only from the node to which the
-- terminal connected last, whatever their clocks say; and where none is said to be connected, from one to which it is.
INSERT INTO concentrator_state AS s (concentrator_id, tenant_id, node, is_connected, is_proven, host, kind, wakes, firmware, signal_dbm,
                                     clock_off_s, connected_us, heard_us, ended_us, ending, frames)
SELECT c.concentrator_id, c.tenant_id, :node, u.connected, u.proven, u.host, u.kind, u.wakes, u.firmware, u.signal, u.clock,
       u.connected_us, u.heard_us, u.ended_us, u.ending, u.frames::jsonb
  FROM unnest(:numbers::text[], :connected::boolean[], :proven::boolean[], :hosts::text[], :kinds::smallint[], :wakes::smallint[],
              :firmwares::bigint[], :signals::int[], :clocks::int[], :connected_us::bigint[], :heard_us::bigint[],
              :ended_us::bigint[], :endings::text[], :frames::text[])
       AS u(number, connected, proven, host, kind, wakes, firmware, signal, clock, connected_us, heard_us, ended_us, ending, frames)
  JOIN concentrator c USING (number)
 ORDER BY c.concentrator_id
ON CONFLICT (concentrator_id) DO UPDATE
   SET tenant_id = excluded.tenant_id, node = excluded.node, is_connected = excluded.is_connected, is_proven = excluded.is_proven,
       host = excluded.host, kind = excluded.kind, wakes = excluded.wakes, firmware = excluded.firmware,
       signal_dbm = excluded.signal_dbm, clock_off_s = excluded.clock_off_s, connected_us = excluded.connected_us,
       heard_us = excluded.heard_us, ended_us = excluded.ended_us, ending = excluded.ending, frames = excluded.frames
 WHERE s.node = excluded.node
    OR (excluded.is_connected AND (NOT s.is_connected OR EXISTS (
         SELECT FROM concentrator k WHERE k.concentrator_id = excluded.concentrator_id AND k.number = ANY (:begun::text[]))))

-- name: concentrator_rows
-- Concentrators of a tenant with how they stand and how many meters in use are behind each.
SELECT c.concentrator_id, c.number, c.name, c.poll_s, coalesce(s.is_connected, false) AS is_connected,
       coalesce(s.is_proven, false) AS is_proven, s.kind, s.wakes, s.firmware, s.host, s.signal_dbm, s.clock_off_s, s.connected_us,
       s.heard_us, s.ended_us, coalesce(s.ending, '') AS ending,
       (SELECT count(*) FROM concentrator_meter b JOIN meter m USING (meter_id)
         WHERE b.concentrator_id = c.concentrator_id AND m.removed_on IS NULL) AS meters
  FROM concentrator c LEFT JOIN concentrator_state s USING (concentrator_id)
 WHERE c.tenant_id = :tenant_id
   AND (:q::text IS NULL OR position(lower(:q) IN lower(c.number || ' ' || c.name)) > 0)
   AND (:is_connected::boolean IS NULL OR coalesce(s.is_connected, false) = :is_connected)
   AND (:concentrator_id::bigint IS NULL OR c.concentrator_id = :concentrator_id)
   AND c.number > :after
 ORDER BY c.number LIMIT :most

-- name: concentrator_frames
-- The newest frames of its connection, oldest first.
SELECT frames FROM concentrator_state WHERE tenant_id = :tenant_id AND concentrator_id = :concentrator_id

-- name: concentrator_refusals
-- Who was refused in its name: itself, or meters that it spoke for; newest first.
SELECT r.name, r.reason, r.detail, r.address, r.first_us, r.last_us, r.attempts
  FROM access_refusal r
 WHERE r.tenant_id = :tenant_id AND (r.name = :number OR starts_with(r.name, :number || '/'))
 ORDER BY r.last_us DESC LIMIT :most

-- name: concentrator_meters
-- The meters in use behind it, by id.
SELECT m.meter_id, m.number, p.name AS product_name, p.driver, st.last_seen_us, m.address,
       (SELECT count(*) FROM command_waiting w WHERE w.meter_id = m.meter_id) AS commands
  FROM concentrator_meter b JOIN meter m USING (meter_id) JOIN product p USING (product_id)
  LEFT JOIN meter_state st USING (meter_id)
 WHERE b.tenant_id = :tenant_id AND b.concentrator_id = :concentrator_id AND m.removed_on IS NULL AND m.meter_id > :after
 ORDER BY m.meter_id LIMIT :most

-- name: add_concentrator
-- A new one; no row: the number is taken, here or at another utility.
INSERT INTO concentrator (tenant_id, number, name, poll_s) VALUES (:tenant_id, :number, :name, :poll_s)
ON CONFLICT (number) DO NOTHING RETURNING concentrator_id

-- name: set_concentrator
-- Another name and pace; edges read it anew.
UPDATE concentrator SET name = coalesce(:name, name), poll_s = coalesce(:poll_s, poll_s), changed_in = pg_current_xact_id()
 WHERE tenant_id = :tenant_id AND concentrator_id = :concentrator_id RETURNING concentrator_id

-- name: add_concentrators
-- New ones; no row: the number is taken, here or at another utility.
INSERT INTO concentrator (tenant_id, number, name, poll_s)
SELECT :tenant_id, u.number, u.name, u.poll_s
  FROM unnest(:numbers::text[], :names::text[], :polls::int[]) AS u(number, name, poll_s) ORDER BY u.number
ON CONFLICT (number) DO NOTHING RETURNING number

-- name: concentrator_keys
-- The tenant's concentrators with these numbers, held until the transaction ends.
SELECT number, concentrator_id FROM concentrator
 WHERE tenant_id = :tenant_id AND number = ANY (:numbers::text[]) ORDER BY number FOR UPDATE

-- name: set_concentrators
-- Other names and paces, '' and 0 leave what is; edges read them anew.
UPDATE concentrator c
   SET name = coalesce(nullif(u.name, ''), c.name), poll_s = coalesce(nullif(u.poll_s, 0), c.poll_s), changed_in = pg_current_xact_id()
  FROM unnest(:concentrator_ids::bigint[], :names::text[], :polls::int[]) AS u(concentrator_id, name, poll_s)
 WHERE c.tenant_id = :tenant_id AND c.concentrator_id = u.concentrator_id

-- name: put_behind_each
-- The utility's meters with these numbers go behind a concentrator each; not those that are behind one. Each number is looked for by
-- itself: joined, 20,000 of meters that were just imported took 40 s, for the planner thinks that there are none.
INSERT INTO concentrator_meter (meter_id, concentrator_id, tenant_id)
SELECT m.meter_id, u.concentrator_id, :tenant_id
  FROM unnest(:concentrator_ids::bigint[], :numbers::text[]) AS u(concentrator_id, number)
 CROSS JOIN LATERAL (
   SELECT meter_id FROM meter WHERE tenant_id = :tenant_id AND number = u.number AND removed_on IS NULL LIMIT 1) m
 ORDER BY m.meter_id
ON CONFLICT (meter_id) DO NOTHING RETURNING meter_id

-- name: not_behind
-- Which of these numbers are no meter in use behind its concentrator.
SELECT u.number FROM unnest(:concentrator_ids::bigint[], :numbers::text[]) WITH ORDINALITY AS u(concentrator_id, number, place)
  LEFT JOIN LATERAL (
    SELECT b.concentrator_id FROM meter m JOIN concentrator_meter b USING (meter_id)
     WHERE m.tenant_id = :tenant_id AND m.number = u.number AND m.removed_on IS NULL LIMIT 1) s ON true
 WHERE s.concentrator_id IS DISTINCT FROM u.concentrator_id
 ORDER BY u.place

-- name: behind_each
-- Numbers of the meters in use behind each of these.
SELECT array_agg(m.number ORDER BY m.number) AS numbers FROM concentrator_meter b JOIN meter m USING (meter_id)
 WHERE b.tenant_id = :tenant_id AND b.concentrator_id = ANY (:concentrator_ids::bigint[]) AND m.removed_on IS NULL
 GROUP BY b.concentrator_id

-- name: concentrator_file
-- The next concentrators with a row for each meter in use behind them, one without meters with an empty one, for a file.
SELECT c.number, c.name, c.poll_s, coalesce(m.number, '') AS meter
  FROM (SELECT concentrator_id, number, name, poll_s FROM concentrator
         WHERE tenant_id = :tenant_id AND number > :after ORDER BY number LIMIT :most) c
  LEFT JOIN (concentrator_meter b JOIN meter m ON m.meter_id = b.meter_id AND m.removed_on IS NULL) USING (concentrator_id)
 ORDER BY c.number, m.number

-- name: remove_concentrator_by_id
-- With what says which meters are behind it.
DELETE FROM concentrator WHERE tenant_id = :tenant_id AND concentrator_id = :concentrator_id

-- name: all_behind_id
-- Numbers of the meters in use behind a concentrator, by its id.
SELECT m.number FROM concentrator_meter b JOIN meter m USING (meter_id)
 WHERE b.tenant_id = :tenant_id AND b.concentrator_id = :concentrator_id AND m.removed_on IS NULL ORDER BY m.number
