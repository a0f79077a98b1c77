-- SPDX-License-Identifier: Apache-2.0
-- What the demo utility asks the registry, and its own mark: up to which day it has a history.

-- name: meters_in_use
-- Who the emulated meters are.
SELECT m.number, m.meter_id, m.tenant_id, m.product_id, p.driver
  FROM meter m JOIN product p USING (product_id)
 WHERE m.tenant_id = :tenant_id AND m.removed_on IS NULL

-- name: history_mark
-- The last day that was handed to the pipeline; no row at the first start.
SELECT result FROM job WHERE tenant_id = :tenant_id AND kind = 'demo_history'

-- name: mark_history
-- The same, written.
INSERT INTO job (tenant_id, kind, status, unique_key, result)
VALUES (:tenant_id, 'demo_history', 'done', 'demo_history', :mark)
ON CONFLICT (tenant_id, unique_key) DO UPDATE SET result = excluded.result

-- name: natural_gas
-- What its gas meters measure.
UPDATE meter m SET gas_kind = 'natural' FROM product p
 WHERE p.product_id = m.product_id AND p.medium = 'gas' AND p.kind = 'meter' AND m.tenant_id = :tenant_id AND m.gas_kind = ''

-- name: product_and_area
-- By their codes.
SELECT p.product_id, a.area_id FROM product p JOIN area a USING (tenant_id)
 WHERE p.tenant_id = :tenant_id AND p.code = :code AND a.code = :area

-- name: verified_before
-- A few of its meters hung elsewhere before: they are due soon, or overdue.
UPDATE meter SET verified_on = (installed_on - interval '4 years')::date
 WHERE tenant_id = :tenant_id AND removed_on IS NULL AND verified_on IS NULL AND right(number, 2) = '07' AND gas_kind = ''

-- name: first_person
-- Its administrator.
SELECT u.user_id, u.login, u.name, t.zone FROM app_user u JOIN tenant t USING (tenant_id)
 WHERE u.tenant_id = :tenant_id AND u.role = 'administrator' AND NOT u.disabled ORDER BY u.user_id LIMIT 1

-- name: goes_out
-- Once; what a person set afterwards stays.
INSERT INTO technician (user_id, tenant_id, skills) VALUES (:user_id, :tenant_id, '{gas}') ON CONFLICT DO NOTHING

-- name: first_meters
-- For which something is to be done.
SELECT m.meter_id FROM meter m JOIN product p USING (product_id)
 WHERE m.tenant_id = :tenant_id AND m.removed_on IS NULL AND p.kind = 'meter' ORDER BY m.meter_id LIMIT :most

-- name: order_is_there
-- Made at an earlier start.
SELECT EXISTS (SELECT FROM work_order WHERE tenant_id = :tenant_id AND key = :key)
