-- SPDX-License-Identifier: Apache-2.0
-- Work orders as people make, send and end them: role openmains_api, one tenant; the worker asks some of them within a tenant too.

-- name: own_kinds
-- What a utility set in place of the program's kinds.
SELECT code, settings FROM work_order_kind WHERE tenant_id = :tenant_id ORDER BY code

-- name: set_kind
-- The utility's own.
INSERT INTO work_order_kind (tenant_id, code, settings, changed_us, changed_by) VALUES (:tenant_id, :code, :settings, :now_us, :user_id)
ON CONFLICT (tenant_id, code) DO UPDATE SET settings = excluded.settings, changed_us = excluded.changed_us, changed_by = excluded.changed_by

-- name: drop_kind
-- The program's again.
DELETE FROM work_order_kind WHERE tenant_id = :tenant_id AND code = :code

-- name: kind_is_used
-- By an order or a plan.
SELECT EXISTS (SELECT FROM work_order WHERE tenant_id = :tenant_id AND kind = :code)
    OR EXISTS (SELECT FROM inspection_plan WHERE tenant_id = :tenant_id AND kind = :code)

-- name: technicians
-- Users who go out, with how many orders they have to do; ``user_id`` null: all.
SELECT t.user_id, u.login, u.name, t.skills, t.area_ids, t.is_on,
       (SELECT count(*) FROM work_order w WHERE w.tenant_id = t.tenant_id AND w.assignee_id = t.user_id AND w.ended_us IS NULL AND w.done_us IS NULL)
         AS open_orders,
       ARRAY(SELECT a.path FROM area a WHERE a.tenant_id = t.tenant_id AND a.area_id = ANY (t.area_ids) ORDER BY a.path) AS paths,
       ARRAY(SELECT a.path_end FROM area a WHERE a.tenant_id = t.tenant_id AND a.area_id = ANY (t.area_ids) ORDER BY a.path) AS path_ends
  FROM technician t JOIN app_user u USING (user_id)
 WHERE t.tenant_id = :tenant_id AND NOT u.disabled AND (:user_id::bigint IS NULL OR t.user_id = :user_id) ORDER BY u.login

-- name: set_technician
-- What a user is sent for.
INSERT INTO technician (user_id, tenant_id, skills, area_ids, is_on) VALUES (:user_id, :tenant_id, :skills, :area_ids, :is_on)
ON CONFLICT (user_id) DO UPDATE SET skills = excluded.skills, area_ids = excluded.area_ids, is_on = excluded.is_on

-- name: role_of_worker
-- Of a user of the tenant who is in service, with what it may do where it is the utility's own.
SELECT u.role, (SELECT r.permissions FROM own_role r WHERE r.tenant_id = u.tenant_id AND r.role_id = u.own_role_id) AS own
  FROM app_user u WHERE u.tenant_id = :tenant_id AND u.user_id = :user_id AND NOT u.disabled AND u.role <> 'application'

-- name: known_areas
-- Which of these areas there are.
SELECT area_id FROM area WHERE tenant_id = :tenant_id AND area_id = ANY (:area_ids::int[])

-- name: place_of_meter
-- Where a meter is; of which account and premises, where it hangs.
SELECT m.area_id, b.path, b.name AS area, coalesce(nullif(m.address, ''), p.address, '') AS address, a.premises_id, a.account_id, m.meter_id, m.number
  FROM meter m JOIN area b ON b.tenant_id = m.tenant_id AND b.area_id = m.area_id
       LEFT JOIN installation i ON i.tenant_id = m.tenant_id AND i.meter_id = m.meter_id AND upper_inf(i.during)
       LEFT JOIN account a ON a.tenant_id = m.tenant_id AND a.account_id = i.account_id
       LEFT JOIN premises p ON p.tenant_id = m.tenant_id AND p.premises_id = a.premises_id
 WHERE m.tenant_id = :tenant_id AND m.meter_id = :meter_id

-- name: place_of_account
-- Where an account is, with the meter that hangs there where it is one.
SELECT p.area_id, b.path, b.name AS area, p.address, a.premises_id, a.account_id, m.meter_id, m.number
  FROM account a JOIN premises p ON p.tenant_id = a.tenant_id AND p.premises_id = a.premises_id
       JOIN area b ON b.tenant_id = a.tenant_id AND b.area_id = p.area_id
       LEFT JOIN LATERAL (SELECT n.meter_id, n.number FROM installation i JOIN meter n ON n.tenant_id = i.tenant_id AND n.meter_id = i.meter_id
                           WHERE i.tenant_id = a.tenant_id AND i.account_id = a.account_id AND upper_inf(i.during)
                           ORDER BY i.role IN ('household', 'master') DESC, i.installation_id LIMIT 1) m ON true
 WHERE a.tenant_id = :tenant_id AND a.account_id = :account_id

-- name: place_of_premises
-- Where premises are.
SELECT p.area_id, b.path, b.name AS area, p.address, p.premises_id, NULL::bigint AS account_id, NULL::bigint AS meter_id, NULL::text AS number
  FROM premises p JOIN area b ON b.tenant_id = p.tenant_id AND b.area_id = p.area_id
 WHERE p.tenant_id = :tenant_id AND p.premises_id = :premises_id

