-- SPDX-License-Identifier: Apache-2.0
-- What an edge does for operators' platforms of all utilities (openmains_pipeline). One edge at a time: it holds the lock.

-- name: platforms_on
-- Those that are worked for, with their keys as they are kept.
SELECT platform_id, tenant_id, kind, name, settings, key_id, nonce, sealed, creates, heard_us, alive_us, gap_us, gap_meter, changed_us
  FROM operator_platform WHERE is_on ORDER BY platform_id

-- name: note_alive
-- An edge works for them; where none did for a while, pushes of between may be missing.
UPDATE operator_platform SET alive_us = :now_us::bigint,
       gap_us = CASE WHEN alive_us > 0 AND :now_us::bigint - alive_us > :silence_us::bigint THEN coalesce(gap_us, alive_us) ELSE gap_us END,
       gap_meter = CASE WHEN alive_us > 0 AND :now_us::bigint - alive_us > :silence_us::bigint AND gap_us IS NULL THEN 0 ELSE gap_meter END
 WHERE is_on AND alive_us < :now_us::bigint - 60000000

-- name: waiting_pushes
-- What nothing has become of, oldest first, each with the meter in use that it is of: by its IMEI, else by its name at the platform.
SELECT p.push_id, p.tenant_id, p.platform_id, o.kind AS platform_kind, p.received_us, p.kind, p.device_id, p.imei, p.at_ms, p.payload, p.item,
       p.state, p.fault, w.meter_id, w.product_id, w.imei AS meter_imei
  FROM operator_push p JOIN operator_platform o USING (platform_id) LEFT JOIN LATERAL (
    SELECT m.meter_id, m.product_id, m.imei FROM meter m JOIN operator_platform_product q ON q.product_id = m.product_id
     WHERE p.imei IS NOT NULL AND m.imei = p.imei AND m.tenant_id = p.tenant_id AND m.removed_on IS NULL AND q.platform_id = p.platform_id
     UNION ALL
    SELECT m.meter_id, m.product_id, m.imei FROM operator_device d JOIN meter m ON m.meter_id = d.meter_id
      JOIN operator_platform_product q ON q.product_id = m.product_id
     WHERE p.imei IS NULL AND d.platform_id = p.platform_id AND d.device_id = p.device_id AND d.device_id <> '' AND m.imei = d.imei
       AND m.removed_on IS NULL AND q.platform_id = p.platform_id LIMIT 1) w ON true
 WHERE p.done_us IS NULL AND NOT p.push_id = ANY (:under_way::bigint[]) ORDER BY p.push_id LIMIT :most

-- name: pushes_done
-- Their content is in the stream, or nothing follows from it; that they were there is remembered.
UPDATE operator_push SET done_us = :now_us, payload = '' WHERE push_id = ANY (:push_ids::bigint[])

-- name: forget_pushes
-- What is so old that no platform says it again; so many at a time.
DELETE FROM operator_push WHERE push_id IN (SELECT push_id FROM operator_push WHERE done_us < :before_us ORDER BY done_us LIMIT :most)

-- name: forget_tries
-- Of commands that have long ended.
DELETE FROM operator_command WHERE due_us IS NULL AND state_us < :before_us

-- name: learn_devices
-- What meters are called there, by their own pushes or because they were made there.
INSERT INTO operator_device (meter_id, tenant_id, platform_id, imei, device_id)
SELECT u.meter_id, u.tenant_id, u.platform_id, u.imei, u.device_id
  FROM unnest(:meter_ids::bigint[], :tenant_ids::int[], :platform_ids::bigint[], :imeis::bigint[], :device_ids::text[])
    AS u (meter_id, tenant_id, platform_id, imei, device_id) JOIN meter m USING (meter_id)
    ON CONFLICT (meter_id) DO UPDATE SET platform_id = excluded.platform_id, imei = excluded.imei, device_id = excluded.device_id, fault = '',
       due_us = 0
       WHERE (operator_device.platform_id, operator_device.imei, operator_device.device_id)
          IS DISTINCT FROM (excluded.platform_id, excluded.imei, excluded.device_id)

-- name: note_online
-- Which came and went.
UPDATE operator_device d SET is_online = u.is_online, online_us = u.at_us
  FROM unnest(:meter_ids::bigint[], :online::boolean[], :at_us::bigint[]) AS u (meter_id, is_online, at_us)
 WHERE d.meter_id = u.meter_id AND d.online_us <= u.at_us

