-- SPDX-License-Identifier: Apache-2.0
-- The ledger. What balances, closes and refuses is in the migration; nothing here updates or removes but the decision of an act.

-- name: add_entry
-- No row: the key is taken.
INSERT INTO ledger_entry (tenant_id, key, day, kind, memo, reverses, made_by, agreed_by, made_us)
VALUES (:tenant_id, :key, :day, :kind, :memo, :reverses, :made_by, :agreed_by, :made_us)
    ON CONFLICT (tenant_id, key) DO NOTHING RETURNING entry_id

-- name: add_lines
-- Of an entry of this transaction, in their order.
INSERT INTO ledger_line (entry_id, place, tenant_id, day, account, account_id, detail, fen)
SELECT :entry_id, u.place, :tenant_id, :day, u.account, u.account_id, u.detail, u.fen
  FROM unnest(:accounts::text[], :account_ids::bigint[], :details::text[], :fen::bigint[]) WITH ORDINALITY
       AS u(account, account_id, detail, fen, place)

-- name: add_entries
-- Many at once, each under a key that is new.
INSERT INTO ledger_entry (tenant_id, key, day, kind, memo, reverses, made_by, agreed_by, made_us)
SELECT :tenant_id, u.key, u.day, u.kind, u.memo, u.reverses, :made_by, :agreed_by, :made_us
  FROM unnest(:keys::text[], :days::int[], :kinds::text[], :memos::text[], :reverses::bigint[]) AS u(key, day, kind, memo, reverses)
RETURNING entry_id, key

-- name: add_lines_of_many
-- Of entries of this transaction, all lines of each.
INSERT INTO ledger_line (entry_id, place, tenant_id, day, account, account_id, detail, fen)
SELECT u.entry_id, u.place, :tenant_id, u.day, u.account, u.account_id, u.detail, u.fen
  FROM unnest(:entry_ids::bigint[], :places::smallint[], :days::int[], :accounts::text[], :account_ids::bigint[], :details::text[], :fen::bigint[])
       AS u(entry_id, place, day, account, account_id, detail, fen)

-- name: add_bill_entries
-- Of many bills, each under a key that is new.
INSERT INTO ledger_entry (tenant_id, key, day, kind, memo, made_by, agreed_by, made_us)
SELECT :tenant_id, u.key, :day, 'bill', :memo, :made_by, :agreed_by, :made_us FROM unnest(:keys::text[]) AS u(key)
RETURNING entry_id, key

-- name: add_bill_lines
-- Of such entries: what each asks for, and its revenue by component.
INSERT INTO ledger_line (entry_id, place, tenant_id, day, account, account_id, detail, fen)
SELECT u.entry_id, 1, :tenant_id::int, :day::int, 'receivable', u.account_id, '', u.fen
  FROM unnest(:entry_ids::bigint[], :account_ids::bigint[], :totals::bigint[]) AS u(entry_id, account_id, fen)
UNION ALL
SELECT v.entry_id, v.place, :tenant_id::int, :day::int, 'revenue', NULL::bigint, v.detail, -v.fen
  FROM unnest(:line_entries::bigint[], :places::smallint[], :details::text[], :fen::bigint[]) AS v(entry_id, place, detail, fen)

-- name: having_credit
-- Customers' accounts that have some.
SELECT account_id FROM ledger_line WHERE tenant_id = :tenant_id AND account_id = ANY (:account_ids::bigint[]) AND account = 'credit'
 GROUP BY account_id HAVING sum(fen) < 0

-- name: entries
-- Entries with their lines: one, one key, or a page from new to old, of a customer and kind where these are given.
SELECT e.entry_id, e.key, e.day, e.kind, e.memo, e.reverses, r.entry_id AS reversed_by, e.made_by, coalesce(a.name, '') AS maker, e.agreed_by, g.name AS agreer,
       e.made_us, l.accounts, l.account_ids, l.details, l.fen
  FROM ledger_entry e LEFT JOIN ledger_entry r ON r.reverses = e.entry_id LEFT JOIN app_user a ON a.user_id = e.made_by
       LEFT JOIN app_user g ON g.user_id = e.agreed_by
  JOIN LATERAL (SELECT array_agg(account ORDER BY place) AS accounts, array_agg(account_id ORDER BY place) AS account_ids,
                       array_agg(detail ORDER BY place) AS details, array_agg(fen ORDER BY place) AS fen
                  FROM ledger_line WHERE entry_id = e.entry_id) l ON true
 WHERE e.tenant_id = :tenant_id AND (:entry_id::bigint IS NULL OR e.entry_id = :entry_id) AND (:key::text IS NULL OR e.key = :key)
   AND (:after::bigint IS NULL OR e.entry_id < :after) AND (:kind::text IS NULL OR e.kind = :kind)
   AND (:account_id::bigint IS NULL OR e.entry_id IN (SELECT entry_id FROM ledger_line
         WHERE tenant_id = :tenant_id AND account_id = :account_id AND account IN ('receivable', 'credit')))
 ORDER BY e.entry_id DESC LIMIT :most

