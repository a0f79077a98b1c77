-- SPDX-License-Identifier: Apache-2.0
-- One tenant's commands, as role openmains_api, which may draft and call off and nothing else (migration 0006).

-- name: targets
-- Meters in use, as far as commands must know them. A concentrator is the way to those without a module of their own: one with a module
-- sleeps and is told when it was heard, wherever its readings come from. One of kind 4, as it said itself, is a gateway that carries frames.
SELECT m.meter_id, m.tenant_id, m.product_id, p.driver, command_channel(CASE WHEN m.imei IS NULL THEN m.meter_id END, p.settings) AS channel,
       m.number, coalesce(nullif(m.qmax_l_h, 0), p.qmax_l_h) AS qmax_l_h, m.imei IS NOT NULL AS has_module,
       coalesce(t.kind = 4, false) AS is_carried
  FROM meter m JOIN product p USING (product_id)
  LEFT JOIN concentrator_meter b USING (meter_id) LEFT JOIN concentrator_state t USING (concentrator_id)
 WHERE m.tenant_id = :tenant_id AND m.meter_id = ANY(:meter_ids::bigint[]) AND m.removed_on IS NULL

-- name: tenant_times
-- Times of kinds that the tenant and its products set.
SELECT kind, product_id, validity_s, attempts, pause_s FROM command_setting
 WHERE tenant_id = :tenant_id ORDER BY kind, product_id

-- name: set_times
-- Times of one kind for the tenant (product 0) or a product.
INSERT INTO command_setting (tenant_id, product_id, kind, validity_s, attempts, pause_s)
VALUES (:tenant_id, :product_id, :kind, :validity_s, :attempts, :pause_s)
ON CONFLICT (tenant_id, product_id, kind)
DO UPDATE SET validity_s = excluded.validity_s, attempts = excluded.attempts, pause_s = excluded.pause_s

-- name: policy
-- What the tenant set for its commands; no row: nothing.
SELECT daily_share_ppm, office_from, office_to, office_days, remote_closing FROM command_policy WHERE tenant_id = :tenant_id

-- name: set_policy
-- What the tenant sets for its commands.
INSERT INTO command_policy (tenant_id, daily_share_ppm, office_from, office_to, office_days, remote_closing)
VALUES (:tenant_id, :daily_share_ppm, :office_from, :office_to, :office_days, :remote_closing)
ON CONFLICT (tenant_id)
DO UPDATE SET daily_share_ppm = excluded.daily_share_ppm, office_from = excluded.office_from, office_to = excluded.office_to,
              office_days = excluded.office_days, remote_closing = excluded.remote_closing

-- name: configured
-- Of a tenant: its meters in use, those that were given commands of these kinds since an instant, its share of a day (no row: it set
-- none), and whether this meter is among them.
SELECT (SELECT count(*) FROM meter WHERE tenant_id = :tenant_id AND removed_on IS NULL
   AND product_id NOT IN (SELECT product_id FROM product WHERE kind <> 'meter')) AS meters,
       count(DISTINCT c.meter_id) AS touched, coalesce(bool_or(c.meter_id = :meter_id), false) AS is_among,
       (SELECT daily_share_ppm FROM command_policy WHERE tenant_id = :tenant_id) AS share_ppm
  FROM command c
 WHERE c.tenant_id = :tenant_id AND c.created_us >= :since_us AND c.kind = ANY(:kinds::text[])
   AND (c.batch_id IS NOT NULL OR c.created_by IS NOT NULL) AND c.state <> 'cancelled'

-- name: draft
-- A command; no row: its key is taken.
INSERT INTO command (tenant_id, meter_id, kind, params, lane, priority, slot, channel, unique_key, content, not_after,
                     batch_id, place, created_by, created_us)
VALUES (:tenant_id, :meter_id, :kind, :params, :lane, :priority, :slot, :channel, :unique_key, :content, :not_after,
        :batch_id, :place, :created_by, :now_us)
