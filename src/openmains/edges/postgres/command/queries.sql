-- SPDX-License-Identifier: Apache-2.0
-- Commands on their way, as role openmains_pipeline for all tenants. Lock order everywhere: command before command_waiting,
-- commands in the order of their ids.

-- name: waiting
-- Open, sendable commands of these meters: the one query of a batch, by index command_waiting_meter. What opens a valve does not
-- go out, nor go out again, while the meter is closed for safety. With what cells of
-- the meter's network carry: the line with the longest network that its card's IMSI begins with.
SELECT w.command_id, w.serial, w.kind, w.lane, w.priority, w.state, w.due_at, w.not_after, w.attempts,
       coalesce(s.cell, 0) AS cell, w.meter_id, coalesce(k.ce0_per_min, 0) AS capacity_per_min
  FROM command_waiting w LEFT JOIN meter_state s USING (meter_id)
  LEFT JOIN LATERAL (
    SELECT c.ce0_per_min FROM meter m JOIN cell_capacity c ON c.tenant_id = m.tenant_id AND starts_with(m.imsi, c.network)
     WHERE m.meter_id = w.meter_id ORDER BY length(c.network) DESC LIMIT 1) k ON true
 WHERE w.meter_id = ANY(:meter_ids::bigint[])
   AND NOT (w.kind = 'valve_open'
            AND EXISTS (SELECT FROM meter_safety t WHERE t.meter_id = w.meter_id AND t.lifted_us IS NULL))

-- name: due
-- Always reachable meters with a command whose time has come, by command_waiting_due; of those that are reached by a concentrator only
-- while it is connected: until then their commands wait, and can be called off.
SELECT DISTINCT w.meter_id FROM command_waiting w
  LEFT JOIN concentrator_meter b USING (meter_id) LEFT JOIN concentrator_state s USING (concentrator_id)
 WHERE w.channel <> 'direct' AND w.due_at <= :now AND (w.channel <> 'gateway' OR b.meter_id IS NULL OR s.is_connected) LIMIT :most

-- name: due_for_safety
-- Meters to be closed for safety that were heard a moment ago and may listen still, by command_waiting_safety: these are not
-- left to their next words.
SELECT w.meter_id FROM command_waiting w JOIN meter_state s USING (meter_id)
 WHERE w.lane = 4 AND w.due_at <= :now AND s.last_seen_us >= :since_us LIMIT :most

-- name: order_closing
-- The signer has allowed a safety closing: from now on the meter is closed for safety. One that is ordered again while it
-- stands is the newer command's.
INSERT INTO meter_safety (tenant_id, meter_id, command_id, reason, evidence, work_order, ordered_us)
SELECT tenant_id, meter_id, command_id, left(coalesce(params ->> 'reason', ''), 16), left(coalesce(params ->> 'evidence', ''), 500),
       left(coalesce(params ->> 'work_order', ''), 64), :at_us
  FROM command WHERE command_id = :command_id
ON CONFLICT (meter_id) WHERE lifted_us IS NULL
DO UPDATE SET command_id = excluded.command_id, reason = excluded.reason, evidence = excluded.evidence,
              work_order = excluded.work_order, failed_us = NULL

-- name: closing_done
-- The meter said that it has shut.
UPDATE meter_safety SET closed_us = coalesce(closed_us, :at_us), failed_us = NULL WHERE command_id = :command_id

-- name: closing_failed
-- It did not shut, or nobody knows.
UPDATE meter_safety SET failed_us = :at_us WHERE command_id = :command_id AND closed_us IS NULL

-- name: raise_closing_alarm
-- One row for an open alarm, as for those of the meters (ingest/queries.sql); raised again it only counts.
INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us)
VALUES (:tenant_id, :meter_id, :event, :severity, :raised_at, :at_us, :at_us, :at_us)
ON CONFLICT (meter_id, event, quantity) WHERE cleared_us IS NULL
DO UPDATE SET occurrences = alarm.occurrences + 1, last_us = excluded.last_us

