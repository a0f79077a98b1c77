-- SPDX-License-Identifier: Apache-2.0
-- Customers' own pages (migration 0112): role openmains_api. The first three cross tenants, by functions of the schema's owner.

-- name: utility
-- By its code.
SELECT tenant_id, zone FROM find_utility(:code)

-- name: of_challenge
-- Whose a challenge is.
SELECT tenant_id, zone FROM find_challenge(:challenge)

-- name: session
-- One that is not over, with the customers whose own phone it is now.
SELECT tenant_id, zone, expires_at, customer_ids, codes FROM find_customer_session(:session_hash)

-- name: lock_phone
-- Nobody else asks for a code for it until the transaction ends.
SELECT pg_advisory_xact_lock(112, hashtext(:tenant_id::int::text || ' ' || encode(:blind::bytea, 'hex')))

-- name: asked
-- When codes for a phone were asked for, newest first.
SELECT made_us FROM customer_code WHERE tenant_id = :tenant_id AND blind = :blind AND made_us > :since_us ORDER BY made_us DESC LIMIT 100

-- name: customers
-- Whose own phone it is.
SELECT p.customer_id, c.code FROM personal p JOIN customer c ON c.tenant_id = p.tenant_id AND c.customer_id = p.customer_id
 WHERE p.tenant_id = :tenant_id AND p.field = 'phone' AND p.blind = :blind AND p.contact_id IS NULL ORDER BY p.customer_id LIMIT 100

-- name: forget_codes
-- Of two days ago: no limit counts them.
DELETE FROM customer_code WHERE tenant_id = :tenant_id AND made_us < :before_us

-- name: add_code
-- As it was asked for.
INSERT INTO customer_code (tenant_id, challenge, blind, mark, made_us, expires_us, address)
VALUES (:tenant_id, :challenge, :blind, :mark, :now_us, :expires_us, :address)

-- name: lock_code
-- Nobody else guesses at it until the transaction ends.
SELECT code_id, blind, mark, guesses, expires_us, used_us FROM customer_code WHERE tenant_id = :tenant_id AND challenge = :challenge FOR UPDATE

-- name: note_guess
-- A wrong one.
UPDATE customer_code SET guesses = guesses + 1 WHERE tenant_id = :tenant_id AND code_id = :code_id

-- name: use_code
-- Once.
UPDATE customer_code SET used_us = :now_us WHERE tenant_id = :tenant_id AND code_id = :code_id

-- name: forget_sessions
-- Those that are over.
DELETE FROM customer_session WHERE tenant_id = :tenant_id AND expires_at < now()

-- name: add_session
-- Of a phone.
INSERT INTO customer_session (session_hash, tenant_id, blind, expires_at, address)
VALUES (:session_hash, :tenant_id, :blind, :expires_at, :address)

-- name: end_session
-- At once.
DELETE FROM customer_session WHERE tenant_id = :tenant_id AND session_hash = :session_hash

-- name: wechat_phone
-- The phone to which a WeChat is bound.
SELECT blind FROM customer_wechat WHERE tenant_id = :tenant_id AND open_blind = :open_blind

-- name: in_wechat
-- In which WeChat a session is.
UPDATE customer_session SET open_blind = :open_blind WHERE tenant_id = :tenant_id AND session_hash = :session_hash

-- name: wechat_of
-- The WeChat in which a session is, while it is bound to the session's phone.
SELECT w.open_blind, w.application, w.key_id, w.nonce, w.sealed FROM customer_session s
  JOIN customer_wechat w ON w.tenant_id = s.tenant_id AND w.open_blind = s.open_blind AND w.blind = s.blind
 WHERE s.tenant_id = :tenant_id AND s.session_hash = :session_hash

-- name: bind_wechat
-- To the phone of a session; no row: there is no such session. Whose it was before is overwritten by what is proved now.
INSERT INTO customer_wechat (tenant_id, open_blind, blind, application, key_id, nonce, sealed, made_us)
SELECT s.tenant_id, :open_blind, s.blind, :application, :key_id, :nonce, :sealed, :now_us FROM customer_session s
 WHERE s.tenant_id = :tenant_id AND s.session_hash = :session_hash
RETURNING open_blind

-- name: forget_wechat
-- What it was bound to before.
DELETE FROM customer_wechat WHERE tenant_id = :tenant_id AND open_blind = :open_blind

-- name: unbind_wechat
-- All of a session's phone.
DELETE FROM customer_wechat w USING customer_session s
 WHERE s.tenant_id = :tenant_id AND s.session_hash = :session_hash AND w.tenant_id = s.tenant_id AND w.blind = s.blind

-- name: lock_wechat
-- Nobody else binds it until the transaction ends.
SELECT pg_advisory_xact_lock(128, hashtext(encode(:open_blind::bytea, 'hex')))

