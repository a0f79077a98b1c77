-- SPDX-License-Identifier: Apache-2.0
-- Notices as the worker asks for them: role openmains_pipeline, all tenants.

-- name: left_on_their_way
-- By an earlier process that ended: they wait again, in the same bundles.
UPDATE notice SET state = 'waiting', due_us = least(due_us, claimed_us) WHERE state = 'sending'

-- name: meter_places
-- Where meters are.
SELECT m.meter_id, m.address, a.name AS area, a.path
  FROM meter m JOIN area a ON a.tenant_id = m.tenant_id AND a.area_id = m.area_id WHERE m.meter_id = ANY (:meter_ids::bigint[])

-- name: node_places
-- What people call the nodes of these alarms, and where they stand.
SELECT l.alarm_id, node_name(l.concentrator_id, l.relay) AS address, a.name AS area, coalesce(a.path, '') AS path, l.node
  FROM alarm l LEFT JOIN area a ON a.tenant_id = l.tenant_id AND a.area_id = l.area_id
 WHERE l.alarm_id = ANY (:alarm_ids::bigint[]) AND l.concentrator_id IS NOT NULL

-- name: area_places
-- Where areas stand.
SELECT area_id, name AS area, path FROM area WHERE area_id = ANY (:area_ids::int[])

-- name: rota_policies
-- Policies in force of a utility, with the path of their area.
SELECT p.policy_id, p.settings, p.area_id, a.path, a.path_end
  FROM notice_policy p LEFT JOIN area a ON a.tenant_id = p.tenant_id AND a.area_id = p.area_id
 WHERE p.tenant_id = :tenant_id AND NOT p.is_gone AND (p.settings->>'is_on')::boolean ORDER BY p.policy_id

-- name: rota_persons
-- Users that are in service, with whether they can be reached by each kind of address.
SELECT u.user_id, u.locale, p.settings, coalesce(p.settings->>'email', '') <> '' AS has_email, coalesce(p.settings->>'phone', '') <> '' AS has_phone,
       coalesce(p.settings->>'openid', '') <> '' AS has_openid, EXISTS (SELECT FROM push_browser b WHERE b.user_id = u.user_id) AS has_browser
  FROM app_user u LEFT JOIN notice_person p USING (user_id)
 WHERE u.tenant_id = :tenant_id AND NOT u.disabled AND u.role <> 'application' ORDER BY u.user_id

-- name: persons_told
-- The same for whoever gives work to others, without where they are reached: past the giver's own reach (migration 0143).
SELECT user_id, locale, settings, has_email, has_phone, has_openid, has_browser FROM persons_told()

-- name: channels_told
-- Ways to send that are in use, past the giver's own reach.
SELECT channel_id, kind FROM channels_told()

-- name: rota_calendars
-- Weeks of shifts.
SELECT calendar_id, shifts FROM notice_calendar WHERE tenant_id = :tenant_id

-- name: rota_channels
-- Ways to send that are in use.
SELECT channel_id, kind FROM notice_channel WHERE tenant_id = :tenant_id AND is_on AND NOT is_gone

-- name: rota_tenant
-- The utility's own time.
SELECT zone FROM tenant WHERE tenant_id = :tenant_id

-- name: add_notices
-- Each once for its key: the same decision made again adds nothing.
INSERT INTO notice (tenant_id, key, kind, state, severity, event, alarm_id, subject, policy_id, level, user_id, channel_id, facts,
                    received_us, made_us, due_us, held, reason)
SELECT u.tenant_id, u.key, u.kind, CASE WHEN u.reason = '' THEN 'waiting' ELSE 'failed' END, u.severity, u.event, u.alarm_id, u.subject,
       u.policy_id, u.level, u.user_id, u.channel_id, u.facts, u.received_us, :now_us, u.due_us, u.held, u.reason
  FROM unnest(:tenant_id::int[], :key::text[], :kind::text[], :severity::text[], :event::text[], :alarm_id::bigint[], :subject::text[],
              :policy_id::bigint[], :level::int[], :user_id::bigint[], :channel_id::bigint[], :facts::jsonb[], :received_us::bigint[],
              :due_us::bigint[], :held::text[], :reason::text[])
       AS u(tenant_id, key, kind, severity, event, alarm_id, subject, policy_id, level, user_id, channel_id, facts, received_us, due_us,
            held, reason)
