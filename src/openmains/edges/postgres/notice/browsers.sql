-- SPDX-License-Identifier: Apache-2.0
-- Browsers in which persons take notices, as the API asks for them: role openmains_api, one tenant. How they are reached is written here and
-- never read.

-- name: web_push_channel
-- Of this utility, with the key that browsers subscribe by.
SELECT channel_id, public_key FROM web_push_channel()

-- name: push_browsers
-- Of one person.
SELECT browser_id, fingerprint, label, made_us, accepted_us, failed_us, reason FROM push_browser
 WHERE tenant_id = :tenant_id AND user_id = :user_id ORDER BY browser_id

-- name: add_push_browser
-- The row that it had as another person's goes (0130).
INSERT INTO push_browser (tenant_id, user_id, channel_id, fingerprint, label, made_us)
VALUES (:tenant_id, :user_id, :channel_id, :fingerprint, :label, :now_us) RETURNING browser_id

-- name: seal_push_browser
-- How it is reached.
UPDATE push_browser SET key_id = :key_id, nonce = :nonce, sealed = :sealed WHERE tenant_id = :tenant_id AND browser_id = :browser_id

-- name: remove_push_browser
-- Nothing is pushed to it any more.
DELETE FROM push_browser WHERE tenant_id = :tenant_id AND user_id = :user_id AND browser_id = :browser_id

-- name: remove_push_browsers
-- All that subscribed by a channel's key.
DELETE FROM push_browser WHERE tenant_id = :tenant_id AND channel_id = :channel_id
