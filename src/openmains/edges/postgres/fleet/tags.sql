-- SPDX-License-Identifier: Apache-2.0
-- A utility's own tags of meters (tags.py, ADR 0056).

-- name: tags
-- All of a tenant, by name.
SELECT tag_id, name, colour FROM tag WHERE tenant_id = :tenant_id ORDER BY lower(name)

-- name: tag
-- One of them.
SELECT tag_id, name, colour FROM tag WHERE tenant_id = :tenant_id AND tag_id = :tag_id

-- name: hold_tags
-- Nobody else adds a tag to the tenant until the transaction ends.
SELECT pg_advisory_xact_lock(107, :tenant_id)

-- name: add_tag
-- No row where the name is taken.
INSERT INTO tag (tenant_id, name, colour) VALUES (:tenant_id, :name, :colour) ON CONFLICT DO NOTHING RETURNING tag_id

-- name: change_tag
-- Fails where another one has the name.
UPDATE tag SET name = :name, colour = :colour WHERE tenant_id = :tenant_id AND tag_id = :tag_id

-- name: count_tagged
-- How many meters have a tag.
SELECT count(*) FROM meter_tag WHERE tag_id = :tag_id AND tenant_id = :tenant_id

-- name: tagged_at_most
-- The same, counted so far only.
SELECT count(*) FROM (SELECT FROM meter_tag WHERE tag_id = :tag_id LIMIT :most) x

-- name: remove_tag
-- What has it goes with it.
DELETE FROM tag WHERE tenant_id = :tenant_id AND tag_id = :tag_id

-- name: with_tag
-- How many of these meters have a tag.
SELECT count(*) FROM meter_tag WHERE tenant_id = :tenant_id AND tag_id = :tag_id AND meter_id = ANY (:meter_ids::bigint[])

-- name: put_tag
-- On meters of the tenant; those that had it not.
INSERT INTO meter_tag (tag_id, meter_id, tenant_id)
SELECT :tag_id::int, m.meter_id, :tenant_id::int FROM meter m WHERE m.tenant_id = :tenant_id AND m.meter_id = ANY (:meter_ids::bigint[])
ON CONFLICT DO NOTHING RETURNING meter_id

-- name: take_tag
-- Off meters; those that had it.
DELETE FROM meter_tag WHERE tenant_id = :tenant_id AND tag_id = :tag_id AND meter_id = ANY (:meter_ids::bigint[]) RETURNING meter_id