ON CONFLICT (tenant_id, key) DO NOTHING

-- name: add_timers
-- One for each raise and policy.
INSERT INTO notice_timer (origin, policy_id, tenant_id, subject, level, raised_us, due_us)
SELECT u.* FROM unnest(:origin::bigint[], :policy_id::bigint[], :tenant_id::int[], :subject::text[], :level::int[], :raised_us::bigint[],
                       :due_us::bigint[]) AS u
ON CONFLICT (origin, policy_id) DO UPDATE SET level = excluded.level, due_us = excluded.due_us

-- name: end_timers
-- Somebody acknowledged, or it is over.
DELETE FROM notice_timer t USING unnest(:tenant_id::int[], :subject::text[]) AS u(tenant_id, subject)
 WHERE t.subject = u.subject AND t.tenant_id = u.tenant_id

-- name: due_timers
-- Taken out; what follows is written in the same transaction.
DELETE FROM notice_timer t
 USING (SELECT origin, policy_id FROM notice_timer WHERE due_us <= :now_us ORDER BY due_us LIMIT :most FOR UPDATE) d
 WHERE t.origin = d.origin AND t.policy_id = d.policy_id
RETURNING t.origin, t.policy_id, t.tenant_id, t.subject, t.level, t.raised_us, t.due_us

-- name: unacknowledged
-- Of these alarms and groups those that are open and that nobody looks after, with what their texts are made of.
SELECT 'alarm:' || l.alarm_id AS subject, l.alarm_id, l.tenant_id, l.event, l.severity, l.received_us, l.value, l.unit, l.exponent,
       coalesce(m.number, l.node) AS number, coalesce(m.address, node_name(l.concentrator_id, l.relay)) AS address, a.name AS area, a.path,
       1 AS members, rule_of(l.tenant_id, l.event, l.quantity) AS rule, l.node
  FROM alarm l LEFT JOIN meter m ON m.tenant_id = l.tenant_id AND m.meter_id = l.meter_id
       LEFT JOIN area a ON a.tenant_id = l.tenant_id AND a.area_id = coalesce(m.area_id, l.area_id)
 WHERE l.alarm_id = ANY (:alarm_ids::bigint[]) AND l.cleared_us IS NULL AND l.acknowledged_at IS NULL AND l.dispatched_us IS NULL
UNION ALL
SELECT 'group:' || g.group_id, NULL, g.tenant_id, g.event, g.severity, g.received_us, NULL, NULL, NULL, NULL, '', a.name, a.path, g.members,
       rule_of(g.tenant_id, g.event, g.quantity), ''
  FROM alarm_group g LEFT JOIN area a ON a.tenant_id = g.tenant_id AND a.area_id = g.area_id
 WHERE g.group_id = ANY (:group_ids::bigint[]) AND g.cleared_us IS NULL AND g.acknowledged_at IS NULL AND g.dispatched_us IS NULL

-- name: due_customers
-- Announcements of a channel that wait no longer, the oldest first.
SELECT notice_id, key, user_id, kind, severity, event, held, facts, tries, bundle, customer_id FROM notice
 WHERE channel_id = :channel_id AND state = 'waiting' AND customer_id IS NOT NULL AND due_us <= :now_us
   AND (:all_hours::boolean OR severity = 'critical') ORDER BY due_us, notice_id LIMIT :most

-- name: phones
-- Customers' own numbers, sealed, or in clear where the worker has not sealed them yet.
SELECT c.customer_id, c.phone, p.key_id, p.nonce, p.sealed, p.blind
  FROM customer c LEFT JOIN personal p ON p.customer_id = c.customer_id AND p.contact_id IS NULL AND p.field = 'phone'
 WHERE c.customer_id = ANY (:customer_ids::bigint[])

