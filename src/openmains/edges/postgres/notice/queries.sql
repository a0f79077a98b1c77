-- SPDX-License-Identifier: Apache-2.0
-- Notices and subscriptions as the API asks for them: role openmains_api, one tenant. Secrets are written here and never read.

-- name: channels
-- Ways to send, with what the delivery log says of each last.
SELECT channel_id, name, kind, settings, secrets, per_minute, is_on, changed_us, accepted_us, failed_us, reason FROM notice_channel
 WHERE tenant_id = :tenant_id AND NOT is_gone AND (:channel_id::bigint IS NULL OR channel_id = :channel_id) ORDER BY channel_id

-- name: add_channel
-- Nothing comes back where the name is taken.
INSERT INTO notice_channel (tenant_id, name, kind, settings, per_minute, changed_us)
VALUES (:tenant_id, :name, :kind, :settings, :per_minute, :now_us)
ON CONFLICT (tenant_id, name) WHERE NOT is_gone DO NOTHING RETURNING channel_id

-- name: change_channel
-- All but its kind and its secrets.
UPDATE notice_channel SET name = :name, settings = :settings, per_minute = :per_minute, is_on = :is_on, changed_us = :now_us
 WHERE tenant_id = :tenant_id AND channel_id = :channel_id AND NOT is_gone

-- name: put_channel_secrets
-- In place of those before.
UPDATE notice_channel SET secrets = :names, key_id = :key_id, nonce = :nonce, sealed = :sealed
 WHERE tenant_id = :tenant_id AND channel_id = :channel_id

-- name: remove_channel
-- Its log stays, its secrets go.
UPDATE notice_channel SET is_gone = true, is_on = false, secrets = '{}', key_id = NULL, nonce = NULL, sealed = NULL, changed_us = :now_us
 WHERE tenant_id = :tenant_id AND channel_id = :channel_id

-- name: notice_persons
-- Users with how they are reached; those without settings too.
SELECT u.user_id, u.login, u.name, u.locale, u.disabled, p.settings
  FROM app_user u LEFT JOIN notice_person p USING (user_id)
 WHERE u.tenant_id = :tenant_id AND u.role <> 'application' AND (:user_id::bigint IS NULL OR u.user_id = :user_id) ORDER BY u.user_id

-- name: set_notice_person
-- How a person is reached.
INSERT INTO notice_person (user_id, tenant_id, settings) VALUES (:user_id, :tenant_id, :settings)
ON CONFLICT (user_id) DO UPDATE SET settings = excluded.settings

-- name: notice_calendars
-- Weeks of shifts.
SELECT calendar_id, name, shifts FROM notice_calendar WHERE tenant_id = :tenant_id ORDER BY calendar_id

-- name: add_calendar
-- Nothing comes back where the name is taken.
INSERT INTO notice_calendar (tenant_id, name, shifts) VALUES (:tenant_id, :name, :shifts)
ON CONFLICT (tenant_id, name) DO NOTHING RETURNING calendar_id

-- name: change_calendar
-- Its name and all its shifts.
UPDATE notice_calendar SET name = :name, shifts = :shifts WHERE tenant_id = :tenant_id AND calendar_id = :calendar_id

-- name: remove_calendar
-- For good; policies that name it are asked about before.
DELETE FROM notice_calendar WHERE tenant_id = :tenant_id AND calendar_id = :calendar_id

-- name: notice_policies
-- Policies with the path of their area.
SELECT p.policy_id, p.settings, p.changed_us, coalesce(u.name, '') AS changed_by, a.path, a.path_end
  FROM notice_policy p LEFT JOIN area a ON a.tenant_id = p.tenant_id AND a.area_id = p.area_id
       LEFT JOIN app_user u ON u.tenant_id = p.tenant_id AND u.user_id = p.changed_by
 WHERE p.tenant_id = :tenant_id AND NOT p.is_gone AND (:policy_id::bigint IS NULL OR p.policy_id = :policy_id) ORDER BY p.policy_id

-- name: add_policy
-- A new one.
INSERT INTO notice_policy (tenant_id, area_id, settings, changed_us, changed_by)
VALUES (:tenant_id, :area_id, :settings, :now_us, :user_id) RETURNING policy_id

-- name: change_policy
-- All of it.
UPDATE notice_policy SET area_id = :area_id, settings = :settings, changed_us = :now_us, changed_by = :user_id
 WHERE tenant_id = :tenant_id AND policy_id = :policy_id AND NOT is_gone

-- name: remove_policy
-- It decides nothing any more; its notices stay.
UPDATE notice_policy SET is_gone = true, changed_us = :now_us, changed_by = :user_id WHERE tenant_id = :tenant_id AND policy_id = :policy_id

-- name: own_templates
-- Words that the utility set itself.
SELECT kind, locale, subject, body FROM notice_template WHERE tenant_id = :tenant_id ORDER BY kind, locale

