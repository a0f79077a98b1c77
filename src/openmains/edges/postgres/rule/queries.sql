-- SPDX-License-Identifier: Apache-2.0
-- Rules as people make them, and what they propose (role openmains_api).

-- name: rules
-- Of a tenant, newest first, each with its newest version, at how many meters it is fulfilled and how many alarms of it are open.
SELECT r.rule_id, r.name, r.is_on, v.version, v.draft::text AS draft, v.zh, v.en, v.effective_us, v.made_by, coalesce(u.name, '') AS made_by_name,
       v.made_us, v.reason, (SELECT count(*) FROM rule_standing s WHERE s.rule_id = r.rule_id AND s.tenant_id = r.tenant_id) AS standing,
       (SELECT count(*) FROM alarm a WHERE a.tenant_id = r.tenant_id AND a.event = 'rule_fired' AND a.quantity = 'rule.' || r.rule_id
           AND a.cleared_us IS NULL) AS open_alarms,
       v.version = (SELECT f.version FROM rule_version f WHERE f.rule_id = r.rule_id AND f.effective_us <= :now_us
                     ORDER BY f.effective_us DESC, f.version DESC LIMIT 1) AS in_force
  FROM rule r JOIN LATERAL (SELECT * FROM rule_version w WHERE w.rule_id = r.rule_id ORDER BY w.version DESC LIMIT 1) v ON true
       LEFT JOIN app_user u ON u.user_id = v.made_by
 WHERE r.tenant_id = :tenant_id AND (:after::int IS NULL OR r.rule_id < :after) AND (:rule_id::int IS NULL OR r.rule_id = :rule_id)
 ORDER BY r.rule_id DESC LIMIT :most

-- name: lock_rule
-- One rule, until the transaction ends.
SELECT rule_id FROM rule WHERE tenant_id = :tenant_id AND rule_id = :rule_id FOR UPDATE

-- name: rule_versions
-- Newest first.
SELECT v.version, v.draft::text AS draft, v.zh, v.en, v.effective_us, v.made_by, coalesce(u.name, '') AS made_by_name, v.made_us, v.reason,
       v.version = (SELECT f.version FROM rule_version f WHERE f.rule_id = v.rule_id AND f.effective_us <= :now_us
                     ORDER BY f.effective_us DESC, f.version DESC LIMIT 1) AS in_force
  FROM rule_version v LEFT JOIN app_user u ON u.user_id = v.made_by
 WHERE v.tenant_id = :tenant_id AND v.rule_id = :rule_id ORDER BY v.version DESC LIMIT 500

-- name: add_rule
-- Off; nothing where the name is taken.
INSERT INTO rule (tenant_id, name, made_by) VALUES (:tenant_id, :name, :user_id) ON CONFLICT (tenant_id, name) DO NOTHING RETURNING rule_id

-- name: add_rule_version
-- The next one.
INSERT INTO rule_version (rule_id, version, line, tenant_id, draft, zh, en, product_id, area_id, effective_us, made_by, made_us, reason)
SELECT :rule_id, coalesce(max(w.version), 0) + 1,
       coalesce(min(w.line) FILTER (WHERE w.draft -> 'condition' = :draft::text::jsonb -> 'condition'
         AND w.draft -> 'held_s' = :draft::text::jsonb -> 'held_s' AND w.product_id IS NOT DISTINCT FROM :product_id), max(w.version) + 1, 1),
       :tenant_id, :draft::text::jsonb, :zh, :en, :product_id, :area_id, :effective_us, :user_id, :now_us, :reason
  FROM rule_version w WHERE w.rule_id = :rule_id

-- name: note_trial
-- What a trial found, in place of the last one of the same; what is older than a year is not asked for.
WITH old AS (DELETE FROM rule_trial WHERE tenant_id = :tenant_id AND tried_us < :now_us - 366 * 86400000000::bigint AND judges <> :judges)
INSERT INTO rule_trial (tenant_id, judges, tried_us, tried_by, days, looked_at, is_whole, fired, meters, untold)
VALUES (:tenant_id, :judges, :now_us, :user_id, :days, :looked_at, :is_whole, :fired, :meters, :untold::text[])
ON CONFLICT (tenant_id, judges) DO UPDATE SET tried_us = excluded.tried_us, tried_by = excluded.tried_by, days = excluded.days,
       looked_at = excluded.looked_at, is_whole = excluded.is_whole, fired = excluded.fired, meters = excluded.meters, untold = excluded.untold

-- name: tried
-- What trials of these found.
SELECT t.judges, t.tried_us, t.tried_by, coalesce(u.name, '') AS by_name, t.days, t.looked_at, t.is_whole, t.fired, t.meters, t.untold
  FROM rule_trial t LEFT JOIN app_user u ON u.user_id = t.tried_by WHERE t.tenant_id = :tenant_id AND t.judges = ANY (:judges::text[])

