-- SPDX-License-Identifier: Apache-2.0
-- Accounts that are charged at the server, and what is deducted by day and version (migration 0121): role openmains_api, one tenant; the last
-- one of the worker, all tenants.

-- name: hold_deductions
-- Who deducts for a utility waits for who does so already.
SELECT pg_advisory_xact_lock(121, :tenant_id)

-- name: known_accounts
-- Which of these are accounts of this utility.
SELECT u.account_id FROM unnest(:account_ids::bigint[]) AS u(account_id)
 WHERE EXISTS (SELECT FROM account a WHERE a.tenant_id = :tenant_id AND a.account_id = u.account_id)
    OR EXISTS (SELECT FROM tariff_member e WHERE e.tenant_id = :tenant_id AND e.account_id = u.account_id)

-- name: set_accounts
-- Charged so from a day on. Of those that are so already the levels change; of those that were, the day too.
INSERT INTO server_account AS s (tenant_id, account_id, since_day, warn_fen, limit_fen, open_day, changed_by, changed_us)
SELECT :tenant_id, u.account_id, :since_day, :warn_fen, :limit_fen, :since_day, :user_id, :now_us FROM unnest(:account_ids::bigint[]) AS u(account_id)
    ON CONFLICT (tenant_id, account_id) DO UPDATE SET warn_fen = excluded.warn_fen, limit_fen = excluded.limit_fen, is_due = true,
       since_day = CASE WHEN s.until_day IS NULL THEN s.since_day ELSE excluded.since_day END,
       open_day = CASE WHEN s.until_day IS NULL THEN s.open_day ELSE excluded.since_day END,
       until_day = NULL, changed_by = excluded.changed_by, changed_us = excluded.changed_us

-- name: end_accounts
-- No day from this one on is deducted any more.
UPDATE server_account SET until_day = greatest(since_day, :until_day::int), is_due = true, why = '', changed_by = :user_id, changed_us = :now_us
 WHERE tenant_id = :tenant_id AND account_id = ANY (:account_ids::bigint[]) AND until_day IS NULL RETURNING account_id

-- name: server_accounts
-- By account, with balances, what is deducted and not billed, and the newest day.
SELECT s.account_id, coalesce(a.number, '') AS number, s.since_day, s.until_day, s.warn_fen, s.limit_fen, s.stage, s.below_day, s.open_day, s.why,
       coalesce(-b.balance, 0)::bigint AS balance_fen, coalesce(-b.deducted, 0)::bigint AS deducted_fen, d.day AS last_day, d.day_fen AS last_fen,
       d.volume_ml AS last_volume_ml, coalesce(u.name, '') AS changed_by, s.changed_us
  FROM server_account s
  LEFT JOIN account a ON a.account_id = s.account_id AND a.tenant_id = s.tenant_id
  LEFT JOIN app_user u ON u.user_id = s.changed_by
  LEFT JOIN LATERAL (SELECT sum(l.fen) FILTER (WHERE l.account <> 'deducted') AS balance, sum(l.fen) FILTER (WHERE l.account = 'deducted') AS deducted
                       FROM ledger_line l WHERE l.tenant_id = s.tenant_id AND l.account_id = s.account_id
                        AND l.account IN ('receivable', 'credit', 'deducted')) b ON true
  LEFT JOIN LATERAL (SELECT e.day, e.day_fen, e.volume_ml FROM deduction e WHERE e.tenant_id = s.tenant_id AND e.account_id = s.account_id
                      ORDER BY e.day DESC, e.version DESC LIMIT 1) d ON true
 WHERE s.tenant_id = :tenant_id AND s.account_id > :after AND (:account_id::bigint IS NULL OR s.account_id = :account_id)
   AND (:stage::text IS NULL OR s.stage = :stage) AND (NOT :in_doubt::boolean OR s.why <> '')
 ORDER BY s.account_id LIMIT :most