-- name: missing_devices
-- Meters in use of platforms that we make devices at, which have none there, or one of another module, and are due: among the newest meters, and
-- among those that come after one, so that all are looked at in turn.
SELECT m.meter_id, m.tenant_id, m.product_id, m.number, m.imei, q.platform_id
  FROM ((SELECT meter_id, tenant_id, product_id, number, imei, removed_on FROM meter ORDER BY meter_id DESC LIMIT 500)
        UNION (SELECT meter_id, tenant_id, product_id, number, imei, removed_on FROM meter WHERE meter_id > :after::bigint ORDER BY meter_id LIMIT 2000)) m
  JOIN operator_platform_product q ON q.product_id = m.product_id
  JOIN operator_platform o ON o.platform_id = q.platform_id LEFT JOIN operator_device d ON d.meter_id = m.meter_id
 WHERE o.platform_id = ANY (:platform_ids::bigint[]) AND o.is_on AND o.creates AND m.imei IS NOT NULL AND m.removed_on IS NULL
   AND (d.meter_id IS NULL OR ((d.imei <> m.imei OR d.device_id = '' OR d.platform_id <> q.platform_id) AND d.due_us <= :now_us))
 ORDER BY m.meter_id LIMIT :most

-- name: walked_to
-- The last of the meters that were looked at; null: there is none after that one.
SELECT max(meter_id) FROM (SELECT meter_id FROM meter WHERE meter_id > :after::bigint ORDER BY meter_id LIMIT 2000) walked

-- name: device_failed
-- It was not made there; tried again when it is due.
INSERT INTO operator_device (meter_id, tenant_id, platform_id, imei, device_id, fault, due_us)
VALUES (:meter_id, :tenant_id, :platform_id, :imei, '', :fault, :due_us)
    ON CONFLICT (meter_id) DO UPDATE SET platform_id = excluded.platform_id, imei = excluded.imei, device_id = '', fault = excluded.fault,
       due_us = excluded.due_us

-- name: device_addresses
-- Where commands for these meters go; none for one that has another way.
SELECT d.meter_id, d.platform_id, d.device_id, d.imei
  FROM operator_device d JOIN meter m USING (meter_id) JOIN operator_platform_product q ON q.product_id = m.product_id
   AND q.platform_id = d.platform_id
 WHERE d.meter_id = ANY (:meter_ids::bigint[]) AND d.device_id <> '' AND m.imei = d.imei AND m.removed_on IS NULL

-- name: begin_try
-- A command is about to be given to a platform; no row: it lies there already.
INSERT INTO operator_command (tenant_id, platform_id, command_id, meter_id, product_id, device_id, imei, state, sent_us, state_us, due_us)
VALUES (:tenant_id, :platform_id, :command_id, :meter_id, :product_id, :device_id, :imei, 'asked', :now_us, :now_us, :due_us)
    ON CONFLICT DO NOTHING RETURNING try_id

-- name: try_taken
-- The platform has it, under this name.
UPDATE operator_command SET item = :item, state = 'saved', state_us = :now_us WHERE try_id = :try_id AND state = 'asked'

-- name: try_moved
-- How it stands there; due_us null: it has ended.
UPDATE operator_command SET state = :state, state_us = :now_us, due_us = :due_us WHERE try_id = :try_id

-- name: try_asked
-- Asked again later.
UPDATE operator_command SET asked = asked + 1, due_us = :due_us WHERE try_id = :try_id AND due_us IS NOT NULL

-- name: tries_of_items
-- By their names at the platforms.
SELECT c.try_id, c.tenant_id, c.platform_id, c.command_id, c.meter_id, c.product_id, c.device_id, c.imei, c.item, c.state, c.sent_us, c.asked
  FROM operator_command c JOIN unnest(:platform_ids::bigint[], :items::text[]) AS u (platform_id, item)
    ON c.platform_id = u.platform_id AND c.item = u.item AND c.item <> ''

-- name: tries_due
-- Open ones about which the platform is to be asked, and whether the command itself has ended: then it is called back.
SELECT c.try_id, c.tenant_id, c.platform_id, c.command_id, c.meter_id, c.product_id, c.device_id, c.imei, c.item, c.state, c.sent_us, c.asked,
       k.state IN ('confirmed', 'failed', 'expired', 'cancelled') AS is_over
  FROM operator_command c JOIN command k USING (command_id) JOIN operator_platform o ON o.platform_id = c.platform_id AND o.is_on
 WHERE c.platform_id = ANY (:platform_ids::bigint[])
   AND (c.due_us <= :now_us OR (c.due_us IS NOT NULL AND k.state IN ('confirmed', 'failed', 'expired', 'cancelled')))
 ORDER BY c.due_us LIMIT :most

-- name: gap_devices
-- Devices of a platform after one, that are asked for what is missing.
SELECT d.meter_id, d.device_id, d.imei FROM operator_device d
 WHERE d.platform_id = :platform_id AND d.meter_id > :after AND d.device_id <> '' ORDER BY d.meter_id LIMIT :most

-- name: gap_asked
-- So far.
UPDATE operator_platform SET gap_meter = :meter_id WHERE platform_id = :platform_id AND gap_us = :gap_us

-- name: gap_filled
-- All were asked.
UPDATE operator_platform SET gap_us = NULL, gap_meter = 0, checked_us = :now_us WHERE platform_id = :platform_id AND gap_us = :gap_us