-- name: clear_closing_alarm
-- If it is open.
UPDATE alarm SET cleared_us = :at_us, last_us = :at_us
 WHERE meter_id = :meter_id AND event = :event AND cleared_us IS NULL

-- name: open
-- What is needed to make frames. Behind a gateway (kind 4, as it said itself) they are carried as they are.
SELECT c.command_id, c.tenant_id, c.meter_id, c.kind, c.params, c.unique_key, p.driver, c.channel, c.state, c.serial,
       c.not_after, c.attempts, c.frame, m.product_id, m.imei, s.strange_number IS NOT NULL AS misfits,
       coalesce(k.number, '') AS concentrator, coalesce(t.kind = 4, false) AS is_carried
  FROM command c JOIN meter m USING (meter_id) JOIN product p USING (product_id)
  LEFT JOIN concentrator_meter b USING (meter_id) LEFT JOIN concentrator k USING (concentrator_id)
  LEFT JOIN concentrator_state t USING (concentrator_id)
  LEFT JOIN meter_state s USING (meter_id)
 WHERE c.command_id = ANY(:command_ids::bigint[]) ORDER BY c.command_id

-- name: lock
-- Commands by id, held for a step.
SELECT command_id, tenant_id, meter_id, serial, kind, params, state
  FROM command WHERE command_id = ANY(:command_ids::bigint[]) ORDER BY command_id FOR UPDATE

-- name: lock_answered
-- Commands by meter and serial, as meters name them, held for a step.
SELECT c.command_id, c.tenant_id, c.meter_id, c.serial, c.kind, c.params, c.state
  FROM command c
  JOIN unnest(:meter_ids::bigint[], :serials::int[]) AS u(meter_id, serial)
    ON c.meter_id = u.meter_id AND c.serial = u.serial
 ORDER BY c.command_id FOR UPDATE OF c

-- name: move
-- Steps of commands. Of frame, counter and the first instants the first one stays, of the rest the last one.
UPDATE command c
   SET state = u.state, attempts = c.attempts + u.sends, frame = coalesce(c.frame, u.frame),
       counter = coalesce(c.counter, u.counter), result = coalesce(u.result, c.result),
       answer = coalesce(u.answer::jsonb, c.answer), reason = coalesce(nullif(u.reason, ''), c.reason),
       sent_us = coalesce(c.sent_us, u.sent_us), delivered_us = coalesce(c.delivered_us, u.delivered_us),
       ended_us = coalesce(u.ended_us, c.ended_us)
  FROM unnest(:command_ids::bigint[], :states::text[], :sends::int[], :frames::bytea[], :counters::bigint[],
              :results::smallint[], :answers::text[], :reasons::text[], :sent_us::bigint[], :delivered_us::bigint[],
              :ended_us::bigint[])
    AS u(command_id, state, sends, frame, counter, result, answer, reason, sent_us, delivered_us, ended_us)
 WHERE c.command_id = u.command_id

-- name: move_waiting
-- The same steps in the hot table; what has ended has left it by the trigger command_ended.
UPDATE command_waiting w
   SET state = u.state, attempts = w.attempts + u.sends, due_at = coalesce(u.due_at, w.due_at)
  FROM unnest(:command_ids::bigint[], :states::text[], :sends::int[], :due_at::bigint[])
    AS u(command_id, state, sends, due_at)
 WHERE w.command_id = u.command_id

-- name: note
-- Lines of commands' histories. The API's role may write 'draft' and 'cancel' only.
INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor, detail)
SELECT * FROM unnest(:tenant_ids::int[], :command_ids::bigint[], :at_us::bigint[], :events::text[], :states::text[],
                     :actors::text[], :details::text[])

