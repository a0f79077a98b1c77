-- SPDX-License-Identifier: Apache-2.0
-- Every query that ClickHouse is asked. The tables replace rows by key and version when they merge; FINAL does the same at
-- reading time. Queries of one meter name tenant and meter, the head of each table's order: FINAL reads a handful of granules.

-- name: days
-- The newest version of each day of a meter.
SELECT day, base, interval_s, increments, arrayResize(quality, length(increments)), total, flags, received_s, version
  FROM meter_day FINAL
 WHERE tenant_id = {tenant:UInt32} AND meter_id = {meter:UInt64} AND day BETWEEN {first:Date} AND {last:Date}
 ORDER BY day

-- name: superseded_days
-- Versions of days of a meter that others took the place of, as far as they are kept, from old to new.
SELECT day, version, base, interval_s, increments, arrayResize(quality, length(increments)), total, flags, received_s
  FROM day_version FINAL
 WHERE tenant_id = {tenant:UInt32} AND meter_id = {meter:UInt64} AND day BETWEEN {first:Date} AND {last:Date}
 ORDER BY day, version

-- name: day_causes
-- What persons made of days of a meter, from old to new.
SELECT day, version, why, user_id, approved_by, edit_id, made_s, reason
  FROM day_cause FINAL
 WHERE tenant_id = {tenant:UInt32} AND meter_id = {meter:UInt64} AND day BETWEEN {first:Date} AND {last:Date}
 ORDER BY day, version

-- name: registers
-- Registers of a meter as received, from new to old.
SELECT at, register, flags, position, received_us, version
  FROM register FINAL
 WHERE tenant_id = {tenant:UInt32} AND meter_id = {meter:UInt64}
   AND at >= toDateTime64({left:Int64}, 0, 'UTC') AND at < toDateTime64({right:Int64}, 0, 'UTC')
   AND (at, version, position) < (toDateTime64({at:Int64}, 0, 'UTC'), {version:UInt64}, {position:UInt32})
 ORDER BY at DESC, version DESC, position DESC LIMIT {limit:UInt32}

-- name: frames
-- The communication log of a meter, from new to old; direction '': both.
SELECT received_us, version, direction, channel, path, outcome, hex(payload)
  FROM frame FINAL
 WHERE tenant_id = {tenant:UInt32} AND meter_id = {meter:UInt64}
   AND (received_us, version) < ({us:UInt64}, {version:UInt64})
   AND ({direction:String} = '' OR direction = {direction:String})
 ORDER BY received_us DESC, version DESC LIMIT {limit:UInt32}

-- name: signals
-- Radio and battery of a meter's reports, from new to old. What says neither, such as the balance after a top-up, is no report.
SELECT received_us, version, rsrp_ddbm, sinr_ddb, ecl, pci, cell, earfcn, battery_pct, battery_mv
  FROM signal FINAL
 WHERE tenant_id = {tenant:UInt32} AND meter_id = {meter:UInt64}
   AND greatest(rsrp_ddbm, sinr_ddb, cell, battery_pct, battery_mv) > -2147483648
   AND received_us >= {left:UInt64} AND received_us < {right:UInt64}
   AND (received_us, version) < ({us:UInt64}, {version:UInt64})
 ORDER BY received_us DESC, version DESC LIMIT {limit:UInt32}

-- name: stored_days
-- The newest rows of these (tenant, meter, day) keys, for the pipeline to merge with.
SELECT meter_id, toUInt16(day), version, base, interval_s, increments, arrayResize(quality, length(increments)), flags,
       received_s
  FROM meter_day FINAL
 WHERE (tenant_id, meter_id, day) IN (SELECT k.1, k.2, toDate(k.3)
       FROM (SELECT arrayJoin({keys:Array(Tuple(UInt32, UInt64, UInt16))}) AS k))
   AND day IN {days:Array(Date)}

