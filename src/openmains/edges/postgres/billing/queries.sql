-- SPDX-License-Identifier: Apache-2.0
-- Bill runs, bills and what paid them. A bill is written once; its newest version counts. A settlement stands until its entry is reversed.

-- name: links
-- Meters of the next accounts after one, or of some. What hangs at an account is told by its installations, and who pays how by its members:
-- by the meter's own entries there from the first one on, and before it, or where it has none, as after an exchange, by the account's. A meter
-- that never hung at the account pays by its own entries within the time it is installed, but for the days on which it hangs elsewhere: there
-- it is billed. Tariff 0: a meter hangs there on these days, and nobody said what it pays. One that is paid at the meter (prepaid) and has no
-- tariff is nobody's to bill.
WITH page AS MATERIALIZED (
  (SELECT DISTINCT account_id FROM tariff_member
    WHERE tenant_id = :tenant_id AND account_id > :after AND (:account_ids::bigint[] IS NULL OR account_id = ANY (:account_ids::bigint[]))
    ORDER BY account_id LIMIT :most)
  UNION
  (SELECT DISTINCT i.account_id FROM installation i JOIN meter m ON m.meter_id = i.meter_id JOIN product p ON p.product_id = m.product_id
    WHERE i.tenant_id = :tenant_id AND i.account_id > :after AND (:account_ids::bigint[] IS NULL OR i.account_id = ANY (:account_ids::bigint[])) AND i.role <> 'check'
      AND NOT coalesce((p.settings ->> 'prepaid')::boolean, false)
    ORDER BY account_id LIMIT :most)
   ORDER BY account_id LIMIT :most
), hung AS (
  SELECT i.installation_id, a.account_id, i.meter_id, (lower(i.during) AT TIME ZONE t.zone)::date - date '1970-01-01' AS first_day,
         coalesce(((upper(i.during) - interval '1 microsecond') AT TIME ZONE t.zone)::date - date '1970-01-01' + 1, 1000000) AS end_day,
         i.opening, i.closing, coalesce(own.from_day, 1000000) AS own_from
    FROM page a JOIN installation i ON i.account_id = a.account_id AND i.tenant_id = :tenant_id AND i.role <> 'check'
    JOIN tenant t ON t.tenant_id = i.tenant_id
    LEFT JOIN LATERAL (SELECT o.from_day FROM tariff_member o WHERE o.meter_id = i.meter_id AND o.tenant_id = :tenant_id
                          AND o.account_id = a.account_id ORDER BY o.from_day LIMIT 1) own ON true
), terms AS (
  SELECT e.account_id, e.meter_id, e.tariff_id, e.persons, e.households, e.began, e.from_day, e.member_id,
         coalesce(lead(e.from_day) OVER own, 1000000) AS until_day, coalesce(lead(e.from_day) OVER whole, 1000000) AS until_of_account
    FROM page a JOIN tariff_member e ON e.tenant_id = :tenant_id AND e.account_id = a.account_id
  WINDOW own AS (PARTITION BY e.account_id, e.meter_id ORDER BY e.from_day, e.member_id),
         whole AS (PARTITION BY e.account_id ORDER BY e.from_day, e.member_id)
), told AS (
  SELECT h.installation_id, e.tariff_id, e.persons, e.households, e.began, greatest(h.first_day, e.from_day) AS first_day,
         least(h.end_day, CASE WHEN e.meter_id = h.meter_id THEN e.until_day ELSE least(e.until_of_account, h.own_from) END) AS end_day
    FROM hung h JOIN terms e ON e.account_id = h.account_id AND (e.meter_id = h.meter_id OR e.from_day < h.own_from)
), known AS (
  SELECT * FROM told WHERE first_day < end_day
), said AS (
  SELECT * FROM known
  UNION ALL
  SELECT h.installation_id, 0, 0, 1, 0, lower(r.untold), upper(r.untold)
    FROM hung h LEFT JOIN (SELECT installation_id, range_agg(int4range(first_day, end_day)) AS days FROM known GROUP BY installation_id) k
           ON k.installation_id = h.installation_id
   CROSS JOIN LATERAL unnest(int4multirange(int4range(h.first_day, h.end_day)) - coalesce(k.days, '{}')) AS r(untold)
), found AS (
  SELECT h.account_id, h.meter_id, d.tariff_id, d.persons, d.households, d.began, d.first_day, d.end_day,
         CASE WHEN d.first_day = h.first_day THEN h.opening END AS opening, CASE WHEN d.end_day = h.end_day THEN h.closing END AS closing
    FROM said d JOIN hung h ON h.installation_id = d.installation_id
  UNION ALL
  SELECT e.account_id, e.meter_id, e.tariff_id, e.persons, e.households, e.began, lower(r.free), upper(r.free), NULL, NULL
    FROM terms e JOIN meter m ON m.meter_id = e.meter_id
    LEFT JOIN LATERAL (SELECT f.from_day FROM tariff_member f WHERE f.meter_id = e.meter_id AND f.account_id <> e.account_id
                          AND (f.from_day, f.member_id) > (e.from_day, e.member_id) ORDER BY f.from_day, f.member_id LIMIT 1) n ON true
    LEFT JOIN LATERAL (
      SELECT range_agg(int4range((lower(i.during) AT TIME ZONE t.zone)::date - date '1970-01-01',
                                 ((upper(i.during) - interval '1 microsecond') AT TIME ZONE t.zone)::date - date '1970-01-01' + 1)) AS days
        FROM installation i JOIN tenant t ON t.tenant_id = i.tenant_id WHERE i.meter_id = e.meter_id AND i.tenant_id = :tenant_id) w ON true
   CROSS JOIN LATERAL unnest(int4multirange(int4range(
           greatest(e.from_day, m.installed_on - date '1970-01-01'),
           greatest(e.from_day, m.installed_on - date '1970-01-01',
                    least(e.until_day, n.from_day, m.removed_on - date '1970-01-01' + 1)))) - coalesce(w.days, '{}')) AS r(free)
   WHERE NOT EXISTS (SELECT FROM installation i WHERE i.account_id = e.account_id AND i.meter_id = e.meter_id)
)
SELECT f.account_id, f.meter_id, f.tariff_id, f.persons, f.households, f.began, p.driver, f.first_day, f.end_day, f.opening, f.closing
  FROM found f JOIN meter m ON m.meter_id = f.meter_id JOIN product p ON p.product_id = m.product_id
 WHERE f.tariff_id > 0 OR NOT coalesce((p.settings ->> 'prepaid')::boolean, false)
 ORDER BY f.account_id, f.first_day, f.meter_id

