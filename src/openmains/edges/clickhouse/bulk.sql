-- SPDX-License-Identifier: Apache-2.0
-- What is asked of very many meters at once. Those asked of come as ids: steps from one meter's number to the next, with commas
-- between, which is a tenth of a list of numbers. PREWHERE, of columns of the order alone, keeps the engine from reading the arrays of all
-- days around: with FINAL it would not choose so by itself.

-- name: midnight_registers
-- Of many meters the register at the start of a day, and the flags of its first slot. ids: steps from one meter's number to the
-- next, with commas between.
SELECT meter_id, base, if(empty(quality), 0, quality[1]) FROM meter_day FINAL
 PREWHERE tenant_id = {tenant:UInt32} AND day = {day:Date}
   AND meter_id IN (SELECT arrayJoin(arrayCumSum(arrayMap(x -> toUInt64OrZero(x), splitByChar(',', {ids:String})))))

-- name: day_end_registers
-- The register at the end of a day of which no slot is missing, the flags of its last slot, whether a person set one.
SELECT meter_id, base + total, if(empty(quality), 0, quality[-1]), arrayExists(flags -> bitAnd(flags, 16) > 0, quality)
  FROM meter_day FINAL
 PREWHERE tenant_id = {tenant:UInt32} AND day = {day:Date}
   AND meter_id IN (SELECT arrayJoin(arrayCumSum(arrayMap(x -> toUInt64OrZero(x), splitByChar(',', {ids:String})))))
 WHERE slots > 0 AND slots = length(increments)

-- name: registers_within_day
-- Around an instant so many seconds into a day: where its slot begins, the register there, what the slot adds, flags of the slot
-- before (1: not known) and of this one, whether a person set one of those before. Only where none before it is missing.
WITH least(intDiv({offset:UInt32}, greatest(interval_s, 1)), toUInt32(greatest(length(increments), 1) - 1)) AS place,
     arrayResize(quality, length(increments)) AS marks, arraySlice(marks, 1, place) AS marks_before
SELECT meter_id, interval_s, toUInt32(place), base + arraySum(arraySlice(increments, 1, place)), toInt64(increments[place + 1]),
       if(place = 0, 1, marks[place]), marks[place + 1], arrayExists(flags -> bitAnd(flags, 16) > 0, marks_before)
  FROM meter_day FINAL
 PREWHERE tenant_id = {tenant:UInt32} AND day = {day:Date}
   AND meter_id IN (SELECT arrayJoin(arrayCumSum(arrayMap(x -> toUInt64OrZero(x), splitByChar(',', {ids:String})))))
 WHERE slots > 0 AND NOT arrayExists(flags -> bitAnd(flags, 1) > 0, arraySlice(marks, 1, greatest(place, 1)))

-- name: registers_near
-- Registers as received within a span, but for those that are not built upon.
SELECT meter_id, toInt64(toUnixTimestamp(at)), register FROM register FINAL
 WHERE tenant_id = {tenant:UInt32} AND bitAnd(flags, {refused:UInt32}) = 0
   AND at >= toDateTime64({left:Int64}, 0, 'UTC') AND at <= toDateTime64({right:Int64}, 0, 'UTC')
   AND meter_id IN (SELECT arrayJoin(arrayCumSum(arrayMap(x -> toUInt64OrZero(x), splitByChar(',', {ids:String})))))
 ORDER BY meter_id, at, version, position

-- name: neighbour_days
-- Of each meter the nearest day before one that tells a register, and the nearest from it on.
SELECT meter_id, day, base, interval_s, increments, arrayResize(quality, length(increments)), flags FROM (
  SELECT * FROM meter_day FINAL
   PREWHERE tenant_id = {tenant:UInt32} AND day >= {first:Date} AND day < {day:Date}
     AND meter_id IN (SELECT arrayJoin(arrayCumSum(arrayMap(x -> toUInt64OrZero(x), splitByChar(',', {ids:String})))))
   WHERE slots > 0 AND (empty(quality) OR bitAnd(quality[1], 1) = 0)
   ORDER BY day DESC LIMIT 1 BY meter_id
  UNION ALL
  SELECT * FROM meter_day FINAL
   PREWHERE tenant_id = {tenant:UInt32} AND day >= {day:Date} AND day <= {last:Date}
     AND meter_id IN (SELECT arrayJoin(arrayCumSum(arrayMap(x -> toUInt64OrZero(x), splitByChar(',', {ids:String})))))
   WHERE slots > 0 AND (empty(quality) OR bitAnd(quality[1], 1) = 0)
   ORDER BY day LIMIT 2 BY meter_id)