-- name: counts
-- Meters of a day by area, product, mode and status, as it stood at an instant: seen is what had come before it, due what
-- was due by then. Both tables are sorted by meter within a partition, so they are joined by merging. The same order of
-- questions as domain/readings/expected (Expectation, status_of); a meter without a row has 0 slots by the join. Modes are
-- numbers from 1 on, dues and ends are theirs for this day; the meter's word counts before the tasks', these before its product's
-- (WantedModes; the company's task is in modes already). whole: of all areas and products together, whose ids are then 0.
SELECT if({whole:UInt8} = 1, 0, area_id), if({whole:UInt8} = 1, 0, product_id), mode, multiIf(is_full, if(received_s < due, 'on_time', 'late'), {at:UInt32} < due, 'not_due', lacking) AS status,
       count()
  FROM (SELECT d.area_id AS area_id, d.product_id AS product_id, d.mode AS mode, d.due AS due, k.received_s AS received_s,
               multiIf(k.slots = 0, 'missing', k.slots > k.measured, 'estimated',
                       k.slots < transform(d.product_id, {products:Array(UInt32)}, {slots:Array(UInt16)}, toUInt16(0)),
                       'partial', '') AS lacking, lacking = '' AS is_full
          FROM (SELECT meter_id, area_id, product_id,
                       if({day:Date} < own_since, own_before, own_mode) AS own,
                       transform(meter_id, {task_meters:Array(UInt64)}, {task_meter_modes:Array(UInt8)}, toUInt8(0)) AS by_meter,
                       transform(product_id, {task_products:Array(UInt32)}, {task_product_modes:Array(UInt8)}, toUInt8(0)) AS by_product,
                       transform(area_id, {task_areas:Array(UInt32)}, {task_area_modes:Array(UInt8)}, toUInt8(0)) AS by_area,
                       multiIf(own > 0, own, by_meter > 0, by_meter, by_product > 0, by_product, by_area > 0, by_area,
                               transform(product_id, {products:Array(UInt32)}, {modes:Array(UInt8)}, toUInt8(1))) AS mode,
                       arrayElement({dues:Array(UInt32)}, mode) AS due
                  FROM meter_dim FINAL
                 WHERE tenant_id = {tenant:UInt32} AND first_day <= {day:Date} AND registered_s < {seen:UInt32}
                   AND removed_on > arrayElement({ends:Array(Date)}, mode)) AS d
          LEFT ANY JOIN (SELECT meter_id, slots, measured, received_s FROM day_total FINAL
                          WHERE tenant_id = {tenant:UInt32} AND day = {day:Date} AND received_s < {seen:UInt32}) AS k
            ON d.meter_id = k.meter_id)
 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
SETTINGS do_not_merge_across_partitions_select_final = 1, join_algorithm = 'full_sorting_merge,hash',
         max_bytes_before_external_group_by = 1000000000

-- name: counts_by_cell
-- Meters of a day by the radio cell in which each spoke last in a span before (0: none is known) and status, as in counts; no area or no product
-- means all.
SELECT last_cell, multiIf(is_full, if(received_s < due, 'on_time', 'late'), {at:UInt32} < due, 'not_due', lacking) AS status, count()
  FROM (SELECT d.meter_id AS meter_id, d.due AS due, k.received_s AS received_s,
               multiIf(k.slots = 0, 'missing', k.slots > k.measured, 'estimated',
                       k.slots < transform(d.product_id, {products:Array(UInt32)}, {slots:Array(UInt16)}, toUInt16(0)),
                       'partial', '') AS lacking, lacking = '' AS is_full
          FROM (SELECT meter_id, area_id, product_id,
                       if({day:Date} < own_since, own_before, own_mode) AS own,
                       transform(meter_id, {task_meters:Array(UInt64)}, {task_meter_modes:Array(UInt8)}, toUInt8(0)) AS by_meter,
                       transform(product_id, {task_products:Array(UInt32)}, {task_product_modes:Array(UInt8)}, toUInt8(0)) AS by_product,
                       transform(area_id, {task_areas:Array(UInt32)}, {task_area_modes:Array(UInt8)}, toUInt8(0)) AS by_area,
                       multiIf(own > 0, own, by_meter > 0, by_meter, by_product > 0, by_product, by_area > 0, by_area,
                               transform(product_id, {products:Array(UInt32)}, {modes:Array(UInt8)}, toUInt8(1))) AS mode,
                       arrayElement({dues:Array(UInt32)}, mode) AS due
                  FROM meter_dim FINAL
                 WHERE tenant_id = {tenant:UInt32} AND first_day <= {day:Date} AND registered_s < {seen:UInt32}
                   AND removed_on > arrayElement({ends:Array(Date)}, mode)
                   AND (empty({areas:Array(UInt32)}) OR area_id IN {areas:Array(UInt32)})
                   AND (empty({of_products:Array(UInt32)}) OR product_id IN {of_products:Array(UInt32)})) AS d
          LEFT ANY JOIN (SELECT meter_id, slots, measured, received_s FROM day_total FINAL
                          WHERE tenant_id = {tenant:UInt32} AND day = {day:Date} AND received_s < {seen:UInt32}) AS k
            ON d.meter_id = k.meter_id) AS m
  LEFT ANY JOIN (SELECT meter_id, argMax(cell, received_us) AS last_cell FROM signal
                  WHERE tenant_id = {tenant:UInt32} AND cell > 0
                    AND received_us >= {heard_from:Int64} * 1000000 AND received_us < {heard_until:Int64} * 1000000
                  GROUP BY meter_id) AS c
    ON m.meter_id = c.meter_id
 GROUP BY 1, 2 ORDER BY 1, 2
SETTINGS do_not_merge_across_partitions_select_final = 1, join_algorithm = 'full_sorting_merge,hash', optimize_aggregation_in_order = 1,
         max_bytes_before_external_group_by = 1000000000

-- name: missing
-- Meters in these statuses by id, from one on; no area or no product means all. Statuses as in counts. cell: those that spoke last in
-- this radio cell in a span before; 0: of which no cell is known; -1: all.
SELECT meter_id, area_id, product_id, mode, multiIf(is_full, if(received_s < due, 'on_time', 'late'), {at:UInt32} < due, 'not_due', lacking) AS status
  FROM (SELECT d.meter_id AS meter_id, d.area_id AS area_id, d.product_id AS product_id, d.mode AS mode, d.due AS due, k.received_s AS received_s,
               multiIf(k.slots = 0, 'missing', k.slots > k.measured, 'estimated',
                       k.slots < transform(d.product_id, {products:Array(UInt32)}, {slots:Array(UInt16)}, toUInt16(0)),
                       'partial', '') AS lacking, lacking = '' AS is_full
          FROM (SELECT meter_id, area_id, product_id,
                       if({day:Date} < own_since, own_before, own_mode) AS own,
                       transform(meter_id, {task_meters:Array(UInt64)}, {task_meter_modes:Array(UInt8)}, toUInt8(0)) AS by_meter,
                       transform(product_id, {task_products:Array(UInt32)}, {task_product_modes:Array(UInt8)}, toUInt8(0)) AS by_product,
                       transform(area_id, {task_areas:Array(UInt32)}, {task_area_modes:Array(UInt8)}, toUInt8(0)) AS by_area,
                       multiIf(own > 0, own, by_meter > 0, by_meter, by_product > 0, by_product, by_area > 0, by_area,
                               transform(product_id, {products:Array(UInt32)}, {modes:Array(UInt8)}, toUInt8(1))) AS mode,
                       arrayElement({dues:Array(UInt32)}, mode) AS due
                  FROM meter_dim FINAL
                 WHERE tenant_id = {tenant:UInt32} AND first_day <= {day:Date} AND registered_s < {seen:UInt32}
                   AND removed_on > arrayElement({ends:Array(Date)}, mode)
                   AND meter_id > {after:UInt64} AND (empty({areas:Array(UInt32)}) OR area_id IN {areas:Array(UInt32)})
                   AND (empty({of_products:Array(UInt32)}) OR product_id IN {of_products:Array(UInt32)})
                   AND ({cell:Int64} < 0 OR ({cell:Int64} = 0) != (meter_id IN (
                        SELECT meter_id FROM (SELECT meter_id, argMax(cell, received_us) AS last_cell FROM signal
                                WHERE {cell:Int64} >= 0 AND tenant_id = {tenant:UInt32} AND cell > 0
                                  AND received_us >= {heard_from:Int64} * 1000000 AND received_us < {heard_until:Int64} * 1000000
                                GROUP BY meter_id)
                         WHERE {cell:Int64} = 0 OR last_cell = {cell:Int64})))) AS d
          LEFT ANY JOIN (SELECT meter_id, slots, measured, received_s FROM day_total FINAL
                          WHERE tenant_id = {tenant:UInt32} AND day = {day:Date} AND received_s < {seen:UInt32}
                            AND meter_id > {after:UInt64}) AS k
            ON d.meter_id = k.meter_id)
 WHERE status IN {statuses:Array(String)} ORDER BY meter_id LIMIT {limit:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1, join_algorithm = 'full_sorting_merge,hash',
         max_bytes_before_external_group_by = 1000000000

-- name: day_slots
-- What is stored of days of meters, by quality: slots that are measured, of the 7-day history, set by a person, and other ones.
SELECT meter_id, toUInt16(day) AS number, length(increments) AS slots,
       arrayCount(q -> bitAnd(q, 19) = 0, arrayResize(quality, slots)) AS measured,
       arrayCount(q -> bitAnd(q, 51) = 34, arrayResize(quality, slots)) AS history,
       arrayCount(q -> bitAnd(q, 17) = 16, arrayResize(quality, slots)) AS edited,
       arrayCount(q -> bitAnd(q, 51) = 2, arrayResize(quality, slots)) AS other
  FROM meter_day FINAL
 WHERE (tenant_id, meter_id, day) IN (SELECT k.1, k.2, toDate(k.3)
       FROM (SELECT arrayJoin({keys:Array(Tuple(UInt32, UInt64, UInt16))}) AS k))
   AND day IN {days:Array(Date)}

-- name: register_checks
-- Registers that meters said of a day, those that fall into a slot measured by a later message, and of these those that lie between the
-- registers at its ends, give or take one unit. A dial that went round proves nothing. manual: the bit of a register that a person read,
-- which is judged by its digits elsewhere. by_cell: with the radio cell of each, as in counts_by_cell.
SELECT d.area_id, d.product_id, c.last_cell, count() AS checked,
       countIf(r.register >= least(d.left, d.right) - 1 AND r.register <= greatest(d.left, d.right) + 1) AS agreed
  FROM (SELECT meter_id, register, toInt64(toUnixTimestamp(at)) AS at_s, version FROM register FINAL
         WHERE tenant_id = {tenant:UInt32} AND bitAnd(flags, {manual:UInt32}) = 0 AND at >= toDateTime64({start:Int64}, 0, 'UTC') AND at < toDateTime64({end:Int64}, 0, 'UTC')) AS r
  JOIN (SELECT meter_id, area_id, product_id, version, slot, {start:Int64} + slot * interval_s AS from_s, from_s + interval_s AS to_s,
               base + arraySum(arraySlice(increments, 1, slot)) AS left, left + increments[slot + 1] AS right
          FROM (SELECT meter_id, area_id, product_id, version, interval_s, base, increments,
                       arrayResize(quality, length(increments)) AS flags
                  FROM meter_day FINAL WHERE tenant_id = {tenant:UInt32} AND day = {day:Date})
         ARRAY JOIN arrayFilter(k -> bitAnd(flags[k + 1], 19) = 0, range(length(increments))) AS slot) AS d
    ON r.meter_id = d.meter_id AND intDiv(r.at_s - {start:Int64}, toInt64(d.to_s - d.from_s)) = d.slot
  LEFT ANY JOIN (SELECT meter_id, argMax(cell, received_us) AS last_cell FROM signal
                  WHERE {by_cell:UInt8} = 1 AND tenant_id = {tenant:UInt32} AND cell > 0
                    AND received_us >= {heard_from:Int64} * 1000000 AND received_us < {heard_until:Int64} * 1000000
                  GROUP BY meter_id) AS c
    ON r.meter_id = c.meter_id
 WHERE r.version < d.version AND r.register * 10 >= d.left
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3

-- name: quantity_runs
-- Runs of quantities of a meter that touch a period, newest first. Not FINAL: the same row twice says the same.
SELECT point, start_s, interval_s, values, quality, version FROM series
 WHERE tenant_id = {tenant:UInt32} AND meter_id = {meter:UInt64} AND point IN {points:Array(UInt16)}
   AND start_s >= {first:UInt32} AND start_s < {right:UInt64}
   AND (start_s >= {left:UInt32} OR start_s + interval_s * (length(values) - 1) >= {left:UInt32})
 ORDER BY start_s DESC, version DESC LIMIT {limit:UInt32}

-- name: latest_runs
-- By meter and point the last few runs, for their newest values.
SELECT meter_id, point, start_s, interval_s, values, quality, version FROM series
 WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)} AND start_s >= {since:UInt32}
 ORDER BY start_s DESC, version DESC LIMIT 4 BY meter_id, point