-- name: accounts
-- How many there are.
SELECT count(*) FROM (SELECT account_id FROM tariff_member WHERE tenant_id = :tenant_id
                      UNION SELECT i.account_id FROM installation i JOIN meter m USING (meter_id) JOIN product p USING (product_id)
                             WHERE i.tenant_id = :tenant_id AND i.role <> 'check' AND NOT coalesce((p.settings ->> 'prepaid')::boolean, false)) a

-- name: hold
-- Bills of a utility follow each other: who makes some waits for who does so already.
SELECT pg_advisory_xact_lock(52, :tenant_id)

-- name: add_run
-- No row: one is running.
INSERT INTO bill_run (tenant_id, month, end_day, book_day, due_day, asked_by, asked_us)
VALUES (:tenant_id, :month, :end_day, :book_day, :due_day, :user_id, :now_us)
    ON CONFLICT (tenant_id) WHERE state = 'running' DO NOTHING RETURNING run_id

-- name: run_place
-- How far it is.
SELECT run_id, month, end_day, book_day, due_day, state, after_account, asked_by FROM bill_run
 WHERE tenant_id = :tenant_id AND run_id = :run_id

-- name: lock_run
-- The same, nobody else's until the transaction ends.
SELECT run_id, month, end_day, book_day, due_day, state, after_account, asked_by FROM bill_run
 WHERE tenant_id = :tenant_id AND run_id = :run_id FOR UPDATE

-- name: running
-- The run at work.
SELECT run_id FROM bill_run WHERE tenant_id = :tenant_id AND state = 'running'

-- name: advance_run
-- A part is done.
UPDATE bill_run SET after_account = :after_account, accounts = accounts + :accounts, bills = bills + :bills, refused = refused + :refused,
       billed_before = billed_before + :billed_before, total_fen = total_fen + :total_fen, settled_fen = settled_fen + :settled_fen
 WHERE tenant_id = :tenant_id AND run_id = :run_id

-- name: end_run
-- Done, or stopped; only one that runs.
UPDATE bill_run SET state = :state, ended_us = :now_us WHERE tenant_id = :tenant_id AND run_id = :run_id AND state = 'running'

-- name: resume_run
-- A stopped one goes on.
UPDATE bill_run SET state = 'running', ended_us = NULL WHERE tenant_id = :tenant_id AND run_id = :run_id AND state = 'stopped'

