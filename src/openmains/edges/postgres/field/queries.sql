-- SPDX-License-Identifier: Apache-2.0
-- Work outside: reading routes, visits, photographs.

-- name: reading_routes
-- By number; a filter that is null takes all. One row where ``route_id`` is given.
SELECT b.route_id, b.name, b.reader_id, u.name AS reader,
       (SELECT count(*) FROM reading_route_meter l JOIN meter m USING (meter_id) WHERE l.route_id = b.route_id AND m.removed_on IS NULL) AS meters,
       b.revision, b.changed_at
  FROM reading_route b LEFT JOIN app_user u ON u.user_id = b.reader_id
 WHERE b.tenant_id = :tenant_id AND b.route_id > :after AND (:reader_id::bigint IS NULL OR b.reader_id = :reader_id)
   AND (:route_id::bigint IS NULL OR b.route_id = :route_id)
 ORDER BY b.route_id LIMIT :most

-- name: add_reading_route
-- Nothing where the name is taken.
INSERT INTO reading_route (tenant_id, name, reader_id) VALUES (:tenant_id, :name, :reader_id)
ON CONFLICT (tenant_id, name) DO NOTHING RETURNING route_id

-- name: change_reading_route
-- If its revision is still that one.
UPDATE reading_route SET name = coalesce(:name::text, name), reader_id = CASE WHEN :with_reader THEN :reader_id::bigint ELSE reader_id END,
       revision = revision + 1, changed_at = now()
 WHERE tenant_id = :tenant_id AND route_id = :route_id AND revision = :revision
RETURNING route_id

-- name: remove_reading_route
-- With its order; meters and readings stay.
DELETE FROM reading_route WHERE tenant_id = :tenant_id AND route_id = :route_id

-- name: person_who_reads
-- Who may sign in.
SELECT EXISTS (SELECT FROM app_user WHERE tenant_id = :tenant_id AND user_id = :user_id AND NOT disabled AND role <> 'application')

-- name: lock_routes
-- Two that change who is in which route wait for each other: a meter that is in none is no row that could be locked.
SELECT pg_advisory_xact_lock(hashtextextended(:tenant_id::int::text || ' reading routes', 0))

-- name: touch_routes
-- Another order of theirs than whoever read them knows.
UPDATE reading_route SET revision = revision + 1, changed_at = now() WHERE tenant_id = :tenant_id AND route_id = ANY (:route_ids::bigint[])

-- name: route_of_numbers
-- Meters by number, with the route that has them.
SELECT m.number, m.meter_id, p.kind = 'meter' AS is_meter, l.route_id
  FROM meter m JOIN product p USING (product_id) LEFT JOIN reading_route_meter l ON l.meter_id = m.meter_id
 WHERE m.tenant_id = :tenant_id AND m.number = ANY (:numbers::text[])

-- name: clear_route_order
-- Before the whole order is written anew: out of this route, and those that come over out of theirs.
DELETE FROM reading_route_meter WHERE tenant_id = :tenant_id AND (route_id = :route_id OR meter_id = ANY (:meter_ids::bigint[]))

-- name: set_route_order
-- In the order of the list.
INSERT INTO reading_route_meter (tenant_id, route_id, meter_id, place)
SELECT :tenant_id, :route_id, u.meter_id, u.place FROM unnest(:meter_ids::bigint[]) WITH ORDINALITY AS u(meter_id, place)

-- name: route_meters
-- Meters of a route in order with what a plausible range is told from: the newest register, and the newest one that a person read before it.
SELECT m.meter_id, m.number, coalesce(m.bar_code, '') AS bar_code, p.medium, m.address, p.driver,
       coalesce(nullif(m.qmax_l_h, 0), p.qmax_l_h) AS qmax_l_h, p.dial, s.register, s.register_at, e.register AS before, e.at_s AS before_at
  FROM reading_route_meter l JOIN meter m USING (meter_id) JOIN product p USING (product_id) LEFT JOIN meter_state s USING (meter_id)
  LEFT JOIN LATERAL (
       SELECT r.register, r.at_s FROM manual_reading r
        WHERE r.meter_id = m.meter_id AND r.version IS NOT NULL AND r.at_s <= s.register_at - 86400 AND (r.flags & :kept::bigint = 0)
        ORDER BY r.at_s DESC LIMIT 1) e ON true
 WHERE l.tenant_id = :tenant_id AND l.route_id = :route_id AND m.removed_on IS NULL
 ORDER BY l.place

