-- SPDX-License-Identifier: Apache-2.0
-- The first page counts what waits for a decision; two of these tables grow, what waits in them stays little.

CREATE INDEX ledger_act_waits ON ledger_act (tenant_id) WHERE state = 'pending';
-- What happened to a meter: its lines of the trail are found by their object, its alarms by the meter.
CREATE INDEX audit_object ON audit (tenant_id, object_type, object_id, audit_id DESC);
CREATE INDEX audit_at ON audit (tenant_id, at);
CREATE INDEX alarm_of_meter ON alarm (meter_id, alarm_id DESC);
CREATE INDEX command_batch_stopped ON command_batch (tenant_id) WHERE state = 'stopped';
