-- SPDX-License-Identifier: Apache-2.0
-- What the pipeline loads and commits, and dead letters. Role openmains_pipeline, but for the dead letters' pages.
-- A comment that begins with 'each point' stands for a column of every state point (edges/postgres/state_points.py).

-- name: position
-- Last committed stream sequence of a shard.
SELECT position FROM pipeline_position WHERE shard = :shard

-- name: first_position
-- A shard's first commit, or one after a commit at 0. Writes nothing when another pipeline was faster.
INSERT INTO pipeline_position (shard, stream, position) VALUES (:shard, 'UPLINK', :after)
ON CONFLICT (shard) DO UPDATE SET position = :after, updated_at = now() WHERE pipeline_position.position = :before

-- name: advance
-- Every further one; the same.
UPDATE pipeline_position SET position = :after, updated_at = now() WHERE shard = :shard AND position = :before

-- name: products
-- All products of all tenants, as the pipeline needs them.
SELECT product_id, driver, dial, interval_s, qmax_l_h AS qmax_per_h, report_s FROM product

-- name: limits
-- Of quantities, by product or by device.
SELECT product_id, meter_id, quantity, low, high, hysteresis, severity FROM quantity_limit

-- name: standings
-- On which side of their limits quantities of these meters stood.
SELECT meter_id, quantity, at_s, side FROM limit_standing WHERE meter_id = ANY (:meter_ids::bigint[])

-- name: keep_standings
-- As they are after a batch.
INSERT INTO limit_standing (meter_id, quantity, tenant_id, at_s, side)
SELECT * FROM unnest(:meter_id::bigint[], :quantity::text[], :tenant_id::int[], :at_s::bigint[], :side::smallint[])
ON CONFLICT (meter_id, quantity) DO UPDATE SET at_s = excluded.at_s, side = excluded.side

-- name: applied_manual
-- Of a person's readings those that were applied.
SELECT reading_id FROM manual_reading WHERE reading_id = ANY (:reading_ids::bigint[]) AND version IS NOT NULL

-- name: note_manual
-- What became of them.
UPDATE manual_reading r SET version = u.version, flags = u.flags
  FROM unnest(:reading_id::bigint[], :version::bigint[], :flags::bigint[]) AS u(reading_id, version, flags)
 WHERE r.reading_id = u.reading_id

-- name: deny_manual
-- The meter itself says something else of the time of these, though they were booked: they are not built upon any more.
UPDATE manual_reading r SET flags = r.flags | :denied::bigint
  FROM unnest(:meter_id::bigint[], :at_s::bigint[]) AS u(meter_id, at_s)
 WHERE r.meter_id = u.meter_id AND r.at_s = u.at_s AND r.version IS NOT NULL

-- name: zones
-- Time zone of each tenant.
SELECT tenant_id, zone FROM tenant

