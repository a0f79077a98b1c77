-- SPDX-License-Identifier: Apache-2.0
-- The queue of long work: the worker's side, then the API's. Instants are seconds since 1970.

-- name: enqueue
-- No row where the unique key was used before.
INSERT INTO job (tenant_id, kind, params, unique_key, file_path, created_by, created_at)
VALUES (:tenant_id, :kind, :params, :unique_key, :file_path, :created_by, to_timestamp(:now))
ON CONFLICT (tenant_id, unique_key) DO NOTHING
RETURNING job_id

-- name: claim
-- The next job that waits or whose runner fell silent: of the tenant that was served longest ago, and of none that is being
-- served, so that one tenant's files do not hold up the others. started_at is the mark of the claim: it changes when another
-- runner takes the job over.
UPDATE job SET status = 'running', started_at = to_timestamp(:now), heartbeat_at = to_timestamp(:now), done = 0
 WHERE job_id = (SELECT next.job_id FROM job next WHERE next.kind = ANY (:kinds::text[]) AND (next.status = 'queued'
                    OR (next.status = 'running' AND next.heartbeat_at < to_timestamp(:now::float8 - :lease_s::float8)))
                    AND NOT EXISTS (SELECT FROM job busy WHERE busy.tenant_id = next.tenant_id AND busy.status = 'running'
                                       AND busy.heartbeat_at >= to_timestamp(:now::float8 - :lease_s::float8))
                  ORDER BY (SELECT max(served.started_at) FROM job served WHERE served.tenant_id = next.tenant_id)
                           NULLS FIRST, next.job_id
                  LIMIT 1 FOR UPDATE OF next SKIP LOCKED)
RETURNING job_id, tenant_id, kind, params, file_path

-- name: beat
-- Still at work; no row where the job is no longer this claim's.
UPDATE job SET done = :done, total = :total, heartbeat_at = to_timestamp(:now)
 WHERE job_id = :job_id AND started_at = to_timestamp(:claim) AND status = 'running'
RETURNING true

-- name: finish
-- How it ended; the same.
UPDATE job SET status = :status, result = :result, error = :error, finished_at = to_timestamp(:now),
       done = CASE WHEN :status = 'done' THEN greatest(done, total) ELSE done END
 WHERE job_id = :job_id AND started_at = to_timestamp(:claim)
   AND (status = 'running' OR (status = 'cancelled' AND finished_at IS NULL))
RETURNING true

-- name: ask_to_end
-- A runner sees it at its next beat.
UPDATE job SET status = 'cancelled'
 WHERE job_id = :job_id AND tenant_id = :tenant_id AND status IN ('queued', 'running')
RETURNING true

-- name: job_status
-- How far a job is.
SELECT status, done, total, result, error FROM job WHERE job_id = :job_id

-- name: jobs
-- Of a tenant, newest first; a filter that is null takes all.
SELECT job_id, kind, params, status, done, total, result, error, created_by, created_at, started_at, finished_at
  FROM job
 WHERE tenant_id = :tenant_id AND (:after::bigint IS NULL OR job_id < :after)
   AND (:status::text IS NULL OR status = :status) AND (:kind::text IS NULL OR kind = :kind)
 ORDER BY job_id DESC LIMIT :most

-- name: job
-- One of them.
SELECT job_id, kind, params, status, done, total, result, error, created_by, created_at, started_at, finished_at
  FROM job WHERE tenant_id = :tenant_id AND job_id = :job_id

-- name: add_job
-- The job that was made before under the unique key, where there is one.
INSERT INTO job (tenant_id, kind, params, file_path, unique_key, created_by)
VALUES (:tenant_id, :kind, :params, :file_path, :unique_key, :user_id)
ON CONFLICT (tenant_id, unique_key) DO UPDATE SET unique_key = excluded.unique_key
RETURNING job_id, kind, params, status, done, total, result, error, created_by, created_at, started_at, finished_at

-- name: release_key
-- Of a finished job, so that the same work can be asked for again.
UPDATE job SET unique_key = NULL
 WHERE tenant_id = :tenant_id AND unique_key = :unique_key AND status NOT IN ('queued', 'running')

-- name: result_file
-- Where the worker put a file of the result.
SELECT result ->> :which FROM job WHERE tenant_id = :tenant_id AND job_id = :job_id

-- name: cancel
-- A job that has not ended.
UPDATE job SET status = 'cancelled', finished_at = now()
 WHERE tenant_id = :tenant_id AND job_id = :job_id AND status IN ('queued', 'running')
