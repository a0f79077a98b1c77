-- SPDX-License-Identifier: Apache-2.0
-- The registry: products, meters (areas and premises: places.sql), search, imports, and what edges and ClickHouse follow of it.
-- A comment that begins with 'each point' stands for a column of every state point (edges/postgres/state_points.py).

-- name: products
-- A tenant's products from one on.
SELECT product_id, code, name, maker, model, medium, driver, dial, interval_s, report_s, qmax_l_h, settings,
       allow_cbc, allow_no_ems, created_at, report_mode, kind
  FROM product WHERE tenant_id = :tenant_id AND product_id > :after ORDER BY product_id LIMIT :most

-- name: product
-- One of them.
SELECT product_id, code, name, maker, model, medium, driver, dial, interval_s, report_s, qmax_l_h, settings,
       allow_cbc, allow_no_ems, created_at, report_mode, kind
  FROM product WHERE tenant_id = :tenant_id AND product_id = :product_id

-- name: add_product
-- No row where the code is taken.
INSERT INTO product (tenant_id, code, name, maker, model, medium, driver, dial, interval_s, report_s, qmax_l_h, settings,
                     allow_cbc, allow_no_ems, report_mode, kind)
VALUES (:tenant_id, :code, :name, :maker, :model, :medium, :driver, :dial, :interval_s, :report_s, :qmax_l_h, :settings,
        :allow_cbc, :allow_no_ems, :report_mode, :kind)
ON CONFLICT DO NOTHING
RETURNING product_id, code, name, maker, model, medium, driver, dial, interval_s, report_s, qmax_l_h, settings,
       allow_cbc, allow_no_ems, created_at, report_mode, kind

-- name: change_product
-- Fields that the changes name; all others stay. Another mode counts from today on, the one before it for the days before.
UPDATE product p
   SET (name, maker, model, medium, driver, dial, interval_s, report_s, qmax_l_h, settings, allow_cbc, allow_no_ems,
        report_mode, report_mode_since, report_mode_before) =
       (SELECT n.name, n.maker, n.model, n.medium, n.driver, n.dial, n.interval_s, n.report_s, n.qmax_l_h, n.settings,
               n.allow_cbc, n.allow_no_ems,
               n.report_mode, CASE WHEN n.report_mode = p.report_mode THEN p.report_mode_since ELSE :today END,
               CASE WHEN n.report_mode = p.report_mode OR p.report_mode_since = :today THEN p.report_mode_before
                    ELSE p.report_mode END
          FROM jsonb_populate_record(p, :changes::jsonb) n)
 WHERE tenant_id = :tenant_id AND product_id = :product_id
RETURNING product_id, code, name, maker, model, medium, driver, dial, interval_s, report_s, qmax_l_h, settings,
       allow_cbc, allow_no_ems, created_at, report_mode, kind