-- name: utility_name
-- As it is called.
SELECT name FROM tenant WHERE tenant_id = :tenant_id

-- name: homes
-- Accounts that customers hold now, with what is owed and paid ahead.
SELECT a.account_id, h.customer_id, a.number, a.medium, p.address, lower(h.during) AS held_since,
       (lower(h.during) AT TIME ZONE t.zone)::date - date '1970-01-01' AS since_day,
       coalesce((SELECT sum(l.fen) FROM ledger_line l WHERE l.tenant_id = a.tenant_id AND l.account_id = a.account_id
                    AND l.account = 'receivable'), 0)::bigint AS owed_fen,
       coalesce((SELECT -sum(l.fen) FROM ledger_line l WHERE l.tenant_id = a.tenant_id AND l.account_id = a.account_id
                    AND l.account = 'credit'), 0)::bigint AS credit_fen
  FROM account_holder h JOIN account a ON a.tenant_id = h.tenant_id AND a.account_id = h.account_id
       JOIN premises p ON p.tenant_id = a.tenant_id AND p.premises_id = a.premises_id JOIN tenant t ON t.tenant_id = a.tenant_id
 WHERE h.tenant_id = :tenant_id AND h.customer_id = ANY (:customer_ids::bigint[]) AND upper_inf(h.during) AND a.closed_at IS NULL
 ORDER BY a.number, a.account_id LIMIT 100

-- name: home_balances
-- Of accounts that are charged at the server: the levels, and the newest day that was deducted since each was taken over.
SELECT s.account_id, s.warn_fen, s.stage, d.day, d.day_fen, d.volume_ml, d.is_estimated
  FROM unnest(:account_ids::bigint[], :since_days::int[]) AS u(account_id, since_day)
  JOIN server_account s ON s.tenant_id = :tenant_id AND s.account_id = u.account_id AND s.until_day IS NULL
  LEFT JOIN LATERAL (SELECT e.day, e.day_fen, e.volume_ml, e.is_estimated FROM deduction e
                      WHERE e.tenant_id = s.tenant_id AND e.account_id = s.account_id AND e.day >= u.since_day
                      ORDER BY e.day DESC, e.version DESC LIMIT 1) d ON true

-- name: home_meters
-- What hangs at accounts and counts, with the money that it said it holds.
SELECT i.account_id, m.meter_id, m.number, coalesce((p.settings->>'prepaid')::boolean, false) AS is_prepaid,
       CASE WHEN s.balance_kind = 0 THEN s.balance END AS balance_fen, s.last_seen_us
  FROM installation i JOIN meter m ON m.tenant_id = i.tenant_id AND m.meter_id = i.meter_id JOIN product p ON p.product_id = m.product_id
       LEFT JOIN meter_state s ON s.meter_id = m.meter_id
 WHERE i.tenant_id = :tenant_id AND i.account_id = ANY (:account_ids::bigint[]) AND upper_inf(i.during) AND i.role <> 'check'
 ORDER BY i.account_id, i.installation_id

-- name: holding
-- Who of these customers holds an account now, since when.
SELECT h.account_id, h.customer_id, lower(h.during) AS since FROM account_holder h
 WHERE h.tenant_id = :tenant_id AND h.account_id = :account_id AND h.customer_id = ANY (:customer_ids::bigint[]) AND upper_inf(h.during)

-- name: lock_requests
-- Nobody else asks for this customer until the transaction ends.
SELECT pg_advisory_xact_lock(113, hashtext(:customer_id::bigint::text))

-- name: requests_since
-- How many a customer made.
SELECT count(*) FROM customer_request r JOIN work_order w ON w.order_id = r.order_id
 WHERE r.tenant_id = :tenant_id AND r.customer_id = :customer_id AND w.made_us > :since_us

-- name: add_request
-- A work order that a customer made.
INSERT INTO customer_request (order_id, tenant_id, customer_id, account_id) VALUES (:order_id, :tenant_id, :customer_id, :account_id)

-- name: requests
-- What a customer asked for at an account, newest first, with what was found once it is done.
SELECT w.order_id, w.account_id, w.kind, w.what AS text, w.state, w.made_us, w.due_us, w.ended_us, w.outcome,
       CASE WHEN w.done_us IS NULL THEN '' ELSE w.result END AS answer
  FROM customer_request r JOIN work_order w ON w.tenant_id = r.tenant_id AND w.order_id = r.order_id
 WHERE r.tenant_id = :tenant_id AND r.customer_id = :customer_id AND r.account_id = :account_id
   AND (:order_id::bigint IS NULL OR r.order_id = :order_id)
 ORDER BY r.order_id DESC LIMIT 50