-- name: set_template
-- In place of the program's.
INSERT INTO notice_template (tenant_id, kind, locale, subject, body) VALUES (:tenant_id, :kind, :locale, :subject, :body)
ON CONFLICT (tenant_id, kind, locale) DO UPDATE SET subject = excluded.subject, body = excluded.body

-- name: drop_template
-- The program's words again.
DELETE FROM notice_template WHERE tenant_id = :tenant_id AND kind = :kind AND locale = :locale

-- name: area_path
-- Where an area stands in the tree.
SELECT path, path_end FROM area WHERE tenant_id = :tenant_id AND area_id = :area_id

-- name: utility
-- Its name, as people write it.
SELECT name FROM tenant WHERE tenant_id = :tenant_id

-- name: notices
-- The delivery log, newest first, or one notice; a filter that is null takes all.
SELECT n.notice_id, n.kind, n.state, n.severity, n.event, n.alarm_id, n.facts, n.level, n.user_id, coalesce(u.name, '') AS user_name,
       n.channel_id, coalesce(c.name, '') AS channel, coalesce(c.kind, '') AS channel_kind, n.made_us, n.due_us, n.held, n.tries,
       n.accepted_us, n.received_us, n.seen_us, n.bundle, n.reason, n.customer_id
  FROM notice n LEFT JOIN app_user u ON u.tenant_id = n.tenant_id AND u.user_id = n.user_id
       LEFT JOIN notice_channel c ON c.tenant_id = n.tenant_id AND c.channel_id = n.channel_id
 WHERE n.tenant_id = :tenant_id AND (:after::bigint IS NULL OR n.notice_id < :after)
   AND (:notice_id::bigint IS NULL OR n.notice_id = :notice_id) AND (:state::text IS NULL OR n.state = :state)
   AND (:channel_id::bigint IS NULL OR n.channel_id = :channel_id) AND (:alarm_id::bigint IS NULL OR n.alarm_id = :alarm_id)
   AND (:user_id::bigint IS NULL OR n.user_id = :user_id)
   AND (:announcement_id::bigint IS NULL OR (n.subject = 'announcement:' || :announcement_id::bigint AND n.subject <> ''))
   AND (:channel_kind::text IS NULL OR c.kind = :channel_kind)
 ORDER BY n.notice_id DESC LIMIT :most

-- name: attempts
-- Each try of a notice, as they came.
SELECT at_us, took_ms, outcome, reason FROM notice_attempt WHERE tenant_id = :tenant_id AND notice_id = :notice_id ORDER BY at_us

-- name: add_test
-- A test of a channel, once for its key.
INSERT INTO notice (tenant_id, key, kind, state, severity, user_id, channel_id, made_us, due_us)
VALUES (:tenant_id, :key, 'test', 'waiting', 'info', :user_id, :channel_id, :now_us, :now_us)
ON CONFLICT (tenant_id, key) DO NOTHING RETURNING notice_id

-- name: add_personal
-- To one person, about something that is no alarm; once for its key, past the giver's own reach (migration 0143).
SELECT book_personal(:key, :kind, :severity, :user_id, :channel_id, :facts, :now_us, :due_us, :held)

-- name: notice_of_key
-- The one of this key.
SELECT notice_id FROM notice WHERE tenant_id = :tenant_id AND key = :key

-- name: send_again
-- One that failed waits once more, with all its tries before it.
UPDATE notice SET state = 'waiting', due_us = :now_us, tries = 0
 WHERE tenant_id = :tenant_id AND notice_id = :notice_id AND state = 'failed' AND channel_id IS NOT NULL AND reason <> 'cancelled'

-- name: unseen
-- How many in the inbox were never opened.
SELECT count(*) FROM notice n JOIN notice_channel c USING (channel_id)
 WHERE n.tenant_id = :tenant_id AND n.user_id = :user_id AND c.kind = 'inbox' AND n.seen_us IS NULL AND n.due_us <= :now_us

-- name: note_shown
-- The person's console has them: the inbox's acknowledgement.
UPDATE notice n SET state = 'accepted', accepted_us = :now_us, tries = 1
  FROM notice_channel c
 WHERE n.tenant_id = :tenant_id AND n.user_id = :user_id AND n.notice_id = ANY (:notice_ids::bigint[]) AND n.state = 'waiting'
   AND c.channel_id = n.channel_id AND c.kind = 'inbox'

-- name: note_seen
-- The person opened them.
UPDATE notice SET seen_us = :now_us
 WHERE tenant_id = :tenant_id AND user_id = :user_id AND notice_id = ANY (:notice_ids::bigint[]) AND seen_us IS NULL

-- name: notice_summary
-- Of the alarms since an instant: when the first channel of anybody acknowledged (R7.1).
WITH told AS (
  SELECT l.alarm_id, l.received_us, count(n.notice_id) AS notices, min(n.accepted_us) AS accepted_us,
         coalesce(bool_or(n.state IN ('waiting', 'sending')), false) AS is_pending
    FROM alarm l LEFT JOIN notice n ON n.tenant_id = l.tenant_id AND n.subject IN ('alarm:' || l.alarm_id, 'group:' || l.group_id)
       AND n.kind IN ('raised', 'escalated')
   WHERE l.tenant_id = :tenant_id AND l.received_us >= :since_us
   GROUP BY l.alarm_id, l.received_us)