-- name: meters
-- Meters of a tenant with their last state and customer; which of them and in what order is added (meters.py).
SELECT m.meter_id, m.number, m.bar_code, m.imei, m.imsi, m.iccid, m.dev_eui, m.product_id, p.code AS product_code, p.medium, p.kind,
       p.driver, m.area_id, a.code AS area_code, a.name AS area_name, m.customer_id, c.name AS customer_name, m.address, m.place, m.dn,
       m.qmax_l_h, m.installed_on, m.removed_on, m.expected_from,
       coalesce(m.report_mode, task_mode(m.tenant_id, m.meter_id, m.area_id, m.product_id), p.report_mode) AS report_mode,
       m.created_at, m.revision,
       s.meter_id AS state_of, s.register, s.register_at, s.last_seen_us, s.event_mask,
       c.code AS customer_code, c.address AS customer_address, c.is_protected, c.is_critical,
       (extract(epoch FROM now()) * 1000000)::bigint AS now_us,
       t.state AS access, t.state_at AS access_at, t.reasons AS access_reasons, t.note AS access_note, t.seen_imsi, t.seen_iccid,
       m.imei IS NOT NULL AND k.imei IS NULL AND (s.last_seen_us IS NULL OR t.last_handshake_us IS NOT NULL) AS needs_key,
       f.ordered_us AS safety_us, f.evidence AS safety_evidence,
       coalesce((SELECT jsonb_agg(jsonb_build_object('tag_id', g.tag_id, 'name', g.name, 'colour', g.colour) ORDER BY lower(g.name))
                   FROM meter_tag x JOIN tag g ON g.tag_id = x.tag_id WHERE x.meter_id = m.meter_id), '[]') AS tags
       /*each point: , s.{name}*/
  FROM meter m JOIN product p USING (product_id) JOIN area a ON a.area_id = m.area_id
  LEFT JOIN customer c ON c.customer_id = m.customer_id LEFT JOIN meter_state s ON s.meter_id = m.meter_id
  LEFT JOIN terminal t ON t.imei = m.imei AND t.meter_id = m.meter_id
  LEFT JOIN device_key k ON k.imei = m.imei AND k.tenant_id = m.tenant_id
  LEFT JOIN meter_safety f ON f.meter_id = m.meter_id AND f.lifted_us IS NULL
 WHERE m.tenant_id = :tenant_id

-- name: listed_meters
-- The same meters without what is shown of them, to be counted (meters.py).
SELECT m.meter_id FROM meter m JOIN product p USING (product_id) LEFT JOIN meter_state s ON s.meter_id = m.meter_id
 WHERE m.tenant_id = :tenant_id

-- name: chosen_meters
-- Meters of a tenant after one of them, with what answers in bulk need; which of them is added (chosen.py).
SELECT m.meter_id, m.number, m.area_id, m.product_id, m.customer_id, p.medium, p.driver, p.dial,
       CASE WHEN c.customer_id IS NULL THEN 'none' WHEN c.is_critical THEN 'critical' WHEN c.is_protected THEN 'protected'
            ELSE 'ordinary' END AS customer_class
  FROM meter m JOIN product p USING (product_id)
  LEFT JOIN customer c ON c.customer_id = m.customer_id LEFT JOIN meter_state s ON s.meter_id = m.meter_id
 WHERE m.tenant_id = :tenant_id AND m.meter_id > :after

-- name: map_rows
-- What a map shows of these meters: where each hangs now, and how it stands.
SELECT m.meter_id, m.number, a.code AS area_code, p.code AS product_code, p.medium, p.kind, m.dn, x.number AS account, r.code AS premises,
       r.lat_e7, r.lon_e7, s.valve, s.last_seen_us, s.event_mask
  FROM meter m JOIN product p USING (product_id) JOIN area a ON a.area_id = m.area_id
  LEFT JOIN installation i ON i.meter_id = m.meter_id AND upper_inf(i.during)
  LEFT JOIN account x ON x.account_id = i.account_id LEFT JOIN premises r ON r.premises_id = x.premises_id
  LEFT JOIN meter_state s ON s.meter_id = m.meter_id
 WHERE m.tenant_id = :tenant_id AND m.meter_id = ANY (:meter_ids::bigint[]) ORDER BY m.meter_id

-- name: numbers_of
-- What these meters are called, those of the tenant alone.
SELECT number FROM meter WHERE tenant_id = :tenant_id AND meter_id = ANY (:meter_ids::bigint[]) ORDER BY number

-- name: unknown_numbers
-- Which of these numbers no meter of the tenant has.
SELECT asked.number FROM unnest(:numbers::text[]) AS asked (number)
  LEFT JOIN LATERAL (SELECT true AS is_known FROM meter m WHERE m.tenant_id = :tenant_id AND m.number = asked.number LIMIT 1) f ON true
 WHERE f.is_known IS NULL

-- name: customer_names
-- Accounts and names of customers.
SELECT customer_id, code, name FROM customer WHERE tenant_id = :tenant_id AND customer_id = ANY (:customer_ids::bigint[])

