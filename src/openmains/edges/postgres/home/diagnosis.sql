-- SPDX-License-Identifier: Apache-2.0
-- The evidence of a diagnosis of one meter (R7.4): each statement is short, along an index of the meter, its account or its area.

-- name: evidence_of_meter
-- The meter, its state, its terminal, its account; one row.
SELECT m.meter_id, m.area_id, coalesce(m.imsi, '') AS imsi, coalesce(m.iccid, '') AS iccid, m.imei, p.driver,
       coalesce(m.report_mode, task_mode(m.tenant_id, m.meter_id, m.area_id, m.product_id), p.report_mode) AS report_mode,
       s.last_seen_us, s.rsrp_ddbm, s.sinr_ddb, s.battery_mv, s.battery_pct, s.valve, s.balance, s.event_mask, s.cell,
       coalesce(t.state, 'allowed') AS terminal, coalesce(t.seen_imsi, '') AS seen_imsi, coalesce(t.seen_iccid, '') AS seen_iccid,
       (m.imei IS NULL OR EXISTS (SELECT FROM device_key k WHERE k.imei = m.imei AND k.tenant_id = m.tenant_id)) AS has_key,
       (SELECT i.account_id FROM installation i WHERE i.tenant_id = m.tenant_id AND i.meter_id = m.meter_id AND upper_inf(i.during)
         ORDER BY i.installation_id DESC LIMIT 1) AS account_id
  FROM meter m JOIN product p USING (product_id) LEFT JOIN meter_state s ON s.meter_id = m.meter_id
       LEFT JOIN terminal t ON t.imei = m.imei AND t.tenant_id = m.tenant_id AND t.meter_id = m.meter_id
 WHERE m.tenant_id = :tenant_id AND m.meter_id = :meter_id

-- name: evidence_alarms
-- Events of its open alarms.
SELECT DISTINCT event FROM alarm WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND cleared_us IS NULL

-- name: evidence_refusal
-- The newest refusal at the door under its IMEI.
SELECT stage, reason, attempts, last_us FROM access_refusal WHERE tenant_id = :tenant_id AND imei = :imei ORDER BY last_us DESC LIMIT 1

-- name: evidence_letters
-- Its open dead letters: how many, up to a hundred, and the newest.
SELECT count(*) AS count, (array_agg(d.reason ORDER BY d.dead_letter_id DESC))[1] AS reason,
       (array_agg(d.detail ORDER BY d.dead_letter_id DESC))[1] AS detail, max(d.received_us) AS last_us
  FROM (SELECT dead_letter_id, reason, detail, received_us FROM dead_letter
         WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND status = 'open' ORDER BY dead_letter_id DESC LIMIT 100) d

-- name: evidence_neighbours
-- Others of its area, at most 300: of those in its radio cell how many were not heard in time and what signal they have; of all how many are
-- closed.
SELECT count(*) AS meters, count(*) FILTER (WHERE n.valve = 1) AS closed, count(*) FILTER (WHERE n.cell = :cell) AS in_cell,
       count(*) FILTER (WHERE n.cell = :cell AND n.last_seen_us < :late_before_us) AS late,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY n.rsrp_ddbm) FILTER (WHERE n.cell = :cell) AS rsrp_ddbm
  FROM (SELECT s.valve, s.cell, s.last_seen_us, s.rsrp_ddbm FROM meter m JOIN meter_state s USING (meter_id)
         WHERE m.tenant_id = :tenant_id AND m.area_id = :area_id AND m.removed_on IS NULL AND m.meter_id <> :meter_id LIMIT 300) n

-- name: evidence_supply
-- What others of its area, or of the areas above, say of the supply: events of open alarms that say that nothing comes.
SELECT DISTINCT a.event FROM alarm a JOIN meter m ON m.meter_id = a.meter_id JOIN area b ON b.area_id = m.area_id
       JOIN area mine ON mine.tenant_id = a.tenant_id AND mine.area_id = :area_id
 WHERE a.tenant_id = :tenant_id AND a.cleared_us IS NULL AND a.event = ANY (:events::text[]) AND a.meter_id <> :meter_id
   AND mine.path >= b.path AND mine.path < b.path_end ORDER BY a.event LIMIT 10

-- name: evidence_orders
-- Open orders of others of the area that have no gas or water.
SELECT count(*) FROM work_order WHERE tenant_id = :tenant_id AND ended_us IS NULL AND kind = 'no_supply' AND area_id = :area_id
   AND meter_id IS DISTINCT FROM :meter_id

-- name: evidence_safety
-- The closing for safety that stands.
SELECT reason FROM meter_safety WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND lifted_us IS NULL ORDER BY safety_id DESC LIMIT 1

-- name: evidence_commands
-- Its newest command about the valve that the meter confirmed, and the newest that has no end.
(SELECT 'valve' AS what, c.command_id, c.kind, c.state, c.reason, c.sent_us, c.ended_us, coalesce(u.name, '') AS by
   FROM command c LEFT JOIN app_user u ON u.user_id = c.created_by
  WHERE c.tenant_id = :tenant_id AND c.meter_id = :meter_id AND c.kind IN ('valve_open', 'valve_close') AND c.state = 'confirmed'
  ORDER BY c.command_id DESC LIMIT 1)
UNION ALL
(SELECT 'open', c.command_id, c.kind, c.state, c.reason, c.sent_us, c.ended_us, coalesce(u.name, '')
   FROM command c LEFT JOIN app_user u ON u.user_id = c.created_by
  WHERE c.tenant_id = :tenant_id AND c.meter_id = :meter_id AND c.ended_us IS NULL ORDER BY c.command_id DESC LIMIT 1)

-- name: evidence_debt
-- What its account owes of bills that were due before a day: the newest version of each month less what was paid on it.
SELECT coalesce(sum(b.total_fen - coalesce(p.fen, 0)), 0)::bigint AS fen
  FROM bill b LEFT JOIN LATERAL (SELECT sum(s.fen) AS fen FROM bill_settlement s WHERE s.bill_id = b.bill_id AND NOT s.of_fee) p ON true
 WHERE b.tenant_id = :tenant_id AND b.account_id = :account_id AND b.due_day < :today
   AND b.version = (SELECT max(w.version) FROM bill w WHERE w.tenant_id = b.tenant_id AND w.account_id = b.account_id AND w.month = b.month)
