-- SPDX-License-Identifier: Apache-2.0
-- Lives of meters and where they hung when (lives.py). Rules: domain/fleet/hanging.py; migrations 0062, 0063.

-- name: meter_life
-- Where a meter stands, what it is, when it is due.
SELECT m.meter_id, m.number, m.bar_code, m.bar_code_doubled, p.medium, p.driver, m.life, m.life_at, m.revision, m.role, m.parent_id,
       a.number AS parent_number, m.q3_l_h, m.gas_kind, m.verified_on, m.lifetime_months, m.pulse_ml, m.start_ml, d.due_on, d.action
  FROM meter m JOIN product p USING (product_id) LEFT JOIN meter a ON a.meter_id = m.parent_id
  LEFT JOIN LATERAL meter_due(m.tenant_id, p.medium, m.gas_kind, m.dn, coalesce(nullif(m.qmax_l_h, 0), p.qmax_l_h), m.lifetime_months,
                              coalesce(m.verified_on, m.installed_on)) d ON true
 WHERE m.tenant_id = :tenant_id AND m.meter_id = :meter_id

-- name: life_acts
-- The newest acts of a meter.
SELECT c.act_id, c.kind, c.at, c.life, c.account_id, a.number AS account_number, o.number AS other_number, c.person, c.contractor, c.reason,
       c.key, c.made_by, u.name AS maker, c.made_at
  FROM meter_act c LEFT JOIN account a ON a.account_id = c.account_id LEFT JOIN meter o ON o.meter_id = c.other_id
  LEFT JOIN app_user u ON u.user_id = c.made_by
 WHERE c.tenant_id = :tenant_id AND c.meter_id = :meter_id ORDER BY c.act_id DESC LIMIT 200

-- name: installations
-- With names for people; which of them is added (lives.py).
SELECT i.installation_id, i.meter_id, m.number, p.driver, i.account_id, a.number AS account_number, r.address, i.role,
       lower(i.during) AS begins, upper(i.during) AS ends, i.opening, i.opening_by, i.closing, i.closing_by, i.person, i.contractor,
       i.entered_by, e.name AS enterer, i.accepted_by, c.name AS accepter, i.accepted_at, x.number AS exchanged_for
  FROM installation i JOIN meter m ON m.meter_id = i.meter_id JOIN product p USING (product_id)
  JOIN account a ON a.account_id = i.account_id JOIN premises r ON r.premises_id = a.premises_id
  LEFT JOIN app_user e ON e.user_id = i.entered_by LEFT JOIN app_user c ON c.user_id = i.accepted_by
  LEFT JOIN meter x ON x.meter_id = i.exchanged_for
 WHERE i.tenant_id = :tenant_id

-- name: lock_life_key
-- Who comes second under a key waits for the first.
SELECT pg_advisory_xact_lock(hashtextextended(:key, :tenant_id::bigint))

-- name: acts_of_key
-- What was done under it.
SELECT meter_id, kind, asked FROM meter_act WHERE tenant_id = :tenant_id AND key = :key ORDER BY act_id

-- name: meters_of_name
-- By number, or where none is given by bar code.
SELECT meter_id FROM meter
 WHERE tenant_id = :tenant_id AND CASE WHEN :number <> '' THEN number = :number ELSE bar_code = :bar_code END
 ORDER BY meter_id LIMIT 2

-- name: lock_lives
-- Nobody else changes these meters until the transaction ends.
SELECT meter_id FROM meter WHERE tenant_id = :tenant_id AND meter_id = ANY (:meter_ids::bigint[]) ORDER BY meter_id FOR UPDATE

-- name: locked_lives
-- What acts are decided on.
SELECT m.meter_id, m.number, m.bar_code, m.imei, p.code AS product, p.driver, p.medium, p.kind = 'meter' AS is_meter, p.dial,
       coalesce(nullif(m.qmax_l_h, 0), p.qmax_l_h) AS qmax_l_h, m.life,
       coalesce(floor(extract(epoch FROM m.life_at))::bigint, 0) AS life_s, m.role, m.revision, s.register, s.register_at, s.strange_number
  FROM meter m JOIN product p USING (product_id) LEFT JOIN meter_state s USING (meter_id)
 WHERE m.tenant_id = :tenant_id AND m.meter_id = ANY (:meter_ids::bigint[]) ORDER BY m.meter_id

