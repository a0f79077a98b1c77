-- SPDX-License-Identifier: Apache-2.0
-- Work orders sorted by their heading: when they are due, those that stand as the last, and how grave they are, the gravest first. The list is
-- mostly asked for what has not ended, of which there are few among all that ever were: these have indexes of their own, as the same order
-- walked over all would pass over every order that has ended (ADR 0074).
CREATE INDEX work_order_standing ON work_order (tenant_id, order_id) WHERE ended_us IS NULL;
CREATE INDEX work_order_due ON work_order (tenant_id, (coalesce(due_us, 9223372036854775807)), order_id);
CREATE INDEX work_order_due_open ON work_order (tenant_id, (coalesce(due_us, 9223372036854775807)), order_id) WHERE ended_us IS NULL;
CREATE INDEX work_order_grave ON work_order (tenant_id, (array_position('{critical,major,minor,info}'::text[], severity)), order_id);
CREATE INDEX work_order_grave_open ON work_order (tenant_id, (array_position('{critical,major,minor,info}'::text[], severity)), order_id)
  WHERE ended_us IS NULL;