-- name: has_order_kind
-- A kind of work orders of the utility's own, in use.
SELECT EXISTS (SELECT FROM work_order_kind WHERE tenant_id = :tenant_id AND code = :code AND (settings ->> 'is_on')::boolean IS NOT FALSE)

-- name: touch_rule
-- Whoever keeps rules in memory reads them anew.
UPDATE rule SET revision = revision + 1 WHERE tenant_id = :tenant_id AND rule_id = :rule_id

-- name: switch_rule
-- On or off.
UPDATE rule SET is_on = :is_on, revision = revision + 1 WHERE tenant_id = :tenant_id AND rule_id = :rule_id

-- name: rule_area
-- The areas that a rule in this one is for: itself and what is below it; none where there is no such area.
SELECT b.area_id FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
 WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id

-- name: rule_meters
-- For whom a rule would be, the first ones, with the radio cell they were heard in.
SELECT m.meter_id, m.number, m.area_id, coalesce(s.cell, 0) AS cell
  FROM ruled_meters(:tenant_id, :product_id, :areas::int[], :classes::text[], :dn_from, :dn_to) m LEFT JOIN meter_state s USING (meter_id)
 ORDER BY m.meter_id LIMIT :most

-- name: past_alarms
-- Events of meters as their alarms tell, from when to when, by meter.
SELECT meter_id, event, received_us, cleared_us FROM alarm
 WHERE tenant_id = :tenant_id AND meter_id = ANY (:meter_ids::bigint[]) AND event = ANY (:events::text[])
   AND (cleared_us IS NULL OR cleared_us >= :since_us)
 ORDER BY meter_id, received_us

-- name: past_commands
-- Commands that were sent, and when the meter answered or it was given up.
SELECT meter_id, kind, sent_us, ended_us FROM command
 WHERE tenant_id = :tenant_id AND meter_id = ANY (:meter_ids::bigint[]) AND sent_us IS NOT NULL AND (ended_us IS NULL OR ended_us >= :since_us)
   AND (:kind::text = '' OR kind = :kind)

-- name: past_gaps
-- Days that were due and not there: from when, and until when where something of them came.
SELECT meter_id, due_s, CASE WHEN state IN ('filled', 'closed') THEN changed_s END AS end_s FROM reread_gap
 WHERE tenant_id = :tenant_id AND meter_id = ANY (:meter_ids::bigint[]) AND (state NOT IN ('filled', 'closed') OR changed_s >= :since_s)

-- name: proposals
-- Commands that rules propose, newest first.
SELECT p.proposal_id, p.rule_id, r.name AS rule, p.meter_id, m.number, p.kind, p.params::text AS params, p.state, p.made_us, p.decided_us,
       p.decided_by, p.reason, p.command_id
  FROM rule_proposal p JOIN rule r USING (rule_id) JOIN meter m ON m.meter_id = p.meter_id
 WHERE p.tenant_id = :tenant_id AND (:after::bigint IS NULL OR p.proposal_id < :after) AND (:state::text IS NULL OR p.state = :state)
   AND (:proposal_id::bigint IS NULL OR p.proposal_id = :proposal_id)
 ORDER BY p.proposal_id DESC LIMIT :most

-- name: decline_proposal
-- Once: only what is open.
UPDATE rule_proposal SET state = 'declined', decided_us = :now_us, decided_by = :user_id, reason = :reason
 WHERE tenant_id = :tenant_id AND proposal_id = :proposal_id AND state = 'open'

-- name: take_proposal
-- Before its command is given: nobody else decides from here on. Anew by who was cut off.
UPDATE rule_proposal SET state = 'given', decided_us = :now_us, decided_by = :user_id, reason = :reason
 WHERE tenant_id = :tenant_id AND proposal_id = :proposal_id AND (state = 'open' OR state = 'given' AND command_id IS NULL)

-- name: release_proposal
-- The command was refused: open again, unless its alarm ended meanwhile.
UPDATE rule_proposal p SET state = CASE WHEN a.cleared_us IS NULL THEN 'open' ELSE 'over' END, decided_us = a.cleared_us, decided_by = NULL, reason = ''
  FROM alarm a WHERE p.tenant_id = :tenant_id AND p.proposal_id = :proposal_id AND p.state = 'given' AND p.command_id IS NULL
   AND a.tenant_id = p.tenant_id AND a.alarm_id = p.alarm_id

-- name: name_command
-- The command that it became; once. What went out is given, whatever was said meanwhile.
UPDATE rule_proposal SET state = 'given', decided_us = :now_us, decided_by = :user_id, reason = :reason, command_id = :command_id
 WHERE tenant_id = :tenant_id AND proposal_id = :proposal_id AND command_id IS NULL