-- name: neighbour_registers
-- Of each meter the newest register received for an instant or before, and the oldest after it, but for those not built upon.
SELECT meter_id, toInt64(toUnixTimestamp(at)) AS at_s, register FROM (
  SELECT meter_id, at, register FROM register FINAL
   WHERE tenant_id = {tenant:UInt32} AND bitAnd(flags, {refused:UInt32}) = 0
     AND at >= toDateTime64({left:Int64}, 0, 'UTC') AND at <= toDateTime64({at:Int64}, 0, 'UTC')
     AND meter_id IN (SELECT arrayJoin(arrayCumSum(arrayMap(x -> toUInt64OrZero(x), splitByChar(',', {ids:String})))))
   ORDER BY at DESC, version DESC, position DESC LIMIT 1 BY meter_id
  UNION ALL
  SELECT meter_id, at, register FROM register FINAL
   WHERE tenant_id = {tenant:UInt32} AND bitAnd(flags, {refused:UInt32}) = 0
     AND at > toDateTime64({at:Int64}, 0, 'UTC') AND at <= toDateTime64({right:Int64}, 0, 'UTC')
     AND meter_id IN (SELECT arrayJoin(arrayCumSum(arrayMap(x -> toUInt64OrZero(x), splitByChar(',', {ids:String})))))
   ORDER BY at, version, position LIMIT 1 BY meter_id)

-- name: value_counts
-- Of each meter at most how many values there are of quantities over a period: by which an export is cut into pieces.
SELECT meter_id, toUInt64(sum(amount)) FROM (
  SELECT meter_id, sum(length(values)) AS amount FROM series
   WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)} AND point IN {points:Array(UInt16)}
     AND start_s >= {first:UInt32} AND start_s < {right:UInt32} GROUP BY meter_id
  UNION ALL
  SELECT meter_id, sum(length(increments)) * {of_day:UInt8} AS amount FROM meter_day
   WHERE {of_day:UInt8} > 0 AND tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)}
     AND day BETWEEN {first_day:Date} AND {last_day:Date} GROUP BY meter_id
  UNION ALL
  SELECT meter_id, count() * {of_log:UInt8} AS amount FROM signal
   WHERE {of_log:UInt8} > 0 AND tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)}
     AND received_us >= {left:UInt32} * 1000000 AND received_us < {right:UInt32} * 1000000 GROUP BY meter_id)
 GROUP BY meter_id

-- name: values_in_bulk
-- Values of quantities of meters over a period, by meter, quantity and instant, out of those of the three parts below that the question
-- needs (parts, put in by bulk.py). Where the value is null a message came and did not know it. Names, units and exponents of
-- the quantities and the numbers, exponents and dials of the meters are given, each in the order of its list; marks: what each of the 256
-- sets of flags is called. key: place of the meter in its list (20 bits), of the quantity in its (12), instant (32): one number to
-- group and to sort by.
SELECT arrayElement({meters:Array(UInt64)}, bitShiftRight(key, 44)) AS meter_id,
       arrayElement({numbers:Array(String)}, bitShiftRight(key, 44)) AS number,
       arrayElement({names:Array(String)}, bitAnd(bitShiftRight(key, 32), 4095)) AS point,
       toDateTime64(toUInt32(bitAnd(key, 4294967295)), 0, 'UTC') AS at, found.1 AS value,
       toInt8(arrayElement({exponents:Array(Int16)}, bitAnd(bitShiftRight(key, 32), 4095))
              + if(has({volumes:Array(String)}, point), arrayElement({meter_exponents:Array(Int16)}, bitShiftRight(key, 44)), 0)) AS exponent,
       arrayElement({units:Array(String)}, bitAnd(bitShiftRight(key, 32), 4095)) AS unit, found.3 AS interval_s,
       arrayElement({marks:Array(String)}, found.2 + 1) AS quality
  FROM (
parts
) ORDER BY key
SETTINGS date_time_output_format = 'iso'