-- name: report
-- What meters said they are set to, put over what was known.
INSERT INTO meter_shadow AS s (meter_id, tenant_id, reported, reported_us)
SELECT m.meter_id, m.tenant_id, u.said::jsonb, u.at_us
  FROM unnest(:meter_ids::bigint[], :said::text[], :at_us::bigint[]) AS u(meter_id, said, at_us)
  JOIN meter m USING (meter_id)
 ORDER BY m.meter_id
    ON CONFLICT (meter_id) DO UPDATE
   SET reported = s.reported || excluded.reported, reported_us = excluded.reported_us

-- name: note_modes
-- The mode a meter said; another one than before counts from the utility's day on which it was said. The copy of the registry
-- beside the readings follows.
WITH said AS (
  SELECT m.meter_id, m.tenant_id, u.mode, (to_timestamp(u.at_us / 1000000) AT TIME ZONE t.zone)::date AS day
    FROM unnest(:meter_ids::bigint[], :modes::text[], :at_us::bigint[]) AS u(meter_id, mode, at_us)
    JOIN meter m USING (meter_id) JOIN tenant t ON t.tenant_id = m.tenant_id
   WHERE m.report_mode IS DISTINCT FROM u.mode),
changed AS (
  UPDATE meter m SET revision = m.revision + 1, report_mode = s.mode, report_mode_since = s.day,
         report_mode_before = CASE WHEN m.report_mode_since = s.day THEN m.report_mode_before ELSE m.report_mode END
    FROM said s WHERE m.meter_id = s.meter_id RETURNING m.tenant_id, m.meter_id)
INSERT INTO identity_change (tenant_id, meter_id) SELECT tenant_id, meter_id FROM changed

-- name: enqueue
-- Approved → queued, each with its meter's next serial number, which is above :floor and that of the restore epoch.
WITH chosen AS (
  SELECT command_id, tenant_id, meter_id FROM command
   WHERE command_id = ANY(:command_ids::bigint[]) AND state = 'approved' ORDER BY command_id FOR UPDATE),
floors AS (
  SELECT greatest(:floor::int, coalesce(max(serial_floor), 0)) AS serial FROM restore_epoch),
counted AS (
  INSERT INTO meter_shadow AS s (meter_id, tenant_id, last_serial)
  SELECT meter_id, tenant_id, (SELECT serial FROM floors) + count(*) FROM chosen GROUP BY meter_id, tenant_id ORDER BY meter_id
  ON CONFLICT (meter_id) DO UPDATE
    SET last_serial = greatest(s.last_serial + excluded.last_serial - (SELECT serial FROM floors), excluded.last_serial)
  RETURNING s.meter_id, s.last_serial),
numbered AS (
  SELECT command_id, last_serial - (count(*) OVER (PARTITION BY meter_id))::int
         + (row_number() OVER (PARTITION BY meter_id ORDER BY command_id))::int AS serial
    FROM chosen JOIN counted USING (meter_id)),
queued AS (
  UPDATE command c SET state = 'queued', serial = n.serial FROM numbered n WHERE c.command_id = n.command_id
  RETURNING c.command_id, c.tenant_id, c.meter_id, c.serial, c.lane, c.priority, c.not_after, c.kind, c.channel),
noted AS (
  INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor)
  SELECT tenant_id, command_id, :now_us::bigint, 'queue', 'queued', 'platform' FROM queued ORDER BY command_id)
INSERT INTO command_waiting (command_id, tenant_id, meter_id, serial, lane, priority, not_after, kind, channel, state)
SELECT command_id, tenant_id, meter_id, serial, lane, priority, not_after, kind, channel, 'queued' FROM queued

-- name: desire
-- A newer setting is what the meter should be set to from now on.
UPDATE meter_shadow s SET desired = s.desired || (n.params -> 'values'), desired_us = :now_us
  FROM (SELECT DISTINCT ON (meter_id) meter_id, params FROM command
         WHERE command_id = ANY(:command_ids::bigint[]) AND kind IN ('set_parameters', 'set_signed_parameters')
           AND jsonb_typeof(params -> 'values') = 'object' ORDER BY meter_id, command_id DESC) n
 WHERE s.meter_id = n.meter_id