-- name: hanging
-- Installations of meters, or at an account.
SELECT installation_id, meter_id, account_id, role, floor(extract(epoch FROM lower(during)))::bigint AS from_s,
       ceil(extract(epoch FROM upper(during)))::bigint AS to_s, opening, opening_by, closing, closing_by, entered_by
  FROM installation WHERE tenant_id = :tenant_id AND (meter_id = ANY (:meter_ids::bigint[]) OR account_id = :account_id)
 ORDER BY lower(during)

-- name: account_of_number
-- By the number that bills have.
SELECT account_id FROM account WHERE tenant_id = :tenant_id AND number = :number

-- name: lock_account
-- Nobody else hangs a meter there until the transaction ends.
SELECT account_id FROM account WHERE tenant_id = :tenant_id AND account_id = :account_id FOR UPDATE

-- name: account_place
-- Where an account is, and who holds it.
SELECT a.account_id, a.number, a.medium, floor(extract(epoch FROM a.opened_at))::bigint AS opened_s,
       floor(extract(epoch FROM a.closed_at))::bigint AS closed_s, r.area_id, r.address, h.customer_id
  FROM account a JOIN premises r USING (premises_id)
  LEFT JOIN account_holder h ON h.account_id = a.account_id AND upper_inf(h.during)
 WHERE a.tenant_id = :tenant_id AND a.account_id = :account_id

-- name: account_where
-- At which a meter hangs now.
SELECT account_id FROM installation WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND upper_inf(during)

-- name: hanging_at
-- A meter that hangs at an account now.
SELECT m.number FROM installation i JOIN meter m USING (meter_id)
 WHERE i.tenant_id = :tenant_id AND i.account_id = :account_id AND upper_inf(i.during) ORDER BY i.installation_id LIMIT 1

-- name: number_of_imei
-- Of the tenant.
SELECT number FROM meter WHERE tenant_id = :tenant_id AND imei = :imei

-- name: set_life
-- After an act, with when it took effect; a meter that was taken off or hung has its life with its dates (change_meter).
UPDATE meter SET life_at = :at, life = :life WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND life IN (:before, :life)
RETURNING meter_id

-- name: end_installation
-- One that goes on.
UPDATE installation SET during = tstzrange(lower(during), :at), closing = :closing, closing_by = :closing_by, exchanged_for = :other_id
 WHERE tenant_id = :tenant_id AND installation_id = :installation_id AND upper_inf(during)
RETURNING installation_id

-- name: begin_installation
-- Fails where the meter or its account is taken.
INSERT INTO installation (tenant_id, meter_id, account_id, role, during, opening, opening_by, person, contractor, entered_by)
VALUES (:tenant_id, :meter_id, :account_id, :role, tstzrange(:at, NULL), :opening, :opening_by, :person, :contractor, :entered_by)

-- name: accept_installation
-- Of the meter's that goes on.
UPDATE installation SET accepted_by = :person, accepted_at = :at WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND upper_inf(during)

-- name: note_life_act
-- Its row.
INSERT INTO meter_act (tenant_id, key, kind, meter_id, other_id, account_id, at, life, person, contractor, reason, asked, made_by)
VALUES (:tenant_id, :key, :kind, :meter_id, :other_id, :account_id, :at, :life, :person, :contractor, :reason, :asked, :made_by)

-- name: receive_meter
-- Into the warehouse: hangs nowhere, so that nothing is expected of it. Fails where number, bar code or IMEI is taken.
INSERT INTO meter (tenant_id, number, bar_code, imei, imsi, iccid, product_id, area_id, dn, qmax_l_h, q3_l_h, gas_kind, verified_on, role,
                   installed_on, removed_on, expected_from, life, life_at)
