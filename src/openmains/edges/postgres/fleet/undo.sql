-- SPDX-License-Identifier: Apache-2.0
-- An import of meters is taken back (undo.py, ADR 0052). Everything in one transaction, under the locks of an import and of the hanging of meters.

-- name: lock_hanging
-- Nobody hangs meters meanwhile (hang_meters).
SELECT pg_advisory_xact_lock(1869414404)

-- name: lock_imported
-- Meters of the import that are still there, with what they say of themselves; nobody changes them, and no message is booked, until the end.
SELECT c.meter_id FROM import_change c JOIN meter m USING (meter_id) JOIN meter_state s USING (meter_id)
 WHERE c.tenant_id = :tenant_id AND c.job_id = :job_id ORDER BY c.meter_id FOR UPDATE OF m, s

-- name: changed_since
-- Rows whose meter is not as the import left it, cannot go back to what it was, or whose place in the book follows from the import.
SELECT c.line, m.number, CASE
    WHEN c.before IS NULL AND (m.revision <> 1 OR m.removed_on IS NOT NULL) THEN 'changed_since'
    WHEN c.before IS NULL THEN ''
    WHEN m.removed_on IS NOT NULL OR imported_columns(m) <> c.after THEN 'changed_since'
    WHEN EXISTS (SELECT FROM meter o WHERE o.imei = (c.before ->> 'imei')::bigint AND o.meter_id <> m.meter_id) THEN 'imei_taken'
    WHEN c.before ->> 'bar_code' <> '' AND EXISTS (SELECT FROM meter o WHERE o.tenant_id = :tenant_id AND o.meter_id <> m.meter_id
           AND o.bar_code = c.before ->> 'bar_code' AND c.before ->> 'bar_code' <> c.after ->> 'bar_code') THEN 'bar_code_taken'
    WHEN c.before -> 'customer_id' <> c.after -> 'customer_id' AND h.is_hanging THEN 'moved_in'
    WHEN c.before -> 'product_id' <> c.after -> 'product_id' AND h.is_hanging THEN 'other_unit'
    WHEN NOT EXISTS (SELECT FROM area a WHERE a.area_id = (c.before ->> 'area_id')::int)
      OR NOT EXISTS (SELECT FROM product p WHERE p.product_id = (c.before ->> 'product_id')::int)
      OR (c.before ->> 'customer_id' IS NOT NULL AND NOT EXISTS (SELECT FROM customer k WHERE k.customer_id = (c.before ->> 'customer_id')::bigint))
      THEN 'place_gone'
    ELSE '' END AS reason
  FROM import_change c JOIN meter m USING (meter_id)
 CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM installation i WHERE i.meter_id = m.meter_id AND upper_inf(i.during)) AS is_hanging) h
 WHERE c.tenant_id = :tenant_id AND c.job_id = :job_id ORDER BY c.line

