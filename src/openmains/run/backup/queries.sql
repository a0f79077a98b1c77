-- SPDX-License-Identifier: Apache-2.0
-- What a backup and a restore ask of the database, as its owner.

-- name: snapshot
-- A name under which other connections see what this transaction sees.
SELECT pg_export_snapshot()

-- name: positions
-- How far each shard is committed.
SELECT shard, position FROM pipeline_position ORDER BY shard

-- name: shards
-- Their number, fixed at the first start; no row before it.
SELECT value::int FROM platform_choice WHERE name = 'shards'

-- name: tables
-- Every table.
SELECT c.relname::text AS name FROM pg_class c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY c.relname

-- name: next_epoch
-- Number of the epoch that a restore begins.
SELECT coalesce(max(epoch), 0) + 1 FROM restore_epoch

-- name: begin_epoch
-- Written by a restore.
INSERT INTO restore_epoch (epoch, backup_id, taken_us, restored_us, serial_floor)
VALUES (:epoch, :backup_id, :taken_us, :restored_us, :serial_floor)

-- name: raise_versions
-- Versions of days and frames go on above what can have been given out: a state's next version is its own plus one.
UPDATE meter_state SET version = version + :step::bigint

-- name: raise_ids
-- Ids of rows made from now on: a meter's command key follows from its id, and an id that was cited means one thing.
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass,
              least(coalesce(last_value, 0) + CASE WHEN data_type = 'bigint'::regtype THEN :wide::bigint ELSE :narrow::bigint END,
                    max_value))
  FROM pg_sequences WHERE schemaname = 'public'

-- name: end_unsent
-- Commands of which nothing had left the house: whether they were sent or called off afterwards is not known. A safety closing goes
-- on: shutting twice harms nobody.
WITH ended AS (
  UPDATE command SET state = 'failed', reason = 'restored', ended_us = :now_us
   WHERE state IN ('drafted', 'quarantined', 'approved', 'queued') AND kind <> 'safety_close'
  RETURNING command_id, tenant_id)
INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor, detail)
SELECT tenant_id, command_id, :now_us, 'refuse', 'failed', 'platform', 'restored' FROM ended ORDER BY command_id

-- name: end_unsent_to_gateways
-- The same of commands to gateways themselves. What was sent is asked about: the gateway knows it by its number.
WITH ended AS (
  UPDATE gateway_command SET state = 'failed', reason = 'restored', ended_us = :now_us
   WHERE state IN ('drafted', 'quarantined', 'approved', 'queued')
  RETURNING command_id, tenant_id)
INSERT INTO gateway_command_event (tenant_id, command_id, at_us, event, state, actor, detail)
SELECT tenant_id, command_id, :now_us, 'refuse', 'failed', 'platform', 'restored' FROM ended ORDER BY command_id

-- name: stop_batches
-- Batches under way: a person looks how far they came.
UPDATE command_batch SET state = 'stopped', reason = 'restored' WHERE state = 'running'

-- name: end_jobs
-- Long work: whether it was done is not known.
UPDATE job SET status = 'failed', error = :error, finished_at = now() WHERE status IN ('queued', 'running')

-- name: move_job_files
-- Files of jobs lie in another folder now; job and result name them by whole paths.
UPDATE job SET file_path = replace(file_path, :former::text, :folder::text),
               result = replace(result::text, :former::text, :folder::text)::jsonb
 WHERE starts_with(file_path, :former::text) OR strpos(result::text, :former::text) > 0

-- name: end_sessions
-- Sign-ins: one that was ended after the backup must not come back.
DELETE FROM session

-- name: forget_meter_changes
-- They count transactions of another database; who follows them reads everything at its start.
DELETE FROM identity_change

-- name: forget_terminal_changes
-- The same.
DELETE FROM terminal_change

-- name: tenants
-- All of the platform.
SELECT tenant_id FROM tenant ORDER BY tenant_id

-- name: record_restore
-- In the trail of a tenant, with what ended of its own.
INSERT INTO audit (tenant_id, actor, action, object_type, object_id, after)
VALUES (:tenant_id, 'system', 'restore_backup', 'platform', :backup_id, jsonb_build_object(
  'taken_at', to_timestamp(:taken_us::bigint / 1000000), 'epoch', :epoch::int,
  'commands_ended', (SELECT count(*) FROM command
                      WHERE tenant_id = :tenant_id AND reason = 'restored' AND ended_us = :now_us::bigint)
                 + (SELECT count(*) FROM gateway_command
                     WHERE tenant_id = :tenant_id AND reason = 'restored' AND ended_us = :now_us::bigint),
  'batches_stopped', (SELECT count(*) FROM command_batch
                       WHERE tenant_id = :tenant_id AND reason = 'restored' AND state = 'stopped'),
  'jobs_ended', (SELECT count(*) FROM job WHERE tenant_id = :tenant_id AND error = :error AND finished_at = now())))
