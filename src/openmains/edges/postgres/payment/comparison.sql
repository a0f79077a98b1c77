-- SPDX-License-Identifier: Apache-2.0
-- Files of channels by day, comparisons and differences. channel_id 0: third parties.

-- name: lock_day
-- Nobody else compares this day of a channel until the transaction ends.
SELECT pg_advisory_xact_lock(79, hashtext(:tenant_id::int::text || ' ' || :channel_id::bigint::text || ' ' || :day::int::text))

-- name: forget_statement
-- What was read of the day before.
DELETE FROM payment_statement WHERE tenant_id = :tenant_id AND channel_id = :channel_id AND day = :day

-- name: add_statement
-- Lines of a file, in its order.
INSERT INTO payment_statement (tenant_id, channel_id, day, place, kind, number, transaction, fen)
SELECT :tenant_id, :channel_id, :day, u.place, u.kind, u.number, u.transaction, u.fen
  FROM unnest(:kinds::text[], :numbers::text[], :transactions::text[], :fens::bigint[]) WITH ORDINALITY AS u(kind, number, transaction, fen, place)

-- name: here
-- Payments and refunds of the ledger in a span by our clock, or with one of these numbers; whether a meter's top-up arrived, where it was not
-- given back.
SELECT 'payment' AS kind, o.number, o.fen,
       CASE WHEN NOT o.for_meter OR o.state = 'refunded' THEN NULL ELSE o.delivery = 'delivered' END AS is_delivered
  FROM payment_order o
 WHERE o.tenant_id = :tenant_id AND coalesce(o.channel_id, 0) = :channel_id AND o.receipt_id IS NOT NULL
   AND ((o.paid_us >= :from_us AND o.paid_us < :to_us) OR o.number = ANY(:numbers::text[]))
 UNION ALL
SELECT 'refund', r.number, r.fen, NULL
  FROM payment_refund r JOIN payment_order o ON o.order_id = r.order_id
 WHERE r.tenant_id = :tenant_id AND coalesce(o.channel_id, 0) = :channel_id AND r.state IN ('agreed', 'done', 'failed')
   AND ((coalesce(r.done_us, r.decided_us) >= :from_us AND coalesce(r.done_us, r.decided_us) < :to_us) OR r.number = ANY(:numbers::text[]))

-- name: there
-- The file of a day, and of earlier ones the lines with these numbers.
SELECT kind, number, fen FROM payment_statement
 WHERE tenant_id = :tenant_id AND channel_id = :channel_id AND day = :day
 UNION ALL
SELECT kind, number, fen FROM payment_statement
 WHERE tenant_id = :tenant_id AND channel_id = :channel_id AND day >= :from_day AND day < :day AND number = ANY(:numbers::text[])

-- name: put_differences
-- Each once; one that is found again after it was gone is open again. What a person settled stays so.
INSERT INTO payment_difference (tenant_id, channel_id, day, what, kind, number, here_fen, there_fen, order_id, found_us, changed_us)
SELECT :tenant_id, :channel_id, :day, u.what, u.kind, u.number, u.here_fen, u.there_fen,
       (SELECT o.order_id FROM payment_order o WHERE o.tenant_id = :tenant_id AND coalesce(o.channel_id, 0) = :channel_id
           AND o.number = u.number), :now_us, :now_us
  FROM unnest(:whats::text[], :kinds::text[], :numbers::text[], :here_fens::bigint[], :there_fens::bigint[])
    AS u(what, kind, number, here_fen, there_fen)
    ON CONFLICT (tenant_id, channel_id, what, kind, number) DO UPDATE SET here_fen = excluded.here_fen, there_fen = excluded.there_fen,
       state = 'open', changed_us = excluded.changed_us
 WHERE payment_difference.state = 'gone'

