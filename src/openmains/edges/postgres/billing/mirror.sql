-- SPDX-License-Identifier: Apache-2.0
-- Meters that deduct by themselves, worked out again by day and version (migration 0123): role openmains_api, one tenant; the last one of the
-- worker, all tenants.

-- name: hold_mirror
-- Who mirrors for a utility waits for who does so already.
SELECT pg_advisory_xact_lock(123, :tenant_id)

-- name: mirrored_places
-- By shard, up to where changed days were looked for.
SELECT shard, position FROM mirrored_place WHERE tenant_id = :tenant_id

-- name: set_mirrored_place
-- All of the shard up to here were told.
INSERT INTO mirrored_place (tenant_id, shard, position) VALUES (:tenant_id, :shard, :position)
    ON CONFLICT (tenant_id, shard) DO UPDATE SET position = excluded.position

-- name: changed_meters
-- Of these those that say a balance of money or volume are due, whether known or new.
INSERT INTO mirrored_meter AS m (tenant_id, meter_id)
SELECT :tenant_id, s.meter_id FROM meter_state s
 WHERE s.meter_id = ANY (:meter_ids::bigint[]) AND s.tenant_id = :tenant_id AND s.balance IS NOT NULL AND s.balance_kind IN (0, 1)
    ON CONFLICT (tenant_id, meter_id) DO UPDATE SET is_due = true WHERE NOT m.is_due

-- name: begin_mirror_day
-- All are due once a day, and looked over whole: a command may have ended without a report, and what came late is met.
UPDATE mirrored_meter SET is_due = true, is_whole = true, looked_day = :today WHERE tenant_id = :tenant_id AND looked_day < :today::int

-- name: due_meters
-- With a changed day, or (whole) for the first time today; with what is known of how they deduct.
SELECT d.meter_id, p.driver, p.settings,
       coalesce((SELECT h.reported FROM meter_shadow h WHERE h.meter_id = d.meter_id), '{}'::jsonb) AS reported
  FROM mirrored_meter d JOIN meter m ON m.meter_id = d.meter_id JOIN product p ON p.product_id = m.product_id
 WHERE d.tenant_id = :tenant_id AND d.meter_id > :after AND d.is_due AND d.is_whole = :is_whole ORDER BY d.meter_id LIMIT :most

-- name: look_whole
-- Of these all days that may still change are to be looked over.
UPDATE mirrored_meter SET is_whole = true WHERE tenant_id = :tenant_id AND meter_id = ANY (:meter_ids::bigint[])

-- name: given_prices
-- Prices that were sent to meters, by the time of their answers.
SELECT c.meter_id, c.params, c.sent_us, CASE WHEN c.state = 'confirmed' THEN c.ended_us END AS answered_us, c.result, c.answer
  FROM command c
 WHERE c.tenant_id = :tenant_id AND c.meter_id = ANY (:meter_ids::bigint[]) AND c.kind = 'set_price' AND c.sent_us IS NOT NULL
   AND (c.state = 'confirmed' OR c.result IS NULL)
 ORDER BY c.meter_id, coalesce(c.ended_us, c.sent_us), c.command_id

-- name: given_top_ups
-- Top-ups that were sent to meters and may have been done since an instant.
SELECT c.meter_id, c.command_id, c.params, c.sent_us, CASE WHEN c.state = 'confirmed' THEN c.ended_us END AS answered_us, c.not_after
  FROM command c
 WHERE c.tenant_id = :tenant_id AND c.meter_id = ANY (:meter_ids::bigint[]) AND c.kind = 'top_up' AND c.sent_us IS NOT NULL
   AND (c.state = 'confirmed' OR c.result IS NULL) AND greatest(c.ended_us, c.not_after * 1000000) >= :since_us::bigint
 ORDER BY c.meter_id, c.command_id

-- name: kept_mirrors
-- The newest version of each day from one on.
SELECT DISTINCT ON (d.meter_id, d.day) d.meter_id, d.day, d.version, d.found, d.doubt, d.cited
  FROM mirrored_day d
 WHERE d.tenant_id = :tenant_id AND d.meter_id = ANY (:meter_ids::bigint[]) AND d.day >= :since_day
 ORDER BY d.meter_id, d.day, d.version DESC

