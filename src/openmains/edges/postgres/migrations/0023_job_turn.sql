-- SPDX-License-Identifier: Apache-2.0
-- Tenants take turns in the queue of long work: when each was last served is asked at every claim.
CREATE INDEX job_turn ON job (tenant_id, started_at);