-- name: drop_gone
-- Differences of this day that are found no more, and top-ups of any day that have arrived or were given back.
UPDATE payment_difference d SET state = 'gone', changed_us = :now_us
 WHERE d.tenant_id = :tenant_id AND d.channel_id = :channel_id AND d.state = 'open'
   AND ((d.day = :day AND NOT EXISTS (SELECT FROM unnest(:whats::text[], :kinds::text[], :numbers::text[]) AS u(what, kind, number)
                                       WHERE (u.what, u.kind, u.number) = (d.what, d.kind, d.number)))
        OR (d.what = 'not-delivered' AND EXISTS (SELECT FROM payment_order o WHERE o.order_id = d.order_id
                                                    AND (o.delivery = 'delivered' OR o.state = 'refunded'))))

-- name: add_comparison
-- As it was made.
INSERT INTO payment_comparison (tenant_id, channel_id, day, lines_there, lines_here, paid_there_fen, paid_here_fen, back_there_fen, back_here_fen,
                                found, made_by, made_us)
VALUES (:tenant_id, nullif(:channel_id::bigint, 0), :day, :lines_there, :lines_here, :paid_there_fen, :paid_here_fen, :back_there_fen,
        :back_here_fen, :found, :user_id, :now_us)
RETURNING comparison_id

-- name: comparisons
-- One, or a page from new to old.
SELECT c.comparison_id, c.channel_id, c.day, c.lines_there, c.lines_here, c.paid_there_fen, c.paid_here_fen, c.back_there_fen, c.back_here_fen,
       c.found, coalesce(a.name, '') AS made_by, c.made_us
  FROM payment_comparison c LEFT JOIN app_user a ON a.user_id = c.made_by
 WHERE c.tenant_id = :tenant_id AND (:comparison_id::bigint IS NULL OR c.comparison_id = :comparison_id)
   AND (:after::bigint IS NULL OR c.comparison_id < :after)
 ORDER BY c.comparison_id DESC LIMIT :most

-- name: differences
-- One, or a page from new to old.
SELECT d.difference_id, nullif(d.channel_id, 0) AS channel_id, d.day, d.what, d.kind, d.number, d.here_fen, d.there_fen, d.order_id, d.state,
       d.remedy, d.account_id, d.reason, d.author_id, coalesce(a.name, '') AS author, d.decided_by, coalesce(b.name, '') AS decider,
       d.decision, d.entry_id, d.found_us, d.changed_us
  FROM payment_difference d LEFT JOIN app_user a ON a.user_id = d.author_id LEFT JOIN app_user b ON b.user_id = d.decided_by
 WHERE d.tenant_id = :tenant_id AND (:difference_id::bigint IS NULL OR d.difference_id = :difference_id)
   AND (:state::text IS NULL OR d.state = :state) AND (:what::text IS NULL OR d.what = :what)
   AND (:after::bigint IS NULL OR d.difference_id < :after)
 ORDER BY d.difference_id DESC LIMIT :most

-- name: lock_difference
-- Until the transaction ends.
SELECT difference_id FROM payment_difference WHERE tenant_id = :tenant_id AND difference_id = :difference_id FOR UPDATE

-- name: change_difference
-- What is given; null leaves a column as it is.
UPDATE payment_difference
   SET state = coalesce(:state::text, state), remedy = coalesce(:remedy::text, remedy), account_id = coalesce(:account_id::bigint, account_id),
       reason = coalesce(:reason::text, reason), author_id = coalesce(:author_id::bigint, author_id),
       decided_by = coalesce(:decided_by::bigint, decided_by), decision = coalesce(:decision::text, decision),
       entry_id = coalesce(:entry_id::bigint, entry_id), changed_us = coalesce(:changed_us::bigint, changed_us)
 WHERE tenant_id = :tenant_id AND difference_id = :difference_id

-- name: source
-- The ledger's name of a channel.
SELECT provider FROM payment_channel WHERE tenant_id = :tenant_id AND channel_id = :channel_id

-- name: due_channels
-- Channels that are on and older than the day, of which it was not compared yet. Role openmains_pipeline.
SELECT c.tenant_id, c.channel_id FROM payment_channel c
 WHERE c.is_on AND c.changed_us < :end_us
   AND NOT EXISTS (SELECT FROM payment_comparison p WHERE p.tenant_id = c.tenant_id AND p.day = :day AND p.channel_id = c.channel_id)
 ORDER BY c.tenant_id, c.channel_id