-- name: values_of_series
-- As domain/readings/quantities.py puts runs together. Nearly always none of a meter's runs of a quantity reaches into another: their values
-- are told as they stand, which costs a third. Where two do (clashes), of an instant the value with the most weight counts: a known one
-- before one that is not, else the newest.
SELECT head + toUInt64(toUInt32(start_s + interval_s * (nth - 1))) AS key,
       (if(bitAnd(said, 1) = 0, toNullable(one), NULL), said, interval_s) AS found
  FROM (SELECT head, start_s, interval_s, values, quality
          FROM (SELECT *, max(start_s <= before) OVER (PARTITION BY meter_id, point) AS clashes
                  FROM (SELECT meter_id, point, start_s, version, interval_s, values, quality,
                               bitShiftLeft(toUInt64(transform(meter_id, {meters:Array(UInt64)}, arrayEnumerate({meters:Array(UInt64)}), toUInt32(0))), 44)
                               + bitShiftLeft(toUInt64(indexOf({names:Array(String)}, transform(point, {codes:Array(UInt16)}, {code_names:Array(String)}, ''))), 32) AS head,
                               max(toInt64(start_s) + toInt64(interval_s) * (length(values) - 1)) OVER (
                                   PARTITION BY meter_id, point ORDER BY start_s, version ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                          FROM series
                         WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)} AND point IN {codes:Array(UInt16)}
                           AND start_s >= {first:UInt32} AND start_s < {right:UInt32}))
         WHERE NOT clashes)
 ARRAY JOIN values AS one, arrayResize(quality, length(values)) AS said, arrayEnumerate(values) AS nth
 WHERE bitAnd(key, 4294967295) >= {left:UInt32} AND bitAnd(key, 4294967295) < {right:UInt32}
UNION ALL
SELECT key, (if(bitAnd(rest, 1) = 0, toNullable(known), NULL), toUInt8(bitAnd(rest, 255)), toUInt32(bitShiftRight(rest, 8))) AS found
  FROM (SELECT key, argMax(one, weight) AS known, argMax(bitOr(bitShiftLeft(toUInt64(every), 8), toUInt64(said)), weight) AS rest
          FROM (SELECT head + toUInt64(toUInt32(start_s + interval_s * (nth - 1))) AS key, one, said, interval_s AS every,
                       if(bitAnd(said, 1) = 0, bitOr(version, toUInt64(9223372036854775808)), toUInt64(9223372036854775807 - version)) AS weight
                  FROM (SELECT head, start_s, version, interval_s, values, quality
          FROM (SELECT *, max(start_s <= before) OVER (PARTITION BY meter_id, point) AS clashes
                  FROM (SELECT meter_id, point, start_s, version, interval_s, values, quality,
                               bitShiftLeft(toUInt64(transform(meter_id, {meters:Array(UInt64)}, arrayEnumerate({meters:Array(UInt64)}), toUInt32(0))), 44)
                               + bitShiftLeft(toUInt64(indexOf({names:Array(String)}, transform(point, {codes:Array(UInt16)}, {code_names:Array(String)}, ''))), 32) AS head,
                               max(toInt64(start_s) + toInt64(interval_s) * (length(values) - 1)) OVER (
                                   PARTITION BY meter_id, point ORDER BY start_s, version ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                          FROM series
                         WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)} AND point IN {codes:Array(UInt16)}
                           AND start_s >= {first:UInt32} AND start_s < {right:UInt32}))
                 WHERE clashes)
                 ARRAY JOIN values AS one, arrayResize(quality, length(values)) AS said, arrayEnumerate(values) AS nth)
         WHERE bitAnd(key, 4294967295) >= {left:UInt32} AND bitAnd(key, 4294967295) < {right:UInt32}
         GROUP BY key)

