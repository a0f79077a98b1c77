-- SPDX-License-Identifier: Apache-2.0
-- Partners that report payments. Keys go in and come out sealed.

-- name: partners
-- All, or one.
SELECT p.partner_id, p.name, p.is_on, p.changed_us, coalesce(a.name, '') AS changed_by
  FROM payment_partner p LEFT JOIN app_user a ON a.user_id = p.changed_by
 WHERE p.tenant_id = :tenant_id AND (:partner_id::bigint IS NULL OR p.partner_id = :partner_id) ORDER BY p.name

-- name: partner_faults
-- Requests that changed nothing, since a day, by partner and why.
SELECT partner_id, fault, sum(count)::bigint AS count, max(last_us) AS last_us, (array_agg(address ORDER BY last_us DESC))[1] AS address
  FROM partner_fault WHERE tenant_id = :tenant_id AND day >= :since GROUP BY partner_id, fault ORDER BY partner_id, fault

-- name: sealed_partners
-- All keys as they are kept.
SELECT partner_id, name, is_on, made_by, key_id, nonce, sealed FROM payment_partner
 WHERE tenant_id = :tenant_id ORDER BY partner_id

-- name: next_partner
-- The number of the next one.
SELECT nextval('payment_partner_partner_id_seq')

-- name: add_partner
-- No row: the name is taken.
INSERT INTO payment_partner (partner_id, tenant_id, name, key_id, nonce, sealed, made_by, changed_by, changed_us)
VALUES (:partner_id, :tenant_id, :name, :key_id, :nonce, :sealed, :user_id, :user_id, :now_us)
    ON CONFLICT (tenant_id, name) DO NOTHING RETURNING partner_id

-- name: change_partner
-- No row: the name is another's.
UPDATE payment_partner SET name = :name, is_on = :is_on, changed_by = :user_id, changed_us = :now_us
 WHERE tenant_id = :tenant_id AND partner_id = :partner_id
   AND NOT EXISTS (SELECT FROM payment_partner o WHERE o.tenant_id = :tenant_id AND o.name = :name AND o.partner_id <> :partner_id)
RETURNING partner_id

-- name: put_partner_key
-- In place of the one before.
UPDATE payment_partner SET key_id = :key_id, nonce = :nonce, sealed = :sealed, changed_by = :user_id, changed_us = :now_us
 WHERE tenant_id = :tenant_id AND partner_id = :partner_id

-- name: forget_nonces
-- Of requests that are stale by now.
DELETE FROM partner_nonce WHERE tenant_id = :tenant_id AND partner_id = :partner_id AND at_us < :forget_us

-- name: note_nonce
-- No row: it was taken before.
INSERT INTO partner_nonce (partner_id, nonce, tenant_id, at_us) VALUES (:partner_id, :nonce, :tenant_id, :now_us)
    ON CONFLICT DO NOTHING RETURNING nonce

-- name: note_partner_fault
-- Counted.
INSERT INTO partner_fault (partner_id, day, fault, tenant_id, count, last_us, address)
VALUES (:partner_id, :day, :fault, :tenant_id, 1, :now_us, :address)
    ON CONFLICT (partner_id, day, fault) DO UPDATE SET count = partner_fault.count + 1, last_us = excluded.last_us, address = excluded.address
RETURNING count