-- name: place_of_area
-- An area as a place.
SELECT b.area_id, b.path, b.name AS area, '' AS address, NULL::bigint AS premises_id, NULL::bigint AS account_id, NULL::bigint AS meter_id,
       NULL::text AS number
  FROM area b WHERE b.tenant_id = :tenant_id AND b.area_id = :area_id

-- name: order_of_key
-- The order or act that has a key.
SELECT order_id, asked FROM work_order WHERE tenant_id = :tenant_id AND key = :key
UNION ALL
SELECT order_id, asked FROM work_order_act WHERE tenant_id = :tenant_id AND key = :key
LIMIT 1

-- name: open_order_of
-- The one that has not ended, of an alarm, a group or a hazard.
SELECT order_id FROM work_order
 WHERE tenant_id = :tenant_id AND ended_us IS NULL
   AND (alarm_id = :alarm_id::bigint OR group_id = :group_id::bigint OR hazard_id = :hazard_id::bigint) LIMIT 1

-- name: add_order
-- Nothing comes back where the key, or the alarm and so on, is taken.
INSERT INTO work_order (tenant_id, key, asked, kind, source, state, severity, title, what, reporter, area_id, address, premises_id, account_id,
                        meter_id, alarm_id, group_id, plan_id, hazard_id, assignee_id, made_us, made_by, due_us, fen_an_hour)
VALUES (:tenant_id, :key, :asked, :kind, :source, :state, :severity, :title, :what, :reporter, :area_id, :address, :premises_id, :account_id,
        :meter_id, :alarm_id, :group_id, :plan_id, :hazard_id, :assignee_id, :now_us, :user_id, :due_us, :fen_an_hour)
ON CONFLICT DO NOTHING RETURNING order_id

-- name: held_orders
-- Orders as steps are decided on them: one, or those of which somebody is to be told that they are late; with the last step, when it was
-- done and when it came in.
SELECT w.order_id, w.kind, w.source, w.state, w.severity, w.title, w.what, w.reporter, w.alarm_id, w.group_id, w.plan_id, w.hazard_id,
       w.area_id, b.path, b.name AS area, w.address, w.premises_id, w.account_id, w.meter_id, m.number, w.assignee_id, w.made_us, w.made_by,
       w.due_us, w.left_s, w.started_us, w.done_us, w.done_by, w.ended_us, w.ended_by, w.outcome, w.result, w.is_remote, w.command_id,
       w.new_meter_id, w.reading_id, w.answers, w.signer, w.labour_min,
       (SELECT count(*) FROM work_order_photo f WHERE f.order_id = w.order_id AND f.purpose = 'photo') AS photos,
       (SELECT count(*) FROM work_order_photo f WHERE f.order_id = w.order_id AND f.purpose = 'signature') AS signatures,
       ARRAY(SELECT h.item FROM hazard h WHERE h.order_id = w.order_id) AS hazards, l.acted_us AS last_us, l.at_us AS last_at_us
  FROM work_order w JOIN area b ON b.tenant_id = w.tenant_id AND b.area_id = w.area_id
       LEFT JOIN meter m ON m.tenant_id = w.tenant_id AND m.meter_id = w.meter_id
       LEFT JOIN LATERAL (SELECT a.acted_us, a.at_us FROM work_order_act a
                           WHERE a.order_id = w.order_id AND a.step NOT IN ('note', 'photo', 'exchange', 'reading', 'hazard')
                           ORDER BY a.act_id DESC LIMIT 1) l ON true
 WHERE w.tenant_id = :tenant_id

-- name: write_order
-- What steps change. One that is due at another instant may be told of again.
UPDATE work_order
   SET state = :state, assignee_id = :assignee_id, due_us = :due_us, left_s = :left_s, started_us = :started_us, done_us = :done_us,
       done_by = :done_by, ended_us = :ended_us, ended_by = :ended_by, outcome = :outcome, result = :result, is_remote = :is_remote,
       command_id = :command_id, new_meter_id = :new_meter_id, reading_id = :reading_id, answers = :answers, signer = :signer,
       labour_min = :labour_min, overdue_told_us = CASE WHEN due_us IS DISTINCT FROM :due_us::bigint THEN NULL ELSE overdue_told_us END
 WHERE tenant_id = :tenant_id AND order_id = :order_id

-- name: add_act
-- Nothing comes back where the key is taken.
INSERT INTO work_order_act (tenant_id, order_id, key, asked, step, state, at_us, acted_us, user_id, reason, facts)
VALUES (:tenant_id, :order_id, :key, :asked, :step, :state, :at_us, :acted_us, :user_id, :reason, :facts)
ON CONFLICT (tenant_id, key) DO NOTHING RETURNING act_id