-- name: customer_exists
-- Whether the tenant has this customer.
SELECT EXISTS (SELECT FROM customer WHERE tenant_id = :tenant_id AND customer_id = :customer_id)

-- name: set_customer_flags
-- A flag that is null stays.
UPDATE customer SET is_protected = coalesce(:is_protected, is_protected), is_critical = coalesce(:is_critical, is_critical)
 WHERE tenant_id = :tenant_id AND customer_id = :customer_id

-- name: add_meter
-- Fails where number, IMEI or DevEUI is taken.
INSERT INTO meter (tenant_id, number, bar_code, imei, imsi, iccid, dev_eui, product_id, area_id, customer_id, address, place, dn,
                   qmax_l_h, installed_on, expected_from)
VALUES (:tenant_id, :number, :bar_code, :imei, :imsi, :iccid, :dev_eui, :product_id, :area_id, :customer_id, :address, :place, :dn,
        :qmax_l_h, :installed_on, :expected_from)
RETURNING meter_id

-- name: add_meter_state
-- The pipeline knows a meter by its state.
INSERT INTO meter_state (meter_id, tenant_id) VALUES (:meter_id, :tenant_id)

-- name: change_meter
-- Fields that the changes name; all others stay. No row where the revision is no longer this one; fails where IMEI or DevEUI is taken.
UPDATE meter m
   SET (revision, product_id, area_id, installed_on, removed_on, bar_code, imei, imsi, iccid, dev_eui, customer_id, address, place,
        dn, qmax_l_h, expected_from, life) =
       (SELECT m.revision + 1, n.product_id, n.area_id, n.installed_on, n.removed_on, n.bar_code, n.imei, n.imsi, n.iccid, n.dev_eui,
               n.customer_id, n.address, n.place, n.dn, n.qmax_l_h, n.expected_from, n.life
          FROM jsonb_populate_record(m, :changes::jsonb) n)
 WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND revision = :revision
RETURNING revision

-- name: expectation
-- From when and in which mode a meter is to report.
SELECT m.first_day, m.removed_on, m.report_mode, m.report_mode_since, m.report_mode_before, p.report_mode AS product_mode,
       p.report_mode_since AS product_since, p.report_mode_before AS product_before
  FROM meter m JOIN product p USING (product_id) WHERE m.tenant_id = :tenant_id AND m.meter_id = :meter_id

-- name: task_chain
-- Tasks that speak of a meter, ended ones too, and its area with those above it, its own first.
WITH RECURSIVE up(area_id, parent_id, far) AS (
    SELECT a.area_id, a.parent_id, 0 FROM meter m JOIN area a USING (area_id)
     WHERE m.tenant_id = :tenant_id AND m.meter_id = :meter_id
    UNION ALL SELECT a.area_id, a.parent_id, up.far + 1 FROM area a JOIN up ON a.area_id = up.parent_id WHERE up.far < 64)
SELECT k.task_id, k.level, coalesce(k.area_id, k.product_id, k.meter_id) AS target, k.first_day, k.last_day, k.frequency, k.need,
       k.remedy, k.rereads_a_month, k.quantities, (SELECT array_agg(area_id ORDER BY far) FROM up) AS areas, m.product_id
  FROM collection_task k LEFT JOIN up ON up.area_id = k.area_id CROSS JOIN meter m
 WHERE k.tenant_id = :tenant_id AND m.tenant_id = :tenant_id AND m.meter_id = :meter_id
   AND (k.level = 'company' OR up.area_id IS NOT NULL OR k.product_id = m.product_id OR k.meter_id = m.meter_id)

-- name: note_identity_change
-- What edges and ClickHouse's copy follow.
INSERT INTO identity_change (tenant_id, meter_id) VALUES (:tenant_id, :meter_id)

-- name: set_tenant
-- For row-level security, until the transaction ends.
SELECT set_config('openmains.tenant', :tenant, true)

