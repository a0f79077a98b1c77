-- SPDX-License-Identifier: Apache-2.0
-- Meters that come through a utility's MQTT broker, for edges (openmains_pipeline).

-- name: mqtt_devices
-- A utility's meters in use with a DevEUI, and those of these products, which speak by number.
SELECT m.meter_id, m.tenant_id, m.product_id, m.dev_eui, ''::text AS number
  FROM meter m WHERE m.dev_eui IS NOT NULL AND m.tenant_id = :tenant_id AND m.removed_on IS NULL
UNION ALL
SELECT m.meter_id, m.tenant_id, m.product_id, NULL, m.number
  FROM meter m
 WHERE m.product_id = ANY (:products::int[]) AND m.tenant_id = :tenant_id AND m.removed_on IS NULL AND m.dev_eui IS NULL

-- name: mqtt_devices_changed
-- What meters are now whose identity changed in these transactions, of whichever utility; one without an address says that it has none.
SELECT c.meter_id, coalesce(m.tenant_id, 0) AS tenant_id, coalesce(m.product_id, 0) AS product_id, m.dev_eui,
       CASE WHEN m.dev_eui IS NULL AND m.product_id = ANY (:products::int[]) THEN m.number ELSE '' END AS number
  FROM (SELECT DISTINCT i.meter_id FROM identity_change i WHERE i.xid >= :since::text::xid8 AND i.xid < :before::text::xid8) c
  LEFT JOIN meter m ON m.meter_id = c.meter_id AND m.removed_on IS NULL AND m.tenant_id = :tenant_id