VALUES (:tenant_id, :number, :bar_code, :imei, :imsi, :iccid, :product_id, :area_id, :dn, :qmax_l_h, :q3_l_h, :gas_kind, :verified_on, :role,
        :today, :today, :today, 'stock', :at)
RETURNING meter_id

-- name: stock_of_names
-- Meters of these numbers or bar codes, with their product.
SELECT m.meter_id, m.number, m.bar_code, p.code AS product, m.life, coalesce(floor(extract(epoch FROM m.life_at))::bigint, 0) AS since_s
  FROM meter m JOIN product p USING (product_id)
 WHERE m.tenant_id = :tenant_id AND (m.number = ANY (:names::text[]) OR (m.bar_code = ANY (:names::text[]) AND m.bar_code <> ''))

-- name: meters_in_store
-- Meters that hang nowhere, of one life, with to whom they were issued last.
SELECT m.meter_id, m.number, m.bar_code, p.code AS product_code, p.medium, m.area_id, a.name AS area_name, m.life, m.life_at, m.verified_on,
       coalesce(i.person, '') AS person, coalesce(i.contractor, '') AS contractor
  FROM meter m JOIN product p USING (product_id) JOIN area a ON a.area_id = m.area_id
  LEFT JOIN LATERAL (SELECT c.person, c.contractor FROM meter_act c WHERE c.meter_id = m.meter_id AND c.kind = 'issue' AND m.life = 'issued'
                      ORDER BY c.act_id DESC LIMIT 1) i ON true
 WHERE m.tenant_id = :tenant_id AND m.removed_on IS NOT NULL AND m.life = :life AND m.meter_id > :after
 ORDER BY m.meter_id LIMIT :most

-- name: issue_meters
-- Those of them that are in stock and whose last act was not later.
UPDATE meter SET life = 'issued', life_at = :at
 WHERE tenant_id = :tenant_id AND meter_id = ANY (:meter_ids::bigint[]) AND life = 'stock' AND (life_at IS NULL OR life_at <= :at)
RETURNING meter_id

-- name: note_issues
-- A row for each.
INSERT INTO meter_act (tenant_id, key, kind, meter_id, at, life, person, contractor, reason, asked, made_by)
SELECT :tenant_id, :key, 'issue', i, :at, 'issued', :person, :contractor, :reason, :asked, :made_by FROM unnest(:meter_ids::bigint[]) AS i

-- name: issued_before
-- When a list was issued under its key, how many meters, and whether it was the last thing done to all of them.
SELECT min(a.made_at) AS made_at, count(*) AS meters,
       bool_and(NOT EXISTS (SELECT FROM meter_act n WHERE n.meter_id = a.meter_id AND n.act_id > a.act_id)) AS stands
  FROM meter_act a WHERE a.tenant_id = :tenant_id AND a.key = :key

-- name: units_before_and_after
-- Medium and driver of a meter's product and of another one; no row where the meter never hung.
SELECT p.medium, p.driver, n.medium AS new_medium, n.driver AS new_driver
  FROM meter m JOIN product p ON p.product_id = m.product_id JOIN product n ON n.tenant_id = m.tenant_id AND n.product_id = :product_id
 WHERE m.tenant_id = :tenant_id AND m.meter_id = :meter_id AND EXISTS (SELECT FROM installation i WHERE i.meter_id = m.meter_id)

-- name: has_hung
-- A meter of the product somewhere, now or before.
SELECT EXISTS (SELECT FROM meter m WHERE m.tenant_id = :tenant_id AND m.product_id = :product_id
                  AND EXISTS (SELECT FROM installation i WHERE i.meter_id = m.meter_id))

