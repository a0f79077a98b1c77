-- SPDX-License-Identifier: Apache-2.0
-- The tree of areas and premises in it. What lies below an area is the range of paths that begin with its own (migration 0040).

-- name: areas
-- Areas of a tenant; which of them and in what order is added (places.py).
SELECT a.area_id, a.parent_id, a.code, a.name, a.area_kind_id AS kind_id, length(a.path) / 8 AS depth,
       EXISTS (SELECT FROM area b WHERE b.parent_id = a.area_id) AS has_below
  FROM area a WHERE a.tenant_id = :tenant_id

-- name: meters_below
-- Meters in use in each of these areas and below it, as far as the transaction's rights reach (migration 0147).
SELECT area_id, meters FROM branch_meters(:area_ids::int[])

-- name: area_sums
-- What an area holds, with all below it, as far as the rights reach.
SELECT areas_below, meters, devices, premises FROM branch_sums(:area_id)

-- name: branch_size
-- How a list of a branch is best read, of all within reach where there is none: whether it holds many devices, and whether it has many areas.
SELECT is_large, is_wide FROM branch_size(:area_id::int, :devices, :areas)

-- name: meters_seen_below
-- Meters in use in each of these areas and below it, as far as the transaction sees them: read one by one, for whoever is bound to single
-- devices, of which the tallies know nothing.
SELECT t.area_id, count(*) AS meters
  FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
  JOIN meter m ON m.area_id = b.area_id JOIN product p ON p.product_id = m.product_id
 WHERE t.tenant_id = :tenant_id AND t.area_id = ANY (:area_ids::int[]) AND m.removed_on IS NULL AND p.kind = 'meter' GROUP BY t.area_id

-- name: area_sums_seen
-- What an area holds with all below it, in the same way.
SELECT (SELECT count(*) - 1 FROM area b WHERE b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end) AS areas_below,
       coalesce(s.meters, 0) AS meters, coalesce(s.devices, 0) AS devices,
       (SELECT count(*) FROM area b JOIN premises p ON p.area_id = b.area_id
         WHERE b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end) AS premises
  FROM area t
  LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE m.removed_on IS NULL AND p.kind = 'meter') AS meters, count(*) AS devices
         FROM area b JOIN meter m ON m.area_id = b.area_id JOIN product p ON p.product_id = m.product_id
        WHERE b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end) s ON true
 WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id

-- name: areas_above
-- The way from the root to the area above one.
SELECT a.area_id, a.code, a.name
  FROM area t JOIN generate_series(1, length(t.path) / 8 - 1) AS level ON true
  JOIN area a ON a.tenant_id = t.tenant_id AND a.path = left(t.path, level * 8)
 WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id ORDER BY level

-- name: branch_areas
-- Ids of an area and of all below it that lie within reach, as one value; of all within reach where there is none.
SELECT branch_areas(:area_id::int)

-- name: count_areas
-- How many areas a tenant has.
SELECT count(*) FROM area WHERE tenant_id = :tenant_id

-- name: area_levels
-- How many levels an area's branch has.
SELECT (max(length(b.path)) - min(length(t.path))) / 8 + 1
  FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
 WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id

-- name: is_area_below
-- Whether an area is another one or lies below it.
SELECT EXISTS (SELECT FROM area a JOIN area t ON t.tenant_id = a.tenant_id AND a.path >= t.path AND a.path < t.path_end
                WHERE a.tenant_id = :tenant_id AND a.area_id = :area_id AND t.area_id = :ancestor_id)

-- name: hold_tree
-- As the trigger of migration 0040 does, but before anything was read.
SELECT pg_advisory_xact_lock(1869414402, :tenant_id)

-- name: areas_named
-- Areas whose code or name has one of these patterns in it, with all below them: what a search may mean.
WITH named AS (SELECT path, path_end FROM area WHERE tenant_id = :tenant_id AND words LIKE ANY (:patterns::text[]))
SELECT DISTINCT a.area_id, a.parent_id, a.code, a.name
  FROM named n JOIN area a ON a.tenant_id = :tenant_id AND a.path >= n.path AND a.path < n.path_end

-- name: add_area
-- No row where the code is taken.
INSERT INTO area (tenant_id, code, name, parent_id, area_kind_id) VALUES (:tenant_id, :code, :name, :parent_id, :kind_id)
ON CONFLICT DO NOTHING
RETURNING area_id, parent_id, code, name, area_kind_id AS kind_id, length(path) / 8 AS depth, false AS has_below

-- name: change_area
-- Fields that the changes name; all others stay.
UPDATE area a SET (name, parent_id, area_kind_id) =
       (SELECT n.name, n.parent_id, n.area_kind_id FROM jsonb_populate_record(a, :changes::jsonb) n)
 WHERE tenant_id = :tenant_id AND area_id = :area_id
RETURNING area_id

-- name: area_rows
-- Areas as their file has them, each after the one above it, from one on.
SELECT a.code, a.name, coalesce(p.code, '') AS parent, coalesce(k.code, '') AS kind, a.path,
       (SELECT string_agg(u.name, ' / ' ORDER BY level)
          FROM generate_series(1, length(a.path) / 8) AS level
          JOIN area u ON u.tenant_id = a.tenant_id AND u.path = left(a.path, level * 8)) AS full_name,
       (SELECT coalesce(sum(x.meters), 0)::bigint FROM area_tally x WHERE x.area_id = a.area_id) AS meters
  FROM area a LEFT JOIN area p ON p.area_id = a.parent_id LEFT JOIN area_kind k ON k.area_kind_id = a.area_kind_id
 WHERE a.tenant_id = :tenant_id AND a.path > :after
   AND (:under::int IS NULL OR starts_with(a.path, (SELECT t.path FROM area t WHERE t.area_id = :under)))
 ORDER BY a.path LIMIT :most

