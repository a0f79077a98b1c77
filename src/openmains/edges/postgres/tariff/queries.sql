-- SPDX-License-Identifier: Apache-2.0
-- Tariffs, their plans, who pays by them, and the price sets of meters. A member is a meter whose newest entry that has begun names the tariff.

-- name: tariffs
-- Tariffs with the plan in force, by id from one on, or one of them; its members only where counted, for that reads them all.
SELECT t.tariff_id, t.code, t.name, t.medium, t.customer_class, t.created_us, p.number AS in_force, p.from_day AS in_force_from,
       (SELECT count(*) FROM tariff_plan d WHERE d.tariff_id = t.tariff_id AND d.state = 'draft') AS drafts,
       CASE WHEN :counted::boolean THEN
         (SELECT count(*) FROM (SELECT DISTINCT meter_id FROM tariff_member WHERE tariff_id = t.tariff_id) c
           WHERE (SELECT n.tariff_id FROM tariff_member n WHERE n.meter_id = c.meter_id AND n.from_day <= :today
                   ORDER BY n.from_day DESC, n.member_id DESC LIMIT 1) = t.tariff_id) END AS members
  FROM tariff t
  LEFT JOIN LATERAL (SELECT number, from_day FROM tariff_plan f
                      WHERE f.tariff_id = t.tariff_id AND f.state = 'approved' AND f.from_day <= :today
                      ORDER BY f.from_day DESC LIMIT 1) p ON true
 WHERE t.tenant_id = :tenant_id AND t.tariff_id > :after AND (:tariff_id::int IS NULL OR t.tariff_id = :tariff_id)
 ORDER BY t.tariff_id LIMIT :most

-- name: lock_tariff
-- Until the transaction ends, plans of this tariff are another's to wait for.
SELECT pg_advisory_xact_lock(45, :tariff_id)

-- name: add_tariff
-- No row: the code is taken.
INSERT INTO tariff (tenant_id, code, name, medium, customer_class, created_us)
VALUES (:tenant_id, :code, :name, :medium, :customer_class, :now_us)
    ON CONFLICT (tenant_id, code) DO NOTHING RETURNING tariff_id

-- name: tariff_plans
-- Plans of a tariff by number, or one plan.
SELECT p.plan_id, p.tariff_id, p.number, p.from_day, p.state, p.document, p.reason, p.author_id, coalesce(a.name, '') AS author,
       p.made_us, p.decided_by, d.name AS decider, p.decided_us, p.decision,
       (SELECT s.found FROM tariff_simulation s WHERE s.plan_id = p.plan_id ORDER BY s.simulation_id DESC LIMIT 1) AS simulation
  FROM tariff_plan p LEFT JOIN app_user a ON a.user_id = p.author_id LEFT JOIN app_user d ON d.user_id = p.decided_by
 WHERE p.tenant_id = :tenant_id AND (p.tariff_id = :tariff_id OR p.plan_id = :plan_id) ORDER BY p.number

-- name: add_plan
-- The next number of its tariff, which is locked.
INSERT INTO tariff_plan (tenant_id, tariff_id, number, from_day, document, reason, author_id, made_us)
SELECT :tenant_id, :tariff_id, 1 + coalesce(max(number), 0), :from_day::int, :document::jsonb, :reason, :author_id::bigint, :made_us::bigint
  FROM tariff_plan WHERE tariff_id = :tariff_id
RETURNING plan_id

-- name: decide_plan
-- Approved, rejected or withdrawn, by whom and why.
UPDATE tariff_plan SET state = :state, decided_by = :user_id, decided_us = :now_us, decision = :decision
 WHERE tenant_id = :tenant_id AND plan_id = :plan_id

-- name: keep_simulation
-- What it said, beside those before.
INSERT INTO tariff_simulation (tenant_id, plan_id, found, asked_by, asked_us)
VALUES (:tenant_id, :plan_id, :found::jsonb, :user_id, :now_us)

-- name: members
-- Meters that pay by a tariff today, by meter.
SELECT n.account_id, n.meter_id, m.number, p.driver, n.persons, n.households, n.began, n.from_day
  FROM (SELECT DISTINCT meter_id FROM tariff_member WHERE tenant_id = :tenant_id AND tariff_id = :tariff_id AND meter_id > :after) c
  JOIN LATERAL (SELECT * FROM tariff_member e WHERE e.meter_id = c.meter_id AND e.from_day <= :today
                 ORDER BY e.from_day DESC, e.member_id DESC LIMIT 1) n ON n.tariff_id = :tariff_id
  JOIN meter m ON m.meter_id = n.meter_id JOIN product p ON p.product_id = m.product_id
 ORDER BY c.meter_id LIMIT :most