-- name: recent_runs
-- Runs of all quantities of some meters that last until after an instant. Not FINAL: the same row twice says the same.
SELECT meter_id, point, start_s, interval_s, values, quality, version FROM series
 WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)} AND start_s >= {first:UInt32}
   AND (start_s >= {left:UInt32} OR start_s + interval_s * (length(values) - 1) >= {left:UInt32})

-- name: logged_values
-- Quantities that every report of a meter says, over a period, newest first.
SELECT received_us, version, battery_mv, battery_pct, balance, balance_kind FROM signal FINAL
 WHERE tenant_id = {tenant:UInt32} AND meter_id = {meter:UInt64}
   AND received_us >= {left:UInt64} AND received_us < {right:UInt64}
 ORDER BY received_us DESC, version DESC LIMIT {limit:UInt32}

-- name: balance_reports
-- Balances of meters with the register of the same moment, received since an instant; by meter, in the order of its clock: the last one of
-- each of its days, and those that came as answers to commands.
SELECT meter_id, received_us, register_at, register, balance, balance_kind
  FROM (SELECT *, row_number() OVER (PARTITION BY meter_id, toDate(toDateTime(register_at, {zone:String})) ORDER BY register_at DESC, received_us DESC) AS place
          FROM signal FINAL
         WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)} AND received_us >= {since:UInt64}
           AND register > -2147483648 AND balance > -2147483648 AND balance_kind IN (0, 1))
 WHERE place = 1 OR received_us IN {answers:Array(UInt64)}
 ORDER BY meter_id, register_at, received_us

