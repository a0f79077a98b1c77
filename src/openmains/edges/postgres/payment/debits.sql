-- SPDX-License-Identifier: Apache-2.0
-- Direct debit: authorisations, files, their items, answers. Bank data goes in and comes out sealed.

-- name: lock_debits
-- Who makes or voids a file of a utility waits for who does so already.
SELECT pg_advisory_xact_lock(80, :tenant_id)

-- name: add_authorisation
-- No row: the account has one, or the contract is another's.
INSERT INTO debit_authorisation (tenant_id, account_id, contract, bank, tail, signed_day, key_id, nonce, sealed, made_by, made_us)
VALUES (:tenant_id, :account_id, :contract, :bank, :tail, :signed_day, :key_id, :nonce, :sealed, :user_id, :now_us)
    ON CONFLICT DO NOTHING RETURNING authorisation_id

-- name: authorisations
-- One, or a page from new to old, of an account where it is given.
SELECT d.authorisation_id, d.account_id, d.contract, d.bank, d.tail, d.signed_day, coalesce(a.name, '') AS author, d.made_us, d.ended_us, d.end_reason
  FROM debit_authorisation d LEFT JOIN app_user a ON a.user_id = d.made_by
 WHERE d.tenant_id = :tenant_id AND (:authorisation_id::bigint IS NULL OR d.authorisation_id = :authorisation_id)
   AND (:account_id::bigint IS NULL OR d.account_id = :account_id) AND (:after::bigint IS NULL OR d.authorisation_id < :after)
 ORDER BY d.authorisation_id DESC LIMIT :most

-- name: end_authorisation
-- No row: it has ended already.
UPDATE debit_authorisation SET ended_by = :user_id, ended_us = :now_us, end_reason = :reason
 WHERE tenant_id = :tenant_id AND authorisation_id = :authorisation_id AND ended_us IS NULL RETURNING authorisation_id

-- name: owing
-- Authorised accounts after one that owe something and wait in no file.
SELECT d.account_id, d.authorisation_id FROM debit_authorisation d
 WHERE d.tenant_id = :tenant_id AND d.ended_us IS NULL AND d.account_id > :after
   AND NOT EXISTS (SELECT FROM debit_item i WHERE i.tenant_id = :tenant_id AND i.account_id = d.account_id AND i.state = 'asked')
   AND (SELECT sum(l.fen) FROM ledger_line l WHERE l.tenant_id = :tenant_id AND l.account_id = d.account_id AND l.account = 'receivable') > 0
 ORDER BY d.account_id LIMIT :most

-- name: add_file
-- With the count and sum of its items.
INSERT INTO debit_file (tenant_id, key, layout, collect_day, lines, fen, made_by, made_us)
VALUES (:tenant_id, :key, :layout, :collect_day, :lines, :fen, :user_id, :now_us) RETURNING file_id

-- name: add_items
-- In their order.
INSERT INTO debit_item (file_id, place, tenant_id, authorisation_id, account_id, fen)
SELECT :file_id, u.place, :tenant_id, u.authorisation_id, u.account_id, u.fen
  FROM unnest(:authorisations::bigint[], :accounts::bigint[], :fen::bigint[]) WITH ORDINALITY AS u(authorisation_id, account_id, fen, place)

-- name: lock_file
-- Until the transaction ends.
SELECT file_id FROM debit_file WHERE tenant_id = :tenant_id AND file_id = :file_id FOR UPDATE

-- name: files
-- One, one key, or a page from new to old.
SELECT f.file_id, f.layout, f.collect_day, f.lines, f.fen, f.state, f.answered, f.paid, f.paid_fen, f.declined, f.returned, f.made_by AS author_id,
       coalesce(a.name, '') AS author, f.made_us, v.name AS voider, f.voided_us, f.void_reason
  FROM debit_file f LEFT JOIN app_user a ON a.user_id = f.made_by LEFT JOIN app_user v ON v.user_id = f.voided_by
 WHERE f.tenant_id = :tenant_id AND (:file_id::bigint IS NULL OR f.file_id = :file_id) AND (:key::text IS NULL OR f.key = :key)
   AND (:after::bigint IS NULL OR f.file_id < :after)
 ORDER BY f.file_id DESC LIMIT :most

