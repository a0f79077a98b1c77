-- SPDX-License-Identifier: Apache-2.0
-- Rules as the pipeline and the clock keep to them (role openmains_pipeline).

-- name: rule_stamp
-- Changes whenever another set of versions is in force.
SELECT (SELECT coalesce(sum(revision), 0) FROM rule)::bigint AS changes,
       (SELECT count(*) FROM rule_version WHERE effective_us <= :now_us)::bigint AS begun

-- name: active_rules
-- Versions in force of all tenants, with the areas that each is for.
SELECT r.rule_id, r.tenant_id, v.version, v.draft::text AS draft, v.product_id, v.area_id, p.driver,
       CASE WHEN v.area_id IS NOT NULL THEN (SELECT array_agg(b.area_id) FROM area t JOIN area b ON b.tenant_id = t.tenant_id
              AND b.path >= t.path AND b.path < t.path_end WHERE t.area_id = v.area_id) END AS areas
  FROM rule r JOIN LATERAL (SELECT * FROM rule_version w WHERE w.rule_id = r.rule_id AND w.effective_us <= :now_us
                             ORDER BY w.effective_us DESC, w.version DESC LIMIT 1) v ON true
       LEFT JOIN product p ON p.product_id = v.product_id
 WHERE r.is_on ORDER BY r.rule_id

-- name: standings
-- Versions of rules whose condition is fulfilled at these meters.
SELECT meter_id, rule_id, version FROM rule_standing WHERE meter_id = ANY (:meter_ids::bigint[])

-- name: remembered
-- What these meters said last of points whose change is asked about.
SELECT meter_id, point, value, at_s FROM rule_value WHERE meter_id = ANY (:meter_ids::bigint[])

-- name: classes
-- The classes of these meters' customers.
SELECT m.meter_id, c.customer_class FROM meter m JOIN customer c USING (customer_id) WHERE m.meter_id = ANY (:meter_ids::bigint[])

-- name: stand
-- Begins to be fulfilled; where the same version is already, since when stays.
INSERT INTO rule_standing (meter_id, rule_id, tenant_id, version, since_us, due_us)
SELECT u.* FROM unnest(:meter_ids::bigint[], :rule_ids::int[], :tenant_ids::int[], :versions::int[], :since_us::bigint[], :due_us::bigint[])
       AS u(meter_id, rule_id, tenant_id, version, since_us, due_us)
ON CONFLICT (meter_id, rule_id) DO UPDATE SET version = excluded.version, since_us = excluded.since_us, due_us = excluded.due_us
 WHERE rule_standing.version <> excluded.version

-- name: fall
-- Ceases to be.
DELETE FROM rule_standing s USING unnest(:meter_ids::bigint[], :rule_ids::int[]) AS u(meter_id, rule_id)
 WHERE s.meter_id = u.meter_id AND s.rule_id = u.rule_id

-- name: lock_standings
-- Those that a batch is about to change, in the order in which the clock locks them too.
SELECT s.meter_id FROM rule_standing s JOIN unnest(:meter_ids::bigint[], :rule_ids::int[]) AS u(meter_id, rule_id)
       ON s.meter_id = u.meter_id AND s.rule_id = u.rule_id ORDER BY s.meter_id, s.rule_id FOR UPDATE OF s

-- name: remember
-- The newest value counts.
INSERT INTO rule_value (meter_id, point, tenant_id, value, at_s)
SELECT u.* FROM unnest(:meter_ids::bigint[], :points::text[], :tenant_ids::int[], :values::bigint[], :at_s::bigint[])
       AS u(meter_id, point, tenant_id, value, at_s)
ON CONFLICT (meter_id, point) DO UPDATE SET value = excluded.value, at_s = excluded.at_s

-- name: fire_held
-- Conditions of versions in force that have held for long enough: their alarms, each once – what is taken here is not due any more, in the same transaction.
WITH due AS (
  SELECT s.meter_id, s.rule_id, s.tenant_id, v.draft ->> 'severity' AS severity
    FROM rule_standing s JOIN rule_version v ON v.rule_id = s.rule_id AND v.version = s.version JOIN rule r ON r.rule_id = s.rule_id AND r.is_on
         JOIN meter m ON m.meter_id = s.meter_id AND m.removed_on IS NULL
   WHERE s.due_us <= :now_us
     AND s.version = (SELECT w.version FROM rule_version w WHERE w.rule_id = s.rule_id AND w.effective_us <= :now_us
                       ORDER BY w.effective_us DESC, w.version DESC LIMIT 1)
   ORDER BY s.meter_id, s.rule_id LIMIT :most FOR UPDATE OF s SKIP LOCKED),