-- name: latest_logged
-- By meter the last few of these.
SELECT meter_id, received_us, version, battery_mv, battery_pct, balance, balance_kind FROM signal
 WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)} AND received_us >= {since:UInt64}
 ORDER BY received_us DESC, version DESC LIMIT 8 BY meter_id

-- name: logged_meters
-- The next meters of a tenant that have frames, by number.
SELECT DISTINCT meter_id FROM frame
 WHERE tenant_id = {tenant:UInt32} AND meter_id > {after:UInt64} ORDER BY meter_id LIMIT {limit:UInt32}

-- name: applied_frames
-- Frames of meters that were applied, in order: what a driver of now may read more out of.
SELECT meter_id, received_us, version, channel, path, hex(payload) FROM frame FINAL
 WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)} AND received_us >= {since:UInt64}
   AND direction = 'up' AND outcome IN ('ok', 'partial')
 ORDER BY meter_id, received_us, version

-- name: area_sums
-- Sums of a tenant's totals by day and area, and of how many meters.
SELECT day, area_id, sum(total), count() FROM day_total FINAL
 WHERE tenant_id = {tenant:UInt32} AND day BETWEEN {first:Date} AND {last:Date} AND slots > 0
 GROUP BY day, area_id ORDER BY day, area_id
SETTINGS do_not_merge_across_partitions_select_final = 1