-- name: products_in_reach
-- Products that they hold for.
SELECT product_id FROM products_in_reach() AS found (product_id)

-- name: search_hits
-- What is shown of the meters found.
SELECT m.meter_id, m.number, m.imei, m.product_id, m.area_id, m.customer_id, coalesce(c.name, '') AS customer_name,
       m.address, m.installed_on, m.removed_on
  FROM meter m LEFT JOIN customer c USING (customer_id)
 WHERE m.meter_id = ANY (:meter_ids::bigint[]) AND m.tenant_id = :tenant_id

-- name: search_meters
-- Meters whose grams and texts match within the filters, by id; the function is told in migration 0022.
SELECT meter_id FROM find_meters(:grams, :terms, :line, :is_exact, :after, :most, :areas, :products, :status, :silent_us::jsonb, :tag_id)
       AS found (meter_id)

-- name: search_meters_by_prefix
-- Meters whose number, account or customer's name begins so; terms null: with nothing else asked of them.
SELECT meter_id FROM find_meters_by_prefix(:prefixes, :terms, :after, :most, :areas, :products, :status, :silent_us::jsonb, :tag_id)
       AS found (meter_id)

-- name: search_source
-- What the search text of these meters is made of.
SELECT m.meter_id, m.tenant_id, m.number, m.bar_code, m.imei, coalesce(c.name, '') AS name,
       m.address, coalesce(c.address, '') AS customer_address, m.imsi, m.iccid, coalesce(c.code, '') AS customer_code
  FROM meter m LEFT JOIN customer c USING (customer_id) WHERE m.meter_id = ANY (:meter_ids::bigint[])

-- name: write_search_text
-- A text that is the same leaves the index alone.
INSERT INTO meter_search AS s (meter_id, tenant_id, text, grams) VALUES (:meter_id, :tenant_id, :text, :grams)
ON CONFLICT (meter_id) DO UPDATE SET text = excluded.text, grams = excluded.grams, edition = excluded.edition
 WHERE s.text <> excluded.text OR s.edition <> excluded.edition

-- name: outdated_search_texts
-- Meters whose text was made by an earlier rule (with the phone in clear), locked: who writes one meanwhile has a newer text.
SELECT meter_id FROM meter_search WHERE edition < 3 ORDER BY meter_id LIMIT :most FOR UPDATE SKIP LOCKED

-- name: meters_of_customers
-- Whose search texts change with these customers.
SELECT meter_id FROM meter WHERE customer_id = ANY (:customer_ids::bigint[])

-- name: snapshot_horizon
-- Every transaction below this number has ended.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text

-- name: all_identities
-- Meters in use with an IMEI, for an edge; COPYed as it stands.
SELECT imei, meter_id, tenant_id, product_id FROM meter WHERE imei IS NOT NULL AND removed_on IS NULL ORDER BY imei

-- name: changed_identities
-- What meters are now whose identity changed in these transactions.
SELECT m.imei, m.meter_id, m.tenant_id, m.product_id, m.removed_on IS NOT NULL AS is_removed
  FROM meter m
 WHERE m.meter_id IN (SELECT c.meter_id FROM identity_change c
                       WHERE c.xid >= :since::text::xid8 AND c.xid < :before::text::xid8)
UNION ALL
SELECT NULL, w.meter_id, w.tenant_id, w.product_id, true
  FROM withdrawn_meter w
 WHERE w.meter_id IN (SELECT c.meter_id FROM identity_change c
                       WHERE c.xid >= :since::text::xid8 AND c.xid < :before::text::xid8)

-- name: count_changed_identities
-- How many changes these transactions noted.
SELECT count(*) FROM identity_change c WHERE c.xid >= :since::text::xid8 AND c.xid < :before::text::xid8

-- name: identity_changes
-- The changes themselves, in their order.
SELECT seq, meter_id FROM identity_change
 WHERE xid >= :since::text::xid8 AND xid < :before::text::xid8 AND seq > :after ORDER BY seq LIMIT :most

