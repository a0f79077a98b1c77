-- SPDX-License-Identifier: Apache-2.0
-- The first page's figures, read of every context. What waits is counted up to :most, and along an index that holds little else; each
-- query has :user_id, also where the work is anybody's (IS NOT NULL), so that all are asked in one way.

-- name: meter_totals
-- Meters in use by medium: how many were heard in time, and what is wrong with them. Reads the whole registry. 'silent' as in the lists
-- (fleet/meters.py); the tasks' modes are only looked up of meters that the shortest period makes doubtful.
SELECT p.medium, count(*) AS active, count(*) FILTER (WHERE s.last_seen_us IS NULL) AS never_seen,
       count(*) FILTER (WHERE CASE WHEN s.last_seen_us >= :now_us::bigint - 86400000000 * (SELECT min(d) FROM unnest(:silent_days::bigint[]) d) THEN false
         ELSE s.last_seen_us < :now_us::bigint - 86400000000 * (:silent_days::bigint[])[array_position(:modes::text[], coalesce(m.report_mode,
           CASE WHEN (SELECT count(*) FROM collection_task k WHERE k.tenant_id = :tenant_id AND k.frequency IS NOT NULL) > 0
                THEN task_mode(m.tenant_id, m.meter_id, m.area_id, m.product_id) END, p.report_mode))] END) AS silent,
       count(*) FILTER (WHERE s.event_mask & :low_battery::bigint <> 0) AS low_battery,
       count(*) FILTER (WHERE s.valve = 1) AS valves_closed, count(*) FILTER (WHERE s.valve = 2) AS valves_faulty
  FROM meter m JOIN product p USING (product_id) LEFT JOIN meter_state s ON s.meter_id = m.meter_id
 WHERE m.tenant_id = :tenant_id AND m.removed_on IS NULL AND p.kind = 'meter'
 GROUP BY p.medium ORDER BY p.medium

-- name: first_steps
-- What a utility that heard no meter yet has of what it takes. Each is an index's first row, and what was
-- heard is looked for among a thousand meters: the totals tell it of all within a minute, and then nobody asks this.
SELECT EXISTS (SELECT FROM area WHERE tenant_id = :tenant_id) AS areas, EXISTS (SELECT FROM product WHERE tenant_id = :tenant_id) AS products,
       EXISTS (SELECT FROM meter WHERE tenant_id = :tenant_id) AS meters, EXISTS (SELECT FROM device_key WHERE tenant_id = :tenant_id) AS keys,
       EXISTS (SELECT FROM (SELECT s.last_seen_us FROM meter m JOIN meter_state s ON s.meter_id = m.meter_id WHERE m.tenant_id = :tenant_id LIMIT 1000) f
                WHERE f.last_seen_us IS NOT NULL) AS heard,
       (SELECT count(*) FROM app_user WHERE tenant_id = :tenant_id AND role <> 'application') > 1 AS people

-- name: timeline
-- What happened to a meter, newest first. Each part is short by itself and read along an index of the meter; the trail by its object.
SELECT t.at_us, t.kind, t.code, t.outcome, t.who, t.reason, t.reference FROM (
  SELECT a.received_us AS at_us, 'alarm_raised' AS kind, a.event AS code, a.severity AS outcome, '' AS who, '' AS reason, a.alarm_id AS reference
    FROM alarm a WHERE a.tenant_id = :tenant_id AND a.meter_id = :meter_id
  UNION ALL
  SELECT a.cleared_us, 'alarm_cleared', a.event, '', '', '', a.alarm_id
    FROM alarm a WHERE a.tenant_id = :tenant_id AND a.meter_id = :meter_id AND a.cleared_us IS NOT NULL
  UNION ALL
  SELECT c.created_us, 'command_given', c.kind, '', coalesce(u.name, ''), '', c.command_id
    FROM command c LEFT JOIN app_user u ON u.user_id = c.created_by WHERE c.tenant_id = :tenant_id AND c.meter_id = :meter_id
  UNION ALL
  SELECT c.ended_us, 'command_ended', c.kind, c.state, '', c.reason, c.command_id
    FROM command c WHERE c.tenant_id = :tenant_id AND c.meter_id = :meter_id AND c.ended_us IS NOT NULL
  UNION ALL
  SELECT (extract(epoch FROM x.found_at) * 1000000)::bigint, 'finding', x.rule::text, x.status, coalesce(u.name, ''), x.reason, x.exception_id
    FROM reading_exception x LEFT JOIN app_user u ON u.user_id = x.judged_by WHERE x.tenant_id = :tenant_id AND x.meter_id = :meter_id
  UNION ALL
  SELECT e.made_us, 'edit', CASE WHEN e.undoes IS NULL THEN 'edit' ELSE 'undo' END, e.state, coalesce(u.name, ''), e.reason, e.edit_id
    FROM reading_edit e LEFT JOIN app_user u ON u.user_id = e.author_id WHERE e.tenant_id = :tenant_id AND e.meter_id = :meter_id
  UNION ALL
  SELECT r.at_s * 1000000, 'manual_reading', r.source, '', coalesce(u.name, ''), r.note, r.reading_id
    FROM manual_reading r LEFT JOIN app_user u ON u.user_id = r.author_id WHERE r.tenant_id = :tenant_id AND r.meter_id = :meter_id
  UNION ALL
  SELECT s.ordered_us, 'safety_closing', s.reason::text, CASE WHEN s.lifted_us IS NULL THEN 'stands' ELSE 'lifted' END, '', s.evidence, s.safety_id
    FROM meter_safety s WHERE s.tenant_id = :tenant_id AND s.meter_id = :meter_id
  UNION ALL
  SELECT (extract(epoch FROM l.at) * 1000000)::bigint, 'act', l.action, '', l.actor, l.reason, l.audit_id
    FROM audit l WHERE :has_trail::boolean AND l.tenant_id = :tenant_id AND l.object_type = 'meter' AND l.object_id = (:meter_id::bigint)::text
) t
 WHERE :before_us::bigint IS NULL OR (t.at_us, t.kind, t.reference) < (:before_us, :before_kind::text, :before_reference::bigint)
 ORDER BY t.at_us DESC, t.kind DESC, t.reference DESC LIMIT :most