-- name: choose
-- A choice of the first start that later settings may not change; the first one holds.
INSERT INTO platform_choice (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING

-- name: chosen
-- What was chosen.
SELECT value FROM platform_choice WHERE name = :name

-- name: load_meters
-- Registry facts and hot state of a batch's meters. ``installed_day``: days since 1970.
SELECT s.meter_id, m.tenant_id, m.product_id, m.area_id, m.qmax_l_h, m.installed_on - date '1970-01-01' AS installed_day, m.imei,
       s.version, s.register, s.register_at, s.close_day, s.closes, s.frame_seq, s.frame_hash, s.frames_before,
       s.candidate, s.candidate_at, s.candidate_count, s.habit, s.grid_at, s.grid_register,
       s.left_register, s.left_at, s.left_for, s.left_habit, s.measured_at, s.read_digit,
       s.event_mask, s.events_at, s.last_seen_us,
       m.number, m.bar_code, coalesce(m.report_mode, '') AS report_mode, s.strange_number, s.accepted_number, s.runs, m.dn,
       EXISTS (SELECT FROM terminal t
                WHERE t.meter_id = m.meter_id AND t.imei = m.imei AND t.state IN ('quarantine', 'blocked')) AS is_held_back
       /*each point: , s.{name}*/
  FROM meter_state s JOIN meter m USING (meter_id)
 WHERE s.meter_id = ANY(:meter_ids::bigint[])

-- name: update_meters
-- The new hot state; 'closes' as array literals, for arrays of arrays cannot be unnested by rows.
UPDATE meter_state s
   SET version = u.version, register = u.register, register_at = u.register_at, close_day = u.close_day,
       closes = u.closes::bigint[], frame_seq = u.frame_seq, frame_hash = u.frame_hash, frames_before = u.frames_before,
       candidate = u.candidate, candidate_at = u.candidate_at, candidate_count = u.candidate_count, habit = u.habit,
       grid_at = u.grid_at, grid_register = u.grid_register, left_register = u.left_register, left_at = u.left_at,
       left_for = u.left_for, left_habit = u.left_habit, measured_at = u.measured_at, read_digit = u.read_digit,
       strange_number = u.strange_number, accepted_number = u.accepted_number, runs = u.runs, event_mask = u.event_mask, events_at = u.events_at,
       last_seen_us = u.last_seen_us
       /*each point: , {name} = u.{name}*/
  FROM unnest(:meter_id::bigint[], :version::bigint[], :register::bigint[], :register_at::bigint[], :close_day::int[],
              :closes::text[], :frame_seq::int[], :frame_hash::bigint[], :frames_before::bytea[], :candidate::bigint[],
              :candidate_at::bigint[], :candidate_count::int[], :habit::bigint[], :grid_at::bigint[],
              :grid_register::bigint[], :left_register::bigint[], :left_at::bigint[], :left_for::bigint[],
              :left_habit::bigint[], :measured_at::bigint[], :read_digit::bigint[], :strange_number::bigint[], :accepted_number::bigint[],
              :runs::bigint[], :event_mask::bigint[], :events_at::bigint[], :last_seen_us::bigint[]
              /*each point: , :{name}::{sql}[]*/)
       AS u(meter_id, version, register, register_at, close_day, closes, frame_seq, frame_hash, frames_before, candidate,
            candidate_at, candidate_count, habit, grid_at, grid_register, left_register, left_at, left_for, left_habit,
            measured_at, read_digit, strange_number, accepted_number, runs, event_mask, events_at, last_seen_us
            /*each point: , {name}*/)
 WHERE s.meter_id = u.meter_id

-- name: end_exceptions
-- What ended by itself: of a rule whose cause is over (finish 0), or gaps as far as [start, finish) covers them.
UPDATE reading_exception e
   SET status = CASE WHEN u.finish = 0 OR (u.start <= e.at AND e.value <= u.finish) THEN 'closed' ELSE 'open' END,
       at = CASE WHEN u.finish > 0 AND u.start <= e.at AND u.finish < e.value THEN u.finish ELSE e.at END,
       value = CASE WHEN u.finish > 0 AND e.at < u.start AND e.value <= u.finish THEN u.start ELSE e.value END,
       last_at = now()
  FROM unnest(:meter_id::bigint[], :rule::smallint[], :start::bigint[], :finish::bigint[]) AS u(meter_id, rule, start, finish)
 WHERE e.meter_id = u.meter_id AND e.rule = u.rule AND e.status = 'open'
   AND (u.finish = 0 OR (e.at < u.finish AND u.start < e.value))

-- name: add_exceptions
-- Findings of validation, each once: the same said again adds nothing.
INSERT INTO reading_exception (tenant_id, meter_id, version, rule, at, day, value, expected, occurrences, status)
SELECT u.* FROM unnest(:tenant_id::int[], :meter_id::bigint[], :version::bigint[], :rule::smallint[], :at::bigint[],
                       :day::int[], :value::bigint[], :expected::bigint[], :occurrences::int[], :status::text[])
       AS u(tenant_id, meter_id, version, rule, at, day, value, expected, occurrences, status)
 WHERE NOT EXISTS (SELECT FROM reading_exception e
                    WHERE e.meter_id = u.meter_id AND e.at = u.at AND e.rule = u.rule AND e.value = u.value
                      AND e.expected IS NOT DISTINCT FROM u.expected)

-- name: join_exceptions
-- Those that last: joined to the open one – of a gap (rule 15) to one that it touches, of a strange number (19) to that of
-- the same number –, else new; what only goes on is not new where somebody judged it meanwhile.
WITH u AS (
  SELECT * FROM unnest(:tenant_id::int[], :meter_id::bigint[], :version::bigint[], :rule::smallint[], :at::bigint[],
                       :day::int[], :value::bigint[], :expected::bigint[], :occurrences::int[], :goes_on::boolean[])
         WITH ORDINALITY AS u(tenant_id, meter_id, version, rule, at, day, value, expected, occurrences, goes_on, place)),
joined AS (
  UPDATE reading_exception e
     SET occurrences = e.occurrences + u.occurrences, last_at = now(),
         at = CASE WHEN u.rule = 15 THEN least(e.at, u.at) ELSE e.at END,
         value = CASE WHEN u.rule = 15 THEN greatest(e.value, u.value) ELSE e.value END
    FROM u
   WHERE e.meter_id = u.meter_id AND e.rule = u.rule AND e.status = 'open'
     AND (u.rule <> 15 OR (e.at <= u.value AND u.at <= e.value)) AND (u.rule <> 19 OR e.value = u.value)
  RETURNING u.place)
INSERT INTO reading_exception (tenant_id, meter_id, version, rule, at, day, value, expected, occurrences)
SELECT tenant_id, meter_id, version, rule, at, day, value, expected, occurrences FROM u
 WHERE NOT goes_on AND place NOT IN (SELECT place FROM joined)

-- name: add_dead_letters
-- Messages that could not be used.
INSERT INTO dead_letter (tenant_id, meter_id, product_id, channel, path, received_us, payload, reason, byte_offset, detail, number)
SELECT * FROM unnest(:tenant_id::int[], :meter_id::bigint[], :product_id::int[], :channel::text[], :path::text[],
                     :received_us::bigint[], :payload::bytea[], :reason::text[], :byte_offset::int[], :detail::text[],
                     :number::bigint[])

-- name: raise_alarms
-- One row for each open alarm; raising it again only counts (R7.2: repeats are grouped). One that was raised before its turn is counted
-- from its turn on.
INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us, occurrences,
                   quantity, value, bound, unit, exponent)