-- name: volumes_below
-- Sums of totals by day and product over these areas, all of a tenant where there are none, and of how many meters; of these meters only, where
-- there are any.
SELECT day, product_id, sum(total), count() FROM day_total FINAL
 WHERE tenant_id = {tenant:UInt32} AND day BETWEEN {first:Date} AND {last:Date} AND slots > 0
   AND (empty({areas:Array(UInt32)}) OR area_id IN {areas:Array(UInt32)})
   AND (empty({meters:Array(UInt64)}) OR meter_id IN {meters:Array(UInt64)})
 GROUP BY day, product_id ORDER BY day, product_id
SETTINGS do_not_merge_across_partitions_select_final = 1

-- name: loads_by_minute
-- Reports that each radio cell carried in each minute of the day, over a span.
SELECT cell, intDiv(intDiv(received_us, 1000000) - {midnight:Int64} + 604800, 60) % 1440 AS minute, toInt64(count())
  FROM signal FINAL
 WHERE tenant_id = {tenant:UInt32} AND received_us >= {left:Int64} * 1000000 AND received_us < {right:Int64} * 1000000
   AND cell > 0
 GROUP BY cell, minute

-- name: days_heard
-- Days of a span on which a report named a cell.
SELECT toInt64(uniqExact(intDiv(intDiv(received_us, 1000000) - {midnight:Int64} + 604800, 86400))) FROM signal
 WHERE tenant_id = {tenant:UInt32} AND received_us >= {left:Int64} * 1000000 AND received_us < {right:Int64} * 1000000
   AND cell > 0

