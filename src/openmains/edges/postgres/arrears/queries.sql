-- SPDX-License-Identifier: Apache-2.0
-- What follows from arrears (migration 0083).

-- name: rules
-- By class.
SELECT r.customer_class, r.warn_days, r.close_days, r.grace_days, r.least_fen, r.most_closings, r.is_on,
       r.simulated_revision = r.revision AS is_simulated, r.revision, coalesce(a.name, '') AS changed_by, r.changed_us
  FROM arrears_rule r LEFT JOIN app_user a ON a.user_id = r.changed_by WHERE r.tenant_id = :tenant_id ORDER BY r.customer_class

-- name: set_rule
-- Off after it, and not looked at.
INSERT INTO arrears_rule (tenant_id, customer_class, warn_days, close_days, grace_days, least_fen, most_closings, changed_by, changed_us)
VALUES (:tenant_id, :customer_class, :warn_days, :close_days, :grace_days, :least_fen, :most_closings, :user_id, :now_us)
    ON CONFLICT (tenant_id, customer_class) DO UPDATE SET warn_days = excluded.warn_days, close_days = excluded.close_days,
       grace_days = excluded.grace_days, least_fen = excluded.least_fen, most_closings = excluded.most_closings, is_on = false,
       revision = arrears_rule.revision + 1, changed_by = excluded.changed_by, changed_us = excluded.changed_us

-- name: note_simulated
-- Somebody looked at what would follow from these.
UPDATE arrears_rule r SET simulated_revision = u.revision FROM unnest(:classes::text[], :revisions::int[]) AS u(customer_class, revision)
 WHERE r.tenant_id = :tenant_id AND r.customer_class = u.customer_class AND r.revision = u.revision

-- name: switch_rule
-- On or off.
UPDATE arrears_rule SET is_on = :is_on, changed_by = :user_id, changed_us = :now_us
 WHERE tenant_id = :tenant_id AND customer_class = :customer_class

-- name: calendar
-- All years that were entered.
SELECT year, days FROM calendar_year WHERE tenant_id = :tenant_id

-- name: days_off
-- Of one year; no row where it was not entered.
SELECT days FROM calendar_year WHERE tenant_id = :tenant_id AND year = :year

-- name: set_days_off
-- In place of what was there.
INSERT INTO calendar_year (tenant_id, year, days, changed_by, changed_us) VALUES (:tenant_id, :year, :days::jsonb, :user_id, :now_us)
    ON CONFLICT (tenant_id, year) DO UPDATE SET days = excluded.days, changed_by = excluded.changed_by, changed_us = excluded.changed_us

-- name: hold
-- One an account, the newest.
INSERT INTO arrears_hold (tenant_id, account_id, until_day, reason, made_by, made_us)
VALUES (:tenant_id, :account_id, :until_day, :reason, :user_id, :now_us)
    ON CONFLICT (tenant_id, account_id) DO UPDATE SET until_day = excluded.until_day, reason = excluded.reason,
       made_by = excluded.made_by, made_us = excluded.made_us

-- name: release
-- It is held no more.
DELETE FROM arrears_hold WHERE tenant_id = :tenant_id AND account_id = :account_id RETURNING until_day, reason