-- name: area_kinds
-- A tenant's kinds of areas, from the top down.
SELECT area_kind_id AS kind_id, code, name, name_en, rank FROM area_kind WHERE tenant_id = :tenant_id ORDER BY rank, code

-- name: area_kind
-- One of them.
SELECT area_kind_id AS kind_id, code, name, name_en, rank FROM area_kind
 WHERE tenant_id = :tenant_id AND area_kind_id = :kind_id

-- name: add_area_kind
-- No row where the code is taken.
INSERT INTO area_kind (tenant_id, code, name, name_en, rank) VALUES (:tenant_id, :code, :name, :name_en, :rank)
ON CONFLICT DO NOTHING
RETURNING area_kind_id AS kind_id, code, name, name_en, rank

-- name: change_area_kind
-- Fields that the changes name; all others stay.
UPDATE area_kind k SET (name, name_en, rank) = (SELECT n.name, n.name_en, n.rank FROM jsonb_populate_record(k, :changes::jsonb) n)
 WHERE tenant_id = :tenant_id AND area_kind_id = :kind_id
RETURNING area_kind_id AS kind_id, code, name, name_en, rank

-- name: fold_tallies
-- Tallies of areas that have many rows become one row for each product, of at most so many areas at a time; their sums stay.
WITH many AS (SELECT area_id FROM area_tally GROUP BY area_id HAVING count(*) > 8 + count(DISTINCT product_id) LIMIT :most),
     gone AS (DELETE FROM area_tally x USING many m WHERE x.area_id = m.area_id RETURNING x.tenant_id, x.area_id, x.product_id, x.meters, x.devices, x.premises),
     kept AS (INSERT INTO area_tally (tenant_id, area_id, product_id, meters, devices, premises)
              SELECT tenant_id, area_id, product_id, sum(meters), sum(devices), sum(premises) FROM gone GROUP BY 1, 2, 3)
SELECT count(*) FROM gone

-- name: premises
-- Premises of a tenant; which of them is added (places.py).
SELECT p.premises_id, p.area_id, a.name AS area_name, p.code, p.street, p.house_number, p.building, p.unit, p.floor, p.room,
       p.address, p.lat_e7, p.lon_e7, p.created_at, p.revision
  FROM premises p JOIN area a ON a.area_id = p.area_id WHERE p.tenant_id = :tenant_id

-- name: add_premises
-- No row where the code is taken.
INSERT INTO premises (tenant_id, area_id, code, street, house_number, building, unit, floor, room, address, lat_e7, lon_e7)
VALUES (:tenant_id, :area_id, :code, :street, :house_number, :building, :unit, :floor, :room, :address, :lat_e7, :lon_e7)
ON CONFLICT DO NOTHING
RETURNING premises_id

-- name: change_premises
-- Fields that the changes name; all others stay. No row where the revision is no longer this one.
UPDATE premises p
   SET (revision, area_id, street, house_number, building, unit, floor, room, address, lat_e7, lon_e7) =
       (SELECT p.revision + 1, n.area_id, n.street, n.house_number, n.building, n.unit, n.floor, n.room, n.address, n.lat_e7, n.lon_e7
          FROM jsonb_populate_record(p, :changes::jsonb) n)
 WHERE tenant_id = :tenant_id AND premises_id = :premises_id AND revision = :revision
RETURNING premises_id

-- name: known_areas
-- The whole tree by code, for an import.
SELECT a.code, a.name, coalesce(p.code, '') AS parent, coalesce(k.code, '') AS kind
  FROM area a LEFT JOIN area p ON p.area_id = a.parent_id LEFT JOIN area_kind k ON k.area_kind_id = a.area_kind_id
 WHERE a.tenant_id = :tenant_id

-- name: import_new_areas
-- One level of a file: those above are there.
INSERT INTO area (tenant_id, code, name, parent_id, area_kind_id)
SELECT :tenant_id, n.code, n.name, p.area_id, k.area_kind_id
  FROM unnest(:codes::text[], :names::text[], :parents::text[], :kinds::text[]) AS n (code, name, parent, kind)
  LEFT JOIN area p ON p.tenant_id = :tenant_id AND p.code = n.parent
  LEFT JOIN area_kind k ON k.tenant_id = :tenant_id AND k.code = n.kind

-- name: import_area_names
-- Names and kinds that a file changes; null stays.
UPDATE area a SET name = coalesce(n.name, a.name), area_kind_id = coalesce(k.area_kind_id, a.area_kind_id)
  FROM unnest(:codes::text[], :names::text[], :kinds::text[]) AS n (code, name, kind)
  LEFT JOIN area_kind k ON k.tenant_id = :tenant_id AND k.code = n.kind
 WHERE a.tenant_id = :tenant_id AND a.code = n.code

-- name: import_area_root
-- An area that will move stands alone meanwhile: two that change places would each be below the other.
UPDATE area SET parent_id = NULL WHERE tenant_id = :tenant_id AND code = :code

-- name: import_area_move
-- Below another one.
UPDATE area a SET parent_id = p.area_id FROM area p
 WHERE a.tenant_id = :tenant_id AND a.code = :code AND p.tenant_id = :tenant_id AND p.code = :parent
RETURNING a.area_id

-- name: note_area_move
-- In the trail, as whoever asked for the import.
INSERT INTO audit (tenant_id, user_id, actor, action, object_type, object_id, before, after, reason)
SELECT :tenant_id, u.user_id, coalesce(u.login, 'system'), 'move_area', 'area', :area_id, :before::jsonb, :after::jsonb, :reason
  FROM job j LEFT JOIN app_user u ON u.user_id = j.created_by WHERE j.job_id = :job_id
