-- SPDX-License-Identifier: Apache-2.0
-- Customers, contacts, what of them is sealed, and their search (migrations 0060, 0061).

-- name: customers
-- Customers of a tenant; which of them is added (customers.py).
SELECT c.customer_id, c.code, c.name, c.kind, c.customer_class, c.is_protected, c.is_critical, c.address, c.note, c.created_at, c.revision,
       (SELECT count(*) FROM account_holder h WHERE h.customer_id = c.customer_id AND upper_inf(h.during)) AS accounts
  FROM customer c WHERE c.tenant_id = :tenant_id

-- name: contacts
-- Contacts of a customer.
SELECT contact_id, customer_id, name, relation FROM contact
 WHERE tenant_id = :tenant_id AND customer_id = :customer_id ORDER BY contact_id

-- name: add_customer
-- No row where the code is taken.
INSERT INTO customer (tenant_id, code, name, kind, customer_class, is_protected, is_critical, address, note)
VALUES (:tenant_id, :code, :name, :kind, :customer_class, :is_protected, :is_critical, :address, :note) ON CONFLICT (tenant_id, code) DO NOTHING
RETURNING customer_id

-- name: change_customer
-- Fields that the changes name; all others stay. No row where the revision is no longer this one.
UPDATE customer c
   SET (revision, name, kind, customer_class, is_protected, is_critical, address, note) =
       (SELECT c.revision + 1, n.name, n.kind, n.customer_class, n.is_protected, n.is_critical, n.address, n.note
          FROM jsonb_populate_record(c, :changes::jsonb) n)
 WHERE tenant_id = :tenant_id AND customer_id = :customer_id AND revision = :revision
RETURNING customer_id

-- name: add_contact
-- A person to speak with.
INSERT INTO contact (tenant_id, customer_id, name, relation) VALUES (:tenant_id, :customer_id, :name, :relation) RETURNING contact_id

-- name: remove_contact
-- With what is sealed of it.
DELETE FROM contact WHERE tenant_id = :tenant_id AND customer_id = :customer_id AND contact_id = :contact_id RETURNING contact_id

-- name: personal_of
-- What is sealed of these customers and their contacts.
SELECT customer_id, contact_id, field, key_id, nonce, sealed, blind FROM personal
 WHERE tenant_id = :tenant_id AND customer_id = ANY (:customer_ids::bigint[]) ORDER BY customer_id, contact_id NULLS FIRST, field

-- name: put_personal
-- Sealed values; one that was there before is replaced where it was another.
INSERT INTO personal AS p (tenant_id, customer_id, contact_id, field, key_id, nonce, sealed, blind)
SELECT :tenant_id, n.customer_id, n.contact_id, n.field, n.key_id, n.nonce, n.sealed, n.blind
  FROM unnest(:customer_ids::bigint[], :contact_ids::bigint[], :fields::text[], :key_ids::int[], :nonces::bytea[], :sealed::bytea[], :blinds::bytea[])
       AS n (customer_id, contact_id, field, key_id, nonce, sealed, blind)
ON CONFLICT (customer_id, contact_id, field) DO UPDATE
   SET key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed, blind = excluded.blind
 WHERE p.blind <> excluded.blind

-- name: drop_personal
-- For good.
DELETE FROM personal p USING unnest(:customer_ids::bigint[], :contact_ids::bigint[], :fields::text[]) AS n (customer_id, contact_id, field)
 WHERE p.tenant_id = :tenant_id AND p.customer_id = n.customer_id AND p.contact_id IS NOT DISTINCT FROM n.contact_id AND p.field = n.field

-- name: find_personal
-- Whose a value is, by what it is found by.
SELECT DISTINCT p.customer_id FROM personal p JOIN unnest(:fields::text[], :blinds::bytea[]) AS n (field, blind)
    ON p.field = n.field AND p.blind = n.blind
 WHERE p.tenant_id = :tenant_id ORDER BY p.customer_id LIMIT 200

-- name: customer_texts
-- What the search texts of these customers are made of: code, name, address, contacts, accounts.
SELECT c.customer_id, c.tenant_id, c.code, c.name, c.address,
       ARRAY(SELECT x.name FROM contact x WHERE x.customer_id = c.customer_id ORDER BY x.contact_id) AS contacts,
       ARRAY(SELECT x.number FROM account_holder h JOIN account x USING (account_id) WHERE h.customer_id = c.customer_id ORDER BY x.number) AS numbers
  FROM customer c WHERE c.customer_id = ANY (:customer_ids::bigint[])

-- name: write_customer_texts
-- A text that is the same leaves the index alone. Grams as PostgreSQL writes an array, '{1,2}': rows of different lengths are no array of arrays.
INSERT INTO customer_search AS s (customer_id, tenant_id, text, grams)
SELECT n.customer_id, n.tenant_id, n.text, n.grams
  FROM (SELECT u.customer_id, u.tenant_id, u.text, u.grams::int[] AS grams
          FROM unnest(:customer_ids::bigint[], :tenant_ids::int[], :texts::text[], :grams::text[]) AS u (customer_id, tenant_id, text, grams)) n
ON CONFLICT (customer_id) DO UPDATE SET text = excluded.text, grams = excluded.grams WHERE s.text <> excluded.text

-- name: customers_indexed
-- Nothing waits for the worker.
UPDATE customer SET is_indexed = true WHERE customer_id = ANY (:customer_ids::bigint[]) AND NOT is_indexed

-- name: customers_to_index
-- What waits for the worker, locked: phones in clear are sealed, search texts written.
SELECT customer_id, tenant_id, phone FROM customer WHERE NOT is_indexed ORDER BY customer_id LIMIT :most FOR NO KEY UPDATE SKIP LOCKED

-- name: clear_phones
-- They are sealed.
UPDATE customer SET phone = '' WHERE customer_id = ANY (:customer_ids::bigint[])

-- name: lock_personal_keys
-- A key is made while no change of the master key runs.
SELECT pg_advisory_xact_lock_shared(:lock)

-- name: personal_keys
-- A tenant's keys for personal data, in the order they were made.
SELECT tenant_id, key_id, master, nonce, wrapped, purpose FROM personal_key WHERE tenant_id = :tenant_id ORDER BY created_at, key_id

-- name: add_personal_key
-- Nothing where it is there; of the blind index there is one for ever.
INSERT INTO personal_key (tenant_id, key_id, purpose, master, nonce, wrapped)
VALUES (:tenant_id, :key_id, :purpose, :master, :nonce, :wrapped) ON CONFLICT DO NOTHING