-- name: known
-- Accounts in arrears with the meter that hangs there, whose it is, what a person said of it, and what followed from this debt so far. An
-- account at which nothing was ever hung has its newest member's meter. A closing that was declined is not proposed anew for a week.
SELECT u.account_id, coalesce(a.number, '') AS number, m.meter_id, coalesce(m.number, '') AS meter, coalesce(p.driver, '') AS driver, s.valve,
       coalesce(c.is_protected, false) OR coalesce(k.is_protected, false) AS is_protected, h.until_day AS held_until,
       coalesce(h.reason, '') AS held_for,
       ARRAY(SELECT w.day FROM arrears_step w WHERE w.tenant_id = :tenant_id AND w.account_id = u.account_id AND w.oldest_due = u.oldest_due
                AND w.kind = 'warning' ORDER BY w.number) AS warned,
       (SELECT count(*) FROM arrears_step w WHERE w.tenant_id = :tenant_id AND w.account_id = u.account_id AND w.oldest_due = u.oldest_due
           AND w.kind = 'closing')::int AS closings,
       EXISTS (SELECT FROM arrears_step w LEFT JOIN command d ON d.command_id = w.command_id AND d.tenant_id = w.tenant_id
                WHERE w.tenant_id = :tenant_id AND w.account_id = u.account_id AND w.kind = 'closing'
                  AND (w.state = 'open' OR (w.state = 'given' AND d.ended_us IS NULL)
                       OR (w.state = 'declined' AND w.day > :today::int - 7))) AS is_asked
  FROM unnest(:account_ids::bigint[], :oldest_dues::int[]) AS u(account_id, oldest_due)
  LEFT JOIN account a ON a.account_id = u.account_id AND a.tenant_id = :tenant_id
  LEFT JOIN account_holder o ON o.account_id = a.account_id AND upper_inf(o.during)
  LEFT JOIN customer c ON c.customer_id = o.customer_id
  LEFT JOIN LATERAL (
    (SELECT i.meter_id FROM installation i WHERE i.tenant_id = :tenant_id AND i.account_id = u.account_id AND upper_inf(i.during)
        AND i.role IN ('household', 'master') LIMIT 1)
    UNION ALL
    (SELECT e.meter_id FROM tariff_member e WHERE e.tenant_id = :tenant_id AND e.account_id = u.account_id
        AND NOT EXISTS (SELECT FROM installation i WHERE i.tenant_id = :tenant_id AND i.account_id = u.account_id)
      ORDER BY e.from_day DESC, e.member_id DESC LIMIT 1)
    LIMIT 1) hung ON true
  LEFT JOIN meter m ON m.meter_id = hung.meter_id AND m.removed_on IS NULL
  LEFT JOIN product p ON p.product_id = m.product_id
  LEFT JOIN meter_state s ON s.meter_id = m.meter_id
  LEFT JOIN customer k ON k.customer_id = m.customer_id
  LEFT JOIN arrears_hold h ON h.tenant_id = :tenant_id AND h.account_id = u.account_id

-- name: lock_day
-- Who makes steps of a utility waits for who does so already.
SELECT pg_advisory_xact_lock(83, :tenant_id)

-- name: closings_of_day
-- How many closings were proposed on a day, by the class of the tariff by which the account pays at the server, or of its newest bill.
SELECT t.customer_class, count(*)::int AS closings
  FROM arrears_step s
  JOIN LATERAL (SELECT coalesce((SELECT a.tariff_id FROM server_account a WHERE a.tenant_id = s.tenant_id AND a.account_id = s.account_id
                                    AND a.until_day IS NULL),
                                (SELECT b.tariff_id FROM bill b WHERE b.tenant_id = s.tenant_id AND b.account_id = s.account_id
                                  ORDER BY b.month DESC, b.version DESC LIMIT 1)) AS tariff_id) n ON n.tariff_id IS NOT NULL
  JOIN tariff t ON t.tariff_id = n.tariff_id
 WHERE s.tenant_id = :tenant_id AND s.day = :day AND s.kind = 'closing' GROUP BY t.customer_class

-- name: add_steps
-- Each once.
INSERT INTO arrears_step (tenant_id, account_id, oldest_due, kind, number, day, owed_fen, meter_id, state, made_us)
SELECT :tenant_id, u.account_id, u.oldest_due, u.kind, u.number, :day, u.owed_fen, u.meter_id,
       CASE WHEN u.kind = 'warning' THEN 'told' ELSE 'open' END, :now_us
  FROM unnest(:account_ids::bigint[], :oldest_dues::int[], :kinds::text[], :numbers::smallint[], :owed::bigint[], :meter_ids::bigint[])
       AS u(account_id, oldest_due, kind, number, owed_fen, meter_id)
    ON CONFLICT (tenant_id, account_id, oldest_due, kind, number) DO NOTHING RETURNING step_id

-- name: end_paid
-- Closings that wait, of accounts that owe nothing after its due day any more; and reopenings of those that owe again.
UPDATE arrears_step s SET state = 'over', decided_us = :now_us
 WHERE s.tenant_id = :tenant_id AND s.state = 'open' AND s.kind IN ('closing', 'reopening')
   AND (s.kind = 'closing') <> EXISTS (SELECT FROM open_debt o WHERE o.tenant_id = s.tenant_id AND o.account_id = s.account_id AND o.due_day < :today::int)
RETURNING s.step_id

