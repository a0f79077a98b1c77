-- SPDX-License-Identifier: Apache-2.0
-- Rules as the pipeline and the clock keep to them (role openmains_pipeline).

-- name: rule_stamp
-- Changes whenever another set of versions is in force.
SELECT (SELECT coalesce(sum(revision), 0) FROM rule)::bigint AS changes,
       (SELECT count(*) FROM rule_version WHERE effective_us <= :now_us)::bigint AS begun

-- name: active_rules
-- Versions in force of all tenants, with the areas that each is for.
SELECT r.rule_id, r.tenant_id, v.version, v.line, v.draft::text AS draft, v.product_id, v.area_id, p.driver,
       CASE WHEN v.area_id IS NOT NULL THEN (SELECT array_agg(b.area_id) FROM area t JOIN area b ON b.tenant_id = t.tenant_id
              AND b.path >= t.path AND b.path < t.path_end WHERE t.area_id = v.area_id) END AS areas
  FROM rule r JOIN LATERAL (SELECT * FROM rule_version w WHERE w.rule_id = r.rule_id AND w.effective_us <= :now_us
                             ORDER BY w.effective_us DESC, w.version DESC LIMIT 1) v ON true
       LEFT JOIN product p ON p.product_id = v.product_id
 WHERE r.is_on ORDER BY r.rule_id

-- name: standings
-- Versions of rules whose condition is fulfilled at these meters; a row a meter, for many may stand at each.
SELECT meter_id, array_agg(rule_id) AS rule_ids, array_agg(version) AS versions FROM rule_standing
 WHERE meter_id = ANY (:meter_ids::bigint[]) GROUP BY meter_id

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
    FROM rule_standing s JOIN rule r ON r.rule_id = s.rule_id AND r.is_on
         JOIN LATERAL (SELECT w.line, w.draft FROM rule_version w WHERE w.rule_id = s.rule_id AND w.effective_us <= :now_us
                        ORDER BY w.effective_us DESC, w.version DESC LIMIT 1) v ON v.line = s.version
         JOIN meter m ON m.meter_id = s.meter_id AND m.removed_on IS NULL
   WHERE s.due_us <= :now_us
   ORDER BY s.meter_id, s.rule_id LIMIT :most FOR UPDATE OF s SKIP LOCKED),
taken AS (
  UPDATE rule_standing s SET due_us = NULL FROM due d WHERE s.meter_id = d.meter_id AND s.rule_id = d.rule_id)
INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us, quantity)
SELECT d.tenant_id, d.meter_id, 'rule_fired', coalesce(d.severity, 'major'), :now_us::bigint / 1000000, :now_us, :now_us, :now_us,
       'rule.' || d.rule_id FROM due d
ON CONFLICT (meter_id, event, quantity) WHERE cleared_us IS NULL DO NOTHING

-- name: begun_rules
-- Of rules that ask for silence the utilities of those that were not in force before, or said something else.
WITH fresh AS (
  UPDATE rule r SET watched_version = u.version FROM unnest(:rule_ids::int[], :versions::int[]) AS u(rule_id, version)
   WHERE r.rule_id = u.rule_id AND r.watched_version <> u.version RETURNING r.tenant_id)
SELECT DISTINCT tenant_id FROM fresh

-- name: watch_all
-- All meters of a utility are to be looked at now.
INSERT INTO rule_watch (meter_id, tenant_id, look_us) SELECT m.meter_id, m.tenant_id, :now_us FROM meter m
 WHERE m.tenant_id = ANY (:tenants::int[]) AND m.removed_on IS NULL ORDER BY m.meter_id
ON CONFLICT (meter_id) DO UPDATE SET look_us = excluded.look_us

-- name: due_looks
-- Meters that are to be looked at, those that wait for longest.
SELECT meter_id FROM rule_watch WHERE look_us <= :now_us ORDER BY look_us LIMIT :most

-- name: looked
-- What rules ask of these meters; of one that was removed nothing was heard.
SELECT m.meter_id, m.tenant_id, m.product_id, m.area_id, m.dn, coalesce(c.customer_class, '') AS customer_class,
       CASE WHEN m.removed_on IS NULL THEN s.last_seen_us END AS last_seen_us
  FROM meter m LEFT JOIN meter_state s USING (meter_id) LEFT JOIN customer c ON c.customer_id = m.customer_id
 WHERE m.meter_id = ANY (:meter_ids::bigint[])