-- name: runs
-- One, or a page from new to old.
SELECT r.run_id, r.month, r.book_day, r.due_day, r.state, r.accounts, r.bills, r.refused, r.billed_before, r.total_fen, r.settled_fen,
       coalesce(a.name, '') AS asked_by, r.asked_us, r.ended_us
  FROM bill_run r LEFT JOIN app_user a ON a.user_id = r.asked_by
 WHERE r.tenant_id = :tenant_id AND (:run_id::bigint IS NULL OR r.run_id = :run_id) AND (:after::bigint IS NULL OR r.run_id < :after)
 ORDER BY r.run_id DESC LIMIT :most

-- name: add_refusals
-- Accounts of a run without a bill, and why.
INSERT INTO bill_refusal (run_id, account_id, tenant_id, code, meter_id, day, days)
SELECT :run_id, u.account_id, :tenant_id, u.code, u.meter_id, u.day, u.days
  FROM unnest(:account_ids::bigint[], :codes::text[], :meter_ids::bigint[], :days::int[], :counts::int[]) AS u(account_id, code, meter_id, day, days)

-- name: refusals
-- By account.
SELECT f.account_id, f.code, f.meter_id, m.number, f.day, f.days FROM bill_refusal f LEFT JOIN meter m ON m.meter_id = f.meter_id
 WHERE f.tenant_id = :tenant_id AND f.run_id = :run_id AND f.account_id > :after ORDER BY f.account_id LIMIT :most

-- name: counted
-- What the newest bill of each account counted, as it is kept, and up to when.
SELECT u.account_id, (b.counted ->> 0)::int AS until, b.counted::text AS counted FROM unnest(:account_ids::bigint[]) AS u(account_id)
  JOIN LATERAL (SELECT counted FROM bill WHERE tenant_id = :tenant_id AND account_id = u.account_id
                 ORDER BY month DESC, version DESC LIMIT 1) b ON true

-- name: versions
-- The highest version of a month's bill of each account.
SELECT account_id, max(version) AS version FROM bill
 WHERE tenant_id = :tenant_id AND account_id = ANY (:account_ids::bigint[]) AND month = :month GROUP BY account_id

-- name: add_bills
-- Of one month and one run or correction.
INSERT INTO bill (tenant_id, account_id, month, version, run_id, correction_id, first_day, end_day, tariff_id, meter_id, volume_ml, total_fen,
                  estimated_days, by_days, due_day, fee_ppm, fee_grace, fee_cap_ppm, inputs, lines, counted, entry_id, made_us)
SELECT :tenant_id, u.account_id, :month, u.version, :run_id, :correction_id, u.first_day, u.end_day, u.tariff_id, u.meter_id, u.volume_ml,
       u.total_fen, u.estimated_days, u.by_days, :due_day, u.fee_ppm, u.fee_grace, u.fee_cap_ppm, u.inputs::json, u.lines::json, u.counted::json,
       u.entry_id, :now_us
  FROM unnest(:account_id::bigint[], :versions::smallint[], :first_day::int[], :end_day::int[], :tariff_id::int[], :meter_id::bigint[],
              :volume_ml::bigint[], :total_fen::bigint[], :estimated_days::smallint[], :by_days::boolean[], :fee_ppm::int[], :fee_grace::smallint[],
              :fee_cap_ppm::int[], :inputs::text[], :lines::text[], :counted::text[], :entry_ids::bigint[])
       AS u(account_id, version, first_day, end_day, tariff_id, meter_id, volume_ml, total_fen, estimated_days, by_days, fee_ppm, fee_grace,
            fee_cap_ppm, inputs, lines, counted, entry_id)

-- name: heads
-- Bills from new to old: of an account, of a run, or one.
SELECT b.bill_id, b.account_id, b.month, b.version, b.first_day, b.end_day, b.tariff_id, t.name AS tariff, b.volume_ml, b.total_fen,
       b.estimated_days, b.due_day, b.made_us,
       EXISTS (SELECT FROM bill n WHERE n.tenant_id = b.tenant_id AND n.account_id = b.account_id AND n.month = b.month
                  AND n.version > b.version) AS superseded,
       (SELECT coalesce(sum(s.fen), 0)::bigint FROM bill_settlement s WHERE s.bill_id = b.bill_id AND NOT s.of_fee
           AND NOT EXISTS (SELECT FROM ledger_entry r WHERE r.reverses = s.entry_id)) AS paid_fen,
       (SELECT coalesce(sum(f.fen), 0)::bigint FROM bill_fee f WHERE f.bill_id = b.bill_id
           AND NOT EXISTS (SELECT FROM ledger_entry r WHERE r.reverses = f.entry_id)) AS fee_fen
  FROM bill b JOIN tariff t ON t.tariff_id = b.tariff_id
 WHERE b.tenant_id = :tenant_id AND (:bill_id::bigint IS NULL OR b.bill_id = :bill_id) AND (:account_id::bigint IS NULL OR b.account_id = :account_id)
   AND (:run_id::bigint IS NULL OR b.run_id = :run_id) AND (:after::bigint IS NULL OR b.bill_id < :after)
 ORDER BY b.bill_id DESC LIMIT :most