-- name: usual_minutes
-- The middle of the minutes of the day in which each meter's reports came, on how many days, and how many.
SELECT meter_id, toInt64(quantileExactLow(0.5)(minute)), toInt64(uniqExact(day)), toInt64(count()) FROM (
  SELECT meter_id, intDiv(intDiv(received_us, 1000000) - {midnight:Int64} + 604800, 86400) AS day,
         intDiv(intDiv(received_us, 1000000) - {midnight:Int64} + 604800, 60) % 1440 AS minute
    FROM signal FINAL
   WHERE tenant_id = {tenant:UInt32} AND received_us >= {left:Int64} * 1000000 AND received_us < {right:Int64} * 1000000
     AND cell > 0)
 GROUP BY meter_id

-- name: lateness
-- How many minutes after their meter's usual one (the middle) the reports of each cell came (1439: one before), how many, and
-- millionths of meters and days: their sum over a cell is on how many days its meters were heard. Of meters that report once a
-- day: what others send is late for nothing.
SELECT cell, toInt64((minute + 1440 - usual) % 1440) AS late, toInt64(count()), toInt64(sum(days * 1000000 / reports)) FROM (
  SELECT cell, minute, quantileExactLow(0.5)(minute) OVER meter AS usual, count() OVER meter AS reports,
         uniqExact(day) OVER meter AS days
    FROM (SELECT meter_id, cell, intDiv(intDiv(received_us, 1000000) - {midnight:Int64} + 604800, 86400) AS day,
                 intDiv(intDiv(received_us, 1000000) - {midnight:Int64} + 604800, 60) % 1440 AS minute
            FROM signal FINAL
           WHERE tenant_id = {tenant:UInt32} AND received_us >= {left:Int64} * 1000000
             AND received_us < {right:Int64} * 1000000 AND cell > 0)
  WINDOW meter AS (PARTITION BY meter_id))
 WHERE reports * 2 <= days * 3
 GROUP BY cell, late

-- name: sync_position
-- How far a copy has come; no row where it never began.
SELECT argMax(position, at) FROM sync_position WHERE name = {name:String} HAVING count() > 0

-- name: version
-- Of the engine.
SELECT version()

-- name: held_bytes
-- What each table holds on disk.
SELECT table, sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'openmains' GROUP BY table

-- name: tables
-- All tables and views with the statement that makes each and where its parts lie.
SELECT name, create_table_query, engine, data_paths FROM system.tables WHERE database = currentDatabase() ORDER BY name

-- name: table_rows
-- Rows of each table's active parts.
SELECT table, sum(rows) FROM system.parts WHERE database = currentDatabase() AND active GROUP BY table