taken AS (
  UPDATE rule_standing s SET due_us = NULL FROM due d WHERE s.meter_id = d.meter_id AND s.rule_id = d.rule_id)
INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us, quantity)
SELECT d.tenant_id, d.meter_id, 'rule_fired', coalesce(d.severity, 'major'), :now_us::bigint / 1000000, :now_us, :now_us, :now_us,
       'rule.' || d.rule_id FROM due d
ON CONFLICT (meter_id, event, quantity) WHERE cleared_us IS NULL DO NOTHING

-- name: silent_members
-- Meters that a rule is for and of which nothing was heard since an instant, though it was before.
SELECT m.meter_id FROM ruled_meters(:tenant_id, :product_id, :areas::int[], :classes::text[], :dn_from, :dn_to) m
  JOIN meter_state s USING (meter_id) WHERE s.last_seen_us < :before_us

-- name: missing_members
-- Meters of which so many days were due and are not there.
SELECT g.meter_id FROM reread_gap g JOIN ruled_meters(:tenant_id, :product_id, :areas::int[], :classes::text[], :dn_from, :dn_to) m USING (meter_id)
 WHERE g.tenant_id = :tenant_id AND g.state IN ('waiting', 'wanted', 'asked', 'visit') GROUP BY g.meter_id HAVING count(*) >= :days

-- name: unanswered_members
-- Meters with a command that was sent so long ago and has no end.
SELECT DISTINCT c.meter_id FROM command c JOIN ruled_meters(:tenant_id, :product_id, :areas::int[], :classes::text[], :dn_from, :dn_to) m USING (meter_id)
 WHERE c.tenant_id = :tenant_id AND c.ended_us IS NULL AND c.sent_us <= :before_us AND (:kind::text = '' OR c.kind = :kind)

-- name: stood
-- Meters at which a version of a rule stands.
SELECT meter_id FROM rule_standing WHERE rule_id = :rule_id AND version = :version

-- name: fall_members
-- Meters that fulfil a rule of the clock no more.
WITH locked AS (
  SELECT meter_id, rule_id FROM rule_standing WHERE rule_id = :rule_id AND meter_id = ANY (:meter_ids::bigint[]) ORDER BY meter_id FOR UPDATE)
DELETE FROM rule_standing s USING locked l WHERE s.meter_id = l.meter_id AND s.rule_id = l.rule_id RETURNING s.meter_id, s.rule_id

-- name: stand_members
-- Meters that fulfil one now; with an alarm unless it gathers meters.
WITH fresh AS (
  INSERT INTO rule_standing (meter_id, rule_id, tenant_id, version, since_us)
  SELECT u.meter_id, :rule_id, :tenant_id, :version, :now_us FROM unnest(:meter_ids::bigint[]) AS u(meter_id) ORDER BY u.meter_id
  ON CONFLICT (meter_id, rule_id) DO UPDATE SET version = excluded.version, since_us = excluded.since_us, due_us = NULL
   WHERE rule_standing.version <> excluded.version RETURNING meter_id)
INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us, quantity)
SELECT :tenant_id, f.meter_id, 'rule_fired', :severity, :now_us::bigint / 1000000, :now_us, :now_us, :now_us, 'rule.' || :rule_id::int
  FROM fresh f WHERE NOT :gathers::boolean
ON CONFLICT (meter_id, event, quantity) WHERE cleared_us IS NULL DO NOTHING

-- name: places
-- Of a rule that gathers meters: places with how many of them fulfil it, how many there are, and the one that has for longest.
WITH member AS (
  SELECT s.meter_id, s.since_us, CASE :within::text WHEN 'area' THEN 'a' || m.area_id WHEN 'cell' THEN 'c' || t.cell ELSE 's' END AS place
    FROM rule_standing s JOIN meter m USING (meter_id) LEFT JOIN meter_state t USING (meter_id)
   WHERE s.rule_id = :rule_id AND s.version = :version AND s.since_us <= :before_us AND m.removed_on IS NULL
     AND (:within::text <> 'cell' OR t.cell IS NOT NULL)),
