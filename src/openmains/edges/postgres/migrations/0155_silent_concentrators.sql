-- SPDX-License-Identifier: Apache-2.0
-- Concentrators and DTUs on the TCP edge that are silent (ADR 0069): looked at every two seconds, only those that are away.

CREATE INDEX concentrator_state_late ON concentrator_state (heard_us) WHERE NOT is_connected AND kind IN (2, 3);
