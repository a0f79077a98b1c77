-- SPDX-License-Identifier: Apache-2.0
-- Open alarms sorted by their heading: by when they came, from either end, and by how grave they are. The oldest of what is open lies behind every
-- alarm that ever was, so that the index over what is open holds the order too. Cleared ones are sorted by time alone: an index by grade over all
-- would be paid for by each alarm that the pipeline raises, and nobody works through what is over by grade (ADR 0074).
DROP INDEX alarm_standing;
CREATE INDEX alarm_standing ON alarm (tenant_id, alarm_id) WHERE cleared_us IS NULL;
CREATE INDEX alarm_grave ON alarm (tenant_id, (array_position('{critical,major,minor,info}'::text[], severity)), alarm_id) WHERE cleared_us IS NULL;