-- name: items
-- Of a file after a place, in one state where it is given.
SELECT i.place, i.authorisation_id, i.account_id, d.tail, i.fen, i.state, i.result, i.transaction, i.day, i.receipt_id, i.return_id
  FROM debit_item i JOIN debit_authorisation d ON d.authorisation_id = i.authorisation_id
 WHERE i.tenant_id = :tenant_id AND i.file_id = :file_id AND i.place > :after AND (:state::text IS NULL OR i.state = :state)
 ORDER BY i.place LIMIT :most

-- name: sealed_items
-- All of a file, with their bank data as it is sealed.
SELECT i.place, i.fen, d.contract, d.bank, d.key_id, d.nonce, d.sealed
  FROM debit_item i JOIN debit_authorisation d ON d.authorisation_id = i.authorisation_id
 WHERE i.tenant_id = :tenant_id AND i.file_id = :file_id ORDER BY i.place

-- name: void_file
-- By whom, and why.
UPDATE debit_file SET state = 'voided', voided_by = :user_id, voided_us = :now_us, void_reason = :reason
 WHERE tenant_id = :tenant_id AND file_id = :file_id

-- name: void_items
-- Their accounts stand in the next file again.
UPDATE debit_item SET state = 'voided' WHERE tenant_id = :tenant_id AND file_id = :file_id

-- name: change_items
-- What the bank said of them.
UPDATE debit_item i SET state = u.state, result = u.result, transaction = u.transaction, day = u.day, receipt_id = u.receipt_id, return_id = u.return_id
  FROM unnest(:places::int[], :states::text[], :results::text[], :transactions::text[], :days::int[], :receipts::bigint[], :returns::bigint[])
       AS u(place, state, result, transaction, day, receipt_id, return_id)
 WHERE i.tenant_id = :tenant_id AND i.file_id = :file_id AND i.place = u.place

-- name: count_items
-- A file's counts, of its items as they are now.
UPDATE debit_file f SET answered = c.answered, paid = c.paid, paid_fen = c.paid_fen, declined = c.declined, returned = c.returned,
       state = CASE WHEN c.answered = f.lines THEN 'done' ELSE 'open' END
  FROM (SELECT count(*) FILTER (WHERE state <> 'asked') AS answered, count(*) FILTER (WHERE state = 'paid') AS paid,
               coalesce(sum(fen) FILTER (WHERE state = 'paid'), 0) AS paid_fen, count(*) FILTER (WHERE state = 'declined') AS declined,
               count(*) FILTER (WHERE state = 'returned') AS returned
          FROM debit_item WHERE tenant_id = :tenant_id AND file_id = :file_id) c
 WHERE f.tenant_id = :tenant_id AND f.file_id = :file_id

-- name: add_answer
-- Once for its bytes.
INSERT INTO debit_answer (tenant_id, file_id, file_name, sha256, lines, fen, paid, paid_fen, declined, returned, repeated, read_by, read_us)
VALUES (:tenant_id, :file_id, :file_name, :sha256, :lines, :fen, :paid, :paid_fen, :declined, :returned, :repeated, :user_id, :now_us)
RETURNING answer_id

-- name: answers
-- Of a file, from new to old; one where its digest is given.
SELECT w.answer_id, w.file_id, w.file_name, w.sha256, w.lines, w.fen, w.paid, w.paid_fen, w.declined, w.returned, w.repeated,
       coalesce(a.name, '') AS reader, w.read_us
  FROM debit_answer w LEFT JOIN app_user a ON a.user_id = w.read_by
 WHERE w.tenant_id = :tenant_id AND w.file_id = :file_id AND (:sha256::text IS NULL OR w.sha256 = :sha256)
 ORDER BY w.answer_id DESC LIMIT 500