-- name: timed
-- Sendable commands past their end, by command_waiting_end, and readings that were tried and are due, by
-- command_waiting_tried. What is asked about is looked at after the shortest grace of all kinds.
SELECT w.command_id, w.tenant_id, m.product_id, w.kind, w.state, w.attempts, w.due_at, w.not_after
  FROM command_waiting w JOIN meter m USING (meter_id)
 WHERE w.not_after <= :now AND (w.state <> 'asking' OR w.not_after <= :now - :grace_s)
UNION ALL
SELECT w.command_id, w.tenant_id, m.product_id, w.kind, w.state, w.attempts, w.due_at, w.not_after
  FROM command_waiting w JOIN meter m USING (meter_id)
 WHERE w.not_after > :now AND w.lane = 3 AND w.attempts > 0 AND w.due_at <= :now AND w.state IN ('sent', 'delivered')
 LIMIT :most

-- name: drafts
-- Drafted and approved commands and, if asked, quarantined ones, oldest first, by command_intake. Of safety closings always: what
-- a second person has just agreed to does not wait for a turn.
SELECT c.command_id, c.tenant_id, c.meter_id, m.product_id, c.kind, c.slot, c.state, c.unique_key, c.not_after
  FROM command c JOIN meter m USING (meter_id)
 WHERE c.serial IS NULL AND c.ended_us IS NULL AND c.state IN ('drafted', 'quarantined', 'approved')
   AND (c.state <> 'quarantined' OR :quarantined OR c.kind = 'safety_close') AND c.command_id > :after ORDER BY c.command_id LIMIT :most

-- name: unsent_settings
-- Settings of these meters that were not sent, by an index of the meter.
SELECT c.command_id, c.tenant_id, c.meter_id, m.product_id, c.kind, c.slot, c.state, c.unique_key, c.not_after
  FROM command c JOIN meter m USING (meter_id)
 WHERE c.meter_id = ANY(:meter_ids::bigint[]) AND c.slot <> '' AND c.state IN ('drafted', 'approved', 'queued')

-- name: times
-- Times of kinds that tenants and products set.
SELECT tenant_id, product_id, kind, validity_s, attempts, pause_s FROM command_setting

-- name: zones
-- Time zone of each tenant.
SELECT tenant_id, zone FROM tenant

-- name: running_batches
-- Running batches with the counts of their commands.
SELECT b.batch_id, b.tenant_id, b.kind, b.params, b.validity_s, b.groups, b.hold_s, b.failure_limit_ppm, b.total, b.released,
       b.created_by, b.group_from, b.judge_from,
       count(*) FILTER (WHERE c.state = 'confirmed') AS confirmed,
       count(*) FILTER (WHERE c.state IN ('failed', 'expired')) AS failed,
       count(*) FILTER (WHERE c.state = 'cancelled') AS cancelled,
       count(*) FILTER (WHERE c.state IN ('failed', 'expired') AND c.place >= greatest(b.group_from, b.judge_from)) AS group_failed,
       coalesce(max(c.ended_us), 0) AS ended_us
  FROM command_batch b LEFT JOIN command c ON c.batch_id = b.batch_id
 WHERE b.state = 'running' GROUP BY b.batch_id ORDER BY b.batch_id

-- name: daily_share
-- Of a tenant's meters that batches may configure in a day.
SELECT daily_share_ppm FROM command_policy WHERE tenant_id = :tenant_id

-- name: meters_in_use
-- How many meters a tenant has.
SELECT count(*) FROM meter WHERE tenant_id = :tenant_id AND removed_on IS NULL
   AND product_id NOT IN (SELECT product_id FROM product WHERE kind <> 'meter')

