-- SPDX-License-Identifier: Apache-2.0
-- Subscriptions as the worker asks for them: role openmains_pipeline, all tenants.

-- name: number_events
-- What is committed and has no place yet gets the next ones, in the order in which it was written.
WITH fresh AS (SELECT event_id FROM outbox_event WHERE seq IS NULL ORDER BY event_id LIMIT :most),
     counted AS (SELECT event_id, row_number() OVER (ORDER BY event_id) AS n FROM fresh),
     place AS (UPDATE outbox_place SET seq = seq + (SELECT count(*) FROM counted)
               WHERE name = 'numbered' AND EXISTS (SELECT FROM counted) RETURNING seq) -- no write while nothing happens
UPDATE outbox_event e SET seq = p.seq - (SELECT count(*) FROM counted) + c.n
  FROM counted c, place p WHERE e.event_id = c.event_id

-- name: forget_events
-- What happened before an instant and was taken by every subscription that is in use.
DELETE FROM outbox_event e WHERE e.made_us < :before_us AND e.seq IS NOT NULL
   AND NOT EXISTS (SELECT FROM subscription s WHERE s.tenant_id = e.tenant_id AND s.is_on AND NOT s.is_gone AND s.seq < e.seq)

-- name: due_subscriptions
-- Those in use whose wait is over and for which there is, or may be, something.
SELECT s.subscription_id, s.tenant_id, t.code AS utility_code, s.url, s.login, s.kinds, s.area_id, s.key_id, s.nonce, s.sealed, s.seq, s.readings,
       s.tries, s.failing_us
  FROM subscription s JOIN tenant t USING (tenant_id)
 WHERE s.is_on AND NOT s.is_gone AND s.next_us <= :now_us
   AND (s.seq < (SELECT seq FROM outbox_place WHERE name = 'numbered') OR 'reading' = ANY (s.kinds)
        OR EXISTS (SELECT FROM push_dead_letter d WHERE d.subscription_id = s.subscription_id AND d.state = 'again'))

-- name: numbered
-- The last place that was given.
SELECT seq FROM outbox_place WHERE name = 'numbered'

-- name: events_after
-- What a subscription wants to know of, in order.
SELECT e.event_id, e.seq, e.kind, e.change, e.meter_id, coalesce(m.number, e.data ->> 'node', '') AS number, e.subject_id, e.data, e.made_us
  FROM outbox_event e LEFT JOIN meter m ON m.tenant_id = e.tenant_id AND m.meter_id = e.meter_id
 WHERE e.tenant_id = :tenant_id AND e.seq > :seq AND e.seq <= :until AND e.kind = ANY (:kinds::text[])
   AND (:area_id::int IS NULL OR coalesce(m.area_id, (e.data ->> 'area_id')::int) IN
        (SELECT b.area_id FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
           WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id))
 ORDER BY e.seq LIMIT :most

-- name: letters_again
-- Dead letters that somebody wants sent again.
SELECT dead_id, event_key, event_type, body FROM push_dead_letter WHERE subscription_id = :subscription_id AND state = 'again' ORDER BY dead_id LIMIT 100

-- name: took_again
-- What became of one.
UPDATE push_dead_letter SET state = CASE WHEN :reason = '' THEN 'taken' ELSE 'open' END, tries = tries + 1,
       reason = CASE WHEN :reason = '' THEN reason ELSE :reason END
 WHERE dead_id = :dead_id

-- name: took
-- Everything up to there; a replay that somebody asked for meanwhile wins.
UPDATE subscription SET seq = :seq, tries = 0, failing_us = NULL, taken = taken + :events,
       taken_us = CASE WHEN :events > 0 THEN :now_us ELSE taken_us END, reason = CASE WHEN :events > 0 THEN '' ELSE reason END
 WHERE subscription_id = :subscription_id AND seq = :before AND is_on AND NOT is_gone

-- name: took_readings
-- The same of readings.
UPDATE subscription SET readings = :cursor, tries = 0, failing_us = NULL, taken = taken + :events,
       taken_us = CASE WHEN :events > 0 THEN :now_us ELSE taken_us END
 WHERE subscription_id = :subscription_id

-- name: push_refused
-- What stands next is tried again later.
UPDATE subscription SET tries = :tries, failing_us = :failing_us, next_us = :next_us, reason = :reason WHERE subscription_id = :subscription_id

-- name: bury
-- A dead letter, once for its key.
INSERT INTO push_dead_letter (tenant_id, subscription_id, event_key, event_type, body, reason, tries, since_us, dead_us)
VALUES (:tenant_id, :subscription_id, :key, :kind, :body, :reason, :tries, :since_us, :now_us)
ON CONFLICT (subscription_id, event_key) DO UPDATE SET state = 'open', reason = excluded.reason, tries = excluded.tries, dead_us = excluded.dead_us

-- name: meters_below
-- Numbers of meters below an area; of all without one.
SELECT m.meter_id, m.number FROM meter m
 WHERE m.tenant_id = :tenant_id AND m.meter_id = ANY (:meter_ids::bigint[])
   AND (:area_id::int IS NULL OR m.area_id IN
        (SELECT b.area_id FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
           WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id))
