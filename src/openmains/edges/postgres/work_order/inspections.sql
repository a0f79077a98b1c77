-- SPDX-License-Identifier: Apache-2.0
-- Plans of safety inspections, what is due by them, hazards.

-- name: plans
-- With how far each is: accounts it speaks of, those inspected within its period, orders that are open.
SELECT p.plan_id, p.name, p.kind, p.area_id, p.medium, p.months, p.begins_day, p.a_day, p.is_on, p.changed_us,
       (SELECT count(*) FROM account a JOIN premises q ON q.tenant_id = a.tenant_id AND q.premises_id = a.premises_id
                JOIN area b ON b.tenant_id = a.tenant_id AND b.area_id = q.area_id AND b.path >= t.path AND b.path < t.path_end
         WHERE a.tenant_id = p.tenant_id AND a.medium = p.medium AND a.closed_at IS NULL) AS accounts,
       (SELECT count(DISTINCT w.account_id) FROM work_order w
         WHERE w.tenant_id = p.tenant_id AND w.plan_id = p.plan_id AND w.outcome IN ('mended', 'not_mended', 'nothing_found')
           AND w.done_us >= (extract(epoch FROM now() - make_interval(months => p.months)) * 1000000)::bigint) AS inspected,
       (SELECT count(*) FROM work_order w WHERE w.tenant_id = p.tenant_id AND w.plan_id = p.plan_id AND w.ended_us IS NULL) AS open_orders
  FROM inspection_plan p JOIN area t ON t.tenant_id = p.tenant_id AND t.area_id = p.area_id
 WHERE p.tenant_id = :tenant_id AND (:plan_id::bigint IS NULL OR p.plan_id = :plan_id) ORDER BY p.plan_id

-- name: add_plan
-- Nothing comes back where the name is taken.
INSERT INTO inspection_plan (tenant_id, name, kind, area_id, medium, months, begins_day, a_day, is_on, changed_us, changed_by)
VALUES (:tenant_id, :name, :kind, :area_id, :medium, :months, :begins_day, :a_day, :is_on, :now_us, :user_id)
ON CONFLICT (tenant_id, name) DO NOTHING RETURNING plan_id

-- name: plan_name_taken
-- By another plan.
SELECT EXISTS (SELECT FROM inspection_plan WHERE tenant_id = :tenant_id AND name = :name AND plan_id <> :plan_id)

-- name: change_plan
-- All of it.
UPDATE inspection_plan SET name = :name, kind = :kind, area_id = :area_id, medium = :medium, months = :months, begins_day = :begins_day,
       a_day = :a_day, is_on = :is_on, changed_us = :now_us, changed_by = :user_id, looked_day = 0
 WHERE tenant_id = :tenant_id AND plan_id = :plan_id

-- name: plans_to_look
-- In force and not looked through today; without the counts that a page shows.
SELECT plan_id, name, kind, area_id, medium, months, begins_day, a_day, is_on, changed_us, 0 AS accounts, 0 AS inspected, 0 AS open_orders
  FROM inspection_plan WHERE tenant_id = :tenant_id AND is_on AND looked_day < :today ORDER BY plan_id

-- name: note_looked
-- Nothing more is to be made of a plan on this day.
UPDATE inspection_plan SET looked_day = :today WHERE tenant_id = :tenant_id AND plan_id = :plan_id