ON CONFLICT (tenant_id, unique_key) DO NOTHING RETURNING command_id

-- name: by_key
-- The command that has a key.
SELECT command_id, content FROM command WHERE tenant_id = :tenant_id AND unique_key = :unique_key

-- name: page
-- Commands of a tenant, by command_newest; the order follows (tables.py).
SELECT c.command_id, c.meter_id, m.number, c.kind, c.params, c.unique_key, c.state, c.reason, c.channel, c.priority, c.serial,
       c.batch_id, c.attempts, c.result, c.answer, c.created_by, c.created_us, c.not_after, c.sent_us, c.delivered_us, c.ended_us,
       coalesce((SELECT nullif(e.actor, '') FROM command_event e WHERE e.command_id = c.command_id
                  ORDER BY e.event_id LIMIT 1), 'batch') AS given_by
  FROM command c JOIN meter m USING (meter_id)
 WHERE c.tenant_id = :tenant_id
   AND (:meter_id::bigint IS NULL OR c.meter_id = :meter_id) AND (:state::text IS NULL OR c.state = :state)
   AND (:kind::text IS NULL OR c.kind = :kind) AND (:batch_id::bigint IS NULL OR c.batch_id = :batch_id)

-- name: page_open
-- The same of those that have no end yet, by command_open. A statement of its own: an index over a part of a table is
-- not used for a condition that comes as a value.
SELECT c.command_id, c.meter_id, m.number, c.kind, c.params, c.unique_key, c.state, c.reason, c.channel, c.priority, c.serial,
       c.batch_id, c.attempts, c.result, c.answer, c.created_by, c.created_us, c.not_after, c.sent_us, c.delivered_us, c.ended_us,
       coalesce((SELECT nullif(e.actor, '') FROM command_event e WHERE e.command_id = c.command_id
                  ORDER BY e.event_id LIMIT 1), 'batch') AS given_by
  FROM command c JOIN meter m USING (meter_id)
 WHERE c.tenant_id = :tenant_id AND c.ended_us IS NULL
   AND (:meter_id::bigint IS NULL OR c.meter_id = :meter_id) AND (:state::text IS NULL OR c.state = :state)
   AND (:kind::text IS NULL OR c.kind = :kind) AND (:batch_id::bigint IS NULL OR c.batch_id = :batch_id)

-- name: get
-- One command. A signed frame is nobody's to see before it went out.
SELECT c.command_id, c.meter_id, m.number, c.kind, c.params, c.unique_key, c.state, c.reason, c.channel, c.priority, c.serial,
       c.batch_id, c.attempts, c.result, c.answer, c.created_by, c.created_us, c.not_after, c.sent_us, c.delivered_us, c.ended_us,
       coalesce((SELECT nullif(e.actor, '') FROM command_event e WHERE e.command_id = c.command_id
                  ORDER BY e.event_id LIMIT 1), 'batch') AS given_by,
       CASE WHEN c.sent_us IS NULL THEN '' ELSE coalesce(encode(c.frame, 'hex'), '') END AS frame_hex
  FROM command c JOIN meter m USING (meter_id)
 WHERE c.tenant_id = :tenant_id AND c.command_id = :command_id

-- name: history
-- A command's history, oldest first.
SELECT at_us, event, state, actor, detail FROM command_event
 WHERE tenant_id = :tenant_id AND command_id = :command_id ORDER BY event_id

-- name: log_chain
-- A log pull and those that asked for its lost parts, in order.
WITH RECURSIVE chain AS (
  SELECT command_id, tenant_id, meter_id, params FROM command
   WHERE tenant_id = :tenant_id AND command_id = :command_id AND kind = 'log_pull'
  UNION ALL
  SELECT k.command_id, k.tenant_id, k.meter_id, k.params
    FROM chain c JOIN command_event e ON e.command_id = c.command_id AND e.event = 'ask_again'
    JOIN command k ON k.command_id = e.detail::bigint AND k.tenant_id = c.tenant_id AND k.meter_id = c.meter_id
     AND k.command_id > c.command_id)