-- name: reopen_paid
-- What was closed for a debt that is paid: once for each closing whose command was not called off or given up.
INSERT INTO arrears_step (tenant_id, account_id, oldest_due, kind, number, day, owed_fen, meter_id, closing_id, state, made_us)
SELECT s.tenant_id, s.account_id, s.oldest_due, 'reopening', s.number, :today, 0, s.meter_id, s.step_id, 'open', :now_us
  FROM arrears_step s JOIN command c ON c.command_id = s.command_id AND c.tenant_id = s.tenant_id
 WHERE s.tenant_id = :tenant_id AND s.kind = 'closing' AND s.state = 'given' AND c.state NOT IN ('failed', 'expired', 'cancelled')
   AND NOT EXISTS (SELECT FROM arrears_step r WHERE r.closing_id = s.step_id)
   AND NOT EXISTS (SELECT FROM open_debt o WHERE o.tenant_id = s.tenant_id AND o.account_id = s.account_id AND o.due_day < :today::int)
    ON CONFLICT DO NOTHING RETURNING step_id

-- name: steps
-- One, or a page from new to old.
SELECT s.step_id, s.account_id, coalesce(a.number, '') AS number, s.kind, s.number AS place, s.day, s.oldest_due, s.owed_fen, s.meter_id,
       coalesce(m.number, '') AS meter, s.state, s.command_id, coalesce(c.state, '') AS command_state, s.reason,
       coalesce(n.state, '') AS delivery, CASE WHEN n.state = 'failed' THEN n.reason ELSE '' END AS delivery_reason,
       coalesce(u.name, '') AS decided_by, s.decided_us, s.made_us
  FROM arrears_step s LEFT JOIN account a ON a.account_id = s.account_id AND a.tenant_id = s.tenant_id
  LEFT JOIN meter m ON m.meter_id = s.meter_id LEFT JOIN command c ON c.command_id = s.command_id AND c.tenant_id = s.tenant_id
  LEFT JOIN app_user u ON u.user_id = s.decided_by
  LEFT JOIN notice n ON n.tenant_id = s.tenant_id AND n.key = 'arrears:' || s.step_id AND s.kind = 'warning'
 WHERE s.tenant_id = :tenant_id AND (:step_id::bigint IS NULL OR s.step_id = :step_id) AND (:kind::text IS NULL OR s.kind = :kind)
   AND (:state::text IS NULL OR s.state = :state) AND (:account_id::bigint IS NULL OR s.account_id = :account_id)
   AND (:after::bigint IS NULL OR s.step_id < :after)
 ORDER BY s.step_id DESC LIMIT :most

-- name: lock_step
-- A proposal, until the transaction ends.
SELECT step_id, account_id, kind, meter_id, state, command_id FROM arrears_step
 WHERE tenant_id = :tenant_id AND step_id = :step_id AND kind <> 'warning' FOR UPDATE

-- name: take_step
-- Before its command is given: nobody else decides from here on. Anew by who was cut off.
UPDATE arrears_step SET state = 'given', decided_us = :now_us, decided_by = :user_id, reason = :reason
 WHERE tenant_id = :tenant_id AND step_id = :step_id AND (state = 'open' OR (state = 'given' AND command_id IS NULL)) RETURNING step_id

-- name: let_go
-- The command was refused: open again.
UPDATE arrears_step SET state = 'open', decided_us = NULL, decided_by = NULL, reason = ''
 WHERE tenant_id = :tenant_id AND step_id = :step_id AND state = 'given' AND command_id IS NULL

-- name: name_command
-- The command that it became; once. What went out is given, whatever was said meanwhile.
UPDATE arrears_step SET state = 'given', command_id = :command_id
 WHERE tenant_id = :tenant_id AND step_id = :step_id AND command_id IS NULL RETURNING step_id

-- name: decline_step
-- Once: only what is open.
UPDATE arrears_step SET state = 'declined', decided_us = :now_us, decided_by = :user_id, reason = :reason
 WHERE tenant_id = :tenant_id AND step_id = :step_id AND state = 'open' RETURNING step_id

-- name: switched_on
-- Utilities with a rule that is on, or a proposal that stands.
SELECT t.tenant_id, t.zone FROM tenant t
 WHERE EXISTS (SELECT FROM arrears_rule r WHERE r.tenant_id = t.tenant_id AND r.is_on)
    OR EXISTS (SELECT FROM arrears_step s WHERE s.tenant_id = t.tenant_id AND s.state IN ('open', 'given'))
 ORDER BY t.tenant_id