-- name: values_of_days
-- As a meter's days tell volume and register.
SELECT bitShiftLeft(toUInt64(transform(meter_id, {meters:Array(UInt64)}, arrayEnumerate({meters:Array(UInt64)}), toUInt32(0))), 44)
         + bitShiftLeft(toUInt64(indexOf({names:Array(String)}, kind)), 32) + at_s AS key, said_of_day AS found
  FROM (SELECT meter_id, kind, toUInt32(toUnixTimestamp(toDateTime(day, {zone:String})) + interval_s * (nth - 1)) AS at_s,
       (if(kind = 'register', toNullable(if(dial > 0, (base + upto - one) % dial, base + upto - one)), if(bitAnd(said, 1) = 0, toNullable(toInt64(one)), NULL)),
        if(kind = 'register', toUInt8(bitAnd(said, 254)), said), if(kind = 'register', toUInt32(0), interval_s)) AS said_of_day
  FROM (SELECT *, transform(meter_id, {meters:Array(UInt64)}, {dials:Array(Int64)}, toInt64(0)) AS dial FROM meter_day FINAL
         WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)}
           AND day BETWEEN {first_day:Date} AND {last_day:Date})
 ARRAY JOIN increments AS one, arrayResize(quality, length(increments)) AS said, arrayEnumerate(increments) AS nth,
            arrayCumSum(x -> toInt64(x), increments) AS upto,
            arrayCumSum(x -> toUInt32(bitAnd(x, 1)), arrayResize(quality, length(increments))) AS lost
 ARRAY JOIN {of_day:Array(String)} AS kind
 WHERE at_s >= {left:UInt32} AND at_s < {right:UInt32} AND (kind != 'register' OR lost = 0 OR (nth > 1 AND lost = 1 AND bitAnd(said, 1) = 1))
  )

-- name: values_of_log
-- Of what every report says: battery and balance.
SELECT bitShiftLeft(toUInt64(transform(meter_id, {meters:Array(UInt64)}, arrayEnumerate({meters:Array(UInt64)}), toUInt32(0))), 44)
         + bitShiftLeft(toUInt64(indexOf({names:Array(String)}, kind)), 32) + at_s AS key, (toNullable(argMax(said, version)), toUInt8(0), toUInt32(0)) AS found FROM (
  SELECT meter_id, toUInt32(intDiv(received_us, 1000000)) AS at_s, kind, said, version FROM signal FINAL
   ARRAY JOIN ['battery_mv', 'battery_pct', 'balance', 'balance_volume', 'balance_unknown'] AS kind,
              [toInt64(battery_mv), toInt64(battery_pct), if(balance_kind = 0, balance, -2147483648), if(balance_kind = 1, balance, -2147483648),
               if(balance_kind IN (0, 1, 2), -2147483648, balance)] AS said
   WHERE tenant_id = {tenant:UInt32} AND meter_id IN {meters:Array(UInt64)}
     AND received_us >= {left:UInt32} * 1000000 AND received_us < {right:UInt32} * 1000000
     AND said != -2147483648 AND has({of_log:Array(String)}, kind))
 GROUP BY meter_id, kind, at_s

-- name: inserted_frames
-- How many of these messages of a person's file, by meter and instant, the frame log holds.
SELECT count(DISTINCT (meter_id, received_us)) FROM frame
 WHERE tenant_id = {tenant:UInt32} AND channel = 'insert'
   AND (meter_id, received_us) IN (SELECT arrayJoin({sent:Array(Tuple(UInt64, UInt64))}))

-- name: expected_in_bulk
-- Of each group and product how many meters there are, and how many of their days are due within a period: from first_day on, to
-- the last day due in their mode, of which the period was over before the meter was taken away (domain/readings/expected.py). keys:
-- the group of each meter, in the order of ids; modes are numbers from 1 on, told as in
-- counts (queries.sql); dues: by mode the last day that is due.
WITH arrayCumSum(arrayMap(x -> toUInt64OrZero(x), splitByChar(',', {ids:String}))) AS listed
SELECT transform(meter_id, listed, arrayMap(x -> toUInt64OrZero(x), splitByChar(',', {keys:String})), toUInt64(0)) AS group_key, product_id,
       count(), toInt64(sum(greatest(0, toInt32(until) - toInt32(since) + 1)))
  FROM (
    SELECT meter_id, product_id, if({last:Date} < own_since, own_before, own_mode) AS own,
           transform(meter_id, {task_meters:Array(UInt64)}, {task_meter_modes:Array(UInt8)}, toUInt8(0)) AS by_meter,
           transform(product_id, {task_products:Array(UInt32)}, {task_product_modes:Array(UInt8)}, toUInt8(0)) AS by_product,
           transform(area_id, {task_areas:Array(UInt32)}, {task_area_modes:Array(UInt8)}, toUInt8(0)) AS by_area,
           multiIf(own > 0, own, by_meter > 0, by_meter, by_product > 0, by_product, by_area > 0, by_area,
                   transform(product_id, {products:Array(UInt32)}, {modes:Array(UInt8)}, toUInt8(1))) AS mode,
           greatest(first_day, {first:Date}) AS since,
           multiIf(mode = 2, toMonday(removed_on), mode = 4, toStartOfMonth(removed_on),
                   mode = 3, toStartOfMonth(removed_on) + least(intDiv(toDayOfMonth(removed_on) - 1, 10), 2) * 10, removed_on) AS gone,
           least(toDate(gone) - 1, arrayElement({dues:Array(Date)}, mode), {last:Date}) AS until
      FROM meter_dim FINAL
     WHERE tenant_id = {tenant:UInt32}
       AND meter_id IN (SELECT arrayJoin(arrayCumSum(arrayMap(x -> toUInt64OrZero(x), splitByChar(',', {ids:String}))))))
 GROUP BY group_key, product_id