enough AS (
  SELECT place, count(*) AS meters, (array_agg(meter_id ORDER BY since_us, meter_id))[1] AS meter_id FROM member
   GROUP BY place HAVING count(*) >= :meters)
SELECT e.place, e.meters, e.meter_id,
       CASE WHEN :with_all::boolean THEN (SELECT count(*) FROM ruled_meters(:tenant_id, :product_id, :areas::int[], :classes::text[], :dn_from, :dn_to) m
                LEFT JOIN meter_state t USING (meter_id)
               WHERE CASE :within::text WHEN 'area' THEN 'a' || m.area_id WHEN 'cell' THEN 'c' || t.cell ELSE 's' END = e.place) ELSE 0 END AS in_all
  FROM enough e

-- name: stood_places
-- Where there were enough.
SELECT place FROM rule_place WHERE rule_id = :rule_id AND version = :version

-- name: fall_places
-- Where there are enough no more.
DELETE FROM rule_place WHERE rule_id = :rule_id AND place = ANY (:places::text[]) RETURNING meter_id, rule_id

-- name: clear_rule_alarms
-- Alarms of rules at meters are over; locked in the order in which persons' acts and batches lock them too.
WITH locked AS (
  SELECT a.alarm_id FROM alarm a JOIN unnest(:meter_ids::bigint[], :rule_ids::int[]) AS u(meter_id, rule_id)
         ON a.meter_id = u.meter_id AND a.event = 'rule_fired' AND a.quantity = 'rule.' || u.rule_id
   WHERE a.cleared_us IS NULL ORDER BY a.alarm_id FOR UPDATE OF a)
UPDATE alarm a SET cleared_us = :now_us, last_us = :now_us FROM locked l WHERE a.alarm_id = l.alarm_id

-- name: stand_places
-- Where there are enough now: one alarm a place, with how many and how many are enough.
WITH fresh AS (
  INSERT INTO rule_place (rule_id, place, tenant_id, version, meter_id, since_us)
  SELECT :rule_id, u.place, :tenant_id, :version, u.meter_id, :now_us FROM unnest(:places::text[], :meter_ids::bigint[]) AS u(place, meter_id)
  ON CONFLICT (rule_id, place) DO NOTHING RETURNING place, meter_id)
INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us, quantity, value, bound)
SELECT :tenant_id, f.meter_id, 'rule_fired', :severity, :now_us::bigint / 1000000, :now_us, :now_us, :now_us, 'rule.' || :rule_id::int,
       u.meters, :least
  FROM fresh f JOIN unnest(:places::text[], :counts::bigint[]) AS u(place, meters) USING (place)
ON CONFLICT (meter_id, event, quantity) WHERE cleared_us IS NULL DO NOTHING

-- name: forget
-- What stands of rules that are off, or of versions that are in force no more, or at meters that were removed; and places of the former.
WITH force AS (
  SELECT r.rule_id, v.version FROM rule r JOIN LATERAL (
    SELECT w.version FROM rule_version w WHERE w.rule_id = r.rule_id AND w.effective_us <= :now_us
     ORDER BY w.effective_us DESC, w.version DESC LIMIT 1) v ON true WHERE r.is_on),
locked AS (
  SELECT s.meter_id, s.rule_id FROM rule_standing s
   WHERE NOT EXISTS (SELECT FROM force f WHERE f.rule_id = s.rule_id AND f.version = s.version)
      OR EXISTS (SELECT FROM meter m WHERE m.meter_id = s.meter_id AND m.removed_on IS NOT NULL)
   ORDER BY s.meter_id, s.rule_id FOR UPDATE),
gone AS (
  DELETE FROM rule_standing s USING locked l WHERE s.meter_id = l.meter_id AND s.rule_id = l.rule_id RETURNING s.meter_id, s.rule_id),
gone_places AS (
  DELETE FROM rule_place p WHERE NOT EXISTS (SELECT FROM force f WHERE f.rule_id = p.rule_id AND f.version = p.version)
  RETURNING p.meter_id, p.rule_id)
SELECT meter_id, rule_id FROM gone UNION SELECT meter_id, rule_id FROM gone_places

-- name: forget_values
-- What nobody asks about any more.
DELETE FROM rule_value WHERE NOT (point = ANY (:points::text[]))

-- name: take_turn
-- Whether this transaction alone turns the clock; others come back later.
SELECT pg_try_advisory_xact_lock(:key)