-- name: mirrored_before
-- Where the newest day before one ended, of each meter.
SELECT u.meter_id, d.until_s, d.until_us, d.until_l, d.after, d.kind
  FROM unnest(:meter_ids::bigint[]) AS u(meter_id)
 CROSS JOIN LATERAL (SELECT e.until_s, e.until_us, e.until_l, e.after, e.kind FROM mirrored_day e
                      WHERE e.tenant_id = :tenant_id AND e.meter_id = u.meter_id AND e.day < :since_day
                      ORDER BY e.day DESC, e.version DESC LIMIT 1) d

-- name: add_mirrors
-- Versions of days, with the account at which each meter hung.
INSERT INTO mirrored_day (tenant_id, meter_id, account_id, day, version, kind, from_s, from_us, from_l, before, until_s, until_us, until_l, after,
                          credited, expected, difference, causes, found, doubt, price_version, step_l, rounding, cited, made_us)
SELECT :tenant_id, u.meter_id,
       (SELECT i.account_id FROM installation i
         WHERE i.meter_id = u.meter_id AND i.during @> to_timestamp(u.until_s) LIMIT 1),
       u.day, u.version, u.kind, u.from_s, u.from_us, u.from_l, u.before, u.until_s, u.until_us, u.until_l, u.after, u.credited, u.expected,
       u.difference, ARRAY(SELECT jsonb_array_elements_text(u.causes::jsonb)), u.found::json, u.doubt, u.price_version, u.step_l, u.rounding,
       u.cited::json, :now_us
  FROM unnest(:meter_ids::bigint[], :days::int[], :versions::smallint[], :kinds::smallint[], :from_s::bigint[], :from_us::bigint[], :from_l::bigint[],
              :before::bigint[], :until_s::bigint[], :until_us::bigint[], :until_l::bigint[], :after::bigint[], :credited::bigint[],
              :expected::bigint[], :difference::bigint[], :causes::text[], :found::text[], :doubts::text[], :price_versions::int[],
              :steps::int[], :roundings::text[], :cited::text[])
       AS u(meter_id, day, version, kind, from_s, from_us, from_l, before, until_s, until_us, until_l, after, credited, expected, difference, causes,
            found, doubt, price_version, step_l, rounding, cited)

-- name: mirror_looked_at
-- Due no more; how far each came, and what kept it.
UPDATE mirrored_meter m SET is_due = false, is_whole = false, why = u.why, until_s = coalesce(u.until_s, m.until_s)
  FROM unnest(:meter_ids::bigint[], :whys::text[], :until_s::bigint[]) AS u(meter_id, why, until_s)
 WHERE m.tenant_id = :tenant_id AND m.meter_id = u.meter_id

-- name: balance_differences
-- Newest versions of days with a difference, from new to old; of an area with those below it; open: nobody has made anything of it.
SELECT d.mirrored_id, d.meter_id, m.number AS meter_number, d.account_id, coalesce(c.number, '') AS account, m.area_id, coalesce(a.name, '') AS area,
       d.day, d.version, d.kind, d.from_s, d.from_l, d.before, d.until_s, d.until_l, d.after, d.credited, d.expected, d.difference, d.found, d.doubt,
       d.price_version, d.step_l, d.rounding, d.made_us, false AS superseded, r.verdict, r.reason, r.made_us AS reviewed_us,
       coalesce(w.name, '') AS reviewer
  FROM mirrored_day d
  JOIN meter m ON m.meter_id = d.meter_id AND m.tenant_id = d.tenant_id
  LEFT JOIN area a ON a.area_id = m.area_id
  LEFT JOIN account c ON c.account_id = d.account_id AND c.tenant_id = d.tenant_id
  LEFT JOIN mirror_review r ON r.mirrored_id = d.mirrored_id
  LEFT JOIN app_user w ON w.user_id = r.made_by
 WHERE d.tenant_id = :tenant_id AND d.causes <> '{}' AND (:after::bigint IS NULL OR d.mirrored_id < :after)
   AND NOT EXISTS (SELECT FROM mirrored_day n WHERE n.tenant_id = d.tenant_id AND n.meter_id = d.meter_id AND n.day = d.day
                      AND n.version > d.version)
   AND (:cause::text IS NULL OR :cause = ANY (d.causes)) AND (:least::bigint IS NULL OR abs(d.difference) >= :least)
   AND (:until_day::int IS NULL OR d.day <= :until_day) AND (:is_open::boolean IS NULL OR (r.mirrored_id IS NULL) = :is_open)
   AND (:meter_id::bigint IS NULL OR d.meter_id = :meter_id) AND (:account_id::bigint IS NULL OR d.account_id = :account_id)
   AND (:area_id::int IS NULL OR EXISTS (SELECT FROM area t WHERE t.area_id = :area_id AND t.tenant_id = d.tenant_id
                                            AND a.path >= t.path AND a.path < t.path_end))
 ORDER BY d.mirrored_id DESC LIMIT :most