-- name: closed_for_safety
-- Meters whose safety closing stands.
SELECT count(*) FROM meter_safety WHERE tenant_id = :tenant_id AND lifted_us IS NULL

-- name: waiting_approvals
-- Commands that wait for a second person other than who gave them. No number within the meter yet, so the index of what is taken in has them.
SELECT count(*) FROM (SELECT FROM command WHERE tenant_id = :tenant_id AND serial IS NULL AND ended_us IS NULL AND state = 'quarantined'
          AND created_by IS DISTINCT FROM :user_id::bigint LIMIT :most) AS few

-- name: waiting_edits
-- Edits of readings by others that a second person decides.
SELECT count(*) FROM (SELECT FROM reading_edit WHERE tenant_id = :tenant_id AND state = 'pending' AND author_id <> :user_id::bigint LIMIT :most) AS few

-- name: waiting_ledger_acts
-- Refunds, reversals and the like, asked for by others.
SELECT count(*) FROM (SELECT FROM ledger_act WHERE tenant_id = :tenant_id AND state = 'pending' AND author_id <> :user_id::bigint LIMIT :most) AS few

-- name: waiting_plans
-- Plans of tariffs that others drafted. Plans are few.
SELECT count(*) FROM (SELECT FROM tariff_plan WHERE tenant_id = :tenant_id AND state = 'draft' AND author_id <> :user_id::bigint LIMIT :most) AS few

-- name: waiting_exceptions
-- Readings to be reviewed.
SELECT count(*) FROM (SELECT FROM reading_exception WHERE tenant_id = :tenant_id AND status = 'open' AND :user_id::bigint IS NOT NULL LIMIT :most) AS few

-- name: waiting_batches_stopped
-- Batches of commands that stopped by themselves, and wait for somebody to look.
SELECT count(*) FROM (SELECT FROM command_batch WHERE tenant_id = :tenant_id AND state = 'stopped' AND :user_id::bigint IS NOT NULL LIMIT :most) AS few

-- name: waiting_visits
-- Meters that somebody has to visit.
SELECT count(*) FROM (SELECT DISTINCT meter_id FROM reread_gap WHERE tenant_id = :tenant_id AND state = 'visit' AND :user_id::bigint IS NOT NULL LIMIT :most) AS few

-- name: waiting_own_orders
-- Work orders that this person was sent for and has not done.
SELECT count(*) FROM (SELECT FROM work_order WHERE tenant_id = :tenant_id AND assignee_id = :user_id::bigint AND ended_us IS NULL
          AND state IN ('assigned', 'accepted', 'working', 'waiting') LIMIT :most) AS few

-- name: waiting_orders_to_assign
-- Work orders for which nobody was sent.
SELECT count(*) FROM (SELECT FROM work_order WHERE tenant_id = :tenant_id AND ended_us IS NULL AND state = 'new'
          AND :user_id::bigint IS NOT NULL LIMIT :most) AS few

-- name: waiting_orders_to_check
-- Work orders that others have done, and nobody has looked at.
SELECT count(*) FROM (SELECT FROM work_order WHERE tenant_id = :tenant_id AND ended_us IS NULL AND state = 'done'
          AND done_by IS DISTINCT FROM :user_id::bigint LIMIT :most) AS few

-- name: waiting_unknown_terminals
-- Terminals that nobody registered.
SELECT count(*) FROM (SELECT FROM onboarding o WHERE o.tenant_id = :tenant_id AND o.status = 'open' AND :user_id::bigint IS NOT NULL
          AND NOT EXISTS (SELECT FROM meter m WHERE m.imei = o.imei) LIMIT :most) AS few

-- name: waiting_dead_letters
-- Messages that could not be used.
SELECT count(*) FROM (SELECT FROM dead_letter WHERE tenant_id = :tenant_id AND status = 'open' AND :user_id::bigint IS NOT NULL LIMIT :most) AS few