-- name: used_since
-- New meters of the import that something has come to hang on, with the first of what there is. Every table that refers to meters stands here
-- or goes with the meter (tests/edges/postgres/fleet/test_undo_import.py).
SELECT c.line, m.number, u.reason
  FROM import_change c JOIN meter m USING (meter_id) JOIN meter_state s USING (meter_id)
  JOIN LATERAL (
    SELECT 'heard_since' AS reason WHERE s.last_seen_us IS NOT NULL
    UNION ALL SELECT 'commands_since' WHERE EXISTS (SELECT FROM command x WHERE x.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM command_batch_meter x WHERE x.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM meter_safety x WHERE x.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM rule_proposal x WHERE x.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM meter_shadow x WHERE x.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM command_onboarding x WHERE x.meter_id = m.meter_id)
    UNION ALL SELECT 'readings_since' WHERE s.register IS NOT NULL
        OR EXISTS (SELECT FROM manual_reading x WHERE x.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM reading_edit x WHERE x.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM reading_exception x WHERE x.meter_id = m.meter_id)
    UNION ALL SELECT 'charged_since' WHERE EXISTS (SELECT FROM tariff_member x WHERE x.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM installation i JOIN bill x ON x.tenant_id = i.tenant_id AND x.account_id = i.account_id WHERE i.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM installation i JOIN tariff_member x ON x.tenant_id = i.tenant_id AND x.account_id = i.account_id
                    WHERE i.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM installation i JOIN receipt x ON x.tenant_id = i.tenant_id AND x.account_id = i.account_id WHERE i.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM installation i JOIN bill_refusal x ON x.account_id = i.account_id WHERE i.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM arrears_step x WHERE x.meter_id = m.meter_id) OR EXISTS (SELECT FROM payment_order x WHERE x.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM installation i JOIN payment_order x ON x.account_id = i.account_id WHERE i.meter_id = m.meter_id)
    UNION ALL SELECT 'book_since' WHERE EXISTS (SELECT FROM meter_act x WHERE m.meter_id IN (x.meter_id, x.other_id))
        OR EXISTS (SELECT FROM installation x WHERE x.meter_id = m.meter_id AND (x.entered_by IS NOT NULL OR x.accepted_by IS NOT NULL OR NOT upper_inf(x.during)))
        OR EXISTS (SELECT FROM installation x WHERE x.exchanged_for = m.meter_id)
        OR EXISTS (SELECT FROM meter x WHERE x.parent_id = m.meter_id)
        OR EXISTS (SELECT FROM installation i JOIN account_act x ON x.account_id = i.account_id
                    WHERE i.meter_id = m.meter_id AND x.key NOT LIKE 'hung:%')
    UNION ALL SELECT 'orders_since' WHERE EXISTS (SELECT FROM work_order x WHERE x.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM work_order x WHERE x.new_meter_id = m.meter_id)
        OR EXISTS (SELECT FROM installation i JOIN work_order x ON x.account_id = i.account_id WHERE i.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM site_visit x WHERE x.meter_id = m.meter_id) OR EXISTS (SELECT FROM site_photo x WHERE x.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM reading_route_meter x WHERE x.meter_id = m.meter_id)
    UNION ALL SELECT 'settings_since' WHERE EXISTS (SELECT FROM concentrator_meter x WHERE x.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM collection_task x WHERE x.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM quantity_limit x WHERE x.meter_id = m.meter_id)
        OR EXISTS (SELECT FROM alarm_mute x WHERE x.meter_id = m.meter_id)
    UNION ALL SELECT 'alarms_since' WHERE EXISTS (SELECT FROM alarm x WHERE x.meter_id = m.meter_id)
    LIMIT 1) u ON true
 WHERE c.tenant_id = :tenant_id AND c.job_id = :job_id AND c.before IS NULL ORDER BY c.line

-- name: put_back
-- Meters that were there before, as they were.
UPDATE meter m SET (bar_code, imei, imsi, iccid, product_id, area_id, customer_id, address, place, dn, qmax_l_h, installed_on, expected_from, revision) =
       (SELECT n.bar_code, n.imei, n.imsi, n.iccid, n.product_id, n.area_id, n.customer_id, n.address, n.place, n.dn, n.qmax_l_h, n.installed_on,
               n.expected_from, m.revision + 1 FROM jsonb_populate_record(m, c.before) n)
  FROM import_change c
 WHERE c.tenant_id = :tenant_id AND c.job_id = :job_id AND m.meter_id = c.meter_id AND c.before IS NOT NULL AND NOT c.line = ANY (:kept::int[])
RETURNING m.meter_id AS id

-- name: count_tagged
-- Meters of which the import changed nothing but tags.
SELECT count(DISTINCT i.meter_id) FROM import_tag i
 WHERE i.tenant_id = :tenant_id AND i.job_id = :job_id
   AND NOT EXISTS (SELECT FROM import_change c WHERE c.job_id = i.job_id AND c.meter_id = i.meter_id)

