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

-- name: billed_mark
-- The bill run of the demo's month; no row until it is over.
SELECT result FROM job WHERE tenant_id = :tenant_id AND kind = 'demo_billing'

-- name: mark_billed
-- The same, written.
INSERT INTO job (tenant_id, kind, status, unique_key, result)
VALUES (:tenant_id, 'demo_billing', 'done', 'demo_billing', :mark)
ON CONFLICT (tenant_id, unique_key) DO NOTHING

-- name: prepaid_mark
-- That the prepaid meters were told their prices; no row until it is over.
SELECT result FROM job WHERE tenant_id = :tenant_id AND kind = 'demo_prepaid'

-- name: mark_prepaid
-- The same, written.
INSERT INTO job (tenant_id, kind, status, unique_key, result)
VALUES (:tenant_id, 'demo_prepaid', 'done', 'demo_prepaid', :mark)
ON CONFLICT (tenant_id, unique_key) DO NOTHING

-- name: meters_by_number
-- Meters in use with these numbers.
SELECT meter_id FROM meter WHERE tenant_id = :tenant_id AND removed_on IS NULL AND number = ANY (:numbers::text[]) ORDER BY meter_id

-- name: prepaid_confirmed
-- How many of these commands are over.
SELECT count(*) FROM command WHERE tenant_id = :tenant_id AND unique_key LIKE :keys AND ended_us IS NOT NULL

-- name: person
-- Somebody by login.
SELECT user_id, name FROM app_user WHERE tenant_id = :tenant_id AND login = :login

-- name: demo_tariff
-- What its households pay by; no row at the first start.
SELECT tariff_id FROM tariff WHERE tenant_id = :tenant_id AND code = 'R-WATER'

-- name: water_accounts
-- Accounts at which a water meter hangs now.
SELECT i.account_id, i.meter_id FROM installation i JOIN meter m USING (meter_id) JOIN product p USING (product_id)
 WHERE i.tenant_id = :tenant_id AND upper_inf(i.during) AND p.medium = 'water' AND m.removed_on IS NULL ORDER BY i.account_id

-- name: behind
-- Water meters whose days up to this one are not known yet.
SELECT count(*) FROM meter m JOIN product p USING (product_id) LEFT JOIN meter_state s ON s.meter_id = m.meter_id
 WHERE m.tenant_id = :tenant_id AND p.medium = 'water' AND p.kind = 'meter' AND m.removed_on IS NULL
   AND EXISTS (SELECT FROM installation i WHERE i.meter_id = m.meter_id) AND coalesce(s.close_day, 0) < :day

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

-- name: date_alarms
-- Alarms that the history holds were shown some seconds after they came, as live ones are.
UPDATE alarm SET shown_us = received_us + 4000000
 WHERE tenant_id = :tenant_id AND received_us < :before_us AND shown_us > received_us + 60000000

-- name: place_network_node
-- Where a gateway or relay stands, if nobody has said so.
INSERT INTO network_place (concentrator_id, relay, tenant_id, name, place, lat_e7, lon_e7)
SELECT concentrator_id, :relay, tenant_id, :name, '', :lat_e7, :lon_e7 FROM concentrator WHERE number = :number
ON CONFLICT DO NOTHING