-- name: detached_parts
-- Parts that were set aside, by the engine or by us.
SELECT table, name, coalesce(partition_id, ''), coalesce(reason, ''), path FROM system.detached_parts
 WHERE database = 'openmains' ORDER BY table, name

-- name: active_parts
-- Parts in use, the newest first.
SELECT table, name FROM system.parts WHERE active AND database = 'openmains' ORDER BY modification_time DESC, table, name

-- name: totals_again
-- The narrow copy of a month's days, from the days.
SELECT tenant_id, day, area_id, product_id, meter_id, total, flags, slots, measured, received_s, version
  FROM meter_day FINAL WHERE toYYYYMM(day) = {month:UInt32}

-- name: days_of_month
-- How many days of meters a month has.
SELECT count() FROM meter_day FINAL WHERE toYYYYMM(day) = {month:UInt32}

-- name: about
-- What is kept of this store itself.
SELECT argMax(value, at) FROM about WHERE name = {name:String} HAVING count() > 0

-- name: framed_meters
-- Meters whose messages of a span were applied, those above an id, by id. A person edits a day, or enters a reading of it, however late.
SELECT meter_id FROM frame
 WHERE received_us >= {left:UInt64} AND (received_us < {right:UInt64} OR channel IN {persons:Array(String)}) AND meter_id > {after:UInt64}
   AND direction = 'up' AND outcome IN ('ok', 'partial') AND at >= toDateTime(intDiv({left:UInt64}, 1000000), 'UTC')
 GROUP BY meter_id ORDER BY meter_id LIMIT {most:UInt32}

-- name: frames_of_span
-- The messages of these meters that were applied, in the order of their versions: a meter's are its order.
SELECT tenant_id, meter_id, received_us, version, channel, path, hex(payload) FROM frame FINAL
 WHERE received_us >= {left:UInt64} AND (received_us < {right:UInt64} OR channel IN {persons:Array(String)})
   AND meter_id IN {meters:Array(UInt64)}
   AND direction = 'up' AND outcome IN ('ok', 'partial') AND at >= toDateTime(intDiv({left:UInt64}, 1000000), 'UTC')
 ORDER BY meter_id, version, received_us

-- name: framed_versions
-- How many messages of these meters the frame log holds, by the number that each applied one has; the others have 0.
SELECT meter_id, max(version) FROM frame WHERE direction = 'up' AND meter_id IN {meters:Array(UInt64)} GROUP BY meter_id

-- name: days_by_month
-- Days of meters by month.
SELECT toString(toYYYYMM(day)) AS month, count() FROM meter_day FINAL GROUP BY month ORDER BY month

-- name: totals_by_month
-- The same of their narrow copy.
SELECT toString(toYYYYMM(day)) AS month, count() FROM day_total FINAL GROUP BY month ORDER BY month

-- name: known_registers
-- Registers of these meters in a span, to be looked up by instant.
SELECT meter_id, toUnixTimestamp(at), register
  FROM register
 WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)}
   AND at >= toDateTime64({left:Int64}, 0, 'UTC') AND at <= toDateTime64({right:Int64}, 0, 'UTC')
   AND (meter_id, toInt64(toUnixTimestamp(at))) IN (SELECT k.1, k.2
       FROM (SELECT arrayJoin({places:Array(Tuple(UInt64, Int64))}) AS k))

-- name: day_changes
-- Days of a tenant that changed in batches of a shard from one stream position on and before another, in order, after a row seen.
SELECT seq, meter_id, day, version, product_id, base, total, flags, grid, slots, measured, received_s
  FROM day_change FINAL
 WHERE tenant_id = {tenant:UInt32} AND shard = {shard:UInt32} AND seq >= {seq:UInt64} AND seq < {until:UInt64}
   AND (seq, meter_id, day, version) > ({seq:UInt64}, {meter:UInt64}, {day:Date}, {version:UInt64})
 ORDER BY seq, meter_id, day, version LIMIT {limit:UInt32}

