-- SPDX-License-Identifier: Apache-2.0
-- Work orders that rules ask for (role openmains_pipeline).

-- name: tenants_with_asked
-- Utilities whose rules ask for orders of alarms that people were told of, with their zone.
SELECT DISTINCT o.tenant_id, t.zone FROM rule_order o JOIN tenant t USING (tenant_id) JOIN alarm a USING (alarm_id)
 WHERE o.state = 'wanted' AND ((a.told IN (1, 2, 3) AND a.mute_id IS NULL) OR a.cleared_us IS NOT NULL) ORDER BY o.tenant_id

-- name: asked_orders
-- Those that nobody else has at hand: of alarms that people were told of, or that are over.
SELECT o.alarm_id, o.rule_id, o.kind, r.name AS rule FROM rule_order o JOIN rule r USING (rule_id) JOIN alarm a USING (alarm_id)
 WHERE o.tenant_id = :tenant_id AND o.state = 'wanted' AND ((a.told IN (1, 2, 3) AND a.mute_id IS NULL) OR a.cleared_us IS NOT NULL)
 ORDER BY o.alarm_id LIMIT :most FOR UPDATE OF o SKIP LOCKED

-- name: decide_asked
-- What became of one.
UPDATE rule_order SET state = :state, order_id = :order_id, said = :said WHERE tenant_id = :tenant_id AND alarm_id = :alarm_id AND state = 'wanted'