SELECT u.tenant_id, u.meter_id, u.event, u.severity, u.raised_at, u.received_us, :shown_us, u.last_us, u.occurrences,
       u.quantity, u.value, u.bound, u.unit, u.exponent
  FROM unnest(:tenant_id::int[], :meter_id::bigint[], :event::text[], :severity::text[], :raised_at::bigint[],
              :received_us::bigint[], :last_us::bigint[], :occurrences::int[], :quantity::text[], :value::bigint[],
              :bound::bigint[], :unit::text[], :exponent::smallint[])
       AS u(tenant_id, meter_id, event, severity, raised_at, received_us, last_us, occurrences, quantity, value, bound, unit,
            exponent)
ON CONFLICT (meter_id, event, quantity) WHERE cleared_us IS NULL
DO UPDATE SET occurrences = CASE WHEN alarm.is_early THEN 0 ELSE alarm.occurrences END + excluded.occurrences, is_early = false,
              last_us = excluded.last_us, value = excluded.value, bound = excluded.bound

-- name: raise_early
-- Before the turn of their messages (app/ingest/pipeline/fast_lane.py). The shard's commit waits for this statement, or the other way round:
-- what has had its turn meanwhile is not raised any more, for nothing would clear it. Which were raised.
INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us, occurrences, is_early,
                   quantity, value, bound, unit, exponent)
SELECT u.tenant_id, u.meter_id, u.event, u.severity, u.raised_at, u.received_us, :shown_us, u.last_us, 1, true,
       u.quantity, u.value, u.bound, u.unit, u.exponent
  FROM (SELECT position FROM pipeline_position WHERE shard = :shard FOR SHARE) p,
       unnest(:tenant_id::int[], :meter_id::bigint[], :event::text[], :severity::text[], :raised_at::bigint[],
              :received_us::bigint[], :last_us::bigint[], :sequence::bigint[], :quantity::text[], :value::bigint[],
              :bound::bigint[], :unit::text[], :exponent::smallint[])
       AS u(tenant_id, meter_id, event, severity, raised_at, received_us, last_us, sequence, quantity, value, bound, unit, exponent)
 WHERE u.sequence > p.position
