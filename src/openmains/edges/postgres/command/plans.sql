-- SPDX-License-Identifier: Apache-2.0
-- The planner of report times, as role openmains_api within one tenant.

-- name: cell_meters
-- Meters with a known cell and what a plan needs of them, of an area with those below it.
WITH RECURSIVE part AS (
  SELECT area_id FROM area WHERE tenant_id = :tenant_id AND (:area_id::int IS NULL OR area_id = :area_id)
  UNION SELECT a.area_id FROM area a JOIN part ON a.parent_id = part.area_id WHERE a.tenant_id = :tenant_id)
SELECT s.cell, m.meter_id, m.number, p.driver, m.imsi, s.ecl, s.rsrp_ddbm, s.sinr_ddb, p.report_s,
       coalesce(m.report_mode, task_mode(m.tenant_id, m.meter_id, m.area_id, m.product_id), p.report_mode) AS report_mode,
       p.settings -> 'spreading' AS spreading, coalesce(w.desired, '{}') || coalesce(w.reported, '{}') AS settings
  FROM meter m JOIN meter_state s USING (meter_id) JOIN product p USING (product_id)
  LEFT JOIN meter_shadow w USING (meter_id)
 WHERE m.tenant_id = :tenant_id AND m.removed_on IS NULL AND s.cell IS NOT NULL
   AND m.area_id IN (SELECT area_id FROM part) AND (:product_id::int IS NULL OR m.product_id = :product_id)
 ORDER BY s.cell, m.meter_id

-- name: capacities
-- What cells carry by network, the line for all networks first.
SELECT network, ce0_per_min, ce1_per_min, ce2_per_min FROM cell_capacity WHERE tenant_id = :tenant_id ORDER BY network

-- name: clear_capacities
-- Before new lines come in their place.
DELETE FROM cell_capacity WHERE tenant_id = :tenant_id

-- name: add_capacities
-- All lines at once.
INSERT INTO cell_capacity (tenant_id, network, ce0_per_min, ce1_per_min, ce2_per_min)
SELECT :tenant_id, u.* FROM unnest(:networks::text[], :ce0::int[], :ce1::int[], :ce2::int[]) AS u