SELECT command_id, params FROM chain ORDER BY command_id

-- name: cancel
-- Call off what was not sent.
UPDATE command SET state = 'cancelled', reason = :reason, ended_us = :now_us
 WHERE tenant_id = :tenant_id AND command_id = :command_id AND state IN ('drafted', 'quarantined', 'approved', 'queued')

-- name: shadow
-- What a meter should be set to and what it said; no row: not the tenant's.
SELECT s.desired, s.reported, s.desired_us, s.reported_us
  FROM meter m LEFT JOIN meter_shadow s USING (meter_id)
 WHERE m.tenant_id = :tenant_id AND m.meter_id = :meter_id

-- name: closings
-- Safety closings from new to old; of one meter, or those that stand.
SELECT t.safety_id, t.meter_id, m.number, t.command_id, c.state, t.reason, t.evidence, t.work_order, t.ordered_us, t.closed_us,
       t.failed_us, t.opened_us, t.lifted_us, t.inspected_by, t.agreed_by, t.lift_note,
       coalesce((SELECT e.actor FROM command_event e WHERE e.command_id = t.command_id ORDER BY e.event_id LIMIT 1), '') AS given_by
  FROM meter_safety t JOIN meter m USING (meter_id) LEFT JOIN command c ON c.command_id = t.command_id
 WHERE t.tenant_id = :tenant_id AND (:after::bigint IS NULL OR t.safety_id < :after)
   AND (:meter_id::bigint IS NULL OR t.meter_id = :meter_id) AND (NOT :is_standing OR t.lifted_us IS NULL)
 ORDER BY t.safety_id DESC LIMIT :most

-- name: lift_closing
-- Two persons have said that the site was inspected; no row: nothing stands.
UPDATE meter_safety SET lifted_us = :now_us, inspected_by = :inspector, agreed_by = :approver, lift_note = :note
 WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND lifted_us IS NULL RETURNING safety_id

-- name: clear_closing_alarms
-- What was announced is over with the inspection.
UPDATE alarm SET cleared_us = :now_us
 WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND event = ANY(:events::text[]) AND cleared_us IS NULL

-- name: choose_numbers
-- Meters by their numbers, in that order; no meter: the number is not the tenant's.
SELECT u.number, m.meter_id FROM unnest(:numbers::text[]) WITH ORDINALITY AS u(number, place)
  LEFT JOIN LATERAL (
    SELECT f.meter_id FROM meter f WHERE f.tenant_id = :tenant_id AND f.number = u.number AND f.removed_on IS NULL LIMIT 1) m ON true
 ORDER BY u.place

-- name: choose_area
-- Meters of an area with those below it, of a tag; monitors only where their product is chosen. A canary must be typical: the order is a hash of the meter, not its age.
WITH RECURSIVE part AS (
  SELECT area_id FROM area WHERE tenant_id = :tenant_id AND (:area_id::int IS NULL OR area_id = :area_id)
  UNION SELECT a.area_id FROM area a JOIN part ON a.parent_id = part.area_id WHERE a.tenant_id = :tenant_id)
SELECT meter_id FROM meter
 WHERE tenant_id = :tenant_id AND removed_on IS NULL AND area_id IN (SELECT area_id FROM part)
   AND (:tag_id::int IS NULL OR meter_id IN (SELECT g.meter_id FROM meter_tag g WHERE g.tag_id = :tag_id))
   AND CASE WHEN :product_id::int IS NULL THEN product_id NOT IN (SELECT product_id FROM product WHERE kind <> 'meter')
            ELSE product_id = :product_id END ORDER BY hashint8(meter_id), meter_id