-- name: journal
-- Entries of days with their lines, from old to new.
SELECT e.entry_id, e.key, e.day, e.kind, e.memo, e.reverses, NULL::bigint AS reversed_by, e.made_by, coalesce(a.name, '') AS maker, e.agreed_by, g.name AS agreer,
       e.made_us, l.accounts, l.account_ids, l.details, l.fen
  FROM ledger_entry e LEFT JOIN app_user a ON a.user_id = e.made_by
       LEFT JOIN app_user g ON g.user_id = e.agreed_by
  JOIN LATERAL (SELECT array_agg(account ORDER BY place) AS accounts, array_agg(account_id ORDER BY place) AS account_ids,
                       array_agg(detail ORDER BY place) AS details, array_agg(fen ORDER BY place) AS fen
                  FROM ledger_line WHERE entry_id = e.entry_id) l ON true
 WHERE e.tenant_id = :tenant_id AND e.day >= :first_day AND e.day < :end_day AND e.entry_id > :after
 ORDER BY e.entry_id LIMIT :most

-- name: lock_customer
-- Who spends a customer's credit waits for who does so already.
SELECT pg_advisory_xact_lock(hashtextextended('ledger ' || :tenant_id::int || ' ' || :account_id::bigint, 48))

-- name: lock_key
-- Who books under a key waits for who does so already.
SELECT pg_advisory_xact_lock(hashtextextended('key ' || :tenant_id::int || ' ' || :key::text, 51))

-- name: lock_entry
-- Who reverses an entry waits for who does so already.
SELECT pg_advisory_xact_lock(hashtextextended('entry ' || :entry_id::bigint, 50))

-- name: customer_balance
-- What a customer paid ahead and owes.
SELECT coalesce(-sum(fen) FILTER (WHERE account = 'credit'), 0)::bigint AS credit_fen,
       coalesce(sum(fen) FILTER (WHERE account = 'receivable'), 0)::bigint AS owed_fen
  FROM ledger_line WHERE tenant_id = :tenant_id AND account_id = :account_id AND account IN ('receivable', 'credit')

-- name: customer_deducted
-- What is deducted from a customer's credit and not billed yet.
SELECT coalesce(-sum(fen), 0)::bigint FROM ledger_line WHERE tenant_id = :tenant_id AND account_id = :account_id AND account = 'deducted'

-- name: customer_balances
-- The same of many; who has no line is not in it.
SELECT account_id, coalesce(-sum(fen) FILTER (WHERE account = 'credit'), 0)::bigint AS credit_fen,
       coalesce(sum(fen) FILTER (WHERE account = 'receivable'), 0)::bigint AS owed_fen
  FROM ledger_line WHERE tenant_id = :tenant_id AND account_id = ANY (:account_ids::bigint[]) AND account IN ('receivable', 'credit')
 GROUP BY account_id

-- name: movements
-- Each account over days: what stood before, what was debited and credited.
SELECT account, coalesce(sum(fen) FILTER (WHERE day < :first_day), 0)::bigint AS opening,
       coalesce(sum(fen) FILTER (WHERE day >= :first_day AND fen > 0), 0)::bigint AS debit,
       coalesce(-sum(fen) FILTER (WHERE day >= :first_day AND fen < 0), 0)::bigint AS credit
  FROM ledger_line WHERE tenant_id = :tenant_id AND day < :end_day GROUP BY account

-- name: hold_months_open
-- Who closes a month waits until this transaction ends.
SELECT pg_advisory_xact_lock_shared(47, :tenant_id)

-- name: lock_months
-- Who books or closes a month waits until this transaction ends.
SELECT pg_advisory_xact_lock(47, :tenant_id)

-- name: closed_until
-- The last closed day.
SELECT max(last_day) FROM ledger_month WHERE tenant_id = :tenant_id

-- name: closed_months
-- From new to old.
SELECT m.last_day, coalesce(a.name, '') AS closed_by, m.closed_us, m.reason
  FROM ledger_month m LEFT JOIN app_user a ON a.user_id = m.closed_by
 WHERE m.tenant_id = :tenant_id ORDER BY m.last_day DESC

-- name: close_month
-- For ever; waits for who books.
INSERT INTO ledger_month (tenant_id, last_day, closed_by, closed_us, reason)
VALUES (:tenant_id, :last_day, :user_id, :now_us, :reason)

-- name: acts
-- What was asked for: one, one key, or a page from new to old.
SELECT x.act_id, x.key, x.kind, x.account_id, x.fen, x.channel, x.reverses, x.reason, x.state, x.author_id, coalesce(a.name, '') AS author,
       x.made_us, x.decided_by, d.name AS decider, x.decided_us, x.decision, x.entry_id
  FROM ledger_act x LEFT JOIN app_user a ON a.user_id = x.author_id LEFT JOIN app_user d ON d.user_id = x.decided_by
 WHERE x.tenant_id = :tenant_id AND (:act_id::bigint IS NULL OR x.act_id = :act_id) AND (:key::text IS NULL OR x.key = :key)
   AND (:state::text IS NULL OR x.state = :state) AND (:after::bigint IS NULL OR x.act_id < :after)
 ORDER BY x.act_id DESC LIMIT :most

-- name: lock_act
-- Until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('act ' || :act_id::bigint, 49))

-- name: add_act
-- No row: the key is taken.
INSERT INTO ledger_act (tenant_id, key, kind, account_id, fen, channel, reverses, reason, author_id, made_us)
VALUES (:tenant_id, :key, :kind, :account_id, :fen, :channel, :reverses, :reason, :author_id, :now_us)
    ON CONFLICT (tenant_id, key) DO NOTHING RETURNING act_id

-- name: decide_act
-- By whom, why, and what was booked.
UPDATE ledger_act SET state = :state, decided_by = :user_id, decided_us = :now_us, decision = :decision, entry_id = :entry_id
 WHERE tenant_id = :tenant_id AND act_id = :act_id
