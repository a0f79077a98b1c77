-- SPDX-License-Identifier: Apache-2.0
-- Commands to gateways themselves (ADR 0075): for people, as role openmains_api, and below the line as role openmains_pipeline.

-- name: gateway
-- A gateway or concentrator, what it said of its parameters, and how many of its commands have no end yet.
SELECT c.number, coalesce(g.parameters, '{}') AS parameters, g.reported_us,
       (SELECT count(*) FROM gateway_command o WHERE o.concentrator_id = c.concentrator_id AND o.ended_us IS NULL) AS opened
  FROM concentrator c LEFT JOIN network_gateway g USING (concentrator_id)
 WHERE c.tenant_id = :tenant_id AND c.concentrator_id = :concentrator_id

-- name: draft
-- A command; no row: its key is taken.
INSERT INTO gateway_command (tenant_id, concentrator_id, kind, parameters, unique_key, state, note, created_by, given_by, created_us, not_after)
VALUES (:tenant_id, :concentrator_id, :kind, :parameters, :unique_key, 'drafted', :note, :created_by, :given_by, :now_us, :not_after)
ON CONFLICT (tenant_id, unique_key) DO NOTHING RETURNING command_id

-- name: by_key
-- The command that has a key.
SELECT command_id FROM gateway_command WHERE tenant_id = :tenant_id AND unique_key = :unique_key

-- name: lock
-- Its state, which nobody else moves meanwhile.
SELECT state FROM gateway_command WHERE tenant_id = :tenant_id AND command_id = :command_id FOR UPDATE

-- name: move
-- A person's act.
UPDATE gateway_command SET state = :state, reason = :reason, ended_us = :ended_us WHERE tenant_id = :tenant_id AND command_id = :command_id

-- name: note
-- A line of its history.
INSERT INTO gateway_command_event (tenant_id, command_id, at_us, event, state, actor, detail)
VALUES (:tenant_id, :command_id, :at_us, :event, :state, :actor, :detail)

-- name: commands
-- Of a utility; which of them is added (gateways.py).
SELECT g.command_id, g.concentrator_id, c.number AS gateway, g.kind, g.parameters, g.unique_key, g.state, g.reason, g.named, g.note, g.answer,
       g.attempts, g.created_by, g.given_by, g.created_us, g.not_after, g.sent_us, g.ended_us
  FROM gateway_command g JOIN concentrator c USING (concentrator_id)
 WHERE g.tenant_id = :tenant_id

-- name: history
-- Oldest first.
SELECT at_us, event, state, actor, detail FROM gateway_command_event
 WHERE tenant_id = :tenant_id AND command_id = :command_id ORDER BY event_id

-- name: locked_commands
-- All that have no end yet, and those to which gateways said something, also where they have ended: a late word is heard. Locked in order of their
-- numbers and all at once, so that two who move them wait for each other in one direction.
SELECT g.command_id, g.tenant_id, g.concentrator_id, c.number, g.state, g.kind, g.parameters, g.not_after, g.tried_us
  FROM gateway_command g JOIN concentrator c USING (concentrator_id)
 WHERE g.ended_us IS NULL OR g.command_id = ANY(:answered::bigint[])
 ORDER BY g.command_id FOR UPDATE OF g

-- name: step
-- What became of one. ``tries``: it is given to the gateway now.
UPDATE gateway_command
   SET state = :state, reason = :reason, named = :named, answer = coalesce(:answer, answer),
       attempts = attempts + :tries::boolean::int, tried_us = CASE WHEN :tries::boolean THEN :now_us ELSE tried_us END,
       sent_us = CASE WHEN :tries::boolean THEN coalesce(sent_us, :now_us) ELSE sent_us END,
       ended_us = CASE WHEN :ends::boolean THEN :now_us END
 WHERE command_id = :command_id