-- name: look_again
-- When the next silence of a meter may be due: so many hours after it was heard, of those that are still to come; never later than the
-- shortest after now, so that one that speaks in a moment is not looked at too late.
UPDATE rule_watch w SET look_us = least(
         :now_us::bigint + coalesce((SELECT min(h.hours) FROM unnest(:tenants::int[], :hours::int[]) AS h(tenant_id, hours)
            WHERE h.tenant_id = w.tenant_id), 24) * 3600000000::bigint,
         (SELECT min(s.last_seen_us + h.hours * 3600000000::bigint + 1)
            FROM unnest(:tenants::int[], :hours::int[]) AS h(tenant_id, hours), meter_state s
           WHERE h.tenant_id = w.tenant_id AND s.meter_id = w.meter_id AND s.last_seen_us + h.hours * 3600000000::bigint >= :now_us))
 WHERE w.meter_id = ANY (:meter_ids::bigint[])

-- name: standing
-- Of these rules those that stand at any meter or place: of all others there is nothing to gather and nothing to end.
SELECT u.rule_id FROM unnest(:rule_ids::int[]) AS u(rule_id)
 WHERE EXISTS (SELECT FROM rule_standing s WHERE s.rule_id = u.rule_id) OR EXISTS (SELECT FROM rule_place p WHERE p.rule_id = u.rule_id)

-- name: heard_again
-- Where a rule that asks for silence stands although the meter was heard, or is none of those that it is for.
SELECT s.meter_id FROM rule_standing s LEFT JOIN meter_state t USING (meter_id)
 WHERE s.rule_id = :rule_id AND (t.last_seen_us >= :before_us OR NOT EXISTS (
       SELECT FROM ruled_meters(:tenant_id, :product_id, :areas::int[], :classes::text[], :dn_from, :dn_to) m WHERE m.meter_id = s.meter_id))

-- name: missing_members
-- Meters of which so many days were due and are not there.
SELECT g.meter_id FROM reread_gap g JOIN ruled_meters(:tenant_id, :product_id, :areas::int[], :classes::text[], :dn_from, :dn_to) m USING (meter_id)
 WHERE g.tenant_id = :tenant_id AND g.state IN ('waiting', 'wanted', 'asked', 'visit') GROUP BY g.meter_id HAVING count(*) >= :days

-- name: unanswered_members
-- Meters with a command that was sent so long ago and has no end.
SELECT DISTINCT c.meter_id FROM command c JOIN ruled_meters(:tenant_id, :product_id, :areas::int[], :classes::text[], :dn_from, :dn_to) m USING (meter_id)
 WHERE c.tenant_id = :tenant_id AND c.ended_us IS NULL AND c.sent_us <= :before_us AND (:kind::text = '' OR c.kind = :kind)

-- name: stood
-- Meters at which a rule of the clock stands, whichever version said so: the clock judges them all.
SELECT meter_id FROM rule_standing WHERE rule_id = :rule_id

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
-- Where there were enough; what messages decide is known of a new version when the meters have spoken.
SELECT place FROM rule_place WHERE rule_id = :rule_id AND (:any_version::boolean OR version = :version)

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
  ON CONFLICT (rule_id, place) DO UPDATE SET version = excluded.version WHERE rule_place.version <> excluded.version RETURNING place, meter_id)
INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us, quantity, value, bound)
SELECT :tenant_id, f.meter_id, 'rule_fired', :severity, :now_us::bigint / 1000000, :now_us, :now_us, :now_us, 'rule.' || :rule_id::int,
       u.meters, :least
  FROM fresh f JOIN unnest(:places::text[], :counts::bigint[]) AS u(place, meters) USING (place)
ON CONFLICT (meter_id, event, quantity) WHERE cleared_us IS NULL DO NOTHING

-- name: forget
-- What stands of rules that are off, or at meters that were removed, and places of the former. What stands of a version that is in force no
-- more stays until the meter has spoken – the new one is judged without a word where it is fulfilled too –, but not for ever, and not where
-- the new one is for another product.
WITH force AS (
  SELECT r.rule_id, w.line AS version FROM rule r JOIN LATERAL (
    SELECT v.line, v.effective_us, v.product_id FROM rule_version v WHERE v.rule_id = r.rule_id AND v.effective_us <= :now_us
     ORDER BY v.effective_us DESC, v.version DESC LIMIT 1) n ON true
    JOIN rule_version w ON w.rule_id = r.rule_id
     AND (w.line = n.line OR (n.effective_us > :kept_us AND (n.product_id IS NULL OR n.product_id = w.product_id)))
   WHERE r.is_on),
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

-- name: unwatch
-- A rule that is off begins anew when it is switched on; and nobody is looked at where no rule asks for silence.
WITH off AS (UPDATE rule SET watched_version = 0 WHERE NOT is_on AND watched_version > 0)
DELETE FROM rule_watch WHERE NOT (tenant_id = ANY (:tenants::int[]))

-- name: forget_values
-- What nobody asks about any more.
DELETE FROM rule_value WHERE NOT (point = ANY (:points::text[]))

-- name: take_turn
-- Whether this transaction alone turns the clock; others come back later.
SELECT pg_try_advisory_xact_lock(:key)
