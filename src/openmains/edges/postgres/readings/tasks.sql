-- SPDX-License-Identifier: Apache-2.0
-- Collection tasks, as role openmains_api within one tenant.

-- name: page
-- Tasks, newest first; those that are over only where asked for.
SELECT k.task_id, k.level, k.area_id, k.product_id, k.meter_id, coalesce(a.name, p.name, m.number, '') AS name,
       k.first_day, k.last_day, k.first_day <= :today::date AND (k.last_day IS NULL OR :today::date <= k.last_day) AS in_force,
       k.frequency, k.need, k.remedy, k.rereads_a_month, k.quantities, k.made_by, coalesce(u.name, '') AS author, k.made_at
  FROM collection_task k LEFT JOIN area a USING (area_id) LEFT JOIN product p ON p.product_id = k.product_id
  LEFT JOIN meter m ON m.meter_id = k.meter_id LEFT JOIN app_user u ON u.user_id = k.made_by
 WHERE k.tenant_id = :tenant_id AND (:task_id::bigint IS NULL OR k.task_id = :task_id)
   AND (:after::bigint IS NULL OR k.task_id < :after) AND (:ended OR k.last_day IS NULL OR :today::date <= k.last_day)
 ORDER BY k.task_id DESC LIMIT :most

-- name: lock
-- Tasks of a tenant are set by one after the other.
SELECT pg_advisory_xact_lock(37, :tenant_id)

-- name: of_target
-- Of one company, area, product or meter.
SELECT task_id, level, coalesce(area_id, product_id, meter_id) AS target, first_day, last_day, frequency, need, remedy,
       rereads_a_month, quantities
  FROM collection_task
 WHERE tenant_id = :tenant_id AND level = :level AND coalesce(area_id, product_id, meter_id, 0) = :target ORDER BY first_day

-- name: wanting_modes
-- All that say how often is to be reported, ended ones too.
SELECT task_id, level, coalesce(area_id, product_id, meter_id) AS target, first_day, last_day, frequency, need, remedy,
       rereads_a_month, quantities
  FROM collection_task WHERE tenant_id = :tenant_id AND frequency IS NOT NULL ORDER BY task_id

-- name: product_modes
-- How meters of each product report, and did before.
SELECT product_id, report_mode, report_mode_since, report_mode_before FROM product WHERE tenant_id = :tenant_id

-- name: names
-- What targets are called.
SELECT k.task_id, coalesce(a.name, p.name, m.number, '') AS name
  FROM collection_task k LEFT JOIN area a USING (area_id) LEFT JOIN product p ON p.product_id = k.product_id
  LEFT JOIN meter m ON m.meter_id = k.meter_id
 WHERE k.tenant_id = :tenant_id AND k.task_id = ANY (:task_ids::bigint[])

-- name: own_meters
-- Meters with a task of their own.
SELECT count(DISTINCT meter_id) FROM collection_task WHERE tenant_id = :tenant_id AND meter_id IS NOT NULL

-- name: add
-- One more.
INSERT INTO collection_task (tenant_id, level, area_id, product_id, meter_id, first_day, last_day, frequency, need, remedy,
                             rereads_a_month, quantities, made_by)
VALUES (:tenant_id, :level, :area_id, :product_id, :meter_id, :first_day, :last_day, :frequency, :need, :remedy, :rereads_a_month,
        :quantities, :made_by)
RETURNING task_id

-- name: end
-- It holds on this day for the last time.
UPDATE collection_task SET last_day = :last WHERE tenant_id = :tenant_id AND task_id = :task_id AND first_day <= :last

-- name: remove
-- One that would hold on no day.
DELETE FROM collection_task WHERE tenant_id = :tenant_id AND task_id = :task_id AND first_day > :last
