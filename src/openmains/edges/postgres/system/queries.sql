-- SPDX-License-Identifier: Apache-2.0
-- The running system: what waits for people, how far the pipeline is, how the stores grow.

-- name: host_tenant
-- The tenant made first, with the installation, runs the platform; the others are its guests.
SELECT min(tenant_id) FROM tenant

-- name: waiting_for
-- What a tenant has and what waits for its people; columns are names of counters.
SELECT (SELECT count(*) FROM meter WHERE tenant_id = :tenant_id AND removed_on IS NULL
   AND product_id NOT IN (SELECT product_id FROM product WHERE kind <> 'meter')) AS "meters",
       (SELECT count(*) FROM meter m JOIN product p USING (product_id)
         WHERE m.tenant_id = :tenant_id AND m.removed_on IS NULL AND p.kind <> 'meter') AS "monitors",
       (SELECT count(*) FROM alarm WHERE tenant_id = :tenant_id AND cleared_us IS NULL) AS "alarms.open",
       (SELECT count(*) FROM reading_exception WHERE tenant_id = :tenant_id AND status = 'open') AS "exceptions.open",
       (SELECT count(*) FROM dead_letter WHERE tenant_id = :tenant_id AND status = 'open') AS "dead_letters.open",
       (SELECT count(*) FROM dimension_fault WHERE tenant_id = :tenant_id) AS "meters.set_aside",
       (SELECT count(*) FROM mirrored_day d WHERE d.tenant_id = :tenant_id AND d.causes <> '{}'
           AND NOT EXISTS (SELECT FROM mirror_review r WHERE r.mirrored_id = d.mirrored_id)
           AND NOT EXISTS (SELECT FROM mirrored_day n WHERE n.tenant_id = d.tenant_id AND n.meter_id = d.meter_id AND n.day = d.day
                              AND n.version > d.version)) AS "balance_differences.open",
       (SELECT count(*) FROM mirrored_meter WHERE tenant_id = :tenant_id AND why <> '') AS "mirrored_meters.in_doubt",
       (SELECT count(*) FROM job WHERE tenant_id = :tenant_id AND status IN ('queued', 'running')) AS "jobs.waiting"

-- name: positions
-- How far each shard of the stream is committed.
SELECT shard, position FROM pipeline_position

-- name: version
-- Of the server.
SHOW server_version

-- name: database_size
-- Bytes on disk.
SELECT pg_database_size(current_database())

-- name: keep_sample
-- What the stores hold this hour, unless it is noted.
INSERT INTO storage_sample (at, name, bytes)
SELECT date_trunc('hour', now()), name, bytes FROM unnest(:names::text[], :bytes::bigint[]) AS given (name, bytes)
ON CONFLICT DO NOTHING

-- name: forget_samples
-- Those of more than 400 days ago.
DELETE FROM storage_sample WHERE at < now() - interval '400 days'

-- name: storage_history
-- Every hour of the last two days, midnights (UTC) of 30 days before that: enough to draw and small.
SELECT at, sum(bytes)::bigint AS bytes FROM storage_sample
 WHERE at > now() - interval '30 days' AND (at > now() - interval '2 days' OR extract(hour FROM at AT TIME ZONE 'UTC') = 0)
 GROUP BY at ORDER BY at

-- name: newest_versions
-- How many messages of meters are applied: those registered last that were heard.
SELECT meter_id, version FROM meter_state WHERE version > 0 ORDER BY meter_id DESC LIMIT :most

-- name: signed_counters
-- The counter of the newest signed command of each meter, of the newest commands.
SELECT meter_id, max(counter) AS counter
  FROM (SELECT meter_id, counter FROM command WHERE counter IS NOT NULL ORDER BY command_id DESC LIMIT :most) AS newest
 GROUP BY meter_id

-- name: try_out
-- Whether anything can be written at all: the newest number is kept.
INSERT INTO ready_trial (slot, number) VALUES (1, :number)
    ON CONFLICT (slot) DO UPDATE SET number = greatest(ready_trial.number, excluded.number)

-- name: tried_out
-- What was written.
SELECT number FROM ready_trial
