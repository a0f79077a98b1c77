-- SPDX-License-Identifier: Apache-2.0
-- Driver pages that utilities added: for people (openmains_api) and for every process that reads frames (openmains_pipeline).

-- name: driver_pages
-- A tenant's pages with the version that holds, and how many products are read by each.
SELECT d.name, coalesce(d.active_version, 0) AS version, v.medium, v.kind, v.grade, v.unit_exponent, v.vectors, v.made_us, v.made_by,
       (SELECT count(*) FROM product p WHERE p.driver = d.name AND p.tenant_id = d.tenant_id) AS products
  FROM driver_page d
  JOIN driver_page_version v ON v.name = d.name AND v.version = coalesce(d.active_version, (SELECT max(version) FROM driver_page_version x WHERE x.name = d.name))
 WHERE d.tenant_id = :tenant_id AND (:name::text IS NULL OR d.name = :name)
 ORDER BY d.name

-- name: driver_page_versions
-- Of one page, newest first.
SELECT v.version, v.grade, v.vectors, v.made_us, v.made_by, v.reason, coalesce(d.active_version, 0) = v.version AS is_active
  FROM driver_page d JOIN driver_page_version v USING (name)
 WHERE d.tenant_id = :tenant_id AND d.name = :name ORDER BY v.version DESC

-- name: driver_page_text
-- One version as it was given.
SELECT body FROM driver_page_version WHERE tenant_id = :tenant_id AND name = :name AND version = :version

-- name: claim_driver_page
-- The name is this tenant's from now on; no row where it is somebody's.
INSERT INTO driver_page (name, tenant_id) VALUES (:name, :tenant_id) ON CONFLICT (name) DO NOTHING RETURNING name

-- name: hold_driver_page
-- One person changes a page at a time; no row: it is not this tenant's.
SELECT name FROM driver_page WHERE name = :name AND tenant_id = :tenant_id FOR UPDATE

-- name: add_driver_page_version
-- With the next number.
INSERT INTO driver_page_version (name, version, tenant_id, body, medium, kind, grade, unit_exponent, vectors, made_us, made_by, reason)
SELECT :name, coalesce(max(version), 0) + 1, :tenant_id, :body, :medium, :kind, :grade, :unit_exponent, :vectors, :made_us, :made_by, :reason
  FROM driver_page_version WHERE name = :name
RETURNING version

-- name: activate_driver_page
-- This version holds; null: none does.
UPDATE driver_page SET active_version = :version WHERE name = :name AND tenant_id = :tenant_id

-- name: active_driver_pages
-- Which version of which page holds, of all tenants.
SELECT name, active_version AS version, tenant_id FROM driver_page WHERE active_version IS NOT NULL ORDER BY name

-- name: driver_page_bodies
-- Texts of these versions.
SELECT v.name, v.version, v.body FROM driver_page_version v
  JOIN unnest(:names::text[], :versions::int[]) AS w(name, version) ON w.name = v.name AND w.version = v.version