-- name: deducted_days
-- Of an account, from new to old days.
SELECT d.deduction_id, d.account_id, d.day, d.version, d.fen, d.day_fen, d.volume_ml, d.is_estimated, d.entry_id, d.made_us,
       EXISTS (SELECT FROM deduction n WHERE n.tenant_id = d.tenant_id AND n.account_id = d.account_id AND n.day = d.day AND n.version > d.version)
         AS superseded,
       EXISTS (SELECT FROM deduction_release r WHERE r.tenant_id = d.tenant_id AND r.account_id = d.account_id AND r.end_day > d.day) AS is_billed
  FROM deduction d
 WHERE d.tenant_id = :tenant_id AND d.account_id = :account_id
   AND (:after_day::int IS NULL OR (d.day, d.version) < (:after_day, :after_version::int))
 ORDER BY d.day DESC, d.version DESC LIMIT :most

-- name: places
-- By shard, up to where changed days were looked for.
SELECT shard, position FROM deduction_place WHERE tenant_id = :tenant_id

-- name: changed_accounts
-- Accounts at which one of these meters hangs, hung, or pays.
UPDATE server_account s SET is_due = true
 WHERE s.tenant_id = :tenant_id AND NOT s.is_due AND s.account_id IN (
   SELECT i.account_id FROM installation i WHERE i.tenant_id = :tenant_id AND i.meter_id = ANY (:meter_ids::bigint[])
   UNION SELECT e.account_id FROM tariff_member e WHERE e.tenant_id = :tenant_id AND e.meter_id = ANY (:meter_ids::bigint[]))

-- name: set_place
-- All of the shard up to here were told.
INSERT INTO deduction_place (tenant_id, shard, position) VALUES (:tenant_id, :shard, :position)
    ON CONFLICT (tenant_id, shard) DO UPDATE SET position = excluded.position

-- name: due_accounts
-- With a changed day, or for the first time today.
SELECT account_id, since_day, until_day, warn_fen, limit_fen, stage, below_day, changed_by AS made_by FROM server_account
 WHERE tenant_id = :tenant_id AND account_id > :after AND is_due ORDER BY account_id LIMIT :most

-- name: begin_day
-- All are due once a day; of those that are charged so no more as long as a bill may still be made of their days.
UPDATE server_account SET is_due = true, looked_day = :today
 WHERE tenant_id = :tenant_id AND looked_day < :today::int AND (until_day IS NULL OR until_day > :today::int - 92)

-- name: charged_accounts
-- Which of these are, or were, charged at the server.
SELECT account_id FROM server_account WHERE tenant_id = :tenant_id AND account_id = ANY (:account_ids::bigint[])

-- name: kept_days
-- The newest version of each day that no bill took the place of.
SELECT DISTINCT ON (d.account_id, d.day) d.account_id, d.day, d.version, d.day_fen, d.volume_ml, d.is_estimated, d.cited
  FROM unnest(:account_ids::bigint[]) AS u(account_id)
 CROSS JOIN LATERAL (SELECT coalesce(max(r.end_day), 0) AS day FROM deduction_release r WHERE r.tenant_id = :tenant_id AND r.account_id = u.account_id) b
  JOIN deduction d ON d.tenant_id = :tenant_id AND d.account_id = u.account_id AND d.day >= b.day
 ORDER BY d.account_id, d.day, d.version DESC

-- name: add_deductions
-- Versions of days with their entries.
INSERT INTO deduction (tenant_id, account_id, day, version, fen, day_fen, volume_ml, is_estimated, cited, entry_id, made_us)
SELECT :tenant_id, u.account_id, u.day, u.version, u.fen, u.day_fen, u.volume_ml, u.is_estimated, u.cited::json, u.entry_id, :now_us
  FROM unnest(:account_ids::bigint[], :days::int[], :versions::smallint[], :fen::bigint[], :day_fen::bigint[], :volumes::bigint[],
              :estimated::boolean[], :cited::text[], :entry_ids::bigint[])
       AS u(account_id, day, version, fen, day_fen, volume_ml, is_estimated, cited, entry_id)

