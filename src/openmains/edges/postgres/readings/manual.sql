-- SPDX-License-Identifier: Apache-2.0
-- The ledger of readings that persons took.

-- name: manual_readings
-- Of a tenant, newest first; a filter that is null takes all. ``kept``: bits of rules that keep a register from being built upon.
SELECT r.reading_id, r.meter_id, m.number, coalesce(m.bar_code, '') AS bar_code, p.driver, m.product_id, r.at_s, r.register, r.digit, r.note,
       r.source, r.job_id, r.author_id, coalesce(u.name, '') AS author, r.made_us, r.version, r.flags
  FROM manual_reading r JOIN meter m USING (meter_id) JOIN product p USING (product_id)
  LEFT JOIN app_user u ON u.user_id = r.author_id
 WHERE r.tenant_id = :tenant_id AND (:after::bigint IS NULL OR r.reading_id < :after)
   AND (:meter_id::bigint IS NULL OR r.meter_id = :meter_id) AND (:job_id::bigint IS NULL OR r.job_id = :job_id)
   AND (:reading_id::bigint IS NULL OR r.reading_id = :reading_id) AND (:at_s::bigint IS NULL OR r.at_s = :at_s)
   AND (:state::text IS NULL OR :state = CASE WHEN r.version IS NULL THEN 'waits'
        WHEN r.flags & :kept::bigint <> 0 AND r.flags & :believed::bigint = 0 THEN 'kept' ELSE 'booked' END)
 ORDER BY r.reading_id DESC LIMIT :most

-- name: read_meters
-- What a reading is held to: meters of these numbers, bar codes or ids. ``installed_day``, ``removed_day``: days since 1970.
SELECT m.meter_id, m.number, coalesce(m.bar_code, '') AS bar_code, p.driver, p.kind,
       coalesce(nullif(m.qmax_l_h, 0), p.qmax_l_h) AS qmax_l_h, p.dial,
       m.installed_on - date '1970-01-01' AS installed_day, m.removed_on - date '1970-01-01' AS removed_day, m.product_id
  FROM meter m JOIN product p USING (product_id)
 WHERE m.tenant_id = :tenant_id AND m.meter_id IN (
       SELECT n.meter_id FROM meter n WHERE n.tenant_id = :tenant_id AND n.number = ANY (:numbers::text[])
       UNION ALL
       SELECT b.meter_id FROM meter b WHERE b.tenant_id = :tenant_id AND b.bar_code = ANY (:bar_codes::text[]) AND b.bar_code <> ''
       UNION ALL
       SELECT i.meter_id FROM meter i WHERE i.tenant_id = :tenant_id AND i.meter_id = ANY (:meter_ids::bigint[]))
 ORDER BY m.meter_id

-- name: add_manual
-- One that was entered; nothing where its meter and instant are there already.
INSERT INTO manual_reading (tenant_id, meter_id, at_s, register, digit, note, source, author_id, made_us)
VALUES (:tenant_id, :meter_id, :at_s, :register, :digit, :note, 'form', :author_id, :made_us)
ON CONFLICT (meter_id, at_s) DO NOTHING
RETURNING reading_id

-- name: add_manual_rows
-- A chunk of an import; those whose meter and instant are there already stay as they are. What an import committed and never
-- sent, since its job was stopped, is this one's now: it sends it.
INSERT INTO manual_reading (tenant_id, meter_id, at_s, register, digit, note, source, job_id, author_id, made_us)
SELECT :tenant_id, u.meter_id, u.at_s, u.register, u.digit, u.note, 'import', :job_id, :author_id, :made_us
  FROM unnest(:meter_ids::bigint[], :instants::bigint[], :registers::bigint[], :digits::bigint[], :notes::text[])
       AS u(meter_id, at_s, register, digit, note)
ON CONFLICT (meter_id, at_s) DO UPDATE SET job_id = excluded.job_id
 WHERE manual_reading.register = excluded.register AND manual_reading.version IS NULL AND manual_reading.sent_us = 0

-- name: manual_at
-- What stands in the ledger of these meters and instants.
SELECT r.meter_id, r.at_s, r.register, r.job_id
  FROM unnest(:meter_ids::bigint[], :instants::bigint[]) AS u(meter_id, at_s) JOIN manual_reading r USING (meter_id, at_s)

-- name: manual_sent
-- They are in the stream.
UPDATE manual_reading SET sent_us = :now_us WHERE reading_id = ANY (:reading_ids::bigint[])

-- name: manual_waiting
-- Of an import what was not sent yet, in the order in which it was read.
SELECT r.reading_id, r.meter_id, r.tenant_id, m.product_id, r.author_id, r.at_s AS at, r.register, r.digit, r.note, r.made_us
  FROM manual_reading r JOIN meter m USING (meter_id)
 WHERE r.job_id = :job_id AND r.version IS NULL AND r.sent_us = 0
 ORDER BY r.meter_id, r.at_s LIMIT :most

-- name: manual_unapplied
-- How many of an import were sent and are not applied.
SELECT count(*) FROM manual_reading WHERE job_id = :job_id AND version IS NULL AND sent_us > 0

-- name: lock_manual_import
-- One import of a tenant's readings at a time.
SELECT pg_advisory_xact_lock(:class_id, :tenant_id)

-- name: no_timeouts
-- A million rows are one transaction.
SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)