-- name: change_meter_facts
-- Fields that the changes name; no row where the revision is no longer this one.
UPDATE meter m SET (revision, role, parent_id, q3_l_h, gas_kind, verified_on, lifetime_months, pulse_ml, start_ml) =
       (SELECT m.revision + 1, n.role, n.parent_id, n.q3_l_h, n.gas_kind, n.verified_on, n.lifetime_months, n.pulse_ml, n.start_ml
          FROM jsonb_populate_record(m, :changes::jsonb) n)
 WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND revision = :revision
RETURNING revision

-- name: parents
-- Meters above one, the nearest first.
WITH RECURSIVE up (meter_id, parent_id, far) AS (
    SELECT m.meter_id, m.parent_id, 0 FROM meter m WHERE m.tenant_id = :tenant_id AND m.meter_id = :meter_id
    UNION ALL SELECT m.meter_id, m.parent_id, up.far + 1 FROM meter m JOIN up ON m.meter_id = up.parent_id WHERE up.far < 64)
SELECT meter_id FROM up WHERE far > 0 ORDER BY far

-- name: due_meters
-- Meters that hang, with when they are due; which of them and in what order is added.
SELECT d.* FROM (
  SELECT m.meter_id, m.number, m.bar_code, p.medium, m.area_id, b.name AS area_name, m.address,
         (SELECT a.number FROM installation i JOIN account a USING (account_id) WHERE i.meter_id = m.meter_id AND upper_inf(i.during))
           AS account_number,
         m.dn, m.gas_kind, m.installed_on, m.verified_on, d.due_on, d.action
    FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
    JOIN meter m ON m.tenant_id = t.tenant_id AND m.area_id = b.area_id AND m.removed_on IS NULL
    JOIN product p ON p.product_id = m.product_id AND p.kind = 'meter'
    LEFT JOIN LATERAL meter_due(m.tenant_id, p.medium, m.gas_kind, m.dn, coalesce(nullif(m.qmax_l_h, 0), p.qmax_l_h), m.lifetime_months,
                                coalesce(m.verified_on, m.installed_on)) d ON true
   WHERE t.tenant_id = :tenant_id AND CASE WHEN :area_id::int IS NULL THEN t.parent_id IS NULL ELSE t.area_id = :area_id END) d
 WHERE true

-- name: due_counts
-- How many by month and action, up to a day; null: nobody can say when.
SELECT date_trunc('month', d.due_on)::date AS month, d.action, count(*) AS meters
  FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
  JOIN meter m ON m.tenant_id = t.tenant_id AND m.area_id = b.area_id AND m.removed_on IS NULL
  JOIN product p ON p.product_id = m.product_id AND p.kind = 'meter'
  LEFT JOIN LATERAL meter_due(m.tenant_id, p.medium, m.gas_kind, m.dn, coalesce(nullif(m.qmax_l_h, 0), p.qmax_l_h), m.lifetime_months,
                              coalesce(m.verified_on, m.installed_on)) d ON true
 WHERE t.tenant_id = :tenant_id AND CASE WHEN :area_id::int IS NULL THEN t.parent_id IS NULL ELSE t.area_id = :area_id END
   AND (d.due_on IS NULL OR d.due_on <= :until)
 GROUP BY 1, 2 ORDER BY 1 NULLS LAST, 2

-- name: lifetime_rules
-- In their order.
SELECT medium, months, action, gas_kind, dn_to, qmax_l_h_to FROM lifetime_rule WHERE tenant_id = :tenant_id ORDER BY place

-- name: drop_lifetime_rules
-- Before others take their place.
DELETE FROM lifetime_rule WHERE tenant_id = :tenant_id

-- name: put_lifetime_rules
-- In this order.
INSERT INTO lifetime_rule (tenant_id, place, medium, gas_kind, dn_to, qmax_l_h_to, months, action)
SELECT :tenant_id, r.place, r.medium, r.gas_kind, r.dn_to, r.qmax, r.months, r.action
  FROM unnest(:media::text[], :gas_kinds::text[], :dns::int[], :qmaxes::bigint[], :months::int[], :actions::text[])
       WITH ORDINALITY AS r (medium, gas_kind, dn_to, qmax, months, action, place)