-- name: kept
-- A bill whole: one, or the newest versions of an account's from a month on.
SELECT b.bill_id, b.account_id, b.month, b.version, b.end_day, coalesce(r.book_day, b.end_day - 1) AS book_day, b.due_day, b.total_fen, b.by_days,
       b.inputs, b.lines, b.counted, b.entry_id, coalesce(c.reason, '') AS reason
  FROM bill b LEFT JOIN bill_run r ON r.run_id = b.run_id LEFT JOIN bill_correction c ON c.correction_id = b.correction_id
 WHERE b.tenant_id = :tenant_id AND (:bill_id::bigint IS NULL OR b.bill_id = :bill_id)
   AND (:account_id::bigint IS NULL OR (b.account_id = :account_id AND b.month >= :month AND NOT EXISTS (
        SELECT FROM bill n WHERE n.tenant_id = b.tenant_id AND n.account_id = b.account_id AND n.month = b.month AND n.version > b.version)))
 ORDER BY b.month

-- name: meter_numbers
-- Numbers of meters.
SELECT meter_id, number FROM meter WHERE tenant_id = :tenant_id AND meter_id = ANY (:meter_ids::bigint[])

-- name: open_bills
-- Newest versions of these accounts of which principal is owed, or that were paid late and may owe a fee; oldest first.
SELECT b.bill_id, b.account_id, b.month, b.due_day, b.total_fen, b.fee_ppm, b.fee_grace, b.fee_cap_ppm, s.days, s.fen, s.fee_paid,
       (SELECT coalesce(sum(f.fen), 0)::bigint FROM bill_fee f WHERE f.bill_id = b.bill_id
           AND NOT EXISTS (SELECT FROM ledger_entry r WHERE r.reverses = f.entry_id)) AS fee_booked
  FROM bill b
  JOIN LATERAL (SELECT coalesce(array_agg(x.day ORDER BY x.entry_id) FILTER (WHERE NOT x.of_fee), '{}') AS days,
                       coalesce(array_agg(x.fen ORDER BY x.entry_id) FILTER (WHERE NOT x.of_fee), '{}') AS fen,
                       coalesce(sum(x.fen) FILTER (WHERE NOT x.of_fee), 0) AS paid,
                       coalesce(sum(x.fen) FILTER (WHERE x.of_fee), 0)::bigint AS fee_paid,
                       coalesce(max(x.day) FILTER (WHERE NOT x.of_fee), 0) AS last_day
                  FROM bill_settlement x WHERE x.bill_id = b.bill_id
                   AND NOT EXISTS (SELECT FROM ledger_entry r WHERE r.reverses = x.entry_id)) s ON true
 WHERE b.tenant_id = :tenant_id AND b.account_id = ANY (:account_ids::bigint[]) AND b.total_fen > 0
   AND (s.paid < b.total_fen OR (b.fee_ppm > 0 AND s.last_day > b.due_day + b.fee_grace))
   AND NOT EXISTS (SELECT FROM bill n WHERE n.tenant_id = b.tenant_id AND n.account_id = b.account_id AND n.month = b.month
                      AND n.version > b.version)
 ORDER BY b.account_id, b.month

-- name: add_settlements
-- What paid which bill.
INSERT INTO bill_settlement (entry_id, tenant_id, bill_id, account_id, of_fee, day, fen)
SELECT u.entry_id, :tenant_id, u.bill_id, u.account_id, u.of_fee, u.day, u.fen
  FROM unnest(:entry_ids::bigint[], :bill_ids::bigint[], :account_ids::bigint[], :of_fee::boolean[], :days::int[], :fen::bigint[])
       AS u(entry_id, bill_id, account_id, of_fee, day, fen)

-- name: add_fee
-- A late fee that was booked.
INSERT INTO bill_fee (entry_id, tenant_id, bill_id, account_id, day, fen) VALUES (:entry_id, :tenant_id, :bill_id, :account_id, :day, :fen)

-- name: fees
-- Late fees of a bill that stand.
SELECT f.entry_id FROM bill_fee f WHERE f.tenant_id = :tenant_id AND f.bill_id = :bill_id
   AND NOT EXISTS (SELECT FROM ledger_entry r WHERE r.reverses = f.entry_id) ORDER BY f.entry_id

