-- SPDX-License-Identifier: Apache-2.0
-- The counter: shifts, receipts, payments taken back. Receipts are written once.

-- name: shifts
-- One, the open one of a clerk, or a page from new to old, with what came in and went out as cash.
SELECT s.shift_id, s.clerk_id, coalesce(a.name, '') AS clerk, s.opened_us, s.float_fen, s.counted_fen, s.note, s.closed_us,
       c.cash_in, c.receipts, o.cash_out
  FROM till_shift s LEFT JOIN app_user a ON a.user_id = s.clerk_id
  JOIN LATERAL (SELECT coalesce(sum(fen) FILTER (WHERE channel = 'cash'), 0)::bigint AS cash_in, count(*)::int AS receipts
                  FROM receipt WHERE shift_id = s.shift_id) c ON true
  JOIN LATERAL (SELECT coalesce(sum(r.fen), 0)::bigint AS cash_out FROM payment_return p JOIN receipt r ON r.receipt_id = p.receipt_id
                 WHERE p.shift_id = s.shift_id AND p.state = 'approved' AND r.channel = 'cash') o ON true
 WHERE s.tenant_id = :tenant_id AND (:shift_id::bigint IS NULL OR s.shift_id = :shift_id)
   AND (:clerk_id::bigint IS NULL OR (s.clerk_id = :clerk_id AND s.closed_us IS NULL)) AND (:after::bigint IS NULL OR s.shift_id < :after)
 ORDER BY s.shift_id DESC LIMIT :most

-- name: lock_shift
-- A clerk's open one, until the transaction ends.
SELECT shift_id FROM till_shift WHERE tenant_id = :tenant_id AND clerk_id = :clerk_id AND closed_us IS NULL FOR UPDATE

-- name: add_shift
-- No row: one is open.
INSERT INTO till_shift (tenant_id, clerk_id, float_fen, opened_us) VALUES (:tenant_id, :clerk_id, :float_fen, :now_us)
    ON CONFLICT (tenant_id, clerk_id) WHERE closed_us IS NULL DO NOTHING RETURNING shift_id

-- name: close_shift
-- For ever.
UPDATE till_shift SET expected_fen = :expected_fen, counted_fen = :counted_fen, note = :note, closed_us = :now_us
 WHERE tenant_id = :tenant_id AND shift_id = :shift_id

-- name: add_receipt
-- Its channel's number is new: whoever asks holds its lock.
INSERT INTO receipt (tenant_id, shift_id, account_id, channel, key, fen, day, entry_id, paid, credit_fen, owed_fen, taken_by, taken_us)
VALUES (:tenant_id, :shift_id, :account_id, :channel, :key, :fen, :day, :entry_id, :paid::jsonb, :credit_fen, :owed_fen, :taken_by, :now_us)
RETURNING receipt_id

-- name: receipts_of_keys
-- Those of these numbers of a channel that are taken.
SELECT key, receipt_id FROM receipt WHERE tenant_id = :tenant_id AND channel = :channel AND key = ANY (:keys::text[])

-- name: add_receipts
-- Many of one channel, taken at no counter; paid: an array of each one's items.
INSERT INTO receipt (tenant_id, account_id, channel, key, fen, day, entry_id, paid, credit_fen, owed_fen, taken_by, taken_us)
SELECT :tenant_id, u.account_id, :channel, u.key, u.fen, :day, u.entry_id, :paid::jsonb -> (u.place::int - 1), u.credit_fen, u.owed_fen, :taken_by, :now_us
  FROM unnest(:account_ids::bigint[], :keys::text[], :fen::bigint[], :entry_ids::bigint[], :credit_fen::bigint[], :owed_fen::bigint[])
       WITH ORDINALITY AS u(account_id, key, fen, entry_id, credit_fen, owed_fen, place)
RETURNING receipt_id, key

-- name: receipts
-- One, one channel's number, or a page from new to old, of an account or a shift.
SELECT r.receipt_id, r.account_id, r.channel, r.key, r.fen, r.day, r.shift_id, r.entry_id, r.paid, r.credit_fen, r.owed_fen,
       coalesce(a.name, '') AS taken_by, r.taken_us,
       EXISTS (SELECT FROM ledger_entry e WHERE e.reverses = r.entry_id) AS returned
  FROM receipt r LEFT JOIN app_user a ON a.user_id = r.taken_by
 WHERE r.tenant_id = :tenant_id AND (:receipt_id::bigint IS NULL OR r.receipt_id = :receipt_id)
   AND (:key::text IS NULL OR (r.channel = :channel::text AND r.key = :key)) AND (:account_id::bigint IS NULL OR r.account_id = :account_id)
   AND (:shift_id::bigint IS NULL OR r.shift_id = :shift_id) AND (:after::bigint IS NULL OR r.receipt_id < :after)
 ORDER BY r.receipt_id DESC LIMIT :most

-- name: utility
-- Its name.
SELECT name FROM tenant WHERE tenant_id = :tenant_id

-- name: zone
-- Its time zone.
SELECT zone FROM tenant WHERE tenant_id = :tenant_id

-- name: add_return
-- No row: one waits for this receipt, or was agreed to.
INSERT INTO payment_return (tenant_id, receipt_id, shift_id, reason, author_id, made_us)
VALUES (:tenant_id, :receipt_id, :shift_id, :reason, :author_id, :now_us)
    ON CONFLICT (receipt_id) WHERE state <> 'rejected' DO NOTHING RETURNING return_id

-- name: lock_return
-- Until the transaction ends.
SELECT return_id FROM payment_return WHERE tenant_id = :tenant_id AND return_id = :return_id FOR UPDATE

-- name: returns
-- One, or a page from new to old.
SELECT p.return_id, p.receipt_id, r.account_id, r.channel, r.fen, p.shift_id, p.reason, p.state, p.author_id, coalesce(a.name, '') AS author,
       p.made_us, p.decided_by, d.name AS decider, p.decided_us, p.decision, p.entry_id
  FROM payment_return p JOIN receipt r ON r.receipt_id = p.receipt_id
  LEFT JOIN app_user a ON a.user_id = p.author_id LEFT JOIN app_user d ON d.user_id = p.decided_by
 WHERE p.tenant_id = :tenant_id AND (:return_id::bigint IS NULL OR p.return_id = :return_id) AND (:after::bigint IS NULL OR p.return_id < :after)
 ORDER BY p.return_id DESC LIMIT :most

-- name: decide_return
-- By whom, why, and what was booked.
UPDATE payment_return SET state = :state, decided_by = :user_id, decided_us = :now_us, decision = :decision, entry_id = :entry_id
 WHERE tenant_id = :tenant_id AND return_id = :return_id