-- name: issued_meters
-- Issued and not installed, the last ones first, with to whom.
SELECT m.meter_id, m.number, coalesce(m.bar_code, '') AS bar_code, m.imei, p.medium, p.name AS product, p.driver, coalesce(i.person, '') AS person
  FROM meter m JOIN product p USING (product_id)
  LEFT JOIN LATERAL (SELECT c.person FROM meter_act c WHERE c.meter_id = m.meter_id AND c.kind = 'issue' ORDER BY c.act_id DESC LIMIT 1) i ON true
 WHERE m.tenant_id = :tenant_id AND m.life = 'issued' AND m.removed_on IS NOT NULL
 ORDER BY m.life_at DESC NULLS LAST, m.meter_id LIMIT :most

-- name: site_meter
-- What a test on the spot looks at; commands that the meter confirmed since: shut, and opened as the last of them. Since when it hangs.
SELECT m.meter_id, m.number, p.medium, p.driver, m.life, s.last_seen_us, s.register, s.strange_number, s.rsrp_ddbm, s.sinr_ddb,
       EXISTS (SELECT FROM command c WHERE c.meter_id = m.meter_id AND c.state = 'confirmed' AND c.kind = 'valve_close' AND c.created_us >= :since_us) AS closed,
       (SELECT c.kind = 'valve_open' FROM command c
         WHERE c.meter_id = m.meter_id AND c.state = 'confirmed' AND c.kind IN ('valve_close', 'valve_open', 'safety_close') AND c.created_us >= :since_us
         ORDER BY c.command_id DESC LIMIT 1) IS TRUE AS opened,
       (SELECT lower(i.during) FROM installation i WHERE i.tenant_id = m.tenant_id AND i.meter_id = m.meter_id AND upper_inf(i.during)) AS hung_at
  FROM meter m JOIN product p USING (product_id) LEFT JOIN meter_state s USING (meter_id)
 WHERE m.tenant_id = :tenant_id AND m.meter_id = :meter_id AND p.kind = 'meter'

-- name: lock_field_key
-- Two that come with one key wait for each other.
SELECT pg_advisory_xact_lock(hashtextextended(:tenant_id::int::text || ' field ' || :key, 0))

-- name: site_visits
-- Of a meter, newest first, or the one of a key.
SELECT v.visit_id, v.key, v.asked, v.kind, v.meter_id, v.at, v.reason, v.note, v.facts, v.made_by, u.name AS maker, v.made_at
  FROM site_visit v LEFT JOIN app_user u ON u.user_id = v.made_by
 WHERE v.tenant_id = :tenant_id AND (v.meter_id = :meter_id OR v.key = :key) AND (:after::bigint IS NULL OR v.visit_id < :after)
 ORDER BY v.visit_id DESC LIMIT :most

-- name: add_site_visit
-- Written once.
INSERT INTO site_visit (tenant_id, key, asked, kind, meter_id, at, reason, note, facts, made_by)
VALUES (:tenant_id, :key, :asked, :kind, :meter_id, :at, :reason, :note, :facts::jsonb, :made_by)

-- name: site_photos
-- Of a meter, newest first, or the one of a key; without the bytes.
SELECT f.photo_id, f.key, f.meter_id, f.act, f.purpose, f.media, f.size, f.taken_at, f.made_by, u.name AS maker, f.made_at, f.sha256
  FROM site_photo f LEFT JOIN app_user u ON u.user_id = f.made_by
 WHERE f.tenant_id = :tenant_id AND (f.meter_id = :meter_id OR f.key = :key) AND (:after::bigint IS NULL OR f.photo_id < :after)
 ORDER BY f.photo_id DESC LIMIT :most

-- name: add_site_photo
-- Sealed.
INSERT INTO site_photo (tenant_id, key, meter_id, act, purpose, media, size, sha256, taken_at, key_id, nonce, sealed, made_by)
VALUES (:tenant_id, :key, :meter_id, :act, :purpose, :media, :size, :sha256, :taken_at, :key_id, :nonce, :sealed, :made_by)

-- name: count_site_photos
-- Of one person since an instant.
SELECT count(*) FROM site_photo WHERE tenant_id = :tenant_id AND made_by = :user_id AND made_at >= :since

-- name: sealed_photo
-- With its bytes.
SELECT key, meter_id, act, purpose, media, size, sha256, taken_at, made_by, key_id, nonce, sealed
  FROM site_photo WHERE tenant_id = :tenant_id AND photo_id = :photo_id

-- name: field_meter_there
-- Whether there is such a device.
SELECT EXISTS (SELECT FROM meter WHERE tenant_id = :tenant_id AND meter_id = :meter_id)