-- name: due_accounts
-- Of a plan's area and medium: neither inspected nor tried since these instants, without an open order of the plan; those never inspected
-- first, neighbours together. An order that was cancelled counts as tried: somebody decided that nobody goes now.
SELECT a.account_id, v.inspected_us, v.tried_us
  FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
       JOIN premises p ON p.tenant_id = t.tenant_id AND p.area_id = b.area_id
       JOIN account a ON a.tenant_id = t.tenant_id AND a.premises_id = p.premises_id AND a.medium = :medium AND a.closed_at IS NULL
       LEFT JOIN LATERAL (
         SELECT max(w.done_us) FILTER (WHERE w.outcome IN ('mended', 'not_mended', 'nothing_found')) AS inspected_us,
                max(CASE WHEN w.state = 'cancelled' THEN w.ended_us ELSE w.done_us END)
                  FILTER (WHERE w.outcome IN ('no_entry', 'entry_refused') OR w.state = 'cancelled') AS tried_us,
                bool_or(w.ended_us IS NULL) AS is_open
           FROM work_order w WHERE w.tenant_id = a.tenant_id AND w.account_id = a.account_id AND w.plan_id = :plan_id) v ON true
 WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id AND v.is_open IS NOT TRUE
   AND (v.inspected_us IS NULL OR v.inspected_us < :inspected_before_us)
   AND (v.tried_us IS NULL OR v.tried_us < coalesce(v.inspected_us, 0) OR v.tried_us < :tried_before_us)
 ORDER BY v.inspected_us NULLS FIRST, b.path, a.account_id LIMIT :most

-- name: made_on
-- Orders of a plan since an instant.
SELECT count(*) FROM work_order WHERE tenant_id = :tenant_id AND plan_id = :plan_id AND made_us >= :since_us

-- name: hazard_of_key
-- What was recorded under a key.
SELECT hazard_id, asked FROM hazard WHERE tenant_id = :tenant_id AND key = :key

-- name: add_hazard
-- Nothing comes back where the key is taken.
INSERT INTO hazard (tenant_id, key, asked, order_id, item, grade, what, is_shut, found_us, found_by, until_day)
VALUES (:tenant_id, :key, :asked, :order_id, :item, :grade, :what, :is_shut, :found_us, :user_id, :until_day)
ON CONFLICT (tenant_id, key) DO NOTHING RETURNING hazard_id

-- name: lock_hazard
-- Until the transaction ends.
SELECT hazard_id FROM hazard WHERE tenant_id = :tenant_id AND hazard_id = :hazard_id FOR UPDATE

-- name: hazards
-- With the place of the order that found it and the open order to look again; newest first, or one.
SELECT h.hazard_id, h.order_id, w.area_id, w.address, w.account_id, w.meter_id, h.item, h.grade, h.what, h.is_shut, h.found_us, h.found_by,
       h.until_day, h.state, h.removed_us, h.removed_in, h.notice_means, h.notice_to, h.notice_us,
       (SELECT r.order_id FROM work_order r WHERE r.tenant_id = h.tenant_id AND r.hazard_id = h.hazard_id AND r.ended_us IS NULL) AS recheck_id
  FROM hazard h JOIN work_order w ON w.tenant_id = h.tenant_id AND w.order_id = h.order_id
 WHERE h.tenant_id = :tenant_id AND (:hazard_id::bigint IS NULL OR h.hazard_id = :hazard_id)
   AND (:after::bigint IS NULL OR h.hazard_id < :after) AND (:order_id::bigint IS NULL OR h.order_id = :order_id)
   AND (:grade::text IS NULL OR h.grade = :grade) AND (:is_open::boolean IS NULL OR (h.state = 'open') = :is_open)
   AND (NOT :late::boolean OR (h.state = 'open' AND h.until_day < :today)) AND (:account_id::bigint IS NULL OR w.account_id = :account_id)
   AND (:area_id::int IS NULL OR w.area_id IN
        (SELECT b.area_id FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
          WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id))
 ORDER BY h.hazard_id DESC LIMIT :most

-- name: note_notice
-- How the customer was told.
UPDATE hazard SET notice_means = :means, notice_to = :to, notice_us = :now_us, notice_by = :user_id
 WHERE tenant_id = :tenant_id AND hazard_id = :hazard_id

-- name: remove_hazard
-- A re-check found it removed.
UPDATE hazard SET state = 'removed', removed_us = :now_us, removed_in = :order_id
 WHERE tenant_id = :tenant_id AND hazard_id = :hazard_id AND state = 'open'