-- name: looked_at
-- Due no more; how far each came, and what kept it.
UPDATE server_account s SET is_due = false, open_day = u.open_day, why = CASE WHEN s.until_day IS NULL THEN u.why ELSE '' END,
       tariff_id = coalesce(u.tariff_id, s.tariff_id), meter_id = coalesce(u.meter_id, s.meter_id)
  FROM unnest(:account_ids::bigint[], :open_days::int[], :whys::text[], :tariff_ids::int[], :meter_ids::bigint[])
       AS u(account_id, open_day, why, tariff_id, meter_id)
 WHERE s.tenant_id = :tenant_id AND s.account_id = u.account_id

-- name: deducted_until
-- What was deducted for days before an end, and not given back yet.
SELECT u.account_id, sum(d.fen)::bigint AS fen
  FROM unnest(:account_ids::bigint[], :end_days::int[]) AS u(account_id, end_day)
 CROSS JOIN LATERAL (SELECT coalesce(max(r.end_day), 0) AS day FROM deduction_release r WHERE r.tenant_id = :tenant_id AND r.account_id = u.account_id) b
  JOIN deduction d ON d.tenant_id = :tenant_id AND d.account_id = u.account_id AND d.day >= b.day AND d.day < u.end_day
 GROUP BY u.account_id

-- name: add_releases
-- A bill took the place of the days before each end.
INSERT INTO deduction_release (tenant_id, account_id, end_day, fen, entry_id, made_us)
SELECT :tenant_id, u.account_id, u.end_day, u.fen, u.entry_id, :now_us
  FROM unnest(:account_ids::bigint[], :end_days::int[], :fen::bigint[], :entry_ids::bigint[]) AS u(account_id, end_day, fen, entry_id)

-- name: not_well
-- Whose balance was low when it was looked at last, and of which something was booked since.
SELECT s.account_id, s.since_day, s.until_day, s.warn_fen, s.limit_fen, s.stage, s.below_day, s.changed_by AS made_by FROM server_account s
 WHERE s.tenant_id = :tenant_id AND s.stage <> 'enough'
   AND EXISTS (SELECT FROM ledger_line l WHERE l.tenant_id = s.tenant_id AND l.account_id = s.account_id AND l.account IN ('receivable', 'credit')
                  AND l.entry_id > s.seen_entry)
 ORDER BY s.account_id

-- name: seen
-- Balances were looked at, with all that is booked by now.
UPDATE server_account s SET seen_entry = coalesce(greatest(
         (SELECT max(l.entry_id) FROM ledger_line l WHERE l.tenant_id = s.tenant_id AND l.account_id = s.account_id AND l.account = 'credit'),
         (SELECT max(l.entry_id) FROM ledger_line l WHERE l.tenant_id = s.tenant_id AND l.account_id = s.account_id AND l.account = 'receivable')), 0)
 WHERE s.tenant_id = :tenant_id AND s.account_id = ANY (:account_ids::bigint[])

-- name: stand
-- Where balances stand. Who left 'enough' is warned anew; who is back there was told nothing yet.
UPDATE server_account s SET stage = u.stage, below_day = u.below_day, crossing = s.crossing + (s.stage = 'enough')::int,
       told = CASE WHEN u.stage = 'enough' OR s.stage = 'enough' THEN 'enough' ELSE s.told END
  FROM unnest(:account_ids::bigint[], :stages::text[], :below_days::int[]) AS u(account_id, stage, below_day)
 WHERE s.tenant_id = :tenant_id AND s.account_id = u.account_id

-- name: charging
-- Utilities with accounts that are charged at the server.
SELECT t.tenant_id, t.zone FROM tenant t WHERE EXISTS (SELECT FROM server_account s WHERE s.tenant_id = t.tenant_id) ORDER BY t.tenant_id