-- name: sums_in_bulk
-- Totals of days of many meters by group, product and step (a day, or the first of its month), of how many days, and how those
-- stand that are due: measured in full, with estimates, in part. ids, keys and the days that are due as in expected_in_bulk;
-- intervals: of each product's slots; odd_days: those on which the clock changes, and how long they are.
WITH arrayCumSum(arrayMap(x -> toUInt64OrZero(x), splitByChar(',', {ids:String}))) AS listed
SELECT transform(meter_id, listed, arrayMap(x -> toUInt64OrZero(x), splitByChar(',', {keys:String})), toUInt64(0)) AS group_key, product_id,
       if({monthly:UInt8} = 1, toStartOfMonth(day), day) AS step, sum(total) AS volume, count(),
       countIf(is_due AND is_full), countIf(is_due AND is_estimated), countIf(is_due AND NOT is_full AND NOT is_estimated)
  FROM (
    SELECT t.meter_id AS meter_id, t.product_id AS product_id, t.day AS day, t.total AS total,
           t.day >= d.since AND t.day <= d.until AS is_due, t.slots > t.measured AS is_estimated,
           transform(t.product_id, {products:Array(UInt32)}, {intervals:Array(UInt32)}, toUInt32(4294967295)) AS every,
           NOT is_estimated AND toUInt64(t.slots) * every >= transform(t.day, {odd_days:Array(Date)}, {odd_seconds:Array(UInt32)}, toUInt32(86400)) AS is_full
      FROM (SELECT meter_id, product_id, day, total, slots, measured FROM day_total FINAL
             WHERE tenant_id = {tenant:UInt32} AND day BETWEEN {first:Date} AND {last:Date} AND slots > 0
               AND meter_id IN (SELECT arrayJoin(arrayCumSum(arrayMap(x -> toUInt64OrZero(x), splitByChar(',', {ids:String})))))) AS t
      ANY LEFT JOIN (
        SELECT meter_id, if({last:Date} < own_since, own_before, own_mode) AS own,
               transform(meter_id, {task_meters:Array(UInt64)}, {task_meter_modes:Array(UInt8)}, toUInt8(0)) AS by_meter,
               transform(product_id, {task_products:Array(UInt32)}, {task_product_modes:Array(UInt8)}, toUInt8(0)) AS by_product,
               transform(area_id, {task_areas:Array(UInt32)}, {task_area_modes:Array(UInt8)}, toUInt8(0)) AS by_area,
               multiIf(own > 0, own, by_meter > 0, by_meter, by_product > 0, by_product, by_area > 0, by_area,
                       transform(product_id, {products:Array(UInt32)}, {modes:Array(UInt8)}, toUInt8(1))) AS mode,
               greatest(first_day, {first:Date}) AS since,
               multiIf(mode = 2, toMonday(removed_on), mode = 4, toStartOfMonth(removed_on),
                       mode = 3, toStartOfMonth(removed_on) + least(intDiv(toDayOfMonth(removed_on) - 1, 10), 2) * 10, removed_on) AS gone,
               least(toDate(gone) - 1, arrayElement({dues:Array(Date)}, mode), {last:Date}) AS until
          FROM meter_dim FINAL
         WHERE tenant_id = {tenant:UInt32}
           AND meter_id IN (SELECT arrayJoin(arrayCumSum(arrayMap(x -> toUInt64OrZero(x), splitByChar(',', {ids:String})))))) AS d
        ON t.meter_id = d.meter_id)
 GROUP BY group_key, product_id, step
SETTINGS do_not_merge_across_partitions_select_final = 1
