-- SPDX-License-Identifier: Apache-2.0
-- What the demo utility asks the registry, and its own mark: up to which day it has a history.

-- name: meters_in_use
-- Who the emulated meters are.
SELECT m.number, m.meter_id, m.tenant_id, m.product_id, p.driver
  FROM meter m JOIN product p USING (product_id)
 WHERE m.tenant_id = :tenant_id AND m.removed_on IS NULL

-- name: history_mark
-- The last day that was handed to the pipeline; no row at the first start.
SELECT result FROM job WHERE tenant_id = :tenant_id AND kind = 'demo_history'

-- name: mark_history
-- The same, written.
INSERT INTO job (tenant_id, kind, status, unique_key, result)
VALUES (:tenant_id, 'demo_history', 'done', 'demo_history', :mark)
ON CONFLICT (tenant_id, unique_key) DO UPDATE SET result = excluded.result
