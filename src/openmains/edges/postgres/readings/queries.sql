-- SPDX-License-Identifier: Apache-2.0
-- Exceptions that wait for a person, and the names in a collection report.

-- name: exceptions
-- Of a tenant, newest first; a filter that is null takes all.
SELECT e.exception_id, e.meter_id, m.number, c.name AS customer_name, p.driver, e.rule, e.at, e.day, e.value, e.expected,
       e.found_at, e.last_at, e.occurrences, e.status, e.judged_by, e.judged_at, e.reason,
       (SELECT w.edit_id FROM reading_edit w WHERE w.meter_id = e.meter_id AND w.day = e.day AND w.state = 'pending') AS waits
  FROM reading_exception e JOIN meter m USING (meter_id) JOIN product p USING (product_id)
  LEFT JOIN customer c ON c.customer_id = m.customer_id
 WHERE e.tenant_id = :tenant_id AND (:after::bigint IS NULL OR e.exception_id < :after)
   AND (:status::text IS NULL OR e.status = :status) AND (:rule::smallint IS NULL OR e.rule = :rule)
   AND (:meter_id::bigint IS NULL OR e.meter_id = :meter_id) AND (:area_id::int IS NULL OR m.area_id = :area_id)
   AND (:day::int IS NULL OR e.day = :day)
 ORDER BY e.exception_id DESC LIMIT :most

-- name: exceptions_by_meter
-- Those that wait, by meter, the one with most first.
SELECT count(*) AS findings, count(DISTINCT e.meter_id) AS meters, min(e.day) AS first_day, max(e.day) AS last_day, array_agg(e.rule) AS rules,
       e.meter_id AS meter_id, min(m.number) AS number, min(a.area_id) AS area_id, min(a.name) AS area_name
  FROM reading_exception e JOIN meter m USING (meter_id) JOIN area a ON a.area_id = m.area_id
 WHERE e.tenant_id = :tenant_id AND e.status = 'open' AND (:rule::smallint IS NULL OR e.rule = :rule)
 GROUP BY e.meter_id ORDER BY 1 DESC, 7 LIMIT :most

-- name: exceptions_by_area
-- The same by the meter's own area.
SELECT count(*) AS findings, count(DISTINCT e.meter_id) AS meters, min(e.day) AS first_day, max(e.day) AS last_day, array_agg(e.rule) AS rules,
       NULL::bigint AS meter_id, NULL::text AS number, a.area_id AS area_id, a.name AS area_name
  FROM reading_exception e JOIN meter m USING (meter_id) JOIN area a ON a.area_id = m.area_id
 WHERE e.tenant_id = :tenant_id AND e.status = 'open' AND (:rule::smallint IS NULL OR e.rule = :rule)
 GROUP BY a.area_id ORDER BY 1 DESC, 9 LIMIT :most

-- name: exceptions_by_day
-- And by day, the newest first.
SELECT count(*) AS findings, count(DISTINCT e.meter_id) AS meters, min(e.day) AS first_day, max(e.day) AS last_day, array_agg(e.rule) AS rules,
       NULL::bigint AS meter_id, NULL::text AS number, NULL::int AS area_id, NULL::text AS area_name
  FROM reading_exception e JOIN meter m USING (meter_id) JOIN area a ON a.area_id = m.area_id
 WHERE e.tenant_id = :tenant_id AND e.status = 'open' AND (:rule::smallint IS NULL OR e.rule = :rule)
 GROUP BY e.day ORDER BY 3 DESC LIMIT :most

-- name: exception
-- One of them.
SELECT e.exception_id, e.meter_id, m.number, c.name AS customer_name, p.driver, e.rule, e.at, e.day, e.value, e.expected,
       e.found_at, e.last_at, e.occurrences, e.status, e.judged_by, e.judged_at, e.reason,
       (SELECT w.edit_id FROM reading_edit w WHERE w.meter_id = e.meter_id AND w.day = e.day AND w.state = 'pending') AS waits
  FROM reading_exception e JOIN meter m USING (meter_id) JOIN product p USING (product_id)
  LEFT JOIN customer c ON c.customer_id = m.customer_id
 WHERE e.tenant_id = :tenant_id AND e.exception_id = :exception_id

