-- SPDX-License-Identifier: Apache-2.0
-- Warnings as notices to customers (migration 0122): role openmains_api, one tenant. Whom: who holds the account now; of an account that
-- nobody was entered for, whose its meter is. What cannot be sent is a notice that failed, with the reason: the log says so.

-- name: warning_channel
-- The newest channel to phones that is on and carries the amount, or the whole text.
SELECT c.channel_id FROM notice_channel c
 CROSS JOIN LATERAL (SELECT string_to_array(replace(coalesce(c.settings->>'fields', ''), ' ', ''), ',') AS names) f
 WHERE c.tenant_id = :tenant_id AND c.is_on AND NOT c.is_gone AND c.kind IN ('sms_aliyun', 'sms_tencent') AND f.names && '{amount,text}'
 ORDER BY 'amount' = ANY (f.names) DESC, c.channel_id DESC LIMIT 1

-- name: warnings_made
-- Those of the steps of a day that were made at this instant.
SELECT s.account_id, 'arrears:' || s.step_id AS key, s.owed_fen AS fen FROM arrears_step s
 WHERE s.tenant_id = :tenant_id AND s.day = :day AND s.kind = 'warning' AND s.made_us = :now_us

-- name: balances_fallen
-- Balances that fell to a stage of which the customer was not warned in this crossing; they are told by it.
WITH fallen AS (
  UPDATE server_account SET told = stage
   WHERE tenant_id = :tenant_id AND until_day IS NULL AND stage <> 'enough' AND (told = 'enough' OR (told = 'low' AND stage = 'below'))
  RETURNING tenant_id, account_id, crossing, stage
)
SELECT s.account_id, 'balance:' || s.account_id || ':' || s.crossing || ':' || s.stage AS key, b.balance AS fen
  FROM fallen s
 CROSS JOIN LATERAL (SELECT coalesce(-sum(l.fen), 0)::bigint AS balance FROM ledger_line l
                      WHERE l.tenant_id = s.tenant_id AND l.account_id = s.account_id AND l.account IN ('receivable', 'credit')) b

-- name: tell_customers
-- A notice for each account, once for its key.
INSERT INTO notice (tenant_id, key, kind, state, severity, subject, customer_id, channel_id, facts, made_us, due_us, reason)
SELECT :tenant_id::int, s.key, :kind::text, CASE WHEN w.fault = '' THEN 'waiting' ELSE 'failed' END, :severity::text,
       'account:' || s.account_id, w.customer_id, :channel_id::bigint,
       jsonb_build_object('account', coalesce(w.number, s.account_id::text), 'fen', s.fen), :now_us, :now_us, w.fault
  FROM unnest(:account_ids::bigint[], :keys::text[], :fens::bigint[]) AS s (account_id, key, fen)
  LEFT JOIN account a ON a.tenant_id = :tenant_id AND a.account_id = s.account_id
  LEFT JOIN account_holder h ON h.account_id = s.account_id AND h.tenant_id = :tenant_id AND upper_inf(h.during)
  LEFT JOIN LATERAL (SELECT m.customer_id FROM tariff_member e JOIN meter m ON m.meter_id = e.meter_id
                      WHERE e.tenant_id = :tenant_id AND e.account_id = s.account_id AND a.account_id IS NULL
                      ORDER BY e.from_day DESC, e.member_id DESC LIMIT 1) k ON true
  LEFT JOIN customer c ON c.customer_id = coalesce(h.customer_id, k.customer_id)
 CROSS JOIN LATERAL (SELECT a.number, c.customer_id,
   CASE WHEN c.customer_id IS NULL THEN 'no-customer'
        WHEN c.phone = '' AND NOT EXISTS (SELECT FROM personal p WHERE p.customer_id = c.customer_id AND p.contact_id IS NULL AND p.field = 'phone')
             THEN 'no-contact'
        WHEN :channel_id::bigint IS NULL THEN 'no-channel' ELSE '' END AS fault) w
    ON CONFLICT (tenant_id, key) DO NOTHING RETURNING notice_id

-- name: call_back
-- What waits still, for it is night or the channel is slow, and is not true any more.
UPDATE notice n SET state = 'failed', reason = 'settled'
 WHERE n.tenant_id = :tenant_id AND n.state = 'waiting' AND n.customer_id IS NOT NULL
   AND ((n.kind = 'arrears_warning'
         AND NOT EXISTS (SELECT FROM open_debt o WHERE o.tenant_id = n.tenant_id AND o.account_id = split_part(n.subject, ':', 2)::bigint
                            AND o.due_day < :today::int))
     OR (n.kind = 'balance_low'
         AND EXISTS (SELECT FROM server_account s WHERE s.tenant_id = n.tenant_id AND s.account_id = split_part(n.subject, ':', 2)::bigint
                        AND s.stage = 'enough')))
RETURNING n.notice_id