-- name: changed_meters
-- Meters of a tenant with a day that changed in batches of a shard from one stream position on and before another, after a meter seen.
SELECT DISTINCT meter_id FROM day_change
 WHERE tenant_id = {tenant:UInt32} AND shard = {shard:UInt32} AND seq >= {seq:UInt64} AND seq < {until:UInt64} AND meter_id > {after:UInt64}
 ORDER BY meter_id LIMIT {limit:UInt32}

-- name: month_volumes
-- Sums of meters' days before a month, from the day that begins a cycle on, and of the month; how many of its days are there.
SELECT meter_id, toInt64(sumIf(total, day < {first:Date})), toInt64(sumIf(total, day >= {first:Date})), toInt64(countIf(day >= {first:Date}))
  FROM day_total FINAL
 WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)} AND day >= {cycle:Date} AND day < {end:Date} AND slots > 0
 GROUP BY meter_id
SETTINGS do_not_merge_across_partitions_select_final = 1

-- name: billed_sums
-- Days of meters summed: how many, how many of them lack a value, how many hold one that is estimated, the total, and the steps of their versions.
SELECT meter_id, count(), countIf(slots < grid OR grid = 0), countIf(slots > measured), sum(total),
       toString(arraySlice(arrayDifference(arrayConcat([toInt64(0)], arraySort((v, d) -> d, groupArray(toInt64(version)), groupArray(day)))), 2))
  FROM (SELECT meter_id, day, total, version, slots, measured, length(increments) AS grid FROM meter_day FINAL
         WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)} AND day >= {first:Date} AND day < {end:Date} AND slots > 0)
 GROUP BY meter_id
SETTINGS do_not_merge_across_partitions_select_final = 1, max_threads = 1 -- of a few thousand meters: more threads cost more than they save

-- name: billed_days
-- Days of meters in order, with total, version and the register as they begin; which of them lack a value, which hold one that is estimated,
-- and which lack their first, so that the register may be a later one.
SELECT meter_id, arrayMap(d -> d.1, days), arrayMap(d -> d.2, days), arrayMap(d -> d.3, days), partial, estimated, arrayMap(d -> d.4, days), adrift
  FROM (SELECT meter_id, arraySort(groupArray((toUInt16(day), total, version, base))) AS days,
               arraySort(groupArrayIf(toUInt16(day), slots < grid OR grid = 0)) AS partial,
               arraySort(groupArrayIf(toUInt16(day), slots > measured)) AS estimated,
               arraySort(groupArrayIf(toUInt16(day), bitTest(first_quality, 0))) AS adrift
          FROM (SELECT meter_id, day, base, total, version, slots, measured, length(increments) AS grid, quality[1] AS first_quality
                  FROM meter_day FINAL
                 WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)} AND day >= {first:Date} AND day < {end:Date}
                   AND slots > 0)
         GROUP BY meter_id)
SETTINGS do_not_merge_across_partitions_select_final = 1

-- name: past_signals
-- What reports of meters said of radio, battery and balance since an instant, by meter in order.
SELECT meter_id, received_us, rsrp_ddbm, sinr_ddb, ecl, battery_mv, battery_pct, balance, balance_kind FROM signal FINAL
 WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)} AND received_us >= {since:UInt64}
 ORDER BY meter_id, received_us

-- name: past_series
-- Runs of quantities of meters since an instant, by meter in order; of the same run the newest version.
SELECT meter_id, point, start_s, interval_s, values, quality, received_us FROM series
 WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)} AND point IN {points:Array(UInt16)} AND start_s >= {since:UInt32}
 ORDER BY meter_id, start_s, point, version DESC LIMIT 1 BY meter_id, start_s, point

-- name: past_frames
-- When meters were heard since an instant, in order: frames of their own, not persons' words.
SELECT meter_id, groupArray(heard_s) FROM (
  SELECT DISTINCT meter_id, intDiv(received_us, 1000000) AS heard_s FROM frame
   WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)} AND received_us >= {since:UInt64} AND direction = 'up'
     AND channel NOT IN {persons:Array(String)}
   ORDER BY meter_id, heard_s)
 GROUP BY meter_id
