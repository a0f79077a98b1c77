-- SPDX-License-Identifier: Apache-2.0
-- Which pipeline process works on which shard. Role openmains_pipeline. What claims to hold longer than a lease lasts was written before the
-- clock was set back, and counts as run out.

-- name: seen
-- This process is alive.
INSERT INTO pipeline_process (holder, seen_at) VALUES (:holder, now())
ON CONFLICT (holder) DO UPDATE SET seen_at = now()

-- name: renew
-- Its leases run on.
UPDATE pipeline_lease SET expires_at = now() + :lease::interval WHERE holder = :holder

-- name: processes
-- Processes that said within a lease's time that they are alive.
SELECT holder FROM pipeline_process WHERE seen_at BETWEEN now() - :lease::interval AND now() + :lease::interval

-- name: leases
-- Leases that have not run out.
SELECT shard, holder FROM pipeline_lease WHERE expires_at > now() AND expires_at <= now() + :lease::interval

-- name: take
-- Those that nobody else holds; two that ask at once: one gets it.
INSERT INTO pipeline_lease (shard, holder, expires_at)
SELECT shard, :holder, now() + :lease::interval FROM unnest(:shards::int[]) AS shard
ON CONFLICT (shard) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
WHERE pipeline_lease.holder = excluded.holder OR pipeline_lease.expires_at <= now() OR pipeline_lease.expires_at > now() + :lease::interval
RETURNING shard

-- name: release
-- Given back before they run out.
DELETE FROM pipeline_lease WHERE holder = :holder AND shard = ANY(:shards::int[])

-- name: release_all
-- All of a process that ends.
DELETE FROM pipeline_lease WHERE holder = :holder

-- name: gone
-- A process that ends, and those of which nothing was heard for a day.
DELETE FROM pipeline_process WHERE holder = :holder OR seen_at < now() - interval '1 day'