-- name: put_back_tags
-- Tags as they were, where they still exist; what a person put on or took off since stays as that person left it. Returns the meters.
WITH undone AS (
  DELETE FROM import_tag i WHERE i.tenant_id = :tenant_id AND i.job_id = :job_id
     AND NOT EXISTS (SELECT FROM import_change c WHERE c.job_id = i.job_id AND c.meter_id = i.meter_id AND c.line = ANY (:kept::int[]))
  RETURNING i.meter_id, i.tag_id, i.is_put
), off AS (
  DELETE FROM meter_tag x USING undone u WHERE u.is_put AND x.meter_id = u.meter_id AND x.tag_id = u.tag_id
), back AS (
  INSERT INTO meter_tag (tag_id, meter_id, tenant_id)
  SELECT u.tag_id, u.meter_id, :tenant_id::int FROM undone u JOIN tag t ON t.tag_id = u.tag_id JOIN meter m ON m.meter_id = u.meter_id WHERE NOT u.is_put
  ON CONFLICT DO NOTHING
)
SELECT DISTINCT meter_id AS id FROM undone

-- name: to_withdraw
-- New meters that nobody used.
SELECT c.meter_id AS id FROM import_change c JOIN meter m USING (meter_id)
 WHERE c.tenant_id = :tenant_id AND c.job_id = :job_id AND c.before IS NULL AND NOT c.line = ANY (:kept::int[])

-- name: withdraw
-- They go, with the accounts that the platform opened for them (migration 0097); returned are the premises.
SELECT withdraw_meters(:tenant_id, :job_id, :meter_ids::bigint[])

-- name: note_identity_changes
-- What edges and ClickHouse's copy follow.
INSERT INTO identity_change (tenant_id, meter_id) SELECT :tenant_id::int, * FROM unnest(:meter_ids::bigint[])

-- name: remove_premises
-- Premises that the platform made for them: none that a person added or changed, or that something else refers to.
DELETE FROM premises p USING job j
 WHERE p.tenant_id = :tenant_id AND p.premises_id = ANY (:premises_ids::bigint[]) AND j.tenant_id = :tenant_id AND j.job_id = :job_id
   AND p.created_at >= j.created_at AND p.revision = 1
   AND NOT EXISTS (SELECT FROM account a WHERE a.premises_id = p.premises_id)
   AND NOT EXISTS (SELECT FROM work_order w WHERE w.premises_id = p.premises_id)
   AND NOT EXISTS (SELECT FROM audit t WHERE t.tenant_id = :tenant_id AND t.object_type = 'premises' AND t.object_id = p.premises_id::text)

-- name: put_back_customers
-- What the file changed of customers, where it still says what the file said.
UPDATE customer c SET name = i.before ->> 'name', address = i.before ->> 'address', is_protected = (i.before ->> 'is_protected')::boolean,
       is_critical = (i.before ->> 'is_critical')::boolean, revision = c.revision + 1, is_indexed = false
  FROM import_customer i
 WHERE i.tenant_id = :tenant_id AND i.job_id = :job_id AND c.customer_id = i.customer_id AND i.before IS NOT NULL AND imported_customer(c) = i.after
RETURNING c.customer_id AS id