-- name: add_batch
-- A batch; no row: its key is taken.
INSERT INTO command_batch (tenant_id, name, kind, params, unique_key, validity_s, groups, hold_s, failure_limit_ppm, inverse_of,
                           total, created_by)
VALUES (:tenant_id, :name, :kind, :params, :unique_key, :validity_s, :groups, :hold_s, :failure_limit_ppm, :inverse_of,
        :total, :created_by)
ON CONFLICT (tenant_id, unique_key) DO NOTHING RETURNING batch_id

-- name: batch_by_key
-- The batch that has a key.
SELECT batch_id, kind, params FROM command_batch WHERE tenant_id = :tenant_id AND unique_key = :unique_key

-- name: add_batch_meters
-- Its meters, with parameters of their own where they have some.
INSERT INTO command_batch_meter (batch_id, place, tenant_id, meter_id, params)
SELECT :batch_id, u.place, :tenant_id, u.meter_id, u.params::jsonb
  FROM unnest(:places::int[], :meter_ids::bigint[], :params::text[]) AS u(place, meter_id, params)

-- name: batches
-- Batches from new to old, with how many of their commands stand how; :only one of them, NULL: all.
SELECT b.batch_id, b.name, b.kind, b.params, b.state, b.reason, b.total, b.released, b.groups, b.hold_s, b.failure_limit_ppm,
       b.inverse_of, b.created_by, b.created_at,
       coalesce((SELECT jsonb_object_agg(k.state, k.n) FROM
         (SELECT c.state, count(*) AS n FROM command c WHERE c.batch_id = b.batch_id GROUP BY c.state) k), '{}') AS states
  FROM command_batch b
 WHERE b.tenant_id = :tenant_id AND (:only::bigint IS NULL OR b.batch_id = :only)
   AND (:after::bigint IS NULL OR b.batch_id < :after) ORDER BY b.batch_id DESC LIMIT :most

-- name: batch_lines
-- What became of each meter of a batch.
SELECT x.place, x.meter_id, m.number, c.command_id, coalesce(c.state, 'waiting') AS state, coalesce(c.reason, '') AS reason,
       coalesce(x.params, b.params) AS params
  FROM command_batch_meter x JOIN meter m USING (meter_id) JOIN command_batch b ON b.batch_id = x.batch_id
  LEFT JOIN command c ON c.batch_id = x.batch_id AND c.place = x.place
 WHERE x.tenant_id = :tenant_id AND x.batch_id = :batch_id AND x.place > :after ORDER BY x.place LIMIT :most

-- name: batch_keys
-- What a batch's commands are or will be, by place: key, meter, parameters, end of validity.
SELECT b.unique_key, x.place, x.meter_id, coalesce(x.params, b.params) AS params,
       extract(epoch FROM b.created_at)::bigint + b.validity_s AS not_after
  FROM command_batch b JOIN command_batch_meter x USING (batch_id)
 WHERE b.tenant_id = :tenant_id AND b.batch_id = :batch_id ORDER BY x.place

-- name: set_batch_state
-- A person steers a batch; :judge_anew: of its failures only later ones count.
UPDATE command_batch
   SET state = :after, reason = :reason, judge_from = CASE WHEN :judge_anew THEN released ELSE judge_from END
 WHERE tenant_id = :tenant_id AND batch_id = :batch_id AND state = :before

-- name: cancel_batch
-- Call off those of a batch's commands that were not sent.
UPDATE command SET state = 'cancelled', reason = 'batch_cancelled', ended_us = :now_us
 WHERE tenant_id = :tenant_id AND batch_id = :batch_id AND state IN ('drafted', 'quarantined', 'approved', 'queued')
RETURNING command_id

-- name: inverse_meters
-- Meters of a batch whose values before it are known.
SELECT meter_id, before FROM command_batch_meter
 WHERE tenant_id = :tenant_id AND batch_id = :batch_id AND before IS NOT NULL AND before <> '{}'::jsonb ORDER BY place
