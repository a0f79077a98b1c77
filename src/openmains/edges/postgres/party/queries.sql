-- SPDX-License-Identifier: Apache-2.0
-- Customer accounts over time (migration 0060).

-- name: accounts
-- Accounts of a tenant with their premises and who holds them now; which of them is added (accounts.py).
SELECT x.account_id, x.number, x.medium, x.premises_id, p.code AS premises_code, p.address, p.area_id, a.name AS area_name, x.opened_at,
       x.closed_at, x.revision, h.customer_id, c.code AS customer_code, c.name AS customer_name, lower(h.during) AS held_since
  FROM account x JOIN premises p ON p.premises_id = x.premises_id JOIN area a ON a.area_id = p.area_id
  LEFT JOIN account_holder h ON h.account_id = x.account_id AND upper_inf(h.during)
  LEFT JOIN customer c ON c.customer_id = h.customer_id
 WHERE x.tenant_id = :tenant_id

-- name: holder_at
-- Who held an account at an instant.
SELECT customer_id FROM account_holder
 WHERE tenant_id = :tenant_id AND account_id = :account_id AND during @> :at::timestamptz

-- name: holders
-- All who ever held an account, oldest first.
SELECT h.customer_id, c.code AS customer_code, c.name AS customer_name, lower(h.during) AS begins, upper(h.during) AS ends
  FROM account_holder h JOIN customer c USING (customer_id)
 WHERE h.tenant_id = :tenant_id AND h.account_id = :account_id ORDER BY lower(h.during)

-- name: history
-- All acts of an account, in the order in which they took effect.
SELECT t.act_id, t.kind, t.at, t.customer_id, c.name AS customer_name, t.former_id, f.name AS former_name, t.other_id, o.number AS other_number,
       t.key, t.reason, t.made_by, u.name AS maker, t.made_at
  FROM account_act t
  LEFT JOIN customer c ON c.customer_id = t.customer_id LEFT JOIN customer f ON f.customer_id = t.former_id
  LEFT JOIN account o ON o.account_id = t.other_id LEFT JOIN app_user u ON u.user_id = t.made_by
 WHERE t.tenant_id = :tenant_id AND t.account_id = :account_id ORDER BY t.at, t.act_id

-- name: lock_accounts
-- In the order of their ids, so that two who want the same two never wait for each other.
SELECT account_id, medium FROM account WHERE tenant_id = :tenant_id AND account_id = ANY(:account_ids::bigint[])
 ORDER BY account_id FOR UPDATE

-- name: account_states
-- Newest act and holder of accounts that are locked.
SELECT x.account_id, x.medium, t.at AS newest_at, h.customer_id AS holder, lower(h.during) AS held_since, x.closed_at IS NOT NULL AS is_closed
  FROM account x
  JOIN LATERAL (SELECT max(at) AS at FROM account_act WHERE account_id = x.account_id) t ON true
  LEFT JOIN account_holder h ON h.account_id = x.account_id AND upper_inf(h.during)
 WHERE x.tenant_id = :tenant_id AND x.account_id = ANY(:account_ids::bigint[])

-- name: lock_act_key
-- Until the transaction ends, nobody else acts under this key of the tenant.
SELECT pg_advisory_xact_lock(41, hashtext(:tenant_id::int || '/' || :key))

-- name: acts_of_key
-- What was done under a key, as it was written.
SELECT account_id, kind, at, customer_id, former_id, other_id FROM account_act
 WHERE tenant_id = :tenant_id AND key = :key ORDER BY act_id

-- name: add_account
-- No row where the number is taken.
INSERT INTO account (tenant_id, number, premises_id, medium, opened_at)
VALUES (:tenant_id, :number, :premises_id, :medium, :opened_at) ON CONFLICT (tenant_id, number) DO NOTHING
RETURNING account_id

-- name: end_holding
-- The running span of a holder ends.
UPDATE account_holder SET during = tstzrange(lower(during), :at)
 WHERE tenant_id = :tenant_id AND account_id = :account_id AND upper_inf(during)

-- name: begin_holding
-- A span of a holder begins.
INSERT INTO account_holder (account_id, tenant_id, customer_id, during)
VALUES (:account_id, :tenant_id, :customer_id, tstzrange(:at, NULL))

-- name: add_act
-- One act of an account.
INSERT INTO account_act (tenant_id, account_id, kind, at, customer_id, former_id, other_id, key, reason, made_by)
VALUES (:tenant_id, :account_id, :kind, :at, :customer_id, :former_id, :other_id, :key, :reason, :made_by)

-- name: account_acted
-- The account is another one than it was; where ``closed_at`` is given it has ended.
UPDATE account SET revision = revision + 1, closed_at = coalesce(closed_at, :closed_at)
 WHERE tenant_id = :tenant_id AND account_id = :account_id

-- name: customer_exists
-- Whether a customer is the tenant's.
SELECT EXISTS (SELECT FROM customer WHERE tenant_id = :tenant_id AND customer_id = :customer_id)