-- name: put_back_phones
-- The same of their phones, sealed as they were.
INSERT INTO personal AS p (tenant_id, customer_id, field, key_id, nonce, sealed, blind)
SELECT :tenant_id::int, i.customer_id, 'phone', (i.before #>> '{phone,key_id}')::int, decode(i.before #>> '{phone,nonce}', 'hex'),
       decode(i.before #>> '{phone,sealed}', 'hex'), decode(i.before #>> '{phone,blind}', 'hex')
  FROM import_customer i
 WHERE i.job_id = :job_id AND i.customer_id = ANY (:customer_ids::bigint[]) AND jsonb_typeof(i.before -> 'phone') = 'object'
ON CONFLICT (customer_id, contact_id, field) DO UPDATE
   SET key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed, blind = excluded.blind

-- name: remove_new_phones
-- Of customers who had none.
DELETE FROM personal p USING import_customer i
 WHERE i.job_id = :job_id AND i.customer_id = ANY (:customer_ids::bigint[]) AND jsonb_typeof(i.before -> 'phone') = 'null'
   AND p.customer_id = i.customer_id AND p.contact_id IS NULL AND p.field = 'phone'

-- name: remove_customers
-- Customers whom the file brought and nothing refers to.
DELETE FROM customer c USING import_customer i
 WHERE i.tenant_id = :tenant_id AND i.job_id = :job_id AND i.before IS NULL AND c.customer_id = i.customer_id AND c.revision = (i.after ->> 'revision')::bigint
   AND NOT EXISTS (SELECT FROM meter m WHERE m.customer_id = c.customer_id)
   AND NOT EXISTS (SELECT FROM account_holder h WHERE h.customer_id = c.customer_id)
   AND NOT EXISTS (SELECT FROM account_act a WHERE c.customer_id IN (a.customer_id, a.former_id))
   AND NOT EXISTS (SELECT FROM contact t WHERE t.customer_id = c.customer_id)

-- name: kept_customers
-- How many of the file's customers stay as the file has them.
SELECT count(*) FROM import_customer i JOIN customer c USING (customer_id)
 WHERE i.tenant_id = :tenant_id AND i.job_id = :job_id AND NOT i.customer_id = ANY (:customer_ids::bigint[])

-- name: empty_areas
-- Areas that the file made and in which there is nothing.
SELECT a.area_id AS id FROM import_area i JOIN area a USING (area_id)
 WHERE i.tenant_id = :tenant_id AND i.job_id = :job_id
   AND NOT EXISTS (SELECT FROM meter m WHERE m.tenant_id = :tenant_id AND m.area_id = a.area_id)
   AND NOT EXISTS (SELECT FROM premises p WHERE p.area_id = a.area_id)
   AND NOT EXISTS (SELECT FROM area b WHERE b.parent_id = a.area_id) AND NOT EXISTS (SELECT FROM alarm_mute t WHERE t.area_id = a.area_id)

-- name: remove_area
-- One of them; fails where something else speaks of it.
DELETE FROM area WHERE tenant_id = :tenant_id AND area_id = :area_id

-- name: forget_undone
-- What was taken back is not taken back again.
DELETE FROM import_change WHERE tenant_id = :tenant_id AND job_id = :job_id AND NOT line = ANY (:kept::int[])

-- name: forget_customers
-- The same of customers: those that are as before, and those that are no more.
DELETE FROM import_customer i
 WHERE i.tenant_id = :tenant_id AND i.job_id = :job_id
   AND (i.customer_id = ANY (:customer_ids::bigint[]) OR NOT EXISTS (SELECT FROM customer c WHERE c.customer_id = i.customer_id))

-- name: forget_areas
-- And of areas.
DELETE FROM import_area i
 WHERE i.tenant_id = :tenant_id AND i.job_id = :job_id AND NOT EXISTS (SELECT FROM area a WHERE a.area_id = i.area_id)

-- name: mark_undone
-- At the import's own job: how much of it was taken back, and by which job.
UPDATE job SET result = result || jsonb_build_object('undone', jsonb_build_object('job_id', :undo_id::bigint, 'left', :kept::int, 'at', :at::bigint))
 WHERE tenant_id = :tenant_id AND job_id = :job_id

-- name: is_left
-- Whether anything of an import can be undone.
SELECT EXISTS (SELECT FROM import_change WHERE tenant_id = :tenant_id AND job_id = :job_id)
    OR EXISTS (SELECT FROM import_tag WHERE tenant_id = :tenant_id AND job_id = :job_id)

-- name: withdrawn_dimensions
-- As 'dimensions' of queries.sql: meters that were withdrawn, which nobody expects a reading of on any day.
SELECT w.tenant_id, w.meter_id, w.area_id, w.product_id, '1970-01-01'::date AS installed_on, '1970-01-01'::date AS removed_on, w.revision,
       '1970-01-01'::date AS first_day, '' AS own_mode, '1970-01-01'::date AS own_since, '' AS own_before,
       extract(epoch FROM w.withdrawn_at)::bigint AS registered_s
  FROM withdrawn_meter w