-- name: mirrored_days
-- All versions of a meter's days, from new to old.
SELECT d.mirrored_id, d.meter_id, m.number AS meter_number, d.account_id, coalesce(c.number, '') AS account, m.area_id, coalesce(a.name, '') AS area,
       d.day, d.version, d.kind, d.from_s, d.from_l, d.before, d.until_s, d.until_l, d.after, d.credited, d.expected, d.difference, d.found, d.doubt,
       d.price_version, d.step_l, d.rounding, d.made_us,
       EXISTS (SELECT FROM mirrored_day n WHERE n.tenant_id = d.tenant_id AND n.meter_id = d.meter_id AND n.day = d.day AND n.version > d.version)
         AS superseded, r.verdict, r.reason, r.made_us AS reviewed_us, coalesce(w.name, '') AS reviewer
  FROM mirrored_day d
  JOIN meter m ON m.meter_id = d.meter_id AND m.tenant_id = d.tenant_id
  LEFT JOIN area a ON a.area_id = m.area_id
  LEFT JOIN account c ON c.account_id = d.account_id AND c.tenant_id = d.tenant_id
  LEFT JOIN mirror_review r ON r.mirrored_id = d.mirrored_id
  LEFT JOIN app_user w ON w.user_id = r.made_by
 WHERE d.tenant_id = :tenant_id AND d.meter_id = :meter_id
   AND (:after_day::int IS NULL OR (d.day, d.version) < (:after_day, :after_version::int))
 ORDER BY d.day DESC, d.version DESC LIMIT :most

-- name: mirrored_meters
-- By meter, with what keeps it from being worked out, and the newest day.
SELECT x.meter_id, m.number AS meter_number, m.area_id, coalesce(a.name, '') AS area, x.until_s, x.why, d.day AS last_day, d.after, d.kind
  FROM mirrored_meter x
  JOIN meter m ON m.meter_id = x.meter_id AND m.tenant_id = x.tenant_id
  LEFT JOIN area a ON a.area_id = m.area_id
  LEFT JOIN LATERAL (SELECT e.day, e.after, e.kind FROM mirrored_day e WHERE e.tenant_id = x.tenant_id AND e.meter_id = x.meter_id
                      ORDER BY e.day DESC, e.version DESC LIMIT 1) d ON true
 WHERE x.tenant_id = :tenant_id AND x.meter_id > :after AND (NOT :in_doubt::boolean OR x.why <> '')
 ORDER BY x.meter_id LIMIT :most

-- name: found_mirror
-- A version with a difference, if it is the newest of its day; whether somebody made something of it.
SELECT d.meter_id, EXISTS (SELECT FROM mirror_review r WHERE r.mirrored_id = d.mirrored_id) AS is_reviewed,
       EXISTS (SELECT FROM mirrored_day n WHERE n.tenant_id = d.tenant_id AND n.meter_id = d.meter_id AND n.day = d.day AND n.version > d.version)
         AS superseded
  FROM mirrored_day d WHERE d.tenant_id = :tenant_id AND d.mirrored_id = :mirrored_id AND d.causes <> '{}'

-- name: add_review
-- Once for a version; no row where somebody was first.
INSERT INTO mirror_review (mirrored_id, tenant_id, meter_id, verdict, reason, made_by, made_us)
VALUES (:mirrored_id, :tenant_id, :meter_id, :verdict, :reason, :made_by, :now_us)
    ON CONFLICT (mirrored_id) DO NOTHING RETURNING mirrored_id

-- name: mirroring
-- Utilities with their zones.
SELECT t.tenant_id, t.zone FROM tenant t ORDER BY t.tenant_id