-- name: dimensions
-- Rows of ClickHouse's meter_dim, of which meters is added. Monitors are not in it, and so in no report and no sum; dates before those its Date holds say nothing else there.
SELECT m.tenant_id, m.meter_id, m.area_id, m.product_id, greatest(m.installed_on, '1970-01-01'::date) AS installed_on,
       greatest(coalesce(m.removed_on, '2149-06-06'::date), '1970-01-01'::date) AS removed_on, m.revision,
       greatest(m.first_day, '1970-01-01'::date) AS first_day, coalesce(m.report_mode, '') AS own_mode,
       coalesce(m.report_mode_since, '1970-01-01'::date) AS own_since, coalesce(m.report_mode_before, '') AS own_before,
       extract(epoch FROM m.created_at)::bigint AS registered_s
  FROM meter m JOIN product p ON p.product_id = m.product_id AND p.kind = 'meter'

-- name: forget_set_aside
-- Of these meters all but those found are copied again.
DELETE FROM dimension_fault WHERE meter_id = ANY (:meter_ids::bigint[]) AND NOT meter_id = ANY (:found::bigint[])

-- name: note_set_aside
-- Meters ClickHouse's copy can not hold; returned are those not noted before.
INSERT INTO dimension_fault (tenant_id, meter_id, field, value)
SELECT * FROM unnest(:tenant_ids::int[], :meter_ids::bigint[], :fields::text[], :values::text[])
ON CONFLICT (meter_id) DO NOTHING
RETURNING meter_id

-- name: set_here
-- A setting of this transaction.
SELECT set_config(:setting, :value, true)

-- name: lock_import
-- One import of a tenant at a time.
SELECT pg_advisory_xact_lock(:class_id, :tenant_id)

-- name: import_headings
-- Headings of other systems' files, and what people said they are.
SELECT plain, heading, column_name FROM import_heading WHERE tenant_id = :tenant_id ORDER BY heading

-- name: count_import_headings
-- How many a tenant has.
SELECT count(*) FROM import_heading WHERE tenant_id = :tenant_id

-- name: import_heading
-- What one of them was said to be.
SELECT column_name FROM import_heading WHERE tenant_id = :tenant_id AND plain = :plain

-- name: set_import_heading
-- One of them, anew.
INSERT INTO import_heading (tenant_id, plain, heading, column_name) VALUES (:tenant_id, :plain, :heading, :column)
ON CONFLICT (tenant_id, plain) DO UPDATE SET heading = excluded.heading, column_name = excluded.column_name

-- name: remove_import_heading
-- No row where there was none.
DELETE FROM import_heading WHERE tenant_id = :tenant_id AND plain = :plain RETURNING column_name

-- name: products_by_code
-- What an import's product codes mean.
SELECT code, product_id, kind FROM product WHERE tenant_id = :tenant_id

-- name: products_of_kinds
-- All products of a tenant, and which are of these kinds.
SELECT product_id, kind = ANY (:kinds::text[]) AS is_wanted FROM product WHERE tenant_id = :tenant_id

-- name: areas_by_code
-- What an import's area codes mean.
SELECT code, area_id FROM area WHERE tenant_id = :tenant_id

-- name: create_areas
-- Those that are missing; all of them are returned.
INSERT INTO area (tenant_id, code, name) SELECT :tenant_id, code, code FROM unnest(:codes::text[]) AS code
ON CONFLICT (tenant_id, code) DO UPDATE SET code = excluded.code
RETURNING code, area_id

-- name: settle_search_index
-- Sorts what waits beside the search index into it.
SELECT settle_search_index()

-- name: product_of_code
-- By the code people know it by.
SELECT product_id FROM product WHERE tenant_id = :tenant_id AND code = :code

-- name: area_of_code
-- The same of an area.
SELECT area_id FROM area WHERE tenant_id = :tenant_id AND code = :code
