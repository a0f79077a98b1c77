-- SPDX-License-Identifier: Apache-2.0
-- Connections to operators' platforms, as people and pushes see them (openmains_api); what edges do with them is in operator_work.sql.

-- name: platforms
-- One or all, with who changed it last, how its devices stand and what waits.
SELECT p.platform_id, p.kind, p.name, p.settings, p.secrets, p.creates, p.is_on, p.changed_us, p.heard_us, p.checked_us, p.gap_us,
       coalesce(u.name, '') AS changed_by,
       ARRAY(SELECT q.product_id FROM operator_platform_product q WHERE q.platform_id = p.platform_id ORDER BY q.product_id) AS products,
       (SELECT count(*) FROM operator_device d WHERE d.platform_id = p.platform_id AND d.device_id <> '') AS known,
       (SELECT count(*) FROM operator_device d WHERE d.platform_id = p.platform_id AND d.device_id = '') AS failed,
       (SELECT count(*) FROM (SELECT FROM operator_push s WHERE s.platform_id = p.platform_id AND s.done_us IS NULL LIMIT 10000) w) AS waiting
  FROM operator_platform p LEFT JOIN app_user u ON u.user_id = p.changed_by
 WHERE p.tenant_id = :tenant_id AND (:platform_id::bigint IS NULL OR p.platform_id = :platform_id) ORDER BY p.platform_id

-- name: faults
-- Pushes that were refused, since a day, by platform and why.
SELECT platform_id, fault, sum(count)::bigint AS count, max(last_us) AS last_us, (array_agg(address ORDER BY last_us DESC))[1] AS address
  FROM operator_fault WHERE tenant_id = :tenant_id AND day >= :since GROUP BY platform_id, fault ORDER BY platform_id, fault

-- name: door
-- What a push is looked at with.
SELECT kind, settings, is_on, key_id, nonce, sealed FROM operator_platform WHERE tenant_id = :tenant_id AND platform_id = :platform_id

-- name: add_platform
-- No row: the name is taken.
INSERT INTO operator_platform (tenant_id, kind, name, settings, creates, is_on, changed_us, changed_by)
VALUES (:tenant_id, :kind, :name, :settings::jsonb, :creates, :is_on, :now_us, :user_id) ON CONFLICT DO NOTHING RETURNING platform_id

-- name: is_platform_taken
-- Whether another platform has this name.
SELECT EXISTS (SELECT FROM operator_platform WHERE tenant_id = :tenant_id AND name = :name AND platform_id <> :platform_id)

-- name: change_platform
-- All but its kind and its secrets.
UPDATE operator_platform SET name = :name, settings = :settings::jsonb, creates = :creates, is_on = :is_on, changed_us = :now_us,
       changed_by = :user_id WHERE tenant_id = :tenant_id AND platform_id = :platform_id

-- name: put_platform_secrets
-- All of them.
UPDATE operator_platform SET secrets = :names::text[], key_id = :key_id, nonce = :nonce, sealed = :sealed
 WHERE tenant_id = :tenant_id AND platform_id = :platform_id

-- name: clear_platform_products
-- Before others are put.
DELETE FROM operator_platform_product WHERE tenant_id = :tenant_id AND platform_id = :platform_id

-- name: put_platform_products
-- Those that are put: products of the utility that come through no platform.
INSERT INTO operator_platform_product (product_id, tenant_id, platform_id)
SELECT r.product_id, :tenant_id::int, :platform_id::bigint FROM product r WHERE r.tenant_id = :tenant_id AND r.product_id = ANY (:product_ids::int[])
    ON CONFLICT DO NOTHING RETURNING product_id

-- name: remove_platform
-- With its devices, commands and pushes.
DELETE FROM operator_platform WHERE tenant_id = :tenant_id AND platform_id = :platform_id

-- name: ask_again
-- Pushes since then may be missing.
UPDATE operator_platform SET gap_us = least(coalesce(gap_us, :since_us), :since_us), gap_meter = 0
 WHERE tenant_id = :tenant_id AND platform_id = :platform_id

-- name: platform_devices
-- Meters of a platform with their names there, a page by meter.
SELECT d.meter_id, m.number, d.imei, d.device_id, d.fault, d.is_online, d.online_us
  FROM operator_device d JOIN meter m USING (meter_id)
 WHERE d.tenant_id = :tenant_id AND d.platform_id = :platform_id AND d.meter_id > :after
   AND (NOT :failed::boolean OR d.device_id = '') ORDER BY d.meter_id LIMIT :most

-- name: note_operator_fault
-- Counted.
INSERT INTO operator_fault (platform_id, day, fault, tenant_id, count, last_us, address)
VALUES (:platform_id, :day, :fault, :tenant_id, 1, :now_us, :address)
    ON CONFLICT (platform_id, day, fault) DO UPDATE SET count = operator_fault.count + 1, last_us = excluded.last_us,
       address = excluded.address
RETURNING count

-- name: spool
-- What was pushed; what was there already is not put again.
INSERT INTO operator_push (tenant_id, platform_id, mark, received_us, kind, device_id, imei, at_ms, payload, item, state, fault)
SELECT :tenant_id::int, :platform_id::bigint, u.mark, :now_us::bigint, u.kind, u.device_id, nullif(u.imei, 0), u.at_ms, u.payload, u.item, u.state, u.fault
  FROM unnest(:marks::bytea[], :kinds::text[], :device_ids::text[], :imeis::bigint[], :at_ms::bigint[], :payloads::bytea[], :items::text[],
              :states::text[], :faults::text[]) AS u (mark, kind, device_id, imei, at_ms, payload, item, state, fault)
    ON CONFLICT DO NOTHING

-- name: note_heard
-- It pushes again; after a silence those of between may be missing.
UPDATE operator_platform SET heard_us = :now_us::bigint,
       gap_us = CASE WHEN heard_us > 0 AND :now_us::bigint - heard_us > :silence_us::bigint THEN coalesce(gap_us, heard_us) ELSE gap_us END,
       gap_meter = CASE WHEN heard_us > 0 AND :now_us::bigint - heard_us > :silence_us::bigint AND gap_us IS NULL THEN 0 ELSE gap_meter END
 WHERE tenant_id = :tenant_id AND platform_id = :platform_id AND heard_us < :now_us::bigint - 10000000