-- name: touched
-- Meters that were given commands of these kinds since an instant, by a batch or one by one; the defaults of a new meter, which no
-- person gave, do not count.
SELECT count(DISTINCT meter_id) FROM command
 WHERE tenant_id = :tenant_id AND created_us >= :since_us AND kind = ANY(:kinds::text[])
   AND (batch_id IS NOT NULL OR created_by IS NOT NULL) AND state <> 'cancelled'

-- name: lock_batch
-- How far a batch is, held for its release; no row: it no longer runs.
SELECT released FROM command_batch WHERE batch_id = :batch_id AND state = 'running' FOR UPDATE

-- name: next_of_batch
-- The next meters of a batch, by place.
SELECT x.place, x.meter_id, coalesce(x.params, b.params) AS params, s.reported, b.unique_key,
       extract(epoch FROM b.created_at)::bigint AS created_s, command_channel(CASE WHEN m.imei IS NULL THEN m.meter_id END, p.settings) AS channel
  FROM command_batch b
  JOIN command_batch_meter x USING (batch_id)
  JOIN meter m ON m.meter_id = x.meter_id
  JOIN product p USING (product_id)
  LEFT JOIN meter_shadow s ON s.meter_id = x.meter_id
 WHERE b.batch_id = :batch_id AND x.place >= :first AND x.place < :first + :count ORDER BY x.place

-- name: draft_of_batch
-- Drafts for meters of a batch, each key once.
WITH made AS (
  INSERT INTO command (tenant_id, meter_id, kind, params, lane, priority, slot, channel, unique_key, content, not_after,
                       batch_id, place, created_by, created_us)
  SELECT :tenant_id, u.meter_id, :kind, u.params::jsonb, :lane, :priority, u.slot, u.channel, u.unique_key, u.content,
         u.not_after, :batch_id, u.place, :created_by, :now_us
    FROM unnest(:meter_ids::bigint[], :params::text[], :slots::text[], :channels::text[], :unique_keys::text[],
                :contents::bytea[], :ends::bigint[], :places::int[])
      AS u(meter_id, params, slot, channel, unique_key, content, not_after, place)
  ON CONFLICT (tenant_id, unique_key) DO NOTHING RETURNING command_id)
INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor)
SELECT :tenant_id, command_id, :now_us, 'draft', 'drafted', 'batch' FROM made

-- name: keep_before
-- What meters of a batch were set to, for its inverse.
UPDATE command_batch_meter x SET before = u.before::jsonb
  FROM unnest(:places::int[], :before::text[]) AS u(place, before)
 WHERE x.batch_id = :batch_id AND x.place = u.place

-- name: batch_released
-- A batch is further by so many meters, which are its group now.
UPDATE command_batch SET group_from = released, released = released + :count WHERE batch_id = :batch_id

-- name: end_batch
-- The platform stops or finishes a running batch.
UPDATE command_batch SET state = :state, reason = :reason WHERE batch_id = :batch_id AND state = 'running'

-- name: incomplete_logs
-- Confirmed log pulls with lost parts that nobody dealt with, by command_log_ended. Heads of parts ('0/3') are counted
-- first: few logs lose parts, and only their text is read. 'ask_again' or 'log_incomplete' in the history says that one was dealt with.
SELECT c.command_id, c.tenant_id, m.product_id, c.unique_key, c.params, c.not_after - c.created_us / 1000000 AS validity_s
  FROM command c JOIN meter m USING (meter_id)
  CROSS JOIN LATERAL (
    SELECT count(DISTINCT split_part(h.head, '/', 1)) AS came, coalesce(max(split_part(h.head, '/', 2)::int), 1) AS total
      FROM (SELECT split_part(e.detail, E'\n', 1) AS head FROM command_event e
             WHERE e.command_id = c.command_id AND e.event = 'log') h) p
 WHERE c.kind = 'log_pull' AND c.state = 'confirmed' AND c.ended_us > :since_us AND c.ended_us <= :until_us
   AND m.removed_on IS NULL AND p.came < p.total
   AND NOT EXISTS (SELECT FROM command_event e WHERE e.command_id = c.command_id
                    AND e.event IN ('ask_again', 'log_incomplete'))
 ORDER BY c.ended_us LIMIT :most

