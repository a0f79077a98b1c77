-- SPDX-License-Identifier: Apache-2.0
-- Channels, orders and refunds of payments. Orders are locked before refunds, and both before the ledger's keys and customers.

-- name: channels
-- One or all, with who changed it last.
SELECT c.channel_id, c.provider, c.name, c.settings, c.secrets, c.is_on, c.changed_us, coalesce(a.name, '') AS changed_by
  FROM payment_channel c LEFT JOIN app_user a ON a.user_id = c.changed_by
 WHERE c.tenant_id = :tenant_id AND (:channel_id::bigint IS NULL OR c.channel_id = :channel_id) ORDER BY c.channel_id

-- name: faults
-- Callbacks that changed nothing, since a day, by channel and why.
SELECT channel_id, fault, sum(count)::bigint AS count, max(last_us) AS last_us,
       (array_agg(last_order ORDER BY last_us DESC))[1] AS last_order, (array_agg(address ORDER BY last_us DESC))[1] AS address
  FROM payment_fault WHERE tenant_id = :tenant_id AND day >= :since GROUP BY channel_id, fault ORDER BY channel_id, fault

-- name: sealed
-- A channel's secrets as they are kept.
SELECT key_id, nonce, sealed FROM payment_channel WHERE tenant_id = :tenant_id AND channel_id = :channel_id AND sealed IS NOT NULL

-- name: add_channel
-- No row: the name is taken.
INSERT INTO payment_channel (tenant_id, provider, name, settings, is_on, changed_us, changed_by)
VALUES (:tenant_id, :provider, :name, :settings::jsonb, :is_on, :now_us, :user_id) ON CONFLICT DO NOTHING RETURNING channel_id

-- name: is_channel_taken
-- Whether another channel has this name.
SELECT EXISTS (SELECT FROM payment_channel WHERE tenant_id = :tenant_id AND name = :name AND channel_id <> :channel_id)

-- name: change_channel
-- All but its provider and its secrets.
UPDATE payment_channel SET name = :name, settings = :settings::jsonb, is_on = :is_on, changed_us = :now_us, changed_by = :user_id
 WHERE tenant_id = :tenant_id AND channel_id = :channel_id

-- name: put_secrets
-- All of them.
UPDATE payment_channel SET secrets = :names::text[], key_id = :key_id, nonce = :nonce, sealed = :sealed
 WHERE tenant_id = :tenant_id AND channel_id = :channel_id

-- name: signer
-- By whose sign-in top-ups are given.
SELECT login, changed_us FROM payment_signer WHERE tenant_id = :tenant_id

-- name: sealed_signer
-- That sign-in as it is kept.
SELECT key_id, nonce, sealed FROM payment_signer WHERE tenant_id = :tenant_id

-- name: put_signer
-- From now on.
INSERT INTO payment_signer (tenant_id, login, key_id, nonce, sealed, changed_us, changed_by)
VALUES (:tenant_id, :login, :key_id, :nonce, :sealed, :now_us, :user_id)
    ON CONFLICT (tenant_id) DO UPDATE SET login = excluded.login, key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed,
       changed_us = excluded.changed_us, changed_by = excluded.changed_by

-- name: note_fault
-- Counted.
INSERT INTO payment_fault (channel_id, day, fault, tenant_id, count, last_us, last_order, address)
VALUES (:channel_id, :day, :fault, :tenant_id, 1, :now_us, :last_order, :address)
    ON CONFLICT (channel_id, day, fault) DO UPDATE SET count = payment_fault.count + 1, last_us = excluded.last_us,
       last_order = excluded.last_order, address = excluded.address
RETURNING count

-- name: note_notice
-- No row: it was taken before.
INSERT INTO payment_notice (channel_id, event, tenant_id, at_us) VALUES (:channel_id, :event, :tenant_id, :now_us)
    ON CONFLICT DO NOTHING RETURNING 1

-- name: orders
-- One, by its number, key or receipt, or a page from new to old.
SELECT o.order_id, o.key, o.source, o.channel_id, o.number, o.scene, o.account_id, o.meter_id, o.for_meter, o.fen, o.state, o.code, o.invoke,
       o.reason, o.transaction, o.receipt_id, o.delivery, o.command_id, o.made_by, coalesce(a.name, '') AS maker, o.made_us, o.expires_us,
       o.paid_us, o.delivered_us, o.asked,
       (SELECT coalesce(sum(r.fen), 0)::bigint FROM payment_refund r WHERE r.order_id = o.order_id AND r.state <> 'rejected') AS refunded_fen
  FROM payment_order o LEFT JOIN app_user a ON a.user_id = o.made_by
 WHERE o.tenant_id = :tenant_id AND (:order_id::bigint IS NULL OR o.order_id = :order_id) AND (:key::text IS NULL OR o.key = :key)
   AND (:number::text IS NULL OR (o.number = :number AND o.channel_id = :channel_id))
   AND (:receipt_id::bigint IS NULL OR o.receipt_id = :receipt_id) AND (:account_id::bigint IS NULL OR o.account_id = :account_id)
   AND (:state::text IS NULL OR o.state = :state) AND (:delivery::text IS NULL OR o.delivery = :delivery)
   AND (:after::bigint IS NULL OR o.order_id < :after)
 ORDER BY o.order_id DESC LIMIT :most

-- name: lock_key
-- Nobody else makes an order under this key until the transaction ends.
SELECT pg_advisory_xact_lock(78, hashtext(:tenant_id::int::text || ' ' || :key::text))

-- name: lock_order
-- Until the transaction ends.
SELECT order_id FROM payment_order WHERE tenant_id = :tenant_id AND order_id = :order_id FOR UPDATE