ON CONFLICT (meter_id, event, quantity) WHERE cleared_us IS NULL DO NOTHING
RETURNING meter_id, event, quantity

-- name: lock_alarms
-- Open ones that a batch is about to change, in the order in which persons' acts lock them too.
SELECT a.alarm_id FROM alarm a JOIN unnest(:meter_id::bigint[], :event::text[], :quantity::text[]) AS u(meter_id, event, quantity)
       ON a.meter_id = u.meter_id AND a.event = u.event AND a.quantity = u.quantity
 WHERE a.cleared_us IS NULL ORDER BY a.alarm_id FOR UPDATE OF a

-- name: clear_alarms
-- Those that are open; an event that is not open stays as it is.
UPDATE alarm a SET cleared_us = u.at_us, last_us = u.at_us
  FROM unnest(:meter_id::bigint[], :event::text[], :quantity::text[], :at_us::bigint[]) AS u(meter_id, event, quantity, at_us)
 WHERE a.meter_id = u.meter_id AND a.event = u.event AND a.quantity = u.quantity AND a.cleared_us IS NULL

-- name: dead_letters_page
-- Of a tenant, newest first, with the number people know the meter by; a filter that is null takes all.
SELECT d.dead_letter_id, d.meter_id, m.number, m.imei, d.product_id, d.channel, d.path, d.received_us, d.payload, d.reason,
       d.byte_offset, d.detail, d.number AS frame_number, d.status, d.handled_by, d.handled_at
  FROM dead_letter d LEFT JOIN meter m ON m.tenant_id = d.tenant_id AND m.meter_id = d.meter_id
 WHERE d.tenant_id = :tenant_id AND (:after::bigint IS NULL OR d.dead_letter_id < :after)
   AND (:status::text IS NULL OR d.status = :status) AND (:reason::text IS NULL OR d.reason = :reason)
   AND (:meter_id::bigint IS NULL OR d.meter_id = :meter_id) AND (:product_id::int IS NULL OR d.product_id = :product_id)
 ORDER BY d.dead_letter_id DESC LIMIT :most

-- name: open_dead_letters
-- The open ones of these, locked until the transaction ends.
SELECT d.dead_letter_id, d.meter_id, m.number, m.imei, d.product_id, d.channel, d.path, d.received_us, d.payload, d.reason,
       d.byte_offset, d.detail, d.number AS frame_number, d.status, d.handled_by, d.handled_at
  FROM dead_letter d LEFT JOIN meter m ON m.tenant_id = d.tenant_id AND m.meter_id = d.meter_id
 WHERE d.tenant_id = :tenant_id AND d.dead_letter_id = ANY(:ids::bigint[]) AND d.status = 'open'
 ORDER BY d.dead_letter_id FOR UPDATE OF d

-- name: held_dead_letters
-- The open ones of a meter that carry this number, as they came.
SELECT d.dead_letter_id, d.meter_id, m.number, m.imei, d.product_id, d.channel, d.path, d.received_us, d.payload, d.reason,
       d.byte_offset, d.detail, d.number AS frame_number, d.status, d.handled_by, d.handled_at
  FROM dead_letter d LEFT JOIN meter m ON m.tenant_id = d.tenant_id AND m.meter_id = d.meter_id
 WHERE d.tenant_id = :tenant_id AND d.meter_id = :meter_id AND d.number = :number AND d.status = 'open'
 ORDER BY d.dead_letter_id

-- name: products_of_meters
-- Which product each of these meters is now.
SELECT meter_id, product_id FROM meter WHERE tenant_id = :tenant_id AND meter_id = ANY(:meter_ids::bigint[])

-- name: mark_dead_letters
-- Replayed or dismissed, and by whom.
UPDATE dead_letter SET status = :status, handled_by = :user_id, handled_at = now()
 WHERE tenant_id = :tenant_id AND dead_letter_id = ANY(:ids::bigint[])