-- name: add_parts
-- Of an act.
INSERT INTO work_order_part (tenant_id, order_id, act_id, code, name, unit, quantity_milli, fen)
SELECT :tenant_id, :order_id, :act_id, u.*
  FROM unnest(:code::text[], :name::text[], :unit::text[], :quantity_milli::bigint[], :fen::bigint[]) AS u

-- name: add_photo
-- With its bytes.
INSERT INTO work_order_photo (tenant_id, order_id, act_id, purpose, note, media_type, sha256, content, key_id, nonce)
VALUES (:tenant_id, :order_id, :act_id, :purpose, :note, :media_type, :sha256, :content, :key_id, :nonce) RETURNING photo_id

-- name: photo
-- Its bytes, and what they are sealed to.
SELECT f.media_type, f.content, f.sha256, a.key AS act_key, f.key_id, f.nonce FROM work_order_photo f JOIN work_order_act a USING (act_id)
 WHERE f.tenant_id = :tenant_id AND f.order_id = :order_id AND f.photo_id = :photo_id

-- name: orders
-- Orders with their names, one or a page; conditions follow.
SELECT w.order_id, w.kind, w.source, w.state, w.severity, w.title, w.what, w.reporter, w.area_id, w.address, w.premises_id, w.account_id,
       w.meter_id, m.number, w.alarm_id, w.group_id, w.plan_id, w.hazard_id, w.assignee_id, coalesce(u.name, '') AS assignee, w.made_us,
       w.made_by, w.due_us, w.left_s, w.started_us, w.done_us, w.done_by, w.ended_us, w.ended_by, w.outcome, w.result, w.is_remote,
       w.command_id, w.new_meter_id, w.reading_id, w.signer, w.labour_min, w.fen_an_hour, w.answers,
       (w.state <> 'cancelled' AND w.due_us < coalesce(w.done_us, :now_us)) IS TRUE AS overdue,
       (SELECT coalesce(sum((t.quantity_milli * t.fen + 500) / 1000), 0)::bigint FROM work_order_part t WHERE t.order_id = w.order_id) AS parts_fen
  FROM work_order w LEFT JOIN app_user u ON u.tenant_id = w.tenant_id AND u.user_id = w.assignee_id
       LEFT JOIN meter m ON m.tenant_id = w.tenant_id AND m.meter_id = w.meter_id
 WHERE w.tenant_id = :tenant_id

-- name: order_place
-- Where the premises of an order are on the map.
SELECT p.lat_e7, p.lon_e7 FROM premises p WHERE p.tenant_id = :tenant_id AND p.premises_id = :premises_id

-- name: order_acts
-- All that was done with an order, oldest first.
SELECT a.act_id, a.step, a.state, a.at_us, a.acted_us, a.user_id, coalesce(u.name, '') AS user, a.reason
  FROM work_order_act a LEFT JOIN app_user u ON u.tenant_id = a.tenant_id AND u.user_id = a.user_id
 WHERE a.tenant_id = :tenant_id AND a.order_id = :order_id ORDER BY a.act_id

-- name: order_parts
-- What was used.
SELECT part_id, code, name, unit, quantity_milli, fen FROM work_order_part
 WHERE tenant_id = :tenant_id AND order_id = :order_id ORDER BY part_id

-- name: order_photos
-- Pictures without their bytes.
SELECT f.photo_id, f.purpose, f.note, f.media_type, length(f.content) - CASE WHEN f.key_id IS NULL THEN 0 ELSE 16 END AS size, a.at_us, a.user_id
  FROM work_order_photo f JOIN work_order_act a USING (act_id)
 WHERE f.tenant_id = :tenant_id AND f.order_id = :order_id ORDER BY f.photo_id

-- name: order_counts
-- Orders that have not ended by state, of one technician or all.
SELECT count(*) FILTER (WHERE state = 'new') AS new, count(*) FILTER (WHERE state = 'assigned') AS assigned,
       count(*) FILTER (WHERE state = 'accepted') AS accepted, count(*) FILTER (WHERE state = 'working') AS working,
       count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'done') AS done,
       count(*) FILTER (WHERE due_us < :now_us::bigint AND done_us IS NULL) AS overdue
  FROM work_order WHERE tenant_id = :tenant_id AND ended_us IS NULL AND (:assignee_id::bigint IS NULL OR assignee_id = :assignee_id)

-- name: note_told
-- Whoever is concerned was told that these are late.
UPDATE work_order SET overdue_told_us = :now_us WHERE tenant_id = :tenant_id AND order_id = ANY (:order_ids::bigint[])

-- name: tenants_with_overdue
-- Tenants with orders of which somebody is to be told. Role openmains_pipeline.
SELECT DISTINCT tenant_id FROM work_order
 WHERE due_us < :now_us AND ended_us IS NULL AND overdue_told_us IS NULL AND done_us IS NULL ORDER BY tenant_id

-- name: tenants_with_plans
-- Tenants with plans in force, and their zone. Role openmains_pipeline.
SELECT DISTINCT p.tenant_id, t.zone FROM inspection_plan p JOIN tenant t USING (tenant_id) WHERE p.is_on ORDER BY p.tenant_id