SELECT count(*) AS alarms,
       count(*) FILTER (WHERE accepted_us - received_us <= :target_ms::bigint * 1000) AS in_time,
       count(*) FILTER (WHERE accepted_us - received_us > :target_ms::bigint * 1000) AS late,
       count(*) FILTER (WHERE accepted_us IS NULL AND is_pending) AS pending,
       count(*) FILTER (WHERE accepted_us IS NULL AND NOT is_pending AND notices > 0) AS failed,
       count(*) FILTER (WHERE notices = 0) AS untold,
       percentile_disc(0.99) WITHIN GROUP (ORDER BY (accepted_us - received_us) / 1000) AS p99_ms,
       (SELECT count(*) FROM notice w WHERE w.tenant_id = :tenant_id AND w.state IN ('waiting', 'sending')) AS waiting
  FROM told

-- name: subscriptions
-- Other systems, how far each is, and what it was refused.
SELECT s.subscription_id, s.name, s.url, s.login, s.kinds, s.area_id, s.is_signed, s.is_on, s.taken, s.taken_us, s.tries, s.failing_us,
       s.next_us, s.reason,
       (SELECT count(*) FROM outbox_event e WHERE e.tenant_id = s.tenant_id AND e.seq > s.seq AND e.kind = ANY (s.kinds)) AS waiting,
       (SELECT count(*) FROM push_dead_letter d WHERE d.tenant_id = s.tenant_id AND d.subscription_id = s.subscription_id
           AND d.state = 'open') AS dead
  FROM subscription s
 WHERE s.tenant_id = :tenant_id AND NOT s.is_gone AND (:subscription_id::bigint IS NULL OR s.subscription_id = :subscription_id)
 ORDER BY s.subscription_id

-- name: add_subscription
-- From now on; nothing comes back where the name is taken.
INSERT INTO subscription (tenant_id, name, url, login, kinds, area_id, is_on, changed_us, seq)
SELECT :tenant_id, :name, :url, :login, :kinds, :area_id, :is_on, :now_us, p.seq FROM outbox_place p WHERE p.name = 'numbered'
ON CONFLICT (tenant_id, name) WHERE NOT is_gone DO NOTHING RETURNING subscription_id

-- name: change_subscription
-- All but its secret and its place; it is tried at once.
UPDATE subscription SET name = :name, url = :url, login = :login, kinds = :kinds, area_id = :area_id, is_on = :is_on, changed_us = :now_us, next_us = 0
 WHERE tenant_id = :tenant_id AND subscription_id = :subscription_id AND NOT is_gone

-- name: put_subscription_secret
-- In place of the one before; none: nothing is signed.
UPDATE subscription SET is_signed = :is_signed, key_id = :key_id, nonce = :nonce, sealed = :sealed
 WHERE tenant_id = :tenant_id AND subscription_id = :subscription_id

-- name: remove_subscription
-- Nothing is sent any more; its dead letters stay.
UPDATE subscription SET is_gone = true, is_on = false, is_signed = false, key_id = NULL, nonce = NULL, sealed = NULL, changed_us = :now_us
 WHERE tenant_id = :tenant_id AND subscription_id = :subscription_id

-- name: oldest_event
-- Where a replay may begin.
SELECT min(made_us) FROM outbox_event WHERE tenant_id = :tenant_id

-- name: replay_subscription
-- Its place goes back to before what happened from an instant on.
UPDATE subscription s SET tries = 0, failing_us = NULL, next_us = 0, changed_us = :now_us,
       seq = least(s.seq, coalesce((SELECT min(e.seq) - 1 FROM outbox_event e WHERE e.tenant_id = s.tenant_id AND e.made_us >= :from_us
                                       AND e.seq IS NOT NULL), s.seq))
 WHERE s.tenant_id = :tenant_id AND s.subscription_id = :subscription_id

-- name: push_dead_letters
-- What a receiver never took, newest first.
SELECT dead_id, event_key, event_type, body, reason, tries, since_us, dead_us, state FROM push_dead_letter
 WHERE tenant_id = :tenant_id AND subscription_id = :subscription_id AND (:after::bigint IS NULL OR dead_id < :after)
   AND (:state::text IS NULL OR state = :state)
 ORDER BY dead_id DESC LIMIT :most

-- name: push_again
-- Open ones wait for their turn again.
UPDATE push_dead_letter SET state = 'again'
 WHERE tenant_id = :tenant_id AND subscription_id = :subscription_id AND dead_id = ANY (:dead_ids::bigint[]) AND state = 'open'

-- name: try_subscription
-- Whatever its wait.
UPDATE subscription SET next_us = 0 WHERE tenant_id = :tenant_id AND subscription_id = :subscription_id