-- name: add_order
-- As created; one of a third party has no provider to be asked.
INSERT INTO payment_order (tenant_id, key, source, channel_id, number, scene, account_id, meter_id, for_meter, fen, state, made_by, made_us,
                           expires_us, due_us)
VALUES (:tenant_id, :key, :source, :channel_id, :number, :scene, :account_id, :meter_id, :for_meter, :fen, 'created', :made_by, :made_us,
        :expires_us, :due_us)
RETURNING order_id

-- name: change_order
-- What is given; null leaves a column as it is, and due_us goes by has_due.
UPDATE payment_order
   SET state = coalesce(:state::text, state), code = coalesce(:code::text, code), invoke = coalesce(:invoke::jsonb, invoke),
       reason = coalesce(:reason::text, reason), transaction = coalesce(:transaction::text, transaction),
       receipt_id = coalesce(:receipt_id::bigint, receipt_id), delivery = coalesce(:delivery::text, delivery),
       command_id = coalesce(:command_id::bigint, command_id), paid_us = coalesce(:paid_us::bigint, paid_us),
       delivered_us = coalesce(:delivered_us::bigint, delivered_us), asked = coalesce(:asked::int, asked),
       due_us = CASE WHEN :has_due::boolean THEN :due_us::bigint ELSE due_us END
 WHERE tenant_id = :tenant_id AND order_id = :order_id

-- name: add_event
-- A line of its history, with how it stands.
INSERT INTO payment_event (tenant_id, order_id, at_us, event, state, delivery, detail)
SELECT tenant_id, order_id, :now_us, :event, state, delivery, :detail FROM payment_order WHERE tenant_id = :tenant_id AND order_id = :order_id

-- name: events
-- Its history, oldest first.
SELECT at_us, event, state, delivery, detail FROM payment_event WHERE tenant_id = :tenant_id AND order_id = :order_id ORDER BY event_id

-- name: is_meter_of_account
-- Whether the meter hangs at the account now.
SELECT EXISTS (SELECT FROM installation WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND account_id = :account_id
                  AND upper_inf(during))

-- name: command_of
-- How the command of this key stands; its end is the meter's word where it said a result.
SELECT command_id, state, sent_us IS NOT NULL AS was_sent, result IS NOT NULL AS meter_answered
  FROM command WHERE tenant_id = :tenant_id AND unique_key = :key

-- name: due_orders
-- Whose time has come, the longest due first, by payment_order_due.
SELECT order_id FROM payment_order WHERE tenant_id = :tenant_id AND due_us IS NOT NULL AND due_us <= :now_us ORDER BY due_us LIMIT :most

-- name: due_refunds
-- The same of refunds, by payment_refund_due.
SELECT refund_id FROM payment_refund WHERE tenant_id = :tenant_id AND due_us IS NOT NULL AND due_us <= :now_us ORDER BY due_us LIMIT :most

-- name: tenants_due
-- Utilities with something due, and their time zone. Role openmains_pipeline.
SELECT DISTINCT d.tenant_id, t.zone
  FROM (SELECT tenant_id FROM payment_order WHERE due_us IS NOT NULL AND due_us <= :now_us
         UNION ALL SELECT tenant_id FROM payment_refund WHERE due_us IS NOT NULL AND due_us <= :now_us) d
  JOIN tenant t USING (tenant_id) ORDER BY d.tenant_id

-- name: refunds
-- One, those of an order, or a page from new to old.
SELECT r.refund_id, r.order_id, r.number, o.source, o.account_id, r.fen, r.reason, r.state, r.author_id, coalesce(a.name, '') AS author, r.made_us,
       r.decided_by, d.name AS decider, r.decided_us, r.decision, r.entry_id, r.fault, r.done_us
  FROM payment_refund r JOIN payment_order o ON o.order_id = r.order_id
  LEFT JOIN app_user a ON a.user_id = r.author_id LEFT JOIN app_user d ON d.user_id = r.decided_by
 WHERE r.tenant_id = :tenant_id AND (:refund_id::bigint IS NULL OR r.refund_id = :refund_id)
   AND (:order_id::bigint IS NULL OR r.order_id = :order_id) AND (:state::text IS NULL OR r.state = :state)
   AND (:after::bigint IS NULL OR r.refund_id < :after)
 ORDER BY r.refund_id DESC LIMIT :most

-- name: lock_refund
-- Until the transaction ends.
SELECT refund_id FROM payment_refund WHERE tenant_id = :tenant_id AND refund_id = :refund_id FOR UPDATE

-- name: add_refund
-- It waits for another person.
INSERT INTO payment_refund (tenant_id, order_id, number, fen, reason, author_id, made_us)
VALUES (:tenant_id, :order_id, :number, :fen, :reason, :author_id, :now_us) RETURNING refund_id

-- name: change_refund
-- What is given, as change_order; asked counts one more where it is above 0.
UPDATE payment_refund
   SET state = coalesce(:state::text, state), decided_by = coalesce(:decided_by::bigint, decided_by),
       decided_us = coalesce(:decided_us::bigint, decided_us), decision = coalesce(:decision::text, decision),
       entry_id = coalesce(:entry_id::bigint, entry_id), transaction = coalesce(:transaction::text, transaction),
       fault = coalesce(:fault::text, fault), done_us = coalesce(:done_us::bigint, done_us),
       asked = CASE WHEN :asked::int > 0 THEN asked + :asked::int ELSE coalesce(:asked::int, asked) END,
       due_us = CASE WHEN :has_due::boolean THEN :due_us::bigint ELSE due_us END
 WHERE tenant_id = :tenant_id AND refund_id = :refund_id