-- name: log_parts
-- Parts of logs, in the order they came.
SELECT command_id, detail FROM command_event
 WHERE command_id = ANY(:command_ids::bigint[]) AND event = 'log' ORDER BY event_id

-- name: dealt_with
-- Which of these logs somebody dealt with.
SELECT command_id FROM command_event
 WHERE command_id = ANY(:command_ids::bigint[]) AND event IN ('ask_again', 'log_incomplete')

-- name: draft_log_again
-- Further pulls. What the meter and its person are comes from the pull before; a key that is taken is somebody's further pull already.
WITH made AS (
  INSERT INTO command (tenant_id, meter_id, kind, params, lane, priority, channel, unique_key, content, not_after, created_by,
                       created_us)
  SELECT c.tenant_id, c.meter_id, c.kind, u.params::jsonb, :lane, :priority, c.channel, u.unique_key, u.content, u.not_after,
         c.created_by, :now_us
    FROM unnest(:command_ids::bigint[], :params::text[], :unique_keys::text[], :contents::bytea[], :ends::bigint[])
      AS u(command_id, params, unique_key, content, not_after)
    JOIN command c USING (command_id)
  ON CONFLICT (tenant_id, unique_key) DO NOTHING RETURNING command_id, tenant_id, unique_key),
noted AS (
  INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor)
  SELECT tenant_id, command_id, :now_us, 'draft', 'drafted', 'platform' FROM made)
SELECT command_id, unique_key FROM made

-- name: note_logs
-- What was done about logs with lost parts.
INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor, detail)
SELECT c.tenant_id, c.command_id, :now_us, u.event, c.state, 'platform', u.detail
  FROM unnest(:command_ids::bigint[], :events::text[], :details::text[]) AS u(command_id, event, detail)
  JOIN command c USING (command_id)

-- name: take_onboarding
-- Meters that spoke for the first time and have defaults, taken; a second dispatcher takes others.
WITH taken AS (
  DELETE FROM command_onboarding WHERE meter_id IN
    (SELECT meter_id FROM command_onboarding ORDER BY meter_id LIMIT :most FOR UPDATE SKIP LOCKED)
  RETURNING meter_id)
SELECT m.meter_id, m.tenant_id, m.product_id, command_channel(CASE WHEN m.imei IS NULL THEN m.meter_id END, p.settings) AS channel,
       p.settings -> 'defaults' AS defaults
  FROM taken JOIN meter m USING (meter_id) JOIN product p USING (product_id)
 WHERE m.removed_on IS NULL AND jsonb_typeof(p.settings -> 'defaults') = 'object' AND p.settings -> 'defaults' <> '{}'::jsonb
 ORDER BY m.meter_id

-- name: draft_defaults
-- Drafts of default configurations, each key once; how many.
WITH made AS (
  INSERT INTO command (tenant_id, meter_id, kind, params, lane, priority, slot, channel, unique_key, content, not_after, created_us)
  SELECT u.tenant_id, u.meter_id, :kind, u.params::jsonb, :lane, :priority, u.slot, u.channel, u.unique_key, u.content,
         u.not_after, :now_us
    FROM unnest(:tenant_ids::int[], :meter_ids::bigint[], :params::text[], :slots::text[], :channels::text[],
                :unique_keys::text[], :contents::bytea[], :ends::bigint[])
      AS u(tenant_id, meter_id, params, slot, channel, unique_key, content, not_after)
  ON CONFLICT (tenant_id, unique_key) DO NOTHING RETURNING command_id, tenant_id),
noted AS (
  INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor)
  SELECT tenant_id, command_id, :now_us, 'draft', 'drafted', 'onboarding' FROM made)
SELECT count(*) FROM made