-- name: busy_channels
-- Ways to send for which something is due, with what is needed to use them.
SELECT c.channel_id, c.tenant_id, c.kind, c.settings, c.key_id, c.nonce, c.sealed, c.per_minute, t.name AS utility, t.zone
  FROM notice_channel c JOIN tenant t USING (tenant_id)
 WHERE c.is_on AND NOT c.is_gone
   AND (EXISTS (SELECT FROM notice n WHERE n.channel_id = c.channel_id AND n.state = 'waiting' AND n.customer_id IS NULL
                   AND n.due_us <= :now_us)
        OR EXISTS (SELECT FROM notice n WHERE n.channel_id = c.channel_id AND n.state = 'waiting' AND n.customer_id IS NOT NULL
                   AND n.due_us <= :now_us))

-- name: sent_since
-- How many messages went out by a channel.
SELECT count(DISTINCT coalesce(bundle, notice_id)) FROM notice WHERE channel_id = :channel_id AND claimed_us > :since_us

-- name: due_notices
-- Those of a channel that wait no longer, the oldest first.
SELECT notice_id, key, user_id, kind, severity, event, held, facts, tries, bundle FROM notice
 WHERE channel_id = :channel_id AND state = 'waiting' AND customer_id IS NULL AND due_us <= :now_us ORDER BY due_us, notice_id LIMIT :most

-- name: claim_notices
-- They are on their way; those that are not waiting any more are left out.
UPDATE notice SET state = 'sending', tries = tries + 1, claimed_us = :now_us, bundle = :bundle
 WHERE notice_id = ANY (:notice_ids::bigint[]) AND state = 'waiting'

-- name: begin_attempts
-- Written before anything is sent: a try that was cut off is in the log too.
INSERT INTO notice_attempt (notice_id, tenant_id, at_us)
SELECT notice_id, tenant_id, :now_us FROM notice WHERE notice_id = ANY (:notice_ids::bigint[])
ON CONFLICT (notice_id, at_us) DO NOTHING

-- name: contacts
-- Where persons are reached.
SELECT u.user_id, u.locale, p.settings FROM app_user u LEFT JOIN notice_person p USING (user_id) WHERE u.user_id = ANY (:user_ids::bigint[])

-- name: browsers_of
-- In which a person takes notices, as they are sealed.
SELECT browser_id, key_id, nonce, sealed FROM push_browser WHERE user_id = :user_id AND channel_id = :channel_id AND sealed IS NOT NULL
 ORDER BY browser_id

-- name: note_browser
-- What its push service said last.
UPDATE push_browser SET accepted_us = CASE WHEN :is_accepted THEN :now_us ELSE accepted_us END,
       failed_us = CASE WHEN :is_accepted THEN failed_us ELSE :now_us END, reason = :reason WHERE browser_id = :browser_id

-- name: forget_browser
-- Its push service knows it no more.
DELETE FROM push_browser WHERE browser_id = :browser_id

-- name: templates_of
-- Words that a utility set itself.
SELECT kind, locale, subject, body FROM notice_template WHERE tenant_id = :tenant_id

-- name: finish_notices
-- What became of a try.
UPDATE notice SET state = :state, due_us = CASE WHEN :state = 'waiting' THEN :due_us ELSE due_us END, reason = :reason,
       accepted_us = CASE WHEN :state = 'accepted' THEN :now_us ELSE accepted_us END
 WHERE notice_id = ANY (:notice_ids::bigint[]) AND state = 'sending'

-- name: end_attempts
-- The same in the log.
UPDATE notice_attempt SET outcome = :outcome, reason = :reason, took_ms = (:now_us::bigint - at_us) / 1000
 WHERE notice_id = ANY (:notice_ids::bigint[]) AND at_us = :claimed_us

-- name: note_channel
-- What it said last.
UPDATE notice_channel SET accepted_us = CASE WHEN :is_accepted THEN :now_us ELSE accepted_us END,
       failed_us = CASE WHEN :is_accepted THEN failed_us ELSE :now_us END, reason = CASE WHEN :is_accepted THEN '' ELSE :reason END
 WHERE channel_id = (SELECT channel_id FROM notice WHERE notice_id = :notice_id)

-- name: forget_notices
-- The communication log is kept for a year (R14.3).
DELETE FROM notice WHERE made_us < :before_us AND state IN ('accepted', 'failed')