-- name: standing
-- Settlements of an account, or of one of its bills, that were not taken back; newest first.
SELECT s.entry_id, s.bill_id, s.of_fee, s.fen FROM bill_settlement s JOIN bill b ON b.bill_id = s.bill_id
 WHERE s.tenant_id = :tenant_id AND b.account_id = :account_id AND b.tenant_id = :tenant_id AND (:bill_id::bigint IS NULL OR s.bill_id = :bill_id)
   AND NOT EXISTS (SELECT FROM ledger_entry r WHERE r.reverses = s.entry_id)
 ORDER BY s.entry_id DESC

-- name: arrears
-- Accounts with anything owed after its due day (the view open_debt), the longest first.
SELECT o.account_id, sum(o.bills)::bigint AS bills, min(o.month) AS oldest_month, min(o.due_day) AS oldest_due, sum(o.open_fen)::bigint AS open_fen,
       (array_agg(o.tariff_id ORDER BY o.month DESC))[1] AS tariff_id, (array_agg(o.meter_id ORDER BY o.month DESC))[1] AS meter_id
  FROM open_debt o
  JOIN tariff t ON t.tariff_id = o.tariff_id LEFT JOIN meter m ON m.meter_id = o.meter_id
 WHERE o.tenant_id = :tenant_id AND (:account_id::bigint IS NULL OR o.account_id = :account_id) AND o.due_day < :today
   AND (:customer_class::text IS NULL OR t.customer_class = :customer_class) AND (:area_id::int IS NULL OR m.area_id = :area_id)
 GROUP BY o.account_id
HAVING :today - min(o.due_day) >= :least_days AND (:after_due::int IS NULL OR (min(o.due_day), o.account_id) > (:after_due, :after_account::bigint))
 ORDER BY min(o.due_day), o.account_id LIMIT :most

-- name: arrears_labels
-- Class, tariff and area of what stands in the list.
SELECT u.place, t.customer_class, t.name AS tariff, m.area_id, coalesce(a.name, '') AS area
  FROM unnest(:tariff_ids::int[], :meter_ids::bigint[]) WITH ORDINALITY AS u(tariff_id, meter_id, place)
  JOIN tariff t ON t.tariff_id = u.tariff_id LEFT JOIN meter m ON m.meter_id = u.meter_id LEFT JOIN area a ON a.area_id = m.area_id
 WHERE t.tenant_id = :tenant_id ORDER BY u.place

-- name: add_correction
-- No row: one waits for this account.
INSERT INTO bill_correction (tenant_id, account_id, month, reason, author_id, made_us)
VALUES (:tenant_id, :account_id, :month, :reason, :author_id, :now_us)
    ON CONFLICT (tenant_id, account_id) WHERE state = 'pending' DO NOTHING RETURNING correction_id

-- name: lock_correction
-- Until the transaction ends.
SELECT correction_id FROM bill_correction WHERE tenant_id = :tenant_id AND correction_id = :correction_id FOR UPDATE

-- name: corrections
-- One, or a page from new to old, with the bills that each made.
SELECT c.correction_id, c.account_id, c.month, c.reason, c.state, c.author_id, coalesce(a.name, '') AS author, c.made_us, c.decided_by,
       d.name AS decider, c.decided_us, c.decision, m.months, m.versions, m.before, m.after
  FROM bill_correction c LEFT JOIN app_user a ON a.user_id = c.author_id LEFT JOIN app_user d ON d.user_id = c.decided_by
  LEFT JOIN LATERAL (SELECT array_agg(b.month ORDER BY b.month) AS months, array_agg(b.version ORDER BY b.month) AS versions,
                            array_agg(o.total_fen ORDER BY b.month) AS before, array_agg(b.total_fen ORDER BY b.month) AS after
                       FROM bill b JOIN bill o ON o.tenant_id = b.tenant_id AND o.account_id = b.account_id AND o.month = b.month
                                              AND o.version = b.version - 1
                      WHERE b.correction_id = c.correction_id AND b.account_id = c.account_id AND b.tenant_id = c.tenant_id) m ON true
 WHERE c.tenant_id = :tenant_id AND (:correction_id::bigint IS NULL OR c.correction_id = :correction_id)
   AND (:after::bigint IS NULL OR c.correction_id < :after)
 ORDER BY c.correction_id DESC LIMIT :most

-- name: decide_correction
-- By whom and why.
UPDATE bill_correction SET state = :state, decided_by = :user_id, decided_us = :now_us, decision = :decision
 WHERE tenant_id = :tenant_id AND correction_id = :correction_id