-- name: judge_exception
-- A person's judgement.
UPDATE reading_exception SET status = :status, judged_by = :user_id, judged_at = now(), reason = :reason
 WHERE tenant_id = :tenant_id AND exception_id = :exception_id

-- name: reopen_exception
-- It waits for a judgement again: the edit that judged it was taken back.
UPDATE reading_exception SET status = 'open', judged_by = NULL, judged_at = NULL, reason = ''
 WHERE tenant_id = :tenant_id AND exception_id = :exception_id

-- name: lock_edits_of_day
-- Until the transaction ends, nobody else edits this day of this meter.
SELECT pg_advisory_xact_lock(hashtextextended('reading_edit', :meter_id::bigint * 100000 + :day::int))

-- name: edit_facts
-- What bounds an edit of a meter: its own Qmax (0: the product's), the dial, the use that is usual for it.
SELECT coalesce(nullif(m.qmax_l_h, 0), p.qmax_l_h) AS qmax_l_h, p.dial, p.driver, m.product_id, coalesce(s.habit, 0) AS average_use
  FROM meter m JOIN product p USING (product_id) LEFT JOIN meter_state s USING (meter_id)
 WHERE m.tenant_id = :tenant_id AND m.meter_id = :meter_id

-- name: add_edit
-- What a person wants to set, or to take back.
INSERT INTO reading_edit (tenant_id, meter_id, day, exception_id, undoes, start_s, end_s, volume, old_volume, alone, reason,
                          state, author_id, made_us)
VALUES (:tenant_id, :meter_id, :day, :exception_id, :undoes, :start_s, :end_s, :volume, :old_volume, :alone, :reason, :state,
        :author_id, :made_us)
RETURNING edit_id

-- name: decide_edit
-- The second person's word.
UPDATE reading_edit SET state = :state, decided_by = :user_id, decided_us = :now_us, decision = :reason
 WHERE tenant_id = :tenant_id AND edit_id = :edit_id AND state = 'pending'

-- name: edits
-- Of a tenant, newest first; a filter that is null takes all.
SELECT e.edit_id, e.meter_id, m.number, p.driver, e.day, e.exception_id, e.undoes, e.start_s, e.end_s, e.volume, e.old_volume,
       e.alone, e.reason, e.state, e.author_id, coalesce(a.name, '') AS author, e.made_us, e.decided_by,
       coalesce(d.name, '') AS decider, e.decided_us, e.decision,
       (SELECT max(u.edit_id) FROM reading_edit u WHERE u.undoes = e.edit_id AND u.state = 'applied') AS undone_by,
       (SELECT max(n.edit_id) FROM reading_edit n WHERE n.meter_id = e.meter_id AND n.day = e.day AND n.edit_id > e.edit_id
           AND n.state = 'applied' AND n.start_s < e.end_s AND n.end_s > e.start_s) AS newer
  FROM reading_edit e JOIN meter m USING (meter_id) JOIN product p USING (product_id)
  LEFT JOIN app_user a ON a.user_id = e.author_id LEFT JOIN app_user d ON d.user_id = e.decided_by
 WHERE e.tenant_id = :tenant_id AND (:after::bigint IS NULL OR e.edit_id < :after)
   AND (:state::text IS NULL OR e.state = :state) AND (:meter_id::bigint IS NULL OR e.meter_id = :meter_id)
   AND (:day::int IS NULL OR e.day = :day) AND (:edit_id::bigint IS NULL OR e.edit_id = :edit_id)
 ORDER BY e.edit_id DESC LIMIT :most

-- name: lock_edit
-- One of them, until the transaction ends.
SELECT edit_id FROM reading_edit WHERE tenant_id = :tenant_id AND edit_id = :edit_id FOR UPDATE

-- name: names_of_users
-- Of these persons.
SELECT user_id, name FROM app_user WHERE tenant_id = :tenant_id AND user_id = ANY (:user_ids::bigint[])

-- name: settled_until
-- Newest slot boundary of a meter whose register is known.
SELECT grid_at FROM meter_state WHERE tenant_id = :tenant_id AND meter_id = :meter_id

-- name: applied_positions
-- How far each shard of the stream is applied: in both stores all below is.
SELECT shard, position FROM pipeline_position

-- name: meter_numbers
-- Of these meters.
SELECT meter_id, number FROM meter WHERE tenant_id = :tenant_id AND meter_id = ANY (:meter_ids::bigint[])

-- name: zone_of_tenant
-- Its time zone.
SELECT zone FROM tenant WHERE tenant_id = :tenant_id

-- name: area_labels
-- Names of a tenant's areas.
SELECT area_id, code, name, parent_id FROM area WHERE tenant_id = :tenant_id

-- name: area_ids
-- Ids of a tenant's areas, as one value.
SELECT coalesce(array_agg(area_id), '{}') FROM area WHERE tenant_id = :tenant_id

-- name: branch_ids
-- Ids of these areas and of all below them.
SELECT coalesce(array_agg(b.area_id), '{}')
  FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
 WHERE t.tenant_id = :tenant_id AND t.area_id = ANY (:places::int[])

-- name: product_labels
-- Names of a tenant's products, their grid, and how often their meters report.
SELECT product_id, code, name, maker, model, driver, medium, interval_s, report_mode, report_mode_since, report_mode_before
  FROM product WHERE tenant_id = :tenant_id

-- name: tasks
-- A tenant's collection tasks, ended ones too.
SELECT task_id, level, coalesce(area_id, product_id, meter_id) AS target, first_day, last_day, frequency, need, remedy,
       rereads_a_month, quantities
  FROM collection_task WHERE tenant_id = :tenant_id ORDER BY task_id

-- name: set_aside
-- How many meters the readings' store can not hold.
SELECT count(*) FROM dimension_fault WHERE tenant_id = :tenant_id

-- name: meter_labels
-- Names of these meters, and when they were heard last (s).
SELECT m.meter_id, m.number, m.address, s.last_seen_us / 1000000 AS last_seen_s
  FROM meter m LEFT JOIN meter_state s USING (meter_id)
 WHERE m.meter_id = ANY (:meter_ids::bigint[]) AND m.tenant_id = :tenant_id

-- name: manual_reads_of_span
-- Registers that persons read within a span, by instant and number, after one of them; with what they are held to and grouped by.
SELECT r.at_s, r.reading_id, r.meter_id, m.area_id, m.product_id, coalesce(s.cell, 0) AS cell, r.register, r.digit, p.dial
  FROM manual_reading r JOIN meter m USING (meter_id) JOIN product p USING (product_id) LEFT JOIN meter_state s USING (meter_id)
 WHERE r.tenant_id = :tenant_id AND r.at_s >= :start_s AND r.at_s < :end_s AND (r.at_s, r.reading_id) > (:after_s::bigint, :after_id::bigint)
 ORDER BY r.at_s, r.reading_id LIMIT :most

-- name: due_pieces
-- What is kept of reports as due, from a day on.
SELECT day, mode FROM collection_due WHERE tenant_id = :tenant_id AND day >= :first

-- name: keep_due
-- Once: no row where it was kept before.
INSERT INTO collection_due (tenant_id, day, mode, due_at, frozen_at)
VALUES (:tenant_id, :day, :mode, to_timestamp(:due_s::bigint), to_timestamp(:now_s::bigint))
ON CONFLICT DO NOTHING
RETURNING true

-- name: keep_due_counts
-- Its figures.
INSERT INTO collection_due_count (tenant_id, day, mode, area_id, product_id, status, meters)
SELECT :tenant_id, :day, :mode, * FROM unnest(:areas::int[], :products::int[], :statuses::text[], :meters::bigint[])

-- name: due_kept
-- When the newest piece of a day was kept; null: none was.
SELECT extract(epoch FROM max(frozen_at))::bigint FROM collection_due WHERE tenant_id = :tenant_id AND day = :day

-- name: due_counts
-- The figures of a day.
SELECT area_id, product_id, status, meters, mode FROM collection_due_count WHERE tenant_id = :tenant_id AND day = :day

-- name: due_kept_days
-- Of days of a span when the newest piece was kept.
SELECT day, extract(epoch FROM max(frozen_at))::bigint AS frozen_s FROM collection_due
 WHERE tenant_id = :tenant_id AND day BETWEEN :first AND :last GROUP BY day

-- name: due_totals
-- The figures of days of a span, of all areas and products together.
SELECT day, status, sum(meters)::bigint AS meters FROM collection_due_count
 WHERE tenant_id = :tenant_id AND day BETWEEN :first AND :last GROUP BY day, status

-- name: tenants
-- All tenants, their zone and when they were made (s).
SELECT tenant_id, zone, extract(epoch FROM created_at)::bigint AS created_s FROM tenant ORDER BY tenant_id

-- name: saved_queries
-- Questions that a person keeps, and those shared by others, by name; an id that is null: all of them.
SELECT q.saved_id, q.name, q.is_shared, q.owner_id = :user_id AS is_own, u.name AS owner, q.question, q.changed_at
  FROM saved_query q JOIN app_user u ON u.user_id = q.owner_id
 WHERE q.tenant_id = :tenant_id AND (q.owner_id = :user_id OR q.is_shared) AND (:saved_id::bigint IS NULL OR q.saved_id = :saved_id)
 ORDER BY q.name, q.saved_id

-- name: count_saved_queries
-- How many a tenant's people keep.
SELECT count(*) FROM saved_query WHERE tenant_id = :tenant_id

-- name: add_saved_query
-- No row where the person has one of this name.
INSERT INTO saved_query (tenant_id, owner_id, name, is_shared, question) VALUES (:tenant_id, :user_id, :name, :is_shared, :question::jsonb)
ON CONFLICT DO NOTHING RETURNING saved_id

-- name: change_saved_query
-- No row where its owner has another one of this name.
UPDATE saved_query q SET name = :name, is_shared = :is_shared, question = :question::jsonb, changed_at = now()
 WHERE q.tenant_id = :tenant_id AND q.saved_id = :saved_id
   AND NOT EXISTS (SELECT FROM saved_query o WHERE o.tenant_id = q.tenant_id AND o.owner_id = q.owner_id AND o.name = :name AND o.saved_id <> q.saved_id)
RETURNING saved_id

-- name: remove_saved_query
-- For good.
DELETE FROM saved_query WHERE tenant_id = :tenant_id AND saved_id = :saved_id

-- name: account_exists
-- Whether the tenant has this account.
SELECT EXISTS (SELECT FROM account WHERE tenant_id = :tenant_id AND account_id = :account_id)

-- name: account_hangings
-- Installations at an account, oldest first.
SELECT i.installation_id, i.meter_id, m.number, p.driver, p.dial, i.role, floor(extract(epoch FROM lower(i.during)))::bigint AS from_s,
       floor(extract(epoch FROM upper(i.during)))::bigint AS to_s, i.opening, i.opening_by, i.closing, i.closing_by,
       s.register, s.register_at
  FROM installation i JOIN meter m ON m.meter_id = i.meter_id JOIN product p USING (product_id)
  LEFT JOIN meter_state s ON s.meter_id = i.meter_id AND upper_inf(i.during)
 WHERE i.tenant_id = :tenant_id AND i.account_id = :account_id ORDER BY lower(i.during), i.installation_id