-- name: has_members
-- Whether any meter pays by a tariff today.
SELECT EXISTS (SELECT FROM tariff_member c
                WHERE c.tenant_id = :tenant_id AND c.tariff_id = :tariff_id AND c.from_day <= :today
                  AND NOT EXISTS (SELECT FROM tariff_member n WHERE n.meter_id = c.meter_id AND n.from_day <= :today
                                     AND (n.from_day, n.member_id) > (c.from_day, c.member_id)))

-- name: meters_of_medium
-- Which of these are meters of this utility and medium.
SELECT m.meter_id FROM meter m JOIN product p ON p.product_id = m.product_id
 WHERE m.tenant_id = :tenant_id AND m.meter_id = ANY (:meter_ids::bigint[]) AND p.medium = :medium AND p.kind = 'meter'

-- name: hung_elsewhere
-- Which of these meters hang at another account on a day or after it, and never again at the account they are said to pay for.
SELECT DISTINCT u.meter_id FROM unnest(:meter_ids::bigint[], :account_ids::bigint[]) AS u(meter_id, account_id)
  JOIN tenant t ON t.tenant_id = :tenant_id
  JOIN installation i ON i.meter_id = u.meter_id AND i.tenant_id = t.tenant_id AND i.account_id <> u.account_id
 WHERE upper_inf(i.during) OR upper(i.during) > ((date '1970-01-01' + :day::int)::timestamp AT TIME ZONE t.zone)
 GROUP BY u.meter_id, u.account_id, t.zone
HAVING NOT EXISTS (SELECT FROM installation o WHERE o.meter_id = u.meter_id AND o.tenant_id = :tenant_id AND o.account_id = u.account_id
                      AND (upper_inf(o.during) OR upper(o.during) > ((date '1970-01-01' + :day::int)::timestamp AT TIME ZONE t.zone)))

-- name: add_members
-- From a day on they pay by this tariff.
INSERT INTO tariff_member (tenant_id, tariff_id, account_id, meter_id, persons, households, began, from_day, added_by, added_us)
SELECT :tenant_id, :tariff_id, u.account_id, u.meter_id, u.persons, u.households, u.began, :from_day, :user_id, :now_us
  FROM unnest(:account_ids::bigint[], :meter_ids::bigint[], :persons::smallint[], :households::int[], :began::int[])
       AS u(account_id, meter_id, persons, households, began)

-- name: price_number
-- The number a price set has, or the next free one; no row where all are used. The utility's numbers are locked.
WITH had AS (
  SELECT number FROM meter_price
   WHERE plan_id = :plan_id AND persons = :persons AND households = :households AND rounding = :rounding
     AND tier_from = :tier_from::int[] AND prices = :prices::int[]
), made AS (
  INSERT INTO meter_price (tenant_id, number, plan_id, persons, households, rounding, tier_from, prices, made_us)
  SELECT :tenant_id, f.number, :plan_id, :persons, :households, :rounding, :tier_from::int[], :prices::int[], :now_us
    FROM (SELECT 1 + coalesce(max(number), 0) AS number FROM meter_price WHERE tenant_id = :tenant_id) f
   WHERE f.number <= 65535 AND NOT EXISTS (SELECT FROM had)
  RETURNING number
)
SELECT number FROM had UNION ALL SELECT number FROM made

-- name: lock_price_numbers
-- Until the transaction ends.
SELECT pg_advisory_xact_lock(46, :tenant_id)

-- name: meter_prices
-- What stands behind these numbers.
SELECT x.number, x.plan_id, p.tariff_id, p.number AS plan_number, t.code AS tariff_code, x.persons, x.households, x.rounding,
       x.tier_from, x.prices
  FROM meter_price x JOIN tariff_plan p ON p.plan_id = x.plan_id JOIN tariff t ON t.tariff_id = p.tariff_id
 WHERE x.tenant_id = :tenant_id AND x.number = ANY (:numbers::int[])

-- name: confirmed_price
-- Versions of prices a meter said it holds; 0 is none.
SELECT m.meter_id, nullif((s.reported ->> 'price_version')::int, 0) AS confirmed,
       nullif((s.reported ->> 'price_deferred')::int, 0) AS deferred, s.reported_us
  FROM meter m LEFT JOIN meter_shadow s ON s.meter_id = m.meter_id
 WHERE m.tenant_id = :tenant_id AND m.meter_id = :meter_id
